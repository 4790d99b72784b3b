//! The peg: in and out, and what closes the door.

use capstan_state::Store;

use super::*;
use crate::{
    erc20::IErc20::{self, ERC20InsufficientBalance},
    oracle::{self, IOracle::OraclePriceUnusable},
};

/// A foreign dollar of six decimals at par, swappable.
pub(super) fn pegged(params: PegParams) -> (Scene, Address, AssetId) {
    let mut scene = Scene::new(super::params());
    let (token, id) = scene.asset(6, USD);
    let set = setPegCall {
        assetId: id.get(),
        params,
    };
    scene.world.ok(OWNER, ADDRESS, &set);
    for who in [ALICE, BOB, CAROL] {
        allow(&mut scene, token, who);
    }
    (scene, token, id)
}

fn allow(scene: &mut Scene, token: Address, who: Address) {
    let approve = IErc20::approveCall {
        spender: ADDRESS,
        value: U256::MAX,
    };
    scene.world.ok(who, token, &approve);
}

pub(super) fn into(id: AssetId, amount: u128) -> swapInCall {
    swapInCall {
        assetId: id.get(),
        amount: n(amount),
        leastUsd: n(0),
    }
}

pub(super) fn out(id: AssetId, usd: u128) -> swapOutCall {
    swapOutCall {
        assetId: id.get(),
        usd: n(usd),
        leastAmount: n(0),
    }
}

const ONE: u128 = 1_000_000;

#[test]
fn dol_9_dollars_swap_at_par_less_a_fee() {
    let (mut scene, token, id) = pegged(peg_params());
    let got = scene.world.ok(ALICE, ADDRESS, &into(id, 10_000 * ONE));
    assert_eq!(got, n(9_990 * USD), "a tenth of a percent");
    assert_eq!(scene.world.balance(scene.usd, ALICE), got);
    let now = scene.now();
    assert_eq!((now.surplus, now.debt), (n(10 * USD), n(0)));
    assert_eq!(scene.world.supply(scene.usd), n(10_000 * USD));
    let before = scene.world.balance(token, ALICE);
    let back = scene.world.ok(ALICE, ADDRESS, &out(id, 5_000 * USD));
    assert_eq!(back, n(4_990 * ONE), "a fifth of a percent");
    assert_eq!(scene.world.balance(token, ALICE), before + back);
    let read = pegOfCall { assetId: id.get() };
    let peg = scene.world.ok(BOB, ADDRESS, &read).peg;
    assert_eq!(peg.reserve, n(5_010 * ONE));
    assert_eq!(peg.price, n(USD));
    let event =
        scene.world.store.logs().iter().rev().find_map(|log| {
            <SwappedOut as alloy_sol_types::SolEvent>::decode_log_data(&log.data).ok()
        });
    assert_eq!(event.expect("said so").fee, n(10 * USD));
    // The surplus has both fees, and what is out stands against what is in.
    assert_eq!(scene.now().surplus, n(20 * USD));
    assert_eq!(scene.world.supply(scene.usd), n(5_010 * USD));
}

#[test]
fn dol_9_and_dol_4_cap_and_headroom_bound_what_comes_in() {
    let (mut scene, _, id) = pegged(PegParams {
        cap: n(600_000 * USD),
        ..peg_params()
    });
    let full = DollarHeadroom {
        amount: n(500_001 * USD),
        left: n(500_000 * USD),
        resetsMs: u64::MAX,
    };
    let call = into(id, 500_001 * ONE);
    scene.world.refused(ALICE, ADDRESS, &call, &full);
    scene.world.ok(ALICE, ADDRESS, &into(id, 500_000 * ONE));
    scene.world.wait_ms(3_600_000);
    scene.say(&[(id, USD)]);
    let cap = DollarPegCap {
        assetId: id.get(),
        held: n(500_000 * USD),
        amount: n(100_001 * USD),
        cap: n(600_000 * USD),
    };
    scene
        .world
        .refused(ALICE, ADDRESS, &into(id, 100_001 * ONE), &cap);
    scene.world.ok(ALICE, ADDRESS, &into(id, 100_000 * ONE));
    // The headroom of debts is another.
    scene.mint(BOBS, 1_000_000 * USD).expect("minted");
    // What goes out makes room.
    scene.world.ok(ALICE, ADDRESS, &out(id, 100_000 * USD));
    scene.world.ok(ALICE, ADDRESS, &into(id, 90_000 * ONE));
}

#[test]
fn dol_9_a_foreign_dollar_off_its_peg_stays_out_and_may_leave() {
    let (mut scene, _, id) = pegged(peg_params());
    scene.world.ok(ALICE, ADDRESS, &into(id, 10_000 * ONE));
    let least = USD / 1_000 * 995;
    for price in [least - 1, USD / 100 * 88] {
        let mut scene = scene.clone();
        scene.world.wait_ms(1_000);
        // A fall beyond the band counts when it is confirmed; until then there is no price.
        for _ in 0..3 {
            scene.world.wait_ms(1_000);
            scene.say(&[(id, price)]);
        }
        let off = DollarOffPeg {
            assetId: id.get(),
            price: n(price),
            least: n(least),
        };
        scene.world.refused(ALICE, ADDRESS, &into(id, ONE), &off);
        scene.world.ok(ALICE, ADDRESS, &out(id, 1_000 * USD));
    }
    scene.world.wait_ms(1_000);
    scene.say(&[(id, least)]);
    scene.world.ok(ALICE, ADDRESS, &into(id, ONE));
    // Without a price that counts nothing comes in, and everything may leave.
    let max_ms = u64::from(AT_ONCE.staleMs);
    scene.world.wait_ms(max_ms + 1);
    let stale = OraclePriceUnusable {
        assetId: id.get(),
        reason: 3,
        detail: n((max_ms + 1).into()),
        limit: n(max_ms.into()),
    };
    scene.world.refused(ALICE, ADDRESS, &into(id, ONE), &stale);
    let frozen = OraclePriceUnusable {
        assetId: id.get(),
        reason: 8,
        detail: n(0),
        limit: n(0),
    };
    let freeze = oracle::IOracle::freezeCall { assetId: id.get() };
    scene.world.ok(OWNER, oracle::ADDRESS, &freeze);
    scene.world.refused(ALICE, ADDRESS, &into(id, ONE), &frozen);
    let read = pegOfCall { assetId: id.get() };
    assert_eq!(scene.world.ok(BOB, ADDRESS, &read).peg.price, n(0));
    scene.world.ok(OWNER, ADDRESS, &pauseCall { verbs: 7 });
    let paused = DollarPausedNow { verb: 2 };
    scene.world.refused(ALICE, ADDRESS, &into(id, ONE), &paused);
    scene.world.ok(ALICE, ADDRESS, &out(id, 1_000 * USD));
}

#[test]
fn swaps_refuse_by_name() {
    let (mut scene, _, id) = pegged(peg_params());
    let (_, other) = scene.asset(18, USD);
    let none = DollarNoPeg {
        assetId: other.get(),
    };
    scene.world.refused(ALICE, ADDRESS, &into(other, 1), &none);
    scene.world.refused(ALICE, ADDRESS, &out(other, 1), &none);
    scene.world.ok(ALICE, ADDRESS, &into(id, 1_000 * ONE));
    let slip = DollarSlippage {
        got: n(999 * USD),
        least: n(999 * USD + 1),
    };
    let call = swapInCall {
        leastUsd: n(999 * USD + 1),
        ..into(id, 1_000 * ONE)
    };
    scene.world.refused(ALICE, ADDRESS, &call, &slip);
    let slip = DollarSlippage {
        got: n(998_000),
        least: n(998_001),
    };
    let call = swapOutCall {
        leastAmount: n(998_001),
        ..out(id, USD)
    };
    scene.world.refused(ALICE, ADDRESS, &call, &slip);
    scene
        .world
        .refused(ALICE, ADDRESS, &out(id, 0), &DollarZeroAmount {});
    let zero = ILedger::LedgerZeroAmount {};
    scene.world.refused(ALICE, ADDRESS, &into(id, 0), &zero);
    // A millionth of a dollar is the smallest unit: the fee is beside it.
    let dust = DollarTooSmall {
        amount: n(1_000_000_000_000),
        least: n(1_000_000_000_000 + 2_000_000_000),
    };
    let call = out(id, 1_000_000_000_000);
    scene.world.refused(ALICE, ADDRESS, &call, &dust);
    scene.mint_to_wallet(BOBS, 2_000 * USD);
    let reserve = DollarPegReserve {
        assetId: id.get(),
        held: n(1_000 * ONE),
        wanted: n(1_996 * ONE),
    };
    scene
        .world
        .refused(BOB, ADDRESS, &out(id, 2_000 * USD), &reserve);
    let poor = ERC20InsufficientBalance {
        sender: CAROL,
        balance: n(0),
        needed: n(USD),
    };
    scene.world.refused(CAROL, ADDRESS, &out(id, USD), &poor);
    let itself = DollarPegItself {
        assetId: scene.id.get(),
    };
    let set = setPegCall {
        assetId: scene.id.get(),
        params: peg_params(),
    };
    scene.world.refused(OWNER, ADDRESS, &set, &itself);
    type Change = fn(&mut PegParams);
    let cases: [(&str, u128, u128, u128, Change); 4] = [
        ("feeInBps", 501, 0, 500, |p| p.feeInBps = 501),
        ("feeOutBps", 501, 0, 500, |p| p.feeOutBps = 501),
        ("toleranceBps", 501, 0, 500, |p| p.toleranceBps = 501),
        ("refillS", 1, 60, 604_800, |p| p.refillS = 1),
    ];
    for (what, value, min, max, change) in cases {
        let mut params = peg_params();
        change(&mut params);
        let error = DollarParamOutOfRange {
            what: what.into(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        let set = setPegCall {
            assetId: id.get(),
            params,
        };
        scene.world.refused(OWNER, ADDRESS, &set, &error);
    }
}

#[test]
fn dol_13_a_peg_tightens_at_once_and_loosens_a_day_later() {
    let (mut scene, _, id) = pegged(peg_params());
    let set = |params: &PegParams| setPegCall {
        assetId: id.get(),
        params: params.clone(),
    };
    let read = |scene: &mut Scene| {
        let call = pegOfCall { assetId: id.get() };
        scene.world.ok(BOB, ADDRESS, &call)
    };
    let shut = PegParams {
        cap: n(0),
        ..peg_params()
    };
    scene.world.ok(OWNER, ADDRESS, &set(&shut));
    assert_eq!(read(&mut scene).present, shut);
    assert_eq!(read(&mut scene).peg.room, n(0));
    scene.world.ok(OWNER, ADDRESS, &set(&peg_params()));
    let both = read(&mut scene);
    assert_eq!((both.present, both.next), (shut.clone(), peg_params()));
    scene.world.wait_ms(DAY_MS - 1);
    assert_eq!(read(&mut scene).present, shut);
    scene.world.wait_ms(1);
    let one = read(&mut scene);
    assert_eq!((one.present, one.nextFromMs), (peg_params(), 0));
    scene.say(&[(id, USD)]);
    scene.world.ok(ALICE, ADDRESS, &into(id, ONE));
    // What became due is what the next change is measured against.
    let tighter = PegParams {
        toleranceBps: 1,
        ..peg_params()
    };
    scene.world.ok(OWNER, ADDRESS, &set(&tighter));
    assert_eq!(read(&mut scene).present, tighter);
}

/// DOL-14: tokens and units given to the protocol change nothing that anybody reads.
#[test]
fn dol_14_gifts_change_nothing() {
    let (mut scene, token, id) = pegged(peg_params());
    scene.world.ok(ALICE, ADDRESS, &into(id, 100_000 * ONE));
    let deposit = IErc4626::depositCall {
        assets: n(10_000 * USD),
        receiver: ALICE,
    };
    scene.world.ok(ALICE, saved::ADDRESS, &deposit);
    let usd = scene.usd;
    let looks = |scene: &mut Scene| {
        let now = scene.now();
        let peg = pegOfCall { assetId: id.get() };
        let peg = scene.world.ok(BOB, ADDRESS, &peg).peg;
        let all = IErc4626::totalAssetsCall {};
        (now, peg, scene.world.ok(BOB, saved::ADDRESS, &all))
    };
    let before = looks(&mut scene);
    for (asset, value) in [(usd, n(20_000 * USD)), (token, n(1_000 * ONE))] {
        for to in [ADDRESS, saved::ADDRESS, ledger::ADDRESS] {
            let give = IErc20::transferCall { to, value };
            scene.world.ok(ALICE, asset, &give);
        }
    }
    scene
        .act(|cx| ledger::shift(cx, id, ALICES, dollar::RESERVES, a(5_000 * ONE)))
        .expect("given");
    assert_eq!(looks(&mut scene), before);
}

/// A foreign dollar that calls back while it is pulled or pushed finds a whole book, and gains nothing.
#[test]
fn dol_3_a_token_that_calls_back_gains_nothing() {
    let mut scene = Scene::new(params());
    let token = account(0x66);
    scene.world.store.set_code_size(token, 1);
    let held = move |store: &mut capstan_state::mem::MemStore, of: Address| {
        let slot = U256::from_be_slice(of.as_slice());
        store.load(token, slot)
    };
    let usd = scene.usd;
    scene.world.store.on_call(token, move |store, request| {
        use ledger::IForeign::*;
        let word = |value: U256| Ok(value.to_be_bytes_vec().into());
        let input = &request.input;
        let Some(selector) = input.first_chunk::<4>() else {
            return Err(Halt::overflow());
        };
        let (from, to, value) = match *selector {
            decimalsCall::SELECTOR => return word(n(18)),
            totalSupplyCall::SELECTOR => return word(n(1_000_000 * USD)),
            balanceOfCall::SELECTOR => {
                let call = balanceOfCall::abi_decode(input).expect("decodes");
                let have = held(store, call.account)?;
                return word(have);
            }
            transferCall::SELECTOR => {
                let call = transferCall::abi_decode(input).expect("decodes");
                (request.from, call.to, call.value)
            }
            transferFromCall::SELECTOR => {
                let call = transferFromCall::abi_decode(input).expect("decodes");
                (call.from, call.to, call.value)
            }
            _ => return Err(Halt::Revert(Default::default())),
        };
        // In the middle of a swap: accrue, swap again, and look at what the book says of the supply.
        let inner = accrueCall {}.abi_encode();
        assert!(store.call_simply(token, ADDRESS, inner.into())?.success);
        let again = into(AssetId::new(1), USD).abi_encode();
        assert!(!store.call_simply(token, ADDRESS, again.into())?.success);
        let back = out(AssetId::new(1), USD).abi_encode();
        assert!(!store.call_simply(token, ADDRESS, back.into())?.success);
        let look = crate::erc20::IErc20::totalSupplyCall {}.abi_encode();
        let supply = store.call_simply(token, usd, look.into())?;
        let supply = U256::from_be_slice(&supply.output);
        let look = pegOfCall { assetId: 1 }.abi_encode();
        let answer = store.call_simply(token, ADDRESS, look.into())?;
        let peg = pegOfCall::abi_decode_returns(&answer.output).expect("decodes");
        assert!(supply <= peg.peg.reserve, "a whole book");
        for (of, more) in [(from, false), (to, true)] {
            let slot = U256::from_be_slice(of.as_slice());
            let have = store.load(token, slot)?;
            let now = if more {
                have.checked_add(value)
            } else {
                have.checked_sub(value)
            };
            store.save(token, slot, now.ok_or_else(Halt::overflow)?)?;
        }
        word(U256::ONE)
    });
    let slot = U256::from_be_slice(ALICE.as_slice());
    scene.world.store.set_word(token, slot, n(1_000 * USD));
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let list = ILedger::listAssetCall { token, limit };
    let id = AssetId::new(scene.world.ok(OWNER, ledger::ADDRESS, &list));
    assert_eq!(id.get(), 1);
    scene.reporter.list(&mut scene.world, 1, USD, AT_ONCE);
    let set = setPegCall {
        assetId: 1,
        params: peg_params(),
    };
    scene.world.ok(OWNER, ADDRESS, &set);
    let got = scene.world.ok(ALICE, ADDRESS, &into(id, 100 * USD));
    assert_eq!(got, n(100 * USD - USD / 10));
    scene.world.ok(ALICE, ADDRESS, &out(id, 50 * USD));
    let poor = swapInCall {
        amount: n(1_000 * USD),
        ..into(id, 0)
    };
    let halt = scene
        .world
        .call(ALICE, ADDRESS, &poor)
        .expect_err("refused");
    assert!(matches!(halt, Halt::Revert(_)), "{}", words(&halt));
}
