//! Models of this machine as servers of the gateway.

use std::path::Path;

use capstan_compute::{bundled::Bundled, engine::Engine};
use eyre::{Result, WrapErr as _, eyre};

use crate::{args::EngineOptions, model::shelf};

/// The models that were asked for, loaded.
pub(super) fn engines(options: &EngineOptions) -> Result<Vec<Bundled>> {
    if options.model.is_empty() {
        return Ok(Vec::new());
    }
    let shelf = shelf(&options.shelf)?;
    let load = |name: &String| {
        let path = shelf.find(name)?;
        let engine = Engine::load(&path, options.engine_threads)
            .wrap_err_with(|| format!("cannot load {}", path.display()))?;
        let model = called(name)?;
        Ok(Bundled::new(
            &model,
            engine,
            usize::try_from(options.answers)?,
        ))
    };
    options.model.iter().map(load).collect()
}

/// A model of the shelf is asked for by its name there, and a file by its own.
fn called(name: &str) -> Result<String> {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
    let is_file = name.ends_with(".gguf");
    match (is_file, stem) {
        (false, _) => Ok(name.to_owned()),
        (true, Some(stem)) => Ok(stem.to_owned()),
        (true, None) => Err(eyre!("`{name}` is no name of a file")),
    }
}
