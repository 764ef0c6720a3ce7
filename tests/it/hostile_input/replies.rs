//! Replies of a mail server that says anything at any time.

use std::time::Duration;

use proptest::prelude::*;
use qualwatch::clock;
use qualwatch::email::Ripe;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::{hostile, is_inert, samples};
use crate::support::mailroom::{HENAN, Mailroom, ONE, PASSWORD, password, watchlist};

const SERVERS: usize = 60;

/// A server that has said all it has to say ends the connection; none keeps us for longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

const BEFORE_THE_NEXT: Duration = Duration::from_millis(20);

/// What the server says to each line in turn: nearly right, or anything.
fn script() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let plain = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("\0alerts@example.com\0{PASSWORD}"),
    );
    let reply = prop_oneof![
        6 => prop::sample::select(vec![
            "220 ready\r\n".to_owned(), "250-mail\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000\r\n".to_owned(), "235 in\r\n".to_owned(),
            "250 ok\r\n".to_owned(), "354 go on\r\n".to_owned(), "334 \r\n".to_owned(), "421 later\r\n".to_owned(),
            "550 nobody\r\n".to_owned(), format!("535 wrong: {PASSWORD}\r\n"), format!("500 what is AUTH PLAIN {plain}\r\n"),
        ]).prop_map(String::into_bytes),
        2 => ("[0-9]{0,4}[- ]?", hostile()).prop_map(|(code, text)| format!("{code}{text}\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (1..300_usize).prop_map(|times| "250-on and on\r\n".repeat(times).into_bytes()),
        1 => (1..100_000_usize).prop_map(|times| vec![b'2'; times]),
    ];
    prop::collection::vec(reply, 0..9)
}

async fn say(listener: TcpListener, script: Vec<Vec<u8>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading);
        for said in &script {
            if writing.write_all(said).await.is_err() {
                break;
            }
            // Who waits for more than it was told is told more: that a silent server is waited for is another matter.
            let mut line = Vec::new();
            if let Ok(Ok(0) | Err(_)) =
                clock::within(BEFORE_THE_NEXT, lines.read_until(b'\n', &mut line)).await
            {
                break;
            }
        }
    }
}

/// The beginning of each thing that was said.
fn shown(script: &[Vec<u8>]) -> String {
    let said = script.iter().map(|said| {
        format!("{} bytes {:?}", said.len(), String::from_utf8_lossy(&said[..said.len().min(60)]))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Says the same for ever; gives how many bytes were taken of it.
async fn say_for_ever(listener: TcpListener, piece: &'static str) -> usize {
    let (mut stream, _) = listener.accept().await.unwrap();
    let chunk = piece.repeat(1_000);
    let mut taken = 0;
    while stream.write_all(chunk.as_bytes()).await.is_ok() {
        taken += chunk.len();
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_an_end_is_cut_off() {
    let mut room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    for piece in ["220-and on and on and on and on and on and on and on and on and on\r\n", "2"] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        room.watchlist = watchlist(&format!("smtp = \"smtp://127.0.0.1:{port}?tls=none\""), "", "");
        let server = tokio::spawn(say_for_ever(listener, piece));
        let mailed = Box::pin(clock::within(PATIENCE, room.send(Ripe::Everything))).await.expect("it ends");
        assert_eq!(mailed.sent, 0);
        let taken = server.await.unwrap();
        assert!(taken < 16 << 20, "{piece:?}: {taken} bytes, most of them in the sockets' own buffers");
        sqlx::query("DELETE FROM stops").execute(room.store.pool()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_mail_server_says_is_a_failure_or_a_success_and_never_shows_the_password() {
    let mut room = Mailroom::open().await;
    room.password = Some(password(PASSWORD));
    room.owe(HENAN, &[ONE]).await;
    for script in samples(SERVERS, &script()) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let outlet = format!("smtp = \"smtp://alerts%40example.com@127.0.0.1:{port}?tls=none\"");
        room.watchlist = watchlist(&outlet, "", "");
        let server = tokio::spawn(say(listener, script.clone()));
        let sending = clock::within(PATIENCE, room.send(Ripe::Everything));
        let mailed = Box::pin(sending).await.unwrap_or_else(|_| panic!("it hangs: {}", shown(&script)));
        server.abort();
        for problem in &mailed.problems {
            assert!(is_inert(&problem.reason), "{problem:?} of {}", shown(&script));
        }
        let kept: Vec<String> = sqlx::query_scalar(
            "SELECT reply FROM messages WHERE reply IS NOT NULL
             UNION ALL SELECT reply FROM deliveries WHERE reply IS NOT NULL
             UNION ALL SELECT last_reply FROM recipients WHERE last_reply IS NOT NULL
             UNION ALL SELECT reason FROM stops
             UNION ALL SELECT event::text FROM events",
        )
        .fetch_all(room.store.pool())
        .await
        .unwrap();
        let kept = format!("{kept:?}{:?}", mailed.problems);
        assert!(!kept.contains(PASSWORD) && !kept.contains("CANARY"), "{kept} of {}", shown(&script));
        // What was sent or given up is owed anew, so that each server is asked.
        for anew in [
            "UPDATE deliveries SET sent_at = NULL, dead_at = NULL, cancelled_at = NULL, refused_since = NULL, message_id = NULL",
            "DELETE FROM messages",
            "DELETE FROM recipients",
            "DELETE FROM stops",
        ] {
            sqlx::query(anew).execute(room.store.pool()).await.unwrap();
        }
    }
}
