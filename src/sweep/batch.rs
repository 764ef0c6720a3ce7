//! A batch: companies that a lane has asked, concluded together and stored in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::breaker::SilenceIs;
use super::check::{Asked, Came, PARSER_VERSION};
use super::day::Case;
use super::ground::Ground;
use super::outcome::{self, Attributed, Conclusion, PrefixIs, conclude, new_prefix, sort};
use super::plan::{Attempt, Planned};
use super::report::{Ended, span_of};
use super::second_reading;
use super::stops::Stops;
use super::teller::Teller;
use crate::config::Company;
use crate::domain::event::{EventKind, Trouble};
use crate::domain::identity::Whose;
use crate::domain::observation::Observation;
use crate::domain::outcome::Outcome;
use crate::domain::text::chain;
use crate::juhe::{Failure, Pace};
use crate::store::StoreError;
use crate::store::asking::budget::Cause;
use crate::store::checks::claims::Claims;
use crate::store::checks::commit::{self, Batch, Checked, Failed, StoredAnswer, TurnIs};
use crate::store::checks::records::{self, AnswerDigests, Record, Records};
use crate::store::companies::{CompanyId, succession};
use crate::store::outbox::events::Owed;
use crate::store::outbox::troubles::Turn;
use crate::store::steps::Step;

/// Concludes what came of the companies and stores it; in a dry run it is only noted. Gives those that are to be asked once
/// more. The companies are released.
pub(super) async fn settle<'c>(
    stops: Stops<'_>,
    mut claims: Option<&mut Claims>,
    asked: Vec<Asked<'c>>,
) -> Result<Vec<Planned<'c>>, StoreError> {
    let ids: Vec<CompanyId> = asked.iter().filter_map(|asked| asked.planned.id).collect();
    let ground = stops.ground;
    let mut came = sort_out(stops, asked);
    let (concluded, failed) = concluded(ground, claims.as_deref_mut(), came.observed).await?;
    came.failed.extend(failed);
    let again = match claims {
        Some(claims) => {
            ground.steps.reached(Step::BeforeCommit).await;
            let again = store(stops, claims, &came.verified, concluded, came.failed).await?;
            ground.steps.reached(Step::AfterCommit).await;
            claims.release(&ids).await?;
            again
        }
        None => imagine(stops, concluded, came.failed),
    };
    let verified = i32::try_from(came.verified.len()).unwrap_or(i32::MAX);
    stops.ledger.note_verified(verified);
    came.verified.iter().for_each(|asked| stops.progress.advances(&asked.planned.entry.keyword));
    Ok(again)
}

/// A company whose answer is to be compared.
struct Observed<'c> {
    asked: Asked<'c>,
    observation: Observation,
    digests: Option<AnswerDigests>,
}

/// A company whose check failed.
struct Failing<'c> {
    asked: Asked<'c>,
    ended: Ended,
    failure: Option<Failure>,
    /// Calls that its whole answer takes, where that was found out.
    pages: Option<i16>,
}

impl<'c> Failing<'c> {
    fn new(asked: Asked<'c>, ended: Ended) -> Self {
        Self { asked, ended, failure: None, pages: None }
    }

    fn is_in_passing(&self) -> bool {
        self.pages.is_none() && matches!(self.ended.outcome, Outcome::Transient | Outcome::Incomplete)
    }

    /// A failure in passing leaves it one more try, unless it had its second.
    fn is_asked_again(&self) -> bool {
        self.is_in_passing() && self.asked.planned.attempt == Attempt::First
    }

    /// Two tries are a turn, unless asking is paused and nobody was answered: who is asked while upstream is away loses nothing
    /// by it. Only the pause's own pace keeps such a company from being paid for at every look. Nor does it lose its turn whose pages
    /// could not be paid, and now that they are known it costs nothing until they can.
    fn turn(&self, stops: Stops<'_>) -> TurnIs {
        let is_paused = self.asked.planned.cause == Cause::Probe || stops.breaker.is_in_question();
        let is_its_own = self.asked.silence_is == SilenceIs::ItsOwn || stops.breaker.has_answered();
        let loses_nothing = self.is_in_passing() && is_paused && !is_its_own;
        if self.is_asked_again() || loses_nothing || self.pages.is_some() {
            TurnIs::Open
        } else {
            TurnIs::Over
        }
    }
}

#[derive(Default)]
struct SortedOut<'c> {
    verified: Vec<Asked<'c>>,
    observed: Vec<Observed<'c>>,
    failed: Vec<Failing<'c>>,
}

fn sort_out<'c>(stops: Stops<'_>, asked: Vec<Asked<'c>>) -> SortedOut<'c> {
    let mut sorted = SortedOut::default();
    for mut asked in asked {
        match std::mem::replace(&mut asked.came, Came::Over) {
            Came::TheSame => sorted.verified.push(asked),
            // It stops all asking, and says nothing of the company, which stays due.
            Came::Failed(failure) if failure.pace() != Pace::GoesOn => {
                stops.ended(asked.planned.entry, outcome::failed(&failure));
            }
            Came::Failed(failure) => {
                let ended = outcome::failed(&failure);
                sorted.failed.push(Failing { failure: Some(failure), ..Failing::new(asked, ended) });
            }
            Came::TooManyPages(pages) => {
                let ended = outcome::incomplete(&too_many_pages(pages));
                let pages = Some(i16::try_from(pages).unwrap_or(i16::MAX));
                sorted.failed.push(Failing { pages, ..Failing::new(asked, ended) });
            }
            Came::Observed(Observation::Incomplete(reason), _) => {
                sorted.failed.push(Failing::new(asked, outcome::incomplete(&reason.to_string())));
            }
            Came::Observed(observation, digests) => {
                sorted.observed.push(Observed { asked, observation, digests });
            }
            // The panic's own line in the log does not say at whom: that the check failed does.
            Came::Panicked => {
                let ended = Ended::new(Outcome::Transient, None, Some(PANICKED.to_owned()));
                sorted.failed.push(Failing::new(asked, ended));
            }
            Came::Over => stops.given_up(asked.planned),
            Came::Unpaid => {
                let reason = too_many_pages(asked.planned.pages);
                stops.unasked(asked.planned, Outcome::Quota, &reason);
            }
            Came::BrokenOff => {
                let reason = "asking was stopped before all pages were there";
                stops.ended(asked.planned.entry, outcome::incomplete(reason));
            }
        }
    }
    sorted
}

fn too_many_pages(pages: u16) -> String {
    format!("its answer takes {pages} calls, more than the day has left ([api].calls_per_day)")
}

const PANICKED: &str = "qualwatch itself failed at this company (a panic; see the log)";

/// A check at which we failed ourselves, which is logged already.
fn broken(reason: String) -> Ended {
    Ended { is_logged: true, ..Ended::new(Outcome::Transient, None, Some(reason)) }
}

/// A check of which the database does not take or give what it must.
fn refused(entry: &Company, error: &StoreError) -> Ended {
    let reason = chain(error);
    span_of(entry).in_scope(|| tracing::error!(reason, "qualwatch itself failed at a check"));
    broken(reason)
}

/// A company whose answer could be compared.
struct Concluded<'c> {
    asked: Asked<'c>,
    record: Record,
    conclusion: Conclusion,
}

/// Reads the companies together and concludes each; one that cannot be read or concluded has failed.
async fn concluded<'c>(
    ground: &Ground<'_>,
    mut claims: Option<&mut Claims>,
    observed: Vec<Observed<'c>>,
) -> Result<(Vec<Concluded<'c>>, Vec<Failing<'c>>), StoreError> {
    if observed.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut records = read(ground, claims.as_deref_mut(), &observed).await?;
    let mut failed = Vec::new();
    let mut read = Vec::with_capacity(observed.len());
    for observed in observed {
        let entry = observed.asked.planned.entry;
        let record = match observed.asked.planned.id.map(|id| records.take(id)) {
            Some(Ok(Some(record))) => record,
            Some(Err(error)) => {
                failed.push(Failing::new(observed.asked, refused(entry, &error)));
                continue;
            }
            Some(Ok(None)) | None => {
                Record::unknown(entry.keyword.clone(), entry.name.to_string(), observed.asked.at)
            }
        };
        read.push((observed, record));
    }
    let (sorted, mut broken) = whose_they_are(ground, claims, read).await?;
    let mut concluded = Vec::with_capacity(sorted.len());
    for (observed, record, answer) in sorted {
        if let Some(error) = broken.remove(&record.id) {
            let ended = refused(observed.asked.planned.entry, &error);
            failed.push(Failing::new(observed.asked, ended));
            continue;
        }
        match conclude_unless_it_panics(ground, &observed.asked, &record, answer) {
            Ok(conclusion) => {
                concluded.push(Concluded { asked: observed.asked, record, conclusion });
            }
            Err(ended) => failed.push(Failing::new(observed.asked, ended)),
        }
    }
    Ok((concluded, failed))
}

/// The companies as they are stored, in today's words.
async fn read(
    ground: &Ground<'_>,
    mut claims: Option<&mut Claims>,
    observed: &[Observed<'_>],
) -> Result<Records, StoreError> {
    let ids: Vec<CompanyId> = observed.iter().filter_map(|observed| observed.asked.planned.id).collect();
    let mut records = match claims.as_deref_mut() {
        Some(claims) => records::read_claimed(claims, &ids).await?,
        None => records::read(ground.store.pool(), &ids).await?,
    };
    let older = records.readable.values().filter(|record| second_reading::is_older(record));
    for id in older.map(|record| record.id).collect::<Vec<_>>() {
        let Some(record) = records.readable.get_mut(&id) else { continue };
        if let Err(error) = second_reading::reread(ground, claims.as_deref_mut(), record).await {
            records.refuse(id, error)?;
        }
    }
    Ok(records)
}

/// Answers with whose they are, and of which company that could not be stored.
type Sorted<'c> = (Vec<(Observed<'c>, Record, Attributed)>, HashMap<CompanyId, StoreError>);

/// Whose the answers are. A first answer with the prefix of a company that has left goes on with its history.
async fn whose_they_are<'c>(
    ground: &Ground<'_>,
    claims: Option<&mut Claims>,
    read: Vec<(Observed<'c>, Record)>,
) -> Result<Sorted<'c>, StoreError> {
    let mut broken = HashMap::new();
    let mut sorted: Vec<(Observed<'c>, Record, Attributed)> = read
        .into_iter()
        .map(|(observed, record)| {
            let whose = sort(&record, &observed.observation);
            let pages = i16::try_from(observed.asked.pages.len()).unwrap_or(i16::MAX).max(1);
            let answer =
                Attributed { whose, prefix_is: PrefixIs::Free, digests: observed.digests.clone(), pages };
            (observed, record, answer)
        })
        .collect();
    let Some(claims) = claims else { return Ok((sorted, broken)) };
    let new: HashMap<CompanyId, String> = sorted
        .iter()
        .filter_map(|(_, record, answer)| {
            let prefix = new_prefix(record, answer.whose.as_ref()?)?;
            Some((record.id, prefix.as_str().to_owned()))
        })
        .collect();
    if new.is_empty() {
        return Ok((sorted, broken));
    }
    let pairs: Vec<(CompanyId, &str)> = new.iter().map(|(id, prefix)| (*id, prefix.as_str())).collect();
    let mut taken: BTreeSet<CompanyId> = commit::taken_prefixes(claims, &pairs).await?.into_iter().collect();
    let left =
        succession::left_with(claims, &pairs.iter().map(|(_, prefix)| *prefix).collect::<Vec<_>>()).await?;
    let mut in_batch = BTreeSet::new();
    for (observed, record, answer) in &mut sorted {
        let Some(prefix) = new.get(&record.id) else { continue };
        if !in_batch.insert(prefix) {
            taken.insert(record.id);
        }
        if taken.contains(&record.id) {
            answer.prefix_is = PrefixIs::Taken;
        } else if left.contains(prefix) && is_first_of_its_own(record, answer) {
            match inherit(ground, claims, record, prefix).await {
                Err(error) if error.is_of_the_database() => return Err(error),
                Err(error) => drop(broken.insert(record.id, error)),
                Ok(()) => answer.whose = sort(record, &observed.observation),
            }
        }
        if let Some(Whose::ReImported { prefix, .. }) = &answer.whose {
            tracing::warn!(company = record.keyword.as_str(), %prefix, "imported anew upstream, under another id: accepted");
        }
    }
    Ok((sorted, broken))
}

fn is_first_of_its_own(record: &Record, answer: &Attributed) -> bool {
    let is_first = record.snapshot.baseline_at.is_none() && record.snapshot.held.is_empty();
    is_first && matches!(answer.whose, Some(Whose::Ours { prefix: Some(_), .. }))
}

/// The company with the history of one that has left the file.
async fn inherit(
    ground: &Ground<'_>,
    claims: &mut Claims,
    record: &mut Record,
    prefix: &str,
) -> Result<(), StoreError> {
    if !succession::succeed(claims, record.id, prefix, ground.now()).await? {
        return Ok(());
    }
    if let Some(heir) = records::read_claimed(claims, &[record.id]).await?.take(record.id)? {
        *record = heir;
        if second_reading::is_older(record) {
            second_reading::reread(ground, Some(claims), record).await?;
        }
    }
    Ok(())
}

fn conclude_unless_it_panics(
    ground: &Ground<'_>,
    asked: &Asked<'_>,
    record: &Record,
    answer: Attributed,
) -> Result<Conclusion, Ended> {
    let teller = Teller { watchlist: ground.watchlist, now: asked.at };
    let case = Case { record, entry: asked.planned.entry, teller, upstream: ground.upstream() };
    let concluding = || span_of(case.entry).in_scope(|| conclude(&case, answer));
    catch_unwind(AssertUnwindSafe(concluding)).unwrap_or_else(|_| Err(broken(PANICKED.to_owned())))
}

/// Stores all of it in one transaction. What cannot be stored has failed, and that is stored in a second one.
async fn store<'c>(
    stops: Stops<'_>,
    claims: &mut Claims,
    verified: &[Asked<'c>],
    mut concluded: Vec<Concluded<'c>>,
    failed: Vec<Failing<'c>>,
) -> Result<Vec<Planned<'c>>, StoreError> {
    let refused = commit_all(stops, claims, verified, &mut concluded, &failed).await?;
    log_refused(&refused, &failed);
    let mut again: Vec<Planned<'c>> = Vec::new();
    let mut failed_after_all = Vec::new();
    for concluded in concluded {
        match refused.get(&concluded.record.id) {
            None => {
                stops.ended(concluded.asked.planned.entry, ended_of(&concluded.conclusion));
            }
            Some(error) => {
                let ended = refused_ended(concluded.asked.planned.entry, error);
                failed_after_all.push(Failing::new(concluded.asked, ended));
            }
        }
    }
    if !failed_after_all.is_empty() {
        let refused = commit_all(stops, claims, &[], &mut [], &failed_after_all).await?;
        log_refused(&refused, &failed_after_all);
    }
    for failing in failed.into_iter().chain(failed_after_all) {
        again.extend(had_its_turn(stops, failing));
    }
    Ok(again)
}

/// Says which failed checks could not be stored: their companies stay due.
fn log_refused(refused: &HashMap<CompanyId, StoreError>, failed: &[Failing<'_>]) {
    for failing in failed {
        if let Some(error) = failing.asked.planned.id.and_then(|id| refused.get(&id)) {
            let company = failing.asked.planned.entry.keyword.as_str();
            tracing::error!(company, error = chain(error), "a failed check cannot be stored");
        }
    }
}

/// How a check ended that could be concluded. That the keyword finds nothing is a problem also when it was told before.
fn ended_of(conclusion: &Conclusion) -> Ended {
    let not_found = EventKind::Trouble(Trouble::CompanyNotFound);
    let not_found = conclusion.troubles.iter().find(|turn| turn.owed.event.kind() == not_found);
    let facts = not_found.and_then(|turn| turn.owed.event.trouble());
    let (code, reason) = facts.map(|facts| (facts.code, facts.reason.clone())).unzip();
    Ended::new(conclusion.outcome, code.flatten(), reason)
}

/// Why a conclusion was not stored. Of two companies that bring one prefix at once only one can have it.
fn refused_ended(entry: &Company, error: &StoreError) -> Ended {
    if error.is_of_a_taken_prefix() { outcome::taken() } else { refused(entry, error) }
}

async fn commit_all(
    stops: Stops<'_>,
    claims: &mut Claims,
    verified: &[Asked<'_>],
    concluded: &mut [Concluded<'_>],
    failed: &[Failing<'_>],
) -> Result<HashMap<CompanyId, StoreError>, StoreError> {
    let owed: Vec<Vec<Owed>> =
        concluded.iter_mut().map(|concluded| owed_of(stops.ground, concluded)).collect();
    let troubles: Vec<Vec<Turn>> = failed.iter().map(|failing| troubles_of(stops.ground, failing)).collect();
    let marks = verified.iter().filter_map(|asked| Some((asked.planned.id?, asked.at)));
    let checked = concluded.iter().zip(&owed).map(|(concluded, events)| checked(concluded, events));
    let failed = failed
        .iter()
        .zip(&troubles)
        .filter_map(|(failing, troubles)| stored_failure(stops, failing, troubles));
    let batch = Batch { verified: marks.collect(), failed: failed.collect(), checked: checked.collect() };
    let committed = commit::commit(claims, &batch).await?;
    stops.ledger.note_stored(committed.told);
    Ok(committed.refused.into_iter().collect())
}

/// What readers are owed of it: the conclusion's events, which are needed no more.
fn owed_of(ground: &Ground<'_>, concluded: &mut Concluded<'_>) -> Vec<Owed> {
    let teller = Teller { watchlist: ground.watchlist, now: concluded.asked.at };
    teller.owed_to_readers(
        std::mem::take(&mut concluded.conclusion.events),
        (concluded.record.id, concluded.asked.planned.entry),
    )
}

fn checked<'a>(concluded: &'a Concluded<'_>, events: &'a [Owed]) -> Checked<'a> {
    let Concluded { asked, record, conclusion, .. } = concluded;
    Checked {
        now: asked.at,
        before: record,
        after: &conclusion.after,
        answer: Some(StoredAnswer {
            outcome: conclusion.outcome,
            pages: &asked.pages,
            parser_version: PARSER_VERSION,
        }),
        told: &conclusion.told,
        events,
        troubles: &conclusion.troubles,
    }
}

fn troubles_of(ground: &Ground<'_>, failing: &Failing<'_>) -> Vec<Turn> {
    let Some(id) = failing.asked.planned.id else { return Vec::new() };
    let teller = Teller { watchlist: ground.watchlist, now: failing.asked.at };
    let company = (id, failing.asked.planned.entry);
    outcome::troubles_of(teller, company, &failing.ended, failing.failure.as_ref())
}

fn stored_failure<'a>(
    stops: Stops<'_>,
    failing: &'a Failing<'_>,
    troubles: &'a [Turn],
) -> Option<Failed<'a>> {
    let Failing { asked, ended, pages, .. } = failing;
    let was_tried = asked.planned.attempt == Attempt::Last;
    Some(Failed {
        company: asked.planned.id?,
        now: asked.at,
        answer: StoredAnswer { outcome: ended.outcome, pages: &asked.pages, parser_version: PARSER_VERSION },
        code: ended.code,
        reason: ended.reason.as_deref(),
        turn: failing.turn(stops),
        checks: i32::from(!was_tried && pages.is_none()),
        pages: *pages,
        troubles,
    })
}

/// Notes how a failing company had its turn; gives it back where it is to be asked once more.
fn had_its_turn<'c>(stops: Stops<'_>, failing: Failing<'c>) -> Option<Planned<'c>> {
    if failing.is_asked_again() {
        let Failing { asked, ended, .. } = failing;
        return Some(Planned {
            cause: Cause::Repeat,
            attempt: Attempt::Last,
            tried_at: Some(asked.at),
            first_try: Some(ended),
            ..asked.planned
        });
    }
    stops.ended(failing.asked.planned.entry, failing.ended);
    None
}

/// The same in a dry run: what would be found.
fn imagine<'c>(
    stops: Stops<'_>,
    concluded: Vec<Concluded<'c>>,
    failed: Vec<Failing<'c>>,
) -> Vec<Planned<'c>> {
    for Concluded { asked, conclusion, .. } in concluded {
        let ended = ended_of(&conclusion);
        let troubles = conclusion.troubles.into_iter().map(|turn| turn.owed.event);
        stops.ledger.note_told(stops.ground.imagined(conclusion.events.into_iter().chain(troubles)));
        stops.ended(asked.planned.entry, ended);
    }
    let mut again = Vec::new();
    for failing in failed {
        if !failing.is_asked_again() {
            let troubles = troubles_of(stops.ground, &failing).into_iter().map(|turn| turn.owed.event);
            stops.ledger.note_told(stops.ground.imagined(troubles));
        }
        again.extend(had_its_turn(stops, failing));
    }
    again
}
