//! The file of the demo's story, as an operator would write it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::story::Deed;
use crate::commands::exit::Refusal;
use crate::config::{self, Watchlist};
use crate::domain::language::Language;

/// Endings that a company's short name goes without, the longest first.
const ENDINGS: [&str; 6] =
    ["建筑工程有限公司", "咨询有限公司", "工程有限公司", "建设有限公司", "集团有限公司", "有限公司"];

/// What the file says.
pub(super) struct DemoFile<'a> {
    pub url: &'a str,
    pub language: Language,
    /// Keyword, and the readers of its own.
    pub companies: Vec<(String, Vec<&'static str>)>,
}

impl DemoFile<'_> {
    /// An edit of the story; what is no edit changes nothing.
    pub fn edit(&mut self, deed: &Deed) {
        match deed {
            Deed::SaysFiled { .. } => {}
            Deed::AddsReader { company, address } => {
                let entries = self.companies.iter_mut().filter(|(keyword, _)| keyword == company);
                entries.for_each(|(_, readers)| readers.push(address));
            }
            Deed::TakesOut { company } => self.companies.retain(|(keyword, _)| keyword != company),
        }
    }

    /// Writes it into the demo's directory, for whoever wants to see it, and reads it as any other.
    pub fn write(&self, directory: &Path) -> anyhow::Result<Watchlist> {
        let text = self.text();
        let path = directory.join("watchlist.toml");
        std::fs::write(&path, &text).with_context(|| format!("writing {}", path.display()))?;
        match config::parse(&text, &path) {
            Ok((watchlist, _)) => Ok(watchlist),
            Err(faults) => {
                Err(Refusal::failed(format!("the demo's own watchlist has faults: {faults:?}")).into())
            }
        }
    }

    fn text(&self) -> String {
        let (language, contact) = match self.language {
            Language::Chinese => ("zh-CN", "资质管理员 张工，分机 8012"),
            Language::English => ("en", "qualification desk, Mr Zhang, extension 8012"),
        };
        let mut text = format!(
            "# Written by `qualwatch demo`: the watchlist of its story.\nlanguage = \"{language}\"\n\n\
             [api]\nurl = \"{}\"\nrequests_per_second = 1000\n\n\
             [email]\nmaildir = \"mail\"\nfrom = \"资质监控 <alerts@example.com>\"\nto = [\"compliance@example.com\"]\n\
             operators = [\"ops@example.com\"]\ncontact = \"{contact}\"\n",
            self.url
        );
        for (keyword, readers) in &self.companies {
            let ending = ENDINGS.iter().find_map(|ending| keyword.strip_suffix(ending));
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n[[company]]\nkeyword = \"{keyword}\"\nname = \"{}\"\n",
                ending.unwrap_or(keyword)
            );
            if keyword.contains("设计") {
                text.push_str("tags = [\"设计分包\"]\n");
            }
            if !readers.is_empty() {
                let _ = writeln!(text, "to = {readers:?}");
            }
        }
        text
    }
}
