//! One state with our contracts and a peer's bytecode in it, and a driver that calls either again and again.
//!
//! ```text
//!   warm: (driver x n calls) - (driver x n calls of STOP), over n
//!   cold: (driver x 1 call)  - (driver x 1 call of STOP), in a block of its own: every slot is touched first
//! ```

use std::{sync::Arc, time::Instant};

use alloy_primitives::{Address, Bytes, U256, address};
use alloy_sol_types::SolCall;
use capstan_chain::{Chain, ChainConfig, Genesis};
use capstan_contracts::{
    ledger::{self, ILedger},
    token::{FACTORY_ADDRESS, IToken, ITokenFactory},
};
use capstan_evm::{
    BlockContext,
    call::{AccountOverride, Checks, Session},
};
use eyre::{OptionExt, ensure};
use revm::{context::TxEnv, primitives::TxKind};

use crate::report::median;

/// An account that stops at once.
pub(crate) const STOPPER: Address = address!("00000000000000000000000000000000000d0002");
/// One token of 18 decimals.
pub(crate) const ONE: u128 = 1_000_000_000_000_000_000;

/// One state, and its owner.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) session: Session,
    pub(crate) owner: Address,
    /// How often the world has moved on.
    pub(crate) minutes: u64,
}

impl World {
    pub(crate) fn open() -> eyre::Result<Self> {
        let genesis = Genesis::dev(1, 0);
        let owner = Genesis::dev_accounts(1, 0)
            .first()
            .ok_or_eyre("no account")?
            .address;
        let chain = Chain::open(ChainConfig::dev(genesis))?;
        let state = chain.state_at(chain.head().number())?;
        let session = Session::open(Arc::clone(chain.rules()), state, chain.next_context())?;
        let mut world = Self {
            chain,
            session,
            owner,
            minutes: 0,
        };
        world.put(STOPPER, Bytes::from_static(&[0x00]))?;
        Ok(world)
    }

    /// A minute later, on everything that was kept.
    pub(crate) fn later(&mut self) -> eyre::Result<()> {
        self.wait(1)
    }

    /// Minutes later.
    pub(crate) fn wait(&mut self, minutes: u64) -> eyre::Result<()> {
        self.minutes += minutes;
        let context = self.context();
        let before = self.session.overlay().clone();
        self.session = Session::open(Arc::clone(self.chain.rules()), Arc::new(before), context)?;
        Ok(())
    }

    /// The block that transactions stand in.
    pub(crate) fn context(&self) -> BlockContext {
        let mut context = self.chain.next_context();
        context.info.number += self.minutes;
        context.info.time_ms += self.minutes * 60_000;
        context
    }

    pub(crate) fn put(&mut self, at: Address, code: Bytes) -> eyre::Result<()> {
        let code = AccountOverride {
            code: Some(code),
            ..Default::default()
        };
        self.session.override_account(at, &code)?;
        Ok(())
    }

    pub(crate) fn tx(&self, kind: TxKind, data: Vec<u8>) -> TxEnv {
        TxEnv {
            caller: self.owner,
            kind,
            data: data.into(),
            gas_limit: 1_000_000_000,
            chain_id: None,
            ..Default::default()
        }
    }

    /// Runs and keeps a call by the owner.
    pub(crate) fn keep<C: SolCall>(&mut self, to: Address, call: &C) -> eyre::Result<C::Return> {
        self.keep_as(self.owner, to, call)
    }

    /// Runs and keeps a call by anybody.
    pub(crate) fn keep_as<C: SolCall>(
        &mut self,
        caller: Address,
        to: Address,
        call: &C,
    ) -> eyre::Result<C::Return> {
        let tx = TxEnv {
            caller,
            ..self.tx(TxKind::Call(to), call.abi_encode())
        };
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

    /// Creates a contract of the owner's.
    pub(crate) fn deploy(&mut self, code: Vec<u8>) -> eyre::Result<Address> {
        let tx = self.tx(TxKind::Create, code);
        let done = self.session.run(tx, Checks::NONE)?;
        ensure!(done.result.is_success(), "creation: {:?}", done.result);
        self.session.commit(&done.state);
        done.result.created_address().ok_or_eyre("no address")
    }

    /// A token of the factory, of which each of some gets so much.
    pub(crate) fn native_token(
        &mut self,
        holders: &[Address],
        value: u128,
    ) -> eyre::Result<Address> {
        let create = ITokenFactory::createTokenCall {
            name: "Bench".into(),
            symbol: "BENCH".into(),
            decimals: 18,
            owner: self.owner,
            grantDelayMs: 0,
        };
        let token = self.keep(FACTORY_ADDRESS, &create)?;
        for to in holders {
            let (to, value) = (*to, U256::from(value));
            self.keep(token, &IToken::mintCall { to, value })?;
        }
        Ok(token)
    }

    /// Makes a token an asset whose border lets everything pass.
    pub(crate) fn list(&mut self, token: Address) -> eyre::Result<u32> {
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: U256::ZERO,
        };
        self.keep(ledger::ADDRESS, &ILedger::listAssetCall { token, limit })
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

/// Times in turn, so that a slow moment of the machine falls on all; medians and gas in the order of `txs`.
pub(crate) fn medians(
    world: &mut World,
    rounds: usize,
    txs: &[TxEnv],
) -> eyre::Result<Vec<(f64, u64)>> {
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
