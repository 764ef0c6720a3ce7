//! "Are we well?" (design 5): what the heartbeat, `status` and the operators are told, and when.

use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::program::{Program, Ran};
use crate::support::running::{Running, until};
use crate::support::scene::{BUYER, COMPANIES, OPERATOR, READER, Scene, cast};
use crate::support::smtp_sink::{Behaviour, SinkStage};
use crate::support::switch::switch;

/// A scene whose daemon tells a dead man's switch how it is.
struct Watched {
    scene: Scene,
    heard: Arc<Mutex<Vec<String>>>,
    program: Program,
}

impl Watched {
    async fn set(scene: Scene) -> Self {
        let watchlist = scene.watchlist();
        Self::by(scene, &watchlist).await
    }

    async fn by(scene: Scene, watchlist: &str) -> Self {
        let (url, heard) = switch().await;
        let program = scene.program_with(&format!("[heartbeat]\nurl = \"{url}\"\n\n{watchlist}"));
        Self { scene, heard, program }
    }

    fn program_at(self, now: &str) -> Self {
        self.scene.at(now);
        let program = self.scene.now(self.program);
        Self { program, ..self }
    }

    /// A daemon lives from this instant until it has told the switch something; that.
    async fn beat_at(self, now: &str) -> (Self, String) {
        let watched = self.lives_at(now, |heard| !heard.is_empty()).await;
        let beat = watched.heard.lock().unwrap().join(" ").replace("/ping/secret-uuid", "beat");
        (watched, beat)
    }

    /// A daemon lives from this instant until what it has told the switch is enough.
    async fn lives_at(self, now: &str, is_enough: fn(&[String]) -> bool) -> Self {
        let watched = self.program_at(now);
        watched.heard.lock().unwrap().clear();
        let daemon = Running::start(&watched.program, &["run"]);
        let heard = Arc::clone(&watched.heard);
        until(&format!("a beat on {now}"), || async { is_enough(&heard.lock().unwrap()) }).await;
        let (code, log) = daemon.end(Signal::SIGTERM).await;
        assert_eq!(code, 0, "{log}");
        watched
    }

    fn status(&self) -> Ran {
        self.program.run(&["status", "--json"])
    }

    fn mails_to(&self, address: &str) -> usize {
        self.scene.letters().iter().filter(|(to, _)| to == address).count()
    }
}

/// With the classes of all problems.
fn classes(ran: &Ran) -> Vec<String> {
    let problems = ran.json()["problems"].as_array().unwrap().clone();
    problems.iter().map(|problem| problem["class"].as_str().unwrap().to_owned()).collect()
}

async fn do_in(scene: &Scene, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&scene.pool).await.unwrap();
}

/// A: the sweep goes well every minute, and must not clear what is wrong with the mail.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_fails_for_mail_alone_is_told_once_and_so_is_its_end() {
    let watched = Watched::set(Scene::set().await).await;
    do_in(
        &watched.scene,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION full_disk();",
    )
    .await;
    let (watched, beat) = watched.beat_at("2026-01-05T08:00:00+08:00").await;
    assert_eq!((beat.as_str(), watched.mails_to(OPERATOR)), ("beat/fail", 0), "it may be over in a moment");
    let ran = watched.status();
    assert_eq!(ran.code, Some(3));
    assert!(classes(&ran).contains(&"database_unavailable".to_owned()), "{ran:?}");
    let (watched, beat) = watched.beat_at("2026-01-05T08:06:00+08:00").await;
    assert_eq!((beat.as_str(), watched.mails_to(OPERATOR)), ("beat/fail", 1));
    let (watched, beat) = watched.beat_at("2026-01-05T08:08:00+08:00").await;
    assert_eq!((beat.as_str(), watched.mails_to(OPERATOR)), ("beat/fail", 1), "told once");
    do_in(&watched.scene, "DROP TRIGGER full_disk ON messages").await;
    // After a start it is not known at once that mail goes again.
    let is_well = |heard: &[String]| heard.last().is_some_and(|beat| !beat.ends_with("/fail"));
    let watched = watched.lives_at("2026-01-05T08:10:00+08:00", is_well).await;
    let kinds = watched.scene.kinds().await;
    let ends = kinds.iter().filter(|kind| *kind == "database_unavailable_resolved").count();
    assert_eq!((ends, watched.mails_to(READER)), (1, 1), "{kinds:?}");
    let full_disks = watched.scene.count(
        "SELECT count(*) FROM events WHERE kind = 'database_unavailable'
            AND event -> 'trouble' -> 'cause' -> 'fault' ->> 'how' = 'disk_full'",
    );
    assert_eq!(full_disks.await, 1, "its cause is kept for words of any language");
    let (watched, _) = watched.beat_at("2026-01-06T08:00:00+08:00").await;
    let ends =
        watched.scene.count("SELECT count(*) FROM events WHERE kind = 'database_unavailable_resolved'");
    assert_eq!(ends.await, 1);
}

/// B: nobody hears anything, and the switch says so on each day.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_for_days_fails_the_heartbeat_on_each() {
    let mut watched = Watched::set(Scene::set().await).await;
    watched.scene.sink.behave(SinkStage::Greeting, Behaviour::Drop);
    for day in ["05", "06", "07"] {
        let beat;
        (watched, beat) = watched.beat_at(&format!("2026-01-{day}T08:00:00+08:00")).await;
        assert_eq!(beat, "beat/fail", "2026-01-{day}");
    }
    assert_eq!(watched.status().code, Some(3));
}

/// C
#[tokio::test(flavor = "multi_thread")]
async fn that_every_recipient_is_refused_for_good_fails_the_heartbeat() {
    let watched = Watched::set(Scene::set().await).await;
    for recipient in [READER, BUYER, OPERATOR] {
        watched.scene.sink.refuse_recipient(recipient, "550 5.1.1 user unknown");
    }
    let (watched, beat) = watched.beat_at("2026-01-05T08:00:00+08:00").await;
    assert_eq!(beat, "beat/fail");
    assert_eq!(watched.status().code, Some(3));
}

/// D
#[tokio::test(flavor = "multi_thread")]
async fn a_weekly_schedule_is_well_on_the_days_between() {
    let scene = Scene::with(&cast()).await;
    let watchlist = format!("[schedule]\ncheck = \"0 8 * * Mon\"\n\n{}", scene.watchlist());
    let mut watched = Watched::by(scene, &watchlist).await;
    for day in 5..=25 {
        let beat;
        (watched, beat) = watched.beat_at(&format!("2026-01-{day:02}T08:00:00+08:00")).await;
        assert_eq!(beat, "beat", "2026-01-{day}");
    }
    assert_eq!(watched.status().code, Some(0));
}

/// E
#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_put_off_for_a_day_is_told_and_delays_nobody_elses() {
    let scene = Scene::set().await;
    scene.sink.refuse_after_data(BUYER, "451 4.3.0 try later");
    let mut watched = Watched::set(scene).await;
    // Each of these days brings the reader news.
    for (read, day) in (1..).zip(["05", "06", "07", "08", "09"]) {
        // A little later each day: what is owed since the first is owed for whole days then.
        (watched, _) = watched.beat_at(&format!("2026-01-{day}T08:{read}0:00+08:00")).await;
        assert_eq!(watched.mails_to(READER), read, "2026-01-{day}: the other reader's mail is never delayed");
    }
    assert_eq!(watched.mails_to(BUYER), 0);
    let late = "SELECT count(*) FROM events WHERE kind = 'email_late'";
    assert_eq!(watched.scene.count(late).await, 1, "told once");
    let when = "SELECT at::text FROM events WHERE kind = 'email_late'";
    assert!(watched.scene.texts(when).await[0].starts_with("2026-01-06"), "after one day");
    let ran = watched.status();
    assert!(ran.code == Some(3) && classes(&ran).contains(&"email_late".to_owned()), "{ran:?}");
    watched.scene.sink.heal();
    let (watched, _) = watched.beat_at("2026-01-10T13:00:00+08:00").await;
    assert!(watched.mails_to(BUYER) >= 1);
    assert_eq!(
        watched.scene.count("SELECT count(*) FROM events WHERE kind = 'email_late_resolved'").await,
        1
    );
}

/// F
#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_company_is_a_problem_until_it_is_mended() {
    let scene = Scene::with(&cast()).await;
    let watchlist = scene.watchlist();
    let wrong = watchlist.replace(COMPANIES[0], "河南省建筑设计研究院有线公司");
    let program = scene.program_with(&wrong);
    let checked = program.run(&["check", "--json"]);
    assert_eq!(checked.code, Some(3), "{checked:?}");
    assert!(checked.stdout.contains("河南省建筑设计研究院有线公司"), "{checked:?}");
    let status = program.run(&["status", "--json"]);
    assert_eq!(status.code, Some(3));
    let problems = &status.json()["problems"];
    assert_eq!(problems[0]["company"], json!("河南省建筑设计研究院有线公司"));
    assert_eq!(problems[0]["class"], json!("company_not_found"));
    assert_eq!(status.json()["companies"]["not_found"], json!(1));
    std::fs::write(program.folder().join("watchlist.toml"), watchlist).unwrap();
    assert_eq!(program.run(&["check"]).code, Some(0));
    assert_eq!(program.run(&["status"]).code, Some(0));
}

/// G
#[tokio::test(flavor = "multi_thread")]
async fn that_no_daemon_lives_is_a_problem_an_hour_after_somebody_was_due() {
    let daily: &[_] = &[
        ("2026-01-06T07:59:00+08:00", 0, "nobody is due"),
        ("2026-01-06T08:59:00+08:00", 0, "it may be asking"),
        ("2026-01-06T10:00:00+08:00", 3, "two hours"),
        ("2026-01-06T20:30:00+08:00", 3, "a daemon would leave it for the next morning, but none does"),
        ("2026-01-07T07:00:00+08:00", 3, "before the next time"),
        ("2026-01-07T08:30:00+08:00", 3, "the next has only just come"),
        ("2026-01-20T23:00:00+08:00", 3, "two weeks"),
    ];
    let hourly: &[_] = &[
        ("2026-01-05T09:30:00+08:00", 0, "it may be asking"),
        ("2026-01-05T10:30:00+08:00", 3, "the next has come, and the last was never asked for"),
        ("2026-01-08T10:01:00+08:00", 3, "days"),
    ];
    for (line, looks) in [("0 8 * * *", daily), ("0 * * * *", hourly)] {
        let scene = Scene::with(&cast()).await;
        let watchlist = format!("[schedule]\ncheck = \"{line}\"\n\n{}", scene.watchlist());
        let watched = Watched::by(scene, &watchlist).await;
        let (mut watched, _) = watched.beat_at("2026-01-05T08:00:00+08:00").await;
        for (now, code, why) in looks {
            watched = watched.program_at(now);
            let ran = watched.status();
            assert_eq!(ran.code, Some(*code), "{line}, {why}: {ran:?}");
            assert_eq!(ran.stdout.contains("no daemon runs"), *code == 3, "{line}, {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_the_daemons_that_live_and_those_that_were_killed() {
    let watched = Watched::set(Scene::with(&cast()).await).await.program_at("2026-01-05T08:00:00+08:00");
    let daemons = || watched.status().json()["daemons"].as_array().unwrap().clone();
    let shown = || watched.program.run(&["status"]).stdout;
    let daemon = Running::start(&watched.program, &["run"]);
    until("its first look", || async { !watched.heard.lock().unwrap().is_empty() }).await;
    let [living] = &daemons()[..] else { panic!("{:?}", daemons()) };
    assert_eq!(living["version"], json!(env!("CARGO_PKG_VERSION")));
    assert!(living["since"].as_str().unwrap().starts_with("2026-01-05T00:00:"), "{living}");
    assert!(living["last_look"].as_str() >= living["since"].as_str(), "{living}");
    assert!(shown().contains("daemon      runs since 2026-01-05 08:00"), "{}", shown());
    daemon.end(Signal::SIGTERM).await;
    assert!(daemons().is_empty() && shown().contains("daemon      none runs\n"), "{}", shown());

    let killed = Running::start(&watched.program, &["run"]);
    until("its first look", || async { !daemons().is_empty() }).await;
    killed.end(Signal::SIGKILL).await;
    let watched = watched.program_at("2026-01-05T08:04:00+08:00");
    let ran = watched.program.run(&["status"]);
    assert!(ran.stdout.contains("0), not seen since 2026-01-05 08:00\n"), "it may be dead: {ran:?}");
    let watched = watched.program_at("2026-01-05T09:00:00+08:00");
    let ran = watched.program.run(&["status"]);
    assert!(ran.stdout.contains("was last seen 2026-01-05 08:00") && ran.code == Some(0), "{ran:?}");
    let watched = watched.program_at("2026-01-06T09:00:00+08:00");
    // The killed one may have said that it is well, or not have come to it.
    let heard_before = watched.heard.lock().unwrap().len();
    let next = Running::start(&watched.program, &["run"]);
    until("its first look", || async { watched.heard.lock().unwrap().len() > heard_before }).await;
    assert_eq!(
        watched.status().json()["daemons"].as_array().unwrap().len(),
        1,
        "the killed one is forgotten"
    );
    next.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_only_read_go_by_the_accepted_watchlist_and_say_so() {
    let scene = Scene::with(&cast()).await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    let faulty = scene.watchlist().replace("concurrency", "concurency");
    std::fs::write(program.folder().join("watchlist.toml"), faulty).unwrap();
    for (arguments, code) in [
        (&["status"][..], 3),
        (&["status", "--json"], 3),
        (&["list", "--json"], 0),
        (&["history", "--json"], 0),
        (&["why", COMPANIES[0], "--json"], 0),
        (&["backup", "one.dump"], 0),
        (&["mail", "--to", "design@example.com", "--json"], 0),
        (&["snooze", "--list", "--json"], 0),
        (&["check"], 2),
        (&["retry"], 2),
        (&["validate"], 2),
    ] {
        let ran = program.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr.contains("goes by the copy that was accepted last"), code != 2, "{ran:?}");
        if arguments.contains(&"--json") {
            assert!(ran.json().is_object(), "{arguments:?}: one document");
        }
    }
    let ran = program.run(&["status", "--json"]);
    assert_eq!(classes(&ran), ["watchlist_rejected"], "{ran:?}");
    std::fs::remove_file(program.folder().join("watchlist.toml")).unwrap();
    let path = program.folder().join("watchlist.toml");
    let ran = program.run(&["--watchlist", path.to_str().unwrap(), "status", "--json"]);
    assert_eq!(classes(&ran), ["watchlist_rejected"], "one that is gone: {ran:?}");
}

/// L
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_without_a_key_is_not_well() {
    let watched = Watched::set(Scene::with(&cast()).await).await;
    let keyless = Watched { program: watched.program.without("QUALWATCH_API_KEY"), ..watched };
    let (keyless, beat) = keyless.beat_at("2026-01-05T08:00:00+08:00").await;
    assert_eq!(beat, "beat/fail");
    let ran = keyless.status();
    assert_eq!((ran.code, classes(&ran)), (Some(3), vec!["api_credential".to_owned()]), "{ran:?}");
}
