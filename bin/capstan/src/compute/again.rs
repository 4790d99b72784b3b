//! The second computation of an answer: the one check that needs no trust in whoever signed.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use capstan_compute::{
    audit::Evidence,
    bundled::again,
    engine::Engine,
    model::{Shelf, hash_file},
    receipt::Signed,
};
use eyre::{Result, WrapErr as _, eyre};

/// What a second computation says; with nothing to compute it from, why not.
pub(super) enum Checked {
    /// It holds, in these words.
    Ok(String),
    /// Nobody looked, for this reason.
    Not(String),
}

pub(super) fn compute_again(
    signed: &Signed,
    evidence: Option<&Evidence>,
    model: Option<&Path>,
    shelf: &Shelf,
) -> Result<Checked> {
    let Some(evidence) = evidence else {
        let why = match signed.notes.contains_key("evidence") {
            true => "what it was computed from is no longer kept here",
            false => "another server computed it, or it was cut",
        };
        return Ok(Checked::Not(format!(
            "that this model computed the answer: {why}"
        )));
    };
    let Some(path) = file_of(&signed.receipt.program, model, shelf)? else {
        return Ok(Checked::Not(format!(
            "that this model computed the answer: no file here has the hash {}; --model FILE names one",
            signed.receipt.program
        )));
    };
    let engine =
        Engine::load(&path, 0).wrap_err_with(|| format!("cannot load {}", path.display()))?;
    let found = again(&engine, signed, evidence).map_err(|doubt| {
        eyre!(
            "computed again, receipt {} does not hold: {doubt}",
            signed.id
        )
    })?;
    let took = found.took.as_millis();
    let of = signed.receipt.tookMs;
    let how = match (found.is_strict, found.near) {
        (true, _) => "bit for bit".to_owned(),
        (false, near) => format!("within the limits of other kernels, {near} draws only just"),
    };
    Ok(Checked::Ok(format!(
        "computed again from prompt and seed: {} tokens and {} groups of states agree {how}, on {}; it took {took} ms, the answer {of} ms",
        found.tokens,
        found.groups,
        engine.card().kernels,
    )))
}

/// The file of these weights.
fn file_of(program: &B256, named: Option<&Path>, shelf: &Shelf) -> Result<Option<PathBuf>> {
    if let Some(named) = named {
        return Ok(Some(named.to_owned()));
    }
    for model in shelf.list()? {
        if hash_file(&model.path)? == program.0 {
            return Ok(Some(model.path));
        }
    }
    Ok(None)
}
