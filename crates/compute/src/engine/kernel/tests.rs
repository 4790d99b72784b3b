use super::*;
use crate::testkit::{Noise, noise};

fn row(length: usize, random: &mut Noise) -> Vec<f32> {
    (0..length).map(|_| random.signed() * 3.0).collect()
}

fn planes(kind: &str, rows: usize, columns: usize, random: &mut Noise) -> Planes {
    let bytes = noise(kind, rows * columns, random);
    crate::engine::linear::planes(crate::testkit::kind(kind), rows, columns, &bytes)
        .expect("scales can be had")
}

/// ENG-3: bits, not closeness; for odd numbers of blocks, tiles of every size, and rows that are left over.
#[test]
fn eng_3_the_fast_path_gives_the_bits_of_the_definition() {
    if !has_avx2() {
        println!("SKIP: this CPU has no AVX2, so there is only one path");
        return;
    }
    let mut random = Noise::new(3);
    for kind in ["Q4_0", "Q4_1", "Q8_0"] {
        for columns in [32, 64, 96, 256, 288, 576, 1536] {
            let rows = 11;
            let planes = planes(kind, rows, columns, &mut random);
            for count in 1..=TILE {
                let inputs: Vec<Input> = (0..count)
                    .map(|_| Input::of(&row(columns, &mut random)))
                    .collect();
                for first in [0, 3] {
                    let mut slow = vec![vec![0.0; rows - first]; count];
                    let mut fast = slow.clone();
                    let mut outs: Vec<_> = slow.iter_mut().map(Vec::as_mut_slice).collect();
                    portable::products(&planes, first, &inputs, &mut outs);
                    let mut outs: Vec<_> = fast.iter_mut().map(Vec::as_mut_slice).collect();
                    products(&planes, first, &inputs, &mut outs);
                    assert_eq!(bits(&slow), bits(&fast), "{kind} {columns} {count} {first}");
                }
            }
        }
    }
}

fn bits(rows: &[Vec<f32>]) -> Vec<u32> {
    rows.iter().flatten().map(|x| x.to_bits()).collect()
}

/// ENG-3 for the loops over floats.
#[test]
fn eng_3_float_loops_give_the_same_bits() {
    let mut random = Noise::new(4);
    for length in [1, 7, 8, 9, 64, 100, 1536] {
        let (a, b) = (row(length, &mut random), row(length, &mut random));
        assert_eq!(dot(&a, &b).to_bits(), portable::dot(&a, &b).to_bits());
        let (mut fast, mut slow) = (a.clone(), a.clone());
        add_scaled(&mut fast, 0.3, &b);
        portable::add_scaled(&mut slow, 0.3, &b);
        assert_eq!(bits(&[fast]), bits(&[slow]));
        let (mut fast, mut slow) = (a.clone(), a.clone());
        let sums = (exp_sum(&mut fast, 3.0), portable::exp_sum(&mut slow, 3.0));
        assert_eq!(sums.0.to_bits(), sums.1.to_bits());
        assert_eq!(bits(&[fast]), bits(&[slow]));
        let (mut fast, mut slow) = (a.clone(), a);
        gated(&mut fast, &b);
        portable::gated(&mut slow, &b);
        assert_eq!(bits(&[fast]), bits(&[slow]));
    }
}

/// The product is what the weights and the rounded input say, within what the order of sums leaves.
#[test]
fn a_product_is_the_sum_of_products() {
    let mut random = Noise::new(5);
    for kind in ["Q4_0", "Q4_1", "Q8_0"] {
        let columns = 288;
        let bytes = noise(kind, columns, &mut random);
        let kind = crate::testkit::kind(kind);
        let matrix = crate::engine::linear::Matrix::of("w", kind, 1, columns, &bytes, true);
        let matrix = matrix.expect("a matrix");
        let mut weights = vec![0.0; columns];
        matrix.row(0, &mut weights);
        let input = row(columns, &mut random);
        let bank = crate::engine::linear::Bank::of(vec![matrix]);
        let got = f64::from(bank.products(&input)[0]);
        let exact = |a: &[f32], b: &[f32]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let (expected, size) = (exact(&weights, &input), exact(&weights, &weights).sqrt());
        // An input of at most 3 is rounded by at most 3/254; errors add like a random walk.
        let allowed = size * 3.0 / 254.0 * 3.0;
        assert!(
            (got - expected).abs() < allowed,
            "{}: {got} {expected}",
            kind.name
        );
    }
}

#[test]
fn exp_is_within_a_millionth() {
    for step in -8_700..=8_800 {
        let x = step as f32 / 100.0;
        let exact = f64::from(x).exp();
        let error = (f64::from(exp(x)) - exact).abs() / exact;
        assert!(error < 3e-7, "exp({x}) is off by {error:e}");
    }
    assert_eq!(exp(0.0), 1.0);
    assert!(exp(-1e9) < 1e-37 && exp(-1e9) > 0.0);
}

#[test]
fn an_input_rounds_to_the_nearest_and_a_row_of_zeros_stays_one() {
    let zero = Input::of(&[0.0; 96]);
    assert!(zero.quants.iter().all(|q| *q == 0) && zero.scales.iter().all(|s| *s == 0.0));
    let mut values = [0.0_f32; 32];
    (values[0], values[1], values[31]) = (12.7, -6.35, 0.149);
    let input = Input::of(&values);
    assert_eq!((input.quants[0], input.quants[1]), (127, -64));
    // The last element of the first block lies in the second half of its pair.
    assert_eq!(input.quants[32 + 15], 1);
    assert_eq!(input.sums[0], input.scales[0] * 64.0);
}
