//! The native token beside OpenZeppelin's ERC20Permit, in the same EVM, on random sequences: the same return
//! data, the same errors, the same events and the same balances, allowances and nonces after every step.
//!
//! That the fixture is what solc makes of `peers/PeerToken.sol` is tested beside solc: `clients/peers.test.mjs`.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Log, U256, hex, keccak256, uint};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError, SolStruct, eip712_domain, sol};
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
use proptest::prelude::*;
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

/// One step of a sequence: who calls what with whom and how much. Zero stands for the zero address.
#[derive(Clone, Debug)]
enum Step {
    Mint {
        to: usize,
        value: U256,
    },
    Transfer {
        from: usize,
        to: usize,
        value: U256,
    },
    Approve {
        owner: usize,
        spender: usize,
        value: U256,
    },
    Pull {
        spender: usize,
        from: usize,
        to: usize,
        value: U256,
    },
    Burn {
        owner: usize,
        value: U256,
    },
    BurnFrom {
        owner: usize,
        value: U256,
    },
    Permit {
        signer: usize,
        owner: usize,
        spender: usize,
        value: U256,
        late: bool,
        spoil: Spoil,
    },
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    Nothing,
    Nonce,
    /// This `v`. The same message signed for two tokens may have both valid ones, so 27 and 28 stand for the one that
    /// is not true.
    V(u8),
    R,
    HighS,
}

/// Small, middling, at the edges of the width, and absurd amounts.
fn amount() -> impl Strategy<Value = U256> + Clone {
    prop_oneof![
        3 => (0..100_u64).prop_map(U256::from),
        2 => (0..CAP).prop_map(U256::from),
        1 => (0..3_u128).prop_map(|less| U256::from(CAP - less)),
        1 => any::<[u64; 4]>().prop_map(U256::from_limbs),
        1 => (0..2_u8).prop_map(|less| U256::MAX - U256::from(less)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..5_usize;
    let spoil = prop_oneof![
        4 => Just(Spoil::Nothing),
        1 => Just(Spoil::Nonce),
        1 => any::<u8>().prop_map(Spoil::V),
        1 => Just(Spoil::R),
        1 => Just(Spoil::HighS),
    ];
    let late = prop::bool::weighted(0.1);
    prop_oneof![
        2 => (who(), amount()).prop_map(|(to, value)| Step::Mint { to, value }),
        2 => (who(), who(), amount()).prop_map(|(from, to, value)| Step::Transfer { from, to, value }),
        2 => (who(), who(), amount()).prop_map(|(owner, spender, value)| Step::Approve { owner, spender, value }),
        2 => (who(), who(), who(), amount())
            .prop_map(|(spender, from, to, value)| Step::Pull { spender, from, to, value }),
        1 => (who(), amount()).prop_map(|(owner, value)| Step::Burn { owner, value }),
        1 => (who(), amount()).prop_map(|(owner, value)| Step::BurnFrom { owner, value }),
        2 => (1..5_usize, 1..5_usize, who(), amount(), late, spoil).prop_map(
            |(signer, owner, spender, value, late, spoil)| {
                // Mostly the owner signs.
                let signer = if value.bit(0) { owner } else { signer };
                Step::Permit { signer, owner, spender, value, late, spoil }
            }
        ),
    ]
}

impl World {
    fn somebody(&self, index: usize) -> Address {
        index
            .checked_sub(1)
            .map_or(Address::ZERO, |index| self.people[index].address())
    }

    /// Plays one step on both tokens; answers whether it worked.
    fn play(&mut self, step: &Step) -> bool {
        let holder = self.somebody(1);
        match *step {
            Step::Mint { to, value } => {
                let to = self.somebody(to);
                let supply = self.call(holder, self.native, &IErc20::totalSupplyCall {});
                let supply = U256::from_be_slice(&supply.output);
                let sum = supply.checked_add(value);
                if sum.is_some_and(|sum| sum <= U256::from(CAP)) || to.is_zero() {
                    return self.both(holder, &IToken::mintCall { to, value });
                }
                // Beyond the width the native token refuses by name what the peer allows: TOK-2.
                let refused = self.call(holder, self.native, &IToken::mintCall { to, value });
                let expected = IErc20::ERC20ExceededCap {
                    increasedSupply: supply.saturating_add(value),
                    cap: U256::from(CAP),
                };
                assert_eq!(
                    (refused.success, refused.output),
                    (false, expected.abi_encode().into())
                );
                false
            }
            Step::Transfer { from, to, value } => {
                let to = self.somebody(to);
                self.both(self.somebody(from), &IErc20::transferCall { to, value })
            }
            Step::Approve {
                owner,
                spender,
                value,
            } => {
                let spender = self.somebody(spender);
                self.both(
                    self.somebody(owner),
                    &IErc20::approveCall { spender, value },
                )
            }
            Step::Pull {
                spender,
                from,
                to,
                value,
            } => {
                let (from, to) = (self.somebody(from), self.somebody(to));
                let call = IErc20::transferFromCall { from, to, value };
                self.both(self.somebody(spender), &call)
            }
            // Only the holder of BURN burns on the native token (TOK-6); the peer lets everybody.
            Step::Burn { owner: 1, value } => self.both(holder, &IToken::burnCall { value }),
            Step::Burn { .. } => false,
            Step::BurnFrom { owner, value } => {
                let account = self.somebody(owner);
                self.both(holder, &IToken::burnFromCall { account, value })
            }
            Step::Permit {
                signer,
                owner,
                spender,
                value,
                late,
                spoil,
            } => self.play_permit(signer, owner, spender, value, late, spoil),
        }
    }

    fn play_permit(
        &mut self,
        signer: usize,
        owner: usize,
        spender: usize,
        value: U256,
        late: bool,
        spoil: Spoil,
    ) -> bool {
        let (owner, spender) = (self.somebody(owner), self.somebody(spender));
        let nonce = self.call(owner, self.native, &IErc20::noncesCall { owner });
        let nonce = U256::from_be_slice(&nonce.output);
        let message = Permit {
            owner,
            spender,
            value,
            nonce: match spoil {
                Spoil::Nonce => nonce + U256::ONE,
                _ => nonce,
            },
            deadline: U256::from(if late { TIME_S - 1 } else { TIME_S }),
        };
        let signer = self.people[signer - 1].clone();
        let [ours, theirs] = [self.native, self.peer].map(|token| {
            let call = permit(token, &signer, &message);
            match spoil {
                Spoil::Nothing | Spoil::Nonce => call,
                Spoil::V(27 | 28) => IErc20::permitCall {
                    v: other_v(call.v),
                    ..call
                },
                Spoil::V(v) => IErc20::permitCall { v, ..call },
                Spoil::R => IErc20::permitCall {
                    r: B256::ZERO,
                    ..call
                },
                Spoil::HighS => with_high_s(call),
            }
        });
        let caller = self.somebody(3);
        let (native, peer) = (self.native, self.peer);
        let ours = self.call(caller, native, &ours);
        let mut theirs = self.call(caller, peer, &theirs);
        theirs.logs.iter_mut().for_each(|log| log.address = native);
        // A signature over the token's own address recovers to somebody else on the other one, and its `s` is
        // another: then only the shape of the error can be the same.
        let depends = [
            IErc20::ERC2612InvalidSigner::SELECTOR,
            IErc20::ECDSAInvalidSignatureS::SELECTOR,
        ];
        let shape = |ended: &Ended| ended.output.get(..4).map(<[u8]>::to_vec);
        if depends
            .iter()
            .any(|selector| shape(&ours).as_deref() == Some(selector))
            && !matches!(spoil, Spoil::Nothing)
        {
            assert_eq!(shape(&ours), shape(&theirs), "{spoil:?}");
            assert_eq!(
                (ours.success, ours.output.len()),
                (theirs.success, theirs.output.len())
            );
        } else {
            assert_eq!(ours, theirs, "{spoil:?}");
        }
        ours.success
    }
}

/// The other form of a signature, which only careless contracts accept.
fn with_high_s(mut call: IErc20::permitCall) -> IErc20::permitCall {
    const ORDER: U256 =
        uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
    call.s = (ORDER - U256::from_be_bytes(call.s.0)).into();
    call.v = other_v(call.v);
    call
}

/// The other of the two valid ones.
fn other_v(v: u8) -> u8 {
    55 - v
}

/// What a token says about itself, the domain apart, which has the token's own address in it.
#[test]
fn texts_agree_with_openzeppelin() {
    let mut world = World::new();
    let owner = world.somebody(1);
    assert!(world.both(owner, &IErc20::nameCall {}));
    assert!(world.both(owner, &IErc20::symbolCall {}));
    assert!(world.both(owner, &IErc20::decimalsCall {}));
    let domain = |world: &mut World, token: Address| {
        let answer = world.call(owner, token, &IErc20::eip712DomainCall {});
        IErc20::eip712DomainCall::abi_decode_returns(&answer.output).expect("a domain")
    };
    let (native, peer) = (world.native, world.peer);
    let (ours, theirs) = (domain(&mut world, native), domain(&mut world, peer));
    assert_eq!(
        (ours.verifyingContract, theirs.verifyingContract),
        (native, peer)
    );
    let rest = |domain: IErc20::eip712DomainReturn| {
        (
            domain.fields,
            domain.name,
            domain.version,
            domain.chainId,
            domain.salt,
            domain.extensions,
        )
    };
    assert_eq!(rest(ours), rest(theirs));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(ProptestConfig::default().cases.min(if soaking() { 2_000 } else { 24 }))
    })]

    /// TOK-1 to TOK-5 as OpenZeppelin has them, up to the width (TOK-2): verbs, permits, refusals.
    #[test]
    fn the_native_token_agrees_with_openzeppelin(steps in prop::collection::vec(step(), 60..120)) {
        let mut world = World::new();
        let mut succeeded = 0;
        for (number, step) in steps.iter().enumerate() {
            succeeded += usize::from(world.play(step));
            if number % 8 == 0 {
                world.compare();
            }
        }
        world.compare();
        prop_assert!(succeeded > 5, "only {} of {} steps did anything", succeeded, steps.len());
    }
}

#[test]
fn no_wrong_v_is_taken_by_either() {
    let mut world = World::new();
    for v in [0, 1, 26, 27, 28, 29, u8::MAX] {
        // Enough messages for signatures of either parity on both tokens.
        for value in 0..6 {
            let step = Step::Permit {
                signer: 1,
                owner: 1,
                spender: 2,
                value: U256::from(value),
                late: false,
                spoil: Spoil::V(v),
            };
            assert!(!world.play(&step), "{step:?}");
        }
    }
}

/// Whether somebody asked for more cases than the tests run: each starts an EVM.
fn soaking() -> bool {
    std::env::var_os("PROPTEST_CASES").is_some()
}

#[test]
fn permits_agree_with_openzeppelin() {
    let mut world = World::new();
    let people = world.people.clone();
    let (alice, bob) = (&people[1], people[2].address());
    let (native, peer) = (world.native, world.peer);
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
        with_high_s(permit(native, alice, &message(2, TIME_S))),
        with_high_s(permit(peer, alice, &message(2, TIME_S))),
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
