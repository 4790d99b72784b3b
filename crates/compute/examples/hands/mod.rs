//! What measurements of audits share: what is asked, and models that are nearly the one that is named.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use capstan_compute::{
    engine::Engine,
    model::gguf::Fact,
    testkit::{Draft, Noise, retold},
};

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

/// The question of a job: no two are the same.
pub(crate) fn question(number: usize) -> String {
    let question = QUESTIONS[number % QUESTIONS.len()];
    let thing = THINGS[number / QUESTIONS.len() % THINGS.len()];
    format!("{} ({number})", question.replace("{}", thing))
}

/// A folder for models that are made.
pub(crate) fn scratch() -> Result<PathBuf, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("capstan-audit-{}", std::process::id()));
    fs::create_dir(&folder)?;
    Ok(folder)
}

/// A changed copy of a model, whose file lives for as long as it takes to read it.
pub(crate) fn changed(
    path: &Path,
    to: &Path,
    change: &dyn Fn(&mut Draft),
) -> Result<Arc<Engine>, Box<dyn Error>> {
    let mut draft = Draft::read(path)?;
    change(&mut draft);
    draft.write(to)?;
    let engine = Engine::load(to, 2)?;
    fs::remove_file(to)?;
    Ok(engine)
}

/// Weights as a server stores them that has memory to spare.
pub(crate) fn floats(draft: &mut Draft) {
    retold(draft, "Q4_1", "F32");
    retold(draft, "Q8_0", "F32");
}

/// Values at these thousandths of their order.
pub(crate) struct Parts<'a>(pub(crate) &'a [f64], pub(crate) &'a [usize]);

impl std::fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.to_vec();
        sorted.sort_by(f64::total_cmp);
        let digits = f.precision().unwrap_or(4);
        for (order, part) in self.1.iter().enumerate() {
            let at = (sorted.len().max(1) - 1) * part / 1_000;
            let value = sorted.get(at).copied().unwrap_or(0.0);
            let comma = if order == 0 { "" } else { ", " };
            write!(f, "{comma}{value:.digits$}")?;
        }
        Ok(())
    }
}

/// Changes one block in so many of the weights inside layers.
pub(crate) fn perturb(draft: &mut Draft, one_in: u64) {
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
pub(crate) fn coarsen(draft: &mut Draft) {
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
pub(crate) fn leave_out_layers(draft: &mut Draft) {
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
