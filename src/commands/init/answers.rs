//! The five answers, by options or by a person. Each is judged as the whole file would be.

use std::path::Path;

use super::file::{Answers, CompanyAnswer, quoted, smtp};
use super::questions;
use super::refusals::Reason;
use super::service::{FILES, Outgoing, SERVICES};
use super::words::{self, Words};
use crate::commands::arguments::InitArguments;
use crate::config;
use crate::domain::language::Language;

/// Takes what the options say, and asks for the rest where somebody can be asked.
///
/// # Errors
/// An answer is wrong, or missing where nobody can be asked; both name the option.
pub(super) fn answers(arguments: &InitArguments, maildir: String) -> anyhow::Result<Answers> {
    let language = Language::from(arguments.language);
    refuse_missing(arguments)?;
    let asking = Asking { words: words::of(language), language };
    let companies =
        match asking.given(&arguments.company, "--company", |text| company(&CompanyAnswer::of(text)))? {
            companies if companies.is_empty() => asking.companies()?,
            companies => companies,
        };
    let outgoing = match &arguments.mail {
        Some(mail) => asking.refused_as("--mail", outgoing(mail))?,
        None => asking.outgoing()?,
    };
    if let Outgoing::Service(service) = outgoing {
        questions::say(&format!("   {}", service.traps(language)))?;
    }
    let from = match &arguments.from {
        Some(from) => asking.refused_as("--from", sender(&outgoing, from, asking.words))?,
        None => asking.until(asking.words.from, |answer| {
            sender(&outgoing, &answer.unwrap_or_default(), asking.words)
        })?,
    };
    let to = match asking.given(&arguments.to, "--to", |text| address("to", text))? {
        to if to.is_empty() => {
            asking.until(asking.words.to, |answer| addresses("to", &answer.unwrap_or_default()))?
        }
        to => to,
    };
    let operators = match asking
        .given(&arguments.operators, "--operators", |text| address("operators", text))?
    {
        operators if operators.is_empty() => asking.until(asking.words.operators, |answer| match answer {
            Some(answer) => addresses("operators", &answer),
            None => Ok(to.clone()),
        })?,
        operators => operators,
    };
    let api_url = arguments.api_url.clone();
    if let Some(url) = &api_url {
        asking.refused_as("--api-url", complaint(&format!("[api]\nurl = {}", quoted(url)), &["api.url"]))?;
    }
    Ok(Answers { language, companies, outgoing, maildir, from, to, operators, api_url })
}

/// All that is missing at once.
fn refuse_missing(arguments: &InitArguments) -> anyhow::Result<()> {
    if questions::can_be_asked() {
        return Ok(());
    }
    let needed = [
        ("--company", arguments.company.is_empty()),
        ("--mail", arguments.mail.is_none()),
        ("--from", arguments.from.is_none()),
        ("--to", arguments.to.is_empty()),
        ("--operators", arguments.operators.is_empty()),
    ];
    let missing: Vec<&str> =
        needed.into_iter().filter_map(|(option, is_missing)| is_missing.then_some(option)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(Reason::NoTerminal { missing: &missing }.said(arguments.language.into()).into())
}

struct Asking {
    words: &'static Words,
    language: Language,
}

impl Asking {
    /// Asks until the answer is taken.
    fn until<T>(
        &self,
        question: &str,
        judge: impl Fn(Option<String>) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        questions::until(question, |answer| {
            judge(answer).map_err(|complaint| format!("{}{complaint}", self.words.refused))
        })
    }

    /// An option whose value is not taken.
    fn refused_as<T>(&self, option: &str, judged: Result<T, String>) -> anyhow::Result<T> {
        judged.map_err(|complaint| {
            let complaint = format!("{}{complaint}", self.words.refused);
            Reason::Answer { option, complaint: &complaint }.said(self.language).into()
        })
    }

    fn given<T>(
        &self,
        texts: &[String],
        option: &str,
        judge: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<Vec<T>> {
        texts.iter().map(|text| self.refused_as(option, judge(text))).collect()
    }

    fn companies(&self) -> anyhow::Result<Vec<CompanyAnswer>> {
        let mut companies = Vec::new();
        let mut question = self.words.company;
        loop {
            let is_enough = !companies.is_empty();
            let keyword = self.until(question, |answer| match answer {
                None if is_enough => Ok(None),
                answer => company(&CompanyAnswer { keyword: answer.unwrap_or_default(), name: None })
                    .map(|company| Some(company.keyword)),
            })?;
            let Some(keyword) = keyword else { return Ok(companies) };
            // A code says nothing to the reader of a mail.
            let name = if keyword.is_ascii() {
                self.until(self.words.company_name, |name| {
                    company(&CompanyAnswer { keyword: keyword.clone(), name }).map(|company| company.name)
                })?
            } else {
                None
            };
            companies.push(CompanyAnswer { keyword, name });
            question = self.words.more_companies;
        }
    }

    fn outgoing(&self) -> anyhow::Result<Outgoing> {
        for (number, service) in (1..).zip(&SERVICES) {
            questions::say(&format!("   {number}  {}", service.name(self.language)))?;
        }
        let files = SERVICES.len() + 1;
        questions::say(&format!("   {files}  {}\n      {}", self.words.files, self.words.other_server))?;
        self.until(self.words.mail, |answer| {
            let answer = answer.unwrap_or_default();
            match answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
                Some(number) if number < SERVICES.len() => Ok(Outgoing::Service(&SERVICES[number])),
                Some(number) if number == SERVICES.len() => outgoing(FILES),
                _ => outgoing(&answer),
            }
        })
    }
}

fn company(answer: &CompanyAnswer) -> Result<CompanyAnswer, String> {
    complaint(&answer.text(), &["company.keyword", "company.name"]).map(|()| answer.clone())
}

fn outgoing(text: &str) -> Result<Outgoing, String> {
    let outgoing = Outgoing::of(text);
    let Some(server) = smtp(&outgoing, "login@example.com") else { return Ok(outgoing) };
    let text = format!("[email]\nsmtp = {}", quoted(&server));
    complaint(&text, &["email.smtp"]).map(|()| outgoing)
}

fn sender(outgoing: &Outgoing, text: &str, words: &Words) -> Result<String, String> {
    let from = address("from", text)?;
    let domain = match outgoing {
        Outgoing::Service(service) => service.domain,
        _ => None,
    };
    match domain.filter(|domain| !from.to_ascii_lowercase().ends_with(&format!("@{domain}"))) {
        Some(domain) => Err(format!("{}@{domain}", words.other_domain)),
        None => Ok(from),
    }
}

fn address(key: &str, text: &str) -> Result<String, String> {
    let value = if key == "from" { quoted(text) } else { format!("[{}]", quoted(text)) };
    let address = text.trim().parse::<config::EmailAddress>().map_err(|bad| {
        let perhaps = bad.suggestion.as_ref().map(|address| format!(", perhaps {address}"));
        format!("{bad}{}", perhaps.unwrap_or_default())
    })?;
    complaint(&format!("[email]\n{key} = {value}"), &[&format!("email.{key}")])?;
    Ok(address.as_str().to_owned())
}

/// Several, in any of the ways in which people write them.
fn addresses(key: &str, text: &str) -> Result<Vec<String>, String> {
    let parts = text.split([' ', ',', ';', '，', '；', '、', '\t']).filter(|part| !part.is_empty());
    let mut addresses: Vec<String> = Vec::new();
    for part in parts {
        let address = address(key, part)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(address(key, "").err().unwrap_or_default()) } else { Ok(addresses) }
}

/// What the judge of the file says of these keys of a piece of it.
fn complaint(text: &str, keys: &[&str]) -> Result<(), String> {
    let judgement = config::judge(text, Path::new("watchlist.toml"));
    let fault = judgement.faults.iter().find(|fault| keys.contains(&fault.key.as_str()));
    fault.map_or(Ok(()), |fault| {
        let perhaps = fault.suggestion.as_ref().map(|perhaps| format!(", perhaps {perhaps}"));
        Err(format!("{}{}", fault.message, perhaps.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::init::file::{SecretLine, text};

    #[test]
    fn what_is_written_has_neither_fault_nor_warning() {
        let named = |keyword: &str, name: Option<&str>| CompanyAnswer {
            keyword: keyword.to_owned(),
            name: name.map(str::to_owned),
        };
        let companies = vec![
            named("河南省建筑设计研究院有限公司", None),
            named("914100004160000007", Some("河\"南\\院")),
        ];
        let servers = ["smtps://smtp.corp.cn", "smtp://mail.corp.cn:587?tls=required", "smtp://localhost:25"];
        let servers = servers.map(|server| Outgoing::Server(server.to_owned()));
        let all = SERVICES.iter().map(Outgoing::Service).chain(servers).chain([Outgoing::Files]);
        for (outgoing, language) in
            all.flat_map(|it| [(it.clone(), Language::Chinese), (it, Language::English)])
        {
            let domain = match &outgoing {
                Outgoing::Service(service) => service.domain.unwrap_or("corp.cn"),
                _ => "corp.cn",
            };
            let answers = Answers {
                language,
                companies: companies.clone(),
                outgoing,
                maildir: "mail".to_owned(),
                from: format!("a+b.c@{domain}"),
                to: vec!["leser@corp.cn".to_owned()],
                operators: vec!["ops@corp.cn".to_owned(), "leser@corp.cn".to_owned()],
                api_url: None,
            };
            for secret in [
                SecretLine::Named("api-key"),
                SecretLine::Credential("/etc/credstore/qualwatch.api-key".to_owned()),
            ] {
                let text = text(&answers, &secret, Some(&secret));
                let judgement = config::judge(&text, Path::new("watchlist.toml"));
                assert_eq!((judgement.faults, judgement.warnings), (vec![], vec![]), "{text}");
                let watchlist = judgement.watchlist.unwrap();
                assert_eq!(&*watchlist.companies[1].name, "河\"南\\院", "{text}");
                if let config::Outlet::Smtp { server, .. } = &watchlist.email.outlet {
                    let login = (!server.is_on_loopback()).then(|| answers.from.clone());
                    assert_eq!(server.login, login, "{text}");
                }
            }
        }
    }

    #[test]
    fn an_answer_is_judged_as_the_file_would_be() {
        for (answer, complaint, why) in [
            (company(&CompanyAnswer::of("")).err(), Some("empty"), "nothing to ask for"),
            (company(&CompanyAnswer::of("91410000415800016")).err(), Some("18"), "a code that is cut short"),
            (company(&CompanyAnswer::of("甲公司=甲")).err(), None, "with a name"),
            (outgoing("smtp://smtp.corp.cn?tls=none").err(), Some("in the clear"), "a password in the clear"),
            (outgoing("smtps://a:b@smtp.corp.cn").err(), Some("password"), "a password in the file"),
            (outgoing("corp").err(), None, "whatever name servers know"),
            (outgoing("files").err(), None, "no server at all"),
            (
                sender(&Outgoing::of("163"), "a@126.com", words::of(Language::Chinese)).err(),
                Some("@163.com"),
                "another service's",
            ),
            (sender(&Outgoing::of("163"), "a@163.com", words::of(Language::Chinese)).err(), None, "its own"),
            (addresses("to", "a@corp.cn，b@corp.cn a@corp.cn").err(), None, "several"),
            (addresses("to", "a@corp.cn b").err(), Some("no @"), "one of them is none"),
            (addresses("to", " ").err(), Some("empty"), "nobody"),
            (address("to", "a＠corp.cn").err(), Some("a@corp.cn"), "an input method"),
        ] {
            match complaint {
                None => assert_eq!(answer, None, "{why}"),
                Some(part) => {
                    assert!(answer.as_ref().is_some_and(|said| said.contains(part)), "{why}: {answer:?}");
                }
            }
        }
    }
}
