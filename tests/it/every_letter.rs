//! Every kind of event as a real run stores it, and what its mail says: in both languages, as text and as HTML. The events come
//! out of the database, from sweeps, mailers and a daemon that met what they tell of: so a field that words need and a real event
//! does not carry is seen here. `QUALWATCH_LOOK=FOLDER` writes the pages for `script/pictures`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{NaiveDate, TimeDelta};
use nix::sys::signal::Signal;
use qualwatch::domain::event::{Change, Event, EventKind, News, Trouble};
use qualwatch::domain::language::Language::{self, Chinese, English};
use qualwatch::email::Ripe;
use qualwatch::email::digest::{Around, Letter, TheRest, compose_around};
use qualwatch::sandbox::Scenario;
use qualwatch::store::Store;
use qualwatch::store::reports::{self, WhichEvents};
use qualwatch::sweep;

use crate::support::mailroom::{Mailroom, ONE, TWO, WUHAN, password};
use crate::support::running::{Running, until};
use crate::support::scenarios::{BUILDING, SUPERVISION, certificate, company, steady};
use crate::support::scene::{Scene, cast};
use crate::support::smtp_sink::{Behaviour, SinkStage};
use crate::support::watch::Watch;

/// All events of a database, the oldest first; those of one moment by company and number, for each run stores them in another order.
async fn stored(store: &Store) -> Vec<Event> {
    let all = WhichEvents::default();
    let mut events = reports::events(store.pool(), all, None, 1_000).await.unwrap();
    assert!(events.len() < 1_000, "all of them");
    events.reverse();
    let mut events: Vec<Event> = events.into_iter().map(|recorded| recorded.event).collect();
    events.sort_by_cached_key(|event| {
        let number = event.certificate.as_ref().map(|facts| facts.number.clone());
        (event.at, event.company.as_ref().map(ToString::to_string), number)
    });
    events
}

/// What readers are told of in the demo's story, with an edit of its file.
async fn readers() -> Vec<Event> {
    let mut world = Watch::with(Scenario::demo(), "", "2026-01-05").await;
    let days = "2026-01-05".parse::<NaiveDate>().unwrap().iter_days();
    for day in days.take_while(|day| day.to_string().as_str() <= "2026-03-04") {
        world.at(&day.to_string());
        let is = |text: &str| day.to_string() == text;
        if is("2026-02-03") || is("2026-03-02") {
            let companies = &mut world.watchlist.companies;
            if is("2026-03-02") {
                companies.retain(|company| company.keyword.as_str() != "示例城建工程有限公司");
            }
            let steel = companies.iter_mut().find(|company| company.keyword.as_str() == "示例钢结构有限公司");
            steel.unwrap().to = Box::new(["bids@example.com".parse().unwrap()]);
            sweep::accept(&world.store, &world.watchlist, qualwatch::clock::Clock::now(&world.clock))
                .await
                .unwrap();
        }
        world.tick().await;
    }
    stored(&world.store).await
}

/// Companies that lose, fail and answer oddly, each in its days.
fn troubled() -> String {
    let both = |n: u32| {
        let kept = certificate(&format!("D2410{n:05}"), BUILDING);
        let until = certificate(&format!("E2410{n:05}"), &format!("{SUPERVISION}\nto = \"2026-01-11\""));
        let again = certificate(&format!("E2410{n:05}"), &format!("{SUPERVISION}\nfrom = \"2026-01-13\""));
        company(n, &[kept, until, again].concat())
    };
    let number = |n: u32| format!("D2410{n:05}");
    let odd = "from = \"2026-01-07\"\nto = \"2026-01-09\"";
    let around = |n: u32, odd_one: String| {
        let before = certificate(&number(n), &format!("{BUILDING}\nto = \"2026-01-06\""));
        let after = certificate(&number(n), &format!("{BUILDING}\nfrom = \"2026-01-10\""));
        company(n, &[before, odd_one, after].concat())
    };
    let endless = certificate(&number(11), &format!("{BUILDING}\n{odd}")).replace("2029-01-09", "长期");
    let bare = certificate("-", &format!("{SUPERVISION}\nbusiness_id = \"9b2f6c1e\"\n{odd}"));
    let other = company(13, &certificate("D241090013", &format!("{BUILDING}\n{odd}")))
        .replace("id = \"5f", "id = \"5e");
    let fault = |n: u32, what: &str| format!("[[fault]]\nkeyword = \"公司{n}\"\n{what}\n");
    let parts = [
        (1..=6).map(both).collect::<String>(),
        (7..=10).map(|n| company(n, &certificate(&number(n), BUILDING))).collect(),
        around(11, endless),
        company(12, &(certificate(&number(12), BUILDING) + &bare)),
        around(13, String::new()),
        other,
        (14..=16).map(|n| company(n, &certificate(&number(n), BUILDING))).collect(),
        fault(14, "code = 209999\nreason = \"系统升级中\"\nfrom = \"2026-01-07\"\nto = \"2026-01-08\""),
        fault(15, "short_page = true\nfrom = \"2026-01-07\"\nto = \"2026-01-10\""),
        fault(16, "code = 265004\nto = \"2026-01-06\""),
        "[[fault]]\nfrom = \"2026-01-14\"\nto = \"2026-01-14\"\ncode = 10012\n".to_owned(),
        "[[fault]]\nfrom = \"2026-01-16\"\nto = \"2026-01-16\"\ncode = 10001\n".to_owned(),
        "[[fault]]\nfrom = \"2026-01-19\"\nto = \"2026-01-19T17:30:00+08:00\"\nstatus = 503\n".to_owned(),
    ];
    parts.concat()
}

/// What sweeps tell operators.
async fn told_of_asking() -> Vec<Event> {
    let mut companies: Vec<String> = (1..=16).map(|n| format!("公司{n}")).collect();
    companies.dedup();
    let scenario = Scenario::parse(&troubled()).unwrap();
    let mut world = Watch::with(Scenario::parse(&steady(1)).unwrap(), "", "2026-01-05").await;
    world.sandbox.replace(scenario);
    world.reload("", &companies.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for day in 5..=20 {
        let hours = if day == 19 { 8..=20 } else { 8..=8 };
        for hour in hours {
            world.at(&format!("2026-01-{day:02}T{hour:02}:00:00+08:00"));
            world.tick().await;
        }
    }
    stored(&world.store).await
}

/// What mailers tell operators.
async fn told_of_mail() -> Vec<Event> {
    let every = Ripe::Everything;
    let mut room = Mailroom::with_login(Some(("alerts", "right"))).await;
    room.password = Some(password("wrong"));
    room.owe(WUHAN, &[ONE]).await;
    room.send(every).await;
    room.password = Some(password("right"));
    room.send(every).await;
    let mut told = stored(&room.store).await;

    let room = Mailroom::open().await;
    room.owe(WUHAN, &[TWO]).await;
    room.send(every).await;
    room.sink.refuse_recipient(ONE, "550 5.1.1 user not found");
    for _ in 0..4 {
        room.owe(WUHAN, &[ONE, TWO]).await;
        room.send(every).await;
        room.pass(TimeDelta::days(1));
    }
    room.sink.heal();
    room.owe(WUHAN, &[ONE]).await;
    room.send(every).await;
    room.sink.behave(SinkStage::Greeting, Behaviour::Drop);
    room.owe(WUHAN, &[ONE]).await;
    for _ in 0..3 {
        room.pass(TimeDelta::hours(13));
        room.send(every).await;
    }
    room.sink.heal();
    room.send(every).await;
    told.extend(stored(&room.store).await);
    told
}

/// What a daemon tells them of its database and its file.
async fn told_by_a_daemon() -> Vec<Event> {
    let scene = Scene::with(&cast()).await;
    let mut program = scene.program();
    let nowhere = program.folder().join("nowhere").display().to_string();
    program = program
        .with("QUALWATCH_DATABASE_URL", format!("postgres://qualwatch@localhost/qualwatch?host={nowhere}"));
    for now in ["2026-01-05T08:00:00+08:00", "2026-01-05T08:06:00+08:00"] {
        program = program.with("QUALWATCH_NOW", now);
        assert_eq!(Running::start(&program, &["run"]).ended().await.0, 1);
    }
    scene.at("2026-01-05T09:00:00+08:00");
    let program = scene.now(program.with("QUALWATCH_DATABASE_URL", scene.database.url()));
    let daemon = Running::start(&program, &["run"]);
    let told = async |kind: &'static str| {
        until(kind, || async { scene.kinds().await.iter().any(|one| one == kind) }).await;
    };
    told("database_unavailable_resolved").await;
    let file = program.folder().join("watchlist.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let slips = "[email]\ntoo = [\"x@example.com\"]\ndigest = \"9 Uhr\"\npassword = \"hunter2\"\n";
    let faulty = good.replace("[email]\n", slips) + "\n[alerts]\nstale_after = 7\n";
    std::fs::write(&file, faulty).unwrap();
    told("watchlist_rejected").await;
    std::fs::write(&file, &good).unwrap();
    told("watchlist_rejected_resolved").await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    stored(&Store::open(scene.database.options()).await.unwrap()).await
}

/// The first event of each kind; of kinds that are told in several ways each way.
fn of_each_kind(events: Vec<Event>) -> BTreeMap<String, Event> {
    let mut found = BTreeMap::new();
    for event in events {
        found.entry(event.kind().to_string()).or_insert(event);
    }
    found
}

fn around() -> Around {
    Around {
        operators: vec!["ops@example.com".to_owned()],
        contact: Some("资质管理员 张工 转 8012".to_owned()),
        ..Around::default()
    }
}

fn letter(events: &[Event], around: &Around, language: Language) -> Letter {
    let today = events.iter().map(|event| event.today).max().unwrap();
    let mut letters = compose_around(events, around, language, today);
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

/// Ports and folders are others in every run.
fn without_what_changes(text: &str) -> String {
    let mut kept = String::new();
    let text =
        text.split("127.0.0.1:").enumerate().fold(String::new(), |text, (number, piece)| match number {
            0 => piece.to_owned(),
            _ => format!("{text}127.0.0.1:PORT{}", piece.trim_start_matches(|c: char| c.is_ascii_digit())),
        });
    for (number, piece) in text.split("/nowhere").enumerate() {
        if number > 0 {
            let folder = kept
                .rfind([' ', '"', '=', '\u{ff1a}', '('])
                .map_or(0, |at| at + kept[at..].chars().next().unwrap().len_utf8());
            kept.replace_range(folder.., "FOLDER/nowhere");
        }
        kept += piece;
    }
    kept
}

/// All letters of these, one after another.
fn as_texts(events: &BTreeMap<String, Event>, language: Language) -> String {
    let letters = events.iter().map(|(kind, event)| {
        let letter = letter(std::slice::from_ref(event), &around(), language);
        // The foot is the same for all: one test shows it.
        let text = letter.text.split("\n--------\n").next().unwrap();
        format!("=== {kind}\n{}\n\n{text}\n", letter.subject)
    });
    without_what_changes(&letters.collect::<String>())
}

/// The HTML of these without head, foot and colours: those are shown once.
fn as_html(events: &BTreeMap<String, Event>, language: Language) -> String {
    let letters = events.iter().map(|(kind, event)| {
        let html = letter(std::slice::from_ref(event), &around(), language).html;
        let body = html.split("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" class=\"p\"");
        let mut bare = String::new();
        for (number, piece) in body.last().unwrap().split(" style=\"").enumerate() {
            bare += if number == 0 { piece } else { piece.split_once('"').unwrap().1 };
        }
        // The foot is the same for all.
        let bare = bare.split("\n<tr><td class=\"s\"><b>").next().unwrap().split("</body>").next().unwrap();
        let rows = bare.replace("<tr>", "\n<tr>").replace(" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"", "");
        format!("=== {kind}\n{rows}\n")
    });
    without_what_changes(&letters.collect::<String>())
}

/// Writes pages where the variable says, to be looked at in a browser.
fn show(name: &str, events: &[Event]) {
    let Some(folder) = std::env::var_os("QUALWATCH_LOOK") else { return };
    let rest = TheRest {
        companies: 13,
        certificates: 41,
        queried_at: events.iter().filter_map(|event| event.last_verified_at).max(),
        next: Some(("2026-03-20".parse().unwrap(), "示例机电安装".to_owned(), "D241000075".to_owned())),
        ..TheRest::default()
    };
    // Operators are told of no rest.
    let around = Around { rest: Some(rest).filter(|rest| rest.queried_at.is_some()), ..around() };
    for (language, mark) in [(Chinese, "zh"), (English, "en")] {
        let html = letter(events, &around, language).html;
        std::fs::write(Path::new(&folder).join(format!("{name}-{mark}.html")), html).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_that_readers_meet_reads_well_as_a_real_run_stores_it() {
    let events = Box::pin(readers()).await;
    let on = |day: &str| -> Vec<Event> {
        let wanted =
            |event: &&Event| event.today.to_string() == day && matches!(event.kind(), EventKind::Change(_));
        events.iter().filter(wanted).cloned().collect()
    };
    for (day, what) in [
        ("2026-01-05", "first"),
        ("2026-01-20", "filing"),
        ("2026-02-02", "decree"),
        ("2026-02-13", "downgrade"),
    ] {
        show(&format!("reader-{what}"), &on(day));
    }
    let found = of_each_kind(events.into_iter().filter(|event| !is_trouble(event)).collect());
    let missing: Vec<&str> =
        Change::ALL.map(Change::as_str).into_iter().filter(|kind| !found.contains_key(*kind)).collect();
    assert!(missing.is_empty(), "the run tells of each: {missing:?}");
    let all: Vec<Event> = found.values().cloned().collect();
    for (number, some) in (1..).zip(all.chunks(8)) {
        show(&format!("reader-kinds-{number}"), some);
    }
    insta::assert_snapshot!("readers_zh", as_texts(&found, Chinese));
    insta::assert_snapshot!("readers_en", as_texts(&found, English));
    insta::assert_snapshot!("readers_html_zh", as_html(&found, Chinese));
    insta::assert_snapshot!("readers_html_en", as_html(&found, English));
}

fn is_trouble(event: &Event) -> bool {
    matches!(event.news, News::Trouble(..) | News::Resolved(..))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_operators_reads_well_as_a_real_run_stores_it() {
    let mut events = Box::pin(told_of_asking()).await;
    events.extend(Box::pin(told_of_mail()).await);
    events.extend(Box::pin(told_by_a_daemon()).await);
    let found = of_each_kind(events.into_iter().filter(is_trouble).collect());
    let mut missing = String::new();
    for trouble in Trouble::ALL {
        for kind in [trouble.as_str().to_owned(), format!("{}_resolved", trouble.as_str())] {
            if !found.contains_key(&kind) {
                write!(missing, "{kind} ").unwrap();
            }
        }
    }
    assert_eq!(missing, "", "the runs tell of each");
    let all: Vec<Event> = found.values().cloned().collect();
    for (number, some) in (1..).zip(all.chunks(8)) {
        show(&format!("operator-kinds-{number}"), some);
    }
    insta::assert_snapshot!("operators_zh", as_texts(&found, Chinese));
    insta::assert_snapshot!("operators_en", as_texts(&found, English));
    insta::assert_snapshot!("operators_html_zh", as_html(&found, Chinese));
    insta::assert_snapshot!("operators_html_en", as_html(&found, English));
}
