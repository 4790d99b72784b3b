//! [`Store`] over revm's journal: what a native contract touches, with the EVM's own gas.
//!
//! Every method charges before it acts, from the same `GasParams` as the opcodes. A read that the frame
//! cannot pay for does not happen, so it is absent from the access list, as for bytecode (EIP-7928).

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, LogData, U256};
use capstan_contracts::SystemKind;
use capstan_state::{
    BlockInfo, CallInSystemPhase, CallKind, CallOutcome, CallRequest, CreateOutcome, CreateRequest,
    Ctx, Frame, GasClass, Halt, Mark, Store, gas,
};
use revm::bytecode::Bytecode;
use revm::context::{Cfg, ContextTr, JournalEntry, JournalTr};
use revm::context_interface::context::ContextError;
use revm::context_interface::context::SStoreResult;
use revm::context_interface::host::{Host, LoadError};
use revm::context_interface::journaled_state::{
    AccountInfoLoad, JournalCheckpoint, JournalLoadError, entry::JournalEntryTr,
};
use revm::context_interface::{CreateScheme, cfg::GasParams};
use revm::handler::{FrameResult, handle_reservoir_remaining_gas};
use revm::inspector::InspectorEvmTr;
use revm::interpreter::instructions::contract::load_account_delegated;
use revm::interpreter::interpreter_action::FrameInit;
use revm::interpreter::{
    CallInput, CallInputs, CallScheme, CallValue, CreateInputs, FrameInput, Gas, SharedMemory,
};
use revm::{Database, Inspector};

use crate::evm::{CapstanEvm, Phase};
use crate::parallel::Commutative;
use crate::trace::EvmContext;
use crate::{overrides, sig, system};

/// ECRECOVER's price.
const RECOVER_GAS: u64 = 3000;
/// Static part of the LOG opcodes.
const LOG_GAS: u64 = 375;
/// BLOCKHASH's price.
const BLOCKHASH_GAS: u64 = 20;
/// Static part of KECCAK256.
const KECCAK_GAS: u64 = 30;

/// What a commutative write found and did.
struct Exchanged {
    is_cold: bool,
    /// The word before the transaction, and before the write.
    found: (U256, U256),
    /// The word before the transaction, before the write, and after it; `None`: refused.
    written: Option<SStoreResult>,
}

/// One native frame's world.
pub(crate) struct RevmStore<'a, 'e, I> {
    evm: &'a mut CapstanEvm<'e, I>,
    frame: Frame,
    gas: Gas,
    is_static: bool,
    depth: usize,
    memory: SharedMemory,
    /// Words that callees have answered so far.
    answer_words: u64,
    /// Other accounts that this frame reached: they are warm as long as nothing is rewound.
    reached: Vec<Address>,
    /// Open marks: where the journal stood, and the refund counter with it.
    marks: Vec<(JournalCheckpoint, i64)>,
}

impl<'a, 'e, I: Inspector<EvmContext>> RevmStore<'a, 'e, I> {
    pub(crate) fn new(
        evm: &'a mut CapstanEvm<'e, I>,
        frame: Frame,
        gas: Gas,
        is_static: bool,
        depth: usize,
        memory: SharedMemory,
    ) -> Self {
        Self {
            evm,
            frame,
            gas,
            is_static,
            depth,
            memory,
            answer_words: 0,
            reached: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Runs the contract of this frame.
    pub(crate) fn run(&mut self, input: &[u8]) -> Result<Bytes, Halt> {
        let natives = self.evm.engine.natives;
        let frame = self.frame;
        // Only the block's own call is a system entry; what it calls in turn is refused by `call`.
        match self.evm.engine.phase {
            Phase::System if SystemKind::of_target(frame.this) == Some(SystemKind::DevOverride) => {
                overrides::apply(self, input)
            }
            Phase::System => natives.run_system(&mut Ctx::new(self, frame), input),
            Phase::User => natives.run(&mut Ctx::new(self, frame), input),
        }
    }

    pub(crate) fn into_gas(self) -> Gas {
        self.gas
    }

    pub(crate) fn ctx(&mut self) -> &mut EvmContext {
        &mut self.evm.engine.inner.ctx
    }

    fn params(&self) -> &GasParams {
        self.evm.engine.inner.ctx.cfg.gas_params()
    }

    fn writable(&self) -> Result<(), Halt> {
        if self.is_static {
            Err(Halt::StaticViolation)
        } else {
            Ok(())
        }
    }

    /// The read that failed, as the contract sees it; the fault itself goes up beside it.
    fn load_failed(&mut self, error: LoadError) -> Halt {
        match error {
            LoadError::ColdLoadSkipped => Halt::OutOfGas,
            LoadError::DBError => {
                let slot = self.ctx().error();
                match std::mem::replace(slot, Ok(())) {
                    Err(fault) => self.fatal(fault),
                    Ok(()) => Halt::Fatal("a read failed without a reason".into()),
                }
            }
        }
    }

    pub(crate) fn fatal(&mut self, fault: crate::evm::Fault) -> Halt {
        let why = match &fault {
            ContextError::Db(error) => error.to_string(),
            ContextError::Custom(why) => why.clone(),
        };
        self.evm.engine.fault = Some(fault);
        Halt::Fatal(why)
    }

    /// Reads an account, charged as BALANCE is.
    fn visit<T>(
        &mut self,
        at: Address,
        code: bool,
        read: impl FnOnce(&AccountInfoLoad<'_>) -> T,
    ) -> Result<T, Halt> {
        self.charge(self.params().warm_storage_read_cost())?;
        self.warm(at, code, read)
    }

    /// Reads an account, charged only if it is cold.
    fn warm<T>(
        &mut self,
        at: Address,
        code: bool,
        read: impl FnOnce(&AccountInfoLoad<'_>) -> T,
    ) -> Result<T, Halt> {
        let cold_cost = self.params().cold_account_additional_cost();
        let skip = self.gas.remaining() < cold_cost;
        match self.ctx().load_account_info_skip_cold_load(at, code, skip) {
            Ok(load) => {
                let is_cold = load.is_cold;
                let answer = read(&load);
                if is_cold {
                    self.charge(cold_cost)?;
                }
                Ok(answer)
            }
            Err(error) => Err(self.load_failed(error)),
        }
    }

    /// Storage of an account that is not this frame's own: the account is loaded first, for the price that
    /// reaching it by a call would have.
    fn reach(&mut self, at: Address) -> Result<(), Halt> {
        if at == self.frame.this || self.reached.contains(&at) {
            return Ok(());
        }
        self.warm(at, false, |_| ())?;
        self.reached.push(at);
        Ok(())
    }

    /// A word that this transaction touched before, of an account that it loaded: what a warm read answers. Most reads
    /// of a contract are of such words, and two look-ups find them.
    fn seen(&self, at: Address, slot: U256) -> Option<U256> {
        let journal = &self.evm.engine.inner.ctx.journaled_state.inner;
        let account = journal.state.get(&at)?;
        let word = account.storage.get(&slot)?;
        let id = journal.transaction_id;
        let is_warm = !account.is_cold_transaction_id(id) && !word.is_cold_transaction_id(id);
        is_warm.then_some(word.present_value)
    }

    /// Changes such a word, if it is one and its account is among those that are written back; `None` otherwise. As the
    /// journal does it, with the two look-ups that are needed.
    fn change_seen(
        &mut self,
        at: Address,
        slot: U256,
        change: impl FnOnce(U256) -> Option<U256>,
    ) -> Option<Exchanged> {
        let inner = &mut self.ctx().journaled_state.inner;
        let id = inner.transaction_id;
        let account = inner.state.get_mut(&at)?;
        if account.is_cold_transaction_id(id) || !account.is_touched() {
            return None;
        }
        let word = account.storage.get_mut(&slot)?;
        if word.is_cold_transaction_id(id) {
            return None;
        }
        let present = word.present_value;
        let written = change(present).map(|new| {
            if new != present {
                word.present_value = new;
                let entry = JournalEntry::storage_changed(at, slot, present);
                inner.journal.push(entry);
            }
            SStoreResult {
                original_value: word.original_value,
                present_value: present,
                new_value: new,
            }
        });
        Some(Exchanged {
            is_cold: false,
            found: (word.original_value, present),
            written,
        })
    }

    /// Reads a word; answers it with whether it was cold. The warm price is the caller's.
    fn peek(&mut self, at: Address, slot: U256, cold_cost: u64) -> Result<(U256, bool), Halt> {
        let skip = self.gas.remaining() < cold_cost;
        match self.ctx().sload_skip_cold_load(at, slot, skip) {
            Ok(load) => Ok((load.data, load.is_cold)),
            Err(error) => Err(self.load_failed(error)),
        }
    }

    /// What every write needs first: the right to write, and EIP-2200's sentry.
    fn begin_write(&self) -> Result<(), Halt> {
        self.writable()?;
        if self.gas.remaining() <= self.params().call_stipend() {
            return Err(Halt::OutOfGas);
        }
        Ok(())
    }

    /// Writes a word under the SSTORE schedule.
    fn write(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.begin_write()?;
        if let Some(Exchanged {
            written: Some(values),
            ..
        }) = self.change_seen(at, slot, |_| Some(word))
        {
            self.charge(self.params().sstore_static_gas())?;
            return self.pay_write(&values, false);
        }
        self.reach(at)?;
        self.charge(self.params().sstore_static_gas())?;
        let skip = self.gas.remaining() < self.params().cold_storage_cost();
        match self.ctx().sstore_skip_cold_load(at, slot, word, skip) {
            Ok(load) => self.pay_write(&load.data, load.is_cold),
            Err(error) => Err(self.load_failed(error)),
        }
    }

    /// The dynamic part of SSTORE's price, and its refund.
    fn pay_write(&mut self, values: &SStoreResult, is_cold: bool) -> Result<(), Halt> {
        self.charge(self.params().sstore_dynamic_gas(true, values, is_cold))?;
        // Only a write that clears a word, fills one that was cleared or brings one back changes refunds: to ask for any
        // other is a thirtieth of a swap.
        let may_refund = values.new_value.is_zero()
            || values.present_value.is_zero()
            || values.new_value == values.original_value;
        if may_refund {
            let refund = self.params().sstore_refund(true, values);
            self.gas.record_refund(refund);
        }
        Ok(())
    }

    /// Tells whoever notes touches, or what commutative writes need, that this word itself was looked at.
    fn look(&mut self, at: Address, slot: U256) {
        if let Some(touches) = &mut self.evm.engine.touches {
            touches.exact(at, slot);
        }
        if let Some(notes) = self.ctx().journaled_state.database.notes() {
            notes.look((at, slot));
        }
    }

    /// Words that transactions asked for so far; each asks but once for one.
    fn words_read(&self) -> u64 {
        self.evm
            .engine
            .inner
            .ctx
            .journaled_state
            .database
            .words_read()
    }

    /// A commutative write: reads, asks `op` for the new word (`None`: refused), writes. The account is
    /// looked up once, which is most of what a warm write costs the host.
    fn commute(
        &mut self,
        at: Address,
        slot: U256,
        class: GasClass,
        op: Commutative,
    ) -> Result<bool, Halt> {
        if let Some(touches) = &mut self.evm.engine.touches {
            touches.commuted(at, slot);
        }
        self.begin_write()?;
        let change = |word| op.apply(word, class);
        let cold_cost = self.params().cold_storage_cost();
        let static_cost = self.params().sstore_static_gas()
            + match class {
                GasClass::Flat => self.params().sstore_reset_without_cold_load_cost(),
                GasClass::ZeroAware => 0,
            };
        let reads_before = self.words_read();
        let exchanged = match self.change_seen(at, slot, change) {
            Some(exchanged) => {
                self.charge(static_cost)?;
                exchanged
            }
            None => {
                self.reach(at)?;
                self.charge(static_cost)?;
                let skip = self.gas.remaining() < cold_cost;
                self.exchange(at, slot, skip, change)?
            }
        };
        let is_first = self.words_read() != reads_before;
        if let Some(notes) = self.ctx().journaled_state.database.notes() {
            let left = exchanged.written.as_ref().map(|values| values.new_value);
            notes.moved((at, slot), class, op, exchanged.found, left, is_first);
        }
        match (class, exchanged) {
            // Whatever the word holds, done or refused: cold or warm is all that counts.
            (
                GasClass::Flat,
                Exchanged {
                    is_cold, written, ..
                },
            ) => {
                if is_cold {
                    self.charge(cold_cost)?;
                }
                Ok(written.is_some())
            }
            (
                GasClass::ZeroAware,
                Exchanged {
                    is_cold, written, ..
                },
            ) => match written {
                Some(values) => {
                    self.pay_write(&values, is_cold)?;
                    Ok(true)
                }
                // Refused: a look at the word, at a read's price.
                None => {
                    if is_cold {
                        self.charge(self.params().cold_storage_additional_cost())?;
                    }
                    Ok(false)
                }
            },
        }
    }

    /// Reads a word and writes what `change` makes of it.
    fn exchange(
        &mut self,
        at: Address,
        slot: U256,
        skip_cold: bool,
        change: impl FnOnce(U256) -> Option<U256>,
    ) -> Result<Exchanged, Halt> {
        let journal = self.ctx().journal_mut();
        let Some(mut account) = journal.inner.get_account_mut(&mut journal.database, at) else {
            return Err(Halt::Fatal(format!(
                "account {at} is written before it is loaded"
            )));
        };
        let found = account.sload_concrete_error(slot, skip_cold);
        let done = found
            .map(|slot| ((slot.original_value(), slot.present_value()), slot.is_cold))
            .and_then(|(found, is_cold)| {
                let new = change(found.1);
                let written = match new {
                    Some(new) => Some(account.sstore_concrete_error(slot, new, false)?.data),
                    None => None,
                };
                Ok(Exchanged {
                    is_cold,
                    found,
                    written,
                })
            });
        done.map_err(|error| match error {
            JournalLoadError::ColdLoadSkipped => Halt::OutOfGas,
            JournalLoadError::DBError(error) => self.fatal(error.into()),
        })
    }

    /// Runs a nested frame to its end, on the shared memory above this frame's.
    fn nested(&mut self, frame_input: FrameInput) -> Result<FrameResult, Halt> {
        let init = FrameInit {
            depth: self.depth + 1,
            memory: self.memory.new_child_context(),
            frame_input,
        };
        let ended = self.evm.exec(init);
        self.memory.free_child_context();
        let mut result = ended.map_err(|fault| self.fatal(fault))?;
        let instruction = result.instruction_result();
        handle_reservoir_remaining_gas(
            instruction,
            self.gas.tracker_mut(),
            result.gas_mut().tracker_mut(),
        );
        Ok(result)
    }

    /// The gas that a callee gets: all but a 64th (EIP-150), or less if asked for.
    fn forward(&mut self, wanted: Option<u64>) -> Result<u64, Halt> {
        let most = self.params().call_stipend_reduction(self.gas.remaining());
        let gas_limit = wanted.map_or(most, |wanted| wanted.min(most));
        self.charge(gas_limit)?;
        Ok(gas_limit)
    }

    /// What callees answered is kept on the host's heap: it has the bound that memory has.
    fn keep_answer(&mut self, output: &Bytes) -> Result<(), Halt> {
        let before = self.answer_words;
        self.answer_words = before.saturating_add(gas::words(output.len()));
        self.charge(gas::kept_words(before, self.answer_words))
    }

    fn user_phase(&self, target: Address) -> Result<(), Halt> {
        match self.evm.engine.phase {
            Phase::User => Ok(()),
            Phase::System => Err(Halt::revert(&CallInSystemPhase { target })),
        }
    }
}

impl<I: Inspector<EvmContext>> Store for RevmStore<'_, '_, I> {
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.look(at, slot);
        if let Some(word) = self.seen(at, slot) {
            self.charge(self.params().warm_storage_read_cost())?;
            return Ok(word);
        }
        self.reach(at)?;
        self.charge(self.params().warm_storage_read_cost())?;
        let cold_cost = self.params().cold_storage_additional_cost();
        let (word, is_cold) = self.peek(at, slot, cold_cost)?;
        if is_cold {
            self.charge(cold_cost)?;
        }
        Ok(word)
    }

    fn save(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.look(at, slot);
        self.write(at, slot, word)
    }

    fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> Result<(), Halt> {
        let added = self.commute(at, slot, class, Commutative::Add(delta))?;
        if added { Ok(()) } else { Err(Halt::overflow()) }
    }

    fn sub_bounded(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.commute(at, slot, class, Commutative::SubBounded { delta, min })
    }

    fn add_capped(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.commute(at, slot, class, Commutative::AddCapped { delta, cap })
    }

    fn tload(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.charge(self.params().warm_storage_read_cost())?;
        Ok(self.ctx().journal_mut().tload(at, slot))
    }

    fn tsave(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.writable()?;
        self.charge(self.params().warm_storage_read_cost())?;
        self.ctx().journal_mut().tstore(at, slot, word);
        Ok(())
    }

    fn coin_balance(&mut self, of: Address) -> Result<U256, Halt> {
        self.visit(of, false, |account| account.account.balance)
    }

    fn coin_move(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        self.writable()?;
        self.visit(from, false, |_| ())?;
        let to_is_empty = self.visit(to, false, |account| account.is_empty)?;
        if amount.is_zero() {
            return Ok(true);
        }
        let params = self.params();
        let mut cost = params.transfer_value_cost();
        if to_is_empty {
            cost += params.new_account_cost(true, true);
        }
        self.charge(cost)?;
        match self.ctx().journal_mut().transfer(from, to, amount) {
            Ok(None) => {
                if self.evm.watched {
                    self.evm.show_transfer(from, to, amount);
                }
                Ok(true)
            }
            Ok(Some(_)) => Ok(false),
            Err(error) => Err(self.fatal(error.into())),
        }
    }

    fn code_size(&mut self, of: Address) -> Result<usize, Halt> {
        self.visit(of, true, |account| {
            account.account.code.as_ref().map_or(0, |code| code.len())
        })
    }

    fn deploy_marker(&mut self, at: Address) -> Result<(), Halt> {
        self.writable()?;
        let has_code = self.visit(at, false, |account| {
            account.account.code_hash != KECCAK256_EMPTY
        })?;
        if has_code {
            return Ok(());
        }
        self.charge(
            self.params().create_cost() + self.params().code_deposit_cost(system::MARKER.len()),
        )?;
        let code = Bytecode::new_legacy(Bytes::from_static(&system::MARKER));
        self.ctx()
            .journal_mut()
            .set_code_with_hash(at, code, system::marker_hash());
        Ok(())
    }

    fn create(&mut self, request: CreateRequest) -> Result<CreateOutcome, Halt> {
        self.writable()?;
        self.user_phase(Address::ZERO)?;
        let length = request.init_code.len();
        if length > self.ctx().cfg.max_initcode_size() {
            return Err(Halt::OutOfGas);
        }
        let params = self.params();
        let (scheme, cost) = match request.salt {
            None => (CreateScheme::Create, params.create_cost()),
            Some(salt) => (
                CreateScheme::Create2 { salt: salt.into() },
                params.create2_cost(length),
            ),
        };
        self.charge(cost.saturating_add(self.params().initcode_cost(length)))?;
        self.reach(request.from)?;
        let gas_limit = self.forward(None)?;
        let reservoir = self.gas.reservoir();
        let inputs = CreateInputs::new(
            request.from,
            scheme,
            request.value,
            request.init_code,
            gas_limit,
            reservoir,
        );
        match self.nested(FrameInput::Create(Box::new(inputs)))? {
            FrameResult::Create(outcome) => {
                let result = outcome.result;
                let success = result.result.is_ok();
                let output = if result.result.is_revert() {
                    result.output
                } else {
                    Bytes::new()
                };
                self.keep_answer(&output)?;
                Ok(CreateOutcome {
                    address: outcome.address.filter(|_| success),
                    output,
                })
            }
            FrameResult::Call(_) => Err(Halt::Fatal("a create frame ended as a call".into())),
        }
    }

    fn call(&mut self, request: CallRequest) -> Result<CallOutcome, Halt> {
        self.user_phase(request.target)?;
        let moves_value = !request.value.is_zero();
        let is_static = self.is_static || request.kind == CallKind::Static;
        if is_static && moves_value {
            return Err(Halt::StaticViolation);
        }
        let mut cost = self.params().warm_storage_read_cost();
        if moves_value {
            cost += self.params().transfer_value_cost();
        }
        self.charge(cost)?;
        self.reach(request.from)?;
        let remaining = self.gas.remaining();
        let is_call = request.kind == CallKind::Call;
        let spec = self.ctx().cfg.spec;
        let loaded = load_account_delegated(
            self.ctx(),
            spec,
            remaining,
            request.target,
            moves_value,
            is_call,
        );
        let (access_cost, _, code, code_hash) = loaded.map_err(|error| self.load_failed(error))?;
        self.charge(access_cost)?;
        let mut gas_limit = self.forward(request.gas_limit)?;
        if moves_value {
            gas_limit = gas_limit.saturating_add(self.params().call_stipend());
        }
        let inputs = CallInputs {
            input: CallInput::Bytes(request.input),
            return_memory_offset: 0..0,
            gas_limit,
            reservoir: self.gas.reservoir(),
            bytecode_address: request.target,
            known_bytecode: (code_hash, code),
            target_address: request.target,
            caller: request.from,
            value: CallValue::Transfer(request.value),
            scheme: if is_call {
                CallScheme::Call
            } else {
                CallScheme::StaticCall
            },
            is_static,
            charged_new_account_state_gas: false,
        };
        match self.nested(FrameInput::Call(Box::new(inputs)))? {
            FrameResult::Call(outcome) => {
                let result = outcome.result;
                let success = result.result.is_ok();
                let output = if result.result.is_ok_or_revert() {
                    result.output
                } else {
                    Bytes::new()
                };
                self.keep_answer(&output)?;
                Ok(CallOutcome { success, output })
            }
            FrameResult::Create(_) => Err(Halt::Fatal("a call frame ended as a create".into())),
        }
    }

    fn emit(&mut self, at: Address, log: LogData) -> Result<(), Halt> {
        self.writable()?;
        let topics = u8::try_from(log.topics().len()).map_err(|_| Halt::OutOfGas)?;
        let length = u64::try_from(log.data.len()).map_err(|_| Halt::OutOfGas)?;
        self.charge(LOG_GAS.saturating_add(self.params().log_cost(topics, length)))?;
        let log = Log {
            address: at,
            data: log,
        };
        if self.evm.watched {
            let (ctx, inspector) = self.evm.ctx_inspector();
            ctx.journal_mut().log(log.clone());
            inspector.log(ctx, log);
        } else {
            self.ctx().journal_mut().log(log);
        }
        Ok(())
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        if self.gas.record_regular_cost(gas) {
            Ok(())
        } else {
            Err(Halt::OutOfGas)
        }
    }

    fn gas_left(&self) -> u64 {
        self.gas.remaining()
    }

    fn is_static(&self) -> bool {
        self.is_static
    }

    fn block(&self) -> &BlockInfo {
        &self.evm.engine.block
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Halt> {
        self.charge(BLOCKHASH_GAS)?;
        let recent = self
            .block()
            .number
            .checked_sub(number)
            .is_some_and(|ago| (1..=256).contains(&ago));
        if !recent {
            return Ok(B256::ZERO);
        }
        match self.ctx().db_mut().block_hash(number) {
            Ok(hash) => Ok(hash),
            Err(error) => Err(self.fatal(error.into())),
        }
    }

    fn mark(&mut self) -> Mark {
        let mark = Mark(self.marks.len());
        let refunded = self.gas.refunded();
        let journal = self.ctx().journal_mut();
        let checkpoint = journal.checkpoint();
        // Tracers read the journal's depth as call depth, and a mark is no call.
        journal.checkpoint_commit();
        self.marks.push((checkpoint, refunded));
        mark
    }

    fn commit(&mut self, mark: Mark) {
        self.marks.truncate(mark.0);
    }

    fn rewind(&mut self, mark: Mark) {
        if let Some((checkpoint, refunded)) = self.marks.get(mark.0).copied() {
            let journal = self.ctx().journal_mut();
            let _ = journal.checkpoint();
            journal.checkpoint_revert(checkpoint);
            self.gas.tracker_mut().set_refunded(refunded);
            // What was reached since is cold again.
            self.reached.clear();
        }
        self.marks.truncate(mark.0);
    }

    fn recover(&mut self, digest: B256, v: u8, r: B256, s: B256) -> Result<Option<Address>, Halt> {
        self.charge(RECOVER_GAS)?;
        Ok(sig::recover(digest, v, r, s))
    }

    fn keccak(&mut self, bytes: &[u8]) -> Result<B256, Halt> {
        self.charge(KECCAK_GAS.saturating_add(self.params().keccak256_cost(bytes.len())))?;
        Ok(self.evm.engine.hashes.of(bytes))
    }
}
