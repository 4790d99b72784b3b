//! The real native contracts in a real EVM: Ethereum's own system contracts, EIP-7702 in a block, flash loans.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_eips::{eip2935, eip4788, eip7685};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, b256};
use alloy_rpc_types_trace::geth::{CallConfig, CallFrame, GethDebugTracingOptions, GethTrace};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError};
use capstan_contracts::address::MULTICALL3;
use capstan_contracts::admin::ADDRESS as ADMIN;
use capstan_contracts::admin::IAdmin;
use capstan_contracts::erc20::IErc20;
use capstan_contracts::error::NativeDelegateCall;
use capstan_contracts::ether::ADDRESS as ETHER;
use capstan_contracts::flash::ADDRESS as FLASH;
use capstan_contracts::flash::IFlash;
use capstan_contracts::token::{
    BURN, FACTORY_ADDRESS as TOKEN_FACTORY, IToken, ITokenFactory, KIND as TOKEN_KIND, MINT,
};
use capstan_contracts::{GenesisConfig, Place, decode_call, decode_error, native, resolve};
use capstan_evm::call::{Checks, Session};
use capstan_evm::mem::MemState;
use capstan_evm::{BlockContext, BlockOutcome, BlockRun, Rules, StateRead, Tx, TxOutcome};
use capstan_state::{Store as _, mem::MemStore};
use revm::context::TxEnv;
use revm::context_interface::result::ExecutionResult;
use revm_inspectors::tracing::DebugInspector;
use revm_inspectors::transfer::TransferInspector;

use crate::world::{Asm, MARKER, SENDER, asm, at, block_context};

/// Hundredths of a percent that a flash loan costs in this world.
const FLASH_FEE_BPS: u16 = 10;
const MAGIC: B256 = b256!("439148f0bbc682ca079e46d6e2c2f0c1e3b820f1a291b069d8882abf8cf18dd9");

/// A chain right after genesis, with every native contract and Ethereum's two system contracts.
pub(crate) struct Chain {
    pub(crate) state: MemState,
    pub(crate) rules: Arc<Rules>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut store = MemStore::new();
        let mut config = GenesisConfig::owned_by(SENDER);
        config.flash_fee_bps = FLASH_FEE_BPS;
        capstan_contracts::genesis(&mut store, &config).expect("genesis");
        let mut chain = Self {
            state: MemState::new(),
            rules: Arc::new(Rules::new(31337)),
        };
        for contract in capstan_contracts::all() {
            let Place::At(at) = contract.place else {
                continue;
            };
            let words: Vec<_> = store
                .words()
                .filter(|(of, ..)| *of == at)
                .map(|(_, slot, word)| (slot, word))
                .collect();
            assert!(store.code_size(at).expect("memory") > 0);
            chain
                .state
                .put(at, U256::ZERO, 0, Bytes::from_static(&MARKER), words);
        }
        for (at, code) in [
            (
                eip2935::HISTORY_STORAGE_ADDRESS,
                eip2935::HISTORY_STORAGE_CODE.clone(),
            ),
            (
                eip4788::BEACON_ROOTS_ADDRESS,
                eip4788::BEACON_ROOTS_CODE.clone(),
            ),
        ] {
            chain.state.put(at, U256::ZERO, 1, code, []);
        }
        chain.fund(SENDER);
        chain
    }

    pub(crate) fn fund(&mut self, who: Address) {
        self.state
            .put(who, U256::from(10).pow(U256::from(21)), 0, Bytes::new(), []);
    }

    pub(crate) fn code(&mut self, at: Address, code: &Asm) {
        let code = Bytes::copy_from_slice(&code.code);
        self.state.put(at, U256::from(1_000), 1, code, []);
    }

    pub(crate) fn session(&self) -> Session {
        let state: Arc<dyn StateRead> = Arc::new(self.state.clone());
        Session::open(self.rules.clone(), state, block_context(&self.rules, 1)).expect("opens")
    }

    fn block(&self, ctx: BlockContext) -> BlockRun {
        let state: Arc<dyn StateRead> = Arc::new(self.state.clone());
        BlockRun::open(self.rules.clone(), state, ctx).expect("opens")
    }

    /// Makes a block the newest.
    fn keep(&mut self, outcome: &BlockOutcome) {
        self.state.apply(&outcome.diff);
    }

    /// Runs a call by the sender and keeps it.
    pub(crate) fn act(&mut self, to: Address, call: &impl SolCall) -> Bytes {
        let mut session = self.session();
        let ran = session
            .run(call_tx(to, call.abi_encode()), Checks::NONE)
            .expect("valid");
        assert!(ran.result.is_success(), "{:?}", ran.result);
        session.commit(&ran.state);
        let diff = session
            .changes()
            .expect("memory")
            .expect("nothing was pretended");
        self.state.apply(&diff);
        ran.result.into_output().unwrap_or_default()
    }

    /// Makes a token of the sender's.
    pub(crate) fn token(&mut self) -> Address {
        let create = ITokenFactory::createTokenCall {
            name: "Test".into(),
            symbol: "TEST".into(),
            decimals: 18,
            owner: SENDER,
            grantDelayMs: 0,
        };
        let answer = self.act(TOKEN_FACTORY, &create);
        ITokenFactory::createTokenCall::abi_decode_returns(&answer).expect("an address")
    }

    pub(crate) fn mint(&mut self, token: Address, to: Address, value: u64) {
        let value = U256::from(value);
        self.act(token, &IToken::mintCall { to, value });
    }
}

pub(crate) fn call_tx(to: Address, data: Vec<u8>) -> TxEnv {
    TxEnv {
        caller: SENDER,
        kind: TxKind::Call(to),
        data: data.into(),
        gas_limit: 16_000_000,
        chain_id: None,
        ..TxEnv::default()
    }
}

pub(crate) fn balance(session: &mut Session, token: Address, account: Address) -> U256 {
    let call = IErc20::balanceOfCall { account }.abi_encode();
    let ran = session
        .run(call_tx(token, call), Checks::NONE)
        .expect("valid");
    U256::from_be_slice(&ran.result.into_output().expect("an answer"))
}

fn word(of: Address) -> U256 {
    of.into_word().into()
}

/// A signature that nobody checks here: recovery happens at the door.
fn signed<T: SignableTransaction<Signature>>(tx: T) -> alloy_consensus::Signed<T> {
    tx.into_signed(Signature::new(U256::from(1), U256::from(1), false))
}

fn user(from: Address, nonce: u64, to: Address, value: u64, input: Vec<u8>) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id: 31337,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 100,
        to: TxKind::Call(to),
        value: U256::from(value),
        input: input.into(),
        ..TxEip1559::default()
    };
    Recovered::new_unchecked(Tx::Eip1559(signed(tx)), from)
}

fn set_code(nonce: u64, to: Address, list: Vec<SignedAuthorization>) -> Recovered<Tx> {
    let tx = TxEip7702 {
        chain_id: 31337,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 100,
        to,
        authorization_list: list,
        ..TxEip7702::default()
    };
    Recovered::new_unchecked(Tx::Eip7702(signed(tx)), SENDER)
}

fn authorize(signer: &PrivateKeySigner, nonce: u64, to: Address) -> SignedAuthorization {
    let authorization = Authorization {
        chain_id: U256::from(31337),
        address: to,
        nonce,
    };
    let signature = signer
        .sign_hash_sync(&authorization.signature_hash())
        .expect("signs");
    authorization.into_signed(signature)
}

/// Calls the address in the first word with the second word, and returns what it answered.
fn asker() -> Asm {
    asm()
        .push(U256::from(32))
        .op(0x35)
        .push(U256::ZERO)
        .op(0x52)
        .push(U256::ZERO)
        .push(U256::ZERO)
        .push(U256::from(32))
        .push(U256::ZERO)
        .push(U256::ZERO)
        .op(0x35)
        .op(0x5a)
        .op(0xfa)
        .pop()
        .return_data()
}

fn ask(nonce: u64, of: Address, argument: u64) -> Recovered<Tx> {
    let input = [of.into_word().0, U256::from(argument).to_be_bytes()].concat();
    user(SENDER, nonce, at(0xa5), 0, input)
}

/// EXEC-3: contracts of users read the parents' hashes and the beacon roots from Ethereum's own contracts, block after
/// block, several in one second too.
#[test]
fn parents_and_beacon_roots_are_there_for_users() {
    let mut chain = Chain::new();
    chain.code(at(0xa5), &asker());
    let seconds = 1_700_000_000;
    let (history, roots) = (
        eip2935::HISTORY_STORAGE_ADDRESS,
        eip4788::BEACON_ROOTS_ADDRESS,
    );
    let context = |chain: &Chain, number: u64| {
        let mut ctx = block_context(&chain.rules, number);
        // Four blocks a second.
        ctx.info.time_ms = seconds * 1000 + number * 250;
        ctx.parent_hash = B256::repeat_byte(u8::try_from(number).expect("small"));
        ctx.parent_beacon_root = B256::repeat_byte(0x80 + u8::try_from(number).expect("small"));
        ctx
    };
    let mut nonce = 0;
    for number in 1..=5 {
        let mut run = chain.block(context(&chain, number));
        let mut answers = Vec::new();
        // Every parent so far, then one that does not exist yet.
        for ancestor in 0..=number {
            let outcome = run.user(&ask(nonce, history, ancestor)).expect("stands");
            nonce += 1;
            answers.push(outcome.output);
        }
        for ancestor in 0..number {
            let expected = B256::repeat_byte(u8::try_from(ancestor + 1).expect("small"));
            let index = usize::try_from(ancestor).expect("small");
            assert_eq!(
                answers[index].as_ref(),
                expected.as_slice(),
                "block {number} asks for {ancestor}"
            );
        }
        assert!(
            answers.last().expect("asked").is_empty(),
            "its own hash does not exist"
        );
        let now = seconds + number / 4;
        let root = run.user(&ask(nonce, roots, now)).expect("stands").output;
        assert_eq!(
            root.as_ref(),
            context(&chain, number).parent_beacon_root.as_slice()
        );
        nonce += 1;
        let future = run
            .user(&ask(nonce, roots, now + 1))
            .expect("stands")
            .output;
        assert!(future.is_empty());
        nonce += 1;
        let outcome = run.close().expect("closes");
        assert_eq!(outcome.requests_hash, eip7685::EMPTY_REQUESTS_HASH);
        chain.keep(&outcome);
    }
}

/// EXEC-3: PREVRANDAO is the header's mix hash, and one unit of blob gas costs 1.
#[test]
fn what_opcodes_say_of_the_block() {
    let mut chain = Chain::new();
    chain.code(at(1), &asm().op(0x44).return_word());
    chain.code(at(2), &asm().op(0x4a).return_word());
    let mut run = chain.block(block_context(&chain.rules, 1));
    let randao = run
        .user(&user(SENDER, 0, at(1), 0, vec![]))
        .expect("stands")
        .output;
    assert_eq!(randao.as_ref(), B256::repeat_byte(0x77).as_slice());
    let blob_fee = run
        .user(&user(SENDER, 1, at(2), 0, vec![]))
        .expect("stands")
        .output;
    assert_eq!(U256::from_be_slice(&blob_fee), U256::from(1));
}

fn refusal(outcome: &TxOutcome) -> String {
    decode_error(&outcome.output).map_or_else(|| format!("{outcome:?}"), |error| error.name)
}

/// EXEC-13: in a block, an account that delegates itself to a native contract refuses every call with the typed error:
/// called by the same transaction, by a later one, with coins, by bytecode. Delegating elsewhere mends it.
#[test]
fn delegating_to_a_native_contract_in_a_block() {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
    let person = signer.address();
    let mut chain = Chain::new();
    chain.fund(person);
    let token = chain.token();
    chain.code(at(1), &asm().sstore(1, 7));
    chain.code(at(2), &asm().call(0xf1, person, 5, U256::MAX).return_word());
    let before = chain
        .state
        .account(person)
        .expect("memory")
        .expect("funded")
        .balance;

    let mut run = chain.block(block_context(&chain.rules, 1));
    let nonce = chain
        .state
        .account(SENDER)
        .expect("memory")
        .expect("funded")
        .nonce;
    let mut nonces = nonce..;
    let mut next = || nonces.next().expect("endless");
    let mut expected = Vec::new();
    for (own_nonce, target) in [token, MULTICALL3, ADMIN].into_iter().enumerate() {
        let list = vec![authorize(
            &signer,
            u64::try_from(own_nonce).expect("small"),
            target,
        )];
        let delegating = run.user(&set_code(next(), person, list)).expect("stands");
        assert!(!delegating.success && delegating.halt.is_none());
        assert_eq!(refusal(&delegating), "NativeDelegateCall");
        let transfer = IErc20::transferCall {
            to: at(9),
            value: U256::ONE,
        };
        let called = run
            .user(&user(SENDER, next(), person, 3, transfer.abi_encode()))
            .expect("stands");
        assert_eq!(called.output.as_ref(), NativeDelegateCall {}.abi_encode());
        let by_code = run
            .user(&user(SENDER, next(), at(2), 0, vec![]))
            .expect("stands");
        assert!(by_code.success && U256::from_be_slice(&by_code.output).is_zero());
        expected.extend([false, false, true]);
    }
    // The person still sends transactions: only its code is of no use.
    let own = run
        .user(&user(person, 3, at(9), 1, vec![]))
        .expect("stands");
    assert!(own.success);
    // Delegation to real code works, in its own storage.
    let mended = run
        .user(&set_code(
            next(),
            person,
            vec![authorize(&signer, 4, at(1))],
        ))
        .expect("stands");
    assert!(mended.success, "{mended:?}");
    // A native address where nothing was made has no code at all: an ordinary account.
    let nothing = native(TOKEN_KIND, 77);
    let plain = run
        .user(&set_code(
            next(),
            person,
            vec![authorize(&signer, 5, nothing)],
        ))
        .expect("stands");
    assert!(plain.success, "{plain:?}");
    expected.extend([true; 3]);

    let outcome = run.close().expect("closes");
    let statuses: Vec<bool> = outcome
        .receipts
        .iter()
        .map(|receipt| receipt.status())
        .collect();
    assert_eq!(statuses, expected);
    let account = &outcome.diff.accounts[&person];
    assert_eq!(account.storage[&U256::from(1)], U256::from(7));
    let info = account.info.expect("there");
    assert_eq!(info.nonce, 6, "five authorizations and one transaction");
    let paid = before - info.balance;
    assert_eq!(
        paid,
        U256::from(1 + 21_000 * 7),
        "no coins came, one went, and one fee was paid"
    );
    // The designator is in the access list, at the index of each delegation.
    let listed = outcome
        .access_list
        .iter()
        .find(|changes| changes.address == person)
        .expect("listed");
    assert_eq!(listed.code_changes.len(), 5);
}

/// EXEC-13: DELEGATECALL and CALLCODE to every real native contract answer the typed error.
#[test]
fn delegate_calls_to_real_natives() {
    let mut chain = Chain::new();
    let token = chain.token();
    for target in [token, ETHER, FLASH, ADMIN, TOKEN_FACTORY, MULTICALL3] {
        for op in [0xf4, 0xf2] {
            chain.code(
                at(1),
                &asm().call(op, target, 0, U256::MAX).pop().return_data(),
            );
            let ran = chain
                .session()
                .run(call_tx(at(1), vec![]), Checks::NONE)
                .expect("valid");
            let output = ran.result.into_output().expect("an answer");
            assert_eq!(
                output.as_ref(),
                NativeDelegateCall {}.abi_encode(),
                "{target} by {op:#x}"
            );
        }
    }
}

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
    let quiet = chain
        .session()
        .run(tx.clone(), Checks::NONE)
        .expect("valid");
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

/// EXEC-29: a simulated block begins as a real one does, and what it changed is the same difference.
#[test]
fn a_simulated_block_changes_what_a_real_one_changes() {
    let mut chain = Chain::new();
    let token = chain.token();
    chain.mint(token, SENDER, 100);
    let nonce = chain
        .state
        .account(SENDER)
        .expect("memory")
        .expect("there")
        .nonce;
    let transfer = IErc20::transferCall {
        to: at(9),
        value: U256::from(40),
    };
    let tx = user(SENDER, nonce, token, 0, transfer.abi_encode());
    let create = asm().push(U256::from(1)).push(U256::ZERO).op(0xf3).code;
    let ctx = block_context(&chain.rules, 1);
    let mut run = chain.block(ctx);
    run.user(&tx).expect("stands");
    let real = run.close().expect("closes").diff;

    let mut session = chain.session();
    session.begin_block().expect("begins");
    let mut env = call_tx(token, transfer.abi_encode());
    (env.nonce, env.gas_price, env.gas_limit) = (nonce, 7, 1_000_000);
    let ran = session.run(env, Checks::ALL).expect("valid");
    session.commit(&ran.state);
    assert_eq!(session.changes().expect("memory"), Some(real.clone()));

    // A second block on top: changes are counted from where the session was opened.
    session
        .next_block(block_context(&chain.rules, 2))
        .expect("opens");
    session.begin_block().expect("begins");
    let mut env = call_tx(token, create);
    env.kind = TxKind::Create;
    let ran = session.run(env, Checks::NONE).expect("valid");
    let made = ran.result.created_address().expect("made");
    session.commit(&ran.state);
    let both = session.changes().expect("memory").expect("listable");
    assert_eq!(both.accounts[&token], real.accounts[&token]);
    let info = both.accounts[&made].info.expect("there");
    assert!(both.codes.contains_key(&info.code_hash));
    // A whole storage that was pretended cannot be told as a difference.
    let whole = capstan_evm::call::AccountOverride {
        storage: Some(capstan_evm::call::StorageOverride::Whole(Default::default())),
        ..Default::default()
    };
    session.override_account(token, &whole).expect("memory");
    assert_eq!(session.changes().expect("memory"), None);
}
