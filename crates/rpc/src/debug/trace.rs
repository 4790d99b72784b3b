//! `debug_trace*`: replays what ran, watched by one of geth's tracers.
//!
//! A transaction is traced where it stood: its block is run again from the parent's state, up to it. System
//! transactions are transactions like any other here.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingCallOptions,
    GethDebugTracingOptions, GethTrace,
};
use capstan_chain::{At, Block};
use capstan_evm::call::Session;
use capstan_evm::trace::show_native_calls;
use capstan_evm::{BlockRun, ExecError};
use revm::context_interface::result::ResultAndState;
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use serde::Serialize;

use super::frames::NamedFrame;
use super::watch::{Keeps, Watch};
use crate::RpcContext;
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::eth::scene::Scene;
use crate::eth::{blocks, call, refusal};
use crate::methods::Methods;

/// How long a trace may take if its options do not say: as geth.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "debug_traceTransaction",
        ["hash", "options?"],
        "How a mined transaction ran: callTracer, prestateTracer, 4byteTracer, flatCallTracer, muxTracer, \
         noopTracer, or struct logs.",
        trace_transaction,
    ).heavy();
    table
        .blocking(
            "debug_traceBlockByNumber",
            ["block", "options?"],
            "How each transaction of a block ran.",
            |cx, (tag, options): (BlockNumberOrTag, Option<GethDebugTracingOptions>)| {
                let block = blocks::find(cx, tag.into())?
                    .ok_or_else(|| RpcError::server(format!("block {tag} not found")))?;
                trace_block(cx, &block, options.unwrap_or_default())
            },
        )
        .heavy();
    table
        .blocking(
            "debug_traceBlockByHash",
            ["hash", "options?"],
            "How each transaction of a block ran.",
            |cx, (hash, options): (B256, Option<GethDebugTracingOptions>)| {
                let block = blocks::find(cx, hash.into())?
                    .ok_or_else(|| RpcError::server(format!("block {hash} not found")))?;
                trace_block(cx, &block, options.unwrap_or_default())
            },
        )
        .heavy();
    table
        .blocking(
            "debug_traceCall",
            ["transaction", "block?", "options?"],
            "How a call would run on the state of a block.",
            trace_call,
        )
        .heavy();
}

/// A trace in geth's form; native contracts are named in call frames.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Trace {
    Calls(Box<NamedFrame>),
    Other(Box<GethTrace>),
}

impl From<GethTrace> for Trace {
    fn from(trace: GethTrace) -> Self {
        match trace {
            GethTrace::CallTracer(frame) => Self::Calls(Box::new(frame.into())),
            other => Self::Other(Box::new(other)),
        }
    }
}

/// One transaction of a traced block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockEntry {
    tx_hash: B256,
    result: Trace,
}

/// A tracer that is ready to run, and the bounds on it.
struct Tracer {
    inspector: RefCell<DebugInspector>,
    keeps: Keeps,
    deadline: Instant,
    bytes_max: usize,
}

impl Tracer {
    fn new(cx: &RpcContext, options: GethDebugTracingOptions) -> RpcResult<Self> {
        let timeout = match &options.timeout {
            None => DEFAULT_TIMEOUT,
            Some(text) => parse_duration(text).ok_or_else(|| {
                RpcError::invalid_params(format!("invalid timeout {text:?}: write it as \"5s\""))
            })?,
        };
        let keeps = keeps(&options);
        let options = mux_configs_as_expected(options);
        if let Some(GethDebugTracerType::JsTracer(name)) = &options.tracer
            && !name.is_empty()
        {
            return Err(RpcError::invalid_params(
                "JavaScript tracers are not supported: take callTracer, prestateTracer, 4byteTracer, \
                 flatCallTracer, muxTracer or noopTracer, or leave the tracer out for struct logs",
            ));
        }
        let inspector = DebugInspector::new(options)
            .map_err(|reason| RpcError::invalid_params(format!("tracer options: {reason}")))?;
        Ok(Self {
            inspector: RefCell::new(inspector),
            keeps,
            deadline: cx.deadline().min(Instant::now() + timeout),
            bytes_max: cx.limits().response_bytes_max,
        })
    }

    fn watch(&self) -> Watch<'_> {
        Watch::new(&self.inspector, self.keeps, self.deadline, self.bytes_max)
    }

    /// The trace of the run that just ended, before its changes are kept.
    fn result(
        &self,
        place: Option<TransactionContext>,
        ended: &ResultAndState,
        session: &Session,
    ) -> RpcResult<Trace> {
        let mut inspector = self.inspector.borrow_mut();
        if let DebugInspector::Default(steps, _) = &mut *inspector {
            show_native_calls(steps);
        }
        let mut state = session.overlay();
        let trace = inspector
            .get_result(
                place,
                session.tx_env(),
                session.block_env(),
                ended,
                &mut state,
            )
            .map_err(|reason| RpcError::internal(format!("tracer: {reason}")))?;
        inspector
            .fuse()
            .map_err(|reason| RpcError::internal(format!("tracer: {reason}")))?;
        Ok(trace.into())
    }
}

/// In a mux tracer, `{}` and `null` both mean "as by default" to geth. The library underneath wants `null`
/// for tracers without options and an object for the others.
fn mux_configs_as_expected(mut options: GethDebugTracingOptions) -> GethDebugTracingOptions {
    use GethDebugBuiltInTracerType as Kind;
    use serde_json::{Value, json};
    let mux = GethDebugTracerType::BuiltInTracer(Kind::MuxTracer);
    if options.tracer.as_ref() == Some(&mux)
        && let Value::Object(configs) = &mut options.tracer_config.0
    {
        for (name, config) in configs {
            let is_default = config.is_null() || config.as_object().is_some_and(|c| c.is_empty());
            let has_options = !matches!(name.as_str(), "4byteTracer" | "noopTracer");
            if is_default {
                *config = if has_options { json!({}) } else { Value::Null };
            }
        }
    }
    options
}

/// Only the struct logger keeps steps; a prestate or call tracer keeps calls.
fn keeps(options: &GethDebugTracingOptions) -> Keeps {
    use GethDebugBuiltInTracerType as Kind;
    let config = &options.config;
    match &options.tracer {
        Some(GethDebugTracerType::BuiltInTracer(Kind::Erc7562Tracer)) => Keeps {
            steps: true,
            stack: true,
            memory: false,
        },
        Some(GethDebugTracerType::BuiltInTracer(_)) => Keeps::default(),
        _ => Keeps {
            steps: true,
            stack: config.is_stack_enabled(),
            memory: config.is_memory_enabled(),
        },
    }
}

fn trace_transaction(
    cx: &RpcContext,
    (hash, options): (B256, Option<GethDebugTracingOptions>),
) -> RpcResult<Trace> {
    let tracer = Tracer::new(cx, options.unwrap_or_default())?;
    let (block, index) =
        blocks::mined(cx, hash)?.ok_or_else(|| RpcError::server("transaction not found"))?;
    let mut run = replay(cx, &block, index)?;
    trace_next(&mut run, &block, index, &tracer, &mut tracer.watch())
}

fn trace_block(
    cx: &RpcContext,
    block: &Block,
    options: GethDebugTracingOptions,
) -> RpcResult<Vec<BlockEntry>> {
    let tracer = Tracer::new(cx, options)?;
    let mut watch = tracer.watch();
    let mut run = replay(cx, block, 0)?;
    (0..block.transactions.len())
        .map(|index| {
            let result = trace_next(&mut run, block, index, &tracer, &mut watch)?;
            Ok(BlockEntry {
                tx_hash: *block.transactions[index].tx_hash(),
                result,
            })
        })
        .collect()
}

/// Runs a block again up to the transaction `index`, which is next.
fn replay(cx: &RpcContext, block: &Block, index: usize) -> RpcResult<BlockRun> {
    if block.number() == 0 {
        return Err(RpcError::server("genesis is not traceable"));
    }
    let chain = cx.chain();
    let parent = chain
        .state_at(At::Hash(block.header.parent_hash))
        .map_err(chain_error)?;
    let mut run = BlockRun::open(chain.rules().clone(), parent, chain.context_of(block))
        .map_err(refusal::execution)?;
    for tx in &block.transactions[..index] {
        cx.check_deadline()?;
        run.any(tx).map_err(|error| diverged(block, error))?;
    }
    Ok(run)
}

fn trace_next(
    run: &mut BlockRun,
    block: &Block,
    index: usize,
    tracer: &Tracer,
    watch: &mut Watch<'_>,
) -> RpcResult<Trace> {
    let tx = &block.transactions[index];
    let place = TransactionContext {
        block_hash: Some(block.hash()),
        tx_index: Some(index),
        tx_hash: Some(*tx.tx_hash()),
    };
    let traced = run.traced(tx, watch, |ended, session| {
        tracer.result(Some(place), ended, session)
    });
    match traced {
        Ok((_, trace)) => trace,
        Err(error) => Err(watch.stopped().unwrap_or_else(|| diverged(block, error))),
    }
}

/// A final block that does not run again as it did.
fn diverged(block: &Block, error: ExecError) -> RpcError {
    match error {
        ExecError::State(error) => refusal::state_unreadable(error),
        other => RpcError::internal(format!("replay of block {}: {other}", block.number())),
    }
}

fn trace_call(
    cx: &RpcContext,
    (request, id, options): (
        TransactionRequest,
        Option<BlockId>,
        Option<GethDebugTracingCallOptions>,
    ),
) -> RpcResult<Trace> {
    let options = options.unwrap_or_default();
    let tracer = Tracer::new(cx, options.tracing_options)?;
    let mut scene = Scene::at(cx, id)?;
    if let Some(index) = options.tx_index {
        scene.state = within_block(cx, id.unwrap_or_default(), index)?;
    }
    let state = options.state_overrides.as_ref();
    let mut session = scene.open(state, options.block_overrides.as_ref())?;
    let (tx, checks) = call::prepare(cx, &scene, &session, &request, state)?;
    let mut watch = tracer.watch();
    let base_fee_wei = u128::from(session.block_env().basefee);
    match session.run_watched(tx.clone(), checks, &mut watch) {
        Ok(ended) => tracer.result(None, &ended, &session),
        Err(error) => Err(watch
            .stopped()
            .unwrap_or_else(|| refusal::call_failed(error, &tx, base_fee_wei))),
    }
}

/// State in the middle of a block: before its transaction `index`.
fn within_block(
    cx: &RpcContext,
    id: BlockId,
    index: u64,
) -> RpcResult<Arc<dyn capstan_evm::StateRead>> {
    let block = blocks::find(cx, id)?.ok_or_else(RpcError::header_not_found)?;
    let count = block.transactions.len();
    let index = usize::try_from(index)
        .ok()
        .filter(|index| *index <= count)
        .ok_or_else(|| {
            RpcError::invalid_params(format!(
                "txIndex {index} is beyond the {count} transactions of block {}",
                block.number()
            ))
        })?;
    let run = replay(cx, &block, index)?;
    Ok(Arc::new(run.session().overlay().clone()))
}

/// A duration as Go writes it: `300ms`, `1.5s`, `1m30s`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let check = |text: &str, expected: Option<Duration>| {
            assert_eq!(parse_duration(text), expected, "{text:?}");
        };
        check("5s", Some(Duration::from_secs(5)));
        check("300ms", Some(Duration::from_millis(300)));
        check("1m30s", Some(Duration::from_secs(90)));
        check("1.5s", Some(Duration::from_millis(1_500)));
        check("", None);
        check("5", None);
        check("s", None);
        check("-1s", None);
        check("1e400s", None);
    }
}
