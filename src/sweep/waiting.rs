//! The companies of a pass that wait for their turn, in their order. Workers take several at a time, for they claim and read
//! them together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::queue::Planned;
use crate::store::checks::claims::BATCH_COMPANIES_MAX;
use crate::store::companies::CompanyId;

/// Those who wait, shared by all workers of a pass.
#[derive(Debug)]
pub(super) struct Waiting<'c> {
    line: Mutex<Line<'c>>,
    changed: Notify,
    workers: usize,
}

#[derive(Debug)]
struct Line<'c> {
    companies: VecDeque<Planned<'c>>,
    /// Taken by a worker, not begun with: they may come back.
    in_hands: usize,
}

impl<'c> Waiting<'c> {
    pub(super) fn new(companies: Vec<Planned<'c>>, workers: usize) -> Self {
        let line = Mutex::new(Line { companies: companies.into(), in_hands: 0 });
        Self { line, changed: Notify::new(), workers: workers.max(1) }
    }

    fn line(&self) -> MutexGuard<'_, Line<'c>> {
        // Nothing in here panics half-way through a change.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one alone; `None` when nobody waits.
    pub(super) fn first(&self) -> Option<Taken<'_, 'c>> {
        self.take(1)
    }

    /// The next few: fewer as fewer are left, so that all workers end at about the same time and few wait behind one who is slow
    /// to answer. Waits while others may still
    /// give some back; `None` when everybody had their turn.
    pub(super) async fn next(&self) -> Option<Taken<'_, 'c>> {
        loop {
            let changed = self.changed.notified();
            let left = self.line().companies.len();
            if let Some(taken) = self.take(left.div_ceil(2 * self.workers).min(BATCH_COMPANIES_MAX)) {
                return Some(taken);
            }
            if self.line().in_hands == 0 {
                return None;
            }
            changed.await;
        }
    }

    fn take(&self, many: usize) -> Option<Taken<'_, 'c>> {
        let mut line = self.line();
        let many = many.min(line.companies.len());
        let companies: VecDeque<_> = line.companies.drain(..many).collect();
        line.in_hands += companies.len();
        drop(line);
        (!companies.is_empty()).then(|| Taken { waiting: self, companies })
    }

    fn put_down(&self, companies: VecDeque<Planned<'c>>, begun: usize) {
        let mut line = self.line();
        line.in_hands -= companies.len() + begun;
        for company in companies.into_iter().rev() {
            line.companies.push_front(company);
        }
        drop(line);
        self.changed.notify_waiters();
    }
}

/// Companies that a worker has taken. Those it does not begin with go back to the head of the line, whatever ends the worker.
#[derive(Debug)]
pub(super) struct Taken<'w, 'c> {
    waiting: &'w Waiting<'c>,
    companies: VecDeque<Planned<'c>>,
}

impl<'c> Taken<'_, 'c> {
    /// The rows of those that have one.
    pub(super) fn ids(&self) -> Vec<CompanyId> {
        self.companies.iter().filter_map(|company| company.id).collect()
    }

    /// The next one to begin with.
    pub(super) fn begin(&mut self) -> Option<Planned<'c>> {
        let company = self.companies.pop_front()?;
        self.waiting.put_down(VecDeque::new(), 1);
        Some(company)
    }
}

impl Drop for Taken<'_, '_> {
    fn drop(&mut self) {
        self.waiting.put_down(std::mem::take(&mut self.companies), 0);
    }
}

#[cfg(test)]
mod tests;
