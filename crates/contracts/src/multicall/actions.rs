//! What the verbs of `multicall` do.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::Revert;
use capstan_state::{CallKind, CallRequest, Ctx, Halt};

use super::IMulticall3::{
    Call, Call3, Call3Value, Result as Outcome, aggregateReturn, tryBlockAndAggregateReturn,
};
use crate::revert;

/// One call, whichever verb it came with.
pub(super) struct Item {
    target: Address,
    may_fail: bool,
    value: U256,
    input: Bytes,
}

impl Item {
    pub(super) fn new(call: Call, may_fail: bool) -> Self {
        Self {
            target: call.target,
            may_fail,
            value: U256::ZERO,
            input: call.callData,
        }
    }
}

impl From<Call3> for Item {
    fn from(call: Call3) -> Self {
        let (target, may_fail, input) = (call.target, call.allowFailure, call.callData);
        Self {
            target,
            may_fail,
            value: U256::ZERO,
            input,
        }
    }
}

impl From<Call3Value> for Item {
    fn from(call: Call3Value) -> Self {
        let (target, may_fail, input) = (call.target, call.allowFailure, call.callData);
        Self {
            target,
            may_fail,
            value: call.value,
            input,
        }
    }
}

/// Calls one after the other. Only the calls themselves are bounded: by the gas that each costs.
pub(super) fn each(
    cx: &mut Ctx<'_>,
    items: impl Iterator<Item = Item>,
) -> Result<Vec<Outcome>, Halt> {
    let mut outcomes = Vec::new();
    for item in items {
        let outcome = cx.store.call(CallRequest {
            kind: CallKind::Call,
            from: cx.frame.this,
            target: item.target,
            value: item.value,
            input: item.input,
            gas_limit: None,
        })?;
        if !outcome.success && !item.may_fail {
            return Err(fail("Multicall3: call failed"));
        }
        outcomes.push(Outcome {
            success: outcome.success,
            returnData: outcome.output,
        });
    }
    Ok(outcomes)
}

pub(super) fn aggregate(cx: &mut Ctx<'_>, calls: Vec<Call>) -> Result<aggregateReturn, Halt> {
    let block_number = number(cx);
    let outcomes = each(cx, calls.into_iter().map(|call| Item::new(call, false)))?;
    let return_data = outcomes
        .into_iter()
        .map(|outcome| outcome.returnData)
        .collect();
    Ok(aggregateReturn {
        blockNumber: block_number,
        returnData: return_data,
    })
}

pub(super) fn with_block(
    cx: &mut Ctx<'_>,
    items: impl Iterator<Item = Item>,
) -> Result<tryBlockAndAggregateReturn, Halt> {
    // The block's own hash does not exist while it runs: the original answers zero here, and so do we.
    let block_number = number(cx);
    let return_data = each(cx, items)?;
    Ok(tryBlockAndAggregateReturn {
        blockNumber: block_number,
        blockHash: B256::ZERO,
        returnData: return_data,
    })
}

pub(super) fn aggregate_value(
    cx: &mut Ctx<'_>,
    calls: Vec<Call3Value>,
) -> Result<Vec<Outcome>, Halt> {
    let mut sum = Some(U256::ZERO);
    for call in &calls {
        sum = sum.and_then(|sum| sum.checked_add(call.value));
    }
    let outcomes = each(cx, calls.into_iter().map(Item::from))?;
    if sum != Some(cx.frame.value) {
        return Err(fail("Multicall3: value mismatch"));
    }
    Ok(outcomes)
}

pub(super) fn block_hash(cx: &mut Ctx<'_>, number: U256) -> Result<B256, Halt> {
    match u64::try_from(number) {
        Ok(number) => cx.store.block_hash(number),
        Err(_) => Ok(B256::ZERO),
    }
}

pub(super) fn last_block_hash(cx: &mut Ctx<'_>) -> Result<B256, Halt> {
    match cx.store.block().number.checked_sub(1) {
        Some(parent) => cx.store.block_hash(parent),
        None => Ok(B256::ZERO),
    }
}

pub(super) fn number(cx: &Ctx<'_>) -> U256 {
    U256::from(cx.store.block().number)
}

pub(super) fn timestamp(cx: &Ctx<'_>) -> U256 {
    U256::from(cx.store.block().time_ms.div_euclid(1000))
}

fn fail(reason: &str) -> Halt {
    revert(&Revert {
        reason: reason.to_owned(),
    })
}
