//! What operators are told, in both languages. What the provider or a mail server says stays as it is.

use super::phrasebook::phrases;

phrases! {
    // Titles.
    API_CREDENTIAL = "接口拒绝密钥、账号或地址，查询已停止" / "The provider refuses the key, account or address: asking is stopped";
    NO_KEY = "未配置接口密钥，查询已停止" / "No API key is configured: asking is stopped";
    API_QUOTA = "接口次数用尽，查询已暂停" / "The provider's calls are used up: asking is paused";
    OWN_LIMIT = "当日查询次数已达设定上限，查询已暂停" / "The day's own limit of calls is reached: asking is paused";
    API_UNREACHABLE = "接口持续无法访问" / "The provider cannot be reached";
    API_UNKNOWN_CODE = "接口返回未知代码" / "The provider answers with an unknown code";
    COMPANY_NOT_FOUND = "关键词查询不到企业" / "The keyword finds no company";
    COMPANY_UNVERIFIED = "企业数据不完整，未能更新" / "A company's data is incomplete and not updated";
    TOO_LARGE = "企业所需查询次数超过每日上限，未查询" / "A company needs more calls than a day has: it is not asked";
    IDENTITY_CHANGED = "查询结果与监测企业不符，已暂停比对" / "The answers are of another company: comparing is paused";
    MASS_CHANGE = "多家企业资质同时减少，数据源可能异常" / "Many companies lost qualifications at once: the source may be wrong";
    DATE_ODD = "证书日期存疑" / "A certificate has odd dates";
    DATE_UNREADABLE = "有效期无法判断" / "An end of validity cannot be judged";
    UNREADABLE_ITEM = "有记录缺证书编号" / "An item has no certificate number";
    WATCHLIST_REJECTED = "监测名单未被接受" / "The watchlist was not accepted";
    EMAIL_STOPPED = "邮件发送已停止" / "Sending mail is stopped";
    EMAIL_LATE = "邮件超过一天未能送出" / "Mail has been owed for more than a day";
    EMAIL_UNDELIVERABLE = "收件人无法送达" / "A recipient cannot be reached";
    DATABASE_UNAVAILABLE = "数据库不可用" / "The database is not usable";

    // Titles of what is over.
    API_CREDENTIAL_OVER = "接口已接受密钥，查询恢复" / "The provider accepts the key again: asking goes on";
    NO_KEY_OVER = "接口密钥已配置，查询恢复" / "An API key is configured: asking goes on";
    API_QUOTA_OVER = "接口次数已恢复，查询继续" / "Calls are to be had again: asking goes on";
    API_UNREACHABLE_OVER = "接口恢复访问" / "The provider can be reached again";
    API_UNKNOWN_CODE_OVER = "接口不再返回该未知代码" / "The provider no longer answers with the unknown code";
    COMPANY_NOT_FOUND_OVER = "关键词已能查询到企业" / "The keyword finds a company again";
    COMPANY_UNVERIFIED_OVER = "企业数据已恢复完整" / "The company's data is complete again";
    IDENTITY_CHANGED_OVER = "查询结果与监测企业相符，比对恢复" / "The answers are of the company meant: comparing goes on";
    MASS_CHANGE_OVER = "数据已恢复" / "The data is back";
    MASS_CHANGE_REWRITTEN = "数据源已改写，减少与新增均已通知收件人" / "The source was rewritten: recipients are told of what went and of what came";
    MASS_CHANGE_CONFIRMED = "连续 4 次查询结果一致，已按实际减少通知收件人" / "4 queries in a row agree: recipients are told of the losses";
    DATE_OVER = "证书日期已可判断" / "The certificate's dates can be judged";
    UNREADABLE_ITEM_OVER = "缺证书编号的记录已消失" / "No item without a certificate number is shown any more";
    WATCHLIST_REJECTED_OVER = "监测名单已被接受" / "The watchlist is accepted";
    EMAIL_STOPPED_OVER = "邮件发送已恢复" / "Sending mail goes on";
    EMAIL_LATE_OVER = "邮件已不再延误" / "Mail is no longer late";
    EMAIL_UNDELIVERABLE_OVER = "收件人已能送达" / "The recipient can be reached again";
    DATABASE_UNAVAILABLE_OVER = "数据库已恢复" / "The database works again";

    // What it means for the readers.
    MEANS_JUDGED_ON = "对收件人的影响：到期提醒照常，按最近一次查询的数据；新的变化可能滞后。" / "For readers: reminders of ends go out as ever, by the data last queried; news of changes may be late.";
    MEANS_OF_THIS_COMPANY = "对收件人的影响：该企业的到期提醒照常，按最近一次查询的数据；尚无数据的，没有提醒；其变化可能滞后；其余企业不受影响。" / "For readers: reminders of this company's ends go out as ever, by the data last queried, and none where there is none yet; its changes may be told late; other companies are not touched.";
    MEANS_NOTHING_KNOWN = "对收件人的影响：该企业如尚无数据，其到期提醒暂停；其余企业不受影响。" / "For readers: as long as nothing is known of this company there are no reminders of it; other companies are not touched.";
    MEANS_LOSSES_WAIT = "对收件人的影响：到期提醒照常；这些减少暂不通知，查询 4 次一致后才通知。" / "For readers: reminders of ends go out as ever; these losses are not told until 4 queries agree.";
    MEANS_STATED_END = "对收件人的影响：该证书的到期提醒照常，按载明的有效期（载明两个的，按较早的）。" / "For readers: reminders of this certificate go on by its stated end (of two, by the earlier).";
    MEANS_LAST_END = "对收件人的影响：该证书的到期提醒照常，按此前可判断的有效期；此前没有的，暂停。" / "For readers: reminders of this certificate go on by the last end that could be judged; where there was none they pause.";
    MEANS_ITEM = "对收件人的影响：该条记录不参与比对和提醒；该企业其余证书照常。" / "For readers: that item is neither compared nor reminded of; the company's other certificates are, as ever.";
    MEANS_OLD_LIST = "对收件人的影响：到期提醒照常，按上一份有效名单；新的修改尚未生效。" / "For readers: reminders go on by the last good watchlist; the new edit is not in force.";
    MEANS_MAIL_WAITS = "对收件人的影响：提醒暂停送达，均已保存，恢复后补发。" / "For readers: mail does not arrive for now; all of it is kept and sent afterwards.";
    MEANS_THIS_MAIL_WAITS = "对收件人的影响：该收件人的提醒可能滞后，均已保存；其他收件人照常。" / "For readers: this recipient's mail may be late, and is kept; others get theirs as ever.";
    MEANS_MAIL_GIVEN_UP = "对收件人的影响：该收件人的提醒暂停；其他收件人照常。" / "For readers: this recipient gets nothing for now; others get theirs as ever.";
    MEANS_NOTHING_GOES = "对收件人的影响：查询与提醒暂停。" / "For readers: neither queries nor reminders go on.";

    // What to do where the event has no advice of its own.
    DO_API_CREDENTIAL = "到聚合数据个人中心核对密钥和账号状态；key_file 会自动重读，systemd 凭据或环境变量更换后须重启服务。" / "check key and account at juhe.cn (个人中心); a key_file is read again by itself, after a change of the systemd credential or the environment restart the service.";
    DO_NO_KEY = "以凭据 api-key、环境变量 QUALWATCH_API_KEY 或 [api].key_file 提供密钥，然后重启服务。" / "give the key as the credential \"api-key\", as QUALWATCH_API_KEY, or in a file named by [api].key_file, then restart the service.";
    DO_API_QUOTA = "当日限额次日零点（北京时间）后恢复；如是套餐用完，须到聚合数据个人中心购买次数。" / "a day's limit ends at midnight in China; where the package is used up, buy calls at juhe.cn.";
    DO_OWN_LIMIT = "调高 [api].calls_per_day，或减少企业、降低查询频率；次日零点（北京时间）后自动继续。" / "raise [api].calls_per_day, or check fewer companies or less often; asking goes on after midnight in China.";
    DO_API_UNREACHABLE = "检查本机网络、DNS、代理与防火墙，以及 [api].url；恢复后自动继续。" / "check this machine's network, name server, proxy and firewall, and [api].url; asking goes on by itself.";
    DO_API_UNKNOWN_CODE = "向接口提供方（聚合数据）询问该代码的含义，并检查监测名单中的该条目。" / "ask the provider (juhe.cn) what the code means, and check the entry in the watchlist.";
    DO_COMPANY_NOT_FOUND = "对照营业执照核对关键词；统一社会信用代码最稳定。" / "compare the keyword with the business licence; the 统一社会信用代码 is the steadiest.";
    DO_COMPANY_UNVERIFIED = "运行 qualwatch check 查看该企业的查询结果；每天自动重试，持续多日不恢复时改用统一社会信用代码，或联系接口提供方。" / "see what the provider answers (qualwatch check KEYWORD); it is asked again every day. If it stays so, use the 统一社会信用代码 as the keyword or ask the provider.";
    DO_TOO_LARGE = "调高 [api].calls_per_day，或将该企业移出监测名单。" / "raise [api].calls_per_day, or take the company out of the watchlist.";
    DO_IDENTITY_CHANGED = "核对查询到的是哪一家企业，再在该条目中写明 id = \"…\"，或以统一社会信用代码为关键词；两个条目查到同一企业的，删去一个。" / "see whose certificates these are, then pin the right company in its entry with id = \"…\", or use its 统一社会信用代码 as the keyword; of two entries that find one company take one out.";
    DO_MASS_CHANGE = "在国家平台（jzsc.mohurd.gov.cn）抽查一两家企业，必要时询问接口提供方；不必修改监测名单。" / "compare one or two companies with the national platform (jzsc.mohurd.gov.cn) and ask the provider if need be; leave the watchlist as it is.";
    DO_DATE = "在国家平台（jzsc.mohurd.gov.cn）核对该证书的日期；如有误，请企业向许可机关更正。" / "compare the certificate's dates with the national platform (jzsc.mohurd.gov.cn); where they are wrong, the company can have the authority mend them.";
    DO_UNREADABLE_ITEM = "在国家平台（jzsc.mohurd.gov.cn）核对该企业的证书，缺漏的请企业向许可机关更正。" / "compare the company's certificates with the national platform (jzsc.mohurd.gov.cn); what lacks there the company can have mended.";
    DO_WATCHLIST_REJECTED = "运行 qualwatch validate 查看全部错误并修正，保存后自动生效。" / "run qualwatch validate to see all faults, and mend them: the file takes effect when it is saved.";
    DO_EMAIL_STOPPED = "检查发信账号、授权码及 [email] 设置；更正后自动补发。" / "check the sender's account, its password and [email]; what is owed goes out by itself then.";
    DO_EMAIL_LATE = "向该收件人的邮件管理员或邮件服务商了解推迟接收的原因；系统会继续重试。" / "ask the recipient's mail administrator or the mail provider why mail is put off; it goes on being tried.";
    DO_EMAIL_UNDELIVERABLE = "核对该地址；修正后运行 qualwatch retry 重新发送。" / "check the address; once it is mended run qualwatch retry.";
    DO_DATABASE_UNAVAILABLE = "检查 PostgreSQL 是否运行、可写，磁盘是否已满。" / "see whether PostgreSQL runs and can be written, and whether the disk is full.";

    // Reasons.
    NO_KEY_GIVEN = "没有接口密钥" / "no API key is given";
    LIMIT_REACHED = "当日 {limit} 次查询已用完（[api].calls_per_day）" / "the {limit} calls of the day are used up ([api].calls_per_day)";
    NOTHING_FOUND = "接口查询不到该关键词" / "the provider finds nothing under this keyword";
    SAME_COMPANY = "监测名单的另一条目查到的是同一企业" / "another entry of the watchlist finds the same company";
    NO_TOTAL = "平台未给出记录总数" / "no total";
    TOTAL_CHANGED = "平台称共 {first} 条，随后改称 {then} 条" / "total changed from {first} to {then}";
    INCOMPLETE = "平台称共 {total} 条，实得 {got} 条" / "total {total}, got {got}";
    TWICE = "记录 {item} 在两页重复出现" / "the item {item} came on two pages";
    TOO_MANY = "平台称共 {total} 条，超过一次查询可取的数量" / "total {total} is more than one check can ask for";
    UNNUMBERED = "有 1 条记录缺证书编号" / "1 item has no certificate number";
    UNNUMBERED_NAMED = "有 1 条记录缺证书编号（{which}）" / "1 item has no certificate number ({which})";
    UNNUMBERED_MANY = "有 {count} 条记录缺证书编号" / "{count} items have no certificate number";
    UNNUMBERED_MANY_NAMED = "有 {count} 条记录缺证书编号（{which}）" / "{count} items have no certificate number ({which})";
    ANOTHER_COMPANYS = "查询到的是另一企业的记录（{id}）" / "the answer is of {id}";
    ANSWER_OF_NOBODY = "应答未写明属于哪家企业，所载证书编号也与此前不同" / "the answer names no company, and bears other certificate numbers";
    ALL_NOT_PAID = "查询一次需 {pages} 次调用，当日余量不足（[api].calls_per_day）" / "its answer takes {pages} calls, more than the day has left ([api].calls_per_day)";
    OTHER_ID = "证书 {number} 出现在另一企业名下" / "certificate {number} came under another company's id";
    CUT_OFF = "查询中途停止，未取完全部页" / "asking was stopped before all pages were there";
    PAGE_EMPTY = "第 {page} 页为空" / "page {page} was empty";
    CALLS_NEEDED = "查询一次需 {pages} 次调用，超过 [api].calls_per_day 的 {limit} 次" / "its answer takes {pages} calls, and [api].calls_per_day allows {limit}: it is not asked";
    LOST_AT_ONCE = "24 小时内 {observed} 家企业中有 {losing} 家的证书或资质减少" / "{losing} of {observed} companies lost certificates or qualifications within 24 hours";
    NO_END = "证书 {number}：未载明有效期" / "certificate {number}: no end of validity is stated";
    ENDLESS = "证书 {number}：有效期载明为“{text}”，而资质均有届满日" / "certificate {number}: the end of validity is \"{text}\", but a 资质 always ends";
    END_UNREADABLE = "证书 {number}：有效期“{text}”无法读取" / "certificate {number}: the end of validity \"{text}\" cannot be read";
    TWO_ENDS = "证书 {number}：“{text}”载明两个有效期，未说明以哪个为准，按较早的提醒" / "certificate {number}: \"{text}\" states two ends and not which of them holds; the earlier is judged";
    END_BEFORE_ISSUE = "证书 {number}：有效期早于发证日期" / "certificate {number}: it ends before it was issued";
    ISSUED_IN_FUTURE = "证书 {number}：发证日期在将来" / "certificate {number}: its issue date lies in the future";
    TOO_LONG = "证书 {number}：有效期超过 20 年" / "certificate {number}: it runs for more than 20 years";
    NO_WHOLE_ANSWER = "在 {time} 内没有收到完整应答" / "no whole answer within {time}";
    NO_CONNECTION_REFUSED = "无法连接 {host}：连接被拒绝" / "no connection to {host}: Connection refused (os error 111)";
    NO_CONNECTION = "无法连接 {host}：{cause}" / "no connection to {host}: {cause}";
    NO_TLS = "无法与 {host} 建立加密连接：{cause}" / "no TLS with {host}: {cause}";
    NO_ANSWER = "{host} 没有应答：{cause}" / "no answer from {host}: {cause}";
    BROKE_OFF = "{host} 的应答中断：{cause}" / "the answer of {host} broke off: {cause}";
    ANSWER_TOO_LONG = "应答超过 {size} MiB" / "the answer is longer than {size} MiB";
    REDIRECTED = "HTTP {status}，被转到 {host}" / "HTTP {status}, redirected to host {host}";
    UNREADABLE_WEB_PAGE = "返回的是网页而不是 JSON：{excerpt}" / "unreadable answer, a web page instead of JSON: {excerpt}";
    UNREADABLE = "应答无法读取：{why}" / "unreadable answer, {why}";
    NOT_TAKEN_AT_RECIPIENT = "报送收件人（RCPT TO）时，服务器答复 {reply}" / "naming the recipient (RCPT TO): the server answered {reply}";
    CONNECTION_REFUSED = "连接被拒绝" / "connection refused";
    SERVER_AWAY = "邮件服务器无法连接" / "the mail server was away";
    LOGIN_REFUSED = "登录邮件服务器时，服务器答复 {reply}" / "logging in at the mail server: the server answered {reply}";
    SENDER_REFUSED = "指定发件人时，邮件服务器答复 {reply}" / "naming the sender (MAIL FROM): the server answered {reply}";
    RECIPIENT_REFUSED = "{who}：指定收件人时，邮件服务器答复 {reply}" / "{who}: naming the recipient (RCPT TO): the server answered {reply}";
    WEB_PAGE = "HTTP {status}，返回的是网页而非 JSON：{page}" / "HTTP {status}, a web page instead of JSON: {page}";

    // Sentences.
    SINCE = "自 {at}起" / "Since {at}";
    LINE = "监测名单第 {line} 行" / "line {line} of the watchlist";
    REASON = "原因：{reason}" / "Reason: {reason}";
    FORMER_REASON = "此前的原因：{reason}" / "The reason had been: {reason}";
    MORE_FAULTS = "另有 {count} 处错误未列出。" / "And {count} more faults.";
    CODE = "（代码 {code}）" / " (code {code})";
    ANSWERED = "接口或服务器返回代码 {code}。" / "The provider or server answers with code {code}.";
    BACK_AGAIN = "此前未查询到的证书、资质均已重新列出，未通知收件人。" / "What was not shown is shown again; recipients were told of none of it.";
    BACK_BUT = "除以下此后未能查询的企业外，此前未查询到的证书、资质均已重新列出，未通知收件人：{names}。" / "What was not shown is shown again, and recipients were told of none of it; but these could not be verified since: {names}.";
    CONFIRMED_OF = "连续 4 次查询结果一致，收件人已获知：{names}。" / "4 queries in a row agree; recipients are told of: {names}.";
    REWRITTEN_OF = "连续 4 次查询结果一致：原有的证书或资质未再列出，另有内容列于其处，收件人均已获知：{names}。如系名称或编号改写，属数据源变动，企业资质可能并无变化。" / "4 queries in a row agree: what was listed is not any more, and something else is in its place; recipients are told of both: {names}. Where only names or numbers were rewritten, the source has changed and the qualifications perhaps have not.";
    WENT_TO = "所欠邮件已改发：{names}。" / "What was owed has gone to {names} instead.";
    COMPANIES = "涉及企业：{names}。" / "Companies: {names}.";
    OVER_SINCE = "始于 {since}，于 {at}恢复。" / "It began on {since} and was over on {at}.";
    OVER = "于 {at}恢复。" / "Over on {at}.";
    DO_NOTHING = "无须处理。" / "nothing.";
    DATABASE_RESTORED = "数据库已由备份恢复" / "The database was restored from a backup";
    MEANS_RESTORED = "备份之后的记录已不在：其间已发出的提醒可能重复；其间出现又消失的变化、其间登记的延续和暂缓提醒已丢失。" / "What was recorded after the backup is gone: what was told since may be told again; what came and went since, and renewals and snoozes entered since, are missing.";
    DO_RESTORED = "重新登记备份之后所作的 qualwatch renewing 和 snooze；确认无误后可删除原数据库目录。" / "enter again what was entered by qualwatch renewing and snooze since the backup; the old database's directory may be removed when all is well.";
    DO_COMPARE_REWRITTEN = "在国家平台（jzsc.mohurd.gov.cn）抽查一两家企业，确认是改写还是实际变化。" / "compare one or two companies with the national platform (jzsc.mohurd.gov.cn): were they rewritten, or did they change?";
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        super::super::phrasebook::assert_same_places(super::ALL);
    }
}
