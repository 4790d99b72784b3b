//! Buying of machines of the network what one's own servers cannot take: each offer is a model server like any other.
//!
//! ```text
//!   Network: purse · what was asked (on disk) · the chain's time ─┬─► Seller (an offer): Upstream
//!   keeper (whoever knows the chain): offers, time ───────────────┘     settle what was left ─► bind ─► errand ─► answer
//!                                                                       ─► receipt checked ─► signed for ─► Bill
//! ```
//! - NET-1: nothing is signed for that was not asked, did not come, or says other than what came; each answer once.
//! - NET-2: what was asked is on disk before it is sent, so a process that follows a dead one knows what it owes.
//! - NET-3: a machine that counts or charges what cannot be is not paid for it, and not asked again.

mod errands;
mod seller;

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use alloy_primitives::{Address, B256};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::{
    gateway::Gateway,
    keys::StoreError,
    tab::{Purse, Rate},
};
use errands::Errands;

pub use seller::Seller;

/// A machine that sells, as the chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its number.
    pub machine_id: u64,
    /// What it sells.
    pub class_id: u32,
    /// Who signs its receipts.
    pub machine: Address,
    /// The program of the class.
    pub program: B256,
    /// Where it answers, as http://HOST:PORT/v1.
    pub endpoint: String,
    /// What units cost now.
    pub rate: Rate,
}

/// What stands for a machine on the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Bound and not claimed, in smallest units.
    pub bound: u128,
    /// The last epoch that was claimed.
    pub claimed_epoch: u64,
    /// The last epoch whose vouchers count.
    pub last_epoch: u64,
}

/// Binds units to machines.
pub trait Binder: Send + Sync + std::fmt::Debug {
    /// What stands for a machine now.
    fn held(&self, machine_id: u64, class_id: u32) -> BoxFuture<'_, Result<Held, String>>;

    /// Binds at least so much more, by the spending key's word, and answers what stands then.
    fn hold(
        &self,
        machine_id: u64,
        class_id: u32,
        at_least: u128,
    ) -> BoxFuture<'_, Result<Held, String>>;
}

/// What does not change while a customer buys.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Length of an epoch.
    pub epoch_ms: u64,
    /// Digits of the asset that jobs are paid in, which is a dollar.
    pub decimals: u8,
}

/// A customer of the network.
#[derive(Debug)]
pub struct Network {
    gateway: Weak<Gateway>,
    purse: Purse,
    binder: Arc<dyn Binder>,
    terms: Terms,
    seen: Mutex<Option<(u64, Instant)>>,
    errands: Errands,
    sellers: Mutex<Vec<Arc<Seller>>>,
}

impl Network {
    /// A customer whose requests come in at a gateway. What a process before this one asked is read there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(
        gateway: &Arc<Gateway>,
        purse: Purse,
        binder: Arc<dyn Binder>,
        terms: Terms,
    ) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self {
            gateway: Arc::downgrade(gateway),
            errands: Errands::of(gateway.ledger())?,
            purse,
            binder,
            terms,
            seen: Mutex::new(None),
            sellers: Mutex::default(),
        }))
    }

    /// The spending key and what it signed.
    pub const fn purse(&self) -> &Purse {
        &self.purse
    }

    /// Tells it the chain's time, and who sells. Who is new is asked from now on, whose offer is over is not.
    pub fn see(self: &Arc<Self>, time_ms: u64, offers: &[Offer]) {
        *self.seen.lock() = Some((time_ms, Instant::now()));
        self.let_go();
        let mut sellers = self.sellers.lock();
        for seller in sellers.iter() {
            let offer = offers.iter().find(|offer| seller.is_of(offer));
            seller.see(offer);
        }
        for offer in offers {
            if sellers.iter().any(|seller| seller.is_of(offer)) {
                continue;
            }
            match Seller::new(Arc::clone(self), offer.clone()) {
                Ok(seller) => {
                    let seller = Arc::new(seller);
                    sellers.push(Arc::clone(&seller));
                    if let Some(gateway) = self.gateway.upgrade() {
                        gateway.pool().add(seller);
                    }
                }
                Err(why) => {
                    tracing::warn!(machine = offer.machine_id, %why, "an offer cannot be used");
                }
            }
        }
    }

    /// Lets go of what was asked long ago of machines that never said what it cost.
    fn let_go(&self) {
        let Some(gateway) = self.gateway.upgrade() else {
            return;
        };
        if let Some(before_ms) = gateway.old_before_ms() {
            self.errands.let_go(gateway.ledger(), before_ms);
        }
    }

    /// Signs for what a process before this one asked and did not sign for, where machines still know it.
    pub async fn settle(&self) {
        let sellers: Vec<_> = self.sellers.lock().clone();
        for seller in sellers {
            seller.settle_what_was_left().await;
        }
    }

    /// The chain's time, as far as it is known.
    fn now_ms(&self) -> Option<u64> {
        let (time_ms, seen) = (*self.seen.lock())?;
        let since = u64::try_from(seen.elapsed().as_millis()).ok()?;
        Some(time_ms.saturating_add(since))
    }

    fn epoch(&self) -> Option<u64> {
        self.now_ms()?.checked_div(self.terms.epoch_ms)
    }

    /// Whether work that ended now may belong to an epoch: a machine may see the chain a little later or earlier, and while the
    /// chain is silent it stays where it was.
    fn may_be(&self, epoch: u64) -> bool {
        let at = |time_ms: u64| time_ms.checked_div(self.terms.epoch_ms).unwrap_or_default();
        let seen = *self.seen.lock();
        let (Some((seen_ms, _)), Some(now_ms)) = (seen, self.now_ms()) else {
            return false;
        };
        let (from, to) = (at(seen_ms).saturating_sub(1), at(now_ms).saturating_add(1));
        (from..=to).contains(&epoch)
    }
}
