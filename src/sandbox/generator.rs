//! Companies by rule, always the same for the same seed: many for load tests, and those of somebody's own list.

use chrono::{Days as DayCount, Months, NaiveDate, TimeDelta};
use serde::Deserialize;

use super::certificates::{Days, ListedCertificate, ListedCompany};

/// More would be answers nobody pages through, and numbers that no longer fit their eight digits.
const COMPANIES_MAX: u32 = 100_000;
const CERTIFICATES_MAX: u32 = 500;
/// Issue dates begin here and spread over four years; validity is five (domain: the usual case).
const FIRST_ISSUE: NaiveDate = NaiveDate::from_ymd_opt(2022, 1, 1).unwrap();
const ISSUE_DAYS: u64 = 4 * 365;
const VALIDITY: Months = Months::new(60);

/// The alphabet of GB 32100-2015: no I, O, S, V, Z.
const USCC_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// What a certificate of each letter is called, who issues it, and what may stand in it.
const FAMILIES: [(char, &str, &str, [&str; 3]); 4] = [
    (
        'D',
        "建筑业企业资质",
        "河南省住房和城乡建设厅",
        ["建筑工程施工总承包二级", "市政公用工程施工总承包二级", "地基基础工程专业承包一级"],
    ),
    (
        'E',
        "监理资质",
        "河南省住房和城乡建设厅",
        ["工程监理房屋建筑工程专业乙级", "工程监理市政公用工程专业乙级", "工程监理机电安装工程专业乙级"],
    ),
    (
        'A',
        "设计资质",
        "河南省住房和城乡建设厅",
        [
            "工程设计建筑行业（建筑工程）乙级",
            "工程设计市政行业（燃气工程、轨道交通工程除外）乙级",
            "工程设计风景园林工程专项乙级",
        ],
    ),
    (
        'B',
        "勘察资质",
        "河南省住房和城乡建设厅",
        ["工程勘察专业类（岩土工程）乙级", "工程勘察专业类（工程测量）乙级", "工程勘察工程钻探劳务"],
    ),
];

/// `[generate]` of the scenario file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerateText {
    companies: u32,
    certificates: u32,
    #[serde(default)]
    seed: u64,
    lose: Option<LoseText>,
}

/// The first `companies` of them lose their first certificate on `from`; after `to` it is back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoseText {
    companies: u32,
    from: String,
    to: Option<String>,
}

/// The companies that `[generate]` asks for.
///
/// # Errors
/// The text of what is wrong with the entry.
pub(super) fn companies(wanted: &GenerateText) -> Result<Vec<ListedCompany>, String> {
    if wanted.companies > COMPANIES_MAX || wanted.certificates > CERTIFICATES_MAX {
        return Err(format!("at most {COMPANIES_MAX} companies of {CERTIFICATES_MAX} certificates"));
    }
    let absent = wanted.lose.as_ref().map(absence).transpose()?;
    let losing = wanted.lose.as_ref().map_or(0, |lose| lose.companies);
    Ok((1..=wanted.companies)
        .map(|serial| {
            let mut company = company(serial, wanted);
            if let Some(absent) = absent.filter(|_| serial <= losing) {
                lose_first(&mut company.certificates, absent);
            }
            company
        })
        .collect())
}

fn absence(lose: &LoseText) -> Result<Days, String> {
    let day = |text: &String| text.parse().map_err(|_| format!("lose: \"{text}\" is not a day"));
    Ok(Days { from: Some(day(&lose.from)?), to: lose.to.as_ref().map(day).transpose()? })
}

/// The first certificate is listed before the absence and, when that ends, after it.
fn lose_first(certificates: &mut Vec<ListedCertificate>, absent: Days) {
    if certificates.is_empty() {
        return;
    }
    let mut before = certificates.remove(0);
    if let Some(back) = absent.to.and_then(|to| to.succ_opt()) {
        certificates
            .insert(0, ListedCertificate { days: Days { from: Some(back), to: None }, ..before.clone() });
    }
    before.days.to = absent.from.and_then(|from| from.pred_opt());
    certificates.insert(0, before);
}

/// A company of somebody's own list.
pub struct OwnCompany {
    /// What it is asked for by.
    pub keyword: String,
    /// The id it must have, where the list names one.
    pub id: Option<String>,
}

/// The companies of a list, each with two certificates that are made up. To one of them something happens from `today` on, of four
/// things in turn: so that the mails can be seen with names that the reader knows.
pub(super) fn of_list(list: &[OwnCompany], today: NaiveDate) -> Vec<ListedCompany> {
    let listed = (0_u32..).zip(list).map(|(index, own)| {
        let mut random = Random(u64::from(index));
        let id = own.id.clone().unwrap_or_else(|| format!("{:016x}{index:08x}", random.next()));
        let mut made_up = |running, ends_in_days| {
            let until = today + TimeDelta::days(ends_in_days);
            let certificate = certificate(&id, 2 * index + running, &mut random);
            valid(certificate, until - VALIDITY, until)
        };
        let mut certificates = vec![made_up(1, 1500)];
        certificates.extend(match index % 4 {
            0 => renewed(&made_up(2, 91), today + TimeDelta::days(3)),
            // One company a day: several at once would be the provider's fault.
            1 => vec![until_day(made_up(2, 700), today + TimeDelta::days(1 + i64::from(index / 4)))],
            2 => vec![from_day(made_up(2, 700), today + TimeDelta::days(1))],
            _ => vec![made_up(2, 1)],
        });
        ListedCompany { keywords: vec![own.keyword.clone()], certificates }
    });
    listed.collect()
}

fn renewed(before: &ListedCertificate, day: NaiveDate) -> Vec<ListedCertificate> {
    let after = valid(before.clone(), day, day + VALIDITY);
    vec![until_day(before.clone(), day - TimeDelta::days(1)), from_day(after, day)]
}

fn valid(certificate: ListedCertificate, issued: NaiveDate, until: NaiveDate) -> ListedCertificate {
    ListedCertificate { issued: Some(issued.to_string()), until: Some(until.to_string()), ..certificate }
}

fn from_day(certificate: ListedCertificate, day: NaiveDate) -> ListedCertificate {
    ListedCertificate { days: Days { from: Some(day), to: None }, ..certificate }
}

fn until_day(certificate: ListedCertificate, day: NaiveDate) -> ListedCertificate {
    ListedCertificate { days: Days { from: None, to: Some(day) }, ..certificate }
}

fn company(serial: u32, wanted: &GenerateText) -> ListedCompany {
    let mut random = Random(wanted.seed ^ u64::from(serial).wrapping_mul(0xA076_1D64_78BD_642F));
    let id = format!("{:016x}{serial:08x}", random.next());
    let uscc = uscc(&format!("91410100MA{serial:06}X"));
    let keywords = vec![format!("沙盒建设{serial:04}有限公司"), id.clone(), uscc];
    let certificates = (0..wanted.certificates)
        .map(|index| {
            let running = (serial - 1) * wanted.certificates + index + 1;
            certificate(&id, running, &mut random)
        })
        .collect();
    ListedCompany { keywords, certificates }
}

fn certificate(id: &str, running: u32, random: &mut Random) -> ListedCertificate {
    let (letter, kind, organ, names) = FAMILIES[running as usize % FAMILIES.len()];
    let number = format!("{letter}2{running:08}");
    let issued = FIRST_ISSUE + DayCount::new(random.below(ISSUE_DAYS));
    let until = issued + VALIDITY;
    let names = match random.below(6) {
        0 => names[0].to_owned(),
        1 => names[1].to_owned(),
        2 => names[2].to_owned(),
        _ => names.join(","),
    };
    ListedCertificate {
        business_id: Some(format!("{id}-{number}")),
        number: Some(number),
        kind: Some(kind.to_owned()),
        organ: Some(organ.to_owned()),
        issued: Some(issued.to_string()),
        until: Some(until.to_string()),
        qualifications: Some(names),
        days: Days::default(),
    }
}

/// The 18 characters of a social credit code with these first 17: GB 32100-2015, weights 3^(i-1) mod 31.
fn uscc(first_17: &str) -> String {
    let mut weight = 1;
    let mut sum = 0;
    for character in first_17.bytes() {
        let value = USCC_ALPHABET.iter().position(|known| *known == character).unwrap_or_default();
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    let check = USCC_ALPHABET[(31 - sum % 31) % 31];
    format!("{first_17}{}", char::from(check))
}

/// `SplitMix64`: enough for variety, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[cfg(test)]
mod tests {
    use super::uscc;

    #[test]
    fn a_generated_social_credit_code_has_its_check_character() {
        for (first_17, whole, why) in [
            ("91410000123456788", "91410000123456788R", "plain"),
            ("91110108MA01ABCD5", "91110108MA01ABCD5T", "letters"),
            ("91410000000000043", "914100000000000430", "remainder 0"),
        ] {
            assert_eq!(uscc(first_17), whole, "{why}");
        }
    }
}
