//! The real native contracts in blocks: Ethereum's own system contracts, EIP-7702, simulated blocks.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_eips::{eip2935, eip4788, eip7685};
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError};
use capstan_contracts::address::MULTICALL3;
use capstan_contracts::admin::ADDRESS as ADMIN;
use capstan_contracts::erc20::IErc20;
use capstan_contracts::error::NativeDelegateCall;
use capstan_contracts::ether::ADDRESS as ETHER;
use capstan_contracts::flash::ADDRESS as FLASH;
use capstan_contracts::token::{FACTORY_ADDRESS as TOKEN_FACTORY, KIND as TOKEN_KIND};
use capstan_contracts::{Kind, decode_error, native};
use capstan_evm::call::Checks;
use capstan_evm::{StateRead, Tx, TxOutcome, console};

use crate::genesis::{Chain, call_tx};
use crate::world::{Asm, SENDER, asm, at, block_context};

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
    expected.extend([true; 2]);
    // A native address where nothing was made (yet), or that no kind has: what the account does must not change when
    // somebody makes it.
    for (own_nonce, nothing) in [(5, native(TOKEN_KIND, 77)), (6, native(Kind::new(0), 2))] {
        let list = vec![authorize(&signer, own_nonce, nothing)];
        let delegating = run.user(&set_code(next(), person, list)).expect("stands");
        assert!(!delegating.success && delegating.halt.is_none());
        assert_eq!(refusal(&delegating), "NativeDelegateCall", "{nothing}");
        expected.push(false);
    }

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
    assert_eq!(info.nonce, 7, "six authorizations and one transaction");
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
    assert_eq!(listed.code_changes.len(), 6);
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

/// EXEC-33: a development chain hears `console.log`, also of a transaction that reverts; result and gas are the same as
/// where nobody listens.
#[test]
fn exec_33_console_log_is_heard() {
    let mut chain = Chain::new();
    // Sends its calldata to the console and reverts.
    let copied = asm().op(0x36).op(0x5f).op(0x5f).op(0x37);
    let told = copied.op(0x5f).op(0x5f).op(0x36).op(0x5f).op(0x5f);
    let address = U256::from_be_slice(console::ADDRESS.as_slice());
    let calls = told.push(address).op(0x5a).op(0xf1);
    chain.code(at(1), &calls.op(0x5f).op(0x5f).op(0xfd));
    let mut message = alloy_primitives::keccak256("log(uint256)")[..4].to_vec();
    message.extend(U256::from(42).to_be_bytes::<32>());
    let nonce = chain
        .state
        .account(SENDER)
        .expect("memory")
        .expect("funded")
        .nonce;
    let ran = |listens: bool| {
        let mut run = chain.block(block_context(&chain.rules, 1));
        if listens {
            run.listen();
        }
        let reverting = user(SENDER, nonce, at(1), 0, message.clone());
        let outcome = run.user(&reverting).expect("stands");
        assert!(!outcome.success && outcome.halt.is_none());
        let heard = run.heard();
        let direct = user(SENDER, nonce + 1, console::ADDRESS, 0, message.clone());
        assert!(run.user(&direct).expect("stands").success);
        (heard, run.heard(), run.close().expect("closes"))
    };
    let (first, second, listened) = ran(true);
    assert_eq!(
        (first, second),
        (vec!["42".to_owned()], vec!["42".to_owned()])
    );
    let (first, second, plain) = ran(false);
    assert!(first.is_empty() && second.is_empty());
    assert_eq!(listened, plain);
}
