//! What can be asked for on the command line: a contract (design 7).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::print::Reader;
use crate::domain::language::Language;
use crate::domain::secret::Secret;

/// Watches companies' construction qualification certificates and mails what changes.
#[derive(Debug, Clone, Parser)]
#[command(name = "qualwatch", version, about, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) places: Places,
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, no problem; 1 the command failed; 2 wrong use or wrong file, nothing was \
touched; 3 something was not checked or not sent, or asking or mail is stopped.";

/// Where the watchlist and the state are.
#[derive(Debug, Clone, Args)]
pub(super) struct Places {
    /// The watchlist [default: ./watchlist.toml, else /etc/qualwatch/watchlist.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub watchlist: Option<PathBuf>,
    /// The state directory [default: `$STATE_DIRECTORY`; else /var/lib/qualwatch where the watchlist is the one in /etc; else
    /// ./state]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The credentials of the service, where this process stands in for it.
    #[arg(skip)]
    pub credentials: BTreeMap<&'static str, Secret>,
    /// Whether another process of ours is to do it, as the service's user.
    #[arg(skip)]
    pub is_handed_over: bool,
}

/// The commands, in the order of the help.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// Run as a daemon until Ctrl-C or SIGTERM; SIGHUP reads the watchlist anew
    Run,
    Init(InitArguments),
    Check(Check),
    Validate(Validate),
    Status(Status),
    List(List),
    History(History),
    Why(Why),
    Mail(Mail),
    Retry(Retry),
    TestEmail(TestEmail),
    Renewing(RenewingArguments),
    Snooze(SnoozeArguments),
    Backup(Backup),
    Restore(Restore),
    Sandbox(SandboxArguments),
    Demo(Demo),
}

/// A calendar day as it is written on the command line: one form only, so that no day can be taken for a month.
fn date(text: &str) -> Result<NaiveDate, String> {
    let is_in_form = text.len() == 10 && text.split('-').map(str::len).eq([4, 2, 2]);
    let read = is_in_form.then(|| text.parse().ok()).flatten();
    read.ok_or_else(|| {
        let reason = if is_in_form {
            "there is no such day (YYYY-MM-DD)"
        } else {
            "a day is written YYYY-MM-DD, such as 2026-01-05"
        };
        let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        let numbers: Option<Vec<u32>> = parts.map(|part| part.parse().ok()).collect();
        let meant = match numbers.as_deref() {
            Some([year, month, day]) if !is_in_form && *year >= 1000 => {
                NaiveDate::from_ymd_opt(i32::try_from(*year).unwrap_or_default(), *month, *day)
            }
            _ => None,
        };
        let perhaps = meant.map(|day| format!(", perhaps {day}")).unwrap_or_default();
        format!("{reason}{perhaps}")
    })
}

/// Whether to print for programs.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Json {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Json {
    /// Whom to print for.
    pub fn reader(self) -> Reader {
        if self.json { Reader::Program } else { Reader::Person }
    }
}

/// Write a first watchlist: five questions, then the secrets, a test call and a test mail
///
/// Every question that an option answers is left out; where nobody can be asked all of them are needed. An existing file is never
/// overwritten. As root, on a machine with the service installed, it makes /etc/qualwatch/watchlist.toml, and puts the secrets
/// into /etc/credstore; else ./watchlist.toml, with the secrets beside it.
#[derive(Debug, Clone, Args)]
pub(super) struct InitArguments {
    /// The language of the mails, and of the questions
    #[arg(long, value_enum, default_value_t)]
    pub language: MailLanguage,
    /// A company to watch: its 统一社会信用代码 or full name, and with =NAME what mails call it; more than once for several
    #[arg(long, value_name = "KEYWORD[=NAME]")]
    pub company: Vec<String>,
    /// What sends: exmail, qq, aliyun, 163, 126, yeah; or a server, such as smtp.example.com:465; or `files`, to try out
    #[arg(long, value_name = "SERVICE")]
    pub mail: Option<String>,
    /// The address that mails come from: the login of the server, too
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// Who reads the alerts; more than once for several
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// Who is told when qualwatch itself is in trouble; more than once for several
    #[arg(long, value_name = "ADDRESS")]
    pub operators: Vec<String>,
    /// The file that holds the provider's key, to be copied; `-`: standard input
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// The file that holds the mailbox's password (授权码), to be copied; `-`: standard input
    #[arg(long, value_name = "FILE")]
    pub smtp_password_file: Option<PathBuf>,
    /// Another address than the provider's: that of the sandbox
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// Make no test call, which costs one paid call
    #[arg(long)]
    pub no_test_call: bool,
    /// Send no test mail
    #[arg(long)]
    pub no_test_mail: bool,
}

/// One sweep now, of what is named or of all; then send what is owed
#[derive(Debug, Clone, Args)]
pub(super) struct Check {
    /// Only these companies, by their keyword or their name in the watchlist [default: all, whatever their cron line]
    #[arg(value_name = "KEYWORD")]
    pub companies: Vec<String>,
    /// Only those of them that are due
    #[arg(long)]
    pub due: bool,
    /// Ask, but store nothing except the count of the calls, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub output: Json,
}

/// Judge the watchlist: every fault at once, and the calls a day against the budget
#[derive(Debug, Clone, Args)]
pub(super) struct Validate {
    /// Ask the provider once for the first company, to prove key and address (one paid call)
    #[arg(long)]
    pub ask: bool,
    /// Say only what is at fault: no warnings, no database, as before a reload
    #[arg(long, conflicts_with_all = ["ask", "json"])]
    pub quiet: bool,
    #[command(flatten)]
    pub output: Json,
}

/// Last and next sweep, problems, budget, mail owed, what ends soon; exits with 3 when there are problems
#[derive(Debug, Clone, Args)]
pub(super) struct Status {
    /// Only say, at the journal's level for errors, what is failing: an alert may be missed by it. Exits with 0 when nothing is
    #[arg(long, conflicts_with = "json")]
    pub failing: bool,
    /// With --failing: a command for sh, to be run when something is, with what is failing on its standard input
    #[arg(long, value_name = "COMMAND", env = "QUALWATCH_ALARM", hide_env_values = true)]
    pub alarm: Option<String>,
    #[command(flatten)]
    pub output: Json,
}

/// The certificates as they are established
///
/// As CSV: RFC 4180, UTF-8 with a byte order mark so that Excel reads it. A text that a spreadsheet would take for a formula
/// (it begins with = + - @, their full-width forms, a tab or a carriage return) gets a ' in front.
#[derive(Debug, Clone, Args)]
pub(super) struct List {
    /// Only what ends within DAYS days and has not ended yet
    #[arg(long, value_name = "DAYS")]
    pub expiring: Option<u16>,
    /// Only this company, by its keyword or its name in the watchlist
    #[arg(long, value_name = "K")]
    pub company: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// For spreadsheets
    Csv,
}

/// What happened to companies, newest first, and their certificates
#[derive(Debug, Clone, Args)]
pub(super) struct History {
    /// Only these companies, by their keyword or their name in the watchlist [default: all, and what concerns none]
    #[arg(value_name = "KEYWORD")]
    pub companies: Vec<String>,
    /// As of the end of this day [default: now]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub as_of: Option<NaiveDate>,
    /// Only what happened on this day or later
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub since: Option<NaiveDate>,
    /// Only the last N of what happened [default: all]
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    #[command(flatten)]
    pub output: Json,
}

/// Why something of a company was told, or not: its last checks, doubts and decisions
#[derive(Debug, Clone, Args)]
pub(super) struct Why {
    /// The company, by its keyword or its name in the watchlist
    #[arg(value_name = "KEYWORD")]
    pub company: String,
    #[command(flatten)]
    pub output: Json,
}

/// Print the mail that would go to an address now, or that went on a day; nothing is sent
#[derive(Debug, Clone, Args)]
pub(super) struct Mail {
    /// The address
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
    /// What went on this day, or would go then of what is owed now [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub on: Option<NaiveDate>,
    #[command(flatten)]
    pub output: Json,
}

/// Offer dead letters again: mail that was given up because its recipient, or the message, was refused
#[derive(Debug, Clone, Args)]
pub(super) struct Retry {
    #[command(flatten)]
    pub output: Json,
}

/// Send a sample alert to each recipient and operator, and say what the mail server answered
#[derive(Debug, Clone, Args)]
pub(super) struct TestEmail {
    /// Only to this address, whether the watchlist names it or not; more than once for several [default: all in the watchlist]
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    #[command(flatten)]
    pub output: Json,
}

/// Say that the renewal of one certificate was filed: no reminder of the filing day, and those of the end from 30 days on say so
#[derive(Debug, Clone, Args)]
pub(super) struct RenewingArguments {
    /// The company, by its keyword or its name in the watchlist
    #[arg(value_name = "KEYWORD")]
    pub company: String,
    /// The certificate's number
    #[arg(value_name = "NUMBER")]
    pub certificate: String,
    /// The day on which it was filed
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, required_unless_present = "end")]
    pub filed: Option<NaiveDate>,
    /// The acceptance number (受理号), for whoever reads the reminder
    #[arg(long = "ref", value_name = "NO", requires = "filed")]
    pub reference: Option<String>,
    /// Take it back: what is due is told at the next check or the day's judging
    #[arg(long, conflicts_with_all = ["filed", "reference"])]
    pub end: bool,
    #[command(flatten)]
    pub output: Json,
}

/// Tell nothing of one certificate's end until a day; ends by itself when the validity changes
#[derive(Debug, Clone, Args)]
pub(super) struct SnoozeArguments {
    /// The company, by its keyword or its name in the watchlist
    #[arg(value_name = "KEYWORD", required_unless_present = "list")]
    pub company: Option<String>,
    /// The certificate's number
    #[arg(value_name = "NUMBER", required_unless_present = "list")]
    pub certificate: Option<String>,
    /// The first day on which it is told of again; the end day itself and what follows are told whatever it is
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, required_unless_present_any = ["end", "list"], requires = "reason")]
    pub until: Option<NaiveDate>,
    /// Why, for whoever asks later
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["end", "list"])]
    pub reason: Option<String>,
    /// End it now: what is due is told at the next check or the day's judging
    #[arg(long, conflicts_with_all = ["until", "reason"])]
    pub end: bool,
    /// Show what is snoozed now, of this company or of all
    #[arg(long, conflicts_with_all = ["certificate", "until", "reason", "end"])]
    pub list: bool,
    #[command(flatten)]
    pub output: Json,
}

/// Standard input or output in place of a file.
pub(super) const STANDARD: &str = "-";

/// Write the whole database into one file, also while the daemon runs
#[derive(Debug, Clone, Args)]
pub(super) struct Backup {
    /// The file, which only you can read; an old one is replaced when the new one is whole. `-`: standard output [default: one of
    /// its own in the directory `backups` of the state directory, where the newest seven are kept]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub output: Json,
}

/// Fill an empty database from a file that `backup` wrote
#[derive(Debug, Clone, Args)]
pub(super) struct Restore {
    /// The file; `-`: standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub output: Json,
}

/// Serve an imitation of the provider's API on loopback until Ctrl-C
#[derive(Debug, Clone, Args)]
pub(super) struct SandboxArguments {
    /// Where to listen: loopback only; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,
    /// What it answers, and what goes wrong when [default: a scenario of its own]
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// The companies of this watchlist instead, with certificates that are made up: something happens to each in its first days
    #[arg(long, value_name = "WATCHLIST", conflicts_with = "scenario")]
    pub list: Option<PathBuf>,
    /// Let a day pass in so much time, such as 10s, and say when one begins [default: the time of the machine]
    #[arg(long, value_name = "TIME", value_parser = crate::sandbox::span)]
    pub day_every: Option<Duration>,
}

/// The whole thing in a minute: an imitation upstream, a private PostgreSQL, simulated days, mail as files
///
/// Needs no watchlist and no key. All mails are shown by ./qualwatch-demo/index.html, in a browser, and lie as files for a mail
/// program in ./qualwatch-demo/mail; or below --state-dir.
#[derive(Debug, Clone, Args)]
pub(super) struct Demo {
    /// The language of the story and its mails
    #[arg(long, value_enum, default_value_t)]
    pub language: MailLanguage,
    #[command(flatten)]
    pub output: Json,
}

/// The language of mails, as the file names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum MailLanguage {
    /// 简体中文
    #[default]
    #[value(name = "zh-CN", alias = "zh")]
    Chinese,
    /// English; names of companies and qualifications stay Chinese
    #[value(name = "en")]
    English,
}

impl From<MailLanguage> for Language {
    fn from(language: MailLanguage) -> Self {
        match language {
            MailLanguage::Chinese => Self::Chinese,
            MailLanguage::English => Self::English,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn a_day_has_one_form_and_others_are_told_of_it() {
        for (written, said, why) in [
            ("2026-03-02", None, "the form"),
            (
                "2026/3/2",
                Some("a day is written YYYY-MM-DD, such as 2026-01-05, perhaps 2026-03-02"),
                "slashes",
            ),
            (
                "2026年3月2日",
                Some("a day is written YYYY-MM-DD, such as 2026-01-05, perhaps 2026-03-02"),
                "in words",
            ),
            ("20260302", Some("a day is written YYYY-MM-DD, such as 2026-01-05"), "without marks"),
            ("02-03-2026", Some("a day is written YYYY-MM-DD, such as 2026-01-05"), "day or month first?"),
            ("2026-02-30", Some("there is no such day (YYYY-MM-DD)"), "no day"),
            ("tomorrow", Some("a day is written YYYY-MM-DD, such as 2026-01-05"), "a word"),
        ] {
            assert_eq!(date(written).err().as_deref(), said, "{why}");
        }
    }
}
