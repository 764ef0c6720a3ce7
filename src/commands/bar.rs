//! The progress bar on long work: on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::keyword::Keyword;
use crate::sweep::Progress;

/// Shorter work needs no bar.
const COMPANIES_LEAST: usize = 5;

/// How far a sweep is.
pub(super) struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {eta:>4} {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Bar {
    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begins(&self, companies: usize) {
        if companies >= COMPANIES_LEAST {
            self.0.set_length(companies as u64);
        }
    }

    fn advances(&self, keyword: &Keyword) {
        if self.0.length().is_some() {
            self.0.set_message(crate::domain::text::displayable(keyword.as_str()));
            self.0.inc(1);
        }
    }
}
