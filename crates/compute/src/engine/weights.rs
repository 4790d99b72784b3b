//! The weights of a model, as the forward pass wants them.

use std::io::{Read, Seek};

use super::linear::{Bank, Matrix, floats};
use crate::model::{
    Config, ModelError,
    gguf::{Gguf, Tensor, to_usize},
};

/// One layer.
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    /// Query, key, value.
    pub(crate) attention_in: Bank,
    pub(crate) attention_out: Bank,
    pub(crate) inner_norm: Vec<f32>,
    /// Gate, up.
    pub(crate) inner_in: Bank,
    pub(crate) inner_out: Bank,
}

/// All of them.
pub(crate) struct Weights {
    pub(crate) embedding: Bank,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Vec<f32>,
    /// None where the embedding serves.
    pub(crate) head: Option<Bank>,
    /// What divides the angle of each pair.
    pub(crate) angle_factors: Vec<f32>,
}

impl Weights {
    pub(crate) fn head(&self) -> &Bank {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Whether all of it runs on kernels that are the same everywhere.
    pub(crate) fn is_exact(&self) -> bool {
        let layers = self.layers.iter().flat_map(|layer| {
            [
                &layer.attention_in,
                &layer.attention_out,
                &layer.inner_in,
                &layer.inner_out,
            ]
        });
        layers
            .chain([&self.embedding, self.head()])
            .all(Bank::is_exact)
    }

    /// Reads them; `own` says whether our kernels take what they can.
    pub(crate) fn read<R: Read + Seek>(
        file: &Gguf,
        config: &Config,
        from: &mut R,
        own: bool,
    ) -> Result<Self, ModelError> {
        let mut loader = Loader { file, from, own };
        let embedding = loader.bank(&[("token_embd.weight", config.vocabulary)], config.width)?;
        let mut layers = Vec::new();
        for index in 0..config.layers {
            layers.push(loader.layer(config, index)?);
        }
        let head = if file.tensors.contains_key("output.weight") {
            Some(loader.bank(&[("output.weight", config.vocabulary)], config.width)?)
        } else {
            None
        };
        let factors = "rope_freqs.weight";
        let angle_factors = if file.tensors.contains_key(factors) {
            loader.vector(factors, config.head_width / 2)?
        } else {
            Vec::new()
        };
        if angle_factors.contains(&0.0) {
            return Err(ModelError::NotFinite(factors.to_owned()));
        }
        Ok(Self {
            embedding,
            layers,
            norm: loader.vector("output_norm.weight", config.width)?,
            head,
            angle_factors,
        })
    }
}

struct Loader<'a, R> {
    file: &'a Gguf,
    from: &'a mut R,
    own: bool,
}

impl<R: Read + Seek> Loader<'_, R> {
    fn layer(&mut self, config: &Config, index: usize) -> Result<Layer, ModelError> {
        let name = |what: &str| format!("blk.{index}.{what}.weight");
        let (width, inner) = (config.width, config.inner_width);
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm"), width)?,
            attention_in: self.bank(
                &[
                    (&name("attn_q"), config.query_width()),
                    (&name("attn_k"), config.key_width()),
                    (&name("attn_v"), config.key_width()),
                ],
                width,
            )?,
            attention_out: self.bank(&[(&name("attn_output"), width)], config.query_width())?,
            inner_norm: self.vector(&name("ffn_norm"), width)?,
            inner_in: self.bank(
                &[(&name("ffn_gate"), inner), (&name("ffn_up"), inner)],
                width,
            )?,
            inner_out: self.bank(&[(&name("ffn_down"), width)], inner)?,
        })
    }

    fn tensor(&self, name: &str, dims: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self
            .file
            .tensors
            .get(name)
            .ok_or_else(|| ModelError::missing(name))?;
        let expected = dims.iter().map(|dim| *dim as u64);
        if tensor.dims.iter().copied().eq(expected) {
            Ok(tensor.clone())
        } else {
            Err(ModelError::Shape {
                name: name.to_owned(),
                dims: tensor.dims.clone(),
            })
        }
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, ModelError> {
        let tensor = self.tensor(name, &[length])?;
        if to_usize(tensor.kind.block_elements)? != 1 {
            return Err(ModelError::Unsupported(format!("`{name}` in blocks")));
        }
        let floats = floats(tensor.kind, &self.file.bytes(self.from, &tensor)?);
        if floats.iter().all(|x| x.is_finite()) {
            Ok(floats)
        } else {
            Err(ModelError::NotFinite(name.to_owned()))
        }
    }

    fn bank(&mut self, matrices: &[(&str, usize)], columns: usize) -> Result<Bank, ModelError> {
        let mut read = Vec::new();
        for (name, rows) in matrices {
            let tensor = self.tensor(name, &[columns, *rows])?;
            let bytes = self.file.bytes(self.from, &tensor)?;
            read.push(Matrix::of(
                name,
                tensor.kind,
                *rows,
                columns,
                &bytes,
                self.own,
            )?);
        }
        Ok(Bank::of(read))
    }
}
