//! What `qualwatch init` says and writes, in the language of the mails.

use crate::domain::language::Language;

/// Its words in one language.
#[derive(Debug)]
pub(super) struct Words {
    pub greeting: &'static str,
    pub company: &'static str,
    pub company_name: &'static str,
    pub more_companies: &'static str,
    pub mail: &'static str,
    pub other_server: &'static str,
    pub files: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub operators: &'static str,
    pub api_key: &'static str,
    pub password: &'static str,
    pub kept: &'static str,
    pub written: &'static str,
    pub test_call: &'static str,
    pub test_mail: &'static str,
    pub go_on: &'static str,
    /// Before what the judge of the file says of an answer.
    pub refused: &'static str,
    /// Before the domain that addresses of a service have.
    pub other_domain: &'static str,
    pub no_key: &'static str,
    pub start_service: &'static str,
    pub start_here: &'static str,
    pub sender_name: &'static str,
    pub head: &'static str,
    pub key_is: &'static str,
    pub password_is: &'static str,
    pub calls: &'static str,
    pub check: &'static str,
    pub from_note: &'static str,
    pub to_note: &'static str,
    pub operators_note: &'static str,
    pub maildir_note: &'static str,
    pub companies_note: &'static str,
}

pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::Chinese => &CHINESE,
        Language::English => &ENGLISH,
    }
}

const CHINESE: Words = Words {
    greeting: "五个问题，写成第一份监测名单。Ctrl-C 随时退出，什么也不会留下。",
    company: "1. 监测哪家企业？（统一社会信用代码最稳妥，也可填企业全称）",
    company_name: "   邮件中如何称呼它？",
    more_companies: "   还有哪家？（没有则直接回车）",
    mail: "2. 用哪个邮箱服务发信？（编号，或服务器地址，如 smtp.corp.cn:465）",
    other_server: "其他服务器：直接填地址",
    files: "不发信，存为文件（试用）",
    from: "3. 用哪个邮箱地址发信？",
    to: "4. 谁接收资质提醒？（多个地址以空格分开）",
    operators: "5. 本程序自身出问题时通知谁？（直接回车：同上）",
    api_key: "聚合数据“企业建筑资质资格查询”的接口密钥（不显示；直接回车：以后再填）",
    password: "发信邮箱的密码或授权码（不显示；直接回车：以后再填）",
    kept: "已存在，保持不变：",
    written: "已写入：",
    test_call: "试查一次第一家企业（一次付费查询），以验证密钥",
    test_mail: "向上述每个地址各发一封测试邮件",
    go_on: "。现在进行？[Y/n]",
    refused: "不能采用：",
    other_domain: "该服务的地址须以此结尾：",
    no_key: "没有密钥，不试查。",
    start_service: "启动服务：sudo systemctl enable --now qualwatch",
    start_here: "运行：qualwatch run",
    sender_name: "资质监控",
    head: "qualwatch 的监测名单。全部设置和默认值见 watchlist.example.toml。\n\
           修改后用 qualwatch validate 检查；运行中的服务会自动采用新内容，有错的文件整份不采用。\n\
           密钥和密码不写在这里。",
    key_is: "接口密钥在",
    password_is: "邮箱密码（授权码）在",
    calls: "每次查询都要付费：每日最多次数",
    check: "查询时间：分 时 日 月 星期",
    from_note: "发件人，须是登录的邮箱",
    to_note: "接收所有企业的资质提醒",
    operators_note: "本程序出问题时通知谁",
    maildir_note: "每封邮件存为此目录中的一个文件",
    companies_note: "每家企业一段，可另设 name（邮件中的称呼）、tags、to（另外的收件人）",
};

const ENGLISH: Words = Words {
    greeting: "Five questions make a first watchlist. Ctrl-C ends it at any time and leaves nothing behind.",
    company: "1. Which company is to be watched? (its 统一社会信用代码 is the steadiest, its full name will do)",
    company_name: "   What are mails to call it?",
    more_companies: "   Another one? (Enter: no more)",
    mail: "2. Which mail service sends? (a number, or a server such as smtp.corp.cn:465)",
    other_server: "another server: write its address",
    files: "none, mails become files (to try out)",
    from: "3. Which address do mails come from?",
    to: "4. Who reads the alerts? (several addresses with blanks between them)",
    operators: "5. Who is told when qualwatch itself is in trouble? (Enter: the same)",
    api_key: "The provider's key for 企业建筑资质资格查询 (not shown; Enter: later)",
    password: "The password or 授权码 of the sending mailbox (not shown; Enter: later)",
    kept: "is there already and stays as it is:",
    written: "written:",
    test_call: "One test call for the first company (one paid call) proves the key",
    test_mail: "A test mail goes to each of these addresses",
    go_on: ". Now? [Y/n]",
    refused: "",
    other_domain: "addresses of this service end with ",
    no_key: "There is no key: no test call.",
    start_service: "Start the service: sudo systemctl enable --now qualwatch",
    start_here: "Run it: qualwatch run",
    sender_name: "Qualification watch",
    head: "The watchlist of qualwatch. watchlist.example.toml shows every key with its default.\n\
           Judge a change with `qualwatch validate`; a service that runs takes it up by itself, and refuses a file with faults whole.\n\
           No secret belongs in here.",
    key_is: "The key is in",
    password_is: "The mailbox's password (授权码) is in",
    calls: "every call costs money: the most in a day",
    check: "when companies are checked: minute hour day month weekday",
    from_note: "the sender: the mailbox that logs in",
    to_note: "who reads of every company",
    operators_note: "who hears when qualwatch itself is in trouble",
    maildir_note: "each mail is a file in this directory",
    companies_note: "One entry a company. It may have a `name` (what mails call it), `tags`, and readers of its own in `to`",
};
