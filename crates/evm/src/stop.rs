//! Ending an execution that nobody waits for any more.
//!
//! A simulated call may be given any amount of gas. Its caller has a clock; execution has none. So the caller
//! keeps a flag, and a session that knows it ([`crate::call::Session::stop_when`]) looks at it wherever code can
//! go round: at jumps, and where a frame begins. Blocks never run with a flag.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use revm::bytecode::opcode;
use revm::context::ContextTr;
use revm::context_interface::context::ContextError;
use revm::handler::instructions::EthInstructions;
use revm::interpreter::instructions::control;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, InstructionResult,
};

use crate::evm::Fault;
use crate::trace::EvmContext;

/// The caller's flag, if it has one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Option<Arc<AtomicBool>>);

impl Stop {
    /// Execution ends soon after `flag` is raised.
    pub(crate) fn when(flag: Arc<AtomicBool>) -> Self {
        Self(Some(flag))
    }

    /// Whether the caller gave up.
    pub(crate) fn is_raised(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// A fault, once the caller gave up.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.is_raised() {
            return Err(ContextError::Custom("the caller gave up".into()));
        }
        Ok(())
    }
}

/// Makes jumps look at the flag. Straight code ends by itself.
pub(crate) fn watch_jumps(table: &mut EthInstructions<EthInterpreter, EvmContext>) {
    let table = table.instruction_table_mut();
    table[usize::from(opcode::JUMP)] = Instruction::new(jump);
    table[usize::from(opcode::JUMPI)] = Instruction::new(jumpi);
}

type At<'a> = InstructionContext<'a, EvmContext, EthInterpreter>;

fn jump(at: At<'_>) -> InstructionExecResult {
    look(at.host)?;
    control::jump(at)
}

fn jumpi(at: At<'_>) -> InstructionExecResult {
    look(at.host)?;
    control::jumpi(at)
}

fn look(ctx: &mut EvmContext) -> InstructionExecResult {
    if let Err(fault) = ctx.chain.check() {
        *ctx.error() = Err(fault);
        return Err(InstructionResult::FatalExternalError);
    }
    Ok(())
}
