//! The loop that reads what monitors are shown, when one asks. Nothing is read while nobody looks.

use std::time::Duration;

use super::board::Board;
use super::common::Common;
use super::direct_mail::DirectMail;
use super::figures::FiguresReader;
use super::silence::{Pulse, unless_silent};
use crate::clock::monotonic;
use crate::domain::text::{chain, displayable};
use crate::standing::Beside;
use crate::store::steps::NoSteps;

/// A reading that takes longer is given up: a database that has fallen silent answers nobody.
const READING_MAX: Duration = Duration::from_secs(10);

pub(super) struct BoardLoop<'s> {
    common: &'s Common<'s>,
    reader: FiguresReader,
}

impl<'s> BoardLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self { common, reader: FiguresReader::default() }
    }

    /// Reads until the end is asked for.
    pub(super) async fn run(mut self) {
        let (ending, board) = (&self.common.around.ending, &self.common.board);
        // Where it cannot be said now, it is at the first reading.
        let pool = self.common.around.store.pool();
        let pulse = Pulse::of(&NoSteps);
        let beginning = unless_silent(&pulse, READING_MAX, self.reader.begin(pool));
        let _ = ending.run_until_cancelled(beginning).await;
        while ending.run_until_cancelled(board.wanted.notified()).await.is_some() {
            if !board.is_fresh() {
                let _ = ending.run_until_cancelled(Box::pin(self.read(board))).await;
            }
        }
    }

    async fn read(&mut self, board: &Board) {
        let common = self.common;
        let (watchlist, now) = (common.watchlist(), common.around.clock.now());
        let remembered = || DirectMail::remembered_in(&common.around.state_dir).failure();
        let mut failing_work = common.conditions.failing();
        if failing_work.is_empty() {
            failing_work.extend(remembered());
        }
        let beside = Beside { failing_work, file_refused: board.file_refused() };
        let begun = monotonic();
        let reading = self.reader.read(common.around.store.pool(), &watchlist, beside, now);
        let read = unless_silent(&Pulse::of(&NoSteps), READING_MAX, reading).await;
        board.show(read.map_err(|error| displayable(&chain(&error))), begun.elapsed());
    }
}
