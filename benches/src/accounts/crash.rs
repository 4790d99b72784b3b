//! Half the price in twelve minutes, over many accounts: what each block has to do, when everybody was settled, and
//! that what was lost is what was missing.
//!
//! ```text
//!   open     real accounts of ten gold each, debts spread evenly from 6,000 to 16,000 dollars, by ordinary batches
//!   fall     2,000 to 1,000 dollars along a line, a price in every block of 250 ms
//!   after    the price stays; nobody bids, a stake buys what nobody bought, until no block owes anybody a step
//!   ask      every account: is it healthy, and if not, what does it wait for
//! ```
//!
//! Who is owed a step is not who is looked at. Collateral that nobody would trouble to buy waits a day, and whoever stands
//! nearer to health one than a tick of the price is looked at once a minute: they are counted apart, by reason. What is not
//! a reason fails the run, as do a block beyond its gas, and a loss that is not what was missing.
//!
//! Markets charge nothing here, so a debt is what was borrowed, and the sums below are exact.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::Arc,
    time::Instant,
};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, TxKind, U256};
use alloy_sol_types::{SolCall, SolEvent as _, SolValue as _};
use capstan_chain::{Block, ChainConfig, Genesis, Storage};
use capstan_contracts::{
    SystemKind,
    account::{self, IAccount, LAST_BUYER_MS, LOOKS_MAX, Verb},
    lending::{self, ILending},
    token::IToken,
};
use capstan_evm::{
    Tx,
    call::{Checks, Session},
};
use eyre::ensure;
use revm::context::TxEnv;

use super::{CASH, GOLD, MINUTE_MS, ONE, USD, World, act};
use crate::report::Table;

/// Blocks of the fall: twelve minutes.
const FALL_BLOCKS: u32 = 12 * MINUTE_BLOCKS;
const PACE_MS: u64 = 250;
const MINUTE_BLOCKS: u32 = 60 * 4;
/// Blocks after the fall before this gives up: six hours.
const AFTER_BLOCKS: u32 = 6 * 60 * MINUTE_BLOCKS;
const FROM_CENTS: u128 = 200_000;
const TO_CENTS: u128 = 100_000;
/// Smallest and largest debt, in whole dollars.
const DEBTS: (u128, u128) = (6_000, 16_000);
/// Accounts of one person: every index that there is.
const INDEXES: usize = 256;
/// Transactions of one block, and the gas that each may use.
const TXS: usize = 150;
const TX_GAS: u64 = 600_000;
/// Collateral worth less, in dollars, waits on offer for a day.
const UNWANTED: u64 = 10;
/// Blocks whose state is kept while this runs: nobody asks for an older one.
const HISTORY: u64 = 1_024;

/// An account: whose, and which of his.
type Whose = (Address, u8);

/// Tells how far the run is, now and then.
struct Progress {
    begun: Instant,
    told: Instant,
}

impl Progress {
    const EVERY_S: u64 = 10;

    fn begin() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            told: now,
        }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.told.elapsed().as_secs() >= Self::EVERY_S {
            self.told = Instant::now();
            eprintln!("{:6} s  {}", self.begun.elapsed().as_secs(), what());
        }
    }
}

/// What blocks did.
#[derive(Default)]
struct Work {
    blocks: u32,
    with_looks: u32,
    carried_over: u32,
    looks: usize,
    looks_most: usize,
    gas_most: u64,
    ms: Vec<f64>,
}

impl Work {
    /// `gas_limit`: what a block may spend on its own work, which is all that these blocks do.
    fn note(&mut self, block: &Block, looks: usize, ms: f64, gas_limit: u64) -> eyre::Result<()> {
        let gas = block.header.gas_used;
        ensure!(gas <= gas_limit, "a block took {gas} gas of {gas_limit}");
        ensure!(looks <= LOOKS_MAX, "{looks} looks in a block");
        self.blocks += 1;
        self.with_looks += u32::from(looks > 0);
        self.carried_over += u32::from(left_over(block) > 0);
        self.looks += looks;
        self.looks_most = self.looks_most.max(looks);
        self.gas_most = self.gas_most.max(gas);
        self.ms.push(ms);
        Ok(())
    }

    fn row(&mut self, what: &str) -> Vec<String> {
        self.ms.sort_by(f64::total_cmp);
        let of = |part: f64| {
            let last = self.ms.len().saturating_sub(1);
            let at = (last as f64 * part).round() as usize;
            format!("{:.0}", self.ms.get(at).copied().unwrap_or_default())
        };
        let mean = self.ms.iter().sum::<f64>() / f64::from(self.blocks.max(1));
        vec![
            what.to_owned(),
            self.blocks.to_string(),
            self.with_looks.to_string(),
            self.carried_over.to_string(),
            self.looks.to_string(),
            self.looks_most.to_string(),
            format!("{:.1}", self.gas_most as f64 / 1e6),
            format!("{mean:.1}"),
            of(0.99),
            of(1.0),
        ]
    }
}

/// Money that moved, in units of dollars, and who is on offer.
#[derive(Default)]
struct Sums {
    paid: U256,
    /// By who bore it: the reserve, the stake, lenders.
    lost: [U256; 3],
    liquidated: usize,
    on_offer: BTreeMap<Whose, u64>,
}

impl Sums {
    /// Answers whether anybody got a step: a sale, a loss that was borne, or an offer.
    fn note(&mut self, block: &Block) -> eyre::Result<bool> {
        let mut steps = 0;
        for log in block.receipts.iter().flat_map(|receipt| receipt.logs()) {
            if let Ok(step) = IAccount::LiquidationStep::decode_log(log) {
                self.paid += step.paid;
            } else if let Ok(loss) = IAccount::LossRealised::decode_log(log) {
                let tier = usize::from(loss.tier) - 1;
                ensure!(tier < self.lost.len(), "tier {}", loss.tier);
                self.lost[tier] += loss.amount;
            } else if IAccount::Liquidated::decode_log(log).is_ok() {
                self.liquidated += 1;
            } else if let Ok(offer) = IAccount::OfferOpened::decode_log(log) {
                self.on_offer
                    .insert((offer.owner, offer.index), block.time_ms());
            } else if let Ok(offer) = IAccount::OfferClosed::decode_log(log) {
                self.on_offer.remove(&(offer.owner, offer.index));
                continue;
            } else {
                continue;
            }
            steps += 1;
        }
        Ok(steps > 0)
    }

    fn losses(&self) -> U256 {
        self.lost.iter().sum()
    }
}

/// Accounts that a block named and had no gas to look at.
fn left_over(block: &Block) -> usize {
    let mut logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    let left = logs.find_map(|log| IAccount::LooksLeft::decode_log(log).ok());
    left.map_or(0, |left| left.count.saturating_to())
}

/// Whom a block looked at.
fn looked_at(block: &Block) -> eyre::Result<Vec<Whose>> {
    let mut transactions = block.transactions.iter();
    let target = Some(SystemKind::Liquidate.target());
    let Some(looks) = transactions.find(|tx| tx.to() == target) else {
        return Ok(Vec::new());
    };
    let named = Vec::<IAccount::AccountRef>::abi_decode(looks.input())?;
    let count = named.len().saturating_sub(left_over(block));
    let looked = named.into_iter().take(count);
    Ok(looked.map(|named| (named.owner, named.index)).collect())
}

/// Asks contracts about the state at the head.
struct Desk(Session);

impl Desk {
    /// At the time of the head: by the clock on the wall every price would be old.
    fn open(world: &World) -> eyre::Result<Self> {
        let head = world.chain.head();
        let state = world.chain.state_at(head.number())?;
        let rules = Arc::clone(world.chain.rules());
        let context = world.chain.context_of(&head);
        Ok(Self(Session::open(rules, state, context)?))
    }

    fn ask<C: SolCall>(&mut self, at: Address, call: &C) -> eyre::Result<C::Return> {
        let tx = TxEnv {
            kind: TxKind::Call(at),
            data: call.abi_encode().into(),
            gas_limit: TX_GAS,
            chain_id: None,
            ..TxEnv::default()
        };
        let done = self.0.run(tx, Checks::NONE)?;
        ensure!(
            done.result.is_success(),
            "{}: {:?}",
            C::SIGNATURE,
            done.result
        );
        let output = done.result.into_output().unwrap_or_default();
        Ok(C::abi_decode_returns(&output)?)
    }

    fn market(&mut self) -> eyre::Result<ILending::Market> {
        let call = ILending::marketCall { assetId: CASH };
        self.ask(lending::ADDRESS, &call)
    }

    fn report(&mut self, (owner, index): Whose) -> eyre::Result<IAccount::Report> {
        let account = IAccount::AccountRef { owner, index };
        self.ask(account::ADDRESS, &IAccount::reportOfCall { account })
    }
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

    /// The account of a number, of whom [`World::open_many`] opens so many.
    fn numbered(&self, n: usize) -> eyre::Result<(usize, u8)> {
        Ok((1 + n / INDEXES, u8::try_from(n % INDEXES)?))
    }

    /// Opens so many accounts; answers what they borrowed together, in units.
    fn open_many(&mut self, count: usize, progress: &mut Progress) -> eyre::Result<u128> {
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
            let (who, index) = self.numbered(n)?;
            // Neighbours owe very different sums: a step that has no factor in common with the count.
            let place = (n * 7_919) % count;
            let debt = least * ONE
                + (most - least) * ONE * u128::try_from(place)? / u128::try_from(count)?;
            sum += debt;
            let batch = self.borrowing(who, index, debt);
            txs.push(self.signed(who, account::ADDRESS, &batch, TX_GAS)?);
            self.flush(&mut txs, TXS)?;
            progress.tell(|| format!("{n} of {count} accounts are open"));
        }
        self.flush(&mut txs, 1)?;
        Ok(sum)
    }
}

/// Who waits in the end, and for what.
#[derive(Default)]
struct Waiting {
    /// On offer, and worth too little.
    unwanted: usize,
    /// Nearer to health one than a tick.
    close: usize,
}

impl Waiting {
    /// Asks everybody. `looked` is how often each was looked at in the last minute.
    fn ask(
        world: &World,
        count: usize,
        sums: &Sums,
        looked: &BTreeMap<Whose, u32>,
        progress: &mut Progress,
    ) -> eyre::Result<Self> {
        let (mut desk, mut waiting) = (Desk::open(world)?, Self::default());
        let one = U256::from(USD);
        for n in 0..count {
            let (who, index) = world.numbered(n)?;
            let whose = (world.signers[who].address(), index);
            let report = desk.report(whose)?;
            let is_unhealthy = report.healthMaintenance < one;
            if sums.on_offer.contains_key(&whose) {
                let is_unwanted = report.collateral < U256::from(UNWANTED) * one;
                ensure!(is_unwanted, "{whose:?} is owed a buyer: {report:?}");
                waiting.unwanted += 1;
            } else {
                ensure!(!is_unhealthy, "{whose:?} is owed an offer: {report:?}");
                let looks = looked.get(&whose).copied().unwrap_or_default();
                ensure!(
                    looks <= 2,
                    "{looks} looks in a minute: {whose:?} {report:?}"
                );
                waiting.close += usize::from(looks > 0);
            }
            progress.tell(|| format!("{n} of {count} accounts were asked"));
        }
        Ok(waiting)
    }
}

/// The world with its stake, its lender and so many accounts; answers what they borrowed.
fn begin(
    count: usize,
    folder: &std::path::Path,
    progress: &mut Progress,
) -> eyre::Result<(World, U256)> {
    let people = u32::try_from(count.div_ceil(INDEXES))? + 3;
    let config = ChainConfig {
        storage: Storage::Folder(folder.into()),
        history_blocks: Some(HISTORY),
        ..ChainConfig::dev(Genesis::dev(people, 0))
    };
    let mut world = World::open_in(config, people, 0)?;
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
    let borrowed = world.open_many(count, progress)?;
    let before = Desk::open(&world)?.market()?.borrowed;
    ensure!(before == U256::from(borrowed), "a debt grew");
    Ok((world, before))
}

/// Runs it and prints its tables.
pub(super) fn run(count: usize) -> eyre::Result<()> {
    let mut progress = Progress::begin();
    let folder = tempfile::tempdir()?;
    let (mut world, before) = begin(count, folder.path(), &mut progress)?;
    let gas_limit = world.chain.rules().system_gas_limit;
    let opened_s = progress.begun.elapsed().as_secs();

    let (mut fall, mut after, mut sums) = (Work::default(), Work::default(), Sums::default());
    for n in 1..=u128::from(FALL_BLOCKS) {
        let cents = FROM_CENTS - (FROM_CENTS - TO_CENTS) * n / u128::from(FALL_BLOCKS);
        let (block, ms) = world.prices(cents)?;
        fall.note(&block, looked_at(&block)?.len(), ms, gas_limit)?;
        sums.note(&block)?;
        progress.tell(|| format!("block {n} of the fall, {} on offer", sums.on_offer.len()));
    }
    // Whoever is on offer gets a step within the time after which a stake buys, unless he waits for longer than this runs.
    let patience = u32::try_from((LAST_BUYER_MS + 2 * MINUTE_MS) / PACE_MS)?;
    let (mut clean, mut recent) = (0, VecDeque::new());
    loop {
        let (block, ms) = world.prices(TO_CENTS)?;
        let looked = looked_at(&block)?;
        after.note(&block, looked.len(), ms, gas_limit)?;
        recent.push_back(looked);
        if recent.len() > usize::try_from(MINUTE_BLOCKS)? {
            recent.pop_front();
        }
        if sums.note(&block)? {
            clean = after.blocks;
        }
        let quiet = after.blocks - clean;
        if quiet > patience || (quiet > MINUTE_BLOCKS && sums.on_offer.is_empty()) {
            break;
        }
        ensure!(after.blocks < AFTER_BLOCKS, "six hours, and still steps");
        let (on_offer, done) = (sums.on_offer.len(), sums.liquidated);
        progress.tell(|| {
            let blocks = after.blocks;
            format!("block {blocks} after the fall, {done} liquidations, {on_offer} on offer")
        });
    }
    let mut looked = BTreeMap::new();
    for whose in recent.into_iter().flatten() {
        *looked.entry(whose).or_default() += 1;
    }
    let waiting = Waiting::ask(&world, count, &sums, &looked, &mut progress)?;
    let left = Desk::open(&world)?.market()?.borrowed;
    let deficit = before - sums.paid - left;

    println!("Half the price in twelve minutes, over {count} accounts");
    let mut table = Table::new(&[
        "blocks",
        "how many",
        "with looks",
        "that left some to the next",
        "looks",
        "most looks",
        "most gas, millions",
        "mean ms",
        "99 % below ms",
        "longest ms",
    ]);
    table.row(fall.row("of the fall"));
    table.row(after.row("after it"));
    table.print();
    println!(
        "A block may spend {} million gas on it.\n",
        gas_limit / 1_000_000
    );
    let dollars = |units: U256| format!("{}", units / U256::from(ONE));
    let mut table = Table::new(&[
        "liquidations",
        "blocks after the fall until clean",
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
    let mut table = Table::new(&["who waits then", "accounts"]);
    let mut row = |why: &str, many: usize| table.row(vec![why.to_owned(), many.to_string()]);
    row(
        "on offer for a day, for what is worth less than ten dollars",
        waiting.unwanted,
    );
    row(
        "nearer to health one than a tick of the price: a look a minute",
        waiting.close,
    );
    println!();
    table.print();
    println!(
        "\n{opened_s} s to open the accounts, {} s in all; every account was asked in the end",
        progress.begun.elapsed().as_secs()
    );
    let borne = sums.losses();
    ensure!(borne == deficit, "{borne} was borne, {deficit} was missing");
    Ok(())
}
