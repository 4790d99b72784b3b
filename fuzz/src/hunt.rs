//! The driver: inputs from a seed, until a limit or a finding.

use std::{
    collections::HashSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{Target, memory, mutate::Mutator};

/// No input may take longer.
const TIME_MAX: Duration = Duration::from_secs(5);
/// Kept inputs; more shapes than these are not shapes.
const CORPUS_MAX: usize = 2_000;

/// When to stop, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Inputs.
    pub inputs: u64,
    /// Time.
    pub time: Duration,
}

/// What a hunt went through.
#[derive(Debug, Default)]
pub struct Hunt {
    /// Inputs tried.
    pub inputs: u64,
    /// Of them, accepted.
    pub accepted: u64,
    /// Answers of different shape.
    pub shapes: usize,
    /// Most memory that an input took.
    pub memory_max: usize,
    /// The first broken promise, in words, and the input that breaks it.
    pub finding: Option<(String, Vec<u8>)>,
}

/// Runs one input and judges it: what the target said, or which promise is broken.
///
/// # Errors
/// The broken promise.
pub fn judge(target: &Target, input: &[u8]) -> Result<(String, usize), String> {
    let start = Instant::now();
    let (answer, memory) =
        memory::peak_of(|| catch_unwind(AssertUnwindSafe(|| (target.run)(input))));
    let spent = start.elapsed();
    let said = answer.map_err(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        format!("panic: {}", words.unwrap_or("no words"))
    })?;
    let memory_max = target.memory_base + target.memory_factor * input.len();
    if memory > memory_max {
        return Err(format!(
            "{memory} bytes of memory for {} bytes of input; the most is {memory_max}",
            input.len()
        ));
    }
    if spent > TIME_MAX {
        return Err(format!("{spent:?} for {} bytes of input", input.len()));
    }
    Ok((said, memory))
}

/// Tries inputs until the limit or a finding. The same seed and count of inputs give the same hunt.
pub fn hunt(target: &Target, seed: u64, limit: Limit) -> Hunt {
    let start = Instant::now();
    let mut mutator = Mutator::new(seed);
    let mut corpus = Vec::new();
    let mut shapes = HashSet::new();
    let mut done = Hunt::default();
    let mut waiting = (target.seeds)();
    waiting.extend(kept_seeds(target));
    loop {
        if done.inputs >= limit.inputs || (start.elapsed() >= limit.time && done.inputs > 0) {
            return done;
        }
        // Every seed is tried as it is before the first is changed.
        let is_seed = !waiting.is_empty();
        let input = waiting.pop().unwrap_or_else(|| mutator.next(&corpus));
        done.inputs += 1;
        match judge(target, &input) {
            Err(why) => {
                done.finding = Some((why, input));
                return done;
            }
            Ok((said, memory)) => {
                done.accepted += u64::from(said.starts_with("ok"));
                done.memory_max = done.memory_max.max(memory);
                let is_new = shapes.insert(shape(&said));
                done.shapes = shapes.len();
                if is_seed || (is_new && corpus.len() < CORPUS_MAX) {
                    corpus.push(input);
                }
            }
        }
    }
}

/// An answer without its numbers and names: two of the same shape came the same way.
fn shape(said: &str) -> String {
    said.split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| word.len() > 1)
        .take(12)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Inputs that are kept as files: `fuzz/seeds/NAME/`.
fn kept_seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(target.name);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .collect()
}

/// Where this package lies.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
