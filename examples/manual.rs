//! Writes the man pages and the completions of shells for packages (script/package): `cargo run --example manual -- DIRECTORY`.
//!
//! Not a command of the program: what makes them is needed once a release, and is not to be linked into a daemon.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use qualwatch::commands::Arguments;

/// Of the manual: commands of an administrator.
const SECTION: &str = "8";

fn main() -> anyhow::Result<()> {
    let directory = std::env::args_os().nth(1).ok_or_else(|| anyhow::anyhow!("name a directory"))?;
    let (pages, completions) = (Path::new(&directory).join("man"), Path::new(&directory).join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    let mut command = Arguments::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "qualwatch", &completions)?;
    }
    command.build();
    write_pages(&command, &pages)
}

/// The page of a command and those of the commands below it, which are named with a hyphen, as man(1) seeks them.
fn write_pages(command: &Command, pages: &Path) -> anyhow::Result<()> {
    Man::new(command.clone()).section(SECTION).manual("qualwatch").generate_to(pages)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        write_pages(below, pages)?;
    }
    Ok(())
}
