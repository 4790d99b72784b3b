//! On what ground the work of a class is judged: its `quantisation` is the hash of a name that says so.

use std::sync::OnceLock;

use alloy_primitives::{B256, keccak256};

use crate::model::gguf::KINDS;

/// The kernels that every bundled engine has: whoever names them gives the same bits.
const EXACT: &str = "exact-1";
/// Judged by the text alone, whatever server wrote it.
const WORDS: &str = "words-1";

/// What a class of work is held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// States and draws, within what kernels may differ by.
    States,
    /// States and draws, to the bit.
    Exact,
    /// The text.
    Words,
}

impl Ground {
    const ALL: [Self; 3] = [Self::States, Self::Exact, Self::Words];

    /// The name of a format of weights on this ground, as `Q4_1 words-1`.
    pub fn name(self, format: &str) -> String {
        match self {
            Self::States => format.to_owned(),
            Self::Exact => format!("{format} {EXACT}"),
            Self::Words => format!("{format} {WORDS}"),
        }
    }

    /// By which a class has it.
    pub fn hash(self, format: &str) -> B256 {
        keccak256(self.name(format))
    }
}

/// The format of weights that a class's `quantisation` names, and its ground; none where it is the hash of something else.
pub fn spelled(quantisation: B256) -> Option<(&'static str, Ground)> {
    static KNOWN: OnceLock<Vec<(B256, &'static str, Ground)>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let named = |kind: &crate::model::gguf::Kind| {
            let format = kind.name;
            Ground::ALL.map(|ground| (ground.hash(format), format, ground))
        };
        KINDS.iter().flat_map(named).collect()
    });
    let found = known.iter().find(|(hash, ..)| *hash == quantisation);
    found.map(|(_, format, ground)| (*format, *ground))
}

/// Whether a class is judged by the text alone.
pub fn is_by_words(quantisation: B256) -> bool {
    spelled(quantisation).is_some_and(|(_, ground)| ground == Ground::Words)
}
