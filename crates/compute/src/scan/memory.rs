//! Memory bandwidth: `a = b + c * s` over arrays that no cache holds, as STREAM's triad.

use std::hint::black_box;

use super::timed;

/// Elements of each of three arrays per thread: 3 x 64 MiB in all of two threads.
const ELEMENTS: usize = 4 << 20;
/// Passes over them in one round.
const PASSES: usize = 6;

/// One round, in 10^9 bytes per second.
pub fn bandwidth(threads: usize) -> f64 {
    let took = timed(threads, arrays, |(mut a, b, c)| {
        for _ in 0..PASSES {
            triad(&mut a, &b, &c);
            black_box(&a);
        }
    });
    let seconds = took.as_secs_f64();
    let bytes = threads * PASSES * ELEMENTS * 3 * size_of::<f64>();
    if seconds > 0.0 {
        bytes as f64 / seconds / 1e9
    } else {
        0.0
    }
}

fn arrays() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    (
        vec![1.0; ELEMENTS],
        vec![2.0; ELEMENTS],
        vec![0.5; ELEMENTS],
    )
}

fn triad(a: &mut [f64], b: &[f64], c: &[f64]) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = b + 3.0 * c;
    }
}
