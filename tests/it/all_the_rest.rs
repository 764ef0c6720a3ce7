//! The line of a mail on all that it tells nothing of: silence is a proof only of what was queried (words.md 4).

use crate::support::program::Program;
use crate::support::scenarios::{certificate, company};
use crate::support::scene::{BUYER, OPERATOR, READER, Scene};

/// A design certificate until 2026-08-23, whose filing day is 2026-06-24.
const DESIGN: &str = "[[company.certificate]]\nnumber = \"A141002510\"\ntype = \"设计资质\"\norgan = \"住房和城乡建设部\"\n\
                      issued = \"2023-08-23\"\nuntil = \"2026-08-23\"\nqualifications = \"工程设计建筑行业（建筑工程）甲级\"\n";

const STEADY: &str = "qualifications = \"建筑工程施工总承包二级\"";

/// The first has a filing day near; the second and third go on for years, the third with two certificates; the fourth ends soon
/// after it.
fn companies() -> String {
    let supervision = certificate("E241000004", "qualifications = \"工程监理市政公用工程专业乙级\"")
        .replace("建筑业企业资质", "监理资质")
        .replace("2029-01-09", "2026-09-30");
    let history = certificate("D241000044", STEADY).replace("2029-01-09", "2024-09-20");
    [
        company(1, DESIGN),
        company(2, &certificate("D241000002", STEADY)),
        company(3, &(certificate("D241000003", STEADY) + &certificate("D241000033", STEADY))),
        company(4, &(supervision + &history)),
    ]
    .concat()
}

fn watchlist(scene: &Scene) -> String {
    let entries = (1..=4).fold(String::new(), |entries, number| {
        let to = if number == 1 { format!("to = [\"{BUYER}\"]") } else { String::new() };
        entries + &format!("\n[[company]]\nkeyword = \"公司{number}\"\n{to}\n")
    });
    format!(
        "[api]\nurl = \"{}\"\nrequests_per_second = 1000\n\n[email]\nsmtp = \"smtp://127.0.0.1:{}\"\n\
         from = \"alerts@example.com\"\nto = [\"{READER}\"]\noperators = [\"{OPERATOR}\"]\n{entries}",
        scene.sandbox.url(),
        scene.sink.port(),
    )
}

/// Checks everybody on that day, and gives the text of the last mail to the address.
fn checked(scene: &Scene, program: Program, now: &str, to: &str) -> (Program, String) {
    scene.at(now);
    let program = scene.now(program);
    program.run(&["check"]);
    let letters = scene.letters();
    let (_, letter) = letters.iter().rev().find(|(address, _)| address == to).unwrap();
    (program, letter.text.clone())
}

/// All of them checked for the first time, with the text of what the reader was told.
async fn watched_since_june() -> (Scene, Program, String) {
    let scene = Scene::with(&companies()).await;
    scene.at("2026-06-20");
    let program = scene.program_with(&watchlist(&scene));
    let (program, first) = checked(&scene, program, "2026-06-20", READER);
    (scene, program, first)
}

fn line(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("其余 ")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_says_how_all_the_rest_stands() {
    let fault = |what: &str| format!("[[fault]]\nfrom = \"2026-06-24\"\n{what}\n");
    for (faults, expected, why) in [
        (
            String::new(),
            "其余 3 家企业 4 本证书：无变化，今早 08:00 已查询。下一个期限：2026年8月1日（星期六） 公司4 E241000004。",
            "all were queried; what is history is not counted",
        ),
        (
            fault("keyword = \"公司2\"\nstatus = 503"),
            "其余 3 家企业 4 本证书：2 家无变化（今早 08:00 已查询）；数据较早的：公司2（截至 2026年6月20日）。下一个期限：2026年8月1日（星期六） 公司4 E241000004。",
            "one could not be queried: which, and since when",
        ),
        (
            fault("keyword = \"公司3\"\ncode = 265004"),
            "其余 3 家企业 4 本证书：2 家无变化（今早 08:00 已查询）；数据较早的：公司3（截至 2026年6月20日）。下一个期限：2026年8月1日（星期六） 公司4 E241000004。",
            "an empty answer verifies nothing",
        ),
    ] {
        let (scene, program, first) = watched_since_june().await;
        assert_eq!(line(&first), "", "all of them are told of: {first}");
        scene.upstream(&(companies() + &faults));
        let (program, text) = checked(&scene, program, "2026-06-24", READER);
        assert_eq!(line(&text), expected, "{why}: {text}");
        let letters = scene.letters();
        let (_, of_one) = letters.iter().rev().find(|(to, _)| to == BUYER).unwrap();
        assert_eq!(line(&of_one.text), "", "who reads of one company has no rest");
        let operators = letters.iter().filter(|(to, _)| to == OPERATOR);
        assert!(operators.into_iter().all(|(_, letter)| line(&letter.text).is_empty()));
        drop(program);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_and_is_not_confirmed_is_not_said_to_be_unchanged() {
    let (scene, program, _) = watched_since_june().await;
    // The new number ends before all others: it would be the next deadline.
    let soon = certificate("D241000034", STEADY).replace("2029-01-09", "2026-10-30");
    let rewritten = company(3, &(certificate("D241000003", STEADY) + &soon));
    scene.upstream(&companies().replace(
        &company(3, &(certificate("D241000003", STEADY) + &certificate("D241000033", STEADY))),
        &rewritten,
    ));
    let (program, text) = checked(&scene, program, "2026-06-24", READER);
    assert_eq!(
        line(&text),
        "其余 3 家企业 4 本证书：2 家无变化（今早 08:00 已查询）；1 家的数据与此前不同，待再次查询确认。下一个期限：2026年8月1日（星期六） 公司4 E241000004。",
        "a rewritten number waits for its second look: {text}"
    );
    assert!(!text.contains("D241000034"), "nobody was told of it: {text}");
    // What is still to go is printed as it would go.
    scene.sink.refuse_recipient(READER, "452 4.2.2 mailbox is full");
    scene.at("2026-07-24");
    let program = scene.now(program);
    program.run(&["check"]);
    let shown = program.run(&["mail", "--to", READER]).stdout;
    assert!(shown.contains("其余 ") && shown.contains("管理员 ops@example.com"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_was_filed_is_no_next_deadline() {
    let (scene, program, _) = watched_since_june().await;
    let ran = program.run(&["renewing", "公司4", "E241000004", "--filed", "2026-06-19"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (_, text) = checked(&scene, program, "2026-06-24", READER);
    assert!(
        line(&text).ends_with("下一个期限：2026年9月30日（星期三） 公司4 E241000004。"),
        "the end: {text}"
    );
}

/// Told at its first look, established at its second: in both mails of those days it is the new end that counts.
#[tokio::test(flavor = "multi_thread")]
async fn the_former_end_of_what_was_told_as_renewed_is_no_next_deadline() {
    let (scene, program, _) = watched_since_june().await;
    let (program, before) = checked(&scene, program, "2026-06-24", READER);
    assert!(line(&before).ends_with("下一个期限：2026年8月1日（星期六） 公司4 E241000004。"), "{before}");
    let renewed = companies().replace("until = \"2026-09-30\"", "until = \"2031-09-30\"");
    scene.upstream(&renewed);
    let (_, text) = checked(&scene, program, "2026-06-26", READER);
    assert!(text.contains("2031年9月30日"), "the later end is told: {text}");
    assert!(line(&text).ends_with("下一个期限：2028年10月9日（星期一） 公司2 D241000002。"), "{text}");
    // Something else is told before its second look counts.
    scene.upstream(&(renewed + &company(5, &certificate("D241000005", STEADY))));
    scene.at("2026-06-26T20:00:00+08:00");
    let more = format!("{}\n[[company]]\nkeyword = \"公司5\"\n", watchlist(&scene));
    scene.now(scene.program_with(&more)).run(&["check"]);
    let letters = scene.letters();
    let (_, letter) = letters.iter().rev().find(|(to, _)| to == READER).unwrap();
    let next = "下一个期限：2026年8月23日（星期日） 公司1 A141002510。";
    assert!(letter.text.contains("公司5") && line(&letter.text).ends_with(next), "{}", letter.text);
}
