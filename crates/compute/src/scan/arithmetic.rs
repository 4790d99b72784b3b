//! Arithmetic: products of matrices of 32-bit floats. The library picks its kernel by what the processor has (AVX, FMA), so
//! a program built for any processor measures this one.

use std::hint::black_box;

use ndarray::Array2;

use super::timed;

/// Rows and columns.
const SIZE: usize = 384;
/// Products in one round.
const PRODUCTS: usize = 12;

/// One round, in 10^9 products and sums per second.
pub fn gflops(threads: usize) -> f64 {
    let matrix = |value: f32| Array2::<f32>::from_elem((SIZE, SIZE), value);
    let prepare = || (matrix(0.5), matrix(0.25));
    let took = timed(threads, prepare, |(left, right)| {
        for _ in 0..PRODUCTS {
            black_box(black_box(&left).dot(&right));
        }
    });
    let operations = threads * PRODUCTS * 2 * SIZE * SIZE * SIZE;
    let seconds = took.as_secs_f64();
    if seconds > 0.0 {
        operations as f64 / seconds / 1e9
    } else {
        0.0
    }
}
