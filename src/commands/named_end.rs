//! The end of one certificate that an operator names: by the company and the certificate's number.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::domain::keyword::Keyword;
use crate::domain::number::CertificateNumber;
use crate::domain::text::displayable;
use crate::store::companies::CompanyId;
use crate::store::reports;

use super::companies::all_meant;
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::Refusal;

/// A certificate that was named.
pub(super) struct NamedCertificate {
    pub keyword: Keyword,
    pub number: CertificateNumber,
}

impl NamedCertificate {
    /// As an operator writes it.
    ///
    /// # Errors
    /// No such company, or several, or no number: wrong use.
    pub(super) fn read(context: &Context, company: &str, number: &str) -> anyhow::Result<Self> {
        let meant = all_meant(&context.watchlist, &[company.to_owned()])?;
        let [company] = meant.as_slice() else {
            return Err(Refusal::wrong_use("several companies have that name: give the keyword").into());
        };
        match CertificateNumber::parse(number) {
            Some(number) => Ok(Self { keyword: company.keyword.clone(), number }),
            None => Err(Refusal::wrong_use("the certificate's number is empty").into()),
        }
    }

    /// Its row's company, and its established ends.
    ///
    /// # Errors
    /// The company was never stored (wrong use), or the database fails.
    pub(super) async fn ends(
        &self,
        database: &OpenDatabase,
    ) -> anyhow::Result<(CompanyId, BTreeSet<NaiveDate>)> {
        let record = reports::record_of(database.store.pool(), &self.keyword).await?;
        let Some(record) = record else { return Err(self.unknown().into()) };
        let held = record.snapshot.certificate(&self.number);
        Ok((record.id, held.filter_map(|held| held.holding.last_day()).collect()))
    }

    /// What is said where it has no end.
    pub(super) fn unknown(&self) -> Refusal {
        let number = displayable(self.number.text());
        let refusal =
            Refusal::wrong_use(format!("the company has no established certificate {number} with an end"));
        refusal.advising("`qualwatch list --company K` shows the numbers")
    }
}
