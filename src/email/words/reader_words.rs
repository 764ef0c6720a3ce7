//! What readers are told, in both languages: 用词依国家平台与资质管理规定. Where each stands is decided in `changes.rs`.

use super::phrasebook::phrases;

phrases! {
    // Titles.
    FILING_DUE = "延续申请截止提醒" / "Renewal filing due";
    FILING_PASSED = "延续申请截止日已过" / "Filing day passed";
    EXCHANGE_DUE = "换领提醒" / "Exchange due";
    EXPIRING = "即将到期" / "Expiring soon";
    EXPIRED = "有效期届满" / "Validity ended";
    RENEWED = "证书已延续" / "Certificate renewed";
    RENEWED_PARTLY = "部分资质已延续" / "Part of a certificate renewed";
    VALIDITY_EXTENDED = "有效期延长" / "Validity extended";
    VALIDITY_SHORTENED = "有效期缩短" / "Validity shortened";
    CERTIFICATE_ADDED = "新增证书" / "New certificate";
    CERTIFICATE_REPLACED = "证书换发（编号变更）" / "Certificate replaced (new number)";
    CERTIFICATE_REMOVED = "未查询到证书" / "Certificate not listed";
    CERTIFICATE_RESTORED = "证书重新列出" / "Certificate listed again";
    QUALIFICATION_REMOVED = "证书中资质减少" / "Qualification not listed";
    QUALIFICATION_ABSORBED = "资质并入" / "Absorbed by a wider qualification";
    QUALIFICATION_ADDED = "新增资质" / "New qualification";
    GRADE_RAISED = "资质等级提升" / "Grade raised";
    GRADE_LOWERED = "资质等级降低" / "Grade lowered";
    GRADE_EXCHANGED = "资质换领" / "Qualification exchanged";
    GRADE_REWORDED = "等级名称变更" / "Name of grade changed";
    REISSUED = "重新发证" / "Certificate reissued";
    RETRACTED = "更正前次通知" / "Correction of an earlier mail";
    UNVERIFIED = "数据未更新" / "Data not updated";
    VERIFIED_AGAIN = "数据恢复更新" / "Data updated again";
    WATCHING = "已纳入监测" / "Now watched";
    BRIEFING = "现有期限一览" / "Current deadlines";
    WATCHLIST_CHANGED = "监测名单变更" / "Watchlist changed";

    // What by when, in the fewest words: the head of a card, the beginning of a subject.
    FILE_TODAY = "今天截止申请延续" / "File by today";
    FILE_WITHIN = "{days}后截止申请延续" / "File within {days}";
    FILING_DAY_PASSED = "已过申请截止日，{days}后到期" / "Filing day passed, {days} left";
    FILING_DAY_PASSED_LATE = "已过申请截止日，剩余 {days}" / "Filing day passed, {days} left";
    EXCHANGE_TODAY = "今天到期，须换领" / "Exchange by today";
    EXCHANGE_WITHIN = "{days}后到期，须换领" / "Exchange within {days}";
    REGISTERED_WITHOUT_END = "备案载明长期" / "Registered without an end";
    EXPIRES_TODAY = "今天到期" / "Expires today";
    EXPIRES_IN = "{days}后到期" / "Expires in {days}";
    EXPIRES_LATE = "即将到期，剩余 {days}" / "Expiring: {days} left";
    ENDED_AGO = "有效期已过 {days}" / "Ended {days} ago";
    PARTLY = "部分资质{news}" / "{news} (in part)";
    PARTLY_IN = "部分资质 {news}" / "{news} (in part)";
    NOT_LISTED = "未查询到证书" / "Not listed";
    NOT_UPDATED_FOR = "数据已 {days}未更新" / "No new data for {days}";

    // The ends of certificates.
    DAYS_TO_FILE = "{certificate}距延续申请截止 {days}。" / "{days} left to apply for the renewal of the {certificate}.";
    LAST_DAY_TO_FILE = "{certificate}今日为延续申请截止日。" / "Today is the last day to apply for the renewal of the {certificate}.";
    FILE_BY = "最迟应于 {day}向{organ}提出延续申请，以许可机关要求为准。" / "The application for renewal must reach {organ} on or before {day}; that authority's own requirements count.";
    FILE_BY_IF_APPLICABLE = "如适用，最迟应于 {day}向{organ}提出延续申请，以许可机关要求为准。" / "If applicable, the application for renewal must reach {organ} on or before {day}; that authority's own requirements count.";
    END_AND_DUE = "{end}，{due}" / "{end}: {due}";
    SHORT_FILE_BY = "最迟 {day}申请延续（{left}）" / "apply for renewal on or before {day} ({left})";
    SHORT_FILE_BY_IF_APPLICABLE = "如适用，最迟 {day}申请延续（{left}）" / "if applicable, apply for renewal on or before {day} ({left})";
    SHORT_FILING_PASSED = "延续申请截止日（{day}）已过" / "the day to apply for renewal ({day}) has passed";
    SHORT_EXCHANGE = "所列等级已取消，到期前须换领" / "of an abolished grade: to be exchanged before its end";
    TODAY = "今天" / "today";
    DAYS_LEFT = "剩余 {days}" / "{days} left";
    FILING_HAS_PASSED = "{certificate}{statutory}延续申请截止日（{day}）已过，距届满 {days}。" / "The {statutory}day to apply for the renewal of the {certificate} ({day}) has passed ({days} left to the end of validity).";
    FILING_HAS_PASSED_TODAY = "{certificate}{statutory}延续申请截止日（{day}）已过，有效期今日届满。" / "The {statutory}day to apply for the renewal of the {certificate} ({day}) has passed; its validity ends today.";
    STATUTORY = "法定的" / "statutory ";
    DAY_IF_APPLICABLE = "如适用，{day}" / "{day}, if applicable";
    ENDS_ON_IN = "有效期至 {day}，剩余 {days}。" / "It is valid until {day} ({days} left).";
    ENDS_ON = "有效期至 {day}。" / "It is valid until {day}.";
    AND_FILING_HAS_PASSED = "{statutory}延续申请截止日（{day}）已过。" / "The {statutory}day to apply for renewal ({day}) has passed.";
    EXPIRES_ON = "{certificate}将于 {day}到期，剩余 {days}。" / "The {certificate} expires on {day} ({days} left).";
    EXPIRES_ON_THIS_DAY = "{certificate}今日到期（{day}），当日仍在有效期内。" / "The {certificate} expires today ({day}) and is still valid today.";
    RENEWAL_FILED = "管理员已登记：延续申请已于 {day}提交，平台数据尚未显示新的有效期。" / "The administrator noted that the renewal was applied for on {day}; the platform's data does not show a new end yet.";
    RENEWAL_FILED_UNDER = "管理员已登记：延续申请已于 {day}提交（受理号 {number}），平台数据尚未显示新的有效期。" / "The administrator noted that the renewal was applied for on {day} (acceptance number {number}); the platform's data does not show a new end yet.";
    DO_FOLLOW_RENEWAL = "向许可机关查询办理进度；届满后未取得新证书前，请勿以该资质投标、签约。" / "ask the authority how the renewal stands; after the end do not bid or sign on it before the new certificate is there.";
    GRADE_ABOLISHED = "{grades}资质已取消，距届满 {days}。" / "Qualifications of {grades} have been abolished ({days} left to the end of validity).";
    GRADE_ABOLISHED_TODAY = "{grades}资质已取消，有效期今日届满。" / "Qualifications of {grades} have been abolished; the validity ends today.";
    PARTS_ABOLISHED = "其中{names}的等级已取消，须在届满前申请换领。" / "The grade of {names} has been abolished: these must be exchanged (换领) before the end.";
    LABOUR_PART = "其中施工劳务已改为备案管理，到期后的延续或重新备案以备案机关要求为准。" / "The labour subcontracting (施工劳务) among it is now only registered (备案): how to go on after the end is for the registering authority to say.";
    LABOUR = "施工劳务已改为备案管理，到期后的延续或重新备案以备案机关要求为准。" / "Labour subcontracting (施工劳务) is now only registered (备案): how to go on after the end is for the registering authority to say.";
    FAMILY_ABOLISHED = "该类资质已取消，不再办理延续。" / "This kind of qualification has been abolished and is not renewed any more.";
    HAS_EXPIRED = "{certificate}载明的有效期已于 {day} 届满（已过 {days}），截至 {at}平台数据未见延续。" / "The stated validity of the {certificate} ended on {day} ({days} ago); as of {at} the platform's data shows no renewal.";
    HAS_EXPIRED_FOR_EVER = "{certificate}原载明的有效期已于 {day} 届满（已过 {days}），平台数据现载明为“{text}”。施工劳务已改为备案管理，以备案机关要求为准。" / "The former validity of the {certificate} ended on {day} ({days} ago); the platform's data now states “{text}”. Labour subcontracting (施工劳务) is only registered (备案): what the registering authority says counts.";
    NOW_FOR_EVER = "{certificate}原载明有效期至 {day}，平台数据现载明为“{text}”。" / "The former validity of the {certificate} runs until {day}; the platform's data now states “{text}”.";
    HAS_EXPIRED_UNQUERIED = "{certificate}载明的有效期已于 {day} 届满（已过 {days}），本系统尚未取得完整数据。" / "The stated validity of the {certificate} ended on {day} ({days} ago); complete data has not been obtained yet.";
    RECORD_OF_PART_GONE = "平台数据中已无上述资质的记录。" / "The platform's data has no record of these qualifications any more.";
    RECORD_GONE = "平台数据中已无该证书记录。" / "The platform's data has no record of this certificate any more.";
    LATER_END_SEEN = "平台数据曾显示有效期至 {day}，尚待再次查询确认。" / "The data has shown a later end, {day}, which another query has yet to confirm.";
    PARTLY_COVERED = "其中部分资质已列于另一证书 {number}：{names}{until}。" / "Part of it is held in another certificate, No. {number}: {names}{until}.";

    // What to do about an end.
    DO_FILE = "在该日前提交；已提交的，回复本邮件告知受理号。" / "file before that day ends; if it has been filed, reply to this mail with the acceptance number.";
    DO_FILE_TODAY = "今日内提交；已提交的，回复本邮件告知受理号。" / "file today; if it has been filed, reply to this mail with the acceptance number.";
    DO_FILE_BY = "最迟于 {day}提交延续申请；已提交的，回复本邮件告知受理号。" / "file the application on or before {day}; if it has been filed, reply to this mail with the acceptance number.";
    DO_CONFIRM_FILED = "立即确认是否已提交并被受理；未提交的，即与许可机关联系。有效期届满未依法延续的，资质证书失效并将被注销，须重新申请。" / "find out at once whether the application was filed and accepted; if not, call the authority now. A certificate that is not renewed by its end lapses, is deregistered and must be applied for anew.";
    DO_EXCHANGE = "届满前向许可机关申请换领，逾期未申请的自动作废（以许可机关要求为准）。" / "apply to the authority for an exchange (换领) before the end; without an application it lapses by itself (that authority's own requirements count).";
    DO_ASK_REGISTRAR = "届满前向备案机关了解延续或重新备案的要求。" / "ask the registering authority before the end what it requires.";
    DO_ASK_REGISTRAR_OF_END = "向备案机关确认备案是否有效，确认前请勿以该资质投标、签约。" / "ask the registering authority whether the registration stands, and do not bid or sign on it before.";
    DO_FAMILY_ABOLISHED = "届满后勿再以该资质投标；需要时向许可机关了解替代资质。" / "do not bid with it after its end; ask the authority what takes its place.";
    DO_NOT_USE = "在确认已延续前，请勿以该资质投标、签约；已在施的，核对合同要求。" / "do not bid or sign with it until a renewal is confirmed; for work under way check the contract.";

    // What came and went.
    ADDED = "平台数据新增{certificate}{until}。" / "The platform's data now has the {certificate}{until}.";
    ADDED_WITHOUT_END = "平台数据新增{certificate}。未载明可判断的有效期，本系统不会发出到期提醒。" / "The platform's data now has the {certificate}. It states no end that can be judged, so no reminder of its end will be sent.";
    ADDED_FOR_EVER = "平台数据新增{certificate}，载明“{text}”。施工劳务已改为备案管理，本系统不会发出到期提醒。" / "The platform's data now has the {certificate}, stated as “{text}”. Labour subcontracting (施工劳务) is only registered (备案), so no reminder of an end will be sent.";
    RESTORED = "平台数据重新列出{certificate}{until}。" / "The platform's data lists the {certificate} again{until}.";
    REPLACED = "平台新增证书 {number}{until}，已涵盖原证书 {old} 的全部资质，等级相同或更高。" / "The new certificate No. {number}{until} holds every qualification of the former {old}, at the same or a higher grade.";
    REMOVED = "平台数据中未查询到{certificate}{looks}；{end}" / "The platform's data does not list the {certificate}{looks}; {end}";
    ITS_STATED_END = "其载明的有效期至 {day}。" / "its stated validity runs until {day}.";
    NO_STATED_END = "其未载明可判断的有效期。" / "it stated no end that can be judged.";
    CAUSE_UNKNOWN = "平台数据不载明原因（可能为换证、更名、数据更新滞后、注销或撤回等）。" / "The data states no cause (a new certificate, a new name, late data, deregistration or withdrawal are possible).";
    ALL_GONE = "该企业名下 {count} 本证书均未查询到。如企业近期更名、合并或分立，请告知管理员更新监测名单。" / "None of this company's {count} certificates is listed. If it was lately renamed, merged or split, tell the administrator to update the watchlist.";
    PART_REMOVED = "平台数据中未查询到{certificate}的“{qualification}”{looks}；该证书仍在列{rest}。" / "The platform's data does not list “{qualification}” of the {certificate}{looks}; the certificate itself is still listed{rest}.";
    PRESENT_END = "，现有效期至 {end}（该项资质原载明至 {was}）" / ", valid until {end} (this qualification was stated until {was})";
    STATED_END = "（该项资质原载明至 {was}）" / " (this qualification was stated until {was})";
    LOOKS = "（相隔 20 小时以上的 {looks} 次查询均未查到）" / " (not found in {looks} queries at least 20 hours apart)";
    AGREEING = "（{looks} 次查询结果一致）" / " ({looks} queries agree)";
    HELD_ELSEWHERE = "{what}仍列于证书 {number}：{grade}{until}。" / "{what} is still listed in certificate No. {number}: {grade}{until}.";
    HELD_LOWER = "{what}现以较低等级列于证书 {number}：{grade}（原为{was}）{until}。" / "{what} is now listed at a lower grade in certificate No. {number}: {grade} (it was {was}){until}.";
    ALSO_HELD = "{what}另列于证书 {number}：{grade}{until}。" / "{what} is also listed in certificate No. {number}: {grade}{until}.";
    THIS_ONE = "该项资质" / "this one";
    WIDER_HELD = "涵盖{what}的“{wider}”列于证书 {number}：{grade}{until}。" / "“{wider}”, which covers {what}, is listed in certificate No. {number}: {grade}{until}.";
    WIDER_LOWER = "范围更广的“{wider}”现以较低等级列于证书 {number}：{grade}（{what}为{was}）{until}。" / "The wider “{wider}” is listed at a lower grade in certificate No. {number}: {grade} ({what} was {was}){until}.";
    WAS_HELD = "{what}此前列于证书 {number}：{grade}{until}。" / "{what} was listed before in certificate No. {number}: {grade}{until}.";
    SEVERAL_HELD = "其中 {count} 项仍列于证书 {number}：{names}{until}。" / "{count} of them are still listed in certificate No. {number}: {names}{until}.";
    SEVERAL_ALSO_HELD = "其中 {count} 项另列于证书 {number}：{names}{until}。" / "{count} of them are also listed in certificate No. {number}: {names}{until}.";
    SEVERAL_WERE_HELD = "其中 {count} 项此前列于证书 {number}：{names}{until}。" / "{count} of them were listed before in certificate No. {number}: {names}{until}.";
    THIS_QUALIFICATION = "该项资质" / "This qualification";
    SAME_QUALIFICATION = "同一资质" / "The same qualification";
    MANY_LOST = "多家企业的数据同时减少，可能系数据源异常。" / "The data of many companies shrank at the same time, so the source itself may be wrong.";
    PART_ADDED = "平台数据中{certificate}新增“{qualification}”{until}。" / "The platform's data now has “{qualification}” in the {certificate}{until}.";
    ABSORBED_ONE = "原“{name}”已由“{wider}”（证书 {number}）涵盖。" / "“{name}” is now covered by “{wider}” (certificate No. {number}).";
    ABSORBED_MANY = "原“{name}”等 {count} 项已由“{wider}”（证书 {number}）涵盖。" / "“{name}” and others, {count} in all, are now covered by “{wider}” (certificate No. {number}).";
    ABSORBED_NAMES = "并入的资质：{names}。" / "Absorbed: {names}.";

    // What to do about it.
    DO_REGISTER = "登记本证书编号及有效期。" / "put its number and end on your own record.";
    DO_REGISTER_LOWER = "登记；较低等级的新编号可能是降级，见上。" / "put it on your own record; a new number at a lower grade may be a downgrade, see above.";
    DO_USE_NEW_NUMBER = "投标使用新证书编号。" / "use the new certificate number in bids.";
    DO_USE_OTHER_NUMBER = "投标使用证书 {number}，并登录 jzsc.mohurd.gov.cn 复核。" / "use certificate No. {number} in bids, and check it on jzsc.mohurd.gov.cn.";
    DO_CHECK_PLATFORM = "投标、签约前登录 jzsc.mohurd.gov.cn 复核，并向企业或发证机关确认。" / "before bidding or signing check on jzsc.mohurd.gov.cn (全国建筑市场监管公共服务平台), and ask the company or the issuing authority.";
    DO_CHECK_GRADE_AND_PLATFORM = "核对在投、在建项目对资质等级的要求；投标、签约前登录 jzsc.mohurd.gov.cn 复核，并向企业或发证机关确认。" / "check what grade your bids and works under way require; before bidding or signing check on jzsc.mohurd.gov.cn (全国建筑市场监管公共服务平台), and ask the company or the issuing authority.";
    DO_USE_NEW_NAME = "投标使用新资质名称。" / "use the new name in bids.";
    DO_REGISTER_PART = "登记该项资质，投标资料按本证书更新。" / "put it on your own record and update your bid documents.";
    DO_USE_RESTORED = "恢复使用前登录 jzsc.mohurd.gov.cn 复核一次。" / "check it once on jzsc.mohurd.gov.cn before you use it again.";

    // Grades.
    RAISED = "{certificate}中“{name}”的资质等级由“{old}”升为“{new}”。" / "The grade of “{name}” in the {certificate} rose from {old} to {new}.";
    LOWERED = "{certificate}中“{name}”的资质等级由“{old}”降为“{new}”{looks}。" / "The grade of “{name}” in the {certificate} fell from {old} to {new}{looks}.";
    EXCHANGED = "{certificate}中“{name}”由{old}换领为{new}（有效期 1 年，至 {end}；届满前须按{new}标准申请延续）。" / "“{name}” in the {certificate} was exchanged (换领) from {old} to {new}, valid for one year until {end}; its renewal must be applied for by the standard of {new} before that.";
    EXCHANGED_NUMBER = "证书 {number} 的“{name}”由{old}换领为{new}，列于证书 {here}（有效期 1 年，至 {end}；届满前须按{new}标准申请延续）。换领不是升级，也不是延续。" / "“{name}” of certificate No. {number} was exchanged (换领) from {old} to {new}, in certificate No. {here}, valid for one year until {end}; its renewal must be applied for by the standard of {new} before that. An exchange is neither a rise nor a renewal.";
    DO_EXCHANGED_NUMBER = "投标使用证书 {here} 和新等级；届满前须按新等级标准申请延续。" / "use certificate No. {here} and the new grade in bids; apply for the renewal by its standard before the end.";
    REWORDED = "{certificate}中“{name}”的等级名称由“{old}”变更为“{new}”{looks}。" / "The grade of “{name}” in the {certificate} is now called {new} instead of {old}{looks}.";
    REFORM = "系资质改革后的等级名称变化，不属于升降级。" / "This is a new name by the reform of qualifications, neither a rise nor a fall.";
    NOT_JUDGED = "平台数据不足以判断是否升降级，请核实。" / "The data does not tell whether that is a rise or a fall: please check.";
    NO_GRADE = "未载明等级" / "no stated grade";
    DO_USE_GRADE = "投标使用新等级，附新证书。" / "use the new grade in bids, with the new certificate.";
    DO_LOWERED = "核对在投、在建项目对资质等级的要求，并向许可机关了解原因。" / "check what grade your bids and works under way require, and ask the authority why.";
    DO_EXCHANGED = "投标使用新等级；届满前须按新等级标准申请延续。" / "use the new grade in bids; apply for the renewal by its standard before the end.";
    DO_REWORDED = "投标使用新的等级名称，附新证书。" / "use the new name of the grade in bids, with the new certificate.";
    DO_CHECK_REWORDED = "登录 jzsc.mohurd.gov.cn 核对等级，必要时向许可机关确认。" / "check the grade on jzsc.mohurd.gov.cn, and ask the authority where needed.";

    // Ends and issue dates that moved.
    END_RENEWED = "{certificate}有效期由 {old} 变更为 {new}{issued}。" / "The validity of the {certificate} changed from {old} to {new}{issued}.";
    NEW_ISSUE_DAY = "（新发证日期 {day}）" / " (new issue date {day})";
    ISSUE_DAY_UNCHANGED = "发证日期未变，" / "issue date unchanged, ";
    END_EXTENDED = "{certificate}有效期由 {old} 变更为 {new}（{issued}可能为主管部门统一延期）。" / "The validity of the {certificate} changed from {old} to {new} ({issued}possibly a general extension by the authorities).";
    END_RENEWED_PARTLY = "{certificate}中下列 {count} 项有效期变更为 {new}：{names}；{rest}" / "In the {certificate} the validity of these {count} is now {new}: {names}; {rest}";
    REST_STAYS = "同证书另有 {count} 项仍至 {day}。" / "{count} others of the same certificate still end on {day}.";
    REST_ENDS = "同证书其余 {count} 项有效期至 {day}。" / "The other {count} of the same certificate are valid until {day}.";
    PART_OF = "{certificate}中部分资质（{names}）" / "part of the {certificate} ({names})";
    END_SHORTENED = "{certificate}有效期由 {old} 提前至 {new}{looks}。" / "The end of validity of the {certificate} moved from {old} to the earlier {new}{looks}.";
    ISSUED_ANEW = "{certificate}发证日期由 {old} 变更为 {new}，有效期未变。" / "The issue date of the {certificate} changed from {old} to {new}; its validity did not.";
    DO_USE_RENEWED = "投标文件换用新证书。" / "put the new certificate into your bid documents.";
    DO_ATTACH_EXTENSION = "已打印或下载的证书仍可能载明原日期，投标时附延期文件或平台查询页。" / "a printed or downloaded certificate may still show the former date: attach the notice of extension or the platform's page to bids.";
    DO_PLAN_BY = "以 {new} 为准安排延续，并向许可机关了解原因。" / "plan the renewal by {new}, and ask the authority why.";
    DO_ASK_FOR_NEW = "向企业索取新证书。" / "ask the company for the new certificate.";

    // Corrections, and whole companies.
    TOLD_EARLIER = "此前邮件告知的“{kind}”" / "What an earlier mail told as “{kind}”";
    TOLD_ON = "{day}查询到并已邮件告知的“{kind}”" / "What was found on {day} and told by mail as “{kind}”";
    TAKEN_BACK = "{told}（{certificate}{qualification}{until}），其后 2 次查询均未查到，可能系平台数据变动。" / "{told} ({certificate}{qualification}{until}) was not found in the 2 queries since; the platform's data may have changed.";
    THIS_CERTIFICATE = "该证书" / "the certificate";
    THESE_QUALIFICATIONS = "上述资质" / "these qualifications";
    DO_NOT_RELY = "请勿据该邮件使用{what}。" / "do not use {what} on the strength of that mail.";
    DO_NOT_RELY_ON_THIS_END = "请勿据该邮件使用{what}，仍以原有效期为准：至 {day}。" / "do not use {what} on the strength of that mail; the former end counts: {day}.";
    DO_NOT_RELY_ON_GRADE = "请勿据该邮件投标，仍以原等级“{grade}”为准。" / "do not bid on the strength of that mail; the former grade counts: {grade}.";
    DO_NOT_RELY_ON_NUMBER = "请勿据该邮件使用新证书编号，仍使用原证书编号。" / "do not use the new number on the strength of that mail; the former one counts.";
    DO_NOT_RELY_ON_END = "请勿据该邮件使用{what}，仍以原有效期为准。" / "do not use {what} on the strength of that mail; the former end counts.";
    STALE = "数据已 {days}未更新；最近一次成功查询：{at}。此间变化可能未被发现。" / "The data has not been updated for {days}; the last successful query was {at}. Changes since may have gone unnoticed.";
    NEVER_QUERIED = "自纳入监测以来尚未取得完整数据，本系统目前不能发出到期提醒。" / "Since it is watched no complete data has been obtained: reminders of its ends cannot be sent for now.";
    DO_LOOK_YOURSELF = "投标前自行在国家平台（jzsc.mohurd.gov.cn）查询。" / "before bidding look at the national platform (jzsc.mohurd.gov.cn) yourself.";
    UPDATED_AGAIN = "数据已于 {at}恢复更新；此间如有变化，另行列出。" / "The data is updated again as of {at}; changes in between, if any, are listed separately.";
    DO_NOTHING = "无须处理。" / "nothing.";
    NOW_WATCHED = "平台数据中查询到 {count} 本证书{next}。" / "The platform's data has {count}{next}.";
    NEXT_END = "，最早的 {number} 将于 {day}到期" / "; the first to end is {number}, on {day}";
    NEXT_ENDED = "，其中 {number} 已于 {day} 届满" / "; {number} ended on {day}";
    ONLY_HISTORICAL = "平台数据中仅查询到历史证书。" / "The platform's data has historical certificates only.";
    REGISTERED_FOR_EVER = "施工劳务备案，载明长期，不作到期提醒：{numbers}。" / "Labour subcontracting (施工劳务) registered without an end, so without reminders: {numbers}.";
    NOT_JUDGEABLE = "有效期无法判断、不作到期提醒：{numbers}。" / "Without an end that can be judged, so without reminders: {numbers}.";
    HISTORICAL = "历史证书（届满超过 180 天，不再提醒）：{numbers}。" / "Historical certificates (ended over 180 days ago, no reminders): {numbers}.";
    NOT_COVERED = "监测不包括安全生产许可证、注册人员和异常标注。" / "Not covered: work safety licences (安全生产许可证), registered persons, abnormality marks.";
    SAFETY_LICENCE = "该接口一般不含安全生产许可证；本次所列按其载明的有效期提醒。" / "The source has no work safety licences (安全生产许可证) as a rule; the one listed is reminded of by its stated validity.";
    DO_CONFIRM_COMPANY = "核对是否属于所要监测的企业；如不符，请告知管理员。" / "check that this is the company meant; if not, tell the administrator.";
    BECAME_READER = "您已成为该企业的收件人。" / "You now receive this company's news.";
    OPEN_DEADLINES = "您已成为该企业的收件人。当前期限：" / "You now receive this company's news. Its current deadlines:";
    DO_BRIEFING = "按所列期限安排；已提交延续申请的，回复本邮件告知受理号。" / "plan by these days; if a renewal has been filed, reply to this mail with the acceptance number.";
    LEFT_FILE = "已移出监测名单、不再按其条目提醒：{names}。" / "Taken out of the watchlist, no reminders by these entries any more: {names}.";
    READER_GAINED = "新增收件人：{address}（{names}）。" / "A new recipient: {address} ({names}).";
    READER_LOST = "不再是收件人：{address}（{names}）。" / "No recipient any more: {address} ({names}).";
    CALLS_CHANGED = "按新名单每天约需查询 {now} 次（原 {before} 次）。" / "The new watchlist needs about {now} calls a day (before: {before}).";
    CALLS_NOW = "按新名单每天约需查询 {now} 次。" / "The new watchlist needs about {now} calls a day.";
    DO_CHECK_READERS = "核对收件人是否为本意；如非本意，改回监测名单。" / "see whether these recipients are meant; if not, put the watchlist right.";
    LEAVER = "{company}（{ends}）" / "{company} ({ends})";
    DO_PUT_BACK = "如非本意，把企业或收件人加回监测名单。" / "if that was not meant, put the company or its recipient back into the watchlist.";

    // Pieces.
    UNTIL = "（有效期至 {day}）" / " (valid until {day})";
    COMMA_UNTIL = "，有效期至 {day}" / ", valid until {day}";
    DATA_AS_OF = "数据查询时间：{at}。" / "Data as of {at}.";
    DATA_OF_NONE = "尚未取得完整数据。" / "Complete data has not been obtained yet.";
    QUALIFICATIONS = "资质：{names}。" / "Qualifications: {names}.";
    SOME_AUTHORITY = "资质许可机关" / "the licensing authority";
    A_CERTIFICATE = "该证书" / "certificate";
    TO_DO = "要做：" / "To do: ";
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        super::super::phrasebook::assert_same_places(super::ALL);
    }
}
