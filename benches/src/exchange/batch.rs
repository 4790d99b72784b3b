//! Leverage in one batch of four actions, beside the same actions as four transactions.
//!
//! ```text
//!   deposit ETH ─ supply it ─ borrow dollars ─ swap them for ETH
//! ```
//!
//! Both begin on the same state, in blocks of their own; of the four, each finds what the ones before it left.

use std::{sync::Arc, time::Instant};

use alloy_primitives::{TxKind, U256};
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_contracts::{
    account::{self, IAccount, Verb},
    erc20::IErc20,
    exchange::{ADDRESS as EXCHANGE, Curve, IExchange},
};
use capstan_evm::call::{Checks, Session};
use eyre::ensure;
use revm::context::TxEnv;

use crate::{
    credit::act,
    report::{Table, median},
    world::{ONE, World},
};

const RICH: u128 = 1_000_000 * ONE;
const OWN: u128 = 1_000 * ONE;
const OWED: u128 = 500 * ONE;

fn execute(world: &World, actions: &[IAccount::Action]) -> TxEnv {
    let account = IAccount::AccountRef {
        owner: world.owner,
        index: 7,
    };
    let actions = actions.to_vec();
    let call = IAccount::executeCall { account, actions };
    world.tx(TxKind::Call(account::ADDRESS), call.abi_encode())
}

/// Two markets, whose assets a pool swaps, and a wallet that has of the first.
fn open(world: &mut World) -> eyre::Result<[u32; 2]> {
    world.appoint_reporter()?;
    let mut assets = [0; 2];
    for asset in &mut assets {
        let token = world.native_token(&[world.owner], RICH)?;
        *asset = world.open_market(token)?;
        let (spender, value) = (account::ADDRESS, U256::MAX);
        world.keep(token, &IErc20::approveCall { spender, value })?;
    }
    for _ in 0..3 {
        world.price(&[ONE; 2])?;
    }
    let create = IExchange::createPoolCall {
        shape: IExchange::Shape {
            curve: Curve::Product.number(),
            feePips: 3_000,
            amplification: 0,
            assets: assets.to_vec(),
        },
        amounts: vec![U256::from(RICH / 10); 2],
        to: world.owner,
        deadlineMs: u64::MAX,
    };
    ensure!(world.keep(EXCHANGE, &create)?.poolId == 0, "the first pool");
    // What lenders of the second asset have.
    let amount = U256::from(RICH / 2);
    let lend = [Verb::Deposit, Verb::Supply].map(|verb| act(verb, assets[1], amount));
    let account = IAccount::AccountRef {
        owner: world.owner,
        index: 1,
    };
    let call = IAccount::executeCall {
        account,
        actions: lend.to_vec(),
    };
    world.keep(account::ADDRESS, &call)?;
    world.later()?;
    Ok(assets)
}

/// Runs transactions one after the other on a state that is forgotten; answers nanoseconds and gas.
fn timed(world: &World, txs: &[TxEnv]) -> eyre::Result<(f64, u64)> {
    let state = Arc::new(world.session.overlay().clone());
    let rules = Arc::clone(world.chain.rules());
    let mut session = Session::open(rules, state, world.context())?;
    let (mut ns, mut gas) = (0.0, 0);
    for tx in txs {
        let start = Instant::now();
        let done = session.run(tx.clone(), Checks::NONE)?;
        session.commit(&done.state);
        ns += start.elapsed().as_secs_f64() * 1e9;
        ensure!(done.result.is_success(), "failed: {:?}", done.result);
        gas += done.result.tx_gas_used();
    }
    Ok((ns, gas))
}

/// Prints the table.
pub(super) fn run(rounds: usize) -> eyre::Result<()> {
    let mut world = World::open()?;
    let [own, owed] = open(&mut world)?;
    let amount = U256::from(OWED);
    let legs = vec![IExchange::Leg {
        poolId: 0,
        assetIn: owed,
        assetOut: own,
        exactOut: false,
        amount,
    }];
    let bounds = IExchange::Bounds {
        assetIn: owed,
        paidMax: amount,
        assetOut: own,
        receivedMin: U256::ONE,
    };
    let swap = IAccount::Action {
        verb: Verb::Swap.number(),
        args: (legs, bounds, u64::MAX).abi_encode().into(),
    };
    let actions = [
        act(Verb::Deposit, own, U256::from(OWN)),
        act(Verb::Supply, own, U256::from(OWN)),
        act(Verb::Borrow, owed, amount),
        swap,
    ];
    let batch = [execute(&world, &actions)];
    let four: Vec<_> = actions
        .iter()
        .map(|action| execute(&world, std::slice::from_ref(action)))
        .collect();
    let (mut samples, mut gas) = ([Vec::new(), Vec::new()], [0; 2]);
    for _ in 0..rounds {
        for (at, txs) in [&batch[..], &four[..]].into_iter().enumerate() {
            let (ns, used) = timed(&world, txs)?;
            samples[at].push(ns);
            gas[at] = used;
        }
    }
    let [one, apart] = samples.map(|mut of| median(&mut of));
    let mut table = Table::new(&["leverage", "us", "gas"]);
    for (name, ns, gas) in [
        ("one batch of four actions", one, gas[0]),
        ("the same as four transactions", apart, gas[1]),
    ] {
        table.row(vec![
            name.into(),
            format!("{:.1}", ns / 1e3),
            gas.to_string(),
        ]);
    }
    table.print();
    println!(
        "The batch takes {:.2} of their time and {:.2} of their gas.\n",
        one / apart,
        gas[0] as f64 / gas[1] as f64
    );
    Ok(())
}
