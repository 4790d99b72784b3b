//! Lending and flash loans beside Aave v3 in bytecode, in one EVM.
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
//! Each verb moves tokens between the driver's wallet and the market, on both sides. Ours is called through [`DOOR`], a
//! native contract that does what a wallet's batch of a deposit and a supply does, without the check of health; Aave's
//! borrow and withdrawal check it.

use std::{fs, path::Path, sync::Arc, time::Instant};

use alloy_primitives::{Address, Bytes, U256, address, hex, keccak256};
use alloy_sol_types::{SolCall, sol};
use capstan_chain::{Chain, ChainConfig, Genesis};
use capstan_contracts::{
    Contract, Entry, Interface, Kind, Place,
    erc20::IErc20,
    flash::{self, IFlash},
    ledger::{self, ILedger},
    lending::{self, ILending},
    native,
    token::{FACTORY_ADDRESS, IToken, ITokenFactory},
};
use capstan_evm::{
    Natives, Protocol,
    call::{AccountOverride, Checks, Session},
};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};
use eyre::{OptionExt, WrapErr, ensure};
use revm::{context::TxEnv, primitives::TxKind};

use crate::report::{Table, median};

const DRIVER: Address = address!("00000000000000000000000000000000000d0001");
const STOPPER: Address = address!("00000000000000000000000000000000000d0002");
const PEER: Address = address!("00000000000000000000000000000000000d0003");
/// The native contract through which the driver uses markets.
const DOOR: Address = native(Kind::new(0x7001), 0);
/// What each call moves.
const UNITS: u64 = 1_000;
/// What everybody begins with.
const RICH: u64 = 1_000_000_000_000;

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

mod door {
    //! Wallet and market in one call.

    use super::*;
    use IDoor::*;

    sol! {
        /// A wallet's use of markets: its own account 0.
        #[sol(abi)]
        interface IDoor {
            /// From the wallet into the market.
            function supply(uint32 assetId, uint256 amount) external;
            /// From the market to the wallet.
            function withdraw(uint32 assetId, uint256 amount) external;
            /// From the market to the wallet, as a debt.
            function borrow(uint32 assetId, uint256 amount) external;
            /// From the wallet, for the debt.
            function repay(uint32 assetId, uint256 amount) external;
        }
    }

    capstan_contracts::verbs! { IDoorCalls;
        supplyCall: Write, 0 => |cx, c| supply(cx, AssetId::new(c.assetId), c.amount);
        withdrawCall: Write, 0 => |cx, c| withdraw(cx, AssetId::new(c.assetId), c.amount);
        borrowCall: Write, 0 => |cx, c| borrow(cx, AssetId::new(c.assetId), c.amount);
        repayCall: Write, 0 => |cx, c| repay(cx, AssetId::new(c.assetId), c.amount);
    }

    fn of(cx: &Ctx<'_>) -> (Address, AccountId) {
        (cx.caller(), AccountId::new(cx.caller(), 0))
    }

    fn supply(cx: &mut Ctx<'_>, id: AssetId, amount: U256) -> Result<(), Halt> {
        let (wallet, account) = of(cx);
        let units = ledger::pull(cx, id, wallet, account, Assets::from_u256(amount)?)?;
        lending::supply(cx, id, account, units).map(|_| ())
    }

    fn withdraw(cx: &mut Ctx<'_>, id: AssetId, amount: U256) -> Result<(), Halt> {
        let (wallet, account) = of(cx);
        let units = Assets::from_u256(amount)?;
        lending::redeem(cx, id, account, units)?;
        ledger::push(cx, id, account, wallet, units)
    }

    fn borrow(cx: &mut Ctx<'_>, id: AssetId, amount: U256) -> Result<(), Halt> {
        let (wallet, account) = of(cx);
        let units = Assets::from_u256(amount)?;
        lending::borrow(cx, id, account, units)?;
        ledger::push(cx, id, account, wallet, units)
    }

    fn repay(cx: &mut Ctx<'_>, id: AssetId, amount: U256) -> Result<(), Halt> {
        let (wallet, account) = of(cx);
        let units = ledger::pull(cx, id, wallet, account, Assets::from_u256(amount)?)?;
        lending::repay(cx, id, account, account, units).map(|_| ())
    }

    pub(super) static CONTRACT: Contract = Contract {
        name: "door",
        doc: "A wallet's use of markets.",
        place: Place::At(DOOR),
        entry: Entry::Verbs(VERBS),
        interfaces: &[Interface {
            name: "door",
            abi: IDoor::abi::contract,
            source: include_str!("credit.rs"),
        }],
        errors_of: &[],
        system: &[],
        layout: &[],
        genesis: |_, _| Ok(()),
        invariants: |_, _| Ok(()),
    };
}

use door::IDoor;

/// The protocol, and the door.
#[derive(Debug)]
struct WithDoor;

impl Natives for WithDoor {
    fn owns(&self, at: Address) -> bool {
        Protocol.owns(at)
    }

    fn run(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        if cx.this() == DOOR {
            return door::CONTRACT.run(cx, input);
        }
        Protocol.run(cx, input)
    }

    fn serves_system(&self, at: Address) -> bool {
        Protocol.serves_system(at)
    }

    fn run_system(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        Protocol.run_system(cx, input)
    }

    fn refuse_delegated(&self) -> Halt {
        Protocol.refuse_delegated()
    }
}

sol! {
    interface IPeerPool {
        function open(uint256 factor, uint16 optimal, uint32 base, uint32 slope1, uint32 slope2) external returns (address pool, address asset);
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

/// One state with our markets and Aave's in it.
struct World {
    chain: Chain,
    session: Session,
    owner: Address,
}

impl World {
    fn open() -> eyre::Result<Self> {
        let genesis = Genesis::dev(1, 0);
        let owner = Genesis::dev_accounts(1, 0)
            .first()
            .ok_or_eyre("no account")?
            .address;
        let chain = Chain::open(ChainConfig::dev(genesis))?;
        let state = chain.state_at(chain.head().number())?;
        let session = Session::open_with(
            Arc::clone(chain.rules()),
            state,
            chain.next_context(),
            &WithDoor,
        )?;
        Ok(Self {
            chain,
            session,
            owner,
        })
    }

    /// A minute later, on everything that was kept.
    fn later(&mut self) -> eyre::Result<()> {
        let mut context = self.chain.next_context();
        context.info.time_ms = context.info.time_ms.saturating_add(60_000);
        let before = self.session.overlay().clone();
        self.session = Session::open_with(
            Arc::clone(self.chain.rules()),
            Arc::new(before),
            context,
            &WithDoor,
        )?;
        Ok(())
    }

    fn put(&mut self, at: Address, code: Bytes) -> eyre::Result<()> {
        let code = AccountOverride {
            code: Some(code),
            ..Default::default()
        };
        self.session.override_account(at, &code)?;
        Ok(())
    }

    fn tx(&self, to: Address, data: Vec<u8>) -> TxEnv {
        TxEnv {
            caller: self.owner,
            kind: TxKind::Call(to),
            data: data.into(),
            gas_limit: 1_000_000_000,
            chain_id: None,
            ..Default::default()
        }
    }

    /// Runs and keeps a call by the owner.
    fn keep<C: SolCall>(&mut self, to: Address, call: &C) -> eyre::Result<C::Return> {
        let tx = self.tx(to, call.abi_encode());
        let done = self.session.run(tx, Checks::NONE)?;
        ensure!(
            done.result.is_success(),
            "{} failed: {:?}",
            C::SIGNATURE,
            done.result
        );
        self.session.commit(&done.state);
        Ok(C::abi_decode_returns(
            &done.result.into_output().unwrap_or_default(),
        )?)
    }

    /// Runs and keeps a call by the driver.
    fn drive<C: SolCall>(&mut self, to: Address, call: &C) -> eyre::Result<()> {
        self.keep(DRIVER, &driven(to, 1, call.abi_encode()))?;
        Ok(())
    }

    /// Lists a token that owner and driver have, opens a market, and lets the driver use it.
    fn open_market(&mut self, token: Address) -> eyre::Result<u32> {
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: U256::ZERO,
        };
        let list = ILedger::listAssetCall { token, limit };
        let asset_id = self.keep(ledger::ADDRESS, &list)?;
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
        for spender in [DOOR, flash::ADDRESS] {
            self.drive(token, &IErc20::approveCall { spender, value })?;
        }
        let amount = U256::from(RICH);
        let supply = IDoor::supplyCall {
            assetId: asset_id,
            amount,
        };
        self.drive(DOOR, &supply)?;
        let amount = U256::from(RICH / 10);
        let borrow = IDoor::borrowCall {
            assetId: asset_id,
            amount,
        };
        self.drive(DOOR, &borrow)?;
        let token = flash::IFlash::setFeeBpsOfCall { token, feeBps: 5 };
        self.keep(flash::ADDRESS, &token)?;
        Ok(asset_id)
    }

    /// A token of the factory, of which owner and driver have plenty.
    fn native_token(&mut self) -> eyre::Result<Address> {
        let create = ITokenFactory::createTokenCall {
            name: "Bench".into(),
            symbol: "BENCH".into(),
            decimals: 18,
            owner: self.owner,
            grantDelayMs: 0,
        };
        let token = self.keep(FACTORY_ADDRESS, &create)?;
        for to in [self.owner, DRIVER] {
            let value = U256::from(RICH) * U256::from(1_000);
            self.keep(token, &IToken::mintCall { to, value })?;
        }
        Ok(token)
    }

    /// Runs a transaction, which must end well, and keeps nothing.
    fn time(&mut self, tx: TxEnv) -> eyre::Result<(f64, u64)> {
        let start = Instant::now();
        let done = self.session.run(tx, Checks::NONE)?;
        let ns = start.elapsed().as_secs_f64() * 1e9;
        ensure!(done.result.is_success(), "failed: {:?}", done.result);
        Ok((ns, done.result.tx_gas_used()))
    }
}

fn driven(target: Address, count: u64, data: Vec<u8>) -> IPeerDriver::driveCall {
    IPeerDriver::driveCall {
        target,
        count: U256::from(count),
        data: data.into(),
    }
}

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
    world.put(STOPPER, Bytes::from_static(&[0x00]))?;
    world.put(DOOR, Bytes::from_static(&[0xfe]))?;
    let open = IPeerPool::openCall {
        factor: U256::from(1_000),
        optimal: 8_000,
        base: 0,
        slope1: 400,
        slope2: 6_000,
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
    let door = |call: &dyn Fn(u32) -> Vec<u8>| ours.map(|(id, _)| (DOOR, call(id)));
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
    let supplies = door(&|id| {
        let asset_id = id;
        IDoor::supplyCall {
            assetId: asset_id,
            amount,
        }
        .abi_encode()
    });
    let withdrawals = door(&|id| {
        IDoor::withdrawCall {
            assetId: id,
            amount,
        }
        .abi_encode()
    });
    let loans_taken = door(&|id| {
        IDoor::borrowCall {
            assetId: id,
            amount,
        }
        .abi_encode()
    });
    let repayments = door(&|id| {
        IDoor::repayCall {
            assetId: id,
            amount,
        }
        .abi_encode()
    });
    vec![
        ("supply", with(supplies, supply.abi_encode())),
        ("withdraw", with(withdrawals, withdraw.abi_encode())),
        ("borrow", with(loans_taken, borrow.abi_encode())),
        ("repay", with(repayments, repay.abi_encode())),
        ("flash loan", with(loans, loan.abi_encode())),
    ]
}

/// Times in turn, so that a slow moment of the machine falls on all; medians and gas in the order of `txs`.
fn medians(world: &mut World, rounds: usize, txs: &[TxEnv]) -> eyre::Result<Vec<(f64, u64)>> {
    let mut samples = vec![Vec::with_capacity(rounds); txs.len()];
    let mut gas = vec![0; txs.len()];
    // The first round fills caches: it is not counted.
    for round in 0..=rounds {
        for (at, tx) in txs.iter().enumerate() {
            let (ns, used) = world.time(tx.clone())?;
            gas[at] = used;
            if round > 0 {
                samples[at].push(ns);
            }
        }
    }
    Ok(samples.iter_mut().map(|of| median(of)).zip(gas).collect())
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut world = World::open()?;
    let (pool, asset) = open_peer(&mut world)?;
    let token = world.native_token()?;
    let ours = [
        (world.open_market(token)?, token),
        (world.open_market(asset)?, asset),
    ];
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
    for (name, calls) in verbs(ours, pool, asset) {
        for (what, count) in [("warm", options.calls), ("cold", 1)] {
            let length = calls[2].1.len();
            let stop = (STOPPER, vec![0; length]);
            let txs: Vec<_> = calls
                .iter()
                .chain([&stop])
                .map(|(to, data)| {
                    let drive = driven(*to, count, data.clone());
                    world.tx(DRIVER, drive.abi_encode())
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
    println!(
        "Ours does not check health here; Aave's withdraw and borrow do. Gas is that of native token / same ERC-20 / Aave."
    );
    Ok(())
}
