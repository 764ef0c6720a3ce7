//! `validate --ask`: one paid call for the first company, to prove key and address.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use serde::Serialize;

use crate::config::{self, Method};
use crate::domain::keyword::Keyword;
use crate::juhe::{self, Class, Client, Failure};
use crate::store::asking::budget::{self, Calls, Cause, Counted};

use super::check::no_key;
use super::context::Context;
use super::database::Database;
use super::exit::{Exit, Refusal};

/// The address in the provider's document: without TLS. It is named where TLS fails, never tried.
const DOCUMENTED_URL: &str = "http://v.juhe.cn/opens/App/bqQualification/query";

/// What came of the call.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    /// Key and address are proved: the provider answered, be it that it finds nothing.
    ok: bool,
    company: Keyword,
    /// The items that the provider has, where it said so.
    total: Option<u64>,
    /// As in design 2; null where a page came.
    class: Option<&'static str>,
    code: Option<i64>,
    reason: Option<String>,
    advice: Option<String>,
}

impl Asked {
    /// How the process ends.
    pub fn exit(&self) -> Exit {
        if self.ok { Exit::Done } else { Exit::Failed }
    }

    fn failed(company: Keyword, failure: &Failure) -> Self {
        let advice = match failure.advice() {
            Some(advice) if failure.is_tls() => Some(format!(
                "{advice}; the provider's document has the address {DOCUMENTED_URL}, where the key and every answer travel \
                 in the clear: write it into [api].url if you accept that"
            )),
            advice => advice.map(str::to_owned),
        };
        Self {
            ok: failure.class == Class::Empty,
            company,
            total: None,
            class: Some(failure.class.as_str()),
            code: failure.code,
            reason: Some(failure.reason.clone()),
            advice,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { company, .. } = self;
        match (&self.reason, self.ok) {
            (None, _) => {
                let total = self.total.unwrap_or_default();
                write!(f, "the provider answered: key and address are right; {company} has {total} items")?;
            }
            (Some(reason), true) => {
                write!(
                    f,
                    "the provider answered: key and address are right; but for {company} it says: {reason}"
                )?;
            }
            (Some(reason), false) => {
                let code = self.code.map(|code| format!(" (code {code})")).unwrap_or_default();
                write!(f, "asking for {company} failed{code}: {reason}")?;
            }
        }
        match &self.advice {
            Some(advice) => write!(f, "\nadvice: {advice}"),
            None => Ok(()),
        }
    }
}

/// Asks for the first page of the first company. The call is counted first where a database exists already.
///
/// # Errors
/// No key is given, the database cannot count, or the budget is spent: nothing is asked then.
pub(super) async fn ask(context: &Context) -> anyhow::Result<Asked> {
    let Some(company) = context.watchlist.companies.first() else {
        return Err(Refusal::wrong_use("the watchlist names no company to ask for").into());
    };
    let client = client(context)?;
    count(context).await?;
    let reply = client.ask(&company.keyword, NonZeroU16::MIN).await;
    let keyword = company.keyword.clone();
    Ok(match client.judge(&reply) {
        Ok(page) => Asked {
            ok: true,
            company: keyword,
            total: page.total,
            class: None,
            code: None,
            reason: None,
            advice: None,
        },
        Err(failure) => Asked::failed(keyword, &failure),
    })
}

fn client(context: &Context) -> anyhow::Result<Client> {
    let Some(key) = config::read_api_key(&context.watchlist, &context.environment)? else {
        return Err(no_key().into());
    };
    let api = &context.watchlist.api;
    let settings = juhe::Settings {
        url: api.url.clone(),
        method: match api.method {
            Method::Get => juhe::Method::Get,
            Method::Post => juhe::Method::Post,
        },
        timeout: api.timeout,
        request_gap: api.request_gap(),
        key: key.value,
    };
    Ok(Client::new(settings, Arc::clone(&context.clock))?)
}

async fn count(context: &Context) -> anyhow::Result<()> {
    let Ok(database) = Database::open_if_there(context).await? else {
        return Ok(());
    };
    let limit = context.watchlist.api.calls_per_day.map_or(0, NonZeroU32::get);
    let mut connection = database.store.connection("counting a call").await?;
    let counted = budget::count(&mut connection, Calls::of(Cause::Check, 1), limit, context.now()).await;
    drop(connection);
    database.close().await?;
    match counted? {
        Counted::Yes => Ok(()),
        Counted::Spent => {
            let refusal = Refusal::unchecked(format!("today's {limit} calls are used up: nothing was asked"));
            Err(refusal.advising("wait for midnight in China, or raise [api].calls_per_day").into())
        }
    }
}
