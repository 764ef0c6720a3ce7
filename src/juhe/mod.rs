//! The provider's API client: one question, one answer (the whole of 企业建筑资质资格查询开发文档).
//!
//! [`Client::ask`] waits for its turn, sends one request and gives a [`Reply`]: the bytes to keep. [`Client::judge`] makes a
//! [`AnswerPage`](crate::domain::observation::AnswerPage) or a [`Failure`] of it, for who cannot tell by the bytes alone. May import
//! `domain` and `clock`.
//!
//! Deliberately absent: a second attempt, redirects, cookies, a cache, the budget, and what a failure leads to. Every
//! call costs money, so whoever counts calls decides on each one. The room keeps no state but the pace between two requests.
//!
//! - **The key** is overwritten in the body first ([`Scrubber`]); all else is read from what is left. So what is stored can
//!   be read again later, by a newer version, with the same result.
//! - **Read leniently, judge strictly**: many shapes are understood (`body`, `json`; `fast_path` only reads the usual one faster), but whatever is not understood is
//!   unreadable and never empty: an empty answer means that certificates have gone.
//! - **What decides** (`judge`): a readable `error_code`; else the HTTP status; else the transport.

mod client;
mod codes;
mod error;
mod failure;
mod judge;
mod json;
mod fast_path;
mod pace;
mod compression;
mod body;
mod transport;

pub use body::read_again;
pub use client::{Client, Settings};
pub use codes::{Meaning, Pace, meaning};
pub use error::JuheError;
pub use failure::{CallFault, Failure};
pub use transport::Reply;
