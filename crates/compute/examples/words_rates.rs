//! Prints how often texts convict who did not write them with the model, and who did: short jobs on a real model.
//!
//! ```text
//! words_rates JOBS MODEL [TOKENS]   runs jobs through all rows in turn, of at most so many tokens (64), and prints the table
//! ```
//! A writer is an engine of changed weights or other kernels; the text alone goes to the judge. Temperatures go round: 0, 0.3, 0.7
//! and 1.

use std::{
    collections::BTreeMap, env, error::Error, ops::ControlFlow, path::Path, sync::Arc,
    time::Instant,
};

use capstan_compute::{
    audit::{Failure, Heard, ODDS},
    bundled::{Doubt, listened},
    engine::{Engine, Finish, Kernels, Request, Seed},
    model::Message,
    testkit::{Draft, retold},
};

mod hands;

use hands::{Parts, changed, coarsen, floats, leave_out_layers, perturb, question, scratch};

/// Tokens that an answer may have, where nobody says.
const ANSWER_TOKENS: usize = 64;
const TEMPERATURES: [f32; 4] = [0.0, 0.3, 0.7, 1.0];

/// Who writes, and what he does to the text or the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Own,
    OtherKernels,
    Requantised,
    Floats,
    OtherWeights,
    FewerLayers,
    LowerPrecision,
    Colder,
    Cut,
    CutAtASentence,
    OtherQuestion,
}

const DEEDS: [Deed; 11] = [
    Deed::Own,
    Deed::OtherKernels,
    Deed::Requantised,
    Deed::Floats,
    Deed::OtherWeights,
    Deed::FewerLayers,
    Deed::LowerPrecision,
    Deed::Colder,
    Deed::Cut,
    Deed::CutAtASentence,
    Deed::OtherQuestion,
];

impl Deed {
    const fn words(self) -> &'static str {
        match self {
            Self::Own => "honest, kernels of the judge",
            Self::OtherKernels => "honest, candle's kernels",
            Self::Requantised => "honest, weights stored as Q8_0",
            Self::Floats => "honest, weights and inputs as 32-bit floats",
            Self::OtherWeights => "other weights (one in 50 blocks)",
            Self::FewerLayers => "other model (last tenth of layers left out)",
            Self::LowerPrecision => "lower precision (3 bits for 4)",
            Self::Colder => "asked at a quarter of the temperature",
            Self::Cut => "cut in half, said to have ended",
            Self::CutAtASentence => "cut after its first sentence, said to have ended",
            Self::OtherQuestion => "answer to another question",
        }
    }

    const fn is_honest(self) -> bool {
        matches!(
            self,
            Self::Own | Self::OtherKernels | Self::Requantised | Self::Floats
        )
    }
}

#[derive(Default)]
struct Row {
    jobs: u32,
    refused: u32,
    by_temperature: BTreeMap<usize, (u32, u32)>,
    foreign: Vec<f64>,
    cut: Vec<f64>,
    reasons: BTreeMap<String, u32>,
}

struct World {
    judge: Arc<Engine>,
    writers: BTreeMap<Deed, Arc<Engine>>,
    answer_tokens: usize,
}

impl World {
    fn of(path: &Path, scratch: &Path, answer_tokens: usize) -> Result<Self, Box<dyn Error>> {
        let made =
            |name: &str, change: &dyn Fn(&mut Draft)| changed(path, &scratch.join(name), change);
        let judge = Engine::load(path, 2)?;
        let writers = [
            (
                Deed::OtherKernels,
                Engine::load_with(path, 2, Kernels::Candle)?,
            ),
            (
                Deed::Requantised,
                made("eight.gguf", &|draft| retold(draft, "Q4_1", "Q8_0"))?,
            ),
            (Deed::Floats, made("floats.gguf", &floats)?),
            (
                Deed::OtherWeights,
                made("other.gguf", &|draft| perturb(draft, 50))?,
            ),
            (Deed::FewerLayers, made("fewer.gguf", &leave_out_layers)?),
            (Deed::LowerPrecision, made("lower.gguf", &coarsen)?),
        ];
        Ok(Self {
            judge,
            writers: BTreeMap::from(writers),
            answer_tokens,
        })
    }

    fn request(&self, number: usize, temperature: f32) -> Result<Request, Box<dyn Error>> {
        Ok(Request {
            sampling: Heard::sampling(temperature),
            seed: Seed::of(&number.to_le_bytes(), b"any"),
            ..Request::greedy(
                self.judge.chat(&[Message::user(&question(number))])?,
                self.answer_tokens,
            )
        })
    }

    /// The text of a job, whether it says that it ended, and what the judge is told was asked. None where the deed left nothing to do.
    fn text(
        &self,
        number: usize,
        deed: Deed,
        temperature: f32,
    ) -> Result<Option<(Request, String, bool)>, Box<dyn Error>> {
        let asked = self.request(number, temperature)?;
        let mut done = asked.clone();
        match deed {
            Deed::Colder if temperature == 0.0 => return Ok(None),
            Deed::Colder => done.sampling.temperature = temperature / 4.0,
            Deed::OtherQuestion => done.prompt = self.request(number + 1, temperature)?.prompt,
            _ => {}
        }
        let writer = self.writers.get(&deed).unwrap_or(&self.judge);
        let answer = writer.generate(&done, &mut |_| ControlFlow::Continue(()))?;
        let (mut text, mut has_ended) = (answer.text, answer.finish == Finish::End);
        let kept = match deed {
            Deed::Cut => {
                let words: Vec<&str> = text.split_inclusive(' ').collect();
                Some(words[..words.len() / 2].concat())
            }
            Deed::CutAtASentence => text.split_once(". ").map(|(first, _)| format!("{first}.")),
            _ => None,
        };
        if matches!(deed, Deed::Cut | Deed::CutAtASentence) {
            let Some(kept) = kept.filter(|kept| kept.len() < text.len()) else {
                return Ok(None);
            };
            (text, has_ended) = (kept.trim_end().to_owned(), true);
        }
        Ok(Some((asked, text, has_ended)))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let jobs: usize = words.next().ok_or("say how many jobs")?.parse()?;
    let path = words.next().ok_or("say which model, as a file")?;
    let answer_tokens = words
        .next()
        .map_or(Ok(ANSWER_TOKENS), |count| count.parse())?;
    let scratch = scratch()?;
    let world = World::of(Path::new(&path), &scratch, answer_tokens);
    std::fs::remove_dir_all(&scratch)?;
    let world = world?;
    let mut rows: BTreeMap<Deed, Row> = BTreeMap::new();
    let start = Instant::now();
    for number in 0..jobs {
        let deed = DEEDS[number % DEEDS.len()];
        let warmth = number / DEEDS.len() % TEMPERATURES.len();
        let Some((asked, text, has_ended)) = world.text(number, deed, TEMPERATURES[warmth])? else {
            continue;
        };
        let row = rows.entry(deed).or_default();
        row.jobs += 1;
        let at = row.by_temperature.entry(warmth).or_default();
        at.1 += 1;
        let reason = match listened(&world.judge, &asked, &text, has_ended) {
            Ok(heard) => {
                let ten = std::f64::consts::LN_10;
                row.foreign.push(heard.foreign_ln() / ten);
                if heard.cut_ln().is_finite() {
                    row.cut.push(heard.cut_ln() / ten);
                }
                let most = ODDS.ln();
                match (heard.foreign_ln() > most, heard.cut_ln() > most) {
                    (true, _) => Some("WORDS".to_owned()),
                    (_, true) => Some("CUT".to_owned()),
                    _ => None,
                }
            }
            Err(Doubt::Failure {
                failure: Failure::Cut { .. },
                ..
            }) => Some("CUT".to_owned()),
            Err(doubt) => Some(doubt.to_string()),
        };
        if let Some(reason) = reason {
            row.refused += 1;
            at.0 += 1;
            *row.reasons.entry(reason).or_default() += 1;
        }
        if (number + 1) % 50 == 0 {
            eprintln!(
                "{} of {jobs} jobs, {} s",
                number + 1,
                start.elapsed().as_secs()
            );
        }
    }
    tell(&rows, answer_tokens);
    Ok(())
}

fn tell(rows: &BTreeMap<Deed, Row>, answer_tokens: usize) {
    println!(
        "| who wrote | jobs | refused | of these at 0, 0.3, 0.7, 1 | odds of another hand, 10^: least, median, most | odds of a cut, 10^: median, most | reasons |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (deed, row) in rows {
        let at = (0..TEMPERATURES.len()).map(|warmth| {
            let (refused, jobs) = row.by_temperature.get(&warmth).copied().unwrap_or_default();
            format!("{refused}/{jobs}")
        });
        let reasons = row
            .reasons
            .iter()
            .map(|(name, count)| format!("{name} {count}"));
        println!(
            "| {} | {} | {} | {} | {:.1} | {:.1} | {} |",
            deed.words(),
            row.jobs,
            row.refused,
            at.collect::<Vec<_>>().join(", "),
            Parts(&row.foreign, &[0, 500, 1_000]),
            Parts(&row.cut, &[500, 1_000]),
            reasons.collect::<Vec<_>>().join(", ")
        );
    }
    let all = |is_honest| {
        let those = rows
            .iter()
            .filter(move |(deed, _)| deed.is_honest() == is_honest);
        those.fold((0, 0), |(refused, jobs), (_, row)| {
            (refused + row.refused, jobs + row.jobs)
        })
    };
    let ((accused, honest), (caught, cheats)) = (all(true), all(false));
    println!(
        "\nof {honest} honest texts of at most {answer_tokens} tokens {accused} are refused, of {cheats} others {caught}"
    );
}
