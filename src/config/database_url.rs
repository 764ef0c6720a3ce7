//! The address of the operator's own PostgreSQL.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use super::fault::{Complaint, quoted};
use super::keys::nearest;
use super::values::{ascii_host, is_loopback_name};
use crate::domain::trouble_cause::Slip;

/// What `sslmode` may be (libpq), weakest first.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// An address such as `postgres://user@host/database`; beyond this machine TLS is verified unless it says otherwise. It may
/// hold a password when it was not read from the watchlist, so it is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Url,
    weak_mode: Option<&'static str>,
}

impl DatabaseUrl {
    /// Reads an address that was given as a secret: a password is fine in it.
    ///
    /// # Errors
    /// What is wrong, without quoting the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|complaint| complaint.message)
    }

    /// Reads the address in the watchlist, which holds no password.
    pub(super) fn without_password(text: &str) -> Result<Self, Complaint> {
        let read = Self::read(text)?;
        let is_password = |key: &str| key.eq_ignore_ascii_case("password");
        if read.url.password().is_some() || read.url.query_pairs().any(|(key, _)| is_password(&key)) {
            return Err(Complaint::new(
                Slip::Secret,
                "a password does not belong in this file: give the whole address as the credential \
                 \"database-url\" or QUALWATCH_DATABASE_URL instead",
            ));
        }
        Ok(read)
    }

    fn read(text: &str) -> Result<Self, Complaint> {
        let mut url = Url::parse(text.trim())
            .map_err(|why| Complaint::new(Slip::NoServerAddress, format!("is no database address: {why}")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            let complaint = Complaint::new(
                Slip::NoServerAddress,
                "is no PostgreSQL address: it begins with postgres:// or postgresql://",
            );
            return Err(complaint.perhaps(nearest(url.scheme(), ["postgres", "postgresql"])));
        }
        // A directory of a socket stays as it is written.
        let named =
            url.host_str().filter(|host| !host.to_ascii_lowercase().starts_with("%2f")).map(ascii_host);
        if let Some(host) = named {
            let unknown =
                || Complaint::new(Slip::NoServerAddress, "names a server that no name server knows");
            url.set_host(Some(&host.ok_or_else(unknown)?)).map_err(|_| unknown())?;
        }
        let modes: Vec<String> = url
            .query_pairs()
            .filter(|(key, _)| matches!(key.as_ref(), "sslmode" | "ssl-mode"))
            .map(|(_, mode)| mode.into_owned())
            .collect();
        if let Some(unknown) = modes.iter().find(|mode| !SSL_MODES.contains(&mode.as_str())) {
            let complaint =
                Complaint::new(Slip::one_of(SSL_MODES), format!("there is no sslmode {}", quoted(unknown)));
            return Err(complaint.perhaps(nearest(unknown, SSL_MODES)));
        }
        let mut weak_mode = None;
        if !is_local(&url) {
            match modes.last() {
                None => {
                    url.query_pairs_mut().append_pair("sslmode", "verify-full");
                }
                Some(mode) => {
                    weak_mode = SSL_MODES
                        .iter()
                        .find(|known| *known == mode)
                        .copied()
                        .filter(|mode| *mode != "verify-full");
                }
            }
        }
        Ok(Self { url, weak_mode })
    }

    /// The whole address, for the one place that connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }

    /// A warning where `sslmode` is weaker than verify-full towards another machine.
    #[must_use]
    pub fn weakness(&self) -> Option<String> {
        self.weak_mode.map(|mode| {
            format!("sslmode={mode} does not prove that the server is the right one: verify-full does")
        })
    }

    /// The same for PostgreSQL's own programs: variables, so that the password stands in no list of arguments.
    #[must_use]
    pub fn libpq_environment(&self) -> Vec<(String, String)> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let parameter = |names: &[&str]| {
            let found = self.url.query_pairs().filter(|(key, _)| names.contains(&key.as_ref())).last();
            found.map(|(_, value)| value.into_owned())
        };
        let not_empty = |text: &str| (!text.is_empty()).then(|| decoded(text));
        let host = parameter(&["host", "hostaddr"]).or_else(|| self.url.host_str().map(decoded));
        let mode = parameter(&["sslmode", "ssl-mode"]);
        let roots = parameter(&["sslrootcert", "ssl-root-cert"]);
        // We verify by the system's roots; libpq looks for a file of its own unless told so.
        let roots = roots
            .or_else(|| mode.as_ref().filter(|mode| mode.starts_with("verify")).map(|_| "system".to_owned()));
        let database = parameter(&["dbname"]).or_else(|| not_empty(self.url.path().trim_start_matches('/')));
        [
            ("PGHOST", host),
            ("PGPORT", parameter(&["port"]).or_else(|| self.url.port().map(|port| port.to_string()))),
            ("PGUSER", parameter(&["user"]).or_else(|| not_empty(self.url.username()))),
            ("PGPASSWORD", parameter(&["password"]).or_else(|| self.url.password().map(decoded))),
            ("PGDATABASE", database),
            ("PGSSLMODE", mode),
            ("PGSSLROOTCERT", roots),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    /// Where the database is, without login and parameters: for people.
    #[must_use]
    pub fn place(&self) -> String {
        // Of several the last one counts, as for libpq.
        let named = |key: &str| self.url.query_pairs().filter(|(found, _)| found == key).last();
        let named = |key: &str| named(key).map(|(_, value)| value.into_owned());
        let host = named("host").or_else(|| self.url.host_str().map(str::to_owned)).unwrap_or_default();
        let port = named("port").or_else(|| self.url.port().map(|port| port.to_string()));
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("postgres://{host}{port}{}", self.url.path())
    }
}

/// Whether the address leads to this machine: a socket directory, loopback, or no host at all.
fn is_local(url: &Url) -> bool {
    let named = url.query_pairs().filter(|(key, _)| matches!(key.as_ref(), "host" | "hostaddr")).last();
    let host = named.map(|(_, host)| host.into_owned()).or_else(|| url.host_str().map(str::to_owned));
    host.is_none_or(|host| {
        host.is_empty()
            || host.starts_with('/')
            || host.starts_with("%2F")
            || host.starts_with("%2f")
            || is_loopback_name(&host)
    })
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.place()).finish()
    }
}
