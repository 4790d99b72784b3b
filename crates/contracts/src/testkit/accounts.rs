//! Accounts for tests: five assets with markets and prices, people who run batches, and blocks that look.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolError, SolEvent, SolValue};
use capstan_state::Halt;
use capstan_units::{AccountId, AssetId, Assets};

use super::{ALICE, BOB, CAROL, OWNER, World, account, sign, words};
use crate::{
    SystemKind,
    account::{
        ADDRESS, AssetAmount, Bid,
        IAccount::*,
        OtherAccount, Verb, Withdrawal, encode_accounts,
        index::{Changes, GuardIndex},
        is_unhealthy,
    },
    admin::{ADDRESS as ADMIN, IAdmin},
    ledger::{self, ILedger},
    lending::{self, ILending, SEED_MIN},
    oracle::{self, IOracle},
};

/// One whole token of every asset here.
pub(crate) const ONE: u128 = 1_000_000;
/// One dollar.
pub(crate) const USD: u128 = 1_000_000_000_000_000_000;
const REPORTER: Address = account(0x31);
/// What people have of each token in their wallets.
pub(crate) const RICH: u128 = 1_000_000_000 * ONE;
/// What Carol lends of each.
pub(crate) const LENT: u128 = 100_000_000 * ONE;

/// Two thousand dollars each; counts 80 % to borrow, 85 % to stay.
pub(crate) const ETH: u32 = 0;
/// A dollar.
pub(crate) const USDC: u32 = 1;
/// Twenty dollars, and risky: 40 % and 50 %.
pub(crate) const RISKY: u32 = 2;
/// A dollar too, in the same category as [`USDC`].
pub(crate) const DAI: u32 = 3;
/// Counts alone or not at all.
pub(crate) const ALONE: u32 = 4;

pub(crate) const ALICES: AccountId = AccountId::new(ALICE, 0);
pub(crate) const BOBS: AccountId = AccountId::new(BOB, 0);
pub(crate) const CAROLS: AccountId = AccountId::new(CAROL, 7);

pub(crate) fn n(value: u128) -> U256 {
    U256::from(value)
}

pub(crate) fn bps(initial: u16, maintenance: u16) -> Collateral {
    Collateral {
        initialBps: initial,
        maintenanceBps: maintenance,
        categoryInitialBps: 0,
        categoryMaintenanceBps: 0,
        discountMaxBps: 500,
        category: 0,
        isolated: false,
        depositCap: U256::ZERO,
    }
}

/// An asset as a test wants it.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// Dollars times 10^18.
    pub(crate) price: u128,
    pub(crate) collateral: Collateral,
    pub(crate) feed: IOracle::FeedParams,
    pub(crate) market: ILending::MarketParams,
    /// What may leave the ledger.
    pub(crate) limit: ILedger::OutflowLimit,
}

impl Listing {
    /// Prices move at once and hold for two days; nothing is capped.
    pub(crate) fn new(price: u128, collateral: Collateral) -> Self {
        Self {
            price,
            collateral,
            feed: IOracle::FeedParams {
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
            market: ILending::MarketParams {
                reserveFactorBps: 1_000,
                supplyCap: n(Assets::MAX.get()),
                borrowCap: n(Assets::MAX.get()),
                rateModel: 0,
                baseBps: 0,
                slope1Bps: 400,
                slope2Bps: 6_000,
                optimalBps: 8_000,
            },
            limit: ILedger::OutflowLimit {
                windowS: 60,
                shareBps: 10_000,
                floor: Assets::MAX.to_u256(),
            },
        }
    }
}

/// A world with listed assets, people who have plenty of each, and one reporter.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) tokens: Vec<Address>,
    round: u64,
}

impl Scene {
    /// The five assets above with their prices, and markets full of Carol's supply.
    pub(crate) fn new() -> Self {
        let dollars = |initial, maintenance| Collateral {
            categoryInitialBps: 9_200,
            categoryMaintenanceBps: 9_400,
            category: 1,
            ..bps(initial, maintenance)
        };
        let alone = Collateral {
            isolated: true,
            ..bps(5_000, 6_000)
        };
        Self::with(&[
            Listing::new(2_000 * USD, bps(8_000, 8_500)),
            Listing::new(USD, dollars(8_500, 9_000)),
            Listing::new(20 * USD, bps(4_000, 5_000)),
            Listing::new(USD, dollars(7_000, 8_000)),
            Listing::new(10 * USD, alone),
        ])
    }

    /// These assets, numbered from zero.
    pub(crate) fn with(assets: &[Listing]) -> Self {
        let mut world = World::new();
        let grant = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: REPORTER,
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &grant);
        let add = IOracle::addReporterCall { reporter: REPORTER };
        world.ok(OWNER, oracle::ADDRESS, &add);
        let mut scene = Self {
            world,
            tokens: Vec::new(),
            round: 0,
        };
        let mut prices = Vec::new();
        for listing in assets {
            let id = scene.list(listing);
            prices.push((id, listing.price));
        }
        scene.prices(&prices);
        for (id, _) in prices {
            let batch = [deposit(id, LENT), supply(id, LENT)];
            scene.ok(CAROL, CAROLS, &batch);
        }
        scene
    }

    /// Lists an asset: token, ledger, feed, market, collateral.
    pub(crate) fn list(&mut self, listing: &Listing) -> u32 {
        let world = &mut self.world;
        let token = world.create_token(0);
        for who in [OWNER, ALICE, BOB, CAROL] {
            world.mint(token, who, RICH);
        }
        let limit = listing.limit.clone();
        let list = ILedger::listAssetCall { token, limit };
        let id = world.ok(OWNER, ledger::ADDRESS, &list);
        let list = ILending::listMarketCall {
            assetId: id,
            params: listing.market.clone(),
            seed: n(SEED_MIN),
        };
        world.ok(OWNER, lending::ADDRESS, &list);
        self.tokens.push(token);
        self.value(id, listing);
        id
    }

    /// Gives an asset of the ledger its price and terms as collateral.
    pub(crate) fn value(&mut self, id: u32, listing: &Listing) {
        let list = IOracle::listFeedCall {
            assetId: id,
            description: "TEST / USD".into(),
            referencePrice: listing.price,
            params: listing.feed.clone(),
        };
        self.world.ok(OWNER, oracle::ADDRESS, &list);
        let set = setCollateralCall {
            assetId: id,
            collateral: listing.collateral.clone(),
            rampMs: 0,
        };
        self.world.ok(OWNER, ADDRESS, &set);
    }

    /// Prices of as many blocks as the oracle needs to believe them, without any look.
    pub(crate) fn prices(&mut self, prices: &[(u32, u128)]) {
        for _ in 0..64 {
            let steps: Vec<(u32, u128)> = prices
                .iter()
                .map(|&(asset, price)| {
                    (
                        asset,
                        price.clamp(self.spot(asset) / 2 + 1, self.spot(asset) * 2 - 1),
                    )
                })
                .collect();
            self.report_prices(&steps);
            if prices
                .iter()
                .all(|&(asset, price)| self.spot(asset) == price && self.is_usable(asset))
            {
                return;
            }
        }
        panic!("the oracle does not believe {prices:?}");
    }

    pub(crate) fn spot(&mut self, asset: u32) -> u128 {
        self.feed(asset).spot().get()
    }

    pub(crate) fn is_usable(&mut self, asset: u32) -> bool {
        let now_ms = self.world.store.block_mut().time_ms;
        self.feed(asset)
            .unusable(now_ms, oracle::PriceUse::Liquidate)
            .is_none()
    }

    pub(crate) fn feed(&mut self, asset: u32) -> oracle::Feed {
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        oracle::feed(cx, AssetId::new(asset)).expect("reads")
    }

    pub(crate) fn report_prices(&mut self, prices: &[(u32, u128)]) {
        self.world.wait_ms(1);
        self.round += 1;
        let mut prices = prices.to_vec();
        prices.sort_unstable();
        let entries = prices.iter().map(|&(asset, price)| IOracle::Entry {
            assetId: asset,
            price,
            confidenceBps: 10,
        });
        let report = IOracle::Report {
            round: self.round,
            timeMs: self.world.store.block_mut().time_ms,
            entries: entries.collect(),
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

    pub(crate) fn run(
        &mut self,
        who: Address,
        on: AccountId,
        actions: &[Action],
    ) -> Result<Vec<Bytes>, Halt> {
        let call = executeCall {
            account: reference(on),
            actions: actions.to_vec(),
        };
        self.world.call(who, ADDRESS, &call)
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, who: Address, on: AccountId, actions: &[Action]) -> Vec<U256> {
        let results = self.run(who, on, actions);
        let results = results.unwrap_or_else(|halt| panic!("{}", words(&halt)));
        let amounts = results.iter().filter(|result| !result.is_empty());
        amounts
            .map(|result| U256::abi_decode(result).expect("an amount"))
            .collect()
    }

    #[track_caller]
    pub(crate) fn refused(
        &mut self,
        who: Address,
        on: AccountId,
        actions: &[Action],
        why: &impl SolError,
    ) {
        let call = executeCall {
            account: reference(on),
            actions: actions.to_vec(),
        };
        self.world.refused(who, ADDRESS, &call, why);
    }

    /// Refused with an error of this kind, whatever its numbers.
    #[track_caller]
    pub(crate) fn refused_as<E: SolError>(
        &mut self,
        who: Address,
        on: AccountId,
        actions: &[Action],
    ) -> E {
        let before = self.world.state();
        let halt = self.run(who, on, actions).expect_err("it was not refused");
        assert!(self.world.state() == before, "left traces");
        match &halt {
            Halt::Revert(data) => E::abi_decode(data),
            _ => panic!("{}", words(&halt)),
        }
        .unwrap_or_else(|_| panic!("{}", words(&halt)))
    }

    pub(crate) fn report(&self, of: AccountId) -> Report {
        let account = reference(of);
        self.world.view(ADDRESS, &reportOfCall { account })
    }

    pub(crate) fn holding(&self, of: AccountId, asset: u32) -> Option<Holding> {
        let account = reference(of);
        let all = self.world.view(ADDRESS, &holdingsOfCall { account });
        all.into_iter().find(|holding| holding.assetId == asset)
    }

    pub(crate) fn wallet(&self, who: Address, asset: u32) -> u128 {
        let token = self.tokens[usize::try_from(asset).expect("small")];
        self.world.balance(token, who).try_into().expect("small")
    }

    /// Alice posts ten ETH, borrows dollars and takes them away.
    pub(crate) fn alice_borrows(&mut self, dollars: u128) {
        let batch = [
            deposit(ETH, 10 * ONE),
            supply(ETH, 10 * ONE),
            borrow(USDC, dollars * ONE),
            withdraw(USDC, U256::MAX, ALICE),
        ];
        self.ok(ALICE, ALICES, &batch);
    }

    /// The accounts that the next block would look at.
    pub(crate) fn due(&mut self) -> Vec<AccountId> {
        let index = GuardIndex::of(&self.world.store).expect("reads");
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        index
            .due(cx, &Changes::default(), usize::MAX)
            .expect("reads")
            .who
    }

    /// The look of a block at all that are due; answers whom it looked at.
    pub(crate) fn look(&mut self) -> Vec<AccountId> {
        let due = self.due();
        if !due.is_empty() {
            let looked = self
                .world
                .system(SystemKind::Liquidate, &encode_accounts(&due));
            looked.unwrap_or_else(|halt| panic!("{}", words(&halt)));
        }
        due
    }

    pub(crate) fn unhealthy(&mut self, account: AccountId) -> bool {
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        is_unhealthy(cx, account).expect("reads")
    }

    pub(crate) fn events<E: SolEvent>(&self, from: usize) -> Vec<E> {
        let logs = self.world.store.logs()[from..].iter();
        logs.filter(|log| log.address == ADDRESS)
            .filter_map(|log| E::decode_log_data(&log.data).ok())
            .collect()
    }

    pub(crate) fn log_count(&self) -> usize {
        self.world.store.logs().len()
    }
}

pub(crate) fn reference(id: AccountId) -> AccountRef {
    AccountRef {
        owner: id.owner,
        index: id.index,
    }
}

pub(crate) fn action(verb: Verb, args: Vec<u8>) -> Action {
    Action {
        verb: verb.number(),
        args: args.into(),
    }
}

pub(crate) fn amount(verb: Verb, asset: u32, amount: U256) -> Action {
    let args = AssetAmount {
        assetId: asset,
        amount,
    };
    action(verb, args.abi_encode())
}

pub(crate) fn deposit(asset: u32, units: u128) -> Action {
    amount(Verb::Deposit, asset, n(units))
}

pub(crate) fn supply(asset: u32, units: u128) -> Action {
    amount(Verb::Supply, asset, n(units))
}

pub(crate) fn redeem(asset: u32, units: u128) -> Action {
    amount(Verb::Redeem, asset, n(units))
}

pub(crate) fn borrow(asset: u32, units: u128) -> Action {
    amount(Verb::Borrow, asset, n(units))
}

/// A loan that leaves the account.
pub(crate) fn take(asset: u32, units: u128) -> [Action; 2] {
    [borrow(asset, units), withdraw(asset, n(units), ALICE)]
}

pub(crate) fn repay(asset: u32, units: u128) -> Action {
    amount(Verb::Repay, asset, n(units))
}

pub(crate) fn repay_all(asset: u32) -> Action {
    amount(Verb::Repay, asset, U256::MAX)
}

pub(crate) fn withdraw(asset: u32, units: U256, to: Address) -> Action {
    let args = Withdrawal {
        assetId: asset,
        amount: units,
        to,
    };
    action(Verb::Withdraw, args.abi_encode())
}

pub(crate) fn other(verb: Verb, asset: u32, units: U256, of: AccountId) -> Action {
    let args = OtherAccount {
        assetId: asset,
        amount: units,
        owner: of.owner,
        index: of.index,
    };
    action(verb, args.abi_encode())
}

pub(crate) fn wad(hundredths: u128) -> U256 {
    n(hundredths) * n(USD) / n(100)
}

pub(crate) fn bid(account: AccountId, debt: u32, repay: u128, collateral: u32) -> Action {
    let args = Bid {
        owner: account.owner,
        index: account.index,
        debtAssetId: debt,
        repayMax: n(repay),
        collateralAssetId: collateral,
        takenMin: U256::ZERO,
    };
    action(Verb::Bid, args.abi_encode())
}
