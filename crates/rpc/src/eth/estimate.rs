//! `eth_estimateGas`: the smallest gas limit with which a transaction succeeds, within 1.5 %.
//!
//! Gas used is not the answer: refunds come after, and a call passes on only 63/64 of what is left. So the
//! limit is searched. The first probe after the full one is what the transaction used at its peak, plus what
//! one call level may hold back; it is nearly always enough, and then the search is over in two runs.
//!
//! Where no block is named, or `latest`, it runs in the block that comes next: what accrues by time costs more
//! there than in the newest block, up to whose time all has accrued. It may also wait, and what is written once in a while
//! (a pool's mean price, say) is then its to pay for: so the limit is tried a minute later too, and grows if it must.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{TxKind, U64};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use capstan_evm::call::{Checks, Session};
use capstan_evm::{ExecError, Fork, TxRefused};
use revm::context::TxEnv;
use revm::context_interface::result::{ExecutionResult, HaltReason, InvalidTransaction};

use super::call;
use super::refusal;
use super::scene::{Scene, TX_GAS_MAX, affordable_gas, fees};
use crate::RpcContext;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// What a transfer to an account without code costs.
const TRANSFER_GAS: u64 = 21_000;
/// What a callee gets on top when coins move with the call.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when limit and lower bound are closer than this, in thousandths of the limit.
const TOLERANCE_PERMILLE: u64 = 15;
/// How long a transaction may wait for its block and still have gas enough.
const WAIT_MS: u64 = 60_000;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "eth_estimateGas",
        ["transaction", "block?", "stateOverrides?", "blockOverrides?"],
        "A gas limit with which the transaction succeeds, at most 1.5 % above the smallest such limit; in the next block and, where it needs more there, a minute later, unless a block is named.",
        estimate_gas,
    ).heavy();
}

type EstimateParams = (
    TransactionRequest,
    Option<BlockId>,
    Option<StateOverride>,
    Option<BlockOverrides>,
);

fn estimate_gas(cx: &RpcContext, params: EstimateParams) -> RpcResult<U64> {
    let (request, id, state, block) = params;
    estimate(cx, &request, id, state.as_ref(), block.as_ref()).map(U64::from)
}

/// A gas limit for a transaction that this node fills in for its caller.
pub(crate) fn gas_limit(
    cx: &RpcContext,
    request: TransactionRequest,
    id: BlockId,
) -> RpcResult<u64> {
    estimate(cx, &request, Some(id), None, None)
}

fn estimate(
    cx: &RpcContext,
    request: &TransactionRequest,
    id: Option<BlockId>,
    state: Option<&StateOverride>,
    block: Option<&BlockOverrides>,
) -> RpcResult<u64> {
    let is_upcoming = matches!(id, None | Some(BlockId::Number(BlockNumberOrTag::Latest)));
    if !is_upcoming {
        let scene = Scene::at(cx, id)?;
        return needed(cx, &scene, request, state, block, None);
    }
    let mut scene = Scene::upcoming(cx)?;
    let gas = needed(cx, &scene, request, state, block, None)?;
    if gas == TRANSFER_GAS || block.is_some() {
        return Ok(gas);
    }
    let info = &mut scene.block.info;
    info.time_ms = info.time_ms.saturating_add(WAIT_MS);
    // What fails by then fails for another reason than its gas: a deadline, a price that nobody renewed.
    let later = needed(cx, &scene, request, state, None, Some(gas));
    Ok(later.map_or(gas, |later| later.max(gas)))
}

/// The limit that a transaction needs in a scene: `enough`, if that is.
fn needed(
    cx: &RpcContext,
    scene: &Scene,
    request: &TransactionRequest,
    state: Option<&StateOverride>,
    block: Option<&BlockOverrides>,
    enough: Option<u64>,
) -> RpcResult<u64> {
    let mut session = scene.open(state, block)?;
    let high = highest(cx, scene, request, state)?;
    let (tx, checks) = call::prepare(cx, scene, &session, request, state)?;
    if enough.is_none() {
        call::listen(cx, &mut session);
    }
    let mut probe = Probe {
        cx,
        session: &mut session,
        tx,
        checks,
    };
    if let Some(gas) = enough
        && probe.run(gas)?.succeeded()
    {
        return Ok(gas);
    }
    if is_plain_transfer(&probe)? && probe.run(TRANSFER_GAS)?.succeeded() {
        return Ok(TRANSFER_GAS);
    }
    search(&mut probe, high)
}

/// The largest limit worth trying: what the caller allows, the block and the node allow, and the sender can pay.
fn highest(
    cx: &RpcContext,
    scene: &Scene,
    request: &TransactionRequest,
    state: Option<&StateOverride>,
) -> RpcResult<u64> {
    let asked = request.gas.filter(|gas| *gas >= TRANSFER_GAS);
    let mut high = asked
        .unwrap_or(scene.rules.user_gas_limit)
        .min(cx.limits().call_gas_max);
    if scene.rules.fork_at(scene.block.info.number) >= Fork::Osaka {
        high = high.min(TX_GAS_MAX);
    }
    let fees = fees(request)?;
    let balance_wei = scene.balance(request.from.unwrap_or_default(), state)?;
    let affordable = affordable_gas(balance_wei, request.value.unwrap_or_default(), fees)?;
    Ok(affordable.map_or(high, |gas| gas.min(high)))
}

/// Neither data nor lists, and nobody at home to run code.
fn is_plain_transfer(probe: &Probe<'_>) -> RpcResult<bool> {
    use capstan_evm::StateRead as _;
    let tx = &probe.tx;
    let TxKind::Call(to) = tx.kind else {
        return Ok(false);
    };
    if !tx.data.is_empty() || !tx.authorization_list.is_empty() || !tx.access_list.is_empty() {
        return Ok(false);
    }
    let account = probe
        .session
        .overlay()
        .account(to)
        .map_err(refusal::state_unreadable)?;
    Ok(account.is_none_or(|account| account.code_hash == alloy_primitives::KECCAK256_EMPTY))
}

/// How one try ended.
enum Outcome {
    /// It succeeded; so much gas was in use at the peak, before refunds.
    Succeeded { peak_gas: u64 },
    /// More gas might help.
    NeedsGas,
    /// More gas does not help.
    Failed(RpcError),
}

impl Outcome {
    fn succeeded(&self) -> bool {
        matches!(self, Self::Succeeded { .. })
    }
}

/// The transaction, ready to be tried with any limit.
struct Probe<'a> {
    cx: &'a RpcContext,
    session: &'a mut Session,
    tx: TxEnv,
    checks: Checks,
}

impl Probe<'_> {
    fn run(&mut self, gas_limit: u64) -> RpcResult<Outcome> {
        self.cx.check_deadline()?;
        self.tx.gas_limit = gas_limit;
        let base_fee_wei = u128::from(self.session.block_env().basefee);
        let done = match self.session.run(self.tx.clone(), self.checks) {
            Ok(done) => done.result,
            Err(ExecError::Refused(TxRefused::Invalid(
                InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
                | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
            ))) => return Ok(Outcome::NeedsGas),
            Err(error) => return Err(refusal::call_failed(error, &self.tx, base_fee_wei)),
        };
        let outcome = match done {
            ExecutionResult::Success { gas, .. } => Outcome::Succeeded {
                peak_gas: gas.total_gas_spent().max(gas.floor_gas()),
            },
            ExecutionResult::Revert { output, .. } => Outcome::Failed(RpcError::reverted(&output)),
            ExecutionResult::Halt {
                reason: HaltReason::OutOfGas(_),
                ..
            } => Outcome::NeedsGas,
            ExecutionResult::Halt { reason, .. } => {
                Outcome::Failed(RpcError::server(refusal::halt_words(&reason)))
            }
        };
        // Of many tries only the one that ends the search is shown; what succeeds is said again when it is sent.
        match &outcome {
            Outcome::Failed(_) => call::show_heard(self.session, "eth_estimateGas"),
            _ => drop(self.session.heard()),
        }
        Ok(outcome)
    }
}

/// Halves the distance between a limit that fails and one that succeeds.
fn search(probe: &mut Probe<'_>, mut high: u64) -> RpcResult<u64> {
    let peak_gas = match probe.run(high)? {
        Outcome::Succeeded { peak_gas } => peak_gas,
        Outcome::NeedsGas => {
            return Err(RpcError::server(format!(
                "gas required exceeds allowance ({high})"
            )));
        }
        Outcome::Failed(error) => return Err(error),
    };
    // A transaction that used so much cannot succeed with less.
    let mut low = peak_gas.saturating_sub(1).min(high);
    let first = peak_gas.saturating_add(CALL_STIPEND).saturating_mul(64) / 63;
    if first < high {
        match probe.run(first)?.succeeded() {
            true => high = first,
            false => low = first,
        }
    }
    while low + 1 < high && (high - low) * 1000 >= high * TOLERANCE_PERMILLE {
        // Most transactions need far less than the most: do not start in the middle of a huge range.
        let middle = low.midpoint(high).min(low.saturating_mul(2));
        match probe.run(middle)?.succeeded() {
            true => high = middle,
            false => low = middle,
        }
    }
    Ok(high)
}
