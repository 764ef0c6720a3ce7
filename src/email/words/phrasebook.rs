//! A phrase: the same words in both languages, side by side, with the places that are filled in.

use crate::domain::language::Language;

/// Words in Chinese and English. `{name}` is a place that [`with`](Self::with) fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::email) struct Phrase {
    pub zh: &'static str,
    pub en: &'static str,
}

impl Phrase {
    /// The words of a phrase without places.
    pub fn text(self, language: Language) -> &'static str {
        match language {
            Language::Chinese => self.zh,
            Language::English => self.en,
        }
    }

    /// The words with their places filled in. What is filled in stays as it is, even where it has braces of its own; a place that
    /// nothing is given for stays empty.
    pub fn with(self, language: Language, places: &[(&str, &str)]) -> String {
        let mut text = String::new();
        let mut rest = self.text(language);
        while let Some((before, place)) = rest.split_once('{') {
            text.push_str(before);
            let (name, after) = place.split_once('}').unwrap_or((place, ""));
            text.push_str(places.iter().find(|(of, _)| *of == name).map_or("", |(_, words)| words));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// The reverse: what stands in the places of `text`, where it is this phrase; the first words that fit.
    pub fn read(self, language: Language, text: &str) -> Option<Vec<(&'static str, String)>> {
        let mut places = Vec::new();
        let (first, mut template) = self.text(language).split_once('{').unwrap_or((self.text(language), ""));
        let mut rest = text.strip_prefix(first)?;
        while let Some((name, after)) = template.split_once('}') {
            let (literal, next) = after.split_once('{').unwrap_or((after, ""));
            let end = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
            let (value, remaining) = rest.split_at_checked(end)?;
            places.push((name, value.to_owned()));
            rest = remaining.get(literal.len()..)?;
            template = next;
        }
        rest.is_empty().then_some(places)
    }

    /// The names of its places in one language, each once, in order.
    #[cfg(test)]
    fn places(self, language: Language) -> Vec<&'static str> {
        let mut names: Vec<_> =
            self.text(language).split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A table of phrases: `NAME = "中文" / "English";`.
macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident = $zh:literal / $en:literal;)+) => {
        $($(#[$doc])* pub(in crate::email) const $name: $crate::email::words::phrasebook::Phrase =
            $crate::email::words::phrasebook::Phrase { zh: $zh, en: $en };)+

        #[cfg(test)]
        pub(in crate::email) const ALL: &[(&str, $crate::email::words::phrasebook::Phrase)] = &[$((stringify!($name), $name)),+];
    };
}
pub(in crate::email) use phrases;

/// That both languages of each phrase have the same places.
#[cfg(test)]
pub(in crate::email) fn assert_same_places(table: &[(&str, Phrase)]) {
    for (name, phrase) in table {
        assert_eq!(phrase.places(Language::Chinese), phrase.places(Language::English), "{name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let phrase = Phrase { zh: "{a}，{b}。", en: "{b} {a}" };
        assert_eq!(phrase.with(Language::Chinese, &[("a", "{b}"), ("b", "x")]), "{b}，x。");
        assert_eq!(phrase.with(Language::English, &[("a", "}{"), ("b", "x")]), "x }{");
        assert_eq!(phrase.with(Language::English, &[("a", "y")]), " y");
    }

    #[test]
    fn a_phrase_is_read_back() {
        let phrase = Phrase { zh: "", en: "total {total}, got {got}" };
        let read = phrase.read(Language::English, "total 45, got 44").unwrap();
        assert_eq!(read, [("total", "45".to_owned()), ("got", "44".to_owned())]);
        for other in ["", "total", "total 45, gotten 44", "a total 45, got 44"] {
            assert_eq!(phrase.read(Language::English, other), None, "{other}");
        }
        let plain = Phrase { zh: "", en: "no total" };
        assert_eq!(plain.read(Language::English, "no total"), Some(Vec::new()));
        assert_eq!(plain.read(Language::English, "no total at all"), None);
    }
}
