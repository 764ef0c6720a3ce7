//! A large file in pieces: the settings, then its entries by the dozen. The tree of a hundred thousand entries takes 200 MB, and
//! their text eight.
//!
//! To read the pieces is to read the whole where each can be read without an error, none but the first has settings, and the first
//! has no entry. For what the notation lets go on beyond a line (a text, a list, a table) would end within its piece by an error
//! where a cut went through it; and an entry's header begins anew in any place of a file. In all other cases there is nothing
//! here, and the whole is to be read: so faults of the notation are always told from the whole.

use memchr::memmem;
use toml::Spanned;
use toml::de::{DeArray, DeTable};

/// How an entry mostly begins, on a line of its own. One that is written otherwise belongs to the piece it stands in.
const HEADER: &str = "[[company]]";

/// A dozen entries. Of larger pieces the parser's lists are so large that the allocator tidies up when they are given back.
const PIECE_BYTES: usize = 1 << 10;

/// A file that was cut: what stands before the first entry, and the pieces with entries, each with the byte it begins at.
pub(super) struct Pieces<'t> {
    pub settings: Spanned<DeTable<'t>>,
    pub entries: Vec<(usize, &'t str)>,
    /// How many headers there are: about as many entries.
    pub headers: usize,
}

impl<'t> Pieces<'t> {
    /// `None`: there is nothing to cut, or the settings alone cannot be read.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        let after_line_break = format!("\n{HEADER}");
        let mut cuts = memmem::find_iter(text.as_bytes(), &after_line_break).map(|at| at + 1);
        let first = cuts.next()?;
        let (settings, errors) = DeTable::parse_recoverable(text.get(..first)?);
        if !errors.is_empty() || settings.get_ref().contains_key("company") {
            return None;
        }
        let (mut entries, mut headers) = (Vec::new(), 0);
        let mut start = first;
        for cut in cuts.chain([text.len()]) {
            headers += 1;
            if cut - start >= PIECE_BYTES || cut == text.len() {
                entries.push((start, text.get(start..cut)?));
                start = cut;
            }
        }
        Some(Self { settings, entries, headers })
    }
}

/// The entries of one piece; `None` where it has something else or cannot be read.
pub(super) fn entries_of(piece: &str) -> Option<DeArray<'_>> {
    let (root, errors) = DeTable::parse_recoverable(piece);
    let mut root = root.into_inner();
    let entries = root.remove("company").filter(|_| errors.is_empty() && root.is_empty())?;
    match entries.into_inner() {
        toml::de::DeValue::Array(entries) => Some(entries),
        _ => None,
    }
}
