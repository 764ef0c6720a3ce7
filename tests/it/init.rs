//! `qualwatch init`: the first watchlist, by options and by a person at a terminal.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;

use crate::support::database::launcher;
use crate::support::machine::{Machine, USER, code};
use crate::support::program::{Program, Ran};
use crate::support::scene::{COMPANIES, KEY, OPERATOR, READER, Scene};

/// The options that answer every question for this scene.
fn options(scene: &Scene) -> Vec<String> {
    let company = format!("{}=河南院", COMPANIES[0]);
    let server = format!("smtp://127.0.0.1:{}", scene.sink.port());
    let url = scene.sandbox.url();
    let options: [&str; 15] = [
        "init",
        "--company",
        &company,
        "--mail",
        &server,
        "--from",
        "alerts@corp.cn",
        "--to",
        READER,
        "--operators",
        OPERATOR,
        "--api-key-file",
        "given",
        "--api-url",
        &url,
    ];
    options.map(str::to_owned).to_vec()
}

fn run(program: &Program, options: &[String]) -> Ran {
    program.run(&options.iter().map(String::as_str).collect::<Vec<_>>())
}

fn mode(file: &Path) -> u32 {
    file.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_watchlist_by_options_is_tried_out_and_never_overwritten() {
    let scene = Scene::set().await;
    let program = scene.now(Program::without_watchlist());
    fs::write(program.folder().join("given"), format!("{KEY}\n")).unwrap();
    let ran = run(&program, &options(&scene));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(program.files(), ["api-key", "given", "watchlist.toml"]);
    let file = program.folder().join("watchlist.toml");
    assert_eq!((mode(&file), mode(&program.folder().join("api-key"))), (0o640, 0o600));
    assert_eq!(scene.sandbox.requests(), 1, "one paid call, which was said: {}", ran.stderr);
    assert!(ran.stderr.contains("一次付费查询"), "{}", ran.stderr);
    let mut told: Vec<String> = scene.letters().into_iter().map(|(to, _)| to).collect();
    told.sort();
    assert_eq!(told, [OPERATOR, READER]);
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "the key is shown");
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains(KEY) && text.contains("key_file = \"api-key\""), "{text}");

    let again = run(&program, &options(&scene));
    assert_eq!((again.code, again.stderr.contains("保持原样")), (Some(2), true), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_asked_every_missing_option_is_named_and_nothing_written() {
    let scene = Scene::set().await;
    let all = options(&scene);
    let without = |left_out: &[&str]| {
        let mut rest = all.clone();
        for option in left_out {
            let at = rest.iter().position(|known| known == option).unwrap();
            rest.drain(at..at + 2);
        }
        rest
    };
    let with = |more: &[&str]| [all.clone(), more.iter().map(|it| (*it).to_owned()).collect()].concat();
    for (options, said, why) in [
        (without(&["--to", "--mail"]), &["缺少：--mail, --to"][..], "two answers"),
        (without(&["--api-key-file"]), &["缺少：--api-key-file"], "the key"),
        (
            with(&["--company", "91410000415800016"]),
            &["--company：不能采用：", "18"],
            "a code that is cut short",
        ),
        (with(&["--operators", "ops"]), &["--operators：不能采用：", "no @"], "no address"),
        (
            with(&["--smtp-password-file", "-", "--api-key-file", "-"]),
            &["cannot be used"],
            "twice the same option",
        ),
    ] {
        let program = scene.now(Program::without_watchlist());
        fs::write(program.folder().join("given"), KEY).unwrap();
        let ran = run(&program, &options);
        assert_eq!(ran.code, Some(2), "{why}: {ran:?}");
        assert!(said.iter().all(|said| ran.stderr.contains(said)), "{why}: {ran:?}");
        assert_eq!(program.files(), ["given"], "{why}");
    }
    assert_eq!(scene.sandbox.requests(), 0);
}

#[test]
fn a_mailbox_of_a_known_service_needs_its_password_and_is_told_its_traps() {
    let program = Program::without_watchlist();
    fs::write(program.folder().join("given"), KEY).unwrap();
    let options = [
        "init",
        "--language",
        "en",
        "--company",
        COMPANIES[0],
        "--mail",
        "163",
        "--from",
        "zizhi@163.com",
        "--to",
        READER,
        "--operators",
        OPERATOR,
        "--api-key-file",
        "given",
        "--no-test-call",
        "--no-test-mail",
    ];
    let ran = program.run(&options);
    assert_eq!((ran.code, ran.stderr.contains("--smtp-password-file missing")), (Some(2), true), "{ran:?}");
    assert_eq!(program.files(), ["given"]);

    let ran = program.run(&[&options[..], &["--smtp-password-file", "given"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("授权码"), "the trap: {ran:?}");
    assert_eq!(program.files(), ["api-key", "given", "smtp-password", "watchlist.toml"]);
    insta::assert_snapshot!(
        "first_watchlist",
        fs::read_to_string(program.folder().join("watchlist.toml")).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn root_makes_the_watchlist_and_the_credentials_of_the_service() {
    let scene = Scene::set().await;
    let Some(machine) = Machine::new(&scene.watchlist()) else { return };
    for file in ["etc/qualwatch/watchlist.toml", "etc/credstore/qualwatch.api-key"] {
        fs::remove_file(machine.path(file)).unwrap();
    }
    for folder in ["etc/qualwatch", "etc/credstore"] {
        fs::remove_dir(machine.path(folder)).unwrap();
    }
    fs::write(machine.path("asker/given"), KEY).unwrap();
    let options = options(&scene);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let ran = machine.sudo(&scene, &options);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    for (file, group, expected) in [
        ("etc/qualwatch", 0, 0o755),
        ("etc/qualwatch/watchlist.toml", USER, 0o640),
        ("etc/credstore", 0, 0o700),
        ("etc/credstore/qualwatch.api-key", 0, 0o600),
    ] {
        let file = machine.path(file);
        let found = file.metadata().unwrap();
        assert_eq!((found.uid(), found.gid(), mode(&file)), (0, group, expected), "{}", file.display());
    }
    assert_eq!((scene.sandbox.requests(), scene.letters().len()), (1, 2), "as the service would");
    let validated = machine.sudo(&scene, &["validate", "--json"]);
    let verdict: serde_json::Value = serde_json::from_slice(&validated.stdout).unwrap();
    assert_eq!(verdict["warnings"], serde_json::json!([]));
    assert_eq!(code(&machine.sudo(&scene, &options)).0, Some(2), "never overwritten");
}

/// A person at a terminal, who answers what is asked.
struct Person {
    child: std::process::Child,
    shown: String,
}

impl Person {
    fn runs(program: &Program, arguments: &str) -> Self {
        let mut command = program.command_of(Path::new("script"));
        let qualwatch = launcher();
        command.args([
            "-qec",
            &format!("stty -echo; stty echo; {} {arguments}", qualwatch.display()),
            "/dev/null",
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { child: command.spawn().unwrap(), shown: String::new() }
    }

    /// Waits for what is asked, then answers. What is shown until then is given.
    fn answers(&mut self, question: &str, answer: &str) -> String {
        let shown = self.sees(question);
        let mut input = self.child.stdin.as_ref().unwrap();
        input.write_all(answer.as_bytes()).unwrap();
        shown
    }

    fn sees(&mut self, words: &str) -> String {
        let mut piece = [0; 4096];
        let mut bytes = std::mem::take(&mut self.shown).into_bytes();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some(at) = text.find(words) {
                let (seen, rest) = text.split_at(at + words.len());
                self.shown = rest.to_owned();
                return seen.to_owned();
            }
            let read = self.child.stdout.as_mut().unwrap().read(&mut piece).unwrap();
            assert_ne!(read, 0, "ended without {words}: {text}");
            bytes.extend_from_slice(&piece[..read]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_five_questions_and_the_secrets_are_not_shown() {
    let scene = Scene::set().await;
    let program = scene.now(Program::without_watchlist());
    let url = scene.sandbox.url();
    let mut person = Person::runs(&program, &format!("init --language en --api-url {url}"));
    person.answers("full name will do)\r\n   > ", "91410000415800016\n");
    person.answers("\r\n   > ", &format!("{}\n", COMPANIES[0]));
    person.answers("Another one? (Enter: no more)", "\n");
    let services = person.answers("such as smtp.corp.cn:465)\r\n   > ", "3\n");
    assert!(services.contains("Alibaba Mail") && services.contains("NetEase 163"), "{services}");
    person.answers("Which address do mails come from?", "alerts\n");
    let complaint = person.answers("Which address do mails come from?", "alerts@corp.cn\n");
    assert!(complaint.contains("no @"), "{complaint}");
    person.answers("with blanks between them)\r\n   > ", &format!("{READER} b@corp.cn\n"));
    person.answers("(Enter: the same)\r\n   > ", &format!("{OPERATOR}\n"));
    person.answers("Enter: later)\r\n   > ", &format!("wrong\u{15}{KEY}x\u{7f}\n"));
    person.answers("Enter: later)\r\n   > ", "hunter2\n");
    let call = person.answers("(one paid call)", "");
    assert!(!call.contains("CANARY") && !call.contains("hunter2"), "{call}");
    person.answers("Now? [Y/n]", "y\n");
    person.answers("Now? [Y/n]", "n\n");
    person.sees("qualwatch run");
    assert!(person.child.wait().unwrap().success());
    assert_eq!((scene.sandbox.requests(), scene.letters().len()), (1, 0), "the mail was declined");
    let read = |name: &str| fs::read_to_string(program.folder().join(name)).unwrap();
    assert_eq!((read("api-key"), read("smtp-password")), (format!("{KEY}\n"), "hunter2\n".to_owned()));
    let text = read("watchlist.toml");
    assert!(
        text.contains("smtps://alerts%40corp.cn@smtp.qiye.aliyun.com:465") && text.contains("\"b@corp.cn\""),
        "{text}"
    );
}

#[test]
fn who_ends_it_while_a_secret_is_asked_for_leaves_nothing_and_a_terminal_that_shows_again() {
    let program = Program::without_watchlist();
    let options = format!(
        "init --language en --company 甲公司 --mail files --from a@corp.cn --to {READER} --operators {OPERATOR}; stty -a"
    );
    let mut person = Person::runs(&program, &options);
    person.answers("Enter: later)\r\n   > ", "half\u{3}");
    let after = person.sees(" echo ");
    assert!(after.contains("ended: nothing was written") && !after.contains("half"), "{after}");
    person.child.wait().unwrap();
    assert_eq!(program.files(), [""; 0]);
}
