//! The demo, as a newcomer runs it: its story is told in both languages, its mails can be read in a browser, and the samples of the
//! handbook are mails of it.

use std::collections::BTreeMap;
use std::path::Path;

use qualwatch::domain::event::Change;

use crate::support::letter::Letter;
use crate::support::program::{Program, Ran};

/// All mails together are small enough to be committed.
const SAMPLES_BYTES_MAX: u64 = 1_500_000;

/// Mails by date and recipient.
type Mails = BTreeMap<(String, String), Letter>;

fn read(path: &Path) -> ((String, String), Letter) {
    let letter = Letter::read(&std::fs::read(path).unwrap());
    ((letter.header("Date").to_owned(), letter.header("To").to_owned()), letter)
}

fn files(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|extension| extension == ending)).collect()
}

fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples")
}

/// Plays the demo; gives what it printed and its mails.
async fn played(language: &'static str) -> (Program, Ran, Mails) {
    let play = move || {
        let program = Program::without_watchlist();
        let ran = program.run(&["demo", "--json", "--language", language, "--state-dir", "story"]);
        (program, ran)
    };
    let (program, ran) = tokio::task::spawn_blocking(play).await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mails = files(&program.folder().join("story/mail"), "eml").iter().map(|path| read(path)).collect();
    (program, ran, mails)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_story_in_both_languages_and_the_samples_are_its_mails() {
    let (chinese, english) = tokio::join!(played("zh-CN"), played("en"));
    for (program, ran, mails) in [&chinese, &english] {
        let told = ran.json();
        let not_told: Vec<&str> = Change::ALL
            .map(Change::as_str)
            .into_iter()
            .filter(|kind| told["kinds"][kind].is_null() && !["briefing", "watchlist_changed"].contains(kind))
            .collect();
        assert!(not_told.is_empty(), "it has each kind: {not_told:?}");
        for kind in ["unreadable_item", "api_quota", "api_credential", "company_unverified"] {
            assert!(told["kinds"][kind].is_u64(), "{kind}");
        }
        assert_eq!(told["mail"]["sent"].as_u64().unwrap(), mails.len() as u64);
        let index = std::fs::read_to_string(program.folder().join("story/index.html")).unwrap();
        assert_eq!(index.matches("<iframe").count(), mails.len(), "each mail stands in the page");
        let without_blanks = index.replace(' ', "").replace("&#x27;", "'").replace("&amp;", "&");
        for letter in mails.values() {
            let subject = letter.subject().replace(' ', "");
            assert!(without_blanks.contains(&subject), "{subject}");
        }
    }
    // The samples are made by script/samples from the same story: run it when this fails, and look at the pictures.
    let mut all = chinese.2;
    let of_english = english.2;
    let mut samples_seen = 0;
    for path in files(&samples(), "eml") {
        let (key, sample) = read(&path);
        let is_english = path.file_stem().unwrap().to_str().unwrap().ends_with("-en");
        let mails = if is_english { &of_english } else { &mut all };
        let mail = mails.get(&key).unwrap_or_else(|| panic!("{path:?} is no mail of the demo"));
        assert_eq!((sample.subject(), sample.told()), (mail.subject(), mail.told()), "{path:?}");
        assert_eq!(sample.html, mail.html, "{path:?}");
        assert!(path.with_extension("png").exists(), "{path:?} has a picture");
        samples_seen += 1;
    }
    assert_eq!(samples_seen, 12);
    let bytes: u64 =
        std::fs::read_dir(samples()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes <= SAMPLES_BYTES_MAX, "{bytes} bytes");
}
