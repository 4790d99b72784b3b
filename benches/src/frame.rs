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

use std::{sync::Arc, time::Instant};

use alloy_primitives::{Address, Bytes, TxKind, U256, address};
use alloy_sol_types::SolCall;
use capstan_chain::{Chain, ChainConfig, Genesis};
use capstan_contracts::token::{IToken, ITokenFactory};
use capstan_evm::call::{AccountOverride, Checks, Session};
use eyre::{OptionExt, ensure};
use revm::context::TxEnv;

use crate::report::{Table, median};

const DRIVER: Address = address!("00000000000000000000000000000000000d0001");
const STOPPER: Address = address!("00000000000000000000000000000000000d0002");

/// How often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Calls of the token in one transaction.
    #[arg(long, default_value_t = 400)]
    calls: u64,
    /// Pairs of runs; medians are printed.
    #[arg(long, default_value_t = 101)]
    runs: usize,
}

/// Assembles the driver: calldata is `token | calls | stride`; it calls `transfer(base + i * stride, 1)` for
/// `i = calls .. 1` and reverts if one fails.
fn driver() -> Bytes {
    const SELECTOR: [u8; 4] = IToken::transferCall::SELECTOR;
    let mut code = vec![0x63]; // PUSH4 selector, to memory 0..4
    code.extend(SELECTOR);
    code.extend([0x60, 0xe0, 0x1b, 0x5f, 0x52]); // PUSH1 224 SHL PUSH0 MSTORE
    code.extend([0x60, 0x01, 0x60, 0x24, 0x52]); // amount 1 at 36
    code.extend([0x60, 0x20, 0x35]); // i = calldata[32]
    let top = code.len();
    code.extend([0x5b, 0x80, 0x15, 0x60, 0x00, 0x57]); // JUMPDEST DUP1 ISZERO PUSH1 end JUMPI
    let end_at = top + 4;
    code.extend([0x80, 0x60, 0x40, 0x35, 0x02]); // DUP1 calldata[64] MUL
    code.extend([0x62, 0x0f, 0x00, 0x00, 0x01]); // PUSH3 0x0f0000 ADD
    code.extend([0x60, 0x04, 0x52]); // recipient at 4
    code.extend([
        0x60, 0x20, 0x5f, 0x60, 0x44, 0x5f, 0x5f, 0x5f, 0x35, 0x5a, 0xf1,
    ]); // CALL
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

struct World {
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
        Ok(Self { session, owner })
    }

    fn tx(&self, to: TxKind, data: Bytes) -> TxEnv {
        TxEnv {
            caller: self.owner,
            kind: to,
            data,
            gas_limit: 1_000_000_000,
            ..Default::default()
        }
    }

    /// Runs and keeps a transaction of the set-up.
    fn keep(&mut self, to: TxKind, data: Bytes) -> eyre::Result<Bytes> {
        let done = self.session.run(self.tx(to, data), Checks::NONE)?;
        ensure!(done.result.is_success(), "set-up failed: {:?}", done.result);
        self.session.commit(&done.state);
        let created = done.result.created_address();
        let output = done.result.into_output().unwrap_or_default();
        Ok(created.map_or(output, |at| Bytes::copy_from_slice(at.as_slice())))
    }

    fn native_token(&mut self) -> eyre::Result<Address> {
        let create = ITokenFactory::createTokenCall {
            name: "Bench".into(),
            symbol: "BENCH".into(),
            decimals: 18,
            owner: self.owner,
            grantDelayMs: 0,
        };
        let factory = capstan_contracts::address::TOKEN_FACTORY;
        let answer = self.keep(factory.into(), create.abi_encode().into())?;
        let token = ITokenFactory::createTokenCall::abi_decode_returns(&answer)?;
        let mint = IToken::mintCall {
            to: self.owner,
            value: U256::from(10).pow(U256::from(24)),
        };
        self.keep(token.into(), mint.abi_encode().into())?;
        self.endow(token)
    }

    fn bytecode_token(&mut self) -> eyre::Result<Address> {
        let at = self.keep(TxKind::Create, crate::erc20_init_code()?)?;
        self.endow(Address::try_from(at.as_ref())?)
    }

    /// Gives the driver what it will send, and the warm recipient something to stand on.
    fn endow(&mut self, token: Address) -> eyre::Result<Address> {
        for to in [DRIVER, address!("00000000000000000000000000000000000f0000")] {
            let call = IToken::transferCall {
                to,
                value: U256::from(10).pow(U256::from(20)),
            };
            self.keep(token.into(), call.abi_encode().into())?;
        }
        Ok(token)
    }

    /// Nanoseconds and gas of one driver transaction.
    fn drive(&mut self, target: Address, calls: u64, stride: u64) -> eyre::Result<(f64, u64)> {
        let mut data = target.into_word().to_vec();
        data.extend(U256::from(calls).to_be_bytes::<32>());
        data.extend(U256::from(stride).to_be_bytes::<32>());
        let tx = self.tx(DRIVER.into(), data.into());
        let start = Instant::now();
        let done = self.session.run(tx, Checks::NONE)?;
        let ns = start.elapsed().as_secs_f64() * 1e9;
        ensure!(
            done.result.is_success(),
            "the driver failed: {:?}",
            done.result
        );
        Ok((ns, done.result.tx_gas_used()))
    }

    /// Nanoseconds and gas of one plain transaction to the token.
    fn whole(&mut self, token: Address) -> eyre::Result<(f64, u64)> {
        let to = address!("00000000000000000000000000000000000f0000");
        let call = IToken::transferCall {
            to,
            value: U256::ONE,
        };
        let tx = self.tx(token.into(), call.abi_encode().into());
        let start = Instant::now();
        let done = self.session.run(tx, Checks::NONE)?;
        let ns = start.elapsed().as_secs_f64() * 1e9;
        ensure!(
            done.result.is_success(),
            "the transfer failed: {:?}",
            done.result
        );
        Ok((ns, done.result.tx_gas_used()))
    }
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut world = World::open()?;
    let native = world.native_token()?;
    let bytecode = world.bytecode_token()?;
    let calls = options.calls as f64;
    let mut table = Table::new(&[
        "one transfer",
        "native ns",
        "bytecode ns",
        "ratio",
        "native gas",
        "bytecode gas",
    ]);
    for (name, stride) in [("inside the frame, warm", 0), ("inside the frame, cold", 1)] {
        let mut samples: [Vec<f64>; 3] = Default::default();
        let mut gas = [0u64; 3];
        for _ in 0..options.runs {
            // Interleaved, so that a slow moment of the machine falls on all three.
            for (index, target) in [native, bytecode, STOPPER].into_iter().enumerate() {
                let (ns, used) = world.drive(target, options.calls, stride)?;
                samples[index].push(ns / calls);
                gas[index] = used;
            }
        }
        let [mut a, mut b, mut base] = samples;
        let base_ns = median(&mut base);
        let (native_ns, bytecode_ns) = (median(&mut a) - base_ns, median(&mut b) - base_ns);
        let per_call = |index: usize| gas[index].saturating_sub(gas[2]) as f64 / calls;
        table.row(vec![
            name.into(),
            format!("{native_ns:.0}"),
            format!("{bytecode_ns:.0}"),
            format!("{:.1}x", bytecode_ns / native_ns),
            format!("{:.0}", per_call(0)),
            format!("{:.0}", per_call(1)),
        ]);
    }
    let (mut a, mut b, mut gas) = (Vec::new(), Vec::new(), [0, 0]);
    for _ in 0..options.runs * 10 {
        let (ns, used) = world.whole(native)?;
        a.push(ns);
        gas[0] = used;
        let (ns, used) = world.whole(bytecode)?;
        b.push(ns);
        gas[1] = used;
    }
    let (native_ns, bytecode_ns) = (median(&mut a), median(&mut b));
    table.row(vec![
        "the whole transaction".into(),
        format!("{native_ns:.0}"),
        format!("{bytecode_ns:.0}"),
        format!("{:.1}x", bytecode_ns / native_ns),
        gas[0].to_string(),
        gas[1].to_string(),
    ]);
    table.print();
    Ok(())
}
