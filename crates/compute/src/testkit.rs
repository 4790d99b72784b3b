//! Models for tests and measurements: a tiny one out of nothing, and changed copies of real ones.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufReader, Write as _},
    path::Path,
};

use candle_core::quantized::GgmlDType;

use crate::model::{
    ModelError,
    gguf::{Fact, Gguf, KINDS, Kind, MAGIC},
};

/// Where tensors begin.
const ALIGNMENT: usize = 32;

/// A file that is being made.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Facts, in order.
    pub facts: Vec<(String, Fact)>,
    /// Tensors, in order.
    pub tensors: Vec<Part>,
}

/// A tensor that is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Sizes, the innermost first.
    pub dims: Vec<u64>,
    /// Number of its kind.
    pub kind: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Numbers that look random, the same for the same start.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// From a start.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (SplitMix64).
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from -1 to 1.
    pub fn signed(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// A number below a bound.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }
}

impl Draft {
    /// All of a file.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let mut file = BufReader::new(File::open(path)?);
        let head = Gguf::read(&mut file)?;
        let mut tensors = Vec::new();
        for (name, tensor) in &head.tensors {
            tensors.push(Part {
                name: name.clone(),
                dims: tensor.dims.clone(),
                kind: tensor.kind.id,
                bytes: head.bytes(&mut file, tensor)?,
            });
        }
        Ok(Self {
            facts: head.facts.into_iter().collect(),
            tensors,
        })
    }

    /// Sets a fact.
    pub fn set(&mut self, key: &str, fact: Fact) {
        self.facts.retain(|(name, _)| name != key);
        self.facts.push((key.to_owned(), fact));
    }

    /// Its bytes, as a file has them.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&3_u32.to_le_bytes());
        out.extend_from_slice(&(self.tensors.len() as u64).to_le_bytes());
        out.extend_from_slice(&(self.facts.len() as u64).to_le_bytes());
        for (key, fact) in &self.facts {
            text(&mut out, key);
            write_fact(&mut out, fact);
        }
        let mut offset = 0_usize;
        for part in &self.tensors {
            text(&mut out, &part.name);
            out.extend_from_slice(&(part.dims.len() as u32).to_le_bytes());
            for dim in &part.dims {
                out.extend_from_slice(&dim.to_le_bytes());
            }
            out.extend_from_slice(&part.kind.to_le_bytes());
            out.extend_from_slice(&(offset as u64).to_le_bytes());
            offset = (offset + part.bytes.len()).next_multiple_of(ALIGNMENT);
        }
        for part in &self.tensors {
            out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
            out.extend_from_slice(&part.bytes);
        }
        out
    }

    /// Writes it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        File::create(path)?.write_all(&self.bytes())
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn write_fact(out: &mut Vec<u8>, fact: &Fact) {
    let kind = |out: &mut Vec<u8>, kind: u32| out.extend_from_slice(&kind.to_le_bytes());
    match fact {
        Fact::Whole(n) => {
            kind(out, 11);
            out.extend_from_slice(&i64::try_from(*n).unwrap_or(i64::MAX).to_le_bytes());
        }
        Fact::Real(x) => {
            kind(out, 12);
            out.extend_from_slice(&x.to_le_bytes());
        }
        Fact::Bool(yes) => {
            kind(out, 7);
            out.push(u8::from(*yes));
        }
        Fact::Text(words) => {
            kind(out, 8);
            text(out, words);
        }
        Fact::Texts(texts) => {
            kind(out, 9);
            kind(out, 8);
            out.extend_from_slice(&(texts.len() as u64).to_le_bytes());
            for words in texts {
                text(out, words);
            }
        }
        Fact::Reals(reals) => {
            kind(out, 9);
            kind(out, 12);
            out.extend_from_slice(&(reals.len() as u64).to_le_bytes());
            for real in reals {
                out.extend_from_slice(&real.to_le_bytes());
            }
        }
    }
}

/// A kind by its name.
///
/// # Panics
/// If there is none: it is the caller's own word.
pub fn kind(name: &str) -> Kind {
    let found = KINDS.iter().find(|kind| kind.name == name);
    *found.expect("a kind of tensor")
}

/// Random weights of a kind, with scales that keep sums of a few dozen near one.
pub fn noise(name: &str, elements: usize, noise: &mut Noise) -> Vec<u8> {
    let kind = kind(name);
    let blocks = elements / kind.block_elements as usize;
    let mut out = Vec::new();
    for _ in 0..blocks {
        match name {
            "F32" => out.extend_from_slice(&(noise.signed() * 0.2).to_le_bytes()),
            "BF16" => out.extend_from_slice(&(noise.signed() * 0.2).to_le_bytes()[2..]),
            "F16" => out.extend_from_slice(&(0x2C00 | noise.bits() as u16 & 0x83FF).to_le_bytes()),
            _ => {
                let start = out.len();
                for _ in 0..kind.block_bytes {
                    out.push(noise.bits() as u8);
                }
                for (order, at) in kind.scales.iter().enumerate() {
                    // About 2^-6, or 2^-10 for blocks of signed bytes; the second one is negative, as a least value is.
                    let size = if name == "Q8_0" { 0x1400 } else { 0x2400 };
                    let sign = if order == 1 { 0x8C00 } else { 0 };
                    let scale = (size + sign) | (noise.bits() as u16 & 0x03FF);
                    out[start + at..start + at + 2].copy_from_slice(&scale.to_le_bytes());
                }
            }
        }
    }
    out
}

/// Query heads of the tiny model: its rows then have three blocks or five, so that a pair is left over everywhere.
const TINY_HEADS: u64 = 6;
const TINY_KEY_HEADS: u64 = 2;
const TINY_HEAD_WIDTH: u64 = 16;
const TINY_LAYERS: u64 = 2;

/// A model that says nothing sensible, in a hundredth of a second: bytes and a few pairs as tokens, two layers.
pub fn tiny(seed: u64, weights: &str) -> Draft {
    tiny_with(seed, weights, TINY_HEADS)
}

/// The same with another number of query heads. With eight all rows have whole pairs of blocks, which candle wants.
pub fn tiny_with(seed: u64, weights: &str, heads: u64) -> Draft {
    weighed(seed, weights, heads, Letters::Bytes)
}

/// One that writes printable letters, one a token: its texts say which tokens they were.
pub fn tiny_ascii(seed: u64) -> Draft {
    weighed(seed, "Q4_1", TINY_HEADS, Letters::Printable)
}

/// What a tiny model's tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    /// All bytes, a few pairs of them, and a mark between turns.
    Bytes,
    /// What can be printed.
    Printable,
}

fn weighed(seed: u64, weights: &str, heads: u64, letters: Letters) -> Draft {
    let width = heads * TINY_HEAD_WIDTH;
    let inner = width + 64;
    let mut random = Noise::new(seed);
    let mut draft = tiny_facts(heads, width, inner, letters);
    let Some((_, Fact::Texts(tokens))) = draft
        .facts
        .iter()
        .find(|(key, _)| key == "tokenizer.ggml.tokens")
    else {
        return draft;
    };
    let vocabulary = tokens.len() as u64;
    let mut add = |name: String, dims: &[u64], kind_name: &str| {
        let elements: u64 = dims.iter().product();
        let bytes = if dims.len() == 1 {
            (0..elements)
                .flat_map(|_| (1.0 + random.signed() * 0.1).to_le_bytes())
                .collect()
        } else {
            noise(kind_name, elements as usize, &mut random)
        };
        draft.tensors.push(Part {
            name,
            dims: dims.to_vec(),
            kind: kind(kind_name).id,
            bytes,
        });
    };
    let head = if weights.ends_with("_K") {
        weights
    } else {
        "Q8_0"
    };
    add("token_embd.weight".to_owned(), &[width, vocabulary], head);
    add("output_norm.weight".to_owned(), &[width], "F32");
    let keys = TINY_KEY_HEADS * TINY_HEAD_WIDTH;
    for layer in 0..TINY_LAYERS {
        for (name, dims) in [
            ("attn_norm", &[width][..]),
            ("ffn_norm", &[width]),
            ("attn_q", &[width, width]),
            ("attn_k", &[width, keys]),
            ("attn_v", &[width, keys]),
            ("attn_output", &[width, width]),
            ("ffn_gate", &[width, inner]),
            ("ffn_up", &[width, inner]),
            ("ffn_down", &[inner, width]),
        ] {
            let kind_name = if dims.len() == 1 { "F32" } else { weights };
            add(format!("blk.{layer}.{name}.weight"), dims, kind_name);
        }
    }
    draft
}

fn tiny_facts(heads: u64, width: u64, inner: u64, letters: Letters) -> Draft {
    let mut tokens = vec!["<|end|>".to_owned()];
    let (bytes, merges, context): (Vec<u8>, &[&str], u64) = match letters {
        Letters::Bytes => {
            tokens.push("<|turn|>".to_owned());
            let pairs = &["h e", "l l", "he ll", "hell o", "Ġ w", "o r"];
            ((0..=u8::MAX).collect(), pairs, 256)
        }
        Letters::Printable => ((b'\n'..=b'\n').chain(b' '..=b'~').collect(), &[], 512),
    };
    let mut kinds = vec![3.0; tokens.len()];
    tokens.extend(
        bytes
            .into_iter()
            .map(crate::model::letter)
            .map(String::from),
    );
    for merge in merges {
        tokens.push(merge.replace(' ', ""));
    }
    kinds.resize(tokens.len(), 1.0);
    let mut draft = Draft::default();
    let whole = |n: u64| Fact::Whole(i128::from(n));
    for (key, fact) in [
        ("general.architecture", Fact::Text("llama".to_owned())),
        ("general.name", Fact::Text("tiny".to_owned())),
        ("llama.block_count", whole(TINY_LAYERS)),
        ("llama.context_length", whole(context)),
        ("llama.embedding_length", whole(width)),
        ("llama.feed_forward_length", whole(inner)),
        ("llama.attention.head_count", whole(heads)),
        ("llama.attention.head_count_kv", whole(TINY_KEY_HEADS)),
        ("llama.attention.layer_norm_rms_epsilon", Fact::Real(1e-5)),
        ("llama.rope.freq_base", Fact::Real(10_000.0)),
        ("tokenizer.ggml.model", Fact::Text("gpt2".to_owned())),
        ("tokenizer.ggml.pre", Fact::Text("smollm".to_owned())),
        ("tokenizer.ggml.tokens", Fact::Texts(tokens)),
        ("tokenizer.ggml.token_type", Fact::Reals(kinds)),
        (
            "tokenizer.ggml.merges",
            Fact::Texts(merges.iter().map(|pair| (*pair).to_owned()).collect()),
        ),
        ("tokenizer.ggml.eos_token_id", whole(0)),
    ] {
        draft.set(key, fact);
    }
    draft
}

/// The same weights in another kind: tensors of `from` as `to`, rounded to the nearest that it can say. What a server does that
/// stores weights its own way.
///
/// # Panics
/// If candle knows one of them not.
pub fn retold(draft: &mut Draft, from: &str, to: &str) {
    use candle_core::{
        Device,
        quantized::{QStorage, QTensor},
    };
    let dtype = |name: &str| match name {
        "Q4_1" => GgmlDType::Q4_1,
        "Q8_0" => GgmlDType::Q8_0,
        "F32" => GgmlDType::F32,
        other => panic!("{other} is not retold"),
    };
    let (was, is) = (kind(from), kind(to));
    for part in draft.tensors.iter_mut().filter(|part| part.kind == was.id) {
        let elements: u64 = part.dims.iter().product();
        let shape = usize::try_from(elements).expect("it fits memory");
        let bytes = Cow::Borrowed(part.bytes.as_slice());
        let retell = || {
            let storage = QStorage::from_data(bytes, &Device::Cpu, dtype(from))?;
            let tensor = QTensor::new(storage, shape)?.dequantize(&Device::Cpu)?;
            let told = QTensor::quantize(&tensor, dtype(to))?;
            told.data().map(Cow::into_owned)
        };
        part.bytes = candle_core::Result::expect(retell(), "both kinds are candle's");
        part.kind = is.id;
    }
}
