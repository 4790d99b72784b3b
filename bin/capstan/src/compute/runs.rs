//! `--runs NAME=FILE`: which weights a server of one's own runs, tried before anything is promised.
//!
//! A class that is judged by words pays for what the model of that file would say. Auditors hear it on their own machine; what
//! they would hear is heard here first, so that nobody puts a bond behind a server that answers otherwise.

use std::{fs, path::PathBuf, str::FromStr, sync::Arc};

use alloy_primitives::B256;
use capstan_compute::{
    bundled::{TRIED_AT, recited_at},
    engine::Engine,
    gateway::{Prices, recite_at},
    model::Reader,
    upstream::Upstream,
};
use eyre::{Result, WrapErr as _, bail};

use super::challenge::Voice;
use crate::{args::ShelfOptions, model::shelf};

/// Tokens of a trial at each temperature.
const TRIED_TOKENS: u64 = 128;

/// What a server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runs {
    /// What its server calls it.
    pub(crate) model: String,
    /// Its weights: a name on the shelf, or a file.
    pub(crate) weights: String,
}

impl FromStr for Runs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((model, weights)) = text.split_once('=') else {
            return Err("write the name that the server lists, and a GGUF file or a name on the shelf: NAME=WEIGHTS".to_owned());
        };
        if model.is_empty() || weights.is_empty() {
            return Err("neither the name nor the weights can be empty".to_owned());
        }
        Ok(Self {
            model: model.to_owned(),
            weights: weights.to_owned(),
        })
    }
}

/// Weights that a server is said to run.
pub(super) struct Weights {
    model: String,
    path: PathBuf,
    pub(super) program: B256,
    quantisation: &'static str,
    engine: Arc<Engine>,
}

impl Weights {
    /// Loads what is named.
    pub(super) fn of(runs: &[Runs], shelf_options: &ShelfOptions) -> Result<Vec<Self>> {
        let load = |one: &Runs| {
            let path = match fs::exists(&one.weights)? {
                true => PathBuf::from(&one.weights),
                false => shelf(shelf_options)?.find(&one.weights)?,
            };
            let engine = Engine::load(&path, 0)
                .wrap_err_with(|| format!("--runs: cannot load {}", path.display()))?;
            Ok(Self {
                model: one.model.clone(),
                program: B256::from(engine.card().sha256),
                quantisation: engine.card().quantisation,
                engine,
                path,
            })
        };
        runs.iter().map(load).collect()
    }

    /// Says to the prices which weights their model is.
    pub(super) fn pin(&self, prices: &mut Prices) -> Result<()> {
        let Some(price) = prices.of(&self.model) else {
            bail!(
                "--runs: no server here has a model `{}` that is sold",
                self.model
            );
        };
        let mut price = price.clone();
        if price.program.is_some_and(|said| said != self.program) {
            bail!(
                "--runs says that `{}` is {}, and --prices says another `program`",
                self.model,
                self.program
            );
        }
        price.program = Some(self.program);
        price.quantisation = Some(self.quantisation.to_owned());
        prices.models.insert(self.model.clone(), price);
        Ok(())
    }

    /// Asks the servers that have the model, and hears them as auditors will.
    ///
    /// # Errors
    /// None has it, or one says what these weights would not.
    pub(super) async fn tried(&self, servers: &[Arc<dyn Upstream>]) -> Result<()> {
        let mut is_found = false;
        for server in servers {
            let models = server.models().await;
            let models =
                models.wrap_err_with(|| format!("{} does not say what it has", server.name()))?;
            if !models.iter().any(|model| model.id == self.model) {
                continue;
            }
            is_found = true;
            for temperature in TRIED_AT {
                self.try_at(server.as_ref(), temperature).await?;
            }
            eprintln!(
                "{} at {} says what {} would: its answers can be judged by their words",
                self.model,
                server.name(),
                self.path.display()
            );
        }
        if !is_found {
            bail!("--runs: no server here has a model `{}`", self.model);
        }
        Ok(())
    }

    async fn try_at(&self, server: &dyn Upstream, temperature: f32) -> Result<()> {
        let seed = B256::random();
        let tokenizer = self.engine.tokenizer();
        let recital = recite_at(
            server,
            &self.model,
            tokenizer,
            seed,
            TRIED_TOKENS,
            temperature,
        );
        let recital = recital
            .await
            .wrap_err_with(|| format!("{} does not answer as {}", server.name(), self.model))?;
        let engine = Arc::clone(&self.engine);
        let heard = tokio::task::spawn_blocking(move || {
            recited_at(&engine, seed, TRIED_TOKENS, &recital, temperature)
        });
        heard.await?.wrap_err_with(|| {
            format!(
                "{} at {} does not say what {} would, at temperature {temperature}. Is it that file, with its own chat template, \
                 and does the server take the settings of a request as they are (no limits of its own on which tokens it draws \
                 from)? Auditors would take a part of the bond for such answers",
                self.model,
                server.name(),
                self.path.display()
            )
        })
    }

    /// What remains of it while the machine sells: weights are the server's.
    pub(super) fn voice(&self) -> Result<Voice> {
        let reader = Reader::read(&self.path)
            .wrap_err_with(|| format!("cannot read {}", self.path.display()))?;
        Ok(Voice {
            model: self.model.clone(),
            program: self.program,
            reader: Arc::new(reader),
        })
    }
}
