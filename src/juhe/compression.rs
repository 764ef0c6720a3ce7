//! What a body is packed in. The bytes themselves say it: gateways write `GZIP` or `x-gzip` (RFC 9110, 8.4.1), pack twice, or pack and say
//! nothing of it, and no JSON begins like a packed body.

use std::io::Read;

use flate2::bufread::{GzDecoder, ZlibDecoder};

/// How a gzip member begins (RFC 1952, 2.3.1), with the only method there is.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// More layers than two are nobody's mistake.
const LAYERS_MAX: usize = 3;

/// How unpacking ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// All of it, or it was not packed.
    Whole,
    /// It is longer than may be taken; what fits was taken.
    TooLong,
    /// It breaks off or is damaged, as the words say; what came before was taken.
    Broken(String),
}

/// Unpacks `body` in its place, at most `bytes_max` of it.
pub(super) fn unpack(body: &mut Vec<u8>, bytes_max: usize) -> Unpacked {
    for _ in 0..LAYERS_MAX {
        let mut inner = Vec::new();
        let ended = if body.starts_with(&GZIP) {
            gunzip(body, &mut inner, bytes_max)
        } else if is_zlib(body) {
            take(&mut ZlibDecoder::new(body.as_slice()), &mut inner, bytes_max)
        } else {
            return Unpacked::Whole;
        };
        *body = inner;
        if ended != Unpacked::Whole {
            return ended;
        }
    }
    Unpacked::Whole
}

/// A file of several members is what they hold, one after the other (RFC 1952, 2.2). What follows the last one is padding.
fn gunzip(packed: &[u8], inner: &mut Vec<u8>, bytes_max: usize) -> Unpacked {
    let mut rest = packed;
    while rest.starts_with(&GZIP) {
        let mut member = GzDecoder::new(rest);
        let ended = take(&mut member, inner, bytes_max);
        if ended != Unpacked::Whole {
            return ended;
        }
        rest = member.into_inner();
    }
    Unpacked::Whole
}

/// A zlib stream (RFC 1950, 2.2), which HTTP calls `deflate`: its two first bytes are a multiple of 31, and the first is 0x78 for the
/// window that everybody uses.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0)
}

fn take(stream: &mut impl Read, inner: &mut Vec<u8>, bytes_max: usize) -> Unpacked {
    // One byte more tells what is too long from what just fits.
    let room = (bytes_max - inner.len()) as u64 + 1;
    let taken = stream.by_ref().take(room).read_to_end(inner);
    if inner.len() > bytes_max {
        inner.truncate(bytes_max);
        return Unpacked::TooLong;
    }
    match taken {
        Ok(_) => Unpacked::Whole,
        Err(error) => Unpacked::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    const JSON: &[u8] = b"{\"error_code\":0}";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packing = GzEncoder::new(Vec::new(), Compression::best());
        packing.write_all(bytes).unwrap();
        packing.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut packing = ZlibEncoder::new(Vec::new(), Compression::fast());
        packing.write_all(bytes).unwrap();
        packing.finish().unwrap()
    }

    #[test]
    fn whatever_a_body_is_packed_in_is_unpacked() {
        let cut = |bytes: Vec<u8>, by: usize| bytes[..bytes.len() - by].to_vec();
        let mut damaged = gzip(JSON);
        let check = damaged.len() - 6;
        damaged[check] ^= 1;
        for (body, inner, is_whole, why) in [
            (JSON.to_vec(), JSON, true, "not packed"),
            (gzip(JSON), JSON, true, "once"),
            (gzip(&gzip(JSON)), JSON, true, "by the server and by what stands before it"),
            (zlib(JSON), JSON, true, "deflate"),
            (gzip(&zlib(JSON)), JSON, true, "one in the other"),
            ([gzip(b"{\"error"), gzip(b"_code\":0}")].concat(), JSON, true, "in several members"),
            ([gzip(JSON), vec![0; 20]].concat(), JSON, true, "padded"),
            (gzip(b""), b"", true, "nothing in it"),
            (cut(gzip(JSON), 4), JSON, false, "the check at its end is cut off"),
            (cut(gzip(JSON), 12), &JSON[..JSON.len()], false, "broke off"),
            (damaged, JSON, false, "what came is not what was packed"),
            (b"x-ray".to_vec(), b"x-ray", true, "a text that begins like deflate"),
            (Vec::new(), b"", true, "nothing at all"),
        ] {
            let mut unpacked = body;
            let ended = unpack(&mut unpacked, 1000);
            assert_eq!(ended == Unpacked::Whole, is_whole, "{why}: {ended:?}");
            assert!(inner.starts_with(&unpacked), "{why}: {}", String::from_utf8_lossy(&unpacked));
            assert!(!is_whole || inner.len() == unpacked.len(), "{why}");
        }
    }

    #[test]
    fn what_is_unpacked_has_its_limit() {
        let blanks = vec![b' '; 100_000];
        for (body, why) in [
            (gzip(&blanks), "one"),
            (gzip(&gzip(&blanks)), "one in another"),
            ([gzip(&blanks[..600]), gzip(&blanks[..600])].concat(), "together"),
        ] {
            let mut unpacked = body;
            assert_eq!(unpack(&mut unpacked, 1000), Unpacked::TooLong, "{why}");
            assert!(unpacked.len() <= 1000, "{why}");
        }
        let mut just_fits = gzip(&blanks[..1000]);
        assert_eq!((unpack(&mut just_fits, 1000), just_fits.len()), (Unpacked::Whole, 1000));
    }
}
