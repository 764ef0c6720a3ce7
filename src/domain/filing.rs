//! What has to be applied for before the end of a certificate, or of the part of it that shares one end: by the family, and by
//! what it holds.

use chrono::NaiveDate;

use super::grade::Grade;
use super::number::Family;
use super::qualification::is_labour;

/// What a certificate's holder applies for, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// 延续, until this day, inclusive.
    Renewal(NaiveDate),
    /// 换领, before the end: all of it that is licensed is of abolished grades (建办市〔2023〕47号), for which no day is prescribed.
    Exchange,
    /// 备案: 施工劳务 is registered, not licensed, since 建市〔2020〕94号; terms and windows differ by province.
    Registration,
    /// Nothing is renewed: the family is abolished.
    Nothing,
}

/// What is to be applied for of qualifications, each by its name and grade, that end together.
#[must_use]
pub fn duty(family: Family, end: NaiveDate, qualifications: &[(&str, Option<&Grade>)]) -> Duty {
    let Some(by) = family.filing_day(end) else { return Duty::Nothing };
    let is_abolished = |grade: Option<&Grade>| grade.is_some_and(|grade| grade.is_abolished(family));
    let rest = qualifications.iter().filter(|(_, grade)| !is_abolished(*grade));
    if qualifications.is_empty() || rest.clone().any(|(name, _)| !is_labour(name)) {
        return Duty::Renewal(by);
    }
    // Beside labour, too: what is not exchanged lapses.
    if rest.count() < qualifications.len() { Duty::Exchange } else { Duty::Registration }
}

impl Duty {
    /// The last day to apply, where one is prescribed.
    #[must_use]
    pub fn filing_day(self) -> Option<NaiveDate> {
        match self {
            Self::Renewal(by) => Some(by),
            Self::Exchange | Self::Registration | Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::qualification::split;
    use super::*;

    #[test]
    fn what_is_to_be_applied_for_follows_from_family_and_grades() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (family, names, duty, why) in [
            (
                Family::Construction,
                "建筑工程施工总承包二级",
                Duty::Renewal(day("2026-09-30")),
                "three months",
            ),
            (Family::Design, "工程设计市政行业甲级", Duty::Renewal(day("2026-11-01")), "60 days"),
            (Family::Construction, "建筑工程施工总承包三级", Duty::Exchange, "abolished"),
            (
                Family::Construction,
                "建筑工程施工总承包叁级,桥梁工程专业承包三级",
                Duty::Exchange,
                "all of it",
            ),
            (
                Family::Construction,
                "建筑工程施工总承包三级,桥梁工程专业承包二级",
                Duty::Renewal(day("2026-09-30")),
                "the rest is renewed",
            ),
            (Family::Design, "工程设计市政行业丙级,工程设计公路行业丁级", Duty::Exchange, "丙级 and 丁级"),
            (Family::Integrated, "建筑智能化工程设计与施工三级", Duty::Nothing, "the family is abolished"),
            (Family::Construction, "施工劳务不分等级", Duty::Registration, "labour"),
            (
                Family::Construction,
                "施工劳务序列,建筑工程施工总承包三级",
                Duty::Exchange,
                "labour, the rest abolished",
            ),
            (
                Family::Construction,
                "施工劳务,钢结构工程专业承包二级",
                Duty::Renewal(day("2026-09-30")),
                "the rest is renewed",
            ),
            (Family::Other, "", Duty::Renewal(day("2026-09-30")), "nothing is known: the strictest"),
        ] {
            let held = split(names);
            let held: Vec<_> = held.iter().map(|one| (one.name.as_str(), one.grade.as_ref())).collect();
            assert_eq!(super::duty(family, day("2026-12-31"), &held), duty, "{names}: {why}");
        }
    }
}
