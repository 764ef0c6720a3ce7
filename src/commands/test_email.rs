//! `qualwatch test-email`: a sample alert to everybody who is to get mail, and what the server said for each.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgPool;

use crate::config::{self, EmailAddress, Watchlist};
use crate::domain::event::{Audience, CertificateFacts, Event, NamedQualification, News, Reached};
use crate::domain::language::Language;
use crate::domain::number::Family;
use crate::domain::secret::Secret;
use crate::domain::text::{displayable, hex};
use crate::email::digest::{Around, compose_around};
use crate::email::message::{Envelope, build};
use crate::email::post::Post;
use crate::email::{self, SendFailure};
use crate::random;
use crate::store::asking::stops::{self, Stop, What};

use super::arguments::{Places, TestEmail};
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Exit, Refusal};
use super::paragraph::paragraph;
use super::print::{self, Reader};

/// Days to the sample's end: within the default thresholds.
const SAMPLE_DAYS_LEFT: u64 = 30;

/// As the mail's own text.
const NOTE_STYLE: &str =
    "font-size:15px;line-height:23px;font-family:'PingFang SC','Microsoft YaHei',sans-serif;";

#[derive(Debug, Serialize)]
struct Report {
    taken: usize,
    refused: usize,
    recipients: Vec<Answered>,
}

/// What was said of one recipient.
#[derive(Debug, Serialize)]
struct Answered {
    address: EmailAddress,
    audiences: Vec<Audience>,
    /// Whether the message was taken.
    taken: bool,
    /// The server's code where it refused.
    code: Option<u16>,
    /// What the server said, or what went wrong.
    reply: String,
    advice: Option<&'static str>,
}

/// Sends the samples and prints what the server said.
///
/// # Errors
/// Wrong use, or a sample cannot be written.
pub(super) async fn test_email(places: &Places, arguments: &TestEmail) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let wanted = wanted(&context.watchlist, &arguments.to)?;
    let password = config::read_smtp_password(&context.watchlist, &context.environment)?;
    let password = password.map(|password| password.value);
    let courier = email::courier(&context.watchlist, password.as_ref())
        .context(Refusal::wrong_use("no mail can be sent"))?;
    let stop = pass_the_stop(&context, password.as_ref()).await?;
    let from = context.watchlist.email.from.address.as_str();
    let mut post = Post::new(Ok(courier), from);
    let mut recipients = Vec::new();
    for (address, audiences) in wanted {
        let message = sample(&context, &address)?;
        let sent = post.post(address.as_str(), &message).await.map(|receipt| receipt.reply);
        recipients.push(Answered::new(address, audiences, sent));
    }
    post.close().await;
    let taken = recipients.iter().filter(|answered| answered.taken).count();
    if let Some(stop) = stop.filter(|_| taken > 0) {
        go_on(&context, stop).await?;
    }
    let report = Report { taken, refused: recipients.len() - taken, recipients };
    match reader {
        Reader::Program => print::document(&report)?,
        Reader::Person => show(&report)?,
    }
    Ok(match (report.taken, report.refused) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Problems,
    })
}

/// Those who are named, each once, or everybody.
fn wanted(watchlist: &Watchlist, named: &[String]) -> anyhow::Result<Vec<(EmailAddress, Vec<Audience>)>> {
    let everybody = everybody(watchlist);
    if named.is_empty() {
        return Ok(everybody);
    }
    let mut wanted: Vec<(EmailAddress, Vec<Audience>)> = Vec::new();
    for text in named {
        let address: EmailAddress =
            text.trim().parse().map_err(|bad| Refusal::wrong_use(format!("--to: {bad}")))?;
        if wanted.iter().any(|(known, _)| known.folded() == address.folded()) {
            continue;
        }
        let known = everybody.iter().find(|(known, _)| known.folded() == address.folded());
        wanted.push((address, known.map(|(_, audiences)| audiences.clone()).unwrap_or_default()));
    }
    Ok(wanted)
}

/// Every address in the file, each once, in its order: readers of all companies, of some, operators.
fn everybody(watchlist: &Watchlist) -> Vec<(EmailAddress, Vec<Audience>)> {
    let email = &watchlist.email;
    let readers = email.to.iter().chain(watchlist.companies.iter().flat_map(|company| &company.to));
    let readers = readers.map(|address| (address, Audience::Reader));
    let operators = email.operators.iter().map(|address| (address, Audience::Operator));
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut everybody: Vec<(EmailAddress, Vec<Audience>)> = Vec::new();
    for (address, audience) in readers.chain(operators) {
        let place = *places.entry(address.folded()).or_insert(everybody.len());
        match everybody.get_mut(place) {
            Some((_, audiences)) if audiences.contains(&audience) => {}
            Some((_, audiences)) => audiences.push(audience),
            None => everybody.push((address.clone(), vec![audience])),
        }
    }
    everybody
}

/// Takes the one login an hour that is allowed, by whatever command, while the sender is refused (design 5); at once where
/// login, password or server changed. Gives the stop that was passed. Without a database nothing is known of one.
async fn pass_the_stop(context: &Context, password: Option<&Secret>) -> anyhow::Result<Option<Stop>> {
    let Ok(database) = OpenDatabase::open_if_there(context).await? else { return Ok(None) };
    let passed = take_probe(context, database.store.pool(), password).await;
    database.closed_after(passed).await
}

async fn take_probe(
    context: &Context,
    pool: &PgPool,
    password: Option<&Secret>,
) -> anyhow::Result<Option<Stop>> {
    let Some(stop) = stops::stop(pool, What::Mail).await? else { return Ok(None) };
    let now = context.now();
    let fingerprint = email::fingerprint(&context.watchlist, password, &stop.salt);
    let is_allowed = fingerprint != stop.fingerprint || email::may_log_in(&stop, now);
    let next = Some(now + email::LOGIN_PAUSE);
    if is_allowed && stops::take_probe(pool, What::Mail, &stop, next, &fingerprint).await? {
        return Ok(Some(Stop { fingerprint, ..stop }));
    }
    let again = stop.next_probe_at.map(|at| format!("; the next login is allowed at {}", context.local(at)));
    let refusal = Refusal::unchecked(format!(
        "mail is stopped since {}: {}{}",
        context.local(stop.since),
        stop.reason,
        again.unwrap_or_default()
    ));
    let advice = "one login an hour is tried, and one at once when login, password or server change";
    Err(refusal.advising(advice).into())
}

/// The sender is not refused any more: whoever sends what is owed may try at once.
async fn go_on(context: &Context, stop: Stop) -> anyhow::Result<()> {
    let Ok(database) = OpenDatabase::open_if_there(context).await? else { return Ok(()) };
    // As it is since this command took its login. Where somebody ended the stop meanwhile, mail goes already.
    let taken = Stop { attempts: stop.attempts + 1, ..stop };
    let (pool, now) = (database.store.pool(), Some(context.now()));
    let done = stops::take_probe(pool, What::Mail, &taken, now, &taken.fingerprint).await;
    database.closed_after(done.map_err(Into::into)).await?;
    Ok(())
}

impl Answered {
    fn new(address: EmailAddress, audiences: Vec<Audience>, sent: Result<String, SendFailure>) -> Self {
        match sent {
            Ok(reply) => Self { address, audiences, taken: true, code: None, reply, advice: None },
            Err(failure) => {
                let (code, advice) = (failure.code, failure.advice());
                let reply = failure.to_string();
                Self { address, audiences, taken: false, code, reply, advice }
            }
        }
    }
}

/// An alert as readers get it, plainly marked: nobody may take it for news.
fn sample(context: &Context, to: &EmailAddress) -> anyhow::Result<Vec<u8>> {
    let (watchlist, now, today) = (&context.watchlist, context.now(), context.today());
    let language = watchlist.language;
    let email = &watchlist.email;
    let around =
        Around { operators: watchlist.operators(), contact: email.contact.clone(), ..Around::default() };
    let mut letters = compose_around(&[event(language, now, today)], &around, language, today).into_iter();
    let mut letter = letters.next().context("the sample has no words")?;
    let (mark, note) = match language {
        Language::Chinese => ("【测试】", "这是 qualwatch 的测试邮件，内容为示例，无需处理。"),
        Language::English => (
            "[TEST] ",
            "This is a test mail of qualwatch. What it says is a sample: nothing needs to be done.",
        ),
    };
    letter.subject = format!("{mark}{}", letter.subject);
    letter.text = format!("{note}\n\n{}", letter.text);
    letter.html = with_note(&letter.html, note);
    let envelope = Envelope {
        from: &watchlist.email.from,
        to,
        at: now,
        zone: watchlist.timezone,
        message_id: &message_id(watchlist),
    };
    Ok(build(&letter, &envelope)?)
}

/// The note as the first line of the body, where there is one.
fn with_note(html: &str, note: &str) -> String {
    let body = html.find("<body").and_then(|at| Some(at + html.get(at..)?.find('>')? + 1));
    match body.and_then(|at| html.split_at_checked(at)) {
        Some((head, rest)) => {
            format!("{head}<p style=\"margin:12px 20px;{NOTE_STYLE}\"><strong>{note}</strong></p>{rest}")
        }
        None => html.to_owned(),
    }
}

fn event(language: Language, now: DateTime<Utc>, today: NaiveDate) -> Event {
    let end = today.checked_add_days(Days::new(SAMPLE_DAYS_LEFT)).unwrap_or(today);
    let family = Family::Construction;
    let threshold = i64::try_from(SAMPLE_DAYS_LEFT).unwrap_or_default();
    let (company, organ) = match language {
        Language::Chinese => ("示例建设有限公司（测试）", "示例机关"),
        Language::English => ("Sample Construction Co., Ltd. (test)", "sample authority"),
    };
    let text = "建筑工程施工总承包一级";
    let qualification =
        NamedQualification {
            text: text.to_owned(), name: "建筑工程施工总承包".to_owned(), grade: None
        };
    Event {
        company_name: Some(company.to_owned()),
        certificate: Some(CertificateFacts {
            number: "D100000000".to_owned(),
            family,
            kind: "建筑业企业资质".to_owned(),
            organ: organ.to_owned(),
            issued_on: None,
            valid_until: Some(end),
            valid_until_text: end.to_string(),
            filing_day: family.filing_day(end),
            qualifications: vec![qualification],
        }),
        days_left: Some(threshold),
        last_verified_at: Some(now),
        ..Event::new(News::Expiring(Reached { threshold }), now, today)
    }
}

/// Another one at each call and for each recipient, and nothing in it that could be guessed from outside.
fn message_id(watchlist: &Watchlist) -> String {
    format!("test.{}@{}", hex(&random::bytes::<12>()), watchlist.email.from.address.domain())
}

/// A paragraph each: what a server says fits no cell.
fn show(report: &Report) -> anyhow::Result<()> {
    let mut text = String::new();
    for answered in &report.recipients {
        let taken = if answered.taken { "taken" } else { "refused" };
        let advice = answered.advice.map(|advice| format!("; {advice}")).unwrap_or_default();
        let said = format!("{}: {taken}: {}{advice}", answered.address, answered.reply);
        text.push_str(&paragraph(&displayable(&said), 0, 4));
        text.push('\n');
    }
    print::text(&text)
}
