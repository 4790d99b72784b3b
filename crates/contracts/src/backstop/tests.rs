//! Stakes by themselves: losses, rewards, leaving, generations, the sale of goods.

mod leaving;
mod model;
mod selling;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS, CAP_MAX, CHANGE_DELAY_MS, GOODS,
    IBackstop::*,
    POT, SEED_MIN,
    share::{IStakeShare::*, address_of},
};
use crate::{
    SystemKind,
    admin::{self, IAdmin},
    backstop,
    erc20::IErc20::{self, *},
    erc4626::IErc4626::{self, *},
    ledger::{self, ILedger},
    oracle::{self, IOracle},
    testkit::{
        ALICE, BOB, CAROL, OWNER, World, account,
        fault::check_every_fault,
        foreign::{Token, Whim},
        sign, words,
    },
};

/// A native contract that acts for accounts, as the account room does.
const ROOM: Address = account(0x77);
const REPORTER: Address = account(0x31);
/// Where losses are, and what is liquidated.
const MARKET: AccountId = AccountId::new(account(0x4d), 0);
const PAYER: AccountId = AccountId::new(account(0x50), 1);
/// What wallets and accounts begin with.
const RICH: u128 = 1_000_000_000_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// One dollar.
const USD: u128 = 1_000_000_000_000_000_000;
const VIRTUAL: u128 = 1_000;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

fn small(value: U256) -> u128 {
    u128::try_from(value).expect("small")
}

pub(super) fn params() -> StakeParams {
    StakeParams {
        cap: n(CAP_MAX),
        cooldownMs: 10 * DAY_MS,
        windowMs: 2 * DAY_MS,
        rewardMs: 10 * HOUR_MS,
        saleMs: HOUR_MS,
        saleStartBps: 11_000,
        saleFloorBps: 7_000,
    }
}

/// A stake of one token, goods of another, prices of both.
#[derive(Clone)]
struct Scene {
    world: World,
    token: Address,
    id: AssetId,
    share: Address,
    goods_token: Address,
    goods: AssetId,
    round: u64,
}

fn list(world: &mut World, token: Address) -> AssetId {
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let list = ILedger::listAssetCall { token, limit };
    AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list))
}

impl Scene {
    fn new() -> Self {
        Self::with(params())
    }

    fn with(params: StakeParams) -> Self {
        let mut world = World::new();
        let (token, goods_token) = (world.create_token(0), world.create_token(0));
        let (id, goods) = (list(&mut world, token), list(&mut world, goods_token));
        for (token, asset) in [(token, id), (goods_token, goods)] {
            for who in [OWNER, ALICE, BOB, CAROL] {
                world.mint(token, who, RICH);
            }
            world.mint(token, OWNER, 3 * RICH);
            for who in [MARKET, PAYER] {
                let pulled = world.inside(ROOM, OWNER, |cx| {
                    ledger::pull(cx, asset, OWNER, who, a(RICH))
                });
                assert_eq!(pulled, Ok(a(RICH)));
            }
        }
        let open = openStakeCall {
            assetId: id.get(),
            params,
            seed: n(SEED_MIN),
        };
        let share = world.ok(OWNER, ADDRESS, &open);
        assert_eq!(share, address_of(id));
        Self {
            world,
            token,
            id,
            share,
            goods_token,
            goods,
            round: 0,
        }
    }

    /// The same, where a whole token of goods is worth two of the stake's.
    fn priced() -> Self {
        let mut scene = Self::new();
        let grant = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: REPORTER,
            expiresMs: 0,
        };
        let world = &mut scene.world;
        world.ok(OWNER, admin::ADDRESS, &grant);
        let add = IOracle::addReporterCall { reporter: REPORTER };
        world.ok(OWNER, oracle::ADDRESS, &add);
        for (asset, reference) in [(scene.id, USD), (scene.goods, 2 * USD)] {
            let list = IOracle::listFeedCall {
                assetId: asset.get(),
                description: "TEST / USD".into(),
                referencePrice: reference,
                params: IOracle::FeedParams {
                    quorum: 1,
                    reacceptRounds: 2,
                    bandBps: 10_000,
                    bandWidenBpsPerMin: 10_000,
                    confidenceBpsMax: 5_000,
                    growthBpsPerYear: 0,
                    staleMs: 172_800_000,
                    smoothMs: 0,
                    outageMs: 604_800_000,
                    graceMs: 0,
                    stillMs: 0,
                },
            };
            scene.world.ok(OWNER, oracle::ADDRESS, &list);
        }
        for _ in 0..3 {
            scene.report(USD, 2 * USD);
        }
        scene
    }

    fn report(&mut self, price: u128, goods_price: u128) {
        self.world.wait_ms(1);
        self.round += 1;
        let entry = |asset: AssetId, price| IOracle::Entry {
            assetId: asset.get(),
            price,
            confidenceBps: 10,
        };
        let report = IOracle::Report {
            round: self.round,
            timeMs: self.now_ms(),
            entries: vec![entry(self.id, price), entry(self.goods, goods_price)],
        };
        let (r, s) = sign(oracle::digest(31_337, &report), REPORTER);
        let signed = IOracle::SignedReport {
            reporter: REPORTER,
            report,
            v: 27,
            r,
            s,
        };
        let input = oracle::encode_reports(&[signed]);
        let taken = self.world.system(SystemKind::Prices, &input);
        taken.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }

    fn now_ms(&mut self) -> u64 {
        self.world.store.block_mut().time_ms
    }

    fn act<R>(&mut self, verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>) -> Result<R, Halt> {
        self.world.inside(ROOM, ROOM, verb)
    }

    fn free(&mut self, asset: AssetId, who: AccountId) -> u128 {
        let free = self.act(|cx| ledger::free(cx, asset, who));
        free.expect("reads").get()
    }

    fn cover(&mut self, loss: u128) -> u128 {
        let id = self.id;
        let paid = self.act(|cx| backstop::cover(cx, id, a(loss), to_market(id)));
        paid.expect("covers").get()
    }

    fn pay_in(&mut self, amount: u128) {
        let pay_in = pay_in(self.id, amount);
        assert_eq!(self.world.ok(OWNER, ADDRESS, &pay_in), n(amount));
    }

    fn take_over(&mut self, pay: u128, goods: u128) {
        let (id, goods_id) = (self.id, self.goods);
        let taken =
            self.act(|cx| backstop::take_over(cx, id, a(pay), MARKET, goods_id, a(goods), PAYER));
        assert_eq!(taken, Ok(()));
    }

    fn stake(&self) -> Stake {
        let asset_id = self.id.get();
        self.world.view(ADDRESS, &stakeCall { assetId: asset_id })
    }

    fn assets(&self) -> u128 {
        small(self.stake().assets)
    }

    fn deposit(&mut self, who: Address, assets: u128) -> u128 {
        let deposit = depositCall {
            assets: n(assets),
            receiver: who,
        };
        small(self.world.ok(who, self.share, &deposit))
    }

    fn worth(&self, shares: u128) -> u128 {
        let call = convertToAssetsCall { shares: n(shares) };
        small(self.world.view(self.share, &call))
    }

    fn shares(&self, who: Address) -> u128 {
        small(self.world.balance(self.share, who))
    }

    /// Requests, waits, and is in the window.
    fn ripen(&mut self, who: Address, shares: u128) {
        let request = requestUnstakeCall { shares: n(shares) };
        let times = self.world.ok(who, self.share, &request);
        let now_ms = self.now_ms();
        self.world.wait_ms(times.readyMs - now_ms);
    }

    fn redeem(&mut self, who: Address, shares: u128) -> u128 {
        small(self.world.ok(who, self.share, &redeem(who, shares)))
    }

    #[track_caller]
    fn refuses<R: core::fmt::Debug>(
        &mut self,
        error: &impl SolError,
        verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
    ) {
        let before = self.world.state();
        let halt = self.act(verb).expect_err("refused");
        assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
        assert_eq!(self.world.state(), before, "left traces");
    }
}

/// Pays a loss to the market by moving units.
fn to_market(id: AssetId) -> impl FnOnce(&mut Ctx<'_>, AccountId, Assets) -> Result<Assets, Halt> {
    move |cx, payer, amount| ledger::shift(cx, id, payer, MARKET, amount).map(|()| amount)
}

fn pay_in(id: AssetId, amount: u128) -> payInCall {
    payInCall {
        assetId: id.get(),
        amount: n(amount),
    }
}

fn redeem(who: Address, shares: u128) -> redeemCall {
    redeemCall {
        shares: n(shares),
        receiver: who,
        owner: who,
    }
}

#[test]
fn a_stake_earns_bears_and_leaves() {
    let mut scene = Scene::new();
    let alices = scene.deposit(ALICE, 1_000_000);
    assert_eq!(alices, 1_000_000_000);
    let bobs = scene.deposit(BOB, 3_000_000);
    assert_eq!(scene.assets(), 4_001_000);
    scene.pay_in(400_101);
    scene.world.wait_ms(10 * HOUR_MS);
    assert_eq!(
        (scene.worth(alices), scene.worth(bobs)),
        (1_100_000, 3_300_000)
    );
    assert_eq!(scene.cover(2_200_550), 2_200_550);
    assert_eq!(scene.free(scene.id, MARKET), RICH + 2_200_550);
    assert_eq!(
        (scene.worth(alices), scene.worth(bobs)),
        (550_000, 1_650_001)
    );
    scene.ripen(BOB, bobs);
    assert_eq!(scene.redeem(BOB, bobs), 1_650_001);
    assert_eq!(
        scene.world.balance(scene.token, BOB),
        n(RICH - 3_000_000 + 1_650_001)
    );
    let share = scene.share;
    assert_eq!(scene.world.view(share, &assetCall {}), scene.token);
    assert_eq!(scene.world.view(share, &nameCall {}), "Staked TT");
    assert_eq!(scene.world.view(share, &symbolCall {}), "stkTT");
    assert_eq!(scene.world.view(share, &decimalsCall {}), 9);
}

/// Whatever rewards come while others flow, each millisecond pays its part, and at the end everything is paid.
#[test]
fn back_2_rewards_flow_evenly_and_whole() {
    let mut scene = Scene::new();
    scene.deposit(ALICE, 9_000);
    let before = scene.assets();
    scene.pay_in(36_000);
    for hour in 1..=5 {
        scene.world.wait_ms(HOUR_MS);
        assert_eq!(scene.assets(), before + hour * 3_600);
    }
    // 18,000 are left for five hours; 18,000 more for ten: together they flow for seven and a half.
    scene.pay_in(18_000);
    assert_eq!(scene.assets(), before + 18_000);
    let now_ms = scene.now_ms();
    assert_eq!(scene.stake().rewardEndMs, now_ms + 15 * HOUR_MS / 2);
    scene.world.wait_ms(HOUR_MS);
    assert_eq!(scene.assets(), before + 18_000 + 4_800);
    // Crumbs hold nothing back: the end moves by at most their part.
    for _ in 0..100 {
        scene.world.wait_ms(1_000);
        scene.pay_in(1);
    }
    let end_ms = scene.stake().rewardEndMs;
    assert!(
        end_ms < now_ms + 15 * HOUR_MS / 2 + HOUR_MS / 20,
        "{end_ms}"
    );
    scene.world.wait_ms(10 * HOUR_MS);
    assert_eq!(scene.assets(), before + 54_100);
    assert_eq!(scene.stake().unreleased, n(0));
}

#[test]
fn back_3_shares_sum_up_to_their_supply() {
    let mut scene = Scene::new();
    let shares = scene.deposit(ALICE, 5_000);
    let transfer = transferCall {
        to: BOB,
        value: n(shares / 3),
    };
    scene.world.ok(ALICE, scene.share, &transfer);
    scene.ripen(BOB, shares / 3);
    scene.redeem(BOB, shares / 6);
    let left = [ALICE, BOB, ADDRESS, scene.share].map(|who| scene.shares(who));
    assert_eq!(
        left.iter().sum::<u128>(),
        small(scene.world.supply(scene.share))
    );
    assert_eq!(
        left,
        [
            shares - shares / 3,
            0,
            SEED_MIN * VIRTUAL,
            shares / 3 - shares / 6
        ]
    );
}

/// Losses fall on all alike, on those that wait too; what flows later is taken last.
#[test]
fn back_6_a_loss_is_borne_by_all_shares_alike() {
    let mut scene = Scene::new();
    let (alices, bobs) = (scene.deposit(ALICE, 499_000), scene.deposit(BOB, 500_000));
    scene.ripen(BOB, bobs);
    assert_eq!(scene.cover(250_000), 250_000);
    let event = scene.world.last_event::<Slashed>(ADDRESS);
    assert_eq!(
        (event.loss, event.paid, event.left),
        (n(250_000), n(250_000), n(750_000))
    );
    assert_eq!((scene.worth(alices), scene.worth(bobs)), (374_250, 375_000));
    assert_eq!(scene.redeem(BOB, bobs), 375_000);
    scene.pay_in(100_000);
    let id = scene.id;
    let available = scene.act(|cx| backstop::available_down(cx, id));
    assert_eq!(available, Ok(a(375_000)));
    scene.world.wait_ms(5 * HOUR_MS);
    // 425,000 are the stakers', 50,000 are still to flow.
    assert_eq!(scene.cover(435_000), 435_000);
    assert_eq!(
        (scene.assets(), small(scene.stake().unreleased)),
        (0, 40_000)
    );
    scene.world.wait_ms(5 * HOUR_MS / 2);
    assert_eq!(scene.assets(), 20_000);
    assert_eq!(scene.cover(1_000_000), 40_000);
    assert_eq!(scene.cover(1), 0);
    assert_eq!(scene.free(id, POT), 0);
    let other = scene.goods;
    let none = scene.act(|cx| backstop::cover(cx, other, a(5), to_market(other)));
    assert_eq!(none, Ok(a(0)));
    assert_eq!(
        scene.act(|cx| backstop::available_down(cx, other)),
        Ok(a(0))
    );
}

/// Who held shares of a stake that was consumed takes nothing from those who stake afterwards, by any verb.
#[test]
fn back_7_shares_of_a_dead_generation_take_nothing() {
    for (left, reward) in [(0, 0), (0, 5_000), (9, 0), (99, 777)] {
        let mut scene = Scene::new();
        let alices = scene.deposit(ALICE, 999_000);
        scene.ripen(ALICE, alices / 2);
        let approve = approveCall {
            spender: BOB,
            value: U256::MAX,
        };
        scene.world.ok(ALICE, scene.share, &approve);
        if reward > 0 {
            scene.pay_in(reward);
        }
        assert_eq!(scene.cover(1_000_000 - left), 1_000_000 - left);
        // Until somebody stakes, the old shares are worth what is left.
        assert_eq!(scene.shares(ALICE), alices - alices / 2);
        let preview = previewDepositCall { assets: n(500_000) };
        assert_eq!(scene.world.view(scene.share, &preview), n(500_000_000));
        let carols = scene.deposit(CAROL, 500_000);
        assert_eq!(carols, 500_000_000, "{left} left");
        let event = scene.stake();
        assert_eq!(event.generation, 2);
        assert_eq!(scene.worth(carols), 500_000);
        // Alice has nothing and can do nothing.
        assert_eq!(scene.shares(ALICE), 0);
        let empty = IErc20::ERC20InsufficientBalance {
            sender: ALICE,
            balance: n(0),
            needed: n(1),
        };
        let transfer = transferCall {
            to: BOB,
            value: n(1),
        };
        scene.world.refused(ALICE, scene.share, &transfer, &empty);
        let request = requestUnstakeCall { shares: n(1) };
        scene.world.refused(ALICE, scene.share, &request, &empty);
        let none = BackstopNotRequested {
            assetId: scene.id.get(),
            owner: ALICE,
            requested: n(0),
            needed: n(1_000),
        };
        scene
            .world
            .refused(ALICE, scene.share, &redeem(ALICE, 1_000), &none);
        let none = BackstopNotRequested {
            needed: n(1),
            ..none
        };
        scene
            .world
            .refused(ALICE, scene.share, &cancelUnstakeCall {}, &none);
        scene.world.wait_ms(DAY_MS);
        assert_eq!(scene.worth(carols), 500_000);
        // What was left is the seed's, which nobody can take out.
        assert_eq!(scene.shares(ADDRESS), (left + reward) * VIRTUAL);
        scene.ripen(CAROL, carols);
        assert_eq!(scene.redeem(CAROL, carols), 500_000);
    }
}

/// A stake that lost nearly everything, but is not ruined, goes on: old and new shares are worth what they should.
#[test]
fn back_7_a_stake_that_is_not_ruined_goes_on() {
    let mut scene = Scene::new();
    let alices = scene.deposit(ALICE, 999_999_000);
    scene.cover(999_800_000);
    let bobs = scene.deposit(BOB, 200_000);
    assert_eq!(scene.stake().generation, 1);
    assert_eq!((scene.worth(alices), scene.worth(bobs)), (200_000, 199_999));
    // Rewards before anybody came revive a consumed stake, and its shares.
    let mut scene = Scene::new();
    let alices = scene.deposit(ALICE, 999_000);
    scene.pay_in(500_000);
    scene.cover(1_000_000);
    assert_eq!(scene.worth(alices), 0);
    scene.world.wait_ms(10 * HOUR_MS);
    assert_eq!(scene.worth(alices), 499_500);
    scene.deposit(BOB, 1_000);
    assert_eq!(scene.stake().generation, 1);
}

#[test]
fn back_8_a_donation_changes_nothing() {
    let mut scene = Scene::new();
    let alices = scene.deposit(ALICE, 1_000);
    let before = (scene.stake(), scene.worth(alices));
    let id = scene.id;
    let gift = |cx: &mut Ctx<'_>| {
        ledger::shift(cx, id, PAYER, POT, a(RICH / 2))?;
        ledger::shift(cx, id, PAYER, GOODS, a(5))
    };
    scene.act(gift).expect("shifts");
    let (token, share) = (scene.token, scene.share);
    for to in [ADDRESS, share, ledger::ADDRESS] {
        let transfer = transferCall { to, value: n(7) };
        scene.world.ok(CAROL, token, &transfer);
    }
    assert_eq!((scene.stake(), scene.worth(alices)), before);
    assert_eq!(scene.deposit(BOB, 1_000), alices);
    assert_eq!(scene.cover(RICH / 4), 3_000);
}

/// A first deposit of any size beside any gift: who comes next loses at most a unit.
#[test]
fn back_8_a_small_first_deposit_takes_nothing_from_the_second() {
    for first in [1, 2, 999, 1_000_000] {
        for reward in [0, 1, 1_000_000, RICH / 2] {
            let mut scene = Scene::new();
            scene.deposit(ALICE, first);
            if reward > 0 {
                scene.pay_in(reward);
                scene.world.wait_ms(10 * HOUR_MS);
            }
            for victim in [1_000, 1_000_000_007] {
                let put = depositCall {
                    assets: n(victim),
                    receiver: BOB,
                };
                let mut scene = scene.clone();
                match scene.world.call(BOB, scene.share, &put) {
                    Ok(shares) => {
                        let worth = scene.worth(small(shares));
                        let price = scene.assets() / (small(scene.stake().shares) + VIRTUAL);
                        assert!(worth + price + 1 >= victim, "{victim} became {worth}");
                    }
                    Err(halt) => {
                        let error = BackstopTooSmall {
                            assetId: scene.id.get(),
                            amount: n(victim),
                        };
                        assert_eq!(halt, Halt::revert(&error), "{}", words(&halt));
                    }
                }
            }
        }
    }
}

#[test]
fn back_11_nobody_takes_the_seed() {
    let mut scene = Scene::new();
    assert_eq!(scene.shares(ADDRESS), SEED_MIN * VIRTUAL);
    let take = transferFromCall {
        from: ADDRESS,
        to: ALICE,
        value: n(1),
    };
    let refused = IErc20::ERC20InsufficientAllowance {
        spender: OWNER,
        allowance: n(0),
        needed: n(1),
    };
    scene.world.refused(OWNER, scene.share, &take, &refused);
    let leave = redeemCall {
        shares: n(1_000),
        receiver: OWNER,
        owner: ADDRESS,
    };
    let refused = IErc20::ERC20InsufficientAllowance {
        needed: n(1_000),
        ..refused
    };
    scene.world.refused(OWNER, scene.share, &leave, &refused);
}

#[test]
fn back_12_parameters_stay_in_range_and_wait_a_day() {
    let mut scene = Scene::new();
    let number = scene.id.get();
    let set = |params: StakeParams| setParamsCall {
        assetId: number,
        params,
    };
    type Change = fn(&mut StakeParams);
    let cases: [(&str, Change, u128, u128, u128); 13] = [
        ("cap", |p| p.cap = n(CAP_MAX + 1), CAP_MAX + 1, 0, CAP_MAX),
        (
            "cooldownMs",
            |p| p.cooldownMs = 3_599_999,
            3_599_999,
            3_600_000,
            7_776_000_000,
        ),
        (
            "cooldownMs",
            |p| p.cooldownMs = 7_776_000_001,
            7_776_000_001,
            3_600_000,
            7_776_000_000,
        ),
        ("windowMs", |p| p.windowMs = 0, 0, 3_600_000, 2_592_000_000),
        (
            "windowMs",
            |p| p.windowMs = 2_592_000_001,
            2_592_000_001,
            3_600_000,
            2_592_000_000,
        ),
        ("rewardMs", |p| p.rewardMs = 0, 0, 3_600_000, 31_536_000_000),
        (
            "rewardMs",
            |p| p.rewardMs = 31_536_000_001,
            31_536_000_001,
            3_600_000,
            31_536_000_000,
        ),
        (
            "saleMs",
            |p| p.saleMs = 59_999,
            59_999,
            60_000,
            2_592_000_000,
        ),
        (
            "saleMs",
            |p| p.saleMs = 2_592_000_001,
            2_592_000_001,
            60_000,
            2_592_000_000,
        ),
        (
            "saleStartBps",
            |p| p.saleStartBps = 9_999,
            9_999,
            10_000,
            20_000,
        ),
        (
            "saleStartBps",
            |p| p.saleStartBps = 20_001,
            20_001,
            10_000,
            20_000,
        ),
        ("saleFloorBps", |p| p.saleFloorBps = 999, 999, 1_000, 10_000),
        (
            "saleFloorBps",
            |p| p.saleFloorBps = 10_001,
            10_001,
            1_000,
            10_000,
        ),
    ];
    for (what, change, value, min, max) in cases {
        let mut bad = params();
        change(&mut bad);
        let error = BackstopParamOutOfRange {
            what: what.into(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        scene.world.refused(OWNER, ADDRESS, &set(bad), &error);
    }
    let stranger = IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: ALICE,
        owner: OWNER,
    };
    scene
        .world
        .refused(ALICE, ADDRESS, &set(params()), &stranger);
    let seen = |scene: &Scene| {
        let call = paramsOfCall { assetId: number };
        scene.world.view(ADDRESS, &call)
    };
    let capped = StakeParams {
        cap: n(5_000),
        ..params()
    };
    scene.world.ok(OWNER, ADDRESS, &set(capped.clone()));
    assert_eq!((seen(&scene).present, seen(&scene).nextFromMs), (capped, 0));
    let put = depositCall {
        assets: n(4_001),
        receiver: ALICE,
    };
    let cap = BackstopCap {
        assetId: number,
        assets: n(1_000),
        amount: n(4_001),
        cap: n(5_000),
    };
    scene.world.refused(ALICE, scene.share, &put, &cap);
    let most = maxDepositCall { receiver: ALICE };
    assert_eq!(scene.world.view(scene.share, &most), n(4_000));
    let shares = scene.deposit(ALICE, 4_000);
    assert_eq!(scene.world.view(scene.share, &most), n(0));
    // Longer to leave: only who requests from tomorrow on waits longer.
    let longer = StakeParams {
        cooldownMs: 20 * DAY_MS,
        ..params()
    };
    scene.world.ok(OWNER, ADDRESS, &set(longer));
    let now_ms = scene.now_ms();
    assert_eq!(seen(&scene).nextFromMs, now_ms + CHANGE_DELAY_MS);
    scene.world.wait_ms(CHANGE_DELAY_MS - 1);
    let request = requestUnstakeCall {
        shares: n(shares / 2),
    };
    let times = scene.world.ok(ALICE, scene.share, &request);
    assert_eq!(times.readyMs, now_ms + CHANGE_DELAY_MS - 1 + 10 * DAY_MS);
    scene.world.wait_ms(1);
    let times = scene.world.ok(ALICE, scene.share, &request);
    assert_eq!(times.readyMs, now_ms + CHANGE_DELAY_MS + 20 * DAY_MS);
}

#[test]
fn staking_and_the_sale_can_be_paused() {
    let mut scene = Scene::new();
    let number = scene.id.get();
    let pause = |verbs| pauseCall {
        assetId: number,
        verbs,
    };
    let missing = IAdmin::AdminMissingRole {
        scope: ADDRESS,
        role: admin::GUARD,
        account: ALICE,
    };
    scene.world.refused(ALICE, ADDRESS, &pause(1), &missing);
    for verbs in [0, 4, 255] {
        let error = BackstopParamOutOfRange {
            what: "verbs".into(),
            value: n(verbs.into()),
            min: n(1),
            max: n(3),
        };
        scene.world.refused(OWNER, ADDRESS, &pause(verbs), &error);
    }
    scene.world.ok(OWNER, ADDRESS, &pause(1));
    let paused = BackstopPaused {
        assetId: number,
        verb: 1,
    };
    let put = depositCall {
        assets: n(5),
        receiver: ALICE,
    };
    scene.world.refused(ALICE, scene.share, &put, &paused);
    let unpause = unpauseCall {
        assetId: number,
        verbs: 1,
    };
    scene.world.ok(OWNER, ADDRESS, &unpause);
    scene.world.ok(ALICE, scene.share, &put);
}

/// A reward is seen coming; who stakes just before it and leaves as soon as he can gets his part of what flowed
/// meanwhile and no more, and who comes and goes within a block gets nothing.
#[test]
fn back_13_a_reward_pays_nobody_who_comes_for_it() {
    let mut scene = Scene::new();
    scene.deposit(ALICE, 99_000);
    let bobs = scene.deposit(BOB, 900_000);
    scene.pay_in(1_000_000);
    assert_eq!(scene.worth(bobs), 900_000);
    scene.ripen(BOB, bobs);
    // Ten days of cooldown are longer than the reward: he earned as one who stayed.
    assert_eq!(scene.redeem(BOB, bobs), 900_000 + 900_000 - 1);
    let mut scene = Scene::with(StakeParams {
        cooldownMs: HOUR_MS,
        rewardMs: 100 * HOUR_MS,
        ..params()
    });
    scene.deposit(ALICE, 99_000);
    let bobs = scene.deposit(BOB, 900_000);
    scene.pay_in(1_000_000);
    scene.ripen(BOB, bobs);
    assert_eq!(scene.redeem(BOB, bobs), 909_000 - 1);
}

/// The block liquidates where no foreign code may run, whatever borders are closed.
#[test]
fn back_14_the_account_room_needs_no_border() {
    let mut scene = Scene::new();
    scene.deposit(ALICE, 99_000);
    for asset in [scene.id, scene.goods] {
        let freeze = ILedger::freezeCall {
            assetId: asset.get(),
        };
        scene.world.ok(OWNER, ledger::ADDRESS, &freeze);
    }
    scene.world.store.set_system_phase(true);
    scene.take_over(40_000, 25_000);
    assert_eq!(scene.cover(10_000), 10_000);
    assert_eq!(scene.assets(), 50_000);
    assert_eq!(scene.free(scene.goods, GOODS), 25_000);
}

#[test]
fn bad_input_is_refused_by_name() {
    let mut scene = Scene::new();
    let (number, other) = (scene.id.get(), scene.goods);
    let open = |asset_id, seed| openStakeCall {
        assetId: asset_id,
        params: params(),
        seed: n(seed),
    };
    let world = &mut scene.world;
    let opened = BackstopOpenedAlready { assetId: number };
    world.refused(OWNER, ADDRESS, &open(number, 5_000), &opened);
    let unlisted = ILedger::LedgerUnknownAsset { assetId: 9 };
    world.refused(OWNER, ADDRESS, &open(9, 5_000), &unlisted);
    let seed = BackstopSeedTooSmall {
        seed: n(999),
        min: n(1_000),
    };
    world.refused(OWNER, ADDRESS, &open(other.get(), 999), &seed);
    let stranger = IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: ALICE,
        owner: OWNER,
    };
    world.refused(ALICE, ADDRESS, &open(other.get(), 5_000), &stranger);
    let unknown = BackstopUnknownStake {
        assetId: other.get(),
    };
    let look = stakeCall {
        assetId: other.get(),
    };
    world.refused(BOB, ADDRESS, &look, &unknown);
    let none = crate::error::NativeNotDeployed {
        account: address_of(other),
    };
    world.refused(BOB, address_of(other), &totalAssetsCall {}, &none);
    let zero = BackstopZeroAmount {};
    let nothing = depositCall {
        assets: n(0),
        receiver: ALICE,
    };
    world.refused(ALICE, scene.share, &nothing, &zero);
    let nothing = requestUnstakeCall { shares: n(0) };
    world.refused(ALICE, scene.share, &nothing, &zero);
    world.refused(
        ALICE,
        scene.share,
        &redeem(ALICE, 1),
        &BackstopTooSmall {
            assetId: number,
            amount: n(1),
        },
    );
    let nobody = depositCall {
        assets: n(5),
        receiver: Address::ZERO,
    };
    let receiver = IErc20::ERC20InvalidReceiver {
        receiver: Address::ZERO,
    };
    world.refused(ALICE, scene.share, &nobody, &receiver);
    let id = scene.id;
    scene.refuses(&unknown, |cx| {
        backstop::take_over(cx, other, a(1), MARKET, id, a(1), PAYER)
    });
    let same = BackstopSameAsset { assetId: number };
    scene.refuses(&same, |cx| {
        backstop::take_over(cx, id, a(1), MARKET, id, a(1), PAYER)
    });
    for (pay, goods) in [(0, 1), (1, 0)] {
        scene.refuses(&zero, |cx| {
            backstop::take_over(cx, id, a(pay), MARKET, other, a(goods), PAYER)
        });
    }
    let little = BackstopTooLittle {
        assetId: number,
        have: n(1_000),
        need: n(1_001),
    };
    scene.refuses(&little, |cx| {
        backstop::take_over(cx, id, a(1_001), MARKET, other, a(1), PAYER)
    });
    let poor = IErc20::ERC20InsufficientBalance {
        sender: CAROL,
        balance: n(RICH),
        needed: n(RICH + 1),
    };
    let world = &mut scene.world;
    world.refused(CAROL, ADDRESS, &pay_in(id, RICH + 1), &poor);
    world.refused(CAROL, ADDRESS, &pay_in(other, 1), &unknown);
    let zero = ILedger::LedgerZeroAmount {};
    world.refused(CAROL, ADDRESS, &pay_in(id, 0), &zero);
}

/// The widest stake, reward and loss: nothing overflows on the way.
#[test]
fn the_largest_numbers_stake() {
    let mut world = World::new();
    let token = world.create_token(0);
    let most = Assets::MAX.get();
    world.mint(token, OWNER, most);
    let id = list(&mut world, token);
    let open = openStakeCall {
        assetId: id.get(),
        params: params(),
        seed: n(SEED_MIN),
    };
    let share = world.ok(OWNER, ADDRESS, &open);
    let room = world.view(share, &maxDepositCall { receiver: OWNER });
    assert!(
        room <= n(CAP_MAX - SEED_MIN) && room >= n(CAP_MAX - SEED_MIN - 2),
        "{room}"
    );
    let put = depositCall {
        assets: room,
        receiver: OWNER,
    };
    let shares = world.ok(OWNER, share, &put);
    assert!(world.view(share, &maxDepositCall { receiver: OWNER }) <= n(1));
    let half = a((most - small(room) - SEED_MIN) / 2);
    for _ in 0..2 {
        world.ok(OWNER, ADDRESS, &pay_in(id, half.get()));
        world.wait_ms(HOUR_MS);
    }
    world.store.block_mut().time_ms = u64::MAX - 1;
    let call = convertToAssetsCall { shares };
    assert!(world.view(share, &call) > n(half.get()));
    let paid = world.inside(ROOM, ROOM, |cx| {
        backstop::cover(cx, id, Assets::MAX, to_market(id))
    });
    assert_eq!(paid, Ok(a(small(room) + SEED_MIN + 2 * half.get())));
}

#[test]
fn every_fault_leaves_no_trace() {
    let mut scene = Scene::priced();
    let put = depositCall {
        assets: n(10_000),
        receiver: ALICE,
    };
    check_every_fault(&scene.world, ALICE, scene.share, &put.abi_encode());
    let shares = scene.deposit(ALICE, 10_000);
    let request = requestUnstakeCall { shares: n(shares) };
    check_every_fault(&scene.world, ALICE, scene.share, &request.abi_encode());
    scene.world.ok(ALICE, scene.share, &request);
    check_every_fault(
        &scene.world,
        ALICE,
        scene.share,
        &cancelUnstakeCall {}.abi_encode(),
    );
    let reward = pay_in(scene.id, 5_000);
    check_every_fault(&scene.world, CAROL, ADDRESS, &reward.abi_encode());
    scene.take_over(1_000, 600);
    let buy = buyGoodsCall {
        assetId: scene.id.get(),
        goodsAssetId: scene.goods.get(),
        amount: n(100),
        maxPay: n(1_000),
    };
    check_every_fault(&scene.world, CAROL, ADDRESS, &buy.abi_encode());
    scene.world.wait_ms(10 * DAY_MS);
    let leave = redeem(ALICE, shares);
    check_every_fault(&scene.world, ALICE, scene.share, &leave.abi_encode());
    // The deposit after a ruin begins a generation on the way.
    scene.cover(RICH);
    check_every_fault(&scene.world, CAROL, scene.share, &put.abi_encode());
}

/// Damage in storage, and the invariant that says so: a check that cannot fail checks nothing.
#[test]
fn back_1_every_check_can_fail() {
    let mut scene = Scene::priced();
    let shares = scene.deposit(ALICE, 10_000);
    let request = requestUnstakeCall {
        shares: n(shares / 2),
    };
    scene.world.ok(ALICE, scene.share, &request);
    scene.pay_in(1_000);
    scene.take_over(1_000, 600);
    let (id, goods, share) = (scene.id, scene.goods, scene.share);
    let state = super::stake::STATE;
    let check = |at: Address, spoil: &dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>, broken: &str| {
        let mut world = scene.world.clone();
        let mut cx = world.store.frame(at, at);
        spoil(&mut cx).expect("writes");
        let found = crate::invariant::check_all(&world.store).expect_err(broken);
        assert_eq!(found.id, broken, "{found}");
    };
    let stake = |change: fn(&mut super::state::Stake)| {
        move |cx: &mut Ctx<'_>| {
            let changed = state.stakes.at(id).update(cx, |stake| {
                change(stake);
                Ok(())
            });
            changed.map(drop)
        }
    };
    check(ADDRESS, &stake(|s| s.units = a(11_001)), "BACK-1");
    check(ADDRESS, &stake(|s| s.units = a(999)), "BACK-2");
    check(ADDRESS, &stake(|s| s.lots = 2), "BACK-9");
    check(
        ADDRESS,
        &|cx| {
            let lot = state.lots.at((id, goods));
            lot.update(cx, |lot| {
                lot.goods = a(601);
                Ok(())
            })
            .map(drop)
        },
        "BACK-1",
    );
    check(
        ADDRESS,
        &|cx| {
            let config = state.configs.at(id);
            config
                .update(cx, |config| {
                    config.sale_floor_bps = 0;
                    Ok(())
                })
                .map(drop)
        },
        "BACK-12",
    );
    let move_shares = |from: Address, to: Address, value: u128| {
        move |cx: &mut Ctx<'_>| {
            let moved = super::share::holdings_of(1).shift(cx, from, to, n(value));
            assert!(moved?, "enough");
            Ok(())
        }
    };
    check(share, &move_shares(share, BOB, 1), "BACK-5");
    check(share, &move_shares(ADDRESS, BOB, 1), "BACK-11");
    check(
        share,
        &|cx| super::share::holdings_of(1).balances.at(BOB).add(cx, a(1)),
        "BACK-3",
    );
}
