//! What operators are told, in Chinese. What the provider or a library says stays as it is.

use super::days::instant;
use super::names::{listed, name};
use super::{Saying, Told, advice as advice_of, sentence};
use crate::domain::display::displayable;
use crate::domain::event::Trouble;
use crate::domain::language::Language::Chinese;

/// How many companies a trouble names.
const COMPANIES_MAX: usize = 10;

/// The title of a trouble that began.
pub(super) fn title(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ApiCredential => "接口拒绝密钥、账号或地址，查询已停止",
        Trouble::ApiQuota => "接口次数用尽，查询已暂停",
        Trouble::ApiUnreachable => "接口持续无法访问",
        Trouble::ApiUnknownCode => "接口返回未知代码",
        Trouble::CompanyNotFound => "关键词查不到公司",
        Trouble::CompanyUnverified => "公司数据不完整，未能核实",
        Trouble::IdentityChanged => "公司身份存疑，比对已暂停",
        Trouble::MassChange => "多家公司资质同时减少，数据源可能异常",
        Trouble::UnreadableDate => "有效期无法判断",
        Trouble::UnreadableItem => "有记录缺证书编号",
        Trouble::WatchlistRejected => "监测名单未被接受",
        Trouble::EmailStopped => "邮件发送已停止",
        Trouble::EmailLate => "邮件超过一天未能送出",
        Trouble::EmailUndeliverable => "收件人无法送达",
        Trouble::DatabaseUnavailable => "数据库不可用",
    }
}

/// The title of a trouble that is over.
pub(super) fn title_of_end(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ApiCredential => "接口已接受密钥，查询恢复",
        Trouble::ApiQuota => "接口次数已恢复，查询继续",
        Trouble::ApiUnreachable => "接口恢复访问",
        Trouble::ApiUnknownCode => "接口未知代码已消失",
        Trouble::CompanyNotFound => "关键词已能查到公司",
        Trouble::CompanyUnverified => "公司数据已恢复完整",
        Trouble::IdentityChanged => "公司身份已明确，比对恢复",
        Trouble::MassChange => "资质同时减少的情况已结束",
        Trouble::UnreadableDate => "有效期已可判断",
        Trouble::UnreadableItem => "缺证书编号的记录已消失",
        Trouble::WatchlistRejected => "监测名单已被接受",
        Trouble::EmailStopped => "邮件发送已恢复",
        Trouble::EmailLate => "该收件人的邮件已不再延误",
        Trouble::EmailUndeliverable => "收件人已能送达",
        Trouble::DatabaseUnavailable => "数据库已恢复",
    }
}

/// What to do where the event has no advice of its own.
pub(super) fn advice(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ApiCredential => {
            "到聚合数据个人中心核对密钥和账号状态；更换密钥后按说明重新加载或重启服务。"
        }
        Trouble::ApiQuota => {
            "当日限额次日零点（北京时间）后恢复；如是套餐用完，须到聚合数据个人中心购买次数。"
        }
        Trouble::ApiUnreachable => "检查本机网络、DNS、代理与防火墙，以及 [api].url；恢复后自动继续。",
        Trouble::ApiUnknownCode => "向接口提供方（聚合数据）询问该代码的含义，并检查监测名单中的该条目。",
        Trouble::CompanyNotFound => "对照营业执照核对关键词；统一社会信用代码最稳定。",
        Trouble::CompanyUnverified => "无须立即处理，每天自动重试；持续多日不恢复时请联系接口提供方。",
        Trouble::IdentityChanged => "核对查得的是哪一家公司，再在该条目中写明统一社会信用代码或 id。",
        Trouble::MassChange => "无须立即处理：多次核实一致后才会通知读者；可在国家平台抽查一两家公司。",
        Trouble::UnreadableDate => "在国家平台核对该证书的有效期；此前可读的有效期仍继续用于提醒。",
        Trouble::UnreadableItem => "在国家平台核对该企业的证书；缺编号的记录不参与比对，其余照常。",
        Trouble::WatchlistRejected => {
            "运行 qualwatch validate 查看全部错误；修正前继续按上一份有效名单运行。"
        }
        Trouble::EmailStopped => "检查发信账号、授权码及 [email] 设置；待发邮件均已保存，恢复后补发。",
        Trouble::EmailLate => "向该收件人的邮件管理员了解推迟接收的原因；系统会继续重试，邮件不会丢失。",
        Trouble::EmailUndeliverable => "核对该地址；修正后用 qualwatch retry 重新发送。",
        Trouble::DatabaseUnavailable => {
            "检查 PostgreSQL 是否运行、可写，磁盘是否已满；恢复前不查询也不发送提醒。"
        }
    }
}

/// What to do about a code of the provider's document; its own words elsewhere are English.
pub(super) fn advice_on_code(code: i64) -> Option<&'static str> {
    Some(match code {
        265_001 => "接口称缺少参数：检查该条目的关键词，以及 [api].url 是否为文档所载地址。",
        265_002 => "接口不接受该关键词：请填写工商登记全称或统一社会信用代码。",
        265_004 => "接口查不到该关键词：对照营业执照核对；统一社会信用代码最稳定。",
        10001 => {
            "密钥错误：到聚合数据个人中心“我的数据”核对接口密钥。key_file 会自动重读；更换 systemd 凭据或环境变量后须重启服务。"
        }
        10002 => {
            "密钥正确，但没有本接口的权限：在该账号下申请“企业建筑资质资格查询”，或改用该接口自己的密钥。"
        }
        10003 => "密钥已过期：到聚合数据个人中心续期。",
        10004 => "所填并非接口密钥：请用“我的数据”中的密钥，不是账号的 OpenID。",
        10005 => "账号的应用未按时提交认证：到聚合数据提交认证。",
        10007 => "接口不认可请求来源：检查账号是否限制了调用来源，并加入本机。",
        10008 => "本机地址被禁止，更换密钥无用：把本机地址加入账号白名单，或请接口提供方解除。",
        10009 => "密钥被禁止：向接口提供方了解原因，或申请新的密钥。",
        10011 => {
            "本机地址请求过多：将在 [api].ip_backoff 之后自动继续；如再次发生，请调低 [api].requests_per_second。"
        }
        10012 => {
            "或为当日限额用完（次日零点后恢复），或为套餐次数用完（不会自行恢复）：到“我的数据”查看，用完时请购买次数。"
        }
        10013 => "测试密钥的次数用完（当日或永久）：到“我的数据”查看，并改用付费密钥。",
        10021 => "该接口已停用，更换密钥无用：向接口提供方了解替代接口，新地址写入 [api].url。",
        _ => return None,
    })
}

/// What is said of a trouble that began.
pub(super) fn began(told: &Told<'_>, trouble: Trouble) -> Saying {
    let notes = facts(told, "原因：");
    let advice =
        advice_of(told.event, Chinese).map(|advice| sentence(&format!("处理建议：{advice}"), Chinese));
    let line = told.event.trouble().and_then(|facts| facts.line);
    let since = told.event.trouble().and_then(|facts| facts.since).unwrap_or(told.event.at);
    let at = line.map(|line| format!("；监测名单第 {line} 行")).unwrap_or_default();
    Saying {
        badge: title(trouble).to_owned(),
        lead: format!("自 {}起{at}。", instant(since, Chinese)),
        actions: advice.into_iter().collect(),
        notes,
        verified: None,
    }
}

/// What is said of a trouble that is over.
pub(super) fn ended(told: &Told<'_>, trouble: Trouble) -> Saying {
    let since = told.event.trouble().and_then(|facts| facts.since);
    let since = since.map(|since| format!("，该问题始于 {}", instant(since, Chinese))).unwrap_or_default();
    Saying {
        badge: title_of_end(trouble).to_owned(),
        lead: format!("于 {}恢复{since}。", instant(told.event.at, Chinese)),
        actions: Vec::new(),
        notes: facts(told, "此前的原因："),
        verified: None,
    }
}

/// What happened, and to which companies.
fn facts(told: &Told<'_>, because: &str) -> Vec<String> {
    let Some(facts) = told.event.trouble() else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let reason = displayable(&facts.reason);
    let code = facts.code.map(|code| format!("（代码 {code}）")).unwrap_or_default();
    match (reason.is_empty(), code.is_empty()) {
        (false, _) => notes.push(sentence(&format!("{because}{reason}{code}"), Chinese)),
        (true, false) => notes.push(sentence(&format!("接口或服务器返回{code}"), Chinese)),
        (true, true) => {}
    }
    if !facts.companies.is_empty() {
        let names: Vec<String> = facts.companies.iter().map(|company| name(company)).collect();
        notes.push(format!("涉及公司：{}。", listed(&names, COMPANIES_MAX, Chinese)));
    }
    notes
}
