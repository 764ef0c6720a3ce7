//! The provider's document as JSON: its error codes, the shape of a success, the shape of an error.

use serde_json::{Value, json};

use super::certificates::ListedCertificate;

/// The path of 接口地址 in the document.
pub(super) const PATH: &str = "/opens/App/bqQualification/query";
/// pageSize: 每页条数（默认20条，最大20条）.
pub(super) const PAGE_SIZE_MAX: usize = 20;

/// 10001, 错误的请求KEY.
pub(super) const WRONG_KEY: u32 = 10001;
/// 10012, 请求超过次数限制.
pub(super) const OVER_LIMIT: u32 = 10012;
/// 265001, 参数缺失.
pub(super) const PARAMETER_MISSING: u32 = 265_001;
/// 265002, 参数不合法.
pub(super) const PARAMETER_BAD: u32 = 265_002;
/// 265004, 查询无结果.
pub(super) const NOTHING_FOUND: u32 = 265_004;

/// One line of 错误码参照.
pub(super) struct ErrorCode {
    pub(super) code: u32,
    pub(super) reason: &'static str,
    /// 旧版本(resultcode): only the system's codes have one.
    pub(super) resultcode: Option<&'static str>,
}

const fn service(code: u32, reason: &'static str) -> ErrorCode {
    ErrorCode { code, reason, resultcode: None }
}

const fn system(code: u32, reason: &'static str, resultcode: &'static str) -> ErrorCode {
    ErrorCode { code, reason, resultcode: Some(resultcode) }
}

/// 服务级 and 系统级错误码参照, whole. The reasons of 10001 and 10012 are the live ones (public clients' transcripts);
/// the document says 错误的请求KEY and 请求超过次数限制.
pub(super) const ERROR_CODES: [ErrorCode; 20] = [
    service(265_000, "网络超时,请稍后再试"),
    service(PARAMETER_MISSING, "参数缺失"),
    service(PARAMETER_BAD, "参数不合法"),
    service(265_003, "请求失败"),
    service(NOTHING_FOUND, "查询无结果"),
    service(265_005, "未知错误"),
    system(WRONG_KEY, "错误的请求KEY!", "101"),
    system(10002, "该KEY无请求权限", "102"),
    system(10003, "KEY过期", "103"),
    system(10004, "错误的OPENID", "104"),
    system(10005, "应用未审核超时，请提交认证", "105"),
    system(10007, "未知的请求源", "107"),
    system(10008, "被禁止的IP", "108"),
    system(10009, "被禁止的KEY", "109"),
    system(10011, "当前IP请求超过限制", "111"),
    system(OVER_LIMIT, "超过每日可允许请求次数!", "112"),
    system(10013, "测试KEY超过请求限制", "113"),
    system(
        10014,
        "系统内部异常(调用充值类业务时，请务必联系客服或通过订单查询接口检测订单，避免造成损失)",
        "114",
    ),
    system(10020, "接口维护", "120"),
    system(10021, "接口停用", "121"),
];

/// The body of an error: `result` null, `error_code` a number and `resultcode` a string, as public clients have seen it.
/// `reason` replaces the document's; a code that the document does not list has no other.
pub(super) fn error_body(code: u32, reason: Option<&str>) -> Value {
    let listed = ERROR_CODES.iter().find(|listed| listed.code == code);
    let reason = reason.or(listed.map(|listed| listed.reason)).unwrap_or("未列出的错误");
    let mut body = json!({ "reason": reason, "result": null, "error_code": code });
    if let Some(resultcode) = listed.and_then(|listed| listed.resultcode) {
        body["resultcode"] = resultcode.into();
    }
    body
}

/// The body of a success: JSON返回示例 of the document.
pub(super) fn success_body(total: usize, items: &[Value]) -> Value {
    json!({ "result": { "total": total, "items": items }, "reason": "success", "error_code": 0 })
}

/// One element of `items`. What the scenario leaves out is left out here, too.
pub(super) fn item(certificate: &ListedCertificate) -> Value {
    let fields = [
        ("organ", &certificate.organ),
        ("effectiveTime", &certificate.until),
        ("businessId", &certificate.business_id),
        ("issuingCertificateTime", &certificate.issued),
        ("type", &certificate.kind),
        ("certificateNum", &certificate.number),
        ("qualificationName", &certificate.qualifications),
    ];
    fields
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.as_deref()?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
