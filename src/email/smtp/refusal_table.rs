//! What mail servers refuse, and whose fault that is: one table. A server may say it at any stage (Postfix keeps all its
//! refusals for RCPT, Exchange and Gmail say some after the message), so the stage alone says little.
//!
//! What decides, in this order: an enhanced code that names the matter (RFC 3463 and the providers' own), the wording, an
//! enhanced code that names only a field, then stage and digits ([`failure`](super::failure)). The sender's rows stand before
//! the recipient's: a refused sender that is taken for an unknown recipient burns everybody, and the reverse delays one.

use super::fault::{Fault, Stage};

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
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Login
            | Self::OAuth
            | Self::Sender
            | Self::Relay
            | Self::Host
            | Self::Helo
            | Self::Limit => Fault::Sender,
            Self::Busy => Fault::Server,
            Self::Full | Self::Closed => Fault::RecipientForNow,
            Self::Unknown => Fault::RecipientForGood,
            Self::Content => Fault::Message,
            Self::Size => Fault::TooLarge,
        }
    }

    /// Whether a refusal at that stage can be about this. Before a recipient is named it is not about one.
    fn is_possible_at(self, stage: Stage) -> bool {
        match stage {
            Stage::Connect | Stage::Tls => matches!(self, Self::Host | Self::Helo | Self::Busy),
            Stage::Auth => matches!(self, Self::Login | Self::OAuth | Self::Limit | Self::Busy),
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
            Self::Login | Self::Sender | Self::Busy | Self::Full | Self::Unknown | Self::Content => None,
        }
    }
}

/// Enhanced code (its class left out: 4 or 5), wording (in small letters, parts in their order around `*`), meaning, and where
/// and when it was seen.
type Row = (&'static str, &'static str, About, &'static str);

/// Codes that name the matter: they decide before any wording.
const TELLING_CODES: &[Row] = &[
    ("1.7", "", About::Sender, "RFC 3463; Postfix 2003"),
    ("1.8", "", About::Sender, "RFC 3463; Postfix 2003, Exchange Online 2016 (bad outbound sender)"),
    ("1.90", "", About::Limit, "Exchange Online 2019: too many recipients a day"),
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
    ("7.133", "", About::Closed, "Exchange 2016: the group takes no mail from outside"),
    ("7.134", "", About::Closed, "Exchange 2016: the mailbox takes no mail from outside"),
    ("7.136", "", About::Closed, "Exchange 2016: the mail user takes no mail from outside"),
    ("7.139", "", About::OAuth, "Exchange Online 2022: basic authentication is disabled"),
    ("7.232", "", About::Limit, "Exchange Online 2024: the tenant's external recipients of the day"),
    ("7.233", "", About::Limit, "Exchange Online 2024: the same for a trial tenant"),
    ("7.501", "", About::Sender, "Exchange Online 2016: spam abuse of the sender"),
    ("7.502", "", About::Sender, "Exchange Online 2016: banned sender"),
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
    ("", "basic authentication is disabled", About::OAuth, "Exchange Online 2022"),
    ("", "smtpclientauthentication is disabled", About::OAuth, "Exchange Online 2020"),
    ("", "xoauth2", About::OAuth, "Outlook.com 2024"),
    // Closed groups speak of authentication, too.
    ("", "resolver.rst", About::Closed, "Exchange 2013"),
    // The login.
    ("", "too much fail", About::Login, "Aliyun 2019, NetEase 2018: the account is locked for a while"),
    ("", "too many * login", About::Login, "Gmail 2019: too many login attempts"),
    (
        "",
        "authentication * required",
        About::Login,
        "Exim 2008, SES 2015; 163 2018: authentication is required",
    ),
    ("", "authentication fail", About::Login, "Aliyun 2019 (526), Exim 2010"),
    ("", "authentication credentials invalid", About::Login, "SES 2015"),
    ("", "username and password not accepted", About::Login, "Gmail 2014"),
    ("", "must authenticate", About::Login, "Zimbra 2012, MDaemon 2015"),
    ("", "authenticate first", About::Login, "Coremail 2016"),
    ("", "need to authenticate", About::Login, "GoDaddy 2014"),
    ("", "not logged in", About::Login, "hMailServer 2013"),
    ("", "not authenticated", About::Login, "Exchange 2010: client was not authenticated; Exim 2012"),
    ("", "auth first", About::Login, "Tencent exmail 2017: need EHLO and AUTH first"),
    ("", "pop before smtp", About::Login, "qmail 2005"),
    ("", "authentication failed: * disabled", About::Login, "Zimbra 2016"),
    ("", "授权码", About::Login, "QQ 2022"),
    ("", "登录失败", About::Login, "QQ 2023"),
    // The name in EHLO.
    ("", "helo command rejected", About::Helo, "Postfix 2003"),
    ("", "fully-qualified hostname", About::Helo, "Postfix 2003"),
    ("", "invalid helo", About::Helo, "cPanel 2016: access denied, invalid HELO name"),
    ("", "helo argument", About::Helo, "Exim 2005: syntactically invalid"),
    ("", "helohost error", About::Helo, "Sina 2012 (555)"),
    ("", "helo * invalid", About::Helo, "OpenSMTPD 2018, Sendgrid 2020"),
    // The sender's address.
    ("", "sender address rejected", About::Sender, "Postfix 2003, whatever follows"),
    ("", "not owned by user", About::Sender, "Postfix 2005"),
    ("", "sender rejected", About::Sender, "Sendmail 2008, Yandex 2018"),
    ("", "sender denied", About::Sender, "Exchange 2013"),
    ("", "sender is rejected", About::Sender, "Coremail 2016"),
    ("", "sender verify failed", About::Sender, "Exim 2005"),
    ("", "invalid sender", About::Sender, "Kerio 2014, Exim 2016"),
    ("", "fake sender", About::Sender, "Coremail 2016"),
    ("", "sender is unvalidated", About::Sender, "Sina 2012"),
    ("", "mail from invalid", About::Sender, "Sina 2012 (552)"),
    ("", "denies the sender", About::Sender, "Sina 2012 (553)"),
    ("", "domain of sender", About::Sender, "Sendmail 2003: does not exist, does not resolve"),
    ("", "bad outbound sender", About::Sender, "Exchange Online 2016"),
    (
        "",
        "to send as ",
        About::Sender,
        "Exchange 2010: permissions to send as this sender, not allowed to send as",
    ),
    ("", "sendasdenied", About::Sender, "Exchange 2019"),
    ("", "conform with authentication", About::Sender, "Aliyun 2019 (440)"),
    ("", "same as authorization user", About::Sender, "QQ, Tencent exmail 2026 (501)"),
    ("", "equal authorized user", About::Sender, "163 2018 (553)"),
    ("", "is non-local account", About::Sender, "Aliyun 2019 (501)"),
    ("", "mailfrom account is", About::Sender, "Aliyun 2019 (502)"),
    ("", "\"mail from\" mailbox unavailable", About::Sender, "Aliyun 2019 (450)"),
    ("", "account isn't allowed to send", About::Sender, "Aliyun 2019 (541)"),
    ("", "wm:blu", About::Sender, "NetEase 2018"),
    ("", "mi:dma", About::Sender, "NetEase 2018: the domain has no MX or A record"),
    ("", "address is not verified", About::Sender, "SES 2015"),
    ("", "verified sender", About::Sender, "Sendgrid 2020: the from address is no verified sender identity"),
    ("", "not authorized to send", About::Sender, "Sendgrid 2020 (403), Proofpoint 2019"),
    ("", "\"from\" header is", About::Sender, "QQ 2023 (550)"),
    ("", "from address * not", About::Sender, "Zoho 2017, Mailgun 2018"),
    ("", "anti-spoofing", About::Sender, "Mimecast 2018"),
    ("", "envelope blocked", About::Sender, "Mimecast 2018: administrative prohibition"),
    ("", "dmarc", About::Sender, "Gmail 2016: not accepted due to the domain's DMARC policy"),
    ("", "spf * fail", About::Sender, "Exim 2012, QQ 2021"),
    ("", "发件人", About::Sender, "Coremail 2020, QQ 2022"),
    // Relaying.
    ("", "relay access denied", About::Relay, "Postfix 2003 (554)"),
    ("", "relay not permitted", About::Relay, "Exim 2003"),
    ("", "relaying denied", About::Relay, "Sendmail 2003"),
    ("", "relay denied", About::Relay, "Kerio 2010"),
    ("", "denies relay", About::Relay, "Sina 2012 (553)"),
    ("", "unable to relay", About::Relay, "Exchange 2007"),
    ("", "relaying not", About::Relay, "MDaemon 2015, CommuniGate 2010: relaying not permitted, not allowed"),
    ("", "not permitted to relay", About::Relay, "Exim 2014"),
    ("", "do not relay", About::Relay, "IMail 2008"),
    ("", "allowed rcpthosts", About::Relay, "qmail 2003"),
    ("", "local user only", About::Relay, "Coremail 2016"),
    ("", "account isn't a local account", About::Relay, "Aliyun 2019 (503)"),
    // How much the server takes now.
    ("", "transient reject", About::Busy, "Aliyun 2019 (454)"),
    ("", "hl:icc", About::Busy, "NetEase 2018: too many connections"),
    ("", "hl:ifc", About::Busy, "NetEase 2018: too many messages of this address"),
    ("", "mi:sfq", About::Busy, "NetEase 2018: too many messages in 15 minutes"),
    ("", "mi:dmc", About::Busy, "NetEase 2018: too many messages on a connection"),
    ("", "rp:drc", About::Busy, "NetEase 2018: too many recipients on a connection"),
    ("", "dt:spm * try again", About::Busy, "NetEase 2018: later"),
    ("", "greylist", About::Busy, "Postgrey 2005, Exim 2012, Zimbra 2014"),
    ("", "graylist", About::Busy, "Kerio 2012, Mimecast 2018"),
    ("", "grey-list", About::Busy, "Sqlgrey 2008"),
    ("", "grey list", About::Busy, "MDaemon 2015"),
    ("", "messages per ", About::Busy, "Stalwart 2025 (452): maximum number of messages per session"),
    ("", "message count per ", About::Busy, "SES 2026 (421): on a connection"),
    ("", "too many messages * connection", About::Busy, "Exim 2005"),
    ("", "too many messages * session", About::Busy, "Sendmail 2010"),
    ("", "concurrent", About::Busy, "Exim 2020 (421), Exchange Online 2021 (432)"),
    ("", "too many connections", About::Busy, "Postfix 2007, Yahoo 2016"),
    ("", "too busy", About::Busy, "MailEnable 2015"),
    ("", "temporarily deferred", About::Busy, "Yahoo 2018, Sendgrid 2020"),
    ("", "maximum sending rate", About::Busy, "SES 2015 (454)"),
    ("", "out of memory", About::Busy, "Sina 2012 (450)"),
    // How much the sender may send.
    ("", "frequency limited", About::Limit, "QQ 2016: IP, domain or connection frequency limited"),
    ("", "too frequent", About::Limit, "Aliyun 2022: too frequently sending"),
    ("", "sending quota", About::Limit, "163 2018, Coremail 2020"),
    ("", "message quota exceeded", About::Limit, "SES 2015 (454): daily message quota exceeded"),
    ("", "sending limit", About::Limit, "Gmail 2015, Zoho 2018, GoDaddy 2014"),
    ("", "max emails per hour", About::Limit, "cPanel 2014"),
    ("", "max defers and failures", About::Limit, "cPanel 2014"),
    ("", "outgoing mail * suspended", About::Limit, "cPanel 2020"),
    ("", "sending * suspended", About::Limit, "SES 2017"),
    ("", "sending paused", About::Limit, "SES 2018"),
    ("", "maximum credits exceeded", About::Limit, "Sendgrid 2014 (451)"),
    ("", "tenant has exceeded", About::Limit, "Exchange Online 2017"),
    ("", "submission quota", About::Limit, "Exchange 2013"),
    ("", "submission rate", About::Limit, "Exchange 2013 (421)"),
    ("", "exceeded * per hour", About::Limit, "Plesk 2016, Exim 2016"),
    ("", "exceeded * per day", About::Limit, "Rackspace 2017"),
    ("", "hourly limit", About::Limit, "Namecheap 2018"),
    ("", "daily limit", About::Limit, "Zoho 2018, Yandex 2019"),
    ("", "policy rejection", About::Limit, "Postfix policyd 2021: quota exceeded"),
    ("", "rate limit", About::Limit, "Postfix policyd 2014, Mailgun 2018"),
    ("", "quota exceeded by", About::Limit, "163 2018"),
    ("", "too many messages", About::Limit, "Yandex 2018, Mail.ru 2019"),
    ("", "unusual rate", About::Limit, "Gmail 2015"),
    ("", "behaviour spam", About::Limit, "Aliyun 2019 (554)"),
    ("", "behavior spam", About::Limit, "Aliyun 2022"),
    ("", "rcpt attempts is achieved", About::Limit, "Aliyun 2019 (504)"),
    ("", "total of rcpts is achieved", About::Limit, "Aliyun 2019 (505)"),
    ("", "频率", About::Limit, "QQ 2022"),
    ("", "发信量", About::Limit, "Tencent exmail 2020"),
    // This machine's address.
    ("", "client host", About::Host, "Postfix 2003, Exchange Online 2014: rejected, blocked"),
    ("", "blocked using", About::Host, "Postfix 2003, Barracuda 2012"),
    ("", "blacklist", About::Host, "Zimbra 2014, Exim 2010"),
    ("", "black list", About::Host, "Exim 2005"),
    ("", "blocklist", About::Host, "Outlook.com 2019: part of their network is on our block list"),
    ("", "block list", About::Host, "Outlook.com 2017"),
    ("", "spamhaus", About::Host, "Exim 2015, Mimecast 2019"),
    ("", "listed at", About::Host, "Exim 2010"),
    ("", "listed in", About::Host, "Sendmail 2012"),
    ("", "dnsbl", About::Host, "Exim 2010"),
    ("", "ptr record", About::Host, "Gmail 2022, QQ 2020"),
    ("", "reverse dns", About::Host, "AOL 2014, Exim 2012"),
    ("", "cannot find your", About::Host, "Postfix 2003: reverse hostname"),
    ("", "reputation", About::Host, "IronPort 2014, Proofpoint 2018, Barracuda 2012"),
    ("", "blocked - see", About::Host, "Proofpoint 2018: ipcheck"),
    ("", "banned sending", About::Host, "Exchange Online 2016"),
    ("", "black ip", About::Host, "Sina 2012 (550)"),
    ("", "ip is rejected", About::Host, "Coremail 2016"),
    ("", "invalid ip", About::Host, "Coremail 2016"),
    ("", "ip address * blocked", About::Host, "Comcast 2016, T-Online 2018"),
    ("", "remote ip check", About::Host, "Sina 2012 (556)"),
    ("", "wm:bli", About::Host, "NetEase 2018"),
    ("", "dt:rbl", About::Host, "NetEase 2018"),
    ("", "hl:", About::Host, "NetEase 2018 (554): HL:ITC, HL:IPB, HL:IHU and the like"),
    // Too large.
    (
        "",
        "or the recipient's mailbox is full",
        About::Full,
        "Exchange 2003: larger than the current limit, or full",
    ),
    ("", "message size", About::Size, "Postfix 2003: exceeds fixed limit; Sendmail 2003"),
    ("", "message too large", About::Size, "Yahoo 2016"),
    ("", "too large", About::Size, "Zimbra 2014, Exim 2010"),
    ("", "too big", About::Size, "Exim 2005, OpenSMTPD 2018"),
    ("", "message is too long", About::Size, "Sina 2012 (552)"),
    ("", "mailsize limit", About::Size, "Coremail 2020"),
    ("", "size limit", About::Size, "Yandex 2018, Mimecast 2019"),
    ("", "length of data content", About::Size, "Aliyun 2019 (510)"),
    ("", "larger than", About::Size, "Exchange 2010"),
    // The mailbox has no room.
    ("", "mailbox * full", About::Full, "Dovecot 2008, Aliyun 2019 (552)"),
    ("", "over quota", About::Full, "Zimbra 2012, Gmail 2015"),
    ("", "overquota", About::Full, "Dovecot 2010"),
    ("", "exceed* quota", About::Full, "Courier 2006, AOL 2012"),
    ("", "quota exceed", About::Full, "Dovecot 2008, Aliyun 2019"),
    ("", "out of storage", About::Full, "Gmail 2022"),
    ("", "storage full", About::Full, "Hotmail 2012"),
    ("", "space not enough", About::Full, "Sina 2016"),
    ("", "已满", About::Full, "Coremail 2020"),
    // The content.
    ("", "content reject", About::Content, "Coremail 2020"),
    ("", "content rejected", About::Content, "Postfix 2003"),
    ("", "by content spam", About::Content, "Aliyun 2019 (554)"),
    ("", "mail content denied", About::Content, "QQ 2016 (550)"),
    ("", "suspicion of spam", About::Content, "Yandex 2018"),
    ("", "likely unsolicited", About::Content, "Gmail 2015"),
    ("", "spam", About::Content, "SpamAssassin 2005, Sina 2012, Barracuda 2012"),
    ("", "dt:spm", About::Content, "NetEase 2018 (554)"),
    ("", "virus", About::Content, "ClamAV 2006, Sina 2012"),
    // Nobody has that address.
    ("", "user unknown", About::Unknown, "Sendmail 2003, Postfix 2003"),
    ("", "unknown user", About::Unknown, "Exim 2005, Courier 2006"),
    ("", "no such user", About::Unknown, "qmail 2003, Gmail 2010"),
    ("", "no such recipient", About::Unknown, "MDaemon 2015"),
    ("", "no such mailbox", About::Unknown, "CommuniGate 2010"),
    ("", "user not found", About::Unknown, "163 2018, Coremail 2016"),
    ("", "user not exist", About::Unknown, "Coremail 2020"),
    ("", "mailbox not found", About::Unknown, "QQ 2016, Sina 2016"),
    ("", "recipient not found", About::Unknown, "Exchange 2016"),
    ("", "invalid recipient", About::Unknown, "OpenSMTPD 2018, Proofpoint 2018"),
    ("", "invalid mailbox", About::Unknown, "Mail.ru 2016"),
    ("", "recipient unknown", About::Unknown, "Lotus Domino 2008"),
    ("", "unknown recipient", About::Unknown, "Kerio 2010"),
    ("", "unrouteable address", About::Unknown, "Exim 2003"),
    ("", "undeliverable address", About::Unknown, "Postfix 2004: asked at the recipient's server"),
    ("", "not a known user", About::Unknown, "AOL 2010"),
    ("", "does not exist", About::Unknown, "Gmail 2010, Yandex 2018"),
    ("", "doesn't exist", About::Unknown, "Yahoo 2016, Aliyun 2022"),
    ("", "dosn't exist", About::Unknown, "Aliyun 2019 (554), so spelt"),
    ("", "用户不存在", About::Unknown, "QQ 2022, Coremail 2020"),
    ("", "收件人不存在", About::Unknown, "Coremail 2020"),
    // The mailbox takes nothing now.
    ("", "isn't allowed to receive", About::Closed, "Aliyun 2019 (542)"),
    ("", "user suspended", About::Closed, "Coremail 2016"),
    ("", "user hangup", About::Closed, "Coremail 2016"),
    ("", "user is locked", About::Closed, "Sina 2012"),
    ("", "mailbox disabled", About::Closed, "Postfix 2003, Yandex 2018"),
    ("", "account * disabled", About::Closed, "Gmail 2012: the account that you tried to reach is disabled"),
    ("", "inactive", About::Closed, "Gmail 2020, Mail.ru 2018"),
    ("", "mailbox unavailable", About::Closed, "RFC 5321 of 450 and 550; Outlook.com 2014"),
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
