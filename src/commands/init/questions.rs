//! Asking a person at a terminal. Questions go to standard error.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use unicode_width::UnicodeWidthStr as _;

use crate::commands::exit::Refusal;
use crate::domain::secret::Secret;
use crate::domain::text::visible;

const END_OF_INPUT: u8 = 4;
const INTERRUPT: u8 = 3;
const ERASE: [u8; 2] = [8, 127];
const ERASE_LINE: u8 = 21;

/// Wider questions stand on a line of their own.
const QUESTION_COLUMNS_MAX: usize = 60;

/// Whether somebody is there to be asked.
pub(super) fn can_be_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Says a line beside the questions.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    let lines: Vec<String> = text.lines().map(visible).collect();
    write(&format!("{}\n", lines.join("\n")))
}

/// Asks for a line; `None` for an empty one.
pub(super) fn line(question: &str) -> anyhow::Result<Option<String>> {
    ask(question)?;
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line).context("reading the answer")?;
    if read == 0 {
        return Err(ended());
    }
    Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty()))
}

/// Asks until `judge` takes the answer; what it says of others is shown.
pub(super) fn until<T>(
    question: &str,
    mut judge: impl FnMut(Option<String>) -> Result<T, String>,
) -> anyhow::Result<T> {
    loop {
        match judge(line(question)?) {
            Ok(answer) => return Ok(answer),
            Err(complaint) => say(&format!("   {complaint}"))?,
        }
    }
}

/// Asks for a yes: an empty line is one.
pub(super) fn is_confirmed(question: &str) -> anyhow::Result<bool> {
    Ok(line(question)?.is_none_or(|answer| answer.starts_with(['y', 'Y', '是'])))
}

/// Asks for a line that the terminal does not show.
pub(super) fn hidden(question: &str) -> anyhow::Result<Option<Secret>> {
    // Before the question: what is pasted at once must not be shown either.
    let silence = Silence::begin().context("keeping the terminal from showing the answer")?;
    ask(question)?;
    let read = read_hidden();
    drop(silence);
    write("\n")?;
    let text = String::from_utf8(read?).context("reading the answer")?;
    Ok(Secret::parse(&text))
}

/// Byte by byte: the keys that would end us must not do so while the terminal is silent, or it would stay so.
fn read_hidden() -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut byte = [0];
    loop {
        let read = io::stdin().read(&mut byte).context("reading the answer")?;
        match byte[0] {
            _ if read == 0 => return Err(ended()),
            INTERRUPT | END_OF_INPUT => return Err(ended()),
            b'\r' | b'\n' => return Ok(text),
            ERASE_LINE => text.clear(),
            erase if ERASE.contains(&erase) => {
                text.pop();
            }
            byte => text.push(byte),
        }
    }
}

fn ask(question: &str) -> anyhow::Result<()> {
    let between = if question.width() > QUESTION_COLUMNS_MAX { "\n   > " } else { " " };
    write(&format!("{question}{between}"))
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut output = io::stderr();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).context("asking")
}

fn ended() -> anyhow::Error {
    // Of both languages: whoever is asked at this depth has no other words.
    Refusal::wrong_use("已退出，什么也没有写 (ended: nothing was written)").into()
}

/// While this lives the terminal shows nothing of what is typed.
struct Silence(Termios);

impl Silence {
    fn begin() -> nix::Result<Self> {
        let before = tcgetattr(io::stdin().as_fd())?;
        let mut silent = before.clone();
        silent.local_flags &= !(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(io::stdin().as_fd(), SetArg::TCSADRAIN, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // There is nothing else to try.
        let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSADRAIN, &self.0);
    }
}
