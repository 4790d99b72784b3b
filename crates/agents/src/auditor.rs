//! An auditor: he computes again what machines were paid for, and says on chain what he found.
//!
//! ```text
//!   claims ─► work: a picked receipt that was shown ─► examine: what the machine keeps of it, computed again
//!               ├─ commit: verdict and witness, hidden        └► no answer until the window closes: Withheld, which is what was seen
//!               └─ reveal, when all have committed
//!   machines that offer work and have proven nothing ─► capacity: ask ─► compute ─► commit ─► reveal ─► settle
//! ```
//!
//! What he says follows from what he computed. A machine that is silent is said to be silent, never to be wrong, and where he
//! himself cannot compute he says nothing. What hides a finding until it is shown follows from his key, so an auditor that is
//! started again reveals what the one before committed to.

mod capacity;
mod standing;
mod work;

use std::sync::atomic::AtomicBool;

use alloy_primitives::{B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue as _;
use capstan_client::Node;
use futures::future::BoxFuture;

use crate::provider::Worker;

pub use work::{Case, Seen, Told};
use work::{Left, Work};

/// Looks at receipts.
pub trait Examiner: Send + Sync {
    /// What there is to say about one. It is `heard` from the moment on at which its machine has given something to compute on.
    fn examine<'a>(&'a self, case: &'a Case, heard: &'a AtomicBool) -> BoxFuture<'a, Seen>;
}

/// What an auditor works with.
pub struct Auditor {
    /// Where the chain is.
    pub node: Node,
    /// Who says what was found.
    pub key: PrivateKeySigner,
    /// What computes answers again.
    pub examiner: std::sync::Arc<dyn Examiner>,
    /// What computes challenges.
    pub worker: std::sync::Arc<dyn Worker>,
    /// Whether he asks machines that have proven nothing. One of several does.
    pub asks: bool,
}

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "auditor {}", self.key.address())
    }
}

impl Auditor {
    /// Audits until it is dropped, and tells what it does.
    pub async fn run(&self, tell: &(dyn Fn(&Told) + Sync)) {
        let mut work = Work::new(self, tell);
        let mut capacity = capacity::Capacity::new(self);
        loop {
            let looked = work.look().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "claims were not looked at");
                Left::Nothing
            });
            if let Err(error) = capacity.look().await {
                tracing::warn!(%error, "challenges were not looked at");
            }
            if looked == Left::Nothing {
                tokio::time::sleep(work::LOOK_EVERY).await;
            }
        }
    }

    /// What hides something until it is shown: nobody else can make it, and he can make it again.
    fn salt(&self, about: &str, number: u64, part: u64) -> B256 {
        let secret = self.key.to_bytes();
        keccak256((about.to_owned(), secret, number, part).abi_encode())
    }
}
