use std::path::Path;

use proptest::prelude::*;

use super::{Judgement, found, read_in_pieces, read_whole};

const EXAMPLE: &str = include_str!("../../../watchlist.example.toml");

/// What is found in the file, read in pieces and read whole.
fn both(text: &str) -> (Option<Judgement>, Judgement) {
    let folder = Path::new("/nowhere");
    (read_in_pieces(text, folder).map(found), found(read_whole(text, folder)))
}

/// The settings of the example with other entries.
fn with_entries(entries: &str) -> String {
    let (settings, _) = EXAMPLE.split_once("\n[[company]]").unwrap();
    format!("{settings}\n{entries}")
}

#[test]
fn a_file_read_in_pieces_is_what_it_is_when_read_whole() {
    let many =
        (0..500).fold(String::new(), |text, n| text + &format!("[[company]]\nkeyword = \"公司{n}\"\n"));
    // So long that the next header is where the file is cut.
    let long = " ".repeat(2_000);
    for (entries, is_cut, why) in [
        (many.as_str(), true, "several pieces"),
        (&many.replace("公司499", "公司3"), true, "twice, in two pieces"),
        (
            &many.replace("公司450\"", "公司450\"\ntoo = []\nto = [\"ops\"]\nid = \"5d43\""),
            true,
            "faults of values",
        ),
        (&many.replace("公司450\"", "公司450\"\nto = [\"a@b.cn\", \"A@b.cn\"]"), true, "a warning"),
        (&many.replace("公司450\"", "91350203M0001QAY9B\""), true, "a warning of the keyword"),
        (&many.replace("公司450\"", "公司450\"\n[company.sub]\nkey = 1"), true, "a table of an entry"),
        (
            &many.replace("公司450\"", "公司450\"\n[[ company ]]\nkeyword = \"又一\""),
            true,
            "a header with blanks",
        ),
        (&many.replace("公司450\"", "公司450\"\r"), true, "another line break"),
        (&format!("{many}[heartbeat]\nurl = \"https://a.cn\"\n"), false, "settings behind the entries"),
        (&format!("{many}[api]\ntimeout = \"1s\"\n"), false, "a table that stands before them, too"),
        (&format!("[[ company ]]\nkeyword = \"甲\"\n{many}"), false, "an entry before the first cut"),
        (&format!("company = []\n{many}"), true, "an unknown key of the section before"),
        (&many.replace("公司450\"", "公司450"), false, "a text without an end"),
        (
            &many.replace("\"公司450\"", &format!("\"\"\"{long}\n[[company]]\n\"\"\"")),
            false,
            "a header within a text",
        ),
        (
            &many.replace("\"公司450\"", &format!("'''{long}\n[[company]]\nkeyword = '''")),
            false,
            "within another",
        ),
        (
            &many.replace("公司450\"", "公司450\"\ntags = [\n[[company]]\n]"),
            false,
            "a list that looks like a header",
        ),
        (&many.replace("公司450\"", "公司450\"\nkeyword = \"乙\""), false, "a key twice"),
        (
            &many.replace("[[company]]\nkeyword = \"公司450\"", "[company]\nkeyword = \"公司450\""),
            false,
            "a table",
        ),
        ("", false, "nothing to cut"),
    ] {
        let (cut, whole) = both(&with_entries(entries));
        assert_eq!(cut.is_some(), is_cut, "{why}");
        if let Some(cut) = cut {
            assert_eq!(cut, whole, "{why}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_read_in_pieces_is_the_same_when_read_whole(
        lines in prop::collection::vec(prop::sample::select(vec![
            "[[company]]", "[[company]] # 1", "[[company]]x", " [[company]]", "[company]", "[company.a]", "[api]",
            "keyword = \"甲\"", "keyword = '乙'", "keyword = \"\"\"", "keyword = '''", "\"\"\"", "'''", "tags = [", "]",
            "tags = [\"a\", \"b\"]", "tags = { a = [", "]}", "to = [\"a@b.cn\"]", "to = [\"\"]", "expiry_days = [1, 1]",
            "check = \"@daily\"", "a.b = 1", "nme = \"c\"", "# \"\"\"", "\\", "", "\r", "\u{feff}",
        ]), 0..40),
        filling in prop::collection::vec(0..1_500_usize, 40),
    ) {
        let padded = lines.iter().zip(filling).map(|(line, blanks)| format!("{line}{}\n", " ".repeat(blanks)));
        let (cut, whole) = both(&with_entries(&padded.collect::<String>()));
        if let Some(cut) = cut {
            prop_assert_eq!(cut, whole);
        }
    }
}
