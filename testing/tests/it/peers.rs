//! The native token beside OpenZeppelin's ERC20Permit, in the same EVM, on random sequences: the same return
//! data, the same errors, the same events and the same balances, allowances and nonces after every step.

use std::{path::Path, process::Command, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, Log, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolStruct, eip712_domain, sol};
use capstan_contracts::{
    GenesisConfig, Place,
    erc20::IErc20,
    flash::ADDRESS as FLASH,
    token::{FACTORY_ADDRESS as TOKEN_FACTORY, IToken, ITokenFactory},
};
use capstan_evm::{
    BlockContext, Rules,
    call::{Checks, Session},
    mem::MemState,
};
use capstan_state::{BlockInfo, ProtocolVersion, mem::MemStore};
use revm::{
    context::TxEnv,
    context_interface::result::{ExecutionResult, Output, ResultAndState},
    primitives::TxKind,
};

const FIXTURE: &str = include_str!("../../peers/PeerToken.hex");
const TIME_S: u64 = 1_700_000_000;
const CAP: u128 = (1 << 112) - 1;

/// How one transaction ended.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    success: bool,
    output: Bytes,
    logs: Vec<Log>,
}

struct World {
    session: Session,
    native: Address,
    peer: Address,
    people: Vec<PrivateKeySigner>,
}

impl World {
    fn new() -> Self {
        let people: Vec<_> = (1..=4u8)
            .map(|n| PrivateKeySigner::from_bytes(&B256::with_last_byte(n)).expect("a key"))
            .collect();
        let owner = people[0].address();
        let rules = Rules::new(31_337);
        let info = BlockInfo {
            chain_id: 31_337,
            number: 1,
            time_ms: TIME_S * 1000,
            beneficiary: Address::ZERO,
            base_fee_wei: 0,
            prevrandao: B256::ZERO,
            gas_limit: rules.gas_limit(),
            version: ProtocolVersion(1),
        };
        let (parent_hash, parent_beacon_root) = (B256::ZERO, B256::ZERO);
        let block = BlockContext {
            info,
            parent_hash,
            parent_beacon_root,
        };
        let state = Arc::new(genesis(owner));
        let session = Session::open(Arc::new(rules), state, block).expect("opens");
        let mut world = Self {
            session,
            native: Address::ZERO,
            peer: Address::ZERO,
            people,
        };

        let code = hex::decode(FIXTURE.trim()).expect("hex");
        println!(
            "peer: OpenZeppelin ERC20Permit, creation code {}",
            keccak256(&code)
        );
        world.peer = world
            .send(owner, TxKind::Create, code.into())
            .1
            .expect("deploys");
        let create = ITokenFactory::createTokenCall {
            name: "Test Token".into(),
            symbol: "TT".into(),
            decimals: 6,
            owner,
            grantDelayMs: 0,
        };
        let made = world.call(owner, TOKEN_FACTORY, &create);
        assert!(made.success, "{:?}", made.output);
        world.native =
            ITokenFactory::createTokenCall::abi_decode_returns(&made.output).expect("address");
        world
    }

    fn send(&mut self, caller: Address, kind: TxKind, data: Bytes) -> (Ended, Option<Address>) {
        let gas_limit = 10_000_000;
        let tx = TxEnv {
            caller,
            kind,
            data,
            gas_limit,
            gas_price: 0,
            chain_id: None,
            ..TxEnv::default()
        };
        let ResultAndState { result, state } = self.session.run(tx, Checks::NONE).expect("valid");
        self.session.commit(&state);
        let created = result.created_address();
        let success = result.is_success();
        let (output, logs) = match result {
            ExecutionResult::Success {
                output: Output::Call(output),
                logs,
                ..
            } => (output, logs),
            ExecutionResult::Success { logs, .. } => (Bytes::new(), logs),
            ExecutionResult::Revert { output, .. } => (output, Vec::new()),
            ExecutionResult::Halt { reason, .. } => panic!("halted: {reason:?}"),
        };
        (
            Ended {
                success,
                output,
                logs,
            },
            created,
        )
    }

    fn call(&mut self, caller: Address, to: Address, call: &impl SolCall) -> Ended {
        self.send(caller, TxKind::Call(to), call.abi_encode().into())
            .0
    }

    /// Runs the same call on both tokens and compares everything that can be seen of it.
    #[track_caller]
    fn both(&mut self, caller: Address, call: &impl SolCall) -> bool {
        let (native, peer) = (self.native, self.peer);
        let ours = self.call(caller, native, call);
        let mut theirs = self.call(caller, peer, call);
        for log in &mut theirs.logs {
            assert_eq!(log.address, peer);
            log.address = native;
        }
        assert_eq!(ours, theirs);
        ours.success
    }

    /// Compares every view over everybody.
    #[track_caller]
    fn compare(&mut self) {
        let people: Vec<_> = self.people.iter().map(PrivateKeySigner::address).collect();
        assert!(self.both(people[0], &IErc20::totalSupplyCall {}));
        for owner in people.clone() {
            assert!(self.both(owner, &IErc20::balanceOfCall { account: owner }));
            assert!(self.both(owner, &IErc20::noncesCall { owner }));
            for spender in people.clone() {
                assert!(self.both(owner, &IErc20::allowanceCall { owner, spender }));
            }
        }
    }
}

/// The native contracts' first state, as a chain begins.
fn genesis(owner: Address) -> MemState {
    let mut store = MemStore::new();
    let config = GenesisConfig::owned_by(owner);
    capstan_contracts::genesis(&mut store, &config).expect("genesis");
    let mut state = MemState::new();
    for contract in capstan_contracts::all() {
        if let Place::At(at) = contract.place {
            let words = store
                .words()
                .filter(|(of, ..)| *of == at)
                .map(|(_, slot, word)| (slot, word));
            state.put(at, U256::ZERO, 1, Bytes::from_static(&[0xfe]), words);
        }
    }
    state
}

sol! {
    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }
}

/// A permit for `token`, really signed.
fn permit(token: Address, signer: &PrivateKeySigner, message: &Permit) -> IErc20::permitCall {
    let domain = eip712_domain! { name: "Test Token", version: "1", chain_id: 31_337, verifying_contract: token, };
    let signature = signer
        .sign_hash_sync(&message.eip712_signing_hash(&domain))
        .expect("signs");
    IErc20::permitCall {
        owner: message.owner,
        spender: message.spender,
        value: message.value,
        deadline: message.deadline,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    }
}

/// Hash-chain randomness: the same on every machine.
struct Random(B256);

impl Random {
    fn next(&mut self) -> U256 {
        self.0 = keccak256(self.0);
        self.0.into()
    }

    fn below(&mut self, bound: u64) -> usize {
        (self.next() % U256::from(bound)).to::<usize>()
    }

    fn amount(&mut self) -> U256 {
        let cap = U256::from(CAP);
        match self.below(8) {
            0..3 => self.next() % U256::from(100),
            3 | 4 => self.next() % cap,
            5 => cap - self.next() % U256::from(3),
            6 => self.next(),
            _ => U256::MAX - self.next() % U256::from(2),
        }
    }
}

#[test]
fn the_native_token_agrees_with_openzeppelin() {
    let seed = std::env::var("CAPSTAN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1_u64);
    println!(
        "replay: CAPSTAN_SEED={seed} cargo nextest run -p capstan-testing agrees_with_openzeppelin"
    );
    let mut random = Random(B256::from(U256::from(seed)));
    let mut world = World::new();
    let people: Vec<_> = world.people.iter().map(PrivateKeySigner::address).collect();
    let (owner, mut supply, mut succeeded) = (people[0], U256::ZERO, 0);
    let somebody = |random: &mut Random| match random.below(9) {
        0 => Address::ZERO,
        n => people[n % 4],
    };
    for name in [
        IErc20::nameCall::SELECTOR,
        IErc20::symbolCall::SELECTOR,
        IErc20::decimalsCall::SELECTOR,
    ] {
        let (ours, _) = world.send(owner, TxKind::Call(world.native), name.into());
        let (theirs, _) = world.send(owner, TxKind::Call(world.peer), name.into());
        assert_eq!(ours, theirs);
    }
    for step in 0..400 {
        let [a, b, c] = [(); 3].map(|()| somebody(&mut random));
        let value = random.amount();
        let done = match random.below(7) {
            0 | 1 => {
                // Beyond the width the native token refuses what the peer allows: TOK-2.
                let fits = supply
                    .checked_add(value)
                    .is_some_and(|sum| sum <= U256::from(CAP));
                let value = if fits { value } else { U256::ZERO };
                let done = world.both(owner, &IToken::mintCall { to: a, value });
                supply += if done { value } else { U256::ZERO };
                done
            }
            2 => world.both(a, &IErc20::transferCall { to: b, value }),
            3 => world.both(a, &IErc20::approveCall { spender: b, value }),
            4 => world.both(
                b,
                &IErc20::transferFromCall {
                    from: a,
                    to: c,
                    value,
                },
            ),
            5 => {
                let done = world.both(owner, &IToken::burnCall { value });
                supply -= if done { value } else { U256::ZERO };
                done
            }
            _ => {
                let done = world.both(owner, &IToken::burnFromCall { account: a, value });
                supply -= if done { value } else { U256::ZERO };
                done
            }
        };
        succeeded += usize::from(done);
        if step % 8 == 0 {
            world.compare();
        }
    }
    world.compare();
    assert!(
        succeeded > 100,
        "only {succeeded} of 400 steps did anything"
    );
}

#[test]
fn permits_agree_with_openzeppelin() {
    let mut world = World::new();
    let people = world.people.clone();
    let (alice, bob) = (&people[1], people[2].address());
    let (native, peer) = (world.native, world.peer);
    let high_s = |mut call: IErc20::permitCall| {
        let order = U256::from_str_radix(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            16,
        )
        .expect("the order");
        call.s = (order - U256::from_be_bytes(call.s.0)).into();
        call.v = 55 - call.v;
        call
    };
    let message = |nonce: u64, deadline: u64| Permit {
        owner: alice.address(),
        spender: bob,
        value: U256::from(5),
        nonce: U256::from(nonce),
        deadline: U256::from(deadline),
    };
    type Change = dyn Fn(IErc20::permitCall) -> IErc20::permitCall;
    let cases: [(&str, &PrivateKeySigner, Permit, &Change, bool); 8] = [
        ("good", alice, message(0, TIME_S), &|call| call, true),
        (
            "expired",
            alice,
            message(1, TIME_S - 1),
            &|call| call,
            false,
        ),
        (
            "another signer",
            &people[3],
            message(1, TIME_S),
            &|call| call,
            false,
        ),
        (
            "v of 0",
            alice,
            message(1, TIME_S),
            &|call| IErc20::permitCall { v: 0, ..call },
            false,
        ),
        (
            "r of 0",
            alice,
            message(1, TIME_S),
            &|call| IErc20::permitCall {
                r: B256::ZERO,
                ..call
            },
            false,
        ),
        (
            "s of 0",
            alice,
            message(1, TIME_S),
            &|call| IErc20::permitCall {
                s: B256::ZERO,
                ..call
            },
            false,
        ),
        (
            "good again",
            alice,
            message(1, u64::MAX),
            &|call| call,
            true,
        ),
        (
            "spender zero",
            alice,
            Permit {
                spender: Address::ZERO,
                ..message(2, TIME_S)
            },
            &|call| call,
            false,
        ),
    ];
    for (name, signer, message, change, good) in cases {
        let ours = world.call(bob, native, &change(permit(native, signer, &message)));
        let mut theirs = world.call(bob, peer, &change(permit(peer, signer, &message)));
        theirs.logs.iter_mut().for_each(|log| log.address = native);
        assert_eq!(ours, theirs, "{name}");
        assert_eq!(ours.success, good, "{name}");
        world.compare();
    }
    // What depends on the token's own address differs in the recovered numbers alone.
    let twins = [
        high_s(permit(native, alice, &message(2, TIME_S))),
        high_s(permit(peer, alice, &message(2, TIME_S))),
        permit(native, alice, &message(9, TIME_S)),
        permit(peer, alice, &message(9, TIME_S)),
    ];
    for [ours, theirs] in twins.chunks(2).map(|pair| [&pair[0], &pair[1]]) {
        let (ours, theirs) = (world.call(bob, native, ours), world.call(bob, peer, theirs));
        assert_eq!((ours.success, theirs.success), (false, false));
        assert_eq!(
            (ours.output.get(..4), ours.output.len()),
            (theirs.output.get(..4), theirs.output.len())
        );
    }
    world.compare();
}

/// The rule that tells us that the comparison can fail: a token whose rate is off by one unit.
#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_difference_of_one_unit_is_seen() {
    let mut world = World::new();
    let owner = world.people[0].address();
    let native = world.native;
    let mint = IToken::mintCall {
        to: owner,
        value: U256::from(1),
    };
    assert!(world.call(owner, native, &mint).success);
    world.compare();
}

#[test]
fn the_fixture_is_what_solc_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("clients/node_modules/solc").exists() {
        println!("SKIP: testing/clients is not installed; `cargo xtask test` installs it");
        return;
    }
    let output = Command::new("node")
        .arg(root.join("peers/compile.mjs"))
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        FIXTURE.trim()
    );
}

#[test]
fn flash_loans_call_bytecode_back() {
    let mut world = World::new();
    let owner = world.people[0].address();
    let native = world.native;
    // Bytecode that answers nothing: the loan is refused and nothing stays.
    let loan = capstan_contracts::flash::IFlash::flashLoanCall {
        receiver: world.peer,
        token: native,
        amount: U256::from(10),
        data: Bytes::new(),
    };
    for role in [
        capstan_contracts::token::MINT,
        capstan_contracts::token::BURN,
    ] {
        let (scope, holder, never) = (native, FLASH, 0);
        let grant = capstan_contracts::admin::IAdmin::grantRoleCall {
            scope,
            role,
            holder,
            expiresMs: never,
        };
        assert!(
            world
                .call(owner, capstan_contracts::admin::ADDRESS, &grant)
                .success
        );
    }
    let ended = world.call(owner, FLASH, &loan);
    assert!(!ended.success);
    let supply = world.call(owner, native, &IErc20::totalSupplyCall {});
    assert_eq!(U256::from_be_slice(&supply.output), U256::ZERO);
}
