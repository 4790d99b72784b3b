//! What tracers see of native frames (EXEC-24).

use alloy_primitives::U256;
use alloy_rpc_types_trace::geth::{
    CallConfig, CallFrame, GethDebugBuiltInTracerType, GethDebugTracerType,
    GethDebugTracingOptions, GethTrace,
};
use capstan_evm::call::Checks;
use capstan_evm::trace::show_native_calls;
use revm::primitives::TxKind;
use revm_inspectors::tracing::{DebugInspector, TracingInspector, TracingInspectorConfig};

use crate::world::*;

const GAS: u64 = 3_000_000;

/// native top -> bytecode -> native leaf -> bytecode end; logs on every level, one branch reverts.
fn tower() -> (World, alloy_primitives::Address) {
    let leaf = native(vec![Act::Emit(3), Act::Call(at(2)), Act::Emit(5)]);
    let bad = native(vec![Act::Emit(77), Act::Revert("bad")]);
    let panics = native(vec![Act::Emit(78), Act::Call(at(2)), Act::Panic]);
    let top = native(vec![
        Act::Emit(1),
        Act::Call(at(1)),
        Act::CallWith {
            to: panics,
            value: 0,
            gas: Some(100_000),
            kind: capstan_state::CallKind::Call,
        },
        Act::Guard(true, vec![Act::Call(bad)]),
        Act::Emit(7),
    ]);
    let mut world = world().with_code(at(1), &asm().log(2).visit(leaf).log(6).code, &[]);
    world.put(at(2), 0, &asm().log(4).sstore(1, 1).code, &[]);
    for native in [leaf, bad, panics, top] {
        world.put(native, 0, &MARKER, &[]);
    }
    (world, top)
}

/// EXEC-24: every frame appears once, under the frame that opened it, with the right depth; every log once, in order.
#[test]
fn frames_nest_and_logs_come_once() {
    let (world, top) = tower();
    let mut tracer = TracingInspector::new(TracingInspectorConfig::all());
    let ran = world.watched(top, 0, GAS, Some(&mut tracer)).ok();
    let quiet = world.call(top, 0, GAS).ok();
    assert_eq!(ran.result, quiet.result, "watching changes nothing");
    assert_eq!(ran.topics(), [1, 2, 3, 4, 5, 6, 7]);

    let nodes = tracer.traces().nodes();
    let shape: Vec<_> = nodes
        .iter()
        .map(|node| {
            (
                node.parent,
                node.trace.depth,
                node.trace.address,
                node.trace.success,
            )
        })
        .collect();
    assert_eq!(shape.len(), 7, "{shape:?}");
    assert_eq!(
        shape.iter().map(|node| node.1).collect::<Vec<_>>(),
        [0, 1, 2, 3, 1, 2, 1]
    );
    assert_eq!(
        shape.iter().map(|node| node.0).collect::<Vec<_>>(),
        [None, Some(0), Some(1), Some(2), Some(0), Some(4), Some(0)]
    );
    assert_eq!(
        shape.iter().map(|node| node.3).collect::<Vec<_>>(),
        [true, true, true, true, false, true, false]
    );
    let logged: Vec<usize> = nodes.iter().map(|node| node.logs.len()).collect();
    assert_eq!(logged, [2, 2, 2, 1, 1, 1, 1]);
}

/// EXEC-24: geth's callTracer nests the same way, and gas of a native frame is what its caller paid.
#[test]
fn call_tracer_nests() {
    let (world, top) = tower();
    let config = CallConfig {
        with_log: Some(true),
        ..CallConfig::default()
    };
    let options = GethDebugTracingOptions::call_tracer(config);
    let frame = match debug(&world, top, options) {
        GethTrace::CallTracer(frame) => frame,
        other => panic!("{other:?}"),
    };
    fn walk(
        frame: &CallFrame,
        depth: usize,
        out: &mut Vec<(usize, alloy_primitives::Address, usize)>,
    ) {
        out.push((depth, frame.to.expect("a call"), frame.logs.len()));
        for call in &frame.calls {
            walk(call, depth + 1, out);
        }
    }
    let mut seen = Vec::new();
    walk(&frame, 0, &mut seen);
    assert_eq!(
        seen.iter().map(|call| call.0).collect::<Vec<_>>(),
        [0, 1, 2, 3, 1, 2, 1]
    );
    assert_eq!(seen[0].1, top);
    assert_eq!(seen[1].1, at(1));
    assert_eq!(
        frame.calls[1].error.as_deref(),
        Some("invalid opcode: INVALID")
    );
    assert_eq!(frame.calls[2].error.as_deref(), Some("execution reverted"));
    assert_eq!(
        frame.calls[2].output.as_ref().map(|bytes| bytes.as_ref()),
        Some(b"bad".as_slice())
    );
    assert_eq!(frame.calls[1].gas_used, U256::from(100_000));
}

/// EXEC-24: prestate, 4byte, mux and struct-log tracers run over native frames.
#[test]
fn other_tracers_run() {
    let (world, top) = tower();
    let tracer = |kind| GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::BuiltInTracer(kind)),
        ..Default::default()
    };
    match debug(
        &world,
        top,
        tracer(GethDebugBuiltInTracerType::PreStateTracer),
    ) {
        GethTrace::PreStateTracer(frame) => {
            let text = format!("{frame:?}");
            assert!(
                text.contains(&format!("{top:?}")),
                "the native account is part of the prestate: {text}"
            );
        }
        other => panic!("{other:?}"),
    }
    for kind in [
        GethDebugBuiltInTracerType::FourByteTracer,
        GethDebugBuiltInTracerType::FlatCallTracer,
        GethDebugBuiltInTracerType::NoopTracer,
    ] {
        debug(&world, top, tracer(kind));
    }
    match debug(&world, top, GethDebugTracingOptions::default()) {
        GethTrace::Default(frame) => {
            assert!(!frame.failed);
            let depths: std::collections::BTreeSet<u64> =
                frame.struct_logs.iter().map(|log| log.depth).collect();
            assert_eq!(depths.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
            let stores = frame
                .struct_logs
                .iter()
                .filter(|log| log.op == "SSTORE")
                .count();
            assert_eq!(stores, 2, "bytecode below two native frames is there");
        }
        other => panic!("{other:?}"),
    }
}

fn debug(
    world: &World,
    to: alloy_primitives::Address,
    options: GethDebugTracingOptions,
) -> GethTrace {
    let mut inspector = DebugInspector::new(options).expect("known tracer");
    let mut session = world.session();
    let ran = session
        .run_watched(tx(TxKind::Call(to), 0, GAS), Checks::NONE, &mut inspector)
        .expect("valid");
    let (tx, block) = (session.tx_env().clone(), session.block_env().clone());
    let mut below = session.overlay().clone();
    if let DebugInspector::Default(tracer, _) = &mut inspector {
        show_native_calls(tracer);
    }
    inspector
        .get_result(None, &tx, &block, &ran, &mut below)
        .expect("a trace")
}
