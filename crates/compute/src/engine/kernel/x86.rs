//! The AVX2 path: the same bits as `portable`, which a test compares.
//!
//! Why unsafe is allowed in this file, and nowhere else in the crate: the program that users take is built for plain x86-64, so
//! AVX2 can only be used behind a look at run time, and a call of a function with more features than its caller is unsafe by
//! definition; so are vector loads from memory. What makes it sound is written at each place: features are looked for before
//! (`has_avx2`), and every load stays inside a slice that was cut to the length it needs.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_loadu_si128, _mm256_abs_epi8, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_add_ps, _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_permutevar8x32_ps, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setr_epi32,
    _mm256_setzero_ps, _mm256_sign_epi8, _mm256_srli_epi16, _mm256_storeu_ps,
};

use super::{BLOCK, Input, LANES, PAIR, Planes, Quants, TILE, has_avx2, portable, tree};

/// Rows that are worked on together: enough sums in flight to hide the latency of an addition.
const ROWS: usize = 4;

pub(super) fn products(planes: &Planes, first: usize, inputs: &[Input], out: &mut [&mut [f32]]) {
    assert!(has_avx2());
    // SAFETY: the features are there, by the line before.
    unsafe { products_avx2(planes, first, inputs, out) }
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert!(has_avx2());
    // SAFETY: the features are there, by the line before.
    unsafe { dot_avx2(a, b) }
}

pub(super) fn add_scaled(a: &mut [f32], factor: f32, b: &[f32]) {
    assert!(has_avx2());
    // SAFETY: the features are there, by the line before.
    unsafe { add_scaled_avx2(a, factor, b) }
}

pub(super) fn exp_sum(a: &mut [f32], most: f32) -> f32 {
    assert!(has_avx2());
    // SAFETY: the features are there, by the line before.
    unsafe { exp_sum_avx2(a, most) }
}

pub(super) fn gated(gate: &mut [f32], up: &[f32]) {
    assert!(has_avx2());
    // SAFETY: the features are there, by the line before.
    unsafe { gated_avx2(gate, up) }
}

#[target_feature(enable = "avx2,f16c")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    portable::dot(a, b)
}

#[target_feature(enable = "avx2,f16c")]
fn add_scaled_avx2(a: &mut [f32], factor: f32, b: &[f32]) {
    portable::add_scaled(a, factor, b);
}

#[target_feature(enable = "avx2,f16c")]
fn exp_sum_avx2(a: &mut [f32], most: f32) -> f32 {
    portable::exp_sum(a, most)
}

#[target_feature(enable = "avx2,f16c")]
fn gated_avx2(gate: &mut [f32], up: &[f32]) {
    portable::gated(gate, up);
}

#[target_feature(enable = "avx2,f16c")]
fn products_avx2(planes: &Planes, first: usize, inputs: &[Input], out: &mut [&mut [f32]]) {
    let row_count = out.first().map_or(0, |out| out.len());
    let mut at = 0;
    if inputs.len() == 1 {
        while at + ROWS <= row_count {
            tile::<ROWS, 1>(planes, first, at, inputs, out);
            at += ROWS;
        }
    }
    while at < row_count {
        match inputs.len() {
            0 => {}
            1 => tile::<1, 1>(planes, first, at, inputs, out),
            2 => tile::<1, 2>(planes, first, at, inputs, out),
            3 => tile::<1, 3>(planes, first, at, inputs, out),
            TILE => tile::<1, TILE>(planes, first, at, inputs, out),
            _ => unreachable!("inputs come in tiles"),
        }
        at += 1;
    }
}

/// `R` rows with `T` inputs.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn tile<const R: usize, const T: usize>(
    planes: &Planes,
    first: usize,
    at: usize,
    inputs: &[Input],
    out: &mut [&mut [f32]],
) {
    let mut sums = [[_mm256_setzero_ps(); T]; R];
    let inputs: [&Input; T] = std::array::from_fn(|t| &inputs[t]);
    match &planes.quants {
        Quants::Four(bytes) => four(planes, bytes, first + at, &inputs, &mut sums),
        Quants::Eight(bytes) => eight(planes, bytes, first + at, &inputs, &mut sums),
    }
    for (r, sums) in sums.iter().enumerate() {
        for (t, sum) in sums.iter().enumerate() {
            let sum = tree(lanes(*sum));
            out[t][at + r] = if planes.mins.is_empty() {
                sum
            } else {
                sum + tree(lanes(mins(planes, first + at + r, inputs[t])))
            };
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn four<const R: usize, const T: usize>(
    planes: &Planes,
    bytes: &[u8],
    row: usize,
    inputs: &[&Input; T],
    sums: &mut [[__m256; T]; R],
) {
    let rows: [&[[u8; BLOCK]]; R] = std::array::from_fn(|r| {
        let start = (row + r) * planes.pairs * BLOCK;
        bytes[start..start + planes.pairs * BLOCK].as_chunks().0
    });
    let (low_half, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let read: [Read<'_>; T] = std::array::from_fn(|t| Read::of(inputs[t], planes.pairs));
    for group in 0..planes.pairs.div_ceil(4) {
        let scales: [__m256; R] = std::array::from_fn(|r| {
            halves(&planes.scales, (row + r) * planes.pairs * 2 + group * LANES)
        });
        let pairs = group * 4..((group + 1) * 4).min(planes.pairs);
        for (place, pair) in pairs.enumerate() {
            let spread = spread(place);
            for r in 0..R {
                let packed = load(&rows[r][pair]);
                let low = _mm256_and_si256(packed, low_half);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), low_half);
                let scale = _mm256_permutevar8x32_ps(scales[r], spread);
                for t in 0..T {
                    // At most 4 * 15 * 127, so 16 bits hold it.
                    let whole = _mm256_add_epi16(
                        _mm256_maddubs_epi16(low, load_signed(&read[t].first[2 * pair])),
                        _mm256_maddubs_epi16(high, load_signed(&read[t].first[2 * pair + 1])),
                    );
                    let whole = _mm256_cvtepi32_ps(_mm256_madd_epi16(whole, ones));
                    let scale = _mm256_mul_ps(scale, load_floats(&read[t].scales[pair]));
                    sums[r][t] = _mm256_add_ps(sums[r][t], _mm256_mul_ps(scale, whole));
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn eight<const R: usize, const T: usize>(
    planes: &Planes,
    bytes: &[i8],
    row: usize,
    inputs: &[&Input; T],
    sums: &mut [[__m256; T]; R],
) {
    let rows: [&[[i8; BLOCK]]; R] = std::array::from_fn(|r| {
        let start = (row + r) * planes.pairs * PAIR;
        bytes[start..start + planes.pairs * PAIR].as_chunks().0
    });
    let ones = _mm256_set1_epi16(1);
    let read: [Read<'_>; T] = std::array::from_fn(|t| Read::of(inputs[t], planes.pairs));
    for group in 0..planes.pairs.div_ceil(4) {
        let scales: [__m256; R] = std::array::from_fn(|r| {
            halves(&planes.scales, (row + r) * planes.pairs * 2 + group * LANES)
        });
        let pairs = group * 4..((group + 1) * 4).min(planes.pairs);
        for (place, pair) in pairs.enumerate() {
            let spread = spread(place);
            for r in 0..R {
                let low = load_signed(&rows[r][2 * pair]);
                let high = load_signed(&rows[r][2 * pair + 1]);
                let (low_size, high_size) = (_mm256_abs_epi8(low), _mm256_abs_epi8(high));
                let scale = _mm256_permutevar8x32_ps(scales[r], spread);
                for t in 0..T {
                    // An input is at most 127, a weight 128: two products stay below 2^15.
                    let low = _mm256_sign_epi8(load_signed(&read[t].first[2 * pair]), low);
                    let high = _mm256_sign_epi8(load_signed(&read[t].first[2 * pair + 1]), high);
                    let whole = _mm256_add_epi32(
                        _mm256_madd_epi16(_mm256_maddubs_epi16(low_size, low), ones),
                        _mm256_madd_epi16(_mm256_maddubs_epi16(high_size, high), ones),
                    );
                    let whole = _mm256_cvtepi32_ps(whole);
                    let scale = _mm256_mul_ps(scale, load_floats(&read[t].scales[pair]));
                    sums[r][t] = _mm256_add_ps(sums[r][t], _mm256_mul_ps(scale, whole));
                }
            }
        }
    }
}

/// The second term. Lanes beyond the row's blocks meet zeros of the input.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn mins(planes: &Planes, row: usize, input: &Input) -> __m256 {
    let mut sum = _mm256_setzero_ps();
    let start = row * planes.pairs * 2;
    for (group, sums) in input.sums.as_chunks::<LANES>().0.iter().enumerate() {
        let min = halves(&planes.mins, start + group * LANES);
        sum = _mm256_add_ps(sum, _mm256_mul_ps(min, load_floats(sums)));
    }
    sum
}

/// An input as vectors.
struct Read<'a> {
    first: &'a [[i8; BLOCK]],
    scales: &'a [[f32; LANES]],
}

impl<'a> Read<'a> {
    #[inline(always)]
    fn of(input: &'a Input, pairs: usize) -> Self {
        Self {
            first: input.quants[..pairs * PAIR].as_chunks().0,
            scales: input.scales[..pairs * LANES].as_chunks().0,
        }
    }
}

/// Which lanes of eight scales belong to the pair at this place among four.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn spread(place: usize) -> __m256i {
    let [a, b] = [[0, 1], [2, 3], [4, 5], [6, 7]][place];
    _mm256_setr_epi32(a, a, a, a, b, b, b, b)
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn halves(plane: &[u16], at: usize) -> __m256 {
    let eight: &[u16; LANES] = plane[at..].first_chunk().expect("planes are padded");
    // SAFETY: eight halves are 16 bytes; the load needs no alignment.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(eight.as_ptr().cast::<__m128i>()) })
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load(bytes: &[u8; BLOCK]) -> __m256i {
    // SAFETY: 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load_signed(bytes: &[i8; BLOCK]) -> __m256i {
    // SAFETY: 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load_floats(floats: &[f32; LANES]) -> __m256 {
    // SAFETY: 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_ps(floats.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn lanes(sum: __m256) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    // SAFETY: 32 bytes; the store needs no alignment.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sum) };
    lanes
}
