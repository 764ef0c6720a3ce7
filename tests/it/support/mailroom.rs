//! What is owed, and a mailer in this very process.

use std::ops::Deref;
use std::path::Path;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use qualwatch::clock::Clock as _;
use qualwatch::config::{Source, Sourced, Watchlist, parse};
use qualwatch::domain::event::{Baseline, Event, News, Trouble, TroubleFacts};
use qualwatch::domain::secret::Secret;
use qualwatch::email::{Mailed, Mailer, Ripe};
use qualwatch::store::Store;
use qualwatch::store::steps::{NoSteps, Step, Steps};
use sqlx::types::Json;
use tokio::sync::Notify;

use super::smtp_sink::{ReceivedMail, Script, SmtpSink};
use super::world::{World, instant};

pub const HENAN: &str = "河南省建筑设计研究院有限公司";
pub const WUHAN: &str = "武汉市政工程设计研究院有限责任公司";
pub const ONE: &str = "one@example.com";
pub const TWO: &str = "two@example.com";
pub const OPS: &str = "ops@example.com";
pub const PASSWORD: &str = "CANARY-p4ssw0rd";

/// Two companies, two readers, one operator.
pub struct Mailroom {
    world: World,
    pub store: Store,
    pub watchlist: Watchlist,
    pub password: Option<Sourced<Secret>>,
}

/// Which step the work stops at for good, and word that it is there.
pub struct DiesAt {
    step: Step,
    there: Notify,
}

impl Steps for DiesAt {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        if step == self.step {
            self.there.notify_one();
            return futures_util::future::pending().boxed();
        }
        futures_util::future::ready(()).boxed()
    }
}

pub fn password(text: &str) -> Sourced<Secret> {
    Sourced { value: Secret::parse(text).unwrap(), source: Source::Credential }
}

impl Deref for Mailroom {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Mailroom {
    pub async fn open() -> Self {
        Self::with_login(None).await
    }

    /// At nine in the morning of Shanghai, with a server that wants this login.
    pub async fn with_login(login: Option<(&str, &str)>) -> Self {
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Self::with_server(Script { login, ..Script::default() }).await
    }

    /// The same with a server of that kind.
    pub async fn with_server(script: Script) -> Self {
        let login = script.login.clone();
        let world = World::with_mail(instant("2026-11-24T09:00:00+08:00"), script).await;
        let store = Store::open(world.database.options()).await.unwrap();
        let watchlist = watchlist(&smtp(&world.sink, login.as_ref().map(|(user, _)| user.as_str())), "", "");
        let password = login.map(|(_, secret)| password(&secret));
        Self { world, store, watchlist, password }
    }

    /// The file is edited: more of `[email]`, and another end.
    pub fn edit(&mut self, email: &str, companies: &str) {
        self.watchlist = watchlist(&smtp(&self.sink, None), email, companies);
    }

    pub fn mailer<'a>(&'a self, steps: &'a dyn Steps) -> Mailer<'a> {
        Mailer {
            store: &self.store,
            watchlist: &self.watchlist,
            password: self.password.clone(),
            clock: &self.clock,
            steps,
        }
    }

    pub async fn send(&self, ripe: Ripe) -> Mailed {
        self.mailer(&NoSteps).send_owed(ripe).await.unwrap()
    }

    /// A process that dies at that step, with all its connections; gives when the database has noticed.
    pub async fn die_at(&self, step: Step) {
        let steps = DiesAt { step, there: Notify::new() };
        let work = self.mailer(&steps);
        tokio::select! {
            mailed = work.send_owed(Ripe::Everything) => panic!("{step:?} was not reached: {mailed:?}"),
            () = steps.there.notified() => {}
        }
        self.until_nobody_claims().await;
    }

    /// An event of a company, owed to these.
    pub async fn owe(&self, keyword: &str, recipients: &[&str]) -> Event {
        self.owe_news(News::Watching(Baseline::default()), keyword, recipients).await
    }

    /// The same with these news.
    pub async fn owe_news(&self, news: News, keyword: &str, recipients: &[&str]) -> Event {
        let event = Event {
            company: Some(keyword.parse().unwrap()),
            company_name: Some(keyword.to_owned()),
            ..self.event(news)
        };
        self.insert(&event, "reader", recipients).await;
        event
    }

    /// Something that troubles the operators.
    pub async fn owe_operators(&self, recipients: &[&str]) -> Event {
        let event = self.event(News::Trouble(Trouble::ApiQuota, TroubleFacts::default()));
        self.insert(&event, "operator", recipients).await;
        event
    }

    fn event(&self, news: News) -> Event {
        let now = self.clock.now();
        Event::new(news, now, now.with_timezone(&self.watchlist.timezone).date_naive())
    }

    async fn insert(&self, event: &Event, audience: &str, recipients: &[&str]) {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO events (kind, audience, at, event) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(event.kind().to_string())
        .bind(audience)
        .bind(event.at)
        .bind(Json(event))
        .fetch_one(self.store.pool())
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO deliveries (event_id, recipient, owed_since) SELECT $1, UNNEST($2::text[]), $3",
        )
        .bind(id)
        .bind(recipients.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind(event.at)
        .execute(self.store.pool())
        .await
        .unwrap();
    }

    /// Who got mail, in the order of its coming.
    pub fn readers(&self) -> Vec<String> {
        self.sink.mails().iter().map(|mail| mail.to.join(" ")).collect()
    }

    /// How many events the messages of a recipient tell, message by message.
    pub async fn told(&self, recipient: &str) -> Vec<i64> {
        sqlx::query_scalar(
            "SELECT count(*) FROM deliveries
             WHERE address = $1 AND sent_at IS NOT NULL
             GROUP BY message_id
             ORDER BY message_id",
        )
        .bind(recipient)
        .fetch_all(self.store.pool())
        .await
        .unwrap()
    }

    /// The kinds that the operators are or were owed, in their order.
    pub async fn heard_by_operators(&self) -> Vec<String> {
        self.texts("SELECT kind FROM events WHERE audience = 'operator' ORDER BY id").await
    }

    pub async fn dead(&self) -> Vec<(String, i64)> {
        let letters = qualwatch::store::outbox::dead_letters::dead_letters(self.store.pool()).await.unwrap();
        letters.into_iter().map(|letter| (letter.recipient, letter.events)).collect()
    }
}

fn smtp(sink: &SmtpSink, login: Option<&str>) -> String {
    let login = login.map(|login| format!("{}@", login.replace('@', "%40"))).unwrap_or_default();
    format!("smtp = \"smtp://{login}127.0.0.1:{}?tls=none\"", sink.port())
}

/// Without `companies`: both, and [`TWO`] reads only of the first.
pub fn watchlist(outlet: &str, email: &str, companies: &str) -> Watchlist {
    let both = format!(
        "[[company]]\nkeyword = \"{HENAN}\"\nto = [\"{TWO}\"]\n\n[[company]]\nkeyword = \"{WUHAN}\"\n"
    );
    let companies = if companies.is_empty() { &both } else { companies };
    let has = |key: &str| email.contains(&format!("{key} = "));
    let default = |key: &str, value: &str| {
        if has(key) { String::new() } else { format!("{key} = [\"{value}\"]\n") }
    };
    let (to, operators) = (default("to", ONE), default("operators", OPS));
    let text = format!(
        "[email]\n{outlet}\nfrom = \"资质监控 <alerts@example.com>\"\n{to}{operators}{email}\n\n{companies}"
    );
    parse(&text, Path::new("/nowhere/watchlist.toml")).unwrap_or_else(|faults| panic!("{faults:?}\n{text}")).0
}

/// A header's value up to the end of its line.
pub fn header(mail: &ReceivedMail, name: &str) -> String {
    let text = String::from_utf8_lossy(&mail.bytes);
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
}
