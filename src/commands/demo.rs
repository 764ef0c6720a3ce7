//! `qualwatch demo`: the whole thing in a minute. An imitation upstream, a private PostgreSQL, simulated days, mail as files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock as _, SimulatedClock};
use crate::config::{self, Watchlist};
use crate::domain::event::EventKind;
use crate::domain::secret::Secret;
use crate::domain::text::displayable;
use crate::domain::wall_clock::instant_of;
use crate::email::{Mailer, Ripe, Sweeping};
use crate::private_postgres::{PrivatePostgres, Purpose};
use crate::sandbox::{Sandbox, Scenario};
use crate::store::Store;
use crate::store::outbox::events::Recorded;
use crate::store::reports;
use crate::store::steps::NoSteps;
use crate::sweep::{self, Mode, NoProgress, Sweep, Whom};

use super::arguments::{Demo, Places};
use super::ending::cancelled_by_signals;
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::shapes::EventShape;

/// The first and the last day of the story that the scenario tells.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 4, 22).unwrap();

/// When the daemon looks on each simulated day: after midnight in China (a spent quota is tried then), at the hour of the
/// schedule, and later that morning (a repaired key is tried then).
const LOOKS: [TimeDelta; 3] = [TimeDelta::minutes(15), TimeDelta::hours(8), TimeDelta::minutes(570)];

/// Where the mails are laid unless a state directory is named.
const DIRECTORY: &str = "qualwatch-demo";

/// What `demo --json` prints.
#[derive(Debug, Serialize)]
struct Shape {
    from: NaiveDate,
    to: NaiveDate,
    events: Vec<EventShape>,
    /// How many events there were of each kind.
    kinds: BTreeMap<EventKind, usize>,
    calls: u64,
    mail: MailShape,
}

#[derive(Debug, Serialize)]
struct MailShape {
    directory: PathBuf,
    sent: u64,
}

/// Plays the story.
///
/// # Errors
/// There is no PostgreSQL server to start, or the directory cannot be written.
pub(super) async fn demo(places: &Places, arguments: &Demo) -> anyhow::Result<Exit> {
    let directory = places.state_dir.clone().unwrap_or_else(|| PathBuf::from(DIRECTORY));
    let mail = prepare(&directory)?;
    // Not below the directory: as root the server runs as another user, who must be able to reach it.
    let scratch = std::env::temp_dir().join(format!("qualwatch-demo-{}", std::process::id()));
    let private = PrivatePostgres::start(&scratch, Purpose::Disposable).await?;
    let played = play(&directory, mail, &private, arguments.output.reader()).await;
    let stopped = private.stop().await;
    let played = played?;
    stopped?;
    match arguments.output.reader() {
        Reader::Program => print::document(&played)?,
        Reader::Person => print::text(&farewell(&played))?,
    }
    Ok(Exit::Done)
}

/// Makes the directory, without the mails of an earlier demo. Nothing else in it is touched.
fn prepare(directory: &Path) -> anyhow::Result<PathBuf> {
    let mail = directory.join("mail");
    let writing = || format!("preparing the demo's directory {}", directory.display());
    fs::create_dir_all(&mail).with_context(writing)?;
    for entry in fs::read_dir(&mail).with_context(writing)? {
        let path = entry.with_context(writing)?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            fs::remove_file(path).with_context(writing)?;
        }
    }
    Ok(mail)
}

async fn play(
    directory: &Path,
    mail: PathBuf,
    private: &PrivatePostgres,
    reader: Reader,
) -> anyhow::Result<Shape> {
    let scenario = Scenario::demo();
    let keywords: Vec<String> = scenario.keywords().map(str::to_owned).collect();
    let clock = SimulatedClock::new(FIRST_DAY.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc());
    let sandbox = Sandbox::start(scenario, ([127, 0, 0, 1], 0).into(), Arc::new(clock.clone())).await?;
    let watchlist = watchlist(directory, &sandbox.url(), &keywords)?;
    let store = Store::open_and_migrate(private.connect_options()).await?;
    let ending = CancellationToken::new();
    let _signals = cancelled_by_signals(&ending)?;
    let stage = Stage { store: &store, watchlist: &watchlist, clock: &clock, ending: &ending, reader };
    let (told, sent) = stage.play().await?;
    let calls = sandbox.requests();
    sandbox.stop().await;
    store.close().await;
    let mut kinds = BTreeMap::new();
    for recorded in &told {
        *kinds.entry(recorded.event.kind()).or_default() += 1;
    }
    let events = told.into_iter().map(|told| EventShape::new(told, watchlist.language)).collect();
    Ok(Shape {
        from: FIRST_DAY,
        to: LAST_DAY,
        events,
        kinds,
        calls,
        mail: MailShape { directory: mail, sent },
    })
}

/// The demo's own watchlist, left in its directory for whoever wants to see it.
fn watchlist(directory: &Path, url: &str, keywords: &[String]) -> anyhow::Result<Watchlist> {
    let mut text = format!(
        "# Written by `qualwatch demo`: the watchlist of its story.\n[api]\nurl = \"{url}\"\nrequests_per_second = 1000\n\n\
         [email]\nmaildir = \"mail\"\nfrom = \"资质监控 <alerts@example.com>\"\nto = [\"compliance@example.com\"]\n\
         operators = [\"ops@example.com\"]\n"
    );
    for keyword in keywords {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[[company]]\nkeyword = \"{keyword}\"\n");
    }
    let path = directory.join("watchlist.toml");
    fs::write(&path, &text).with_context(|| format!("writing {}", path.display()))?;
    match config::parse(&text, &path) {
        Ok((watchlist, _)) => Ok(watchlist),
        Err(faults) => {
            Err(Refusal::failed(format!("the demo's own watchlist has faults: {faults:?}")).into())
        }
    }
}

/// What the story is played with.
struct Stage<'a> {
    store: &'a Store,
    watchlist: &'a Watchlist,
    clock: &'a SimulatedClock,
    ending: &'a CancellationToken,
    reader: Reader,
}

impl Stage<'_> {
    /// Plays day by day; gives what was told and how many mails were sent.
    async fn play(&self) -> anyhow::Result<(Vec<Recorded>, u64)> {
        let (mut told, mut sent) = (Vec::new(), 0);
        let first = self.instant(FIRST_DAY, LOOKS[0]);
        sweep::accept(self.store, self.watchlist, first).await?;
        for day in FIRST_DAY.iter_days().take_while(|day| *day <= LAST_DAY) {
            // On the first day the daemon is started at the hour of the schedule.
            let looks = LOOKS.into_iter().skip(usize::from(day == FIRST_DAY));
            for look in looks {
                if self.ending.is_cancelled() {
                    return Err(Refusal::failed("ended early by a signal").into());
                }
                self.clock.set(self.instant(day, look));
                let (found, mails) = self.look().await?;
                self.show(day, &found, mails)?;
                told.extend(found);
                sent += mails;
            }
        }
        Ok((told, sent))
    }

    fn instant(&self, day: NaiveDate, look: TimeDelta) -> DateTime<Utc> {
        let wall = day.and_time(chrono::NaiveTime::MIN) + look;
        instant_of(self.watchlist.timezone, wall).unwrap_or_default()
    }

    /// What a daemon does when its bell rings.
    async fn look(&self) -> anyhow::Result<(Vec<Recorded>, u64)> {
        let sweep = || {
            let clock = Arc::new(self.clock.clone());
            let ending = self.ending.clone();
            Sweep::new(self.store, self.watchlist, clock, &NoSteps, Mode::ForGood, &NoProgress, ending)
        };
        let mut told = sweep().run(&Whom::Due, Secret::parse("demo")).await?.told;
        told.extend(sweep().judge_the_day().await?);
        let found = reports::events_by_id(self.store.pool(), &told).await?;
        let mailer = Mailer {
            store: self.store,
            watchlist: self.watchlist,
            password: None,
            clock: self.clock,
            steps: &NoSteps,
        };
        let sent = mailer.send_owed(Ripe::Due(Sweeping::Idle)).await?.sent;
        Ok((found, sent))
    }

    fn show(&self, day: NaiveDate, found: &[Recorded], mails: u64) -> anyhow::Result<()> {
        if self.reader == Reader::Program || found.is_empty() {
            return Ok(());
        }
        let mut text =
            format!("{day} {}\n", self.clock.now().with_timezone(&self.watchlist.timezone).format("%H:%M"));
        for recorded in found {
            let summary = crate::email::words::summary(&recorded.event, self.watchlist.language);
            let _ = writeln!(text, "  {:<22}{}", recorded.event.kind().to_string(), displayable(&summary));
        }
        let _ = writeln!(text, "  → {mails} {}", if mails == 1 { "mail" } else { "mails" });
        print::text(&text)
    }
}

fn farewell(played: &Shape) -> String {
    let kinds: BTreeSet<String> = played.kinds.keys().map(ToString::to_string).collect();
    format!(
        "\n{} events of {} kinds in {} simulated days, {} calls, {} mails.\n\
         The mails are files in {}: open them with a mail program.",
        played.events.len(),
        kinds.len(),
        (played.to - played.from).num_days() + 1,
        played.calls,
        played.mail.sent,
        played.mail.directory.display()
    )
}
