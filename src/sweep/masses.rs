//! What only the whole of a sweep can tell: mass losses, companies that keep failing, codes that came and went, companies whose
//! pages exceed a whole day's calls.

use chrono::{DateTime, TimeDelta, Utc};

use super::ground::Ground;
use super::plan::Planned;
use crate::domain::compare::{LOOKS_NEEDED_MASS, Upstream};
use crate::domain::event::{MassEnd, Trouble, TroubleFacts};
use crate::domain::mass::is_mass_loss;
use crate::domain::outcome::Outcome;
use crate::store::StoreError;
use crate::store::asking::mass::{self, Losses, Outcomes};
use crate::store::companies::{self, CompanyId};
use crate::store::outbox::events::Recorded;
use crate::store::outbox::troubles::{self, Turn};

/// A company that fails for so long and so often, while others succeed, is told to the operator (design 3).
const UNVERIFIED_AFTER: TimeDelta = TimeDelta::hours(24);
const UNVERIFIED_CHECKS: i32 = 3;

/// Before a sweep: a process that died in the last one could not say any more what it had seen as a whole, and the second
/// look must find it said. Where none of those that lost something is asked again it is that sweep which goes on: its
/// first half says nothing of the whole, and its end will tell. So will it tell that a mass loss is over: until then those that
/// were not asked yet are not silent.
pub(super) async fn make_up_for_losses(
    ground: &Ground<'_>,
    planned: &[Planned<'_>],
) -> Result<Vec<Recorded>, StoreError> {
    let pool = ground.store.pool();
    if let Some(losses) = mass::losses(pool, ground.now()).await? {
        let planned: Vec<CompanyId> = planned.iter().filter_map(|company| company.id).collect();
        let is_anew = mass::is_among(pool, &planned, losses.since).await?;
        if is_anew && is_mass_loss(losses.losing, losses.observed) {
            return tell_a_mass(ground, losses).await;
        }
    }
    if mass::is_open(pool).await? {
        ground.begins_with(Upstream::InQuestion);
    }
    Ok(Vec::new())
}

/// After a sweep: whether many companies have lost something at once, and as what an earlier mass loss ended.
pub(super) async fn look_for_losses(ground: &Ground<'_>) -> Result<Vec<Recorded>, StoreError> {
    let pool = ground.store.pool();
    let losses = mass::losses(pool, ground.now()).await?;
    if let Some(losses) = losses.filter(|losses| is_mass_loss(losses.losing, losses.observed)) {
        return tell_a_mass(ground, losses).await;
    }
    if mass::is_open(pool).await? {
        ground.begins_with(Upstream::InQuestion);
        return Ok(Vec::new());
    }
    let open = troubles::open_of_the_service(pool).await?;
    let Some(open) = open.into_iter().find(|open| open.trouble == Trouble::MassChange) else {
        return Ok(Vec::new());
    };
    let facts = as_what_it_ended(mass::outcomes(pool, open.opened_at).await?);
    ground.tell(vec![ground.teller().ends_as(Trouble::MassChange, "", facts)]).await
}

async fn tell_a_mass(ground: &Ground<'_>, losses: Losses) -> Result<Vec<Recorded>, StoreError> {
    ground.begins_with(Upstream::InQuestion);
    mass::mark(ground.store.pool(), losses.since, LOOKS_NEEDED_MASS).await?;
    let facts = TroubleFacts {
        reason: format!(
            "{} of {} companies lost certificates or qualifications within 24 hours",
            losses.losing, losses.observed
        ),
        advice: Some(MASS_ADVICE.to_owned()),
        since: Some(losses.first_seen_at),
        more_companies: losses.losing.saturating_sub(losses.names.len() as u64),
        companies: losses.names,
        ..TroubleFacts::default()
    };
    ground.tell(vec![ground.teller().begins(Trouble::MassChange, "", facts, None)]).await
}

/// What became of a mass loss: an operator who heard that the source may be wrong is told what it was.
fn as_what_it_ended(outcomes: Outcomes) -> TroubleFacts {
    let Outcomes { lost, rewritten, names, silent } = outcomes;
    let mass_end = match (lost, rewritten) {
        (0, _) => MassEnd::Back,
        // Of most of them: here and there one of many gains something anyway.
        (lost, rewritten) if rewritten * 2 > lost => MassEnd::Rewritten,
        _ => MassEnd::Confirmed,
    };
    TroubleFacts {
        mass_end: Some(mass_end),
        silent,
        more_companies: lost.saturating_sub(names.len() as u64),
        companies: names,
        ..TroubleFacts::default()
    }
}

/// What a sweep that has ended says of companies that keep failing, and of unknown codes.
pub(super) async fn look_back(ground: &Ground<'_>) -> Result<Vec<Recorded>, StoreError> {
    let pool = ground.store.pool();
    let teller = ground.teller();
    let mut turns: Vec<Turn> = Vec::new();
    let since = teller.now.checked_sub_signed(UNVERIFIED_AFTER).unwrap_or(DateTime::<Utc>::MIN_UTC);
    for failing in companies::keep_failing(pool, since, UNVERIFIED_CHECKS).await? {
        let Some((_, entry)) = ground.entry(failing.keyword.as_str(), 0) else { continue };
        let facts = TroubleFacts {
            class: Some(failing.outcome.as_str().to_owned()),
            code: failing.code,
            reason: failing.reason,
            advice: Some(FAILING_ADVICE.to_owned()),
            since: Some(failing.since),
            ..TroubleFacts::default()
        };
        turns.push(teller.begins(Trouble::CompanyUnverified, "", facts, Some((failing.id, entry))));
    }
    let open = troubles::open_of_the_service(pool).await?;
    let unknown: Vec<_> = open.iter().filter(|open| open.trouble == Trouble::ApiUnknownCode).collect();
    if !unknown.is_empty() {
        let still = companies::unknown_codes(pool).await?;
        // An HTTP status is no code: it is over when none is met any more.
        let goes_on = |cause: &str| still.contains(&cause.parse::<i64>().ok());
        let over = unknown.into_iter().filter(|open| !goes_on(&open.cause));
        turns.extend(over.map(|open| teller.ends(Trouble::ApiUnknownCode, &open.cause, None)));
    }
    let over = troubles::open_but_over(pool).await?;
    turns.extend(over.into_iter().map(|open| teller.ends_what_is_over(open)));
    ground.tell(turns).await
}

/// Companies whose answers take more calls than a whole day has: none is spent on them, and the operator hears of each once.
pub(super) async fn tell_too_large(
    ground: &Ground<'_>,
    too_large: &[Planned<'_>],
    limit: u32,
) -> Result<Vec<Recorded>, StoreError> {
    let teller = ground.teller();
    let turns = too_large.iter().filter_map(|planned| {
        let facts = TroubleFacts {
            class: Some(Outcome::Quota.as_str().to_owned()),
            reason: too_large_reason(planned.pages, limit),
            advice: Some(TOO_LARGE_ADVICE.to_owned()),
            ..TroubleFacts::default()
        };
        Some(teller.begins(Trouble::CompanyUnverified, "", facts, Some((planned.id?, planned.entry))))
    });
    ground.tell(turns.collect()).await
}

/// Why a company is not asked at all.
pub(super) fn too_large_reason(pages: u16, limit: u32) -> String {
    format!("its answer takes {pages} calls, and [api].calls_per_day allows {limit}: it is not asked")
}

const TOO_LARGE_ADVICE: &str = "raise [api].calls_per_day, or take the company out of the watchlist";

const MASS_ADVICE: &str = "the provider's data is more likely wrong than all these companies: readers are told only after four agreeing \
                           looks; compare one company with the national platform, and ask the provider (juhe.cn)";

const FAILING_ADVICE: &str = "the other companies can be verified: see what the provider answers for this one (qualwatch check KEYWORD), \
                              and try its 统一社会信用代码 as the keyword";
