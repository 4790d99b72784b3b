//! What tracers see: native frames and the EVM frames that they open, nested as they ran.
//!
//! Any revm inspector works unchanged: frames of both sorts start and end in it, and logs come once, where
//! they were emitted. A native frame has no opcodes, so it has no steps; tools that walk steps (geth's
//! struct logs) would lose what it called, which [`show_native_calls`] mends.

use revm::Inspector;
use revm::bytecode::opcode::{self, OpCode};
use revm::context::{BlockEnv, CfgEnv, Context, Journal, TxEnv};
use revm_inspectors::tracing::TracingInspector;
use revm_inspectors::tracing::types::{CallKind, CallTraceNode, CallTraceStep};

use crate::overlay::Overlay;
use crate::stop::Stop;

/// The EVM context that inspectors are written against.
pub type EvmContext = Context<BlockEnv, TxEnv, CfgEnv, Overlay, Journal<Overlay>, Stop>;

/// Any inspector, behind a pointer, so that execution is compiled for it once.
pub type DynInspector<'a> = dyn Inspector<EvmContext> + 'a;

/// Gives each native frame one step per frame that it opened, as if a CALL had stood there. Without them
/// geth's struct logs, which find frames through call steps, would end at the first native frame. Call it
/// after the run and before the tracer's result is built.
pub fn show_native_calls(tracer: &mut TracingInspector) {
    let nodes = tracer.traces_mut().nodes_mut();
    for index in 0..nodes.len() {
        if nodes[index].trace.steps.is_empty() {
            let steps = nodes[index]
                .children
                .iter()
                .map(|child| call_step(&nodes[*child]))
                .collect();
            nodes[index].trace.steps = steps;
        }
    }
}

fn call_step(child: &CallTraceNode) -> CallTraceStep {
    let op = match child.trace.kind {
        CallKind::StaticCall => opcode::STATICCALL,
        CallKind::Create => opcode::CREATE,
        CallKind::Create2 => opcode::CREATE2,
        _ => opcode::CALL,
    };
    CallTraceStep {
        pc: 0,
        op: OpCode::new(op).unwrap_or(OpCode::INVALID),
        stack: None,
        push_stack: None,
        memory: None,
        returndata: Default::default(),
        gas_remaining: child.trace.gas_limit,
        gas_refund_counter: 0,
        gas_used: 0,
        gas_cost: child.trace.gas_limit,
        state_gas_cost: None,
        state_gas_reservoir: None,
        state_gas_spent: 0,
        storage_change: None,
        status: None,
        immediate_bytes: None,
        decoded: None,
    }
}
