//! `[email].smtp`: the server, how the connection is secured, and the login (the password is elsewhere).

use percent_encoding::percent_decode_str;
use url::Url;

use super::fault::{Complaint, quoted};
use super::mailbox::EmailAddress;
use super::values::{ascii_host, is_loopback_name};
use crate::domain::trouble_cause::Slip;

/// The most bytes of a login name.
const LOGIN_BYTES_MAX: usize = 254;

/// Services that refuse a mail whose From is not the login (their replies: 501, 553, 440).
const FROM_IS_LOGIN: [&str; 7] =
    ["qq.com", "163.com", "126.com", "yeah.net", "aliyun.com", "mxhichina.com", "netease.com"];

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`smtps://`, RFC 8314).
    Tls,
    /// STARTTLS, and nothing is sent where the server does not offer it (RFC 3207).
    StartTls,
    /// In the clear: only to this very machine.
    Plain,
}

/// The server mails are handed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// 465 for `smtps://`, 587 with STARTTLS, 25 in the clear, unless written.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// The name to log in with; without one nobody logs in.
    pub login: Option<String>,
}

impl SmtpServer {
    /// Reads `smtps://user%40host@server:465` and its like.
    pub(super) fn parse(text: &str) -> Result<Self, Complaint> {
        let url = Url::parse(text.trim()).map_err(|why| {
            Complaint::new(Slip::NoServerAddress, format!(
                "is no server address: {why}; write it like smtps://user%40example.com@smtp.example.com:465"
            ))
        })?;
        if url.password().is_some() {
            return Err(Complaint::new(
                Slip::Secret,
                "a password does not belong in this file: use the credential \"smtp-password\", \
                 QUALWATCH_SMTP_PASSWORD or `password_file`, and keep only the login here",
            ));
        }
        if !matches!(url.scheme(), "smtp" | "smtps") {
            let complaint = Complaint::new(
                Slip::one_of(["smtps://", "smtp://"]),
                format!("{} is neither smtps:// nor smtp://", quoted(url.scheme())),
            );
            return Err(complaint.perhaps(super::keys::nearest(url.scheme(), ["smtps", "smtp"])));
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| Complaint::new(Slip::NoServerAddress, "names no server"))?;
        let host = &ascii_host(host).ok_or_else(|| {
            Complaint::new(Slip::NoServerAddress, "names a server that no name server knows")
        })?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(Complaint::new(
                Slip::ServerAddress,
                "has something after the server that means nothing",
            ));
        }
        let security = security(&url, is_loopback_name(host))?;
        let port = match security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        };
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(port),
            security,
            login: login(url.username())?,
        })
    }

    /// Whether the server is this very machine.
    #[must_use]
    pub fn is_on_loopback(&self) -> bool {
        is_loopback_name(&self.host)
    }

    /// Why this server will refuse mails from `from`, as far as its rules are known.
    pub(super) fn refuses_from(&self, from: &EmailAddress) -> Option<String> {
        let host = self.host.to_ascii_lowercase();
        let is_known =
            FROM_IS_LOGIN.iter().any(|service| host == *service || host.ends_with(&format!(".{service}")));
        let login = self.login.as_deref().filter(|_| is_known)?.to_ascii_lowercase();
        let same = if login.contains('@') {
            login == from.folded()
        } else {
            login == from.local().to_ascii_lowercase()
        };
        (!same).then(|| {
            format!(
                "{host} refuses mails whose sender is not the login: `from` is {from}, the login is another"
            )
        })
    }
}

fn security(url: &Url, is_loopback: bool) -> Result<Security, Complaint> {
    let mut security = match (url.scheme(), is_loopback) {
        ("smtps", _) => Security::Tls,
        (_, true) => Security::Plain,
        (_, false) => Security::StartTls,
    };
    for (key, value) in url.query_pairs() {
        match (key.as_ref(), value.as_ref(), url.scheme()) {
            ("tls", "required", "smtp") => security = Security::StartTls,
            ("tls", "required" | "wrapper", "smtps") => {}
            ("tls", "none", "smtp") if is_loopback => security = Security::Plain,
            ("tls", "none", "smtp") => {
                let complaint = Complaint::new(
                    Slip::InTheClear,
                    "mail and password would travel in the clear: plain only to this very machine",
                );
                return Err(complaint.perhaps(Some("tls=required")));
            }
            ("tls", _, _) => {
                let complaint = Complaint::new(
                    Slip::one_of(["tls=required"]),
                    "`tls` can only be `required`: what is merely tried can be stripped on the way",
                );
                return Err(complaint.perhaps(Some("tls=required")));
            }
            (other, _, _) => {
                let complaint = Complaint::new(
                    Slip::one_of(["tls=required"]),
                    format!("there is no parameter {}; only `tls=required`", quoted(other)),
                );
                return Err(complaint.perhaps(super::keys::nearest(other, ["tls"])));
            }
        }
    }
    Ok(security)
}

fn login(encoded: &str) -> Result<Option<String>, Complaint> {
    if encoded.is_empty() {
        return Ok(None);
    }
    let login = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| Complaint::new(Slip::ServerAddress, "the login is not UTF-8"))?;
    if login.len() > LOGIN_BYTES_MAX || login.chars().any(char::is_control) {
        return Err(Complaint::new(Slip::ServerAddress, "the login is too long or has a control character"));
    }
    Ok(Some(login.into_owned()))
}
