//! The sizes of a model, held against each other before anything is made of them.

use super::{
    error::ModelError,
    gguf::{Gguf, to_usize},
};

/// Layers that a model may have.
const LAYERS_MAX: u64 = 1_024;
/// Positions that a context may have.
const CONTEXT_MAX: u64 = 1 << 20;
/// Numbers that any other size may be.
const SIZE_MAX: u64 = 1 << 24;

/// Sizes of a llama-style model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name that the file gives itself.
    pub name: String,
    /// Layers.
    pub layers: usize,
    /// Numbers in a state.
    pub width: usize,
    /// Numbers between gate and down.
    pub inner_width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key heads; each serves as many query heads as any other.
    pub key_heads: usize,
    /// Numbers in a head.
    pub head_width: usize,
    /// Positions that the model was trained for.
    pub context: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// What is added to a mean square.
    pub epsilon: f32,
    /// Base of the angles.
    pub angle_base: f64,
    /// Positions count for this much of themselves.
    pub angle_scale: f64,
}

impl Config {
    /// From the facts of a file.
    pub(crate) fn of(file: &Gguf) -> Result<Self, ModelError> {
        let architecture = file
            .text("general.architecture")
            .ok_or_else(|| ModelError::missing("general.architecture"))?;
        if architecture != "llama" {
            return Err(ModelError::Architecture(architecture.to_owned()));
        }
        if file.whole("llama.expert_count")?.unwrap_or(0) > 0 {
            return Err(ModelError::Unsupported("a mixture of experts".to_owned()));
        }
        let size = |key: &str, max: u64| -> Result<u64, ModelError> {
            let size = file.whole(key)?.ok_or_else(|| ModelError::missing(key))?;
            if size == 0 || size > max {
                return Err(ModelError::wrong(key));
            }
            Ok(size)
        };
        let width = size("llama.embedding_length", SIZE_MAX)?;
        let heads = size("llama.attention.head_count", 4_096)?;
        let key_heads = file
            .whole("llama.attention.head_count_kv")?
            .unwrap_or(heads);
        let head_width = file
            .whole("llama.attention.key_length")?
            .unwrap_or(width / heads);
        let turned = file
            .whole("llama.rope.dimension_count")?
            .unwrap_or(head_width);
        let vocabulary = file
            .texts("tokenizer.ggml.tokens")
            .ok_or_else(|| ModelError::missing("tokenizer.ggml.tokens"))?
            .len() as u64;
        fits(
            "heads and key heads",
            heads,
            key_heads,
            key_heads > 0 && heads.is_multiple_of(key_heads),
        )?;
        fits(
            "numbers in a head and those that turn",
            head_width,
            turned,
            head_width == turned,
        )?;
        fits(
            "numbers in a head and their pairs",
            head_width,
            2,
            head_width > 0 && head_width.is_multiple_of(2) && head_width <= 1_024,
        )?;
        let values = file
            .whole("llama.attention.value_length")?
            .unwrap_or(head_width);
        fits(
            "numbers in a key and a value",
            head_width,
            values,
            head_width == values,
        )?;
        let epsilon_key = "llama.attention.layer_norm_rms_epsilon";
        let epsilon = file
            .real(epsilon_key)?
            .ok_or_else(|| ModelError::missing(epsilon_key))?;
        if !(0.0..=1.0).contains(&epsilon) {
            return Err(ModelError::wrong(epsilon_key));
        }
        let angle_base = file.real("llama.rope.freq_base")?.unwrap_or(10_000.0);
        if angle_base < 1.0 {
            return Err(ModelError::wrong("llama.rope.freq_base"));
        }
        Ok(Self {
            name: file.text("general.name").unwrap_or("unnamed").to_owned(),
            layers: to_usize(size("llama.block_count", LAYERS_MAX)?)?,
            width: to_usize(width)?,
            inner_width: to_usize(size("llama.feed_forward_length", SIZE_MAX)?)?,
            heads: to_usize(heads)?,
            key_heads: to_usize(key_heads)?,
            head_width: to_usize(head_width)?,
            context: to_usize(size("llama.context_length", CONTEXT_MAX)?)?,
            vocabulary: to_usize(vocabulary)?,
            epsilon: epsilon as f32,
            angle_base,
            angle_scale: angle_scale(file)?,
        })
    }

    /// Numbers in the keys of one position.
    pub(crate) const fn key_width(&self) -> usize {
        self.key_heads * self.head_width
    }

    /// Numbers in the queries of one position.
    pub(crate) const fn query_width(&self) -> usize {
        self.heads * self.head_width
    }
}

fn angle_scale(file: &Gguf) -> Result<f64, ModelError> {
    let kind = file.text("llama.rope.scaling.type").unwrap_or("none");
    let factor = file.real("llama.rope.scaling.factor")?.unwrap_or(1.0);
    match kind {
        "none" => Ok(1.0),
        "linear" if factor >= 1.0 => Ok(1.0 / factor),
        "linear" => Err(ModelError::wrong("llama.rope.scaling.factor")),
        other => Err(ModelError::Unsupported(format!(
            "rotation scaled by `{other}`"
        ))),
    }
}

fn fits(what: &'static str, left: u64, right: u64, they_do: bool) -> Result<(), ModelError> {
    if they_do {
        Ok(())
    } else {
        Err(ModelError::Unfit { what, left, right })
    }
}
