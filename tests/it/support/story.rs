//! A database as some weeks of watching leave it, written through the store's own functions: three companies, two
//! recipients, one operator.

use chrono::{DateTime, NaiveDate, Utc};
use qualwatch::domain::event::{
    CertificateFacts, Change, EndMove, Event, News, Reached, Trouble, TroubleFacts,
};
use qualwatch::domain::holding::{self, Holding};
use qualwatch::domain::identity::Prefix;
use qualwatch::domain::keyword::Keyword;
use qualwatch::domain::observation::Item;
use qualwatch::domain::outcome::Outcome;
use qualwatch::domain::snapshot::{Difference, Doubt, Field, Held};
use qualwatch::store::Store;
use qualwatch::store::asking::budget::{self, Calls, Cause};
use qualwatch::store::checks::commit::{self, Batch, Checked, StoredAnswer, Tally};
use qualwatch::store::checks::records::{self, Record};
use qualwatch::store::checks::standings;
use qualwatch::store::companies::{self, CompanyId, Entry};
use qualwatch::store::outbox::events::Owed;
use qualwatch::store::outbox::troubles::{self, Turn};

use super::database::TestDatabase;
use super::program::Program;

/// When the story is looked at.
pub const NOW: &str = "2026-03-02T12:00:00+08:00";

/// When its last sweep was.
const SWEPT: &str = "2026-03-02T00:00:05Z";

pub const WATCHLIST: &str = r#"
[api]
url = "http://127.0.0.1:1/opens/App/bqQualification/query"

[email]
maildir = "mail"
from = "资质监控 <alerts@example.com>"
to = ["reader@example.com"]
operators = ["ops@example.com"]

[[company]]
keyword = "河南省建筑设计研究院有限公司"
name = "河南院"

[[company]]
keyword = "示例建设有限公司"
to = ["buyer@example.com"]

[[company]]
keyword = "另一家监理有限公司"
name = "另一家"
"#;

/// The program, looking at the story.
pub fn program(database: &TestDatabase) -> Program {
    Program::new(WATCHLIST).with("QUALWATCH_DATABASE_URL", database.url()).with("QUALWATCH_NOW", NOW)
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Tells the story.
pub async fn tell(database: &TestDatabase) {
    let store = Store::open_and_migrate(database.options()).await.unwrap();
    let keywords: [(Keyword, &str); 3] = [
        ("河南省建筑设计研究院有限公司", "河南院"),
        ("示例建设有限公司", "示例建设有限公司"),
        ("另一家监理有限公司", "另一家"),
    ]
    .map(|(keyword, name)| (keyword.parse().unwrap(), name));
    let entries = keywords.iter().map(|(keyword, name)| Entry {
        keyword,
        name,
        pinned_prefix: None,
        check_line: "0 0 8 * * * Asia/Shanghai".into(),
        thresholds: "".into(),
        readers: (&[][..]).into(),
    });
    companies::accept(store.pool(), "story", entries, instant("2026-02-01T00:00:00Z")).await.unwrap();
    for (cause, calls) in [(Cause::Check, 3), (Cause::Page, 1), (Cause::Confirmation, 1)] {
        let mut connection = store.connection("counting calls").await.unwrap();
        budget::count(&mut connection, Calls::of(cause, calls), 0, instant(SWEPT)).await.unwrap();
    }
    check(&store, &keywords[0].0, complete).await;
    check(&store, &keywords[1].0, failed).await;
    check(&store, &keywords[2].0, disputed).await;
    tell_operators(&store).await;
    let tally = Tally { asked: 3, complete: 1, incomplete: 0, failed: 1, disputed: 1, calls: 5 };
    commit::note_sweep(store.pool(), instant("2026-03-02T00:00:00Z"), instant("2026-03-02T00:00:09Z"), tally)
        .await
        .unwrap();
    store.close().await;
}

/// What one check makes of a company: outcome, whether it owes an answer, what readers are owed.
type Made = (Outcome, bool, Vec<Owed>);

async fn check(store: &Store, keyword: &Keyword, change: fn(&mut Record) -> Made) {
    let id = id_of(store, keyword).await;
    let mut claims = store.claims().await.unwrap();
    assert_eq!(claims.take(&[id]).await.unwrap(), [id]);
    let before = records::read_claimed(&mut claims, &[id]).await.unwrap().take(id).unwrap().unwrap();
    let mut after = before.clone();
    let now = instant(SWEPT);
    after.last_asked_at = Some(now);
    let (outcome, owes_answer, mut events) = change(&mut after);
    after.last_outcome = Some(outcome);
    after.owes_answer = owes_answer;
    for owed in &mut events {
        owed.company = Some(before.id);
    }
    let pages = [br#"{"error_code":0}"#.to_vec()];
    let answer = Some(StoredAnswer { outcome, pages: &pages, parser_version: 1 });
    let checked =
        Checked { now, before: &before, after: &after, answer, told: &[], events: &events, troubles: &[] };
    let batch = Batch { checked: vec![checked], ..Batch::default() };
    assert!(commit::commit(&mut claims, &batch).await.unwrap().refused.is_empty());
    claims.close().await.unwrap();
}

async fn id_of(store: &Store, keyword: &Keyword) -> CompanyId {
    standings::named(store.pool(), &[keyword]).await.unwrap()[0].id
}

fn item(number: &str, kind: &str, names: &str, issued: &str, end: &str) -> Item {
    let text = |text: &str| Some(text.to_owned());
    Item {
        organ: text("住房和城乡建设部"),
        effective_time: text(end),
        business_id: text(&format!("5d43a8f092aec74cbf04a163-{number}")),
        issuing_certificate_time: text(issued),
        kind: text(kind),
        certificate_num: text(number),
        qualification_name: text(names),
    }
}

fn complete(company: &mut Record) -> Made {
    let items = [
        item(
            "A141002510",
            "设计资质",
            "工程设计建筑行业（建筑工程、人防工程）甲级, 工程设计市政行业给水工程专业甲级",
            "2021-08-23",
            "2026-08-23",
        ),
        item("E241002511", "监理资质", "房屋建筑工程监理甲级", "2021-02-20", "2026-02-20"),
        item("B241002517", "勘察资质", "工程勘察岩土工程专业乙级", "2019-05-01", "2024-05-01"),
        item("D241009999", "建筑业企业资质", "=cmd|'/c calc'!A1", "2024-01-02", "2029-01-01"),
        item("D341000001", "建筑业企业资质", "地基基础工程专业承包\u{202e}二级", "2024-01-02", "待定"),
    ];
    let since = instant("2026-02-01T00:00:05Z");
    let held = holding::read_items(&items).into_iter();
    company.snapshot.held =
        held.map(|(key, holding)| (key, Held { holding, since, unlisted_since: None })).collect();
    company.snapshot.prefix = Some(Prefix::new("5d43a8f092aec74cbf04a163"));
    company.snapshot.baseline_at = Some(since);
    company.last_verified_at = Some(instant(SWEPT));
    let seen = item("D241008888", "建筑业企业资质", "消防设施工程专业承包一级", "2026-02-28", "2031-02-27");
    for (key, holding) in holding::read_items(&[seen]) {
        company.snapshot.doubts.insert((key, Field::Presence), doubt(holding));
    }
    let facts = |number: &str| facts(company, number);
    let moved = EndMove { old: "2024-01-01".parse().unwrap(), new: "2029-01-01".parse().unwrap() };
    (
        Outcome::Complete,
        true,
        vec![
            owed(told(News::Expiring(Reached { threshold: 180 }), Some(174), facts("A141002510"))),
            owed(told(News::Expired(Reached { threshold: 7 }), Some(-10), facts("E241002511"))),
            owed(told(News::Renewed(moved), None, facts("D241009999"))),
        ],
    )
}

fn doubt(holding: Holding) -> Doubt {
    Doubt {
        difference: Difference::New(holding),
        first_seen_at: instant(SWEPT),
        last_look_at: instant(SWEPT),
        looks: 1,
        looks_needed: 2,
        mass: false,
        told_as: Some(Change::CertificateAdded),
        told_at: Some(instant(SWEPT)),
        counter_looks: 0,
        counter_looks_needed: 2,
        retracted: false,
    }
}

fn facts(company: &Record, number: &str) -> CertificateFacts {
    let held = company.snapshot.held.values().map(|held| &held.holding);
    holding::facts(held.filter(|holding| holding.number.text() == number)).unwrap()
}

fn told(news: News, days_left: Option<i64>, certificate: CertificateFacts) -> Event {
    Event {
        days_left,
        company: Some("河南省建筑设计研究院有限公司".parse().unwrap()),
        company_name: Some("河南院".to_owned()),
        certificate: Some(certificate),
        last_verified_at: Some(instant(SWEPT)),
        ..Event::new(news, instant(SWEPT), day())
    }
}

fn owed(event: Event) -> Owed {
    Owed { event, company: None, recipients: vec!["reader@example.com".to_owned()] }
}

fn day() -> NaiveDate {
    "2026-03-02".parse().unwrap()
}

fn failed(company: &mut Record) -> Made {
    company.last_verified_at = Some(instant("2026-02-20T00:00:05Z"));
    company.last_code = Some(10014);
    company.last_reason = Some("系统内部异常".to_owned());
    company.failing_since = Some(instant("2026-03-01T00:00:05Z"));
    company.failing_checks = 2;
    (Outcome::Transient, true, Vec::new())
}

fn disputed(company: &mut Record) -> Made {
    company.last_reason = Some("the keyword finds another company".to_owned());
    company.disputed_since = Some(instant(SWEPT));
    (Outcome::Disputed, true, Vec::new())
}

async fn tell_operators(store: &Store) {
    let trouble = TroubleFacts {
        class: Some("transient".to_owned()),
        code: Some(10014),
        reason: "no call has succeeded for 6 hours".to_owned(),
        ..TroubleFacts::default()
    };
    let event = Event::new(News::Trouble(Trouble::ApiUnreachable, trouble), instant(SWEPT), day());
    let owed = Owed { event, company: None, recipients: vec!["ops@example.com".to_owned()] };
    let turn = Turn { cause: String::new(), owed };
    troubles::tell(store.pool(), &[turn]).await.unwrap();
}
