//! The database a command works on: a server of the operator's, or the private one in the state directory.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sqlx::postgres::PgConnectOptions;

use crate::config::{self, DatabaseUrl};
use crate::private_postgres::{self, Options, PrivatePostgres, Purpose};
use crate::store::Store;
use crate::store::connection::Layout;

use super::context::Context;
use super::disk;
use super::exit::Refusal;
use super::served_database::{self, ServedDatabase};

/// An open database. While this lives, so does the private server; [`Self::close`] ends both.
pub(super) struct OpenDatabase {
    /// The database itself.
    pub store: Store,
    place: Place,
}

/// PostgreSQL's own programs, and how they reach a database.
pub(super) struct Programs {
    /// Where they are.
    pub directory: PathBuf,
    /// How they log in.
    pub environment: Vec<(String, String)>,
    /// The database's name.
    pub database: String,
}

/// Where the database is.
enum Place {
    Server(DatabaseUrl),
    Private(PrivatePostgres),
}

impl OpenDatabase {
    /// Opens the database, makes it where there never was one, and brings it to this version's layout: for `run` and `check`.
    ///
    /// # Errors
    /// The database cannot be reached, made or brought up to date; it is of a newer version; it is gone or empty where there was
    /// one; the disk has too little room. Then nothing was touched.
    pub async fn open_or_make(context: &Context) -> anyhow::Result<Self> {
        // Looked at first: what another process makes meanwhile is remembered only when it is there.
        let served = ServedDatabase::of(&context.state_dir);
        let place = match url(context)? {
            Some(url) => Place::Server(url),
            None => Place::Private(make_private(&context.state_dir, served.as_ref()).await?),
        };
        let store = Store::open(place.options()?).await.with_context(|| place.opening())?;
        let database = Self { store, place };
        match database.make_current(served.as_ref()).await {
            Ok(()) => Ok(database),
            Err(error) => database.closed_after(Err(error)).await,
        }
    }

    async fn make_current(&self, served: Option<&ServedDatabase>) -> anyhow::Result<()> {
        let opening = || self.place.opening();
        let layout = self.store.layout().await.with_context(opening)?;
        match (layout, served) {
            (Layout::Current, _) => {}
            (Layout::None, Some(served)) => {
                return Err(served.refuse(&format!("{} is empty", self.place.name())).into());
            }
            (Layout::None | Layout::Older, _) => {
                if let Place::Private(private) = &self.place {
                    let bytes = self.store.bytes().await.with_context(opening)?;
                    disk::check_before_migrating(private.data_dir(), bytes)?;
                }
                self.store.migrate().await.with_context(opening)?;
            }
            (Layout::Newer, _) => return Err(newer(&self.place).into()),
            (Layout::Foreign, _) => return Err(foreign(&self.place).into()),
        }
        for setting in self.store.unsafe_settings().await.with_context(opening)? {
            tracing::warn!(
                setting,
                "the PostgreSQL server runs with this off: after a power failure what was told may be lost, and told again"
            );
        }
        Ok(())
    }

    /// Opens the database as it is: for everything else. Nothing is made or changed.
    ///
    /// # Errors
    /// There is none (the error says where was looked), it cannot be reached, or its layout is another version's.
    pub async fn open_existing(context: &Context) -> anyhow::Result<Self> {
        match Self::open_if_there(context).await? {
            Ok(database) => Ok(database),
            Err(looked) => {
                if let Some(served) = ServedDatabase::of(&context.state_dir) {
                    return Err(served.refuse(&looked).into());
                }
                let refusal = Refusal::failed(format!("there is no database yet: {looked}"));
                Err(refusal.advising("`qualwatch check` or the daemon (`qualwatch run`) makes it").into())
            }
        }
    }

    /// The same where none is no error: then says where was looked.
    ///
    /// # Errors
    /// It cannot be reached, or its layout is another version's.
    pub async fn open_if_there(context: &Context) -> anyhow::Result<Result<Self, String>> {
        let place = if let Some(url) = url(context)? {
            Place::Server(url)
        } else if let Some(private) =
            Box::pin(PrivatePostgres::open(&context.state_dir, &of_service())).await?
        {
            Place::Private(private)
        } else {
            let state_dir = context.state_dir.display();
            return Ok(Err(format!(
                "no address of one is given, and none is in the state directory {state_dir}"
            )));
        };
        let (store, layout) =
            Store::open_as_it_is(place.options()?).await.with_context(|| place.opening())?;
        match layout {
            Layout::Current => Ok(Ok(Self { store, place })),
            Layout::None => Ok(Err(format!("{} is empty", place.name()))),
            Layout::Older => {
                Err(Refusal::failed(format!("{} has the layout of an older version", place.name()))
                    .advising("`qualwatch check` or a restart of the daemon brings it up to date")
                    .into())
            }
            Layout::Newer => Err(newer(&place).into()),
            Layout::Foreign => Err(foreign(&place).into()),
        }
    }

    /// The same for a process that takes its watchlist into force: from now on it is remembered that this database is served. (A dry
    /// run leaves the state directory as it is.)
    pub fn obeying(self, context: &Context) -> Self {
        if let Err(error) = served_database::remember(&context.state_dir, &self.place.name()) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what database is served cannot be remembered"
            );
        }
        let listing = config::listing_of(&context.state_dir, &context.path);
        Self { store: self.store.obeying(listing), ..self }
    }

    /// Opens the database as it is, has this done with it, and closes it.
    ///
    /// # Errors
    /// As [`Self::open_existing`] and [`Self::closed_after`].
    pub async fn with<T>(
        context: &Context,
        work: impl AsyncFnOnce(&Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let database = Self::open_existing(context).await?;
        let done = work(&database).await;
        database.closed_after(done).await
    }

    /// Opens an empty database, which is made where there is none: to be restored into.
    ///
    /// # Errors
    /// There is a database already, or it cannot be made.
    pub async fn open_empty(context: &Context) -> anyhow::Result<Self> {
        let place = match url(context)? {
            Some(url) => Place::Server(url),
            None => Place::Private(make_private(&context.state_dir, None).await?),
        };
        let (store, layout) =
            Store::open_as_it_is(place.options()?).await.with_context(|| place.opening())?;
        let database = Self { store, place };
        if layout == Layout::None {
            return Ok(database);
        }
        let refusal = Refusal::failed(format!("{} is not empty: it is left as it is", database.place.name()));
        let refusal = refusal.advising("restore into a new database, or name another --state-dir");
        database.closed_after(Err(refusal.into())).await
    }

    /// The same in a state directory of its own.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn make_in(state_dir: &Path) -> anyhow::Result<Self> {
        disk::check_before_making(state_dir)?;
        let private = Box::pin(PrivatePostgres::start(state_dir, &of_service())).await?;
        let place = Place::Private(private);
        let (store, _) = Store::open_as_it_is(place.options()?).await.with_context(|| place.opening())?;
        Ok(Self { store, place })
    }

    /// Brings a database that was just restored to this version's layout.
    ///
    /// # Errors
    /// A migration fails, or the database is of a newer version.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        self.make_current(None).await
    }

    /// PostgreSQL's own programs, and how they reach this database.
    ///
    /// # Errors
    /// None are installed.
    pub async fn programs(&self) -> anyhow::Result<Programs> {
        let newest = async {
            let server = self.store.server_major().await?;
            anyhow::Ok(private_postgres::client_programs(server).await?)
        };
        Ok(match &self.place {
            Place::Server(url) => {
                let environment = url.libpq_environment();
                let named = environment.iter().find(|(name, _)| name == "PGDATABASE");
                let database = named.map(|(_, value)| value.clone()).unwrap_or_default();
                Programs { directory: newest.await?, environment, database }
            }
            Place::Private(private) => {
                let database = "qualwatch".to_owned();
                let directory = match private.bin_dir() {
                    Some(directory) => directory.to_owned(),
                    None => newest.await?,
                };
                let socket = private.socket_dir().display().to_string();
                let environment =
                    [("PGHOST", socket), ("PGUSER", database.clone()), ("PGDATABASE", database.clone())];
                let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
                Programs { directory, environment, database }
            }
        })
    }

    /// Where it is and how to back it up, and what of its server is not safe, in a sentence each.
    ///
    /// # Errors
    /// The server's settings cannot be read.
    pub async fn description(&self) -> anyhow::Result<String> {
        let place = self.place_and_backup();
        let unsafe_settings = self.store.unsafe_settings().await?;
        Ok(match unsafe_settings.join(", ").as_str() {
            "" => place,
            off => format!("{place}. Its server runs with {off} off: a power failure may lose what was told"),
        })
    }

    fn place_and_backup(&self) -> String {
        match &self.place {
            Place::Server(url) => {
                format!(
                    "{}: back it up with `qualwatch backup FILE`, or as every database of that server",
                    url.place()
                )
            }
            Place::Private(private) => format!(
                "a private PostgreSQL in {}: back it up with `qualwatch backup FILE`, also while the daemon runs",
                private.data_dir().display()
            ),
        }
    }

    /// Where it is, for people.
    pub fn name(&self) -> String {
        self.place.name()
    }

    /// The private server, where it is one: a daemon revives it.
    pub fn private(&self) -> Option<&PrivatePostgres> {
        match &self.place {
            Place::Private(private) => Some(private),
            Place::Server(_) => None,
        }
    }

    /// Closes it after this was done with it. Where both fail, the first error is the one to tell.
    ///
    /// # Errors
    /// What was done has failed, or as [`Self::close`].
    pub async fn closed_after<T>(self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        let closed = self.close().await;
        let done = done?;
        closed.map(|()| done)
    }

    /// Closes the connections and stops the private server unless somebody else uses it.
    ///
    /// # Errors
    /// The private server does not stop.
    pub async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        match self.place {
            Place::Private(private) => Ok(private.stop().await?),
            Place::Server(_) => Ok(()),
        }
    }
}

impl Place {
    fn options(&self) -> anyhow::Result<PgConnectOptions> {
        match self {
            Self::Server(url) => url.expose().parse().context("reading the database address"),
            Self::Private(private) => Ok(private.connect_options()),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Server(url) => format!("the database at {}", url.place()),
            Self::Private(private) => format!("the private database in {}", private.data_dir().display()),
        }
    }

    fn opening(&self) -> String {
        format!("opening {}", self.name())
    }
}

fn newer(place: &Place) -> Refusal {
    let refusal = Refusal::failed(format!("{} has the layout of a newer version of qualwatch", place.name()));
    refusal.advising(
        "install that version again; to go back to this one, restore a backup of before into a new database",
    )
}

fn foreign(place: &Place) -> Refusal {
    let refusal = Refusal::failed(format!(
        "{} belongs to another program: its table _sqlx_migrations lists other migrations than ours",
        place.name()
    ));
    refusal
        .advising("make a database for qualwatch alone and give its address: nothing was touched in this one")
}

/// The private server, on a new cluster only where there never was one.
async fn make_private(state_dir: &Path, served: Option<&ServedDatabase>) -> anyhow::Result<PrivatePostgres> {
    if let Some(private) = Box::pin(PrivatePostgres::open(state_dir, &of_service())).await? {
        return Ok(private);
    }
    if let Some(served) = served {
        return Err(served
            .refuse(&format!("the place of the private database in {} is empty", state_dir.display()))
            .into());
    }
    disk::check_before_making(state_dir)?;
    // Who named another directory by mistake would pay for what the service knows.
    tracing::info!(directory = %state_dir.display(), "a new database is made here, which knows of no company yet");
    Ok(Box::pin(PrivatePostgres::start(state_dir, &of_service())).await?)
}

fn of_service() -> Options {
    Options::new(Purpose::Service)
}

fn url(context: &Context) -> anyhow::Result<Option<DatabaseUrl>> {
    let given = config::read_database_url(&context.watchlist, &context.environment)?;
    Ok(given.map(|given| given.value))
}
