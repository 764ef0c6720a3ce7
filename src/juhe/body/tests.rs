use proptest::prelude::*;

use super::*;

fn page_of(body: &str) -> AnswerPage {
    match read(body.as_bytes()) {
        Ok(Said::Page(page)) => page,
        other => panic!("{body} gave {other:?}"),
    }
}

/// The number of items and the total.
fn counted(result: &str) -> (Option<u64>, usize) {
    let page = page_of(&format!(r#"{{"error_code":0,"result":{result}}}"#));
    (page.total, page.items.len())
}

#[test]
fn the_documents_example_is_read_whole() {
    let page = page_of(include_str!("../../../tests/it/fixtures/success.json"));
    assert_eq!((page.total, page.items.len()), (Some(5), 5));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        page.items[4],
        Item {
            organ: text("河南省住房和城乡建设厅"),
            effective_time: text("2020-08-26"),
            business_id: text("5d43a8f092aec74cbf04a163-B241002517"),
            issuing_certificate_time: text("2015-08-26"),
            kind: text("勘察资质"),
            certificate_num: text("B241002517"),
            qualification_name: text("工程勘察工程钻探劳务"),
        }
    );
}

#[test]
fn error_code_and_total_come_as_numbers_or_text() {
    for code in ["0", "\"0\"", "\" 0 \"", "0.0", "-0"] {
        let body = format!(r#"{{"error_code":{code},"result":{{"total":"0","items":[]}}}}"#);
        assert_eq!(page_of(&body).total, Some(0), "{code}");
    }
    for (total, expected) in [
        ("45", Some(45)),
        ("\"45\"", Some(45)),
        ("\"45 \"", Some(45)),
        ("45.0", Some(45)),
        ("1e3", Some(1000)),
        ("45.5", None),
        ("-1", None),
        ("\"\"", None),
        ("\"四十五\"", None),
        ("null", None),
        ("[45]", None),
        ("true", None),
        ("1e300", None),
    ] {
        assert_eq!(counted(&format!(r#"{{"total":{total},"items":[]}}"#)).0, expected, "{total}");
    }
    assert_eq!(
        read(
            r#"{"resultcode":"112","reason":"超过每日可允许请求次数!","result":null,"error_code":"10012"}"#
                .as_bytes()
        ),
        Ok(Said::Error { code: 10012, reason: "超过每日可允许请求次数!".into() })
    );
}

#[test]
fn nothing_comes_in_several_shapes_and_is_empty_only_with_a_total_of_0() {
    for (result, expected, why) in [
        ("null", (None, 0), "no total: the domain calls it incomplete"),
        ("\"\"", (None, 0), "PHP's empty text"),
        ("[]", (None, 0), "PHP's empty array"),
        ("{}", (None, 0), "an empty object"),
        (r#"{"total":0,"items":[]}"#, (Some(0), 0), "empty"),
        (r#"{"total":0,"items":null}"#, (Some(0), 0), "empty"),
        (r#"{"total":0,"items":""}"#, (Some(0), 0), "empty"),
        (r#"{"total":0,"items":{}}"#, (Some(0), 0), "empty"),
        (r#"{"total":0}"#, (Some(0), 0), "empty"),
        (r#"{"total":2,"items":{"10":{"organ":"b"},"9":{"organ":"a"}}}"#, (Some(2), 2), "a list with gaps"),
        (r#"{"total":1,"items":{"organ":"a"}}"#, (Some(1), 1), "one item alone"),
        (r#"{"total":1,"items":[{}]}"#, (Some(1), 1), "an item without fields is one"),
    ] {
        assert_eq!(counted(result), expected, "{result}: {why}");
    }
    assert_eq!(page_of(r#"{"error_code":0}"#), AnswerPage::default());
    let gaps = page_of(r#"{"error_code":0,"result":{"items":{"10":{"organ":"b"},"9":{"organ":"a"}}}}"#);
    assert_eq!(gaps.items[0].organ.as_deref(), Some("a"), "in the order of their numbers");
}

#[test]
fn values_of_an_item_become_text() {
    for (value, expected) in [
        (r#""A141002510""#, Some("A141002510")),
        ("141002510", Some("141002510")),
        ("1724342400000", Some("1724342400000")),
        ("18446744073709551615", Some("18446744073709551615")),
        ("-1.5", Some("-1.5")),
        ("null", None),
        (r#""""#, Some("")),
        (r#"" 甲级\n""#, Some(" 甲级\n")),
        (r#""a\u0000b""#, Some("ab")),
        ("[]", None),
        ("{}", None),
        ("false", Some("false")),
        (r#"["a"]"#, Some(r#"["a"]"#)),
    ] {
        let body = format!(r#"{{"error_code":0,"result":{{"items":[{{"certificateNum":{value}}}]}}}}"#);
        assert_eq!(page_of(&body).items[0].certificate_num.as_deref(), expected, "{value}");
    }
}

#[test]
fn what_is_not_understood_is_unreadable_and_never_empty() {
    let many = format!(r#"{{"error_code":0,"result":{{"items":[{}{{}}]}}}}"#, "{},".repeat(1000));
    for (body, expected) in [
        ("", "an empty body"),
        ("<html>", "a web page instead of JSON"),
        ("[]", "JSON, but no object"),
        ("0", "JSON, but no object"),
        ("{}", "no error_code"),
        (r#"{"error_code":null,"result":{"total":0,"items":[]}}"#, "no error_code"),
        (r#"{"result":{"total":0,"items":[]}}"#, "no error_code"),
        (r#"{"resultcode":"200","result":{"total":0,"items":[]}}"#, "no error_code; resultcode 200"),
        (r#"{"resultcode":"112","result":null}"#, "no error_code; resultcode 112, 请求超过次数限制"),
        (r#"{"error_code":""}"#, "an error_code that is no number"),
        (r#"{"error_code":false}"#, "an error_code that is no number"),
        (r#"{"error_code":0.5}"#, "an error_code that is no number"),
        (r#"{"error_code":0,"result":"0123456789abcdef"}"#, "a result that is no object"),
        (r#"{"error_code":0,"result":[{"organ":"a"}]}"#, "a result that is no object"),
        (r#"{"error_code":0,"result":{"total":0,"items":"none"}}"#, "items that are no list"),
        (r#"{"error_code":0,"result":{"total":0,"items":{"a":1}}}"#, "items that are no list"),
        (&many, "1001 items in one answer"),
    ] {
        assert_eq!(read(body.as_bytes()), Err(expected.to_owned()), "{}", &body[..body.len().min(60)]);
    }
}

#[test]
fn a_text_in_another_encoding_spoils_names_but_not_codes() {
    let error = b"{\"reason\":\"\xb4\xed\xce\xf3\",\"result\":null,\"error_code\":10001}";
    assert!(matches!(read(error), Ok(Said::Error { code: 10001, .. })));
    let page = b"{\"result\":{\"total\":1,\"items\":[{\"organ\":\"\xb4\xed\"}]},\"error_code\":0}";
    assert_eq!(read(page), Err("names that are not UTF-8".to_owned()));
}

#[test]
fn an_error_may_have_any_result_and_any_reason() {
    for (rest, reason) in [
        (r#""result":"0123456789abcdef0123456789abcdef","reason":"超过次数限制""#, "超过次数限制"),
        (r#""result":[],"reason":null"#, ""),
        (r#""result":"""#, ""),
        (r#""reason":["a","b"]"#, r#"["a","b"]"#),
    ] {
        let body = format!("{{{rest},\"error_code\":265001}}");
        assert_eq!(read(body.as_bytes()), Ok(Said::Error { code: 265_001, reason: reason.into() }), "{body}");
    }
}

const SUCCESS: &str = include_str!("../../../tests/it/fixtures/success.json");

#[test]
fn an_ordinary_answer_is_read_the_short_way() {
    let escaped = SUCCESS.chars().fold(String::new(), |text, letter| match letter {
        ' '..='~' | '\n' => text + letter.encode_utf8(&mut [0; 4]),
        _ => format!("{text}\\u{:04x}", u32::from(letter)),
    });
    let other = r#"{"reason":"success","resultcode":"200","more":-1.5,"result":{"total":1,"pageNum":1,
        "items":[{"organ":null,"type":"a","more":[true]}]},"error_code":0}"#;
    for body in [SUCCESS, &escaped, other, r#"{"error_code":0,"result":{"total":0,"items":[]}}"#] {
        let page = fast_path::read(body.as_bytes()).unwrap_or_else(|| panic!("unusual: {body}"));
        assert_eq!(read_leniently(body.as_bytes()), Ok(Said::Page(page)), "{body}");
    }
}

#[test]
fn whatever_is_unusual_is_left_to_the_lenient_reading() {
    let gbk = b"{\"error_code\":0,\"reason\":\"\xb2\xe9\",\"result\":{\"total\":1,\"items\":[{}]}}";
    assert_eq!(fast_path::read(gbk), None, "another encoding, in a field that nobody reads");
    let many = format!(r#"{{"error_code":0,"result":{{"total":0,"items":[{}{{}}]}}}}"#, "{},".repeat(20_000));
    for (body, why) in [
        (r#"{"error_code":"0","result":{"total":0,"items":[]}}"#, "a code as text"),
        (r#"{"error_code":10012,"result":{"total":0,"items":[]}}"#, "another code"),
        (r#"{"result":{"total":0,"items":[]}}"#, "no code"),
        (r#"{"error_code":0,"result":{"total":"0","items":[]}}"#, "a total as text"),
        (r#"{"error_code":0,"result":{"total":18446744073709551615,"items":[]}}"#, "a total past belief"),
        (r#"{"error_code":0,"result":{"items":[]}}"#, "no total"),
        (r#"{"error_code":0,"result":{"total":0}}"#, "no items"),
        (r#"{"error_code":0,"result":[0,[]]}"#, "a list in place of an object"),
        (r#"[0,{"total":0,"items":[]}]"#, "a list in place of an object"),
        (r#"{"error_code":0,"result":{"total":1,"items":[["organ"]]}}"#, "a list in place of an object"),
        (r#"{"error_code":0,"result":{"total":1,"items":{"0":{}}}}"#, "an object in place of a list"),
        (r#"{"error_code":0,"result":{"total":1,"items":[{"organ":1.50}]}}"#, "a fraction"),
        (r#"{"error_code":0,"result":{"total":1,"items":[{"organ":"a\u0000"}]}}"#, "a NUL"),
        (r#"{"error\u0000_code":0,"result":{"total":0,"items":[]}}"#, "a NUL in a name"),
        (r#"{"error_code":0,"result":{"total":1,"items":[{"organ":1}]}}"#, "a number"),
        (r#"{"error_code":0,"result":{"total":1,"items":[{"organ":"a","organ":"b"}]}}"#, "a field twice"),
        ("\u{feff}{\"error_code\":0,\"result\":{\"total\":0,\"items\":[]}}", "a byte order mark"),
        (r#"{"error_code":0,"result":{"total":0,"items":[]}} x"#, "text behind"),
        (&many, "more values than an answer can hold"),
    ] {
        assert_eq!(fast_path::read(body.as_bytes()), None, "{why}: {}", &body[..body.len().min(80)]);
    }
}

/// A value as it may stand in an answer, now and then an odd one.
fn value() -> impl Strategy<Value = String> {
    const ODD: [&str; 24] = [
        r#""""#,
        r#""\n\/""#,
        r#""\u7532\ud83d\ude00""#,
        r#""\u0000""#,
        r#""\ud83d""#,
        r#""\x""#,
        "\"\n\"",
        "\"\0\"",
        "null",
        "true",
        "0",
        "-0",
        "-7",
        "1.50",
        "1e3",
        "1e999",
        "18446744073709551615",
        "18446744073709551616",
        "007",
        "[]",
        "{}",
        "[1]",
        r#"{"a":{"b":[]}}"#,
        "",
    ];
    prop_oneof![
        20 => "[a-z甲级0-9 （）-]{0,6}".prop_map(|text| format!("\"{text}\"")),
        1 => prop::sample::select(&ODD[..]).prop_map(str::to_owned),
    ]
}

/// An object with `fields`, and with some of `names` before or behind them, of which one may come twice.
fn object(names: &'static [&'static str], fields: Vec<String>) -> impl Strategy<Value = String> {
    let field =
        (prop::sample::select(names), value()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    (prop::collection::vec(field, 0..4), any::<bool>()).prop_map(move |(more, are_before)| {
        let (first, second) = if are_before { (&more, &fields) } else { (&fields, &more) };
        format!("{{{}}}", [&first[..], &second[..]].concat().join(","))
    })
}

fn answer() -> impl Strategy<Value = String> {
    const OF_ITEM: [&str; 7] =
        ["organ", "effectiveTime", "type", "qualificationName", "certificateNum", "x", r"or\u0067an"];
    const OF_RESULT: [&str; 5] = ["pageNum", "x", "y", "total", "items"];
    const OF_ANSWER: [&str; 6] = ["reason", "resultcode", "x", "y", "error_code", "result"];
    const AROUND: [(&str, &str); 6] =
        [("\u{feff}", ""), (" ", "\r\n"), ("\u{3000}", "\u{a0}"), ("", "x"), ("", "{}"), ("[", "]")];
    let items = prop::collection::vec(object(&OF_ITEM, Vec::new()), 0..4);
    let result = (items, prop_oneof![9 => "[1-9]", 1 => value()]).prop_flat_map(|(items, total)| {
        let items = items.join(",");
        object(&OF_RESULT, vec![format!(r#""total":{total}"#), format!(r#""items":[{items}]"#)])
    });
    let code = prop_oneof![9 => Just("0".to_owned()), 1 => value()];
    let answer = (result, code).prop_flat_map(|(result, code)| {
        object(&OF_ANSWER, vec![format!(r#""error_code":{code}"#), format!(r#""result":{result}"#)])
    });
    let around = prop_oneof![8 => Just(("", "")), 1 => prop::sample::select(&AROUND[..])];
    (around, answer).prop_map(|((before, after), answer)| format!("{before}{answer}{after}"))
}

fn has_large_exponent(body: &[u8]) -> bool {
    body.windows(4).any(|it| it[0].eq_ignore_ascii_case(&b'e') && it[1..].iter().all(u8::is_ascii_digit))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_short_way_reads_what_the_lenient_one_reads(
        body in answer(),
        damage in prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut body = body.into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Some(page) = fast_path::read(&body) {
            match read_leniently(&body) {
                // A number that no double holds, in a field that nobody reads.
                Err(why) => prop_assert!(has_large_exponent(&body), "{}", why),
                said => prop_assert_eq!(said, Ok(Said::Page(page))),
            }
        }
    }
}
