//! What a server answers: three digits, of which everything follows, and a text in any encoding, of any length, or none
//! (RFC 5321, 4.2; QQ and gateways of Chinese companies answer in GBK, others leave the text out).

/// The most characters of a reply's text that are kept.
const TEXT_CHARS_MAX: usize = 2_000;

/// A reply. Its first line decides: a server that goes on differently has said it all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerReply {
    pub(super) code: u16,
    /// Line by line, without the digits.
    pub(super) lines: Vec<String>,
}

impl ServerReply {
    pub(super) fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    pub(super) fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The text on one line. An enhanced code that each line repeats (RFC 2034, 4) is said once.
    pub(super) fn text(&self) -> String {
        let mut lines = self.lines.iter().map(String::as_str).filter(|line| !line.is_empty());
        let Some(first) = lines.next() else { return String::new() };
        let code = first.split(' ').next().filter(|word| word.contains('.')).unwrap_or("\0");
        let rest = lines.map(|line| line.strip_prefix(code).unwrap_or(line).trim_start());
        [first].into_iter().chain(rest).collect::<Vec<_>>().join(" ")
    }
}

/// What came of one more line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Assembled {
    /// More lines belong to the reply, or none has begun.
    GoesOn,
    /// It is whole.
    Whole,
    /// It is none.
    NoReply,
}

/// A reply while its lines come in.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    reply: Option<ServerReply>,
    chars: usize,
}

impl Assembly {
    /// Takes a line with or without its end.
    pub(super) fn add(&mut self, line: &[u8]) -> Assembled {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Assembled::GoesOn;
        }
        let (code, rest) = match (digits(line), &self.reply) {
            (Some((code, rest)), _) => (code, rest),
            // A line without digits in the midst of a reply is text of it.
            (None, Some(_)) => {
                self.keep(line);
                return Assembled::GoesOn;
            }
            (None, None) => return Assembled::NoReply,
        };
        if self.reply.is_none() {
            self.reply = Some(ServerReply { code, lines: Vec::new() });
        }
        let (goes_on, text) = match rest.split_first() {
            Some((b'-', text)) => (true, text),
            _ => (false, rest),
        };
        self.keep(text);
        if goes_on { Assembled::GoesOn } else { Assembled::Whole }
    }

    /// What has come so far.
    pub(super) fn into_reply(self) -> Option<ServerReply> {
        self.reply
    }

    fn keep(&mut self, text: &[u8]) {
        let room = TEXT_CHARS_MAX.saturating_sub(self.chars);
        let text: String = String::from_utf8_lossy(text.trim_ascii()).chars().take(room).collect();
        self.chars += text.chars().count() + 1;
        if let (Some(reply), true) = (&mut self.reply, room > 0) {
            reply.lines.push(text);
        }
    }
}

/// Three digits, the first of them 2 to 5, that no fourth follows, and the rest of the line.
fn digits(line: &[u8]) -> Option<(u16, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let is_code = matches!(code.first(), Some(b'2'..=b'5')) && code.iter().all(u8::is_ascii_digit);
    if !is_code || rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    Some((code, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Option<ServerReply> {
        let mut assembly = Assembly::default();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            match assembly.add(line) {
                Assembled::GoesOn => {}
                Assembled::Whole => break,
                Assembled::NoReply => return None,
            }
        }
        assembly.into_reply()
    }

    #[test]
    fn of_a_reply_only_the_digits_must_be_readable() {
        for (bytes, code, text, why) in [
            (&b"250 ok\r\n"[..], Some(250), "ok", "as the RFC has it"),
            (b"250\r\n", Some(250), "", "no text"),
            (b"250", Some(250), "", "the connection ended behind it"),
            (b"250\tok\n", Some(250), "ok", "a tab, a bare line feed"),
            (b" 250 ok\r\n", Some(250), "ok", "a blank before it"),
            (b"250ok\r\n", Some(250), "ok", "no blank"),
            (b"\r\n\r\n550 no\r\n", Some(550), "no", "blank lines before it"),
            (b"250-\r\n250-SIZE 10\r\n\r\n250 \r\n", Some(250), "SIZE 10", "blank lines in it"),
            (b"250-one\r\ntwo\r\n250 three\r\n", Some(250), "one two three", "a line without digits"),
            (b"550-5.1.1 no\r\n550 5.1.1 user\r\n", Some(550), "5.1.1 no user", "the code of each line"),
            (b"250-queued\r\n", Some(250), "queued", "nothing more came"),
            (b"250-taken\r\n554 or not\r\n", Some(250), "taken or not", "the first line decides"),
            ("535 登录失败".as_bytes(), Some(535), "登录失败", "UTF-8"),
            (
                b"535 \xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc\r\n",
                Some(535),
                "\u{fffd}\u{fffd}¼\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
                "GBK",
            ),
            (b"hello\r\n", None, "", "no digits"),
            (b"2500 ok\r\n", None, "", "four digits"),
            (b"150 ok\r\n", None, "", "no such class"),
            (b"25", None, "", "two digits"),
            (b"", None, "", "nothing"),
        ] {
            let reply = read(bytes);
            assert_eq!(reply.as_ref().map(|reply| reply.code), code, "{why}");
            if !bytes.contains(&0xb5) {
                assert_eq!(reply.map(|reply| reply.text()).unwrap_or_default(), text, "{why}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_follows_three_digits_is_a_reply_with_these_digits(
            code in 200..600_u16,
            separator in prop::sample::select(vec!["", " ", "\t", "-", ": "]),
            text in prop::collection::vec(any::<u8>().prop_filter("a line", |byte| *byte != b'\n'), 0..300),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            prop_assume!(!separator.is_empty() || !text.first().is_some_and(u8::is_ascii_digit));
            let bytes = [code.to_string().as_bytes(), separator.as_bytes(), &text, b"\r\n", &rest].concat();
            prop_assert_eq!(read(&bytes).map(|reply| reply.code), Some(code));
        }

        #[test]
        fn arbitrary_bytes_are_a_reply_or_none_and_little_of_them_is_kept(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            if let Some(reply) = read(&bytes) {
                prop_assert!((200..600).contains(&reply.code));
                prop_assert!(reply.text().chars().count() <= 2 * TEXT_CHARS_MAX);
            }
        }
    }
}
