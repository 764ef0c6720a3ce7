//! How a snapshot is stored: by certificates, each row with the qualifications that share all else (usually one row a certificate),
//! in versions. When anything of a certificate changes, its current rows end and new ones begin, so that a holding which did
//! not change itself may go on in another row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use crate::domain::dates::End;
use crate::domain::holding::{Holding, HoldingKey, Position};
use crate::domain::number::CertificateNumber;
use crate::domain::qualification::{Grade, Qualification, QualificationKey};
use crate::domain::snapshot::{Gone, Held, Snapshot};
use crate::store::companies::CompanyId;
use crate::store::error::{StoreError, during, must_touch};

/// What a company holds.
pub(in crate::store) type Holdings = BTreeMap<HoldingKey, Held>;

/// What these companies hold.
pub(in crate::store) async fn held(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Holdings>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT company_id, number, last_day, no_last_day, end_text, issued, organ, kind, business_id,
                  qualifications AS "qualifications: Json<Vec<Written>>", since, unlisted_since, valid_to
           FROM certificates
           WHERE company_id = ANY ($1)
             AND valid_to IS NULL"#,
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading certificates"))?;
    gathered(rows)
}

/// What these companies held just before `end`.
pub(in crate::store) async fn held_before(
    connection: &mut PgConnection,
    ids: &[i64],
    end: DateTime<Utc>,
) -> Result<HashMap<i64, Holdings>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT company_id, number, last_day, no_last_day, end_text, issued, organ, kind, business_id,
                  qualifications AS "qualifications: Json<Vec<Written>>", since, unlisted_since, valid_to
           FROM certificates
           WHERE company_id = ANY ($1)
             AND valid_from < $2
             AND (valid_to IS NULL OR valid_to >= $2)"#,
        ids,
        end
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading certificates of the past"))?;
    gathered(rows)
}

fn gathered(rows: Vec<Row>) -> Result<HashMap<i64, Holdings>, StoreError> {
    let mut companies: HashMap<i64, Holdings> = HashMap::new();
    for row in rows {
        let held = companies.entry(row.company_id).or_default();
        row.each(|one| drop(held.insert(one.holding.key(), one)))?;
    }
    Ok(companies)
}

/// What these companies hold, and what they once held.
pub(super) async fn held_and_gone(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, (Holdings, BTreeMap<HoldingKey, Gone>)>, StoreError> {
    let mut all: HashMap<i64, (Holdings, BTreeMap<HoldingKey, Gone>)> = HashMap::new();
    for (id, held) in held(connection, ids).await? {
        all.entry(id).or_default().0 = held;
    }
    for (id, gone) in ended(connection, ids).await? {
        let (held, known) = all.entry(id).or_default();
        *known = gone;
        // A version ends, too, when another takes its place.
        known.retain(|key, _| !held.contains_key(key));
    }
    Ok(all)
}

/// The last version of each holding of which one has ended.
async fn ended(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, BTreeMap<HoldingKey, Gone>>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT company_id, number, last_day, no_last_day, end_text, issued, organ, kind, business_id,
                  qualifications AS "qualifications: Json<Vec<Written>>", since, unlisted_since, valid_to
           FROM certificates
           WHERE company_id = ANY ($1)
             AND valid_to IS NOT NULL
           -- The last version of each holding counts.
           ORDER BY valid_to"#,
        ids
    )
    .fetch_all(connection)
    .await
    .map_err(during("reading certificates that went"))?;
    let mut companies: HashMap<i64, BTreeMap<HoldingKey, Gone>> = HashMap::new();
    for row in rows {
        let Some(at) = row.valid_to else { continue };
        let gone = companies.entry(row.company_id).or_default();
        row.each(|Held { holding, .. }| drop(gone.insert(holding.key(), Gone { holding, at })))?;
    }
    Ok(companies)
}

/// A qualification as a row has it: text, grade, name, key. What is missing at the end is null.
type Written = Vec<Option<String>>;

struct Row {
    company_id: i64,
    number: String,
    last_day: Option<NaiveDate>,
    no_last_day: Option<String>,
    end_text: String,
    issued: Option<NaiveDate>,
    organ: String,
    kind: String,
    business_id: String,
    qualifications: Json<Vec<Written>>,
    since: DateTime<Utc>,
    unlisted_since: Option<DateTime<Utc>>,
    valid_to: Option<DateTime<Utc>>,
}

impl Row {
    fn each(self, mut heed: impl FnMut(Held)) -> Result<(), StoreError> {
        let id = self.company_id;
        let number = CertificateNumber::try_from(self.number);
        let number = number.map_err(|source| unreadable("number", id, source))?;
        let end = match (self.last_day, self.no_last_day.as_deref()) {
            (Some(day), _) => End::Day(day),
            (None, Some(text)) => {
                without_day(text).ok_or_else(|| unreadable("no_last_day", id, UnknownEnd(text.to_owned())))?
            }
            (None, None) => End::Missing,
        };
        for (place, written) in (0..).zip(self.qualifications.0) {
            heed(Held {
                holding: Holding {
                    number: number.clone(),
                    qualification: read(written).ok_or_else(|| unreadable("qualifications", id, NoText))?,
                    end: end.clone(),
                    end_text: self.end_text.clone(),
                    issued: self.issued,
                    organ: self.organ.clone(),
                    kind: self.kind.clone(),
                    business_id: self.business_id.clone(),
                    place: Position(place),
                },
                since: self.since,
                unlisted_since: self.unlisted_since,
            });
        }
        Ok(())
    }
}

/// A qualification of a certificate has no text.
#[derive(Debug, thiserror::Error)]
#[error("a qualification without a text")]
struct NoText;

/// A reason for an end without a day that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no reason why an end is no day")]
struct UnknownEnd(String);

fn unreadable(
    column: &'static str,
    id: i64,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    let id = format!("of company {id}");
    StoreError::Unreadable { table: "certificates", column, id, source: Box::new(source) }
}

fn read(written: Written) -> Option<Qualification> {
    let mut written = written.into_iter();
    let mut next = || written.next().flatten();
    let (text, grade, name, key) = (next()?, next(), next(), next());
    let name = name.unwrap_or_else(|| name_by_rule(&text, grade.as_deref()).to_owned());
    let key = QualificationKey::stored(key.unwrap_or_else(|| name.clone()));
    Some(Qualification { name, grade: grade.map(Grade::new), key, text })
}

/// What a name is where the row does not state it. A rule of the rows, not of the reading, which may change.
fn name_by_rule<'a>(text: &'a str, grade: Option<&str>) -> &'a str {
    text.strip_suffix(grade.unwrap_or_default()).unwrap_or(text)
}

const WITHOUT_DAY: [(End, &str); 3] =
    [(End::Endless, "endless"), (End::Unreadable, "unreadable"), (End::Missing, "missing")];

fn without_day(text: &str) -> Option<End> {
    WITHOUT_DAY.into_iter().find(|(_, name)| *name == text).map(|(end, _)| end)
}

fn no_last_day(end: &End) -> Option<&'static str> {
    WITHOUT_DAY.into_iter().find(|(known, _)| known == end).map(|(_, name)| name)
}

/// What a check changes of what a company holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotChange<'a> {
    pub(super) company: CompanyId,
    pub(super) before: &'a Snapshot,
    pub(super) after: &'a Snapshot,
    pub(super) now: DateTime<Utc>,
}

/// Ends the versions of certificates of which anything changed and begins the new ones, in two statements however many they are.
pub(super) async fn change(
    connection: &mut PgConnection,
    changes: &[SnapshotChange<'_>],
) -> Result<(), StoreError> {
    let mut ended = Ended::default();
    let mut begun = Vec::new();
    for SnapshotChange { company, before, after, now } in changes {
        let (before, after) = (by_number(&before.held), by_number(&after.held));
        for (number, held) in before.iter().filter(|(number, held)| after.get(*number) != Some(*held)) {
            ended.push(*company, number, held.len(), *now);
        }
        for (_, held) in after.iter().filter(|(number, held)| before.get(*number) != Some(*held)) {
            begun.extend(versions(*company, held, *now));
        }
    }
    ended.write(connection).await?;
    begin(connection, &begun).await
}

fn by_number(held: &Holdings) -> BTreeMap<&CertificateNumber, Vec<&Held>> {
    let mut certificates: BTreeMap<&CertificateNumber, Vec<&Held>> = BTreeMap::new();
    for (key, held) in held {
        certificates.entry(&key.number).or_default().push(held);
    }
    certificates
}

#[derive(Default)]
struct Ended {
    ids: Vec<i64>,
    numbers: Vec<String>,
    at: Vec<DateTime<Utc>>,
    holdings: usize,
}

impl Ended {
    fn push(&mut self, company: CompanyId, number: &CertificateNumber, holdings: usize, at: DateTime<Utc>) {
        self.ids.push(company.0);
        self.numbers.push(number.key().to_owned());
        self.at.push(at);
        self.holdings += holdings;
    }

    async fn write(self, connection: &mut PgConnection) -> Result<(), StoreError> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let doing = "ending certificates";
        let ended = sqlx::query_scalar!(
            r#"UPDATE certificates
               SET valid_to = ended.at
               FROM UNNEST($1::bigint[], $2::text[], $3::timestamptz[]) AS ended (company_id, number_key, at)
               WHERE certificates.company_id = ended.company_id
                 AND certificates.number_key = ended.number_key
                 AND certificates.valid_to IS NULL
               RETURNING jsonb_array_length(certificates.qualifications) AS "holdings!""#,
            &self.ids,
            &self.numbers,
            &self.at
        )
        .fetch_all(connection)
        .await
        .map_err(during(doing))?;
        must_touch(
            doing,
            ended.into_iter().map(|holdings| u64::from(holdings.unsigned_abs())).sum(),
            self.holdings,
        )
    }
}

/// A row that begins.
struct Version<'a> {
    company: CompanyId,
    place: i16,
    /// One of its holdings, for all that they share.
    shared: &'a Held,
    qualifications: Vec<&'a Qualification>,
    from: DateTime<Utc>,
}

/// The rows of one certificate. Within a row qualifications keep the order in which they were shown.
fn versions<'a>(company: CompanyId, held: &[&'a Held], from: DateTime<Utc>) -> Vec<Version<'a>> {
    let mut versions: Vec<Version<'a>> = Vec::with_capacity(1);
    let mut held = held.to_vec();
    held.sort_by_key(|held| held.holding.place.0);
    for held in held {
        let qualification = &held.holding.qualification;
        if let Some(version) = versions.iter_mut().find(|version| are_alike(version.shared, held)) {
            version.qualifications.push(qualification);
        } else {
            let place = i16::try_from(versions.len()).unwrap_or(i16::MAX);
            versions.push(Version {
                company,
                place,
                shared: held,
                qualifications: vec![qualification],
                from,
            });
        }
    }
    versions
}

/// Whether holdings of one certificate share all but their qualifications.
fn are_alike(one: &Held, other: &Held) -> bool {
    let Holding { number, qualification: _, end, end_text, issued, organ, kind, business_id, place: _ } =
        &one.holding;
    let Holding {
        number: other_number,
        qualification: _,
        end: other_end,
        end_text: other_end_text,
        issued: other_issued,
        organ: other_organ,
        kind: other_kind,
        business_id: other_business_id,
        place: _,
    } = &other.holding;
    number.text() == other_number.text()
        && end == other_end
        && end_text == other_end_text
        && issued == other_issued
        && organ == other_organ
        && kind == other_kind
        && business_id == other_business_id
        && (one.since, one.unlisted_since) == (other.since, other.unlisted_since)
}

async fn begin(connection: &mut PgConnection, begun: &[Version<'_>]) -> Result<(), StoreError> {
    if begun.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO certificates (company_id, number_key, place, number, last_day, no_last_day, end_text, issued, organ,
                                   kind, business_id, qualifications, since, unlisted_since, valid_from)
         SELECT begun.*
         FROM UNNEST($1::bigint[], $2::text[], $3::smallint[], $4::text[], $5::date[], $6::text[], $7::text[],
                     $8::date[], $9::text[], $10::text[], $11::text[], $12::jsonb[], $13::timestamptz[],
                     $14::timestamptz[], $15::timestamptz[]) AS begun",
        &column(begun, |version| version.company.0),
        &column(begun, |version| version.shared.holding.number.key()) as &[&str],
        &column(begun, |version| version.place),
        &column(begun, |version| version.shared.holding.number.text()) as &[&str],
        &column(begun, |version| version.shared.holding.last_day()) as &[Option<NaiveDate>],
        &column(begun, |version| no_last_day(&version.shared.holding.end)) as &[Option<&str>],
        &column(begun, |version| version.shared.holding.end_text.as_str()) as &[&str],
        &column(begun, |version| version.shared.holding.issued) as &[Option<NaiveDate>],
        &column(begun, |version| version.shared.holding.organ.as_str()) as &[&str],
        &column(begun, |version| version.shared.holding.kind.as_str()) as &[&str],
        &column(begun, |version| version.shared.holding.business_id.as_str()) as &[&str],
        &column(begun, |version| Json(ToWrite(&version.qualifications))) as &[Json<ToWrite<'_>>],
        &column(begun, |version| version.shared.since),
        &column(begun, |version| version.shared.unlisted_since) as &[Option<DateTime<Utc>>],
        &column(begun, |version| version.from)
    )
    .execute(connection)
    .await
    .map_err(during("beginning certificates"))?;
    Ok(())
}

fn column<'a, T>(versions: &'a [Version<'a>], of: impl Fn(&'a Version<'a>) -> T) -> Vec<T> {
    versions.iter().map(of).collect()
}

/// Qualifications as [`Written`].
struct ToWrite<'a>(&'a [&'a Qualification]);

impl Serialize for ToWrite<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for Qualification { text, name, grade, key } in self.0 {
            let grade = grade.as_ref().map(Grade::text);
            let is_key_stated = key.as_str() != name;
            let is_name_stated = is_key_stated || name != name_by_rule(text, grade);
            let stated = [
                Some(text.as_str()),
                grade,
                is_name_stated.then_some(name.as_str()),
                is_key_stated.then(|| key.as_str()),
            ];
            let length = stated.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            list.serialize_element(&stated[..length])?;
        }
        list.end()
    }
}

/// Puts what a company holds into other words: the rows of every certificate end that are not as `after` has them. By what the rows
/// say, for their keys are of an older version of the reading, which today's rules may not be able to make any more.
pub(super) async fn reword(
    connection: &mut PgConnection,
    change: SnapshotChange<'_>,
) -> Result<(), StoreError> {
    let doing = "ending certificates in older words";
    let SnapshotChange { company, before, after, now } = change;
    let rows = sqlx::query!(
        r#"SELECT number_key, sum(jsonb_array_length(qualifications)) AS "holdings!"
           FROM certificates
           WHERE company_id = $1
             AND valid_to IS NULL
           GROUP BY number_key"#,
        company.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(during(doing))?;
    let stored: BTreeMap<&str, i64> =
        rows.iter().map(|row| (row.number_key.as_str(), row.holdings)).collect();
    let (before, after) = (by_number(&before.held), by_number(&after.held));
    let stays = |number: &CertificateNumber, held: &Vec<&Held>| {
        let is_whole =
            stored.get(number.key()).is_some_and(|stored| usize::try_from(*stored) == Ok(held.len()));
        is_whole && before.get(number) == Some(held)
    };
    let (stay, begun): (BTreeMap<_, _>, BTreeMap<_, _>) =
        after.into_iter().partition(|(number, held)| stays(number, held));
    let stay: BTreeSet<&str> = stay.into_keys().map(CertificateNumber::key).collect();
    sqlx::query!(
        "UPDATE certificates
         SET valid_to = $3
         WHERE company_id = $1
           AND valid_to IS NULL
           AND number_key <> ALL ($2)",
        company.0,
        &stay.into_iter().map(str::to_owned).collect::<Vec<_>>(),
        now
    )
    .execute(&mut *connection)
    .await
    .map_err(during(doing))?;
    let begun: Vec<Version<'_>> = begun.values().flat_map(|held| versions(company, held, now)).collect();
    begin(connection, &begun).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::qualification::split;

    #[test]
    fn a_qualification_is_read_as_it_was_written_and_says_nothing_twice() {
        for (text, fields, why) in [
            ("公路工程施工总承包一级", 2, "text and grade say it all"),
            ("安全生产", 1, "no grade"),
            ("工程设计水利行业 甲级", 3, "a blank between name and grade"),
            ("工程设计水利行业甲级资质", 3, "something behind the grade"),
            ("工程设计ＡＢ专业甲级", 4, "compared in another width"),
            ("甲级", 1, "nothing but a grade is a name"),
        ] {
            let qualification = split(text).remove(0);
            let row = serde_json::to_string(&ToWrite(&[&qualification])).unwrap();
            let mut written: Vec<Written> = serde_json::from_str(&row).unwrap();
            assert_eq!(written[0].len(), fields, "{why}: {row}");
            assert_eq!(read(written.remove(0)), Some(qualification), "{why}");
        }
        let unnamed = Qualification::unnamed();
        let row = serde_json::to_string(&ToWrite(&[&unnamed])).unwrap();
        assert_eq!(row, "[[\"\"]]");
        assert_eq!(read(vec![Some(String::new())]), Some(unnamed));
    }
}
