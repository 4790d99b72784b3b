//! What a client asks: read, bounded, and made ready for a server.

use alloy_primitives::B256;
use serde_json::Value;

use super::{error::ApiError, prices::ModelPrice};
use crate::{
    json::Weighed,
    money::Dollars,
    receipt,
    upstream::{Aside, Ask, AskBounds, Kind, Object},
};

/// Answers to one request at most.
const N_MAX: u64 = 16;
/// Tokens around each message that templates add.
const TOKENS_PER_MESSAGE: u64 = 64;
/// Tokens of a picture or sound at most.
const TOKENS_PER_PICTURE: u64 = 16_384;
/// Tokens that a template adds in all.
const TOKENS_OF_TEMPLATE: u64 = 256;
/// Names of an answer's bound; newer clients use the longer one.
const TOKEN_BOUNDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];
/// Names by which single servers would take another bound: they never reach one.
const OTHER_BOUNDS: [&str; 5] = [
    "n_predict",
    "num_predict",
    "max_new_tokens",
    "max_output_tokens",
    "min_tokens",
];
/// Settings of a server among which are bounds, too.
const OPTIONS: &str = "options";
/// What no server reads as a part of the prompt.
const ASIDE: [&str; 15] = [
    "model",
    "user",
    "seed",
    "stop",
    "metadata",
    "service_tier",
    "reasoning_effort",
    "encoding_format",
    "safety_identifier",
    "prompt_cache_key",
    "stream_options",
    "tool_choice",
    "logit_bias",
    "modalities",
    OPTIONS,
];
/// Memory that the structure of a request may take.
pub(super) const STRUCTURE_BYTES_MAX: usize = 32 << 20;

/// Whether a field is said again to who checks a receipt as the client wrote it, since servers are told otherwise.
pub(super) fn is_bound(name: &str) -> bool {
    TOKEN_BOUNDS.contains(&name) || OTHER_BOUNDS.contains(&name) || name == OPTIONS
}
/// A model's name is shown and stored.
const MODEL_BYTES_MAX: usize = 256;

/// A request that was understood.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) stream: bool,
    /// Whether the stream shall end with counts.
    pub(super) wants_usage: bool,
    /// How many answers, of all prompts.
    pub(super) n: u64,
    /// Bytes of text that will be read.
    pub(super) prompt_bytes: u64,
    /// Tokens that will be read, at most.
    pub(super) input_tokens_max: u64,
    /// Tokens that will be written per answer, if the client said.
    asked_tokens: Option<u64>,
    /// The bounds as the client wrote them, and nothing else.
    pub(super) asked_bounds: Object,
    /// Tokens that each answer may have, once they are bounded.
    pub(super) each_tokens_max: Option<u64>,
    /// Hash of the canonical request.
    pub(super) input: B256,
    /// That request, where it is kept for auditors.
    pub(super) canonical: String,
}

impl Asked {
    /// Reads a body.
    pub(super) fn read(kind: Kind, body: &Weighed<'_>) -> Result<Self, ApiError> {
        let read = body.read().map_err(|why| {
            ApiError::wrong("invalid_json", None, format!("the body is no JSON: {why}"))
        })?;
        let Value::Object(mut body) = read else {
            let message = "the body is no JSON object".to_owned();
            return Err(ApiError::wrong("invalid_json", None, message));
        };
        let input = receipt::request_hash(&body);
        let model = model(&body)?;
        let stream = flag(&body, "stream")? && kind != Kind::Embedding;
        let options = body.get("stream_options").and_then(Value::as_object);
        let wants_usage = options
            .and_then(|options| options.get("include_usage"))
            .is_some_and(|wanted| wanted == &Value::Bool(true));
        let asked_n = count(&body, "n", N_MAX)?.max(count(&body, "best_of", N_MAX)?);
        let n = asked_n.unwrap_or(1).saturating_mul(prompts(kind, &body));
        let mut asked_tokens: Option<u64> = None;
        for name in TOKEN_BOUNDS {
            // Of two bounds the smaller holds.
            if let Some(tokens) = count(&body, name, u64::MAX)? {
                asked_tokens = Some(asked_tokens.map_or(tokens, |known| known.min(tokens)));
            }
        }
        let asked_bounds = body.iter().filter(|(name, _)| is_bound(name));
        let asked_bounds = asked_bounds.map(|(name, said)| (name.clone(), said.clone()));
        let asked_bounds = asked_bounds.collect();
        let weight = weigh(kind, &body)?;
        body.remove("stream_options");
        body.remove("stream");
        if stream {
            body.insert("stream".to_owned(), true.into());
            // Counts are asked for in any case: what is charged hangs on them.
            body.insert(
                "stream_options".to_owned(),
                serde_json::json!({"include_usage": true}),
            );
        }
        Ok(Self {
            ask: Ask {
                kind,
                model,
                body,
                aside: Aside::default(),
                bounds: AskBounds {
                    input_tokens_max: weight.tokens_max(),
                    n,
                    ..AskBounds::default()
                },
            },
            stream,
            wants_usage,
            n,
            prompt_bytes: weight.bytes,
            input_tokens_max: weight.tokens_max(),
            asked_tokens,
            asked_bounds,
            each_tokens_max: None,
            input,
            canonical: String::new(),
        })
    }

    /// Tokens that each answer shall have at most, if the client said.
    pub(super) const fn tokens_of_answer(&self) -> Option<u64> {
        self.asked_tokens
    }

    /// Keeps the request as it came.
    pub(super) fn keep(&mut self, body: &[u8]) {
        if let Ok(Value::Object(body)) = serde_json::from_slice(body) {
            self.canonical = receipt::canonical_request(&body);
        }
    }

    /// Bounds the answer by what the model and the key allow, and tells the server; the tokens of all answers at most.
    pub(super) fn bound(&mut self, price: &ModelPrice, payable: Option<Dollars>) -> u64 {
        if self.ask.kind == Kind::Embedding {
            self.ask.bounds.most = price.cost(self.input_tokens_max, 0);
            return 0;
        }
        let limit = price.max_output_tokens.max(1);
        let each = self.asked_tokens.map_or_else(
            || {
                let prompt = price.input.cost(self.input_tokens_max);
                let left = payable.map(|payable| payable.less_or_zero(prompt));
                let tokens = left.and_then(|left| price.output.tokens_down(left));
                tokens.map_or(limit, |tokens| (tokens / self.n).clamp(1, limit))
            },
            |asked| asked.min(limit),
        );
        let body = &mut self.ask.body;
        for name in OTHER_BOUNDS {
            body.remove(name);
        }
        if let Some(options) = body.get_mut(OPTIONS).and_then(Value::as_object_mut) {
            options.retain(|name, _| !is_bound(name));
        }
        // Newer clients use the longer name, and servers take either: one that was said says the same as the other.
        let was_long = body.remove("max_completion_tokens").is_some();
        let was_short = body.remove("max_tokens").is_some();
        for (name, was_said) in [
            ("max_completion_tokens", was_long),
            ("max_tokens", was_short || !was_long),
        ] {
            if was_said {
                body.insert(name.to_owned(), each.into());
            }
        }
        self.each_tokens_max = Some(each);
        let all = each.saturating_mul(self.n);
        self.ask.bounds.output_tokens_max = all;
        self.ask.bounds.most = price.cost(self.input_tokens_max, all);
        all
    }
}

fn model(body: &Object) -> Result<String, ApiError> {
    let wrong = |message: &str| {
        Err(ApiError::wrong(
            "invalid_value",
            Some("model"),
            message.to_owned(),
        ))
    };
    match body.get("model") {
        None => wrong("`model` is missing: `GET /v1/models` lists those there are"),
        Some(Value::String(name)) if name.is_empty() || name.len() > MODEL_BYTES_MAX => {
            wrong("`model` is no name of a model")
        }
        Some(Value::String(name)) => Ok(name.clone()),
        Some(_) => wrong("`model` is no text"),
    }
}

/// A completion may ask for several prompts at once; a list of numbers is one.
fn prompts(kind: Kind, body: &Object) -> u64 {
    match (kind, body.get("prompt")) {
        (Kind::Completion, Some(Value::Array(prompts))) => {
            let several = prompts.iter().filter(|prompt| !prompt.is_number()).count();
            u64::try_from(several).unwrap_or(u64::MAX).max(1)
        }
        _ => 1,
    }
}

fn flag(body: &Object, name: &'static str) -> Result<bool, ApiError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            let message = format!("`{name}` is neither true nor false");
            Err(ApiError::wrong("invalid_value", Some(name), message))
        }
    }
}

fn count(body: &Object, name: &'static str, max: u64) -> Result<Option<u64>, ApiError> {
    let value = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_u64(),
    };
    match value {
        Some(value) if value > 0 && value <= max => Ok(Some(value)),
        _ => {
            let message = match max {
                u64::MAX => format!("`{name}` is no whole number above 0"),
                _ => format!("`{name}` is no whole number from 1 to {max}"),
            };
            Err(ApiError::wrong("invalid_value", Some(name), message))
        }
    }
}

/// What a prompt weighs.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    bytes: u64,
    pictures: u64,
    messages: u64,
}

impl Weight {
    const fn tokens_max(&self) -> u64 {
        self.bytes
            .saturating_add(self.messages.saturating_mul(TOKENS_PER_MESSAGE))
            .saturating_add(self.pictures.saturating_mul(TOKENS_PER_PICTURE))
            .saturating_add(TOKENS_OF_TEMPLATE)
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_bytes(text.len()),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            // A prompt may be a list of token numbers: each is one token, and counts as the four bytes of one.
            Value::Number(_) => self.add_bytes(4),
            Value::Object(fields) => {
                let kind = fields
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let picture = ["image_url", "input_audio", "image", "file", "video_url"];
                let picture = picture.into_iter().find(|name| *name == kind);
                for (name, field) in fields {
                    self.add_bytes(name.len());
                    // The picture itself is no text; what stands beside it may be.
                    if picture == Some(name.as_str()) {
                        self.pictures = self.pictures.saturating_add(1);
                    } else {
                        self.add(field);
                    }
                }
            }
            Value::Null | Value::Bool(_) => self.add_bytes(1),
        }
    }

    fn add_bytes(&mut self, bytes: usize) {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

fn weigh(kind: Kind, body: &Object) -> Result<Weight, ApiError> {
    let name = match kind {
        Kind::Chat => "messages",
        Kind::Completion => "prompt",
        Kind::Embedding => "input",
    };
    let asked = body.get(name);
    let is_asked = match (kind, asked) {
        (Kind::Chat, Some(Value::Array(messages))) => {
            !messages.is_empty() && messages.iter().all(Value::is_object)
        }
        (Kind::Chat, _) | (_, None) => false,
        (_, Some(Value::Array(items))) => !items.is_empty(),
        (_, Some(value)) => value.is_string(),
    };
    if !is_asked {
        let message = match kind {
            Kind::Chat => "`messages` is no list of at least one message",
            _ => "what is asked is neither a text nor a list of at least one",
        };
        return Err(ApiError::wrong(
            "invalid_value",
            Some(name),
            message.to_owned(),
        ));
    }
    let mut weight = Weight::default();
    if let Some(Value::Array(items)) = asked {
        weight.messages = u64::try_from(items.len()).unwrap_or(u64::MAX);
    }
    // Servers read more than OpenAI's fields into a prompt: whatever has text or structure counts.
    for (name, part) in body {
        let is_scalar = part.is_number() || part.is_boolean() || part.is_null();
        if !is_scalar && !ASIDE.contains(&name.as_str()) {
            weight.add(part);
        }
    }
    Ok(weight)
}
