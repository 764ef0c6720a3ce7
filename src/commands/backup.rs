//! `qualwatch backup` and `qualwatch restore`: the database in one file, by PostgreSQL's own programs.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use serde::Serialize;
use tokio::process::Command;

use super::arguments::{Backup, Places, Restore};
use super::context::Context;
use super::database::{Database, Programs};
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::served;

#[derive(Debug, Serialize)]
struct Shape {
    file: PathBuf,
    bytes: u64,
}

/// Writes the whole database into one file, which only this user can read. The daemon may run meanwhile.
///
/// # Errors
/// There is no database, no `pg_dump`, or the file cannot be written: then there is no file.
pub(super) async fn backup(places: &Places, arguments: &Backup) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load_to_read(places, reader)?;
    let database = Database::open_existing(&context).await?;
    let done = dump(&database, &arguments.file).await;
    database.close().await?;
    done?;
    told(&arguments.file, reader, "holds the whole database")
}

/// Fills an empty database from such a file, and brings it to this version's layout.
///
/// # Errors
/// The file is not there, the database is not empty, or there is no `pg_restore`: nothing is changed then.
pub(super) async fn restore(places: &Places, arguments: &Restore) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let file = File::open(&arguments.file).with_context(|| {
        Refusal::wrong_use(format!("the backup {} cannot be read", arguments.file.display()))
    })?;
    let database = Database::open_empty(&context).await?;
    let done = fill(&database, file).await;
    let place = database.name();
    database.close().await?;
    done?;
    served::remember(&context.state_dir, &place).context("remembering what database is served")?;
    told(&arguments.file, reader, "was restored: the daemon goes on where it was made")
}

fn told(file: &Path, reader: Reader, what: &str) -> anyhow::Result<Exit> {
    let bytes = file.metadata().map(|found| found.len()).unwrap_or_default();
    match reader {
        Reader::Program => print::document(&Shape { file: file.to_owned(), bytes })?,
        Reader::Person => print::text(&format!("{} ({bytes} bytes) {what}", file.display()))?,
    }
    Ok(Exit::Done)
}

async fn dump(database: &Database, file: &Path) -> anyhow::Result<()> {
    let programs = database.programs().await?;
    let unfinished = file.with_added_extension("unfinished");
    let writing = || format!("writing {}", unfinished.display());
    let target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
    let target = target.with_context(writing)?;
    let synced = target.try_clone().with_context(writing)?;
    let dumped =
        run(&programs, "pg_dump", &["--format=custom", "--no-owner"], Stdio::null(), target.into()).await;
    let finished = dumped.and_then(|()| {
        synced.sync_all().with_context(writing)?;
        fs::rename(&unfinished, file).with_context(|| format!("naming it {}", file.display()))
    });
    if finished.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    finished
}

async fn fill(database: &Database, file: File) -> anyhow::Result<()> {
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
