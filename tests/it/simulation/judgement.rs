//! The five laws (faults.md), and a sixth of the heartbeat (design.md 5), from ledgers kept outside the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};

use super::calendar::Day;
use super::course::{Course, OPERATOR, READER, SECOND, Seen};
use super::ledgers::{self, Held, Posted};
use super::oracle::beats::{Beat, Beats};
use super::oracle::silence::{self, Silences};
use super::oracle::troubles::FOLLOWED;
use super::oracle::words::plain;
use super::oracle::{Oracle, TroubleLine, Verdict};
use super::registry::Call;
use super::story;
use super::truth::{RowName, Sight};
use super::weather::{Mail, What};

/// How a world was lived through.
#[derive(Debug, Default)]
pub struct Judgement {
    pub violations: Vec<String>,
    pub companies: usize,
    pub days: i32,
    pub calls: usize,
    pub looks: usize,
    pub checks: usize,
    pub events: usize,
    pub mails: usize,
    pub seen: Seen,
    /// Rare states that this world came to, by name.
    pub sometimes: BTreeMap<&'static str, usize>,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, companies, days, calls, looks, checks, events, mails, seen, .. } = self;
        writeln!(
            f,
            "{companies} companies, {days} days, {calls} calls, {looks} looks, {checks} checks by the laws, {events} \
             events, {mails} mails, {seen:?}: {} violations",
            violations.len()
        )?;
        violations.iter().take(40).try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}

pub async fn judge(course: &Course) -> Judgement {
    let ledger = course.registry.ledger();
    let verdict = Oracle::new(&course.truth, &course.weather).judge(&ledger, &course.bells);
    let told = ledgers::told(course).await;
    let posted = ledgers::posted(course).await;
    let mut judge = Judge { course, verdict: &verdict, violations: Vec::new(), checks: 0 };
    judge.every_change_is_told_and_nothing_else(&told);
    judge.all_of_it_is_posted_once(&posted);
    judge.no_call_is_wasted(&ledger);
    judge.the_history_is_what_was_known(&ledgers::history(course).await);
    judge.all_has_come_to_rest(&ledgers::unrest(course).await);
    let troubles = ledgers::troubles(course).await;
    let turned = judge.turns_are_fair(&ledger, &troubles);
    judge.operators_hear_of_edits(&ledgers::edits(course).await);
    judge.operators_hear_once(&troubles);
    judge.operators_hear_of_silence(&troubles, &ledger);
    judge.operators_hear_of_unknown_codes(&troubles, &ledger);
    let beats = judge.the_heartbeat_fails_where_an_alert_may_be_missed(&ledger);
    judge.the_secrets_are_nowhere(&ledgers::leaks(course).await);
    if let Ok(company) = std::env::var("QUALWATCH_STORY") {
        story::tell(company.parse().unwrap(), course, &verdict, &told);
    }
    Judgement {
        violations: judge.violations,
        companies: course.truth.watched.len(),
        days: course.truth.last.since(course.truth.first),
        calls: ledger.len(),
        looks: verdict.looks,
        checks: judge.checks,
        events: told.values().map(Vec::len).sum(),
        mails: posted.mails.len(),
        seen: course.seen,
        sometimes: super::sometimes::seen(course, &verdict, &told, &ledger, &posted, turned, beats),
    }
}

/// Bells of which it could be said what the heartbeat had to tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beaten {
    pub well: usize,
    pub failing: usize,
}

pub(super) struct Judge<'a> {
    pub(super) course: &'a Course,
    pub(super) verdict: &'a Verdict,
    violations: Vec<String>,
    checks: usize,
}

impl Judge<'_> {
    pub(super) fn holds(&mut self, law: &str, is_so: bool, otherwise: impl FnOnce() -> String) {
        self.checks += 1;
        if !is_so {
            self.violations.push(format!("{law}: {}", otherwise()));
        }
    }

    /// L1 and L2, for readers.
    fn every_change_is_told_and_nothing_else(&mut self, told: &super::oracle::Told) {
        let keys: BTreeSet<_> = told.keys().chain(self.verdict.told.keys()).copied().collect();
        let sorted = |lines: Option<&Vec<String>>| {
            let mut lines = lines.cloned().unwrap_or_default();
            lines.sort();
            lines
        };
        for (day, company) in keys {
            let is = sorted(told.get(&(day, company)));
            let ought = sorted(self.verdict.told.get(&(day, company)));
            let missed: Vec<_> = ought.iter().filter(|line| !is.contains(line)).collect();
            self.holds("L1", missed.is_empty(), || format!("{day} company {company}: missed {missed:?}"));
            let wolf: Vec<_> = is.iter().filter(|line| !ought.contains(line)).collect();
            self.holds("L2", wolf.is_empty(), || format!("{day} company {company}: not justified {wolf:?}"));
            let once = !is.windows(2).any(|pair| pair[0] == pair[1]);
            self.holds("L2", once, || format!("{day} company {company}: told twice in {is:?}"));
        }
    }

    /// L1 and L2, for mails.
    fn all_of_it_is_posted_once(&mut self, posted: &Posted) {
        let mut by_id: BTreeMap<&str, Vec<&ledgers::Mail>> = BTreeMap::new();
        for mail in &posted.mails {
            by_id.entry(&mail.id).or_default().push(mail);
        }
        let mut told_by: BTreeSet<&str> = BTreeSet::new();
        for owed in &posted.owed {
            self.everybody_gets_it(owed);
            for delivery in owed.deliveries.iter().filter(|delivery| !delivery.is_cancelled) {
                let id = delivery.message.as_deref().unwrap_or_default();
                told_by.insert(id);
                let mails = by_id.get(id);
                self.holds("L1", mails.is_some(), || format!("never posted: {owed:?}"));
                let Some(mail) = mails.and_then(|mails| mails.first()) else { continue };
                let says = mail.to == delivery.recipient
                    && owed.numbers.iter().all(|number| mail.text.contains(number));
                self.holds("L1", says, || format!("{delivery:?} is not in its mail: {owed:?}"));
                let is_calm = !self.course.weather.is_rough(owed.day);
                let in_time = delivery.sent_on == Some(owed.day) || !is_calm;
                self.holds("L1", in_time, || format!("posted late: {owed:?}"));
            }
        }
        for (id, mails) in by_id {
            self.holds("L2", told_by.contains(id), || format!("a mail that tells nothing: {id}"));
            let same = mails.iter().all(|mail| mail.bytes == mails[0].bytes);
            self.holds("L2", same, || format!("{id} was repeated with other bytes"));
        }
        let violations = self.course.sink.violations();
        self.holds("L2", violations.is_empty(), || format!("against SMTP: {violations:?}"));
    }

    /// Whoever was in the watchlist that day, and nobody else. Who left it before the mail did need not get it any more.
    fn everybody_gets_it(&mut self, owed: &ledgers::Owed) {
        let weather = &self.course.weather;
        let mut entitled = BTreeSet::from([if owed.is_for_readers { READER } else { OPERATOR }]);
        let file = weather.file_on(owed.day);
        if owed.is_for_readers && owed.company.is_some_and(|company| file.two_readers.contains(&company)) {
            entitled.insert(SECOND);
        }
        // The others know what is open.
        if owed.is_briefing {
            entitled = BTreeSet::from([SECOND]);
        }
        let owing: BTreeSet<&str> =
            owed.deliveries.iter().map(|delivery| delivery.recipient.as_str()).collect();
        self.holds("L1", owing == entitled, || {
            format!("owed to {owing:?} instead of {entitled:?}: {owed:?}")
        });
        let is_edited_later = weather.edits.range(owed.day.plus(1)..).next().is_some();
        let cancelled = owed.deliveries.iter().filter(|delivery| delivery.is_cancelled);
        let mut may_be = cancelled.map(|delivery| delivery.recipient == SECOND && is_edited_later);
        let is_fair = may_be.all(|may_be| may_be);
        self.holds("L1", is_fair, || format!("cancelled: {owed:?}"));
    }

    /// L3: whoever is due is asked for its pages; more only where something was amiss.
    fn no_call_is_wasted(&mut self, ledger: &[Call]) {
        let mut by_day: BTreeMap<(Day, usize), usize> = BTreeMap::new();
        for call in ledger {
            if let Some(company) = call.company.or_else(|| self.course.truth.formerly(&call.keyword)) {
                *by_day.entry((Day::of_instant(call.at), company)).or_default() += 1;
            }
        }
        let mut day = self.course.truth.first;
        while day <= self.course.truth.last.plus(3) {
            let kills = self.course.weather.kills_on(day);
            if !self.course.weather.is_rough(day) && kills == 0 {
                for &company in &self.course.truth.watched {
                    let calls = by_day.get(&(day, company)).copied().unwrap_or_default();
                    let due = self.verdict.due.get(&(day, company));
                    let pages = due.map_or(0, |due| due.pages);
                    // Of days with few calls [`turns`] says who had to be asked.
                    let is_short = self.course.weather.calls_on(day).is_some();
                    let may_be_none = is_short || due.is_some_and(|due| due.or_none);
                    let is_right =
                        calls == pages || (calls == 0 && may_be_none) || (is_short && calls < pages);
                    self.holds("L3", is_right, || {
                        format!("{day} company {company}: {calls} calls instead of {pages}")
                    });
                }
            } else {
                let calls: usize = by_day.range((day, 0)..(day.plus(1), 0)).map(|(_, calls)| calls).sum();
                let due_on = |day: Day| -> usize {
                    self.verdict.due.range((day, 0)..(day.plus(1), 0)).map(|(_, due)| due.pages).sum()
                };
                // What a kill may have lost is asked again; while upstream is amiss all are, once, and probes are made. Soon
                // after midnight it may be those of the day before.
                let is_rough = self.course.weather.is_rough(day);
                let losable = self.course.losable.get(&day).copied().unwrap_or_default();
                let again = due_on(day).max(due_on(day.plus(-1))) + 24;
                let most = due_on(day) + losable + if is_rough { again } else { 0 };
                self.holds("L3", calls <= most, || format!("{day}: {calls} calls instead of {most} at most"));
            }
            day = day.plus(1);
        }
    }

    /// The stored history replays to what was established, for every day with a look or a change.
    fn the_history_is_what_was_known(&mut self, history: &[Held]) {
        let verdict = self.verdict;
        let looked_at = verdict.shown.keys().map(|(company, at)| (*company, Day::of_instant(*at)));
        let mut held_by: BTreeMap<usize, Vec<&Held>> = BTreeMap::new();
        for held in history {
            held_by.entry(held.company).or_default().push(held);
        }
        let days: BTreeSet<(usize, Day)> = looked_at.chain(verdict.known.keys().copied()).collect();
        for (company, day) in days {
            let until = day.plus(1).at(0, 0);
            let stored: BTreeSet<&str> = held_by
                .get(&company)
                .into_iter()
                .flatten()
                .filter(|held| held.from < until)
                .filter(|held| held.to.is_none_or(|to| to >= until))
                .map(|held| held.line.as_str())
                .collect();
            let latest = verdict.known.range((company, Day(i32::MIN))..=(company, day)).next_back();
            let known: BTreeSet<String> =
                latest.into_iter().flat_map(|(_, known)| known.iter().map(line_of)).collect();
            let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
            self.holds("history", stored == known, || {
                let (less, more): (Vec<_>, Vec<_>) =
                    (known.difference(&stored).collect(), stored.difference(&known).collect());
                format!("{day} company {company}: misses {less:?}, has besides {more:?}")
            });
        }
    }

    /// With the faults off: nothing in doubt, nothing owed, and what is known is true.
    fn all_has_come_to_rest(&mut self, unrest: &[String]) {
        self.holds("rest", unrest.is_empty(), || format!("{unrest:?}"));
        let last = self.course.truth.last;
        let file = self.course.weather.file_on(last);
        for &company in self.course.truth.watched.difference(&file.out) {
            // Nobody could say whose its answers are: an operator has to.
            if self.verdict.disputed.contains(&company) {
                continue;
            }
            let known = &self.verdict.last_known[company];
            let shown = self.course.truth.companies[company].shown_on(last);
            for (row, sight) in &shown {
                let is_true = known.get(row).is_some_and(|known| {
                    known.grade == sight.grade && (sight.end.day().is_none() || known.end == sight.end)
                });
                self.holds("rest", is_true, || format!("company {company}: {row:?} is not known as it is"));
            }
            for (row, known) in known.iter().filter(|(row, _)| !shown.contains_key(*row)) {
                let has_ended = known.end.day().is_some_and(|end| end <= last.plus(16));
                self.holds("rest", has_ended, || {
                    format!("company {company}: {row:?} is known and is not there")
                });
            }
        }
    }

    /// L4, for what an edit of the watchlist means: once, on its day.
    fn operators_hear_of_edits(&mut self, told: &BTreeMap<Day, Vec<String>>) {
        let days: BTreeSet<Day> = told.keys().chain(self.verdict.edits.keys()).copied().collect();
        for day in days {
            let (is, ought) = (told.get(&day), self.verdict.edits.get(&day));
            self.holds("L4", is == ought, || format!("{day}: of an edit told {is:?} instead of {ought:?}"));
        }
    }

    /// L4: a trouble begins once, with a fault behind it, and ends once.
    fn operators_hear_once(&mut self, troubles: &[TroubleLine]) {
        let mut open: BTreeMap<(&str, &str, Option<usize>), Day> = BTreeMap::new();
        for trouble in troubles {
            let key = (trouble.kind.as_str(), trouble.cause.as_str(), trouble.company);
            if trouble.is_end {
                let was_open = open.remove(&key).is_some();
                self.holds("L4", was_open, || format!("an end without a beginning: {trouble:?}"));
            } else {
                let is_new = open.insert(key, trouble.day).is_none();
                self.holds("L4", is_new, || format!("told twice: {trouble:?}"));
                let is_justified = self.is_justified(trouble);
                self.holds("L4", is_justified, || format!("without a reason: {trouble:?}"));
            }
        }
        self.operators_hear_of_each_cause(troubles);
        let masses: BTreeSet<Day> = troubles
            .iter()
            .filter(|one| one.kind == "mass_change" && !one.is_end)
            .map(|one| one.day)
            .collect();
        let ought: BTreeSet<Day> = self.verdict.masses.iter().copied().collect();
        self.holds("L4", masses == ought, || format!("mass losses told on {masses:?} instead of {ought:?}"));
        let disputed = &self.verdict.disputed;
        open.retain(|(kind, _, company), _| match *kind {
            "unreadable_date" | "unreadable_item" | "company_not_found" => false,
            "identity_changed" | "company_unverified" => {
                company.is_none_or(|company| !disputed.contains(&company))
            }
            _ => true,
        });
        self.holds("L4", open.is_empty(), || format!("never resolved: {open:?}"));
    }

    /// What the oracle follows is told on its very day. A process that dies says it when it lives again, and an entry that is
    /// edited ends its troubles: such are only counted.
    fn operators_hear_of_each_cause(&mut self, troubles: &[TroubleLine]) {
        let weather = &self.course.weather;
        let has_kills = weather.blows.keys().any(|day| weather.kills_on(*day) > 0);
        let edited = |company: usize| {
            let keywords = &self.course.truth.companies[company].keywords;
            keywords.len() > 1 || weather.edits.values().flatten().any(|edit| edit.company() == company)
        };
        let mut followed: Vec<&TroubleLine> =
            troubles.iter().filter(|line| FOLLOWED.contains(&line.kind.as_str())).collect();
        let mut ought: Vec<&TroubleLine> = self.verdict.troubles.iter().collect();
        for lines in [&mut followed, &mut ought] {
            lines.retain(|line| !is_own_limit(line));
            lines.retain(|line| line.company.map_or(!has_kills, |company| !edited(company)));
            lines.sort();
        }
        let missed: Vec<_> = ought.iter().filter(|line| !followed.contains(line)).collect();
        let more: Vec<_> = followed.iter().filter(|line| !ought.contains(line)).collect();
        let is_so = followed == ought;
        self.holds("L4", is_so, || format!("operators miss {missed:?} and hear besides {more:?}"));
    }

    /// Upstream is said to be silent on the very day on which it has been so for long enough, and on no other.
    fn operators_hear_of_silence(&mut self, troubles: &[TroubleLine], ledger: &[Call]) {
        let weather = &self.course.weather;
        let mut first_answers: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
        for call in ledger.iter().filter(|call| !silence::is_unread(call.gave)) {
            first_answers.entry(&call.keyword).or_insert(call.at);
        }
        // One whose answers are not its own fails as well, and says nothing of upstream either.
        let is_another = |company: usize, day: Day| {
            ["identity_changed", "company_not_found"].iter().any(|kind| {
                let mut of_it = troubles.iter().filter(|line| line.kind == *kind && line.day <= day);
                of_it.rfind(|line| line.company == Some(company)).is_some_and(|line| !line.is_end)
            })
        };
        // So is an entry that was never answered yet: a new one may be misspelt.
        let is_dead = |call: &Call| {
            let was_never_there =
                first_answers.get(call.keyword.as_str()).is_none_or(|first| *first > call.at);
            let day = Day::of_instant(call.at);
            let is_of_nobody = |company| weather.is_dead(company, day) || is_another(company, day);
            was_never_there || call.company.is_some_and(is_of_nobody)
        };
        let is_disturbed = |day: Day| weather.blows.contains_key(&day);
        // Whether the silence of a company for which nobody ever answers says anything of upstream is a matter of taste.
        let silences = Silences::of(ledger, is_disturbed, |_| false);
        let silences = silences.agreed_with(&Silences::of(ledger, is_disturbed, is_dead));
        let lines: Vec<&TroubleLine> =
            troubles.iter().filter(|line| line.kind == "api_unreachable").collect();
        for line in lines.iter().filter(|line| !line.is_end) {
            let is_so = silences.told.contains(&line.day) || silences.unclear.contains(&line.day);
            self.holds("L4", is_so, || format!("{}: upstream said to be silent", line.day));
        }
        for day in &silences.told {
            let last = lines.iter().rfind(|line| line.day <= *day);
            let is_told = last.is_some_and(|line| {
                // What was said on an unclear day need not be said again.
                !line.is_end && (line.day == *day || silences.unclear.contains(&line.day))
            });
            // It may be over on its very day.
            let is_over = lines.iter().any(|line| !line.is_end && line.day == *day);
            self.holds("L4", is_told || is_over, || format!("{day}: upstream not said to be silent"));
        }
    }

    /// Whenever an answer came that nobody knows, that was told and not yet over.
    fn operators_hear_of_unknown_codes(&mut self, troubles: &[TroubleLine], ledger: &[Call]) {
        let lines: Vec<&TroubleLine> =
            troubles.iter().filter(|line| line.kind == "api_unknown_code").collect();
        for day in silence::days_of_unknown_codes(ledger) {
            // Each code is a trouble of its own: the end of one says nothing of another.
            let last: BTreeMap<&str, &&TroubleLine> =
                lines.iter().filter(|line| line.day <= day).map(|line| (line.cause.as_str(), line)).collect();
            let is_told = last.values().any(|line| !line.is_end || line.day == day);
            let is_so = is_told || self.course.weather.kills_on(day) > 0;
            self.holds("L4", is_so, || format!("{day}: an unknown code that was not told"));
        }
    }

    /// L6: the heartbeat fails where an alert may be missed, and nowhere else. How often either could be said.
    fn the_heartbeat_fails_where_an_alert_may_be_missed(&mut self, ledger: &[Call]) -> Beaten {
        let beats = Beats::new(&self.course.weather, &self.verdict.told, ledger);
        let mut beaten = Beaten::default();
        for (bell, (at, failing)) in self.course.bells.iter().zip(&self.course.beats).enumerate() {
            match beats.after(bell, *at) {
                Beat::Unclear => {}
                Beat::Well => {
                    beaten.well += 1;
                    self.holds("L6", failing.is_empty(), || {
                        format!("{at}: all is well, and the heartbeat would fail: {failing:?}")
                    });
                }
                Beat::Fail(why) => {
                    beaten.failing += 1;
                    self.holds("L6", !failing.is_empty(), || {
                        format!("{at}: the heartbeat would say that all is well, but {why}")
                    });
                }
            }
        }
        beaten
    }

    /// L5: what upstream echoes of the key is nowhere, nor is the mail server's password.
    fn the_secrets_are_nowhere(&mut self, leaks: &[String]) {
        self.holds("L5", leaks.is_empty(), || format!("a secret is in {leaks:?}"));
    }

    fn is_justified(&self, trouble: &TroubleLine) -> bool {
        use super::weather::Manner::{Code, OtherCompany};
        let weather = &self.course.weather;
        let lately = |back: i32, fits: &dyn Fn(&What) -> bool| {
            weather.faults.iter().any(|fault| {
                fits(&fault.what) && fault.from <= trouble.day && fault.to >= trouble.day.plus(-back)
            })
        };
        let amiss = |what: &What| matches!(what, What::Manner(_));
        let mail = weather.mail.get(&trouble.day).copied();
        match trouble.kind.as_str() {
            "api_quota" if is_own_limit(trouble) => weather.calls_on(trouble.day).is_some(),
            "api_quota" => lately(0, &|what| matches!(what, What::Manner(Code(10_011..=10_013)))),
            "api_credential" => lately(0, &|what| matches!(what, What::Manner(Code(10_001)))),
            "identity_changed" => {
                let company = trouble.company.map(|company| &self.course.truth.companies[company]);
                let anew = company.and_then(|company| company.imported_anew);
                anew.is_some_and(|from| from <= trouble.day)
                    || lately(0, &|what| matches!(what, What::Manner(OtherCompany)))
            }
            "api_unknown_code" => lately(0, &|what| {
                matches!(what, What::Manner(Code(265_002) | super::weather::Manner::Status(302)))
            }),
            "company_unverified" if weather.calls_on(trouble.day).is_some() => true,
            "api_unreachable" | "company_unverified" => lately(2, &amiss),
            "unreadable_item" => trouble
                .company
                .is_some_and(|company| self.course.truth.companies[company].has_unnumbered_on(trouble.day)),
            "mass_change" | "unreadable_date" | "company_not_found" => true,
            // One of all who are refused alike is told before it is known that they are.
            "email_stopped" => matches!(mail, Some(Mail::RefusedLate | Mail::UnknownAll)),
            "email_undeliverable" => mail == Some(Mail::UnknownAll),
            _ => false,
        }
    }
}

/// The day's own calls are spent: nobody upstream has said so.
fn is_own_limit(trouble: &TroubleLine) -> bool {
    trouble.kind == "api_quota" && trouble.cause.parse::<u32>().is_err()
}

/// A row as it is known or stored.
pub fn line_of((row, sight): (&RowName, &Sight)) -> String {
    let end = sight.end.day().map(|day| day.to_string()).unwrap_or_default();
    format!("{} {} {} {end} {}", row.number, plain(row.qualification), sight.grade, sight.issued)
}
