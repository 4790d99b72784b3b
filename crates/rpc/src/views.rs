//! Views of native contracts on the state of one block, all on the same one.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_sol_types::{SolCall, SolError};
use capstan_evm::call::{Checks, Session};
use revm::context::TxEnv;
use revm::context_interface::result::{ExecutionResult, ResultAndState};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    eth::{
        refusal,
        scene::{self, Scene},
    },
};

/// A block's state that can be asked.
pub(crate) struct Views<'a> {
    cx: &'a RpcContext,
    session: Session,
    chain_id: u64,
    /// Height and time of the block.
    pub(crate) number: u64,
    pub(crate) time_ms: u64,
}

impl<'a> Views<'a> {
    /// On the state after a block; the newest if none is named.
    pub(crate) fn at(cx: &'a RpcContext, id: Option<BlockId>) -> RpcResult<Self> {
        Self::of(cx, &Scene::at(cx, id)?)
    }

    /// On a scene that others look at, too.
    pub(crate) fn of(cx: &'a RpcContext, scene: &Scene) -> RpcResult<Self> {
        Ok(Self {
            cx,
            session: scene.open(None, None)?,
            chain_id: scene.rules.chain_id,
            number: scene.block.info.number,
            time_ms: scene.block.info.time_ms,
        })
    }

    /// What a view answers. A revert is the caller's error, in words.
    pub(crate) fn ask<C: SolCall>(&mut self, to: Address, call: &C) -> RpcResult<C::Return> {
        self.answer(to, call)?
            .map_err(|output| RpcError::reverted(&output))
    }

    /// The same where a revert is an answer too: its bytes.
    pub(crate) fn answer<C: SolCall>(
        &mut self,
        to: Address,
        call: &C,
    ) -> RpcResult<Result<C::Return, Bytes>> {
        let done = self.run(Address::ZERO, to, call)?;
        read::<C>(done.result)
    }

    /// What a verb would do in the name of `from`: later questions see it, and nobody else ever does.
    pub(crate) fn pretend<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        call: &C,
    ) -> RpcResult<Result<C::Return, Bytes>> {
        let done = self.run(from, to, call)?;
        self.session.commit(&done.state);
        read::<C>(done.result)
    }

    fn run<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        call: &C,
    ) -> RpcResult<ResultAndState> {
        self.cx.check_deadline()?;
        let tx = TxEnv {
            caller: from,
            gas_limit: self.cx.limits().call_gas_max,
            kind: TxKind::Call(to),
            data: call.abi_encode().into(),
            chain_id: Some(self.chain_id),
            ..TxEnv::default()
        };
        scene::run(&mut self.session, &tx, Checks::CALL)
    }
}

fn read<C: SolCall>(result: ExecutionResult) -> RpcResult<Result<C::Return, Bytes>> {
    match result {
        ExecutionResult::Success { output, .. } => C::abi_decode_returns(output.data())
            .map(Ok)
            .map_err(|error| RpcError::internal(format!("{}: {error}", C::SIGNATURE))),
        ExecutionResult::Revert { output, .. } => Ok(Err(output)),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::server(refusal::halt_words(&reason))),
    }
}

/// The answer, or none where the contract says that there is nothing. Any other revert is an error.
pub(crate) fn unless<E: SolError, T>(answer: Result<T, Bytes>) -> RpcResult<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(output) if E::abi_decode(&output).is_ok() => Ok(None),
        Err(output) => Err(RpcError::reverted(&output)),
    }
}
