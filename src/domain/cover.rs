//! Cover: who holds the wider qualification may do what the narrower one allows. A closed table of names; what is not in it
//! covers nothing, however alike the names are.

use super::qualification::{Qualification, holds_at_least};

/// Whether whoever holds `wider` may do what `narrower` allows, because `wider` is another, wider qualification. The same
/// qualification at another grade is no matter of this table: [`holds_at_least`] compares those.
///
/// Sources: 建市〔2007〕86号 (design: 综合资质 all industries; an industry all of its 专业), 建设部令第158号 (supervision: 综合资质 all
/// kinds), 建市〔2013〕9号 (survey: 综合资质 all 专业, not 劳务), 建市〔2020〕94号 (construction: 施工综合资质 all 施工总承包).
#[must_use]
pub fn covers(wider: &Qualification, narrower: &Qualification) -> bool {
    let is_of_an_industry = is_in_industry(wider.key.as_str(), narrower.key.as_str());
    is_wider(wider, narrower)
        && (!is_of_an_industry || holds_at_least(wider.grade.as_ref(), narrower.grade.as_ref()))
}

/// Whether `wider` covers `narrower` by its name, at whatever grade.
#[must_use]
pub fn is_wider(wider: &Qualification, narrower: &Qualification) -> bool {
    let (wide, narrow) = (wider.key.as_str(), narrower.key.as_str());
    if wide == narrow {
        return false;
    }
    match wide {
        "工程监理综合资质" => is_of_all(wider) && narrow.starts_with("工程监理"),
        "工程设计综合资质" => is_of_all(wider) && narrow.starts_with("工程设计"),
        "工程勘察综合资质" => is_of_all(wider) && is_survey_of_a_field(narrow),
        "施工综合资质" => is_of_all(wider) && narrow.ends_with("施工总承包"),
        _ => is_in_industry(wide, narrow),
    }
}

/// 综合资质 is 甲级 by the older standards and without a grade by 94号; any other grade of it is a slip of the registry.
fn is_of_all(wider: &Qualification) -> bool {
    wider.grade.as_ref().is_none_or(|grade| grade.is_ungraded() || grade.is_called("甲级"))
}

fn is_survey_of_a_field(name: &str) -> bool {
    name.starts_with("工程勘察") && !name.contains("劳务")
}

/// Parts of an industry that are named in a bracket instead of as 专业 (the national platform's dictionary, A321).
const BRACKETED_FIELDS: [&str; 2] = ["(建筑工程)", "(人防工程)"];

/// Whether `narrow` is a field of the industry that `wide` names, and not one that `wide` leaves out
/// (工程设计市政行业（燃气工程、轨道交通工程除外）).
fn is_in_industry(wide: &str, narrow: &str) -> bool {
    let Some((industry, exceptions)) = industry(wide) else { return false };
    let Some(field) = narrow.strip_prefix(industry) else { return false };
    if exceptions.is_empty() && excluded(field).is_some() {
        // All of the industry covers the industry but for some fields.
        return true;
    }
    let is_field = (field.ends_with("专业") && field != "专业") || BRACKETED_FIELDS.contains(&field);
    is_field && !exceptions.split('、').any(|left_out| !left_out.is_empty() && field.contains(left_out))
}

/// 工程设计市政行业 of `工程设计市政行业(燃气工程、轨道交通工程除外)`, and the fields that are left out; `None` where a name is not a
/// whole industry's.
fn industry(name: &str) -> Option<(&str, &str)> {
    const INDUSTRY: &str = "行业";
    if !name.starts_with("工程设计") {
        return None;
    }
    let (industry, rest) = name.split_at(name.find(INDUSTRY)? + INDUSTRY.len());
    if rest.is_empty() { Some((industry, "")) } else { Some((industry, excluded(rest)?)) }
}

/// The fields in `(燃气工程、轨道交通工程除外)`.
fn excluded(bracket: &str) -> Option<&str> {
    bracket.strip_prefix('(')?.strip_suffix("除外)")
}

#[cfg(test)]
mod tests {
    use super::super::qualification::split;
    use super::*;

    fn only(text: &str) -> Qualification {
        let mut all = split(text);
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn the_wider_covers_what_the_table_says() {
        for (wider, narrower, why) in [
            ("工程监理综合资质", "工程监理房屋建筑工程专业甲级", "all kinds of supervision"),
            ("工程监理综合资质", "工程监理市政公用工程专业丙级", "of whatever grade"),
            ("工程监理综合资质", "工程监理事务所", "all names"),
            ("工程设计综合资质甲级", "工程设计市政行业给水工程专业甲级", "all of design"),
            ("工程设计综合甲级", "工程设计建筑行业（建筑工程）甲级", "by its alias"),
            ("工程设计综合资质", "工程设计风景园林工程专项乙级", "without a grade since 94号"),
            ("工程设计综合资质甲级", "工程设计公路行业甲级", "an industry"),
            ("工程勘察综合资质甲级", "工程勘察岩土工程专业甲级", "survey"),
            ("工程勘察综合资质", "工程勘察专业类工程测量乙级", "without a grade"),
            ("施工综合资质", "建筑工程施工总承包特级", "construction, the reform's conversion"),
            ("施工综合资质", "市政公用工程施工总承包一级", ""),
            ("工程设计市政行业甲级", "工程设计市政行业给水工程专业甲级", "the industry, the same grade"),
            ("工程设计市政行业甲级", "工程设计市政行业桥梁工程专业乙级", "a lower grade"),
            ("工程设计市政行业乙级", "工程设计市政行业桥梁工程专业丙级", "both lower"),
            (
                "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
                "工程设计市政行业给水工程专业甲级",
                "not one of those left out",
            ),
            (
                "工程设计市政行业甲级",
                "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
                "all covers all but two",
            ),
            ("工程设计核工业行业甲级", "工程设计核工业行业铀矿山及选冶工程专业甲级", "行业 after 工业"),
            (
                "工程设计石油天然气（海洋石油）行业甲级",
                "工程设计石油天然气（海洋石油）行业油气库专业甲级",
                "a bracket in the industry's name",
            ),
            ("工程设计建筑行业甲级", "工程设计建筑行业（人防工程）甲级", "a field in a bracket"),
        ] {
            assert!(covers(&only(wider), &only(narrower)), "{wider} covers {narrower}: {why}");
        }
    }

    #[test]
    fn the_wider_is_wider_at_whatever_grade() {
        for (wider, narrower, is_wide, why) in [
            ("工程设计市政行业乙级", "工程设计市政行业给水工程专业甲级", true, "lower"),
            ("工程设计市政行业", "工程设计市政行业给水工程专业甲级", true, "without a grade"),
            ("工程设计公路行业乙级", "工程设计市政行业给水工程专业甲级", false, "another industry"),
            ("工程设计市政行业给水工程专业乙级", "工程设计市政行业给水工程专业甲级", false, "the same"),
        ] {
            assert_eq!(is_wider(&only(wider), &only(narrower)), is_wide, "{why}");
            assert!(!covers(&only(wider), &only(narrower)), "{why}");
        }
    }

    #[test]
    fn nothing_else_is_covered() {
        for (wider, narrower, why) in [
            ("工程监理综合资质", "工程监理综合资质", "the same is not wider"),
            ("工程监理综合资质", "工程设计市政行业甲级", "another family"),
            ("工程设计综合资质乙级", "工程设计市政行业乙级", "there is no such grade"),
            ("工程勘察综合资质甲级", "工程勘察工程钻探劳务", "劳务 is no professional survey"),
            ("施工综合资质", "钢结构工程专业承包一级", "专业承包 is not in the table"),
            ("施工综合资质", "施工劳务", "nor is labour"),
            ("建筑工程施工总承包特级", "建筑工程施工总承包一级", "the same name: a matter of grades"),
            ("工程设计市政行业乙级", "工程设计市政行业给水工程专业甲级", "a higher grade"),
            ("工程设计市政行业甲级", "工程设计公路行业公路专业甲级", "another industry"),
            ("工程设计市政行业甲级", "工程设计市政行业给水工程专业", "no grade: not known to be lower"),
            (
                "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
                "工程设计市政行业城镇燃气工程专业甲级",
                "left out",
            ),
            (
                "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
                "工程设计市政行业轨道交通工程专业乙级",
                "left out",
            ),
            (
                "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
                "工程设计市政行业甲级",
                "the other way round",
            ),
            (
                "工程设计电子通信广电行业（电子工程）甲级",
                "工程设计电子通信广电行业有线通信专业甲级",
                "a part of an industry",
            ),
            ("工程设计市政行业给水工程专业甲级", "工程设计市政行业甲级", "the other way round"),
            ("公路工程施工总承包一级", "公路路面工程专业承包一级", "not in the table"),
        ] {
            assert!(!covers(&only(wider), &only(narrower)), "{wider} does not cover {narrower}: {why}");
        }
    }
}
