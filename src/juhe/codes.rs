//! The document's error codes (错误码参照), and what each means to us: one table.

use crate::domain::outcome::Outcome;

/// Whether asking stops, and when one probe may see whether it can go on (design 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Asking goes on: the failure is one company's.
    GoesOn,
    /// One probe after the next midnight in Asia/Shanghai: limits are counted by the provider's day.
    AfterMidnight,
    /// One probe after `ip_backoff`: the limit is on this address, not on the day.
    AfterIpBackoff,
    /// One probe an hour, and at once when key or url changed.
    Hourly,
}

/// What one error code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What it leads to.
    pub class: Outcome,
    /// Whether asking stops, and for how long.
    pub pace: Pace,
    /// The document's 说明; `None` for a code that the document does not list.
    pub text: Option<&'static str>,
    /// 旧版本(resultcode): the older code that comes along; service codes have none.
    pub resultcode: Option<i64>,
    /// What a person can do; `None` where there is nothing to do.
    pub advice: Option<&'static str>,
}

/// A code that the document does not list: it may mean anything, so a person looks.
const UNLISTED: Meaning = Meaning {
    class: Outcome::Unknown,
    pace: Pace::GoesOn,
    text: None,
    resultcode: None,
    advice: Some("the provider's document does not list this code: ask the provider (juhe.cn) what it means"),
};

/// 10011, 当前IP请求超过限制: HTTP's 429 says the same.
pub(super) const ADDRESS_OVER_LIMIT: i64 = 10011;

/// 错误码参照, 服务级 and 系统级, in the document's order.
#[rustfmt::skip]
const CODES: [(i64, Meaning); 20] = [
    service(265_000, Outcome::Transient, "网络超时,请稍后再试", None),
    service(265_001, Outcome::Unknown, "参数缺失",
        Some("the provider misses a parameter that was sent: look at the keyword of this entry, and whether [api].url is the address in the document")),
    service(265_002, Outcome::Unknown, "参数不合法",
        Some("the provider does not take this keyword: write the company's full registered name or its 统一社会信用代码")),
    service(265_003, Outcome::Transient, "请求失败", None),
    service(265_004, Outcome::Empty, "查询无结果",
        Some("the provider finds nothing under this keyword: compare it with the business licence; the 统一社会信用代码 is the steadiest")),
    service(265_005, Outcome::Transient, "未知错误", None),
    system(10001, Outcome::Credential, Pace::Hourly, 101, "错误的请求KEY",
        Some("the key is wrong: take it from 个人中心 -> 我的数据 (above the interface's name). A key_file is read again by itself; after changing a systemd credential or a variable, restart")),
    system(10002, Outcome::Credential, Pace::Hourly, 102, "该KEY无请求权限",
        Some("the key is right but not allowed this interface: apply for 企业建筑资质资格查询 in the account that the key belongs to, or use that interface's own key")),
    system(10003, Outcome::Credential, Pace::Hourly, 103, "KEY过期",
        Some("the key has run out: renew it at the provider (个人中心 -> 我的数据)")),
    system(10004, Outcome::Credential, Pace::Hourly, 104, "错误的OPENID",
        Some("what was given is not the interface's key: take the key from 个人中心 -> 我的数据, not the account's OpenID")),
    system(10005, Outcome::Credential, Pace::Hourly, 105, "应用未审核超时，请提交认证",
        Some("the account's application was not verified in time: hand in the verification (认证) at the provider")),
    system(10007, Outcome::Credential, Pace::Hourly, 107, "未知的请求源",
        Some("the provider does not know where the request came from: look in the account whether calls are limited to certain sources, and add this machine's")),
    system(10008, Outcome::Credential, Pace::Hourly, 108, "被禁止的IP",
        Some("this machine's address is blocked, and a new key would not help: add the address to the account's white list, or ask the provider to unblock it")),
    system(10009, Outcome::Credential, Pace::Hourly, 109, "被禁止的KEY",
        Some("the provider has blocked the key: ask the provider why, or apply for a new key")),
    system(ADDRESS_OVER_LIMIT, Outcome::Quota, Pace::AfterIpBackoff, 111, "当前IP请求超过限制",
        Some("too many requests came from this machine's address: asking goes on after [api].ip_backoff; if it happens again, lower [api].requests_per_second, and see who else calls from this address")),
    system(10012, Outcome::Quota, Pace::AfterMidnight, 112, "请求超过次数限制",
        Some("either the day's limit is reached, which ends after midnight in China, or the package of calls is used up, which does not: look at 个人中心 -> 我的数据, and buy calls if none are left")),
    system(10013, Outcome::Quota, Pace::AfterMidnight, 113, "测试KEY超过请求限制",
        Some("the limit of a test key is reached, for the day or for good: look at 个人中心 -> 我的数据, and use a paid key")),
    system(10014, Outcome::Transient, Pace::GoesOn, 114, "系统内部异常(调用充值类业务时，请务必联系客服或通过订单查询接口检测订单，避免造成损失)", None),
    system(10020, Outcome::Transient, Pace::GoesOn, 120, "接口维护", None),
    system(10021, Outcome::Credential, Pace::Hourly, 121, "接口停用",
        Some("the provider has retired this interface: no key helps. Ask the provider for its successor; a new address goes into [api].url")),
];

const fn service(
    code: i64,
    class: Outcome,
    text: &'static str,
    advice: Option<&'static str>,
) -> (i64, Meaning) {
    (code, Meaning { class, pace: Pace::GoesOn, text: Some(text), resultcode: None, advice })
}

const fn system(
    code: i64,
    class: Outcome,
    pace: Pace,
    resultcode: i64,
    text: &'static str,
    advice: Option<&'static str>,
) -> (i64, Meaning) {
    (code, Meaning { class, pace, text: Some(text), resultcode: Some(resultcode), advice })
}

/// What `error_code` `code` means. `code` is not 0, which is success; a code that the document does not list is
/// [`Outcome::Unknown`].
#[must_use]
pub fn meaning(code: i64) -> Meaning {
    CODES.iter().find(|(listed, _)| *listed == code).map_or(UNLISTED, |(_, meaning)| *meaning)
}

/// What the older `resultcode` says, for an answer that has no `error_code`.
pub(super) fn text_of_resultcode(resultcode: i64) -> Option<&'static str> {
    CODES
        .iter()
        .find(|(_, meaning)| meaning.resultcode == Some(resultcode))
        .and_then(|(_, meaning)| meaning.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 错误码参照 as the document (版本日期 2025-03-11) prints it: code, 说明, and resultcode where there is one.
    const DOCUMENT: &str = "265000\t网络超时,请稍后再试
265001\t参数缺失
265002\t参数不合法
265003\t请求失败
265004\t查询无结果
265005\t未知错误
10001\t错误的请求KEY\t101
10002\t该KEY无请求权限\t102
10003\tKEY过期\t103
10004\t错误的OPENID\t104
10005\t应用未审核超时，请提交认证\t105
10007\t未知的请求源\t107
10008\t被禁止的IP\t108
10009\t被禁止的KEY\t109
10011\t当前IP请求超过限制\t111
10012\t请求超过次数限制\t112
10013\t测试KEY超过请求限制\t113
10014\t系统内部异常(调用充值类业务时，请务必联系客服或通过订单查询接口检测订单，避免造成损失)\t114
10020\t接口维护\t120
10021\t接口停用\t121";

    #[test]
    fn the_table_is_the_documents_table_code_by_code() {
        let mut lines = 0;
        for (line, (listed, _)) in DOCUMENT.lines().zip(CODES) {
            let mut cells = line.split('\t');
            let code: i64 = cells.next().unwrap().parse().unwrap();
            let found = meaning(code);
            assert_eq!(code, listed, "in the document's order");
            assert_eq!(found.text, cells.next(), "{code}");
            assert_eq!(found.resultcode, cells.next().map(|cell| cell.parse().unwrap()), "{code}");
            lines += 1;
        }
        assert_eq!((lines, DOCUMENT.lines().count()), (CODES.len(), CODES.len()));
    }

    #[test]
    fn each_code_belongs_to_the_class_of_the_design() {
        use {Outcome as C, Pace as P};
        for (codes, class, pace) in [
            (&[265_000, 265_003, 265_005, 10014, 10020][..], C::Transient, P::GoesOn),
            (&[265_004], C::Empty, P::GoesOn),
            (&[10012, 10013], C::Quota, P::AfterMidnight),
            (&[10011], C::Quota, P::AfterIpBackoff),
            (&[10001, 10002, 10003, 10004, 10005, 10007, 10008, 10009, 10021], C::Credential, P::Hourly),
            (&[265_001, 265_002, 10006, 10010, 10022, 300_000, -1, i64::MAX], C::Unknown, P::GoesOn),
        ] {
            for &code in codes {
                assert_eq!((meaning(code).class, meaning(code).pace), (class, pace), "{code}");
            }
        }
    }

    #[test]
    fn whatever_stops_asking_says_what_to_do_and_no_two_codes_say_the_same() {
        let advised: Vec<_> = CODES.iter().filter_map(|(_, meaning)| meaning.advice).collect();
        let different: std::collections::BTreeSet<_> = advised.iter().collect();
        assert_eq!(different.len(), advised.len());
        for (code, meaning) in CODES {
            assert!(
                meaning.pace == Pace::GoesOn || meaning.advice.is_some(),
                "{code} stops and says nothing"
            );
        }
        assert!(
            meaning(10008).advice.unwrap().contains("a new key would not help"),
            "10008 blocks the address"
        );
        let limit = meaning(10012).advice.unwrap();
        assert!(limit.contains("day's limit") && limit.contains("used up"), "10012 has two causes");
        assert!(UNLISTED.advice.is_some());
    }
}
