//! The form in which a message may go over the wire.

/// The most bytes of a line without its CRLF (RFC 5321, 4.5.3.1.6).
const LINE_BYTES_MAX: usize = 998;

/// A message that must not be sent as it is. Lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// A CR without LF or an LF without CR: servers disagree where such a line ends, which lets text pass for the end of
    /// the message and a second one (SMTP smuggling; forbidden by RFC 5321, 2.3.8).
    #[error("line {line} of the message has a carriage return or a line feed alone")]
    BareLineEnd {
        /// Its number.
        line: usize,
    },
    /// A line of more than 998 bytes.
    #[error("line {line} of the message is longer than 998 bytes")]
    LineTooLong {
        /// Its number.
        line: usize,
    },
    /// A byte that is no ASCII: 8BITMIME is never announced, so the message must have been encoded.
    #[error("line {line} of the message is not ASCII")]
    NotAscii {
        /// Its number.
        line: usize,
    },
}

/// Whether `message` may be handed to any SMTP server: lines end in CRLF, are not too long, and are ASCII.
///
/// # Errors
/// The first fault found. To ask before the bytes are stored spares a message that could never leave.
pub fn check_wire_format(message: &[u8]) -> Result<(), Unsendable> {
    for (line, piece) in (1..).zip(message.split_inclusive(|&byte| byte == b'\n')) {
        let text = piece.strip_suffix(b"\r\n").unwrap_or(piece);
        if text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err(Unsendable::BareLineEnd { line });
        }
        if text.len() > LINE_BYTES_MAX {
            return Err(Unsendable::LineTooLong { line });
        }
        if !text.is_ascii() {
            return Err(Unsendable::NotAscii { line });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_passes_no_server_can_take_for_two_messages(
            pieces in prop::collection::vec(prop::sample::select(vec!["\r\n", "\n", "\r", ".", "a", "\r\n.\r\n", "资", "QUIT"]), 0..30),
            times in 1..400_usize,
        ) {
            let message = pieces.concat().into_bytes().repeat(times);
            if check_wire_format(&message).is_ok() {
                let text = String::from_utf8(message).unwrap();
                let lines: Vec<&str> = text.split("\r\n").collect();
                prop_assert!(lines.iter().all(|line| !line.contains(['\r', '\n']) && line.len() <= LINE_BYTES_MAX));
                prop_assert!(text.is_ascii());
            }
        }
    }

    #[test]
    fn only_whole_short_ascii_lines_go_over_the_wire() {
        let long = [b"a\r\n".as_slice(), &[b'x'; 999], b"\r\n"].concat();
        let longest = [b"a\r\n".as_slice(), &[b'x'; 998], b"\r\n"].concat();
        for (message, expected, why) in [
            (b"a: b\r\n\r\nc\r\n".as_slice(), Ok(()), "whole"),
            (b"a: b\r\n\r\nc", Ok(()), "the last line may lack its end: it is given one"),
            (b"", Ok(()), "nothing"),
            (b"a\r\n.\r\nb", Ok(()), "a dot alone is stuffed"),
            (b"a\n.\nb\r\n", Err(Unsendable::BareLineEnd { line: 1 }), "LF alone"),
            (b"a\r\nb\rc\r\n", Err(Unsendable::BareLineEnd { line: 2 }), "CR alone"),
            (b"a\r\r\n", Err(Unsendable::BareLineEnd { line: 1 }), "CR CR LF"),
            (b"a\r", Err(Unsendable::BareLineEnd { line: 1 }), "CR at the very end"),
            (b"a\n", Err(Unsendable::BareLineEnd { line: 1 }), "LF at the very end"),
            (long.as_slice(), Err(Unsendable::LineTooLong { line: 2 }), "999 bytes"),
            (longest.as_slice(), Ok(()), "998 bytes"),
            ("a\r\n资质\r\n".as_bytes(), Err(Unsendable::NotAscii { line: 2 }), "unencoded"),
        ] {
            assert_eq!(check_wire_format(message), expected, "{why}");
        }
    }
}
