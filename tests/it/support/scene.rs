//! A scene for whole processes and for those that die: upstream, a mail server and a database outside of them, a clock that
//! the test moves, and one cast: three companies, two readers, one operator.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use qualwatch::clock::Clock as _;
use qualwatch::sandbox::{Sandbox, Scenario};

use super::program::Program;
use super::scenarios::steady;
use super::smtp_sink::Script;
use super::world::{World, instant};

/// The key that is asked with. It must be found nowhere.
pub const KEY: &str = "CANARY+key/0123456789abcdef==";
pub const READER: &str = "reader@example.com";
/// Reads of the second company besides.
pub const BUYER: &str = "buyer@example.com";
pub const OPERATOR: &str = "ops@example.com";

pub const COMPANIES: [&str; 3] = ["河南省建筑设计研究院有限公司", "示例建设有限公司", "另一家监理有限公司"];

/// The days of [`STORY`], all of which bring something.
pub const DAYS: [&str; 5] = ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09"];

/// Something is added, something renewed, something gone, something ends, and an end cannot be read.
const STORY: &str = r#"
[[company]]
keywords = ["河南省建筑设计研究院有限公司"]
id = "5d43a8f092aec74cbf04a163"

[[company.certificate]]
number = "A141002510"
type = "设计资质"
organ = "住房和城乡建设部"
issued = "2023-08-23"
until = "2028-08-23"
qualifications = "工程设计建筑行业（建筑工程）甲级"

[[company.certificate]]
number = "E141002510"
type = "监理资质"
organ = "住房和城乡建设部"
issued = "2026-01-06"
until = "2031-01-05"
qualifications = "工程监理房屋建筑工程专业甲级"
from = "2026-01-06"

[[company.certificate]]
number = "B241002517"
type = "勘察资质"
organ = "河南省住房和城乡建设厅"
issued = "2025-01-01"
until = "2026-01-08"
qualifications = "工程勘察工程钻探劳务"

[[company]]
keywords = ["示例建设有限公司"]
id = "5d5a553befe14117624e96cc"

[[company.certificate]]
number = "D241000018"
type = "建筑业企业资质"
organ = "河南省住房和城乡建设厅"
issued = "2021-03-01"
until = "2026-02-28"
qualifications = "建筑工程施工总承包二级"
to = "2026-01-06"

[[company.certificate]]
number = "D241000018"
type = "建筑业企业资质"
organ = "河南省住房和城乡建设厅"
issued = "2026-01-07"
until = "2031-01-06"
qualifications = "建筑工程施工总承包二级"
from = "2026-01-07"

[[company.certificate]]
number = "D341000026"
type = "建筑业企业资质"
organ = "郑州市住房和城乡建设局"
issued = "2024-03-01"
until = "2029-02-28"
qualifications = "地基基础工程专业承包二级"
to = "2026-01-05"

[[company]]
keywords = ["另一家监理有限公司"]
id = "5e1111111111111111111111"

[[company.certificate]]
number = "E241900026"
type = "监理资质"
organ = "河南省住房和城乡建设厅"
issued = "2023-06-01"
until = "2028-05-31"
qualifications = "工程监理公路工程专业乙级"
to = "2026-01-07"

[[company.certificate]]
number = "E241900026"
type = "监理资质"
organ = "河南省住房和城乡建设厅"
issued = "2023-06-01"
until = "-"
qualifications = "工程监理公路工程专业乙级"
from = "2026-01-08"
"#;

pub struct Scene {
    pub world: World,
    pub sandbox: Sandbox,
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Scene {
    /// The three companies and their story, at the hour of the first day's check.
    pub async fn set() -> Self {
        Self::with(&(STORY.to_owned() + &many("另一家监理有限公司", 24))).await
    }

    /// Another upstream.
    pub async fn with(scenario: &str) -> Self {
        Self::with_mail(scenario, Script::default()).await
    }

    /// The same with a mail server of that kind.
    pub async fn with_mail(scenario: &str, script: Script) -> Self {
        let world = World::with_mail(instant(DAYS[0]), script).await;
        let sandbox = world.upstream(Scenario::parse(scenario).unwrap()).await;
        Self { world, sandbox }
    }

    /// The file that watches the cast.
    pub fn watchlist(&self) -> String {
        format!(
            "[api]\nurl = \"{}\"\nrequests_per_second = 1000\nconcurrency = 2\n\n\
             [email]\nsmtp = \"smtp://127.0.0.1:{}\"\nfrom = \"资质监控 <alerts@example.com>\"\n\
             to = [\"{READER}\"]\noperators = [\"{OPERATOR}\"]\n\n\
             [[company]]\nkeyword = \"{}\"\nname = \"河南院\"\n\n\
             [[company]]\nkeyword = \"{}\"\nto = [\"{BUYER}\"]\n\n\
             [[company]]\nkeyword = \"{}\"\nname = \"另一家\"\n",
            self.sandbox.url(),
            self.sink.port(),
            COMPANIES[0],
            COMPANIES[1],
            COMPANIES[2],
        )
    }

    /// The program as an operator would start it here, at what the clock shows.
    pub fn program(&self) -> Program {
        self.program_with(&self.watchlist())
    }

    /// The same with another file.
    pub fn program_with(&self, watchlist: &str) -> Program {
        let program = Program::new(watchlist)
            .with("QUALWATCH_DATABASE_URL", self.database.url())
            .with("QUALWATCH_API_KEY", KEY);
        self.now(program)
    }

    /// The program's clock shows what the scene's does.
    pub fn now(&self, program: Program) -> Program {
        program.with("QUALWATCH_NOW", self.clock.now().to_rfc3339())
    }

    /// Answers by another scenario from now on.
    pub fn upstream(&self, scenario: &str) {
        self.sandbox.replace(Scenario::parse(scenario).unwrap());
    }

    /// The cast and its story, with faults over it.
    pub fn break_upstream(&self, faults: &str) {
        self.upstream(&(STORY.to_owned() + &many("另一家监理有限公司", 24) + faults));
    }

    /// The kinds of all events, in their order.
    pub async fn kinds(&self) -> Vec<String> {
        self.texts("SELECT kind FROM events ORDER BY id").await
    }

    pub fn now_is(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// More certificates of a company that is in the scenario already, so that it has several pages.
fn many(keyword: &str, count: u32) -> String {
    use std::fmt::Write as _;
    let mut text = format!("[[company]]\nkeywords = [\"{keyword}\"]\nid = \"5e1111111111111111111111\"\n");
    for number in 0..count {
        write!(
            text,
            "[[company.certificate]]\nnumber = \"E2420{number:05}\"\ntype = \"监理资质\"\norgan = \"河南省住房和城乡建设厅\"\n\
             issued = \"2024-01-10\"\nuntil = \"2029-01-09\"\nqualifications = \"工程监理市政公用工程专业乙级\"\n"
        )
        .unwrap();
    }
    text
}

/// The cast, each with one certificate that stays, and no story.
pub fn cast() -> String {
    let named =
        |text: String, n: usize| text.replace(&format!("\"公司{n}\""), &format!("\"{}\"", COMPANIES[n - 1]));
    (1..=COMPANIES.len()).fold(steady(3), named)
}
