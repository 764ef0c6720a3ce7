//! Events: one thing worth telling each (design 4). An event carries all that its words need, so that a mail can be
//! written from the stored event alone, days later.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use super::event_facts::{
    Absorbed, Baseline, CallsADay, CertificateFacts, Elsewhere, Leaver, Leavers, MassEnd, NamedQualification,
    OpenEnds, ReaderEdited, Rest, TroubleFacts,
};
pub use super::event_kind::{
    Audience, Change, EndMove, EventKind, Fields, GradeMove, IssueMove, News, OfQualification, Reached,
    Replacement, TakenBack, Trouble,
};
use super::keyword::Keyword;

/// What the words of an event add to its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// The same qualification is held in another certificate (仍由证书 … 持有).
    HeldElsewhere(Elsewhere),
    /// The same qualification was held in another certificate that is gone or lapsed.
    WasHeldElsewhere(Elsewhere),
    /// This certificate had the same qualification at another grade before it went.
    WasHere(Elsewhere),
    /// The registry no longer lists what is still judged (平台已不再列出).
    NoLongerListed,
    /// A later end was seen once and is not established.
    LaterEndInDoubt {
        /// The later end.
        end: NaiveDate,
    },
    /// Part of the certificate is held, same or higher, in a later one.
    PartlyCovered(Elsewhere),
    /// A loss of many companies at once: upstream may be what is wrong.
    MassLoss,
    /// Nothing of the company is listed any more.
    NothingLeft,
    /// How many agreeing looks established this.
    Confirmed {
        /// Looks, at least two.
        looks: u32,
    },
    /// The prescribed filing day has passed.
    FilingDayPassed,
    /// The grade has been abolished: 换领 instead of 延续.
    GradeAbolished,
    /// The operator said that the renewal was filed.
    Renewing {
        /// The day on which it was.
        filed: NaiveDate,
        /// The acceptance number (受理号).
        reference: Option<String>,
    },
    /// What was told and is now taken back; read only, see [`TakenBack`].
    TakesBack {
        /// The kind that had been told.
        kind: EventKind,
    },
}

/// One thing worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened, with what is particular to it.
    pub news: News,
    /// The company, where it is about one.
    pub company: Option<Keyword>,
    /// What mails call the company.
    pub company_name: Option<String>,
    /// When it was found.
    pub at: DateTime<Utc>,
    /// The day it was found, in the configured zone: what "today" means in its words.
    pub today: NaiveDate,
    /// The certificate as it is now (for losses: as it last was).
    pub certificate: Option<CertificateFacts>,
    /// Whole days to the end; negative once expired.
    pub days_left: Option<i64>,
    /// When the company was last verified; `None` when never.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// What the words add.
    pub notes: Vec<Note>,
    /// What its certificate holds besides, by the end.
    pub rest: Vec<Rest>,
}

impl Event {
    /// An event with nothing else said yet.
    #[must_use]
    pub fn new(news: News, at: DateTime<Utc>, today: NaiveDate) -> Self {
        Self {
            news,
            company: None,
            company_name: None,
            at,
            today,
            certificate: None,
            days_left: None,
            last_verified_at: None,
            notes: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.news.kind()
    }

    /// The qualification it is about, by the registry's own text, for `qualification_*`, `grade_*` and what takes one back.
    #[must_use]
    pub fn qualification(&self) -> Option<&str> {
        match &self.news {
            News::QualificationAdded(of) | News::QualificationRemoved(of) => Some(&of.qualification),
            News::GradeRaised(grade) | News::GradeLowered(grade) | News::GradeReworded(grade) => {
                Some(&grade.qualification)
            }
            News::Retracted(taken_back) => taken_back.qualification.as_deref(),
            _ => None,
        }
    }

    /// The ends of a validity that moved.
    #[must_use]
    pub fn ends(&self) -> Option<EndMove> {
        match self.news {
            News::Renewed(ends) | News::ValidityExtended(ends) | News::ValidityShortened(ends) => Some(ends),
            _ => None,
        }
    }

    /// Whether it is about the end of a part of a certificate, of which the rest has another.
    #[must_use]
    pub fn is_of_a_part(&self) -> bool {
        let is_of_an_end = matches!(
            self.news,
            News::FilingDue(_)
                | News::Expiring(_)
                | News::Expired(_)
                | News::Renewed(_)
                | News::ValidityExtended(_)
                | News::ValidityShortened(_)
        );
        let end = self.certificate.as_ref().and_then(|facts| facts.valid_until);
        is_of_an_end && self.rest.iter().any(|rest| rest.valid_until != end)
    }

    /// What a baseline found.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        match &self.news {
            News::Watching(baseline) => Some(baseline),
            _ => None,
        }
    }

    /// What an operator needs to know of a trouble, or of one that is over.
    #[must_use]
    pub fn trouble(&self) -> Option<&TroubleFacts> {
        match &self.news {
            News::Trouble(_, facts) | News::Resolved(_, facts) => Some(facts),
            _ => None,
        }
    }
}

/// An event as its row holds it. What an older version wrote still reads, and an older version reads this.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    kind: EventKind,
    company: Option<Cow<'a, Keyword>>,
    company_name: Option<Cow<'a, str>>,
    at: DateTime<Utc>,
    today: NaiveDate,
    certificate: Option<Cow<'a, CertificateFacts>>,
    days_left: Option<i64>,
    last_verified_at: Option<DateTime<Utc>>,
    notes: Cow<'a, [Note]>,
    #[serde(default, skip_serializing_if = "<[Rest]>::is_empty")]
    rest: Cow<'a, [Rest]>,
    #[serde(flatten)]
    fields: Fields<'a>,
}

impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = Row {
            kind: self.kind(),
            company: self.company.as_ref().map(Cow::Borrowed),
            company_name: self.company_name.as_deref().map(Cow::Borrowed),
            at: self.at,
            today: self.today,
            certificate: self.certificate.as_ref().map(Cow::Borrowed),
            days_left: self.days_left,
            last_verified_at: self.last_verified_at,
            notes: Cow::Borrowed(&self.notes),
            rest: Cow::Borrowed(&self.rest),
            fields: self.news.fields(),
        };
        row.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut row = Row::deserialize(deserializer)?;
        let mut notes = row.notes.into_owned();
        // Until version 0.1.0 what is taken back was a note.
        notes.retain(|note| match note {
            Note::TakesBack { kind: EventKind::Change(kind) } => {
                row.fields.takes_back = Some(*kind);
                false
            }
            _ => true,
        });
        let lacking = || {
            serde::de::Error::custom(format!("an event of kind {} lacks what is particular to it", row.kind))
        };
        Ok(Self {
            news: News::of(row.kind, row.fields).ok_or_else(lacking)?,
            company: row.company.map(Cow::into_owned),
            company_name: row.company_name.map(Cow::into_owned),
            at: row.at,
            today: row.today,
            certificate: row.certificate.map(Cow::into_owned),
            days_left: row.days_left,
            last_verified_at: row.last_verified_at,
            notes,
            rest: row.rest.into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(row: &str) -> Result<Event, serde_json::Error> {
        serde_json::from_str(row)
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// As version 0.1.0 wrote them: every field, old and new as texts, what is taken back as a note.
    fn of_version_0_1_0(kind: &str, particular: &str) -> String {
        let mut row = serde_json::json!({
            "kind": kind, "company": "河南省建筑设计研究院有限公司", "company_name": "河南院",
            "at": "2026-07-24T00:05:00Z", "today": "2026-07-24", "certificate": null, "qualification": null,
            "old": null, "new": null, "days_left": 30, "threshold": null,
            "last_verified_at": "2026-07-24T00:04:00Z", "notes": [], "baseline": null, "trouble": null,
        });
        let particular: serde_json::Value = serde_json::from_str(particular).unwrap();
        row.as_object_mut().unwrap().extend(particular.as_object().unwrap().clone());
        row.to_string()
    }

    #[test]
    fn an_event_hands_out_what_is_particular_to_its_kind_and_nothing_of_another() {
        let grade = || GradeMove { qualification: "给水工程甲级".into(), old: None, new: None };
        let ends = EndMove { old: day("2026-08-23"), new: day("2031-08-22") };
        let facts = || TroubleFacts { reason: "why".into(), ..TroubleFacts::default() };
        let baseline = Baseline { current: Vec::new(), ..Baseline::default() };
        for (news, qualification, moved, found, trouble) in [
            (News::GradeRaised(grade()), Some("给水工程甲级"), None, false, None),
            (News::GradeLowered(grade()), Some("给水工程甲级"), None, false, None),
            (News::GradeReworded(grade()), Some("给水工程甲级"), None, false, None),
            (News::Renewed(ends), None, Some(ends), false, None),
            (News::ValidityExtended(ends), None, Some(ends), false, None),
            (News::ValidityShortened(ends), None, Some(ends), false, None),
            (News::Watching(baseline), None, None, true, None),
            (News::Trouble(Trouble::ApiQuota, facts()), None, None, false, Some("why")),
            (News::Resolved(Trouble::ApiQuota, facts()), None, None, false, Some("why")),
            (News::CertificateRemoved, None, None, false, None),
        ] {
            let event = Event::new(news, "2026-07-24T00:05:00Z".parse().unwrap(), day("2026-07-24"));
            assert_eq!(event.qualification(), qualification, "{event:?}");
            assert_eq!(event.ends(), moved, "{event:?}");
            assert_eq!(event.baseline().is_some(), found, "{event:?}");
            assert_eq!(event.trouble().map(|facts| facts.reason.as_str()), trouble, "{event:?}");
        }
    }

    #[test]
    fn rows_of_older_versions_still_read() {
        let grade = |text: &str| Some(super::super::grade::Grade::new(text.to_owned()));
        for (kind, particular, news) in [
            (
                "renewed",
                r#"{"old": "2026-08-23", "new": "2031-08-22"}"#,
                News::Renewed(EndMove { old: day("2026-08-23"), new: day("2031-08-22") }),
            ),
            (
                "grade_raised",
                r#"{"qualification": "甲级", "old": null, "new": "甲级"}"#,
                News::GradeRaised(GradeMove {
                    qualification: "甲级".into(), old: None, new: grade("甲级")
                }),
            ),
            (
                "certificate_replaced",
                r#"{"old": "E1,E2", "new": "E3"}"#,
                News::CertificateReplaced(Replacement {
                    old: vec!["E1".into(), "E2".into()],
                    new: "E3".into(),
                }),
            ),
            ("expiring", r#"{"threshold": 30}"#, News::Expiring(Reached { threshold: 30 })),
            (
                "qualification_added",
                r#"{"qualification": "给水工程甲级"}"#,
                News::QualificationAdded(OfQualification { qualification: "给水工程甲级".into() }),
            ),
            (
                "retracted",
                r#"{"notes": [{"note": "takes_back", "kind": "renewed"}]}"#,
                News::Retracted(TakenBack {
                    kind: Change::Renewed,
                    told_as: None,
                    qualification: None,
                    told_on: None,
                    former_end: None,
                    former_grade: None,
                }),
            ),
            ("verified_again", "{}", News::VerifiedAgain),
            ("api_quota_resolved", "{}", News::Resolved(Trouble::ApiQuota, TroubleFacts::default())),
        ] {
            let event = read(&of_version_0_1_0(kind, particular)).unwrap();
            assert_eq!(event.news, news);
            assert_eq!((event.notes.as_slice(), event.days_left), (&[][..], Some(30)));
            let again = serde_json::to_string(&event).unwrap();
            assert_eq!(read(&again).unwrap(), event, "{again}");
        }
    }

    #[test]
    fn whatever_is_particular_to_a_kind_is_read_back_from_its_row() {
        let [first, last] = ["2026-08-23", "2031-08-22"].map(day);
        let name = || NamedQualification { text: "甲".into(), name: "甲".into(), grade: None };
        let certificate = || CertificateFacts {
            number: "E1".into(),
            family: crate::domain::number::Family::Supervision,
            kind: "监理资质".into(),
            organ: "住建部".into(),
            issued_on: Some(first),
            valid_until: Some(last),
            valid_until_text: last.to_string(),
            filing_day: None,
            qualifications: vec![name()],
        };
        let into = Elsewhere {
            number: "E2".into(),
            name: "综合".into(),
            grade: None,
            valid_until: None,
            wider_than: None,
        };
        let leaver = Leaver { company: "河南院".into(), open: vec![certificate()] };
        let taken_back = TakenBack {
            kind: Change::Renewed,
            told_as: Some(Change::CertificateAdded),
            qualification: Some("甲".into()),
            told_on: Some(first),
            former_end: Some(last),
            former_grade: Some(super::super::grade::Grade::new("乙级".to_owned())),
        };
        for news in [
            News::FilingDue(Reached { threshold: -1 }),
            News::QualificationRemoved(OfQualification { qualification: "甲".into() }),
            News::ValidityExtended(EndMove { old: first, new: last }),
            News::Reissued(IssueMove { old: None, new: Some(last) }),
            News::CertificateReplaced(Replacement { old: vec!["E1".into()], new: "E2".into() }),
            News::Retracted(taken_back),
            News::QualificationAbsorbed(Absorbed { names: vec![name()], into }),
            News::Briefing(OpenEnds { certificates: vec![certificate()] }),
            News::Watching(Baseline { current: vec![certificate()], ..Baseline::default() }),
            News::WatchlistChanged(Leavers { left: vec![leaver], ..Leavers::default() }),
        ] {
            let event = Event::new(news, "2026-07-24T00:05:00Z".parse().unwrap(), day("2026-07-24"));
            let row = serde_json::to_string(&event).unwrap();
            assert_eq!(read(&row).unwrap(), event, "{row}");
        }
    }

    #[test]
    fn a_row_that_lacks_what_its_kind_needs_is_named() {
        for (kind, particular) in
            [("renewed", "{}"), ("renewed", r#"{"old": "soon", "new": "later"}"#), ("watching", "{}")]
        {
            let error = read(&of_version_0_1_0(kind, particular)).unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
    }
}
