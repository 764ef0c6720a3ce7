//! What operators are told, in English.

use super::days::instant;
use super::names::{listed, name};
use super::{Saying, Told, advice as advice_of, sentence};
use crate::domain::display::displayable;
use crate::domain::event::Trouble;
use crate::domain::language::Language::English;

/// How many companies a trouble names.
const COMPANIES_MAX: usize = 10;

/// The title of a trouble that began.
pub(super) fn title(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ApiCredential => "The provider refuses key, account or address: checks are stopped",
        Trouble::ApiQuota => "The provider's calls are used up: checks are paused",
        Trouble::ApiUnreachable => "The provider cannot be reached",
        Trouble::ApiUnknownCode => "The provider answers with an unknown code",
        Trouble::CompanyNotFound => "The keyword finds no company",
        Trouble::CompanyUnverified => "The company's answers stay incomplete",
        Trouble::IdentityChanged => "The keyword may find another company: it is not compared",
        Trouble::MassChange => "Many companies lost qualifications at once: the source may be wrong",
        Trouble::UnreadableDate => "An end of validity cannot be judged",
        Trouble::UnreadableItem => "An item has no certificate number",
        Trouble::WatchlistRejected => "The watchlist was not accepted",
        Trouble::EmailStopped => "Sending mail is stopped",
        Trouble::EmailLate => "Mail has been owed for more than a day",
        Trouble::EmailUndeliverable => "A recipient cannot be reached",
        Trouble::DatabaseUnavailable => "The database is not available",
    }
}

/// The title of a trouble that is over.
pub(super) fn title_of_end(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ApiCredential => "The provider takes the key again: checks go on",
        Trouble::ApiQuota => "The provider answers again: checks go on",
        Trouble::ApiUnreachable => "The provider can be reached again",
        Trouble::ApiUnknownCode => "The unknown code has gone",
        Trouble::CompanyNotFound => "The keyword finds its company",
        Trouble::CompanyUnverified => "The company's answers are complete again",
        Trouble::IdentityChanged => "The company is known again: it is compared",
        Trouble::MassChange => "The loss at many companies is over",
        Trouble::UnreadableDate => "The end of validity can be judged",
        Trouble::UnreadableItem => "No item without a certificate number is shown any more",
        Trouble::WatchlistRejected => "The watchlist is accepted",
        Trouble::EmailStopped => "Sending mail goes on",
        Trouble::EmailLate => "No mail of this recipient is late any more",
        Trouble::EmailUndeliverable => "The recipient can be reached again",
        Trouble::DatabaseUnavailable => "The database is available again",
    }
}

/// What to do where the event has no advice of its own.
pub(super) fn advice(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ApiCredential => {
            "look at key and account in the provider's 个人中心; after changing a systemd credential, restart."
        }
        Trouble::ApiQuota => {
            "a day's limit ends after midnight in China; a used up package does not: buy calls in the provider's 个人中心."
        }
        Trouble::ApiUnreachable => {
            "look at this machine's network, DNS, proxy and firewall, and at [api].url; checks go on by themselves."
        }
        Trouble::ApiUnknownCode => {
            "ask the provider (juhe.cn) what the code means, and look at this entry of the watchlist."
        }
        Trouble::CompanyNotFound => {
            "compare the keyword with the business licence; the 统一社会信用代码 is the steadiest."
        }
        Trouble::CompanyUnverified => {
            "nothing at once: it is asked again every day; if it lasts, ask the provider."
        }
        Trouble::IdentityChanged => {
            "see which company is found, then write the 统一社会信用代码 or the id into the entry."
        }
        Trouble::MassChange => {
            "nothing at once: readers are told only after several agreeing checks; look at one or two companies on the national platform."
        }
        Trouble::UnreadableItem => {
            "look at the company on the national platform; such items are compared with nothing, all others as ever."
        }
        Trouble::UnreadableDate => {
            "look at the certificate on the national platform; the last readable end goes on being judged."
        }
        Trouble::WatchlistRejected => {
            "run qualwatch validate to see all faults; until then the last good list is in force."
        }
        Trouble::EmailStopped => {
            "look at the sender's account, its client password and [email]; what is owed is kept and will be sent."
        }
        Trouble::EmailLate => {
            "ask the recipient's mail administrator why it is put off; it is tried again by itself, and nothing is lost."
        }
        Trouble::EmailUndeliverable => {
            "look at the address; after correcting it, send again with qualwatch retry."
        }
        Trouble::DatabaseUnavailable => {
            "see that PostgreSQL runs and can write, and that the disk is not full; until then nothing is asked or told."
        }
    }
}

/// What is said of a trouble that began.
pub(super) fn began(told: &Told<'_>, trouble: Trouble) -> Saying {
    let notes = facts(told, "Reason: ");
    let advice =
        advice_of(told.event, English).map(|advice| sentence(&format!("What to do: {advice}"), English));
    let line = told.event.trouble().and_then(|facts| facts.line);
    let since = told.event.trouble().and_then(|facts| facts.since).unwrap_or(told.event.at);
    let at = line.map(|line| format!("; line {line} of the watchlist")).unwrap_or_default();
    Saying {
        badge: title(trouble).to_owned(),
        lead: format!("Since {}{at}.", instant(since, English)),
        actions: advice.into_iter().collect(),
        notes,
        verified: None,
    }
}

/// What is said of a trouble that is over.
pub(super) fn ended(told: &Told<'_>, trouble: Trouble) -> Saying {
    let since = told.event.trouble().and_then(|facts| facts.since);
    let since = since.map(|since| format!("; it began on {}", instant(since, English))).unwrap_or_default();
    Saying {
        badge: title_of_end(trouble).to_owned(),
        lead: format!("Over since {}{since}.", instant(told.event.at, English)),
        actions: Vec::new(),
        notes: facts(told, "It had been: "),
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
    let code = facts.code.map(|code| format!(" (code {code})")).unwrap_or_default();
    match (reason.is_empty(), code.is_empty()) {
        (false, _) => notes.push(sentence(&format!("{because}{reason}{code}"), English)),
        (true, false) => notes.push(sentence(&format!("The answer had no words{code}"), English)),
        (true, true) => {}
    }
    if !facts.companies.is_empty() {
        let names: Vec<String> = facts.companies.iter().map(|company| name(company)).collect();
        notes.push(format!("Companies: {}.", listed(&names, COMPANIES_MAX, English)));
    }
    notes
}
