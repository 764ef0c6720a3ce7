use std::path::Path;

use super::mend;
use crate::config::{Fault, judge};

const SETTINGS: &str = "[email]\nsmtp = \"smtp://127.0.0.1:25\"\nfrom = \"a@b.cn\"\nto = [\"a@b.cn\"]\noperators = [\"a@b.cn\"]\n";

fn faults(text: &str) -> Vec<Fault> {
    judge(text, Path::new("watchlist.toml")).faults
}

#[test]
fn what_an_input_method_left_is_called_by_name_with_the_right_character() {
    for (line, said, column, why) in [
        ("keyword ＝ \"甲\"", "equals sign `＝` means nothing here, write `=`", 9, "＝"),
        ("keyword：\"甲\"", "full-width colon `：` means nothing here, write `=`", 8, "：, as in a form"),
        ("keyword: \"甲\"", "colon `:` means nothing here, write `=`", 8, "as in YAML"),
        ("keyword = “甲”", "quotation marks `“` and `”` mean nothing here, write `\"`", 11, "“ ”"),
        ("keyword = \"甲”", "quotation mark `”` means nothing here, write `\"`", 13, "changed on the way"),
        ("keyword = “甲\"", "quotation mark `“` means nothing here, write `\"`", 11, "the other way round"),
        ("keyword = ”甲”", "quotation mark `”` means nothing here, write `\"`", 11, "twice the same"),
        ("keyword = ‘甲’", "single quotation marks `‘` and `’` mean nothing here, write `'`", 11, "‘ ’"),
        ("tags = [\"甲\"，\"乙\"]", "full-width comma `，` means nothing here, write `,`", 12, "，"),
        ("tags = [\"甲”, \"乙\"]", "quotation mark `”` means nothing here, write `\"`", 11, "within a list"),
        (
            "tags = ［\"甲\"］",
            "opening bracket `［` means nothing here, write `[`; the full-width closing",
            8,
            "［ ］",
        ),
        (
            "tags = 【\"甲\"】",
            "opening bracket `【` means nothing here, write `[`; the full-width closing",
            8,
            "【 】",
        ),
        ("expiry_days = [３0, 7]", "full-width character `３` means nothing here, write `3`", 16, "a digit"),
        ("expiry_days =　[30]", "full-width blank `\u{3000}` means nothing here, write ` `", 14, "a blank"),
        ("keyword = \"甲\" ＃ 乙", "number sign `＃` means nothing here, write `#`", 15, "a remark"),
    ] {
        let keyword = if line.starts_with("keyword") { "" } else { "keyword = \"甲\"\n" };
        let found = faults(&format!("{SETTINGS}[[company]]\n{line}\n{keyword}"));
        let [fault] = found.as_slice() else { panic!("{why}: one slip, one fault: {found:#?}") };
        assert!(fault.message.contains(said), "{why}: {}", fault.message);
        assert_eq!((fault.line, fault.column), (7, column), "{why}");
    }
}

#[test]
fn headers_with_the_wrong_brackets_are_put_right() {
    let two = "keyword = \"甲\"\n[company]\nkeyword = \"乙\"\n";
    for (text, line, perhaps, more, why) in [
        (format!("{SETTINGS}[company]\nkeyword = \"甲\"\n"), 6, "[[company]]", 0, "alone"),
        (format!("{SETTINGS}[company]\n{two}"), 6, "[[company]]", 1, "each of them: one slip"),
        (format!("{SETTINGS}[[company]]\n{two}"), 8, "[[company]]", 0, "one of them"),
        (format!("{SETTINGS}[[company]\nkeyword = \"甲\"\n"), 6, "[[company]]", 0, "one bracket lost"),
        (
            format!("[{}[[company]]\nkeyword = \"甲\"\n", SETTINGS.replacen("email]", "email]]", 1)),
            1,
            "[email]",
            0,
            "a table is no list",
        ),
        (format!("[[api]] # the key\n{SETTINGS}[[company]]\nkeyword = \"甲\"\n"), 1, "[api]", 0, "nor this"),
    ] {
        let found = faults(&text);
        let [fault] = found.as_slice() else { panic!("{why}: {found:#?}") };
        assert_eq!(
            (fault.line, fault.suggestion.as_deref(), fault.more),
            (line, Some(perhaps), more),
            "{why}"
        );
    }
    let found = faults(&format!("{SETTINGS}［［company］］\nkeyword = \"甲\"\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("`［`"), "{}", found[0].message);
}

#[test]
fn all_other_faults_are_found_in_the_same_reading_at_their_places() {
    let text = format!(
        "language ＝ “cn”\n{SETTINGS}[[company]]\nkeyword：“甲” # “remark”\ntimeout = 3\nid = \"5d43\"\n"
    );
    let found: Vec<_> =
        faults(&text).into_iter().map(|fault| (fault.line, fault.column, fault.key)).collect();
    let expected =
        [(1, 10, ""), (1, 12, "language"), (8, 8, ""), (9, 1, "company.timeout"), (10, 6, "company.id")];
    assert_eq!(found, expected.map(|(line, column, key)| (line, column, key.to_owned())));
}

#[test]
fn what_stands_in_a_text_or_a_remark_stays() {
    for (line, why) in [
        ("name = \"甲（乙），“丙”：丁＝戊［己］\"", "in a name"),
        ("name = \"“甲”, 乙\" # ＃ “己”", "a quotation that could end a text"),
        ("name = '甲”'", "in a literal text"),
        ("name = \"a \\\"b\\\" ”\"", "escaped"),
        ("tags = [\n \"“甲”\", # ，\n \"乙\"\n]", "over several lines"),
        ("name = \"\"\"甲”,\"\"\"", "in a text of several lines"),
    ] {
        let text = format!("{SETTINGS}[[company]]\nkeyword = \"甲\"\n{line}\n");
        assert_eq!(faults(&text), [], "{why}");
        assert!(mend(&text).is_none(), "{why}");
    }
    assert!(
        mend("[x]\na = \"\"\"\n[company]\nb ＝ “c”\n\"\"\"\n").is_none(),
        "within a text of several lines"
    );
}

#[test]
fn a_file_typed_throughout_with_an_input_method_has_few_faults() {
    let entries =
        (0..500).fold(String::new(), |text, n| text + &format!("［［company］］\nkeyword ＝ “公司{n}”\n"));
    let found = faults(&format!("{SETTINGS}{entries}"));
    let more: Vec<usize> = found.iter().map(|fault| fault.more).collect();
    assert_eq!(more, [499, 499], "{found:#?}");
    assert!(
        found[1].message.ends_with("(and the same in 499 more places: lines 9, 11, 13, 15, …)"),
        "{}",
        found[1].message
    );
}
