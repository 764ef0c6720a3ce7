//! A value that must never be shown: the API key, a password.

use std::fmt;

/// A secret: neither `Debug` nor any other formatting shows it, and it cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret as it was read, without the blanks and line ends around it (a credential file ends in a line
    /// feed). `None` when nothing is left: a blank default means "not given".
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::parse(" CANARY\n").unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}").as_str()), ("CANARY", "***"));
        assert_eq!(Secret::parse("\n"), None, "a blank credential means: not given");
    }
}
