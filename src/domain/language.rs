//! The languages that mails are written in.

use serde::{Deserialize, Serialize};

/// The language of mails and summaries (`language` in the watchlist).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// 简体中文, the default.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English; names of qualifications stay Chinese.
    #[serde(rename = "en")]
    English,
}
