//! The faults of a world, day by day: what upstream does instead of answering well.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use qualwatch::store::steps::Step;

use super::calendar::Day;
use super::truth::{Company, End, RowName, Sight};

/// All faults of a world.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    pub faults: Vec<Fault>,
    /// What befalls the process at the day's hour.
    pub blows: BTreeMap<Day, Vec<Blow>>,
    /// What befalls mail all day, but for its last hour.
    pub mail: BTreeMap<Day, Mail>,
}

/// What befalls the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It dies at the n-th time of a step, and starts anew.
    Kill(Step, usize),
    /// All its connections to the database end there.
    CutConnections(Step, usize),
    /// Another daemon works beside it.
    SecondDaemon,
}

/// What the mail server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    /// It ends every connection.
    Away,
    /// 421 for a greeting.
    Later,
    /// 450 for every recipient.
    LaterAtRcpt,
    /// 451 after the message.
    LaterAtDot,
    /// It takes the message, and the connection ends before it says so.
    LostAfterDot,
}

/// Upstream misbehaves from the first to the last of these days, and on the last one until that hour.
#[derive(Debug, Clone)]
pub struct Fault {
    pub from: Day,
    pub to: Day,
    /// 24: the whole day.
    pub until_hour: i64,
    /// `None`: everybody.
    pub company: Option<usize>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Manner(Manner),
    Lie(Lie),
}

/// Answers that are no good answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// An HTTP status without a readable body.
    Status(u16),
    /// An error code of the document, or beyond it.
    Code(u32),
    /// A page of a web server, 200.
    Portal,
    /// An item less than `total` says.
    Short,
    /// An item comes twice, and with it the total is right.
    Shuffled,
    /// A success with nothing in it.
    Nothing,
    /// The certificates of somebody else.
    OtherCompany,
}

/// Whole answers that are not true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lie {
    WithoutCertificate(String),
    WithoutRow(RowName),
    LaterEnd(String, i32),
    EarlierEnd(String),
    EndInWords(String, &'static str),
    Grade(RowName, &'static str),
    /// A certificate that is not there.
    OneMore(RowName, Sight),
    /// All certificates but the first.
    OnlyTheFirst,
}

impl Fault {
    fn is_at(&self, company: usize, at: DateTime<Utc>) -> bool {
        self.company.is_none_or(|only| only == company)
            && at >= self.from.at(0, 0)
            && at < self.to.at(self.until_hour, 0)
    }
}

impl Weather {
    /// Everything that comes, counted: faults, blows, days of mail.
    pub fn count(&self) -> usize {
        self.faults.len() + self.blows.len() + self.mail.len()
    }

    /// Leaves out what is counted by these numbers.
    pub fn leave_out(&mut self, without: &BTreeSet<usize>) {
        let mut number = 0..;
        let mut stays = || number.next().is_some_and(|number: usize| !without.contains(&number));
        self.faults.retain(|_| stays());
        self.blows.retain(|_, _| stays());
        self.mail.retain(|_, _| stays());
    }

    /// From the day after this one on all is well.
    pub fn end_on(&mut self, last: Day) {
        self.faults.iter_mut().for_each(|fault| fault.to = fault.to.min(last));
        self.blows.retain(|day, _| *day <= last);
        self.mail.retain(|day, _| *day <= last);
    }

    /// How upstream answers for a company at that instant; `None`: well.
    pub fn manner(&self, company: usize, at: DateTime<Utc>) -> Option<Manner> {
        self.faults.iter().filter(|fault| fault.is_at(company, at)).find_map(|fault| match fault.what {
            What::Manner(manner) => Some(manner),
            What::Lie(_) => None,
        })
    }

    /// What a whole answer shows of a company at that instant.
    pub fn shown(&self, index: usize, company: &Company, at: DateTime<Utc>) -> BTreeMap<RowName, Sight> {
        let mut shown = company.shown_on(Day::of_instant(at));
        for fault in self.faults.iter().filter(|fault| fault.is_at(index, at)) {
            if let What::Lie(lie) = &fault.what {
                lie.tell(&mut shown);
            }
        }
        shown
    }

    /// Whether anything of upstream is amiss on that day or was on the day before: then bells ring more often.
    pub fn is_rough(&self, day: Day) -> bool {
        let today_or_yesterday = |fault: &Fault| {
            matches!(fault.what, What::Manner(_)) && fault.from <= day && fault.to >= day.plus(-1)
        };
        self.faults.iter().any(today_or_yesterday)
            || self.mail.contains_key(&day)
            || self.mail.contains_key(&day.plus(-1))
    }
}

impl Lie {
    fn tell(&self, shown: &mut BTreeMap<RowName, Sight>) {
        let rows_of = |shown: &mut BTreeMap<RowName, Sight>, number: &str, tell: &dyn Fn(&mut Sight)| {
            shown.iter_mut().filter(|(name, _)| name.number == number).for_each(|(_, sight)| tell(sight));
        };
        match self {
            Self::WithoutCertificate(number) => shown.retain(|name, _| name.number != *number),
            Self::WithoutRow(row) => {
                shown.remove(row);
            }
            Self::LaterEnd(number, days) => rows_of(shown, number, &|sight| {
                if let End::On(end) = sight.end {
                    sight.end = End::On(end.plus(*days));
                }
            }),
            Self::EarlierEnd(number) => rows_of(shown, number, &|sight| {
                if let End::On(end) = sight.end
                    && end.plus(-100) > sight.issued
                {
                    sight.end = End::On(end.plus(-100));
                }
            }),
            Self::EndInWords(number, words) => rows_of(shown, number, &|sight| sight.end = End::Words(words)),
            Self::Grade(row, grade) => {
                if let Some(sight) = shown.get_mut(row) {
                    sight.grade = grade;
                }
            }
            Self::OneMore(row, sight) => {
                shown.insert(row.clone(), sight.clone());
            }
            Self::OnlyTheFirst => {
                if let Some(first) = shown.keys().next().map(|name| name.number.clone()) {
                    shown.retain(|name, _| name.number == first);
                }
            }
        }
    }
}
