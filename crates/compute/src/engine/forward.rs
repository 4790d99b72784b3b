//! The forward pass: states at every position that is fed.

use rayon::prelude::*;

use super::{
    kernel,
    weights::{Layer, Weights},
};
use crate::model::Config;

/// Positions times heads below which attention is not worth handing to other threads.
const ATTENTION_MIN: usize = 256;

/// What a sequence has been fed so far: keys and values of each layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    layers: Vec<(Vec<f32>, Vec<f32>)>,
    pub(crate) length: usize,
}

/// Sines and cosines of positions, as many as have been asked for.
#[derive(Clone, Debug, Default)]
struct Angles {
    pairs: Vec<(f32, f32)>,
}

/// A sequence in work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    cache: Cache,
    angles: Angles,
}

impl Sequence {
    /// Positions that were fed.
    pub(crate) const fn length(&self) -> usize {
        self.cache.length
    }

    /// Feeds tokens and gives the last hidden state of each. Tokens must be in the vocabulary.
    pub(crate) fn feed(&mut self, config: &Config, weights: &Weights, tokens: &[u32]) -> Vec<f32> {
        let first = self.cache.length;
        self.angles.extend(config, weights, first + tokens.len());
        self.cache
            .layers
            .resize_with(config.layers, Default::default);
        let mut states = vec![0.0; tokens.len() * config.width];
        for (token, state) in tokens.iter().zip(states.chunks_mut(config.width)) {
            weights.embedding.row(*token as usize, state);
        }
        for (layer, cache) in weights.layers.iter().zip(&mut self.cache.layers) {
            attend(config, layer, cache, &self.angles, first, &mut states);
            think(config, layer, &mut states);
        }
        self.cache.length += tokens.len();
        normed(config, &states, &weights.norm)
    }
}

/// The attention half of a layer.
fn attend(
    config: &Config,
    layer: &Layer,
    (keys, values): &mut (Vec<f32>, Vec<f32>),
    angles: &Angles,
    first: usize,
    states: &mut [f32],
) {
    let (query_width, key_width) = (config.query_width(), config.key_width());
    let input = normed(config, states, &layer.attention_norm);
    let mut products = layer.attention_in.products(&input);
    let row_width = query_width + 2 * key_width;
    for (at, row) in products.chunks_mut(row_width).enumerate() {
        angles.turn(config, first + at, &mut row[..query_width + key_width]);
        keys.extend_from_slice(&row[query_width..query_width + key_width]);
        values.extend_from_slice(&row[query_width + key_width..]);
    }
    let (keys, values) = (&*keys, &*values);
    let count = products.len() / row_width;
    let mut seen = vec![0.0; count * query_width];
    let one_head = |(index, out): (usize, &mut [f32])| {
        let (at, head) = (index / config.heads, index % config.heads);
        let query = &products[at * row_width + head * config.head_width..][..config.head_width];
        look_back(config, query, head, first + at, keys, values, out);
    };
    let heads = seen.chunks_mut(config.head_width).enumerate();
    if count * (first + count) * config.heads < ATTENTION_MIN {
        heads.for_each(one_head);
    } else {
        seen.par_chunks_mut(config.head_width)
            .enumerate()
            .for_each(one_head);
    }
    add(states, &layer.attention_out.products(&seen));
}

/// One query head over all positions up to its own.
fn look_back(
    config: &Config,
    query: &[f32],
    head: usize,
    position: usize,
    keys: &[f32],
    values: &[f32],
    out: &mut [f32],
) {
    let (width, key_width) = (config.head_width, config.key_width());
    let start = head / (config.heads / config.key_heads) * width;
    let scale = 1.0 / (width as f32).sqrt();
    let mut scores = Vec::with_capacity(position + 1);
    let mut most = f32::NEG_INFINITY;
    for key in keys.chunks_exact(key_width).take(position + 1) {
        let score = kernel::dot(query, &key[start..start + width]) * scale;
        most = most.max(score);
        scores.push(score);
    }
    let sum = kernel::exp_sum(&mut scores, most);
    for (score, value) in scores.iter().zip(values.chunks_exact(key_width)) {
        kernel::add_scaled(out, *score, &value[start..start + width]);
    }
    let inverse = 1.0 / sum;
    for x in out {
        *x *= inverse;
    }
}

/// The other half of a layer.
fn think(config: &Config, layer: &Layer, states: &mut [f32]) {
    let input = normed(config, states, &layer.inner_norm);
    let mut products = layer.inner_in.products(&input);
    let width = config.inner_width;
    let mut inner = vec![0.0; products.len() / 2];
    let gate = |(row, out): (&mut [f32], &mut [f32])| {
        let (gate, up) = row.split_at_mut(width);
        kernel::gated(gate, up);
        out.copy_from_slice(gate);
    };
    if inner.len() == width {
        gate((&mut products, &mut inner));
    } else {
        products
            .par_chunks_mut(2 * width)
            .zip(inner.par_chunks_mut(width))
            .for_each(gate);
    }
    add(states, &layer.inner_out.products(&inner));
}

fn add(states: &mut [f32], more: &[f32]) {
    for (state, more) in states.iter_mut().zip(more) {
        *state += more;
    }
}

/// Each row over the root of its mean square, times the gains.
fn normed(config: &Config, states: &[f32], gains: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(states.len());
    for row in states.chunks_exact(config.width) {
        let mean = kernel::dot(row, row) / config.width as f32;
        let scale = 1.0 / (mean + config.epsilon).sqrt();
        out.extend(row.iter().zip(gains).map(|(x, gain)| x * scale * gain));
    }
    out
}

impl Angles {
    fn extend(&mut self, config: &Config, weights: &Weights, length: usize) {
        let half = config.head_width / 2;
        for position in self.pairs.len() / half..length {
            for pair in 0..half {
                let turn = -2.0 * pair as f64 / config.head_width as f64;
                let factor = weights.angle_factors.get(pair).copied().unwrap_or(1.0);
                let speed = libm::pow(config.angle_base, turn) / f64::from(factor);
                let angle = position as f64 * config.angle_scale * speed;
                self.pairs
                    .push((libm::cos(angle) as f32, libm::sin(angle) as f32));
            }
        }
    }

    /// Turns each head of a row by the angles of its position.
    fn turn(&self, config: &Config, position: usize, row: &mut [f32]) {
        let half = config.head_width / 2;
        let angles = &self.pairs[position * half..(position + 1) * half];
        for head in row.chunks_exact_mut(config.head_width) {
            for (pair, (cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
                let [a, b] = *pair;
                *pair = [a * cos - b * sin, a * sin + b * cos];
            }
        }
    }
}
