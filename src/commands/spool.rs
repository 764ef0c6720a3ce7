//! Rows whose order is known only when the last of them has come. Their texts wait in memory while they are few, else in a file
//! without a name; only what they are ordered by is held for each.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use anyhow::Context as _;
use tempfile::SpooledTempFile;

/// Bytes that wait in memory before they go to the file.
const MEMORY_BYTES_MAX: usize = 4 << 20;

/// Rows to be put in the order of their keys.
pub(super) struct Spool<K> {
    rows: Vec<Row<K>>,
    texts: SpooledTempFile,
    written: u64,
}

struct Row<K> {
    key: K,
    at: u64,
    bytes: u32,
}

impl<K: Ord> Spool<K> {
    /// An empty one.
    pub fn new() -> Self {
        Self { rows: Vec::new(), texts: SpooledTempFile::new(MEMORY_BYTES_MAX), written: 0 }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file for temporary data cannot be made or written.
    pub fn push(&mut self, key: K, text: &[u8]) -> anyhow::Result<()> {
        let bytes = u32::try_from(text.len()).context("a row of over 4 GB")?;
        self.rows.push(Row { key, at: self.written, bytes });
        self.written += u64::from(bytes);
        self.texts.write_all(text).with_context(|| {
            format!("keeping rows in {} until all are there", std::env::temp_dir().display())
        })
    }

    /// Gives the rows by their keys; of those with one key, in the order in which they came.
    ///
    /// # Errors
    /// The file cannot be read, or `take` fails.
    pub fn in_order(mut self, mut take: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.rows.sort_by(|one, other| one.key.cmp(&other.key));
        let mut text = Vec::new();
        for row in &self.rows {
            text.resize(row.bytes as usize, 0);
            let sought = self.texts.seek(SeekFrom::Start(row.at));
            sought.and_then(|_| self.texts.read_exact(&mut text)).context("reading rows back")?;
            take(&text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_order_from_memory_and_from_the_file() {
        for (rows, bytes, why) in [
            (0_u32, 0, "none"),
            (50, 10, "few"),
            (1_000, 9_996, "10 MB: some in the file, the last in memory"),
            (3, MEMORY_BYTES_MAX + 1, "each beyond memory: nothing waits"),
        ] {
            let mut spool = Spool::new();
            for row in 0..rows {
                let text = format!("{row:0>4}{}", "0".repeat(bytes));
                // Each key twice, in no order.
                spool.push((row / 2).wrapping_mul(2_654_435_761) % 1_000_003, text.as_bytes()).unwrap();
            }
            let mut expected: Vec<u32> = (0..rows).collect();
            expected.sort_by_key(|row| (row / 2).wrapping_mul(2_654_435_761) % 1_000_003);
            let mut found: Vec<u32> = Vec::new();
            let take = |text: &[u8]| {
                assert_eq!(text.len(), bytes + 4);
                found.push(std::str::from_utf8(&text[..4]).unwrap().parse().unwrap());
                Ok(())
            };
            spool.in_order(take).unwrap();
            assert_eq!(found, expected, "{why}");
        }
    }
}
