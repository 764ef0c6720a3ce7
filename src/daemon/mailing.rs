//! The loop that sends: when a sweep has ended, and once a minute.

use std::error::Error;

use super::condition::At;
use super::service::Daemon;
use super::silence::Pulse;
use super::sweeping::LOOK_EVERY;
use crate::config;
use crate::email::{Mailer, Ripe};

impl Daemon<'_> {
    /// Sends until the end is asked for.
    pub(super) async fn mail_on(&self) {
        while !self.around.ending.is_cancelled() {
            self.send_what_is_ripe().await;
            self.look_back().await;
            let next_look = self.around.clock.now() + LOOK_EVERY;
            tokio::select! {
                () = self.around.ending.cancelled() => {}
                () = self.mail_bell.notified() => {}
                () = self.around.clock.sleep_until(next_look) => {}
            }
        }
    }

    async fn send_what_is_ripe(&self) {
        let watchlist = self.watchlist();
        // Read again each time: a repaired password in a file heals by itself.
        let password = match config::read_smtp_password(&watchlist, &self.around.environment) {
            Ok(password) => {
                self.no_password.ends();
                password
            }
            Err(error) => {
                if self.no_password.begins() {
                    let advice = error.advice();
                    tracing::error!(error = &error as &dyn Error, advice, "the mail password cannot be read");
                }
                None
            }
        };
        let pulse = Pulse::of(self.steps);
        let sending = Mailer {
            store: self.around.store,
            watchlist: &watchlist,
            password,
            clock: self.around.clock.as_ref(),
            steps: &pulse,
        };
        let sweeping = *self.sweeping.borrow();
        match self.unless_silent(&pulse, sending.send_owed(Ripe::Due(sweeping))).await {
            Ok(mailed) => {
                let at = if mailed.owed == 0 { At::Doing } else { pulse.at() };
                self.works(&self.conditions.mailing, at).await;
            }
            Err(error) => self.failed(&self.conditions.mailing, pulse.at(), &error).await,
        }
    }
}
