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
    /// What the operator changes in the watchlist, before the day's first bell.
    pub edits: BTreeMap<Day, Vec<Edit>>,
    /// `calls_per_day` from that day on; 0: no limit.
    pub budgets: BTreeMap<Day, usize>,
}

/// A change of one company's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Out(usize),
    In(usize),
    /// Another reader gets its news, too.
    TwoReaders(usize),
    OneReader(usize),
}

impl Edit {
    pub fn company(self) -> usize {
        match self {
            Self::Out(company) | Self::In(company) | Self::TwoReaders(company) | Self::OneReader(company) => {
                company
            }
        }
    }
}

/// What the watchlist says on a day, besides who is watched at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    pub out: BTreeSet<usize>,
    pub two_readers: BTreeSet<usize>,
}

/// What befalls the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It dies at the n-th time of a step, and starts anew.
    Kill(Step, usize),
    /// All its connections to the database end there.
    CutConnections(Step, usize),
    /// So many daemons work side by side.
    Daemons(usize),
    /// The clock is so many hours wrong when the day's hour comes, and is set right after it.
    Clock(i64),
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
    /// It calls every address unknown.
    UnknownAll,
    /// It refuses the sender, and says so at the recipient.
    RefusedLate,
    /// It takes all, and answers in GBK.
    InGbk,
    /// It takes one message a connection.
    OnePerConnection,
    /// It takes all, and thinks before each reply.
    Slow,
    /// It greylists every recipient, in many words, until the afternoon.
    Greylisted,
    /// It is restarted after each second message.
    Restarted,
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
    /// The second page says another total than the first.
    TotalMoves,
    /// Every page is the first.
    FirstPageAgain,
    /// A success with nothing in it.
    Nothing,
    /// The certificates of somebody else.
    OtherCompany,
}

impl Manner {
    /// Neither a code nor a page of the provider.
    pub fn is_unreadable(self) -> bool {
        match self {
            Self::Status(status) => status >= 500,
            Self::Portal => true,
            _ => false,
        }
    }

    /// Stops all asking.
    pub fn is_stop(self) -> bool {
        matches!(self, Self::Code(10_001 | 10_011..=10_013))
    }

    /// Asked once more in the same sweep (design 2, `transient`).
    pub fn is_in_passing(self) -> bool {
        match self {
            Self::Status(status) => status >= 500,
            Self::Code(code) => matches!(code, 265_000 | 265_003 | 265_005 | 10_014 | 10_020),
            Self::Portal | Self::Short | Self::Shuffled | Self::TotalMoves | Self::FirstPageAgain => true,
            Self::Nothing | Self::OtherCompany => false,
        }
    }
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
        self.faults.len() + self.blows.len() + self.mail.len() + self.edits.len() + self.budgets.len()
    }

    /// Nobody is taken out of a file that would be empty without it, for such a file is none.
    pub fn keep_watching(&mut self, watched: &BTreeSet<usize>) {
        let days: Vec<Day> = self.edits.keys().copied().collect();
        if days.into_iter().any(|day| watched.is_subset(&self.file_on(day).out)) {
            for edits in self.edits.values_mut() {
                edits.retain(|edit| !matches!(edit, Edit::Out(_) | Edit::In(_)));
            }
        }
    }

    /// Leaves out what is counted by these numbers.
    pub fn leave_out(&mut self, without: &BTreeSet<usize>) {
        let mut number = 0..;
        let mut stays = || number.next().is_some_and(|number: usize| !without.contains(&number));
        self.faults.retain(|_| stays());
        self.blows.retain(|_, _| stays());
        self.mail.retain(|_, _| stays());
        self.edits.retain(|_, _| stays());
        self.budgets.retain(|_, _| stays());
    }

    /// The watchlist of a day.
    pub fn file_on(&self, day: Day) -> File {
        let mut file = File::default();
        for edit in self.edits.range(..=day).flat_map(|(_, edits)| edits) {
            match *edit {
                Edit::Out(company) => file.out.insert(company),
                Edit::In(company) => file.out.remove(&company),
                Edit::TwoReaders(company) => file.two_readers.insert(company),
                Edit::OneReader(company) => file.two_readers.remove(&company),
            };
        }
        file
    }

    /// How many calls a day has, where that is limited.
    pub fn calls_on(&self, day: Day) -> Option<usize> {
        let (_, calls) = self.budgets.range(..=day).next_back()?;
        (*calls > 0).then_some(*calls)
    }

    /// Whether upstream as a whole is amiss at any time of that day.
    pub fn is_amiss_for_all(&self, day: Day) -> bool {
        self.manners_of(day).any(|(company, _)| company.is_none())
    }

    /// Whether a company alone is answered amiss at any time of that day.
    pub fn is_amiss_for(&self, company: usize, day: Day) -> bool {
        self.manners_of(day).any(|(other, _)| other == Some(company))
    }

    /// Whether nothing that can be read comes for a company, all day long.
    pub fn is_dead(&self, company: usize, day: Day) -> bool {
        let is_all_day = |fault: &&Fault| {
            fault.from <= day && (fault.to > day || (fault.to == day && fault.until_hour == 24))
        };
        let own = self.faults.iter().filter(|fault| fault.company == Some(company));
        let is_unreadable =
            |fault: &Fault| matches!(fault.what, What::Manner(manner) if manner.is_unreadable());
        own.filter(is_all_day).any(is_unreadable)
            && self
                .manners_of(day)
                .filter(|(other, _)| *other == Some(company))
                .all(|(_, manner)| manner.is_unreadable())
    }

    fn manners_of(&self, day: Day) -> impl Iterator<Item = (Option<usize>, Manner)> {
        let of_day = self.faults.iter().filter(move |fault| fault.from <= day && fault.to >= day);
        of_day.filter_map(|fault| match fault.what {
            What::Manner(manner) => Some((fault.company, manner)),
            What::Lie(_) => None,
        })
    }

    /// By how much the clock is wrong when the day's hour comes.
    pub fn clock_is_wrong_by(&self, day: Day) -> Option<i64> {
        self.blows.get(&day)?.iter().find_map(|blow| match blow {
            Blow::Clock(hours) => Some(*hours),
            _ => None,
        })
    }

    /// How often a process may have died on that day, or worked in vain.
    pub fn kills_on(&self, day: Day) -> usize {
        let blows = self.blows.get(&day).map_or(&[][..], Vec::as_slice);
        blows.iter().filter(|blow| matches!(blow, Blow::Kill(..) | Blow::CutConnections(..))).count()
    }

    /// From the day after this one on all is well.
    pub fn end_on(&mut self, last: Day) {
        self.faults.iter_mut().for_each(|fault| fault.to = fault.to.min(last));
        self.blows.retain(|day, _| *day <= last);
        self.mail.retain(|day, _| *day <= last);
        self.edits.retain(|day, _| *day <= last);
        self.budgets.retain(|day, _| *day <= last);
        if self.calls_on(last).is_some() {
            self.budgets.insert(last.plus(1), 0);
        }
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

    /// Whether anything of upstream is amiss on that day or was on the day before.
    pub fn is_rough(&self, day: Day) -> bool {
        self.is_amiss(day, |_| true)
    }

    /// Whether that is so of upstream as a whole, or of mail: then bells ring more often.
    pub fn is_rough_for_all(&self, day: Day) -> bool {
        self.is_amiss(day, |company| company.is_none())
    }

    fn is_amiss(&self, day: Day, of: impl Fn(Option<usize>) -> bool) -> bool {
        let today_or_yesterday = |fault: &Fault| {
            matches!(fault.what, What::Manner(_))
                && of(fault.company)
                && fault.from <= day
                && fault.to >= day.plus(-1)
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
