//! Prints how often audits catch cheats, and how often they accuse the honest: 1,000 short jobs on a real model.
//!
//! `cargo run --release -p capstan-compute --example audit_rates -- [JOBS] [MODEL]`; the model is `smollm2` of the shelf
//! unless another is named, and `tiny` is made on the spot. Jobs run through all rows in turn, so fewer jobs still fill all.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use capstan_compute::{
    audit::{FAR, Failure, Proof, Thresholds, Transcript, Witness, slash_min, verify},
    engine::{Engine, Finish, Kernels, Piece, Request, Sampling, Seed},
    model::{Message, Shelf, gguf::Fact},
    testkit::{Draft, Noise, tiny_with},
};

/// Tokens that an answer may have.
const ANSWER_TOKENS: usize = 24;
/// Share of jobs that are audited, for the slash that is printed.
const AUDITED_PPM: u32 = 50_000;

const QUESTIONS: [&str; 12] = [
    "What is the capital of {}?",
    "Write one sentence about {}.",
    "Why do people like {}?",
    "Name three things made of {}.",
    "Explain {} to a child.",
    "Give a recipe that uses {}.",
    "Translate the word {} into French.",
    "Write a haiku about {}.",
    "Is {} older than the pyramids?",
    "List two risks of {}.",
    "What rhymes with {}?",
    "Compare {} with rain.",
];
const THINGS: [&str; 14] = [
    "France",
    "bread",
    "iron",
    "the moon",
    "chess",
    "Python",
    "salt",
    "glass",
    "Peru",
    "honey",
    "trains",
    "mathematics",
    "wool",
    "42 apples",
];

/// What a provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Honest1Thread,
    Honest3Threads,
    HonestOtherKernels,
    OtherModel,
    FewerLayers,
    LowerPrecision,
    OtherSeed,
    Truncated,
    Copied,
}

const DEEDS: [Deed; 9] = [
    Deed::Honest1Thread,
    Deed::Honest3Threads,
    Deed::HonestOtherKernels,
    Deed::OtherModel,
    Deed::FewerLayers,
    Deed::LowerPrecision,
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
            Self::OtherModel => "other weights (one in 50 blocks)",
            Self::FewerLayers => "other model (last tenth of layers left out)",
            Self::LowerPrecision => "lower precision (3 bits for 4)",
            Self::OtherSeed => "other seed",
            Self::Truncated => "truncated answer",
            Self::Copied => "copied answer",
        }
    }

    const fn is_honest(self) -> bool {
        matches!(
            self,
            Self::Honest1Thread | Self::Honest3Threads | Self::HonestOtherKernels
        )
    }
}

/// The machines of this world.
struct World {
    verifier: Arc<Engine>,
    one: Arc<Engine>,
    three: Arc<Engine>,
    candle: Arc<Engine>,
    other: Arc<Engine>,
    fewer: Arc<Engine>,
    lower: Arc<Engine>,
}

#[derive(Default)]
struct Row {
    jobs: u32,
    strict: u32,
    tolerant: u32,
    same: u32,
    worst_disagree: usize,
    least_disagree: Option<usize>,
    worst_mean: f64,
    /// Mean misses of each answer, and how many of its tokens are far.
    misses: Vec<f64>,
    far: Vec<usize>,
    reasons: BTreeMap<String, u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let jobs: usize = words.next().map_or(Ok(1_000), |word| word.parse())?;
    let model = words.next().unwrap_or_else(|| "smollm2".to_owned());
    let scratch = scratch()?;
    let path = if model == "tiny" {
        let path = scratch.join("tiny.gguf");
        tiny_with(1, "Q4_1", 8).write(&path)?;
        path
    } else {
        Shelf::of_user()?.find(&model)?
    };
    let outcome = World::of(&path, &scratch).and_then(|world| world.run(jobs));
    fs::remove_dir_all(&scratch)?;
    outcome
}

fn scratch() -> Result<PathBuf, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("capstan-audit-{}", std::process::id()));
    fs::create_dir(&folder)?;
    Ok(folder)
}

impl World {
    fn of(path: &Path, scratch: &Path) -> Result<Self, Box<dyn Error>> {
        let changed = |name: &str, change: &dyn Fn(&mut Draft)| {
            let mut draft = Draft::read(path)?;
            change(&mut draft);
            let path = scratch.join(name);
            draft.write(&path)?;
            let engine = Engine::load(&path, 2)?;
            fs::remove_file(&path)?;
            Ok::<_, Box<dyn Error>>(engine)
        };
        Ok(Self {
            verifier: Engine::load(path, 2)?,
            one: Engine::load(path, 1)?,
            three: Engine::load(path, 3)?,
            candle: Engine::load_with(path, 2, Kernels::Candle)?,
            other: changed("other.gguf", &|draft| perturb(draft, 50))?,
            fewer: changed("fewer.gguf", &leave_out_layers)?,
            lower: changed("lower.gguf", &|draft| coarsen(draft))?,
        })
    }

    fn run(&self, jobs: usize) -> Result<(), Box<dyn Error>> {
        let mut rows: BTreeMap<Deed, Row> = BTreeMap::new();
        let (mut worked, mut judged) = (Duration::ZERO, Duration::ZERO);
        let mut last: Option<(Vec<u32>, Finish, Vec<u8>)> = None;
        for number in 0..jobs {
            let deed = DEEDS[number % DEEDS.len()];
            let request = self.request(number)?;
            let start = Instant::now();
            let (mut transcript, mut proof) = self.work(deed, &request)?;
            if !matches!(deed, Deed::Copied | Deed::Truncated) {
                worked += start.elapsed();
            }
            if deed == Deed::Copied {
                let (answer, finish, bytes) = last.clone().ok_or("the first deed is honest")?;
                (transcript.answer, transcript.finish, proof) = (answer, finish, bytes);
            } else if deed.is_honest() {
                last = Some((transcript.answer.clone(), transcript.finish, proof.clone()));
            }
            let start = Instant::now();
            let tolerant = verify(&self.verifier, &transcript, &proof, &Thresholds::TOLERANT);
            if !matches!(deed, Deed::Copied | Deed::Truncated) {
                judged += start.elapsed();
            }
            // Strict judgement admits what the tolerant one found no difference in.
            let equal = |measure| Thresholds::STRICT.admit(measure);
            let strict =
                tolerant.passed() && tolerant.missed() == 0 && tolerant.measures.iter().all(equal);
            let row = rows.entry(deed).or_default();
            row.jobs += 1;
            row.strict += u32::from(!strict);
            row.tolerant += u32::from(!tolerant.passed());
            // A cheat whose answer is the honest one has taken nothing from anybody.
            row.same += u32::from(!deed.is_honest() && strict);
            for measure in &tolerant.measures {
                row.worst_disagree = row.worst_disagree.max(measure.disagree);
                row.worst_mean = row.worst_mean.max(measure.mean);
            }
            if !tolerant.misses.is_empty() {
                row.misses.push(tolerant.mean_miss());
                let far = tolerant.misses.iter().filter(|miss| **miss > FAR).count();
                row.far.push(far);
            }
            if let Some(most) = tolerant.measures.iter().map(|m| m.disagree).max() {
                row.least_disagree = Some(row.least_disagree.map_or(most, |least| least.min(most)));
            }
            if let Some(failure) = tolerant.failure {
                *row.reasons.entry(name(&failure)).or_default() += 1;
            }
        }
        print(&rows);
        println!(
            "\nverifying took {:.0} % of the time of generating ({jobs} jobs, answers of at most {ANSWER_TOKENS} tokens, {})",
            100.0 * judged.as_secs_f64() / worked.as_secs_f64(),
            self.verifier.card().name
        );
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

    fn request(&self, number: usize) -> Result<Request, Box<dyn Error>> {
        let question = QUESTIONS[number % QUESTIONS.len()];
        let thing = THINGS[number / QUESTIONS.len() % THINGS.len()];
        let words = format!("{} ({number})", question.replace("{}", thing));
        Ok(Request {
            prompt: self.verifier.chat(&[Message::user(&words)])?,
            sampling: Sampling {
                temperature: 0.8,
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
            Deed::OtherModel => &self.other,
            Deed::FewerLayers => &self.fewer,
            Deed::LowerPrecision => &self.lower,
            Deed::OtherSeed | Deed::Truncated | Deed::Copied => &self.verifier,
        };
        let mut done = request.clone();
        match deed {
            Deed::OtherSeed => {
                done.seed = Seed::of(b"one that he likes", &request.seed.bytes()[..])
            }
            Deed::Truncated => done.max_tokens = ANSWER_TOKENS / 2,
            _ => {}
        }
        let mut witness = Witness::new(request.prompt.len(), engine.card().width);
        let answer = engine.generate(&done, &mut |piece| {
            if let Piece::States { first, rows } = piece {
                witness.see(first, rows);
            }
            ControlFlow::Continue(())
        })?;
        let transcript = Transcript {
            model: self.verifier.card().sha256,
            request: request.clone(),
            answer: answer.tokens,
            finish: answer.finish,
        };
        Ok((transcript, Proof::of(&witness).encode()))
    }
}

fn name(failure: &Failure) -> String {
    let words = failure.to_string();
    words.split(':').next().unwrap_or_default().to_owned()
}

fn print(rows: &BTreeMap<Deed, Row>) {
    println!(
        "| what the provider did | jobs | strict: refused | tolerant: refused | same answer | entries that disagree, worst group | mean error, worst | mean miss: least, median, 95 %, most | far tokens: median, most | reasons |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (deed, row) in rows {
        let reasons: Vec<String> = row
            .reasons
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        println!(
            "| {} | {} | {} | {} | {} | {} to {} | {:.2} | {} | {} | {} |",
            deed.words(),
            row.jobs,
            row.strict,
            row.tolerant,
            row.same,
            row.least_disagree.unwrap_or(0),
            row.worst_disagree,
            row.worst_mean,
            spread(&row.misses),
            far(&row.far),
            reasons.join(", ")
        );
    }
}

/// Least, median, 95th percentile and most.
fn spread(misses: &[f64]) -> String {
    let mut sorted = misses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted.get((sorted.len().max(1) - 1) * percent / 100);
    let shown = [0, 50, 95, 100].map(|percent| at(percent).map_or(0.0, |miss| *miss));
    format!(
        "{:.4} {:.4} {:.4} {:.4}",
        shown[0], shown[1], shown[2], shown[3]
    )
}

fn far(counts: &[usize]) -> String {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    format!("{middle}, {}", sorted.last().copied().unwrap_or(0))
}

/// Changes one block in so many of the weights inside layers.
fn perturb(draft: &mut Draft, one_in: u64) {
    let mut random = Noise::new(1);
    for block in four_bit_blocks(draft) {
        if random.below(one_in) == 0 {
            for byte in &mut block[4..] {
                *byte = random.bits() as u8;
            }
        }
    }
}

/// The lowest bit of every weight is lost, as if three were stored.
fn coarsen(draft: &mut Draft) {
    for block in four_bit_blocks(draft) {
        for byte in &mut block[4..] {
            *byte &= 0b1110_1110;
        }
    }
}

fn four_bit_blocks(draft: &mut Draft) -> impl Iterator<Item = &mut [u8]> {
    let kind = capstan_compute::testkit::kind("Q4_1");
    let parts = draft
        .tensors
        .iter_mut()
        .filter(move |part| part.kind == kind.id);
    parts.flat_map(move |part| part.bytes.chunks_exact_mut(20))
}

/// The last tenth of the layers is left out, at least one.
fn leave_out_layers(draft: &mut Draft) {
    let layers = draft.facts.iter().find_map(|(key, fact)| match fact {
        Fact::Whole(count) if key == "llama.block_count" => Some(*count),
        _ => None,
    });
    let layers = layers.unwrap_or(1);
    draft.set(
        "llama.block_count",
        Fact::Whole(layers - (layers / 10).max(1)),
    );
}
