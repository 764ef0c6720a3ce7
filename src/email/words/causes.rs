//! The causes of troubles in Chinese; their English sentence stands beside them in each event. What is written in the file is
//! shown as it is.

use super::operator_words as w;
use super::{days, names};
use crate::domain::event::TroubleFacts;
use crate::domain::language::Language;
use crate::domain::text::displayable;
use crate::domain::trouble_cause::{
    DatabaseFault, FileFault, Slip, TroubleCause, UnreadableFile, ValueKind, Work,
};

/// Why, in one sentence without its full stop.
pub(super) fn in_chinese(cause: &TroubleCause) -> String {
    match cause {
        TroubleCause::Database { fault, work } => {
            let work = work.map(|work| format!("{}失败：", of_work(work))).unwrap_or_default();
            format!("{work}{}", of_database(fault))
        }
        TroubleCause::Unreadable { fault } => of_unreadable(*fault),
        TroubleCause::Restored { from, to, backup_at, aside } => format!(
            "本机已没有 PostgreSQL {from}，只有 {to}：已将 {}的备份恢复为新数据库，原数据库保留在 {aside}",
            days::instant(*backup_at, Language::Chinese)
        ),
        TroubleCause::Faults { first, count } => {
            let told = first.first().map(of_fault).unwrap_or_default();
            let more = if *count > 1 {
                format!("（共 {count} 处错误，此为第 1 处）")
            } else {
                String::new()
            };
            format!("{told}{more}")
        }
    }
}

/// The faults of a file behind the first, a sentence each, and how many are not told.
pub(super) fn further_faults(facts: &TroubleFacts, language: Language) -> Vec<String> {
    let Some(TroubleCause::Faults { first, count }) = &facts.cause else { return Vec::new() };
    let mut lines: Vec<String> = first
        .iter()
        .skip(1)
        .map(|fault| {
            let said = match language {
                Language::Chinese => of_fault(fault),
                Language::English => {
                    let key = if fault.key.is_empty() { String::new() } else { format!("{} ", fault.key) };
                    format!("Line {}: {key}{}", fault.line, fault.message)
                }
            };
            names::sentence(&displayable(&said), language)
        })
        .collect();
    let left_out = count.saturating_sub(first.len());
    if left_out > 0 {
        lines.push(w::MORE_FAULTS.with(language, &[("count", &left_out.to_string())]));
    }
    lines
}

fn of_work(work: Work) -> &'static str {
    match work {
        Work::Sweeping => "查询与判断",
        Work::Mailing => "发送邮件",
        Work::Forgetting => "清理过期数据",
        Work::Reloading => "重新读取监测名单",
        Work::LookingBack => "检查当日工作",
    }
}

fn of_database(fault: &DatabaseFault) -> String {
    let said = match fault {
        DatabaseFault::Away => "无法连接数据库，或连接中断",
        DatabaseFault::Silent => "数据库长时间没有应答",
        DatabaseFault::NotReady => "数据库正在启动、恢复或关闭",
        DatabaseFault::ReadOnly => "数据库处于只读状态，无法写入",
        DatabaseFault::DiskFull => "数据库所在磁盘已满",
        DatabaseFault::OutOfMemory => "数据库内存不足",
        DatabaseFault::NoConnectionLeft => "数据库的连接数已用完",
        DatabaseFault::LoginRefused => "数据库拒绝登录（用户名、密码或来源地址不被接受）",
        DatabaseFault::NoSuchDatabase => "服务器上没有该数据库",
        DatabaseFault::NoPermission => "数据库用户权限不足",
        DatabaseFault::NoTls => "无法与数据库建立加密连接",
        DatabaseFault::SharedSession => "所填地址是按事务分配会话的连接池，不能使用",
        DatabaseFault::Encoding { encoding } => {
            return format!("数据库编码为 {encoding}，不能保存所有企业和机关的名称");
        }
        DatabaseFault::OldServer { version } => {
            return format!("服务器为 PostgreSQL {version}，须为 14 至 18");
        }
        DatabaseFault::OtherLayout => "数据库结构与本版本不符",
        DatabaseFault::NoPrograms => "本机没有安装 PostgreSQL",
        DatabaseFault::PrivateServer => "自带的数据库服务未能启动，详见日志",
        DatabaseFault::Other { code: None } => "数据库操作失败，详见日志",
        DatabaseFault::Other { code: Some(code) } => {
            return format!("数据库操作失败（SQLSTATE {code}），详见日志");
        }
    };
    said.to_owned()
}

fn of_unreadable(fault: UnreadableFile) -> String {
    match fault {
        UnreadableFile::Missing => "文件不存在".to_owned(),
        UnreadableFile::Forbidden => "没有读取该文件的权限".to_owned(),
        UnreadableFile::TooBig { mebibytes } => format!("文件超过 {mebibytes} MiB"),
        UnreadableFile::NotUtf8 { line } => {
            format!("文件第 {line} 行不是 UTF-8 编码（可能以 GBK 保存）：请另存为 UTF-8")
        }
        UnreadableFile::Other => "文件无法读取，详见日志".to_owned(),
    }
}

/// A fault at its place: the key, what is wrong, where, what stands there, what may be meant.
fn of_fault(fault: &FileFault) -> String {
    let FileFault { slip, key, line, column, shown, perhaps, more, .. } = fault;
    let key = if key.is_empty() { String::new() } else { format!("{key} ") };
    let shown = if shown.is_empty() { String::new() } else { format!("，文件中为 {shown}") };
    let perhaps = perhaps.as_ref().map(|perhaps| format!("；可能应为 {perhaps}")).unwrap_or_default();
    let more = if *more > 0 { format!("；另有 {more} 处相同") } else { String::new() };
    format!("第 {line} 行第 {column} 列：{key}{}{shown}{perhaps}{more}", of_slip(slip))
}

fn of_slip(slip: &Slip) -> String {
    let said = match slip {
        Slip::NotToml => "不符合 TOML 格式",
        Slip::KeyTwice => "同一键在表中重复",
        Slip::Characters { pairs } => {
            let pairs: Vec<String> =
                pairs.iter().map(|(written, meant)| format!("“{written}”应为“{meant}”")).collect();
            return format!("标点有误：{}", pairs.join("、"));
        }
        Slip::Brackets => "方括号的个数有误",
        Slip::UnknownKey => "没有这个键",
        Slip::KeyElsewhere { table } => {
            return match table.as_str() {
                "" => "应写在文件开头、第一个 [表] 之前".to_owned(),
                "company" => "应写在 [[company]] 中".to_owned(),
                table => format!("应写在 [{table}] 中"),
            };
        }
        Slip::NotInThisVersion => "本版本尚不支持",
        Slip::BeyondThisMachine => "其他计算机可以访问此地址；如确需如此，请同时写明 allow_remote = true",
        Slip::Secret => "密钥、密码不应写在此文件中，请改用凭据、环境变量或密码文件",
        Slip::Kind { wanted, found } => {
            return format!("应为{}，而不是{}", of_kind(*wanted), of_kind(*found));
        }
        Slip::Missing => "缺少此项",
        Slip::NothingToWatch => "没有要监测的企业",
        Slip::NobodyTold => "没有收件人",
        Slip::Twice { line } => return format!("与第 {line} 行重复"),
        Slip::Empty => "为空",
        Slip::TooLong { characters } => return format!("超过 {characters} 个字符"),
        Slip::Invisible => "含有控制字符或不可见字符",
        Slip::OutOfRange { least, most } => return format!("应在 {least} 至 {most} 之间"),
        Slip::NoUnit => "缺少时间单位（ms、s、m、h、d 或 y）",
        Slip::NoDuration => "不是时长（写法如 \"20s\"、\"1h30m\"、\"7d\"）",
        Slip::TooShort => "时长过短",
        Slip::TooManyDays { days } => return format!("时长超过 {days} 天"),
        Slip::OneOf { words } => return format!("只能是 {}", words.join(" 或 ")),
        Slip::NoZone => "没有这个时区",
        Slip::NoCronLine => "定时表达式无法执行",
        Slip::RarerThanDaily => "不能少于每日一次，否则到期可能来不及通知",
        Slip::NoServerAddress => "不是有效的服务器地址",
        Slip::ServerAddress => "地址中含有不应出现的内容",
        Slip::InTheClear => "邮件和密码将以明文传输，只允许用于本机",
        Slip::NoMailAddress => "不是有效的邮件地址",
        Slip::NoCreditCode => "不是有效的统一社会信用代码",
        Slip::NoId => "不是有效的 id（24 位，0-9 与 a-f）",
        Slip::NoHostName => "不是完整的主机名",
        Slip::NoPath => "不是有效的路径",
        Slip::TwoOutlets => "与 smtp 不能并用",
    };
    said.to_owned()
}

fn of_kind(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Text => "文本",
        ValueKind::Whole => "整数",
        ValueKind::Number => "数字",
        ValueKind::Boolean => "true 或 false",
        ValueKind::Date => "日期",
        ValueKind::List => "列表（[…]）",
        ValueKind::Table => "单独一行的表（[…]）",
        ValueKind::Entry => "以 [[company]] 开头的条目",
    }
}
