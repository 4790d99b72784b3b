//! How a transaction runs ahead of its turn: as in it, but what it only adds to is told apart from what it looks at.

use std::cell::Cell;
use std::marker::PhantomData;

use alloy_primitives::{Address, KECCAK256_EMPTY};
use revm::context::{Block as _, TxEnv};
use revm::context_interface::result::{HaltReason, ResultAndState};
use revm::handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution};

use crate::handler::EvmError;
use crate::precompiles::Precompiles;
use crate::trace::EvmContext;

/// Runs a user's transaction as it runs in its turn, and notes whether it looked at the beneficiary before that was paid:
/// nearly every transaction of a block pays it, and hardly one looks at it.
pub(crate) struct AheadHandler<E> {
    only_paid: Cell<bool>,
    evm: PhantomData<E>,
}

impl<E> Default for AheadHandler<E> {
    fn default() -> Self {
        Self {
            only_paid: Cell::new(false),
            evm: PhantomData,
        }
    }
}

impl<E> AheadHandler<E> {
    /// Whether nothing was done to the beneficiary but to pay it.
    pub(crate) fn only_paid(&self) -> bool {
        self.only_paid.get()
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
        let beneficiary = ctx.block.beneficiary();
        let was_seen = ctx.journaled_state.inner.state.contains_key(&beneficiary);
        self.only_paid.set(!was_seen);
        Ok(post_execution::reward_beneficiary(ctx, ended.gas())?)
    }
}

/// What a run ahead of its turn came to.
pub(crate) struct Ahead {
    pub(crate) ended: ResultAndState,
    /// Whether nothing was done to the beneficiary but to pay it.
    pub(crate) only_paid: bool,
}

/// Whom a transaction paid without looking: the receiver of a plain transfer, at which no code runs. `is_plain` says whether
/// an address is neither a precompile nor a native contract.
pub(super) fn credited(
    env: &TxEnv,
    beneficiary: Address,
    ended: &ResultAndState,
    is_plain: impl FnOnce(Address) -> bool,
) -> Option<Address> {
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
    let account = ended.state.get(&to)?;
    let before = account.original_info();
    let is_paid = before.balance.checked_add(env.value) == Some(account.info.balance);
    (before.code_hash == KECCAK256_EMPTY && is_paid).then_some(to)
}
