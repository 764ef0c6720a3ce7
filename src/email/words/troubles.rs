//! What operators are told of a trouble and of its end: which sentences stand where. The words are in `operator_words.rs`.

use super::event_text::{Goodness, Saying, Telling};
use super::operator_words as w;
use super::phrasebook::Phrase;
use super::{causes, days, names};
use crate::domain::event::{MassEnd, Trouble, TroubleFacts};
use crate::domain::language::Language;
use crate::domain::text::displayable;
use crate::domain::trouble_cause::TroubleCause;

/// What is said of one kind of trouble, or of one cause that has words of its own.
#[derive(Debug, Clone, Copy)]
struct Words {
    title: Phrase,
    over: Phrase,
    means: Phrase,
    action: Phrase,
}

fn words(trouble: Trouble, facts: &TroubleFacts) -> Words {
    words_of_cause(trouble, facts).unwrap_or_else(|| words_of_kind(trouble))
}

/// What is said of a cause that its kind's words do not fit.
fn words_of_cause(trouble: Trouble, facts: &TroubleFacts) -> Option<Words> {
    let is = |phrase: Phrase| phrase.read(Language::English, &facts.reason).is_some();
    let of = |title, over, means, action| Some(Words { title, over, means, action });
    match trouble {
        Trouble::ApiCredential if is(w::NO_KEY_GIVEN) => {
            of(w::NO_KEY, w::NO_KEY_OVER, w::MEANS_JUDGED_ON, w::DO_NO_KEY)
        }
        Trouble::ApiQuota if is(w::LIMIT_REACHED) => {
            of(w::OWN_LIMIT, w::API_QUOTA_OVER, w::MEANS_JUDGED_ON, w::DO_OWN_LIMIT)
        }
        Trouble::CompanyUnverified if is(w::CALLS_NEEDED) => {
            of(w::TOO_LARGE, w::COMPANY_UNVERIFIED_OVER, w::MEANS_OF_THIS_COMPANY, w::DO_TOO_LARGE)
        }
        Trouble::DatabaseUnavailable if is_restored(facts) => {
            of(w::DATABASE_RESTORED, w::DATABASE_RESTORED, w::MEANS_RESTORED, w::DO_RESTORED)
        }
        Trouble::UnreadableDate
            if [w::END_BEFORE_ISSUE, w::ISSUED_IN_FUTURE, w::TOO_LONG, w::TWO_ENDS].into_iter().any(is) =>
        {
            of(w::DATE_ODD, w::DATE_OVER, w::MEANS_STATED_END, w::DO_DATE)
        }
        Trouble::IdentityChanged if is(w::SAME_COMPANY) => {
            of(w::IDENTITY_CHANGED, w::IDENTITY_CHANGED_OVER, w::MEANS_NOTHING_KNOWN, w::DO_IDENTITY_CHANGED)
        }
        _ => None,
    }
}

/// What is said of each kind.
fn words_of_kind(trouble: Trouble) -> Words {
    let [title, over, means, action] = match trouble {
        Trouble::ApiCredential => {
            [w::API_CREDENTIAL, w::API_CREDENTIAL_OVER, w::MEANS_JUDGED_ON, w::DO_API_CREDENTIAL]
        }
        Trouble::ApiQuota => [w::API_QUOTA, w::API_QUOTA_OVER, w::MEANS_JUDGED_ON, w::DO_API_QUOTA],
        Trouble::ApiUnreachable => {
            [w::API_UNREACHABLE, w::API_UNREACHABLE_OVER, w::MEANS_JUDGED_ON, w::DO_API_UNREACHABLE]
        }
        Trouble::ApiUnknownCode => {
            [w::API_UNKNOWN_CODE, w::API_UNKNOWN_CODE_OVER, w::MEANS_OF_THIS_COMPANY, w::DO_API_UNKNOWN_CODE]
        }
        Trouble::CompanyNotFound => {
            [w::COMPANY_NOT_FOUND, w::COMPANY_NOT_FOUND_OVER, w::MEANS_NOTHING_KNOWN, w::DO_COMPANY_NOT_FOUND]
        }
        Trouble::CompanyUnverified => [
            w::COMPANY_UNVERIFIED,
            w::COMPANY_UNVERIFIED_OVER,
            w::MEANS_OF_THIS_COMPANY,
            w::DO_COMPANY_UNVERIFIED,
        ],
        Trouble::IdentityChanged => {
            [w::IDENTITY_CHANGED, w::IDENTITY_CHANGED_OVER, w::MEANS_OF_THIS_COMPANY, w::DO_IDENTITY_CHANGED]
        }
        Trouble::MassChange => [w::MASS_CHANGE, w::MASS_CHANGE_OVER, w::MEANS_LOSSES_WAIT, w::DO_MASS_CHANGE],
        Trouble::UnreadableDate => [w::DATE_UNREADABLE, w::DATE_OVER, w::MEANS_LAST_END, w::DO_DATE],
        Trouble::UnreadableItem => {
            [w::UNREADABLE_ITEM, w::UNREADABLE_ITEM_OVER, w::MEANS_ITEM, w::DO_UNREADABLE_ITEM]
        }
        Trouble::WatchlistRejected => {
            [w::WATCHLIST_REJECTED, w::WATCHLIST_REJECTED_OVER, w::MEANS_OLD_LIST, w::DO_WATCHLIST_REJECTED]
        }
        Trouble::EmailStopped => {
            [w::EMAIL_STOPPED, w::EMAIL_STOPPED_OVER, w::MEANS_MAIL_WAITS, w::DO_EMAIL_STOPPED]
        }
        Trouble::EmailLate => [w::EMAIL_LATE, w::EMAIL_LATE_OVER, w::MEANS_THIS_MAIL_WAITS, w::DO_EMAIL_LATE],
        Trouble::EmailUndeliverable => [
            w::EMAIL_UNDELIVERABLE,
            w::EMAIL_UNDELIVERABLE_OVER,
            w::MEANS_MAIL_GIVEN_UP,
            w::DO_EMAIL_UNDELIVERABLE,
        ],
        Trouble::DatabaseUnavailable => [
            w::DATABASE_UNAVAILABLE,
            w::DATABASE_UNAVAILABLE_OVER,
            w::MEANS_NOTHING_GOES,
            w::DO_DATABASE_UNAVAILABLE,
        ],
    };
    Words { title, over, means, action }
}

/// What a kind is called, whatever its cause.
pub(super) fn title(trouble: Trouble) -> Phrase {
    words(trouble, &TroubleFacts::default()).title
}

/// The same when it is over.
pub(super) fn title_of_end(trouble: Trouble) -> Phrase {
    words(trouble, &TroubleFacts::default()).over
}

/// What is said of a trouble that began.
pub(super) fn began(told: &Telling<'_>, trouble: Trouble, facts: &TroubleFacts) -> Saying {
    let words = words(trouble, facts);
    let title = told.text(words.title);
    let since = days::instant(facts.since.unwrap_or(told.event.at), told.language);
    let line = facts.line.map(|line| told.with(w::LINE, &[("line", &line.to_string())]));
    let pieces = [Some(told.with(w::SINCE, &[("at", &since)])), place(facts), line];
    let pieces: Vec<String> = pieces.into_iter().flatten().collect();
    Saying {
        badge: title.clone(),
        title,
        lead: names::sentence(&pieces.join(names::semicolon(told.language)), told.language),
        notes: [
            said(told, facts, w::REASON),
            causes::further_faults(facts, told.language),
            vec![told.text(words.means)],
        ]
        .concat(),
        action: advice(told, trouble, facts, words.action),
        queried: None,
        goodness: Goodness::OfItsKind,
    }
}

/// What is said of a trouble that is over: the same thing is named.
pub(super) fn ended(told: &Telling<'_>, trouble: Trouble, facts: &TroubleFacts) -> Saying {
    let is_restored = is_restored(facts);
    let (over, action) = match facts.mass_end {
        Some(MassEnd::Confirmed) => (w::MASS_CHANGE_CONFIRMED, w::DO_NOTHING),
        Some(MassEnd::Rewritten) => (w::MASS_CHANGE_REWRITTEN, w::DO_COMPARE_REWRITTEN),
        None if is_restored => (w::DATABASE_RESTORED, w::DO_RESTORED),
        Some(MassEnd::Back) | None => (words(trouble, facts).over, w::DO_NOTHING),
    };
    let title = told.text(over);
    let at = days::instant(told.event.at, told.language);
    let lead = match facts.since.filter(|_| !is_restored) {
        Some(since) => {
            let since = days::instant(since, told.language);
            told.with(w::OVER_SINCE, &[("since", &since), ("at", &at)])
        }
        None => told.with(w::OVER, &[("at", &at)]),
    };
    let mut notes = said(told, facts, if is_restored { w::REASON } else { w::FORMER_REASON });
    if is_restored {
        notes.push(told.text(w::MEANS_RESTORED));
    }
    if !facts.went_to.is_empty() {
        let names: Vec<String> = facts.went_to.iter().map(|address| names::name(address)).collect();
        notes.push(told.with(w::WENT_TO, &[("names", &names.join(names::comma(told.language)))]));
    }
    Saying {
        badge: title.clone(),
        title,
        lead: [place(facts), Some(lead)].into_iter().flatten().collect::<Vec<_>>().join(
            match told.language {
                Language::Chinese => "：",
                Language::English => ": ",
            },
        ),
        notes,
        action: told.text(action),
        queried: None,
        goodness: Goodness::OfItsKind,
    }
}

fn is_restored(facts: &TroubleFacts) -> bool {
    matches!(facts.cause, Some(TroubleCause::Restored { .. }))
}

/// Which host, file or address it is about, inert.
fn place(facts: &TroubleFacts) -> Option<String> {
    facts.place.as_deref().map(names::name).filter(|place| !place.is_empty())
}

/// What happened, and to which companies.
fn said(told: &Telling<'_>, facts: &TroubleFacts, because: Phrase) -> Vec<String> {
    let mut notes = Vec::new();
    let reason = reason(facts, told.language);
    let code = facts.code.map(|code| code.to_string()).unwrap_or_default();
    if !reason.is_empty() {
        let code = if code.is_empty() { String::new() } else { told.with(w::CODE, &[("code", &code)]) };
        let reason = told.with(because, &[("reason", &format!("{reason}{code}"))]);
        notes.push(names::sentence(&reason, told.language));
    } else if !code.is_empty() {
        notes.push(told.with(w::ANSWERED, &[("code", &code)]));
    }
    if !facts.companies.is_empty() {
        let words = match facts.mass_end {
            None | Some(MassEnd::Back) => w::COMPANIES,
            Some(MassEnd::Confirmed) => w::CONFIRMED_OF,
            Some(MassEnd::Rewritten) => w::REWRITTEN_OF,
        };
        notes.push(told.with(words, &[("names", &companies(facts, told.language))]));
    }
    if facts.mass_end == Some(MassEnd::Back) {
        let silent: Vec<String> = facts.silent.iter().map(|company| names::name(company)).collect();
        notes.push(if silent.is_empty() {
            told.text(w::BACK_AGAIN)
        } else {
            told.with(w::BACK_BUT, &[("names", &told.listed(&silent))])
        });
    }
    notes
}

/// The companies it touches, and how many are not named.
fn companies(facts: &TroubleFacts, language: Language) -> String {
    const NAMED_MAX: usize = 30;
    let companies: Vec<String> = facts.companies.iter().map(|company| names::name(company)).collect();
    let more = usize::try_from(facts.more_companies).unwrap_or(usize::MAX);
    names::companies(&companies, NAMED_MAX, companies.len().saturating_add(more), language)
}

/// Why, in the language of the mail where the words are ours; what others say stays as it is.
pub(super) fn reason(facts: &TroubleFacts, language: Language) -> String {
    if let (Some(cause), Language::Chinese) = (&facts.cause, language) {
        return displayable(&causes::in_chinese(cause));
    }
    let ours = |phrase: &Phrase| {
        let places = phrase.read(Language::English, &facts.reason)?;
        let places: Vec<(&str, &str)> = places.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Some(phrase.with(language, &places))
    };
    displayable(&REASONS.iter().find_map(ours).unwrap_or_else(|| facts.reason.clone()))
}

/// The reasons that are ours and have no cause with their facts. Rows, `--json` and logs have them in English; a mail says them in its own language.
const REASONS: &[Phrase] = &[
    w::NO_KEY_GIVEN,
    w::LIMIT_REACHED,
    w::NOTHING_FOUND,
    w::SAME_COMPANY,
    w::NO_TOTAL,
    w::TOTAL_CHANGED,
    w::INCOMPLETE,
    w::TWICE,
    w::TOO_MANY,
    w::UNNUMBERED_NAMED,
    w::UNNUMBERED,
    w::UNNUMBERED_MANY_NAMED,
    w::UNNUMBERED_MANY,
    w::ANOTHER_COMPANYS,
    w::ANSWER_OF_NOBODY,
    w::ALL_NOT_PAID,
    w::OTHER_ID,
    w::CUT_OFF,
    w::PAGE_EMPTY,
    w::CALLS_NEEDED,
    w::LOST_AT_ONCE,
    w::NO_END,
    w::ENDLESS,
    w::END_UNREADABLE,
    w::TWO_ENDS,
    w::END_BEFORE_ISSUE,
    w::ISSUED_IN_FUTURE,
    w::TOO_LONG,
    w::NO_WHOLE_ANSWER,
    w::NO_CONNECTION_REFUSED,
    w::NO_CONNECTION,
    w::NO_TLS,
    w::NO_ANSWER,
    w::BROKE_OFF,
    w::ANSWER_TOO_LONG,
    w::WEB_PAGE,
    w::REDIRECTED,
    w::UNREADABLE_WEB_PAGE,
    w::UNREADABLE,
    w::NOT_TAKEN_AT_RECIPIENT,
    w::CONNECTION_REFUSED,
    w::SERVER_AWAY,
    w::LOGIN_REFUSED,
    w::SENDER_REFUSED,
    w::RECIPIENT_REFUSED,
];

/// What a person can do. The provider's codes have English words with the table of codes, so that Chinese has its own here.
fn advice(told: &Telling<'_>, trouble: Trouble, facts: &TroubleFacts, general: Phrase) -> String {
    let is_api = matches!(
        trouble,
        Trouble::ApiCredential | Trouble::ApiQuota | Trouble::ApiUnknownCode | Trouble::CompanyNotFound
    );
    let own = match told.language {
        Language::Chinese => {
            let code = facts.code.filter(|_| is_api);
            let of_code = code.and_then(|code| CODES.iter().find(|(of, _)| *of == code));
            of_code.map(|(_, advice)| (*advice).to_owned())
        }
        Language::English => facts.advice.as_deref().map(displayable).filter(|own| !own.is_empty()),
    };
    own.map_or_else(|| told.text(general), |own| names::sentence(&own, told.language))
}

/// What to do about a code of the provider's document.
const CODES: &[(i64, &str)] = &[
    (265_001, "接口称缺少参数：检查该条目的关键词，以及 [api].url 是否为文档所载地址。"),
    (265_002, "接口不接受该关键词：请填写工商登记全称或统一社会信用代码。"),
    (265_004, "接口查询不到该关键词：对照营业执照核对；统一社会信用代码最稳定。"),
    (
        10001,
        "密钥错误：到聚合数据个人中心“我的数据”核对接口密钥。key_file 会自动重读；更换 systemd 凭据或环境变量后须重启服务。",
    ),
    (10002, "密钥正确，但没有本接口的权限：在该账号下申请“企业建筑资质资格查询”，或改用该接口自己的密钥。"),
    (10003, "密钥已过期：到聚合数据个人中心续期。"),
    (10004, "所填并非接口密钥：请用“我的数据”中的密钥，不是账号的 OpenID。"),
    (10005, "账号的应用未按时提交认证：到聚合数据提交认证。"),
    (10007, "接口不认可请求来源：检查账号是否限制了调用来源，并加入本机。"),
    (10008, "本机地址被禁止，更换密钥无用：把本机地址加入账号白名单，或请接口提供方解除。"),
    (10009, "密钥被禁止：向接口提供方了解原因，或申请新的密钥。"),
    (
        10011,
        "本机地址请求过多：将在 [api].ip_backoff 之后自动继续；如再次发生，请调低 [api].requests_per_second。",
    ),
    (
        10012,
        "或为当日限额用完（次日零点后恢复），或为套餐次数用完（不会自行恢复）：到“我的数据”查看，用完时请购买次数。",
    ),
    (10013, "测试密钥的次数用完（当日或永久）：到“我的数据”查看，并改用付费密钥。"),
    (10021, "该接口已停用，更换密钥无用：向接口提供方了解替代接口，新地址写入 [api].url。"),
];
