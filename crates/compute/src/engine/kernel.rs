//! Products of quantised rows with an input, and the plain float loops beside them.
//!
//! What is written here is the definition (specs/engine.md): eight lanes, a fixed tree at the end, nothing fused. `x86` computes
//! the same bits with AVX2, and is chosen once, at run time.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

/// Elements of a block.
pub(crate) const BLOCK: usize = 32;
/// Blocks are stored in pairs; a row of an odd number ends with a block of zeros.
pub(crate) const PAIR: usize = 2 * BLOCK;
/// Rows of input that one pass over the weights serves.
pub(crate) const TILE: usize = 4;
/// Lanes of a sum.
pub(crate) const LANES: usize = 8;
/// Halves that a vector load may read beyond the last one of a plane.
pub(crate) const SCALE_PADDING: usize = LANES;

/// Quantised rows of a matrix, in planes. In a pair of blocks the 16 first elements of both come before the 16 last of both,
/// so that one vector holds the same part of two blocks.
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    /// Four bits or eight for each element.
    pub(crate) quants: Quants,
    /// Half floats, one for each block.
    pub(crate) scales: Vec<u16>,
    /// Half floats, one for each block, or none at all.
    pub(crate) mins: Vec<u16>,
    /// Pairs of blocks in a row.
    pub(crate) pairs: usize,
}

/// The integers of blocks.
#[derive(Clone, Debug)]
pub(crate) enum Quants {
    /// Byte `j` of a pair's 32 holds element `j` in its low half, and in its high half the one 16 further in its block.
    Four(Vec<u8>),
    /// Signed bytes.
    Eight(Vec<i8>),
}

/// A row of input, rounded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// Signed bytes in the order of planes.
    pub(crate) quants: Vec<i8>,
    /// Scale of each block, four times, as lanes want it.
    pub(crate) scales: Vec<f32>,
    /// Scale times sum of each block, padded to whole vectors with zeros.
    pub(crate) sums: Vec<f32>,
}

/// Adding and taking this away rounds a small float to the nearest integer, ties to even.
const ROUNDER: f32 = 12_582_912.0;

impl Input {
    /// Rounds a row.
    pub(crate) fn of(row: &[f32]) -> Self {
        let pairs = row.len().div_ceil(PAIR);
        let mut input = Self {
            quants: vec![0; pairs * PAIR],
            scales: vec![0.0; pairs * LANES],
            sums: vec![0.0; (pairs * 2).next_multiple_of(LANES)],
        };
        for (block, values) in row.chunks_exact(BLOCK).enumerate() {
            let mut largest = 0.0_f32;
            for value in values {
                largest = largest.max(value.abs());
            }
            let scale = largest / 127.0;
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            let (pair, half) = (block / 2, block % 2);
            let mut sum = 0_i32;
            for (at, value) in values.iter().enumerate() {
                let rounded = (value * inverse + ROUNDER - ROUNDER) as i8;
                sum += i32::from(rounded);
                let place = pair * PAIR + (at / 16) * BLOCK + half * 16 + at % 16;
                input.quants[place] = rounded;
            }
            let lanes = pair * LANES + half * 4;
            input.scales[lanes..lanes + 4].fill(scale);
            input.sums[block] = scale * sum as f32;
        }
        input
    }
}

/// Products of rows `first..` of the planes with each input. `out[t]` gets those of input `t`.
pub(crate) fn products(planes: &Planes, first: usize, inputs: &[Input], out: &mut [&mut [f32]]) {
    debug_assert_eq!(inputs.len(), out.len());
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        x86::products(planes, first, inputs, out);
        return;
    }
    portable::products(planes, first, inputs, out);
}

/// The product of two rows of floats.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        return x86::dot(a, b);
    }
    portable::dot(a, b)
}

/// Adds `factor * b` to `a`.
pub(crate) fn add_scaled(a: &mut [f32], factor: f32, b: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        x86::add_scaled(a, factor, b);
        return;
    }
    portable::add_scaled(a, factor, b);
}

/// Replaces each `a` by `exp(a - most)`, and gives their sum.
pub(crate) fn exp_sum(a: &mut [f32], most: f32) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        return x86::exp_sum(a, most);
    }
    portable::exp_sum(a, most)
}

/// Replaces each gate by `silu(gate) * up`.
pub(crate) fn gated(gate: &mut [f32], up: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        x86::gated(gate, up);
        return;
    }
    portable::gated(gate, up);
}

/// Whether the fast path runs here.
pub(crate) fn has_avx2() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c")
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    })
}

/// The sum of lanes as a tree.
#[inline(always)]
pub(crate) fn tree(lanes: [f32; LANES]) -> f32 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// `exp` in plain arithmetic: within two units in the last place, and the same bits on every machine.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let turns = x * std::f32::consts::LOG2_E + ROUNDER - ROUNDER;
    // ln 2 in two parts, so that the product with a small integer is exact.
    let rest = x - turns * 0.693_359_4 - turns * -2.121_944_4e-4;
    let mut sum = 1.987_569_1e-4;
    for factor in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_6e-1,
        0.5,
    ] {
        sum = sum * rest + factor;
    }
    let sum = sum * (rest * rest) + rest + 1.0;
    sum * f32::from_bits(((turns as i32 + 127) as u32) << 23)
}

/// Bodies that both paths share: the compiler makes vectors of them where the caller may use any.
pub(crate) mod portable {
    use super::{BLOCK, Input, LANES, PAIR, Planes, Quants, exp, tree};
    use crate::engine::half::half_to_f32;

    pub(crate) fn products(
        planes: &Planes,
        first: usize,
        inputs: &[Input],
        out: &mut [&mut [f32]],
    ) {
        for (input, out) in inputs.iter().zip(out) {
            for (row, out) in (first..).zip(out.iter_mut()) {
                *out = product(planes, row, input);
            }
        }
    }

    fn product(planes: &Planes, row: usize, input: &Input) -> f32 {
        let mut lanes = [0.0_f32; LANES];
        for pair in 0..planes.pairs {
            let whole = integers(
                &planes.quants,
                row * planes.pairs + pair,
                &input.quants[pair * PAIR..],
            );
            for (lane, whole) in whole.into_iter().enumerate() {
                let block = (row * planes.pairs + pair) * 2 + lane / 4;
                let scale = half_to_f32(planes.scales[block]) * input.scales[pair * LANES + lane];
                lanes[lane] += scale * whole as f32;
            }
        }
        let sum = tree(lanes);
        if planes.mins.is_empty() {
            return sum;
        }
        let mut lanes = [0.0_f32; LANES];
        for block in 0..planes.pairs * 2 {
            let min = half_to_f32(planes.mins[row * planes.pairs * 2 + block]);
            lanes[block % LANES] += min * input.sums[block];
        }
        sum + tree(lanes)
    }

    /// Sums of four products and four more, per lane, in integers.
    fn integers(quants: &Quants, pair: usize, input: &[i8]) -> [i32; LANES] {
        let mut lanes = [0_i32; LANES];
        for (at, lane) in (0..BLOCK).map(|at| (at, at / 4)) {
            let (low, high) = match quants {
                Quants::Four(bytes) => {
                    let byte = bytes[pair * BLOCK + at];
                    (i32::from(byte & 15), i32::from(byte >> 4))
                }
                Quants::Eight(bytes) => (
                    i32::from(bytes[pair * PAIR + at]),
                    i32::from(bytes[pair * PAIR + BLOCK + at]),
                ),
            };
            lanes[lane] += low * i32::from(input[at]) + high * i32::from(input[BLOCK + at]);
        }
        lanes
    }

    #[inline(always)]
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; LANES];
        let (a, a_rest) = a.as_chunks::<LANES>();
        let (b, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
            lanes[lane] += a * b;
        }
        tree(lanes)
    }

    #[inline(always)]
    pub(crate) fn add_scaled(a: &mut [f32], factor: f32, b: &[f32]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += factor * b;
        }
    }

    #[inline(always)]
    pub(crate) fn exp_sum(a: &mut [f32], most: f32) -> f32 {
        let mut lanes = [0.0_f32; LANES];
        let (whole, rest) = a.as_chunks_mut::<LANES>();
        for chunk in whole {
            for lane in 0..LANES {
                chunk[lane] = exp(chunk[lane] - most);
                lanes[lane] += chunk[lane];
            }
        }
        for (lane, a) in rest.iter_mut().enumerate() {
            *a = exp(*a - most);
            lanes[lane] += *a;
        }
        tree(lanes)
    }

    #[inline(always)]
    pub(crate) fn gated(gate: &mut [f32], up: &[f32]) {
        for (gate, up) in gate.iter_mut().zip(up) {
            *gate = *gate / (1.0 + exp(-*gate)) * up;
        }
    }
}
