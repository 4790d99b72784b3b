//! A small protocol to attack: two markets, their prices, people, and a lender who trusts prices.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Price, assets_down, value_down, value_up};

use crate::{
    SystemKind,
    admin::{ADDRESS as ADMIN, IAdmin},
    erc4626::IErc4626,
    ledger::{self, ILedger},
    lending::{
        self,
        ILending::{self, MarketParams},
        share,
    },
    oracle::{self, IOracle, PriceUse, Side},
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, sign, words},
};

/// A native contract that moves units of accounts, as the account room does.
pub(super) const ROOM: Address = account(0x77);
/// A whole token, and a dollar of the dollar token, in smallest units.
pub(super) const ONE: u128 = 1_000_000;
/// A dollar as a price.
pub(super) const USD: u128 = 1_000_000_000_000_000_000;
/// What lenders put into a market.
pub(super) const LENT: u128 = 1_000_000 * ONE;
/// Share of its worth that a collateral may back, and at which it is liquidated, in hundredths of a percent.
const LTV_BPS: u128 = 6_500;
const LIQUIDATION_BPS: u128 = 7_500;
/// What a liquidator gains, in hundredths of a percent.
const BONUS_BPS: u128 = 500;

const REPORTERS: [Address; 3] = [account(0x31), account(0x32), account(0x33)];
/// Where the world's time stands still between blocks.
const CHAIN: u64 = 31_337;

/// The oracle's usual settings.
pub(super) const FEED: IOracle::FeedParams = IOracle::FeedParams {
    quorum: 2,
    reacceptRounds: 3,
    bandBps: 500,
    bandWidenBpsPerMin: 100,
    confidenceBpsMax: 200,
    growthBpsPerYear: 0,
    staleMs: 60_000,
    smoothMs: 60_000,
    outageMs: 300_000,
    graceMs: 120_000,
    stillMs: 3_600_000,
};

pub(super) fn n(value: u128) -> U256 {
    U256::from(value)
}

pub(super) fn signed(value: U256) -> i128 {
    i128::try_from(value).expect("small")
}

/// A listed token with a market.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) token: Address,
    pub(super) id: AssetId,
    pub(super) share: Address,
}

/// Dollars and another asset, each with a market and a feed.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) dollar: Listed,
    pub(super) other: Listed,
    rounds: u64,
}

fn market(supply_cap: u128) -> MarketParams {
    MarketParams {
        reserveFactorBps: 1_000,
        supplyCap: n(supply_cap),
        borrowCap: Assets::MAX.to_u256(),
        rateModel: 0,
        baseBps: 0,
        slope1Bps: 400,
        slope2Bps: 10_000,
        optimalBps: 8_000,
    }
}

/// Lists a token and opens its market.
pub(super) fn open(world: &mut World, token: Address, supply_cap: u128) -> Listed {
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let number = world.ok(
        OWNER,
        ledger::ADDRESS,
        &ILedger::listAssetCall { token, limit },
    );
    let list = ILending::listMarketCall {
        assetId: number,
        params: market(supply_cap),
        seed: n(lending::SEED_MIN),
    };
    let share = world.ok(OWNER, lending::ADDRESS, &list);
    world.answer_calls(share);
    let id = AssetId::new(number);
    assert_eq!(share, share::address_of(id));
    Listed { token, id, share }
}

/// A new token with a market; the owner has plenty of it, and Carol supplies `supplied`.
pub(super) fn listed(world: &mut World, supply_cap: u128, supplied: u128) -> Listed {
    let token = world.create_token(0);
    world.mint(token, OWNER, lending::SEED_MIN);
    let listed = open(world, token, supply_cap);
    if supplied > 0 {
        world.mint(token, CAROL, supplied);
        deposit(world, listed, CAROL, supplied).expect("supplies");
    }
    listed
}

/// Supplies from a wallet; answers the shares.
pub(super) fn deposit(
    world: &mut World,
    market: Listed,
    who: Address,
    units: u128,
) -> Result<U256, Halt> {
    let call = IErc4626::depositCall {
        assets: n(units),
        receiver: who,
    };
    world.call(who, market.share, &call)
}

/// Redeems everything that a wallet has; answers what came.
pub(super) fn redeem_all(world: &mut World, market: Listed, who: Address) -> Result<U256, Halt> {
    let call = IErc4626::redeemCall {
        shares: world.balance(market.share, who),
        receiver: who,
        owner: who,
    };
    world.call(who, market.share, &call)
}

impl Scene {
    /// Carol lends dollars; the other asset has this price and settings of its feed.
    pub(super) fn new(price: u128, params: IOracle::FeedParams) -> Self {
        Self::capped(price, params, Assets::MAX.get())
    }

    /// With a cap on the supply of the other asset.
    pub(super) fn capped(price: u128, params: IOracle::FeedParams, supply_cap: u128) -> Self {
        let mut world = World::new();
        let dollar = listed(&mut world, Assets::MAX.get(), LENT);
        let other = listed(&mut world, supply_cap, 0);
        for reporter in REPORTERS {
            let grant = IAdmin::grantRoleCall {
                scope: oracle::ADDRESS,
                role: oracle::REPORT,
                holder: reporter,
                expiresMs: 0,
            };
            world.ok(OWNER, ADMIN, &grant);
            let add = IOracle::addReporterCall { reporter };
            world.ok(OWNER, oracle::ADDRESS, &add);
        }
        for (asset, reference, params) in [(dollar, USD, FEED), (other, price, params)] {
            let call = IOracle::listFeedCall {
                assetId: asset.id.get(),
                description: "X / USD".into(),
                referencePrice: reference,
                params,
            };
            world.ok(OWNER, oracle::ADDRESS, &call);
        }
        let mut scene = Self {
            world,
            dollar,
            other,
            rounds: 0,
        };
        // First prices, and the grace period after them.
        for _ in 0..8 {
            scene.report(30_000, price);
        }
        scene
    }

    fn now_ms(&mut self) -> u64 {
        self.world.store.block_mut().time_ms
    }

    /// `wait_ms` later all reporters say about this price, and a dollar for dollars.
    pub(super) fn report(&mut self, wait_ms: u64, price: u128) {
        // A market that stands still to the unit would be stuck.
        let price = price + u128::from(self.rounds);
        self.report_exactly(wait_ms, price);
    }

    /// The same to the unit.
    pub(super) fn report_exactly(&mut self, wait_ms: u64, price: u128) {
        self.world.wait_ms(wait_ms);
        let (dollar, other) = (self.dollar.id.get(), self.other.id.get());
        let dollars = USD + u128::from(self.rounds);
        self.say(&[(dollar, dollars), (other, price)]);
    }

    /// `wait_ms` later all reporters say what a dollar is, and nothing of the other asset.
    pub(super) fn report_dollars(&mut self, wait_ms: u64) {
        self.world.wait_ms(wait_ms);
        let dollars = USD + u128::from(self.rounds);
        self.say(&[(self.dollar.id.get(), dollars)]);
    }

    fn say(&mut self, prices: &[(u32, u128)]) {
        self.rounds += 1;
        let time_ms = self.now_ms();
        let entries = prices.iter().map(|&(asset, price)| IOracle::Entry {
            assetId: asset,
            price,
            confidenceBps: 10,
        });
        let report = IOracle::Report {
            round: self.rounds,
            timeMs: time_ms,
            entries: entries.collect(),
        };
        let reports = REPORTERS.map(|reporter| {
            let (r, s) = sign(oracle::digest(CHAIN, &report), reporter);
            IOracle::SignedReport {
                reporter,
                report: report.clone(),
                v: 27,
                r,
                s,
            }
        });
        let input = oracle::encode_reports(&reports);
        let taken = self.world.system(SystemKind::Prices, &input);
        taken.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }

    /// Supplies up to `units` of the other asset for an account; answers how much the market took.
    pub(super) fn post(&mut self, who: AccountId, units: u128) -> u128 {
        let Listed { token, id, .. } = self.other;
        self.world.mint(token, who.owner, units);
        let room = self.world.view(
            self.other.share,
            &IErc4626::maxDepositCall {
                receiver: who.owner,
            },
        );
        let taken = Assets::from_u256(n(units).min(room)).expect("in range");
        if taken.is_zero() {
            return 0;
        }
        let posted = self.world.inside(ROOM, who.owner, |cx| {
            ledger::pull(cx, id, who.owner, who, taken)?;
            lending::supply(cx, id, who, taken)
        });
        posted.unwrap_or_else(|halt| panic!("{}", words(&halt)));
        taken.get()
    }

    /// Lends as many dollars as the prices allow, to the account's wallet; none if they are unusable. Answers how many.
    pub(super) fn borrow_against(&mut self, who: AccountId) -> u128 {
        let (collateral, dollar) = (self.other.id, self.dollar.id);
        let lent = self.world.inside(ROOM, ROOM, |cx| {
            let worth = worth(cx, collateral, PriceUse::Borrow, who)?;
            let each = oracle::price(cx, dollar, PriceUse::Borrow, Side::Debt)?;
            let most = assets_down(worth, each, 6)?.get() * LTV_BPS / 10_000;
            let cash = ledger::free(cx, dollar, lending::CASH)?.get();
            let amount = Assets::new(most.min(cash))?;
            lending::borrow(cx, dollar, who, amount)?;
            ledger::push(cx, dollar, who, who.owner, amount)?;
            Ok(amount)
        });
        lent.map_or(0, Assets::get)
    }

    /// Sells an account whose debt its collateral does not back any more, at the oracle's price and the bonus. Answers
    /// what the liquidator got of the other asset and what he paid in dollars; nothing if nobody may.
    pub(super) fn liquidate(&mut self, who: AccountId) -> Option<(u128, u128)> {
        let (collateral, dollar) = (self.other.id, self.dollar.id);
        let buyer = AccountId::new(BOB, 0);
        self.world.mint(self.dollar.token, BOB, LENT);
        let sold = self.world.inside(ROOM, BOB, |cx| {
            let worth = worth(cx, collateral, PriceUse::Liquidate, who)?;
            let owed = lending::debt_up(cx, dollar, who)?;
            let each = oracle::price(cx, dollar, PriceUse::Liquidate, Side::Debt)?;
            let debt = value_up(owed, each, 6)?;
            let healthy = worth.get() * n(LIQUIDATION_BPS) >= debt.get() * n(10_000);
            if healthy || owed.is_zero() {
                return Ok(None);
            }
            let price = oracle::price(cx, collateral, PriceUse::Liquidate, Side::Collateral)?;
            let prize = assets_down(debt, price, 6)?.get() * (10_000 + BONUS_BPS) / 10_000;
            let taken = prize.min(lending::supplied_down(cx, collateral, who)?.get());
            ledger::pull(cx, dollar, BOB, buyer, owed)?;
            lending::repay(cx, dollar, buyer, who, owed)?;
            let shares = capstan_units::Shares::new(taken)?;
            lending::move_shares(cx, collateral, who, buyer, shares)?;
            Ok(Some((taken, owed.get())))
        });
        sold.unwrap_or(None)
    }
}

/// What units are worth in millionths of a dollar.
pub(super) fn at_price(units: u128, price: u128) -> i128 {
    let price = Price::new(price).expect("in range");
    let worth = value_down(Assets::new(units).expect("in range"), price, 6).expect("in range");
    signed(worth.get() / n(1_000_000_000_000))
}

fn worth(
    cx: &mut Ctx<'_>,
    collateral: AssetId,
    price_use: PriceUse,
    who: AccountId,
) -> Result<capstan_units::Usd, Halt> {
    let price = oracle::price(cx, collateral, price_use, Side::Collateral)?;
    let held = lending::supplied_down(cx, collateral, who)?;
    Ok(value_down(held, price, 6)?)
}

/// The attacker's account.
pub(super) const ATTACKER: AccountId = AccountId::new(ALICE, 0);

/// One call of somebody's code inside another, which must work.
pub(super) fn inner<C: SolCall>(
    store: &mut capstan_state::mem::MemStore,
    from: Address,
    to: Address,
    call: &C,
) -> Result<C::Return, Halt> {
    let outcome = store.call_simply(from, to, call.abi_encode().into())?;
    if !outcome.success {
        return Err(Halt::Revert(outcome.output));
    }
    Ok(C::abi_decode_returns(&outcome.output).expect("well-formed answer"))
}
