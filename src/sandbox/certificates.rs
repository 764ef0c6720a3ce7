//! Who is in the scenario, and what is listed of them on which day.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Asia::Shanghai;

/// A company that the imitation knows.
#[derive(Debug, Clone)]
pub(super) struct ListedCompany {
    /// Name, id, registration number, social credit code: any of them finds it.
    pub(super) keywords: Vec<String>,
    /// In the order in which they are answered.
    pub(super) certificates: Vec<ListedCertificate>,
}

/// One element of `items`, on the days on which it is listed. All texts are passed on as they are.
#[derive(Debug, Clone)]
pub(super) struct ListedCertificate {
    pub(super) business_id: Option<String>,
    pub(super) number: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) organ: Option<String>,
    pub(super) issued: Option<String>,
    pub(super) until: Option<String>,
    pub(super) qualifications: Option<String>,
    pub(super) days: Days,
}

/// Calendar days in Asia/Shanghai, both inclusive; open where `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Days {
    pub(super) from: Option<NaiveDate>,
    pub(super) to: Option<NaiveDate>,
}

impl Days {
    pub(super) fn contains(self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// The provider's calendar day: it reckons in Asia/Shanghai, wherever we are.
pub(super) fn provider_day(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&Shanghai).date_naive()
}
