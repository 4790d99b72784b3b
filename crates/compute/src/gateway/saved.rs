//! An answer that a client kept in a file: whole, as the stream that `curl -N` shows, or as its parts in an array or line by line.

use serde_json::Value;

use crate::upstream::{Answer, Object, Sse, says_once};

/// A text that holds no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Neither JSON nor a stream.
    #[error(
        "this is neither JSON nor a stream of `data:` lines; save the answer as it came, as `curl -N ... > answer.txt` does"
    )]
    Neither,
    /// Two answers in one.
    #[error(
        "a choice says its words twice, as `message`, `delta` or `text`: nobody knows which of them was the answer"
    )]
    Twice,
    /// JSON of something else.
    #[error("there is no answer in it: neither `choices` nor `data`")]
    Nothing,
}

/// The answer in a text.
///
/// # Errors
/// There is none.
pub fn saved_answer(text: &str) -> Result<Answer, NoAnswer> {
    if let Ok(read) = serde_json::from_str(text) {
        return match read {
            Value::Object(whole) => of_one(&whole),
            Value::Array(parts) => of_parts(parts),
            _ => Err(NoAnswer::Nothing),
        };
    }
    let is_stream = text.lines().any(|line| line.starts_with("data:"));
    if is_stream {
        return of_parts(events(text)?);
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let parts: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
    of_parts(parts.map_err(|_| NoAnswer::Neither)?)
}

/// Events of a stream; the blank line after the last one may have been lost.
fn events(text: &str) -> Result<Vec<Value>, NoAnswer> {
    let mut sse = Sse::new(text.len().saturating_add(2));
    let read = [text, "\n\n"].map(|piece| sse.push(piece.as_bytes()));
    let mut parts = Vec::new();
    for event in read.into_iter().flatten().flatten() {
        if event != b"[DONE]" {
            parts.push(serde_json::from_slice(&event).map_err(|_| NoAnswer::Neither)?);
        }
    }
    Ok(parts)
}

/// A whole answer, or a stream of one part.
fn of_one(object: &Object) -> Result<Answer, NoAnswer> {
    let choices = object.get("choices").and_then(Value::as_array);
    all_say_once(choices)?;
    let is_part = choices.is_some_and(|choices| {
        let has_delta = |choice: &Value| choice.get("delta").is_some();
        choices.iter().any(has_delta)
    });
    if choices.is_none() && object.get("data").is_none() {
        return Err(NoAnswer::Nothing);
    }
    let mut answer = Answer::default();
    match is_part {
        true => answer.add(object),
        false => answer.add_whole(object),
    }
    Ok(answer)
}

fn of_parts(parts: Vec<Value>) -> Result<Answer, NoAnswer> {
    let parts: Vec<Object> = parts
        .into_iter()
        .map(|part| match part {
            Value::Object(part) => Ok(part),
            _ => Err(NoAnswer::Nothing),
        })
        .collect::<Result<_, _>>()?;
    if let [only] = parts.as_slice() {
        return of_one(only);
    }
    let mut answer = Answer::default();
    let mut has_choices = false;
    for part in &parts {
        // An error at the end of a stream that was cut is no part of the answer: the receipt is of what came before it.
        has_choices |= part.contains_key("choices");
        all_say_once(part.get("choices").and_then(Value::as_array))?;
        answer.add(part);
    }
    has_choices.then_some(answer).ok_or(NoAnswer::Nothing)
}

fn all_say_once(choices: Option<&Vec<Value>>) -> Result<(), NoAnswer> {
    match choices.into_iter().flatten().all(says_once) {
        true => Ok(()),
        false => Err(NoAnswer::Twice),
    }
}
