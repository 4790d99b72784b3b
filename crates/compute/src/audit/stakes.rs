//! Who is audited, and what a cheat must have to lose. Shares are in millionths.

use sha2::{Digest as _, Sha256};

const MILLION: u128 = 1_000_000;

/// Whether a receipt is audited at this rate, by randomness that came after it was fixed.
pub fn is_audited(receipt: &[u8; 32], randomness: &[u8; 32], rate_ppm: u32) -> bool {
    let mut hasher = Sha256::new();
    hasher.update(b"capstan audit");
    hasher.update(randomness);
    hasher.update(receipt);
    let digest: [u8; 32] = hasher.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u128::from(u64::from_be_bytes(first)) * MILLION < u128::from(rate_ppm) << 64
}

/// The least slash that makes cheating lose: audited with one probability, caught with another if audited, saving `gain`
/// each time. None where no slash does, or none that can be said.
pub fn slash_min(gain: u128, audited_ppm: u32, caught_ppm: u32) -> Option<u128> {
    let whole = MILLION * MILLION;
    let caught = u128::from(audited_ppm.min(1_000_000)) * u128::from(caught_ppm.min(1_000_000));
    gain.checked_mul(whole - caught)?
        .checked_div(caught)?
        .checked_add(1)
}

/// The share of cheats that are caught at least once over so many cheated jobs.
pub fn caught_of(jobs: u32, audited_ppm: u32, caught_ppm: u32) -> f64 {
    let each = f64::from(audited_ppm.min(1_000_000)) * f64::from(caught_ppm.min(1_000_000)) / 1e12;
    let mut missed = 1.0;
    for _ in 0..jobs {
        missed *= 1.0 - each;
    }
    1.0 - missed
}
