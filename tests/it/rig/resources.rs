//! Scenario 8: a full disk under the database and under the mail, and a process that may open nothing more.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use chrono::TimeDelta;
use nix::sys::signal::{Signal, kill};
use nix::unistd::geteuid;
use qualwatch::clock;
use qualwatch::private_postgres::{Options, PrivatePostgres, Purpose};
use qualwatch::store::Store;
use tempfile::TempDir;

use super::house::{CONCURRENCY, Home, Rig};
use super::laws::{Cost, judge, says_no_secret, undisturbed};
use super::server::{Server, postmaster};
use crate::support::database::launcher;
use crate::support::running::{Running, until};
use crate::support::scenarios::steady;

const DAY: &str = "2026-01-05";

/// A disk of its own, gone when dropped.
struct Disk {
    place: TempDir,
}

impl Disk {
    /// `None`, and a word about it, where nothing can be mounted.
    fn of(size: &str) -> Option<Self> {
        let place = tempfile::Builder::new().prefix("qualwatch-rig-").tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0711"), "qualwatch-rig"])
            .arg(place.path());
        let is_mounted = geteuid().is_root() && mount.output().is_ok_and(|mount| mount.status.success());
        if !is_mounted {
            eprintln!("skipped: only root can mount a small disk, and not in every container");
        }
        is_mounted.then_some(Self { place })
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        for size in [1 << 20, 4096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.place.path()).status();
    }
}

/// What a cluster is known by: a new one would differ.
fn identity(data_dir: &Path) -> (u64, Vec<u8>) {
    let inode = data_dir.join("PG_VERSION").metadata().unwrap().ino();
    // Its first eight bytes are the system identifier (pg_control.h).
    (inode, fs::read(data_dir.join("global/pg_control")).unwrap()[..8].to_vec())
}

/// Far more than a look takes: that nothing happens is no event to wait for.
const SOME_LOOKS: std::time::Duration = std::time::Duration::from_millis(600);

/// What a fault of the database may cost: calls in flight, and as many again whose answers wait for their commit.
const IN_FLIGHT_OR_UNSTORED: usize = 2 * CONCURRENCY;

#[tokio::test(flavor = "multi_thread")]
async fn scenario_08_a_full_disk_under_the_private_database_is_told_once_and_heals_when_there_is_room() {
    let Some(disk) = Disk::of("180m") else { return };
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[DAY]).await;
    let state_dir = disk.path().join("state");
    let options = Options { launcher: Some(launcher()), ..Options::new(Purpose::Service) };
    let private = Box::pin(PrivatePostgres::start(&state_dir, &options)).await.unwrap();
    let store = Store::open_and_migrate(private.connect_options()).await.unwrap();
    let rig = Rig::with(&steady(30)).await.lives_at(private.connect_options()).await;
    rig.scene.at(DAY);
    rig.money.hold_after(8);
    let made = identity(private.data_dir());
    let course = async {
        rig.calls_wait(8).await;
        disk.fill();
        // As it ends by itself when it cannot write its log ahead.
        kill(postmaster(private.data_dir()).unwrap(), Signal::SIGKILL).unwrap();
        rig.money.pass();
        rig.minutes_until("the operators are told without it", || async { rig.told_directly() == 1 }).await;
        for _ in 0..5 {
            rig.scene.clock.advance(TimeDelta::hours(1));
            clock::pause(SOME_LOOKS).await;
        }
        assert_eq!(rig.told_directly(), 1, "once, although a full disk remembers nothing");
        // Sessions outlive a killed postmaster until they look for it: what they count meanwhile may be asked.
        assert!(rig.money.paid() <= 8 + IN_FLIGHT_OR_UNSTORED, "{} calls", rig.money.paid());
        assert_eq!(identity(private.data_dir()), made, "nothing is initialised over it");
        assert!(!state_dir.join("postgres.new").exists());
        disk.make_room();
        rig.minutes_until("all is made up for", || async {
            // The server is not there at first.
            let ended = "SELECT count(*) FROM events WHERE kind = 'database_unavailable_resolved'";
            let ended = sqlx::query_scalar::<_, i64>(ended).fetch_one(&rig.scene.pool).await;
            ended.is_ok_and(|ended| ended == 1) && rig.checked().await == 30 && rig.is_silent().await
        })
        .await;
    };
    Home::of(&rig).with_state_in(&state_dir).live(&rig, &store, Some(&private), course).await;
    let cost = Cost { calls: IN_FLIGHT_OR_UNSTORED, repeats: 0, troubles: &["database_unavailable"] };
    judge(&rig, &expected, cost).await;
    store.close().await;
    private.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_08_a_daemon_that_is_restarted_on_a_full_disk_tells_it_once() {
    let Some(disk) = Disk::of("180m") else { return };
    let rig = Rig::with(&steady(3)).await;
    let mut program = rig.program_with_private_database();
    let state_dir = disk.path().join("state").display().to_string();
    let run = ["run", "--state-dir", &state_dir];
    let daemon = Running::start(&program, &run);
    until("the first mail", || async { rig.scene.letters().len() == 1 }).await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
    disk.fill();
    for (now, direct) in [("08:00", 0), ("08:06", 1), ("08:07", 1), ("09:30", 1)] {
        program = program.with("QUALWATCH_NOW", format!("2026-01-06T{now}:00+08:00"));
        let (code, log) = Running::start(&program, &run).ended().await;
        assert_eq!((code, rig.told_directly()), (1, direct), "{now}: {log}");
        says_no_secret(&log);
    }
    disk.make_room();
    let program = program.with("QUALWATCH_NOW", "2026-01-06T10:00:00+08:00");
    let daemon = Running::start(&program, &run);
    until("its end is told", || async { rig.scene.letters().len() == 3 }).await;
    assert_eq!(daemon.end(Signal::SIGTERM).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_08_mail_waits_for_room_in_its_directory() {
    let Some(disk) = Disk::of("1m") else { return };
    let rig = Rig::with(&steady(3)).await;
    let smtp = format!("smtp = \"smtp://127.0.0.1:{}\"", rig.scene.sink.port());
    let maildir = format!("maildir = \"{}\"", disk.path().display());
    let program = rig.program();
    fs::write(program.folder().join("watchlist.toml"), rig.watchlist().replace(&smtp, &maildir)).unwrap();
    disk.fill();
    let ran = program.run(&["check", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.json()["companies"]["complete"], 3);
    let problem = ran.json()["problems"].to_string();
    assert!(problem.contains("No space left on device"), "{problem}");
    assert_eq!(mails(disk.path()), 0, "and nothing half-written");
    disk.make_room();
    let ran = program.run(&["retry", "--json"]);
    assert_eq!((ran.code, mails(disk.path())), (Some(0), 1), "{ran:?}");
    assert_eq!(rig.money.paid(), 3);
    assert!(rig.is_silent().await);
}

fn mails(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name != "filler").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_08_sixty_four_descriptors_are_enough() {
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[DAY]).await;
    let rig = Rig::with(&steady(30)).await;
    let program = rig.program();
    let mut limited = program.command_of(Path::new("/bin/sh"));
    limited.args(["-c", "ulimit -n 64 && exec \"$0\" run"]).arg(launcher());
    let daemon = Running::spawn(limited);
    until("all are checked", || async { rig.checked().await == 30 && rig.is_silent().await }).await;
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    judge(&rig, &expected, Cost::NOTHING).await;
}

/// Lets a process have so many files open; fewer than it has: it may open nothing more.
fn limit_descriptors(of: &Running, limit: u64) -> bool {
    let mut prlimit = Command::new("prlimit");
    prlimit.args(["--pid", &of.pid().to_string(), &format!("--nofile={limit}:")]);
    prlimit.status().is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_08_a_daemon_without_descriptors_asks_nobody_and_goes_on_when_it_has_some() {
    let expected = undisturbed(&Rig::with(&steady(30)).await, &[DAY]).await;
    let rig = Rig::with(&steady(30)).await;
    let program = rig.program();
    let file = program.folder().join("watchlist.toml");
    fs::write(&file, rig.first(1)).unwrap();
    let daemon = Running::start(&program, &["run"]);
    until("the first is checked", || async { rig.checked().await == 1 && rig.is_silent().await }).await;
    if !limit_descriptors(&daemon, 8) {
        eprintln!("skipped: without prlimit (util-linux) no running process can be limited");
        return;
    }
    fs::write(&file, rig.watchlist()).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.logged("Too many open files").await;
    assert_eq!(rig.money.paid(), 1, "nobody is asked");
    assert!(limit_descriptors(&daemon, 1024));
    daemon.signal(Signal::SIGHUP);
    until("all are checked", || async { rig.checked().await == 30 && rig.is_silent().await }).await;
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    // Not even the file could be read, which is told when mail can be sent again.
    judge(&rig, &expected, Cost { troubles: &["watchlist_rejected"], ..Cost::NOTHING }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_three_connections_sweeps_and_sends_mail() {
    let server = Server::start().await;
    server
        .order(
            "CREATE ROLE little LOGIN CONNECTION LIMIT 3;
             GRANT ALL ON SCHEMA public TO little;
             GRANT ALL ON ALL TABLES IN SCHEMA public TO little;
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO little",
        )
        .await;
    let rig = Rig::with(&steady(40)).await.lives_on(&server).await;
    let program = rig.program_on(&server.url().replace("//qualwatch@", "//little@"));
    let daemon = Running::start(&program, &["run"]);
    until("all are checked and told", || async { rig.checked().await == 40 && rig.is_silent().await }).await;
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    assert_eq!(rig.money.paid(), 40);
    let checked = program.run(&["check", "--json"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert_eq!(rig.money.paid(), 80);
    server.stop().await;
}
