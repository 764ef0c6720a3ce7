//! Email addresses, read here because the mail library's own refusal is just "Invalid input".

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fault::quoted;
use crate::domain::text::is_steering;

/// The longest local part and address (RFC 5321, 4.5.3.1).
const LOCAL_BYTES_MAX: usize = 64;
const ADDRESS_BYTES_MAX: usize = 254;

/// An address such as `ops@example.com`, ASCII only: a domain in other letters is kept in its ASCII form (RFC 5890), so
/// that every server takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// An address with the name that is shown before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The shown name, such as 资质监控.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadAddress {
    message: String,
    /// What may be meant.
    pub suggestion: Option<String>,
}

impl BadAddress {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }
}

impl EmailAddress {
    /// The address as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What two spellings of one address share: no known server tells large from small letters.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        let bad = |why: &str| BadAddress::new(format!("{} is no email address: {why}", quoted(text)));
        if text.is_empty() {
            return Err(BadAddress::new("an email address is empty"));
        }
        let plain: String = text.replace(['＠'], "@").replace(['。', '．'], ".");
        if plain != text {
            return Err(BadAddress { suggestion: Some(plain), ..bad("it has full-width characters") });
        }
        if let Some((_, address)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            let address = address.parse::<Self>().ok().map(String::from);
            return Err(BadAddress {
                suggestion: address,
                ..bad("only the address itself stands here, without a name")
            });
        }
        if text.matches('@').count() > 1 && text.contains([',', ';', '，', '；', '、', ' ']) {
            return Err(bad("these are several, each stands in quotes of its own"));
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(|| bad("it has no @"))?;
        if !is_local_part(local) {
            return Err(bad("what stands before the @ is not a name of ASCII letters, digits, dots and -_+"));
        }
        let domain = ascii_domain(domain).ok_or_else(|| bad("what stands after the @ is no domain"))?;
        let address = format!("{local}@{domain}");
        if address.len() > ADDRESS_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        Ok(Self(address))
    }
}

/// A dot-atom (RFC 5322, 3.2.3). Quoted local parts are refused: they are legal, unused, and a way to smuggle.
fn is_local_part(local: &str) -> bool {
    local.len() <= LOCAL_BYTES_MAX
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
        })
}

fn ascii_domain(domain: &str) -> Option<String> {
    let host = match url::Host::parse(domain).ok()? {
        url::Host::Domain(host) => host,
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => return None,
    };
    let is_label = |label: &str| {
        let edge = |c: char| c.is_ascii_alphanumeric();
        (1..=63).contains(&label.len())
            && label.starts_with(edge)
            && label.ends_with(edge)
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    host.split('.').all(is_label).then(|| if domain.is_ascii() { domain.to_owned() } else { host })
}

impl FromStr for Mailbox {
    type Err = BadAddress;

    /// `ops@example.com`, `资质监控 <ops@example.com>` or `"Name, with signs" <ops@example.com>`.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        let Some(open) = text.rfind('<') else {
            return Ok(Self { name: None, address: text.parse()? });
        };
        let (name, address) = text.split_at(open);
        let address = address
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .ok_or_else(|| BadAddress::new(format!("{} does not end with `>`", quoted(text))))?;
        let name = name.trim();
        let name = match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => name.to_owned(),
        };
        if name.chars().any(is_steering) {
            return Err(BadAddress::new("the name before the address has a control or invisible character"));
        }
        if name.chars().count() > 100 {
            return Err(BadAddress::new("the name before the address is longer than 100 characters"));
        }
        let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Self { name, address: address.parse()? })
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}
