//! The EVM with native contracts inside.
//!
//! [`CapstanEvm`] is an own `EvmTr`: frames of bytecode go to revm's frame code unchanged, and
//! [`EvmTr::frame_init`] answers a call to a native address by running Rust, with the whole EVM at hand. So a
//! native contract can call back: it runs a nested loop of frames on a frame stack of its own, over the same
//! context, journal and shared memory. Journal checkpoints nest, which is all that reverting needs.
//!
//! ```text
//!   frame_run ─► CALL ─► frame_init ─► native? ─no─► revm: push a frame of bytecode
//!                                         │
//!                                        yes ─► run_native: checkpoint, value, contract over RevmStore
//!                                                  │  └─ Store::call ─► exec: own frame stack, same loop
//!                                                  └─ commit or revert ─► a finished result for the caller
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256};
use capstan_state::{BlockInfo, Frame, Halt};
use revm::Inspector;
use revm::bytecode::Bytecode;
use revm::context::{ContextTr, Evm, FrameStack, JournalTr};
use revm::context_interface::context::ContextError;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::handler::evm::{ContextDbError, FrameInitResult};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, EvmTr, FrameInitOrResult, FrameResult, ItemOrResult};
use revm::inspector::InspectorEvmTr;
use revm::inspector::handler::{frame_end, frame_start};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_action::FrameInit;
use revm::interpreter::{
    CallInput, CallInputs, CallOutcome, CallScheme, CallValue, CreateInputs, CreateOutcome,
    FrameInput, Gas, InstructionResult, InterpreterResult,
};
use revm::primitives::constants::CALL_STACK_LIMIT;

use crate::console::{self, Console};
use crate::hashes::Hashes;
use crate::natives::Natives;
use crate::precompiles::Precompiles;
use crate::record::Touches;
use crate::store::RevmStore;
use crate::trace::EvmContext;
use crate::{NATIVE_DEPTH_MAX, StateError, system};

/// The one EVM type that everything here runs on. Its own inspector slot stays empty.
type Inner =
    Evm<EvmContext, (), EthInstructions<EthInterpreter, EvmContext>, Precompiles, EthFrame>;

/// Faults that stop execution: the state below, or the executor itself.
pub(crate) type Fault = ContextError<StateError>;

/// Who may call what now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Users' transactions.
    User,
    /// The block's own: native contracts by their system entry, and no calls into other code.
    System,
}

/// What lives as long as a block: context, instruction tables, frame stacks.
pub(crate) struct Engine {
    pub(crate) inner: Inner,
    pub(crate) natives: &'static dyn Natives,
    pub(crate) block: BlockInfo,
    pub(crate) phase: Phase,
    /// A failed read inside a native frame, on its way up past the contract.
    pub(crate) fault: Option<Fault>,
    /// What transactions say, if somebody listens.
    pub(crate) console: Option<Console>,
    /// What native contracts hashed lately.
    pub(crate) hashes: Hashes,
    /// How native contracts touch words, if a record is made.
    pub(crate) touches: Option<Touches>,
    native_depth: usize,
    spare_stacks: Vec<FrameStack<EthFrame>>,
}

impl Engine {
    pub(crate) fn new(ctx: EvmContext, natives: &'static dyn Natives, block: BlockInfo) -> Self {
        let spec = ctx.cfg.spec;
        let instructions = EthInstructions::new_mainnet_with_spec(spec);
        let inner = Evm::new(ctx, instructions, Precompiles::new(spec));
        Self {
            inner,
            natives,
            block,
            phase: Phase::User,
            fault: None,
            console: None,
            hashes: Hashes::default(),
            touches: None,
            native_depth: 0,
            spare_stacks: Vec::new(),
        }
    }

    /// An EVM over this engine that nobody watches.
    pub(crate) fn quiet(&mut self) -> CapstanEvm<'_, revm::inspector::NoOpInspector> {
        CapstanEvm {
            engine: self,
            inspector: revm::inspector::NoOpInspector,
            watched: false,
        }
    }

    /// An EVM over this engine whose every frame, step and log `inspector` sees.
    pub(crate) fn watched<I: Inspector<EvmContext>>(&mut self, inspector: I) -> CapstanEvm<'_, I> {
        CapstanEvm {
            engine: self,
            inspector,
            watched: true,
        }
    }

    pub(crate) fn ctx(&mut self) -> &mut EvmContext {
        &mut self.inner.ctx
    }
}

/// One transaction's view of an [`Engine`].
pub(crate) struct CapstanEvm<'e, I> {
    pub(crate) engine: &'e mut Engine,
    pub(crate) inspector: I,
    pub(crate) watched: bool,
}

/// Where a new frame goes.
enum Route {
    Bytecode,
    Native,
    /// Delegation to a native contract, in any of its forms.
    Delegated,
    /// CREATE or CREATE2 that would land on a native address.
    CreateOnNative,
}

impl<I: Inspector<EvmContext>> CapstanEvm<'_, I> {
    fn route(&mut self, init: &FrameInit) -> Result<Route, Fault> {
        match &init.frame_input {
            FrameInput::Call(inputs) => self.route_call(inputs),
            FrameInput::Create(inputs) => self.route_create(init.depth, inputs),
            FrameInput::Empty => Ok(Route::Bytecode),
        }
    }

    fn route_call(&mut self, inputs: &CallInputs) -> Result<Route, Fault> {
        let natives = self.engine.natives;
        if natives.owns(inputs.bytecode_address) {
            let direct = matches!(inputs.scheme, CallScheme::Call | CallScheme::StaticCall);
            return Ok(if direct {
                Route::Native
            } else {
                Route::Delegated
            });
        }
        // The marker as code of another account: either somebody deployed that byte, which is theirs to do, or an
        // EIP-7702 delegation names a native contract. No code: perhaps a delegation to one that is not made yet, whose
        // holder must not change its ways when it is. The account is loaded, so this is free.
        let code_hash = inputs.known_bytecode.0;
        if code_hash == system::marker_hash() || code_hash == KECCAK256_EMPTY {
            let account = self
                .engine
                .ctx()
                .journal_mut()
                .load_account_with_code(inputs.bytecode_address)?;
            let delegate = account
                .info
                .code
                .as_ref()
                .and_then(|code| code.eip7702_address());
            if delegate.is_some_and(|delegate| natives.owns(delegate)) {
                return Ok(Route::Delegated);
            }
        }
        Ok(Route::Bytecode)
    }

    /// What is said to `console.log`, where somebody listens.
    fn listen(&mut self, init: &FrameInit) {
        if let (Some(console), FrameInput::Call(inputs)) =
            (&mut self.engine.console, &init.frame_input)
            && inputs.target_address == console::ADDRESS
        {
            console.hear(inputs.input.bytes(&self.engine.inner.ctx));
        }
    }

    fn route_create(&mut self, depth: usize, inputs: &CreateInputs) -> Result<Route, Fault> {
        let caller = self
            .engine
            .ctx()
            .journal_mut()
            .load_account(inputs.caller())?;
        let (nonce, balance) = (caller.info.nonce, caller.info.balance);
        let goes_through =
            depth <= CALL_STACK_LIMIT as usize && balance >= inputs.value() && nonce != u64::MAX;
        let lands_on_native = self.engine.natives.owns(inputs.created_address(nonce));
        Ok(if goes_through && lands_on_native {
            Route::CreateOnNative
        } else {
            Route::Bytecode
        })
    }

    /// As an address collision: the creator's nonce moves on and all gas of the frame is gone.
    fn refuse_create(&mut self, inputs: &CreateInputs) -> Result<FrameResult, Fault> {
        self.engine
            .ctx()
            .journal_mut()
            .load_account_mut(inputs.caller())?
            .data
            .bump_nonce();
        let gas = Gas::new_with_regular_gas_and_reservoir(inputs.gas_limit(), inputs.reservoir());
        let result = InterpreterResult::new(InstructionResult::CreateCollision, Bytes::new(), gas);
        Ok(FrameResult::Create(CreateOutcome::new(result, None)))
    }

    fn refuse_delegated(&self, inputs: &CallInputs) -> FrameResult {
        let (result, output) = match self.engine.natives.refuse_delegated() {
            Halt::Revert(output) => (InstructionResult::Revert, output),
            _ => (InstructionResult::InvalidFEOpcode, Bytes::new()),
        };
        finished(inputs, result, output, call_gas(inputs))
    }

    /// Runs a native contract as one frame: depth, checkpoint, value, contract, commit or revert.
    fn run_native(&mut self, init: FrameInit) -> Result<FrameResult, Fault> {
        let FrameInit {
            depth,
            memory,
            frame_input: FrameInput::Call(inputs),
        } = init
        else {
            return Err(ContextError::Custom(
                "a native frame is always a call".into(),
            ));
        };
        let gas = call_gas(&inputs);
        if depth > CALL_STACK_LIMIT as usize || self.engine.native_depth >= NATIVE_DEPTH_MAX {
            return Ok(finished(
                &inputs,
                InstructionResult::CallTooDeep,
                Bytes::new(),
                gas,
            ));
        }
        // Nested frames move the shared buffer, so the input is copied out first. Contracts charge for the copy
        // before they look at it; here it is only made sure that they can.
        let length = inputs.input.len();
        if gas.remaining() < capstan_contracts::contract::input_gas(length) {
            let mut gas = gas;
            gas.spend_all();
            let result = InstructionResult::OutOfGas;
            return Ok(finished(&inputs, result, Bytes::new(), gas));
        }
        let journal = self.engine.ctx().journal_mut();
        let checkpoint = journal.checkpoint();
        let journal_depth = journal.depth();
        if let CallValue::Transfer(value) = inputs.value
            && let Some(error) =
                journal.transfer_loaded(inputs.caller, inputs.target_address, value)
        {
            journal.checkpoint_revert(checkpoint);
            return Ok(finished(&inputs, error.into(), Bytes::new(), gas));
        }
        // After everything that refuses without a price: a refusal gives the gas back, and a copy is not free.
        let input = inputs.input.bytes(self.engine.ctx());

        let mut stack = self.engine.spare_stacks.pop().unwrap_or_default();
        std::mem::swap(&mut stack, &mut self.engine.inner.frame_stack);
        let native_depth = self.engine.native_depth;
        self.engine.native_depth += 1;
        let frame = Frame {
            this: inputs.target_address,
            caller: inputs.caller,
            value: inputs.value.get(),
        };
        let mut store = RevmStore::new(self, frame, gas, inputs.is_static, depth, memory);
        let ended = catch_unwind(AssertUnwindSafe(|| store.run(&input)));
        let mut gas = store.into_gas();
        // Set, not counted down: a panic in the executor itself would pass frames that never close.
        self.engine.native_depth = native_depth;
        std::mem::swap(&mut stack, &mut self.engine.inner.frame_stack);
        stack.clear();
        self.engine.spare_stacks.push(stack);
        // A panic can leave checkpoints open; the depth is all that they left behind.
        self.engine.ctx().journal_mut().inner.depth = journal_depth;

        let (result, output) = self.settle(&inputs, ended)?;
        let journal = self.engine.ctx().journal_mut();
        if result.is_ok() {
            journal.checkpoint_commit();
        } else {
            journal.checkpoint_revert(checkpoint);
            gas.tracker_mut().set_refunded(0);
        }
        if result.is_halt() {
            gas.spend_all();
        }
        Ok(finished(&inputs, result, output, gas))
    }

    /// How a contract's end looks to its caller.
    fn settle(
        &mut self,
        inputs: &CallInputs,
        ended: std::thread::Result<Result<Bytes, Halt>>,
    ) -> Result<(InstructionResult, Bytes), Fault> {
        let halted = |result| Ok((result, Bytes::new()));
        // First of all: a contract may go on where one of its items found damage, but not where storage itself failed.
        if let Some(fault) = self.engine.fault.take() {
            return Err(fault);
        }
        match ended {
            Ok(Ok(output)) => Ok((InstructionResult::Return, output)),
            Ok(Err(Halt::Revert(output))) => Ok((InstructionResult::Revert, output)),
            Ok(Err(Halt::OutOfGas)) => halted(InstructionResult::OutOfGas),
            Ok(Err(Halt::StaticViolation)) => {
                halted(InstructionResult::StateChangeDuringStaticCall)
            }
            // Nothing below has failed: the contract found words in its storage that it never wrote. That is the same on
            // every node, so it ends this call and not the chain.
            Ok(Err(Halt::Fatal(why))) => {
                report_damage(inputs.target_address, &why);
                halted(InstructionResult::InvalidFEOpcode)
            }
            Err(panic) => {
                report_panic(inputs.target_address, panic.as_ref());
                halted(InstructionResult::InvalidFEOpcode)
            }
        }
    }

    /// Runs `init` and everything that it calls to the end, on the frame stack that stands in the engine.
    pub(crate) fn exec(&mut self, init: FrameInit) -> Result<FrameResult, Fault> {
        if let ItemOrResult::Result(result) = self.enter(init)? {
            return Ok(result);
        }
        loop {
            let next = if self.watched {
                self.inspect_frame_run()?
            } else {
                self.frame_run()?
            };
            let result = match next {
                ItemOrResult::Item(init) => match self.enter(init)? {
                    ItemOrResult::Item(()) => continue,
                    ItemOrResult::Result(result) => result,
                },
                ItemOrResult::Result(result) => result,
            };
            if let Some(result) = self.frame_return_result(result)? {
                return Ok(result);
            }
        }
    }

    /// Shows the inspector coins that a native contract moved, as a call that carries them and does nothing else.
    pub(crate) fn show_transfer(&mut self, from: Address, to: Address, amount: U256) {
        let inputs = CallInputs {
            input: CallInput::Bytes(Bytes::new()),
            return_memory_offset: 0..0,
            gas_limit: 0,
            reservoir: 0,
            bytecode_address: to,
            known_bytecode: (KECCAK256_EMPTY, Bytecode::default()),
            target_address: to,
            caller: from,
            value: CallValue::Transfer(amount),
            scheme: CallScheme::Call,
            is_static: false,
            charged_new_account_state_gas: false,
        };
        let mut output = finished(
            &inputs,
            InstructionResult::Stop,
            Bytes::new(),
            call_gas(&inputs),
        );
        let mut frame_input = FrameInput::Call(Box::new(inputs));
        let (ctx, inspector) = self.ctx_inspector();
        // An inspector may answer in the callee's place, but there is no callee: the coins have moved.
        let _ = frame_start(ctx, inspector, &mut frame_input);
        frame_end(ctx, inspector, &frame_input, &mut output);
    }

    fn enter(&mut self, init: FrameInit) -> Result<ItemOrResult<(), FrameResult>, Fault> {
        let entered = if self.watched {
            self.inspect_frame_init(init)?
        } else {
            self.frame_init(init)?
        };
        Ok(entered.map_item(|_| ()))
    }
}

fn call_gas(inputs: &CallInputs) -> Gas {
    Gas::new_with_regular_gas_and_reservoir(inputs.gas_limit, inputs.reservoir)
}

fn finished(
    inputs: &CallInputs,
    result: InstructionResult,
    output: Bytes,
    gas: Gas,
) -> FrameResult {
    let result = InterpreterResult::new(result, output, gas);
    let mut outcome = CallOutcome::new(result, inputs.return_memory_offset.clone());
    outcome.charged_new_account_state_gas = inputs.charged_new_account_state_gas;
    FrameResult::Call(outcome)
}

fn report_damage(at: Address, why: &str) {
    metrics::counter!("capstan_native_damages_total").increment(1);
    tracing::warn!(%at, why, "a native contract found its storage damaged; the call took all its gas and changed nothing");
}

fn report_panic(at: Address, panic: &(dyn std::any::Any + Send)) {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    metrics::counter!("capstan_native_panics_total").increment(1);
    tracing::error!(%at, what, "a native contract panicked; the call took all its gas and changed nothing");
}

impl<I: Inspector<EvmContext>> EvmTr for CapstanEvm<'_, I> {
    type Context = EvmContext;
    type Instructions = EthInstructions<EthInterpreter, EvmContext>;
    type Precompiles = Precompiles;
    type Frame = EthFrame;

    #[inline]
    fn all(
        &self,
    ) -> (
        &Self::Context,
        &Self::Instructions,
        &Self::Precompiles,
        &FrameStack<Self::Frame>,
    ) {
        self.engine.inner.all()
    }

    #[inline]
    fn all_mut(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
    ) {
        self.engine.inner.all_mut()
    }

    #[inline]
    fn frame_init(
        &mut self,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<Self::Context>> {
        self.engine.ctx().chain.check()?;
        self.listen(&init);
        let result = match self.route(&init)? {
            Route::Bytecode => return self.engine.inner.frame_init(init),
            Route::Native => self.run_native(init)?,
            Route::Delegated | Route::CreateOnNative => match &init.frame_input {
                FrameInput::Call(inputs) => self.refuse_delegated(inputs),
                FrameInput::Create(inputs) => self.refuse_create(inputs)?,
                FrameInput::Empty => return Err(ContextError::Custom("an empty frame".into())),
            },
        };
        Ok(ItemOrResult::Result(result))
    }

    #[inline]
    fn frame_run(
        &mut self,
    ) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<Self::Context>> {
        self.engine.inner.frame_run()
    }

    #[inline]
    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Self::Context>> {
        self.engine.inner.frame_return_result(result)
    }
}

impl<I: Inspector<EvmContext>> InspectorEvmTr for CapstanEvm<'_, I> {
    type Inspector = I;

    fn all_inspector(
        &self,
    ) -> (
        &Self::Context,
        &Self::Instructions,
        &Self::Precompiles,
        &FrameStack<Self::Frame>,
        &Self::Inspector,
    ) {
        let (ctx, instructions, precompiles, frames) = self.engine.inner.all();
        (ctx, instructions, precompiles, frames, &self.inspector)
    }

    fn all_mut_inspector(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
        &mut Self::Inspector,
    ) {
        let (ctx, instructions, precompiles, frames) = self.engine.inner.all_mut();
        (ctx, instructions, precompiles, frames, &mut self.inspector)
    }

    /// As revm's own, but the logs of a native frame are reported where they are emitted ([`RevmStore`]), in
    /// order with the frames that it opens, and not again when it ends.
    fn inspect_frame_init(
        &mut self,
        mut init: FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<Self::Context>> {
        let native = matches!(self.route(&init)?, Route::Native);
        if native && let FrameInput::Call(inputs) = &mut init.frame_input {
            inputs.input = CallInput::Bytes(inputs.input.bytes(&self.engine.inner.ctx));
        }
        let (ctx, inspector) = self.ctx_inspector();
        if let Some(mut output) = frame_start(ctx, inspector, &mut init.frame_input) {
            frame_end(ctx, inspector, &init.frame_input, &mut output);
            return Ok(ItemOrResult::Result(output));
        }
        let frame_input = init.frame_input.clone();
        let logs_before = ctx.journal().logs().len();
        if let ItemOrResult::Result(mut output) = self.frame_init(init)? {
            let (ctx, inspector) = self.ctx_inspector();
            if !native {
                report_logs(ctx, inspector, logs_before);
            }
            frame_end(ctx, inspector, &frame_input, &mut output);
            return Ok(ItemOrResult::Result(output));
        }
        let (ctx, inspector, frame) = self.ctx_inspector_frame();
        report_logs(ctx, inspector, logs_before);
        inspector.initialize_interp(&mut frame.interpreter, ctx);
        Ok(ItemOrResult::Item(frame))
    }
}

fn report_logs<I: Inspector<EvmContext>>(ctx: &mut EvmContext, inspector: &mut I, from: usize) {
    let mut next = from;
    while let Some(log) = ctx.journal().logs().get(next).cloned() {
        inspector.log(ctx, log);
        next += 1;
    }
}
