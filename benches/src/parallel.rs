//! Blocks on several threads beside the plain loop, and beside what the machine gives: execution alone, from open to close,
//! without signatures, root or disk.
//!
//! Threads and plain loop take turns in one process, and a row is the median of the ratios of neighbours. The ceiling is the
//! same block run by so many threads at once, each for itself with the plain loop and on a core of its own. Each
//! block's outcome is compared with the plain loop's before anything is printed.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, hex};
use alloy_sol_types::SolCall;
use capstan_contracts::{
    account::{self, IAccount, Verb},
    erc20::IErc20,
    token::IToken,
};
use capstan_evm::{
    BlockContext, BlockOutcome, BlockRun, Rules, StateRead, Tx, TxOutcome, TxRefused,
    call::AccountOverride,
    parallel::{Counts, UserFeed, Workers},
};
use eyre::ensure;

use crate::{
    ceiling::Cores,
    credit,
    exchange::blocks,
    report::{Table, median},
    world::{ONE, World},
};

/// OpenZeppelin's token; anybody may mint.
const PEER_TOKEN: &str = include_str!("../../testing/peers/PeerToken.hex");
/// Transactions of one block.
const TRANSACTIONS: u64 = 1_000;
/// What a token transfer may cost.
const TOKEN_GAS: u64 = 60_000;
/// Who lends and borrows in one block, and what that may cost each.
const LENDERS: u64 = 300;
const LENDING_GAS: u64 = 190_000;
/// What a hundred hashes and a new word may cost.
const HASHES_GAS: u64 = 80_000;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Threads. Default: 2, and 4, 8, ... up to the machine's cores, a table each.
    #[arg(long)]
    threads: Option<usize>,
    /// Pairs of blocks of each row.
    #[arg(long, default_value_t = 15)]
    blocks: usize,
    /// Only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Only this many threads, no plain loop and no ceiling beside it: for instruction counts.
    #[arg(long)]
    alone: bool,
}

fn person(kind: u8, index: u64) -> Address {
    let mut bytes = [kind; 20];
    bytes[12..].copy_from_slice(&index.to_be_bytes());
    bytes.into()
}

fn sender(index: u64) -> Address {
    person(0x5e, index)
}

fn signed(
    chain_id: u64,
    from: Address,
    to: Address,
    value: u64,
    gas: u64,
    input: Bytes,
) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id,
        gas_limit: gas,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(value),
        input,
        ..TxEip1559::default()
    };
    // Recovery happens at the door, so nobody signs.
    let signature = Signature::new(U256::ONE, U256::ONE, false);
    Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature)), from)
}

/// One kind of block.
struct Load {
    name: &'static str,
    block: Vec<Recovered<Tx>>,
}

/// A state, and blocks that stand on it.
struct Ground {
    rules: Arc<Rules>,
    context: BlockContext,
    parent: Arc<dyn StateRead>,
    /// Threads that are there before a block is, as a node's are.
    pool: Arc<rayon::ThreadPool>,
    /// What the machine gives.
    cores: Cores,
}

fn coins(chain_id: u64) -> Vec<Load> {
    let pay = |from, to| signed(chain_id, from, to, 1, 21_000, Bytes::new());
    let block = |receiver: &dyn Fn(u64) -> Address| {
        let each = (0..TRANSACTIONS).map(|index| pay(sender(index), receiver(index)));
        each.collect()
    };
    vec![
        Load {
            name: "transfers, each to another",
            block: block(&|index| person(0x7e, index)),
        },
        Load {
            name: "transfers, all to one",
            block: block(&|_| person(0x7e, 0)),
        },
        Load {
            name: "transfers, a chain of senders",
            block: block(&|index| sender(index + 1)),
        },
    ]
}

fn tokens(
    chain_id: u64,
    name: &'static str,
    token: Address,
    receiver: impl Fn(u64) -> Address,
) -> Load {
    let pay = |index| {
        let (to, value) = (receiver(index), U256::ONE);
        let input = IErc20::transferCall { to, value }.abi_encode();
        signed(chain_id, sender(index), token, 0, TOKEN_GAS, input.into())
    };
    Load {
        name,
        block: (0..TRANSACTIONS).map(pay).collect(),
    }
}

/// Hashes what it is given a hundred times and keeps the result under it. The first bytes are the init code: copy what
/// follows, and return it.
fn hasher() -> Bytes {
    const COUNT: u8 = 100;
    let mut runtime = vec![0x5f, 0x35, 0x60, COUNT]; // word, count
    let top = u8::try_from(runtime.len()).unwrap_or_default();
    runtime.extend([0x5b, 0x90, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0x20, 0x90]); // word = keccak(word)
    runtime.extend([0x60, 1, 0x90, 0x03, 0x80, 0x60, top, 0x57]); // while --count
    runtime.extend([0x50, 0x5f, 0x35, 0x55]); // storage[input] = word
    let length = u8::try_from(runtime.len()).unwrap_or_default();
    let mut code = vec![0x60, length, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3];
    code.extend(runtime);
    code.into()
}

fn hashes(chain_id: u64, hasher: Address) -> Load {
    let ask = |index| {
        let input = U256::from(index + 1).to_be_bytes_vec().into();
        signed(chain_id, sender(index), hasher, 0, HASHES_GAS, input)
    };
    Load {
        name: "100 hashes, each for itself",
        block: (0..TRANSACTIONS).map(ask).collect(),
    }
}

/// Everybody has lent of one asset; half of them lend more of it, and half borrow.
fn lending(world: &mut World) -> eyre::Result<Load> {
    let chain_id = world.chain.rules().chain_id;
    world.appoint_reporter()?;
    let token = world.native_token(&[world.owner], 1_000_000_000 * ONE)?;
    let asset = world.open_market(token)?;
    // The first round of prices is a trial.
    for _ in 0..3 {
        world.price(&[ONE])?;
    }
    let batch = |who, verb: Verb, coins: u128| {
        let account = IAccount::AccountRef {
            owner: who,
            index: 0,
        };
        let actions = vec![credit::act(verb, asset, U256::from(coins * ONE))];
        IAccount::executeCall { account, actions }
    };
    let lender = |index| person(0x1e, index);
    for index in 0..LENDERS {
        let to = lender(index);
        let value = U256::from(1_000 * ONE);
        world.keep(token, &IErc20::transferCall { to, value })?;
        let (spender, value) = (account::ADDRESS, U256::MAX);
        world.keep_as(to, token, &IErc20::approveCall { spender, value })?;
        world.keep_as(to, account::ADDRESS, &batch(to, Verb::Deposit, 1_000))?;
        world.keep_as(to, account::ADDRESS, &batch(to, Verb::Supply, 500))?;
    }
    // What has accrued is paid in before the block, as a block's own work does.
    world.price(&[ONE])?;
    let first = lender(0);
    world.keep_as(first, account::ADDRESS, &batch(first, Verb::Supply, 1))?;
    for index in 0..LENDERS {
        let fresh = AccountOverride {
            balance: Some(U256::from(ONE)),
            nonce: Some(0),
            ..Default::default()
        };
        world.session.override_account(lender(index), &fresh)?;
    }
    let act = |index| {
        let who = lender(index);
        let call = match index % 2 {
            0 => batch(who, Verb::Supply, 10),
            _ => batch(who, Verb::Borrow, 10),
        };
        let input = call.abi_encode().into();
        signed(chain_id, who, account::ADDRESS, 0, LENDING_GAS, input)
    };
    Ok(Load {
        name: "supply and borrow, one market",
        block: (0..LENDERS).map(act).collect(),
    })
}

fn loads(world: &mut World) -> eyre::Result<Vec<Load>> {
    let chain_id = world.chain.rules().chain_id;
    for index in 0..=TRANSACTIONS {
        let funds = AccountOverride {
            balance: Some(U256::from(ONE)),
            ..Default::default()
        };
        world.session.override_account(sender(index), &funds)?;
    }
    let mut loads = coins(chain_id);
    let lending = lending(world)?;
    let owner = world.owner;
    let native = world.native_token(&[owner], 1_000_000 * ONE)?;
    let bytecode = world.deploy(hex::decode(PEER_TOKEN.trim())?)?;
    let value = U256::from(1_000_000 * ONE);
    world.keep(bytecode, &IToken::mintCall { to: owner, value })?;
    for (name, token) in [("native token", native), ("ERC-20 in bytecode", bytecode)] {
        for index in 0..TRANSACTIONS {
            for to in [sender(index), person(0x7e, index)] {
                let value = U256::from(1_000);
                world.keep(token, &IErc20::transferCall { to, value })?;
            }
        }
        loads.push(tokens(chain_id, name, token, |index| person(0x7e, index)));
    }
    let sink = |_| person(0x7e, 0);
    loads.push(tokens(chain_id, "native token, all to one", native, sink));
    loads.push(lending);
    let hasher = world.deploy(hasher().to_vec())?;
    loads.push(hashes(chain_id, hasher));
    let [products, ranges] = blocks::open(world)?;
    for (name, pools) in [
        ("swaps, 100 pools of products", &products[..]),
        ("swaps, 100 pools of ranges", &ranges[..]),
        ("swaps, one pool of a product", &products[..1]),
    ] {
        let swaps = (0..blocks::SWAPS).zip(pools.iter().cycle());
        let block = swaps.map(|(index, pool)| blocks::swap(chain_id, index, *pool));
        loads.push(Load {
            name,
            block: block.collect(),
        });
    }
    world.later()?;
    // As in a busy chain: every border was crossed lately, so what crossings are held against is not reckoned anew.
    blocks::cross(world, &products)?;
    Ok(loads)
}

/// Gives out a block.
pub(crate) struct Feed<'a> {
    pub(crate) waiting: VecDeque<&'a Recovered<Tx>>,
    pub(crate) refused: usize,
}

impl UserFeed for Feed<'_> {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        self.waiting.pop_front().cloned()
    }

    fn ended(&mut self, _: Recovered<Tx>, end: Result<TxOutcome, TxRefused>, _: Vec<String>) {
        self.refused += usize::from(end.is_err());
    }
}

impl Ground {
    /// Runs a block; answers its seconds, what it left, and what it took.
    fn run(&self, load: &Load, threads: usize) -> eyre::Result<(f64, BlockOutcome, Counts)> {
        let start = Instant::now();
        let parent = Arc::clone(&self.parent);
        let mut run = BlockRun::open(Arc::clone(&self.rules), parent, self.context.clone())?;
        let mut feed = Feed {
            waiting: load.block.iter().collect(),
            refused: 0,
        };
        let workers = Workers {
            pool: Some(Arc::clone(&self.pool)),
            ..Workers::new(threads)
        };
        let counts = run.users(&mut feed, &workers)?;
        let outcome = run.close()?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(
            feed.refused == 0,
            "{} of {} were refused",
            feed.refused,
            load.name
        );
        Ok((seconds, outcome, counts))
    }

    /// How many plain loops the machine runs in the time of one, with so many threads.
    fn ceiling(&self, load: &Load, threads: usize, alone_s: f64) -> eyre::Result<f64> {
        let slowest_s = self.cores.slowest(|| Ok(self.run(load, 1)?.0))?;
        Ok(alone_s * threads as f64 / slowest_s)
    }
}

/// Prints the tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut world = World::open()?;
    let loads = loads(&mut world)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let sweep = (1..).map(|power| 1 << power);
    let sweep = sweep.take_while(|threads| *threads == 2 || *threads <= cores);
    match options.threads {
        Some(threads) => table(&world, &loads, options, threads),
        None => sweep
            .into_iter()
            .try_for_each(|threads| table(&world, &loads, options, threads)),
    }
}

fn table(world: &World, loads: &[Load], options: &Options, threads: usize) -> eyre::Result<()> {
    let ground = Ground {
        rules: Arc::clone(world.chain.rules()),
        context: world.context(),
        parent: Arc::new(world.session.overlay().clone()),
        pool: Arc::new(
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads.saturating_sub(1).max(1))
                .stack_size(Workers::new(1).stack_bytes)
                .build()?,
        ),
        cores: Cores::new(threads, Workers::new(1).stack_bytes)?,
    };
    let times = format!("{threads} threads, times");
    let mut table = Table::new(&[
        "block",
        "plain us/tx",
        &times,
        "least-most",
        "ceiling",
        "runs/tx",
        "in vain",
    ]);
    for load in loads
        .iter()
        .filter(|load| load.name.contains(&options.only))
    {
        if options.alone {
            for _ in 0..options.blocks {
                ground.run(load, threads)?;
            }
            continue;
        }
        let (_, expected, _) = ground.run(load, 1)?;
        let failed = expected.receipts.iter().filter(|it| !it.status()).count();
        ensure!(failed == 0, "{failed} of {} failed", load.name);
        let (mut plain_us, mut ratios, mut ceilings) = (Vec::new(), Vec::new(), Vec::new());
        let mut sum = Counts::default();
        for _ in 0..options.blocks {
            let (plain_s, ..) = ground.run(load, 1)?;
            let (seconds, outcome, counts) = ground.run(load, threads)?;
            ensure!(outcome == expected, "{}: another outcome", load.name);
            plain_us.push(plain_s * 1e6 / load.block.len() as f64);
            ratios.push(plain_s / seconds);
            ceilings.push(ground.ceiling(load, threads, plain_s)?);
            sum.transactions += counts.transactions;
            sum.runs += counts.runs;
            sum.stale += counts.stale;
        }
        let ratio = median(&mut ratios);
        let (least, most) = (ratios.first(), ratios.last());
        table.row(vec![
            load.name.into(),
            format!("{:.1}", median(&mut plain_us)),
            format!("{ratio:.2}"),
            format!("{:.2}-{:.2}", least.unwrap_or(&0.0), most.unwrap_or(&0.0)),
            format!("{:.2}", median(&mut ceilings)),
            format!("{:.3}", sum.runs as f64 / sum.transactions as f64),
            format!(
                "{:.1} %",
                sum.stale as f64 * 100.0 / sum.transactions as f64
            ),
        ]);
    }
    if !options.alone {
        table.print();
    }
    Ok(())
}
