//! Why there is a trouble, with its facts: for words in any language. Its English sentence stands beside it in
//! [`TroubleFacts`](super::event::TroubleFacts), for logs and `--json`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Why there is a trouble. Rows of before 0.1.0 have none: what is said of them is their sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum TroubleCause {
    /// The database fails.
    Database {
        /// How.
        fault: DatabaseFault,
        /// What failed by it; `None`: it could not even be opened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        work: Option<Work>,
    },
    /// The watchlist cannot be read.
    Unreadable {
        /// Why not.
        fault: UnreadableFile,
    },
    /// The watchlist has faults.
    Faults {
        /// The first of them.
        first: Vec<FileFault>,
        /// How many there are.
        count: usize,
    },
    /// The private database's version of PostgreSQL was gone, and a backup became a new database.
    Restored {
        /// Its version, and that of the new one.
        from: u32,
        to: u32,
        /// When the backup was made.
        backup_at: DateTime<Utc>,
        /// Where the old database is kept.
        aside: String,
    },
}

/// A piece of the daemon's work, as operators read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Asking and judging.
    #[serde(rename = "sweeping")]
    Sweeping,
    /// Mail.
    #[serde(rename = "sending mail")]
    Mailing,
    /// Retention.
    #[serde(rename = "forgetting what is old")]
    Forgetting,
    /// The watchlist.
    #[serde(rename = "reloading the watchlist")]
    Reloading,
    /// The heartbeat.
    #[serde(rename = "looking at the day's work")]
    LookingBack,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sweeping => "sweeping",
            Self::Mailing => "sending mail",
            Self::Forgetting => "forgetting what is old",
            Self::Reloading => "reloading the watchlist",
            Self::LookingBack => "looking at the day's work",
        })
    }
}

/// How a database fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum DatabaseFault {
    /// Nobody listens, or the connection was lost.
    Away,
    /// No answer for long.
    Silent,
    /// It starts, recovers or is shut down.
    NotReady,
    /// It takes no writes.
    ReadOnly,
    /// Its disk is full.
    DiskFull,
    /// It has no memory left.
    OutOfMemory,
    /// It has no connection left for us.
    NoConnectionLeft,
    /// Name, password or address are refused.
    LoginRefused,
    /// There is no database of this name.
    NoSuchDatabase,
    /// Our role may not do what we need.
    NoPermission,
    /// TLS cannot be agreed upon.
    NoTls,
    /// A pooler lends its sessions for one transaction.
    SharedSession,
    /// It cannot hold every name.
    Encoding {
        /// Its encoding.
        encoding: String,
    },
    /// The server is too old.
    OldServer {
        /// Its version.
        version: String,
    },
    /// The layout is one that this version does not know.
    OtherLayout,
    /// No PostgreSQL is installed for the private server.
    NoPrograms,
    /// The private server does not come up.
    PrivateServer,
    /// What the server says is none of these.
    Other {
        /// The SQLSTATE, where there is one (PostgreSQL, appendix A).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
}

/// Why a watchlist cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum UnreadableFile {
    /// It is not there.
    Missing,
    /// We may not read it.
    Forbidden,
    /// It is larger than any can be.
    TooBig {
        /// The most, in MiB.
        mebibytes: u64,
    },
    /// It is not UTF-8.
    NotUtf8 {
        /// The first line that is not, from 1.
        line: usize,
    },
    /// The machine says something else.
    Other,
}

/// A fault of the watchlist, at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFault {
    /// What is wrong.
    pub slip: Slip,
    /// Its English sentence.
    pub message: String,
    /// The key, such as `api.url`; empty where the file cannot be read as TOML.
    pub key: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The piece of the file, inert and without secrets; empty where there is none.
    pub shown: String,
    /// What may be meant.
    pub perhaps: Option<String>,
    /// In how many more places the file has the same.
    #[serde(default)]
    pub more: usize,
}

/// What is wrong in a watchlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Slip {
    /// It is no TOML.
    NotToml,
    /// One key twice in a table.
    KeyTwice,
    /// Characters of an input method: what is written, what is meant.
    Characters {
        /// In the order of the line.
        pairs: Vec<(String, String)>,
    },
    /// A header with too few or too many brackets.
    Brackets,
    /// No key of this name.
    UnknownKey,
    /// A key that stands in another table.
    KeyElsewhere {
        /// Which one; empty: none, the top of the file.
        table: String,
    },
    /// Reserved for later.
    NotInThisVersion,
    /// An address that other machines reach, where that is not said to be meant.
    BeyondThisMachine,
    /// A key or password.
    Secret,
    /// A value of another kind.
    Kind {
        /// What belongs there.
        wanted: ValueKind,
        /// What stands there.
        found: ValueKind,
    },
    /// Something that must be there is not.
    Missing,
    /// No company.
    NothingToWatch,
    /// Nobody would be told.
    NobodyTold,
    /// The same entry stands in the file twice.
    Twice {
        /// The line of the first, from 1.
        line: u32,
    },
    /// Nothing is written.
    Empty,
    /// Longer than may be.
    TooLong {
        /// The most, in characters.
        characters: usize,
    },
    /// A character that nobody sees.
    Invisible,
    /// Not between two limits.
    OutOfRange {
        /// The least.
        least: String,
        /// The most.
        most: String,
    },
    /// A number where a duration is meant.
    NoUnit,
    /// No duration.
    NoDuration,
    /// A duration that is too short.
    TooShort,
    /// A duration beyond what is believed.
    TooManyDays {
        /// The most, in days.
        days: u64,
    },
    /// None of a few words.
    OneOf {
        /// The words.
        words: Vec<String>,
    },
    /// No time zone.
    NoZone,
    /// No cron line.
    NoCronLine,
    /// Rarer than an end of validity allows.
    RarerThanDaily,
    /// No address of a server.
    NoServerAddress,
    /// An address with something that does not belong there.
    ServerAddress,
    /// Mail in the clear.
    InTheClear,
    /// No address of mail.
    NoMailAddress,
    /// No 统一社会信用代码.
    NoCreditCode,
    /// No id of a company.
    NoId,
    /// No name of a host.
    NoHostName,
    /// No path.
    NoPath,
    /// Two ways for mail.
    TwoOutlets,
}

impl Slip {
    /// None of these words.
    pub fn one_of<const N: usize>(words: [&str; N]) -> Self {
        Self::OneOf { words: words.map(str::to_owned).into() }
    }

    /// Not between these two.
    pub fn out_of_range(least: impl fmt::Display, most: impl fmt::Display) -> Self {
        Self::OutOfRange { least: least.to_string(), most: most.to_string() }
    }
}

/// The kind of a value of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// Text in quotes.
    Text,
    /// A whole number.
    Whole,
    /// A number with a point.
    Number,
    /// A yes or no.
    Boolean,
    /// A date.
    Date,
    /// A list.
    List,
    /// A table.
    Table,
    /// A `[[company]]`.
    Entry,
}
