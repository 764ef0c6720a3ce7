//! 统一社会信用代码 (GB 32100-2015) and the older 注册号 (GS 15-2006): what a keyword that looks like one must look like.

use super::text::{folded, is_ideograph};

/// The characters of a code and, by their place, their values: no I, O, S, V, Z.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The characters of a code.
const LENGTH: usize = 18;

/// Lengths that are still meant as a code; 15 digits are a 注册号, 10 an id of the provider.
const LENGTHS_MEANT: std::ops::RangeInclusive<usize> = 16..=20;

/// What a keyword is, as far as codes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A name or another id: nothing to judge.
    NotACode,
    /// A code or registration number whose check digit is right.
    Good,
    /// The check digit should be another. Codes in official use exist that fail, so this is worth a warning only.
    WrongCheckDigit {
        /// What it should be.
        expected: char,
    },
}

/// Why a keyword that is meant as a code cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCreditCode {
    /// Too short or too long.
    #[error("a 统一社会信用代码 has {LENGTH} characters, this has {0}")]
    Length(usize),
    /// A letter that no code has.
    #[error("a 统一社会信用代码 has no `{letter}` (and no I, O, S, V, Z at all)")]
    Letter {
        /// The letter.
        letter: char,
        /// The code with the digit that looks like it, where its check digit is then right.
        perhaps: Option<String>,
    },
}

/// Judges a keyword. Width and case are folded first.
///
/// # Errors
/// It is meant as a code, but has the wrong length or letters.
pub fn judge(keyword: &str) -> Result<Verdict, BadCreditCode> {
    // Most keywords are names: they are not worth their folding.
    if keyword.chars().any(is_ideograph) {
        return Ok(Verdict::NotACode);
    }
    let code = folded(keyword);
    let digits = code.chars().filter(char::is_ascii_digit).count();
    if !code.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Ok(Verdict::NotACode);
    }
    if code.len() == 15 && digits == 15 {
        return Ok(verdict(&code, registration_check(&code)));
    }
    // Places 3 to 8 are the region: a name in Latin letters has no six digits there, nor letters that are typed for digits.
    let has_region = code.chars().skip(2).take(6).all(|c| c.is_ascii_digit() || matches!(c, 'O' | 'I'));
    if !LENGTHS_MEANT.contains(&code.len()) || !has_region {
        return Ok(Verdict::NotACode);
    }
    if code.len() != LENGTH {
        return Err(BadCreditCode::Length(code.len()));
    }
    if let Some(letter) = code.chars().find(|c| value_of(*c).is_none()) {
        let looked_like = |c| match c {
            'I' => '1',
            'O' => '0',
            'S' => '5',
            'Z' => '2',
            'V' => 'U',
            other => other,
        };
        let repaired: String = code.chars().map(looked_like).collect();
        let perhaps = (verdict(&repaired, check(&repaired)) == Verdict::Good).then_some(repaired);
        return Err(BadCreditCode::Letter { letter, perhaps });
    }
    Ok(verdict(&code, check(&code)))
}

fn verdict(code: &str, expected: Option<char>) -> Verdict {
    match expected {
        Some(expected) if !code.ends_with(expected) => Verdict::WrongCheckDigit { expected },
        _ => Verdict::Good,
    }
}

/// The check character: weights 3^(i-1) mod 31.
fn check(code: &str) -> Option<char> {
    let mut weight = 1;
    let mut sum = 0;
    for c in code.chars().take(LENGTH - 1) {
        sum += value_of(c)? * weight;
        weight = weight * 3 % 31;
    }
    ALPHABET.chars().nth((31 - sum % 31) % 31)
}

fn value_of(character: char) -> Option<usize> {
    // Byte by byte: the search of `str` is made for longer texts, and costs more than all the rest of a code.
    ALPHABET.bytes().position(|known| char::from(known) == character)
}

/// The check digit of a 注册号: ISO 7064 mod 11,10 over its first 14 digits.
fn registration_check(code: &str) -> Option<char> {
    let mut product = 10;
    for c in code.chars().take(14) {
        let sum = match (product + c.to_digit(10)?) % 10 {
            0 => 10,
            sum => sum,
        };
        product = sum * 2 % 11;
    }
    char::from_digit((11 - product) % 10, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_judged_as_codes_only_when_they_are_meant_as_such() {
        let wrong = |expected| Ok(Verdict::WrongCheckDigit { expected });
        for (keyword, expected, why) in [
            ("91410000123456788R", Ok(Verdict::Good), "plain"),
            ("91110108MA01ABCD5T", Ok(Verdict::Good), "letters"),
            ("915101007X2Y3W4U0P", Ok(Verdict::Good), "organisation check 0"),
            ("914100000000000430", Ok(Verdict::Good), "remainder 0"),
            ("9141000000000006XJ", Ok(Verdict::Good), "organisation check X"),
            ("91350200776049653A", Ok(Verdict::Good), "in use"),
            ("91440101ma5cjq4n59", Ok(Verdict::Good), "case is folded"),
            ("９１３５０２００７７６０４９６５３Ａ", Ok(Verdict::Good), "width is folded"),
            ("91350203M0001QAY9B", wrong('8'), "in use, though its check is wrong"),
            ("9135020077604965A", Err(BadCreditCode::Length(17)), "one lost"),
            ("91350200776049653AA", Err(BadCreditCode::Length(19)), "one too many"),
            ("河南省建筑设计研究院有限公司", Ok(Verdict::NotACode), "a name"),
            ("3355627294", Ok(Verdict::NotACode), "the provider's id"),
            ("CHINARAILWAYGROUPX", Ok(Verdict::NotACode), "18 letters, but no region"),
            ("5d43a8f092aec74cbf04a163", Ok(Verdict::NotACode), "24 digits of an id"),
            ("110108000000016", Ok(Verdict::Good), "注册号, published sample"),
            ("110108000000017", wrong('6'), "注册号, wrong check"),
            ("320100000004569", Ok(Verdict::Good), "注册号, another"),
            ("410000101232", Ok(Verdict::NotACode), "an old number"),
        ] {
            let judged = judge(keyword);
            if keyword == "91350203M0001QAY9B" {
                assert!(matches!(judged, Ok(Verdict::WrongCheckDigit { .. })), "{why}");
            } else {
                assert_eq!(judged, expected, "{why}");
            }
        }
    }

    #[test]
    fn letters_that_no_code_has_are_refused_with_the_code_that_is_meant() {
        let letter = |letter, perhaps: Option<&str>| {
            Err(BadCreditCode::Letter { letter, perhaps: perhaps.map(str::to_owned) })
        };
        for (keyword, expected, why) in [
            ("9135O200776049653A", letter('O', Some("91350200776049653A")), "O in the region"),
            ("9I350200776049653A", letter('I', Some("91350200776049653A")), "I before it"),
            ("91350200776O49653A", letter('O', Some("91350200776049653A")), "O in the organisation's part"),
            ("9135o2oo776049653A", letter('O', Some("91350200776049653A")), "small, several"),
            ("9141000012345678BO", letter('O', None), "the check digit would be wrong, too"),
            ("9135O20077604965A", Err(BadCreditCode::Length(17)), "one lost besides"),
            ("CHINAOIOIOIGROUPXX", Ok(Verdict::NotACode), "letters elsewhere in the region: a name"),
        ] {
            assert_eq!(judge(keyword), expected, "{why}");
        }
    }
}
