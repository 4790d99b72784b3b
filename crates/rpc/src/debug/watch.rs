//! The inspector around every tracer: it ends a trace that takes too long or grows too big.
//!
//! A tracer records what a transaction does, and a transaction of 50 million gas can do a great deal: millions
//! of steps, each with a stack, or thousands of calls, each with a copy of a large input. So every byte that a
//! tracer may keep is counted before it is kept, for all transactions of one request together.

use std::cell::RefCell;
use std::time::Instant;

use alloy_primitives::{Address, Log, U256};
use capstan_evm::trace::EvmContext;
use revm::Inspector;
use revm::context_interface::{ContextTr, context::ContextError};
use revm::handler::FrameResult;
use revm::interpreter::interpreter_types::LoopControl as _;
use revm::interpreter::{
    CallInputs, CallOutcome, CreateInputs, CreateOutcome, FrameInput, Interpreter,
};
use revm_inspectors::tracing::DebugInspector;

use crate::error::RpcError;

/// The clock is asked once in so many steps.
const STEPS_PER_LOOK: u64 = 4_096;
/// What a recorded step takes without stack and memory.
const STEP_BYTES: usize = 256;
/// What a recorded call takes without input and output.
const CALL_BYTES: usize = 512;
const WORD_BYTES: usize = 32;

/// Which parts of a step the tracer keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keeps {
    pub(super) steps: bool,
    pub(super) stack: bool,
    pub(super) memory: bool,
}

/// A tracer under a time limit and a size limit.
pub(super) struct Watch<'a> {
    tracer: &'a RefCell<DebugInspector>,
    keeps: Keeps,
    deadline: Instant,
    bytes_left: usize,
    steps: u64,
    stopped: Option<RpcError>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        tracer: &'a RefCell<DebugInspector>,
        keeps: Keeps,
        deadline: Instant,
        bytes_max: usize,
    ) -> Self {
        Self {
            tracer,
            keeps,
            deadline,
            bytes_left: bytes_max,
            steps: 0,
            stopped: None,
        }
    }

    /// Why the trace was ended, if it was.
    pub(super) fn stopped(&mut self) -> Option<RpcError> {
        self.stopped.take()
    }

    fn stop(&mut self, context: &mut EvmContext, why: RpcError) {
        if context.error().is_ok() {
            *context.error() = Err(ContextError::Custom(why.message.clone().into_owned()));
        }
        self.stopped.get_or_insert(why);
    }

    /// Counts what the tracer is about to keep. `false`: the trace is over.
    fn afford(&mut self, context: &mut EvmContext, bytes: usize) -> bool {
        if self.stopped.is_some() {
            return false;
        }
        let Some(left) = self.bytes_left.checked_sub(bytes) else {
            let why = "trace too large: use `limit`, disable stack or memory, or take callTracer";
            self.stop(context, RpcError::limit(why));
            return false;
        };
        self.bytes_left = left;
        if self.steps.is_multiple_of(STEPS_PER_LOOK) && Instant::now() >= self.deadline {
            let why = "execution timeout: the trace took longer than its time limit";
            self.stop(context, RpcError::new(crate::error::code::TIMEOUT, why));
            return false;
        }
        true
    }

    fn step_bytes(&self, interp: &Interpreter) -> usize {
        let stack = if self.keeps.stack {
            interp.stack.len() * WORD_BYTES
        } else {
            0
        };
        let memory = if self.keeps.memory {
            interp.memory.len()
        } else {
            0
        };
        if self.keeps.steps {
            STEP_BYTES + stack + memory
        } else {
            0
        }
    }
}

impl Inspector<EvmContext> for Watch<'_> {
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut EvmContext) {
        self.tracer.borrow_mut().initialize_interp(interp, context);
    }

    fn step(&mut self, interp: &mut Interpreter, context: &mut EvmContext) {
        self.steps += 1;
        let bytes = self.step_bytes(interp);
        if self.afford(context, bytes) {
            self.tracer.borrow_mut().step(interp, context);
        } else {
            interp.bytecode.reset_action();
            interp.halt_fatal();
        }
    }

    fn step_end(&mut self, interp: &mut Interpreter, context: &mut EvmContext) {
        if self.stopped.is_none() {
            self.tracer.borrow_mut().step_end(interp, context);
        }
    }

    fn log(&mut self, context: &mut EvmContext, log: Log) {
        if self.afford(context, CALL_BYTES + log.data.data.len()) {
            self.tracer.borrow_mut().log(context, log);
        }
    }

    fn log_full(&mut self, interp: &mut Interpreter, context: &mut EvmContext, log: Log) {
        if self.afford(context, CALL_BYTES + log.data.data.len()) {
            self.tracer.borrow_mut().log_full(interp, context, log);
        }
    }

    fn call(&mut self, context: &mut EvmContext, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.afford(context, CALL_BYTES + inputs.input.len());
        self.tracer.borrow_mut().call(context, inputs)
    }

    fn call_end(
        &mut self,
        context: &mut EvmContext,
        inputs: &CallInputs,
        outcome: &mut CallOutcome,
    ) {
        self.afford(context, outcome.result.output.len());
        self.tracer.borrow_mut().call_end(context, inputs, outcome);
    }

    fn create(
        &mut self,
        context: &mut EvmContext,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        self.afford(context, CALL_BYTES + inputs.init_code().len());
        self.tracer.borrow_mut().create(context, inputs)
    }

    fn create_end(
        &mut self,
        context: &mut EvmContext,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.afford(context, outcome.result.output.len());
        self.tracer
            .borrow_mut()
            .create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        Inspector::<EvmContext>::selfdestruct(
            &mut *self.tracer.borrow_mut(),
            contract,
            target,
            value,
        );
    }

    fn frame_start(
        &mut self,
        context: &mut EvmContext,
        frame_input: &mut FrameInput,
    ) -> Option<FrameResult> {
        self.tracer.borrow_mut().frame_start(context, frame_input)
    }

    fn frame_end(
        &mut self,
        context: &mut EvmContext,
        frame_input: &FrameInput,
        frame_result: &mut FrameResult,
    ) {
        self.tracer
            .borrow_mut()
            .frame_end(context, frame_input, frame_result);
    }
}
