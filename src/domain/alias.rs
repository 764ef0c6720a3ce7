//! Names of one qualification: what public tables write in several ways for the same thing. Only what is listed here is one;
//! 预拌商品混凝土 for one is an older standard's name, and another qualification.

/// Names without brackets that mean another one. Where it says "94号", the source is 建市〔2020〕94号.
const NAMES: [(&str, &str); 9] = [
    // A regional exchange writes 施工劳务, an agency's list 施工劳务资质, tender forms 施工劳务序列.
    ("施工劳务资质", "施工劳务"),
    ("施工劳务序列", "施工劳务"),
    // The national platform's dictionary has 工程设计综合资质甲级, certificates have 工程设计综合甲级; survey alike.
    ("工程设计综合", "工程设计综合资质"),
    ("工程勘察综合", "工程勘察综合资质"),
    ("工程监理综合", "工程监理综合资质"),
    // 94号 calls it 施工综合资质.
    ("施工综合", "施工综合资质"),
    ("工程施工综合资质", "施工综合资质"),
    ("工程施工综合", "施工综合资质"),
    ("建筑业企业施工综合资质", "施工综合资质"),
];

/// The two parts of 公路交通工程 (the platform's dictionary, D218): a bracket before or behind 专业承包, none at all, and 分项
/// behind it (a regional exchange).
const HIGHWAY_PARTS: [(&str, &str); 2] = [
    ("公路安全设施", "公路交通工程(公路安全设施)专业承包"),
    ("公路机电工程", "公路交通工程(公路机电工程)专业承包"),
];

/// Kinds of 特种工程, which several tables write with the bracket behind 专业承包. The standard of 2014 has 特殊设备的起重吊装,
/// the platform's dictionary 特种设备的起重吊装.
const SPECIAL_WORKS: [(&str, &str); 3] = [
    ("特殊设备起重吊装", "特种设备的起重吊装"),
    ("特殊设备的起重吊装", "特种设备的起重吊装"),
    ("特种设备起重吊装", "特种设备的起重吊装"),
];

/// The name by which a normalised name without its grade is compared.
pub(super) fn official(name: String) -> String {
    if let Some((_, official)) = NAMES.iter().find(|(alias, _)| *alias == name) {
        return (*official).to_owned();
    }
    if let Some(rest) = name.strip_prefix("公路交通工程") {
        let part: String = rest.replace("专业承包", "").replace("分项", "").replace(['(', ')'], "");
        let found = HIGHWAY_PARTS.iter().find(|(kind, _)| *kind == part && rest.contains("专业承包"));
        return found.map_or(name, |(_, official)| (*official).to_owned());
    }
    let kind = name.strip_prefix("特种工程").and_then(special_work);
    kind.map_or(name.clone(), |kind| format!("特种工程({kind})专业承包"))
}

/// The kind in `(结构补强)专业承包` or `专业承包(结构补强)`, by its official name.
fn special_work(rest: &str) -> Option<&str> {
    let bracket = rest.strip_suffix("专业承包").or_else(|| rest.strip_prefix("专业承包"))?;
    let kind = bracket.strip_prefix('(')?.strip_suffix(')')?;
    Some(SPECIAL_WORKS.iter().find(|(alias, _)| *alias == kind).map_or(kind, |(_, official)| official))
}

#[cfg(test)]
mod tests {
    use super::super::qualification::split;

    /// Where an alias was seen.
    type Source = &'static str;

    #[test]
    fn every_row_of_the_table_is_one_qualification() {
        const EXCHANGE: Source = "a regional exchange's list of names, with the same mapping";
        const FORMS: Source = "tender forms of a contractor";
        const DICTIONARY: Source = "the national platform's dictionary";
        const NOTICE: Source = "建市〔2020〕94号";
        const STANDARD: Source = "建市〔2014〕159号, 特种工程专业承包";
        let rows: &[(&[&str], Source)] = &[
            (
                &[
                    "公路交通工程（公路安全设施）专业承包一级",
                    "公路交通工程专业承包（公路安全设施）一级",
                    "公路交通工程（公路安全设施分项）专业承包一级",
                    "公路交通工程专业承包公路安全设施分项一级",
                    "公路交通工程公路安全设施专业承包一级",
                ],
                EXCHANGE,
            ),
            (
                &[
                    "公路交通工程（公路机电工程）专业承包一级",
                    "公路交通工程专业承包（公路机电工程）一级",
                    "公路交通工程(公路机电工程)专业承包分项一级",
                    "公路交通工程专业承包公路机电工程分项一级",
                ],
                EXCHANGE,
            ),
            (
                &[
                    "特种工程（特种设备的起重吊装）专业承包不分等级",
                    "特种工程（特殊设备起重吊装）专业承包不分等级",
                    "特种工程专业承包（特殊设备起重吊装）不分等级",
                    "特种工程专业承包（特殊设备的起重吊装） 不分等级",
                ],
                STANDARD,
            ),
            (&["特种工程（结构补强）专业承包", "特种工程专业承包（结构补强） 不分等级"], EXCHANGE),
            (
                &["特种工程（建筑物纠偏和平移）专业承包", "特种工程专业承包（建筑物纠偏和平移）不分等级"],
                EXCHANGE,
            ),
            (&["特种工程（特种防雷）专业承包", "特种工程专业承包（特种防雷） 不分等级"], EXCHANGE),
            (&["施工劳务", "施工劳务资质", "施工劳务序列不分等级", "施工劳务不分级"], FORMS),
            (&["工程设计综合资质甲级", "工程设计综合甲级"], DICTIONARY),
            (&["工程勘察综合资质甲级", "工程勘察综合甲级"], DICTIONARY),
            (&["工程监理综合资质", "工程监理综合"], DICTIONARY),
            (
                &["施工综合资质", "施工综合", "工程施工综合资质", "工程施工综合", "建筑业企业施工综合资质"],
                NOTICE,
            ),
        ];
        for (names, source) in rows {
            let keys: Vec<_> = names.iter().flat_map(|name| split(name)).map(|one| one.key).collect();
            assert_eq!(keys.len(), names.len());
            assert!(keys.iter().all(|key| key == &keys[0]), "{names:?} by {source}: {keys:?}");
        }
    }

    #[test]
    fn what_is_no_alias_stays_another_qualification() {
        for (one, other, why) in [
            ("预拌混凝土专业承包", "预拌商品混凝土专业承包三级", "an older standard's name"),
            ("公路交通工程专业承包一级", "公路交通工程（公路安全设施）专业承包一级", "the whole, not a part"),
            (
                "公路交通工程（公路机电工程）专业承包一级",
                "公路交通工程（公路安全设施）专业承包一级",
                "two parts",
            ),
            ("特种工程专业承包", "特种工程（结构补强）专业承包", "the whole, not a kind"),
            ("特种工程（特种防雷）专业承包", "特种工程专业承包（结构补强）", "two kinds"),
            ("施工劳务", "模板脚手架专业承包", "not labour"),
        ] {
            assert_ne!(split(one)[0].key, split(other)[0].key, "{why}");
        }
    }
}
