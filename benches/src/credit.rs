//! Lending, liquidation and flash loans beside Aave v3 in bytecode, in one EVM.
//!
//! A driver contract makes the same call again and again in one transaction; the same driver calling an account that
//! stops at once is subtracted. What is left is the time inside the call frame, with all calls that it makes.
//!
//! ```text
//!   warm: (driver x n calls) - (driver x n calls of STOP), over n; the market accrued before
//!   cold: (driver x 1 call)  - (driver x 1 call of STOP), in a block of its own: every slot is touched first, and
//!         both sides accrue a minute of interest
//! ```
//!
//! Each verb moves tokens between the driver's wallet and the market, on both sides, and whatever may lower health is
//! checked on both: ours is a batch of `account.execute` (deposit and supply, redeem and withdraw, borrow and withdraw,
//! deposit and repay), with the guard that it leaves; Aave's is the pool's verb.
//!
//! A liquidation pays a dollar of the same debt for the same collateral at the same price and discount on both sides:
//! Aave's `liquidationCall`, and ours a batch that deposits, bids and withdraws what it bought.

use std::{fs, path::Path};

use alloy_primitives::{Address, B256, Bytes, U256, address, hex, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolValue as _, sol};
use capstan_contracts::{
    SystemKind,
    account::{self, AssetAmount, Bid, IAccount, OFFER_MS, Verb as Act, Withdrawal},
    admin::{self, IAdmin},
    erc20::IErc20,
    flash::{self, IFlash},
    lending::{self, ILending},
    oracle::{self, IOracle},
};
use capstan_evm::SystemTx;
use capstan_units::{AccountId, Assets};
use eyre::{WrapErr, ensure};
use revm::primitives::TxKind;

use crate::{
    report::Table,
    world::{ONE, STOPPER, World, medians},
};

const DRIVER: Address = address!("00000000000000000000000000000000000d0001");
const PEER: Address = address!("00000000000000000000000000000000000d0003");
/// One dollar: what every token here is worth.
const USD: u128 = ONE;
/// What each call moves.
const UNITS: u128 = USD;
/// What everybody begins with.
const RICH: u128 = 1_000_000 * USD;

/// How often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Calls in one transaction.
    #[arg(long, default_value_t = 20)]
    calls: u64,
    /// Rounds of runs; medians are printed.
    #[arg(long, default_value_t = 501)]
    runs: usize,
}

sol! {
    interface IPeerPool {
        function open(uint256 factor, uint16 optimal, uint32 base, uint32 slope1, uint32 slope2) external returns (address pool, address asset);
        function add(uint256 factor, uint16 optimal, uint32 base, uint32 slope1, uint32 slope2) external returns (address asset);
        function fall(address asset, uint256 price) external;
        function mint(address to, uint256 value) external;
    }
    interface IPeerDriver {
        function drive(address target, uint256 count, bytes calldata data) external;
    }
    interface IAave {
        function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
        function withdraw(address asset, uint256 amount, address to) external returns (uint256);
        function borrow(address asset, uint256 amount, uint256 interestRateMode, uint16 referralCode, address onBehalfOf) external;
        function repay(address asset, uint256 amount, uint256 interestRateMode, address onBehalfOf) external returns (uint256);
        function liquidationCall(address collateralAsset, address debtAsset, address user, uint256 debtToCover, bool receiveAToken) external;
        function flashLoanSimple(address receiver, address asset, uint256 amount, bytes calldata params, uint16 referralCode) external;
    }
}

/// What `pool.mjs` wrote.
#[derive(serde::Deserialize)]
struct Peer {
    libraries: std::collections::BTreeMap<Address, String>,
    pool: String,
    driver: String,
}

impl World {
    /// Prices of a block a minute later, by asset.
    pub(crate) fn price(&mut self, prices: &[u128]) -> eyre::Result<()> {
        self.later()?;
        let entry = |(asset_id, price): (u32, &u128)| IOracle::Entry {
            assetId: asset_id,
            price: *price,
            confidenceBps: 0,
        };
        let report = IOracle::Report {
            round: self.minutes,
            timeMs: self.session.block().info.time_ms,
            entries: (0..).zip(prices).map(entry).collect(),
        };
        let digest = oracle::digest(self.chain.rules().chain_id, &report);
        let signature = reporter()?.sign_hash_sync(&digest)?;
        let signed = IOracle::SignedReport {
            reporter: reporter()?.address(),
            report,
            v: 27 + u8::from(signature.v()),
            r: signature.r().into(),
            s: signature.s().into(),
        };
        self.system(SystemKind::Prices, oracle::encode_reports(&[signed]))
    }

    /// Runs and keeps a transaction of the block.
    fn system(&mut self, kind: SystemKind, input: Bytes) -> eyre::Result<()> {
        let tx = SystemTx {
            number: self.session.block().info.number,
            ordinal: 0,
            target: kind.target(),
            gas_limit: 30_000_000,
            input,
        };
        let done = self.session.system(&tx, None)?;
        ensure!(done.result.is_success(), "{kind:?}: {:?}", done.result);
        self.session.commit(&done.state);
        Ok(())
    }

    /// Somebody who may report prices.
    pub(crate) fn appoint_reporter(&mut self) -> eyre::Result<()> {
        let reporter = reporter()?.address();
        let grant = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: reporter,
            expiresMs: 0,
        };
        self.keep(admin::ADDRESS, &grant)?;
        self.keep(oracle::ADDRESS, &IOracle::addReporterCall { reporter })
            .map(drop)
    }

    /// A batch of the driver's.
    fn batch(&mut self, asset_id: u32, actions: Vec<IAccount::Action>) -> eyre::Result<()> {
        self.drive(account::ADDRESS, &execute(asset_id, actions))
    }

    /// Runs and keeps a call by the driver.
    fn drive<C: SolCall>(&mut self, to: Address, call: &C) -> eyre::Result<()> {
        self.keep(DRIVER, &driven(to, 1, call.abi_encode()))?;
        Ok(())
    }

    /// The same as [`open_market`](Self::open_market), and lets the driver use it.
    fn open_driven_market(&mut self, token: Address) -> eyre::Result<u32> {
        let asset_id = self.open_market(token)?;
        for spender in [account::ADDRESS, flash::ADDRESS] {
            let value = U256::MAX;
            self.drive(token, &IErc20::approveCall { spender, value })?;
        }
        Ok(asset_id)
    }

    /// Lists a token that the owner has, and opens a market.
    pub(crate) fn open_market(&mut self, token: Address) -> eyre::Result<u32> {
        let asset_id = self.list(token)?;
        let (spender, value) = (lending::ADDRESS, U256::MAX);
        self.keep(token, &IErc20::approveCall { spender, value })?;
        let params = ILending::MarketParams {
            reserveFactorBps: 1_000,
            supplyCap: Assets::MAX.to_u256(),
            borrowCap: Assets::MAX.to_u256(),
            rateModel: 0,
            baseBps: 0,
            slope1Bps: 400,
            slope2Bps: 6_000,
            optimalBps: 8_000,
        };
        let seed = U256::from(lending::SEED_MIN);
        let open = ILending::listMarketCall {
            assetId: asset_id,
            params,
            seed,
        };
        self.keep(lending::ADDRESS, &open)?;
        let feed = IOracle::listFeedCall {
            assetId: asset_id,
            description: "BENCH / USD".into(),
            referencePrice: USD,
            params: IOracle::FeedParams {
                quorum: 1,
                reacceptRounds: 2,
                bandBps: 1_000,
                bandWidenBpsPerMin: 1_000,
                confidenceBpsMax: 100,
                growthBpsPerYear: 0,
                staleMs: 86_400_000,
                smoothMs: 600_000,
                outageMs: 86_400_000,
                graceMs: 0,
                stillMs: 0,
            },
        };
        self.keep(oracle::ADDRESS, &feed)?;
        let collateral = IAccount::Collateral {
            initialBps: 8_000,
            maintenanceBps: 8_500,
            categoryInitialBps: 0,
            categoryMaintenanceBps: 0,
            discountMaxBps: 500,
            category: 0,
            isolated: false,
            depositCap: U256::ZERO,
        };
        let count = IAccount::setCollateralCall {
            assetId: asset_id,
            collateral,
            rampMs: 0,
        };
        self.keep(account::ADDRESS, &count)?;
        let token = flash::IFlash::setFeeBpsOfCall { token, feeBps: 5 };
        self.keep(flash::ADDRESS, &token)?;
        Ok(asset_id)
    }

    /// The driver lends and owes of an asset, once it has a price.
    fn lend(&mut self, asset_id: u32) -> eyre::Result<()> {
        let all = U256::from(RICH);
        self.batch(
            asset_id,
            vec![
                act(Act::Deposit, asset_id, all),
                act(Act::Supply, asset_id, all),
            ],
        )?;
        let part = U256::from(RICH / 10);
        self.batch(
            asset_id,
            vec![act(Act::Borrow, asset_id, part), leave(asset_id, part)],
        )
    }
}

/// Signs prices.
fn reporter() -> eyre::Result<PrivateKeySigner> {
    Ok(PrivateKeySigner::from_bytes(&B256::repeat_byte(0x11))?)
}

pub(crate) fn act(verb: Act, asset_id: u32, amount: U256) -> IAccount::Action {
    let args = AssetAmount {
        assetId: asset_id,
        amount,
    };
    IAccount::Action {
        verb: verb.number(),
        args: args.abi_encode().into(),
    }
}

fn leave(asset_id: u32, amount: U256) -> IAccount::Action {
    withdrawal(asset_id, amount, DRIVER)
}

fn withdrawal(asset_id: u32, amount: U256, to: Address) -> IAccount::Action {
    let args = Withdrawal {
        assetId: asset_id,
        amount,
        to,
    };
    IAccount::Action {
        verb: Act::Withdraw.number(),
        args: args.abi_encode().into(),
    }
}

/// A batch on an account of the driver's: one for each asset, as Aave here knows one.
fn execute(asset_id: u32, actions: Vec<IAccount::Action>) -> IAccount::executeCall {
    let account = IAccount::AccountRef {
        owner: DRIVER,
        index: u8::try_from(asset_id).unwrap_or_default(),
    };
    IAccount::executeCall { account, actions }
}

fn driven(target: Address, count: u64, data: Vec<u8>) -> IPeerDriver::driveCall {
    IPeerDriver::driveCall {
        target,
        count: U256::from(count),
        data: data.into(),
    }
}

/// What the rate strategy of a peer's reserve is.
const PEER_RATES: (U256, u16, u32, u32, u32) =
    (U256::from_limbs([1_000, 0, 0, 0]), 8_000, 0, 400, 6_000);

/// Aave v3 with one reserve, which the driver uses; answers pool and asset.
fn open_peer(world: &mut World) -> eyre::Result<(Address, Address)> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testing/peers/credit/build/pool.json");
    let text = fs::read(&path).wrap_err_with(|| {
        format!(
            "{} is missing: `cargo xtask bench credit` makes it",
            path.display()
        )
    })?;
    let peer: Peer = serde_json::from_slice(&text)?;
    for (at, code) in peer.libraries {
        world.put(at, hex::decode(code)?.into())?;
    }
    let code: Bytes = hex::decode(peer.pool)?.into();
    println!(
        "peer: Aave v3 (@aave-dao/aave-v3-origin 3.6.0), code hash {}",
        keccak256(&code)
    );
    world.put(PEER, code)?;
    world.put(DRIVER, hex::decode(peer.driver)?.into())?;
    let (factor, optimal, base, slope1, slope2) = PEER_RATES;
    let open = IPeerPool::openCall {
        factor,
        optimal,
        base,
        slope1,
        slope2,
    };
    let IPeerPool::openReturn { pool, asset } = world.keep(PEER, &open)?;
    for to in [world.owner, DRIVER] {
        let value = U256::from(RICH) * U256::from(1_000);
        world.keep(asset, &IPeerPool::mintCall { to, value })?;
    }
    let (spender, value) = (pool, U256::MAX);
    world.drive(asset, &IErc20::approveCall { spender, value })?;
    let (on_behalf_of, amount) = (DRIVER, U256::from(RICH));
    let supply = IAave::supplyCall {
        asset,
        amount,
        onBehalfOf: on_behalf_of,
        referralCode: 0,
    };
    world.drive(pool, &supply)?;
    let borrow = IAave::borrowCall {
        asset,
        amount: U256::from(RICH / 10),
        interestRateMode: U256::from(2),
        referralCode: 0,
        onBehalfOf: on_behalf_of,
    };
    world.drive(pool, &borrow)?;
    Ok((pool, asset))
}

/// The calls of one verb: (target, calldata) on a token of ours, on Aave's token in our market, and on Aave.
type Verb = (&'static str, [(Address, Vec<u8>); 3]);

fn verbs(ours: [(u32, Address); 2], pool: Address, asset: Address) -> Vec<Verb> {
    let amount = U256::from(UNITS);
    let batch = |actions: &dyn Fn(u32) -> [IAccount::Action; 2]| {
        ours.map(|(id, _)| {
            (
                account::ADDRESS,
                execute(id, actions(id).into()).abi_encode(),
            )
        })
    };
    let with = |[a, b]: [(Address, Vec<u8>); 2], peer: Vec<u8>| [a, b, (pool, peer)];
    let mode = U256::from(2);
    let loans = ours.map(|(_, token)| {
        let loan = IFlash::flashLoanCall {
            receiver: DRIVER,
            token,
            amount,
            data: Bytes::new(),
        };
        (flash::ADDRESS, loan.abi_encode())
    });
    let supply = IAave::supplyCall {
        asset,
        amount,
        onBehalfOf: DRIVER,
        referralCode: 0,
    };
    let withdraw = IAave::withdrawCall {
        asset,
        amount,
        to: DRIVER,
    };
    let borrow = IAave::borrowCall {
        asset,
        amount,
        interestRateMode: mode,
        referralCode: 0,
        onBehalfOf: DRIVER,
    };
    let repay = IAave::repayCall {
        asset,
        amount,
        interestRateMode: mode,
        onBehalfOf: DRIVER,
    };
    let loan = IAave::flashLoanSimpleCall {
        receiver: DRIVER,
        asset,
        amount,
        params: Bytes::new(),
        referralCode: 0,
    };
    let supplies = batch(&|id| [act(Act::Deposit, id, amount), act(Act::Supply, id, amount)]);
    let withdrawals = batch(&|id| [act(Act::Redeem, id, amount), leave(id, amount)]);
    let loans_taken = batch(&|id| [act(Act::Borrow, id, amount), leave(id, amount)]);
    let repayments = batch(&|id| [act(Act::Deposit, id, amount), act(Act::Repay, id, amount)]);
    vec![
        ("supply", with(supplies, supply.abi_encode())),
        ("withdraw", with(withdrawals, withdraw.abi_encode())),
        ("borrow", with(loans_taken, borrow.abi_encode())),
        ("repay", with(repayments, repay.abi_encode())),
        ("flash loan", with(loans, loan.abi_encode())),
    ]
}

/// The row that needs a fall of prices, so it comes last.
const LIQUIDATE: &str = "liquidate";
/// What the owner supplies of the collateral, and owes.
const COLLATERAL: u128 = 100_000 * USD;
const OWED: u128 = 70_000 * USD;
/// What the collateral is worth in the end: a fifth less, and the debt stands above 85 % of it.
const FALLEN: u128 = 800_000_000_000_000_000;

/// The owner borrows against collateral that falls, on both sides and with each kind of tokens; what a liquidator calls
/// then. The discount of our offer is its largest by then, which is Aave's.
fn liquidations(
    world: &mut World,
    ours: [(u32, Address); 2],
    pool: Address,
    asset: Address,
) -> eyre::Result<[(Address, Vec<u8>); 3]> {
    let (factor, optimal, base, slope1, slope2) = PEER_RATES;
    let add = IPeerPool::addCall {
        factor,
        optimal,
        base,
        slope1,
        slope2,
    };
    let peers = world.keep(PEER, &add)?;
    let owner = world.owner;
    for to in [owner, DRIVER] {
        let value = U256::from(RICH) * U256::from(1_000);
        world.keep(peers, &IPeerPool::mintCall { to, value })?;
    }
    let native = world.native_token(&[world.owner, DRIVER], RICH * 1_000)?;
    let goods = [
        (world.open_driven_market(native)?, native),
        (world.open_driven_market(peers)?, peers),
    ];
    for _ in 0..3 {
        world.price(&[USD; 4])?;
    }
    let amount = U256::from(COLLATERAL);
    let mut debtors = Vec::new();
    for ((asset_id, _), (goods_id, token)) in ours.into_iter().zip(goods) {
        let (spender, value) = (account::ADDRESS, U256::MAX);
        world.keep(token, &IErc20::approveCall { spender, value })?;
        let owed = U256::from(OWED);
        let actions = vec![
            act(Act::Deposit, goods_id, amount),
            act(Act::Supply, goods_id, amount),
            act(Act::Borrow, asset_id, owed),
            withdrawal(asset_id, owed, owner),
        ];
        let index = u8::try_from(goods_id)?;
        let account = IAccount::AccountRef { owner, index };
        world.keep(
            account::ADDRESS,
            &IAccount::executeCall { account, actions },
        )?;
        debtors.push(AccountId::new(owner, index));
    }
    let (spender, value) = (pool, U256::MAX);
    world.keep(peers, &IErc20::approveCall { spender, value })?;
    let supply = IAave::supplyCall {
        asset: peers,
        amount,
        onBehalfOf: owner,
        referralCode: 0,
    };
    world.keep(pool, &supply)?;
    let borrow = IAave::borrowCall {
        asset,
        amount: U256::from(OWED),
        interestRateMode: U256::from(2),
        referralCode: 0,
        onBehalfOf: owner,
    };
    world.keep(pool, &borrow)?;
    for price in [USD, 900_000_000_000_000_000, FALLEN, FALLEN, FALLEN] {
        world.price(&[USD, USD, price, price])?;
    }
    // Prices of Aave have eight decimals.
    let price = U256::from(FALLEN / 10_000_000_000);
    world.keep(
        PEER,
        &IPeerPool::fallCall {
            asset: peers,
            price,
        },
    )?;
    world.system(SystemKind::Liquidate, account::encode_accounts(&debtors))?;
    world.wait(OFFER_MS / 60_000)?;
    let calls = |n: usize| {
        let ((asset_id, _), (goods_id, _)) = (ours[n], goods[n]);
        let bid = Bid {
            owner,
            index: debtors[n].index,
            debtAssetId: asset_id,
            repayMax: U256::from(UNITS),
            collateralAssetId: goods_id,
            takenMin: U256::ZERO,
        };
        let bid = IAccount::Action {
            verb: Act::Bid.number(),
            args: bid.abi_encode().into(),
        };
        let batch = execute(
            // An account with nothing else on it, as a liquidator's is.
            200,
            vec![
                act(Act::Deposit, asset_id, U256::from(UNITS)),
                bid,
                leave(goods_id, U256::MAX),
            ],
        );
        (account::ADDRESS, batch.abi_encode())
    };
    let peer = IAave::liquidationCallCall {
        collateralAsset: peers,
        debtAsset: asset,
        user: owner,
        debtToCover: U256::from(UNITS),
        receiveAToken: false,
    };
    Ok([calls(0), calls(1), (pool, peer.abi_encode())])
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut world = World::open()?;
    let (pool, asset) = open_peer(&mut world)?;
    let token = world.native_token(&[world.owner, DRIVER], RICH * 1_000)?;
    world.appoint_reporter()?;
    let ours = [
        (world.open_driven_market(token)?, token),
        (world.open_driven_market(asset)?, asset),
    ];
    // The first round of prices is a trial.
    for _ in 0..3 {
        world.price(&[USD; 2])?;
    }
    for (asset_id, _) in ours {
        world.lend(asset_id)?;
    }
    world.later()?;
    let mut table = Table::new(&[
        "one call",
        "native token ns",
        "same ERC-20 ns",
        "Aave v3 ns",
        "ratio",
        "ratio, same ERC-20",
        "gas of each",
    ]);
    let cell = |ns: f64| format!("{ns:.0}");
    let times = |peer: f64, ours: f64| format!("{:.1}x", peer / ours);
    let mut all = verbs(ours, pool, asset);
    all.push((LIQUIDATE, Default::default()));
    for (name, mut calls) in all {
        if name == LIQUIDATE {
            calls = liquidations(&mut world, ours, pool, asset)?;
        }
        for (what, count) in [("warm", options.calls), ("cold", 1)] {
            let length = calls[2].1.len();
            let stop = (STOPPER, vec![0; length]);
            let txs: Vec<_> = calls
                .iter()
                .chain([&stop])
                .map(|(to, data)| {
                    let drive = driven(*to, count, data.clone());
                    world.tx(TxKind::Call(DRIVER), drive.abi_encode())
                })
                .collect();
            let timed = medians(&mut world, options.runs, &txs)?;
            let (stop_ns, stop_gas) = timed[3];
            let each = |at: usize| (timed[at].0 - stop_ns) / count as f64;
            let gas = |at: usize| timed[at].1.saturating_sub(stop_gas) / count;
            table.row(vec![
                format!("{name}, inside the frame, {what}"),
                cell(each(0)),
                cell(each(1)),
                cell(each(2)),
                times(each(2), each(0)),
                times(each(2), each(1)),
                format!("{} / {} / {}", gas(0), gas(1), gas(2)),
            ]);
            if count == 1 {
                let whole = |at: usize| timed[at].0;
                table.row(vec![
                    format!("{name}, the whole transaction"),
                    cell(whole(0)),
                    cell(whole(1)),
                    cell(whole(2)),
                    times(whole(2), whole(0)),
                    times(whole(2), whole(1)),
                    format!("{} / {} / {}", timed[0].1, timed[1].1, timed[2].1),
                ]);
            }
        }
    }
    table.print();
    println!("Gas is that of native token / same ERC-20 / Aave.");
    Ok(())
}
