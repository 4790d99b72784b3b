//! Work out of a seed that nobody knew before: what a machine is challenged to, so that its capacity is what it did.

use std::ops::ControlFlow;

use alloy_primitives::{B256, keccak256};
use sha2::{Digest as _, Sha256};

use crate::engine::{Engine, EngineError, Request};

/// Tokens of one answer: several are made until the units are full, since one may end early.
const ANSWER_TOKENS: usize = 64;

/// The class of challenges whose units are tokens of this model.
pub fn class_of(program: &[u8; 32]) -> u32 {
    u32::from_be_bytes([program[0], program[1], program[2], program[3]])
}

/// A number for the class of the same model that is judged by words: any number does, this one is free.
pub fn words_class_of(program: &[u8; 32]) -> u32 {
    let hash = keccak256([program.as_slice(), b"words-1"].concat());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// So many tokens out of a seed: the likeliest answers to texts `seed/0`, `seed/1`, ... one after the other. The output is
/// the SHA-256 of their tokens, and the same for everybody on equal kernels. None as soon as `goes_on` says no.
///
/// # Errors
/// The model takes no such prompt.
pub fn output(
    engine: &Engine,
    seed: B256,
    units: u64,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Option<B256>, EngineError> {
    let mut hasher = Sha256::new();
    hasher.update(b"capstan challenge");
    let (mut written, mut text) = (0_u64, 0_u64);
    while written < units {
        let left = usize::try_from(units - written).unwrap_or(usize::MAX);
        let prompt = engine.complete(&format!("{seed}/{text}"))?;
        let request = Request::greedy(prompt, left.min(ANSWER_TOKENS));
        let answer = engine.generate(&request, &mut |_| match goes_on() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })?;
        if !goes_on() {
            return Ok(None);
        }
        for token in &answer.tokens {
            hasher.update(token.to_le_bytes());
        }
        written += answer.tokens.len() as u64;
        text += 1;
    }
    Ok(Some(B256::from(<[u8; 32]>::from(hasher.finalize()))))
}
