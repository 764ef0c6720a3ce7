//! `qualwatch backup` and `qualwatch restore`: the database in one file, by PostgreSQL's own programs.

use std::fs::{self, File};
use std::io::Seek as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::fchown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::geteuid;
use serde::Serialize;
use tokio::process::Command;

use crate::clock::within;
use crate::config;

use super::arguments::{Backup, Places, Restore, STANDARD};
use super::context::{Context, sandbox_clock, state_dir_of};
use super::database::{OpenDatabase, Programs};
use super::exit::{Exit, Refusal};
use super::kept_backups::{KeptBackups, Occasion};
use super::print::{self, Reader};
use super::served_database;

const WHOLE: &str = "holds the whole database: it was read back";
/// A stop is not held up for longer.
const AT_STOP_WITHIN: Duration = Duration::from_millis(700);

#[derive(Debug, Serialize)]
struct Shape {
    file: PathBuf,
    bytes: u64,
}

/// Writes the whole database into one file, which only this user can read, and reads it back. The daemon may run meanwhile.
///
/// # Errors
/// There is no database, no `pg_dump`, or the file cannot be written or read back: then there is no file.
pub(super) async fn backup(places: &Places, arguments: &Backup) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    match &arguments.file {
        Some(file) if file == Path::new(STANDARD) => dump(places, standard_output()?, reader).await,
        Some(file) => {
            let exit = write(file, async |target| dump_or_hand_over(places, target, reader).await).await?;
            if exit == Exit::Done { told(file, reader, WHOLE) } else { Ok(exit) }
        }
        None => keep(places, reader).await,
    }
}

/// The same into the state directory. Older ones are removed only now that the new one was read back.
async fn keep(places: &Places, reader: Reader) -> anyhow::Result<Exit> {
    let state_dir = state_dir_of(places)?;
    if !state_dir.is_dir() {
        let refusal = Refusal::failed(format!("there is no state directory {}", state_dir.display()));
        return Err(refusal.advising("`qualwatch check` or the daemon (`qualwatch run`) makes it").into());
    }
    let kept = KeptBackups::in_state(&state_dir);
    let file = kept.place_for(Occasion::Asked, sandbox_clock(&places.environment())?.now())?;
    let exit = write(&file, async |target| dump_or_hand_over(places, target, reader).await).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    kept.forget_older_than(&file)?;
    told(&file, reader, WHOLE)
}

/// What a private database holds when its daemon ends, beside the nightly ones: whoever upgrades the system stops the daemon just
/// before. A database that takes longer keeps the last night's.
pub(super) async fn keep_at_stop(
    database: &OpenDatabase,
    state_dir: &Path,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let kept = KeptBackups::in_state(state_dir);
    let file = kept.place_for(Occasion::Stop, now)?;
    let dumping = async |target| {
        let dumped = within(AT_STOP_WITHIN, Box::pin(dump_and_read_back(database, target))).await;
        dumped.unwrap_or_else(|_| Err(Refusal::failed("it takes too long for a stop").into()))?;
        Ok(Exit::Done)
    };
    write(&file, dumping).await?;
    kept.forget_older_than(&file)
}

async fn dump_or_hand_over(places: &Places, target: File, reader: Reader) -> anyhow::Result<Exit> {
    if places.is_handed_over {
        hand_over(places.again().args(["backup", STANDARD]).stdout(target)).await
    } else {
        dump(places, target, reader).await
    }
}

async fn write(file: &Path, dumping: impl AsyncFnOnce(File) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let unfinished = file.with_added_extension("unfinished");
    let writing = || format!("writing {}", unfinished.display());
    let target = config::new_file(&unfinished).with_context(writing)?;
    let synced = target.try_clone().with_context(writing)?;
    let finished = dumping(target).await.and_then(|exit| {
        if exit == Exit::Done {
            synced.sync_all().with_context(writing)?;
            give_to_who_asked(&synced).with_context(writing)?;
            fs::rename(&unfinished, file).with_context(|| format!("naming it {}", file.display()))?;
        }
        Ok(exit)
    });
    if !matches!(finished, Ok(Exit::Done)) {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    finished
}

/// Fills an empty database from such a file, and brings it to this version's layout.
///
/// # Errors
/// The file is not there, the database is not empty, or there is no `pg_restore`: nothing is changed then.
pub(super) async fn restore(places: &Places, arguments: &Restore) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let what = "was restored: the daemon goes on where it was made";
    if arguments.file == Path::new(STANDARD) {
        let input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        restore_from(places, input, reader).await?;
        return told(Path::new("standard input"), reader, what);
    }
    let file = File::open(&arguments.file).with_context(|| {
        Refusal::wrong_use(format!("the backup {} cannot be read", arguments.file.display()))
    })?;
    let exit = if places.is_handed_over {
        let mut again = places.again();
        hand_over(again.args(["restore", STANDARD]).stdin(file).stdout(Stdio::null())).await?
    } else {
        restore_from(places, file, reader).await?;
        Exit::Done
    };
    if exit == Exit::Done { told(&arguments.file, reader, what) } else { Ok(exit) }
}

async fn restore_from(places: &Places, file: File, reader: Reader) -> anyhow::Result<()> {
    let context = Context::load(places, reader)?;
    let database = OpenDatabase::open_empty(&context).await?;
    let done = fill(&database, file).await;
    let place = database.name();
    database.closed_after(done).await?;
    served_database::remember(&context.state_dir, &place).context("remembering what database is served")
}

/// Has another process of ours do it, which says itself what went wrong.
async fn hand_over(command: &mut Command) -> anyhow::Result<Exit> {
    let ended = command.kill_on_drop(true).status().await.context("starting as the service's user")?;
    Ok(match ended.code() {
        Some(0) => Exit::Done,
        Some(2) => Exit::WrongUse,
        Some(3) => Exit::Problems,
        _ => Exit::Failed,
    })
}

/// Made by root for who asked by way of sudo, it is theirs.
fn give_to_who_asked(file: &File) -> std::io::Result<()> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    match (number("SUDO_UID"), number("SUDO_GID")) {
        (Some(uid), Some(gid)) if geteuid().is_root() => fchown(file, Some(uid), Some(gid)),
        _ => Ok(()),
    }
}

fn standard_output() -> anyhow::Result<File> {
    Ok(File::from(std::io::stdout().as_fd().try_clone_to_owned()?))
}

fn told(file: &Path, reader: Reader, what: &str) -> anyhow::Result<Exit> {
    let bytes = file.metadata().map(|found| found.len()).unwrap_or_default();
    match reader {
        Reader::Program => print::document(&Shape { file: file.to_owned(), bytes })?,
        Reader::Person => print::text(&format!("{} ({bytes} bytes) {what}", file.display()))?,
    }
    Ok(Exit::Done)
}

async fn dump(places: &Places, target: File, reader: Reader) -> anyhow::Result<Exit> {
    let context = Context::load_to_read(places, reader)?;
    OpenDatabase::with(&context, async |database| dump_and_read_back(database, target).await).await?;
    Ok(Exit::Done)
}

/// A pipe cannot be read back; whoever reads it does.
async fn dump_and_read_back(database: &OpenDatabase, mut target: File) -> anyhow::Result<()> {
    let programs = database.programs().await?;
    let output = target.try_clone().context("writing the backup")?;
    run(&programs, "pg_dump", &["--format=custom", "--no-owner"], Stdio::null(), output.into()).await?;
    let mode = fcntl(&target, FcntlArg::F_GETFL).context("looking at the backup")?;
    let is_readable = OFlag::from_bits_truncate(mode).contains(OFlag::O_RDWR);
    if !is_readable || !target.metadata().context("looking at the backup")?.is_file() {
        return Ok(());
    }
    target.rewind().context("reading the backup back")?;
    let everything = ["--file=/dev/null"];
    let read = run(&programs, "pg_restore", &everything, target.into(), Stdio::null()).await;
    read.context("reading the backup back")
}

/// Fills an empty database from such a file.
///
/// # Errors
/// It is not empty, or the file is no such one.
pub(super) async fn fill(database: &OpenDatabase, file: File) -> anyhow::Result<()> {
    let programs = database.programs().await?;
    let name = programs.database.clone();
    let arguments =
        ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname", &name];
    run(&programs, "pg_restore", &arguments, file.into(), Stdio::null()).await?;
    database.migrate().await
}

async fn run(
    programs: &Programs,
    name: &str,
    arguments: &[&str],
    input: Stdio,
    output: Stdio,
) -> anyhow::Result<()> {
    let program = programs.directory.join(name);
    let starting = || {
        Refusal::failed(format!("{} cannot be started", program.display()))
            .advising("install PostgreSQL's client programs of the server's version")
    };
    let child = Command::new(&program)
        .args(arguments)
        // The login is handed over where nobody else sees it: not among the arguments.
        .env_clear()
        .envs(programs.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(starting)?;
    let ended = child.wait_with_output().await.with_context(starting)?;
    if ended.status.success() {
        return Ok(());
    }
    let said = crate::domain::text::displayable(&String::from_utf8_lossy(&ended.stderr));
    Err(Refusal::failed(format!("{name} failed: {said}")).into())
}
