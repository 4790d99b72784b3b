//! The ledger by itself: listing, limits, the border, and everything a hostile token can try.

mod hostile;
mod model;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS,
    ILedger::*,
    LOOSEN_DELAY_MS,
    actions::STATE,
    math::{self, Drain, Flow},
    params::{Limit, Limits},
};
use crate::{
    admin,
    erc20::IErc20,
    ether, ledger,
    testkit::{
        ALICE, BOB, CAROL, OWNER, World, account,
        foreign::{Token, Whim},
        words,
    },
};

/// A native contract that calls the ledger.
const ROOM: Address = account(0x77);
/// Accounts of people.
const ALICES: AccountId = AccountId::new(ALICE, 0);
const BOBS: AccountId = AccountId::new(BOB, 3);

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

/// Nothing is limited.
fn open() -> OutflowLimit {
    limit(60, 10_000, 0)
}

fn limit(window_s: u32, share_bps: u16, floor: u128) -> OutflowLimit {
    OutflowLimit {
        windowS: window_s,
        shareBps: share_bps,
        floor: n(floor),
    }
}

fn list(world: &mut World, token: Address, limit: OutflowLimit) -> AssetId {
    AssetId::new(world.ok(OWNER, ADDRESS, &listAssetCall { token, limit }))
}

fn pull(
    world: &mut World,
    caller: Address,
    id: AssetId,
    to: AccountId,
    units: u128,
) -> Result<Assets, Halt> {
    world.inside(ROOM, caller, |cx| {
        ledger::pull(cx, id, caller, to, a(units))
    })
}

fn push(
    world: &mut World,
    id: AssetId,
    from: AccountId,
    wallet: Address,
    units: u128,
) -> Result<(), Halt> {
    world.inside(ROOM, from.owner, |cx| {
        ledger::push(cx, id, from, wallet, a(units))
    })
}

fn free(world: &mut World, id: AssetId, of: AccountId) -> u128 {
    world
        .inside(ROOM, ROOM, |cx| ledger::free(cx, id, of))
        .expect("reads")
        .get()
}

#[track_caller]
fn refuses<R: core::fmt::Debug>(
    world: &mut World,
    error: &impl alloy_sol_types::SolError,
    verb: impl FnOnce(&mut World) -> Result<R, Halt>,
) {
    let before = world.state();
    let halt = verb(world).expect_err("refused");
    assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
    assert_eq!(world.state(), before, "left traces");
}

/// A native token of which Alice and Bob have some, listed without a limit.
fn native() -> (World, Address, AssetId) {
    let (mut world, token) = World::with_token();
    for person in [ALICE, BOB] {
        world.mint(token, person, 1_000);
    }
    let id = list(&mut world, token, open());
    (world, token, id)
}

#[test]
fn assets_are_numbered_as_they_are_listed() {
    let (mut world, token, first) = native();
    let coin = list(&mut world, ether::ADDRESS, open());
    assert_eq!((first.get(), coin.get()), (0, 1));
    assert_eq!(world.ok(BOB, ADDRESS, &assetCountCall {}), 2);
    let asset = world.ok(BOB, ADDRESS, &assetCall { assetId: 1 });
    assert_eq!(
        (asset.token, asset.decimals, asset.kind),
        (ether::ADDRESS, 18, 0)
    );
    assert_eq!((asset.symbol.as_str(), asset.frozen), ("ETH", false));
    assert_eq!(world.ok(BOB, ADDRESS, &assetOfCall { token }), 0);
    let unknown = LedgerUnknownAsset { assetId: 2 };
    world.refused(BOB, ADDRESS, &assetCall { assetId: 2 }, &unknown);
    let unlisted = LedgerUnknownToken { token: BOB };
    world.refused(BOB, ADDRESS, &assetOfCall { token: BOB }, &unlisted);
}

#[test]
fn led_7_one_token_is_one_asset() {
    let (mut world, token, _) = native();
    let again = listAssetCall {
        token,
        limit: open(),
    };
    let listed = LedgerListedAlready { token, assetId: 0 };
    world.refused(OWNER, ADDRESS, &again, &listed);
    let nobody = listAssetCall {
        token: Address::ZERO,
        limit: open(),
    };
    let none = LedgerNotAToken {
        token: Address::ZERO,
        verb: "code".into(),
    };
    world.refused(OWNER, ADDRESS, &nobody, &none);
    let stranger = admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: ALICE,
        owner: OWNER,
    };
    world.refused(ALICE, ADDRESS, &again, &stranger);
}

#[test]
fn led_1_units_come_move_and_go() {
    let (mut world, token, id) = native();
    assert_eq!(pull(&mut world, ALICE, id, ALICES, 700), Ok(a(700)));
    let moved = world.inside(ROOM, ALICE, |cx| {
        ledger::shift(cx, id, ALICES, BOBS, a(200))
    });
    assert_eq!(moved, Ok(()));
    assert_eq!(push(&mut world, id, BOBS, CAROL, 150), Ok(()));
    assert_eq!(
        (free(&mut world, id, ALICES), free(&mut world, id, BOBS)),
        (500, 50)
    );
    assert_eq!(world.balance(token, CAROL), n(150));
    assert_eq!(world.balance(token, ADDRESS), n(550));
    assert_eq!(world.ok(BOB, ADDRESS, &claimsOfCall { assetId: 0 }), n(550));
    assert_eq!(world.ok(BOB, ADDRESS, &heldOfCall { assetId: 0 }), n(550));
    let short = |have: u128, need: u128| LedgerInsufficient {
        owner: BOB,
        index: 3,
        assetId: 0,
        have: n(have),
        need: n(need),
    };
    refuses(&mut world, &short(50, 51), |world| {
        push(world, id, BOBS, BOB, 51)
    });
    refuses(&mut world, &short(50, 51), |world| {
        world.inside(ROOM, BOB, |cx| ledger::shift(cx, id, BOBS, ALICES, a(51)))
    });
    // The neighbouring account of the same owner is another holder.
    assert_eq!(free(&mut world, id, AccountId::new(BOB, 2)), 0);
}

#[test]
fn a_native_pull_asks_the_wallet_or_its_allowance() {
    let (mut world, token, id) = native();
    let others =
        |world: &mut World| world.inside(ROOM, BOB, |cx| ledger::pull(cx, id, ALICE, BOBS, a(10)));
    let none = IErc20::ERC20InsufficientAllowance {
        spender: ROOM,
        allowance: n(0),
        needed: n(10),
    };
    refuses(&mut world, &none, others);
    let approve = IErc20::approveCall {
        spender: ROOM,
        value: n(10),
    };
    world.ok(ALICE, token, &approve);
    assert_eq!(others(&mut world), Ok(a(10)));
    let poor = IErc20::ERC20InsufficientBalance {
        sender: ALICE,
        balance: n(990),
        needed: n(991),
    };
    refuses(&mut world, &poor, |world| {
        pull(world, ALICE, id, ALICES, 991)
    });
}

#[test]
fn the_coin_and_its_face_are_one_asset() {
    let mut world = World::new();
    world.store.set_coins(ALICE, n(1_000));
    let id = list(&mut world, ether::ADDRESS, open());
    assert_eq!(pull(&mut world, ALICE, id, ALICES, 600), Ok(a(600)));
    assert_eq!(world.store.coins(ADDRESS), n(600));
    assert_eq!(push(&mut world, id, ALICES, BOB, 250), Ok(()));
    assert_eq!(
        (world.store.coins(BOB), world.store.coins(ADDRESS)),
        (n(250), n(350))
    );
    assert_eq!(world.ok(BOB, ADDRESS, &heldOfCall { assetId: 0 }), n(350));
}

/// The double spend of a coin that is also a token: the same coins as `msg.value` and as a pull.
#[test]
fn led_8_no_coins_come_with_a_pull() {
    let mut world = World::new();
    world.store.set_coins(ALICE, n(1_000));
    let id = list(&mut world, ether::ADDRESS, open());
    let error = LedgerValueWithPull { value: n(400) };
    refuses(&mut world, &error, |world| {
        world.inside(ROOM, ALICE, |cx| {
            cx.frame.value = n(400);
            ledger::pull(cx, id, ALICE, ALICES, a(400))
        })
    });
    let verb = crate::error::NativeNotPayable { value: n(1) };
    for row in super::abi::VERBS {
        let mut input = row.selector.to_vec();
        input.extend([0; 320]);
        let halt = world.raw(ALICE, ADDRESS, n(1), &input);
        assert_eq!(halt, Err(Halt::revert(&verb)), "{}", row.signature);
    }
}

#[test]
fn bad_input_is_refused_by_name() {
    let (mut world, _, id) = native();
    let zero = LedgerZeroAmount {};
    refuses(&mut world, &zero, |world| pull(world, ALICE, id, ALICES, 0));
    refuses(&mut world, &zero, |world| push(world, id, ALICES, ALICE, 0));
    let unknown = LedgerUnknownAsset { assetId: 9 };
    let nine = AssetId::new(9);
    refuses(&mut world, &unknown, |world| {
        pull(world, ALICE, nine, ALICES, 1)
    });
    refuses(&mut world, &unknown, |world| {
        push(world, nine, ALICES, ALICE, 1)
    });
    for wallet in [Address::ZERO, ADDRESS] {
        let bad = LedgerBadWallet { wallet };
        refuses(&mut world, &bad, |world| push(world, id, ALICES, wallet, 1));
    }
    for (bad, what, value, min, max) in [
        (limit(59, 0, 0), "windowS", 59, 60, 604_800),
        (limit(604_801, 0, 0), "windowS", 604_801, 60, 604_800),
        (limit(60, 10_001, 0), "shareBps", 10_001, 0, 10_000),
        (limit(60, 0, 1 << 112), "floor", 1 << 112, 0, (1 << 112) - 1),
    ] {
        let error = LedgerLimitOutOfRange {
            what: what.into(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        let set = setOutflowLimitCall {
            assetId: 0,
            limit: bad,
        };
        world.refused(OWNER, ADDRESS, &set, &error);
    }
}

#[test]
fn led_5_a_limit_holds_back_what_passes_it() {
    let (mut world, _, _) = native();
    let token = world.create_token(0);
    world.mint(token, ALICE, 1_000_000);
    // A tenth of all claims per 1,000 seconds.
    let id = list(&mut world, token, limit(1_000, 1_000, 0));
    pull(&mut world, ALICE, id, ALICES, 1_000_000).expect("comes in");
    // What just came may leave, and a tenth of what was there before besides; time forgets what came.
    let left = |world: &mut World| world.ok(BOB, ADDRESS, &outflowOfCall { assetId: id.get() });
    let now = left(&mut world);
    assert_eq!((now.limit, now.left), (n(0), n(1_000_000)));
    world.wait_ms(1_000_000);
    assert_eq!(left(&mut world).left, n(100_000));
    push(&mut world, id, ALICES, ALICE, 60_000).expect("within the limit");
    // For a step the limit is what it was, and 40,000 of it are left; then, of claims of 940,000, it is 94,000, and 6,500 more
    // drain in 6,500 / 94,000 of the window.
    let now_ms = world.store.block_mut().time_ms;
    let blocked = LedgerOutflowLimit {
        assetId: id.get(),
        amount: n(40_500),
        left: n(40_000),
        resetsMs: now_ms + (6_500 * 1_000_000_u64).div_ceil(94_000),
    };
    assert_eq!(left(&mut world).left, n(40_000));
    refuses(&mut world, &blocked, |world| {
        push(world, id, ALICES, ALICE, 40_500)
    });
    world.store.block_mut().time_ms = blocked.resetsMs - 1;
    assert!(push(&mut world.clone(), id, ALICES, ALICE, 40_500).is_err());
    world.store.block_mut().time_ms = blocked.resetsMs;
    push(&mut world, id, ALICES, ALICE, 40_500).expect("at the time that the error says");
    let never = push(&mut world, id, ALICES, ALICE, 500_000).expect_err("more than the bucket");
    let Halt::Revert(data) = never else {
        panic!("{never:?}")
    };
    let error =
        <LedgerOutflowLimit as alloy_sol_types::SolError>::abi_decode(&data).expect("typed");
    assert_eq!(error.resetsMs, u64::MAX);
}

/// A rich stranger who brings and takes the same amount leaves the others their limit.
#[test]
fn led_5_nobody_fills_the_bucket_for_others() {
    let mut world = World::new();
    let token = world.create_token(0);
    world.mint(token, ALICE, 1_000);
    world.mint(token, BOB, 1_000_000);
    let id = list(&mut world, token, limit(600, 1_000, 0));
    pull(&mut world, ALICE, id, ALICES, 1_000).expect("comes in");
    world.wait_ms(600_000);
    for _ in 0..5 {
        pull(&mut world, BOB, id, BOBS, 1_000_000).expect("comes in");
        push(&mut world, id, BOBS, BOB, 1_000_000).expect("leaves");
    }
    push(&mut world, id, ALICES, ALICE, 100).expect("a tenth, as before");
    assert!(push(&mut world, id, ALICES, ALICE, 1).is_err());
}

/// Whoever brings much for a moment lifts no limit, neither before a step is over nor after it.
#[test]
fn led_5_what_came_lately_lifts_no_limit() {
    let mut world = World::new();
    let token = world.create_token(0);
    world.mint(token, ALICE, 1_000);
    world.mint(token, BOB, 1_000_000);
    let id = list(&mut world, token, limit(600, 1_000, 0));
    pull(&mut world, ALICE, id, ALICES, 1_000).expect("comes in");
    for wait_ms in [600_000, 1] {
        world.wait_ms(wait_ms);
        let mut flash = world.clone();
        pull(&mut flash, BOB, id, BOBS, 1_000_000).expect("comes in");
        push(&mut flash, id, ALICES, ALICE, 1_000).expect("of what came lately");
        assert!(push(&mut flash, id, BOBS, BOB, 1_000_000).is_err());
        push(&mut flash, id, BOBS, BOB, 999_100).expect("what came, and a tenth of what was there");
    }
}

#[test]
fn led_6_limits_tighten_at_once_and_loosen_a_day_later() {
    let (mut world, ..) = native();
    let in_force = |world: &mut World| {
        let limits = world.ok(BOB, ADDRESS, &outflowLimitOfCall { assetId: 0 });
        (limits.present.shareBps, limits.next.shareBps)
    };
    let set = |share| setOutflowLimitCall {
        assetId: 0,
        limit: limit(60, share, 0),
    };
    world.ok(OWNER, ADDRESS, &set(500));
    assert_eq!(in_force(&mut world), (500, 500));
    world.ok(OWNER, ADDRESS, &set(600));
    assert_eq!(in_force(&mut world), (500, 600));
    let event = world.last_event::<OutflowLimitSet>(ADDRESS);
    let now_ms = world.store.block_mut().time_ms;
    assert_eq!(event.fromMs, now_ms + LOOSEN_DELAY_MS);
    world.wait_ms(LOOSEN_DELAY_MS - 1);
    assert_eq!(in_force(&mut world), (500, 600));
    world.wait_ms(1);
    assert_eq!(in_force(&mut world), (600, 600));
    // Tightening takes back what was announced.
    world.ok(OWNER, ADDRESS, &set(700));
    world.ok(OWNER, ADDRESS, &set(400));
    world.wait_ms(LOOSEN_DELAY_MS);
    assert_eq!(in_force(&mut world), (400, 400));
    // A shorter window is looser, whatever the share.
    let shorter = setOutflowLimitCall {
        assetId: 0,
        limit: limit(61, 400, 0),
    };
    world.ok(OWNER, ADDRESS, &shorter);
    world.ok(OWNER, ADDRESS, &set(400));
    let limits = world.ok(BOB, ADDRESS, &outflowLimitOfCall { assetId: 0 });
    assert_eq!((limits.present.windowS, limits.next.windowS), (61, 60));
}

#[test]
fn led_4_a_frozen_border_is_closed_and_shifts_go_on() {
    let (mut world, _, id) = native();
    pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
    let freeze = freezeCall { assetId: 0 };
    let missing = admin::IAdmin::AdminMissingRole {
        scope: ADDRESS,
        role: admin::GUARD,
        account: BOB,
    };
    world.refused(BOB, ADDRESS, &freeze, &missing);
    world.ok(OWNER, ADDRESS, &freeze);
    let frozen = LedgerFrozen { assetId: 0 };
    refuses(&mut world, &frozen, |world| {
        pull(world, ALICE, id, ALICES, 1)
    });
    refuses(&mut world, &frozen, |world| {
        push(world, id, ALICES, ALICE, 1)
    });
    let shifted = world.inside(ROOM, ALICE, |cx| ledger::shift(cx, id, ALICES, BOBS, a(40)));
    assert_eq!(shifted, Ok(()));
    world.ok(OWNER, ADDRESS, &unfreezeCall { assetId: 0 });
    push(&mut world, id, BOBS, BOB, 40).expect("open again");
}

/// Every flow and amount of a small bucket, beside integers: what may leave is never more than size plus
/// what came, and the time that is promised is the first at which it works.
#[test]
fn small_buckets_keep_their_promises() {
    let limit = Limit {
        window_s: 60,
        share: capstan_units::Bps::new(0).expect("in range"),
        floor: a(7),
    };
    const NOW_MS: u64 = 1_000;
    let drain = Drain::new(&Limits::fixed(limit), Assets::MAX, NOW_MS);
    let size = a(7);
    let goes = |flow: Flow, amount: u128| {
        let after = flow.to_word() - n(amount);
        (after >= math::least_word(size)).then_some(Flow::from_word(after))
    };
    for (net, is_inward) in (0..=9).flat_map(|net| [(net, false), (net, true)]) {
        let net_units = a(net);
        let flow = Flow {
            net: net_units,
            is_inward,
        };
        for amount in 1..=20 {
            let left = if is_inward {
                7 + net
            } else {
                7_u128.saturating_sub(net)
            };
            assert_eq!(math::left(size, flow), a(left));
            if let Some(after) = goes(flow, amount) {
                assert!(amount <= left, "{flow:?} let {amount} out");
                let signed = |flow: Flow| {
                    let net = i128::try_from(flow.net.get()).expect("small");
                    if flow.is_inward { -net } else { net }
                };
                let out = i128::try_from(amount).expect("small");
                assert_eq!(signed(after), signed(flow) + out);
                continue;
            }
            assert!(amount > left, "{flow:?} held {amount} back");
            let resets_ms = drain.resets_ms(flow, a(amount), NOW_MS).expect("in range");
            if amount > 7 {
                assert_eq!(resets_ms, u64::MAX);
                continue;
            }
            let works = |now_ms| {
                let flow = drain.drained(flow, now_ms - NOW_MS).expect("in range");
                goes(flow, amount).is_some()
            };
            assert!(works(resets_ms) && !works(resets_ms - 1));
        }
    }
}

/// A flow has one word, and a word that says more than an amount may be is the largest amount.
#[test]
fn flows_and_their_words() {
    for (net, is_inward) in [(0, false), (1, true), (1, false), (Assets::MAX.get(), true)] {
        let net = a(net);
        let flow = Flow { net, is_inward };
        assert_eq!(Flow::from_word(flow.to_word()), flow);
    }
    let beyond = Flow::from_word(U256::MAX);
    assert_eq!((beyond.net, beyond.is_inward), (Assets::MAX, true));
}

/// For a step a crossing neither reads the claims nor writes the bucket; what the bucket as it was reckoned would hold
/// back is held against the claims as they are (LED-5).
#[test]
fn led_5_a_bucket_stays_for_a_step_unless_it_would_hold_back() {
    let mut world = World::new();
    let token = world.create_token(0);
    world.mint(token, ALICE, 1_000_000);
    // A tenth of all claims per 256 seconds: a step is a second.
    let id = list(&mut world, token, limit(256, 1_000, 0));
    let bucket = |world: &mut World| {
        let read = |cx: &mut Ctx<'_>| STATE.buckets.at(id).load(&mut cx.enter(ADDRESS));
        world.inside(ROOM, ROOM, read).expect("reads")
    };
    let listed = bucket(&mut world);
    assert_eq!(listed.size, a(0));
    pull(&mut world, ALICE, id, ALICES, 900_000).expect("comes in");
    push(&mut world, id, ALICES, ALICE, 200_000).expect("came lately");
    assert_eq!(bucket(&mut world), listed, "nothing was reckoned anew");
    world.wait_ms(999);
    pull(&mut world, ALICE, id, ALICES, 300_000).expect("comes in");
    assert_eq!(bucket(&mut world), listed, "a step is not over");
    world.wait_ms(1);
    push(&mut world, id, ALICES, ALICE, 1).expect("came lately");
    let reckoned = bucket(&mut world);
    // A step's share of what came lately counts as what was there before.
    assert_eq!(
        (reckoned.size, reckoned.at_ms),
        (a(390), listed.at_ms + 1_000)
    );
    // All that came has drained; nothing leaves but a tenth of what is there now.
    world.wait_ms(256_000);
    let left = world
        .ok(BOB, ADDRESS, &outflowOfCall { assetId: id.get() })
        .left;
    assert_eq!(left, n(99_999));
    push(&mut world, id, ALICES, ALICE, 99_999).expect("a tenth");
    assert!(push(&mut world, id, ALICES, ALICE, 1).is_err());
    // Made inside: the limit grows with it before a step is over.
    world.mint(token, ADDRESS, 1_000_000);
    let grown = world.inside(ROOM, ROOM, |cx| {
        let cx = &mut cx.enter(ADDRESS);
        STATE.free.at((id, BOBS)).add(cx, a(1_000_000))?;
        STATE.claims.at(id).add(cx, a(1_000_000))
    });
    assert_eq!(grown, Ok(()));
    assert_eq!(push(&mut world, id, ALICES, ALICE, 90_000), Ok(()));
}

#[test]
fn every_fault_leaves_no_trace() {
    let (mut world, token, id) = native();
    pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
    let other = world.create_token(0);
    let list = listAssetCall {
        token: other,
        limit: open(),
    };
    let set = setOutflowLimitCall {
        assetId: 0,
        limit: limit(60, 100, 0),
    };
    let check = |input: &[u8]| {
        crate::testkit::fault::check_every_fault(&world, OWNER, ADDRESS, input);
    };
    use alloy_sol_types::SolCall;
    check(&list.abi_encode());
    check(&set.abi_encode());
    check(&freezeCall { assetId: 0 }.abi_encode());
    let _ = token;
}

/// Runs a verb of the ledger as the token's own code does, inside one of its calls.
fn inside_token<R>(
    store: &mut capstan_state::mem::MemStore,
    verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
) -> Result<R, Halt> {
    store.attempt(|store| verb(&mut store.frame(ROOM, ALICE)))
}

fn foreign(whim: Whim) -> (World, Token, AssetId) {
    let mut world = World::new();
    let token = Token::deploy(&mut world, whim);
    token.give(&mut world, ALICE, 1_000);
    let id = list(&mut world, token.address, open());
    (world, token, id)
}

/// A contract that may mint and burn makes and destroys units with their tokens; nobody else does.
#[test]
fn led_9_units_are_issued_and_retired_with_their_tokens() {
    let mut world = World::new();
    let token = world
        .inside(ROOM, ROOM, |cx| {
            crate::token::create(cx, "Room's", "R", 18, ROOM)
        })
        .expect("made");
    world.answer_calls(token);
    let id = list(&mut world, token, limit(60, 0, 0));
    let issue = |world: &mut World, by: Address, units| {
        world.inside(by, by, |cx| ledger::issue(cx, id, ALICES, a(units)))
    };
    let retire = |world: &mut World, by: Address, units| {
        world.inside(by, by, |cx| ledger::retire(cx, id, ALICES, a(units)))
    };
    issue(&mut world, ROOM, 900).expect("issued");
    assert_eq!(
        (free(&mut world, id, ALICES), world.supply(token)),
        (900, n(900))
    );
    let missing = |role| admin::IAdmin::AdminMissingRole {
        scope: token,
        role,
        account: BOB,
    };
    let (mint, burn) = (missing(crate::token::MINT), missing(crate::token::BURN));
    refuses(&mut world, &mint, |world| issue(world, BOB, 1));
    refuses(&mut world, &burn, |world| retire(world, BOB, 1));
    // Not even a closed border keeps anybody from paying what he owes; making more it stops.
    world.ok(OWNER, ADDRESS, &freezeCall { assetId: id.get() });
    let frozen = LedgerFrozen { assetId: id.get() };
    refuses(&mut world, &frozen, |world| issue(world, ROOM, 1));
    let short = LedgerInsufficient {
        owner: ALICE,
        index: 0,
        assetId: id.get(),
        have: n(900),
        need: n(901),
    };
    refuses(&mut world, &short, |world| retire(world, ROOM, 901));
    retire(&mut world, ROOM, 900).expect("retired");
    assert_eq!(
        (free(&mut world, id, ALICES), world.supply(token)),
        (0, n(0))
    );
    let other = list(&mut world, ether::ADDRESS, open());
    let foreign = LedgerUnknownToken {
        token: ether::ADDRESS,
    };
    refuses(&mut world, &foreign, |world| {
        world.inside(ROOM, ROOM, |cx| ledger::issue(cx, other, ALICES, a(1)))
    });
}
