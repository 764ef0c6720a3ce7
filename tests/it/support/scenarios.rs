//! Small scenarios of the imitation upstream, put together from companies and certificates.

pub const BUILDING: &str = "qualifications = \"建筑工程施工总承包二级\"";
pub const SUPERVISION: &str = "qualifications = \"工程监理市政公用工程专业乙级\"";

/// Nothing told.
pub const NONE: [&str; 0] = [];

/// A certificate of 2024-01-10 until 2029-01-09, with `more` of its keys.
pub fn certificate(number: &str, more: &str) -> String {
    format!(
        "[[company.certificate]]\nnumber = \"{number}\"\ntype = \"建筑业企业资质\"\norgan = \"河南省住房和城乡建设厅\"\n\
         issued = \"2024-01-10\"\nuntil = \"2029-01-09\"\n{more}\n"
    )
}

/// 公司{number}, found by that keyword.
pub fn company(number: u32, certificates: &str) -> String {
    format!("[[company]]\nkeywords = [\"公司{number}\"]\nid = \"5f{number:022}\"\n{certificates}\n")
}

/// `count` companies that keep what they have.
pub fn steady(count: u32) -> String {
    let steady = |n: u32| company(n, &certificate(&format!("D2410{n:05}"), BUILDING));
    (1..=count).map(steady).collect()
}
