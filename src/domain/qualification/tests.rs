use proptest::prelude::*;

use super::*;

fn only(text: &str) -> Qualification {
    let mut all = split(text);
    assert_eq!(all.len(), 1, "{text:?} is one qualification");
    all.pop().unwrap()
}

#[test]
fn official_names_give_name_and_grade() {
    for (text, name, grade) in [
        ("工程设计建筑行业（建筑工程）甲级", "工程设计建筑行业（建筑工程）", Some("甲级")),
        ("工程设计市政行业给水工程专业甲级", "工程设计市政行业给水工程专业", Some("甲级")),
        (
            "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
            "工程设计市政行业（燃气工程、轨道交通工程除外）",
            Some("甲级"),
        ),
        (
            "工程设计军工行业坦克、装甲车辆工程专业乙级",
            "工程设计军工行业坦克、装甲车辆工程专业",
            Some("乙级"),
        ),
        ("特种工程(结构补强)专业承包不分等级", "特种工程(结构补强)专业承包", Some("不分等级")),
        ("预拌混凝土专业承包不分 等级", "预拌混凝土专业承包", Some("不分 等级")),
        ("工程设计铁道行业甲（Ⅰ）级", "工程设计铁道行业", Some("甲（Ⅰ）级")),
        ("工程设计铁道行业甲(II)级", "工程设计铁道行业", Some("甲(II)级")),
        ("工程监理综合资质", "工程监理综合资质", None),
        ("工程勘察综合资质甲级", "工程勘察综合资质", Some("甲级")),
        ("工程监理事务所", "工程监理事务所", None),
        ("工程勘察工程钻探劳务", "工程勘察工程钻探劳务", None),
        ("工程招标代理暂定级", "工程招标代理", Some("暂定级")),
        ("建筑工程施工总承包壹级", "建筑工程施工总承包", Some("壹级")),
        ("建筑工程施工总承包特级资质", "建筑工程施工总承包", Some("特级")),
        ("甲级", "甲级", None),
        ("建筑工程施工总承包二级（暂定）", "建筑工程施工总承包", Some("二级")),
        ("工程设计市政行业甲级(临时)", "工程设计市政行业", Some("甲级")),
        ("建筑工程施工总承包二级。", "建筑工程施工总承包", Some("二级")),
        ("建筑工程施工总承包（二级）", "建筑工程施工总承包", Some("二级")),
        ("建筑工程施工总承包【贰级】", "建筑工程施工总承包", Some("贰级")),
        ("建筑工程施工总承包二级资质（增项）", "建筑工程施工总承包", Some("二级")),
        ("建筑工程施工总承包二级（有效期至2026年12月31日）", "建筑工程施工总承包", Some("二级")),
        ("建筑工程施工总承包二级（暂定", "建筑工程施工总承包", Some("二级")),
        ("特种工程专业承包不分等级（结构补强）", "特种工程专业承包（结构补强）", Some("不分等级")),
        ("工程设计铁道行业甲（Ⅱ）级（暂定）", "工程设计铁道行业", Some("甲（Ⅱ）级")),
        ("建筑工程施工总承包综合资质", "建筑工程施工总承包", Some("综合资质")),
        ("施工综合资质", "施工综合资质", None),
        ("模板脚手架专业承包不分级", "模板脚手架专业承包", Some("不分级")),
        ("工程设计建筑行业（建筑工程）", "工程设计建筑行业（建筑工程）", None),
    ] {
        let read = only(text);
        assert_eq!((read.name.as_str(), read.grade.as_ref().map(Grade::text)), (name, grade), "{text}");
        assert_eq!(read.text, text);
    }
}

#[test]
fn cosmetic_differences_are_none() {
    for (one, other, why) in [
        ("工程设计建筑行业（建筑工程）甲级", "工程设计建筑行业(建筑工程)甲级", "bracket width"),
        ("建筑工程施工总承包壹级", "建筑工程施工总承包一级", "formal numeral"),
        ("特种工程（结构补强）专业承包不分等级", "特种工程专业承包（结构补强） 不分等级", "bracket moved"),
        ("模板脚手架专业承包", "模板脚手架专业承包不分等级", "不分等级 is dropped by some sources"),
        ("工程设计铁道行业甲（Ⅰ）级", "工程设计铁道行业甲(I)级", "Roman numeral"),
        ("工程 监理\u{3000}房屋建筑工程专业甲级", "工程监理房屋建筑工程专业甲级", "blanks"),
        ("建筑\u{200b}工程施工总承包二\u{feff}级", "建筑工程施工总承包二级", "what cannot be seen"),
        ("\u{ad}建筑工程施工总承包\u{2060}二级\u{0}", "建筑工程施工总承包二级", "soft hyphen, joiner, NUL"),
        ("建筑工程施工总承包\u{202e}二级", "建筑工程施工总承包二级", "an override of direction"),
        ("建筑工程施工总承包二级（暂定）", "建筑工程施工总承包二级", "a tail"),
        ("建筑工程施工总承包（二级）。", "建筑工程施工总承包二级", "brackets and a full stop"),
        ("特种工程专业承包不分等级（结构补强）", "特种工程（结构补强）专业承包", "a kind behind the grade"),
        ("模板脚手架专业承包不分级", "模板脚手架专业承包不分等级", "another word for no grade"),
    ] {
        let (one, other) = (only(one), only(other));
        assert_eq!(one.key, other.key, "{why}");
        assert_eq!(grade_change(one.grade.as_ref(), other.grade.as_ref()), GradeChange::Same, "{why}");
    }
}

#[test]
fn every_official_name_of_construction_converts_as_the_reform_says() {
    use crate::domain::cover::covers;
    use crate::domain::grade::is_renamed;
    // 建市〔2014〕159号: twelve 施工总承包, and 专业承包 with grades.
    let general = "建筑工程 公路工程 铁路工程 港口与航道工程 水利水电工程 电力工程 矿山工程 冶金工程 石油化工工程 市政公用工程 通信工程 机电工程";
    let special = "地基基础工程 起重设备安装工程 电子与智能化工程 消防设施工程 防水防腐保温工程 桥梁工程 隧道工程 钢结构工程 \
                   建筑装修装饰工程 建筑机电安装工程 建筑幕墙工程 古建筑工程 城市及道路照明工程 公路路面工程 公路路基工程 \
                   公路交通工程 铁路电务工程 铁路铺轨架梁工程 铁路电气化工程 机场场道工程 民航空管工程及机场弱电系统工程 \
                   机场目视助航工程 港口与海岸工程 航道工程 通航建筑物工程 港航设备安装及水上交管工程 水工金属结构制作与安装工程 \
                   水利水电机电安装工程 河湖整治工程 输变电工程 核工程 海洋石油工程 环保工程";
    let general = general.split_whitespace().map(|name| format!("{name}施工总承包"));
    let special = special.split_whitespace().map(|name| format!("{name}专业承包"));
    for name in general.clone().chain(special) {
        for (old, new) in [("一级", "甲级"), ("二级", "乙级"), ("三级", "乙级")] {
            let (old, new) = (only(&format!("{name}{old}")), only(&format!("{name}{new}")));
            assert_eq!(old.key, new.key);
            assert!(is_renamed(&old.grade.unwrap(), &new.grade.unwrap()), "{name}");
        }
    }
    let comprehensive = only("施工综合资质");
    for name in general {
        let special_grade = only(&format!("{name}特级"));
        assert!(covers(&comprehensive, &special_grade), "{name}特级 goes where 施工综合资质 comes");
        for text in ["综合资质", "综合"] {
            let renamed = only(&format!("{name}{text}"));
            assert_eq!(renamed.key, special_grade.key);
            assert!(
                is_renamed(special_grade.grade.as_ref().unwrap(), &renamed.grade.unwrap()),
                "{name}{text}"
            );
        }
    }
}

#[test]
fn separators_count_outside_brackets_only() {
    for (text, count, why) in [
        ("甲专业甲级,乙专业乙级", 2, "comma"),
        ("甲专业甲级，乙专业乙级；丙专业丙级;丁专业丁级", 4, "full and half width"),
        ("甲专业甲级\r\n乙专业乙级", 2, "line break"),
        ("市政行业（燃气,轨道除外）甲级", 1, "inside brackets"),
        ("市政行业（燃气\n乙专业乙级,丙专业丙级", 3, "a line break closes an open bracket"),
        ("坦克、装甲车辆工程专业乙级", 1, "、 inside a name"),
        ("兽医/畜牧工程专业甲级", 1, "/ inside a name"),
        ("甲专业甲级、乙专业乙级、丙专业丙级", 3, "、 after a grade"),
        ("甲专业甲级/乙专业乙级|丙专业丙级", 3, "/ and | after a grade"),
        ("甲专业甲级（暂定）、乙专业乙级", 2, "、 after a grade with a tail"),
        ("甲专业不分等级、乙专业", 2, "不分等级 is a grade"),
        ("市政行业（燃气工程甲级,乙专业乙级,丙专业丙级", 3, "an unclosed bracket swallows nothing"),
        ("市政行业（燃气工程甲级,建筑行业（建筑工程）甲级,丙专业丙级", 3, "nor when one behind it is closed"),
        ("市政行业（（燃气）甲级,乙专业乙级", 2, "opened twice, closed once"),
        ("市政行业（燃气））甲级,乙专业（乙类,丙类）乙级", 2, "closed too often"),
        ("结构补强（特种,乙专业乙级", 2, "unclosed, without a grade"),
        (" ,，\n", 0, "nothing"),
        ("甲专业甲级,甲专业甲级", 1, "the same twice is one"),
    ] {
        assert_eq!(split(text).len(), count, "{why}");
    }
    let both = split("甲专业乙级,甲专业甲级");
    assert_eq!(both[0].grade.as_ref().map(Grade::text), Some("甲级"), "the higher grade is kept");
}

#[test]
fn the_documents_example_has_twelve_qualifications() {
    let names = "工程设计风景园林工程专项乙级,工程设计建筑行业（人防工程）乙级,工程设计商物粮行业冷冻冷藏工程专业乙级,\
                 工程设计市政行业排水工程专业乙级,工程设计市政行业桥梁工程专业乙级,工程设计市政行业热力工程专业乙级";
    assert_eq!(split(names).len(), 6);
}

proptest! {
    #[test]
    fn any_text_is_split_without_a_panic(text in any::<String>()) {
        let keys: Vec<_> = split(&text).into_iter().map(|one| one.key).collect();
        let unique: std::collections::BTreeSet<_> = keys.iter().collect();
        prop_assert_eq!(unique.len(), keys.len());
    }

    #[test]
    fn the_short_way_finds_the_grade_that_the_long_one_finds(
        name in "[工程设计专业（）、a ]{0,4}",
        grade in "(不分等级|甲[(（][IⅠⅡＩ]{1,2}[)）]级|暂定级|[甲乙丙丁戊特一二三四壹贰貳弍叁參肆]级|[甲一壹分定）级 ]{0,3})",
        blank in "[ \u{3000}\u{200b}]{0,1}",
        at in any::<prop::sample::Index>(),
    ) {
        let mut text = format!("{name}{grade}");
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        text.insert_str(places[at.index(places.len())], &blank);
        prop_assert_eq!(grade_start(&text), grade_start_normalised(&text), "{:?}", text);
    }

    #[test]
    fn text_like_official_names_is_read_again_from_its_own_text(
        text in "[工程设计市政行业专承包（）()、Ⅰ甲乙一壹级不分等资质 ,，;\n]{0,40}"
    ) {
        for one in split(&text) {
            let again = split(&one.text);
            prop_assert!(again.iter().any(|other| other.key == one.key) || again.len() > 1);
        }
    }
}
