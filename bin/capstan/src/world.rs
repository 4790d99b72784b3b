//! The prepared world of `capstan dev`: three assets with markets, and the chain's own dollar, with prices and factors,
//! and pools that swap them, so that a newcomer can supply, borrow, mint, swap and see health at once.
//!
//! It is made by ordinary transactions of the account that owns the protocol, before the chain is announced: whatever it
//! does, the owner of a real chain can do too. Prices come from a made-up market, signed by the same account.

use std::{net::SocketAddr, time::Duration};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, TxKind, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use capstan_agents::feed::{
    DEV_PARAMS, Feeder, Market, MarketSettings, Simulated, Source, parse_price,
};
use capstan_chain::{At, Chain};
use capstan_client::{AccountName, Batch, Node};
use capstan_contracts::{
    account::{self, IAccount, Verb},
    admin::{self, IAdmin},
    dollar::{self, IDollar, IDollar::DollarParams},
    ether,
    exchange::{self, Curve, IExchange},
    listing::{self, IListing},
    native,
    oracle::{
        self,
        IOracle::{self, Entry, Report, SignedReport},
    },
    token::{self, IToken, ITokenFactory},
};
use capstan_evm::Tx;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};

/// Accounts that begin with tokens.
const RICH_ACCOUNTS: usize = 20;
/// Gas of each transaction: more than any of them needs.
const GAS: u64 = 4_000_000;
/// Rounds until the oracle has taken a price: the first one is a trial.
const FIRST_ROUNDS: u32 = 3;
/// Time between prices.
const PRICE_EVERY: Duration = Duration::from_secs(1);
const DAY_S: u32 = 86_400;

/// An asset of the world.
struct Listed {
    symbol: &'static str,
    decimals: u8,
    /// Dollars of a whole unit, and how much that moves in a year.
    price: &'static str,
    volatility: f64,
    /// Whole units that each account begins with, and that the owner lends.
    given: u64,
    lent: u64,
    /// Parts of its value that count.
    initial_bps: u16,
    maintenance_bps: u16,
    discount_max_bps: u16,
    /// Borrow rate per year at the kink and beyond.
    slope1_bps: u32,
    slope2_bps: u32,
}

/// By number of asset. The first is the gas coin.
const ASSETS: [Listed; 4] = [
    Listed {
        symbol: "ETH",
        decimals: 18,
        price: "2000",
        volatility: 0.8,
        given: 0,
        lent: 1_000,
        initial_bps: 7_500,
        maintenance_bps: 8_000,
        discount_max_bps: 500,
        slope1_bps: 300,
        slope2_bps: 8_000,
    },
    Listed {
        symbol: "USDC",
        decimals: 6,
        price: "1",
        volatility: 0.003,
        given: 100_000,
        lent: 5_000_000,
        initial_bps: 8_500,
        maintenance_bps: 9_000,
        discount_max_bps: 400,
        slope1_bps: 500,
        slope2_bps: 6_000,
    },
    Listed {
        symbol: "WBTC",
        decimals: 8,
        price: "60000",
        volatility: 0.6,
        given: 2,
        lent: 50,
        initial_bps: 7_300,
        maintenance_bps: 7_800,
        discount_max_bps: 500,
        slope1_bps: 400,
        slope2_bps: 8_000,
    },
    // Minted against accounts: it has no market, and but for a pool nobody begins with any.
    Listed {
        symbol: "usd",
        decimals: 18,
        price: "1",
        volatility: 0.001,
        given: 0,
        lent: 0,
        initial_bps: 8_500,
        maintenance_bps: 9_000,
        discount_max_bps: 400,
        slope1_bps: 0,
        slope2_bps: 0,
    },
];
/// The place of the chain's own dollar among them: the last, since opening it lists it.
const DOLLAR: usize = 3;

/// A pool of the world, at the made-up prices.
struct Opened {
    curve: Curve,
    fee_pips: u32,
    amplification: u32,
    /// Places among [`ASSETS`], in rising order.
    assets: [usize; 2],
    /// What lies on each side, in whole dollars.
    side_usd: u64,
}

const POOLS: [Opened; 3] = [
    Opened {
        curve: Curve::Product,
        fee_pips: 3_000,
        amplification: 0,
        assets: [0, 1],
        side_usd: 1_000_000,
    },
    Opened {
        curve: Curve::Product,
        fee_pips: 3_000,
        amplification: 0,
        assets: [1, 2],
        side_usd: 600_000,
    },
    Opened {
        curve: Curve::Stable,
        fee_pips: 100,
        amplification: 200,
        assets: [1, DOLLAR],
        side_usd: 100_000,
    },
];

impl Listed {
    /// So much of it as dollars buy.
    fn worth(&self, usd: u64) -> Result<U256> {
        let price: u64 = self.price.parse()?;
        Ok(self.units(usd) / U256::from(price))
    }

    fn units(&self, whole: u64) -> U256 {
        U256::from(whole) * U256::from(10).pow(U256::from(self.decimals))
    }

    /// What lists it.
    fn listing(&self, token: Address) -> Result<IListing::Asset> {
        let IOracle::FeedParams {
            quorum,
            reacceptRounds,
            bandBps,
            bandWidenBpsPerMin,
            confidenceBpsMax,
            growthBpsPerYear,
            staleMs,
            smoothMs,
            outageMs,
            graceMs: _,
            stillMs,
        } = DEV_PARAMS;
        Ok(IListing::Asset {
            token,
            border: IListing::Border {
                windowS: DAY_S,
                shareBps: 10_000,
                floor: U256::from(u128::MAX >> 16),
            },
            feed: IListing::Feed {
                description: format!("{} / USD", self.symbol),
                referencePrice: parse_price(self.price)?,
                quorum,
                reacceptRounds,
                bandBps,
                bandWidenBpsPerMin,
                confidenceBpsMax,
                growthBpsPerYear,
                staleMs,
                smoothMs,
                outageMs,
                // Nobody has debts yet that a first price could endanger.
                graceMs: 0,
                stillMs,
            },
            market: IListing::Market {
                seed: self.units(1),
                reserveFactorBps: 1_000,
                supplyCap: self.units(self.lent * 100),
                borrowCap: self.units(self.lent * 90),
                rateModel: 0,
                baseBps: 0,
                slope1Bps: self.slope1_bps,
                slope2Bps: self.slope2_bps,
                optimalBps: 9_000,
            },
            collateral: IListing::Collateral {
                initialBps: self.initial_bps,
                maintenanceBps: self.maintenance_bps,
                categoryInitialBps: 0,
                categoryMaintenanceBps: 0,
                discountMaxBps: self.discount_max_bps,
                category: 0,
                isolated: false,
                depositCap: U256::ZERO,
            },
        })
    }
}

/// A world that is being made.
struct Maker<'a> {
    chain: &'a Chain,
    owner: &'a PrivateKeySigner,
    nonce: u64,
    waiting: Vec<Recovered<Tx>>,
}

/// Makes the world on a chain that has none, as the owner of its protocol. Answers whether it stands.
///
/// # Errors
/// A transaction fails: the contracts and this file do not agree.
pub(crate) fn make(
    chain: &Chain,
    signers: &[PrivateKeySigner],
) -> Result<Option<PrivateKeySigner>> {
    let admin_owner = chain.genesis().native.admin_owner;
    let owner = signers
        .iter()
        .find(|signer| signer.address() == admin_owner);
    let Some(owner) = owner else {
        return Ok(None);
    };
    if chain.head().number() > 0 {
        // A chain that was kept: its world stands, or was never wanted.
        return Ok(Some(owner.clone()));
    }
    let mut maker = Maker {
        chain,
        owner,
        nonce: 0,
        waiting: Vec::new(),
    };
    let rich = signers.iter().take(RICH_ACCOUNTS);
    maker.tokens(rich.map(PrivateKeySigner::address))?;
    maker.assets()?;
    maker.prices()?;
    maker.lend()?;
    maker.pools()?;
    Ok(Some(owner.clone()))
}

impl Maker<'_> {
    /// One more transaction of the owner's.
    fn call<C: SolCall>(&mut self, to: Address, call: &C) -> Result<()> {
        self.send(to, call.abi_encode())
    }

    fn send(&mut self, to: Address, input: Vec<u8>) -> Result<()> {
        let mut tx = TxEip1559 {
            chain_id: self.chain.rules().chain_id,
            nonce: self.nonce,
            gas_limit: GAS,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::ZERO,
            access_list: Default::default(),
            input: input.into(),
        };
        let signature = self.owner.sign_transaction_sync(&mut tx)?;
        let signed = tx.into_signed(signature).into();
        self.waiting
            .push(Recovered::new_unchecked(signed, self.owner.address()));
        self.nonce += 1;
        Ok(())
    }

    /// Makes blocks of what waits, and checks that everything in them did what it should.
    fn mine(&mut self) -> Result<()> {
        for submitted in self.chain.submit_many(std::mem::take(&mut self.waiting)) {
            submitted?;
        }
        let dev = self.chain.dev().ok_or_eyre("not a development chain")?;
        loop {
            dev.mine(1, None)?;
            let block = self.chain.head();
            if let Some(at) = block.receipts.iter().position(|receipt| !receipt.status()) {
                bail!("transaction {at} of block {} failed", block.number());
            }
            let state = self.chain.state_at(At::Latest)?;
            let account = state.account(self.owner.address())?;
            if account.map_or(0, |account| account.nonce) == self.nonce {
                return Ok(());
            }
        }
    }

    /// The tokens, and some of each for everybody: for the owner, what he lends and seeds.
    fn tokens(&mut self, rich: impl Iterator<Item = Address>) -> Result<()> {
        let rich: Vec<_> = rich.collect();
        let owner = self.owner.address();
        for (number, asset) in ASSETS.iter().enumerate().take(DOLLAR).skip(1) {
            let create = ITokenFactory::createTokenCall {
                name: format!("{} of a development chain", asset.symbol),
                symbol: asset.symbol.to_owned(),
                decimals: asset.decimals,
                owner,
                grantDelayMs: 0,
            };
            self.call(token::FACTORY_ADDRESS, &create)?;
            let token = address_of(number);
            let mint = |to, value| IToken::mintCall { to, value };
            let lent = asset.units(asset.lent) * U256::from(2);
            self.call(token, &mint(owner, lent))?;
            for &to in &rich {
                self.call(token, &mint(to, asset.units(asset.given)))?;
            }
        }
        self.mine()
    }

    /// Assets with all that they need, and the owner as their one reporter.
    fn assets(&mut self) -> Result<()> {
        let reporter = self.owner.address();
        let grant = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: reporter,
            expiresMs: 0,
        };
        self.call(admin::ADDRESS, &grant)?;
        self.call(oracle::ADDRESS, &IOracle::addReporterCall { reporter })?;
        for (number, asset) in ASSETS.iter().enumerate().take(DOLLAR) {
            let asset = asset.listing(address_of(number))?;
            self.call(listing::ADDRESS, &IListing::listCall { asset })?;
        }
        self.dollar()?;
        self.mine()
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
        let asset_id = u32::try_from(DOLLAR)?;
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
        let time_ms = self.chain.head().time_ms();
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

    /// Something in each market.
    fn lend(&mut self) -> Result<()> {
        let name = AccountName {
            owner: self.owner.address(),
            index: 0,
        };
        let mut batch = Batch::default();
        for (asset_id, asset) in (0..).zip(&ASSETS[..DOLLAR]) {
            let lent = asset.units(asset.lent);
            batch.act(Verb::Deposit, asset_id, lent);
            batch.act(Verb::Supply, asset_id, lent);
        }
        let lend = batch.call(name);
        self.send(lend.to, lend.input.to_vec())?;
        self.mine()
    }

    /// Something to swap with. What the pool of dollars needs is minted against what was lent.
    fn pools(&mut self) -> Result<()> {
        let owner = self.owner.address();
        let dollars = POOLS.iter().filter(|pool| pool.assets.contains(&DOLLAR));
        let minted = ASSETS[DOLLAR].units(dollars.map(|pool| pool.side_usd).sum());
        let mut batch = Batch::default();
        batch.mint(minted);
        batch.withdraw(u32::try_from(DOLLAR)?, minted, owner);
        let mint = batch.call(AccountName { owner, index: 0 });
        self.send(mint.to, mint.input.to_vec())?;
        for pool in &POOLS {
            let amounts = pool.assets.map(|place| ASSETS[place].worth(pool.side_usd));
            let create = IExchange::createPoolCall {
                shape: IExchange::Shape {
                    curve: pool.curve.number(),
                    feePips: pool.fee_pips,
                    amplification: pool.amplification,
                    assets: pool
                        .assets
                        .iter()
                        .map(|place| u32::try_from(*place))
                        .collect::<Result<_, _>>()?,
                },
                amounts: amounts.into_iter().collect::<Result<_>>()?,
                to: owner,
                deadlineMs: u64::MAX,
            };
            self.call(exchange::ADDRESS, &create)?;
        }
        self.mine()
    }
}

/// The token of an asset: the coin's face, or the factory's by its number.
fn address_of(number: usize) -> Address {
    match number {
        0 => ether::ADDRESS,
        number => native(token::KIND, number as u64),
    }
}

/// Signs made-up prices, until it is dropped.
///
/// # Errors
/// The market's.
pub(crate) async fn feed(address: SocketAddr, owner: PrivateKeySigner) -> Result<()> {
    let node = Node::new(&format!("http://{address}"))?;
    let settings = MarketSettings {
        seed: 0,
        every: PRICE_EVERY,
        correlation: 0.6,
        jumps_per_day: 0.0,
        jump_size: 0.0,
        assets: (0..)
            .zip(&ASSETS)
            .map(|(asset_id, asset)| -> Result<Simulated> {
                Ok(Simulated {
                    asset_id,
                    price: asset.price.parse()?,
                    volatility: asset.volatility,
                })
            })
            .collect::<Result<_>>()?,
    };
    let mut source = Source::Market(Market::new(settings)?);
    let feeder = Feeder::new(node, vec![owner]).await;
    let mut feeder = feeder
        .wrap_err("the made-up market does not reach its own node")?
        .quiet();
    feeder.run(&mut source).await?;
    Ok(())
}

/// What a newcomer can do, for the banner.
pub(crate) fn words() -> String {
    let assets: Vec<_> = ASSETS
        .iter()
        .map(|asset| format!("{} at {} USD", asset.symbol, asset.price))
        .collect();
    format!(
        "\nAssets with made-up prices: {}\n  capstan market list\n  capstan account supply 1 eth --dev-account 1\n  \
         capstan account borrow 500 usdc --dev-account 1\n  \
         capstan account mint 200 usd --dev-account 1\n  capstan account show --dev-account 1\n  \
         capstan swap 1 eth usdc --dev-account 1\n",
        assets.join(", ")
    )
}
