//! The mail services that a first watchlist is offered by name: where they are, and what trips up whoever sends through them.

use crate::domain::language::Language;

/// A mail service. All of these speak TLS from the first byte (RFC 8314) on port 465, log in with the whole address, and refuse a
/// sender that is not the login.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MailService {
    /// What `--mail` calls it.
    pub key: &'static str,
    chinese: Said,
    english: Said,
    pub host: &'static str,
    /// The domain that all its addresses have; a company's own where there is none.
    pub domain: Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
struct Said {
    name: &'static str,
    /// Which password it takes, and what has to be done there first.
    traps: &'static str,
}

const AUTHORISATION_CODE: Said = Said {
    name: "",
    traps: "密码是“授权码”，不是网页登录密码：先在网页邮箱“设置”中开启 SMTP 服务，再生成授权码。发件人必须就是登录的邮箱。",
};
const AUTHORISATION_CODE_ENGLISH: Said = Said {
    name: "",
    traps: "The password is the 授权码, not that of the web site: switch the SMTP service on in the settings of the web mailbox, then \
            generate one there. The sender must be the very mailbox that logs in.",
};

/// Servers, passwords and rules of the sender as the services' own help pages and their refusals say (501 of Tencent, 440 of Alibaba,
/// 553 of `NetEase`).
pub(super) const SERVICES: [MailService; 6] = [
    MailService {
        key: "exmail",
        chinese: Said {
            name: "腾讯企业邮",
            traps: "密码是邮箱密码；开启了“安全登录”的，须用“客户端专用密码”。发件人必须就是登录的邮箱。外发额度由整个域名共用。",
        },
        english: Said {
            name: "Tencent Exmail (腾讯企业邮)",
            traps: "The password is that of the mailbox or, once 安全登录 is on, its 客户端专用密码. The sender must be the very mailbox \
                    that logs in. All mailboxes of the domain share one quota.",
        },
        host: "smtp.exmail.qq.com",
        domain: None,
    },
    MailService {
        key: "qq",
        chinese: Said { name: "QQ 邮箱", ..AUTHORISATION_CODE },
        english: Said { name: "QQ Mail", ..AUTHORISATION_CODE_ENGLISH },
        host: "smtp.qq.com",
        domain: None,
    },
    MailService {
        key: "aliyun",
        chinese: Said {
            name: "阿里企业邮",
            traps: "新账号默认不允许第三方客户端：先由管理员开启，再用“三方客户端安全密码”。发件人必须就是登录的邮箱。",
        },
        english: Said {
            name: "Alibaba Mail (阿里企业邮)",
            traps: "New accounts refuse third-party clients: have them allowed by the administrator, then use the 三方客户端安全密码. The \
                    sender must be the very mailbox that logs in.",
        },
        host: "smtp.qiye.aliyun.com",
        domain: None,
    },
    MailService {
        key: "163",
        chinese: Said { name: "网易 163 邮箱", ..AUTHORISATION_CODE },
        english: Said { name: "NetEase 163", ..AUTHORISATION_CODE_ENGLISH },
        host: "smtp.163.com",
        domain: Some("163.com"),
    },
    MailService {
        key: "126",
        chinese: Said { name: "网易 126 邮箱", ..AUTHORISATION_CODE },
        english: Said { name: "NetEase 126", ..AUTHORISATION_CODE_ENGLISH },
        host: "smtp.126.com",
        domain: Some("126.com"),
    },
    MailService {
        key: "yeah",
        chinese: Said { name: "网易 yeah.net 邮箱", ..AUTHORISATION_CODE },
        english: Said { name: "NetEase yeah.net", ..AUTHORISATION_CODE_ENGLISH },
        host: "smtp.yeah.net",
        domain: Some("yeah.net"),
    },
];

impl MailService {
    pub fn name(&self, language: Language) -> &'static str {
        self.said(language).name
    }

    /// What trips up whoever sends through it.
    pub fn traps(&self, language: Language) -> &'static str {
        self.said(language).traps
    }

    fn said(&self, language: Language) -> &Said {
        match language {
            Language::Chinese => &self.chinese,
            Language::English => &self.english,
        }
    }
}

/// How the mails of a first watchlist go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    Service(&'static MailService),
    /// Another server, as `[email].smtp` names it; the login comes from the sender where it names none.
    Server(String),
    /// As files in the directory `mail`, to try out.
    Files,
}

/// What `--mail` says for files.
pub(super) const FILES: &str = "files";

impl Outgoing {
    /// A service by its name, `files`, or a server: `smtp.example.com` (TLS, port 465), `smtp.example.com:587` (STARTTLS), or whole as
    /// in the watchlist.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        if let Some(service) = SERVICES.iter().find(|service| service.key == text.to_ascii_lowercase()) {
            return Self::Service(service);
        }
        if text == FILES {
            return Self::Files;
        }
        if text.contains("://") {
            return Self::Server(text.to_owned());
        }
        Self::Server(match text.rsplit_once(':') {
            // Ports that begin without TLS (RFC 6409).
            Some((_, "587" | "25")) => format!("smtp://{text}?tls=required"),
            _ => format!("smtps://{text}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_written_as_the_watchlist_has_it() {
        let server = |text: &str| Outgoing::Server(text.to_owned());
        for (given, meant, why) in [
            ("QQ", Outgoing::Service(&SERVICES[1]), "by name"),
            ("files", Outgoing::Files, "to try out"),
            ("smtp.corp.cn", server("smtps://smtp.corp.cn"), "TLS, where nothing else is said"),
            ("smtp.corp.cn:994", server("smtps://smtp.corp.cn:994"), "TLS on another port"),
            ("smtp.corp.cn:587", server("smtp://smtp.corp.cn:587?tls=required"), "STARTTLS"),
            ("smtp://localhost", server("smtp://localhost"), "as it is"),
        ] {
            assert_eq!(Outgoing::of(given), meant, "{why}");
        }
    }
}
