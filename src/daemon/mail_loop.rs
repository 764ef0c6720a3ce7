//! The loop that sends: when a sweep has ended, and once a minute.

use super::common::{Common, SecretAnew};
use super::condition::At;
use super::silence::{Pulse, unless_silent};
use crate::config;
use crate::email::{Mailer, Ripe};

pub(super) struct MailLoop<'s> {
    common: &'s Common<'s>,
    password: SecretAnew,
}

impl<'s> MailLoop<'s> {
    pub(super) fn new(common: &'s Common<'s>) -> Self {
        Self { common, password: SecretAnew::default() }
    }

    /// Sends until the end is asked for.
    pub(super) async fn run(mut self) {
        let common = self.common;
        while !common.is_ending() {
            let swept = common.turns.borrow().swept;
            // Boxed: it is large, and is kept for as long as the daemon lives.
            Box::pin(self.send_what_is_ripe()).await;
            common.turns.send_modify(|turns| turns.mailed = swept);
            common.bells.heartbeat.notify_one();
            common.next_look(&common.bells.mail).await;
        }
    }

    async fn send_what_is_ripe(&mut self) {
        let common = self.common;
        let (watchlist, around) = (common.watchlist(), &common.around);
        let password = config::read_smtp_password(&watchlist, &around.environment);
        let pulse = Pulse::of(common.steps);
        let sending = Mailer {
            store: around.store,
            watchlist: &watchlist,
            password: self.password.given("mail password", password),
            clock: around.clock.as_ref(),
            steps: &pulse,
        };
        let sweeping = common.turns.borrow().sweeping;
        match unless_silent(&pulse, common.silence_max, sending.send_owed(Ripe::Due(sweeping))).await {
            Ok(mailed) => {
                let at = if mailed.owed == 0 { At::Doing } else { pulse.at() };
                common.works(&common.conditions.mailing, at).await;
            }
            Err(error) => common.failed(&common.conditions.mailing, pulse.at(), &error).await,
        }
    }
}
