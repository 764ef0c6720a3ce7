//! The story that the demo tells besides the scenario: what is worth a word on which day, and what the operator does.

use chrono::NaiveDate;

use crate::domain::language::Language;

/// The first and the last day.
pub(super) const FIRST_DAY: NaiveDate = day(1, 5);
pub(super) const LAST_DAY: NaiveDate = day(4, 22);

/// A day that a newcomer should look at.
pub(super) struct Chapter {
    pub day: NaiveDate,
    words: [&'static str; 2],
}

impl Chapter {
    /// What it shows.
    pub fn words(&self, language: Language) -> &'static str {
        let [chinese, english] = self.words;
        match language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }
}

/// What a day begins with; in the order of their days.
pub(super) const CHAPTERS: &[Chapter] = &[
    Chapter {
        day: day(1, 5),
        words: [
            "开始监测：逐家查询，列出每本证书；已临近期限的，当天即提醒。",
            "The watch begins: each company is asked once, every certificate is listed, and what ends soon is told at once.",
        ],
    },
    Chapter {
        day: day(1, 12),
        words: [
            "示例交通的延续申请已提交，管理员用 qualwatch renewing 登记：此后不再催办。",
            "A renewal was filed; the operator says so with qualwatch renewing, and its filing day is no longer told.",
        ],
    },
    Chapter {
        day: day(1, 16),
        words: [
            "平台数据中少了一本证书。只查到一次不算数：今天不通知任何人。",
            "One certificate is missing from the answer. Seen once, that proves nothing: nobody is told today.",
        ],
    },
    Chapter {
        day: day(1, 17),
        words: ["第二次查询仍未查到：现在通知。", "The second look agrees: now it is told."],
    },
    Chapter {
        day: day(1, 20),
        words: [
            "延续申请截止日就是今天：它就是邮件标题，尽管证书还有 90 天才到期。",
            "The last day to apply for a renewal is today: that is the headline, though the certificate has 90 days left.",
        ],
    },
    Chapter {
        day: day(1, 30),
        words: [
            "前天告知的“新增证书”不再列出：更正。",
            "A gain told two days ago is gone again: it is taken back.",
        ],
    },
    Chapter {
        day: day(2, 2),
        words: [
            "统一延期：五家企业一个标题，不是五条消息。",
            "A decree moves many ends at once: one headline, not five.",
        ],
    },
    Chapter {
        day: day(2, 3),
        words: [
            "新增一名收件人：当天收到现有期限一览。",
            "Somebody becomes a reader, and learns the same day what is open.",
        ],
    },
    Chapter {
        day: day(2, 13),
        words: [
            "一级证书消失、二级以新编号出现：说明是较低等级，而不是“仍持有”。",
            "A downgrade that comes under a new number is called a lower grade, not “still held”.",
        ],
    },
    Chapter {
        day: day(2, 14),
        words: [
            "接口次数用尽：停止查询、告知管理员一次；到期提醒照常，由已存数据判断。",
            "The quota is spent: asking stops, the operator is told once, and ends are judged from what is stored.",
        ],
    },
    Chapter {
        day: day(2, 26),
        words: [
            "一条记录没有证书编号：告知管理员，该企业其余证书照常比对。",
            "One row has no certificate number: the operator hears of it, and the rest is compared as always.",
        ],
    },
    Chapter {
        day: day(3, 2),
        words: [
            "一家企业移出名单：管理员得知它还有哪些期限。",
            "A company leaves the watchlist: the operator is told what was still open of it.",
        ],
    },
];

/// What the operator does on a day, before the hour of the schedule.
pub(super) enum Deed {
    /// `qualwatch renewing`.
    SaysFiled { company: &'static str, number: &'static str, end: NaiveDate, reference: &'static str },
    /// A reader of one company comes into the file.
    AddsReader { company: &'static str, address: &'static str },
    /// A company leaves the file.
    TakesOut { company: &'static str },
}

/// In the order of their days.
pub(super) const DEEDS: &[(NaiveDate, Deed)] = &[
    (
        day(1, 12),
        Deed::SaysFiled {
            company: "示例交通工程有限公司",
            number: "D241000351",
            end: day(4, 18),
            reference: "豫建资〔2026〕0112号",
        },
    ),
    (day(2, 3), Deed::AddsReader { company: "示例钢结构有限公司", address: "bids@example.com" }),
    (day(3, 2), Deed::TakesOut { company: "示例城建工程有限公司" }),
];

/// A day of the story's year.
const fn day(month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(2026, month, day) {
        Some(day) => day,
        None => NaiveDate::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Scenario;

    #[test]
    fn chapters_and_deeds_are_in_order_and_of_companies_that_there_are() {
        assert!(CHAPTERS.is_sorted_by_key(|chapter| chapter.day));
        assert!(DEEDS.is_sorted_by_key(|(day, _)| *day));
        let scenario = Scenario::demo();
        for (_, deed) in DEEDS {
            let (Deed::SaysFiled { company, .. }
            | Deed::AddsReader { company, .. }
            | Deed::TakesOut { company }) = deed;
            assert!(scenario.keywords().any(|keyword| keyword == *company), "{company}");
        }
    }
}
