//! Which addresses are native contracts, and how they run.

use alloy_primitives::{Address, Bytes};
use capstan_state::{Ctx, Halt};

/// The native contracts of a chain. The chain itself uses [`Protocol`]; tests bring their own.
pub trait Natives: Send + Sync {
    /// Whether a native contract answers at this address. Asked for every call, so it must be cheap.
    fn owns(&self, at: Address) -> bool;

    /// Runs the contract `cx.this()`, which [`Natives::owns`] said is one.
    fn run(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt>;

    /// Runs the same contract's system entry, for a transaction that the block itself made.
    fn run_system(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt>;

    /// What DELEGATECALL, CALLCODE and an EIP-7702 delegation to a native contract answer.
    fn refuse_delegated(&self) -> Halt;
}

/// The contracts of `capstan_contracts`.
#[derive(Clone, Copy, Debug)]
pub struct Protocol;

/// The one value of [`Protocol`].
pub(crate) static PROTOCOL: Protocol = Protocol;

impl Natives for Protocol {
    fn owns(&self, _: Address) -> bool {
        false
    }

    fn run(&self, _: &mut Ctx<'_>, _: &[u8]) -> Result<Bytes, Halt> {
        Err(Halt::Fatal("no native contract here".into()))
    }

    fn run_system(&self, _: &mut Ctx<'_>, _: &[u8]) -> Result<Bytes, Halt> {
        Err(Halt::Fatal("no native contract here".into()))
    }

    fn refuse_delegated(&self) -> Halt {
        Halt::Revert(Bytes::new())
    }
}
