//! A letter, and how large it is as mail.

use crate::domain::language::Language;
use crate::email::words::phrasebook::phrases;

/// What headers and boundaries take of it, generously.
const HEADER_BYTES: usize = 4_000;

/// What a message says, before it has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part; empty: the text goes alone.
    pub html: String,
    /// The whole list, where the parts do not name everything.
    pub csv: Option<String>,
    /// To whom a reply goes; empty: to the sender.
    pub reply_to: Vec<String>,
    /// Which of the events it tells, as places in what was composed. Each place is in exactly one letter.
    pub covers: Vec<usize>,
    /// Which of what is not listed it tells, likewise.
    pub covers_unlisted: Vec<usize>,
}

/// So much of the text is kept, however small a server wants its mails: subject and first lines say what happened.
const TEXT_BYTES_MIN: usize = 300;

phrases! {
    WITHOUT_LIST = "（邮件服务器限制邮件大小，本邮件未附清单。{ask}）" / "(The mail server limits the size of mails: the list is not attached. {ask})";
    CUT = "（邮件服务器限制邮件大小，以下 {lines} 行未列出。{ask}）" / "(The mail server limits the size of mails: {lines} more lines are not shown. {ask})";
    ASK_READERS = "如需全文，请回复本邮件。" / "Reply to this mail to ask for all of it.";
    ASK_OPERATORS = "全文见 qualwatch history。" / "All of it: `qualwatch history`.";
}

impl Letter {
    /// Both parts go out as base64: four bytes for three, in lines of 76 and their ends.
    pub(super) fn bytes_as_mail(&self) -> usize {
        let base64 = |bytes: usize| bytes.div_ceil(3) * 4 * 78 / 76;
        let csv = self.csv.as_ref().map_or(0, String::len);
        base64(self.text.len()) + base64(self.html.len()) + base64(csv) + HEADER_BYTES
    }

    /// The same letter within that size, as far as that can be: one thing that is larger by itself is told in less rather than not
    /// at all. The text has the same words as the HTML part, so that goes first; then the list; then the end of the text.
    pub(super) fn shortened(mut self, bytes_max: usize, language: Language) -> Self {
        self.html.clear();
        if self.bytes_as_mail() <= bytes_max {
            return self;
        }
        // Operators are who answers; their own mail goes to nobody else.
        let ask = if self.reply_to.is_empty() { ASK_OPERATORS } else { ASK_READERS }.text(language);
        if self.csv.take().is_some() {
            let remark = WITHOUT_LIST.with(language, &[("ask", ask)]);
            self.text = format!("{}\n{remark}\n", self.text.trim_end());
            if self.bytes_as_mail() <= bytes_max {
                return self;
            }
        }
        let remark = |left_out: usize| CUT.with(language, &[("lines", &left_out.to_string()), ("ask", ask)]);
        self.text = cut(&self.text, text_bytes(bytes_max).max(TEXT_BYTES_MIN), remark);
        self
    }
}

/// How much text fits into a mail of so many bytes.
fn text_bytes(bytes_max: usize) -> usize {
    bytes_max.saturating_sub(HEADER_BYTES) / 78 * 76 / 4 * 3
}

/// Whole lines from the beginning, and how many follow.
fn cut(text: &str, bytes_max: usize, remark: impl Fn(usize) -> String) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let room = bytes_max.saturating_sub(remark(lines.len()).len() + 2);
    let mut bytes = 0;
    let fits = |line: &&&str| {
        bytes += line.len() + 1;
        bytes <= room
    };
    // The first line is the news: it stands even where nothing has room.
    let kept = lines.iter().take_while(fits).count().max(1);
    let shown = lines.get(..kept).unwrap_or_default().join("\n");
    format!("{shown}\n\n{}\n", remark(lines.len().saturating_sub(kept)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letter(text: &str, csv: bool) -> Letter {
        Letter {
            subject: "今天到期：河南院".to_owned(),
            text: text.to_owned(),
            html: text.repeat(3),
            csv: csv.then(|| text.to_owned()),
            reply_to: vec!["ops@example.com".to_owned()],
            covers: vec![0],
            covers_unlisted: Vec::new(),
        }
    }

    #[test]
    fn both_languages_have_the_same_places() {
        crate::email::words::phrasebook::assert_same_places(ALL);
    }

    #[test]
    fn what_matters_least_goes_first() {
        let text = "头条新闻\n".to_owned() + &"证书 D341000103 将于 2026年12月31日到期\n".repeat(1000);
        for (bytes_max, html, csv, whole_text, why) in [
            (1_000_000, false, true, true, "the text says the same as the HTML"),
            (160_000, false, true, true, "text and list"),
            (80_000, false, false, true, "the text alone"),
            (20_000, false, false, false, "its beginning"),
            (900, false, false, false, "its first lines, whatever the size"),
        ] {
            let short = letter(&text, true).shortened(bytes_max, Language::Chinese);
            let is_whole = short.text.lines().filter(|line| line.contains("D341000103")).count() == 1000;
            assert_eq!(
                (!short.html.is_empty(), short.csv.is_some(), is_whole),
                (html, csv, whole_text),
                "{why}"
            );
            assert!(short.text.starts_with("头条新闻\n"), "{why}");
            assert_eq!(short.text.contains("请回复本邮件"), !csv, "{why}");
            assert!(short.bytes_as_mail() <= bytes_max || bytes_max < 5_000, "{why}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_keeps_within_its_size_and_counts_what_it_leaves_out(
            lines in prop::collection::vec("[a-z资质]{1,60}", 1..200), bytes_max in 300..9_000_usize,
        ) {
            let text = lines.join("\n") + "\n";
            let short = cut(&text, bytes_max, |left_out| format!("{left_out} more"));
            prop_assert!(short.len() <= bytes_max + 200);
            let (kept, remark) = short.rsplit_once("\n\n").unwrap();
            prop_assert!(text.starts_with(kept));
            let left_out: usize = remark.split(' ').next().unwrap().parse().unwrap();
            prop_assert_eq!(kept.lines().count() + left_out, text.lines().count());
        }
    }
}
