//! The five laws (faults.md, in the project's design notes): no miss, no wolf, no waste, loud, clean. Judged from outside the
//! program by its ledgers, and against what an undisturbed run of the same story brings.

use std::collections::{BTreeMap, BTreeSet};

use nix::sys::signal::Signal;

use super::house::Rig;
use crate::support::letter::Letter;
use crate::support::running::Running;
use crate::support::scene::{KEY, OPERATOR};
use crate::support::secrets::Secrets;

pub const OWED: &str =
    "SELECT count(*) FROM deliveries WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL";

/// What a story brings, in whatever order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Kind, company, certificate, threshold of every event.
    pub events: Vec<String>,
    /// For each recipient what they were sent of each certificate.
    pub news: BTreeMap<String, BTreeSet<String>>,
    /// How often each company and page was asked for.
    pub calls: BTreeMap<(String, String), usize>,
}

/// What a fault may cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Requests whose answers could not be used.
    pub calls: usize,
    /// Mails that were sent twice, with the same bytes.
    pub repeats: usize,
    /// What operators hear of it: each once, and its end once.
    pub troubles: &'static [&'static str],
}

impl Cost {
    pub const NOTHING: Self = Self { calls: 0, repeats: 0, troubles: &[] };
}

impl Outcome {
    /// What has come of it so far.
    pub async fn of(rig: &Rig) -> Self {
        let events = rig.scene.texts(
            "SELECT concat_ws(' ', kind, event->>'company', event#>>'{certificate,number}', event->>'threshold')
             FROM events ORDER BY 1",
        );
        let mut news = BTreeMap::<String, BTreeSet<String>>::new();
        for (to, letter) in rig.scene.letters() {
            news.entry(to).or_default().extend(lines_of_news(&letter));
        }
        Self { events: events.await, news, calls: rig.money.by_company() }
    }

    fn calls(&self) -> usize {
        self.calls.values().sum()
    }

    /// The events that are no part of these troubles.
    fn events_but(&self, troubles: &[&str]) -> Vec<&String> {
        let is_of = |event: &str| {
            let kind = event.split(' ').next().unwrap_or_default();
            troubles.contains(&kind.strip_suffix("_resolved").unwrap_or(kind))
        };
        self.events.iter().filter(|event| !is_of(event)).collect()
    }
}

/// Each certificate that a letter names, with the days of the calendar in its line. How news is spread over letters, and how
/// much is said of each where there is much to say, is no news; that nothing is told by two letters is what their rows say.
fn lines_of_news(letter: &Letter) -> Vec<String> {
    // What a first mail lists has no news by itself, and is listed the shorter the more companies there are; the line on all the
    // rest names the next deadline of what has none.
    let lines = letter.text.lines().take_while(|line| !line.starts_with("■ 企业监测情况"));
    let lines = lines.filter(|line| !line.contains("下一个期限"));
    let items = lines.flat_map(|line| line.split('；'));
    let dated = items.filter_map(|item| Some((certificate_in(item)?, days_in(item))));
    // A headline has no day.
    let dated = dated.filter(|(_, days)| !days.is_empty());
    let said: BTreeSet<String> =
        dated.map(|(certificate, days)| format!("{certificate} {}", days.join(" "))).collect();
    // A card says twice what a list of many says once.
    said.into_iter().collect()
}

fn certificate_in(line: &str) -> Option<&str> {
    let is_number = |word: &&str| {
        let digits = word.strip_prefix(|c: char| c.is_ascii_uppercase());
        digits.is_some_and(|digits| digits.len() >= 9 && digits.chars().all(|c| c.is_ascii_digit()))
    };
    line.split(|c: char| !c.is_ascii_alphanumeric()).find(is_number)
}

/// As "2029年1月9日".
fn days_in(line: &str) -> Vec<String> {
    let mut days = Vec::new();
    for (place, _) in line.match_indices('日') {
        let from = line[..place].rfind(|c: char| !c.is_ascii_digit() && !"年月".contains(c));
        let day = &line[from.map_or(0, |from| from + line[from..].chars().next().unwrap().len_utf8())..place];
        if day.contains('年') {
            days.push(day.to_owned());
        }
    }
    days
}

/// A mail that was sent without the database.
pub fn is_direct(letter: &Letter) -> bool {
    letter.header("Message-ID").contains("database-away.")
}

/// Judges all that has come of a story, now that it is over, by the five laws.
pub async fn judge(rig: &Rig, expected: &Outcome, cost: Cost) {
    let outcome = Outcome::of(rig).await;
    nothing_is_missed_or_made_up(&outcome, expected, cost);
    every_trouble_is_told_once(&outcome, cost);
    mail_is_what_the_rows_say(rig, cost).await;
    nothing_is_wasted(&outcome, expected, cost);
    nothing_is_leaked(rig).await;
}

/// L1 and L2.
fn nothing_is_missed_or_made_up(outcome: &Outcome, expected: &Outcome, cost: Cost) {
    are_the_same(&outcome.events_but(cost.troubles), &expected.events_but(cost.troubles), "events");
    let whose =
        |outcome: &Outcome| outcome.news.keys().filter(|to| *to != OPERATOR).cloned().collect::<Vec<_>>();
    assert_eq!(whose(outcome), whose(expected), "who was written to");
    for (to, wanted) in expected.news.iter().filter(|(to, _)| *to != OPERATOR) {
        let (found, wanted) = (Vec::from_iter(&outcome.news[to]), Vec::from_iter(wanted));
        are_the_same(&found, &wanted, &format!("news for {to}"));
    }
}

/// Of sorted texts; says what differs, not everything.
fn are_the_same(found: &[&String], wanted: &[&String], what: &str) {
    let lacking = |from: &[&String], these: &[&String]| {
        let mut left = from.to_vec();
        let lack = |text: &&&String| {
            left.iter().position(|other| other == *text).map(|at| left.swap_remove(at)).is_none()
        };
        these.iter().filter(lack).map(ToString::to_string).collect::<Vec<_>>()
    };
    let (missing, made_up) = (lacking(found, wanted), lacking(wanted, found));
    assert!(missing.is_empty() && made_up.is_empty(), "{what}: missing {missing:#?}, made up {made_up:#?}");
}

/// L4.
fn every_trouble_is_told_once(outcome: &Outcome, cost: Cost) {
    for trouble in cost.troubles {
        let count =
            |kind: &str| outcome.events.iter().filter(|event| event.split(' ').next() == Some(kind)).count();
        let told = (count(trouble), count(&format!("{trouble}_resolved")));
        assert_eq!(told, (1, 1), "{trouble}, and its end: {:#?}", outcome.events);
    }
}

/// L1 and L2 for mail: nothing is owed, and the server took exactly what the rows say, each once.
async fn mail_is_what_the_rows_say(rig: &Rig, cost: Cost) {
    assert_eq!(rig.count(OWED).await, 0, "something is still owed");
    let letters = rig.scene.letters();
    let direct = letters.iter().filter(|(_, letter)| is_direct(letter)).count();
    assert_eq!(
        direct,
        usize::from(cost.troubles.contains(&"database_unavailable")),
        "mails without the database"
    );
    let rows = rig.count("SELECT count(*) FROM messages WHERE sent_at IS NOT NULL").await;
    assert_eq!(
        usize::try_from(rows).unwrap(),
        letters.len() - direct,
        "mails that were taken, and rows of them"
    );
    assert_eq!(rig.count("SELECT count(*) FROM messages WHERE sent_at IS NULL").await, 0);
    let repeats = rig.scene.sink.mails().len() - letters.len();
    assert!(repeats <= cost.repeats, "{repeats} mails were sent twice");
    assert_eq!(rig.scene.sink.violations(), Vec::<String>::new());
}

/// L3.
fn nothing_is_wasted(outcome: &Outcome, expected: &Outcome, cost: Cost) {
    let (paid, minimum) = (outcome.calls(), expected.calls());
    let more_than_once: Vec<_> = outcome.calls.iter().filter(|(_, times)| **times > 1).collect();
    assert!(paid <= minimum + cost.calls, "{paid} calls, and {minimum} would have done: {more_than_once:?}");
    let missing: Vec<_> = expected.calls.keys().filter(|asked| !outcome.calls.contains_key(*asked)).collect();
    assert!(missing.is_empty(), "never asked for: {missing:?}");
}

/// L5 for rows and mail; logs are given to [`says_no_secret`].
async fn nothing_is_leaked(rig: &Rig) {
    let secrets = Secrets::new(&[KEY]);
    secrets.are_in_no_row(&rig.scene.pool).await;
    for (_, letter) in rig.scene.letters() {
        secrets.are_not_in(&letter.text, "a mail");
        secrets.are_not_in(&letter.html, "a mail");
    }
}

/// L5 for what a process said.
pub fn says_no_secret(log: &str) {
    Secrets::new(&[KEY]).are_not_in(log, "the log");
}

/// Tells a daemon to end: it ends well, and has said no secret.
pub async fn ends_well(daemon: Running) {
    let (code, log) = daemon.end(Signal::SIGTERM).await;
    assert_eq!(code, 0, "{log}");
    says_no_secret(&log);
}

/// What the same story brings when nothing disturbs it, on these days.
pub async fn undisturbed(rig: &Rig, days: &[&str]) -> Outcome {
    for day in days {
        rig.scene.at(day);
        let ran = rig.program().run(&["check", "--due", "--json"]);
        assert_eq!(ran.code, Some(0), "{day}: {ran:?}");
    }
    assert!(rig.is_silent().await);
    Outcome::of(rig).await
}
