//! Transactions over a scratch overlay: `eth_call`, `eth_estimateGas`, `eth_simulateV1`, `debug_trace*`.
//!
//! A [`Session`] is one block's environment over any state. Transactions run one after another; the caller
//! keeps what each one wrote with [`Session::commit`], or drops it. A block in progress
//! ([`crate::BlockRun`]) is a session that keeps everything and accounts for it.
//!
//! A session belongs to one thread: open, use and drop it inside one blocking task.

use std::collections::BTreeMap;
use std::sync::{Arc, atomic::AtomicBool};

use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_state::BlockInfo;
use revm::context::{BlockEnv, CfgEnv, ContextTr, JournalTr, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::result::{EVMError, ExecutionResult, ResultAndState};
use revm::handler::{Handler, MainnetHandler, PrecompileProvider, SYSTEM_ADDRESS, SystemCallTx};
use revm::inspector::InspectorHandler;
use revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE;
use revm::state::EvmState;

use crate::console::Console;
use crate::evm::{Engine, Phase};
use crate::handler::{EvmError, SystemHandler};
use crate::natives::{Natives, PROTOCOL};
use crate::overlay::Overlay;
use crate::parallel::{Ahead, AheadHandler};
use crate::record::Touches;
use crate::stop::{self, Stop};
use crate::trace::{DynInspector, EvmContext};
use crate::{
    BlockContext, ExecError, Fork, Rules, StateDiff, StateError, StateRead, SystemTx, TxRefused,
    system,
};

/// Which rules a simulated transaction must obey. `true` is: checked, as in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Sender can pay value and gas.
    pub balance: bool,
    /// Nonce is the account's.
    pub nonce: bool,
    /// Gas price covers the base fee. Off: any price will do, and a call that pays nothing reads BASEFEE as 0.
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
    rules: Arc<Rules>,
    ctx: BlockContext,
    engine: Engine,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("ctx", &self.ctx)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session over `state`, as if its transactions stood in the block `ctx`.
    pub fn open(
        rules: Arc<Rules>,
        state: Arc<dyn StateRead>,
        ctx: BlockContext,
    ) -> Result<Self, ExecError> {
        Self::open_with(rules, state, ctx, &PROTOCOL)
    }

    /// The same with other native contracts, for tests.
    pub fn open_with(
        rules: Arc<Rules>,
        state: Arc<dyn StateRead>,
        ctx: BlockContext,
        natives: &'static dyn Natives,
    ) -> Result<Self, ExecError> {
        Self::open_over(rules, Overlay::new(state), ctx, natives)
    }

    /// The same over an overlay.
    pub(crate) fn open_over(
        rules: Arc<Rules>,
        overlay: Overlay,
        ctx: BlockContext,
        natives: &'static dyn Natives,
    ) -> Result<Self, ExecError> {
        let mut cfg = CfgEnv::new_with_spec(rules.fork_at(ctx.info.number).spec());
        cfg.chain_id = rules.chain_id;
        let block = block_env(&ctx)?;
        Ok(Self::assemble(rules, ctx, natives, overlay, cfg, block))
    }

    /// Goes on over another state, as if nothing had been committed.
    pub(crate) fn stand_on(&mut self, state: Arc<dyn StateRead>) {
        self.engine.ctx().db_mut().stand_on(state);
    }

    /// Forgets what was committed; the state below may be another one now.
    pub(crate) fn forget(&mut self) {
        self.engine.ctx().db_mut().forget();
    }

    /// A session under any fork and any block, for the official state tests.
    pub(crate) fn with_env(state: Arc<dyn StateRead>, cfg: CfgEnv, block: BlockEnv) -> Self {
        let rules = Rules::new(cfg.chain_id);
        let info = BlockInfo {
            chain_id: cfg.chain_id,
            number: block.number.saturating_to(),
            time_ms: block.timestamp.saturating_to::<u64>().saturating_mul(1000),
            beneficiary: block.beneficiary,
            base_fee_wei: u128::from(block.basefee),
            prevrandao: block.prevrandao.unwrap_or_default(),
            gas_limit: block.gas_limit,
            version: rules.version_at(0),
        };
        let ctx = BlockContext {
            info,
            parent_hash: B256::ZERO,
            parent_beacon_root: B256::ZERO,
        };
        let overlay = Overlay::new(state);
        Self::assemble(Arc::new(rules), ctx, &PROTOCOL, overlay, cfg, block)
    }

    fn assemble(
        rules: Arc<Rules>,
        ctx: BlockContext,
        natives: &'static dyn Natives,
        overlay: Overlay,
        cfg: CfgEnv,
        block: BlockEnv,
    ) -> Self {
        let mut evm = EvmContext::new(overlay, cfg.spec);
        evm.cfg = cfg;
        evm.block = block;
        let engine = Engine::new(evm, natives, ctx.info.clone());
        Self { rules, ctx, engine }
    }

    /// Ends what runs here soon after `flag` is raised, with [`ExecError::Stopped`].
    pub fn stop_when(&mut self, flag: Arc<AtomicBool>) {
        self.engine.ctx().chain = Stop::when(flag);
        stop::watch_jumps(&mut self.engine.inner.instruction);
    }

    /// Keeps what transactions say to `console.log` from now on, for [`Session::heard`].
    pub fn listen(&mut self) {
        self.engine.console = Some(Console::default());
    }

    /// What was said since the last time, in words; nothing where nobody listens.
    pub fn heard(&mut self) -> Vec<String> {
        let console = self.engine.console.as_mut();
        console.map(Console::take).unwrap_or_default()
    }

    /// Notes how native contracts touch words from now on, for [`Session::touched`].
    pub(crate) fn note_touches(&mut self) {
        self.engine.touches = Some(Touches::default());
    }

    /// What was noted since the last time.
    pub(crate) fn touched(&mut self) -> Touches {
        let touches = self.engine.touches.as_mut();
        touches.map(std::mem::take).unwrap_or_default()
    }

    /// Pretends something about an account.
    pub fn override_account(
        &mut self,
        address: Address,
        change: &AccountOverride,
    ) -> Result<(), ExecError> {
        if let Some(to) = change.move_precompile_to
            && !self.engine.inner.precompiles.relocate(address, to)
        {
            return Err(ExecError::Internal(format!(
                "account {address} is not a precompile"
            )));
        }
        if change.code.is_some() {
            self.engine.inner.precompiles.replace(address);
        }
        Ok(self.engine.ctx().db_mut().pretend(address, change)?)
    }

    /// Pretends that an ancestor block has this hash.
    pub fn override_block_hash(&mut self, number: u64, hash: B256) {
        self.engine.ctx().db_mut().pretend_hash(number, hash);
    }

    /// Moves on to another block over what was committed so far (`eth_simulateV1`). What was pretended about
    /// accounts stays; precompiles are back at their own addresses.
    pub fn next_block(&mut self, ctx: BlockContext) -> Result<(), ExecError> {
        let base = self.overlay().base().clone();
        let mut next = Self::open_with(self.rules.clone(), base, ctx, self.engine.natives)?;
        std::mem::swap(self.engine.ctx().db_mut(), next.engine.ctx().db_mut());
        next.engine.ctx().chain = self.engine.ctx().chain.clone();
        next.engine.console = self.engine.console.take();
        stop::watch_jumps(&mut next.engine.inner.instruction);
        *self = next;
        Ok(())
    }

    /// Runs and keeps what comes before a block's first transaction: EIP-4788 and EIP-2935. A block in progress
    /// does so by itself; a simulated one asks for it.
    pub fn begin_block(&mut self) -> Result<(), ExecError> {
        for (target, word) in self.opening_calls() {
            let state = self.protocol_call(target, word.into())?;
            self.commit(&state);
        }
        Ok(())
    }

    /// Which contracts are told which word before the first transaction.
    pub(crate) fn opening_calls(&self) -> Vec<(Address, B256)> {
        let mut calls = vec![(BEACON_ROOTS_ADDRESS, self.ctx.parent_beacon_root)];
        if self.rules.fork_at(self.ctx.info.number) >= Fork::Prague {
            calls.push((HISTORY_STORAGE_ADDRESS, self.ctx.parent_hash));
        }
        calls
    }

    /// What differs from the state that the session was opened over: everything committed and pretended. It is
    /// what a simulated block's state root is made from. `None` if the whole storage of an existing contract was
    /// pretended, since the words that this takes away cannot be named.
    pub fn changes(&self) -> Result<Option<StateDiff>, StateError> {
        self.overlay().changes()
    }

    /// The block whose environment this is.
    pub fn block(&self) -> &BlockContext {
        &self.ctx
    }

    /// The chain's rules.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The block as the EVM sees it, for tracers.
    pub fn block_env(&self) -> &BlockEnv {
        &self.engine.inner.ctx.block
    }

    /// The last transaction as the EVM saw it, for tracers.
    pub fn tx_env(&self) -> &TxEnv {
        &self.engine.inner.ctx.tx
    }

    /// Runs one transaction and keeps nothing. [`ExecError::Refused`] says which check failed.
    pub fn run(&mut self, tx: TxEnv, checks: Checks) -> Result<ResultAndState, ExecError> {
        self.checked(tx, checks, None)
    }

    /// The same, watched.
    pub fn run_watched(
        &mut self,
        tx: TxEnv,
        checks: Checks,
        inspector: &mut DynInspector<'_>,
    ) -> Result<ResultAndState, ExecError> {
        self.checked(tx, checks, Some(inspector))
    }

    /// Keeps what a transaction wrote.
    pub fn commit(&mut self, state: &EvmState) {
        self.engine.ctx().db_mut().commit(state);
    }

    /// State as it stands, for tracers that ask for a `DatabaseRef`.
    pub fn overlay(&self) -> &Overlay {
        &self.engine.inner.ctx.journaled_state.database
    }

    /// The same, for whoever keeps what transactions wrote.
    pub(crate) fn overlay_mut(&mut self) -> &mut Overlay {
        self.engine.ctx().db_mut()
    }

    /// Nonce of an account as it stands.
    pub fn nonce(&self, address: Address) -> Result<u64, StateError> {
        Ok(self
            .overlay()
            .account(address)?
            .map_or(0, |info| info.nonce))
    }

    /// The native contracts of this session.
    pub fn natives(&self) -> &'static dyn Natives {
        self.engine.natives
    }

    fn checked(
        &mut self,
        tx: TxEnv,
        checks: Checks,
        inspector: Option<&mut DynInspector<'_>>,
    ) -> Result<ResultAndState, ExecError> {
        let base_fee = self.engine.ctx().block.basefee;
        if !checks.base_fee && tx.gas_price == 0 {
            self.engine.ctx().block.basefee = 0;
        }
        self.set_checks(checks);
        let ended = self.user(tx, inspector);
        self.set_checks(Checks::ALL);
        self.engine.ctx().block.basefee = base_fee;
        ended
    }

    fn set_checks(&mut self, checks: Checks) {
        let cfg = &mut self.engine.ctx().cfg;
        cfg.disable_balance_check = !checks.balance;
        cfg.disable_nonce_check = !checks.nonce;
        cfg.disable_base_fee = !checks.base_fee;
        cfg.disable_block_gas_limit = !checks.gas_limit;
        cfg.tx_gas_limit_cap = (!checks.gas_limit).then_some(u64::MAX);
        cfg.disable_eip3607 = !checks.sender_is_eoa;
    }

    /// Whether a sender with code is refused (EIP-3607).
    pub(crate) fn refuse_code_at_sender(&mut self, refuse: bool) {
        self.engine.ctx().cfg.disable_eip3607 = !refuse;
    }

    /// Changes places with another overlay.
    pub(crate) fn swap_overlay(&mut self, other: &mut Overlay) {
        std::mem::swap(self.engine.ctx().db_mut(), other);
    }

    /// Whether an address is neither a native contract nor a precompile.
    pub(crate) fn is_plain(&self, at: Address) -> bool {
        let precompiles =
            PrecompileProvider::<EvmContext>::warm_addresses(&self.engine.inner.precompiles);
        !self.engine.natives.owns(at) && !precompiles.contains(&at)
    }

    /// Whether what transactions say is kept.
    pub(crate) fn listens(&self) -> bool {
        self.engine.console.is_some()
    }

    /// Runs a user's transaction ahead of its turn: whether it only paid the beneficiary is noted. Its overlay has notes.
    pub(crate) fn user_ahead(&mut self, tx: TxEnv) -> Result<Ahead, ExecError> {
        self.engine.ctx().tx = tx;
        if let Some(notes) = self.overlay_mut().notes() {
            notes.begin();
        }
        let (ended, only_paid) = {
            let mut handler = AheadHandler::default();
            let ended = handler.run(&mut self.engine.quiet());
            (ended, handler.only_paid())
        };
        Ok(Ahead {
            ended: self.finish(ended)?,
            only_paid,
        })
    }

    /// Runs a user's transaction under the checks that stand.
    pub(crate) fn user(
        &mut self,
        tx: TxEnv,
        inspector: Option<&mut DynInspector<'_>>,
    ) -> Result<ResultAndState, ExecError> {
        self.engine.ctx().tx = tx;
        let ended = match inspector {
            None => MainnetHandler::default().run(&mut self.engine.quiet()),
            Some(inspector) => {
                MainnetHandler::default().inspect_run(&mut self.engine.watched(inspector))
            }
        };
        self.finish(ended)
    }

    /// Runs a system transaction: the target's system entry, no fees, no nonce, no per-transaction gas cap.
    ///
    /// # Errors
    /// The target serves no system work, or the state cannot be read.
    pub fn system(
        &mut self,
        tx: &SystemTx,
        inspector: Option<&mut DynInspector<'_>>,
    ) -> Result<ResultAndState, ExecError> {
        let ctx = self.engine.ctx();
        ctx.tx =
            TxEnv::new_system_tx_with_caller(system::SYSTEM_SENDER, tx.target, tx.input.clone());
        ctx.tx.gas_limit = tx.gas_limit;
        ctx.cfg.disable_fee_charge = true;
        ctx.cfg.tx_gas_limit_cap = Some(u64::MAX);
        self.engine.phase = Phase::System;
        let ended = match inspector {
            None => SystemHandler::default().run(&mut self.engine.quiet()),
            Some(inspector) => {
                SystemHandler::default().inspect_run(&mut self.engine.watched(inspector))
            }
        };
        self.engine.phase = Phase::User;
        let cfg = &mut self.engine.ctx().cfg;
        cfg.disable_fee_charge = false;
        cfg.tx_gas_limit_cap = None;
        self.finish(ended)
    }

    /// A call that Ethereum's own rules make before a block's transactions (EIP-2935, EIP-4788). As there, a
    /// missing contract or a failing call is not an error.
    pub(crate) fn protocol_call(
        &mut self,
        target: Address,
        data: Bytes,
    ) -> Result<EvmState, ExecError> {
        self.engine.ctx().tx = TxEnv::new_system_tx_with_caller(SYSTEM_ADDRESS, target, data);
        let ended = MainnetHandler::default().run_system_call(&mut self.engine.quiet());
        Ok(self.finish(ended)?.state)
    }

    /// Takes the journal's state out. A refused transaction leaves what it loaded behind, which must not
    /// show in the next one's access list: it is dropped here.
    fn finish(
        &mut self,
        ended: Result<ExecutionResult, EvmError>,
    ) -> Result<ResultAndState, ExecError> {
        let state = self.engine.ctx().journal_mut().finalize();
        match ended {
            Ok(result) => Ok(ResultAndState { result, state }),
            Err(EVMError::Transaction(refused)) => Err(TxRefused::Invalid(refused).into()),
            Err(EVMError::Database(error)) => Err(error.into()),
            Err(EVMError::Header(error)) => Err(ExecError::Header {
                number: self.ctx.info.number,
                why: error.to_string(),
            }),
            Err(EVMError::Custom(_)) if self.engine.ctx().chain.is_raised() => {
                Err(ExecError::Stopped)
            }
            Err(EVMError::Custom(why)) => Err(ExecError::Internal(why)),
            Err(EVMError::CustomAny(why)) => Err(ExecError::Internal(why.to_string())),
        }
    }

    /// Gives a used state map back, so that its memory serves the next transaction.
    pub(crate) fn recycle(&mut self, mut state: EvmState) {
        /// Beyond this a map costs more to clear than to allocate.
        const KEPT_CAPACITY: usize = 1024;
        if state.capacity() <= KEPT_CAPACITY {
            state.clear();
            self.engine.ctx().journal_mut().inner.state = state;
        }
    }
}

/// The block in the EVM's own form.
fn block_env(ctx: &BlockContext) -> Result<BlockEnv, ExecError> {
    let info = &ctx.info;
    let basefee = u64::try_from(info.base_fee_wei).map_err(|_| ExecError::Header {
        number: info.number,
        why: format!("base fee {} does not fit 64 bits", info.base_fee_wei),
    })?;
    Ok(BlockEnv {
        number: U256::from(info.number),
        beneficiary: info.beneficiary,
        timestamp: U256::from(info.time_ms / 1000),
        gas_limit: info.gas_limit,
        basefee,
        difficulty: U256::ZERO,
        prevrandao: Some(info.prevrandao),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(
            0,
            BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        )),
        slot_num: 0,
    })
}
