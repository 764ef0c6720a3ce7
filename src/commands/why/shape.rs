//! What `qualwatch why` knows of a company, as programs read it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::commands::shapes::EventShape;
use crate::domain::event::{Change, Trouble};
use crate::domain::keyword::Keyword;
use crate::store::reports::reasons::{AnswerSeen, Delivered};

#[derive(Debug, Serialize)]
pub(super) struct WhyShape {
    pub(super) company: Keyword,
    pub(super) checks: ChecksShape,
    /// Newest first.
    pub(super) answers: Vec<AnswerSeen>,
    pub(super) doubts: Vec<OpenDoubtShape>,
    pub(super) ends: Vec<EndShape>,
    /// What of it the operators know.
    pub(super) troubles: Vec<TroubleShape>,
    /// Newest first.
    pub(super) events: Vec<ToldShape>,
}

#[derive(Debug, Serialize)]
pub(super) struct ChecksShape {
    pub(super) last_asked_at: Option<DateTime<Utc>>,
    pub(super) last_verified_at: Option<DateTime<Utc>>,
    pub(super) last_outcome: Option<&'static str>,
    pub(super) last_code: Option<i64>,
    pub(super) last_reason: Option<String>,
    pub(super) failing_since: Option<DateTime<Utc>>,
    pub(super) failing_checks: i32,
    pub(super) disputed_since: Option<DateTime<Utc>>,
    /// Asked once a day until it has answered.
    pub(super) owes_answer: bool,
    pub(super) next_due: Option<DateTime<Utc>>,
    pub(super) judged_on: Option<NaiveDate>,
}

/// A difference that was seen, and what it waits for.
#[derive(Debug, Serialize)]
pub(super) struct OpenDoubtShape {
    pub(super) certificate_num: String,
    pub(super) qualification: String,
    pub(super) field: &'static str,
    pub(super) since: DateTime<Utc>,
    pub(super) looks: u32,
    pub(super) looks_needed: u32,
    /// Part of a loss of many companies at once.
    pub(super) mass: bool,
    pub(super) told_as: Option<Change>,
    pub(super) again_after: DateTime<Utc>,
    /// What is established, in the registry's own words; null for what is new.
    pub(super) old: Option<String>,
    /// What was seen instead; null for what is gone.
    pub(super) seen: Option<String>,
}

/// One end of one certificate: what was told of it, and what comes next.
#[derive(Debug, Serialize)]
pub(super) struct EndShape {
    pub(super) certificate_num: String,
    pub(super) valid_until: NaiveDate,
    pub(super) days_left: i64,
    /// Why nothing is told of it now: `historical`, `superseded`, `snoozed` or `later_end_in_doubt`.
    pub(super) silent_because: Option<&'static str>,
    /// The reason that was given for a snooze.
    pub(super) snooze_reason: Option<String>,
    /// The renewal that was filed.
    pub(super) renewal: Option<RenewalOfEnd>,
    pub(super) told: Vec<ThresholdShape>,
    /// What is told next if nothing changes until then.
    pub(super) next: Option<ThresholdShape>,
}

/// A renewal that the operator said was filed.
#[derive(Debug, Serialize)]
pub(super) struct RenewalOfEnd {
    pub(super) filed: NaiveDate,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ThresholdShape {
    pub(super) kind: Change,
    pub(super) threshold: i64,
    pub(super) on: NaiveDate,
}

#[derive(Debug, Serialize)]
pub(super) struct TroubleShape {
    pub(super) kind: Trouble,
    pub(super) cause: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ToldShape {
    #[serde(flatten)]
    pub(super) event: EventShape,
    pub(super) deliveries: Vec<Delivered>,
}
