//! What another grade means where it is neither higher nor lower: the reform of 2020 renamed grades (建市〔2020〕94号), and an
//! abolished grade is exchanged (换领, 建办市〔2023〕47号).

use chrono::{Months, NaiveDate};

use super::grade::{Grade, unfold_numerals};
use super::text::normalised;

/// What a move from one grade to another means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveMeaning {
    /// Another name by the reform, neither a rise nor a fall.
    Renamed,
    /// 三级 exchanged for 二级, for one year: neither a rise nor a renewal.
    Exchanged,
    /// What the grades themselves say, if they say anything.
    Open,
}

/// The closed table of neutral rewordings (domain.md 10), in either direction.
const RENAMED: &[[&str; 2]] = &[["特级", "综合"], ["一级", "甲级"], ["二级", "乙级"], ["三级", "乙级"]];

/// The meaning of a move from `old` to `new`, for a certificate issued and valid as stated.
#[must_use]
pub fn meaning(
    old: Option<&Grade>,
    new: Option<&Grade>,
    issued_on: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
) -> MoveMeaning {
    let (Some(old), Some(new)) = (old.map(key), new.map(key)) else {
        return MoveMeaning::Open;
    };
    let is_pair =
        |pair: &[&str; 2]| pair.contains(&old.as_str()) && pair.contains(&new.as_str()) && old != new;
    if RENAMED.iter().any(is_pair) {
        return MoveMeaning::Renamed;
    }
    let is_for_a_year = || {
        let last = issued_on?.checked_add_months(Months::new(12))?;
        Some(valid_until? <= last)
    };
    if old == "三级" && new == "二级" && is_for_a_year() == Some(true) {
        return MoveMeaning::Exchanged;
    }
    MoveMeaning::Open
}

fn key(grade: &Grade) -> String {
    unfold_numerals(normalised(grade.text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_table_holds_is_neutral() {
        use MoveMeaning::{Exchanged, Open, Renamed};
        for (old, new, issued, until, expected, why) in [
            ("一级", "甲级", "2026-01-01", "2030-12-31", Renamed, "the reform"),
            ("甲级", "壹级", "2026-01-01", "2030-12-31", Renamed, "and back, in formal numerals"),
            ("特级", "综合", "2026-01-01", "2030-12-31", Renamed, "施工综合资质"),
            ("三级", "乙级", "2026-01-01", "2030-12-31", Renamed, "by exchange"),
            ("一级", "乙级", "2026-01-01", "2030-12-31", Open, "a fall"),
            ("三级", "甲级", "2026-01-01", "2030-12-31", Open, "a rise"),
            ("暂定级", "乙级", "2026-01-01", "2030-12-31", Open, "a rise"),
            ("三级", "二级", "2026-01-01", "2027-01-01", Exchanged, "for one year"),
            ("三级", "二级", "2026-01-01", "2026-12-31", Exchanged, "for one year less a day"),
            ("三级", "二级", "2026-01-01", "2030-12-31", Open, "for five years: a rise"),
            ("二级", "二级", "2026-01-01", "2026-12-31", Open, "the same"),
        ] {
            let grade = |text: &str| Some(Grade::stored(text.to_owned()));
            let (issued, until) = (issued.parse().ok(), until.parse().ok());
            assert_eq!(
                meaning(grade(old).as_ref(), grade(new).as_ref(), issued, until),
                expected,
                "{old} {new}: {why}"
            );
        }
        assert_eq!(meaning(None, Some(&Grade::stored("甲级".into())), None, None), MoveMeaning::Open);
    }
}
