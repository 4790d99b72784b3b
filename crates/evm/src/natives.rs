//! Which addresses are native contracts, and how they run.

use alloy_primitives::{Address, Bytes};
use capstan_contracts::address::{CANONICAL, has_prefix};
use capstan_contracts::contract::{Run, input_gas};
use capstan_contracts::error::{NativeNoSystemWork, NativeNotDeployed};
use capstan_contracts::{SystemKind, revert};
use capstan_state::{Ctx, Halt};

/// The native contracts of a chain. The chain itself uses [`Protocol`]; tests bring their own.
pub trait Natives: Send + Sync {
    /// Whether a native contract answers at this address. Asked for every call, so it must be cheap.
    fn owns(&self, at: Address) -> bool;

    /// Runs the contract `cx.this()`, which [`Natives::owns`] said is one.
    fn run(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt>;

    /// Whether a transaction that the block itself made may go to this address.
    fn serves_system(&self, at: Address) -> bool;

    /// Runs the same contract's system entry, for a transaction that the block itself made.
    fn run_system(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt>;

    /// What DELEGATECALL, CALLCODE and an EIP-7702 delegation to a native contract answer.
    fn refuse_delegated(&self) -> Halt;
}

/// What serves the system transactions that go to this address.
fn system_work(target: Address) -> Option<Run> {
    SystemKind::of_target(target).and_then(capstan_contracts::system_work)
}

/// The contracts of `capstan_contracts`.
#[derive(Clone, Copy, Debug)]
pub struct Protocol;

/// The one value of [`Protocol`].
pub(crate) static PROTOCOL: Protocol = Protocol;

impl Natives for Protocol {
    #[inline]
    fn owns(&self, at: Address) -> bool {
        has_prefix(&at) || CANONICAL.contains(&at)
    }

    fn run(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        match capstan_contracts::resolve(cx.this()) {
            Some(contract) => contract.run(cx, input),
            // Coins sent to an address that only looks like a contract would be lost: refuse.
            None => {
                cx.store.charge(input_gas(input.len()))?;
                Err(revert(&NativeNotDeployed { account: cx.this() }))
            }
        }
    }

    fn serves_system(&self, at: Address) -> bool {
        SystemKind::of_target(at) == Some(SystemKind::DevOverride) || system_work(at).is_some()
    }

    fn run_system(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        match system_work(cx.this()) {
            Some(run) => run(cx, input),
            None => Err(revert(&NativeNoSystemWork { account: cx.this() })),
        }
    }

    fn refuse_delegated(&self) -> Halt {
        capstan_contracts::refuse_delegated()
    }
}
