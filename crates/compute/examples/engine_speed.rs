//! Prints tokens per second of our engine beside llama.cpp, in turns, on the same file and threads.
//!
//! `cargo xtask bench engine` runs it; the arguments are MODEL THREADS ROUNDS PYTHON PEER. Without the last two it measures
//! our engine alone.

use std::{
    env,
    error::Error,
    ops::ControlFlow,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use capstan_compute::{
    engine::{Engine, Piece, Request},
    model::Message,
};

/// Both sides read and write as much.
const PROMPT_TOKENS: u32 = 128;
const ANSWER_TOKENS: usize = 96;

/// Tokens per second.
#[derive(Clone, Copy, Debug)]
struct Speed {
    read: f64,
    write: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [model, threads, rounds, peer @ ..] = &words[..] else {
        return Err("say MODEL THREADS ROUNDS, and PYTHON PEER to compare".into());
    };
    let engine = Engine::load(Path::new(model), threads.parse()?)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let chat = engine.chat(&[Message::user("What is the capital of France?")])?;
    let mut first = Duration::MAX;
    for _ in 0..rounds.parse()? {
        let start = Instant::now();
        engine.generate(&Request::greedy(chat.clone(), 1), &mut |_| {
            ControlFlow::Continue(())
        })?;
        first = first.min(start.elapsed());
        ours.push(measure(&engine)?);
        if let [python, script] = peer {
            let command = [script, model, threads];
            theirs.push(ask_peer(python, &command)?);
        }
    }
    println!(
        "first token of a chat of {} tokens after {:.0} ms, best of {rounds}\n",
        chat.len(),
        first.as_secs_f64() * 1_000.0
    );
    println!(
        "| tokens per second, {threads} threads, best of {rounds} | reading {PROMPT_TOKENS} | writing {ANSWER_TOKENS} |"
    );
    println!("|---|---|---|");
    let own = best(&ours);
    println!(
        "| capstan ({}) | {:.1} | {:.1} |",
        engine.card().kernels,
        own.read,
        own.write
    );
    if !theirs.is_empty() {
        let peer = best(&theirs);
        println!("| llama.cpp | {:.1} | {:.1} |", peer.read, peer.write);
        println!(
            "| ratio | {:.2} | {:.2} |",
            own.read / peer.read,
            own.write / peer.write
        );
    }
    Ok(())
}

/// Both are disturbed by what else runs, never helped.
fn best(speeds: &[Speed]) -> Speed {
    let most = |pick: fn(&Speed) -> f64| speeds.iter().map(pick).fold(0.0, f64::max);
    Speed {
        read: most(|speed| speed.read),
        write: most(|speed| speed.write),
    }
}

/// An end token does not end a measurement: another prompt begins.
fn measure(engine: &Engine) -> Result<Speed, Box<dyn Error>> {
    let prompt = (0..PROMPT_TOKENS).map(|at| 1_000 + at % 997).collect();
    let mut request = Request::greedy(prompt, ANSWER_TOKENS);
    let (mut read, mut written, mut count) = (Duration::MAX, Duration::ZERO, 0);
    for _ in 0..PROMPT_TOKENS {
        let start = Instant::now();
        let mut first = Duration::ZERO;
        let answer = engine.generate(&request, &mut |piece| {
            if matches!(piece, Piece::Text { .. }) && first.is_zero() {
                first = start.elapsed();
            }
            ControlFlow::Continue(())
        })?;
        read = read.min(first);
        written += start.elapsed() - first;
        count += answer.tokens.len() - 1;
        if count >= ANSWER_TOKENS {
            break;
        }
        request.prompt.rotate_left(1);
    }
    Ok(Speed {
        read: f64::from(PROMPT_TOKENS) / read.as_secs_f64(),
        write: count as f64 / written.as_secs_f64(),
    })
}

fn ask_peer(python: &str, words: &[&String]) -> Result<Speed, Box<dyn Error>> {
    let counts = [PROMPT_TOKENS.to_string(), ANSWER_TOKENS.to_string()];
    let output = Command::new(python).args(words).args(&counts).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().rfind(|line| line.starts_with('{'));
    let line = line.ok_or_else(|| {
        format!(
            "the peer said nothing: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    let value: serde_json::Value = serde_json::from_str(line)?;
    let number = |key: &str| value[key].as_f64().ok_or(format!("no {key} in {line}"));
    Ok(Speed {
        read: number("read")?,
        write: number("write")?,
    })
}
