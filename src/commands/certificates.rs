//! The certificates of many companies as reports show them: read a batch of companies at a time, given by end, then number.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgPool;

use crate::domain::certificates::{self, Certificate, Owner};
use crate::domain::number::CertificateNumber;
use crate::domain::wall_clock::not_ahead;
use crate::standing::Entries;
use crate::store::companies::{CompanyId, renewals, snoozes};
use crate::store::reports::history;
use crate::store::reports::snapshots::{self, BATCH_ESTABLISHED_MAX, Established};

use super::context::Context;
use super::document::Document;
use super::spool::Spool;

/// Certificates of which day are shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum AsOf {
    /// As they are established now.
    Now,
    /// As they were established at the end of this day, which is that instant.
    EndOf(NaiveDate, DateTime<Utc>),
}

/// The companies of the watchlist in force, by keyword.
pub(super) struct InFile<'a> {
    context: &'a Context,
    pub(super) entries: Entries<'a>,
}

impl<'a> InFile<'a> {
    pub(super) fn of(context: &'a Context) -> Self {
        Self { context, entries: Entries::of(&context.watchlist) }
    }

    /// Whether the file names it.
    pub(super) fn names(&self, keyword: &str) -> bool {
        self.entries.names(keyword)
    }

    /// The certificates of a company, as seen on a day.
    fn certificates(&self, company: &Established, today: NaiveDate) -> Vec<Certificate> {
        let (watchlist, now) = (&self.context.watchlist, self.context.now());
        let in_file = self.entries.get(company.keyword.as_str());
        let owner = Owner {
            keyword: &company.keyword,
            name: in_file.map_or(&company.name, |company| &company.name),
            last_verified_at: company.last_verified_at.map(|at| not_ahead(at, now)),
            expiring_from_days: watchlist.expiring_from_days(in_file),
        };
        certificates::certificates(&company.snapshot, owner, today)
    }

    /// Hands over the certificates of those of these companies that are wanted, company by company.
    ///
    /// # Errors
    /// When the database fails, a row cannot be read, or `take` fails.
    pub(super) async fn each(
        &self,
        pool: &PgPool,
        (ids, as_of): (&[CompanyId], AsOf),
        is_wanted: impl Fn(&str) -> bool,
        mut take: impl FnMut(Certificate) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let said = match as_of {
            AsOf::Now => Said::read(pool, self.context.today()).await?,
            AsOf::EndOf(..) => Said::default(),
        };
        for ids in ids.chunks(BATCH_ESTABLISHED_MAX) {
            let mut batch = snapshots::established(pool, ids, &is_wanted).await?;
            let today = match as_of {
                AsOf::Now => self.context.today(),
                AsOf::EndOf(day, end) => {
                    batch = history::as_of(pool, batch, end).await?;
                    day
                }
            };
            let mut certificates = batch.iter().flat_map(|company| self.certificates(company, today));
            certificates.try_for_each(|certificate| take(said.of(certificate)))?;
        }
        Ok(())
    }
}

/// What the operator said of ends: few of many.
#[derive(Default)]
struct Said {
    snoozed: HashMap<EndOfCertificate, NaiveDate>,
    filed: HashMap<EndOfCertificate, NaiveDate>,
}

/// Keyword, number and end.
type EndOfCertificate = (String, Option<CertificateNumber>, NaiveDate);

impl Said {
    async fn read(pool: &PgPool, today: NaiveDate) -> anyhow::Result<Self> {
        let of = |keyword: String, number: &str, end| (keyword, CertificateNumber::parse(number), end);
        let snoozed = snoozes::in_force(pool, today).await?.into_iter();
        let filed = renewals::in_force(pool).await?.into_iter();
        Ok(Self {
            snoozed: snoozed.map(|one| (of(one.keyword, &one.number, one.end), one.until)).collect(),
            filed: filed.map(|one| (of(one.keyword, &one.number, one.end), one.filed)).collect(),
        })
    }

    /// A certificate with what was said of it.
    fn of(&self, certificate: Certificate) -> Certificate {
        if self.snoozed.is_empty() && self.filed.is_empty() {
            return certificate;
        }
        let Some(end) = certificate.valid_until else { return certificate };
        let number = CertificateNumber::parse(&certificate.certificate_num);
        let key = (certificate.company.as_str().to_owned(), number, end);
        Certificate {
            snoozed_until: self.snoozed.get(&key).copied(),
            renewal_filed: self.filed.get(&key).copied(),
            ..certificate
        }
    }
}

/// By end, then number, then company; what has no readable end comes last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ByEnd {
    is_open: bool,
    end: Option<NaiveDate>,
    number: Box<str>,
    company: Arc<str>,
}

impl ByEnd {
    fn of(certificate: &Certificate, company: Arc<str>) -> Self {
        let end = certificate.valid_until;
        Self { is_open: end.is_none(), end, number: certificate.certificate_num.as_str().into(), company }
    }
}

/// Puts certificates in order.
pub(super) fn sort(certificates: &mut [Certificate]) {
    certificates.sort_by_cached_key(|one| ByEnd::of(one, one.company.as_str().into()));
}

/// Certificates as they are to be printed, to be put in order without holding them all.
pub(super) struct Sorted {
    spool: Spool<ByEnd>,
    /// That of the last one: those of a company come one after the other, and share it.
    company: Arc<str>,
}

impl Sorted {
    pub(super) fn new() -> Self {
        Self { spool: Spool::new(), company: Arc::default() }
    }

    /// Adds a certificate, which is printed as `text`.
    ///
    /// # Errors
    /// The file for temporary data cannot be written.
    pub(super) fn push(&mut self, certificate: &Certificate, text: &[u8]) -> anyhow::Result<()> {
        if *self.company != *certificate.company.as_str() {
            self.company = certificate.company.as_str().into();
        }
        self.spool.push(ByEnd::of(certificate, Arc::clone(&self.company)), text)
    }

    /// Adds one that is printed as JSON.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(super) fn push_json(&mut self, certificate: &Certificate) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(certificate)?;
        self.push(certificate, &text)
    }

    /// Prints those that were added as JSON.
    ///
    /// # Errors
    /// They cannot be read back or written.
    pub(super) fn print_list(self, document: &mut Document) -> anyhow::Result<()> {
        document.begin_list("certificates")?;
        self.spool.in_order(|text| document.item_text(text))?;
        document.end_list()
    }

    /// Gives their texts in order.
    ///
    /// # Errors
    /// They cannot be read back, or `take` fails.
    pub(super) fn texts(self, take: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.spool.in_order(take)
    }
}
