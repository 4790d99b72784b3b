//! Records of blocks, made when somebody asks and kept for a while: a record costs one verification of its block.

use std::{num::NonZeroUsize, sync::Arc};

use alloy_eip7928::BlockAccessList;
use alloy_primitives::B256;
use capstan_chain::{Block, ChainError};
use capstan_evm::record::{Analysis, Hot, Location, Locations, Sidecar, analyse};
use lru::LruCache;
use parking_lot::Mutex;

use crate::{
    RpcContext,
    error::{RpcError, RpcResult, chain_error},
    eth::blocks::access_list,
};

/// Records that are kept whole: people turn pages of one block, and of its neighbours.
const WHOLE_KEPT: NonZeroUsize = NonZeroUsize::new(4).unwrap();
/// Blocks of which the sum is kept.
const SUMS_KEPT: NonZeroUsize = NonZeroUsize::new(2_048).unwrap();
/// Hot places of one sum.
const HOT_KEPT: usize = 64;
/// Cores that are projected.
pub(super) const CORES: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// Everything that the record of one block says.
pub(super) struct Whole {
    pub(super) list: BlockAccessList,
    pub(super) locations: Locations,
    pub(super) sidecar: Sidecar,
    pub(super) analysis: Analysis,
}

/// What of a record counts for many blocks together.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) transaction_count: u64,
    pub(super) gas: u64,
    pub(super) critical_gas: u64,
    pub(super) largest_gas: u64,
    /// Gas until all is done, for each of [`CORES`]: producing, verifying.
    pub(super) projected: [(u64, u64); CORES.len()],
    /// Most waited for first.
    pub(super) hot: Vec<(Location, Hot)>,
}

/// What was made for those who asked before.
pub(crate) struct KeptRecords {
    whole: Mutex<LruCache<B256, Arc<Whole>>>,
    sums: Mutex<LruCache<B256, Arc<Sum>>>,
}

impl Default for KeptRecords {
    fn default() -> Self {
        Self {
            whole: Mutex::new(LruCache::new(WHOLE_KEPT)),
            sums: Mutex::new(LruCache::new(SUMS_KEPT)),
        }
    }
}

impl KeptRecords {
    /// The record of a block; `None` where the state before it is no longer kept, and for genesis.
    pub(super) fn whole(&self, cx: &RpcContext, block: &Block) -> RpcResult<Option<Arc<Whole>>> {
        if block.number() == 0 {
            return Ok(None);
        }
        if let Some(whole) = self.whole.lock().get(&block.hash()) {
            return Ok(Some(Arc::clone(whole)));
        }
        let Some(whole) = make(cx, block)? else {
            return Ok(None);
        };
        let whole = Arc::new(whole);
        self.whole.lock().put(block.hash(), Arc::clone(&whole));
        Ok(Some(whole))
    }

    /// The sum of a block's record.
    pub(super) fn sum(&self, cx: &RpcContext, block: &Block) -> RpcResult<Arc<Sum>> {
        if let Some(sum) = self.sums.lock().get(&block.hash()) {
            return Ok(Arc::clone(sum));
        }
        let kept = self.whole.lock().get(&block.hash()).map(Arc::clone);
        let sum = Arc::new(match kept {
            Some(whole) => Sum::of(block, &whole),
            None if block.transactions.is_empty() => Sum::empty(block),
            None => {
                let whole = make(cx, block)?.ok_or_else(|| pruned(cx, block))?;
                Sum::of(block, &whole)
            }
        });
        self.sums.lock().put(block.hash(), Arc::clone(&sum));
        Ok(sum)
    }
}

fn pruned(cx: &RpcContext, block: &Block) -> RpcError {
    let before = block.number().saturating_sub(1);
    RpcError::state_pruned(before, cx.chain().oldest_state())
}

fn make(cx: &RpcContext, block: &Block) -> RpcResult<Option<Whole>> {
    let made = match cx.chain().record(block) {
        Ok(made) => made,
        Err(ChainError::StatePruned { .. }) => return Ok(None),
        Err(error) => return Err(chain_error(error)),
    };
    let list = access_list(block)?;
    let analysis = analyse(&made.sidecar);
    Ok(Some(Whole {
        locations: Locations::of(&list),
        list,
        sidecar: made.sidecar,
        analysis,
    }))
}

impl Sum {
    /// Of a block in which nothing ran.
    fn empty(block: &Block) -> Self {
        Self {
            number: block.number(),
            hash: block.hash(),
            transaction_count: 0,
            gas: 0,
            critical_gas: 0,
            largest_gas: 0,
            projected: [(0, 0); CORES.len()],
            hot: Vec::new(),
        }
    }

    fn of(block: &Block, whole: &Whole) -> Self {
        let found = &whole.analysis;
        let hot = found.hot.iter().take(HOT_KEPT);
        let hot = hot.filter_map(|hot| Some((whole.locations.get(hot.place)?, *hot)));
        Self {
            number: block.number(),
            hash: block.hash(),
            transaction_count: block.transactions.len() as u64,
            gas: found.gas,
            critical_gas: found.critical_gas,
            largest_gas: found.largest_gas,
            projected: CORES.map(|cores| (found.makespan(cores), found.verify_makespan(cores))),
            hot: hot.collect(),
        }
    }
}
