//! One way for all that is mailed: digests, what is told without a database, and samples. It is opened when it is needed, and
//! anew where the server has had enough of a connection.

use super::courier::{Courier, Session};
use super::receipt::Receipt;
use super::smtp::failure::{Blame, SendFailure, Stage};

/// The way to the mail server.
pub struct Post {
    courier: Result<Courier, SendFailure>,
    from: String,
    session: Option<Session>,
    /// A connection on which nothing had been taken was lost, and replaced.
    was_replaced: bool,
}

impl Post {
    /// By this courier, or the reason why there is none, in the name of this bare address.
    #[must_use]
    pub fn new(courier: Result<Courier, SendFailure>, from: &str) -> Self {
        Self { courier, from: from.to_owned(), session: None, was_replaced: false }
    }

    /// Opens the way, unless it is open. Gives whether it was opened anew. Where that failed once it is not tried again: a login
    /// that was refused is not tried once for each recipient.
    ///
    /// # Errors
    /// As [`Courier::connect`].
    pub async fn open(&mut self) -> Result<bool, SendFailure> {
        if self.session.as_ref().is_some_and(Session::is_open) {
            return Ok(false);
        }
        // One that was left is none that was lost.
        self.was_replaced |= self.session.take().is_some();
        let courier = self.courier.as_ref().map_err(Clone::clone)?;
        match Box::pin(courier.connect()).await {
            Ok(session) => {
                self.session = Some(session);
                Ok(true)
            }
            Err(failure) => {
                self.courier = Err(failure.clone());
                Err(failure)
            }
        }
    }

    /// Asks whether a message to that address would be taken. A server may limit the messages of a connection, and say so in many
    /// ways: after a failure for now on one that has taken messages a fresh one is tried. One that was lost is replaced once.
    ///
    /// # Errors
    /// [`SendFailure`] up to [`Stage::Rcpt`].
    pub async fn offer(&mut self, to: &str) -> Result<(), SendFailure> {
        loop {
            self.open().await?;
            let Some(session) = &mut self.session else { return Err(closed()) };
            let Err(failure) = session.offer(&self.from, to).await else { return Ok(()) };
            if self.renew_after(&failure).await {
                continue;
            }
            let is_lost = self.session.as_ref().is_some_and(|session| !session.is_open());
            if !is_lost || std::mem::replace(&mut self.was_replaced, true) {
                if failure.fault == Blame::Sender && failure.stage == Stage::Mail {
                    self.courier = Err(failure.clone());
                }
                return Err(failure);
            }
        }
    }

    /// Hands over the message for the recipient that [`offer`](Self::offer) accepted.
    ///
    /// # Errors
    /// As [`Session::hand_over`].
    pub async fn hand_over(&mut self, message: &[u8]) -> Result<Receipt, SendFailure> {
        match &mut self.session {
            Some(session) => session.hand_over(message).await,
            None => Err(closed()),
        }
    }

    /// Both at once, for what needs no record in between.
    ///
    /// # Errors
    /// [`SendFailure`] at any stage.
    pub async fn post(&mut self, to: &str, message: &[u8]) -> Result<Receipt, SendFailure> {
        loop {
            self.offer(to).await?;
            match self.hand_over(message).await {
                Err(failure) if self.renew_after(&failure).await => {}
                done => return done,
            }
        }
    }

    /// Leaves a connection that has taken messages and takes no more for now. Gives whether it did: then the same is worth another
    /// try. It ends, as each fresh connection has taken none.
    pub async fn renew_after(&mut self, failure: &SendFailure) -> bool {
        let is_spent = failure.fault == Blame::Server
            && failure.is_certain()
            && self.session.as_ref().is_some_and(|session| session.taken() > 0);
        if is_spent && let Some(session) = self.session.take() {
            session.quit().await;
        }
        is_spent
    }

    /// Whether more can follow on this connection, or on the one that replaces it.
    #[must_use]
    pub fn goes_on(&self) -> Connection {
        match &self.session {
            Some(session) if session.is_open() => Connection::Open,
            Some(_) if !self.was_replaced => Connection::Replaceable,
            _ => Connection::Lost,
        }
    }

    /// The most bytes of a message, as the server announces it.
    #[must_use]
    pub fn size_max(&self) -> Option<usize> {
        self.session.as_ref()?.size_max()
    }

    /// Takes leave.
    pub async fn close(self) {
        if let Some(session) = self.session {
            session.quit().await;
        }
    }
}

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Usable.
    Open,
    /// Lost; another one may be tried.
    Replaceable,
    /// Not to be had.
    Lost,
}

fn closed() -> SendFailure {
    SendFailure::refused(Stage::Data, None, "there is no connection".to_owned())
}
