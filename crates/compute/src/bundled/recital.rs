//! A challenge to a server that computes no states for anybody: texts out of a seed, which auditors fetch and hear.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    again::{Doubt, Saw},
    ask,
    spoken::{self, Text},
};
use crate::{
    audit::Heard,
    engine::Engine,
    model::Tokenizer,
    receipt,
    upstream::{Kind, Object},
};

/// Tokens of one text: several are written until the units are full, since one may end early.
pub const RECITED_TOKENS: u64 = 64;
/// What a story is about, so many of `THINGS`: drawn anew of each seed, so nobody has written the stories before, and a story of
/// other things is no answer.
const ABOUT: usize = 5;
/// What stories are told of: a byte of the seed's hash draws one.
#[rustfmt::skip]
const THINGS: [&str; 64] = [
    "bakery", "ball", "barn", "bear", "bell", "bicycle", "boat", "bridge", "butterfly", "candle",
    "castle", "cave", "clock", "cloud", "desert", "doctor", "dragon", "drum", "factory", "farmer",
    "feather", "fire", "flute", "forest", "garden", "ghost", "goat", "guitar", "hammer", "hat",
    "horse", "hospital", "king", "kitchen", "ladder", "letter", "library", "lighthouse", "lion",
    "market", "mirror", "moon", "mountain", "museum", "painter", "parrot", "pirate", "prison",
    "queen", "radio", "river", "robot", "rose", "ship", "snowman", "soldier", "spider", "teacher",
    "telescope", "train", "violin", "volcano", "whale", "wizard",
];

/// One text of a recital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recited {
    /// What the server wrote.
    pub text: String,
    /// Whether it ended by itself; else for its length.
    pub has_ended: bool,
}

/// What a machine wrote out of a seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recital {
    /// Answers to the questions of the seed, in their order.
    pub texts: Vec<Recited>,
}

impl Recital {
    /// The output of the challenge: what the machine says on its chain, and everybody who heard that it holds.
    pub fn output(&self, seed: B256) -> B256 {
        receipt::hash(&json!({"recital": seed, "texts": self.texts}))
    }
}

/// What auditors say where a recital does not hold, or does not come. No machine commits to it.
pub const SILENT: B256 = B256::repeat_byte(0x11);

/// At which temperature challenges are recited: the likeliest answer, so that nobody chooses among many.
pub const RECITED_AT: f32 = 0.0;
/// And at which a server is tried before: a limit of its own on what it draws from shows where much is drawn.
pub const TRIED_AT: [f32; 2] = [RECITED_AT, 1.0];

/// The question of a place in a recital, of OpenAI's form.
pub fn question(model: &str, seed: B256, place: usize, temperature: f32) -> Object {
    let drawn = keccak256((seed, U256::from(place)).abi_encode());
    let things: Vec<&str> = drawn
        .iter()
        .take(ABOUT)
        .map(|byte| THINGS[usize::from(*byte) % THINGS.len()])
        .collect();
    let asked = json!({
        "model": model,
        "messages": [{
            "role": "user",
            "content": format!("Write a short story about a {}.", things.join(", a ")),
        }],
        "temperature": temperature,
        "max_tokens": RECITED_TOKENS,
    });
    let serde_json::Value::Object(mut asked) = asked else {
        return Object::new();
    };
    spoken::spell_out(&mut asked);
    asked
}

/// Units that a text counts for.
///
/// # Errors
/// It cannot be cut into tokens.
pub fn recited_tokens(tokenizer: &Tokenizer, said: &Recited) -> Result<u64, Doubt> {
    let tokens = spoken::tokens_of(tokenizer, &said.text, said.has_ended)?.len() as u64;
    Ok(tokens.min(RECITED_TOKENS) + u64::from(said.has_ended))
}

/// Whether a recital holds: enough texts, each an answer of this model to its question.
///
/// # Errors
/// The first thing that does not hold.
pub fn recited(engine: &Engine, seed: B256, units: u64, recital: &Recital) -> Result<(), Doubt> {
    recited_at(engine, seed, units, recital, RECITED_AT)
}

/// The same of one at another temperature.
///
/// # Errors
/// The first thing that does not hold.
pub fn recited_at(
    engine: &Engine,
    seed: B256,
    units: u64,
    recital: &Recital,
    temperature: f32,
) -> Result<(), Doubt> {
    let mut saw = Saw::of(&seed);
    let mut heard = Heard::at(temperature);
    let mut left = units;
    for (place, said) in recital.texts.iter().enumerate() {
        if left == 0 {
            let why = "it goes on when it is long enough".to_owned();
            return Err(Doubt::Unreadable(why));
        }
        let body = question("", seed, place, temperature);
        let reader = engine.reader();
        let jobs = ask::jobs(reader, Kind::Chat, &body, RECITED_TOKENS, &B256::ZERO)?;
        let Some(job) = jobs.into_iter().next() else {
            return Err(Doubt::Unreadable("no question".to_owned()));
        };
        let text = Text::of(reader, job.request, &said.text, said.has_ended);
        let text = text.map_err(|doubt| doubt.of_answer(place))?;
        spoken::hear(engine, &text, &mut heard, &mut saw)?;
        let failed = spoken::verdict(&heard);
        failed.map_err(|failure| Doubt::Failure {
            index: place,
            failure,
        })?;
        left = left.saturating_sub(recited_tokens(engine.tokenizer(), said)?);
    }
    if left > 0 {
        let why = format!("it is {left} tokens too short");
        return Err(Doubt::Unreadable(why));
    }
    Ok(())
}
