//! A native token transfer against the same ERC-20 in bytecode, in one EVM.
//!
//! A small driver contract calls `transfer` many times in one transaction; the same driver calling an
//! account that stops at once is subtracted. What is left is the time inside the call frame of the token.
//!
//! ```text
//!   (driver × n calls of the token) - (driver × n calls of STOP)   = n call frames
//!   warm: one recipient, so every slot was touched before
//!   cold: a new recipient each time, so every call touches a slot first and creates it
//! ```
//!
//! Both tokens live in one session, hold the same balances, and are called by the same bytes in turn, so that
//! a slow moment of the machine falls on both. Before anything is timed, one run of each is kept, and the
//! balances that it left are compared with what was sent.

mod execution;

use std::{sync::Arc, time::Instant};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use alloy_sol_types::SolCall;
use capstan_chain::{Chain, ChainConfig, Genesis};
use capstan_contracts::erc20::IErc20;
use capstan_contracts::token::{IToken, ITokenFactory};
use capstan_evm::StateRead;
use capstan_evm::call::{AccountOverride, Checks, Session};
use eyre::{OptionExt, ensure};
use revm::context::TxEnv;
use revm::context_interface::result::ExecutionResult;

use crate::report::{Table, median};

const DRIVER: Address = address!("00000000000000000000000000000000000d0001");
const STOPPER: Address = address!("00000000000000000000000000000000000d0002");
/// Recipients are this number and what is above it.
const RECIPIENTS: u64 = 0x0f_0000;

/// How often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Calls of the token in one transaction. Few, so that a busy machine seldom breaks into a run.
    #[arg(long, default_value_t = 50)]
    calls: u64,
    /// Pairs of runs; medians are printed.
    #[arg(long, default_value_t = 2001)]
    runs: usize,
    /// Blocks of plain execution; medians are printed.
    #[arg(long, default_value_t = 11)]
    blocks: usize,
}

/// Assembles the driver: calldata is `token | calls | stride`; it calls `transfer(base + i * stride, 1)` for
/// `i = calls .. 1` and reverts if one fails.
fn driver() -> Bytes {
    const SELECTOR: [u8; 4] = IErc20::transferCall::SELECTOR;
    let mut code = vec![0x63]; // PUSH4 selector, to memory 0..4
    code.extend(SELECTOR);
    code.extend([0x60, 0xe0, 0x1b, 0x5f, 0x52]); // PUSH1 224 SHL PUSH0 MSTORE
    code.extend([0x60, 0x01, 0x60, 0x24, 0x52]); // amount 1 at 36
    code.extend([0x60, 0x20, 0x35]); // i = calldata[32]
    let top = code.len();
    code.extend([0x5b, 0x80, 0x15, 0x60, 0x00, 0x57]); // JUMPDEST DUP1 ISZERO PUSH1 end JUMPI
    let end_at = top + 4;
    code.extend([0x80, 0x60, 0x40, 0x35, 0x02]); // DUP1 calldata[64] MUL
    code.extend([0x62, 0x0f, 0x00, 0x00, 0x01]); // PUSH3 RECIPIENTS ADD
    code.extend([0x60, 0x04, 0x52]); // recipient at 4
    code.extend([
        0x60, 0x20, 0x60, 0x80, 0x60, 0x44, 0x5f, 0x5f, 0x5f, 0x35, 0x5a, 0xf1,
    ]); // CALL, its answer to 128
    code.extend([0x15, 0x60, 0x00, 0x57]); // ISZERO PUSH1 fail JUMPI
    let fail_at = code.len() - 2;
    code.extend([0x60, 0x01, 0x90, 0x03]); // i - 1
    code.extend([0x60, u8::try_from(top).unwrap_or(0), 0x56]); // JUMP top
    code[end_at] = u8::try_from(code.len()).unwrap_or(0);
    code.extend([0x5b, 0x00]); // end: STOP
    code[fail_at] = u8::try_from(code.len()).unwrap_or(0);
    code.extend([0x5b, 0x5f, 0x5f, 0xfd]); // fail: REVERT
    code.into()
}

fn recipient(index: u64) -> Address {
    Address::from_word(B256::from(U256::from(RECIPIENTS + index)))
}

/// One state with both tokens in it.
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
        let mut session = Session::open(Arc::clone(chain.rules()), state, chain.next_context())?;
        let code = |code: Bytes| AccountOverride {
            code: Some(code),
            ..Default::default()
        };
        session.override_account(DRIVER, &code(driver()))?;
        session.override_account(STOPPER, &code(Bytes::from_static(&[0x00])))?;
        Ok(Self {
            chain,
            session,
            owner,
        })
    }

    fn tx(&self, to: TxKind, data: Bytes) -> TxEnv {
        TxEnv {
            caller: self.owner,
            kind: to,
            data,
            gas_limit: 1_000_000_000,
            chain_id: None,
            ..Default::default()
        }
    }

    /// Runs and keeps a transaction.
    fn keep(&mut self, to: TxKind, data: Bytes) -> eyre::Result<Bytes> {
        let done = self.session.run(self.tx(to, data), Checks::NONE)?;
        ensure!(done.result.is_success(), "set-up failed: {:?}", done.result);
        self.session.commit(&done.state);
        let created = done.result.created_address();
        let output = done.result.into_output().unwrap_or_default();
        Ok(created.map_or(output, |at| Bytes::copy_from_slice(at.as_slice())))
    }

    /// A factory token whose owner holds 10^24 units.
    fn native_token(&mut self) -> eyre::Result<Address> {
        let create = ITokenFactory::createTokenCall {
            name: "Bench".into(),
            symbol: "BENCH".into(),
            decimals: 18,
            owner: self.owner,
            grantDelayMs: 0,
        };
        let factory = capstan_contracts::token::FACTORY_ADDRESS;
        let answer = self.keep(factory.into(), create.abi_encode().into())?;
        let token = ITokenFactory::createTokenCall::abi_decode_returns(&answer)?;
        let mint = IToken::mintCall {
            to: self.owner,
            value: U256::from(10).pow(U256::from(24)),
        };
        self.keep(token.into(), mint.abi_encode().into())?;
        self.endow(token)
    }

    /// OpenZeppelin's token, whose constructor gives its owner as much.
    fn bytecode_token(&mut self) -> eyre::Result<Address> {
        let at = self.keep(TxKind::Create, crate::erc20_init_code()?)?;
        self.endow(Address::try_from(at.as_ref())?)
    }

    /// Gives the driver what it will send, and the warm recipient something to stand on.
    fn endow(&mut self, token: Address) -> eyre::Result<Address> {
        for to in [DRIVER, recipient(0)] {
            self.send(token, to, U256::from(10).pow(U256::from(20)))?;
        }
        Ok(token)
    }

    fn send(&mut self, token: Address, to: Address, value: U256) -> eyre::Result<()> {
        let call = IErc20::transferCall { to, value };
        self.keep(token.into(), call.abi_encode().into())?;
        Ok(())
    }

    fn balance(&mut self, token: Address, account: Address) -> eyre::Result<U256> {
        let call = IErc20::balanceOfCall { account }.abi_encode();
        let done = self
            .session
            .run(self.tx(token.into(), call.into()), Checks::NONE)?;
        let output = done.result.into_output().unwrap_or_default();
        Ok(IErc20::balanceOfCall::abi_decode_returns(&output)?)
    }

    fn drive_tx(&self, target: Address, calls: u64, stride: u64) -> TxEnv {
        let mut data = target.into_word().to_vec();
        data.extend(U256::from(calls).to_be_bytes::<32>());
        data.extend(U256::from(stride).to_be_bytes::<32>());
        self.tx(DRIVER.into(), data.into())
    }

    /// Runs a transaction, which must end well and leave `logs` logs, and keeps nothing.
    fn time(&mut self, tx: TxEnv, logs: u64) -> eyre::Result<(f64, u64)> {
        let start = Instant::now();
        let done = self.session.run(tx, Checks::NONE)?;
        let ns = start.elapsed().as_secs_f64() * 1e9;
        let ExecutionResult::Success { logs: seen, .. } = &done.result else {
            eyre::bail!("the run failed: {:?}", done.result);
        };
        ensure!(
            u64::try_from(seen.len())? == logs,
            "{} transfers happened, not {logs}",
            seen.len()
        );
        Ok((ns, done.result.tx_gas_used()))
    }

    /// Keeps one run of a token and compares balances with what was sent.
    fn check(&mut self, token: Address, calls: u64, stride: u64) -> eyre::Result<()> {
        let first = recipient(calls * stride);
        let (driver, to) = (self.balance(token, DRIVER)?, self.balance(token, first)?);
        let tx = self.drive_tx(token, calls, stride);
        let done = self.session.run(tx, Checks::NONE)?;
        ensure!(done.result.is_success(), "failed: {:?}", done.result);
        let before = self.session.overlay().clone();
        self.session.commit(&done.state);
        let sent = driver - self.balance(token, DRIVER)?;
        let got = self.balance(token, first)? - to;
        let expected = if stride == 0 { calls } else { 1 };
        ensure!(
            sent == U256::from(calls) && got == U256::from(expected),
            "{token} moved {sent}, of which {got} came to {first}"
        );
        // Back to where recipients are new.
        self.session = Session::open(
            Arc::clone(self.chain.rules()),
            Arc::new(before),
            self.chain.next_context(),
        )?;
        Ok(())
    }

    fn code_hash(&self, of: Address) -> eyre::Result<B256> {
        let account = self.session.overlay().account(of)?;
        Ok(account.ok_or_eyre("no such contract")?.code_hash)
    }
}

/// What one transaction took: the median of its runs, and the one that nothing disturbed.
#[derive(Clone, Copy)]
struct Timed {
    ns: f64,
    fastest_ns: f64,
    gas: u64,
}

impl Timed {
    /// Its share in each of `calls`, without what `base` took.
    fn per_call(self, base: Self, calls: u64) -> Cost {
        let n = calls as f64;
        Cost {
            ns: (self.ns - base.ns) / n,
            fastest_ns: (self.fastest_ns - base.fastest_ns) / n,
            gas: self.gas.saturating_sub(base.gas) as f64 / n,
        }
    }
}

/// What one transfer costs.
struct Cost {
    ns: f64,
    fastest_ns: f64,
    gas: f64,
}

/// Times in turn, and answers the medians in the order of `runs`. The gas must not differ between rounds.
fn medians<const N: usize>(
    world: &mut World,
    rounds: usize,
    runs: [(TxEnv, u64); N],
) -> eyre::Result<[Timed; N]> {
    let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    let mut gas = [0; N];
    // The first round fills caches: it is not counted.
    for round in 0..=rounds {
        for (index, (tx, logs)) in runs.iter().enumerate() {
            let (ns, used) = world.time(tx.clone(), *logs)?;
            if round == 0 {
                gas[index] = used;
            } else {
                samples[index].push(ns);
            }
            ensure!(gas[index] == used, "gas differs between equal runs");
        }
    }
    Ok(std::array::from_fn(|index| Timed {
        ns: median(&mut samples[index]),
        fastest_ns: samples[index].iter().copied().fold(f64::INFINITY, f64::min),
        gas: gas[index],
    }))
}

fn row(table: &mut Table, name: &str, native: &Cost, bytecode: &Cost) {
    table.row(vec![
        name.into(),
        format!("{:.0}", native.ns),
        format!("{:.0}", bytecode.ns),
        format!("{:.1}x", bytecode.ns / native.ns),
        format!("{:.1}x", bytecode.fastest_ns / native.fastest_ns),
        format!("{:.0}", native.gas),
        format!("{:.0}", bytecode.gas),
    ]);
}

/// Prints the tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut world = World::open()?;
    let native = world.native_token()?;
    let bytecode = world.bytecode_token()?;
    println!(
        "bytecode: OpenZeppelin ERC20Permit, {} bytes, code hash {}",
        world
            .session
            .overlay()
            .code(world.code_hash(bytecode)?)?
            .len(),
        world.code_hash(bytecode)?
    );
    let mut table = Table::new(&[
        "one transfer",
        "native ns",
        "bytecode ns",
        "ratio",
        "of fastest runs",
        "native gas",
        "bytecode gas",
    ]);
    let calls = options.calls;
    let nothing = Timed {
        ns: 0.0,
        fastest_ns: 0.0,
        gas: 0,
    };
    let mut frames = Vec::new();
    for (name, stride) in [("warm", 0), ("cold", 1)] {
        for token in [native, bytecode] {
            world.check(token, calls, stride)?;
        }
        let runs = [(native, calls), (bytecode, calls), (STOPPER, 0)]
            .map(|(target, logs)| (world.drive_tx(target, calls, stride), logs));
        let [a, b, stop] = medians(&mut world, options.runs, runs)?;
        let name = format!("inside the frame, {name}");
        let cost = |timed: Timed| timed.per_call(stop, calls);
        row(&mut table, &name, &cost(a), &cost(b));
        frames.push((name, stop.per_call(nothing, calls).ns));
    }
    let to = recipient(0);
    let value = U256::ONE;
    let plain: Bytes = IErc20::transferCall { to, value }.abi_encode().into();
    let runs = [native, bytecode].map(|token| (world.tx(token.into(), plain.clone()), 1));
    let [a, b] = medians(&mut world, options.runs, runs)?;
    let whole = |timed: Timed| timed.per_call(nothing, 1);
    row(&mut table, "the whole transaction", &whole(a), &whole(b));
    table.print();
    for (name, ns) in frames {
        println!("subtracted {name}: {ns:.0} ns for the driver's turn and a call of STOP");
    }
    println!();
    execution::run(&mut world, [native, bytecode], options.blocks)
}
