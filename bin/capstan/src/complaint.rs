//! How the program says what went wrong: in words, or as one line of JSON where `--json` asked for JSON.
//!
//! ```text
//!   error: no asset is called `gold`; there are: eth, usdc
//!   {"error":{"message":"no asset is called `gold`","hint":"there are: eth, usdc"}}
//! ```

use std::{env, process::ExitCode};

use serde_json::{Value, json};

/// Says why the words of a command cannot be read, or what was asked about them; answers with which code to end.
pub(crate) fn about_words(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && wants_json() {
        eprintln!("{}", of_words(&error.to_string()));
    } else {
        // A closed terminal is nobody to complain to.
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Says why a command failed; answers with which code to end.
pub(crate) fn about_command(error: &eyre::Report) -> ExitCode {
    if wants_json() {
        eprintln!("{}", of_command(&format!("{error:#}")));
    } else {
        // Words of a node, a model or a server may be anybody's: they move no cursor.
        let is_mark = |letter: char| letter.is_control() && letter != '\n';
        eprintln!("error: {}", format!("{error:#}").replace(is_mark, "?"));
    }
    ExitCode::FAILURE
}

/// Whether the command was asked for JSON. Words that cannot be read may ask for it too, so they are not parsed.
fn wants_json() -> bool {
    let mut words = env::args_os().skip(1).take_while(|word| word != "--");
    words.any(|word| word == "--json")
}

/// The first paragraph says what is wrong, the others what would be right.
fn of_words(said: &str) -> Value {
    let said = said.trim();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let (message, hint) = said.split_once("\n\n").unwrap_or((said, ""));
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    told(&lines.join(" "), hint)
}

/// Errors here say what happened, and behind a semicolon what to do next.
fn of_command(said: &str) -> Value {
    let (message, hint) = said.split_once("; ").unwrap_or((said, ""));
    told(message, hint)
}

fn told(message: &str, hint: &str) -> Value {
    let hint = hint.trim();
    let hint = (!hint.is_empty()).then_some(hint);
    json!({ "error": { "message": message, "hint": hint } })
}

#[cfg(test)]
mod tests;
