//! Keywords: how a company is asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::{folded, shows_nothing};

/// The most characters of a keyword; the longest registered company names have about 60.
pub const KEYWORD_CHARACTERS_MAX: usize = 100;

/// A company as the provider is asked for it: name, id, registration number or 统一社会信用代码 (API document, `keyword`).
/// Trimmed, never empty, at most 100 characters, without controls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Keyword(Box<str>);

/// Why a text is no keyword.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyword {
    /// Nothing but blanks.
    #[error("the keyword is empty")]
    Empty,
    /// Longer than the provider's longest names.
    #[error("the keyword has {0} characters, {KEYWORD_CHARACTERS_MAX} are the most")]
    TooLong(usize),
    /// It holds a line break or another control character.
    #[error("the keyword holds a control character")]
    Control,
}

impl Keyword {
    /// The text that is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For finding duplicates: width, case and blanks do not tell two companies apart.
    #[must_use]
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

impl FromStr for Keyword {
    type Err = BadKeyword;

    fn from_str(text: &str) -> Result<Self, BadKeyword> {
        let text = text.trim();
        let length = text.chars().count();
        if shows_nothing(text) {
            Err(BadKeyword::Empty)
        } else if length > KEYWORD_CHARACTERS_MAX {
            Err(BadKeyword::TooLong(length))
        } else if text.chars().any(char::is_control) {
            Err(BadKeyword::Control)
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl TryFrom<String> for Keyword {
    type Error = BadKeyword;

    fn try_from(text: String) -> Result<Self, BadKeyword> {
        text.parse()
    }
}

impl From<Keyword> for String {
    fn from(keyword: Keyword) -> Self {
        keyword.0.into()
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_parsed_at_the_edge() {
        for (text, expected, why) in [
            (" 河南院 ", Ok("河南院"), "trimmed"),
            ("\u{3000}", Err(BadKeyword::Empty), "an ideographic blank is a blank"),
            ("\u{200b}", Err(BadKeyword::Empty), "nothing to see"),
            ("\u{200b} \u{200b}", Err(BadKeyword::Empty), "and a blank within it"),
            ("a\nb", Err(BadKeyword::Control), "a line break"),
        ] {
            assert_eq!(
                text.parse::<Keyword>().as_ref().map(Keyword::as_str),
                expected.as_ref().copied(),
                "{why}"
            );
        }
        assert_eq!("长".repeat(101).parse::<Keyword>(), Err(BadKeyword::TooLong(101)));
        let folded = |text: &str| text.parse::<Keyword>().unwrap().folded();
        assert_eq!(folded("ＡＢ（河南）公司"), folded("ab(河南) 公司"));
    }
}
