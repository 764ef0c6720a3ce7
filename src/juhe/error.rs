//! Why there is no client. What goes wrong with a question is a [`Failure`](super::Failure), not an error: it is expected.

use crate::domain::text::chain;

/// A client cannot be made from these settings.
#[derive(Debug, thiserror::Error)]
pub enum JuheError {
    /// The provider is asked over http or https only.
    #[error("the provider's address begins with {scheme}:, not with http: or https:")]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// TLS or the proxy's settings could not be prepared. The source has no URL.
    #[error("preparing to ask the provider")]
    Preparing {
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
}

impl JuheError {
    /// What a person can do.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Scheme { .. } => Some("write [api].url as the provider's document has it, with https://"),
            // The library has no kind for this, only its words.
            Self::Preparing { source } if chain(source).contains("CA certificates") => Some(
                "this machine has no CA certificates to check the provider by: install the package ca-certificates",
            ),
            Self::Preparing { .. } => None,
        }
    }
}
