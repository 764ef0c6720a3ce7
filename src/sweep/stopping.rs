//! Stopping all asking, for all daemons, and going on: what the provider's refusals, our own limit and a missing key lead to.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use chrono::{DateTime, TimeDelta, Utc};

use super::leave::{HOURLY, problem};
use super::report::Halt;
use super::round::{Mode, Sweep};
use super::turns::chain;
use crate::domain::event::{EventKind, Trouble, TroubleFacts};
use crate::juhe::{Class, Client, Failure, JuheError, Pace};
use crate::store::StoreError;
use crate::store::asking::budget::next_budget_day;
use crate::store::asking::stops::{self, Stop, What};
use crate::store::outbox::troubles;

/// The probe after midnight comes up to so many seconds late, so that not everybody asks at once.
const MIDNIGHT_JITTER_SECONDS: u64 = 600;

impl Sweep<'_> {
    /// Stops all asking as the provider's `failure` wants it, and tells the operators.
    pub(super) async fn stop_asking(&self, client: &Client, failure: &Failure) -> Result<(), StoreError> {
        self.leave.end(Halt::Stopped(problem(failure.class, failure.code, &failure.reason)));
        if self.mode == Mode::DryRun {
            return Ok(());
        }
        let now = self.clock.now();
        let salt = salt();
        let next = match failure.pace() {
            Pace::AfterMidnight => next_budget_day(now) + jitter(&salt),
            Pace::AfterIpBackoff => {
                let pause = TimeDelta::from_std(self.watchlist.api.ip_backoff).unwrap_or(HOURLY);
                now.checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
            Pace::Hourly | Pace::GoesOn => now + HOURLY,
        };
        let stop = Stop {
            class: failure.class.as_str().to_owned(),
            code: failure.code,
            reason: failure.reason.clone(),
            since: now,
            attempts: 0,
            next_probe_at: Some(next),
            fingerprint: client.key_fingerprint(&salt),
            salt,
        };
        // Told first: a crash in between costs a call, not the news.
        self.tell_of_stop(failure.class, failure.code, &failure.reason, failure.advice()).await?;
        stops::set(self.store.pool(), What::Asking, &stop).await
    }

    /// Our own limit is reached: nobody asks until the budget day ends. Told once.
    pub(super) async fn stop_at_own_limit(&self, limit: u32) -> Result<(), StoreError> {
        if self.leave.is_over() {
            return Ok(());
        }
        let reason = format!("the {limit} calls of the day are used up ([api].calls_per_day)");
        self.leave.end(Halt::Stopped(problem(Class::Quota, None, &reason)));
        if self.mode == Mode::DryRun {
            return Ok(());
        }
        let stop = Stop {
            class: Class::Quota.as_str().to_owned(),
            code: None,
            reason: reason.clone(),
            since: self.clock.now(),
            attempts: 0,
            next_probe_at: None,
            salt: Vec::new(),
            fingerprint: String::new(),
        };
        self.tell_of_stop(Class::Quota, None, &reason, Some(OWN_LIMIT_ADVICE)).await?;
        stops::set(self.store.pool(), What::Asking, &stop).await
    }

    /// There is no key to ask with.
    pub(super) async fn stop_without_key(&self) -> Result<(), StoreError> {
        self.leave.end(Halt::Stopped(problem(Class::Credential, None, NO_KEY)));
        self.tell_of_stop(Class::Credential, None, NO_KEY, Some(NO_KEY_ADVICE)).await
    }

    /// The provider cannot even be asked from this machine. Ends go on being judged.
    pub(super) async fn stop_without_client(&self, error: &JuheError) -> Result<(), StoreError> {
        let reason = chain(error);
        self.leave.end(Halt::Stopped(problem(Class::Transient, None, &reason)));
        let facts = TroubleFacts {
            class: Some(Class::Transient.as_str().to_owned()),
            reason,
            advice: error.advice().map(str::to_owned),
            since: Some(self.clock.now()),
            ..TroubleFacts::default()
        };
        let told = self.tell(vec![self.teller().begins(Trouble::ApiUnreachable, "", facts)]).await?;
        self.note_told(told);
        Ok(())
    }

    /// Another code is another cause: the earlier one is over.
    async fn tell_of_stop(
        &self,
        class: Class,
        code: Option<i64>,
        reason: &str,
        advice: Option<&str>,
    ) -> Result<(), StoreError> {
        let trouble = if class == Class::Quota { Trouble::ApiQuota } else { Trouble::ApiCredential };
        let cause = code.map_or_else(|| NO_CODE.to_owned(), |code| code.to_string());
        let facts = TroubleFacts {
            class: Some(class.as_str().to_owned()),
            code,
            reason: reason.to_owned(),
            advice: advice.map(str::to_owned),
            since: Some(self.clock.now()),
            ..TroubleFacts::default()
        };
        let begins = self.teller().begins(trouble, &cause, facts);
        let mut turns = self.ends_of(&[Trouble::ApiCredential, Trouble::ApiQuota]).await?;
        turns.retain(|turn| (turn.owed.event.kind, &turn.cause) != (EventKind::Resolved(trouble), &cause));
        turns.push(begins);
        let told = self.tell(turns).await?;
        self.note_told(told);
        Ok(())
    }

    /// The probe went well: asking goes on.
    pub(super) async fn go_on(&self) -> Result<(), StoreError> {
        let told = self.tell(self.ends_of(&[Trouble::ApiCredential, Trouble::ApiQuota]).await?).await?;
        self.note_told(told);
        for what in [What::Asking, What::Breaker] {
            stops::clear(self.store.pool(), what).await?;
        }
        Ok(())
    }

    /// The ends of the open troubles of these kinds that are about no company.
    pub(super) async fn ends_of(&self, kinds: &[Trouble]) -> Result<Vec<troubles::Turn>, StoreError> {
        let open = troubles::open_troubles(self.store.pool()).await?;
        let ours = open.iter().filter(|open| kinds.contains(&open.trouble) && open.company.is_none());
        Ok(ours.map(|open| self.teller().ends(open.trouble, &open.cause)).collect())
    }
}

const OWN_LIMIT_ADVICE: &str = "raise [api].calls_per_day, or check fewer companies or less often; asking goes on after midnight in China";
/// The cause of a stop that is no answer of the provider.
pub(super) const NO_CODE: &str = "none";
const NO_KEY: &str = "no API key is given";
const NO_KEY_ADVICE: &str =
    "give it as the credential \"api-key\", as QUALWATCH_API_KEY, or in a file named by [api].key_file";

/// Bytes that nobody can foresee. `RandomState` is the standard library's only source of randomness.
fn salt() -> Vec<u8> {
    RandomState::new().build_hasher().finish().to_be_bytes().to_vec()
}

fn jitter(salt: &[u8]) -> TimeDelta {
    let number = salt.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    TimeDelta::seconds(i64::try_from(number % MIDNIGHT_JITTER_SECONDS).unwrap_or_default())
}
