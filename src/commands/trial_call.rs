//! `validate --ask`: one paid call for the first company, to prove key and address.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use crate::config;
use crate::juhe::Client;
use crate::store::asking::budget::{self, Calls, Cause, Counted};
use crate::sweep::client_settings;

use super::context::Context;
use super::database::OpenDatabase;
use super::exit::{Refusal, no_key};
use super::verdict::Proof;

/// Asks for the first page of the first company. The call is counted first where a database exists already.
///
/// # Errors
/// No key is given, the database cannot count, or the budget is spent: nothing is asked then.
pub(super) async fn ask(context: &Context) -> anyhow::Result<Proof> {
    let Some(company) = context.watchlist.companies.first() else {
        return Err(Refusal::wrong_use("the watchlist names no company to ask for").into());
    };
    let client = client(context)?;
    count(context).await?;
    let reply = client.ask(&company.keyword, NonZeroU16::MIN).await;
    let keyword = company.keyword.clone();
    Ok(match client.judge(&reply) {
        Ok(page) => Proof {
            ok: true,
            company: keyword,
            total: page.total,
            class: None,
            code: None,
            reason: None,
            advice: None,
        },
        Err(failure) => Proof::failed(keyword, &failure),
    })
}

fn client(context: &Context) -> anyhow::Result<Client> {
    let Some(key) = config::read_api_key(&context.watchlist, &context.environment)? else {
        return Err(no_key().into());
    };
    let settings = client_settings(&context.watchlist, key.value);
    Ok(Client::new(settings, Arc::clone(&context.clock))?)
}

async fn count(context: &Context) -> anyhow::Result<()> {
    let Ok(database) = OpenDatabase::open_if_there(context).await? else {
        return Ok(());
    };
    let limit = context.watchlist.api.calls_per_day.map_or(0, NonZeroU32::get);
    let counting = async {
        let mut connection = database.store.connection("counting a call").await?;
        Ok(budget::count(&mut connection, Calls::of(Cause::Check, 1), limit, context.now()).await?)
    };
    let counted = counting.await;
    match database.closed_after(counted).await? {
        Counted::Yes => Ok(()),
        Counted::Spent => {
            let refusal = Refusal::unchecked(format!("today's {limit} calls are used up: nothing was asked"));
            Err(refusal.advising("wait for midnight in China, or raise [api].calls_per_day").into())
        }
    }
}
