use std::path::Path;

use proptest::prelude::*;

use super::{JudgedFile, found, read_in_pieces, read_whole};

const EXAMPLE: &str = include_str!("../../../watchlist.example.toml");

/// What is found in the file, read in pieces and read whole.
fn both(text: &str) -> (Option<JudgedFile>, JudgedFile) {
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

const EMAIL: &str =
    "[email]\nsmtp = \"smtps://a%40b.cn@smtp.b.cn\"\nfrom = \"a@b.cn\"\noperators = [\"a@b.cn\"]\n";

/// Key and number of further places of each fault.
fn faults(text: &str) -> Vec<(String, usize)> {
    super::judge(text, Path::new("watchlist.toml"))
        .faults
        .into_iter()
        .map(|fault| (fault.key, fault.more))
        .collect()
}

/// Five hundred entries with these further lines.
fn entries(lines: &str) -> String {
    (0..500).fold(String::new(), |text, n| text + &format!("[[company]]\nkeyword = \"公司{n}\"\n{lines}"))
}

#[test]
fn one_slip_is_one_fault_however_often_it_stands_there() {
    let told = format!("{EMAIL}to = [\"a@b.cn\"]\n");
    for (text, expected, why) in [
        (format!("{told}{}", entries("too = [\"x@y.cn\"]\n")), &[("company.too", 499)][..], "a misspelt key"),
        (
            format!("{EMAIL}{}", entries("too = [\"x@y.cn\"]\n")),
            &[("company.too", 499)],
            "on which readers depend",
        ),
        (format!("{EMAIL}{}", entries("")), &[("company.to", 499)], "nobody is told of any"),
        (
            format!("{EMAIL}tp = [\"a@b.cn\"]\n{}", entries("")),
            &[("email.tp", 0)],
            "the readers of all are misspelt",
        ),
        (format!("{EMAIL}to = \"a@b.cn\"\n{}", entries("")), &[("email.to", 0)], "no list"),
        (format!("{EMAIL}to = [\"a.cn\"]\n{}", entries("")), &[("email.to", 0)], "a bad address"),
        (format!("{EMAIL}{}", entries("to = [\"a.cn\"]\n")), &[("company.to", 499)], "in each entry"),
        (
            format!("{told}{}", entries("expiry_days = [\"90d\", \"60d\"]\n")),
            &[("company.expiry_days", 999)],
            "twice in each",
        ),
        (told.replace("[email]", "[emial]") + &entries(""), &[("emial", 0)], "a misspelt table"),
        (
            told.replace("operators", "operater") + &entries(""),
            &[("email.operater", 0)],
            "a key that must be there",
        ),
        (
            told.clone() + &entries("").replace("[[company]]", "[[compny]]"),
            &[("compny", 0)],
            "the entries' own name",
        ),
        (
            told.clone() + &entries("").replace("keyword", "keywrd"),
            &[("company.keywrd", 499)],
            "the key of keys",
        ),
        (format!("email = \"a@b.cn\"\n{}", entries("")), &[("email", 0)], "no table"),
        (
            format!("{told}{}", entries("too = []\ncheck = \"61 * * * *\"\n")),
            &[("company.too", 499), ("company.check", 499)],
            "two slips are two",
        ),
    ] {
        let expected: Vec<_> = expected.iter().map(|(key, more)| ((*key).to_owned(), *more)).collect();
        assert_eq!(faults(&text), expected, "{why}");
    }
}

#[test]
fn what_is_hardly_meant_is_warned_of_once() {
    let email = |smtp: &str| EMAIL.replace("smtps://a%40b.cn@smtp.b.cn", smtp) + "to = [\"a@b.cn\"]\n";
    let plain = email("smtps://a%40b.cn@smtp.b.cn");
    let named = "[[company]]\nkeyword = \"91350200776049653A\"\nname = \"甲\"\n";
    let coded = "[[company]]\nkeyword = \"91350200776049653A\"\n[[company]]\nkeyword = \"3355627294\"\n[[company]]\nkeyword = \"乙公司\"\n";
    for (text, key, said, more, why) in [
        (format!("{plain}{named}"), "", "", 0, "a code with its name"),
        (format!("{plain}{coded}"), "company.keyword", "give it a `name`", 1, "codes without names"),
        (
            email("smtps://a@smtp.b.cn:587") + named,
            "email.smtp",
            "smtp://…:587?tls=required",
            0,
            "TLS on 587",
        ),
        (email("smtps://a@smtp.b.cn:25") + named, "email.smtp", "smtp://…:25?tls=required", 0, "TLS on 25"),
        (email("smtp://a@smtp.b.cn:465") + named, "email.smtp", "smtps:// is meant", 0, "STARTTLS on 465"),
        (email("smtp://a@smtp.163.com:994") + named, "email.smtp", "smtps:// is meant", 0, "STARTTLS on 994"),
        (email("smtp://a@smtp.b.cn:587") + named, "", "", 0, "STARTTLS on 587"),
        (email("smtps://a@smtp.b.cn:2465") + named, "", "", 0, "a port of one's own"),
        (
            plain.replace("a@b.cn", "a@example.com") + named,
            "email.from",
            "(`from`, `to`, `operators`)",
            0,
            "the example's",
        ),
        (email("smtps://smtp.example.com") + named, "email.smtp", "(`smtp`)", 0, "its server"),
        (plain.replace("a@b.cn", "a@example.com.cn") + named, "", "", 0, "another domain"),
        (plain.replace("a@b.cn", "a@myexample.com") + named, "", "", 0, "another one"),
        (
            format!(
                "[api]\nurl = \"http://127.0.0.1:1/\"\n{}{named}",
                plain.replace("a@b.cn", "a@example.com")
            ),
            "",
            "",
            0,
            "a sandbox",
        ),
        (
            format!("[api]\nurl = \"http://v.juhe.cn/opens/App/bqQualification/query\"\n{plain}{named}"),
            "api.url",
            "the key and every answer travel in the clear",
            0,
            "the documented address",
        ),
    ] {
        let judgement = super::judge(&text, Path::new("watchlist.toml"));
        assert_eq!(judgement.faults, [], "{why}");
        match judgement.warnings.as_slice() {
            [] => assert_eq!(said, "", "{why}"),
            [warning] => {
                assert_eq!((warning.key.as_str(), warning.more), (key, more), "{why}");
                assert!(warning.message.contains(said) && !said.is_empty(), "{why}: {}", warning.message);
            }
            more => panic!("{why}: {more:?}"),
        }
    }
}

#[test]
fn a_duration_without_a_unit_is_asked_for_it() {
    for (line, said, perhaps, why) in [
        ("[api]\ntimeout = 20", "is a duration with its unit", Some("\"20s\""), "a number"),
        ("[api]\nip_backoff = \"1\"", "`1` has no unit: ms, s, m, h, d or y?", Some("\"1h\""), "in quotes"),
        ("[alerts]\nstale_after = \"7\"", "`7` has no unit", Some("\"7d\""), "days are meant"),
        ("[alerts]\nstale_after = 7.5", "is a duration with its unit", None, "half a day has no form"),
        ("[alerts]\nconfirm_after = \"20 hours\"", "is no duration", Some("\"20h\""), "a word"),
        ("[alerts]\nstale_after = \"7天\"", "is no duration", Some("\"7d\""), "a Chinese one"),
        ("[api]\ntimeout = \"20S\"", "is no duration", Some("\"20s\""), "large"),
    ] {
        let text = format!("{line}\n{EMAIL}to = [\"a@b.cn\"]\n[[company]]\nkeyword = \"甲\"\n");
        let found = super::judge(&text, Path::new("watchlist.toml")).faults;
        let [fault] = found.as_slice() else { panic!("{why}: {found:?}") };
        assert!(fault.message.contains(said), "{why}: {}", fault.message);
        assert_eq!(fault.suggestion.as_deref(), perhaps, "{why}");
    }
}

#[test]
fn what_nobody_sees_is_refused_by_its_name() {
    let file = |from: &str, to: &str, entry: &str| {
        format!(
            "[email]\nsmtp = \"smtps://smtp.b.cn\"\nfrom = \"{from}\"\nto = [\"{to}\"]\noperators = [\"o@b.cn\"]\n{entry}"
        )
    };
    let entry = |keyword: &str| format!("[[company]]\nkeyword = \"{keyword}\"\n");
    let company = entry("甲公司");
    for (text, key, code, why) in [
        (file("a@b.cn", "r@b.cn", &company), "", "", "nothing of the kind"),
        (
            file("a@b.cn", "r@b.cn", &entry("甲\u{200b}公司")),
            "company.keyword",
            "U+200B",
            "a blank of no width",
        ),
        (
            file("a@b.cn", "r@b.cn", &entry("\u{feff}甲公司")),
            "company.keyword",
            "U+FEFF",
            "a byte order mark",
        ),
        (file("a@b.cn", "r@b.cn", &entry("甲\u{ad}公司")), "company.keyword", "U+00AD", "a soft hyphen"),
        (file("a@b.cn", "r@b.cn", &entry("甲\u{202e}公司")), "company.keyword", "U+202E", "turned round"),
        (file("a@b.cn", "r@b.cn", &entry("甲\u{3164}公司")), "company.keyword", "U+3164", "a filler"),
        (
            file("a@b.cn", "r@b.cn", &(company.clone() + "name = \"甲\u{2060}\"\n")),
            "company.name",
            "U+2060",
            "a name",
        ),
        (
            file("a@b.cn", "r@b.cn", &(company.clone() + "tags = [\"分\u{200d}包\"]\n")),
            "company.tags",
            "U+200D",
            "a tag",
        ),
        (file("a@b.cn", "r\u{200b}@b.cn", &company), "email.to", "U+200B", "an address"),
        (file("监控\u{200e} <a@b.cn>", "r@b.cn", &company), "email.from", "U+200E", "the name of the sender"),
    ] {
        let found = crate::config::judge(&text, "watchlist.toml".as_ref()).faults;
        let told: Vec<String> =
            found.iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect();
        assert_eq!(told.is_empty(), key.is_empty(), "{why}: {told:?}");
        assert!(told.iter().all(|told| told.starts_with(key) && told.contains(code)), "{why}: {told:?}");
    }
}

#[test]
fn a_host_in_other_letters_is_kept_as_it_is_looked_up() {
    for (written, host, why) in [
        ("smtps://邮件.例子.中国", "xn--5nq051n.xn--fsqu00a.xn--fiqs8s", "Chinese"),
        ("smtps://a%40b.cn@bücher.example:465", "xn--bcher-kva.example", "German, with login and port"),
        ("smtps://%E4%BE%8B%E5%AD%90.cn", "xn--fsqu00a.cn", "as a browser copies it"),
        ("smtps://xn--fsqu00a.cn", "xn--fsqu00a.cn", "already"),
        ("smtps://smtp.b.cn", "smtp.b.cn", "plain"),
    ] {
        let read = crate::config::smtp::SmtpServer::parse(written).map(|server| server.host);
        assert_eq!(read.ok().as_deref(), Some(host), "{why}");
    }
    let address = |text: &str| text.parse::<crate::config::EmailAddress>().map(|address| address.to_string());
    assert_eq!(address("张@例子.中国").ok(), None, "no server is sure to take such a name");
    assert_eq!(address("zhang@例子.中国").unwrap(), "zhang@xn--fsqu00a.xn--fiqs8s");
    let database = |text: &str| crate::config::DatabaseUrl::parse(text).map(|url| url.place());
    assert_eq!(database("postgres://q@数据.例子.cn/q").unwrap(), "postgres://xn--vxup8b.xn--fsqu00a.cn/q");
    assert_eq!(database("postgres://q@%2Frun%2Fpostgresql/q").unwrap(), "postgres://%2Frun%2Fpostgresql/q");
}
