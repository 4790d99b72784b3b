//! One run of a transaction ahead of its turn, and what of its result may be shifted.

use std::cell::Cell;
use std::marker::PhantomData;

use alloy_primitives::{Address, U256, map::HashMap};
use revm::context::{Block as _, Transaction as _, TxEnv};
use revm::context_interface::result::{HaltReason, ResultAndState};
use revm::handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution};

use super::memory::Written;
use super::tally::{Range, Tally, Word};
use super::view::Reads;
use crate::TxRefused;
use crate::handler::EvmError;
use crate::precompiles::Precompiles;
use crate::trace::EvmContext;

/// Runs a user's transaction as it would run in its turn, but does not load the beneficiary for its reward: nearly every
/// transaction of a block pays it, and hardly one looks at it.
pub(crate) struct AheadHandler<E> {
    reward_wei: Cell<Option<U256>>,
    evm: PhantomData<E>,
}

impl<E> Default for AheadHandler<E> {
    fn default() -> Self {
        Self {
            reward_wei: Cell::new(None),
            evm: PhantomData,
        }
    }
}

impl<E> AheadHandler<E> {
    /// What the beneficiary is owed; `None` where it has been paid, or is paid nothing because nothing ran.
    pub(crate) fn reward_wei(&self) -> Option<U256> {
        self.reward_wei.get()
    }
}

impl<E> Handler for AheadHandler<E>
where
    E: EvmTr<Context = EvmContext, Precompiles = Precompiles, Frame = EthFrame>,
{
    type Evm = E;
    type Error = EvmError;
    type HaltReason = HaltReason;

    fn reward_beneficiary(&self, evm: &mut E, ended: &mut FrameResult) -> Result<(), EvmError> {
        let ctx = evm.ctx();
        let base_fee_wei = u128::from(ctx.block.basefee());
        let tip_wei = ctx
            .tx
            .effective_gas_price(base_fee_wei)
            .checked_sub(base_fee_wei);
        let gas = ended.gas();
        let gas_used = u128::from(gas.used().saturating_sub(gas.reservoir()));
        let reward_wei = tip_wei.and_then(|tip_wei| tip_wei.checked_mul(gas_used));
        let was_seen = ctx
            .journaled_state
            .inner
            .state
            .contains_key(&ctx.block.beneficiary());
        match reward_wei {
            Some(reward_wei) if !was_seen => {
                self.reward_wei.set(Some(U256::from(reward_wei)));
                Ok(())
            }
            _ => Ok(post_execution::reward_beneficiary(ctx, ended.gas())?),
        }
    }
}

/// What a run ahead of its turn came to.
pub(crate) struct Ahead {
    pub(crate) ended: ResultAndState,
    pub(crate) reward_wei: Option<U256>,
    pub(crate) tally: Tally,
}

/// What a run ahead left for the commit.
pub(super) struct Done {
    /// How it ended; `None`: it cannot be said without its turn.
    pub(super) end: Option<Result<Ended, TxRefused>>,
    pub(super) reads: Reads,
    /// What it showed to those behind it.
    pub(super) written: Written,
    /// What it said to `console.log`.
    pub(super) said: Vec<String>,
}

/// A result that stands, but for what may be shifted.
pub(super) struct Ended {
    pub(super) result: ResultAndState,
    /// Not paid yet.
    pub(super) reward_wei: Option<U256>,
    /// An account that got so much and was not looked at.
    pub(super) credited: Option<(Address, U256)>,
    /// Words that were only moved, and over which words the result is the same.
    pub(super) ranges: HashMap<Word, Range>,
}

/// Whom a transaction paid without looking: the receiver of a plain transfer, at which no code runs. `is_plain` says whether
/// an address is neither a precompile nor a native contract.
pub(super) fn credited(
    env: &TxEnv,
    beneficiary: Address,
    ended: &ResultAndState,
    reads: &Reads,
    is_plain: impl FnOnce(Address) -> bool,
) -> Option<(Address, U256)> {
    let to = *env.kind.to()?;
    let may_be = !env.value.is_zero()
        && env.authorization_list.is_empty()
        && to != env.caller
        && to != beneficiary
        && ended.result.is_success()
        && is_plain(to);
    if !may_be {
        return None;
    }
    let read = reads.accounts.iter().find(|(address, _)| *address == to)?;
    let before = read.1.value.unwrap_or_default();
    let account = ended.state.get(&to)?;
    let is_paid = before.balance.checked_add(env.value) == Some(account.info.balance);
    (before.code_hash == alloy_primitives::KECCAK256_EMPTY && is_paid).then_some((to, env.value))
}
