//! Certificate numbers and the families they belong to.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::dates::months_before;
use super::names::names;
use super::text::{
    SHOWN_CHARACTERS_MAX, displayable, folded, is_nothing, normalised, plain, without_invisible,
};

/// 资质证书号. Two numbers are the same when their normalised keys are: width, case, blanks and the `-6/3` suffix of a
/// duplicate (副本) do not tell two certificates apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateNumber {
    text: String,
    /// Where it is another than the text.
    key: Option<String>,
}

/// A text that is no certificate number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate number is blank")]
pub struct BlankNumber;

impl CertificateNumber {
    /// Reads a number; `None` when nothing is left of it. Any form is accepted: the pattern of the national platform
    /// classifies, it never rejects.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if is_written_as_compared(text) {
            return Some(Self::new(text.to_owned(), without_duplicate_suffix(text)));
        }
        Self::normalise(text)
    }

    /// The number that an item states; `None` for what tables write instead of one (`-`, 无).
    #[must_use]
    pub fn stated(text: &str) -> Option<Self> {
        Self::parse(text).filter(|number| !is_nothing(&normalised(number.text())))
    }

    /// The number in a 资格id of the form prefix-number (API document's example: `5d43a8f092aec74cbf04a163-A141002510`); `None`
    /// for a UUID or any other id: its parts are no numbers.
    #[must_use]
    pub fn in_business_id(id: &str) -> Option<Self> {
        const OBJECT_ID_CHARS: usize = 24;
        let id = normalised(id);
        let of_the_platform = |number: &str| by_letter(&number.to_ascii_uppercase()).is_some();
        if let Some((_, number)) =
            without_duplicate_suffix(&id).rsplit_once('-').filter(|(_, number)| of_the_platform(number))
        {
            return Self::stated(number);
        }
        let (prefix, number) = id.split_once('-')?;
        let is_object_id =
            prefix.len() == OBJECT_ID_CHARS && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_object_id { Self::stated(number) } else { None }
    }

    /// What stands before `-` and this number in a 资格id; `None` where the id does not end so.
    #[must_use]
    pub fn prefix_in(&self, id: &str) -> Option<String> {
        let id = folded(id);
        let prefix = without_duplicate_suffix(&id).strip_suffix(self.key())?.strip_suffix('-')?;
        (!prefix.is_empty()).then(|| prefix.to_owned())
    }

    fn normalise(text: &str) -> Option<Self> {
        // Rows keep the text, and the key is made of it again: it has to come out the same.
        let text = displayable(&without_invisible(text));
        let normal = folded(&text);
        let key = without_duplicate_suffix(&normal);
        (!key.is_empty()).then(|| Self::new(text, key))
    }

    fn new(text: String, key: &str) -> Self {
        let key = (key != text).then(|| key.to_owned());
        Self { text, key }
    }

    /// The number as the registry wrote it, made inert; what cannot be seen in it is left out.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number for comparison.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.text)
    }
}

/// Whether a number is written as it is compared already, but for the suffix of a duplicate: nearly every one is.
fn is_written_as_compared(text: &str) -> bool {
    let stays = |character: char| {
        plain(character) == Some(character) && character != ' ' && !character.is_ascii_lowercase()
    };
    !text.is_empty() && text.len() <= SHOWN_CHARACTERS_MAX && text.chars().all(stays)
}

/// `A132000058-6/3`: six duplicates were issued, this is the third.
fn without_duplicate_suffix(number: &str) -> &str {
    let Some((stem, suffix)) = number.rsplit_once('-') else {
        return number;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_suffix = suffix.split_once('/').is_some_and(|(count, which)| is_digits(count) && is_digits(which));
    if is_suffix && !stem.is_empty() { stem } else { number }
}

impl PartialEq for CertificateNumber {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for CertificateNumber {}

impl PartialOrd for CertificateNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CertificateNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl Hash for CertificateNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for CertificateNumber {
    type Error = BlankNumber;

    fn try_from(text: String) -> Result<Self, BlankNumber> {
        Self::parse(&text).ok_or(BlankNumber)
    }
}

impl From<CertificateNumber> for String {
    fn from(number: CertificateNumber) -> Self {
        number.text
    }
}

names! {
    /// The family of a certificate, which decides its filing day.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    Family {
        /// 建筑业企业资质, D.
        Construction = "construction",
        /// 设计资质, A.
        Design = "design",
        /// 勘察资质, B.
        Survey = "survey",
        /// 监理资质, E.
        Supervision = "supervision",
        /// 设计与施工一体化资质, C; abolished in 2015.
        Integrated = "integrated",
        /// 招标代理资格, F; abolished on 2017-12-28 (建办市〔2017〕77号).
        BiddingAgency = "bidding_agency",
        /// 造价咨询资质; abolished on 2021-07-01 (国发〔2021〕7号).
        CostConsulting = "cost_consulting",
        /// Anything else: kept, never rejected.
        Other = "other",
    }
}

impl Family {
    /// The family of a certificate: by the letter of its number, else by the text of its type.
    #[must_use]
    pub fn of(number: &CertificateNumber, kind: &str) -> Self {
        by_letter(number.key()).unwrap_or_else(|| by_kind(&normalised(kind)))
    }

    /// The last day to apply for renewal, inclusive (最迟于 X（含当日）); `None` for abolished families. Three months before
    /// the 31st are clamped to the month's last day, never moved into the next month.
    #[must_use]
    pub fn filing_day(self, end: NaiveDate) -> Option<NaiveDate> {
        match self {
            // 届满3个月前 (住房和城乡建设部令第22号). The strictest where the family is not known, worded 如适用.
            Self::Construction | Self::Other => Some(months_before(end, 3)),
            // 届满60日前 (建设部令第160号 and 158号).
            Self::Design | Self::Survey | Self::Supervision => end.checked_sub_days(Days::new(60)),
            Self::Integrated | Self::BiddingAgency | Self::CostConsulting => None,
        }
    }
}

/// Letter, `W` when foreign-invested, approving level 1-3, eight digits (建设部 notice on certificate numbers).
fn by_letter(number: &str) -> Option<Family> {
    let family = match number.chars().next()? {
        'A' => Family::Design,
        'B' => Family::Survey,
        'C' => Family::Integrated,
        'D' => Family::Construction,
        'E' => Family::Supervision,
        'F' => Family::BiddingAgency,
        _ => return None,
    };
    let rest = &number[1..];
    let digits = rest.strip_prefix('W').unwrap_or(rest);
    let is_number = digits.len() == 9
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(digits.as_bytes()[0], b'1'..=b'3');
    is_number.then_some(family)
}

fn by_kind(kind: &str) -> Family {
    const WORDS: [(&str, Family); 9] = [
        // 设计与施工一体化 holds both 设计 and 施工: first.
        ("一体化", Family::Integrated),
        ("招标代理", Family::BiddingAgency),
        ("造价", Family::CostConsulting),
        ("监理", Family::Supervision),
        ("勘察", Family::Survey),
        ("设计", Family::Design),
        ("建筑业", Family::Construction),
        ("施工", Family::Construction),
        ("承包", Family::Construction),
    ];
    let found = WORDS.iter().find(|(word, _)| kind.contains(word));
    found.map_or(Family::Other, |(_, family)| *family)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_read_back_from_its_row_is_the_same_number(
            text in "[ \\t\\n]?[A-F]?[0-9]{0,4}(\\PC|\\u{200b}|\\u{202e}|\\u{0}|\\u{85}|\u{feff}|ß|ﬁ|Ａ|\u{3000}){0,6}(-6/3)?",
            times in 1..60_usize,
        ) {
            if let Some(number) = CertificateNumber::parse(&text.repeat(times)) {
                let back = CertificateNumber::try_from(String::from(number.clone())).unwrap();
                prop_assert_eq!(back.key(), number.key());
                prop_assert_eq!(back.text(), number.text());
            }
        }
    }

    #[test]
    fn only_letters_have_another_case() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            if is_written_as_compared(&text) {
                assert_eq!(text.to_uppercase(), text);
            }
        }
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_long_one_gives(text in "[A-FW甲京、(a０-９-]{0,2}[0-9 ()/-]{0,6}(-6/3|/|\u{200b})?", times in prop_oneof![9 => Just(1_usize), 1 => 30..90_usize]) {
            let text = text.repeat(times);
            let parts = |number: Option<CertificateNumber>| number.map(|number| (number.text, number.key));
            prop_assert_eq!(parts(CertificateNumber::parse(&text)), parts(CertificateNumber::normalise(&text)));
        }
    }

    fn number(text: &str) -> CertificateNumber {
        CertificateNumber::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_compared_by_their_keys() {
        for (one, other, why) in [
            ("A141002510", "Ａ１４１００２５１０", "full width"),
            ("A141002510", " a1 4100 2510\t", "case, blanks, a stray tab"),
            ("A132000058", "A132000058-6/3", "the duplicate's suffix"),
            ("A141002510", "A1\u{200b}41002510\u{202e}", "what cannot be seen"),
        ] {
            assert_eq!(number(one), number(other), "{why}");
        }
        assert_ne!(number("A141002510"), number("A241002517"));
        assert_eq!(
            number("(皖)JZ安许证字[2021]007-1").key(),
            "(皖)JZ安许证字[2021]007-1",
            "no duplicate's suffix"
        );
        assert_eq!(CertificateNumber::parse(" \u{3000}\0"), None);
    }

    #[test]
    fn a_number_is_in_an_id_of_the_form_prefix_number_only() {
        for (id, number, why) in [
            ("5d43a8f092aec74cbf04a163-A141002510", Some("A141002510"), "the document's example"),
            (
                "5d43a8f092aec74cbf04a163-(皖)JZ安许证字[2021]007",
                Some("(皖)JZ安许证字[2021]007"),
                "any number",
            ),
            ("5D43A8F092AEC74CBF04A163-A132000058-6/3", Some("A132000058"), "a duplicate's"),
            ("3355627294-D341000026", Some("D341000026"), "a numeric id before a number of the platform"),
            ("550e8400-e29b-41d4-a716-446655440000-D241000318", Some("D241000318"), "a UUID before one"),
            ("550e8400-e29b-41d4-a716-446655440000", None, "a UUID alone"),
            ("5d43a8f092aec74cbf04a163", None, "no dash"),
            ("5d43a8f092aec74cbf04a163-", None, "nothing behind it"),
            ("5d43a8f092aec74cbf04a163--", None, "what tables write for nothing"),
            ("5d43a8f092aec74cbf04a163-无", None, "the same"),
            ("12345-67890", None, "two numbers"),
            ("-D241000318", Some("D241000318"), "no prefix, but a number"),
        ] {
            assert_eq!(CertificateNumber::in_business_id(id), number.map(self::number), "{id}: {why}");
        }
        for text in ["", "-", "--", "—", "无", "暂无", "/", "null", "N/A", "０", " \u{200b}-"] {
            assert_eq!(CertificateNumber::stated(text), None, "{text}");
        }
        assert_eq!(CertificateNumber::stated("D-0"), Some(number("D-0")));
    }

    #[test]
    fn families_come_from_the_letter_first() {
        for (text, kind, family, why) in [
            ("A141002510", "监理资质", Family::Design, "the letter wins"),
            ("DW31123456", "", Family::Other, "W and eight digits: not the pattern"),
            ("DW311234567", "", Family::Construction, "foreign-invested"),
            ("D266006420", "", Family::Construction, "66: 新疆兵团"),
            ("A441002510", "设计资质", Family::Design, "no such level: the type text"),
            ("甲190111000000", "造价资询资质", Family::CostConsulting, "misspelt in the wild"),
            ("C141002510", "", Family::Integrated, "real use, not the 2006 annex"),
            ("F141002510", "检测机构资质", Family::BiddingAgency, "F is not 检测"),
            ("X", "设计与施工一体化资质", Family::Integrated, "holds 设计 and 施工"),
            ("(皖)JZ安许证字[2021]007", "安全生产许可证", Family::Other, "kept, never rejected"),
        ] {
            assert_eq!(Family::of(&number(text), kind), family, "{why}");
        }
    }

    #[test]
    fn a_family_has_one_name_everywhere() {
        for family in [
            Family::Construction,
            Family::Design,
            Family::Survey,
            Family::Supervision,
            Family::Integrated,
            Family::BiddingAgency,
            Family::CostConsulting,
            Family::Other,
        ] {
            assert_eq!(serde_json::to_value(family).unwrap(), family.as_str());
        }
    }

    #[test]
    fn filing_days_follow_the_family() {
        for (end, three_months, sixty_days) in [
            ("2024-08-23", "2024-05-23", "2024-06-24"),
            ("2027-05-31", "2027-02-28", "2027-04-01"),
            ("2027-12-31", "2027-09-30", "2027-11-01"),
            ("2027-02-28", "2026-11-28", "2026-12-30"),
            ("2028-05-30", "2028-02-29", "2028-03-31"),
        ] {
            assert_eq!(Family::Construction.filing_day(day(end)), Some(day(three_months)));
            assert_eq!(Family::Other.filing_day(day(end)), Some(day(three_months)), "the strictest, 如适用");
            assert_eq!(Family::Supervision.filing_day(day(end)), Some(day(sixty_days)));
            assert_eq!(Family::CostConsulting.filing_day(day(end)), None, "abolished");
        }
    }
}
