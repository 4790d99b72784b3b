//! Bytecode that was analysed before: one bounded cache for every block and call of the process.
//!
//! What is kept is a function of the code alone, under the hash of that code, so it does not matter who put
//! it there or whether it is still there: execution gives the same bytes with an empty cache.
//!
//! Every call counts a handle of its code up and down. Where two threads run the same contract they take that count from each
//! other each time, which makes two threads one and a half. So whoever runs a block has [its own](own) of all that it runs, the
//! empty code of accounts without any included: neither other threads of the block nor calls from outside slow it down.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use alloy_primitives::{B256, Bytes};
use lru::LruCache;
use parking_lot::Mutex;
use revm::bytecode::Bytecode;
use revm::primitives::eip170::MAX_CODE_SIZE;

/// Contracts kept. At the largest size that a chain deploys, with its jump table, they take about 28 MiB.
const KEPT: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// The cache of this process.
pub(crate) static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::keeping(KEPT));

/// Analysed code by its hash; what was used longest ago goes first.
pub(crate) struct Codes(Mutex<LruCache<B256, Bytecode>>);

impl Codes {
    fn keeping(contracts: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::new(contracts)))
    }

    /// The code with this hash, from the cache or from what `read` answers.
    pub(crate) fn get<E>(
        &self,
        hash: B256,
        read: impl FnOnce() -> Result<Bytes, E>,
    ) -> Result<Bytecode, E> {
        if let Some(code) = self.0.lock().get(&hash) {
            return Ok(code.clone());
        }
        let code = analysed(read()?);
        // Only a developer's override is longer than what may be deployed; with those there would be no bound.
        if code.len() <= MAX_CODE_SIZE {
            self.0.lock().put(hash, code.clone());
        }
        Ok(code)
    }
}

/// The same code with a handle that nobody else counts.
pub(crate) fn own(code: &Bytecode) -> Bytecode {
    let Some(jumps) = code.legacy_jump_table() else {
        return analysed(code.original_bytes());
    };
    // SAFETY: these are the parts of code that was analysed, so its padding is what analysing gave.
    #[allow(unsafe_code)]
    unsafe {
        Bytecode::new_analyzed(code.bytecode().clone(), code.len(), jumps.clone())
    }
}

fn analysed(bytes: Bytes) -> Bytecode {
    // A developer may set any bytes: what begins as a delegation and is none is ordinary code that halts.
    Bytecode::new_raw_checked(bytes.clone()).unwrap_or_else(|_| Bytecode::new_legacy(bytes))
}

#[cfg(test)]
mod tests;
