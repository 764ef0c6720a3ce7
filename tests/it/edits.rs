//! Nothing is lost by doing what we advise: who edits readers or companies loses no news, and is told what the edit means
//! (design 4, 5).

use serde_json::json;

use crate::support::program::Program;
use crate::support::scenarios::{certificate, company};
use crate::support::scene::{OPERATOR, Scene};

const WRONG: &str = "wrnog@example.com";
const RIGHT: &str = "Wrong@example.com";
const COLLEAGUE: &str = "colleague@example.com";

/// A design certificate until 2026-08-23, whose filing day is 2026-06-24, and companies that go on for years.
async fn scene() -> Scene {
    let design = "[[company.certificate]]\nnumber = \"A141002510\"\ntype = \"设计资质\"\norgan = \"住房和城乡建设部\"\n\
                  issued = \"2023-08-23\"\nuntil = \"2026-08-23\"\nqualifications = \"工程设计建筑行业（建筑工程）甲级\"\n";
    let steady = "qualifications = \"建筑工程施工总承包二级\"";
    let scenario: String = [
        company(1, design),
        company(2, &certificate("D241000002", steady)),
        company(3, &certificate("D241000003", steady)),
    ]
    .concat();
    Scene::with(&scenario).await
}

/// The file of the companies with these numbers; each with what else it says.
fn watchlist(scene: &Scene, to: &[&str], companies: &[(u32, &str)]) -> String {
    let entries = companies.iter().fold(String::new(), |text, (number, more)| {
        text + &format!("\n[[company]]\nkeyword = \"公司{number}\"\n{more}\n")
    });
    format!(
        "[api]\nurl = \"{}\"\nrequests_per_second = 1000\n\n[email]\nsmtp = \"smtp://127.0.0.1:{}\"\n\
         from = \"alerts@example.com\"\nto = {to:?}\noperators = [\"{OPERATOR}\"]\n{entries}",
        scene.sandbox.url(),
        scene.sink.port(),
    )
}

fn edit(program: &Program, text: &str) {
    std::fs::write(program.folder().join("watchlist.toml"), text).unwrap();
}

/// Moves the clock and checks everybody; gives to whom mail went.
fn checked(scene: &Scene, program: Program, now: &str) -> (Program, Vec<String>) {
    scene.at(now);
    let program = scene.now(program);
    let before = scene.letters().len();
    let ran = program.run(&["check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut letters: Vec<String> = scene.letters().into_iter().skip(before).map(|(to, _)| to).collect();
    letters.sort();
    (program, letters)
}

const ALL: [(u32, &str); 3] = [(1, ""), (2, ""), (3, "")];

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_address_gets_what_the_wrong_one_was_owed_whoever_else_had_it() {
    let scene = scene().await;
    scene.at("2026-01-05");
    scene.sink.refuse_recipient(WRONG, "550 5.1.1 user not found");
    let program = scene.program_with(&watchlist(&scene, &[WRONG, COLLEAGUE], &ALL));
    assert_eq!(program.run(&["check"]).code, Some(3), "the wrong address is refused");
    assert_eq!(program.run(&["status", "--json"]).json()["mail"]["dead"], json!(1));

    edit(&program, &watchlist(&scene, &[RIGHT, COLLEAGUE], &ALL));
    let ran = program.run(&["retry", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let letter = &ran.json()["letters"][0];
    assert_eq!((&letter["recipient"], &letter["events"]), (&json!(WRONG), &json!(3)), "{letter}");
    assert_eq!((&letter["sent_to"], &letter["owed_to"]), (&json!([RIGHT]), &json!([])), "{letter}");
    let to = |address: &str| scene.letters().iter().filter(|(to, _)| to == address).count();
    assert_eq!((to(RIGHT), to(COLLEAGUE), to(WRONG)), (1, 1, 0), "each has it once");

    let why = program.run(&["why", "公司1"]).stdout;
    assert!(why.contains(&format!("it went to {RIGHT}")), "{why}");
    assert!(why.contains(&format!("(it was owed to {WRONG})")), "{why}");
    let status = program.run(&["status", "--json"]);
    assert_eq!(status.code, Some(0), "nothing is left of it: {status:?}");
    assert_eq!(program.run(&["retry", "--json"]).json()["letters"], json!([]), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_address_was_owed_that_only_left_is_with_those_who_had_it() {
    let scene = scene().await;
    scene.at("2026-01-05");
    scene.sink.refuse_recipient(WRONG, "550 5.1.1 user not found");
    let program = scene.program_with(&watchlist(&scene, &[WRONG, COLLEAGUE], &ALL));
    assert_eq!(program.run(&["check"]).code, Some(3));
    edit(&program, &watchlist(&scene, &[COLLEAGUE], &ALL));
    let ran = program.run(&["retry"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains(&format!("sent to {COLLEAGUE}")), "{}", ran.stdout);
    let why = program.run(&["why", "公司1"]).stdout;
    assert!(why.contains(&format!("whoever gets it now has it: {COLLEAGUE}")), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reader_hears_of_a_renewal_as_the_others_did_although_it_is_not_certain_yet() {
    let of = |until: &str, days: &str| {
        certificate("D241000001", &format!("qualifications = \"建筑工程施工总承包二级\"\n{days}"))
            .replace("2029-01-09", until)
    };
    let (old, new) = (of("2026-04-01", "to = \"2026-03-03\""), of("2031-04-01", "from = \"2026-03-04\""));
    let scene = Scene::with(&company(1, &(old + &new))).await;
    scene.at("2026-03-03");
    let program = scene.program_with(&watchlist(&scene, &[COLLEAGUE], &[(1, "")]));
    let (program, _) = checked(&scene, program, "2026-03-03");
    let (program, letters) = checked(&scene, program, "2026-03-04");
    assert_eq!(letters, [COLLEAGUE], "it is renewed");
    edit(&program, &watchlist(&scene, &[COLLEAGUE, RIGHT], &[(1, "")]));
    let (_, letters) = checked(&scene, program, "2026-03-05");
    assert_eq!(letters, [OPERATOR], "nothing that ends in April is told to anybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_added_four_days_after_a_filing_day_learns_of_it_the_same_day() {
    let scene = scene().await;
    scene.at("2026-06-20");
    let program = scene.program_with(&watchlist(&scene, &[COLLEAGUE], &ALL));
    let (program, _) = checked(&scene, program, "2026-06-20");
    let (program, _) = checked(&scene, program, "2026-06-24");
    let (program, _) = checked(&scene, program, "2026-06-25");
    edit(&program, &watchlist(&scene, &[COLLEAGUE, RIGHT], &ALL));
    let (program, letters) = checked(&scene, program, "2026-06-28");
    assert_eq!(letters, [RIGHT, OPERATOR], "the others know it, and the operator what the edit means");
    let letters = scene.letters();
    let (_, letter) = letters.iter().rev().find(|(to, _)| to == RIGHT).unwrap().clone();
    let text = letter.text;
    assert!(text.contains("A141002510") && text.contains("公司1"), "{text}");
    assert!(!text.contains("公司2"), "nothing of it is open: {text}");
    assert!(text.contains("延续申请截止日（2026年6月24日）已过"), "what was to be done by when: {text}");
    let briefings = scene.texts(
        "SELECT recipient FROM deliveries JOIN events ON events.id = event_id WHERE kind = 'briefing'",
    );
    assert_eq!(briefings.await, [RIGHT]);

    // The same address in other letters, another order, a name: nobody new.
    edit(
        &program,
        &watchlist(&scene, &[&RIGHT.to_uppercase(), COLLEAGUE], &[(1, "name = \"甲\""), (2, ""), (3, "")]),
    );
    let (program, letters) = checked(&scene, program, "2026-06-29");
    assert_eq!(letters, [""; 0]);
    // Gone and back on one day: told once.
    edit(&program, &watchlist(&scene, &[COLLEAGUE], &[(1, ""), (2, "to = [\"late@example.com\"]"), (3, "")]));
    let (program, letters) = checked(&scene, program, "2026-06-30");
    assert_eq!(letters, [OPERATOR], "of that company nothing is open");
    for _ in 0..2 {
        edit(
            &program,
            &watchlist(&scene, &[COLLEAGUE], &[(1, "to = [\"late@example.com\"]"), (2, ""), (3, "")]),
        );
        let ran = program.run(&["check"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        edit(&program, &watchlist(&scene, &[COLLEAGUE], &ALL));
        assert_eq!(program.run(&["check"]).code, Some(0));
    }
    let late = scene.letters().iter().filter(|(to, _)| to == "late@example.com").count();
    assert_eq!(late, 1, "one for each new reader and day");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_what_was_open_of_companies_that_leave() {
    let scene = scene().await;
    scene.at("2026-08-10");
    let program = scene.program_with(&watchlist(&scene, &[COLLEAGUE], &ALL));
    let (program, _) = checked(&scene, program, "2026-08-10");
    edit(&program, &watchlist(&scene, &[COLLEAGUE], &[(3, "")]));
    let (program, letters) = checked(&scene, program, "2026-08-16");
    assert_eq!(letters, [OPERATOR]);
    let (_, letter) = scene.letters().pop().unwrap();
    let text = letter.text;
    assert!(text.contains("公司1") && text.contains("公司2") && !text.contains("公司3"), "{text}");
    let left =
        scene.texts("SELECT event #>> '{leavers,left}' FROM events WHERE kind = 'watchlist_changed'").await;
    let left: serde_json::Value = serde_json::from_str(&left[0]).unwrap();
    assert_eq!((&left[0]["company"], &left[0]["open"][0]["number"]), (&json!("公司1"), &json!("A141002510")));
    assert_eq!(
        (&left[1]["company"], &left[1]["open"]),
        (&json!("公司2"), &json!([])),
        "nothing of it was open"
    );
    let (program, letters) = checked(&scene, program, "2026-08-17");
    assert_eq!(letters, [""; 0], "told once");
    // Back and away again: another edit.
    edit(&program, &watchlist(&scene, &[COLLEAGUE], &ALL));
    let (program, _) = checked(&scene, program, "2026-08-18");
    edit(&program, &watchlist(&scene, &[COLLEAGUE], &[(2, ""), (3, "")]));
    let (_, letters) = checked(&scene, program, "2026-08-19");
    assert_eq!(letters, [OPERATOR]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_after_a_reload_says_who_reads_and_what_it_costs() {
    let late = "to = [\"late@example.com\"]";
    for (before, after, said, why) in [
        (
            (&[COLLEAGUE][..], ALL),
            (&[RIGHT][..], ALL),
            &[
                "新增收件人：wrong@example.com（公司1、公司2、公司3）。",
                "不再是收件人：colleague@example.com（公司1、公司2、公司3）。",
                "按新名单每天约需查询 3 次（原 3 次）。",
                "核对收件人是否为本意",
            ][..],
            "the reader of all is another",
        ),
        (
            (&[COLLEAGUE], [(1, late), (2, ""), (3, "")]),
            (&[COLLEAGUE], [(1, ""), (2, "check = \"0 8,20 * * *\""), (3, "")]),
            &["不再是收件人：late@example.com（公司1）。", "按新名单每天约需查询 4 次（原 3 次）。"],
            "one reads no more, and another company is asked twice a day",
        ),
        (
            (&[COLLEAGUE], ALL),
            (&[COLLEAGUE], [(1, late), (2, late), (4, "")]),
            &[
                "已移出监测名单、不再按其条目提醒：公司3。",
                "新增收件人：late@example.com（公司1、公司2）。",
                "按新名单每天约需查询 3 次（原 3 次）。",
                "如非本意，把企业或收件人加回监测名单",
            ],
            "one leaves, another comes, somebody reads of two",
        ),
    ] {
        let scene = scene().await;
        scene.at("2026-06-20");
        let program = scene.program_with(&watchlist(&scene, before.0, &before.1));
        let (program, _) = checked(&scene, program, "2026-06-20");
        edit(&program, &watchlist(&scene, after.0, &after.1));
        scene.at("2026-06-28");
        let program = scene.now(program);
        program.run(&["check"]);
        let letters = scene.letters();
        let (_, letter) = letters.iter().rev().find(|(to, _)| to == OPERATOR).unwrap();
        let text = &letter.text;
        for said in said {
            assert!(text.contains(said), "{why}: {said}\n{text}");
        }
        // Said once, though the same file is accepted at each run.
        program.run(&["check"]);
        let count = scene.count("SELECT count(*) FROM events WHERE kind = 'watchlist_changed'").await;
        assert_eq!(count, 1, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_says_the_effect_of_an_edit_before_it_is_made() {
    let scene = scene().await;
    scene.at("2026-06-20");
    let program = scene.program_with(&watchlist(&scene, &[COLLEAGUE], &ALL));
    let (program, _) = checked(&scene, program, "2026-06-20");
    let effect = |program: &Program| program.run(&["validate", "--json"]).json()["effect"].clone();
    assert_eq!(effect(&program), json!(null), "nothing was edited");

    edit(
        &program,
        &watchlist(
            &scene,
            &[COLLEAGUE],
            &[(2, "to = [\"late@example.com\"]"), (4, "check = \"0 8 * * Mon\"")],
        ),
    );
    let said = effect(&program);
    let left = |place: usize| said["left"][place].clone();
    assert_eq!(
        (&left(0)["company"], &left(0)["next_deadline"]),
        (&json!("公司1"), &json!("2026-06-24")),
        "{said:#}"
    );
    assert_eq!(
        (&left(1)["company"], &left(1)["next_deadline"]),
        (&json!("公司3"), &json!("2028-10-09")),
        "{said:#}"
    );
    assert_eq!(said["joined"], json!([{"company": "公司4", "name": "公司4"}]));
    assert_eq!(said["readers_gained"][0]["address"], "late@example.com");
    assert_eq!(said["readers_lost"], json!([]));
    assert_eq!(said["calls_per_day_before"], 3);
    let shown = program.run(&["validate"]).stdout;
    for line in [
        "  leaves: 公司1, next deadline 2026-06-24 (A141002510)",
        "  comes in: 公司4",
        "  becomes a reader: late@example.com of 公司2",
        "  calls a day: 3 before, 2 now",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }

    edit(&program, &watchlist(&scene, &[COLLEAGUE], &[(1, "name = \"甲\""), (2, ""), (3, "")]));
    assert_eq!(effect(&program), json!(null), "another name concerns nobody");
    edit(&program, &watchlist(&scene, &[RIGHT], &ALL));
    let shown = program.run(&["validate"]).stdout;
    assert!(
        shown.contains(&format!("  is no reader any more: {COLLEAGUE} of 公司1, 公司2, 公司3")),
        "{shown}"
    );
    assert_eq!(scene.count("SELECT count(*) FROM edits").await, 0, "nothing is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_of_an_address_can_be_read_before_and_after_it_went() {
    let scene = scene().await;
    scene.at("2026-06-20");
    let program = scene.program_with(&watchlist(&scene, &[COLLEAGUE], &ALL));
    let (program, _) = checked(&scene, program, "2026-06-20");
    let (_, letter) = scene.letters().pop().unwrap();
    let went = program.run(&["mail", "--to", COLLEAGUE, "--json"]).json();
    assert_eq!(went["letters"][0]["subject"], json!(letter.subject()));
    assert_eq!(
        went["letters"][0]["text"].as_str().unwrap().replace("\r\n", "\n").trim(),
        letter.text.replace("\r\n", "\n").trim()
    );
    assert!(went["letters"][0]["sent_at"].is_string(), "{went}");
    let shown = program.run(&["mail", "--to", COLLEAGUE, "--on", "2026-06-20"]).stdout;
    assert!(shown.contains(&letter.subject()) && shown.contains("(sent 2026-06-20"), "{shown}");
    for (arguments, said, why) in [
        (
            &["mail", "--to", COLLEAGUE, "--on", "2026-06-19"][..],
            "no mail for colleague@example.com on 2026-06-19",
            "another day",
        ),
        (
            &["mail", "--to", "nobody@example.com"],
            "no mail for nobody@example.com on 2026-06-20",
            "another address",
        ),
    ] {
        let ran = program.run(arguments);
        assert_eq!((ran.code, ran.stdout.trim()), (Some(0), said), "{why}");
    }
    for arguments in
        [&["mail", "--to", "nobody"][..], &["mail", "--to", COLLEAGUE, "--on", "20.6."], &["mail"]]
    {
        assert_eq!(program.run(arguments).code, Some(2), "{arguments:?}");
    }
    scene.sink.refuse_recipient("late@example.com", "452 4.2.2 mailbox is full");
    edit(&program, &watchlist(&scene, &[COLLEAGUE, "late@example.com"], &ALL));
    scene.at("2026-06-28");
    let program = scene.now(program);
    assert_eq!(program.run(&["check"]).code, Some(3), "it is put off");
    let shown = program.run(&["mail", "--to", "Late@example.com"]).stdout;
    assert!(shown.contains("(still to go)") && shown.contains("A141002510"), "{shown}");
}
