use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, eip712_domain, sol};
use proptest::prelude::*;

use super::{FACTORY_ADDRESS as TOKEN_FACTORY, IToken::*, ITokenFactory, KIND};
use crate::{
    address::native,
    admin::{ADDRESS as ADMIN, IAdmin},
    erc20::IErc20::*,
    testkit::{ALICE, BOB, CAROL, OWNER, World, fault::check_every_fault, sign},
};

const ZERO: Address = Address::ZERO;

/// Largest supply: 2^112 - 1 (TOK-2).
const CAP: u128 = (1 << 112) - 1;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn transfer(to: Address, value: U256) -> transferCall {
    transferCall { to, value }
}

fn pull(from: Address, to: Address, value: U256) -> transferFromCall {
    transferFromCall { from, to, value }
}

fn approve(spender: Address, value: U256) -> approveCall {
    approveCall { spender, value }
}

fn allowance(world: &World, token: Address, owner: Address, spender: Address) -> U256 {
    world.view(token, &allowanceCall { owner, spender })
}

#[test]
fn a_new_token_says_what_it_is() {
    let mut world = World::new();
    let token = world.create_token(0);
    assert_eq!(token, native(KIND, 1));
    assert_eq!(world.create_token(0), native(KIND, 2));
    assert_eq!(world.ok(BOB, token, &nameCall {}), "Test Token");
    assert_eq!(world.ok(BOB, token, &symbolCall {}), "TT");
    assert_eq!(world.ok(BOB, token, &decimalsCall {}), 6);
    assert_eq!(world.supply(token), U256::ZERO);
    assert_eq!(
        world.ok(BOB, TOKEN_FACTORY, &ITokenFactory::tokenCountCall {}),
        n(2)
    );
    let at = |index| ITokenFactory::tokenAtCall { index };
    assert_eq!(world.ok(BOB, TOKEN_FACTORY, &at(n(0))), token);
    let error = ITokenFactory::TokenIndexOutOfRange {
        index: n(2),
        count: n(2),
    };
    world.refused(BOB, TOKEN_FACTORY, &at(n(2)), &error);
    for (address, is) in [
        (token, true),
        (native(KIND, 0), false),
        (native(KIND, 3), false),
        (BOB, false),
    ] {
        let call = ITokenFactory::isTokenCall { token: address };
        assert_eq!(world.ok(BOB, TOKEN_FACTORY, &call), is, "{address}");
    }
}

#[test]
fn bad_tokens_are_refused() {
    let good = ITokenFactory::createTokenCall {
        name: "N".into(),
        symbol: "S".into(),
        decimals: 18,
        owner: OWNER,
        grantDelayMs: 0,
    };
    let mut world = World::new();
    let empty = ITokenFactory::TokenTextEmpty {};
    world.refused(
        BOB,
        TOKEN_FACTORY,
        &ITokenFactory::createTokenCall {
            name: String::new(),
            ..good.clone()
        },
        &empty,
    );
    world.refused(
        BOB,
        TOKEN_FACTORY,
        &ITokenFactory::createTokenCall {
            symbol: String::new(),
            ..good.clone()
        },
        &empty,
    );
    let many = ITokenFactory::TokenDecimalsTooMany {
        decimals: 31,
        max: 30,
    };
    world.refused(
        BOB,
        TOKEN_FACTORY,
        &ITokenFactory::createTokenCall {
            decimals: 31,
            ..good.clone()
        },
        &many,
    );
    let long = capstan_state::TextTooLong {
        length: n(65),
        max: n(64),
    };
    world.refused(
        BOB,
        TOKEN_FACTORY,
        &ITokenFactory::createTokenCall {
            name: "x".repeat(65),
            ..good.clone()
        },
        &long,
    );
    world.refused(
        BOB,
        TOKEN_FACTORY,
        &ITokenFactory::createTokenCall {
            owner: ZERO,
            ..good
        },
        &IAdmin::AdminZeroHolder {},
    );
}

#[test]
fn transfers_move_exactly_what_they_say() {
    let (mut world, token) = World::with_token();
    world.mint(token, ALICE, 10);
    assert!(world.ok(ALICE, token, &transfer(BOB, n(4))));
    assert_eq!(
        world.last_event::<Transfer>(token),
        Transfer {
            from: ALICE,
            to: BOB,
            value: n(4)
        }
    );
    assert_eq!(
        (world.balance(token, ALICE), world.balance(token, BOB)),
        (n(6), n(4))
    );
    assert!(world.ok(ALICE, token, &transfer(ALICE, n(6))), "to oneself");
    assert_eq!(world.balance(token, ALICE), n(6));
    let short = |needed| ERC20InsufficientBalance {
        sender: ALICE,
        balance: n(6),
        needed,
    };
    world.refused(ALICE, token, &transfer(ALICE, n(7)), &short(n(7)));
    world.refused(ALICE, token, &transfer(BOB, n(7)), &short(n(7)));
    world.refused(ALICE, token, &transfer(BOB, U256::MAX), &short(U256::MAX));
    world.refused(
        ALICE,
        token,
        &transfer(ZERO, n(0)),
        &ERC20InvalidReceiver { receiver: ZERO },
    );
    world.refused(
        ZERO,
        token,
        &transfer(BOB, n(0)),
        &ERC20InvalidSender { sender: ZERO },
    );
}

#[test]
fn tok_4_allowances_fall_by_what_is_spent_unless_unlimited() {
    let (mut world, token) = World::with_token();
    world.mint(token, ALICE, 100);
    world.ok(ALICE, token, &approve(BOB, n(30)));
    assert_eq!(
        world.last_event::<Approval>(token),
        Approval {
            owner: ALICE,
            spender: BOB,
            value: n(30)
        }
    );
    world.ok(BOB, token, &pull(ALICE, CAROL, n(10)));
    assert_eq!(
        world.last_event::<Transfer>(token),
        Transfer {
            from: ALICE,
            to: CAROL,
            value: n(10)
        }
    );
    assert_eq!(allowance(&world, token, ALICE, BOB), n(20));
    let short = ERC20InsufficientAllowance {
        spender: BOB,
        allowance: n(20),
        needed: n(21),
    };
    world.refused(BOB, token, &pull(ALICE, CAROL, n(21)), &short);
    world.ok(ALICE, token, &approve(BOB, U256::MAX));
    world.ok(BOB, token, &pull(ALICE, CAROL, n(90)));
    assert_eq!(allowance(&world, token, ALICE, BOB), U256::MAX);
    let poor = ERC20InsufficientBalance {
        sender: ALICE,
        balance: n(0),
        needed: n(1),
    };
    world.refused(BOB, token, &pull(ALICE, CAROL, n(1)), &poor);
    world.refused(
        ALICE,
        token,
        &approve(ZERO, n(1)),
        &ERC20InvalidSpender { spender: ZERO },
    );
    world.refused(
        BOB,
        token,
        &pull(ZERO, CAROL, n(0)),
        &ERC20InvalidApprover { approver: ZERO },
    );
    // The largest number but one is an ordinary allowance.
    world.ok(CAROL, token, &approve(BOB, U256::MAX - n(1)));
    world.ok(BOB, token, &pull(CAROL, ALICE, n(1)));
    assert_eq!(allowance(&world, token, CAROL, BOB), U256::MAX - n(2));
}

#[test]
fn tok_2_the_supply_stops_at_the_cap() {
    let (mut world, token) = World::with_token();
    world.mint(token, ALICE, CAP - 1);
    let mint = |value| mintCall { to: BOB, value };
    let cap = n(CAP);
    world.refused(
        OWNER,
        token,
        &mint(n(2)),
        &ERC20ExceededCap {
            increasedSupply: cap + n(1),
            cap,
        },
    );
    world.refused(
        OWNER,
        token,
        &mint(U256::MAX),
        &ERC20ExceededCap {
            increasedSupply: U256::MAX,
            cap,
        },
    );
    world.mint(token, BOB, 1);
    assert_eq!(world.supply(token), cap);
    world.ok(ALICE, token, &transfer(BOB, n(CAP - 1)));
    assert_eq!(world.balance(token, BOB), cap);
}

#[test]
fn tok_6_roles_mint_and_burn() {
    let mut world = World::new();
    let token = world.create_token(500);
    let missing = |role, account| IAdmin::AdminMissingRole {
        scope: token,
        role,
        account,
    };
    world.mint(token, ALICE, 10);
    assert_eq!(
        world.last_event::<Transfer>(token),
        Transfer {
            from: ZERO,
            to: ALICE,
            value: n(10)
        }
    );
    world.refused(
        ALICE,
        token,
        &mintCall {
            to: ALICE,
            value: n(1),
        },
        &missing(super::MINT, ALICE),
    );
    world.refused(
        ALICE,
        token,
        &burnCall { value: n(1) },
        &missing(super::BURN, ALICE),
    );
    world.refused(
        OWNER,
        token,
        &mintCall {
            to: ZERO,
            value: n(1),
        },
        &ERC20InvalidReceiver { receiver: ZERO },
    );

    let grant = IAdmin::grantRoleCall {
        scope: token,
        role: super::BURN,
        holder: ALICE,
        expiresMs: 0,
    };
    world.ok(OWNER, ADMIN, &grant);
    world.refused(
        ALICE,
        token,
        &burnCall { value: n(1) },
        &missing(super::BURN, ALICE),
    );
    world.wait_ms(500);
    world.ok(ALICE, token, &burnCall { value: n(4) });
    assert_eq!(
        world.last_event::<Transfer>(token),
        Transfer {
            from: ALICE,
            to: ZERO,
            value: n(4)
        }
    );
    assert_eq!(
        (world.supply(token), world.balance(token, ALICE)),
        (n(6), n(6))
    );
    let short = ERC20InsufficientBalance {
        sender: ALICE,
        balance: n(6),
        needed: n(7),
    };
    world.refused(ALICE, token, &burnCall { value: n(7) }, &short);

    let burn_from = burnFromCall {
        account: ALICE,
        value: n(2),
    };
    let none = ERC20InsufficientAllowance {
        spender: OWNER,
        allowance: n(0),
        needed: n(2),
    };
    world.refused(OWNER, token, &burn_from, &none);
    world.ok(ALICE, token, &approve(OWNER, n(2)));
    world.ok(OWNER, token, &burn_from);
    assert_eq!(
        (world.supply(token), allowance(&world, token, ALICE, OWNER)),
        (n(4), n(0))
    );
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

fn domain(token: Address) -> Eip712Domain {
    eip712_domain! { name: "Test Token", version: "1", chain_id: 31_337, verifying_contract: token, }
}

/// A permit as a wallet builds it, signed by `signer`.
fn permit(token: Address, signer: Address, message: &Permit) -> permitCall {
    let (r, s) = sign(message.eip712_signing_hash(&domain(token)), signer);
    let Permit {
        owner,
        spender,
        value,
        deadline,
        ..
    } = *message;
    permitCall {
        owner,
        spender,
        value,
        deadline,
        v: 27,
        r,
        s,
    }
}

#[test]
fn tok_5_a_permit_counts_once_here_until_its_deadline() {
    let (mut world, token) = World::with_token();
    let other = world.create_token(0);
    let now = n(u128::from(world.store.block_mut().time_ms / 1000));
    let message = Permit {
        owner: ALICE,
        spender: BOB,
        value: n(5),
        nonce: n(0),
        deadline: now,
    };
    let good = permit(token, ALICE, &message);

    world.refused(CAROL, other, &good, &ECDSAInvalidSignature {});
    world.refused(
        CAROL,
        token,
        &permitCall {
            value: n(6),
            ..good.clone()
        },
        &ECDSAInvalidSignature {},
    );
    world.refused(
        CAROL,
        token,
        &permitCall {
            v: 29,
            ..good.clone()
        },
        &ECDSAInvalidSignature {},
    );
    let high = B256::repeat_byte(0xff);
    world.refused(
        CAROL,
        token,
        &permitCall {
            s: high,
            ..good.clone()
        },
        &ECDSAInvalidSignatureS { s: high },
    );
    let forged = permit(token, CAROL, &message);
    world.refused(
        CAROL,
        token,
        &forged,
        &ERC2612InvalidSigner {
            signer: CAROL,
            owner: ALICE,
        },
    );
    world.wait_ms(1000);
    world.refused(
        CAROL,
        token,
        &good,
        &ERC2612ExpiredSignature { deadline: now },
    );
    world.store.block_mut().time_ms -= 1000;

    world.ok(CAROL, token, &good);
    assert_eq!(
        world.last_event::<Approval>(token),
        Approval {
            owner: ALICE,
            spender: BOB,
            value: n(5)
        }
    );
    assert_eq!(allowance(&world, token, ALICE, BOB), n(5));
    assert_eq!(world.ok(BOB, token, &noncesCall { owner: ALICE }), n(1));
    world.refused(CAROL, token, &good, &ECDSAInvalidSignature {});
}

#[test]
fn the_domain_is_what_wallets_compute() {
    let (mut world, token) = World::with_token();
    let expected = domain(token);
    assert_eq!(
        world.ok(BOB, token, &DOMAIN_SEPARATORCall {}),
        expected.hash_struct()
    );
    let parts = world.ok(BOB, token, &eip712DomainCall {});
    assert_eq!(
        (parts.fields.0, parts.name, parts.version),
        ([0x0f], "Test Token".into(), "1".into())
    );
    assert_eq!((parts.chainId, parts.verifyingContract), (n(31_337), token));
    assert!(parts.salt.is_zero() && parts.extensions.is_empty());
}

/// One random verb: which, among whom, how much.
type Step = (u8, [usize; 3], U256);

/// Small, middling, at the edges of widths, and absurd amounts.
fn step() -> impl Strategy<Value = Step> {
    let amount = prop_oneof![
        3 => (0..100_u64).prop_map(U256::from),
        2 => (0..CAP).prop_map(U256::from),
        1 => (0..3_u128).prop_map(|less| n(CAP - less)),
        1 => any::<[u64; 4]>().prop_map(U256::from_limbs),
        1 => (0..2_u8).prop_map(|less| U256::MAX - U256::from(less)),
    ];
    (0..5_u8, prop::array::uniform3(0..4_usize), amount)
}

/// A token as plain maps, which predict whether a verb works and what it leaves.
#[derive(Default)]
struct Model {
    balances: BTreeMap<Address, U256>,
    allowances: BTreeMap<(Address, Address), U256>,
}

impl Model {
    fn balance(&self, of: Address) -> U256 {
        self.balances.get(&of).copied().unwrap_or_default()
    }

    fn supply(&self) -> U256 {
        self.balances.values().sum()
    }

    fn allowance(&self, owner: Address, spender: Address) -> U256 {
        let allowed = self.allowances.get(&(owner, spender));
        allowed.copied().unwrap_or_default()
    }

    fn shift(&mut self, from: Address, to: Address, value: U256) -> bool {
        let works = self.balance(from) >= value;
        if works {
            *self.balances.entry(from).or_default() -= value;
            *self.balances.entry(to).or_default() += value;
        }
        works
    }

    /// Plays one step here and in the world; answers whether it worked in each.
    fn play(&mut self, world: &mut World, token: Address, step: &Step) -> (bool, bool) {
        let people = [ALICE, BOB, CAROL, OWNER];
        let (verb, who, value) = *step;
        let [a, b, c] = who.map(|index| people[index]);
        match verb {
            0 => {
                let sum = self.supply().checked_add(value);
                let works = sum.is_some_and(|sum| sum <= n(CAP));
                if works {
                    *self.balances.entry(a).or_default() += value;
                }
                let mint = mintCall { to: a, value };
                (works, world.call(OWNER, token, &mint).is_ok())
            }
            1 => {
                let works = self.shift(a, b, value);
                (works, world.call(a, token, &transfer(b, value)).is_ok())
            }
            2 => {
                self.allowances.insert((a, b), value);
                (true, world.call(a, token, &approve(b, value)).is_ok())
            }
            3 => {
                let allowed = self.allowance(a, b);
                let works = allowed >= value && self.shift(a, c, value);
                if works && allowed != U256::MAX {
                    self.allowances.insert((a, b), allowed - value);
                }
                (works, world.call(b, token, &pull(a, c, value)).is_ok())
            }
            _ => {
                let works = self.balance(OWNER) >= value;
                if works {
                    *self.balances.entry(OWNER).or_default() -= value;
                }
                (works, world.call(OWNER, token, &burnCall { value }).is_ok())
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(ProptestConfig::default().cases.max(300))
    })]

    /// TOK-1, TOK-2, TOK-3, TOK-4: a model of plain maps predicts every answer and every number.
    #[test]
    fn random_sequences_agree_with_a_model(steps in prop::collection::vec(step(), 1..60)) {
        let (mut world, token) = World::with_token();
        let mut model = Model::default();
        for step in &steps {
            let (expected, happened) = model.play(&mut world, token, step);
            prop_assert_eq!(happened, expected, "{:?}", step);
            prop_assert_eq!(world.supply(token), model.supply(), "{:?}", step);
            for owner in [ALICE, BOB, CAROL, OWNER] {
                prop_assert_eq!(world.balance(token, owner), model.balance(owner), "{:?}", step);
                for spender in [ALICE, BOB, CAROL, OWNER] {
                    let left = allowance(&world, token, owner, spender);
                    prop_assert_eq!(left, model.allowance(owner, spender), "{:?}", step);
                }
            }
        }
    }
}

/// TOK-1: what is minted is held, what is burned is gone, what is moved is neither.
#[test]
fn tok_1_the_supply_is_the_sum_of_the_balances() {
    let (mut world, token) = World::with_token();
    let sum = |world: &World| {
        let everybody = [ALICE, BOB, CAROL, OWNER];
        everybody
            .map(|who| world.balance(token, who))
            .iter()
            .sum::<U256>()
    };
    world.mint(token, ALICE, CAP - 5);
    world.mint(token, OWNER, 5);
    world.ok(ALICE, token, &transfer(BOB, n(CAP / 2)));
    assert_eq!((sum(&world), world.supply(token)), (n(CAP), n(CAP)));
    world.ok(OWNER, token, &burnCall { value: n(5) });
    world.ok(BOB, token, &approve(OWNER, U256::MAX));
    let everything = n(CAP / 2);
    let burn_from = burnFromCall {
        account: BOB,
        value: everything,
    };
    world.ok(OWNER, token, &burn_from);
    let left = n(CAP - 5) - everything;
    assert_eq!((sum(&world), world.supply(token)), (left, left));
}

/// TOK-3: no role reaches a balance, and no call of others does without an allowance.
#[test]
fn tok_3_nobody_takes_what_nobody_allowed() {
    let (mut world, token) = World::with_token();
    world.mint(token, ALICE, 100);
    let none = |spender, needed| ERC20InsufficientAllowance {
        spender,
        allowance: U256::ZERO,
        needed,
    };
    // The owner of the token holds MINT and BURN, and still needs an allowance.
    for thief in [OWNER, BOB] {
        world.refused(thief, token, &pull(ALICE, thief, n(1)), &none(thief, n(1)));
    }
    let burn_from = burnFromCall {
        account: ALICE,
        value: n(1),
    };
    world.refused(OWNER, token, &burn_from, &none(OWNER, n(1)));
    assert_eq!(world.balance(token, ALICE), n(100));
    world.ok(ALICE, token, &approve(BOB, n(1)));
    world.ok(BOB, token, &pull(ALICE, CAROL, n(1)));
    world.refused(BOB, token, &pull(ALICE, CAROL, n(1)), &none(BOB, n(1)));
    assert_eq!(world.balance(token, ALICE), n(99));
}

/// TOK-10: no verb of a token or of the factory changes what a token says about itself.
#[test]
fn tok_10_a_token_stays_what_it_was_made() {
    let (mut world, token) = World::with_token();
    let says = |world: &World| {
        (
            world.view(token, &nameCall {}),
            world.view(token, &symbolCall {}),
            world.view(token, &decimalsCall {}),
        )
    };
    let before = says(&world);
    world.mint(token, ALICE, 5);
    world.create_token(7);
    world.ok(ALICE, token, &transfer(BOB, n(5)));
    assert_eq!(says(&world), before);
    let owner = IAdmin::ownerOfCall { scope: token };
    assert_eq!(world.ok(BOB, ADMIN, &owner), OWNER);
}

#[test]
fn faults_leave_no_traces() {
    let (mut world, token) = World::with_token();
    world.mint(token, ALICE, 10);
    world.ok(ALICE, token, &approve(BOB, n(9)));
    let deadline = U256::MAX;
    let message = Permit {
        owner: ALICE,
        spender: BOB,
        value: n(5),
        nonce: n(0),
        deadline,
    };
    check_every_fault(&world, ALICE, token, &transfer(BOB, n(3)).abi_encode());
    check_every_fault(&world, BOB, token, &pull(ALICE, CAROL, n(3)).abi_encode());
    check_every_fault(
        &world,
        OWNER,
        token,
        &mintCall {
            to: BOB,
            value: n(3),
        }
        .abi_encode(),
    );
    check_every_fault(
        &world,
        CAROL,
        token,
        &permit(token, ALICE, &message).abi_encode(),
    );
    let create = ITokenFactory::createTokenCall {
        name: "A name that takes more than one word".into(),
        symbol: "S".into(),
        decimals: 18,
        owner: OWNER,
        grantDelayMs: 5,
    };
    check_every_fault(&world, CAROL, TOKEN_FACTORY, &create.abi_encode());
}
