//! The field of 65497 elements, and polynomials through points of it.

/// The largest prime below 2^16 by which TOPLOC reckons: every finite bfloat16 is below it.
pub(crate) const PRIME: u32 = 65_497;

const fn times(a: u32, b: u32) -> u32 {
    // Both are below 2^16, so the product is below 2^32.
    a * b % PRIME
}

const fn minus(a: u32, b: u32) -> u32 {
    (a + PRIME - b) % PRIME
}

/// `1 / a`, by Fermat.
const fn inverse(a: u32) -> u32 {
    let (mut base, mut left, mut product) = (a, PRIME - 2, 1);
    while left > 0 {
        if left & 1 == 1 {
            product = times(product, base);
        }
        base = times(base, base);
        left >>= 1;
    }
    product
}

/// Coefficients, the constant first, of the polynomial through points with different places.
pub(crate) fn through(points: &[(u32, u32)]) -> Vec<u32> {
    let mut differences: Vec<u32> = points.iter().map(|(_, value)| *value).collect();
    for step in 1..points.len() {
        for at in (step..points.len()).rev() {
            let rise = minus(differences[at], differences[at - 1]);
            let run = minus(points[at].0, points[at - step].0);
            differences[at] = times(rise, inverse(run));
        }
    }
    let mut sum: Vec<u32> = Vec::with_capacity(points.len());
    for at in (0..points.len()).rev() {
        // sum = sum * (x - place) + difference
        sum.insert(0, 0);
        for power in 0..sum.len() {
            let above = sum.get(power + 1).copied().unwrap_or(0);
            sum[power] = minus(sum[power], times(points[at].0, above));
        }
        sum[0] = (sum[0] + differences[at]) % PRIME;
    }
    sum.truncate(points.len());
    sum
}

/// The value at a place.
pub(crate) fn value(coefficients: &[u32], place: u32) -> u32 {
    let horner = |sum, coefficient: &u32| (times(sum, place) + coefficient) % PRIME;
    coefficients.iter().rev().fold(0, horner)
}
