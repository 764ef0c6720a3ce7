//! From what the file says of mail to a [`Courier`].

use std::ffi::OsString;

use sha2::{Digest as _, Sha256};

use super::courier::Courier;
use super::smtp::failure::{Blame, SendFailure, Stage};
use super::smtp::{Login, MailServer, Patience};
use crate::config::{Outlet, Source, Sourced, Watchlist, is_full_host_name};
use crate::domain::secret::Secret;
use crate::domain::text::hex;
use crate::random;

const NO_PASSWORD: &str = "put the mailbox's client password (授权码, 客户端专用密码) into the credential \"smtp-password\", \
                           QUALWATCH_SMTP_PASSWORD, or the file that `password_file` in [email] names";

/// Ends of names that installers give a machine without one: nobody else knows them.
const PLACEHOLDERS: [&str; 2] = [".localdomain", ".local"];

/// Where the file wants mail to go.
///
/// # Errors
/// A login without a password: the sender's own fault, and no server is asked.
pub fn courier(watchlist: &Watchlist, password: Option<&Secret>) -> Result<Courier, SendFailure> {
    let (server, ca_file, helo) = match &watchlist.email.outlet {
        Outlet::Maildir(directory) => return Ok(Courier::Maildir(directory.clone())),
        Outlet::Smtp { server, ca_file, helo, password_file: _ } => (server, ca_file, helo),
    };
    let login = match (&server.login, password) {
        (None, _) => None,
        (Some(user), Some(password)) => Some(Login { user: user.clone(), password: password.clone() }),
        (Some(_), None) => {
            let reply = "no password is given for the login in [email].smtp".to_owned();
            return Err(SendFailure::found(Stage::Auth, Blame::Sender, reply, NO_PASSWORD));
        }
    };
    Ok(Courier::Smtp(MailServer {
        host: server.host.clone(),
        port: server.port,
        security: server.security,
        login,
        ca_file: ca_file.clone(),
        helo: helo
            .clone()
            .or_else(|| own_name(nix::unistd::gethostname().ok(), watchlist.email.from.address.domain())),
        patience: Patience::default(),
    }))
}

/// The name in EHLO, where the file gives none: the machine's where it is a full one, else the domain of the sender, which servers
/// that want a full name take. `None`: neither is one.
fn own_name(machine: Option<OsString>, sender_domain: &str) -> Option<String> {
    let machine = machine.and_then(|name| name.into_string().ok());
    let machine =
        machine.filter(|name| !PLACEHOLDERS.iter().any(|end| name.to_ascii_lowercase().ends_with(end)));
    let domain = || match url::Host::parse(sender_domain) {
        Ok(url::Host::Domain(domain)) => Some(domain),
        _ => None,
    };
    machine.filter(|name| is_full_host_name(name)).or_else(|| domain().filter(|name| is_full_host_name(name)))
}

/// What must change before a refused sender is worth another try: server, login, password and sender, hashed with `salt`.
#[must_use]
pub fn fingerprint(watchlist: &Watchlist, password: Option<&Secret>, salt: &[u8]) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    };
    add(salt);
    add(watchlist.email.from.address.folded().as_bytes());
    match &watchlist.email.outlet {
        Outlet::Maildir(directory) => add(directory.as_os_str().as_encoded_bytes()),
        Outlet::Smtp { server, .. } => {
            add(server.host.as_bytes());
            add(&server.port.to_be_bytes());
            add(format!("{:?}", server.security).as_bytes());
            add(server.login.as_deref().unwrap_or_default().as_bytes());
            add(password.map_or("", Secret::expose).as_bytes());
        }
    }
    hex(&hash.finalize())
}

/// Salt that nobody can guess.
pub(super) fn salt() -> Vec<u8> {
    random::bytes::<16>().to_vec()
}

/// What a person can do, with what follows from where the password came from.
pub(super) fn advice(failure: &SendFailure, password: Option<&Sourced<Secret>>) -> Option<String> {
    let advice = failure.advice()?;
    let source = password.filter(|_| failure.stage == Stage::Auth).map(|password| &password.source);
    Some(match source {
        Some(Source::Credential | Source::Environment) => {
            format!("{advice}; a daemon reads it at its start only, so restart it then")
        }
        Some(Source::File(path)) => format!("{advice}; {} is read again at each try", path.display()),
        Some(Source::Watchlist) | None => advice.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Security;

    fn watchlist(email: &str) -> Watchlist {
        let text = format!(
            "[email]\nto = [\"one@example.com\"]\noperators = [\"ops@example.com\"]\n{email}\n\
             [[company]]\nkeyword = \"河南省建筑设计研究院有限公司\"\n"
        );
        crate::config::parse(&text, Path::new("/etc/qualwatch/watchlist.toml")).unwrap().0
    }

    const PLACE: &str =
        "smtp = \"smtps://alerts%40example.com@smtp.example.com\"\nfrom = \"alerts@example.com\"";

    #[test]
    fn the_file_says_where_mail_goes() {
        let password = Secret::parse("s3cret");
        let Courier::Smtp(server) = courier(&watchlist(PLACE), password.as_ref()).unwrap() else {
            panic!("a server was named");
        };
        assert_eq!(
            (server.host.as_str(), server.port, server.security),
            ("smtp.example.com", 465, Security::Tls)
        );
        assert_eq!(server.login.unwrap().user, "alerts@example.com");

        let maildir = watchlist("maildir = \"mail\"\nfrom = \"alerts@example.com\"");
        let Courier::Maildir(directory) = courier(&maildir, None).unwrap() else {
            panic!("a directory was named");
        };
        assert_eq!(directory, Path::new("/etc/qualwatch/mail"));
    }

    #[test]
    fn the_name_in_ehlo_is_a_full_one() {
        for (machine, domain, name, why) in [
            ("mon1.example.net", "example.com", Some("mon1.example.net"), "the machine's own"),
            ("qw1", "example.com", Some("example.com"), "no dot: the domain of the sender"),
            ("localhost.localdomain", "example.com", Some("example.com"), "an installer's name"),
            ("my_host.example.net", "example.com", Some("example.com"), "no host name by RFC 952"),
            ("qw1", "资质.example", Some("xn--2n3a3b.example"), "as DNS has it"),
            ("qw1", "localhost", None, "an address literal, then"),
        ] {
            assert_eq!(own_name(Some(machine.into()), domain).as_deref(), name, "{why}");
        }
        let set = watchlist(&format!("{PLACE}\nhelo = \"qw.example.org\""));
        let Courier::Smtp(server) = courier(&set, Secret::parse("s3cret").as_ref()).unwrap() else {
            panic!()
        };
        assert_eq!(server.helo.as_deref(), Some("qw.example.org"), "the file's");
    }

    #[test]
    fn a_login_without_a_password_is_the_senders_own_fault() {
        let failure = courier(&watchlist(PLACE), None).unwrap_err();
        assert_eq!((failure.stage, failure.fault), (Stage::Auth, Blame::Sender));
        assert!(failure.advice().unwrap().contains("smtp-password"));
    }

    #[test]
    fn what_makes_another_login_worth_a_try_changes_the_fingerprint() {
        let (old, new) = (Secret::parse("old"), Secret::parse("new"));
        let base = fingerprint(&watchlist(PLACE), old.as_ref(), b"salt");
        assert_eq!(base, fingerprint(&watchlist(PLACE), old.as_ref(), b"salt"));
        assert!(!base.contains("old"));
        for (place, password, salt, why) in [
            (PLACE.to_owned(), &new, b"salt", "the password"),
            (PLACE.to_owned(), &None, b"salt", "no password"),
            (PLACE.replace("smtp.example.com", "mx.example.com"), &old, b"salt", "the server"),
            (PLACE.replace("alerts%40", "other%40"), &old, b"salt", "the login"),
            (PLACE.replace("alerts@example.com", "other@example.com"), &old, b"salt", "the sender"),
            (PLACE.to_owned(), &old, b"SALT", "the salt"),
        ] {
            assert_ne!(base, fingerprint(&watchlist(&place), password.as_ref(), salt), "{why}");
        }
    }

    #[test]
    fn the_advice_says_when_a_new_password_is_seen() {
        let refused = SendFailure::refused(Stage::Auth, Some(535), "no".to_owned());
        let at_mail = SendFailure::refused(Stage::Mail, Some(553), "no".to_owned());
        let from = |source| Sourced { value: Secret::parse("old").unwrap(), source };
        let credential = from(Source::Credential);
        let file = from(Source::File("/run/password".into()));
        for (failure, password, says, why) in [
            (&refused, Some(&credential), "restart", "systemd hands credentials over at the start"),
            (&refused, Some(&file), "/run/password is read again", "a file heals by itself"),
            (&refused, None, "smtp-password", "none was given"),
            (
                &at_mail,
                Some(&credential),
                "let `from` in [email] be the very address",
                "the password is right",
            ),
        ] {
            let advice = advice(failure, password).unwrap();
            assert!(advice.contains(says), "{why}: {advice}");
            assert_eq!(advice.contains("restart"), says == "restart", "{why}: {advice}");
        }
    }
}
