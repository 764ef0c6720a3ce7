//! The database a command works on: a server of the operator's, or the private one in the state directory.

use anyhow::Context as _;
use sqlx::postgres::PgConnectOptions;

use crate::config::{self, DatabaseUrl};
use crate::private_postgres::{PrivatePostgres, Purpose};
use crate::store::Store;
use crate::store::connect::Layout;

use super::context::Context;
use super::exit::Refusal;

/// An open database. While this lives, so does the private server; [`Self::close`] ends both.
pub(super) struct Database {
    /// The database itself.
    pub store: Store,
    place: Place,
}

/// Where the database is.
enum Place {
    Server(DatabaseUrl),
    Private(PrivatePostgres),
}

impl Database {
    /// Opens the database, makes it where there is none, and brings it to this version's layout: for `run` and `check`.
    ///
    /// # Errors
    /// The database cannot be reached, made or brought up to date.
    pub async fn open_or_make(context: &Context) -> anyhow::Result<Self> {
        let place = if let Some(url) = url(context)? {
            Place::Server(url)
        } else {
            let starting = PrivatePostgres::start(&context.state_dir, Purpose::Service);
            Place::Private(Box::pin(starting).await?)
        };
        let store = Store::open_and_migrate(place.options()?).await.with_context(|| place.opening())?;
        Ok(Self { store, place })
    }

    /// Opens the database as it is: for everything else. Nothing is made or changed.
    ///
    /// # Errors
    /// There is none (the error says where was looked), it cannot be reached, or its layout is another version's.
    pub async fn open_existing(context: &Context) -> anyhow::Result<Self> {
        match Self::open_if_there(context).await? {
            Ok(database) => Ok(database),
            Err(looked) => {
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
        } else if let Some(private) = Box::pin(PrivatePostgres::open(&context.state_dir)).await? {
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
            Layout::Newer => {
                Err(Refusal::failed(format!("{} has the layout of a newer version", place.name()))
                    .advising("use that version of qualwatch")
                    .into())
            }
        }
    }

    /// The same for a process that takes its watchlist into force.
    pub fn obeying(self, context: &Context) -> Self {
        let listing = config::listing_of(&context.state_dir, &context.path);
        Self { store: self.store.obeying(listing), ..self }
    }

    /// Where it is and how to back it up, in one sentence.
    pub fn description(&self) -> String {
        match &self.place {
            Place::Server(url) => {
                format!("{}: backed up with pg_dump, like every database of that server", url.place())
            }
            Place::Private(private) => {
                let pg_dump = private.bin_dir().map(|bin| bin.join("pg_dump"));
                format!(
                    "a private PostgreSQL in {}: while qualwatch runs, back it up with `{} --host={} --username=qualwatch \
                     --format=custom --file=qualwatch.dump qualwatch`; while nothing of it runs, copying that directory \
                     does as well",
                    private.data_dir().display(),
                    pg_dump.as_deref().unwrap_or(std::path::Path::new("pg_dump")).display(),
                    private.socket_dir().display(),
                )
            }
        }
    }

    /// The private server, where it is one: a daemon revives it.
    pub fn private(&self) -> Option<&PrivatePostgres> {
        match &self.place {
            Place::Private(private) => Some(private),
            Place::Server(_) => None,
        }
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

fn url(context: &Context) -> anyhow::Result<Option<DatabaseUrl>> {
    let given = config::read_database_url(&context.watchlist, &context.environment)?;
    Ok(given.map(|given| given.value))
}
