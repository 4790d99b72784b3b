//! Matrices of weights: rows that are multiplied with an input.

use std::borrow::Cow;

use candle_core::{
    Device, Module as _, Tensor as CandleTensor,
    quantized::{GgmlDType, QMatMul, QStorage, QTensor},
};
use rayon::prelude::*;

use super::{
    half::{half_to_f32, is_finite, times_minus_eight},
    kernel::{self, BLOCK, Input, PAIR, Planes, Quants, SCALE_PADDING, TILE},
};
use crate::model::{ModelError, gguf::Kind};

/// Rows below which a share of the work is not worth handing to another thread.
const ROWS_MIN: usize = 32;

/// One matrix.
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    store: Store,
}

enum Store {
    /// Our own kernels.
    Planes(Planes),
    /// Floats, row after row.
    Floats(Vec<f32>),
    /// Candle's kernels.
    Candle { product: QMatMul, table: QTensor },
}

impl Matrix {
    /// From a file's bytes, row after row.
    pub(crate) fn of(
        name: &str,
        kind: Kind,
        rows: usize,
        columns: usize,
        bytes: &[u8],
        own: bool,
    ) -> Result<Self, ModelError> {
        let not_finite = || ModelError::NotFinite(name.to_owned());
        if !scales_are_finite(kind, bytes) {
            return Err(not_finite());
        }
        let planes = match kind.name {
            "Q4_0" | "Q4_1" | "Q8_0" if own => planes(kind, rows, columns, bytes),
            _ => None,
        };
        let store = match (planes, kind.name) {
            (Some(planes), _) => Store::Planes(planes),
            (None, "F32" | "F16" | "BF16") => {
                let floats = floats(kind, bytes);
                if floats.iter().any(|x| !x.is_finite()) {
                    return Err(not_finite());
                }
                Store::Floats(floats)
            }
            _ => candle(name, kind, rows, columns, bytes)?,
        };
        Ok(Self {
            rows,
            columns,
            store,
        })
    }

    /// One row, as floats.
    pub(crate) fn row(&self, row: usize, out: &mut [f32]) {
        match &self.store {
            Store::Floats(floats) => {
                out.copy_from_slice(&floats[row * self.columns..][..self.columns]);
            }
            Store::Planes(planes) => plane_row(planes, row, out),
            Store::Candle { table, .. } => {
                let read = || {
                    let id = CandleTensor::new(&[u32::try_from(row).unwrap_or(0)], &Device::Cpu)?;
                    table.embedding(&id)?.flatten_all()?.to_vec1::<f32>()
                };
                out.copy_from_slice(&read().expect("the shape was checked when it was loaded"));
            }
        }
    }

    /// Whether it runs on kernels that are the same everywhere.
    pub(crate) fn is_exact(&self) -> bool {
        !matches!(self.store, Store::Candle { .. })
    }
}

/// Matrices that read the same input.
pub(crate) struct Bank {
    matrices: Vec<Matrix>,
    columns: usize,
    rows: usize,
}

impl Bank {
    pub(crate) fn of(matrices: Vec<Matrix>) -> Self {
        Self {
            columns: matrices.first().map_or(0, |matrix| matrix.columns),
            rows: matrices.iter().map(|matrix| matrix.rows).sum(),
            matrices,
        }
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.matrices.iter().all(Matrix::is_exact)
    }

    /// One row of the first matrix.
    pub(crate) fn row(&self, row: usize, out: &mut [f32]) {
        self.matrices[0].row(row, out);
    }

    /// The products of each input row: for each, those of all matrices, one after the other.
    pub(crate) fn products(&self, input: &[f32]) -> Vec<f32> {
        let count = input.len() / self.columns;
        let mut out = vec![0.0; count * self.rows];
        let rounds = |matrix: &Matrix| matches!(matrix.store, Store::Planes(_));
        let rounded: Vec<Input> = if !self.matrices.iter().any(rounds) {
            Vec::new()
        } else if count == 1 {
            vec![Input::of(input)]
        } else {
            input.par_chunks(self.columns).map(Input::of).collect()
        };
        if count < TILE {
            for (at, out) in out.chunks_mut(self.rows).enumerate() {
                let rounded = rounded.get(at..=at).unwrap_or_default();
                let input = &input[at * self.columns..][..self.columns];
                self.spread_rows(input, rounded, out);
            }
        } else {
            self.spread_inputs(input, &rounded, &mut out);
        }
        self.add_candle(input, count, &mut out);
        out
    }

    /// One input: threads share the rows.
    fn spread_rows(&self, input: &[f32], rounded: &[Input], out: &mut [f32]) {
        let mut rest = out;
        let mut shares = Vec::new();
        let share = (self.rows / (rayon::current_num_threads() * 2))
            .max(ROWS_MIN)
            .next_multiple_of(4);
        for matrix in &self.matrices {
            let (own, others) = rest.split_at_mut(matrix.rows);
            rest = others;
            for (at, out) in own.chunks_mut(share).enumerate() {
                shares.push((matrix, at * share, out));
            }
        }
        let work = |(matrix, first, out): (&Matrix, usize, &mut [f32])| {
            matrix.multiply(first, input, rounded, &mut [out]);
        };
        if rayon::current_num_threads() == 1 {
            shares.into_iter().for_each(work);
        } else {
            shares.into_par_iter().for_each(work);
        }
    }

    /// Many inputs: threads share them, a tile at a time.
    fn spread_inputs(&self, input: &[f32], rounded: &[Input], out: &mut [f32]) {
        out.par_chunks_mut(TILE * self.rows)
            .enumerate()
            .for_each(|(tile, out)| {
                let first = tile * TILE;
                let count = out.len() / self.rows;
                let rounded = rounded.get(first..first + count).unwrap_or_default();
                let input = &input[first * self.columns..][..count * self.columns];
                let mut start = 0;
                for matrix in &self.matrices {
                    let mut outs: Vec<&mut [f32]> = out
                        .chunks_mut(self.rows)
                        .map(|row| &mut row[start..start + matrix.rows])
                        .collect();
                    matrix.multiply(0, input, rounded, &mut outs);
                    start += matrix.rows;
                }
            });
    }

    /// Candle spreads its work over threads of its own, whatever ours are.
    fn add_candle(&self, input: &[f32], count: usize, out: &mut [f32]) {
        let mut start = 0;
        for matrix in &self.matrices {
            if let Store::Candle { product, .. } = &matrix.store {
                let run = || {
                    let shape = (count, self.columns);
                    let input = CandleTensor::from_slice(input, shape, &Device::Cpu)?;
                    product.forward(&input)?.flatten_all()?.to_vec1::<f32>()
                };
                let products = run().expect("the shape was checked when it was loaded");
                let rows = products.chunks_exact(matrix.rows);
                for (out, products) in out.chunks_mut(self.rows).zip(rows) {
                    out[start..start + matrix.rows].copy_from_slice(products);
                }
            }
            start += matrix.rows;
        }
    }
}

impl Matrix {
    /// Rows from `first` with each input.
    fn multiply(&self, first: usize, input: &[f32], rounded: &[Input], out: &mut [&mut [f32]]) {
        match &self.store {
            Store::Planes(planes) => kernel::products(planes, first, rounded, out),
            Store::Floats(floats) => {
                for (input, out) in input.chunks_exact(self.columns).zip(out) {
                    let rows = floats[first * self.columns..].chunks_exact(self.columns);
                    for (out, row) in out.iter_mut().zip(rows) {
                        *out = kernel::dot(row, input);
                    }
                }
            }
            Store::Candle { .. } => {}
        }
    }
}

fn half_at(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

fn scales_are_finite(kind: Kind, bytes: &[u8]) -> bool {
    let block_bytes = usize::try_from(kind.block_bytes).unwrap_or(usize::MAX);
    kind.scales.is_empty()
        || bytes.par_chunks_exact(block_bytes).all(|block| {
            let mut scales = kind.scales.iter();
            scales.all(|at| is_finite(half_at(&block[*at..])))
        })
}

/// Floats of a kind that stores floats.
pub(crate) fn floats(kind: Kind, bytes: &[u8]) -> Vec<f32> {
    match kind.name {
        "F32" => {
            let words = bytes.as_chunks::<4>().0.iter();
            words.map(|word| f32::from_le_bytes(*word)).collect()
        }
        "F16" => {
            let words = bytes.as_chunks::<2>().0.iter();
            words.map(|word| half_to_f32(half_at(word))).collect()
        }
        _ => {
            let words = bytes.as_chunks::<2>().0.iter();
            words
                .map(|word| f32::from_bits(u32::from(half_at(word)) << 16))
                .collect()
        }
    }
}

/// The same weights in the order that the kernels read. None if a scale cannot be had exactly.
pub(crate) fn planes(kind: Kind, rows: usize, columns: usize, bytes: &[u8]) -> Option<Planes> {
    let blocks = columns / BLOCK;
    let pairs = columns.div_ceil(PAIR);
    let block_bytes = usize::try_from(kind.block_bytes).ok()?;
    let eight = kind.name == "Q8_0";
    let mut scales = vec![0; rows * pairs * 2 + SCALE_PADDING];
    let mut mins = vec![0; if eight { 0 } else { scales.len() }];
    let mut low_high = vec![0_u8; rows * pairs * if eight { PAIR } else { BLOCK }];
    for (at, block) in bytes.chunks_exact(block_bytes).enumerate() {
        let (row, block_index) = (at / blocks, at % blocks);
        let scale_at = row * pairs * 2 + block_index;
        let (pair, half) = (row * pairs + block_index / 2, block_index % 2 * 16);
        scales[scale_at] = half_at(block);
        if eight {
            let bytes = &block[2..];
            low_high[pair * PAIR + half..][..16].copy_from_slice(&bytes[..16]);
            low_high[pair * PAIR + BLOCK + half..][..16].copy_from_slice(&bytes[16..]);
            continue;
        }
        let (min, bytes) = match kind.name {
            "Q4_1" => (half_at(&block[2..]), &block[4..]),
            _ => (times_minus_eight(scales[scale_at])?, &block[2..]),
        };
        mins[scale_at] = min;
        low_high[pair * BLOCK + half..][..16].copy_from_slice(bytes);
    }
    let quants = if eight {
        Quants::Eight(low_high.into_iter().map(u8::cast_signed).collect())
    } else {
        Quants::Four(low_high)
    };
    Some(Planes {
        quants,
        scales,
        mins,
        pairs,
    })
}

fn plane_row(planes: &Planes, row: usize, out: &mut [f32]) {
    for (at, out) in out.iter_mut().enumerate() {
        let (block, inside) = (at / BLOCK, at % BLOCK);
        let scale_at = row * planes.pairs * 2 + block;
        let pair = row * planes.pairs + block / 2;
        let column = block % 2 * 16 + inside % 16;
        let whole = match &planes.quants {
            Quants::Four(bytes) => {
                let byte = bytes[pair * BLOCK + column];
                f32::from(if inside < 16 { byte & 15 } else { byte >> 4 })
            }
            Quants::Eight(bytes) => f32::from(bytes[pair * PAIR + inside / 16 * BLOCK + column]),
        };
        let min = planes
            .mins
            .get(scale_at)
            .map_or(0.0, |min| half_to_f32(*min));
        *out = half_to_f32(planes.scales[scale_at]) * whole + min;
    }
}

fn candle(
    name: &str,
    kind: Kind,
    rows: usize,
    columns: usize,
    bytes: &[u8],
) -> Result<Store, ModelError> {
    let odd = (columns as u64 / kind.block_elements) % 2 == 1;
    if odd && kind.block_elements == BLOCK as u64 {
        let words = format!(
            "tensor `{name}` of {}: rows of an odd number of blocks",
            kind.name
        );
        return Err(ModelError::Unsupported(words));
    }
    let kind = match kind.name {
        "Q4_0" => GgmlDType::Q4_0,
        "Q4_1" => GgmlDType::Q4_1,
        "Q5_0" => GgmlDType::Q5_0,
        "Q5_1" => GgmlDType::Q5_1,
        "Q8_0" => GgmlDType::Q8_0,
        "Q2_K" => GgmlDType::Q2K,
        "Q3_K" => GgmlDType::Q3K,
        "Q4_K" => GgmlDType::Q4K,
        "Q5_K" => GgmlDType::Q5K,
        "Q6_K" => GgmlDType::Q6K,
        other => return Err(ModelError::Unsupported(format!("weights of kind {other}"))),
    };
    let tensor = || {
        // Candle reads blocks where they lie, so the bytes must be aligned as a block is: halves.
        let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind)?;
        QTensor::new(storage, (rows, columns))
    };
    let build = || -> candle_core::Result<Store> {
        let table = tensor()?;
        let product = QMatMul::from_qtensor(tensor()?)?;
        Ok(Store::Candle { product, table })
    };
    build().map_err(|error| ModelError::Unsupported(format!("tensor `{name}`: {error}")))
}
