//! The exchange asked directly: its functions run on the state of a block, without a transaction around each question.
//!
//! A search asks the same few pools hundreds of times, so each is read once and kept while it lasts ([`Asked`]). What a
//! question reads on its way along ranges is kept word by word.

use std::{
    cell::RefCell,
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256};
use capstan_contracts::exchange::{self, ADDRESS as EXCHANGE, Asked, Exact as Given, Outcome};
use capstan_evm::{AccountInfo, StateError, StateRead};
use capstan_state::{BlockInfo, Ctx, Frame, Halt, ReadOnly, View};
use capstan_units::{AssetId, Assets, PoolId};

use super::search::{Exact, Hop};
use crate::{
    error::{RpcError, RpcResult},
    eth::scene::Scene,
};

/// The state of a block, as far as it was read.
pub(super) struct Direct {
    state: Arc<dyn StateRead>,
    block: BlockInfo,
    words: RefCell<BTreeMap<(Address, U256), U256>>,
    /// Pools that were asked.
    pools: RefCell<BTreeMap<u32, Asked>>,
}

impl Direct {
    pub(super) fn of(scene: &Scene) -> Self {
        Self {
            state: Arc::clone(&scene.state),
            block: scene.block.info.clone(),
            words: RefCell::default(),
            pools: RefCell::default(),
        }
    }

    fn ask<T>(&self, question: impl FnOnce(&mut Ctx<'_>) -> Result<T, Halt>) -> Result<T, Halt> {
        let frame = Frame {
            this: EXCHANGE,
            caller: Address::ZERO,
            value: U256::ZERO,
        };
        question(&mut Ctx::new(&mut ReadOnly::new(self), frame))
    }

    /// Pools that swap two assets.
    pub(super) fn pools_of(&self, one: u32, other: u32) -> RpcResult<Vec<u32>> {
        let (one, other) = (AssetId::new(one), AssetId::new(other));
        let pools = self.ask(|cx| exchange::pools_of(cx, one, other));
        let pools = pools.map_err(|halt| damaged(&halt))?;
        Ok(pools.into_iter().map(PoolId::get).collect())
    }

    /// What the other side of a swap in one pool is; the revert where it refuses.
    pub(super) fn trade(
        &self,
        hop: Hop,
        exact: Exact,
        amount: U256,
    ) -> RpcResult<Result<U256, Bytes>> {
        let answer = self.outcome(hop, exact, amount);
        match answer {
            Ok(outcome) => Ok(Ok(match exact {
                Exact::In => outcome.received.to_u256(),
                Exact::Out => outcome.paid.to_u256(),
            })),
            Err(Halt::Revert(output)) => Ok(Err(output)),
            Err(halt) => Err(damaged(&halt)),
        }
    }

    fn outcome(&self, hop: Hop, exact: Exact, amount: U256) -> Result<Outcome, Halt> {
        let amount = Assets::from_u256(amount)?;
        let pool = PoolId::new(hop.pool);
        let (asset_in, asset_out) = (AssetId::new(hop.asset_in), AssetId::new(hop.asset_out));
        let mut pools = self.pools.borrow_mut();
        let known = match pools.entry(hop.pool) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.ask(|cx| Asked::read(cx, pool))?),
        };
        let given = match exact {
            Exact::In => Given::In(amount),
            Exact::Out => Given::Out(amount),
        };
        self.ask(|cx| known.trade(cx, asset_in, asset_out, given))
    }

    fn info(&self, of: Address) -> Result<AccountInfo, Halt> {
        let info = read(self.state.account(of))?;
        Ok(info.unwrap_or_default())
    }
}

fn read<T>(answer: Result<T, StateError>) -> Result<T, Halt> {
    answer.map_err(|error| Halt::Fatal(error.to_string()))
}

fn damaged(halt: &Halt) -> RpcError {
    RpcError::internal(format!("the exchange cannot be read: {halt:?}"))
}

impl View for Direct {
    fn latest_block(&self) -> &BlockInfo {
        &self.block
    }

    fn word_of(&self, at: Address, slot: U256) -> Result<U256, Halt> {
        if let Some(word) = self.words.borrow().get(&(at, slot)) {
            return Ok(*word);
        }
        let word = read(self.state.storage(at, slot))?;
        self.words.borrow_mut().insert((at, slot), word);
        Ok(word)
    }

    /// No question lists a whole account.
    fn words_of(&self, at: Address) -> Result<Vec<(U256, U256)>, Halt> {
        Err(Halt::Fatal(format!("all words of {at} for a quote")))
    }

    fn coins_of(&self, of: Address) -> Result<U256, Halt> {
        Ok(self.info(of)?.balance)
    }

    fn code_size_of(&self, of: Address) -> Result<usize, Halt> {
        let info = self.info(of)?;
        if info.code_hash == KECCAK256_EMPTY || info.code_hash.is_zero() {
            return Ok(0);
        }
        Ok(read(self.state.code(info.code_hash))?.len())
    }
}
