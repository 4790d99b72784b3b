//! Text to tokens and back, by the tables of a GGUF file.

use std::collections::HashMap;

use tokenizers::{
    PreTokenizerWrapper, Tokenizer as Pieces,
    models::bpe::{BPE, Vocab},
    normalizers::NFC,
    pre_tokenizers::{
        byte_level::ByteLevel,
        digits::Digits,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
    tokenizer::SplitDelimiterBehavior,
};

use super::{error::ModelError, gguf::Gguf};

/// A character that Unicode gives to no text. It stands inside a control token's name that a user wrote, so that it is
/// none, and is taken out before tokens are made.
pub(crate) const BREAKER: char = '\u{FDD0}';

/// How text is cut before merges: contractions, words with the space before them, single digits, signs, spaces.
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The same with up to three digits together.
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Tokens at which servers end an answer, whichever of them a file calls its own end.
const END_NAMES: [&str; 6] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "</s>",
];

/// Kinds of tokens, as files number them.
const CONTROL: f64 = 3.0;
const USER_DEFINED: f64 = 4.0;

/// Text to tokens and back.
pub struct Tokenizer {
    pieces: Pieces,
    /// What each token adds to a text; nothing for control tokens.
    bytes: Vec<Vec<u8>>,
    /// Tokens that are found in text as a whole, the longest first.
    specials: Vec<(String, u32)>,
    is_control: Vec<bool>,
    begin: Option<u32>,
    ends: Vec<u32>,
    longest_bytes: usize,
}

impl Tokenizer {
    /// From the facts of a file.
    pub(crate) fn of(file: &Gguf) -> Result<Self, ModelError> {
        let model = file.text("tokenizer.ggml.model").unwrap_or_default();
        if model != "gpt2" {
            let words = format!("a tokenizer of kind `{model}`");
            return Err(ModelError::Unsupported(words));
        }
        let tokens_key = "tokenizer.ggml.tokens";
        let tokens = file
            .texts(tokens_key)
            .ok_or_else(|| ModelError::missing(tokens_key))?;
        let count = tokens.len() as u64;
        let kinds = file.reals("tokenizer.ggml.token_type").unwrap_or_default();
        if !kinds.is_empty() && kinds.len() != tokens.len() {
            let (left, right) = (count, kinds.len() as u64);
            let what = "tokens and their kinds";
            return Err(ModelError::Unfit { what, left, right });
        }
        let mut vocabulary = Vocab::default();
        for (id, token) in (0_u32..).zip(tokens) {
            if vocabulary.insert(token.clone(), id).is_some() {
                return Err(ModelError::Twice(format!("token {token:?}")));
            }
        }
        let pieces = pieces(file, vocabulary)?;
        let kind = |id: usize| kinds.get(id).copied().unwrap_or(1.0);
        let letters = letters();
        let mut specials = Vec::new();
        let mut bytes = Vec::with_capacity(tokens.len());
        for ((id, token), at) in (0_u32..).zip(tokens).zip(0..) {
            let special = [CONTROL, USER_DEFINED].contains(&kind(at));
            if special && !token.is_empty() {
                specials.push((token.clone(), id));
            }
            bytes.push(if kind(at) == CONTROL {
                Vec::new()
            } else if special {
                token.clone().into_bytes()
            } else {
                raw(token, &letters)
            });
        }
        specials.sort_by_key(|(token, _)| std::cmp::Reverse(token.len()));
        let id = |key: &str| -> Result<Option<u32>, ModelError> {
            match file.whole(key)? {
                None => Ok(None),
                Some(id) if id < count => Ok(u32::try_from(id).ok()),
                Some(_) => Err(ModelError::wrong(key)),
            }
        };
        let begin = id("tokenizer.ggml.bos_token_id")?;
        let mut ends: Vec<u32> = id("tokenizer.ggml.eos_token_id")?.into_iter().collect();
        ends.extend(id("tokenizer.ggml.eot_token_id")?);
        for name in END_NAMES {
            ends.extend(
                specials
                    .iter()
                    .filter(|(t, _)| t == name)
                    .map(|(_, id)| *id),
            );
        }
        ends.sort_unstable();
        ends.dedup();
        let adds_begin = file.flag("tokenizer.ggml.add_bos_token").unwrap_or(false);
        Ok(Self {
            pieces,
            longest_bytes: bytes.iter().map(Vec::len).max().unwrap_or(1).max(1),
            is_control: (0..tokens.len()).map(|at| kind(at) == CONTROL).collect(),
            bytes,
            specials,
            begin: begin.filter(|_| adds_begin),
            ends,
        })
    }

    /// Tokens of a text, in which names of control tokens are just text.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.pieces.encode_fast(text, false);
        let encoding = encoding.map_err(|error| ModelError::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokens of a text, in which names of control tokens are those.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (before, special) = self.next_special(rest);
            let plain = &rest[..before];
            if !plain.is_empty() {
                tokens.extend(self.encode_plain(&plain.replace(BREAKER, ""))?);
            }
            rest = &rest[before..];
            if let Some((name, id)) = special {
                tokens.push(*id);
                rest = &rest[name.len()..];
            }
        }
        Ok(tokens)
    }

    /// The first control token of a text, and what stands before it.
    fn next_special(&self, text: &str) -> (usize, Option<&(String, u32)>) {
        let mut found: Option<(usize, &(String, u32))> = None;
        for special in &self.specials {
            // Only an earlier one can win over a longer one.
            let until = found.map_or(text.len(), |(at, _)| (at + special.0.len()).min(text.len()));
            let within = &text.as_bytes()[..until];
            let at = within
                .windows(special.0.len())
                .position(|window| window == special.0.as_bytes());
            if let Some(at) = at
                && found.is_none_or(|(earlier, _)| at < earlier)
            {
                found = Some((at, special));
            }
        }
        found.map_or((text.len(), None), |(at, special)| (at, Some(special)))
    }

    /// Whether a text has the name of a control token in it, which servers read as that token.
    pub(crate) fn names_control(&self, text: &str) -> bool {
        self.specials
            .iter()
            .any(|(name, _)| text.contains(name.as_str()))
    }

    /// A text in which no control token's name is one any more.
    pub(crate) fn defused(&self, text: &str) -> String {
        let mut text = text.replace(BREAKER, "");
        for (name, _) in &self.specials {
            let mut letters = name.chars();
            if let Some(first) = letters.next() {
                let broken: String = [first, BREAKER].into_iter().chain(letters).collect();
                text = text.replace(name, &broken);
            }
        }
        text
    }

    /// What a token adds to a text: bytes, since characters may span tokens.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }

    /// The text of tokens.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let bytes: Vec<u8> = tokens
            .iter()
            .flat_map(|t| self.bytes(*t))
            .copied()
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The name of a control token.
    pub fn name(&self, token: u32) -> Option<&str> {
        let mut specials = self.specials.iter();
        specials
            .find(|(_, id)| *id == token)
            .map(|(name, _)| name.as_str())
    }

    /// Whether an answer ends with it.
    pub fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Whether it is a control token.
    pub fn is_control(&self, token: u32) -> bool {
        self.is_control
            .get(token as usize)
            .copied()
            .unwrap_or(false)
    }

    /// The token before every prompt, where the model wants one.
    pub const fn begin(&self) -> Option<u32> {
        self.begin
    }

    /// How many tokens there are.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// No token is longer.
    pub(crate) const fn longest_bytes(&self) -> usize {
        self.longest_bytes
    }
}

fn pieces(file: &Gguf, vocabulary: Vocab) -> Result<Pieces, ModelError> {
    let broken = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
    let merges_key = "tokenizer.ggml.merges";
    let merges = file
        .texts(merges_key)
        .ok_or_else(|| ModelError::missing(merges_key))?
        .iter()
        .map(|merge| {
            let (left, right) = merge
                .split_once(' ')
                .ok_or_else(|| ModelError::Tokenizer(format!("{merge:?} is no merge")))?;
            Ok((left.to_owned(), right.to_owned()))
        })
        .collect::<Result<Vec<_>, ModelError>>()?;
    let bpe = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .ignore_merges(file.flag("tokenizer.ggml.ignore_merges").unwrap_or(false))
        .build()
        .map_err(broken)?;
    let mut pieces = Pieces::new(bpe);
    let rule = file.text("tokenizer.ggml.pre").unwrap_or("gpt-2");
    let split = |rule: &str| -> Result<PreTokenizerWrapper, ModelError> {
        let pattern = SplitPattern::Regex(rule.to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(broken)?;
        let bytes = ByteLevel::new(false, false, false);
        Ok(Sequence::new(vec![split.into(), bytes.into()]).into())
    };
    let cut = match rule {
        "smollm" => {
            let bytes = ByteLevel::new(false, true, true);
            Sequence::new(vec![Digits::new(true).into(), bytes.into()]).into()
        }
        "gpt-2" | "gpt2" | "default" => ByteLevel::new(false, true, true).into(),
        "qwen2" => {
            pieces.with_normalizer(Some(NFC)).map_err(broken)?;
            split(QWEN2)?
        }
        "llama-bpe" | "llama3" | "smaug-bpe" => split(LLAMA3)?,
        other => {
            let words = format!("text cut by the rule `{other}`");
            return Err(ModelError::Unsupported(words));
        }
    };
    pieces.with_pre_tokenizer(Some(cut));
    Ok(pieces)
}

/// The letter that stands for a byte in byte-level vocabularies: printable ones for themselves, the others from U+0100 on.
pub(crate) fn letter(byte: u8) -> char {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if printable(&byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !printable(byte)).count();
    let number = u32::try_from(before)
        .ok()
        .and_then(|before| char::from_u32(0x100 + before));
    number.unwrap_or_default()
}

fn letters() -> HashMap<char, u8> {
    (0..=u8::MAX).map(|byte| (letter(byte), byte)).collect()
}

fn raw(token: &str, letters: &HashMap<char, u8>) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = token.chars().map(|c| letters.get(&c).copied()).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
}
