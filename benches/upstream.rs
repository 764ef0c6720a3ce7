//! The upstream of the benchmarks: answers like the provider, from one thread, for a few microseconds a call.
//!
//! The sandbox of the product serves scenarios and faults; here only speed counts, so that what is measured is the client.
//! Bodies are rendered from the number in the keyword, so a hundred thousand companies need no memory. It listens on a free
//! port of loopback, prints the port, and ends when its standard input closes: it cannot outlive the run.
//!
//! `POST /query` (a form with `keyword`) is the provider. `GET /set?..` changes what is answered, see [`Knobs`].
//! `GET /stats` tells what was asked since the last `GET /reset`, so that the run can prove that each program did the work.

use std::cell::{Cell, RefCell};
use std::io::{self, Read as _, Write as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{Days, Months, NaiveDate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Keywords are social credit codes: the company's number stands where the code has its eight digits.
const NUMBER_IN_KEYWORD: std::ops::Range<usize> = 8..16;

/// Numbers of certificates have six places for the company.
const COMPANIES_MAX: usize = 1_000_000;

/// The renewals of `renewed` go round: one company in a hundred at each step.
const RENEWAL_ROUND: usize = 100;

/// Issue dates spread over the eleven months before the day on which every benchmark begins (2026-03-02). Ends lie five
/// years later, so that a thousand simulated days bring no threshold by themselves.
const FIRST_ISSUE: NaiveDate = NaiveDate::from_ymd_opt(2025, 4, 1).unwrap();
const ISSUE_DAYS: u64 = 330;
const VALIDITY_MONTHS: u32 = 60;

/// A certificate's kind: letter and level of its number, 资质类别, 发证机关, and the names that three are taken from.
struct Family {
    number: &'static str,
    kind: &'static str,
    organ: &'static str,
    names: [&'static str; 6],
}

/// Of the provider's example, and of the standards for the names that it does not show.
const FAMILIES: [Family; 5] = [
    Family {
        number: "A1",
        kind: "设计资质",
        organ: "住房和城乡建设部",
        names: [
            "工程设计建筑行业（建筑工程）甲级",
            "工程设计市政行业给水工程专业甲级",
            "工程设计市政行业道路工程专业甲级",
            "工程设计公路行业公路专业甲级",
            "工程设计风景园林工程专项甲级",
            "工程设计市政行业（燃气工程、轨道交通工程除外）甲级",
        ],
    },
    Family {
        number: "D2",
        kind: "建筑业企业资质",
        organ: "河南省住房和城乡建设厅",
        names: [
            "建筑工程施工总承包二级",
            "市政公用工程施工总承包二级",
            "地基基础工程专业承包一级",
            "建筑装修装饰工程专业承包一级",
            "机电工程施工总承包二级",
            "消防设施工程专业承包二级",
        ],
    },
    Family {
        number: "A2",
        kind: "设计资质",
        organ: "河南省住房和城乡建设厅",
        names: [
            "工程设计风景园林工程专项乙级",
            "工程设计建筑行业（人防工程）乙级",
            "工程设计商物粮行业冷冻冷藏工程专业乙级",
            "工程设计市政行业排水工程专业乙级",
            "工程设计市政行业桥梁工程专业乙级",
            "工程设计市政行业热力工程专业乙级",
        ],
    },
    Family {
        number: "E2",
        kind: "监理资质",
        organ: "河南省住房和城乡建设厅",
        names: [
            "工程监理市政公用工程专业乙级",
            "工程监理房屋建筑工程专业乙级",
            "工程监理机电安装工程专业乙级",
            "工程监理公路工程专业乙级",
            "工程监理水利水电工程专业乙级",
            "工程监理电力工程专业乙级",
        ],
    },
    Family {
        number: "B2",
        kind: "勘察资质",
        organ: "河南省住房和城乡建设厅",
        names: [
            "工程勘察专业类（岩土工程）乙级",
            "工程勘察专业类（工程测量）乙级",
            "工程勘察工程钻探劳务",
            "工程勘察专业类（水文地质勘察）乙级",
            "工程勘察专业类（岩土工程（勘察））乙级",
            "工程勘察专业类（岩土工程（设计））乙级",
        ],
    },
];

/// What `GET /set?name=value&..` changes; what is not named stays.
#[derive(Clone, Copy, Default)]
struct Knobs {
    /// `delay_ms`: how long each answer waits.
    delay_ms: u64,
    /// `rotate`: by how many places the items are rotated.
    rotate: usize,
    /// `renewed`: so many times one company in a hundred has had its first certificate renewed (end and issue date).
    renewed: usize,
    /// `moved`: by how many months all ends are later, with the old issue date: a blanket extension (统一延期).
    moved: u32,
    /// `short_every`, `short_end`: the last certificate of each so many-th company ends on that day and does not move.
    short_every: usize,
    short_end: Option<NaiveDate>,
}

impl Knobs {
    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        match name {
            "delay_ms" => self.delay_ms = value.parse()?,
            "rotate" => self.rotate = value.parse()?,
            "renewed" => self.renewed = value.parse()?,
            "moved" => self.moved = value.parse()?,
            "short_every" => self.short_every = value.parse()?,
            "short_end" => self.short_end = Some(value.parse()?),
            other => anyhow::bail!("no such knob: {other}"),
        }
        Ok(())
    }
}

/// What was asked since the last reset.
#[derive(Default)]
struct Asked {
    requests: u64,
    /// By the company's number.
    times: Vec<u32>,
    first_and_last: Option<(Instant, Instant)>,
}

impl Asked {
    fn count(&mut self, company: usize) {
        self.requests += 1;
        if self.times.len() <= company {
            self.times.resize(company + 1, 0);
        }
        self.times[company] += 1;
        let now = now();
        self.first_and_last = Some((self.first_and_last.map_or(now, |(first, _)| first), now));
    }

    fn to_json(&self) -> String {
        let span = self.first_and_last.map_or(Duration::ZERO, |(first, last)| last - first);
        serde_json::json!({
            "requests": self.requests,
            "companies": self.times.iter().filter(|times| **times > 0).count(),
            "most_for_one": self.times.iter().max(),
            "first_to_last_s": span.as_secs_f64(),
        })
        .to_string()
    }
}

#[derive(Default)]
struct Upstream {
    knobs: Cell<Knobs>,
    asked: RefCell<Asked>,
}

fn main() -> anyhow::Result<()> {
    // Whoever started this holds the other end: it closes however that process ends.
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, listen())
}

async fn listen() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listening on loopback")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let upstream = Rc::new(Upstream::default());
    loop {
        let (stream, _) = listener.accept().await.context("accepting a connection")?;
        stream.set_nodelay(true)?;
        let upstream = Rc::clone(&upstream);
        tokio::task::spawn_local(async move {
            // A client that goes away in the middle of an exchange is no fault of this program.
            let _ = serve(stream, &upstream).await;
        });
    }
}

async fn serve(mut stream: TcpStream, upstream: &Upstream) -> anyhow::Result<()> {
    let mut received = Vec::with_capacity(4096);
    let (mut body, mut answer) = (Vec::with_capacity(8192), Vec::with_capacity(8192));
    loop {
        let Some(length) = request_length(&received)? else {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        body.clear();
        upstream.answer(&received[..length], &mut body)?;
        received.drain(..length);
        answer.clear();
        write!(
            answer,
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json;charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )?;
        answer.extend_from_slice(&body);
        wait(upstream.knobs.get().delay_ms).await;
        stream.write_all(&answer).await?;
    }
}

/// How long the first request in `received` is with its body, once it is there.
fn request_length(received: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head) = find(received, b"\r\n\r\n") else { return Ok(None) };
    let mut lines = received[..head].split(|byte| *byte == b'\n');
    let body = lines.find_map(content_length).transpose()?.unwrap_or(0);
    let whole = head + 4 + body;
    Ok((received.len() >= whole).then_some(whole))
}

fn content_length(line: &[u8]) -> Option<anyhow::Result<usize>> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    let number = || Ok(std::str::from_utf8(value)?.trim().parse()?);
    name.eq_ignore_ascii_case(NAME).then(number)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

impl Upstream {
    fn answer(&self, request: &[u8], body: &mut Vec<u8>) -> anyhow::Result<()> {
        if let Some(at) = find(request, b"keyword=") {
            let company = number_of(&request[at + b"keyword=".len()..])?;
            self.asked.borrow_mut().count(company);
            return render(company, self.knobs.get(), body);
        }
        let line = std::str::from_utf8(request)?.lines().next().unwrap_or_default();
        let target = line.split(' ').nth(1).unwrap_or_default();
        match target.split_once('?').unwrap_or((target, "")) {
            ("/stats", _) => body.extend_from_slice(self.asked.borrow().to_json().as_bytes()),
            ("/reset", _) => *self.asked.borrow_mut() = Asked::default(),
            ("/set", settings) => self.set(settings)?,
            _ => anyhow::bail!("unknown target: {target}"),
        }
        Ok(())
    }

    fn set(&self, settings: &str) -> anyhow::Result<()> {
        let mut knobs = self.knobs.get();
        for setting in settings.split('&') {
            let (name, value) = setting.split_once('=').context("a setting is name=value")?;
            knobs.set(name, value)?;
        }
        self.knobs.set(knobs);
        Ok(())
    }
}

fn number_of(keyword: &[u8]) -> anyhow::Result<usize> {
    let digits = keyword.get(NUMBER_IN_KEYWORD).context("a keyword of the benchmarks has 18 characters")?;
    let number = std::str::from_utf8(digits)?.parse()?;
    anyhow::ensure!(number < COMPANIES_MAX, "no such company: {number}");
    Ok(number)
}

/// One item a certificate, with its qualifications in one text, as in the provider's example.
fn render(company: usize, knobs: Knobs, body: &mut Vec<u8>) -> anyhow::Result<()> {
    write!(body, r#"{{"result":{{"total":{},"items":["#, FAMILIES.len())?;
    for place in 0..FAMILIES.len() {
        if place > 0 {
            body.push(b',');
        }
        item(company, (place + knobs.rotate) % FAMILIES.len(), knobs, body)?;
    }
    body.extend_from_slice(br#"]},"reason":"success","error_code":0}"#);
    Ok(())
}

fn item(company: usize, certificate: usize, knobs: Knobs, body: &mut Vec<u8>) -> anyhow::Result<()> {
    let family = &FAMILIES[certificate];
    let mixed = mixed(company as u64);
    let number = format_args!("{}41{company:06}", family.number);
    let (issued, end) = dates(company, certificate, knobs)?;
    // Three in the order of the list, beginning anywhere: what stays together in one certificate keeps its order.
    let name = |nth: usize| family.names[(company + certificate + nth) % family.names.len()];
    write!(
        body,
        concat!(
            r#"{{"organ":"{}","effectiveTime":"{}","businessId":"{:016x}{:08x}-{}","issuingCertificateTime":"{}","#,
            r#""type":"{}","certificateNum":"{}","qualificationName":"{},{},{}"}}"#
        ),
        family.organ,
        end,
        mixed,
        company,
        number,
        issued,
        family.kind,
        number,
        name(0),
        name(1),
        name(2),
    )?;
    Ok(())
}

fn dates(company: usize, certificate: usize, knobs: Knobs) -> anyhow::Result<(NaiveDate, NaiveDate)> {
    let day = mixed((company * FAMILIES.len() + certificate) as u64) % ISSUE_DAYS;
    let renewals =
        if certificate == 0 { (company % RENEWAL_ROUND + knobs.renewed) / RENEWAL_ROUND } else { 0 };
    // A renewal is issued on the day after the one before, for a year more: always later, and never in the future.
    let issued = FIRST_ISSUE + Days::new(day + renewals as u64);
    let months = VALIDITY_MONTHS + knobs.moved + 12 * u32::try_from(renewals)?;
    let end = issued + Months::new(months);
    let is_short = knobs.short_every > 0 && company.is_multiple_of(knobs.short_every);
    match knobs.short_end.filter(|_| is_short && certificate == FAMILIES.len() - 1) {
        Some(short) => Ok((short - Months::new(VALIDITY_MONTHS), short)),
        None => Ok((issued, end)),
    }
}

/// The mixing step of `SplitMix64`: variety that is the same on every machine.
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[expect(clippy::disallowed_methods, reason = "a server of its own, in real time: there is no Clock here")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a server of its own, in real time: there is no Clock here")]
async fn wait(delay_ms: u64) {
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
}
