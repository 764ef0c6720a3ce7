//! Grades of qualifications: two ladders, and what is comparable.

use std::cmp::Ordering;
use std::fmt;

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::number::Family;
use super::text::normalised;

/// A grade as the registry wrote it, such as 甲级, 甲（Ⅰ）级, 壹级, 不分等级.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grade(String);

/// What became of a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradeChange {
    /// The same grade, perhaps written otherwise.
    Same,
    /// Higher in the same ladder.
    Raised,
    /// Lower in the same ladder.
    Lowered,
    /// Neither: renamed by the reform (一级 → 甲级, see [`is_renamed`]); or not comparable, as a grade where there was none.
    Reworded,
}

/// The ladders of the certificates. 建市〔2020〕94号 converts those of construction: 特级 to 综合, 一级 to 甲级, 二级 and 三级 to 乙级.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ladder {
    /// 特级 > 一级 > 二级 > 三级 > 四级.
    Numbered,
    /// 综合, above 甲级.
    Comprehensive,
    /// 甲级, 甲（Ⅰ）级 > 甲（Ⅱ）级 > 乙级 > 丙级 > 丁级.
    Stems,
    /// 暂定级: its own.
    Provisional,
}

impl Grade {
    /// A grade by the registry's own text; the text is not judged.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The registry's own text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The text for comparison: width, brackets and 壹 for 一 do not matter.
    pub(crate) fn key(&self) -> String {
        unfold_numerals(normalised(&self.0))
    }

    /// Whether the grade no longer exists, so that its holder must exchange (换领) instead of renew: 三级 of construction,
    /// 丙级 and 丁级 (国发〔2021〕7号).
    #[must_use]
    pub fn is_abolished(&self, family: Family) -> bool {
        match self.key().as_str() {
            "三级" => family == Family::Construction,
            "丙级" | "丁级" => true,
            _ => false,
        }
    }

    /// Place on its ladder, 0 at the top. Grades of one rank differ in wording only.
    fn place(&self) -> Option<(Ladder, u8)> {
        Some(match self.key().as_str() {
            "特级" => (Ladder::Numbered, 0),
            "一级" => (Ladder::Numbered, 10),
            "二级" => (Ladder::Numbered, 20),
            "三级" => (Ladder::Numbered, 30),
            "四级" => (Ladder::Numbered, 40),
            "综合" | "综合资质" | "综合级" => (Ladder::Comprehensive, 0),
            "甲级" | "甲(I)级" => (Ladder::Stems, 10),
            "甲(II)级" => (Ladder::Stems, 15),
            "乙级" => (Ladder::Stems, 20),
            "丙级" => (Ladder::Stems, 30),
            "丁级" => (Ladder::Stems, 40),
            // 招标代理 had 甲级, 乙级 and, below them, 暂定级.
            "暂定级" => (Ladder::Provisional, 25),
            _ => return None,
        })
    }

    /// The place that 94号 converts a grade of construction to; `None` where it says nothing of it.
    fn converted(&self) -> Option<u8> {
        match self.place()? {
            (Ladder::Numbered, 30) => Some(20),
            (Ladder::Numbered | Ladder::Comprehensive | Ladder::Stems, place) if place <= 20 => Some(place),
            _ => None,
        }
    }

    /// How high it stands, whatever its ladder: only to choose between several of one qualification.
    pub(super) fn height(&self) -> u8 {
        self.place().map_or(0, |(_, place)| u8::MAX - place)
    }

    /// 不分等级 is in the text of some sources and dropped by others: in comparison it is no grade.
    pub(super) fn is_ungraded(&self) -> bool {
        matches!(self.key().as_str(), "不分等级" | "不分级")
    }

    /// Whether it is this grade, however it is written.
    pub(super) fn is_called(&self, grade: &str) -> bool {
        self.key() == grade
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Formal numerals right before 级 mean the plain ones: 壹级 is 一级 (old licences, tender texts).
pub(super) fn unfold_numerals(text: String) -> String {
    if !text.contains('级') {
        return text;
    }
    let mut rest = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = rest.next() {
        plain.push(if rest.peek() == Some(&'级') { unfolded(character) } else { character });
    }
    plain
}

/// The plain numeral for a formal one; any other character as it is.
pub(super) const fn unfolded(character: char) -> char {
    match character {
        '壹' => '一',
        '贰' | '貳' | '弍' => '二',
        '叁' | '參' => '三',
        '肆' => '四',
        _ => character,
    }
}

fn stated(grade: Option<&Grade>) -> Option<&Grade> {
    grade.filter(|grade| !grade.is_ungraded())
}

/// What became of a grade; `None` is no grade, and 不分等级 equals it.
#[must_use]
pub fn grade_change(old: Option<&Grade>, new: Option<&Grade>) -> GradeChange {
    if old == new {
        return GradeChange::Same;
    }
    let (old, new) = match (stated(old), stated(new)) {
        (None, None) => return GradeChange::Same,
        (Some(old), Some(new)) => (old, new),
        _ => return GradeChange::Reworded,
    };
    if old.key() == new.key() {
        return GradeChange::Same;
    }
    let Some((before, after)) = comparable(old, new) else { return GradeChange::Reworded };
    match after.cmp(&before) {
        Ordering::Less => GradeChange::Raised,
        Ordering::Greater => GradeChange::Lowered,
        Ordering::Equal => GradeChange::Reworded,
    }
}

/// The places of two grades on one ladder, or on the one that 94号 converts both to; `None`: which is higher cannot be said.
fn comparable(old: &Grade, new: &Grade) -> Option<(u8, u8)> {
    let ((ladder, before), (other, after)) = (old.place()?, new.place()?);
    let is_provisional = [ladder, other].contains(&Ladder::Provisional);
    if ladder == other {
        Some((before, after))
    } else if is_provisional {
        // 暂定级 → 乙级 is a rise; of other ladders nothing is known.
        let is_known =
            |(ladder, place)| ladder == Ladder::Provisional || (ladder == Ladder::Stems && place <= 20);
        (is_known((ladder, before)) && is_known((other, after))).then_some((before, after))
    } else {
        Some((old.converted()?, new.converted()?))
    }
}

/// Whether one grade is the other by another name since the reform (建市〔2020〕94号): 特级 and 综合, 一级 and 甲级, 二级 or 三级 and 乙级.
/// That is neither a rise nor a fall.
#[must_use]
pub fn is_renamed(old: &Grade, new: &Grade) -> bool {
    let ladder = |grade: &Grade| grade.place().map(|(ladder, _)| ladder);
    ladder(old) != ladder(new) && old.converted().is_some() && old.converted() == new.converted()
}

/// A certificate of an exchanged grade runs for a year at most (建办市〔2023〕47号).
const EXCHANGED_FOR_MONTHS: u32 = 12;

/// Whether a grade was exchanged (换领): an abolished one for 二级 or 乙级, in a certificate that runs for a year at most. That is
/// neither a rise nor a renewal.
#[must_use]
pub fn is_exchanged(
    family: Family,
    [old, new]: [Option<&Grade>; 2],
    (issued, end): (Option<NaiveDate>, Option<NaiveDate>),
) -> bool {
    let (Some(old), Some(new), Some(issued), Some(end)) = (old, new, issued, end) else { return false };
    let runs_until = issued.checked_add_months(Months::new(EXCHANGED_FOR_MONTHS));
    old.is_abolished(family)
        && (new.is_called("二级") || new.is_called("乙级"))
        && runs_until.is_some_and(|until| end <= until)
}

/// Whether a grade that is held stands at least as high as another did, as far as can be said.
#[must_use]
pub fn stands_as_high(held: Option<&Grade>, needed: Option<&Grade>) -> bool {
    holds_at_least(held, needed)
        || grade_change(needed, held) == GradeChange::Raised
        || stated(held).zip(stated(needed)).is_some_and(|(held, needed)| is_renamed(needed, held))
}

/// Whether `held` is the same grade as `needed`, or a higher one of the same ladder. Of one rank is enough: 甲（Ⅰ）级 is 甲级.
#[must_use]
pub fn holds_at_least(held: Option<&Grade>, needed: Option<&Grade>) -> bool {
    let is_as_high_on_one_ladder = || {
        let ((ladder, place), (other, needed)) = (held?.place()?, needed?.place()?);
        Some(ladder == other && place <= needed)
    };
    grade_change(needed, held) == GradeChange::Same || is_as_high_on_one_ladder().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_are_compared_within_one_ladder() {
        use GradeChange::{Lowered, Raised, Reworded, Same};
        for (old, new, change, why) in [
            ("乙级", "甲级", Raised, "one step"),
            ("三级", "特级", Raised, "several steps"),
            ("一级", "二级", Lowered, "one step down"),
            ("一级", "壹级", Same, "formal numeral"),
            ("四级", "肆级", Same, "the last of them"),
            ("甲(Ⅰ)级", "甲（I）级", Same, "width and Roman numeral"),
            ("甲（Ⅱ）级", "甲（Ⅰ）级", Raised, "within 甲"),
            ("甲级", "甲（Ⅰ）级", Reworded, "both top: other words, not another rank"),
            ("一级", "甲级", Reworded, "the reform's conversion is neither a rise nor a fall"),
            ("特级", "综合", Reworded, "the reform's conversion"),
            ("特级", "综合资质", Reworded, "by its full name"),
            ("二级", "乙级", Reworded, "the reform's conversion"),
            ("叁级", "乙级", Reworded, "by exchange"),
            ("甲级", "一级", Reworded, "and back"),
            ("一级", "乙级", Lowered, "it would be 甲级"),
            ("三级", "甲级", Raised, "it would be 乙级"),
            ("二级", "甲级", Raised, "it would be 乙级"),
            ("特级", "甲级", Lowered, "it would be 综合"),
            ("甲级", "三级", Lowered, "it is 乙级 by now"),
            ("暂定级", "乙级", Raised, "the end of a provisional grade"),
            ("甲级", "暂定级", Lowered, "the reverse"),
            ("暂定级", "丙级", Reworded, "not in the table"),
            ("暂定级", "二级", Reworded, "not in the table"),
            ("四级", "乙级", Reworded, "not in the table"),
            ("一级", "丙级", Reworded, "not in the table"),
            ("甲级", "", Reworded, "a grade that goes"),
            ("", "甲级", Reworded, "a grade where there was none"),
            ("", "不分等级", Same, "sources drop it"),
        ] {
            let grade = |text: &str| (!text.is_empty()).then(|| Grade::new(text));
            assert_eq!(
                grade_change(grade(old).as_ref(), grade(new).as_ref()),
                change,
                "{old} -> {new}: {why}"
            );
        }
    }

    #[test]
    fn only_what_the_reform_converts_is_renamed() {
        let grade = |text: &str| Grade::new(text);
        let all = [
            "特级",
            "综合",
            "一级",
            "甲级",
            "甲（Ⅱ）级",
            "二级",
            "乙级",
            "三级",
            "丙级",
            "四级",
            "丁级",
            "暂定级",
        ];
        let renamed = [["特级", "综合"], ["一级", "甲级"], ["二级", "乙级"], ["三级", "乙级"]];
        for one in all {
            for other in all {
                let is_in_table = renamed.iter().any(|pair| pair == &[one, other] || pair == &[other, one]);
                assert_eq!(is_renamed(&grade(one), &grade(other)), is_in_table, "{one} {other}");
            }
        }
        assert!(stands_as_high(Some(&grade("甲级")), Some(&grade("一级"))));
        assert!(stands_as_high(Some(&grade("甲级")), Some(&grade("二级"))), "a rise across the ladders");
        assert!(!stands_as_high(Some(&grade("乙级")), Some(&grade("一级"))));
        assert!(!stands_as_high(None, Some(&grade("一级"))));
    }

    #[test]
    fn an_exchange_is_of_an_abolished_grade_and_for_a_year_at_most() {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        for (family, old, new, issued, end, exchanged, why) in [
            (Family::Construction, "三级", "二级", "2026-03-01", "2027-02-28", true, "a year less a day"),
            (Family::Construction, "叁级", "贰级", "2026-03-01", "2027-03-01", true, "a year"),
            (Family::Construction, "三级", "乙级", "2026-03-01", "2027-02-28", true, "by the new name"),
            (Family::Design, "丙级", "乙级", "2026-03-01", "2027-02-28", true, "design"),
            (
                Family::Construction,
                "三级",
                "二级",
                "2026-03-01",
                "2031-02-28",
                false,
                "for five years: a rise",
            ),
            (
                Family::Construction,
                "三级",
                "一级",
                "2026-03-01",
                "2027-02-28",
                false,
                "not what is exchanged for",
            ),
            (Family::Construction, "二级", "二级", "2026-03-01", "2027-02-28", false, "not abolished"),
            (Family::Construction, "三级", "二级", "", "2027-02-28", false, "how long it runs is not known"),
        ] {
            let grades = [old, new].map(|text| Some(Grade::new(text)));
            let grades = [grades[0].as_ref(), grades[1].as_ref()];
            assert_eq!(
                is_exchanged(family, grades, (day(issued), day(end))),
                exchanged,
                "{old} {new}: {why}"
            );
        }
    }

    #[test]
    fn of_several_of_one_qualification_the_higher_is_chosen_whatever_its_ladder() {
        let falling = ["特级", "一级", "甲(II)级", "二级", "暂定级", "三级", "丁级", "不分等级"];
        let heights: Vec<u8> = falling.iter().map(|text| Grade::new(*text).height()).collect();
        assert!(heights.is_sorted_by(|higher, lower| higher > lower), "{heights:?}");
        assert_eq!(Grade::new("甲级").height(), Grade::new("一级").height());
    }

    #[test]
    fn a_cover_needs_the_same_ladder() {
        let grade = |text: &str| Some(Grade::new(text));
        for (held, needed, holds) in [
            (grade("甲级"), grade("乙级"), true),
            (grade("乙级"), grade("乙级"), true),
            (grade("乙级"), grade("甲级"), false),
            (grade("甲级"), grade("一级"), false),
            (grade("甲（Ⅰ）级"), grade("甲级"), true),
            (grade("甲（Ⅱ）级"), grade("甲级"), false),
            (None, grade("不分等级"), true),
            (None, grade("甲级"), false),
        ] {
            assert_eq!(holds_at_least(held.as_ref(), needed.as_ref()), holds, "{held:?} for {needed:?}");
        }
    }
}
