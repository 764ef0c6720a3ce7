//! The same runs of the mailer with a Postfix of its own directory: refused senders, full mailboxes, limits, greylisting, and a
//! restart in mid-run. Nobody is burnt, nothing is lost, nothing comes twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use qualwatch::email::{Mailed, Ripe, Sweeping};
use qualwatch::store::steps::{Step, Steps};

use crate::support::letter::Letter;
use crate::support::mailroom::{HENAN, Mailroom, ONE, OPS, TWO, watchlist};
use crate::support::running::until;

const DUE: Ripe = Ripe::Due(Sweeping::Idle);
const MASTER: &str = "/usr/lib/postfix/sbin/master";

/// A running Postfix that delivers what it takes into directories, one file a message; it ends when dropped.
struct Postfix {
    folder: tempfile::TempDir,
    port: u16,
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(["-c".as_ref(), folder.join("etc").as_os_str()]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
}

impl Postfix {
    /// Starts it; `None` where it is not installed or we are not root, as its master must be, unless
    /// `QUALWATCH_REQUIRE_POSTFIX=1` says that it must be there.
    async fn start() -> Option<Self> {
        if !Path::new(MASTER).exists() || !nix::unistd::geteuid().is_root() {
            let required = std::env::var("QUALWATCH_REQUIRE_POSTFIX").is_ok_and(|value| value == "1");
            assert!(!required, "postfix is required, and root to start it: apt-get install postfix");
            eprintln!("skipped: postfix is not installed, or this is not root");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("qualwatch-postfix-").tempdir().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let postfix = Self { folder, port };
        let account = nix::unistd::User::from_name("postfix").unwrap().expect("its package makes the user");
        fs::set_permissions(postfix.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for (name, owner) in
            [("etc", 0), ("spool", 0), ("data", account.uid.as_raw()), ("boxes", account.uid.as_raw())]
        {
            fs::create_dir(postfix.path(name)).unwrap();
            chown(postfix.path(name), Some(owner), None).unwrap();
        }
        fs::write(postfix.path("etc/main.cf"), postfix.main_cf(&account)).unwrap();
        fs::write(postfix.path("etc/master.cf"), postfix.master_cf()).unwrap();
        postfix.up().await;
        Some(postfix)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn main_cf(&self, account: &nix::unistd::User) -> String {
        let folder = self.folder.path().display();
        let boxes =
            ["one", "two", "ops"].map(|name| format!("{{ {name}@example.com = {name}/ }}")).join(", ");
        let (uid, gid) = (account.uid, account.gid);
        format!(
            "compatibility_level = 3.6\nqueue_directory = {folder}/spool\ndata_directory = {folder}/data\n\
             maillog_file = {folder}/log\nmaillog_file_prefixes = {folder}\ninet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\nmyhostname = mail.example.com\nmydestination =\nlocal_recipient_maps =\nalias_maps =\n\
             mynetworks =\nvirtual_mailbox_domains = example.com\nvirtual_mailbox_base = {folder}/boxes\n\
             virtual_mailbox_maps = inline:{{ {boxes} }}\nvirtual_uid_maps = static:{uid}\nvirtual_gid_maps = static:{gid}\n\
             virtual_minimum_uid = 1\nmessage_size_limit = 10240000\nvirtual_mailbox_limit = 0\n\
             smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_client_connection_count_limit = 0\n\
             smtpd_client_connection_rate_limit = 0\nsmtpd_error_sleep_time = 0\nbounce_queue_lifetime = 0\n"
        )
    }

    fn master_cf(&self) -> String {
        let mut text = format!("127.0.0.1:{} inet n - n - - smtpd\n", self.port);
        for (service, kind, wakeup, most, program) in [
            ("pickup", "unix", "60", "1", "pickup"),
            ("cleanup", "unix", "-", "0", "cleanup"),
            ("qmgr", "unix", "300", "1", "qmgr"),
            ("tlsmgr", "unix", "1000?", "1", "tlsmgr"),
            ("rewrite", "unix", "-", "-", "trivial-rewrite"),
            ("bounce", "unix", "-", "0", "bounce"),
            ("defer", "unix", "-", "0", "bounce"),
            ("trace", "unix", "-", "0", "bounce"),
            ("flush", "unix", "1000?", "0", "flush"),
            ("proxymap", "unix", "-", "-", "proxymap"),
            ("error", "unix", "-", "-", "error"),
            ("retry", "unix", "-", "-", "error"),
            ("discard", "unix", "-", "-", "discard"),
            ("local", "unix", "-", "-", "local"),
            ("virtual", "unix", "-", "-", "virtual"),
            ("anvil", "unix", "-", "1", "anvil"),
            ("scache", "unix", "-", "1", "scache"),
            ("postlog", "unix-dgram", "-", "1", "postlogd"),
        ] {
            let is_public = ["pickup", "cleanup", "qmgr", "flush", "postlog"].contains(&service);
            let private = if is_public { "n" } else { "-" };
            let unprivileged = if ["local", "virtual"].contains(&service) { "n" } else { "-" };
            writeln!(text, "{service} {kind} {private} {unprivileged} n {wakeup} {most} {program}").unwrap();
        }
        text
    }

    /// Starts it, and waits until it greets.
    async fn up(&self) {
        assert!(run("/usr/sbin/postfix", &["start"], self.folder.path()), "{}", self.log());
        until("postfix greets", || async { self.answers().await }).await;
    }

    fn down(&self) {
        run("/usr/sbin/postfix", &["stop"], self.folder.path());
    }

    async fn answers(&self) -> bool {
        use tokio::io::AsyncReadExt as _;
        let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await else {
            return false;
        };
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"220"
    }

    /// Another setting takes effect for whoever connects from now on.
    async fn set(&self, setting: &str) {
        assert!(self.told(&[setting]), "{setting}: {}", self.log());
        // A server process that has read the old settings ends at its next look at the master.
        self.down();
        self.up().await;
    }

    fn told(&self, settings: &[&str]) -> bool {
        let arguments: Vec<&str> = ["-e"].into_iter().chain(settings.iter().copied()).collect();
        run("/usr/sbin/postconf", &arguments, self.folder.path())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What came to each address: Message-IDs, as often as they came.
    fn delivered(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        for name in ["one", "two", "ops"] {
            let files = fs::read_dir(self.path("boxes").join(name).join("new")).into_iter().flatten();
            let mut ids: Vec<String> = files
                .map(|file| fs::read_to_string(file.unwrap().path()).unwrap().replace('\n', "\r\n"))
                .map(|mail| Letter::read(mail.as_bytes()).header("Message-ID").to_owned())
                .collect();
            ids.sort();
            if !ids.is_empty() {
                all.insert(format!("{name}@example.com"), ids);
            }
        }
        all
    }

    /// Waits until so many messages are in their boxes: taken is not delivered.
    async fn delivers(&self, count: usize, why: &str) {
        until(why, || async { self.delivered().values().map(Vec::len).sum::<usize>() >= count }).await;
        for (who, ids) in self.delivered() {
            let mut once = ids.clone();
            once.dedup();
            assert_eq!(once, ids, "{why}: something came twice to {who}");
        }
    }

    /// A new database and empty boxes: two databases of the same moment give their messages the same ids.
    async fn room(&self) -> Mailroom {
        for name in ["one", "two", "ops"] {
            let _ = fs::remove_dir_all(self.path("boxes").join(name));
        }
        let mut room = Mailroom::open().await;
        self.serves(&mut room, "");
        room
    }

    fn serves(&self, room: &mut Mailroom, email: &str) {
        let outlet = format!("smtp = \"smtp://127.0.0.1:{}?tls=none\"", self.port);
        room.watchlist = watchlist(&outlet, email, "");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.down();
    }
}

/// What became of it, and what the server said.
fn said(mailed: &Mailed) -> String {
    mailed.problems.iter().map(|problem| problem.reason.as_str()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_postfix_refuses_the_sender_for_burns_nobody_and_all_goes_when_it_is_mended() {
    let Some(postfix) = Postfix::start().await else { return };
    for (setting, well, reply, advised) in [
        (
            "smtpd_sender_restrictions=check_sender_access inline:{ alerts@example.com=REJECT }",
            "smtpd_sender_restrictions=",
            "Sender address rejected: Access denied",
            "let `from` in [email]",
        ),
        (
            "smtpd_sender_restrictions=reject_unlisted_sender",
            "smtpd_sender_restrictions=",
            "Sender address rejected: User unknown in virtual mailbox table",
            "let `from` in [email]",
        ),
        (
            "smtpd_client_restrictions=check_client_access inline:{ 127.0.0.1=REJECT }",
            "smtpd_client_restrictions=",
            "Client host rejected: Access denied",
            "refuses this machine's address",
        ),
        (
            "smtpd_client_restrictions=permit_sasl_authenticated,reject",
            "smtpd_client_restrictions=",
            "Client host rejected: Access denied",
            "refuses this machine's address",
        ),
        (
            "smtpd_helo_restrictions=check_helo_access inline:{ qw.example.org=REJECT }",
            "smtpd_helo_restrictions=",
            "Helo command rejected: Access denied",
            "set `helo` in [email]",
        ),
        (
            "virtual_mailbox_domains=",
            "virtual_mailbox_domains=example.com",
            "Relay access denied",
            "passes on no mail of this machine",
        ),
        (
            "virtual_mailbox_maps=inline:{ nobody@example.com=nobody/ }",
            "virtual_mailbox_maps=inline:{ {one@example.com=one/}, {two@example.com=two/}, {ops@example.com=ops/} }",
            "User unknown in virtual mailbox table",
            "refuses all recipients alike",
        ),
    ] {
        let mut room = postfix.room().await;
        postfix.serves(&mut room, "helo = \"qw.example.org\"\n");
        room.owe(HENAN, &[ONE, TWO]).await;
        postfix.set(setting).await;
        for _ in 0..3 {
            let mailed = room.send(DUE).await;
            assert!(mailed.stopped.is_some() && mailed.sent == 0, "{setting}: {mailed:?}");
            assert!(said(&mailed).contains(reply), "{setting}: {}", said(&mailed));
            let advice: Vec<_> = mailed.problems.iter().filter_map(|it| it.advice.as_deref()).collect();
            assert!(advice.iter().any(|advice| advice.contains(advised)), "{setting}: {advice:?}");
            room.pass(TimeDelta::days(2));
        }
        assert_eq!(room.dead().await, [], "{setting}");
        postfix.set(well).await;
        let mailed = room.send(DUE).await;
        assert!(mailed.owed == 0 && mailed.sent >= 3, "{setting}: the readers and the operator: {mailed:?}");
        postfix.delivers(usize::try_from(mailed.sent).unwrap(), setting).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postfix_says_of_one_recipient_is_theirs_alone() {
    let Some(postfix) = Postfix::start().await else { return };
    for (reply, dead_at_once, why) in [
        ("452 4.2.2 mailbox full", false, "a quota, for now"),
        ("552 5.2.2 over quota", false, "a quota, which passes though it is 5xx"),
        ("450 4.2.0 greylisted", false, "greylisted"),
        ("550 5.1.1 no such user here", true, "gone: the operators' mail is taken"),
    ] {
        let room = postfix.room().await;
        postfix
            .set(&format!("smtpd_recipient_restrictions=check_recipient_access inline:{{ {{one@example.com = {reply}}} }}"))
            .await;
        room.owe(HENAN, &[ONE, TWO]).await;
        room.owe_operators(&[OPS]).await;
        let mailed = room.send(DUE).await;
        assert!(mailed.sent >= 2 && mailed.stopped.is_none(), "{why}: {mailed:?}");
        assert_eq!(!room.dead().await.is_empty(), dead_at_once, "{why}");
        postfix.set("smtpd_recipient_restrictions=").await;
        room.pass(TimeDelta::hours(5));
        room.send(DUE).await;
        if !dead_at_once {
            assert_eq!(room.told(ONE).await, [1], "{why}");
            postfix.delivers(3, why).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_split_below_the_size_that_postfix_announces() {
    let Some(postfix) = Postfix::start().await else { return };
    postfix.set("message_size_limit=60000").await;
    let room = postfix.room().await;
    for number in 0..120 {
        room.owe(&format!("某某建设工程有限公司第{number}号"), &[ONE]).await;
    }
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.owed, mailed.failed), (0, 0), "{mailed:?}");
    assert!(mailed.sent > 1, "{mailed:?}");
    postfix.delivers(usize::try_from(mailed.sent).unwrap(), "all parts").await;
}

/// Restarts the server when that step is reached for the n-th time.
struct RestartsAt<'a> {
    postfix: &'a Postfix,
    step: Step,
    left: Mutex<usize>,
}

impl Steps for RestartsAt<'_> {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        let is_now = step == self.step && {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_sub(1);
            *left == 0 && std::mem::replace(&mut *left, usize::MAX) == 0
        };
        async move {
            if is_now {
                self.postfix.down();
                self.postfix.up().await;
            }
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postfix_that_is_restarted_in_mid_run_gets_each_message_once() {
    let Some(postfix) = Postfix::start().await else { return };
    for step in [Step::Connected, Step::Offered, Step::Frozen, Step::HandedOver, Step::MarkedSent] {
        for nth in [1, 2] {
            let room = postfix.room().await;
            room.owe(HENAN, &[ONE, TWO]).await;
            room.owe_operators(&[OPS]).await;
            let restarts = RestartsAt { postfix: &postfix, step, left: Mutex::new(nth) };
            room.mailer(&restarts).send_owed(DUE).await.unwrap();
            for _ in 0..3 {
                room.pass(TimeDelta::hours(1));
                room.send(DUE).await;
            }
            postfix.delivers(3, &format!("{step:?} {nth}")).await;
            assert_eq!(room.dead().await, [], "{step:?} {nth}");
            let told = [room.told(ONE).await, room.told(TWO).await, room.told(OPS).await];
            assert_eq!(told, [[1], [1], [1]], "{step:?} {nth}");
        }
    }
}
