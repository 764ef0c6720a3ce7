//! Two versions of the program that know one layout, on one database: whichever is started, both at once, or one after the other was
//! killed, what is told and paid for is as by one.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use qualwatch::clock;

use crate::simulation::dice::Dice;
use crate::support::database::launcher;
use crate::support::program::Program;
use crate::support::scene::{DAYS, Scene};

const BELLS: [&str; 3] = ["T00:05:00Z", "T07:00:00Z", "T21:00:00Z"];
const STORIES: u64 = 16;

/// What one version does alone, from the first bell to the last.
async fn as_by_one(version: &Path) -> (Vec<String>, u64) {
    let scene = Scene::set().await;
    let mut program = scene.program();
    for (day, bell) in bells() {
        scene.at(&format!("{day}{bell}"));
        program = scene.now(program);
        ends(start(&program, version));
    }
    (told(&scene).await, scene.sandbox.requests())
}

fn bells() -> impl Iterator<Item = (&'static str, &'static str)> {
    DAYS.into_iter().flat_map(|day| BELLS.into_iter().map(move |bell| (day, bell)))
}

/// Who was told what, by the minute. A mail may say more or less of it than another.
async fn told(scene: &Scene) -> Vec<String> {
    scene
        .texts(
            r"SELECT concat_ws(' ', recipient, sent_at IS NOT NULL, regexp_replace(event::text, '(T\d\d:\d\d):[0-9.]+Z', '\1', 'g'))
              FROM deliveries
              JOIN events ON events.id = event_id
              ORDER BY 1",
        )
        .await
}

fn start(program: &Program, version: &Path) -> Child {
    let mut command = program.command_of(version);
    command.arg("check").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn ends(mut child: Child) {
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand: QUALWATCH_OTHER names the program of another version of the same layout"]
async fn two_versions_on_one_database_tell_and_pay_as_one() {
    let versions = [launcher(), PathBuf::from(std::env::var_os("QUALWATCH_OTHER").expect("QUALWATCH_OTHER"))];
    let one = as_by_one(&versions[0]).await;
    assert_eq!(as_by_one(&versions[1]).await, one, "each alone");
    for seed in 1..=STORIES {
        let mut dice = Dice::new(seed);
        let scene = Scene::set().await;
        let mut program = scene.program();
        let mut kills = 0;
        for (day, bell) in bells() {
            scene.at(&format!("{day}{bell}"));
            program = scene.now(program);
            let first = dice.index(2);
            let (this, other) = (&versions[first], &versions[1 - first]);
            match dice.index(4) {
                0 => {
                    let mut dies = start(&program, this);
                    clock::pause(std::time::Duration::from_millis(
                        dice.between(20, 400).unsigned_abs().into(),
                    ))
                    .await;
                    dies.kill().unwrap();
                    kills += usize::from(dies.wait().unwrap().code().is_none());
                    ends(start(&program, other));
                }
                1 => {
                    let both = [start(&program, this), start(&program, other)];
                    both.into_iter().for_each(ends);
                }
                _ => ends(start(&program, this)),
            }
        }
        let (told, calls) = (told(&scene).await, scene.sandbox.requests());
        assert_eq!(told, one.0, "story {seed}");
        assert!(calls >= one.1 && (kills > 0 || calls == one.1), "story {seed}: {calls} calls for {}", one.1);
        println!("story {seed}: {} told, {calls} calls ({} by one), {kills} kills", told.len(), one.1);
    }
}
