//! Cards of Nvidia, by `nvidia-smi`, which runs beside this program and says a line a second for each.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{ALWAYS_BPS, Part, Sight, Source, decikelvin};

const PROGRAM: &str = "nvidia-smi";
const QUERY: [&str; 3] = [
    "--query-gpu=index,power.draw,temperature.gpu,utilization.gpu",
    "--format=csv,noheader,nounits",
    "--loop-ms=1000",
];
/// What is older is not known any more.
const STALE: Duration = Duration::from_secs(5);
/// Between two starts of a program that ended.
const AGAIN: Duration = Duration::from_secs(30);
/// More than a line has.
const LINE_BYTES_MAX: u64 = 1_024;
/// More cards than a machine has.
const CARDS_MAX: usize = 64;

type Lines = Arc<Mutex<BTreeMap<u32, (Card, Instant)>>>;

/// One card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) milliwatts: Option<u64>,
    pub(super) decikelvin: Option<u16>,
    pub(super) used_bps: Option<u16>,
}

/// All cards.
#[derive(Debug)]
pub(super) struct Cards {
    program: PathBuf,
    lines: Lines,
    child: Option<Child>,
    started: Instant,
}

/// None where the program lies in none of these folders.
pub(super) fn cards(folders: &[PathBuf]) -> Option<Cards> {
    let mut programs = folders.iter().map(|folder| folder.join(PROGRAM));
    let program = programs.find(|path| path.is_file())?;
    let lines = Lines::default();
    let child = start(&program, &lines);
    Some(Cards {
        program,
        lines,
        child,
        started: Instant::now(),
    })
}

fn start(program: &Path, lines: &Lines) -> Option<Child> {
    let mut command = Command::new(program);
    command
        .args(QUERY)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let out = child.stdout.take()?;
    let lines = Arc::clone(lines);
    // It ends with the program's output.
    thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut line = Vec::new();
        while let Ok(1..) = out
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
        {
            if let Some((index, card)) = std::str::from_utf8(&line).ok().and_then(parsed) {
                let mut lines = lines.lock();
                if lines.len() < CARDS_MAX || lines.contains_key(&index) {
                    lines.insert(index, (card, Instant::now()));
                }
            }
            line.clear();
        }
    });
    Some(child)
}

/// `0, 61.25, 44, 37`: what a card does not say stands there in brackets or as an error.
pub(super) fn parsed(line: &str) -> Option<(u32, Card)> {
    let mut words = line.split(',').map(str::trim);
    let index = words.next()?.parse().ok()?;
    let (watts, degrees, used) = (words.next()?, words.next()?, words.next()?);
    let degrees: Option<i64> = degrees.parse().ok();
    let used: Option<u64> = used.parse().ok();
    let used = used.and_then(|percent| percent.checked_mul(ALWAYS_BPS / 100));
    Some((
        index,
        Card {
            milliwatts: milli(watts),
            decikelvin: degrees.and_then(|degrees| decikelvin(degrees.checked_mul(1_000)?)),
            used_bps: used
                .filter(|used| *used <= ALWAYS_BPS)
                .and_then(|used| u16::try_from(used).ok()),
        },
    ))
}

/// Thousandths of a number with up to three digits behind its point; what is beyond them is dropped.
fn milli(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(rest) {
        return None;
    }
    let rest: String = rest.chars().chain("000".chars()).take(3).collect();
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(rest.parse().ok()?)
}

impl Cards {
    /// Starts the program again where it ended; not at once, it may end each time.
    fn revive(&mut self) {
        let has_ended = match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => true,
        };
        if has_ended && self.started.elapsed() >= AGAIN {
            self.started = Instant::now();
            self.child = start(&self.program, &self.lines);
        }
    }
}

impl Source for Cards {
    fn name(&self) -> &str {
        PROGRAM
    }

    fn part(&self) -> Part {
        Part::Card
    }

    fn look(&mut self) -> Sight {
        self.revive();
        let lines = self.lines.lock();
        if lines.is_empty() {
            return Sight::default();
        }
        let fresh = |(card, at): &(Card, Instant)| (at.elapsed() < STALE).then_some(*card);
        // One card that is silent makes what all of them take unknown.
        let Some(cards) = lines.values().map(fresh).collect::<Option<Vec<Card>>>() else {
            return Sight::default();
        };
        let used: Vec<u64> = cards
            .iter()
            .filter_map(|card| card.used_bps.map(u64::from))
            .collect();
        let mean = used.iter().sum::<u64>().checked_div(used.len() as u64);
        Sight {
            milliwatts: cards.iter().map(|card| card.milliwatts).sum(),
            decikelvin: cards.iter().filter_map(|card| card.decikelvin).max(),
            used_bps: mean.and_then(|mean| u16::try_from(mean).ok()),
        }
    }
}

impl Drop for Cards {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
