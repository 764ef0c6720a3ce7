//! `qualwatch demo`: the whole thing in a minute. An imitation upstream, a private PostgreSQL, simulated days, mail as files.

mod pages;
mod story;
mod watchlist;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::pages::DemoMail;
use self::story::{CHAPTERS, DEEDS, Deed, FIRST_DAY, LAST_DAY};
use self::watchlist::DemoFile;
use super::arguments::{Demo, Places};
use super::event_line;
use super::exit::{Exit, Refusal};
use super::paragraph::paragraph;
use super::print::{self, Reader};
use super::shapes::EventShape;
use super::signals::cancelled_by_signals;
use crate::clock::{Clock as _, SimulatedClock};
use crate::config::{Colour, Environment, Watchlist};
use crate::domain::event::EventKind;
use crate::domain::language::Language;
use crate::domain::number::CertificateNumber;
use crate::domain::secret::Secret;
use crate::domain::text::displayable;
use crate::domain::wall_clock::instant_of;
use crate::email::message::part_of;
use crate::email::{Mailer, Ripe, Sweeping};
use crate::private_postgres::{Options, PrivatePostgres, Purpose};
use crate::sandbox::{Sandbox, Scenario};
use crate::store::Store;
use crate::store::checks::standings;
use crate::store::companies::renewals;
use crate::store::outbox::events::Recorded;
use crate::store::outbox::recipients::Recipient;
use crate::store::reports::{self, letters};
use crate::store::steps::NoSteps;
use crate::sweep::{self, Mode, NoProgress, Sweep, Whom};

/// When the daemon looks on each simulated day: after midnight in China (a spent quota is tried then), at the hour of the
/// schedule, and later that morning (a repaired key is tried then).
const LOOKS: [TimeDelta; 3] = [TimeDelta::minutes(15), TimeDelta::hours(8), TimeDelta::minutes(570)];

/// When the operator does what the story says, before the hour of the schedule.
const BEFORE_THE_HOUR: TimeDelta = TimeDelta::minutes(470);

/// So long after a look its mails are its own: simulated time stands still meanwhile.
const LOOK_LASTS: TimeDelta = TimeDelta::minutes(1);

/// So many events of a kind are named for a look; all are in the mails.
const NAMED_MAX: usize = 3;

/// The mails as files, below the demo's directory.
const MAIL: &str = "mail";

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
    /// All of them as a page for a browser.
    index: PathBuf,
    sent: usize,
}

/// Plays the story.
///
/// # Errors
/// There is no PostgreSQL server to start, or the directory cannot be written.
pub(super) async fn demo(places: &Places, arguments: &Demo) -> anyhow::Result<Exit> {
    let directory = places.state_dir.clone().unwrap_or_else(|| PathBuf::from(DIRECTORY));
    prepare(&directory)?;
    // Not below the directory: as root the server runs as another user, who must be able to reach it.
    let scratch = std::env::temp_dir().join(format!("qualwatch-demo-{}", std::process::id()));
    let private = PrivatePostgres::start(&scratch, &Options::new(Purpose::Disposable)).await?;
    let colour = print::colour_of_output(&Environment::of_this_process());
    let played = play(&directory, &private, arguments, colour).await;
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
fn prepare(directory: &Path) -> anyhow::Result<()> {
    let mail = directory.join(MAIL);
    let writing = || format!("preparing the demo's directory {}", directory.display());
    fs::create_dir_all(&mail).with_context(writing)?;
    for entry in fs::read_dir(&mail).with_context(writing)? {
        let path = entry.with_context(writing)?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            fs::remove_file(path).with_context(writing)?;
        }
    }
    Ok(())
}

async fn play(
    directory: &Path,
    private: &PrivatePostgres,
    arguments: &Demo,
    colour: Colour,
) -> anyhow::Result<Shape> {
    let (scenario, language) = (Scenario::demo(), Language::from(arguments.language));
    let companies = scenario.keywords().map(|keyword| (keyword.to_owned(), Vec::new())).collect();
    let clock = SimulatedClock::new(FIRST_DAY.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc());
    let sandbox = Sandbox::start(scenario, ([127, 0, 0, 1], 0).into(), Arc::new(clock.clone())).await?;
    let url = sandbox.url();
    let file = DemoFile { url: &url, language, companies };
    let watchlist = file.write(directory)?;
    let store = Store::open_and_migrate(private.connect_options()).await?;
    let ending = CancellationToken::new();
    let _signals = cancelled_by_signals(&ending)?;
    let reader = arguments.output.reader();
    let mut stage =
        Stage { store: &store, directory, file, watchlist, clock: &clock, ending: &ending, reader, colour };
    let (told, mails) = stage.play().await?;
    let calls = sandbox.requests();
    sandbox.stop().await;
    store.close().await;
    let index = directory.join("index.html");
    let page = pages::index(&mails, language).context("writing the page of all mails")?;
    fs::write(&index, page).with_context(|| format!("writing {}", index.display()))?;
    let mut kinds = BTreeMap::new();
    for recorded in &told {
        *kinds.entry(recorded.event.kind()).or_default() += 1;
    }
    let events = told.into_iter().map(|told| EventShape::new(told, language)).collect();
    let mail = MailShape { directory: directory.join(MAIL), index, sent: mails.len() };
    Ok(Shape { from: FIRST_DAY, to: LAST_DAY, events, kinds, calls, mail })
}

/// What the story is played with.
struct Stage<'a> {
    store: &'a Store,
    directory: &'a Path,
    file: DemoFile<'a>,
    watchlist: Watchlist,
    clock: &'a SimulatedClock,
    ending: &'a CancellationToken,
    reader: Reader,
    colour: Colour,
}

impl Stage<'_> {
    /// Plays day by day; gives what was told, and the mails.
    async fn play(&mut self) -> anyhow::Result<(Vec<Recorded>, Vec<DemoMail>)> {
        let (mut told, mut mails) = (Vec::new(), Vec::new());
        sweep::accept(self.store, &self.watchlist, self.instant(FIRST_DAY, LOOKS[0])).await?;
        for day in FIRST_DAY.iter_days().take_while(|day| *day <= LAST_DAY) {
            if let Some(chapter) = CHAPTERS.iter().find(|chapter| chapter.day == day) {
                self.show(&self.heading(day, chapter.words(self.watchlist.language)))?;
            }
            // On the first day the daemon is started at the hour of the schedule.
            let looks = LOOKS.into_iter().skip(usize::from(day == FIRST_DAY));
            for look in looks {
                if self.ending.is_cancelled() {
                    return Err(Refusal::failed("ended early by a signal").into());
                }
                if look == LOOKS[1] {
                    self.clock.set(self.instant(day, BEFORE_THE_HOUR));
                    self.do_the_deeds(day).await?;
                }
                self.clock.set(self.instant(day, look));
                let found = self.look().await?;
                let sent = self.sent(day, look).await?;
                self.show(&self.story_of(&found, &sent))?;
                told.extend(found);
                mails.extend(sent);
            }
        }
        Ok((told, mails))
    }

    fn instant(&self, day: NaiveDate, look: TimeDelta) -> DateTime<Utc> {
        let wall = day.and_time(chrono::NaiveTime::MIN) + look;
        instant_of(self.watchlist.timezone, wall).unwrap_or_default()
    }

    /// What the operator does on this day.
    async fn do_the_deeds(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        for (_, deed) in DEEDS.iter().filter(|(day, _)| *day == today) {
            if let Deed::SaysFiled { company, number, end, reference } = deed {
                let company = company.parse().context("the story's company")?;
                let number = CertificateNumber::parse(number).context("the story's certificate")?;
                let pool = self.store.pool();
                let known = standings::named(pool, &[&company]).await?;
                let company = known.first().context("the story's company is not watched")?.id;
                let filed = (today, Some(*reference));
                renewals::set(pool, company, &number, &[*end], filed, self.clock.now()).await?;
            } else {
                self.file.edit(deed);
                self.watchlist = self.file.write(self.directory)?;
                sweep::accept(self.store, &self.watchlist, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// What a daemon does when its bell rings.
    async fn look(&self) -> anyhow::Result<Vec<Recorded>> {
        let sweep = || {
            let clock = Arc::new(self.clock.clone());
            let ending = self.ending.clone();
            Sweep::new(self.store, &self.watchlist, clock, &NoSteps, Mode::ForGood, &NoProgress, ending)
        };
        let mut told = sweep().run(&Whom::Due, Secret::parse("demo")).await?.told;
        told.extend(sweep().judge_the_day().await?);
        let found = reports::events_by_id(self.store.pool(), &told).await?;
        let mailer = Mailer {
            store: self.store,
            watchlist: &self.watchlist,
            password: None,
            clock: self.clock,
            steps: &NoSteps,
        };
        mailer.send_owed(Ripe::Due(Sweeping::Idle)).await?;
        Ok(found)
    }

    /// The mails of this look.
    async fn sent(&self, day: NaiveDate, look: TimeDelta) -> anyhow::Result<Vec<DemoMail>> {
        let now = self.instant(day, look);
        let email = &self.watchlist.email;
        let own = self.watchlist.companies.iter().flat_map(|company| &company.to);
        let mut mails = Vec::new();
        for to in email.to.iter().chain(own).chain(&email.operators) {
            let recipient = Recipient::new(to.as_str());
            for offered in letters::offered(self.store.pool(), &recipient, now, now + LOOK_LASTS).await? {
                let part = |kind: &str| part_of(&offered.content, kind).unwrap_or_default();
                mails.push(DemoMail {
                    day,
                    to: to.as_str().to_owned(),
                    text: part("text/plain"),
                    html: part("text/html"),
                    subject: offered.subject,
                });
            }
        }
        Ok(mails)
    }

    fn show(&self, text: &str) -> anyhow::Result<()> {
        if self.reader == Reader::Program || text.is_empty() {
            return Ok(());
        }
        print::text(text)
    }

    fn heading(&self, day: NaiveDate, words: &str) -> String {
        let words = paragraph(words, 12, 12);
        match self.colour {
            Colour::Always => format!("\n\u{1b}[1m{day}  {words}\u{1b}[0m\n"),
            Colour::Never => format!("\n{day}  {words}\n"),
        }
    }

    /// What was found, and what went out.
    fn story_of(&self, found: &[Recorded], mails: &[DemoMail]) -> String {
        if found.is_empty() && mails.is_empty() {
            return String::new();
        }
        let now = self.clock.now().with_timezone(&self.watchlist.timezone);
        let mut text = format!("{}\n", now.format("%Y-%m-%d %H:%M"));
        let mut of_kinds: BTreeMap<EventKind, Vec<String>> = BTreeMap::new();
        for Recorded { event, .. } in found {
            let number = event.certificate.as_ref().map(|facts| facts.number.as_str());
            let who =
                [event.company_name.as_deref(), number].into_iter().flatten().collect::<Vec<_>>().join(" ");
            of_kinds.entry(event.kind()).or_default().push(who);
        }
        for (kind, mut whose) in of_kinds {
            let more = whose.len().saturating_sub(NAMED_MAX);
            whose.truncate(NAMED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            // Writing to a String cannot fail.
            let _ = write!(text, "  {}", event_line::line(kind, &(whose.join(", ") + &more), self.colour));
        }
        for mail in mails {
            let line = format!("-> {}: {}", mail.to, displayable(&mail.subject));
            let _ = writeln!(text, "  {}", paragraph(&line, 2, 5));
        }
        text
    }
}

fn farewell(played: &Shape) -> String {
    let sentence = format!(
        "{} events of {} kinds in {} simulated days, {} calls, {} mails.",
        played.events.len(),
        played.kinds.len(),
        (played.to - played.from).num_days() + 1,
        played.calls,
        played.mail.sent,
    );
    format!(
        "\n{}\nRead them in a browser: {}\nAs files for a mail program: {}\n",
        paragraph(&sentence, 0, 0),
        played.mail.index.display(),
        played.mail.directory.display()
    )
}
