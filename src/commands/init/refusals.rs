//! Why `qualwatch init` does not go on, and what to do: in the language of the questions.

use std::path::Path;

use crate::commands::exit::Refusal;
use crate::config;
use crate::domain::language::Language;

/// What it refuses. An option is named as it is written.
pub(super) enum Reason<'a> {
    NoTerminal { missing: &'a str },
    WatchlistIsThere(&'a Path),
    NotOfTheService(&'a Path),
    SecretIsThere { option: &'a str, file: &'a Path },
    OneInputTwice,
    ControlCharacters { option: &'a str },
    Unreadable { option: &'a str, file: &'a Path },
    Empty { option: &'a str, file: &'a Path },
    Answer { option: &'a str, complaint: &'a str },
}

impl Reason<'_> {
    pub(super) fn said(&self, language: Language) -> Refusal {
        let (said, advice) = match language {
            Language::Chinese => self.in_chinese(),
            Language::English => self.in_english(),
        };
        let refusal = Refusal::wrong_use(said);
        if advice.is_empty() { refusal } else { refusal.advising(advice) }
    }

    fn in_chinese(&self) -> (String, String) {
        match self {
            Self::NoTerminal { missing } => (
                format!("没有终端可以提问，缺少：{missing}"),
                "各选项的说明见 `qualwatch help init`".to_owned(),
            ),
            Self::WatchlistIsThere(file) => (
                format!("已有监测名单 {}，保持原样", file.display()),
                "请直接修改它，或用 --watchlist FILE 指定另一个文件".to_owned(),
            ),
            Self::NotOfTheService(file) => (
                format!(
                    "服务的监测名单 {} 只能由 root 建立，且须已有用户 {}",
                    file.display(),
                    config::SERVICE_USER
                ),
                "用 sudo 运行；先安装服务（systemd-sysusers 会建立该用户）".to_owned(),
            ),
            Self::SecretIsThere { option, file } => (
                format!("{option}：{} 已经存在，保持原样", file.display()),
                format!("去掉 {option}，或先删除该文件"),
            ),
            Self::OneInputTwice => ("标准输入不能既是密钥又是密码".to_owned(), "其中一个请用文件".to_owned()),
            Self::ControlCharacters { option } => {
                (format!("{option}：密钥或密码应为一行，不含控制字符"), String::new())
            }
            Self::Unreadable { option, file } => {
                (format!("{option}：无法读取 {}", file.display()), String::new())
            }
            Self::Empty { option, file } => (format!("{option}：{} 是空的", file.display()), String::new()),
            Self::Answer { option, complaint } => (format!("{option}：{complaint}"), String::new()),
        }
    }

    fn in_english(&self) -> (String, String) {
        match self {
            Self::NoTerminal { missing } => (
                format!("there is no terminal to ask at: {missing} missing"),
                "`qualwatch help init` explains each".to_owned(),
            ),
            Self::WatchlistIsThere(file) => (
                format!("there is a watchlist already, {}: it is left as it is", file.display()),
                "edit it, or name another file with --watchlist FILE".to_owned(),
            ),
            Self::NotOfTheService(file) => (
                format!(
                    "only root makes the watchlist of the service, {}, and there must be the user {}",
                    file.display(),
                    config::SERVICE_USER
                ),
                "run it by sudo; install the service first (systemd-sysusers makes its user)".to_owned(),
            ),
            Self::SecretIsThere { option, file } => (
                format!("{option}: {} is there already and is left as it is", file.display()),
                format!("leave {option} out, or remove that file"),
            ),
            Self::OneInputTwice => (
                "standard input cannot be both the key and the password".to_owned(),
                "give one of them as a file".to_owned(),
            ),
            Self::ControlCharacters { option } => {
                (format!("{option}: a secret is one line, without control characters"), String::new())
            }
            Self::Unreadable { option, file } => {
                (format!("{option}: {} cannot be read", file.display()), String::new())
            }
            Self::Empty { option, file } => (format!("{option}: {} is empty", file.display()), String::new()),
            Self::Answer { option, complaint } => (format!("{option}: {complaint}"), String::new()),
        }
    }
}
