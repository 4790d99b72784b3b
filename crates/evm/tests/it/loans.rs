//! Flash loans to borrowers in bytecode, and what tracers see of them and of coins that natives move.

use alloy_primitives::{Address, B256, Bytes, U256, b256};
use alloy_rpc_types_trace::geth::{CallConfig, CallFrame, GethDebugTracingOptions, GethTrace};
use alloy_sol_types::SolCall;
use capstan_contracts::admin::{ADDRESS as ADMIN, IAdmin};
use capstan_contracts::erc20::IErc20;
use capstan_contracts::ether::ADDRESS as ETHER;
use capstan_contracts::flash::{ADDRESS as FLASH, IFlash};
use capstan_contracts::token::{BURN, MINT};
use capstan_contracts::{decode_call, decode_error, resolve};
use capstan_evm::call::Checks;
use revm::context::TxEnv;
use revm::context_interface::result::ExecutionResult;
use revm_inspectors::tracing::DebugInspector;
use revm_inspectors::transfer::TransferInspector;

use crate::genesis::{Chain, balance, call_tx, word};
use crate::world::{Asm, SENDER, asm, at};

const MAGIC: B256 = b256!("439148f0bbc682ca079e46d6e2c2f0c1e3b820f1a291b069d8882abf8cf18dd9");

/// What a borrower does when it is called back.
#[derive(Clone, Copy, Debug)]
enum Borrower {
    Honest,
    NeverApproves,
    WrongAnswer,
    SpendsTheLoan,
    BorrowsAgain,
    Reverts,
}

/// A borrower in bytecode: `onFlashLoan(initiator, token, amount, fee, data)`, arguments from byte 4 on.
fn borrower(how: Borrower) -> Asm {
    let argument = |code: Asm, index: u64| code.push(U256::from(4 + 32 * index)).op(0x35);
    let selector = |code: Asm, selector: [u8; 4]| {
        code.push(U256::from_be_slice(&selector) << 224)
            .push(U256::ZERO)
            .op(0x52)
    };
    // Calls the token with what stands in memory up to `length`; the flag stays on the stack.
    let call_token = |code: Asm, length: u64| {
        let code = code
            .push(U256::ZERO)
            .push(U256::ZERO)
            .push(U256::from(length));
        argument(code.push(U256::ZERO).push(U256::ZERO), 1)
            .op(0x5a)
            .op(0xf1)
    };
    let mut code = asm();
    if !matches!(how, Borrower::NeverApproves) {
        code = selector(code, IErc20::approveCall::SELECTOR);
        code = code.push(word(FLASH)).push(U256::from(4)).op(0x52);
        code = argument(argument(code, 2), 3)
            .op(0x01)
            .push(U256::from(36))
            .op(0x52);
        code = call_token(code, 68).pop();
    }
    match how {
        Borrower::SpendsTheLoan => {
            code = selector(code, IErc20::transferCall::SELECTOR);
            code = code.push(word(at(0xdd))).push(U256::from(4)).op(0x52);
            code = argument(code, 2).push(U256::from(36)).op(0x52);
            code = call_token(code, 68).pop();
        }
        Borrower::BorrowsAgain => {
            // flashLoan(this, token, 1, "") and, whatever came of it, what it answered.
            code = selector(code, IFlash::flashLoanCall::SELECTOR);
            code = code.op(0x30).push(U256::from(4)).op(0x52);
            code = argument(code, 1).push(U256::from(36)).op(0x52);
            code = code.push(U256::from(1)).push(U256::from(68)).op(0x52);
            code = code.push(U256::from(128)).push(U256::from(100)).op(0x52);
            code = code.push(U256::ZERO).push(U256::from(132)).op(0x52);
            code = code
                .push(U256::ZERO)
                .push(U256::ZERO)
                .push(U256::from(164))
                .push(U256::ZERO);
            code = code
                .push(U256::ZERO)
                .push(word(FLASH))
                .op(0x5a)
                .op(0xf1)
                .pop();
            code = code.op(0x3d).push(U256::ZERO).push(U256::ZERO).op(0x3e);
            return code.op(0x3d).push(U256::ZERO).op(0xfd);
        }
        Borrower::Reverts => return code.revert(),
        _ => {}
    }
    let answer = if matches!(how, Borrower::WrongAnswer) {
        U256::from(1)
    } else {
        MAGIC.into()
    };
    code.push(answer).return_word()
}

const LOAN: u64 = 1_000_000;
const FEE: u64 = 1_000;

/// A chain with a token that lends, and a borrower that owns what the fee needs.
fn lending_chain(how: Borrower) -> (Chain, Address, Address) {
    let mut chain = Chain::new();
    let (token, receiver) = (chain.token(), at(0xb0));
    for role in [MINT, BURN] {
        let grant = IAdmin::grantRoleCall {
            scope: token,
            role,
            holder: FLASH,
            expiresMs: 0,
        };
        chain.act(ADMIN, &grant);
    }
    chain.mint(token, receiver, 5_000);
    chain.code(receiver, &borrower(how));
    (chain, token, receiver)
}

fn loan(receiver: Address, token: Address) -> TxEnv {
    let call = IFlash::flashLoanCall {
        receiver,
        token,
        amount: U256::from(LOAN),
        data: Bytes::from_static(b"as agreed"),
    };
    call_tx(FLASH, call.abi_encode())
}

/// EXEC-12, FLASH: a borrower in bytecode takes a loan from the native contract and repays it with the fee.
#[test]
fn a_flash_loan_is_taken_and_repaid_by_bytecode() {
    let (chain, token, receiver) = lending_chain(Borrower::Honest);
    let mut session = chain.session();
    let ran = session
        .run(loan(receiver, token), Checks::NONE)
        .expect("valid");
    assert!(ran.result.is_success(), "{:?}", ran.result);
    session.commit(&ran.state);
    assert_eq!(
        balance(&mut session, token, receiver),
        U256::from(5_000 - FEE)
    );
    assert_eq!(
        balance(&mut session, token, SENDER),
        U256::from(FEE),
        "the token's owner earns it"
    );
    let supply = session
        .run(
            call_tx(token, IErc20::totalSupplyCall {}.abi_encode()),
            Checks::NONE,
        )
        .expect("valid");
    assert_eq!(
        U256::from_be_slice(&supply.result.into_output().expect("an answer")),
        U256::from(5_000)
    );
    // Minted, approved, burnt, fee paid, lent.
    assert_eq!(ran.result.logs().len(), 5);
}

/// EXEC-15, FLASH: whatever a borrower does instead of repaying, nothing of the loan is left.
#[test]
fn a_flash_loan_that_is_not_repaid_never_was() {
    let cases = [
        (Borrower::NeverApproves, "ERC20InsufficientAllowance"),
        (Borrower::WrongAnswer, "FlashCallbackRefused"),
        (Borrower::SpendsTheLoan, "ERC20InsufficientBalance"),
        (Borrower::BorrowsAgain, "ReentrantCall"),
        (Borrower::Reverts, ""),
    ];
    for (how, why) in cases {
        let (chain, token, receiver) = lending_chain(how);
        let mut session = chain.session();
        let ran = session
            .run(loan(receiver, token), Checks::NONE)
            .expect("valid");
        let ExecutionResult::Revert { output, .. } = &ran.result else {
            panic!("{how:?}: {:?}", ran.result);
        };
        let name = decode_error(output)
            .map(|error| error.name)
            .unwrap_or_default();
        assert_eq!(name, why, "{how:?}");
        session.commit(&ran.state);
        for (who, amount) in [(receiver, 5_000), (at(0xdd), 0), (SENDER, 0)] {
            assert_eq!(
                balance(&mut session, token, who),
                U256::from(amount),
                "{how:?}"
            );
        }
        assert!(ran.result.logs().is_empty());
    }
}

fn call_trace(chain: &Chain, tx: TxEnv) -> CallFrame {
    let config = CallConfig {
        with_log: Some(true),
        ..CallConfig::default()
    };
    let mut inspector =
        DebugInspector::new(GethDebugTracingOptions::call_tracer(config)).expect("known");
    let mut session = chain.session();
    let ran = session
        .run_watched(tx, Checks::NONE, &mut inspector)
        .expect("valid");
    let (tx, block) = (session.tx_env().clone(), session.block_env().clone());
    let mut below = session.overlay().clone();
    match inspector
        .get_result(None, &tx, &block, &ran, &mut below)
        .expect("a trace")
    {
        GethTrace::CallTracer(frame) => frame,
        other => panic!("{other:?}"),
    }
}

/// EXEC-24, EXEC-28: one frame per line, with the native verb that it decodes to.
fn lines(frame: &CallFrame, depth: usize, out: &mut Vec<String>) {
    let to = frame.to.expect("a call");
    let verb = resolve(to)
        .and_then(|contract| Some((contract.name, decode_call(contract, &frame.input)?.name)))
        .map_or_else(
            || "code".to_owned(),
            |(contract, verb)| format!("{contract}.{verb}"),
        );
    let value = frame.value.filter(|value| !value.is_zero());
    let value = value
        .map(|value| format!(" {value} wei"))
        .unwrap_or_default();
    let failed = if frame.error.is_some() { " failed" } else { "" };
    // Whether a tracer shows logs that were undone is its own business.
    let logs = match frame.logs.len() {
        0 => String::new(),
        _ if frame.error.is_some() => String::new(),
        count => format!(", logs {count}"),
    };
    let indent = "  ".repeat(depth);
    out.push(format!("{indent}{verb}{value}{logs}{failed}"));
    for call in &frame.calls {
        lines(call, depth + 1, out);
    }
}

fn trace_lines(chain: &Chain, tx: TxEnv) -> Vec<String> {
    let mut out = Vec::new();
    lines(&call_trace(chain, tx), 0, &mut out);
    out
}

/// EXEC-24: the call tracer nests a loan as it ran, and native frames decode to their verbs.
#[test]
fn a_flash_loan_traces_as_it_ran() {
    let (chain, token, receiver) = lending_chain(Borrower::Honest);
    assert_eq!(
        trace_lines(&chain, loan(receiver, token)),
        [
            "flash.flashLoan, logs 4",
            "  code",
            "    token.approve, logs 1"
        ]
    );
    let (chain, token, receiver) = lending_chain(Borrower::BorrowsAgain);
    let seen: Vec<String> = trace_lines(&chain, loan(receiver, token))
        .iter()
        .map(|line| line.replace(", logs 1", ""))
        .collect();
    let expected = [
        "flash.flashLoan failed",
        "  code failed",
        "    token.approve",
        "    flash.flashLoan failed",
    ];
    assert_eq!(seen, expected);
}

/// EXEC-28: coins that the face of the gas coin moves are a call with value in traces, and a transfer for inspectors
/// that collect them; a move that is undone leaves no transfer.
#[test]
fn moved_coins_are_seen() {
    let mut chain = Chain::new();
    let transfer = IErc20::transferCall {
        to: at(9),
        value: U256::from(77),
    };
    let tx = call_tx(ETHER, transfer.abi_encode());
    assert_eq!(
        trace_lines(&chain, tx.clone()),
        ["ether.transfer, logs 1", "  code 77 wei"]
    );
    let child = call_trace(&chain, tx.clone()).calls.remove(0);
    assert_eq!(
        (child.from, child.to, child.typ.as_str()),
        (SENDER, Some(at(9)), "CALL")
    );
    assert_eq!((child.gas, child.gas_used), (U256::ZERO, U256::ZERO));

    let transfers = |chain: &Chain, tx: TxEnv| {
        let mut inspector = TransferInspector::new(false).with_logs(true);
        let ran = chain
            .session()
            .run_watched(tx, Checks::NONE, &mut inspector)
            .expect("valid");
        let logs = ran
            .result
            .logs()
            .iter()
            .filter(|log| log.address == Address::repeat_byte(0xee));
        let logs: Vec<_> = logs
            .map(|log| (log.topics()[1], U256::from_be_slice(&log.data.data)))
            .collect();
        (logs, ran.result.tx_gas_used())
    };
    let (logs, gas) = transfers(&chain, tx.clone());
    assert_eq!(logs, [(SENDER.into_word(), U256::from(77))]);
    let quiet = chain.session().run(tx, Checks::NONE).expect("valid");
    assert_eq!(gas, quiet.result.tx_gas_used(), "watching changes nothing");

    // The same call by code that reverts afterwards.
    let input = transfer.abi_encode();
    let mut code = asm();
    for (index, chunk) in input.chunks(32).enumerate() {
        let mut bytes = [0; 32];
        bytes[..chunk.len()].copy_from_slice(chunk);
        let offset = U256::from(32 * u64::try_from(index).expect("small"));
        code = code.push(U256::from_be_bytes(bytes)).push(offset).op(0x52);
    }
    let length = U256::from(input.len());
    let code = code
        .push(U256::ZERO)
        .push(U256::ZERO)
        .push(length)
        .push(U256::ZERO)
        .push(U256::ZERO);
    let code = code.push(word(ETHER)).op(0x5a).op(0xf1).pop();
    chain.code(at(1), &code.clone().op(0));
    assert_eq!(
        transfers(&chain, call_tx(at(1), vec![])).0,
        [(at(1).into_word(), U256::from(77))]
    );
    chain.code(at(1), &code.revert());
    assert_eq!(transfers(&chain, call_tx(at(1), vec![])).0, []);
}
