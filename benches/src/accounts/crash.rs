//! Half the price in twelve minutes, over many accounts: what each block has to do, when everybody was settled, and
//! that what was lost is what was missing.
//!
//! ```text
//!   open     real accounts of ten gold each, debts spread evenly from 6,000 to 16,000 dollars, by ordinary batches
//!   fall     2,000 to 1,000 dollars along a line, a price in every block of 250 ms
//!   after    the price stays; nobody bids, a stake buys what nobody bought, until a minute passes without a look
//! ```
//!
//! Markets charge nothing here, so a debt is what was borrowed, and the sums below are exact.

use std::{collections::VecDeque, mem, sync::Arc};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, TxKind, U256};
use alloy_sol_types::{SolCall, SolEvent as _};
use capstan_chain::Block;
use capstan_contracts::{
    account::{self, IAccount, Verb},
    lending::{self, ILending},
    token::IToken,
};
use capstan_evm::{
    Tx,
    call::{Checks, Session},
};
use eyre::ensure;
use revm::context::TxEnv;

use super::{CASH, GOLD, MINUTE_MS, ONE, World, act};
use crate::report::Table;

/// Blocks of the fall: twelve minutes.
const FALL_BLOCKS: u128 = 12 * 60 * 4;
const PACE_MS: u64 = 250;
/// Blocks after the fall before this gives up: two hours.
const AFTER_BLOCKS: u32 = 2 * 3_600 * 4;
const FROM_CENTS: u128 = 200_000;
const TO_CENTS: u128 = 100_000;
/// Smallest and largest debt, in whole dollars.
const DEBTS: (u128, u128) = (6_000, 16_000);
/// Accounts of one person: every index that there is.
const INDEXES: usize = 256;
/// Transactions of one block, and the gas that each may use.
const TXS: usize = 150;
const TX_GAS: u64 = 600_000;

/// What blocks did.
#[derive(Default)]
struct Work {
    blocks: u32,
    with_looks: u32,
    carried_over: u32,
    gas_most: u64,
    ms_most: f64,
    ms_sum: f64,
}

impl Work {
    fn note(&mut self, block: &Block, ms: f64) {
        self.blocks += 1;
        self.with_looks += u32::from(looked(block));
        self.carried_over +=
            u32::from(super::count(block, |log| IAccount::LooksLeft::decode_log(log).is_ok()) > 0);
        self.gas_most = self.gas_most.max(block.header.gas_used);
        self.ms_most = self.ms_most.max(ms);
        self.ms_sum += ms;
    }

    fn row(&self, what: &str) -> Vec<String> {
        vec![
            what.to_owned(),
            self.blocks.to_string(),
            self.with_looks.to_string(),
            self.carried_over.to_string(),
            format!("{:.1}", self.gas_most as f64 / 1e6),
            format!("{:.0}", self.ms_most),
            format!("{:.1}", self.ms_sum / f64::from(self.blocks.max(1))),
        ]
    }
}

/// Money that moved, in units of dollars.
#[derive(Default)]
struct Sums {
    paid: U256,
    /// By who bore it: the reserve, the stake, lenders.
    lost: [U256; 3],
    liquidated: usize,
}

impl Sums {
    fn note(&mut self, block: &Block) -> eyre::Result<()> {
        for log in block.receipts.iter().flat_map(|receipt| receipt.logs()) {
            if let Ok(step) = IAccount::LiquidationStep::decode_log(log) {
                self.paid += step.paid;
            } else if let Ok(loss) = IAccount::LossRealised::decode_log(log) {
                let tier = usize::from(loss.tier) - 1;
                ensure!(tier < self.lost.len(), "tier {}", loss.tier);
                self.lost[tier] += loss.amount;
            } else if IAccount::Liquidated::decode_log(log).is_ok() {
                self.liquidated += 1;
            }
        }
        Ok(())
    }

    fn losses(&self) -> U256 {
        self.lost.iter().sum()
    }
}

/// Whether the block had to look at somebody.
fn looked(block: &Block) -> bool {
    block.transactions.len() > 1
}

impl World {
    /// Puts what was signed into a block, once it is so many.
    fn flush(&mut self, txs: &mut Vec<Recovered<Tx>>, from: usize) -> eyre::Result<()> {
        if txs.len() < from {
            return Ok(());
        }
        let mut inputs = self.inputs();
        inputs.transactions = Box::new(VecDeque::from(mem::take(txs)));
        self.block(inputs).map(drop)
    }

    fn view<C: SolCall>(&self, at: Address, call: &C) -> eyre::Result<C::Return> {
        let state = self.chain.state_at(self.chain.head().number())?;
        let rules = Arc::clone(self.chain.rules());
        let mut session = Session::open(rules, state, self.chain.next_context())?;
        let tx = TxEnv {
            kind: TxKind::Call(at),
            data: call.abi_encode().into(),
            gas_limit: TX_GAS,
            chain_id: None,
            ..TxEnv::default()
        };
        let done = session.run(tx, Checks::NONE)?;
        ensure!(
            done.result.is_success(),
            "{}: {:?}",
            C::SIGNATURE,
            done.result
        );
        let output = done.result.into_output().unwrap_or_default();
        Ok(C::abi_decode_returns(&output)?)
    }

    /// Opens so many accounts; answers what they borrowed together, in units.
    fn open_many(&mut self, count: usize) -> eyre::Result<u128> {
        let (least, most) = DEBTS;
        let people = count.div_ceil(INDEXES);
        let gold = U256::from(10 * ONE) * U256::from(INDEXES);
        let token = self.tokens[usize::try_from(GOLD)?];
        let mut txs = Vec::with_capacity(TXS);
        for who in 1..=people {
            let to = self.signers[who].address();
            txs.push(self.signed(0, token, &IToken::mintCall { to, value: gold }, TX_GAS)?);
            self.flush(&mut txs, TXS)?;
        }
        self.flush(&mut txs, 1)?;
        let mut sum = 0;
        for n in 0..count {
            let (who, index) = (1 + n / INDEXES, u8::try_from(n % INDEXES)?);
            // Neighbours owe very different sums: a step that has no factor in common with the count.
            let place = (n * 7_919) % count;
            // One unit more, or somebody stands exactly at one in the end, whom no interest ever moves and every block
            // looks at.
            let debt = 1
                + least * ONE
                + (most - least) * ONE * u128::try_from(place)? / u128::try_from(count)?;
            sum += debt;
            let batch = self.borrowing(who, index, debt);
            txs.push(self.signed(who, account::ADDRESS, &batch, TX_GAS)?);
            self.flush(&mut txs, TXS)?;
        }
        self.flush(&mut txs, 1)?;
        Ok(sum)
    }

    fn market(&self) -> eyre::Result<ILending::Market> {
        let call = ILending::marketCall { assetId: CASH };
        self.view(lending::ADDRESS, &call)
    }
}

/// Runs it and prints both tables.
pub(super) fn run(count: usize) -> eyre::Result<()> {
    let people = u32::try_from(count.div_ceil(INDEXES))?;
    let mut world = World::open_for(people + 3, 0)?;
    let dollars = u128::try_from(count)? * DEBTS.1;
    let cash = IToken::mintCall {
        to: world.signers[0].address(),
        value: U256::from(2 * dollars * ONE),
    };
    world.call(0, world.tokens[usize::try_from(CASH)?], &cash)?;
    world.stake(dollars)?;
    let lent = dollars * ONE;
    let lend = vec![
        act(Verb::Deposit, CASH, lent),
        act(Verb::Supply, CASH, lent),
    ];
    world.batch(0, 0, lend)?;
    let borrowed = world.open_many(count)?;
    let before = world.market()?;
    ensure!(before.borrowed == U256::from(borrowed), "a debt grew");

    let (mut fall, mut after, mut sums) = (Work::default(), Work::default(), Sums::default());
    for n in 1..=FALL_BLOCKS {
        let cents = FROM_CENTS - (FROM_CENTS - TO_CENTS) * n / FALL_BLOCKS;
        let (block, ms) = world.prices(cents)?;
        fall.note(&block, ms);
        sums.note(&block)?;
    }
    let quiet = u32::try_from(MINUTE_MS / PACE_MS)?;
    let (mut last, mut clean) = (0, 0);
    while after.blocks < AFTER_BLOCKS && after.blocks - last <= quiet {
        let (block, ms) = world.prices(TO_CENTS)?;
        after.note(&block, ms);
        sums.note(&block)?;
        if looked(&block) {
            last = after.blocks;
            clean = last;
        }
    }
    ensure!(
        after.blocks < AFTER_BLOCKS,
        "after two hours the block still has accounts to look at"
    );

    let left = world.market()?;
    let deficit = before.borrowed - sums.paid - left.borrowed;
    println!("\nHalf the price in twelve minutes, over {count} accounts");
    let mut table = Table::new(&[
        "blocks",
        "how many",
        "with looks",
        "that left some to the next",
        "most gas, millions",
        "longest ms",
        "mean ms",
    ]);
    table.row(fall.row("of the fall"));
    table.row(after.row("after it"));
    table.print();
    let dollars = |units: U256| format!("{}", units / U256::from(ONE));
    let mut table = Table::new(&[
        "liquidations",
        "blocks after the fall until nobody was left",
        "repaid by sales, dollars",
        "missing, dollars",
        "borne by the reserve",
        "by the stake",
        "by lenders",
    ]);
    table.row(vec![
        sums.liquidated.to_string(),
        clean.to_string(),
        dollars(sums.paid),
        dollars(deficit),
        dollars(sums.lost[0]),
        dollars(sums.lost[1]),
        dollars(sums.lost[2]),
    ]);
    table.print();
    ensure!(
        sums.losses() == deficit,
        "{} was borne, {deficit} was missing",
        sums.losses()
    );
    Ok(())
}
