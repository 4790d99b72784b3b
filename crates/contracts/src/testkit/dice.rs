//! Random choices that can be replayed.

use alloy_primitives::{B256, U256, keccak256};

/// A stream of choices; the same seed makes the same ones.
pub(crate) struct Dice(B256);

impl Dice {
    /// The stream of `CAPSTAN_SEED`, or the first one. Prints the command that replays `test`.
    #[allow(
        clippy::disallowed_methods,
        reason = "a failing seed is replayed by its variable"
    )]
    pub(crate) fn new(test: &str) -> Self {
        let seed = std::env::var("CAPSTAN_SEED");
        let seed = seed
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or(1_u64);
        let steps = match super::steps::asked() {
            Some(steps) => format!("CAPSTAN_STEPS={steps} "),
            None => String::new(),
        };
        println!(
            "replay: CAPSTAN_SEED={seed} {steps}cargo nextest run -p capstan-contracts {test}"
        );
        Self(keccak256((U256::from(seed)).to_be_bytes::<32>()))
    }

    fn word(&mut self) -> u128 {
        self.0 = keccak256(self.0);
        let (half, _) = self.0.split_at(16);
        u128::from_be_bytes(half.try_into().expect("16 bytes"))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u128) -> u128 {
        self.word() % end
    }

    /// One of these.
    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let at = self.below(choices.len().try_into().expect("small"));
        choices[usize::try_from(at).expect("small")]
    }

    /// An amount up to `most`, of any order of magnitude: small ones, ones near `most` and the ends too.
    pub(crate) fn amount(&mut self, most: u128) -> u128 {
        match self.below(8) {
            0 => self.below(4).min(most),
            1 => most,
            2 => most.saturating_sub(self.below(4)),
            3 => most.saturating_add(1),
            _ => {
                let shift = self.below(u128::from(128 - most.max(1).leading_zeros())) as u32;
                self.below((most >> shift).max(1))
                    .saturating_add(1)
                    .min(most)
            }
        }
    }
}
