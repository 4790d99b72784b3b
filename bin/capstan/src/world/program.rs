//! The model that machines of the prepared world run: SmolLM2 where it is on the shelf, else a tiny one of random weights,
//! which says nothing sensible and costs nothing to run.

use std::sync::Arc;

use capstan_compute::{engine::Engine, model::Shelf, testkit::tiny};
use eyre::{Result, WrapErr as _};

/// What the shelf calls it.
const REAL: &str = "smollm2";
/// What clients call the other one.
const TINY: &str = "tiny";
/// Its weights, and those of who swaps it for another.
const SEED: u64 = 1;
const OTHER_SEED: u64 = 2;
const WEIGHTS: &str = "Q4_1";
/// One thread each: a machine of this world shall leave the real one to its user.
const THREADS: usize = 1;

/// A loaded model with its name.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) engine: Arc<Engine>,
    /// Whether its texts are words, so that answers of other servers of the same weights can be judged by them.
    pub(crate) speaks: bool,
    /// In words, what it is.
    pub(crate) about: String,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.about)
    }
}

/// The model that this world sells.
pub(crate) fn program() -> Result<Program> {
    let found = Shelf::of_user().and_then(|shelf| shelf.find(REAL));
    let Ok(path) = found else {
        return Ok(Program {
            name: TINY,
            engine: made(SEED)?,
            speaks: false,
            about: "a tiny model of random weights: `capstan model get smollm2` before the start gives a real one"
                .to_owned(),
        });
    };
    let engine =
        Engine::load(&path, THREADS).wrap_err_with(|| format!("cannot load {}", path.display()))?;
    Ok(Program {
        name: REAL,
        about: format!("{REAL} of the shelf"),
        speaks: true,
        engine,
    })
}

/// Another model, for who sells it as the one that was asked for.
pub(crate) fn other() -> Result<Arc<Engine>> {
    made(OTHER_SEED)
}

/// A tiny model. Its file lives for as long as it takes to read it.
fn made(seed: u64) -> Result<Arc<Engine>> {
    let folder = std::env::temp_dir();
    let path = folder.join(format!("capstan-tiny-{}-{seed}.gguf", std::process::id()));
    tiny(seed, WEIGHTS)
        .write(&path)
        .wrap_err_with(|| format!("cannot write {}", path.display()))?;
    let loaded = Engine::load(&path, THREADS).wrap_err("cannot load the tiny model");
    // What is left of it is in nobody's way.
    let _ = std::fs::remove_file(&path);
    loaded
}
