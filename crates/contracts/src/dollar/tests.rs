//! The dollar by itself: verbs, errors, parameters.

mod faults;
mod flash;
mod incidents;
mod model;
mod redemption;
mod savings;
mod swaps;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, DebtShares, MS_PER_YEAR, Ray};

use super::{ADDRESS, Fulfilled, IDollar::*, InDollar, savings as saved};
use crate::{
    admin, dollar,
    erc4626::IErc4626,
    ledger::{self, ILedger},
    native,
    oracle::IOracle::FeedParams,
    position::{Line, Loss, Position},
    testkit::{
        ALICE, BOB, CAROL, OWNER, World, account,
        prices::{AT_ONCE, Reporter},
        words,
    },
    token::{self, ITokenFactory},
};

/// A native contract that moves units of accounts, as the account room does.
const ROOM: Address = account(0x77);
const ALICES: AccountId = AccountId::new(ALICE, 0);
const BOBS: AccountId = AccountId::new(BOB, 3);
const CAROLS: AccountId = AccountId::new(CAROL, 1);
/// One dollar.
const USD: u128 = 1_000_000_000_000_000_000;
const DAY_MS: u64 = 86_400_000;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

/// 5 % stability fee, 4 % savings, half a percent of redemptions; a million at once, an hour to refill.
fn params() -> DollarParams {
    DollarParams {
        stabilityBps: 500,
        savingsBps: 400,
        redemptionFeeBps: 50,
        refillS: 3_600,
        ceiling: n(10_000_000 * USD),
        headroom: n(1_000_000 * USD),
        redemptionMin: n(100 * USD),
        surplusFloor: n(0),
    }
}

/// A tenth of a percent in, a fifth out, half a percent of tolerance.
fn peg_params() -> PegParams {
    PegParams {
        feeInBps: 10,
        feeOutBps: 20,
        toleranceBps: 50,
        refillS: 3_600,
        cap: n(2_000_000 * USD),
        headroom: n(500_000 * USD),
    }
}

/// A world with a dollar.
#[derive(Clone)]
struct Scene {
    world: World,
    usd: Address,
    id: AssetId,
    reporter: Reporter,
}

impl Scene {
    fn new(params: DollarParams) -> Self {
        let mut world = World::new();
        let reporter = Reporter::new(&mut world);
        let (usd, id) = open(&mut world, params);
        Self {
            world,
            usd,
            id,
            reporter,
        }
    }

    /// A native contract's work.
    fn act<R>(&mut self, work: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>) -> Result<R, Halt> {
        self.world.inside(ROOM, ROOM, work)
    }

    fn mint(&mut self, who: AccountId, amount: u128) -> Result<DebtShares, Halt> {
        self.act(|cx| dollar::mint(cx, who, a(amount)))
    }

    fn repay(&mut self, who: AccountId, amount: u128) -> Result<Assets, Halt> {
        self.act(|cx| dollar::repay(cx, who, who, a(amount)))
    }

    fn write_off(&mut self, who: AccountId) -> Result<Loss, Halt> {
        self.act(|cx| dollar::write_off(cx, who))
    }

    fn debt(&mut self, who: AccountId) -> u128 {
        self.act(|cx| dollar::debt_up(cx, who))
            .expect("reads")
            .get()
    }

    fn free(&mut self, id: AssetId, who: AccountId) -> u128 {
        self.act(|cx| ledger::free(cx, id, who))
            .expect("reads")
            .get()
    }

    /// Mints for an account and sends the dollars to its owner's wallet.
    fn mint_to_wallet(&mut self, who: AccountId, amount: u128) {
        self.mint(who, amount).expect("minted");
        let id = self.id;
        self.act(|cx| ledger::push(cx, id, who, who.owner, a(amount)))
            .expect("pushed");
    }

    fn now(&mut self) -> Dollar {
        self.world.ok(BOB, ADDRESS, &dollarCall {})
    }

    /// A token with these decimals and this price, listed; everybody has a million of it in his wallet and as many
    /// in his account.
    fn asset(&mut self, decimals: u8, price: u128) -> (Address, AssetId) {
        self.asset_with(decimals, price, AT_ONCE)
    }

    /// The same with a feed of these parameters.
    fn asset_with(&mut self, decimals: u8, price: u128, feed: FeedParams) -> (Address, AssetId) {
        let create = ITokenFactory::createTokenCall {
            name: "Other".into(),
            symbol: "O".into(),
            decimals,
            owner: OWNER,
            grantDelayMs: 0,
        };
        let token = self.world.ok(OWNER, token::FACTORY_ADDRESS, &create);
        self.world.answer_calls(token);
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: n(0),
        };
        let list = ILedger::listAssetCall { token, limit };
        let id = AssetId::new(self.world.ok(OWNER, ledger::ADDRESS, &list));
        let rich = 1_000_000 * 10_u128.pow(decimals.into());
        for who in [ALICES, BOBS, CAROLS] {
            self.world.mint(token, who.owner, rich * 2);
            let pulled = self.world.inside(ROOM, who.owner, |cx| {
                ledger::pull(cx, id, who.owner, who, a(rich))
            });
            assert_eq!(pulled, Ok(a(rich)));
        }
        self.reporter.list(&mut self.world, id.get(), price, feed);
        (token, id)
    }

    fn say(&mut self, prices: &[(AssetId, u128)]) {
        let prices: Vec<_> = prices
            .iter()
            .map(|(id, price)| (id.get(), *price))
            .collect();
        self.reporter.say(&mut self.world, &prices);
    }

    #[track_caller]
    fn refuses<R: core::fmt::Debug>(
        &mut self,
        error: &impl SolError,
        verb: impl FnOnce(&mut Self) -> Result<R, Halt>,
    ) {
        let before = self.world.state();
        let halt = verb(self).expect_err("refused");
        assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
        assert_eq!(self.world.state(), before, "left traces");
    }
}

fn open(world: &mut World, params: DollarParams) -> (Address, AssetId) {
    // What is made and listed in one call must be reachable in it.
    let count = world.ok(
        BOB,
        token::FACTORY_ADDRESS,
        &ITokenFactory::tokenCountCall {},
    );
    let next = u64::try_from(count).expect("small") + 1;
    world.answer_calls(native(token::KIND, next));
    let usd = world.ok(OWNER, ADDRESS, &openCall { params });
    let id = world.ok(BOB, ledger::ADDRESS, &ILedger::assetOfCall { token: usd });
    (usd, AssetId::new(id))
}

#[test]
fn dol_12_it_opens_once_and_nobody_else_mints_or_burns() {
    let mut world = World::new();
    let closed = DollarNotOpen {};
    world.refused(BOB, ADDRESS, &dollarCall {}, &closed);
    world.refused(BOB, saved::ADDRESS, &IErc4626::assetCall {}, &closed);
    world.refused(BOB, ADDRESS, &accrueCall {}, &closed);
    let stranger = admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: ALICE,
        owner: OWNER,
    };
    let call = openCall { params: params() };
    world.refused(ALICE, ADDRESS, &call, &stranger);
    let (usd, id) = open(&mut world, params());
    let again = DollarOpenAlready { token: usd };
    world.refused(OWNER, ADDRESS, &call, &again);
    let now = world.ok(BOB, ADDRESS, &dollarCall {});
    assert_eq!((now.token, now.assetId), (usd, id.get()));
    assert_eq!(now.mintable, n(1_000_000 * USD));
    let meta = crate::erc20::IErc20::symbolCall {};
    assert_eq!(world.ok(BOB, usd, &meta), "usd");
    for caller in [OWNER, ALICE, ROOM] {
        let missing = |role| admin::IAdmin::AdminMissingRole {
            scope: usd,
            role,
            account: caller,
        };
        let mint = token::IToken::mintCall {
            to: caller,
            value: n(1),
        };
        world.refused(caller, usd, &mint, &missing(token::MINT));
        let burn = token::IToken::burnCall { value: n(0) };
        world.refused(caller, usd, &burn, &missing(token::BURN));
        let grant = admin::IAdmin::grantRoleCall {
            scope: usd,
            role: token::MINT,
            holder: caller,
            expiresMs: 0,
        };
        let not_owner = admin::IAdmin::AdminNotOwner {
            scope: usd,
            caller,
            owner: ADDRESS,
        };
        world.refused(caller, admin::ADDRESS, &grant, &not_owner);
    }
}

#[test]
fn a_debt_grows_by_the_fee_and_the_fee_is_surplus() {
    let mut scene = Scene::new(params());
    scene.mint(ALICES, 1_000 * USD).expect("minted");
    assert_eq!(scene.debt(ALICES), 1_000 * USD);
    assert_eq!(scene.free(scene.id, ALICES), 1_000 * USD);
    assert_eq!(scene.world.supply(scene.usd), n(1_000 * USD));
    scene.world.wait_ms(MS_PER_YEAR);
    // 5 % compounded: 1.05127083...
    let owed = scene.debt(ALICES);
    assert_eq!(owed / 1_000_000_000_000, 1_051_270_833);
    // The debt is rounded up, the income down.
    let income = n(owed - 1_000 * USD - 1);
    assert_eq!(scene.now().surplus, income);
    scene.world.ok(BOB, ADDRESS, &accrueCall {});
    assert_eq!(scene.world.supply(scene.usd), n(1_000 * USD) + income);
    let part = scene.repay(ALICES, 500 * USD);
    assert_eq!(part, Ok(a(500 * USD)));
    // What he lacks somebody else must have: the surplus holds the rest of the supply.
    scene.mint(BOBS, 600 * USD).expect("minted");
    let id = scene.id;
    scene
        .act(|cx| ledger::shift(cx, id, BOBS, ALICES, a(100 * USD)))
        .expect("shifted");
    let rest = scene.debt(ALICES);
    assert_eq!(scene.repay(ALICES, Assets::MAX.get()), Ok(a(rest)));
    assert_eq!(scene.debt(ALICES), 0);
    let event = scene.world.last_event::<DollarRepaid>(ADDRESS);
    assert_eq!((event.owner, event.amount), (ALICE, n(rest)));
}

#[test]
fn dol_4_the_ceiling_bounds_all_debts() {
    let mut scene = Scene::new(DollarParams {
        ceiling: n(1_000 * USD),
        ..params()
    });
    scene.mint(ALICES, 700 * USD).expect("minted");
    let ceiling = |debt, amount| DollarCeiling {
        debt: n(debt),
        amount: n(amount),
        ceiling: n(1_000 * USD),
    };
    let over = 300 * USD + 1;
    scene.refuses(&ceiling(700 * USD, over), |scene| scene.mint(BOBS, over));
    assert_eq!(scene.now().mintable, n(300 * USD));
    scene.mint(BOBS, 300 * USD).expect("up to the ceiling");
    scene.refuses(&ceiling(1_000 * USD, 1), |scene| scene.mint(BOBS, 1));
    // Fees may pass it; they stop nobody from paying.
    scene.world.wait_ms(MS_PER_YEAR);
    assert!(scene.now().debt > n(1_000 * USD));
    assert_eq!(scene.now().mintable, n(0));
    scene.repay(BOBS, 300 * USD).expect("repays");
}

#[test]
fn dol_4_a_mint_is_bounded_by_what_refills() {
    let mut scene = Scene::new(params());
    let full = |scene: &mut Scene, amount: u128, left: u128, wait_ms: u64| DollarHeadroom {
        amount: n(amount),
        left: n(left),
        resetsMs: if wait_ms == u64::MAX {
            wait_ms
        } else {
            scene.world.store.block_mut().time_ms + wait_ms
        },
    };
    let error = full(&mut scene, 1_000_001 * USD, 1_000_000 * USD, u64::MAX);
    scene.refuses(&error, |scene| scene.mint(ALICES, 1_000_001 * USD));
    scene.mint(ALICES, 1_000_000 * USD).expect("all at once");
    let error = full(&mut scene, 1, 0, 1);
    scene.refuses(&error, |scene| scene.mint(BOBS, 1));
    // A quarter of an hour refills a quarter.
    scene.world.wait_ms(900_000);
    assert_eq!(scene.now().mintable, n(250_000 * USD));
    let error = full(&mut scene, 500_000 * USD, 250_000 * USD, 900_000);
    scene.refuses(&error, |scene| scene.mint(BOBS, 500_000 * USD));
    scene.world.wait_ms(900_000);
    scene.mint(BOBS, 500_000 * USD).expect("as it said");
    // Whoever mints and repays takes nothing from others.
    scene.repay(BOBS, 500_000 * USD).expect("repays");
    assert_eq!(scene.now().mintable, n(500_000 * USD));
}

#[test]
fn dol_5_paying_is_never_paused() {
    let mut scene = Scene::new(params());
    scene.mint(ALICES, 1_000 * USD).expect("minted");
    let missing = admin::IAdmin::AdminMissingRole {
        scope: ADDRESS,
        role: admin::GUARD,
        account: ALICE,
    };
    let pause = |verbs| pauseCall { verbs };
    scene.world.refused(ALICE, ADDRESS, &pause(1), &missing);
    for verbs in [0, 8, 255] {
        let error = DollarParamOutOfRange {
            what: "verbs".into(),
            value: n(verbs.into()),
            min: n(1),
            max: n(7),
        };
        scene.world.refused(OWNER, ADDRESS, &pause(verbs), &error);
    }
    scene.world.ok(OWNER, ADDRESS, &pause(7));
    assert_eq!(scene.now().mintable, n(0));
    let paused = DollarPausedNow { verb: 1 };
    scene.refuses(&paused, |scene| scene.mint(ALICES, 1));
    // Not even a closed border of the dollar itself stops who owes.
    let freeze = ILedger::freezeCall {
        assetId: scene.id.get(),
    };
    scene.world.ok(OWNER, ledger::ADDRESS, &freeze);
    scene.repay(ALICES, 400 * USD).expect("repays");
    scene.world.ok(OWNER, ADDRESS, &unpauseCall { verbs: 7 });
    let frozen = ILedger::LedgerFrozen {
        assetId: scene.id.get(),
    };
    scene.refuses(&frozen, |scene| scene.mint(ALICES, 1));
}

/// The surplus bears first, then the hole; fees fill the hole before they are anybody's.
#[test]
fn dol_6_a_loss_falls_on_the_surplus_then_on_the_hole() {
    let mut scene = Scene::new(params());
    scene.mint(ALICES, 100_000 * USD).expect("minted");
    scene.mint(BOBS, 1_000 * USD).expect("minted");
    scene.mint(CAROLS, 20_000 * USD).expect("minted");
    scene.world.wait_ms(MS_PER_YEAR);
    let before = scene.now();
    let owed = scene.debt(BOBS);
    let loss = scene.write_off(BOBS).expect("written off");
    assert_eq!(
        loss,
        Loss {
            debt: a(owed),
            reserve: a(owed),
            lenders: a(0)
        }
    );
    assert_eq!(scene.now().surplus, before.surplus - n(owed));
    let (surplus, owed) = (scene.now().surplus, scene.debt(CAROLS));
    let loss = scene.write_off(CAROLS).expect("written off");
    assert_eq!(loss.debt, a(owed));
    assert_eq!(loss.reserve.to_u256(), surplus);
    assert_eq!(loss.lenders.to_u256() + surplus, n(owed));
    let now = scene.now();
    assert_eq!((now.surplus, now.hole), (n(0), loss.lenders.to_u256()));
    let event = scene.world.last_event::<DollarLossRealised>(ADDRESS);
    assert_eq!((event.surplus, event.hole), (surplus, now.hole));
    // Nobody's units fell.
    assert_eq!(scene.free(scene.id, CAROLS), 20_000 * USD);
    let (supply, hole) = (scene.world.supply(scene.usd), now.hole);
    scene.world.wait_ms(MS_PER_YEAR);
    scene.world.ok(BOB, ADDRESS, &accrueCall {});
    let now = scene.now();
    assert!(now.hole < hole && now.surplus.is_zero());
    assert_eq!(scene.world.supply(scene.usd), supply, "fees fill, unminted");
    for _ in 0..5 {
        scene.world.wait_ms(MS_PER_YEAR);
    }
    let now = scene.now();
    assert!(now.hole.is_zero() && !now.surplus.is_zero());
    let nothing = DollarInsufficientDebt {
        owner: BOB,
        index: 3,
        have: n(0),
        need: n(1),
    };
    scene.refuses(&nothing, |scene| scene.write_off(BOBS));
}

#[test]
fn dol_13_parameters_tighten_at_once_and_change_a_day_later() {
    let mut scene = Scene::new(params());
    scene.mint(ALICES, 1_000 * USD).expect("minted");
    let read = |scene: &mut Scene| scene.world.ok(BOB, ADDRESS, &paramsOfCall {});
    let set = |params: &DollarParams| setParamsCall {
        params: params.clone(),
    };
    let tight = DollarParams {
        ceiling: n(5_000 * USD),
        headroom: n(2_000 * USD),
        refillS: 7_200,
        ..params()
    };
    scene.world.ok(OWNER, ADDRESS, &set(&tight));
    assert_eq!(read(&mut scene).present, tight);
    let dear = DollarParams {
        stabilityBps: 5_000,
        ..tight
    };
    scene.world.ok(OWNER, ADDRESS, &set(&dear));
    let both = read(&mut scene);
    assert_eq!((both.present, both.next), (tight.clone(), dear.clone()));
    scene.world.wait_ms(DAY_MS - 1);
    assert_eq!(read(&mut scene).present, tight);
    // Whoever comes late finds the rate changed at its moment, not at his.
    let mut punctual = scene.clone();
    punctual.world.wait_ms(1);
    punctual.world.ok(BOB, ADDRESS, &accrueCall {});
    assert_eq!(read(&mut punctual).present, dear);
    punctual.world.wait_ms(MS_PER_YEAR);
    scene.world.wait_ms(MS_PER_YEAR + 1);
    let (late, punctual) = (scene.debt(ALICES), punctual.debt(ALICES));
    assert_eq!(late, punctual);
    assert_eq!(
        late / USD,
        1_646,
        "half a year's rate is 1 + 1/2 + 1/8 + 1/48"
    );
    assert_eq!(read(&mut scene).nextFromMs, 0);
    // Tightening takes back what was announced.
    scene.world.ok(OWNER, ADDRESS, &set(&params()));
    let tighter = DollarParams {
        ceiling: n(1),
        ..dear
    };
    scene.world.ok(OWNER, ADDRESS, &set(&tighter));
    scene.world.wait_ms(DAY_MS * 2);
    assert_eq!(read(&mut scene).present, tighter);
    let stranger = admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: ALICE,
        owner: OWNER,
    };
    scene
        .world
        .refused(ALICE, ADDRESS, &set(&params()), &stranger);
}

#[test]
fn parameters_have_ranges() {
    let mut scene = Scene::new(params());
    let most = Assets::MAX.get();
    type Change = fn(&mut DollarParams);
    let cases: [(&str, u128, u128, u128, Change); 9] = [
        ("stabilityBps", 5_001, 0, 5_000, |p| p.stabilityBps = 5_001),
        ("savingsBps", 5_001, 0, 5_000, |p| p.savingsBps = 5_001),
        ("redemptionFeeBps", 501, 0, 500, |p| {
            p.redemptionFeeBps = 501
        }),
        ("refillS", 59, 60, 604_800, |p| p.refillS = 59),
        ("refillS", 604_801, 60, 604_800, |p| p.refillS = 604_801),
        ("ceiling", most + 1, 0, most, |p| {
            p.ceiling = U256::ONE << 112;
        }),
        ("headroom", most + 1, 0, most, |p| {
            p.headroom = U256::ONE << 112;
        }),
        ("redemptionMin", USD - 1, USD, 1_000_000 * USD, |p| {
            p.redemptionMin = U256::from(USD - 1);
        }),
        ("surplusFloor", most + 1, 0, most, |p| {
            p.surplusFloor = U256::ONE << 112;
        }),
    ];
    for (what, value, min, max, change) in cases {
        let mut params = params();
        change(&mut params);
        let error = DollarParamOutOfRange {
            what: what.into(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        let set = setParamsCall { params };
        scene.world.refused(OWNER, ADDRESS, &set, &error);
    }
}

#[test]
fn bad_input_is_refused_by_name() {
    let mut scene = Scene::new(params());
    let zero = DollarZeroAmount {};
    scene.refuses(&zero, |scene| scene.mint(ALICES, 0));
    scene.refuses(&zero, |scene| scene.repay(ALICES, 0));
    let nothing = DollarInsufficientDebt {
        owner: ALICE,
        index: 0,
        have: n(0),
        need: n(1),
    };
    scene.refuses(&nothing, |scene| scene.repay(ALICES, 5));
    scene.mint(ALICES, 100).expect("minted");
    let poor = ILedger::LedgerInsufficient {
        owner: BOB,
        index: 3,
        assetId: scene.id.get(),
        have: n(0),
        need: n(50),
    };
    scene.refuses(&poor, |scene| {
        scene.act(|cx| dollar::repay(cx, BOBS, ALICES, a(50)))
    });
    let short = DollarInsufficientDebt {
        owner: ALICE,
        index: 0,
        have: n(100),
        need: n(101),
    };
    scene.refuses(&short, |scene| {
        let shares = DebtShares::new(101).expect("in range");
        scene.act(|cx| dollar::move_debt(cx, ALICES, BOBS, shares))
    });
    // Once a share owes more than a unit, a unit pays for none.
    scene.world.wait_ms(MS_PER_YEAR);
    let dust = DollarTooSmall {
        amount: n(1),
        least: n(2),
    };
    scene.refuses(&dust, |scene| scene.repay(ALICES, 1));
}

/// The highest rate for centuries: the index stops at the end of its range, and the debt can be paid.
#[test]
fn dol_5_no_time_makes_the_dollar_stop() {
    let mut scene = Scene::new(DollarParams {
        stabilityBps: 5_000,
        savingsBps: 5_000,
        ..params()
    });
    scene.mint_to_wallet(ALICES, 10 * USD);
    let deposit = IErc4626::depositCall {
        assets: n(USD),
        receiver: ALICE,
    };
    scene.world.ok(ALICE, saved::ADDRESS, &deposit);
    for _ in 0..300 {
        scene.world.wait_ms(MS_PER_YEAR);
        scene.world.ok(BOB, ADDRESS, &accrueCall {});
    }
    assert!(scene.debt(ALICES) > 1 << 100);
    let redeem = IErc4626::redeemCall {
        shares: scene.world.balance(saved::ADDRESS, ALICE),
        receiver: ALICE,
        owner: ALICE,
    };
    let got = scene.world.ok(ALICE, saved::ADDRESS, &redeem);
    assert!(got > n(USD));
    let (id, back) = (scene.id, scene.world.balance(scene.usd, ALICE));
    let back = Assets::from_u256(back).expect("in range");
    scene
        .world
        .inside(ROOM, ALICE, |cx| ledger::pull(cx, id, ALICE, ALICES, back))
        .expect("pulled");
    scene.repay(ALICES, back.get()).expect("a part");
    scene.write_off(ALICES).expect("the rest");
    assert_eq!(scene.debt(ALICES), 0);
}

/// The position answers what the debt is, and never drifts faster than it says.
#[test]
fn the_position_is_the_debt() {
    let mut scene = Scene::new(params());
    let id = scene.id;
    scene.mint(ALICES, 1_000 * USD).expect("minted");
    scene.world.wait_ms(MS_PER_YEAR / 3);
    let owed = scene.debt(ALICES);
    let line = |scene: &mut Scene, who, id| scene.act(|cx| InDollar.assess(cx, who, id));
    let expected = Line {
        held: a(0),
        owed: a(owed),
    };
    assert_eq!(line(&mut scene, ALICES, id), Ok(expected));
    let other = AssetId::new(id.get() + 1);
    assert_eq!(line(&mut scene, ALICES, other), Ok(Line::EMPTY));
    let dear = DollarParams {
        stabilityBps: 5_000,
        ..params()
    };
    // A change announced today counts tomorrow at the earliest: the bound knows it from now on.
    for announce in [false, true] {
        if announce {
            let set = setParamsCall {
                params: dear.clone(),
            };
            scene.world.ok(OWNER, ADDRESS, &set);
        }
        for part in [1, 1_000, DAY_MS / 2, DAY_MS] {
            let mut later = scene.clone();
            let bound = later.act(|cx| InDollar.drift_bound(cx, id)).expect("reads");
            let before = later.debt(ALICES);
            later.world.wait_ms(part);
            let most = bound.over_ms_down(part).expect("in range");
            let most = most.of_up(n(before)).expect("in range") + n(1);
            let grown = n(later.debt(ALICES) - before);
            assert!(grown <= most, "{grown} in {part} ms, {most} at most");
        }
    }
    scene
        .act(|cx| InDollar.transfer(cx, id, ALICES, BOBS))
        .expect("moved");
    assert_eq!((scene.debt(ALICES), scene.debt(BOBS)), (0, owed));
    let paid = scene.act(|cx| InDollar.repay(cx, id, ALICES, BOBS, a(10)));
    assert_eq!(paid, Ok(a(10)));
    let paid = scene.act(|cx| InDollar.repay(cx, id, ALICES, CAROLS, a(10)));
    assert_eq!(paid, Ok(a(0)), "who owes nothing pays nothing");
    let paid = scene.act(|cx| InDollar.repay(cx, id, ALICES, BOBS, a(1)));
    assert_eq!(paid, Ok(a(0)), "less than a debt share pays for nothing");
    let reserve = scene.act(|cx| InDollar.reserve_down(cx, id));
    let loss = scene
        .act(|cx| InDollar.write_off(cx, BOBS, id))
        .expect("gone");
    assert_eq!(reserve, Ok(loss.reserve));
    assert_eq!(scene.debt(BOBS), 0);
}

/// Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.
#[test]
fn every_check_can_fail() {
    use super::book::STATE;
    let (mut scene, _, peg) = swaps::pegged(peg_params());
    scene
        .world
        .ok(ALICE, ADDRESS, &swaps::into(peg, 1_000_000_000));
    scene.mint(BOBS, 1_000 * USD).expect("minted");
    let deposit = IErc4626::depositCall {
        assets: n(100 * USD),
        receiver: ALICE,
    };
    scene.world.ok(ALICE, saved::ADDRESS, &deposit);
    let call = redemption::request(200 * USD);
    scene.world.ok(ALICE, ADDRESS, &call);
    let other = scene.world.create_token(0);
    let usd = scene.usd;
    let check = |spoil: &dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>, id: &str| {
        let mut world = scene.world.clone();
        world.store.next_transaction(u64::MAX);
        spoil(&mut world.store.frame(ADDRESS, ADDRESS)).expect("spoiled");
        let broken = crate::invariant::check_all(&world.store).expect_err(id);
        assert_eq!(broken.id, id, "{broken}");
    };
    check(
        &|cx| token::mint(&mut cx.enter(usd), ALICE, n(USD)),
        "DOL-1",
    );
    let one = DebtShares::new(1).expect("in range");
    check(&|cx| STATE.total_debts.add(cx, one), "DOL-2");
    type Change = fn(&mut super::state::Book);
    let book: [(Change, &str); 4] = [
        (|book| book.borrow_index = Ray::from_bps(1), "DOL-3"),
        (|book| book.savings_index = Ray::from_bps(10_001), "DOL-7"),
        (|book| book.savings = Assets::MAX, "DOL-7"),
        (|book| book.surplus = Assets::MAX, "DOL-8"),
    ];
    for (change, id) in book {
        check(
            &|cx| {
                STATE.book.update(cx, |book| {
                    change(book);
                    Ok(())
                })?;
                Ok(())
            },
            id,
        );
    }
    check(&|cx| STATE.escrow.add(cx, a(1)), "DOL-8");
    check(&|cx| STATE.reserves.at(peg).add(cx, a(1)), "DOL-9");
    check(
        &|cx| {
            STATE.ends.update(cx, |ends| {
                ends.last = 7;
                Ok(())
            })?;
            Ok(())
        },
        "DOL-11",
    );
    check(&|cx| STATE.token.save(cx, other), "DOL-12");
}
