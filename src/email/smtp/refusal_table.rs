//! What mail servers refuse, and whose fault that is: one table. A server may say it at any stage (Postfix keeps all its
//! refusals for RCPT, Exchange and Gmail say some after the message), so the stage alone says little.
//!
//! What decides, in this order: an enhanced code that names the matter (RFC 3463 and the providers' own), the wording, an
//! enhanced code that names only a field, then stage and digits ([`failure`](super::failure)). The sender's rows stand before
//! the recipient's: a refused sender that is taken for an unknown recipient burns everybody, and the reverse delays one.

use super::blame::{Blame, Stage};

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum About {
    /// Login wanted, refused or locked.
    Login,
    /// A login by OAuth is wanted.
    OAuth,
    /// The sender's address.
    Sender,
    /// The server passes on no mail of ours.
    Relay,
    /// The address of this machine.
    Host,
    /// The name in EHLO.
    Helo,
    /// How much the sender may send.
    Limit,
    /// How much the server takes now.
    Busy,
    /// It may be tried again: no more is said.
    Later,
    /// The recipient's mailbox has no room.
    Full,
    /// Nobody has that address.
    Unknown,
    /// The recipient takes no mail, or none from us.
    Closed,
    /// What the message says.
    Content,
    /// How large the message is.
    Size,
}

impl About {
    pub(super) fn fault(self) -> Blame {
        match self {
            Self::Login
            | Self::OAuth
            | Self::Sender
            | Self::Relay
            | Self::Host
            | Self::Helo
            | Self::Limit => Blame::Sender,
            Self::Busy | Self::Later => Blame::Server,
            Self::Full | Self::Closed => Blame::RecipientForNow,
            Self::Unknown => Blame::RecipientForGood,
            Self::Content => Blame::Message,
            Self::Size => Blame::TooLarge,
        }
    }

    /// Whether a refusal at that stage can be about this. Before a recipient is named it is not about one.
    fn is_possible_at(self, stage: Stage) -> bool {
        match stage {
            Stage::Connect | Stage::Tls => matches!(self, Self::Host | Self::Helo | Self::Busy | Self::Later),
            Stage::Auth => matches!(self, Self::Login | Self::OAuth | Self::Limit | Self::Busy | Self::Later),
            Stage::Mail => !matches!(self, Self::Full | Self::Unknown | Self::Closed | Self::Content),
            Stage::Rcpt | Stage::Data => true,
        }
    }

    /// What a person can do, where that is more than the fault says.
    pub(super) fn advice(self) -> Option<&'static str> {
        match self {
            Self::OAuth => Some(
                "this server wants OAuth, which qualwatch does not speak: let the administrator of the mail service allow SMTP with a password \
                 for this mailbox (Microsoft 365: \"Authenticated SMTP\"; Gmail: an app password), or name another mail server",
            ),
            Self::Relay => Some(
                "the server passes on no mail of this machine: write a login into [email].smtp, or let its administrator allow this machine",
            ),
            Self::Host => Some(
                "the server refuses this machine's address (a block list, or no name for it in DNS): ask the mail provider, or send through \
                 a server that takes a login",
            ),
            Self::Helo => Some(
                "set `helo` in [email] to a full name of this machine that the server accepts, such as qualwatch.example.com",
            ),
            Self::Limit => Some(
                "the account has sent as much as it may: it goes on by itself; ask the mail provider for a higher limit if this repeats",
            ),
            Self::Size => Some("ask the mail provider for a higher limit on the size of messages"),
            Self::Closed => {
                Some("ask the recipient, or who runs their mailbox, to take mail from the address in `from`")
            }
            Self::Login
            | Self::Sender
            | Self::Busy
            | Self::Later
            | Self::Full
            | Self::Unknown
            | Self::Content => None,
        }
    }
}

/// Enhanced code (its class left out: 4 or 5), wording (in small letters, parts in their order around `*`), meaning, and where
/// and when it was seen: in a public report or a bounce of that year, in a server's source code since then, or in a provider's own
/// list of its replies, of that year or, where it bears none, read then.
type Row = (&'static str, &'static str, About, &'static str);

/// Codes that name the matter: they decide before any wording.
const TELLING_CODES: &[Row] = &[
    ("1.7", "", About::Sender, "RFC 3463; Postfix 2003"),
    ("1.8", "", About::Sender, "RFC 3463; Postfix 2003, Exchange Online 2016 (bad outbound sender)"),
    ("1.90", "", About::Limit, "Exchange Online 2019: too many recipients a day"),
    ("2.121", "", About::Closed, "Exchange Online 2023: too many an hour from this sender to that mailbox"),
    ("2.122", "", About::Closed, "Exchange Online 2023: too many an hour to that mailbox"),
    ("2.252", "", About::Sender, "Exchange 2019: SendAsDenied"),
    ("3.4", "", About::Size, "RFC 3463; Postfix 2003, Gmail 2015"),
    (
        "4.1",
        "recipient address rejected",
        About::Unknown,
        "Exchange Online 2017: blocked at the directory's edge",
    ),
    ("5.3", "", About::Busy, "RFC 3463; Postfix 2003: too many recipients"),
    ("7.8", "", About::Login, "RFC 4954; Gmail 2014, Postfix 2007"),
    ("7.9", "", About::Login, "RFC 4954; Gmail 2014: application-specific password required"),
    ("7.11", "", About::Login, "RFC 4954: encryption required for the login"),
    ("7.13", "", About::Login, "RFC 5248: the account is disabled"),
    ("7.14", "", About::Login, "RFC 4954; Gmail 2014: log in via the browser first"),
    ("7.20", "", About::Sender, "RFC 7372: no passing DKIM signature"),
    ("7.23", "", About::Sender, "RFC 7372; Exchange Online 2017: SPF failed"),
    ("7.24", "", About::Sender, "RFC 7372: SPF could not be judged"),
    ("7.25", "", About::Host, "RFC 7372; Gmail 2022: no PTR record"),
    ("7.26", "", About::Sender, "RFC 7372; Gmail 2022: neither SPF nor DKIM passed"),
    ("7.27", "", About::Sender, "RFC 7505: the sender's domain takes no mail"),
    ("7.28", "", About::Limit, "RFC 6647; Gmail 2015: unusual rate"),
    ("7.54", "", About::Relay, "Exchange 2016: unable to relay in non-accepted domain"),
    ("7.57", "", About::Login, "Exchange Online 2014: client was not authenticated to send anonymous mail"),
    ("7.60", "", About::Sender, "Exchange Online 2014: no permission to send as this sender"),
    ("7.64", "", About::Relay, "Exchange Online 2018: tenant attribution, relay access denied"),
    ("7.124", "", About::Closed, "Exchange 2016: the sender is not in the recipient's list"),
    ("7.129", "", About::Closed, "Exchange Online 2026: the sender is not in the mailbox's list"),
    ("7.133", "", About::Closed, "Exchange 2016: the group takes no mail from outside"),
    ("7.134", "", About::Closed, "Exchange 2016: the mailbox takes no mail from outside"),
    ("7.136", "", About::Closed, "Exchange 2016: the mail user takes no mail from outside"),
    ("7.139", "", About::OAuth, "Exchange Online 2022: basic authentication is disabled"),
    ("7.232", "", About::Limit, "Exchange Online 2024: the tenant's external recipients of the day"),
    ("7.233", "", About::Limit, "Exchange Online 2024: the same for a trial tenant"),
    ("7.501", "", About::Sender, "Exchange Online 2016: spam abuse of the sender"),
    ("7.502", "", About::Sender, "Exchange Online 2016: banned sender"),
    ("7.506", "", About::Helo, "Exchange Online 2023: bad HELO"),
    ("7.508", "", About::Limit, "Exchange Online 2023: the sending range has exceeded its limits"),
    ("7.509", "", About::Sender, "Exchange Online 2018: the sender's domain fails DMARC"),
    ("7.511", "", About::Host, "Exchange Online 2016: banned sending address"),
    ("7.515", "", About::Sender, "Outlook.com 2025: the sender's domain is not authenticated"),
    ("7.606", "", About::Host, "Exchange Online 2016: banned sending IP"),
    ("7.705", "", About::Limit, "Exchange Online 2017: the tenant has exceeded its threshold"),
    ("7.708", "", About::Host, "Exchange Online 2018: traffic from this address is not accepted"),
    ("7.750", "", About::Sender, "Exchange Online 2018: unregistered domain"),
];

/// What is said in words.
const WORDINGS: &[Row] = &[
    // A login by OAuth.
    ("", "basic authentication is disabled", About::OAuth, "Exchange Online 2024 (535 5.7.139)"),
    (
        "",
        "smtpclientauthentication is disabled",
        About::OAuth,
        "Exchange Online 2022 (535 5.7.139): for the tenant, for the mailbox",
    ),
    ("", "xoauth2", About::OAuth, "Exchange Online 2024"),
    // Closed groups speak of authentication, too.
    ("", "resolver.rst", About::Closed, "Exchange 2007 to Online 2026"),
    // The login.
    ("", "too much fail", About::Login, "NetEase's list 2021 (451): the account is locked for a while"),
    (
        "",
        "authentication * required",
        About::Login,
        "SES's guide, Exim 2004; NetEase's list 2021 (553): authentication is required",
    ),
    ("", "authentication fail", About::Login, "Aliyun's list, read 2026 (526), Feishu 2024 (535), Exim 2004"),
    ("", "authentication credentials invalid", About::Login, "SES's guide, read 2026 (535)"),
    ("", "username and password not accepted", About::Login, "Gmail's list, read 2026 (535)"),
    ("", "not logged in", About::Login, "Postfix 2001: not owned by user, not logged in"),
    ("", "not authenticated", About::Login, "Exchange 2010: client was not authenticated"),
    ("", "auth first", About::Login, "Tencent exmail 2017: need EHLO and AUTH first; Exim 2004"),
    ("", "pop before smtp", About::Login, "qmail with vpopmail; Exim 2004"),
    (
        "",
        "login fail",
        About::Login,
        "QQ 2021 (535): login fail, enter your authorization code; 2025: account is abnormal, login frequency limited, or system is busy",
    ),
    ("", "user has no permission", About::Login, "163 2017 (550): SMTP is not opened for the mailbox"),
    // The name in EHLO.
    ("", "helo command rejected", About::Helo, "Postfix 2000"),
    ("", "fully-qualified hostname", About::Helo, "Postfix 2000"),
    ("", "invalid helo", About::Helo, "cPanel 2018, Hestia 2020 (550): access denied, invalid HELO name"),
    ("", "helo argument", About::Helo, "Exim 2004: syntactically invalid"),
    ("", "helohost error", About::Helo, "Sina's list, read 2026 (555)"),
    ("", "helo * invalid", About::Helo, "Exim 2004; Gmail 2020"),
    // The sender's address.
    ("", "sender address rejected", About::Sender, "Postfix 2000, whatever follows"),
    ("", "sender address * not allowed", About::Sender, "GMX 2017 (550): sender address is not allowed"),
    ("", "verify sender", About::Sender, "Exim 2018 (550): unable to verify sender address"),
    ("", "envelope sender", About::Sender, "a university's Exim 2018 (550): unauthorised envelope sender"),
    (
        "",
        "disallowed as",
        About::Sender,
        "Zoho 2017 (553): relaying disallowed as another address than the login",
    ),
    ("", "notauthenticatedsender", About::Sender, "Tencent Cloud SES 2024 (554)"),
    ("", "main account unavailable", About::Sender, "Aliyun DirectMail 2025 (551)"),
    ("", "spam sender", About::Sender, "QQ 2021 (550): suspected spam sender"),
    ("", "not owned by user", About::Sender, "Postfix 2001"),
    ("", "sender rejected", About::Sender, "Cox and Spectrum 2020"),
    ("", "sender denied", About::Sender, "Exchange 2013"),
    ("", "sender is rejected", About::Sender, "Coremail's list, read 2026"),
    ("", "sender verify failed", About::Sender, "Exim 2004, cPanel 2017"),
    ("", "invalid sender", About::Sender, "Yandex 2018, Exim 2004"),
    ("", "fake sender", About::Sender, "Coremail's list, read 2026"),
    ("", "sender is unvalidated", About::Sender, "Sina's list, read 2026 (554)"),
    ("", "mail from invalid", About::Sender, "Sina's list, read 2026 (552)"),
    ("", "denies the sender", About::Sender, "Sina's list, read 2026 (553)"),
    ("", "domain of sender", About::Sender, "Sendmail 2009: does not exist, does not resolve"),
    ("", "bad outbound sender", About::Sender, "Exchange Online 2016, Microsoft's list 2023"),
    ("", "to send as ", About::Sender, "Exchange 2010: permissions to send as this sender"),
    ("", "sendasdenied", About::Sender, "Exchange Online 2018 (554)"),
    (
        "",
        "conform with authentication",
        About::Sender,
        "Aliyun's list, read 2026 (440), Aliyun DirectMail's list 2025 (436)",
    ),
    ("", "same as authorization user", About::Sender, "QQ, Tencent exmail 2019 (501)"),
    ("", "equal authorized user", About::Sender, "163 2018 (553)"),
    ("", "is non-local account", About::Sender, "Aliyun's list, read 2026 (501)"),
    ("", "mailfrom account is", About::Sender, "Aliyun's list, read 2026 (502)"),
    ("", "\"mail from\" mailbox unavailable", About::Sender, "Aliyun's list, read 2026 (450)"),
    ("", "account isn't allowed to send", About::Sender, "Aliyun's list, read 2026 (541)"),
    ("", "wm:blu", About::Sender, "NetEase's list 2021"),
    ("", "mi:dma", About::Sender, "NetEase's list 2021: the domain has no MX or A record"),
    ("", "address is not verified", About::Sender, "SES 2014 (554), for a recipient of its sandbox too"),
    ("", "verified sender", About::Sender, "SendGrid 2022: the from address is no verified sender identity"),
    ("", "not authorized to send", About::Sender, "SendGrid's list, read 2026 (403)"),
    ("", "\"from\" header is", About::Sender, "QQ 2023 (550)"),
    ("", "anti-spoofing", About::Sender, "Mimecast 2020 (550)"),
    ("", "envelope blocked", About::Sender, "Mimecast 2020 (550): administrative prohibition"),
    ("", "dmarc", About::Sender, "Gmail 2016, QQ 2021, iCloud 2020"),
    ("", "spf * fail", About::Sender, "QQ 2021, Exim 2016"),
    // Relaying.
    ("", "relay access denied", About::Relay, "Postfix 2000 (554, 454)"),
    ("", "relay not permitted", About::Relay, "Exim 2004"),
    ("", "relaying denied", About::Relay, "Sendmail 2009"),
    ("", "relay denied", About::Relay, "Gmail, read 2026"),
    ("", "denies relay", About::Relay, "Sina's list, read 2026 (553)"),
    ("", "unable to relay", About::Relay, "Exchange 2007"),
    ("", "not permitted to relay", About::Relay, "Exim 2004"),
    ("", "allowed rcpthosts", About::Relay, "qmail 2010"),
    (
        "",
        "forward path is not allowed",
        About::Relay,
        "a company's server 2019 (550): domain of forward path",
    ),
    ("", "local user only", About::Relay, "163 2021 (553), Coremail's list, read 2026"),
    ("", "account isn't a local account", About::Relay, "Aliyun's list, read 2026 (503)"),
    // How much the server takes now.
    ("", "transient reject", About::Busy, "Aliyun's list, read 2026 (454)"),
    ("", "hl:icc", About::Busy, "NetEase's list 2021: too many connections"),
    ("", "hl:ifc", About::Busy, "NetEase's list 2021: too many messages of this address"),
    ("", "mi:sfq", About::Busy, "NetEase's list 2021: too many messages in 15 minutes"),
    ("", "mi:dmc", About::Busy, "NetEase's list 2021: too many messages on a connection"),
    ("", "rp:drc", About::Busy, "NetEase's list 2021: too many recipients on a connection"),
    ("", "dt:spm * try again", About::Busy, "NetEase's list 2021: later"),
    ("", "greylist", About::Busy, "Postgrey 2005, Mimecast 2020"),
    (
        "",
        "messages per ",
        About::Busy,
        "Stalwart 2025 (452): maximum number of messages per session; emailit 2026 (452): per second",
    ),
    ("", "too many messages * connection", About::Busy, "Exim 2006"),
    ("", "too many messages * session", About::Busy, "Sendmail 2010"),
    ("", "concurrent", About::Busy, "Exim 2018 (421), Exchange Online 2021 (432)"),
    ("", "too many connections", About::Busy, "Postfix 2003"),
    ("", "server busy", About::Busy, "Exchange Online 2023 (451), Gmail 2020 (421)"),
    ("", "agent busy", About::Busy, "Exchange Online 2023 (451)"),
    ("", "access denied, please try again", About::Busy, "Exchange Online 2023 (451 4.7.500)"),
    ("", "mail rejected, please try again", About::Busy, "139.com 2025 (450)"),
    (
        "",
        "processing requests from your host",
        About::Busy,
        "Exim 2018 (451): the server has reached its limit",
    ),
    ("", "temporarily deferred", About::Busy, "Yahoo 2020, SendGrid 2020"),
    ("", "maximum sending rate", About::Busy, "SES's guide, read 2026 (454)"),
    ("", "out of memory", About::Busy, "Sina's list, read 2026 (450)"),
    // How much the sender may send.
    ("", "frequency limited", About::Limit, "QQ 2017: IP, domain, sender or connection frequency limited"),
    ("", "too frequent", About::Limit, "Alibaba Mail 2022 (454, 554): too frequently sending"),
    ("", "sending quota", About::Limit, "Coremail 2020, Aliyun DirectMail's list 2025 (552)"),
    ("", "message quota exceeded", About::Limit, "SES's guide, read 2026 (454)"),
    ("", "submissionquotaexceeded", About::Limit, "Exchange Online 2021 (554 5.2.0)"),
    ("", "outgoing limit", About::Limit, "Migadu 2024 (554): reached address outgoing limits"),
    ("", "hour limit", About::Limit, "a relay 2024 (550): exceeded hour limit"),
    ("", "package exceeded", About::Limit, "a relay 2026 (535): package exceeded"),
    ("", "exceedsendlimit", About::Limit, "Tencent Cloud SES 2024 (554)"),
    ("", "insufficientquota", About::Limit, "Tencent Cloud SES 2024 (554)"),
    ("", "frequencylimit", About::Limit, "Tencent Cloud SES 2024 (554)"),
    ("", "number of rcpts is over", About::Limit, "Aliyun DirectMail 2025 (556)"),
    ("", "sending limit", About::Limit, "Gmail's list, read 2026 (550 5.4.5)"),
    ("", "max emails per hour", About::Limit, "cPanel 2015"),
    ("", "max defers and failures", About::Limit, "cPanel 2014"),
    ("", "outgoing mail suspension", About::Limit, "cPanel 2020: the domain has an outgoing mail suspension"),
    ("", "outgoing mail hold", About::Limit, "cPanel 2020: the domain has an outgoing mail hold"),
    ("", "sending * suspended", About::Limit, "SES 2017 (554)"),
    ("", "sending paused", About::Limit, "SES 2018 (554)"),
    ("", "maximum credits exceeded", About::Limit, "SendGrid 2014 (451)"),
    ("", "tenant has exceeded", About::Limit, "Microsoft's list 2023"),
    ("", "submission quota", About::Limit, "Microsoft's list 2023"),
    ("", "submission rate", About::Limit, "Microsoft's list 2023 (421)"),
    ("", "daily limit", About::Limit, "Microsoft's list 2023: for message recipients"),
    ("", "policy rejection * quota", About::Limit, "Postfix policyd 2021: quota exceeded"),
    ("", "rate limit", About::Limit, "Postfix 2014, Exchange Online 2024"),
    ("", "too many messages", About::Limit, "GoDaddy 2020"),
    ("", "unusual rate", About::Limit, "Gmail's list, read 2026"),
    ("", "behaviour spam", About::Limit, "Aliyun's list, read 2026 (554)"),
    ("", "rcpt attempts is achieved", About::Limit, "Aliyun's list, read 2026 (504)"),
    ("", "total of rcpts is achieved", About::Limit, "Aliyun's list, read 2026 (505)"),
    // This machine's address.
    ("", "connection denied", About::Host, "QQ 2021 (550)"),
    ("", "spam ip", About::Host, "QQ 2021 (550): suspected spam ip"),
    ("", "client host", About::Host, "Postfix 2000, Exchange Online 2014: rejected, blocked"),
    ("", "blocked using", About::Host, "Postfix 2000"),
    ("", "blacklist", About::Host, "Exim 2016, GMX 2018"),
    ("", "black list", About::Host, "Exim 2004"),
    ("", "blocklist", About::Host, "Exchange Online 2023"),
    ("", "block list", About::Host, "Outlook.com 2017"),
    ("", "spamhaus", About::Host, "Mimecast 2019, Yahoo 2018"),
    ("", "listed at", About::Host, "Exim 2004"),
    ("", "dnsbl", About::Host, "Comcast 2018"),
    ("", "ptr record", About::Host, "Gmail 2022"),
    ("", "reverse dns", About::Host, "OpenSMTPD 2024, AOL 2014"),
    ("", "cannot find your", About::Host, "Postfix 2005: reverse hostname"),
    ("", "reputation", About::Host, "IronPort 2018, Exchange Online 2024"),
    ("", "blocked - see", About::Host, "Proofpoint 2017"),
    ("", "banned sending", About::Host, "Exchange Online 2015"),
    ("", "black ip", About::Host, "Sina's list, read 2026 (550)"),
    ("", "ip is rejected", About::Host, "Coremail's list, read 2026"),
    ("", "invalid ip", About::Host, "Coremail's list, read 2026"),
    ("", "remote ip check", About::Host, "Sina's list, read 2026 (556)"),
    ("", "wm:bli", About::Host, "NetEase's list 2021"),
    ("", "dt:rbl", About::Host, "NetEase's list 2021"),
    ("", "hl:", About::Host, "NetEase's list 2021 (554): HL:ITC, HL:IPB, HL:IHU and the like"),
    // Too large.
    (
        "",
        "or the recipient's mailbox is full",
        About::Full,
        "Exchange 2003: larger than the current limit, or full",
    ),
    ("", "message size", About::Size, "Postfix 2003: exceeds fixed limit; Sendmail 2012"),
    ("", "message too large", About::Size, "QQ 2021 (552)"),
    ("", "too large", About::Size, "Sendmail 2017, Exchange 2010"),
    ("", "too big", About::Size, "Exim 2004, DragonFly 2024"),
    ("", "message is too long", About::Size, "Sina's list, read 2026 (552)"),
    ("", "mailsize limit", About::Size, "Coremail 2020"),
    ("", "size limit", About::Size, "Mimecast 2020"),
    (
        "",
        "length of data content",
        About::Size,
        "Aliyun's list, read 2026 (510), Aliyun DirectMail's list 2025 (557)",
    ),
    ("", "larger than", About::Size, "Mimecast 2020"),
    // The mailbox has no room.
    ("", "mailbox * full", About::Full, "Dovecot 2010, Aliyun's list, read 2026 (552)"),
    ("", "over quota", About::Full, "Sendmail 2013, Gmail's list, read 2026"),
    ("", "overquota", About::Full, "Gmail 2023"),
    ("", "exceed* quota", About::Full, "Courier 2010"),
    ("", "quota exceed", About::Full, "Postfix 2019, qmail 2015, Coremail 2020"),
    ("", "out of storage", About::Full, "Gmail 2023"),
    // The content.
    ("", "content reject", About::Content, "Postfix 2000, Coremail 2020"),
    ("", "by content spam", About::Content, "Aliyun's list, read 2026 (554)"),
    ("", "mail content denied", About::Content, "QQ 2018 (550)"),
    ("", "suspicion of spam", About::Content, "Yandex 2020 (554)"),
    ("", "likely unsolicited", About::Content, "Gmail's list, read 2026"),
    ("", "spam", About::Content, "Barracuda 2011, Sina, QQ 2021"),
    ("", "dt:spm", About::Content, "163 2017 (554)"),
    ("", "virus", About::Content, "Courier 2010, Sina"),
    // Nobody has that address.
    ("", "user unknown", About::Unknown, "Sendmail 2009, Postfix 2000"),
    ("", "unknown user", About::Unknown, "Exim 2004, Courier 2010"),
    ("", "no such user", About::Unknown, "Apache James 2013, Yandex 2020"),
    ("", "no such recipient", About::Unknown, "Exim 2004"),
    ("", "no such mailbox", About::Unknown, "a list of bounces 2024"),
    ("", "user not found", About::Unknown, "163 2022, Coremail's list, read 2026"),
    ("", "user not exist", About::Unknown, "McAfee 2018, 263"),
    ("", "mailbox not found", About::Unknown, "QQ 2021 (550)"),
    ("", "recipient not found", About::Unknown, "Exchange 2001 to Online 2017"),
    ("", "invalid rcptto", About::Unknown, "Aliyun DirectMail 2025 (559): known to be invalid"),
    ("", "invalid recipient", About::Unknown, "Symantec 2020, InterScan 2009"),
    ("", "invalid mailbox", About::Unknown, "Mail.ru 2020"),
    ("", "recipient unknown", About::Unknown, "Lotus Domino 2010"),
    ("", "unknown recipient", About::Unknown, "Exchange 2003"),
    ("", "unrouteable address", About::Unknown, "Exim 2004"),
    ("", "undeliverable address", About::Unknown, "Postfix 2002: asked at the recipient's server"),
    ("", "not a known user", About::Unknown, "AOL 2010"),
    ("", "does not exist", About::Unknown, "Gmail 2020, Exim 2016"),
    ("", "doesn't exist", About::Unknown, "Exchange Online 2017"),
    ("", "dosn't exist", About::Unknown, "Aliyun's list, read 2026 (554), so spelt"),
    // The mailbox takes nothing now.
    ("", "isn't allowed to receive", About::Closed, "Aliyun's list, read 2026 (542)"),
    ("", "user suspended", About::Closed, "Coremail's list, read 2026"),
    ("", "user hangup", About::Closed, "Coremail's list, read 2026"),
    ("", "user is locked", About::Closed, "Sina's list, read 2026 (550)"),
    ("", "mailbox disabled", About::Closed, "PowerMTA 2011"),
    ("", "account * disabled", About::Closed, "Gmail 2017: the account that you tried to reach is disabled"),
    ("", "inactive", About::Closed, "Gmail 2022"),
    ("", "rejected by recipients", About::Closed, "QQ 2021 (550): the recipient's own list"),
    ("", "too quickly", About::Closed, "Gmail 2020 (450): the user is receiving mail too quickly"),
    (
        "",
        "at a rate that",
        About::Closed,
        "Gmail 2020 (450, 550): receiving mail at a rate that prevents additional messages",
    ),
    ("", "receiving messages is limited", About::Closed, "QQ 2024 (550)"),
    (
        "",
        "mailbox unavailable",
        About::Closed,
        "RFC 5321 of 450 and 550; Outlook.com 2015; QQ's list 2021: too much mail at once",
    ),
    // Last: with what else it is said, that decides.
    ("", "try again", About::Later, "Postfix 2003, Exchange Online 2023"),
];

/// Codes that name the field alone (RFC 3463, 3): they decide where no wording is known.
const FIELD_CODES: &[Row] = &[
    ("1.1", "", About::Unknown, "RFC 3463; Gmail 2010, Exchange 2007"),
    ("1.3", "", About::Unknown, "RFC 3463; Postfix 2003"),
    ("1.6", "", About::Unknown, "RFC 3463: moved"),
    ("1.10", "", About::Unknown, "RFC 7505; Exchange Online 2016: RecipientNotFound"),
    ("2.1", "", About::Closed, "RFC 3463; Gmail 2012"),
    ("2.2", "", About::Full, "RFC 3463; Gmail 2012, Exchange 2007"),
    ("2.3", "", About::Size, "RFC 3463; Exchange 2007"),
    ("3.*", "", About::Busy, "RFC 3463: the mail system; Postfix 2003, Exchange 2013"),
    ("4.5", "", About::Busy, "RFC 3463: congestion; Stalwart 2025"),
    ("5.*", "", About::Busy, "RFC 3463: the protocol; Postfix 2003"),
    ("6.*", "", About::Content, "RFC 3463: the content; Momentum 2019"),
    (
        "",
        "recipient address rejected",
        About::Closed,
        "Postfix 2003: access denied, and what its policy servers say",
    ),
];

/// What a refusal at `stage` is about, as far as its text says so.
pub(super) fn about(stage: Stage, text: &str) -> Option<About> {
    let words = words(text);
    let code = enhanced(text);
    let fits = |row: &&Row| {
        let (pattern, wording, about, _) = **row;
        about.is_possible_at(stage)
            && (pattern.is_empty() || code.is_some_and(|code| is_code(pattern, code)))
            && (wording.is_empty() || has(&words, wording))
    };
    let mut rows = TELLING_CODES.iter().chain(WORDINGS).chain(FIELD_CODES);
    rows.find(fits).map(|(_, _, about, _)| *about)
}

/// Subject and detail of `5.1.8` (RFC 3463, 2), where that is the first number in the text.
fn enhanced(text: &str) -> Option<(&str, &str)> {
    let first = text.trim_start_matches(|c: char| !c.is_ascii_digit()).split([' ', '\t', ':', ';']).next()?;
    let mut parts = first.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let detail = detail.trim_end_matches(|c: char| !c.is_ascii_digit());
    let is_enhanced =
        matches!(class, "4" | "5") && parts.next().is_none() && is_number(subject) && is_number(detail);
    is_enhanced.then_some((subject, detail))
}

fn is_code(pattern: &str, (subject, detail): (&str, &str)) -> bool {
    pattern.split_once('.').is_some_and(|(wanted, rest)| wanted == subject && (rest == "*" || rest == detail))
}

/// In small letters, and without what only quotes somebody: addresses and links may contain any word.
fn words(text: &str) -> String {
    let text = text.to_lowercase();
    let said = text.split_whitespace().filter(|word| !word.contains("://") && !is_address(word));
    said.collect::<Vec<_>>().join(" ")
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

/// Whether the parts around `*` stand in `text` in their order.
fn has(text: &str, wording: &str) -> bool {
    let mut rest = text;
    wording.split('*').all(|part| {
        let found = rest.find(part.trim_end());
        match found.and_then(|at| rest.get(at + part.trim_end().len()..)) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        }
    })
}

#[cfg(test)]
mod tests;
