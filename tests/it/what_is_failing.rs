//! `status --failing`, which qualwatch-watch.timer asks for hourly: what is failing reaches the operator by a road without mail.

use std::fs;

use crate::support::program::Program;
use crate::support::scene::Scene;

const ALARM: &[&str] = &["status", "--failing", "--alarm", "cat > alarm; env > alarm.environment"];

fn raised(program: &Program) -> Option<String> {
    let alarm = program.folder().join("alarm");
    let said = fs::read_to_string(&alarm).ok()?;
    fs::remove_file(alarm).unwrap();
    Some(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_failing_is_said_as_an_error_and_raises_the_operators_own_alarm() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    let well = program.run(ALARM);
    assert_eq!((well.code, well.stdout.as_str(), well.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(raised(&program), None);

    scene.at("2026-01-06");
    scene.break_upstream("\n[[fault]]\ncode = 10001\n");
    let program = scene.now(program);
    assert_eq!(program.run(&["check"]).code, Some(3));
    let failing = program.run(ALARM);
    assert_eq!((failing.code, failing.stdout.as_str()), (Some(3), ""), "{failing:?}");
    assert!(failing.stderr.starts_with("credential: "), "{failing:?}");
    assert_eq!(raised(&program), Some(failing.stderr));
    let environment = fs::read_to_string(program.folder().join("alarm.environment")).unwrap();
    assert!(!environment.contains("QUALWATCH_API_KEY"), "{environment}");

    let journal = program.with("JOURNAL_STREAM", "1:1");
    let failing = journal.run(&["status", "--failing"]);
    assert!(failing.stderr.starts_with("<3>credential: "), "the journal's level for errors: {failing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_or_a_watchlist_that_cannot_be_read_is_failing_too() {
    let scene = Scene::set().await;
    let program = scene.program().without("QUALWATCH_DATABASE_URL");
    let program =
        program.with("QUALWATCH_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere?sslmode=disable");
    let failing = program.run(ALARM);
    assert_eq!(failing.code, Some(1), "{failing:?}");
    let alarm = raised(&program).unwrap();
    assert!(alarm.contains("127.0.0.1"), "{alarm}");

    let program = Program::new("no watchlist\n");
    let failing = program.run(ALARM);
    assert_eq!((failing.code, raised(&program).is_some()), (Some(2), true), "{failing:?}");
    let failing = program.run(&["status", "--failing", "--alarm", "exit 4"]);
    assert!(failing.stderr.contains("the alarm command failed"), "{failing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_that_only_waits_for_its_mending_raises_no_alarm() {
    let scene = Scene::set().await;
    let program = scene.program();
    assert_eq!(program.run(&["check"]).code, Some(0));
    let file = program.folder().join("watchlist.toml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{good}\n[emial]\n")).unwrap();
    let status = program.run(&["status"]);
    assert_eq!((status.code, status.stderr.contains("emial")), (Some(3), true), "{status:?}");
    let failing = program.run(ALARM);
    assert_eq!((failing.code, failing.stderr.as_str()), (Some(0), ""), "the copy is in force");
    assert_eq!(raised(&program), None);
}
