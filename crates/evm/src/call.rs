//! Transactions over a scratch overlay: `eth_call`, `eth_estimateGas`, `eth_simulateV1`, `debug_trace*`.
//!
//! A [`Session`] is one block's environment over any state. Transactions run one after another; the caller
//! keeps what each one wrote with [`Session::commit`], or drops it.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::context::{BlockEnv, TxEnv};
use revm::context_interface::result::ResultAndState;
use revm::state::EvmState;

use crate::overlay::Overlay;
use crate::trace::DynInspector;
use crate::{BlockContext, ExecError, Rules, StateError, StateRead};

/// Which rules a simulated transaction must obey. `true` is: checked, as in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Sender can pay value and gas.
    pub balance: bool,
    /// Nonce is the account's.
    pub nonce: bool,
    /// Gas price covers the base fee. Off, a price below it is accepted and BASEFEE reads as 0 to a free call.
    pub base_fee: bool,
    /// Gas limit fits the block and the per-transaction cap (EIP-7825).
    pub gas_limit: bool,
    /// Sender has no code (EIP-3607).
    pub sender_is_eoa: bool,
}

impl Checks {
    /// As in a block.
    pub const ALL: Self = Self {
        balance: true,
        nonce: true,
        base_fee: true,
        gas_limit: true,
        sender_is_eoa: true,
    };
    /// As in `eth_call` of geth: the balance counts only as far as value and a stated price ask for it.
    pub const CALL: Self = Self {
        balance: true,
        nonce: false,
        base_fee: false,
        gas_limit: false,
        sender_is_eoa: false,
    };
    /// Nothing is checked.
    pub const NONE: Self = Self {
        balance: false,
        nonce: false,
        base_fee: false,
        gas_limit: false,
        sender_is_eoa: false,
    };
}

/// Storage of an overridden account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageOverride {
    /// These slots are all there is.
    Whole(BTreeMap<U256, U256>),
    /// These slots replace the stored ones, the rest stays.
    Slots(BTreeMap<U256, U256>),
}

/// What a caller pretends about one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Balance in wei.
    pub balance: Option<U256>,
    /// Nonce.
    pub nonce: Option<u64>,
    /// Code.
    pub code: Option<Bytes>,
    /// Storage.
    pub storage: Option<StorageOverride>,
    /// Moves the precompile that lives at this address to another one.
    pub move_precompile_to: Option<Address>,
}

/// One block's environment over a scratch overlay.
pub struct Session {
    overlay: Overlay,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session over `state`, as if its transactions stood in the block `ctx`.
    pub fn open(
        rules: Arc<Rules>,
        state: Arc<dyn StateRead>,
        ctx: BlockContext,
    ) -> Result<Self, ExecError> {
        let _ = (rules, ctx);
        Ok(Self {
            overlay: Overlay::new(state),
        })
    }

    /// Pretends something about an account.
    pub fn override_account(
        &mut self,
        address: Address,
        change: &AccountOverride,
    ) -> Result<(), ExecError> {
        let _ = (address, change);
        Err(ExecError::Internal("under construction".into()))
    }

    /// Pretends that an ancestor block has this hash.
    pub fn override_block_hash(&mut self, number: u64, hash: B256) {
        let _ = (number, hash);
    }

    /// Moves on to another block over what was committed so far (`eth_simulateV1`, `traceBlock`).
    pub fn next_block(&mut self, ctx: BlockContext) -> Result<(), ExecError> {
        let _ = ctx;
        Err(ExecError::Internal("under construction".into()))
    }

    /// The block as the EVM sees it, for tracers.
    pub fn block_env(&self) -> &BlockEnv {
        unreachable!()
    }

    /// Runs one transaction and keeps nothing. `ExecError::Refused` says which check failed.
    pub fn run(&mut self, tx: TxEnv, checks: Checks) -> Result<ResultAndState, ExecError> {
        let _ = (tx, checks);
        Err(ExecError::Internal("under construction".into()))
    }

    /// The same, watched.
    pub fn run_watched(
        &mut self,
        tx: TxEnv,
        checks: Checks,
        inspector: &mut DynInspector<'_>,
    ) -> Result<ResultAndState, ExecError> {
        let _ = (tx, checks, inspector);
        Err(ExecError::Internal("under construction".into()))
    }

    /// Keeps what a transaction wrote.
    pub fn commit(&mut self, state: &EvmState) {
        let _ = state;
    }

    /// State as it stands, for tracers that ask for a `DatabaseRef`.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Nonce of an account as it stands.
    pub fn nonce(&self, address: Address) -> Result<u64, StateError> {
        Ok(self.overlay.account(address)?.map_or(0, |info| info.nonce))
    }
}
