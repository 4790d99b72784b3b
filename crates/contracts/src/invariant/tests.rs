//! Random transactions over all contracts at once. [`World`] checks every invariant after each of them; what an
//! invariant says about a single call is watched here.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolEvent};
use capstan_state::{Store, mem::MemStore};
use proptest::prelude::*;

use super::*;
use crate::{
    admin::{ADDRESS as ADMIN, IAdmin},
    contract::Entry,
    erc20::IErc20,
    ether::ADDRESS as ETHER,
    flash::{ADDRESS as FLASH, FEE_BPS_MAX, IFlash},
    native,
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, honest_borrower},
    token::{BURN, FACTORY_ADDRESS, IToken, ITokenFactory, KIND, MINT},
};

/// A contract that pays its loans back.
const BORROWER: Address = account(0xbb);
const PEOPLE: [Address; 4] = [ALICE, BOB, CAROL, OWNER];
const CAP: u128 = (1 << 112) - 1;

fn token(id: u64) -> Address {
    native(KIND, id)
}

/// Two tokens, one of which lends, people with coins, and a borrower with a little of everything.
fn world() -> World {
    let mut world = World::new();
    let lending = world.create_token(0);
    world.create_token(500);
    for role in [MINT, BURN] {
        let grant = IAdmin::grantRoleCall {
            scope: lending,
            role,
            holder: FLASH,
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &grant);
    }
    for person in PEOPLE {
        world.store.set_coins(person, U256::from(1_000));
    }
    world.mint(lending, BORROWER, 1_000);
    honest_borrower(&mut world.store, BORROWER);
    world
}

/// One step of a sequence.
#[derive(Clone, Debug)]
enum Act {
    Wait {
        ms: u64,
    },
    Send {
        from: Address,
        to: Address,
        #[allow(dead_code, reason = "a failing case shows it")]
        verb: &'static str,
        input: Vec<u8>,
    },
}

fn send<C: SolCall>(from: Address, to: Address, call: C) -> Act {
    Act::Send {
        from,
        to,
        verb: C::SIGNATURE,
        input: call.abi_encode(),
    }
}

/// Small, middling, at the edge of the width, and absurd amounts.
fn amount() -> impl Strategy<Value = U256> + Clone {
    prop_oneof![
        6 => (0..100_u64).prop_map(U256::from),
        2 => (0..=CAP).prop_map(U256::from),
        1 => (0..3_u128).prop_map(|less| U256::from(CAP - less)),
        1 => Just(U256::MAX),
    ]
}

fn person() -> impl Strategy<Value = Address> + Clone {
    prop::sample::select(PEOPLE.to_vec())
}

/// A person, or somebody whom contracts must refuse.
fn anybody() -> impl Strategy<Value = Address> + Clone {
    prop_oneof![8 => person(), 1 => Just(Address::ZERO), 1 => Just(FLASH)]
}

fn face() -> impl Strategy<Value = Act> {
    let asset = prop::sample::select(vec![token(1), token(2), ETHER]);
    (asset, 0..4_u8, person(), anybody(), anybody(), amount()).prop_map(
        |(asset, verb, from, a, b, value)| match verb {
            0 => send(from, asset, IErc20::transferCall { to: a, value }),
            1 => send(from, asset, IErc20::approveCall { spender: a, value }),
            _ => send(
                from,
                asset,
                IErc20::transferFromCall {
                    from: a,
                    to: b,
                    value,
                },
            ),
        },
    )
}

fn supply() -> impl Strategy<Value = Act> {
    let asset = prop::sample::select(vec![token(1), token(2)]);
    (asset, 0..5_u8, person(), anybody(), amount()).prop_map(|(asset, verb, from, a, value)| {
        match verb {
            0 | 1 => send(OWNER, asset, IToken::mintCall { to: a, value }),
            2 => send(from, asset, IToken::mintCall { to: a, value }),
            3 => send(from, asset, IToken::burnCall { value }),
            _ => send(from, asset, IToken::burnFromCall { account: a, value }),
        }
    })
}

fn roles() -> impl Strategy<Value = Act> {
    let scopes = vec![token(1), token(2), ADMIN, FLASH, account(0x55)];
    let scope = prop::sample::select(scopes);
    let delay_ms = prop_oneof![4 => 0..2_000_u64, 1 => Just(u64::MAX)];
    (scope, 0..6_u8, 1..3_u32, person(), anybody(), delay_ms).prop_map(
        |(scope, verb, role, from, holder, ms)| match verb {
            0 => send(
                from,
                ADMIN,
                IAdmin::grantRoleCall {
                    scope,
                    role,
                    holder,
                    expiresMs: if ms < 1_000 { 0 } else { ms },
                },
            ),
            1 => send(
                from,
                ADMIN,
                IAdmin::revokeRoleCall {
                    scope,
                    role,
                    holder,
                },
            ),
            2 => send(from, ADMIN, IAdmin::renounceRoleCall { scope, role }),
            3 => send(
                from,
                ADMIN,
                IAdmin::setRoleDelayCall {
                    scope,
                    role,
                    delayMs: ms,
                },
            ),
            4 => send(
                from,
                ADMIN,
                IAdmin::offerOwnershipCall {
                    scope,
                    newOwner: holder,
                },
            ),
            _ => send(from, ADMIN, IAdmin::acceptOwnershipCall { scope }),
        },
    )
}

fn rest() -> impl Strategy<Value = Act> {
    let create = (person(), 0..40_u8).prop_map(|(from, decimals)| {
        let call = ITokenFactory::createTokenCall {
            name: "Another".into(),
            symbol: "A".into(),
            decimals,
            owner: from,
            grantDelayMs: 5,
        };
        send(from, FACTORY_ADDRESS, call)
    });
    let fee = (person(), 0..=FEE_BPS_MAX + 1)
        .prop_map(|(from, bps)| send(from, FLASH, IFlash::setFeeBpsCall { feeBps: bps }));
    let loan = (person(), 1..3_u64, amount()).prop_map(|(from, id, amount)| {
        let call = IFlash::flashLoanCall {
            receiver: BORROWER,
            token: token(id),
            amount,
            data: Default::default(),
        };
        send(from, FLASH, call)
    });
    prop_oneof![
        1 => create,
        1 => fee,
        3 => loan,
        2 => (0..2_000_u64).prop_map(|ms| Act::Wait { ms }),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![6 => face(), 5 => supply(), 5 => roles(), 3 => rest()];
    prop::collection::vec(act, 1..40)
}

/// What single calls may do, seen from outside: before, after, and the logs between.
struct Watch {
    balances: Vec<(Address, Address, U256, Vec<(Address, U256)>)>,
    owners: Vec<(Address, Address, Address)>,
    logs: usize,
}

impl Watch {
    fn new(world: &World) -> Self {
        let mut balances = Vec::new();
        for asset in [token(1), token(2), ETHER] {
            for owner in PEOPLE.into_iter().chain([BORROWER]) {
                let spenders = PEOPLE.into_iter().chain([FLASH]).map(|spender| {
                    let call = IErc20::allowanceCall { owner, spender };
                    (spender, world.view(asset, &call))
                });
                let spenders = spenders.collect();
                balances.push((asset, owner, world.balance(asset, owner), spenders));
            }
        }
        let mut owners = Vec::new();
        for scope in [token(1), token(2), ADMIN, FLASH, account(0x55)] {
            let owner = world.view(ADMIN, &IAdmin::ownerOfCall { scope });
            let offered_to = world.view(ADMIN, &IAdmin::offeredToCall { scope });
            owners.push((scope, owner, offered_to));
        }
        let logs = world.store.logs().len();
        Self {
            balances,
            owners,
            logs,
        }
    }

    /// TOK-3 and TOK-4: whoever has less than before called, or had allowed the caller that much.
    fn balances_fell_rightly(&self, world: &World, caller: Address, target: Address) {
        for (asset, owner, before, spenders) in &self.balances {
            let after = world.balance(*asset, *owner);
            if after >= *before || *owner == caller {
                continue;
            }
            let fell = before - after;
            // A loan is a call of `flash`, by the allowance that the borrower gives inside its callback.
            if target == FLASH && *owner == BORROWER {
                continue;
            }
            let allowed = spenders.iter().find(|(spender, _)| *spender == caller);
            let allowed = allowed.map(|(_, allowed)| *allowed).unwrap_or_default();
            assert!(
                allowed >= fell,
                "TOK-3: {owner} lost {fell} of {asset} to a call by {caller}, who was allowed {allowed}"
            );
            let call = IErc20::allowanceCall {
                owner: *owner,
                spender: caller,
            };
            let left = world.view(*asset, &call);
            let expected = if allowed == U256::MAX {
                U256::MAX
            } else {
                allowed - fell
            };
            assert_eq!(left, expected, "TOK-4");
        }
    }

    /// ADM-3 and ADM-5: every change in a scope is its owner's, or gives up what is the caller's own, or accepts
    /// what was offered to the caller.
    fn scopes_changed_rightly(&self, world: &World, caller: Address) {
        let owner_before = |scope: Address| self.owners.iter().find(|row| row.0 == scope);
        for log in &world.store.logs()[self.logs..] {
            if log.address != ADMIN {
                continue;
            }
            let scope = Address::from_word(log.data.topics()[1]);
            let Some((_, owner, offered_to)) = owner_before(scope) else {
                continue; // a token that this very call made
            };
            let gave_up = IAdmin::RoleRevoked::decode_log_data(&log.data)
                .is_ok_and(|event| event.holder == caller);
            let accepted = IAdmin::OwnershipTransferred::decode_log_data(&log.data)
                .is_ok_and(|event| event.newOwner == caller && *offered_to == caller);
            assert!(
                *owner == caller || gave_up || accepted,
                "ADM-5: {caller} changed {scope}, which {owner} owns"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(ProptestConfig::default().cases.max(200))
    })]

    /// TOK-1, TOK-2, TOK-3, TOK-4, TOK-7, TOK-10, ADM-1, ADM-3, ADM-4, ADM-5, FLASH-1, FLASH-5, MULTI-2,
    /// CREATE-2 over random transactions of all contracts.
    #[test]
    fn random_sequences_keep_every_invariant(acts in acts()) {
        let mut world = world();
        for act in acts {
            match act {
                Act::Wait { ms } => world.wait_ms(ms),
                Act::Send { from, to, input, .. } => {
                    let watch = Watch::new(&world);
                    let supply = world.supply(token(1));
                    let done = world.raw(from, to, U256::ZERO, &input).is_ok();
                    watch.balances_fell_rightly(&world, from, to);
                    watch.scopes_changed_rightly(&world, from);
                    if to == FLASH && done {
                        prop_assert_eq!(world.supply(token(1)), supply, "FLASH-1");
                    }
                }
            }
        }
    }
}

/// Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.
#[test]
fn every_check_can_fail() {
    let check = |spoil: &dyn Fn(&mut MemStore), id: &str| {
        let mut world = world();
        assert_eq!(check_all(&world.store), Ok(()));
        spoil(&mut world.store);
        let broken = check_all(&world.store).expect_err(id);
        assert_eq!(broken.id, id, "{broken}");
    };
    let slot =
        |tag: u8, keys: &[&[u8]]| U256::from_be_slice(&[&[tag][..], &keys.concat()].concat());
    let whose = slot(2, &[ALICE.as_slice()]);
    let scope = account(0x55);
    let max_ms = U256::from(u64::MAX);
    check(&|s| s.set_word(token(1), whose, U256::ONE), "TOK-1");
    check(
        &|s| {
            let all = U256::ONE << 112;
            s.set_word(token(2), slot(1, &[]), all + U256::ONE);
            s.set_word(token(2), whose, all);
        },
        "STORE-3",
    );
    check(
        &|s| s.set_word(token(2), slot(7, &[]), U256::from(31)),
        "TOK-10",
    );
    check(
        &|s| s.set_word(FACTORY_ADDRESS, slot(1, &[]), U256::from(3)),
        "TOK-10",
    );
    check(
        &|s| s.set_word(FACTORY_ADDRESS, slot(1, &[]), U256::from(1)),
        "TOK-10",
    );
    check(
        &|s| s.set_word(ADMIN, U256::from_be_bytes([0x83; 32]), U256::from(5)),
        "ADM-1",
    );
    check(
        &|s| s.set_word(ADMIN, slot(2, &[scope.as_slice()]), U256::ONE),
        "ADM-3",
    );
    let delay = slot(4, &[scope.as_slice(), &[0, 0, 0, 1]]);
    check(&|s| s.set_word(ADMIN, delay, max_ms), "ADM-4");
    check(&|s| s.set_word(ADMIN, delay, max_ms << 128), "ADM-4");
    check(
        &|s| s.set_word(FLASH, slot(1, &[]), U256::from(FEE_BPS_MAX + 1)),
        "FLASH-5",
    );
    let fee_of = slot(3, &[ALICE.as_slice()]);
    check(
        &|s| s.set_word(FLASH, fee_of, U256::from(FEE_BPS_MAX + 2)),
        "FLASH-5",
    );
    check(&|s| s.set_word(ETHER, slot(9, &[]), U256::ONE), "STORE-2");
    for stateless in [crate::address::MULTICALL3, crate::address::CREATE2_PROXY] {
        check(&|s| s.set_word(stateless, U256::ONE, U256::ONE), "STORE-2");
    }
}

/// A look changes nothing, whatever the verb.
#[test]
fn a_look_cannot_write() {
    let world = world();
    for contract in all() {
        let (Place::At(this), Entry::Verbs(verbs)) = (contract.place, contract.entry) else {
            continue;
        };
        for verb in verbs {
            let mut store = ReadOnly::new(&world.store);
            let frame = Frame {
                this,
                caller: OWNER,
                value: U256::ZERO,
            };
            let mut input = verb.selector.to_vec();
            input.resize(4 + 32 * 8, 0);
            let answer = contract.run(&mut Ctx::new(&mut store, frame), &input);
            assert!(store.is_static());
            if verb.mutability == crate::Mutability::Write {
                assert!(answer.is_err(), "{verb:?} wrote while it was looked at");
            }
        }
    }
}
