//! Loans of what markets hold.

use std::sync::{Arc, Mutex};

use capstan_state::{Store, mem::MemStore};
use capstan_units::{AccountId, AssetId, Assets, Ray};

use super::{super::IFlashManyBorrower::onFlashLoanManyCall, *};
use crate::{
    erc4626::IErc4626,
    flash::{FEE_BPS_MAX, TOKENS_MAX, actions::MAGIC_MANY},
    ledger::{self, ILedger},
    lending::{
        self,
        ILending::{self, LendingNoCash, LendingNotPaidBack, MarketParams},
        Pause, share,
    },
    testkit::{
        CAROL,
        dice::Dice,
        foreign::{Token, Whim},
    },
};

/// A native contract that moves units of accounts, as the account room does.
const ROOM: Address = account(0x77);
const BOBS: AccountId = AccountId::new(BOB, 3);
const LEDGER: Address = ledger::ADDRESS;
const LENDING: Address = lending::ADDRESS;
/// What Carol supplies to a market.
const SUPPLIED: u128 = 1_000_000;
/// What a market has by her and its seed.
const CASH: u128 = SUPPLIED + lending::SEED_MIN;

/// A token of which a market is opened, and the number of its asset.
type Listed = (Address, AssetId);
/// One token of a loan: token, amount, fee.
type Lent = (Address, U256, U256);

fn params() -> MarketParams {
    MarketParams {
        reserveFactorBps: 1_000,
        supplyCap: Assets::MAX.to_u256(),
        borrowCap: Assets::MAX.to_u256(),
        rateModel: 0,
        baseBps: 0,
        slope1Bps: 400,
        slope2Bps: 10_000,
        optimalBps: 8_000,
    }
}

/// Lists a token that owner and Carol hold, and opens a market in which Carol supplies.
fn open(world: &mut World, token: Address) -> Listed {
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let number = world.ok(OWNER, LEDGER, &ILedger::listAssetCall { token, limit });
    let id = AssetId::new(number);
    let list = ILending::listMarketCall {
        assetId: number,
        params: params(),
        seed: n(lending::SEED_MIN),
    };
    let share = world.ok(OWNER, LENDING, &list);
    world.answer_calls(share);
    let deposit = IErc4626::depositCall {
        assets: n(SUPPLIED),
        receiver: CAROL,
    };
    world.ok(CAROL, share, &deposit);
    (token, id)
}

/// A market of a new token of the factory, of which the borrower has `fee_money`.
fn native(world: &mut World, fee_money: u128) -> Listed {
    let token = world.create_token(0);
    for (who, units) in [(OWNER, CASH), (CAROL, SUPPLIED), (BORROWER, fee_money)] {
        if units > 0 {
            world.mint(token, who, units);
        }
    }
    open(world, token)
}

/// A market of the coin.
fn coin(world: &mut World) -> Listed {
    for who in [OWNER, CAROL, BORROWER] {
        world.store.set_coins(who, n(CASH));
    }
    open(world, crate::ether::ADDRESS)
}

/// A market of a foreign token.
fn foreign(world: &mut World) -> (Token, AssetId) {
    let token = Token::deploy(world, Whim::Honest);
    for who in [OWNER, CAROL, BORROWER] {
        token.give(world, who, CASH);
    }
    let share = share::address_of(AssetId::new(world.ok(
        BOB,
        LEDGER,
        &ILedger::assetCountCall {},
    )));
    for (who, spender) in [(OWNER, LENDING), (CAROL, share)] {
        let approve = IErc20::approveCall {
            spender,
            value: U256::MAX,
        };
        let sent = world
            .store
            .call_simply(who, token.address, approve.abi_encode().into());
        assert!(sent.expect("answers").success);
    }
    let (_, id) = open(world, token.address);
    (token, id)
}

/// Makes [`BORROWER`] a contract that does `then` with any loan, lets it be taken back, and answers rightly.
fn borrower(
    world: &mut World,
    then: impl Fn(&mut MemStore, &[Lent]) -> Result<(), Halt> + Send + Sync + 'static,
) {
    world.store.on_call(BORROWER, move |store, request| {
        assert_eq!(request.from, FLASH);
        let (lent, magic) = match onFlashLoanCall::abi_decode(&request.input) {
            Ok(call) => (vec![(call.token, call.amount, call.fee)], MAGIC),
            Err(_) => {
                let call = onFlashLoanManyCall::abi_decode(&request.input).expect("a callback");
                let rest = call.amounts.into_iter().zip(call.fees);
                let lent = call.tokens.into_iter().zip(rest);
                let lent = lent.map(|(token, (amount, fee))| (token, amount, fee));
                (lent.collect(), MAGIC_MANY)
            }
        };
        then(store, &lent)?;
        for (token, amount, fee) in lent {
            let approve = IErc20::approveCall {
                spender: FLASH,
                value: amount + fee,
            };
            inner(store, token, &approve)?;
        }
        Ok(Bytes::copy_from_slice(magic.as_slice()))
    });
}

/// One call by the borrower, which must work.
fn inner<C: SolCall>(store: &mut MemStore, to: Address, call: &C) -> Result<C::Return, Halt> {
    let outcome = store.call_simply(BORROWER, to, call.abi_encode().into())?;
    if !outcome.success {
        return Err(Halt::Revert(outcome.output));
    }
    Ok(C::abi_decode_returns(&outcome.output).expect("well-formed answer"))
}

/// One call by the borrower, which must be refused with this error.
fn inner_refused<C: SolCall>(
    store: &mut MemStore,
    to: Address,
    call: &C,
    error: &impl alloy_sol_types::SolError,
) {
    let halt = inner(store, to, call).err().expect("refused");
    assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
}

fn market(world: &mut World, id: AssetId) -> ILending::Market {
    world.ok(BOB, LENDING, &ILending::marketCall { assetId: id.get() })
}

fn cash(world: &mut World, id: AssetId) -> u128 {
    let free = world.inside(ROOM, ROOM, |cx| ledger::free(cx, id, lending::CASH));
    free.expect("reads").get()
}

fn max(world: &mut World, token: Address) -> U256 {
    world.ok(BOB, FLASH, &maxFlashLoanCall { token })
}

fn many(parts: &[(Address, u128)]) -> flashLoanManyCall {
    flashLoanManyCall {
        receiver: BORROWER,
        tokens: parts.iter().map(|(token, _)| *token).collect(),
        amounts: parts.iter().map(|(_, units)| n(*units)).collect(),
        data: Bytes::from_static(b"data"),
    }
}

/// A world whose default fee is 10 hundredths of a percent.
fn start() -> World {
    let mut world = World::new();
    world.ok(OWNER, FLASH, &setFeeBpsCall { feeBps: 10 });
    world
}

#[test]
fn flash_1_a_market_has_its_cash_back_and_the_fee() {
    let mut world = start();
    let (token, id) = native(&mut world, 600);
    borrower(&mut world, move |store, lent| {
        assert_eq!(lent, [(token, n(500_001), n(501))]);
        let read = IErc20::balanceOfCall { account: BORROWER };
        assert_eq!(inner(store, token, &read)?, n(500_601));
        Ok(())
    });
    assert_eq!(max(&mut world, token), n(CASH));
    assert!(world.ok(ALICE, FLASH, &loan(token, n(500_001))));
    let event = FlashLoan {
        receiver: BORROWER,
        token,
        initiator: ALICE,
        amount: n(500_001),
        fee: n(501),
    };
    assert_eq!(world.last_event::<FlashLoan>(FLASH), event);
    assert_eq!(world.balance(token, BORROWER), n(99));
    assert_eq!(cash(&mut world, id), CASH + 501);
    assert_eq!(world.balance(token, LEDGER), n(CASH + 501));
    assert_eq!(max(&mut world, token), n(CASH + 501));
}

/// A tenth goes to the reserve, the rest to all shares; and nothing of it before the next block.
#[test]
fn lend_14_the_fee_is_shared_out_with_the_next_accrual() {
    let mut world = start();
    let (token, id) = native(&mut world, 1_001_000);
    borrower(&mut world, |_, _| Ok(()));
    let before = market(&mut world, id);
    let worth = |world: &mut World| {
        let share = share::address_of(id);
        let shares = world.balance(share, CAROL);
        world.view(share, &IErc4626::convertToAssetsCall { shares })
    };
    let fee = FEE_BPS_MAX;
    world.ok(OWNER, FLASH, &setFeeBpsCall { feeBps: fee });
    world.ok(ALICE, FLASH, &loan(token, n(CASH)));
    let same_block = market(&mut world, id);
    assert_eq!(same_block.cash, n(CASH + 10_010));
    assert_eq!(
        (same_block.supplyIndex, same_block.reserve),
        (before.supplyIndex, n(0))
    );
    assert_eq!(worth(&mut world), n(SUPPLIED));
    // Whoever comes and goes within the block gains nothing (LEND-4).
    world.mint(token, ALICE, 1_000_000);
    let share = share::address_of(id);
    let deposit = IErc4626::depositCall {
        assets: n(1_000_000),
        receiver: ALICE,
    };
    let shares = world.ok(ALICE, share, &deposit);
    let leave = IErc4626::redeemCall {
        shares,
        receiver: ALICE,
        owner: ALICE,
    };
    assert!(world.ok(ALICE, share, &leave) <= n(1_000_000));

    world.wait_ms(250);
    let seen = market(&mut world, id);
    let expected = Ray::ONE.to_u256() + n(9_009) * Ray::ONE.to_u256() / n(CASH);
    assert_eq!(seen.supplyIndex, expected);
    // 1,001 for the reserve, as shares that are worth more than a unit each: rounded down.
    assert_eq!(seen.reserve, n(1_000));
    assert_eq!(worth(&mut world), n(SUPPLIED + 9_000));
    // Touching the market makes it what views said, and once only.
    let accrue = ILending::accrueCall { assetId: id.get() };
    world.ok(BOB, LENDING, &accrue);
    assert_eq!(market(&mut world, id), seen);
    world.wait_ms(250);
    world.ok(BOB, LENDING, &accrue);
    assert_eq!(market(&mut world, id), seen);
}

/// Whoever looks at a market inside a loan finds it as before; whoever wants to take cash hears how much lies there.
#[test]
fn lend_13_cash_that_is_out_counts_and_cannot_be_taken() {
    let mut world = start();
    let (token, id) = native(&mut world, 1_000);
    world.mint(token, BOB, 400_000);
    let pulled = world.inside(ROOM, BOB, |cx| {
        ledger::pull(cx, id, BOB, BOBS, Assets::new(400_000)?)?;
        lending::borrow(cx, id, BOBS, Assets::new(300_000)?)
    });
    pulled.expect("borrows");
    world.wait_ms(86_400_000);
    world.ok(BOB, LENDING, &ILending::accrueCall { assetId: id.get() });
    let share = share::address_of(id);
    let before = market(&mut world, id);
    let rate = world.view(share, &IErc4626::convertToAssetsCall { shares: n(1 << 60) });
    let there = cash(&mut world, id);
    borrower(&mut world, move |store, _| {
        let look = ILending::marketCall { assetId: id.get() };
        assert_eq!(inner(store, LENDING, &look)?, before);
        let convert = IErc4626::convertToAssetsCall { shares: n(1 << 60) };
        assert_eq!(inner(store, share, &convert)?, rate);
        let most = IErc4626::maxWithdrawCall { owner: CAROL };
        assert_eq!(inner(store, share, &most)?, n(there - 700_000));
        let read = maxFlashLoanCall { token };
        assert_eq!(inner(store, FLASH, &read)?, n(0));
        // A debtor whose debt is written off inside the loan costs what he owed, not what is out.
        let taken = store.attempt(|store| {
            let mut cx = store.frame(ROOM, ROOM);
            let none = lending::borrow(&mut cx, id, BOBS, Assets::new(1_001)?);
            let no_cash = LendingNoCash {
                assetId: id.get(),
                wanted: n(1_001),
                cash: n(there - 700_000),
            };
            assert_eq!(none.map(|_| ()), Err(Halt::revert(&no_cash)));
            lending::absorb(&mut cx, id, BOBS)
        })?;
        assert!(taken.debt.to_u256() >= before.borrowed - n(1));
        let lost = taken.lenders.add(taken.reserve)?;
        assert!(lost <= taken.debt, "{taken:?}");
        Ok(())
    });
    assert_eq!(there, 701_000);
    world.ok(ALICE, FLASH, &loan(token, n(700_000)));
}

/// The cash of a loan that is supplied again is supply, not repayment: it is taken back besides.
#[test]
fn flash_7_what_is_supplied_inside_a_loan_pays_nothing_back() {
    let mut world = start();
    let (token, id) = native(&mut world, 10_000);
    let share = share::address_of(id);
    borrower(&mut world, move |store, lent| {
        let deposit = IErc4626::depositCall {
            assets: lent[0].1,
            receiver: BORROWER,
        };
        inner(store, share, &deposit)?;
        Ok(())
    });
    let before = world.state();
    let ended = world.call(ALICE, FLASH, &loan(token, n(500_000)));
    let poor = IErc20::ERC20InsufficientBalance {
        sender: BORROWER,
        balance: n(10_000),
        needed: n(500_500),
    };
    assert_eq!(ended, Err(Halt::revert(&poor)));
    assert_eq!(world.state(), before);
}

#[test]
fn flash_2_a_token_lends_while_it_has_a_source() {
    let mut world = start();
    let unlisted = world.create_token(0);
    let bare = world.create_token(0);
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    world.ok(
        OWNER,
        LEDGER,
        &ILedger::listAssetCall { token: bare, limit },
    );
    for token in [unlisted, bare] {
        assert_eq!(max(&mut world, token), n(0));
        let unsupported = FlashTokenUnsupported { token };
        world.refused(ALICE, FLASH, &loan(token, n(1)), &unsupported);
        world.refused(ALICE, FLASH, &many(&[(token, 1)]), &unsupported);
    }
    // A token that may be minted is, though it has a market.
    let (token, id) = native(&mut world, 600);
    borrower(&mut world, |_, _| Ok(()));
    for role in [token::MINT, token::BURN] {
        let grant = IAdmin::grantRoleCall {
            scope: token,
            role,
            holder: FLASH,
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &grant);
    }
    world.ok(ALICE, FLASH, &loan(token, n(SUPPLIED * 5 / 10)));
    assert_eq!(cash(&mut world, id), CASH);
    assert_eq!(world.balance(token, BORROWER), n(100));
}

#[test]
fn flash_3_one_loan_of_a_token_at_a_time_and_others_inside() {
    let mut world = start();
    let ((one, _), (two, id)) = (native(&mut world, 5_000), native(&mut world, 5_000));
    borrower(&mut world, move |store, lent| {
        if lent[0].0 == one {
            inner_refused(store, FLASH, &loan(one, n(1)), &ReentrantCall {});
            inner_refused(
                store,
                FLASH,
                &many(&[(two, 1), (one, 1)]),
                &ReentrantCall {},
            );
            assert!(inner(store, FLASH, &loan(two, n(1_000)))?);
        }
        Ok(())
    });
    world.ok(ALICE, FLASH, &loan(one, n(1_000)));
    assert_eq!(cash(&mut world, id), CASH + 1);
    assert_eq!(max(&mut world, one), n(CASH + 1));
}

#[test]
fn flash_5_each_token_may_have_its_own_fee() {
    let mut world = start();
    let (token, _) = native(&mut world, 5_000);
    borrower(&mut world, |_, _| Ok(()));
    let set = |token, fee| setFeeBpsOfCall { token, feeBps: fee };
    world.ok(OWNER, FLASH, &set(token, 0));
    let event = FlashFeeOfSet { token, feeBps: 0 };
    assert_eq!(world.last_event::<FlashFeeOfSet>(FLASH), event);
    assert_eq!(world.ok(BOB, FLASH, &feeBpsOfCall { token }), 0);
    assert_eq!(world.ok(BOB, FLASH, &feeBpsOfCall { token: BOB }), 10);
    world.ok(ALICE, FLASH, &loan(token, n(CASH)));
    assert_eq!(world.balance(token, BORROWER), n(5_000), "nothing");
    world.ok(OWNER, FLASH, &set(token, 100));
    let amount = n(10_001);
    let fee = flashFeeCall { token, amount };
    assert_eq!(world.ok(BOB, FLASH, &fee), n(101));
    let high = FlashFeeTooHigh {
        feeBps: n(101),
        maxBps: n(100),
    };
    world.refused(OWNER, FLASH, &set(token, 101), &high);
    let other = IAdmin::AdminNotOwner {
        scope: FLASH,
        caller: ALICE,
        owner: OWNER,
    };
    world.refused(ALICE, FLASH, &set(token, 1), &other);
    // A fee that changes inside the loan does not change this loan's.
    borrower(&mut world, move |store, _| {
        let call = set(token, 0).abi_encode();
        let sent = store.call_simply(OWNER, FLASH, call.into())?;
        assert!(sent.success);
        Ok(())
    });
    world.ok(ALICE, FLASH, &loan(token, n(10_000)));
    assert_eq!(world.balance(token, BORROWER), n(4_900));
}

#[test]
fn flash_6_a_market_lends_its_cash_and_what_may_leave() {
    let mut world = start();
    let (token, id) = native(&mut world, 5_000);
    borrower(&mut world, |_, _| Ok(()));
    let high = |amount, max| FlashAmountTooHigh {
        token,
        amount: n(amount),
        max: n(max),
    };
    world.refused(
        ALICE,
        FLASH,
        &loan(token, n(CASH + 1)),
        &high(CASH + 1, CASH),
    );
    // What a fifth of all claims in a minute leaves. Within the day before a tighter limit everything counts inward.
    world.wait_ms(86_400_000);
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 2_000,
        floor: n(0),
    };
    let set = ILedger::setOutflowLimitCall {
        assetId: id.get(),
        limit,
    };
    world.ok(OWNER, LEDGER, &set);
    let most = CASH / 5;
    assert_eq!(max(&mut world, token), n(most));
    world.refused(
        ALICE,
        FLASH,
        &loan(token, n(most + 1)),
        &high(most + 1, most),
    );
    // What came back no longer counts as outflow, so the next loan may be as large.
    for _ in 0..5 {
        world.ok(ALICE, FLASH, &loan(token, n(most)));
    }
    let freeze = ILedger::freezeCall { assetId: id.get() };
    let unfreeze = ILedger::unfreezeCall { assetId: id.get() };
    world.ok(OWNER, LEDGER, &freeze);
    assert_eq!(max(&mut world, token), n(0));
    world.refused(ALICE, FLASH, &loan(token, n(1)), &high(1, 0));
    world.ok(OWNER, LEDGER, &unfreeze);
    let verbs = Pause::Flash.bit();
    let pause = ILending::pauseCall {
        assetId: id.get(),
        verbs,
    };
    world.ok(OWNER, LENDING, &pause);
    assert_eq!(max(&mut world, token), n(0));
    world.refused(ALICE, FLASH, &loan(token, n(1)), &high(1, 0));
    let zero = ILending::LendingZeroAmount {};
    world.refused(ALICE, FLASH, &loan(token, n(0)), &zero);
}

/// What each token may do, and how its loan ends.
#[test]
fn flash_7_what_comes_back_is_measured() {
    let check = |out: Whim, back: Whim, expected: Option<Halt>| {
        let mut world = start();
        let (token, id) = foreign(&mut world);
        let held = token.balance(&world, LEDGER);
        let script = token.clone();
        borrower(&mut world, move |_, _| {
            script.becomes(back);
            Ok(())
        });
        token.becomes(out);
        let before = world.state();
        let ended = world.call(ALICE, FLASH, &loan(token.address, n(100_000)));
        token.becomes(Whim::Honest);
        match expected {
            None => {
                assert_eq!(ended, Ok(true), "{out:?} {back:?}");
                assert_eq!(token.balance(&world, LEDGER), held + n(100));
                assert_eq!(cash(&mut world, id), CASH + 100);
            }
            Some(halt) => {
                assert_eq!(ended, Err(halt), "{out:?} {back:?}");
                assert_eq!(world.state(), before, "{out:?} {back:?} left traces");
            }
        }
    };
    let address = account(0x70);
    let refused = |answer: &[u8]| {
        Some(Halt::revert(&ILedger::LedgerTokenRefused {
            token: address,
            answer: Bytes::copy_from_slice(answer),
        }))
    };
    let word = |value: u8| n(value.into()).to_be_bytes::<32>();
    let short = LendingNotPaidBack {
        assetId: 0,
        due: n(100_100),
        arrived: n(90_090),
    };
    let nothing = ILedger::LedgerNothingArrived {
        assetId: 0,
        wallet: BORROWER,
        requested: n(100_100),
    };
    let wrong = |after| ILedger::LedgerWrongAmountLeft {
        assetId: 0,
        told: n(100_000),
        heldBefore: n(CASH),
        heldAfter: n(after),
    };
    let honest = Whim::Honest;
    check(honest, honest, None);
    check(Whim::Silent, Whim::Silent, None);
    check(honest, Whim::Fee, Some(Halt::revert(&short)));
    check(honest, Whim::Liar, Some(Halt::revert(&nothing)));
    check(honest, Whim::False, refused(&word(0)));
    check(honest, Whim::Two, refused(&word(2)));
    check(honest, Whim::Reverts, refused(b"no"));
    check(honest, Whim::Blind, refused(&[1; 31]));
    check(Whim::Liar, honest, Some(Halt::revert(&wrong(CASH))));
    check(
        Whim::Greedy,
        honest,
        Some(Halt::revert(&wrong(CASH - 100_001))),
    );
    check(Whim::Reverts, honest, refused(b"no"));
}

/// A token that calls back, when its loan leaves and when it comes home, finds a whole market and no second loan.
#[test]
fn flash_3_a_token_that_calls_back_finds_no_second_loan() {
    let mut world = start();
    let (token, id) = foreign(&mut world);
    borrower(&mut world, |_, _| Ok(()));
    let before = market(&mut world, id);
    let seen = Arc::new(Mutex::new(0));
    let (address, count) = (token.address, Arc::clone(&seen));
    token.calls(move |store| {
        *count.lock().expect("one thread") += 1;
        inner_refused(store, FLASH, &loan(address, n(1)), &ReentrantCall {});
        let share = share::address_of(id);
        let deposit = IErc4626::depositCall {
            assets: n(1),
            receiver: BORROWER,
        };
        inner_refused(store, share, &deposit, &ReentrantCall {});
        let look = ILending::marketCall { assetId: id.get() };
        let now = inner(store, LENDING, &look)?;
        assert_eq!((now.cash, now.supplied), (before.cash, before.supplied));
        Ok(())
    });
    world.ok(ALICE, FLASH, &loan(token.address, n(100_000)));
    assert_eq!(*seen.lock().expect("one thread"), 2, "out and back");
}

#[test]
fn flash_8_several_tokens_are_one_loan() {
    let mut world = start();
    let ((one, a), (ether, b)) = (native(&mut world, 500), coin(&mut world));
    let (frn, c) = foreign(&mut world);
    let parts = [(one, 100_000), (ether, 200_001), (frn.address, 300_000)];
    borrower(&mut world, move |store, lent| {
        let fees = [100, 201, 300].map(n);
        let expected: Vec<Lent> = (parts.iter().zip(fees))
            .map(|((token, units), fee)| (*token, n(*units), fee))
            .collect();
        assert_eq!(lent, expected);
        assert!(store.coin_balance(BORROWER)? >= n(CASH), "coins came");
        Ok(())
    });
    assert!(world.ok(ALICE, FLASH, &many(&parts)));
    let after = [a, b, c].map(|id| cash(&mut world, id));
    assert_eq!(after, [CASH + 100, CASH + 201, CASH + 300]);

    // The first can be paid back, the last cannot: none of it was.
    frn.rebase(&mut world, BORROWER, 0);
    let ended = world.raw(ALICE, FLASH, U256::ZERO, &many(&parts).abi_encode());
    let broke = ILedger::LedgerTokenRefused {
        token: frn.address,
        answer: Bytes::from_static(b"balance"),
    };
    assert_eq!(ended, Err(Halt::revert(&broke)));
    assert_eq!([a, b, c].map(|id| cash(&mut world, id)), after);

    let bad = |tokens: usize, amounts: usize| {
        let error = FlashBadList {
            tokens: U256::from(tokens),
            amounts: U256::from(amounts),
            max: U256::from(TOKENS_MAX),
        };
        let call = flashLoanManyCall {
            receiver: BORROWER,
            tokens: (0..tokens)
                .map(|at| account(u8::try_from(at).expect("few")))
                .collect(),
            amounts: vec![n(1); amounts],
            data: Bytes::new(),
        };
        (call, error)
    };
    for (tokens, amounts) in [(0, 0), (1, 2), (2, 1), (TOKENS_MAX + 1, TOKENS_MAX + 1)] {
        let (call, error) = bad(tokens, amounts);
        world.refused(ALICE, FLASH, &call, &error);
    }
    let twice = FlashTokenTwice { token: one };
    let call = many(&[(one, 1), (ether, 1), (one, 2)]);
    world.refused(ALICE, FLASH, &call, &twice);
}

#[test]
fn flash_4_each_loan_has_its_own_magic_word() {
    assert_eq!(MAGIC_MANY, keccak256("FlashManyBorrower.onFlashLoanMany"));
    let mut world = start();
    let (token, _) = native(&mut world, 500);
    world.store.on_call(BORROWER, move |store, _| {
        let approve = IErc20::approveCall {
            spender: FLASH,
            value: U256::MAX,
        };
        inner(store, token, &approve)?;
        Ok(Bytes::copy_from_slice(MAGIC.as_slice()))
    });
    assert!(world.ok(ALICE, FLASH, &loan(token, n(1_000))));
    let refused = FlashCallbackRefused {
        receiver: BORROWER,
        answer: Bytes::copy_from_slice(MAGIC.as_slice()),
    };
    world.refused(ALICE, FLASH, &many(&[(token, 1_000)]), &refused);
}

/// A receiver that asks for its own loan of a native token needs no allowance, as with every pull.
#[test]
fn who_borrows_for_himself_need_not_allow_native_tokens() {
    let mut world = start();
    let (token, id) = native(&mut world, 500);
    let magic = Bytes::copy_from_slice(MAGIC.as_slice());
    world.store.on_call(BORROWER, move |_, _| Ok(magic.clone()));
    assert!(world.ok(BORROWER, FLASH, &loan(token, n(1_000))));
    assert_eq!(cash(&mut world, id), CASH + 1);
    let missing = IErc20::ERC20InsufficientAllowance {
        spender: FLASH,
        allowance: n(0),
        needed: n(1_001),
    };
    world.refused(ALICE, FLASH, &loan(token, n(1_000)), &missing);
}

#[test]
fn faults_of_market_loans_leave_no_traces() {
    let mut world = start();
    let (one, _) = native(&mut world, 500);
    let (two, _) = native(&mut world, 500);
    borrower(&mut world, |_, _| Ok(()));
    check_every_fault(&world, ALICE, FLASH, &loan(one, n(1_000)).abi_encode());
    let call = many(&[(one, 1_000), (two, 2_000)]);
    check_every_fault(&world, ALICE, FLASH, &call.abi_encode());
}

/// What somebody has in an asset: wallet and what his shares are worth.
fn worth(world: &World, (token, id): Listed, who: Address) -> U256 {
    let share = share::address_of(id);
    let shares = world.balance(share, who);
    let call = IErc4626::convertToAssetsCall { shares };
    world.balance(token, who) + world.view(share, &call)
}

/// What a borrower does inside a loan: anything that a contract can do with these markets, other loans too.
fn mischief(store: &mut MemStore, dice: &mut Dice, assets: [Listed; 2], depth: u32) {
    for _ in 0..dice.below(4) {
        let (token, id) = dice.of(&assets);
        let share = share::address_of(id);
        let units = n(dice.amount(CASH));
        // Whatever a refusal says: the next act is tried.
        let _ = match dice.below(6) {
            0 => inner(
                store,
                share,
                &IErc4626::depositCall {
                    assets: units,
                    receiver: BORROWER,
                },
            )
            .map(|_| ()),
            1 => inner(
                store,
                share,
                &IErc4626::withdrawCall {
                    assets: units,
                    receiver: BORROWER,
                    owner: BORROWER,
                },
            )
            .map(|_| ()),
            2 => inner(
                store,
                token,
                &IErc20::transferCall {
                    to: LEDGER,
                    value: n(dice.below(3)),
                },
            )
            .map(|_| ()),
            3 if depth > 0 => inner(store, FLASH, &loan(token, units)).map(|_| ()),
            4 => {
                // Back to the wallet, so that most loans end well.
                let shares = IErc20::balanceOfCall { account: BORROWER };
                inner(store, share, &shares).and_then(|shares| {
                    let all = IErc4626::redeemCall {
                        shares,
                        receiver: BORROWER,
                        owner: BORROWER,
                    };
                    inner(store, share, &all).map(|_| ())
                })
            }
            _ => inner(store, LENDING, &ILending::accrueCall { assetId: id.get() }).map(|_| ()),
        };
    }
}

/// FLASH-1, FLASH-3, FLASH-8, LEND-4, LEND-13, LEND-14 over random loans with random acts inside: [`World`] checks
/// every invariant after each; nobody gains within a block, and a loan costs its fee.
#[test]
fn random_loans_gain_nothing() {
    let mut dice = Dice::new("random_loans_gain_nothing");
    let mut world = start();
    let assets = [native(&mut world, CASH), native(&mut world, CASH)];
    let pulled = world.inside(ROOM, CAROL, |cx| {
        let id = assets[0].1;
        lending::borrow(cx, id, BOBS, Assets::new(600_000)?)
    });
    pulled.expect("borrows");
    let inside = Arc::new(Mutex::new(Dice::new("random_loans_gain_nothing")));
    borrower(&mut world, move |store, lent| {
        let depth = u32::from(lent.len() == 1);
        // A loan inside a loan throws no dice: the lock is held.
        if let Ok(mut dice) = inside.try_lock() {
            mischief(store, &mut dice, assets, depth);
        }
        Ok(())
    });
    let (mut made, mut refused) = (0, 0);
    for _ in 0..2_000 {
        if dice.below(4) == 0 {
            world.wait_ms(u64::try_from(dice.below(10_000_000)).expect("small"));
        }
        let before = assets.map(|asset| worth(&world, asset, BORROWER));
        let indexes = assets.map(|(_, id)| market(&mut world, id).supplyIndex);
        let [(one, _), (two, _)] = assets;
        let units = [(); 2].map(|()| dice.amount(CASH));
        let call = if dice.below(2) == 0 {
            loan(dice.of(&[one, two]), n(units[0])).abi_encode()
        } else {
            many(&[(one, units[0]), (two, units[1])]).abi_encode()
        };
        let ended = world.raw(ALICE, FLASH, U256::ZERO, &call);
        *if ended.is_ok() {
            &mut made
        } else {
            &mut refused
        } += 1;
        let after = assets.map(|asset| worth(&world, asset, BORROWER));
        assert!(
            after[0] <= before[0] && after[1] <= before[1],
            "{before:?} became {after:?}"
        );
        let later = assets.map(|(_, id)| market(&mut world, id).supplyIndex);
        assert_eq!(indexes, later, "an index moved inside a block");
        for (token, _) in assets {
            let poor = world.balance(token, BORROWER) < n(CASH / 2);
            if poor {
                world.mint(token, BORROWER, CASH);
            }
        }
    }
    println!("{made} loans were made, {refused} refused");
    assert!(made > 300 && refused > 200, "{made} {refused}");
}
