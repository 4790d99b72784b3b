//! Prints how often audits catch cheats, and how often they accuse the honest: 1,000 short jobs on a real model.
//!
//! ```text
//! audit_rates [JOBS] [MODEL] [RECORDS]   runs jobs, keeps what was seen of each in RECORDS, prints the table
//! audit_rates from RECORDS               prints the table of what was kept, by the limits of today
//! ```
//! The model is `smollm2` of the shelf unless another is named, and `tiny` is made on the spot. Jobs run through all rows in
//! turn, so fewer jobs still fill all; every fourth round of rows takes the likeliest token always. Records that are there
//! already are gone on with, so a run that was stopped loses one job.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs::{self, OpenOptions},
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use capstan_compute::{
    audit::{
        Draw, Failure, Measure, Proof, Thresholds, Transcript, Witness, judged, odds_ln, slash_min,
        verify,
    },
    engine::{Engine, Finish, Kernels, Piece, Request, Sampling, Seed},
    model::{Message, Shelf},
    testkit::{Draft, retold, tiny_with},
};
use serde::{Deserialize, Serialize};

mod hands;

use hands::{Parts, changed, coarsen, floats, leave_out_layers, perturb, question, scratch};

/// Tokens that an answer may have.
const ANSWER_TOKENS: usize = 24;
/// Share of jobs that are audited, for the slash that is printed.
const AUDITED_PPM: u32 = 50_000;

/// What a provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Deed {
    Honest1Thread,
    Honest3Threads,
    HonestOtherKernels,
    HonestRequantised,
    HonestFloats,
    OtherModel,
    FewerLayers,
    LowerPrecision,
    SmallerHand,
    OtherSeed,
    Truncated,
    Copied,
}

const DEEDS: [Deed; 12] = [
    Deed::Honest1Thread,
    Deed::Honest3Threads,
    Deed::HonestOtherKernels,
    Deed::HonestRequantised,
    Deed::HonestFloats,
    Deed::OtherModel,
    Deed::FewerLayers,
    Deed::LowerPrecision,
    Deed::SmallerHand,
    Deed::OtherSeed,
    Deed::Truncated,
    Deed::Copied,
];

impl Deed {
    const fn words(self) -> &'static str {
        match self {
            Self::Honest1Thread => "honest, 1 thread",
            Self::Honest3Threads => "honest, 3 threads",
            Self::HonestOtherKernels => "honest, candle's kernels",
            Self::HonestRequantised => "honest, weights stored as Q8_0",
            Self::HonestFloats => "honest, weights and inputs as 32-bit floats",
            Self::OtherModel => "other weights (one in 50 blocks)",
            Self::FewerLayers => "other model (last tenth of layers left out)",
            Self::LowerPrecision => "lower precision (3 bits for 4)",
            Self::SmallerHand => "written by fewer layers, states of the right model",
            Self::OtherSeed => "other seed",
            Self::Truncated => "truncated answer",
            Self::Copied => "copied answer",
        }
    }

    const fn is_honest(self) -> bool {
        matches!(
            self,
            Self::Honest1Thread
                | Self::Honest3Threads
                | Self::HonestOtherKernels
                | Self::HonestRequantised
                | Self::HonestFloats
        )
    }

    /// Whether both what it took to make and what it took to judge say something.
    const fn is_timed(self) -> bool {
        !matches!(self, Self::Copied | Self::Truncated | Self::SmallerHand)
    }
}

/// The machines of this world.
struct World {
    verifier: Arc<Engine>,
    one: Arc<Engine>,
    three: Arc<Engine>,
    candle: Arc<Engine>,
    eight: Arc<Engine>,
    floats: Arc<Engine>,
    other: Arc<Engine>,
    fewer: Arc<Engine>,
    lower: Arc<Engine>,
}

/// What was seen of one job.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    number: usize,
    deed: Deed,
    finish: Finish,
    /// Entries, those that disagree, mean and median of the others, of each group.
    groups: Vec<(usize, usize, f64, f64)>,
    /// Miss and share of each token.
    draws: Vec<(f64, f64)>,
    /// What fails whatever the limits are.
    form: Option<String>,
    is_greedy: bool,
    worked_ms: u64,
    judged_ms: u64,
}

impl Record {
    fn measures(&self) -> Vec<Measure> {
        let measures = self.groups.iter();
        let of = |&(entries, disagree, mean, median): &(usize, usize, f64, f64)| Measure {
            entries,
            disagree,
            mean,
            median,
        };
        measures.map(of).collect()
    }

    fn draws(&self) -> Vec<Draw> {
        let draws = self.draws.iter();
        let share = |share| (!self.is_greedy).then_some(share);
        draws
            .map(|&(miss, of)| Draw {
                miss,
                share: share(of),
            })
            .collect()
    }

    /// The name of what fails under these limits.
    fn refused(&self, thresholds: &Thresholds) -> Option<String> {
        let said = judged(&self.measures(), &self.draws(), self.finish, thresholds);
        self.form
            .clone()
            .or_else(|| said.err().map(|failure| name(&failure)))
    }
}

#[derive(Default)]
struct Row {
    jobs: u32,
    strict: u32,
    tolerant: u32,
    same: u32,
    /// Per group of 128.
    disagree: Vec<f64>,
    means: Vec<f64>,
    /// Of each token that was drawn, of each that was the likeliest, of all answers.
    misses: Vec<f64>,
    greedy_misses: Vec<f64>,
    odds: Vec<f64>,
    reasons: BTreeMap<String, u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let first = words.next();
    if first.as_deref() == Some("from") {
        let path = words.next().ok_or("say which records")?;
        return tell(&kept(Path::new(&path))?);
    }
    let jobs: usize = first.map_or(Ok(1_000), |word| word.parse())?;
    let model = words.next().unwrap_or_else(|| "smollm2".to_owned());
    let scratch = scratch()?;
    let records = words.next().map_or(scratch.join("records"), PathBuf::from);
    let path = if model == "tiny" {
        let path = scratch.join("tiny.gguf");
        tiny_with(1, "Q4_1", 8).write(&path)?;
        path
    } else if Path::new(&model).exists() {
        PathBuf::from(model)
    } else {
        Shelf::of_user()?.find(&model)?
    };
    let outcome = World::of(&path, &scratch)
        .and_then(|world| world.run(jobs, &records))
        .and_then(|()| tell(&kept(&records)?));
    fs::remove_dir_all(&scratch)?;
    outcome
}

/// What is in a file of records; a last line that was not finished is left out.
fn kept(path: &Path) -> Result<Vec<Record>, Box<dyn Error>> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    Ok(whole
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}

impl World {
    fn of(path: &Path, scratch: &Path) -> Result<Self, Box<dyn Error>> {
        let changed =
            |name: &str, change: &dyn Fn(&mut Draft)| changed(path, &scratch.join(name), change);
        Ok(Self {
            verifier: Engine::load(path, 2)?,
            one: Engine::load(path, 1)?,
            three: Engine::load(path, 3)?,
            candle: Engine::load_with(path, 2, Kernels::Candle)?,
            eight: changed("eight.gguf", &|draft| retold(draft, "Q4_1", "Q8_0"))?,
            floats: changed("floats.gguf", &floats)?,
            other: changed("other.gguf", &|draft| perturb(draft, 50))?,
            fewer: changed("fewer.gguf", &leave_out_layers)?,
            lower: changed("lower.gguf", &|draft| coarsen(draft))?,
        })
    }

    /// Goes on with the records until there are so many jobs.
    fn run(&self, jobs: usize, records: &Path) -> Result<(), Box<dyn Error>> {
        let done = kept(records)?.len();
        let mut file = OpenOptions::new().create(true).append(true).open(records)?;
        let start = Instant::now();
        let mut last: Option<(Vec<u32>, Finish, Vec<u8>)> = None;
        for number in done..jobs {
            let record = self.job(number, &mut last)?;
            writeln!(file, "{}", serde_json::to_string(&record)?)?;
            if (number + 1) % 100 == 0 {
                let took = start.elapsed().as_secs();
                eprintln!("{} of {jobs} jobs, {took} s", number + 1);
            }
        }
        Ok(())
    }

    fn job(
        &self,
        number: usize,
        last: &mut Option<(Vec<u32>, Finish, Vec<u8>)>,
    ) -> Result<Record, Box<dyn Error>> {
        let deed = DEEDS[number % DEEDS.len()];
        let request = self.request(number)?;
        let start = Instant::now();
        let (mut transcript, mut proof) = self.work(deed, &request)?;
        let worked = start.elapsed();
        if deed == Deed::Copied {
            // Of the honest answers of this round, or of one made now where the run was stopped in between.
            let (answer, finish, bytes) = match last.clone() {
                Some(last) => last,
                None => self.answer(&self.one, &self.request(number + 1)?)?,
            };
            (transcript.answer, transcript.finish, proof) = (answer, finish, bytes);
        } else if deed.is_honest() {
            *last = Some((transcript.answer.clone(), transcript.finish, proof.clone()));
        }
        let start = Instant::now();
        let mut report = verify(&self.verifier, &transcript, &proof, &Thresholds::TOLERANT);
        let judged = start.elapsed();
        if deed == Deed::SmallerHand {
            let proof = Proof::of(&report.witness).encode();
            report = verify(&self.verifier, &transcript, &proof, &Thresholds::TOLERANT);
        }
        let is_form = report.draws.is_empty();
        let failure = report.failure.filter(|_| is_form);
        Ok(Record {
            number,
            deed,
            finish: transcript.finish,
            groups: report
                .measures
                .iter()
                .map(|one| (one.entries, one.disagree, one.mean, one.median))
                .collect(),
            draws: report
                .draws
                .iter()
                .map(|draw| (draw.miss, draw.share.unwrap_or_default()))
                .collect(),
            form: failure.map(|failure| name(&failure)),
            is_greedy: request.sampling.temperature == 0.0,
            worked_ms: millis(worked),
            judged_ms: millis(judged),
        })
    }

    fn request(&self, number: usize) -> Result<Request, Box<dyn Error>> {
        let words = question(number);
        let is_greedy = number / DEEDS.len() % 4 == 3;
        Ok(Request {
            prompt: self.verifier.chat(&[Message::user(&words)])?,
            sampling: Sampling {
                temperature: if is_greedy { 0.0 } else { 0.8 },
                top_k: 40,
                top_p: 0.95,
                repetition_penalty: 1.1,
            },
            seed: Seed::of(&number.to_le_bytes(), b"randomness of the block after"),
            max_tokens: ANSWER_TOKENS,
            stop: Vec::new(),
        })
    }

    fn work(&self, deed: Deed, request: &Request) -> Result<(Transcript, Vec<u8>), Box<dyn Error>> {
        let engine = match deed {
            Deed::Honest1Thread => &self.one,
            Deed::Honest3Threads => &self.three,
            Deed::HonestOtherKernels => &self.candle,
            Deed::HonestRequantised => &self.eight,
            Deed::HonestFloats => &self.floats,
            Deed::OtherModel => &self.other,
            Deed::FewerLayers | Deed::SmallerHand => &self.fewer,
            Deed::LowerPrecision => &self.lower,
            Deed::OtherSeed | Deed::Truncated | Deed::Copied => &self.verifier,
        };
        let mut done = request.clone();
        match deed {
            Deed::OtherSeed => {
                done.seed = Seed::of(b"one that he likes", &request.seed.bytes()[..])
            }
            Deed::Truncated => done.max_tokens = ANSWER_TOKENS / 2,
            // Nothing of it is used.
            Deed::Copied => done.max_tokens = 1,
            _ => {}
        }
        let (answer, finish, proof) = self.answer(engine, &done)?;
        let transcript = Transcript {
            model: self.verifier.card().sha256,
            request: request.clone(),
            answer,
            finish,
        };
        Ok((transcript, proof))
    }

    fn answer(
        &self,
        engine: &Engine,
        request: &Request,
    ) -> Result<(Vec<u32>, Finish, Vec<u8>), Box<dyn Error>> {
        let mut witness = Witness::new(request.prompt.len(), engine.card().width);
        let answer = engine.generate(request, &mut |piece| {
            if let Piece::States { first, rows } = piece {
                witness.see(first, rows);
            }
            ControlFlow::Continue(())
        })?;
        Ok((answer.tokens, answer.finish, Proof::of(&witness).encode()))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn name(failure: &Failure) -> String {
    let words = failure.to_string();
    words.split(':').next().unwrap_or_default().to_owned()
}

/// All of it, as a table.
fn tell(records: &[Record]) -> Result<(), Box<dyn Error>> {
    let mut rows: BTreeMap<Deed, Row> = BTreeMap::new();
    let (mut worked_ms, mut judged_ms) = (0, 0);
    for record in records {
        let row = rows.entry(record.deed).or_default();
        if record.deed.is_timed() {
            worked_ms += record.worked_ms;
            judged_ms += record.judged_ms;
        }
        let is_refused = record.refused(&Thresholds::STRICT).is_some();
        row.jobs += 1;
        row.strict += u32::from(is_refused);
        // A cheat whose answer is the honest one has taken nothing from anybody.
        row.same += u32::from(!record.deed.is_honest() && !is_refused);
        if let Some(reason) = record.refused(&Thresholds::TOLERANT) {
            row.tolerant += 1;
            *row.reasons.entry(reason).or_default() += 1;
        }
        for one in &record.measures() {
            row.disagree
                .push(128.0 * one.disagree as f64 / one.entries.max(1) as f64);
            row.means.push(one.mean);
        }
        let misses = if record.is_greedy {
            &mut row.greedy_misses
        } else {
            &mut row.misses
        };
        misses.extend(record.draws.iter().map(|(miss, _)| miss));
        if record.form.is_none() {
            row.odds
                .push(odds_ln(&record.draws()) / std::f64::consts::LN_10);
        }
    }
    println!(
        "| what the provider did | jobs | strict: refused | tolerant: refused | same answer | entries of 128 that disagree: least, median, most | mean error: median, most | odds of draws, 10^: least, median, most | reasons |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (deed, row) in &rows {
        let reasons: Vec<String> = row
            .reasons
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        println!(
            "| {} | {} | {} | {} | {} | {:.0} | {:.2} | {:.1} | {} |",
            deed.words(),
            row.jobs,
            row.strict,
            row.tolerant,
            row.same,
            Parts(&row.disagree, &[0, 500, 1_000]),
            Parts(&row.means, &[500, 1_000]),
            Parts(&row.odds, &[0, 500, 1_000]),
            reasons.join(", ")
        );
    }
    println!("\nmisses of single tokens: median, 95 %, 99 %, 99.5 %, 99.9 %, most");
    for (deed, row) in &rows {
        for (kind, misses) in [("drawn", &row.misses), ("likeliest", &row.greedy_misses)] {
            let beyond = |limit: f64| misses.iter().filter(|miss| **miss > limit).count();
            println!(
                "{}, {kind}: {:.4}; {} tokens, beyond 0.01 {}, beyond 0.02 {}, beyond 0.05 {}, beyond 0.125 {}",
                deed.words(),
                Parts(misses, &[500, 950, 990, 995, 999, 1_000]),
                misses.len(),
                beyond(0.01),
                beyond(0.02),
                beyond(0.05),
                beyond(0.125),
            );
        }
    }
    println!(
        "\nverifying took {:.0} % of the time of generating ({} jobs, answers of at most {ANSWER_TOKENS} tokens)",
        100.0 * judged_ms as f64 / worked_ms.max(1) as f64,
        records.len()
    );
    let honest: Vec<&Row> = rows
        .iter()
        .filter(|(deed, _)| deed.is_honest())
        .map(|(_, row)| row)
        .collect();
    let (jobs, accused) = honest.iter().fold((0, 0), |(jobs, accused), row| {
        (jobs + row.jobs, accused + row.tolerant)
    });
    println!("tolerant judgement accuses {accused} of {jobs} honest answers");
    let cheats: Vec<&Row> = rows
        .iter()
        .filter(|(deed, _)| !deed.is_honest())
        .map(|(_, row)| row)
        .collect();
    let (all, caught) = cheats.iter().fold((0, 0), |(all, caught), row| {
        (all + row.jobs - row.same, caught + row.tolerant)
    });
    if all > 0 {
        let caught_ppm = u32::try_from(u64::from(caught) * 1_000_000 / u64::from(all))?;
        println!(
            "tolerant judgement catches {caught} of {all} cheats that changed something: audited one in 20, a slash of {:?} times the gain deters",
            slash_min(1, AUDITED_PPM, caught_ppm.min(1_000_000))
        );
    }
    Ok(())
}
