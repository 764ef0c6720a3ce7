//! Timelines, day by day: what a company's answers are, and what is told of them.

mod absorbed;
mod belief;
mod certificates;
mod doubts;
mod ends;
mod gains;
mod laws;
mod looks;
mod reread;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::*;
use crate::domain::event::{Change, News, Note};
use crate::domain::holding::{by_certificate, facts as holding_facts, read_items};
use crate::domain::keyword::Keyword;
use crate::domain::observation::Item;
use crate::domain::snapshot::Held;

/// A certificate as one item states it: number, qualifications, end, issue date.
type Shown<'a> = (&'a str, &'a str, &'a str, &'a str);

/// One company, looked at once a day at 08:00 in Shanghai.
struct Company {
    keyword: Keyword,
    snapshot: Snapshot,
    now: DateTime<Utc>,
    confirm_after: TimeDelta,
    upstream: Upstream,
}

const DAY: TimeDelta = TimeDelta::days(1);

impl Company {
    /// A company whose baseline of 2026-01-05 is `shown`.
    fn with(shown: &[Shown<'_>]) -> Self {
        let mut company = Self::blank();
        let events = company.look(Some(shown));
        assert_eq!(kinds(&events), ["watching"]);
        company
    }

    /// A company of which nothing is known yet.
    fn blank() -> Self {
        Self {
            keyword: "河南省建筑设计研究院有限公司".parse().unwrap(),
            snapshot: Snapshot::default(),
            now: "2026-01-05T00:00:00Z".parse().unwrap(),
            confirm_after: TimeDelta::hours(20),
            upstream: Upstream::Trusted,
        }
    }

    fn compare(&self, seen: &Seen) -> Comparison {
        let zone = chrono_tz::Asia::Shanghai;
        let company = (&self.keyword, "河南院");
        let look = Look::new(company, self.now, zone, self.confirm_after, self.upstream);
        compare(&self.snapshot, seen, &look)
    }

    fn look(&mut self, shown: Option<&[Shown<'_>]>) -> Vec<Event> {
        let seen = match shown {
            Some(shown) => Seen::Holdings(read_items(&shown.iter().map(item).collect::<Vec<_>>())),
            None => Seen::Nothing,
        };
        let comparison = self.compare(&seen);
        self.snapshot = comparison.after;
        comparison.events
    }

    /// The next day's look.
    fn next(&mut self, shown: &[Shown<'_>]) -> Vec<String> {
        self.now += DAY;
        kinds(&self.look(Some(shown)))
    }

    fn next_events(&mut self, shown: &[Shown<'_>]) -> Vec<Event> {
        self.now += DAY;
        self.look(Some(shown))
    }

    /// A look so many hours after the last.
    fn after_hours(&mut self, hours: i64, shown: &[Shown<'_>]) -> Vec<String> {
        self.now += TimeDelta::hours(hours);
        kinds(&self.look(Some(shown)))
    }

    /// What is established: number, qualification, grade, end, issue date.
    fn established(&self) -> Vec<String> {
        let one = |held: &Held| {
            let holding = &held.holding;
            let grade = holding.qualification.grade.as_ref().map(ToString::to_string);
            format!(
                "{} {} {grade:?} {:?} {:?}",
                holding.number,
                holding.qualification.key,
                holding.last_day(),
                holding.issued
            )
        };
        self.snapshot.held.values().map(one).collect()
    }

    /// The ends that are established.
    fn ends(&self) -> Vec<String> {
        self.snapshot.held.values().filter_map(|held| Some(held.holding.last_day()?.to_string())).collect()
    }

    fn next_empty(&mut self) -> Vec<String> {
        self.now += DAY;
        kinds(&self.look(None))
    }
}

fn item((number, qualifications, end, issued): &Shown<'_>) -> Item {
    Item {
        organ: Some("住房和城乡建设部".into()),
        effective_time: Some((*end).into()),
        business_id: Some(format!("5d43a8f092aec74cbf04a163-{number}")),
        issuing_certificate_time: Some((*issued).into()),
        kind: Some("设计资质".into()),
        certificate_num: Some((*number).into()),
        qualification_name: Some((*qualifications).into()),
    }
}

fn kinds(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.kind().to_string()).collect()
}

/// What moved, as rows hold it.
fn old_and_new(event: &Event) -> [String; 2] {
    let fields = event.news.fields();
    [fields.old, fields.new].map(|text| text.unwrap_or_default().into_owned())
}

const NONE: [&str; 0] = [];
const A: Shown<'_> = (
    "A141002510",
    "工程设计建筑行业（建筑工程）甲级,工程设计市政行业给水工程专业甲级",
    "2028-08-23",
    "2023-08-23",
);
const E: Shown<'_> = ("E141002510", "工程监理房屋建筑工程专业甲级", "2028-05-16", "2023-05-16");

fn number(text: &str) -> crate::domain::number::CertificateNumber {
    crate::domain::number::CertificateNumber::parse(text).unwrap()
}
