//! Makes the prepared world, by ordinary transactions of the account that owns the protocol and of the bots, before the
//! chain is announced: whatever they do, the owner and the users of a real chain can do too.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, Transaction as _, TxEip1559, transaction::Recovered};
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, TxKind, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use capstan_agents::feed::parse_price;
use capstan_chain::{At, Chain, Dev};
use capstan_client::{AccountName, Batch, Call, create_product, top_up_product};
use capstan_contracts::{
    account::{self, IAccount, Verb},
    admin::{self, IAdmin},
    dollar::{self, IDollar, IDollar::DollarParams},
    exchange::{self, IExchange},
    farms::{self, IFarms},
    listing::{self, IListing},
    machines::{
        self,
        IMachines::{MachineParams, setParamsCall},
    },
    oracle::{
        self,
        IOracle::{self, Entry, Report, SignedReport},
    },
    products::{IProducts::Policy, Kind},
    token::{self, IToken, ITokenFactory},
};
use capstan_evm::Tx;
use eyre::{OptionExt as _, Result, bail};

use super::{
    bots::Bot,
    cast::Cast,
    listed::{
        ASSETS, CAP, DAY_S, DOLLAR, ETH, Listed, POOLS, RANGE_FEE_PIPS, RANGE_POOL, RANGE_SIDE,
        RANGE_SQRT_PRICE_X96, RANGE_TICKS, STETH, USDC, WBTC, address_of, number,
    },
    past::{Ago, BEGAN_S},
    program::Program,
};

/// Accounts that begin with tokens.
const RICH_ACCOUNTS: usize = 20;
/// Gas of each transaction: more than any of them needs.
const GAS: u64 = 6_000_000;
/// Rounds until the oracle has taken a price: the first one is a trial.
const FIRST_ROUNDS: u32 = 3;
/// The pool whose shares are farmed.
const FARMED_POOL: usize = 0;
/// What flows to farmers of the pool and to those who stake the token, in whole units, and for how long.
const FARM_REWARDS: [u64; 2] = [50_000, 1_000];
const FARM_DAYS: u64 = 90;
/// What a leveraged token and a loop begin with, in whole units of their base assets.
const LEVERAGED_SEED: u64 = 2_000;
const LOOP_SEED: u64 = 10;
/// The least bond of a machine, in whole units.
const MACHINE_BOND: u64 = 100;

/// How often a machine says that it is there; and while nobody looks.
pub(super) const BEAT_EVERY_S: u64 = 5;
const PAST_BEAT_EVERY_S: u64 = 13 * 3_600;
/// How long auditors of a challenge have for each of two steps.
pub(super) const PHASE_S: u64 = 15;

/// A world that is being made.
pub(super) struct Maker<'a> {
    chain: &'a Chain,
    owner: &'a PrivateKeySigner,
    /// The next nonce of each account that sends.
    nonces: BTreeMap<Address, u64>,
    waiting: Vec<Recovered<Tx>>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(chain: &'a Chain, owner: &'a PrivateKeySigner) -> Self {
        Self {
            chain,
            owner,
            nonces: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// Everything, in its order.
    ///
    /// # Errors
    /// A transaction fails: the contracts and the tables do not agree.
    pub(super) fn make(
        &mut self,
        signers: &[PrivateKeySigner],
        bots: &[Bot],
        works: Option<&(Cast, Program)>,
    ) -> Result<()> {
        let people = signers.iter().take(RICH_ACCOUNTS);
        let people: Vec<_> = people.map(PrivateKeySigner::address).collect();
        match works {
            None => {
                self.assets(&people, bots)?;
                self.machines(BEAT_EVERY_S)?;
            }
            Some((cast, program)) => {
                let ago = Ago::of_this_moment()?;
                self.go_back(ago, BEGAN_S)?;
                self.assets(&people, bots)?;
                self.machines(PAST_BEAT_EVERY_S)?;
                self.works(cast, program)?;
                self.past(ago, cast, program)?;
            }
        }
        self.prices()?;
        self.lend()?;
        self.pools()?;
        self.range()?;
        self.farms()?;
        self.products()?;
        if let Some((cast, program)) = works {
            self.funded(cast, program)?;
            for provider in cast.providers.iter().skip(1) {
                self.register(provider, program)?;
            }
        }
        self.positions(bots)
    }

    pub(super) fn dev(&self) -> Result<&Dev> {
        self.chain.dev().ok_or_eyre("not a development chain")
    }

    pub(super) fn head_ms(&self) -> u64 {
        self.chain.head().time_ms()
    }

    /// What the newest block tells of this kind, if anything.
    pub(super) fn heard<E: SolEvent>(&self) -> Option<E> {
        let block = self.chain.head();
        let mut logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
        logs.find_map(|log| E::decode_log(log).ok().map(|log| log.data))
    }

    pub(super) fn chain_id(&self) -> u64 {
        self.chain.rules().chain_id
    }

    /// One more transaction of the owner's.
    pub(super) fn call<C: SolCall>(&mut self, to: Address, call: &C) -> Result<()> {
        let input = call.abi_encode().into();
        let call = Call {
            to,
            input,
            ..Call::default()
        };
        self.send(self.owner, &call)
    }

    pub(super) fn send(&mut self, signer: &PrivateKeySigner, call: &Call) -> Result<()> {
        let nonce = self.nonces.entry(signer.address()).or_default();
        let mut tx = TxEip1559 {
            chain_id: self.chain.rules().chain_id,
            nonce: *nonce,
            gas_limit: GAS,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(call.to),
            value: call.value_wei,
            access_list: Default::default(),
            input: call.input.clone(),
        };
        *nonce += 1;
        let signature = signer.sign_transaction_sync(&mut tx)?;
        let signed = tx.into_signed(signature).into();
        self.waiting
            .push(Recovered::new_unchecked(signed, signer.address()));
        Ok(())
    }

    /// Makes blocks of what waits, and checks that everything in them did what it should.
    pub(super) fn mine(&mut self) -> Result<()> {
        for submitted in self.chain.submit_many(std::mem::take(&mut self.waiting)) {
            submitted?;
        }
        loop {
            self.dev()?.mine(1, None)?;
            let block = self.chain.head();
            if let Some(at) = block.receipts.iter().position(|receipt| !receipt.status()) {
                let tx = &block.transactions[at];
                let to = tx.to().unwrap_or_default();
                let verb = tx.input().get(..4).map(hex::encode).unwrap_or_default();
                bail!(
                    "transaction {at} of block {} failed: verb 0x{verb} of {to}",
                    block.number()
                );
            }
            if self.is_all_done()? {
                return Ok(());
            }
        }
    }

    fn is_all_done(&self) -> Result<bool> {
        let state = self.chain.state_at(At::Latest)?;
        for (sender, nonce) in &self.nonces {
            let account = state.account(*sender)?;
            if account.map_or(0, |account| account.nonce) < *nonce {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Assets with all that they need, by number, and the owner as their one reporter.
    fn assets(&mut self, people: &[Address], bots: &[Bot]) -> Result<()> {
        let reporter = self.owner.address();
        let grant = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: reporter,
            expiresMs: 0,
        };
        self.call(admin::ADDRESS, &grant)?;
        self.call(oracle::ADDRESS, &IOracle::addReporterCall { reporter })?;
        for (place, asset) in ASSETS.iter().enumerate() {
            match place {
                // Opening it lists it.
                DOLLAR => self.dollar()?,
                _ => {
                    if place != ETH {
                        self.token(place, asset, people, bots)?;
                    }
                    let asset = asset.listing(address_of(place))?;
                    self.call(listing::ADDRESS, &IListing::listCall { asset })?;
                }
            }
            // The number of a token is that of its asset only if nothing comes in between.
            self.mine()?;
        }
        Ok(())
    }

    /// A token, and some of it for everybody: for the owner, what he lends, seeds and provides.
    fn token(
        &mut self,
        place: usize,
        asset: &Listed,
        people: &[Address],
        bots: &[Bot],
    ) -> Result<()> {
        let owner = self.owner.address();
        let create = ITokenFactory::createTokenCall {
            name: format!("{} of a development chain", asset.symbol),
            symbol: asset.symbol.to_owned(),
            decimals: asset.decimals,
            owner,
            grantDelayMs: 0,
        };
        self.call(token::FACTORY_ADDRESS, &create)?;
        let mint = |to, value| IToken::mintCall { to, value };
        let rewards: u64 = FARM_REWARDS.iter().sum();
        let mut own = asset.units(asset.lent) * U256::from(2) + asset.units(rewards);
        for pool in POOLS.iter().filter(|pool| pool.assets.contains(&place)) {
            own += asset.worth(pool.side_usd)?;
        }
        self.call(address_of(place), &mint(owner, own))?;
        for &to in people {
            self.call(address_of(place), &mint(to, asset.units(asset.given)))?;
        }
        for bot in bots {
            let value = asset.worth(bot.role.begins_with_usd())?;
            if value.is_zero() {
                continue;
            }
            self.call(address_of(place), &mint(bot.signer.address(), value))?;
        }
        Ok(())
    }

    /// The chain's own dollar: opening it lists it, and it has no market.
    fn dollar(&mut self) -> Result<()> {
        let million = ASSETS[DOLLAR].units(1_000_000);
        let open = IDollar::openCall {
            params: DollarParams {
                stabilityBps: 400,
                savingsBps: 300,
                redemptionFeeBps: 50,
                refillS: DAY_S,
                ceiling: million * U256::from(100),
                headroom: million * U256::from(10),
                redemptionMin: ASSETS[DOLLAR].units(100),
                surplusFloor: U256::ZERO,
            },
        };
        self.call(dollar::ADDRESS, &open)?;
        let asset_id = number(DOLLAR);
        let asset = ASSETS[DOLLAR].listing(address_of(DOLLAR))?;
        let feed = IOracle::listFeedCall {
            assetId: asset_id,
            description: asset.feed.description.clone(),
            referencePrice: asset.feed.referencePrice,
            params: oracle::FeedParams::from(&asset.feed).into(),
        };
        self.call(oracle::ADDRESS, &feed)?;
        let count = IAccount::setCollateralCall {
            assetId: asset_id,
            collateral: (&asset.collateral).into(),
            rampMs: 0,
        };
        self.call(account::ADDRESS, &count)
    }

    /// First prices.
    fn prices(&mut self) -> Result<()> {
        for _ in 0..FIRST_ROUNDS {
            self.chain.submit_report(self.first_report()?)?;
            self.mine()?;
        }
        Ok(())
    }

    fn first_report(&self) -> Result<SignedReport> {
        let time_ms = self.head_ms();
        let entry = |(asset_id, asset): (u32, &Listed)| -> Result<Entry> {
            Ok(Entry {
                assetId: asset_id,
                price: parse_price(asset.price)?,
                confidenceBps: 0,
            })
        };
        let report = Report {
            round: time_ms,
            timeMs: time_ms,
            entries: (0..).zip(&ASSETS).map(entry).collect::<Result<_>>()?,
        };
        let digest = oracle::digest(self.chain.rules().chain_id, &report);
        let signature = self.owner.sign_hash_sync(&digest)?;
        Ok(SignedReport {
            reporter: self.owner.address(),
            report,
            v: 27 + u8::from(signature.v()),
            r: signature.r().into(),
            s: signature.s().into(),
        })
    }

    /// Something in each market, and a part of it lent out.
    fn lend(&mut self) -> Result<()> {
        let mut batch = Batch::default();
        let markets = || ASSETS.iter().enumerate().filter(|(at, _)| *at != DOLLAR);
        for (place, asset) in markets() {
            let lent = asset.units(asset.lent);
            batch.act(Verb::Deposit, number(place), lent);
            batch.act(Verb::Supply, number(place), lent);
        }
        for (place, asset) in markets() {
            batch.act(Verb::Borrow, number(place), asset.units(asset.borrowed));
        }
        self.send(self.owner, &batch.call(self.own_account()))?;
        self.mine()
    }

    fn own_account(&self) -> AccountName {
        AccountName {
            owner: self.owner.address(),
            index: 0,
        }
    }

    /// Something to swap with. What the pool of dollars needs is minted against what was lent.
    fn pools(&mut self) -> Result<()> {
        let owner = self.owner.address();
        let dollars = POOLS.iter().filter(|pool| pool.assets.contains(&DOLLAR));
        let minted = ASSETS[DOLLAR].units(dollars.map(|pool| pool.side_usd).sum());
        let mut batch = Batch::default();
        batch.mint(minted);
        batch.withdraw(number(DOLLAR), minted, owner);
        self.send(self.owner, &batch.call(self.own_account()))?;
        for pool in &POOLS {
            let amounts = pool.assets.map(|place| ASSETS[place].worth(pool.side_usd));
            let create = IExchange::createPoolCall {
                shape: IExchange::Shape {
                    curve: pool.curve.number(),
                    feePips: pool.fee_pips,
                    amplification: pool.amplification,
                    assets: pool.assets.map(number).to_vec(),
                },
                amounts: amounts.into_iter().collect::<Result<_>>()?,
                to: owner,
                deadlineMs: u64::MAX,
            };
            self.call(exchange::ADDRESS, &create)?;
        }
        self.mine()
    }

    /// The pool whose liquidity lies around a price.
    fn range(&mut self) -> Result<()> {
        let create = IExchange::createRangePoolCall {
            feePips: RANGE_FEE_PIPS,
            asset0: number(ETH),
            asset1: number(STETH),
            sqrtPriceX96: U256::from(RANGE_SQRT_PRICE_X96),
        };
        self.call(exchange::ADDRESS, &create)?;
        let side = ASSETS[ETH].units(RANGE_SIDE);
        let open = IExchange::openRangeCall {
            poolId: RANGE_POOL,
            lower: RANGE_TICKS[0],
            upper: RANGE_TICKS[1],
            amountsMax: [side, side],
            liquidityMin: 0,
            to: self.owner.address(),
            deadlineMs: u64::MAX,
        };
        self.call(exchange::ADDRESS, &open)?;
        self.mine()
    }

    /// Two farms that pay the governance token: to those who provide ETH and USDC, and to those who hold it.
    fn farms(&mut self) -> Result<()> {
        let pool = &POOLS[FARMED_POOL];
        let [first, second] = pool.assets.map(|place| ASSETS[place].worth(pool.side_usd));
        // Shares of a first deposit are the root of the product; the owner farms with half of them.
        let shares = (first? * second?).root(2) / U256::from(2);
        let staked = [shares, ASSETS[CAP].units(ASSETS[CAP].lent) / U256::from(2)];
        let farmed = [(2, number(FARMED_POOL)), (1, number(CAP))];
        for (farm_id, (kind, id)) in (0_u32..).zip(farmed) {
            let at = usize::try_from(farm_id)?;
            let open = IFarms::openCall {
                kind,
                id,
                rewards: vec![number(CAP)],
                boostAssetId: 0,
                liftWad: U256::ZERO,
            };
            self.call(farms::ADDRESS, &open)?;
            let fund = IFarms::fundCall {
                farmId: farm_id,
                assetId: number(CAP),
                amount: ASSETS[CAP].units(FARM_REWARDS[at]),
                periodMs: FARM_DAYS * u64::from(DAY_S) * 1_000,
            };
            self.call(farms::ADDRESS, &fund)?;
            let amount = staked[at];
            let stake = IFarms::stakeCall {
                farmId: farm_id,
                amount,
            };
            self.call(farms::ADDRESS, &stake)?;
        }
        self.mine()
    }

    /// A leveraged token on bitcoin, and a loop of staked ETH. Coins pay for the block's looks at them.
    fn products(&mut self) -> Result<()> {
        let owner = self.owner.address();
        let long = Policy {
            kind: Kind::Long.number(),
            collateralAssetId: number(WBTC),
            debtAssetId: number(USDC),
            targetBps: 20_000,
            lowBps: 18_000,
            highBps: 22_000,
            limitBps: 300,
            feeBps: 0,
            capUsd: ASSETS[ETH].units(1_000_000),
            poolId: 0,
            owner: Address::ZERO,
        };
        let looped = Policy {
            kind: Kind::Loop.number(),
            collateralAssetId: number(STETH),
            debtAssetId: number(ETH),
            targetBps: 12_000,
            lowBps: 11_200,
            highBps: 13_000,
            limitBps: 100,
            feeBps: 0,
            capUsd: ASSETS[ETH].units(1_000_000),
            poolId: 0,
            owner: Address::ZERO,
        };
        for (id, policy, seed) in [
            (1, long, ASSETS[USDC].units(LEVERAGED_SEED)),
            (2, looped, ASSETS[ETH].units(LOOP_SEED)),
        ] {
            self.send(self.owner, &create_product(policy, seed, owner))?;
            let coins = ASSETS[ETH].units(1);
            self.send(self.owner, &top_up_product(id, coins))?;
            self.mine()?;
        }
        Ok(())
    }

    /// Machines may be registered: bonds of a hundred USDC, and times of a world that is looked at for a few minutes, but for
    /// how often they say that they are there.
    pub(super) fn machines(&mut self, beat_every_s: u64) -> Result<()> {
        let seconds = |count: u64| count * 1_000;
        let params = MachineParams {
            assetId: number(USDC),
            bondMin: ASSETS[USDC].units(MACHINE_BOND),
            unbondMs: seconds(3_600),
            intervalMs: seconds(beat_every_s),
            graceMs: seconds(15),
            probationMs: seconds(120),
            lateMs: seconds(15),
            gapMs: seconds(5),
            answerMs: seconds(60),
            commitMs: seconds(PHASE_S),
            revealMs: seconds(PHASE_S),
            capacityAgeMs: seconds(86_400),
            slashBps: 1_000,
            quorum: 1,
        };
        self.call(machines::ADDRESS, &setParamsCall { params })?;
        self.mine()
    }

    /// What the bots begin with: some lend, some are long of borrowed money.
    fn positions(&mut self, bots: &[Bot]) -> Result<()> {
        let mut bots: Vec<_> = bots.iter().collect();
        bots.sort_by_key(|bot| bot.turn());
        for bot in bots {
            if let Some(call) = bot.first_call()? {
                self.send(&bot.signer, &call)?;
            }
        }
        self.mine()
    }
}
