//! Grades of qualifications: two ladders, and what is comparable.

use std::fmt;

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
    /// Not comparable: another ladder (一级 → 甲级), a grade where there was none, or the reverse.
    Reworded,
}

/// The ladders of the certificates (建市〔2020〕94号 converts from one to the other, which is neither a rise nor a fall).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ladder {
    /// 特级 > 一级 > 二级 > 三级 > 四级.
    Numbered,
    /// 甲级, 甲（Ⅰ）级 > 甲（Ⅱ）级 > 乙级 > 丙级 > 丁级.
    Stems,
    /// 暂定级: its own.
    Provisional,
}

impl Grade {
    /// A grade by the registry's own text; the text is not judged.
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A grade as a row holds it.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The registry's own text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The text for comparison: width, brackets and 壹 for 一 do not matter.
    fn key(&self) -> String {
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
            "一级" => (Ladder::Numbered, 1),
            "二级" => (Ladder::Numbered, 2),
            "三级" => (Ladder::Numbered, 3),
            "四级" => (Ladder::Numbered, 4),
            "甲级" | "甲(I)级" => (Ladder::Stems, 0),
            "甲(II)级" => (Ladder::Stems, 1),
            "乙级" => (Ladder::Stems, 2),
            "丙级" => (Ladder::Stems, 3),
            "丁级" => (Ladder::Stems, 4),
            "暂定级" => (Ladder::Provisional, 0),
            _ => return None,
        })
    }

    /// How high it stands, whatever its ladder: only to choose between two that an answer states of one qualification.
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
    match (old.place(), new.place()) {
        (Some((ladder, before)), Some((other, after))) if ladder == other && before != after => {
            if after < before { GradeChange::Raised } else { GradeChange::Lowered }
        }
        _ => GradeChange::Reworded,
    }
}

/// Whether `held` is the same grade as `needed`, or a higher one of the same ladder. Of one rank is enough: 甲（Ⅰ）级 is 甲级.
#[must_use]
pub fn holds_at_least(held: Option<&Grade>, needed: Option<&Grade>) -> bool {
    let is_of_one_rank = || Some(held?.place()? == needed?.place()?);
    matches!(grade_change(needed, held), GradeChange::Same | GradeChange::Raised)
        || is_of_one_rank().unwrap_or(false)
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
            ("甲(Ⅰ)级", "甲（I）级", Same, "width and Roman numeral"),
            ("甲（Ⅱ）级", "甲（Ⅰ）级", Raised, "within 甲"),
            ("甲级", "甲（Ⅰ）级", Reworded, "both top: other words, not another rank"),
            ("一级", "甲级", Reworded, "the reform's conversion is neither a rise nor a fall"),
            ("特级", "乙级", Reworded, "ladders are not comparable"),
            ("", "甲级", Reworded, "a grade where there was none"),
            ("", "不分等级", Same, "sources drop it"),
            ("暂定级", "乙级", Reworded, "a ladder of its own"),
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
