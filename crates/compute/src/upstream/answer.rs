//! An answer as it grows: what was said, how much of it, and what it hashes to.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{Chunks, Fault, Kind, Object};
use crate::receipt;

/// Most tools that one choice may call.
const TOOLS_MAX: u64 = 256;
/// Most choices of one answer: sixteen of each of several prompts.
const CHOICES_MAX: u64 = 4_096;
/// Longest word for why a choice ended.
const FINISH_CHARS_MAX: usize = 64;

/// Whether a choice is an object that says its words in one place: what reads another place would read another answer.
pub(crate) fn says_once(choice: &Value) -> bool {
    let places = ["message", "delta", "text"];
    let said = |name: &&str| choice.get(*name).is_some_and(|said| !said.is_null());
    choice.is_object() && places.into_iter().filter(said).count() <= 1
}

/// Tokens that a server says it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Read.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
}

impl Claim {
    /// What an object of OpenAI's form says; what is no count is no claim.
    pub fn of(answer: &Object) -> Option<Self> {
        let usage = answer.get("usage")?.as_object()?;
        let input_tokens = usage.get("prompt_tokens")?.as_u64()?;
        // Embeddings write nothing.
        let output_tokens = usage
            .get("completion_tokens")
            .map_or(Some(0), Value::as_u64)?;
        Some(Self {
            input_tokens,
            output_tokens,
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tool {
    id: String,
    name: String,
    arguments: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Choice {
    content: String,
    reasoning: String,
    refusal: String,
    tools: BTreeMap<u64, Tool>,
    finish: Option<String>,
}

/// What was said until now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    choices: BTreeMap<u64, Choice>,
    data: Option<Value>,
    /// The newest claim.
    pub claim: Option<Claim>,
    text_bytes: u64,
    parts: u64,
    /// It has more choices than anybody asks for.
    is_wild: bool,
}

impl Answer {
    /// Takes one part of a stream.
    pub fn add(&mut self, chunk: &Object) {
        self.claim = Claim::of(chunk).or(self.claim);
        let before = self.text_bytes;
        for choice in choices_of(chunk) {
            let delta = choice.get("delta").or(Some(choice));
            self.take(choice, delta.and_then(Value::as_object));
        }
        self.parts = self
            .parts
            .saturating_add(u64::from(self.text_bytes > before));
    }

    /// Takes a whole answer.
    pub fn add_whole(&mut self, answer: &Object) {
        self.claim = Claim::of(answer);
        // An answer of choices is hashed by them, whatever stands beside them.
        let has_choices = answer.get("choices").is_some_and(Value::is_array);
        self.data = answer.get("data").filter(|_| !has_choices).cloned();
        for choice in choices_of(answer) {
            let message = choice.get("message").or(Some(choice));
            self.take(choice, message.and_then(Value::as_object));
        }
    }

    /// What one choice says, of either form.
    fn take(&mut self, choice: &Value, said: Option<&Object>) {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
        if index >= CHOICES_MAX {
            self.is_wild = true;
            return;
        }
        let kept = self.choices.entry(index).or_default();
        let mut bytes = 0;
        let mut append = |to: &mut String, text: Option<&Value>| {
            if let Some(text) = text.and_then(Value::as_str) {
                to.push_str(text);
                bytes += text.len();
            }
        };
        if let Some(said) = said {
            append(
                &mut kept.content,
                said.get("content").or_else(|| said.get("text")),
            );
            append(&mut kept.refusal, said.get("refusal"));
            let reasoning = said
                .get("reasoning_content")
                .or_else(|| said.get("reasoning"));
            append(&mut kept.reasoning, reasoning);
            let calls = said.get("tool_calls").and_then(Value::as_array);
            for (at, call) in (0..TOOLS_MAX).zip(calls.into_iter().flatten()) {
                let index = call.get("index").and_then(Value::as_u64).unwrap_or(at);
                let tool = kept.tools.entry(index.min(TOOLS_MAX)).or_default();
                append(&mut tool.id, call.get("id"));
                let function = call.get("function");
                append(
                    &mut tool.name,
                    function.and_then(|function| function.get("name")),
                );
                append(
                    &mut tool.arguments,
                    function.and_then(|function| function.get("arguments")),
                );
            }
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            let reason = reason.chars().take(FINISH_CHARS_MAX).collect();
            kept.finish = Some(reason);
        }
        self.text_bytes = self
            .text_bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Bytes of text, of all choices.
    pub const fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Parts that carried text.
    pub const fn parts(&self) -> u64 {
        self.parts
    }

    /// Whether it has more choices than anybody asks for.
    pub const fn is_wild(&self) -> bool {
        self.is_wild
    }

    /// Whether every choice that began has ended.
    pub fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|choice| choice.finish.is_some())
    }

    /// Whether it can be told again by another server and compared: plain text of one choice.
    pub fn can_be_replayed(&self) -> bool {
        self.choices.len() <= 1 && self.choices.values().all(Choice::is_plain)
    }

    /// Whether it is so many texts, each of which says how it ended, and nothing besides.
    pub fn is_text(&self, n: u64) -> bool {
        let is_whole = |choice: &Choice| {
            let ends = ["stop", "length"];
            choice.is_plain()
                && choice
                    .finish
                    .as_deref()
                    .is_some_and(|end| ends.contains(&end))
        };
        self.data.is_none()
            && self.choices.keys().copied().eq(0..n)
            && self.choices.values().all(is_whole)
    }

    /// The text of the first choice.
    pub fn content(&self) -> &str {
        self.choices
            .values()
            .next()
            .map_or("", |choice| &choice.content)
    }

    /// Why the first choice ended.
    pub fn finish(&self) -> Option<&str> {
        self.choices.values().next()?.finish.as_deref()
    }

    /// Hash of the canonical answer.
    pub fn hash(&self) -> B256 {
        receipt::hash(&self.canonical())
    }

    /// One form, however it was cut into parts.
    pub fn canonical(&self) -> Value {
        if let Some(data) = &self.data {
            return data.clone();
        }
        self.choices
            .iter()
            .map(|(index, choice)| choice.canonical(*index))
            .collect()
    }
}

impl Choice {
    /// Whether it is a text, and nothing besides.
    fn is_plain(&self) -> bool {
        self.tools.is_empty() && self.reasoning.is_empty() && self.refusal.is_empty()
    }

    fn canonical(&self, index: u64) -> Value {
        let mut said = json!({
            "index": index, "content": self.content, "finish_reason": self.finish,
        });
        for (name, text) in [("reasoning", &self.reasoning), ("refusal", &self.refusal)] {
            if !text.is_empty() {
                said[name] = json!(text);
            }
        }
        if !self.tools.is_empty() {
            let tools = self.tools.values();
            said["tool_calls"] = tools
                .map(|tool| json!({"id": tool.id, "name": tool.name, "arguments": tool.arguments}))
                .collect();
        }
        said
    }
}

fn choices_of(object: &Object) -> impl Iterator<Item = &Value> {
    let choices = object.get("choices").and_then(Value::as_array);
    choices.into_iter().flatten()
}

/// Parts of a stream, for who makes them in this process.
pub mod chunk {
    use serde_json::{Value, json};

    use super::{Claim, Kind, Object};

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            _ => Object::new(),
        }
    }

    fn of(kind: Kind, model: &str, choices: Value) -> Object {
        let what = match kind {
            Kind::Completion => "text_completion",
            _ => "chat.completion.chunk",
        };
        object(json!({"id": "", "object": what, "created": 0, "model": model, "choices": choices}))
    }

    /// More text of a choice.
    pub fn text(kind: Kind, model: &str, index: u64, text: &str) -> Object {
        let choice = match kind {
            Kind::Completion => json!({"index": index, "text": text, "finish_reason": null}),
            _ => json!({"index": index, "delta": {"content": text}, "finish_reason": null}),
        };
        of(kind, model, json!([choice]))
    }

    /// The end of a choice.
    pub fn finish(kind: Kind, model: &str, index: u64, reason: &str) -> Object {
        let choice = match kind {
            Kind::Completion => json!({"index": index, "text": "", "finish_reason": reason}),
            _ => json!({"index": index, "delta": {}, "finish_reason": reason}),
        };
        of(kind, model, json!([choice]))
    }

    /// What was used.
    pub fn usage(kind: Kind, model: &str, claim: Claim) -> Object {
        let mut chunk = of(kind, model, json!([]));
        chunk.insert(
            "usage".to_owned(),
            super::usage(claim.input_tokens, claim.output_tokens),
        );
        chunk
    }
}

/// Counts of tokens in OpenAI's form.
pub(crate) fn usage(input_tokens: u64, output_tokens: u64) -> Value {
    json!({
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens.saturating_add(output_tokens),
    })
}

/// A whole answer out of a stream's parts: for upstreams that only stream.
///
/// # Errors
/// The stream's own.
pub async fn gather(kind: Kind, model: &str, mut chunks: Chunks) -> Result<Object, Fault> {
    let mut answer = Answer::default();
    while let Some(chunk) = chunks.next().await {
        answer.add(&chunk?);
    }
    let choice = |(index, choice): (&u64, &Choice)| {
        let finish = &choice.finish;
        match kind {
            Kind::Completion => {
                json!({"index": index, "text": choice.content, "finish_reason": finish, "logprobs": null})
            }
            _ => json!({"index": index, "finish_reason": finish, "logprobs": null,
                        "message": {"role": "assistant", "content": choice.content}}),
        }
    };
    let what = match kind {
        Kind::Completion => "text_completion",
        _ => "chat.completion",
    };
    let claim = answer.claim.unwrap_or_default();
    let whole = json!({
        "id": "", "object": what, "created": 0, "model": model,
        "choices": answer.choices.iter().map(choice).collect::<Value>(),
        "usage": usage(claim.input_tokens, claim.output_tokens),
    });
    match whole {
        Value::Object(whole) => Ok(whole),
        _ => Err(Fault::garbage("no answer")),
    }
}
