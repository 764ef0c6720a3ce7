//! From the watchlist to the courier that mails leave with.

use crate::config::{self, Outlet, Security, Watchlist};
use crate::domain::secret::Secret;
use crate::email::{self, Courier, Login, Patience};

use super::exit::Refusal;

/// The courier of `[email]`.
///
/// # Errors
/// The server wants a login, and no password is given: wrong use.
pub(super) fn courier(watchlist: &Watchlist, password: Option<Secret>) -> anyhow::Result<Courier> {
    let (server, ca_file) = match &watchlist.email.outlet {
        Outlet::Maildir(directory) => return Ok(Courier::Maildir(directory.clone())),
        Outlet::Smtp { server, ca_file, .. } => (server, ca_file),
    };
    Ok(Courier::Smtp(email::SmtpServer {
        host: server.host.clone(),
        port: server.port,
        security: match server.security {
            Security::Tls => email::Security::Implicit,
            Security::StartTls => email::Security::StartTls,
            Security::Plain => email::Security::PlainLoopback,
        },
        login: login(server, password)?,
        ca_file: ca_file.clone(),
        patience: Patience::default(),
    }))
}

fn login(server: &config::SmtpServer, password: Option<Secret>) -> anyhow::Result<Option<Login>> {
    let Some(user) = server.login.clone() else { return Ok(None) };
    let Some(password) = password else {
        let refusal = Refusal::wrong_use(format!("no password is given for {user} at {}", server.host));
        let advice = "give it as the credential \"smtp-password\", in QUALWATCH_SMTP_PASSWORD, or in a file that \
                      [email].password_file names";
        return Err(refusal.advising(advice).into());
    };
    Ok(Some(Login { user, password }))
}
