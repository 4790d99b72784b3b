//! Blocks over ever more open accounts: none at risk, and a fall that makes some of them unhealthy.
//!
//! Two people open accounts by ordinary batches; their storage is then copied under other owners, by developer overrides
//! through blocks, so index, trie and state hold as many accounts as the row says. Totals of markets stay those of two
//! people, which no look reads.
//!
//! ```text
//!   quiet   a block with a price of each asset that calls nobody: build, root and seal
//!   fall    a price at which the risky ones are unhealthy: blocks until each was looked at, and time per look
//!   looks   what one look costs by what comes of it: an offer, nothing yet, a stake's purchase
//!   crash   half the price in twelve minutes (`accounts/crash.rs`), by itself
//!   steps   what of a quiet block is execution, root and seal (`accounts/steps.rs`)
//!   index   all guards read anew from stored words, or taken from what was saved of them: seconds, and what they take in
//!           memory and saved
//! ```

mod crash;
mod steps;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_eip7928::BlockAccessList;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, Log, TxKind, U256, keccak256};
use alloy_rlp::Decodable as _;
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent as _, SolValue as _};
use capstan_chain::{Block, BlockInputs, Chain, ChainConfig, Genesis, db::DerivedIndex as _};
use capstan_contracts::{
    account::{self, AssetAmount, IAccount, LAST_BUYER_MS, Verb, Withdrawal, index::GuardIndex},
    admin::{self, IAdmin},
    backstop::{self, IBackstop},
    erc4626::IErc4626,
    ledger::{self, ILedger},
    lending::{self, ILending},
    oracle::{self, IOracle},
    system::{AccountOverride, DevOverride, SlotOverride},
    token::{FACTORY_ADDRESS, IToken, ITokenFactory},
};
use capstan_evm::Tx;
use capstan_units::{AssetId, Assets};
use eyre::{OptionExt as _, ensure};

use crate::report::{Table, median};
use steps::Steps;

const ONE: u128 = 1_000_000;
const USD: u128 = 1_000_000_000_000_000_000;
/// Collateral, two thousand dollars each.
const GOLD: u32 = 0;
/// A dollar.
const CASH: u32 = 1;
/// Accounts whose looks are told apart.
const LOOKED: usize = 64;
/// Looks at who waits for buyers, a minute each, before a stake buys.
const MINUTES: u64 = 9;
const MINUTE_MS: u64 = 60_000;
/// The venue of a purchase in events.
const STAKE: u8 = 4;
/// Words in one override, and overrides in one block: what its system gas carries.
const WORDS: usize = 600;
const OVERRIDES: usize = 3;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Open accounts: a table row for each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    accounts: Vec<usize>,
    /// Of them, how many a fall makes unhealthy: a row for each, over the largest number of accounts.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 5_000])]
    risky: Vec<usize>,
    /// Quiet blocks; medians are printed.
    #[arg(long, default_value_t = 41)]
    runs: usize,
    /// How long to wait before each quiet block, so that the writing of what came before is done
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// Halves the price over so many accounts in twelve minutes, and measures nothing else.
    #[arg(long)]
    crash: Option<usize>,
}

/// Storage words of one account: contract, slot, word.
type Words = Vec<(Address, U256, U256)>;

struct World {
    chain: Chain,
    signers: Vec<PrivateKeySigner>,
    nonces: Vec<u64>,
    round: u64,
    /// By asset.
    tokens: Vec<Address>,
    /// Every word of the rooms of credit, as block access lists told them.
    words: BTreeMap<(Address, U256), U256>,
    /// How many accounts were copied so far.
    copied: u64,
}

impl World {
    fn open() -> eyre::Result<Self> {
        let people = 3;
        let config = ChainConfig::dev(Genesis::dev(people, 0));
        Self::open_in(config, people, 400)
    }

    /// With so many people, whom the genesis funds, and markets of this slope below their optimum.
    fn open_in(config: ChainConfig, people: u32, slope1_bps: u32) -> eyre::Result<Self> {
        let signers = Genesis::dev_accounts(people, 0);
        let signers = signers
            .iter()
            .map(|account| Ok(PrivateKeySigner::from_bytes(&account.key)?))
            .collect::<eyre::Result<Vec<_>>>()?;
        let mut world = Self {
            chain: Chain::open(config)?,
            nonces: vec![0; signers.len()],
            signers,
            round: 0,
            tokens: Vec::new(),
            words: Default::default(),
            copied: 0,
        };
        world.markets(slope1_bps)?;
        Ok(world)
    }

    /// Builds a block and makes it final; answers it and the milliseconds that building took.
    fn block(&mut self, inputs: BlockInputs) -> eyre::Result<(Arc<Block>, f64)> {
        let head = self.chain.head();
        let start = Instant::now();
        let built = self.chain.build(head.hash(), inputs)?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        ensure!(built.refused.is_empty(), "{:?}", built.refused);
        let block = self.chain.finalize(built.block.hash())?;
        let failed = block.receipts.iter().position(|receipt| !receipt.status());
        ensure!(failed.is_none(), "transaction {failed:?} failed");
        Ok((block, ms))
    }

    fn inputs(&self) -> BlockInputs {
        self.inputs_after(250)
    }

    fn inputs_after(&self, ms: u64) -> BlockInputs {
        BlockInputs::at(self.chain.head().time_ms() + ms)
    }

    fn signed(
        &mut self,
        who: usize,
        to: Address,
        call: &impl SolCall,
        gas_limit: u64,
    ) -> eyre::Result<Recovered<Tx>> {
        let mut tx = TxEip1559 {
            chain_id: self.chain.rules().chain_id,
            nonce: self.nonces[who],
            gas_limit,
            max_fee_per_gas: 100_000_000_000,
            to: TxKind::Call(to),
            input: call.abi_encode().into(),
            ..TxEip1559::default()
        };
        self.nonces[who] += 1;
        let signature = self.signers[who].sign_transaction_sync(&mut tx)?;
        let signed = Tx::Eip1559(tx.into_signed(signature));
        Ok(Recovered::new_unchecked(
            signed,
            self.signers[who].address(),
        ))
    }

    /// One transaction in a block of its own, whose words of credit are noted.
    fn call(&mut self, who: usize, to: Address, call: &impl SolCall) -> eyre::Result<Arc<Block>> {
        let tx = self.signed(who, to, call, 3_000_000)?;
        let mut inputs = self.inputs();
        inputs.transactions = Box::new(VecDeque::from([tx]));
        let (block, _) = self.block(inputs)?;
        let list = BlockAccessList::decode(&mut block.access_list.as_ref())?;
        for account in list {
            for slot in &account.storage_changes {
                let last = slot.changes.last().ok_or_eyre("a change without a value")?;
                let at = (account.address, slot.slot);
                self.words.insert(at, last.new_value);
            }
        }
        Ok(block)
    }

    /// Prices in cents, in a block of their own.
    fn prices(&mut self, gold_cents: u128) -> eyre::Result<(Arc<Block>, f64)> {
        self.prices_after(250, gold_cents)
    }

    fn prices_after(&mut self, ms: u64, gold_cents: u128) -> eyre::Result<(Arc<Block>, f64)> {
        self.round += 1;
        let mut inputs = self.inputs_after(ms);
        let entry = |asset_id, price| IOracle::Entry {
            assetId: asset_id,
            price,
            confidenceBps: 0,
        };
        let report = IOracle::Report {
            round: self.round,
            timeMs: inputs.time_ms,
            entries: vec![entry(GOLD, gold_cents * USD / 100), entry(CASH, USD)],
        };
        let digest = oracle::digest(self.chain.rules().chain_id, &report);
        let signature = self.signers[0].sign_hash_sync(&digest)?;
        inputs.reports = vec![IOracle::SignedReport {
            reporter: self.signers[0].address(),
            report,
            v: 27 + u8::from(signature.v()),
            r: signature.r().into(),
            s: signature.s().into(),
        }];
        self.block(inputs)
    }

    fn markets(&mut self, slope1_bps: u32) -> eyre::Result<()> {
        let owner = self.signers[0].address();
        let admin_owner = self.chain.genesis().native.admin_owner;
        let root = self
            .signers
            .iter()
            .position(|signer| signer.address() == admin_owner)
            .ok_or_eyre("nobody owns the protocol")?;
        self.signers.swap(0, root);
        let owner = self
            .signers
            .first()
            .map_or(owner, PrivateKeySigner::address);
        let grant = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: owner,
            expiresMs: 0,
        };
        self.call(0, admin::ADDRESS, &grant)?;
        let reporter = IOracle::addReporterCall { reporter: owner };
        self.call(0, oracle::ADDRESS, &reporter)?;
        for (asset_id, reference, initial, maintenance) in
            [(GOLD, 2_000 * USD, 8_000, 8_500), (CASH, USD, 8_500, 9_000)]
        {
            let token = self.list(asset_id, reference, (initial, maintenance), slope1_bps)?;
            self.tokens.push(token);
        }
        for _ in 0..3 {
            self.prices(200_000)?;
        }
        let million = 1_000_000 * ONE;
        self.batch(
            0,
            0,
            vec![
                act(Verb::Deposit, CASH, million),
                act(Verb::Supply, CASH, million),
            ],
        )
    }

    fn list(
        &mut self,
        asset_id: u32,
        reference: u128,
        (initial, maintenance): (u16, u16),
        slope1_bps: u32,
    ) -> eyre::Result<Address> {
        let create = ITokenFactory::createTokenCall {
            name: "Bench".into(),
            symbol: "BENCH".into(),
            decimals: 6,
            owner: self.signers[0].address(),
            grantDelayMs: 0,
        };
        let made = self.call(0, FACTORY_ADDRESS, &create)?;
        let mut logs = made.receipts.iter().flat_map(|receipt| receipt.logs());
        let made = logs.find_map(|log| ITokenFactory::TokenCreated::decode_log(log).ok());
        let token = made.ok_or_eyre("no token")?.token;
        for who in 0..self.signers.len().min(3) {
            let to = self.signers[who].address();
            let value = U256::from(100_000_000 * ONE);
            self.call(0, token, &IToken::mintCall { to, value })?;
        }
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: Assets::MAX.to_u256(),
        };
        self.call(0, ledger::ADDRESS, &ILedger::listAssetCall { token, limit })?;
        let params = ILending::MarketParams {
            reserveFactorBps: 1_000,
            supplyCap: Assets::MAX.to_u256(),
            borrowCap: Assets::MAX.to_u256(),
            rateModel: 0,
            baseBps: 0,
            slope1Bps: slope1_bps,
            slope2Bps: slope1_bps.saturating_mul(15),
            optimalBps: 8_000,
        };
        let market = ILending::listMarketCall {
            assetId: asset_id,
            params,
            seed: U256::from(lending::SEED_MIN),
        };
        self.call(0, lending::ADDRESS, &market)?;
        let params = IOracle::FeedParams {
            quorum: 1,
            reacceptRounds: 2,
            bandBps: 10_000,
            bandWidenBpsPerMin: 10_000,
            confidenceBpsMax: 5_000,
            growthBpsPerYear: 0,
            staleMs: 172_800_000,
            smoothMs: 0,
            outageMs: 604_800_000,
            graceMs: 0,
            stillMs: 0,
        };
        let feed = IOracle::listFeedCall {
            assetId: asset_id,
            description: "BENCH / USD".into(),
            referencePrice: reference,
            params,
        };
        self.call(0, oracle::ADDRESS, &feed)?;
        let collateral = IAccount::Collateral {
            initialBps: initial,
            maintenanceBps: maintenance,
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
        self.call(0, account::ADDRESS, &count)?;
        Ok(token)
    }

    fn batch(&mut self, who: usize, index: u8, actions: Vec<IAccount::Action>) -> eyre::Result<()> {
        let account = IAccount::AccountRef {
            owner: self.signers[who].address(),
            index,
        };
        self.call(
            who,
            account::ADDRESS,
            &IAccount::executeCall { account, actions },
        )
        .map(drop)
    }

    /// Somebody posts ten of gold and takes dollars away.
    fn borrow(&mut self, who: usize, index: u8, dollars: u128) -> eyre::Result<()> {
        let call = self.borrowing(who, index, dollars * ONE);
        self.call(who, account::ADDRESS, &call).map(drop)
    }

    fn borrowing(&self, who: usize, index: u8, debt: u128) -> IAccount::executeCall {
        let owner = self.signers[who].address();
        let away = Withdrawal {
            assetId: CASH,
            amount: U256::MAX,
            to: owner,
        };
        let away = IAccount::Action {
            verb: Verb::Withdraw.number(),
            args: away.abi_encode().into(),
        };
        let actions = vec![
            act(Verb::Deposit, GOLD, 10 * ONE),
            act(Verb::Borrow, CASH, debt),
            away,
        ];
        let account = IAccount::AccountRef { owner, index };
        IAccount::executeCall { account, actions }
    }

    /// The same; answers the words that are his.
    fn debtor(&mut self, who: usize, dollars: u128) -> eyre::Result<Words> {
        let owner = self.signers[who].address();
        self.borrow(who, 0, dollars)?;
        let rooms = [account::ADDRESS, ledger::ADDRESS, lending::ADDRESS];
        let all = self.words.iter();
        let his = all.filter(|((at, slot), word)| {
            rooms.contains(at) && !word.is_zero() && place_of(*slot, owner).is_some()
        });
        Ok(his.map(|(&(at, slot), &word)| (at, slot, word)).collect())
    }

    /// Opens the stake of dollars, with so many in it.
    fn stake(&mut self, dollars: u128) -> eyre::Result<()> {
        let open = IBackstop::openStakeCall {
            assetId: CASH,
            params: IBackstop::StakeParams {
                cap: U256::from(backstop::CAP_MAX),
                cooldownMs: 864_000_000,
                windowMs: 172_800_000,
                rewardMs: 86_400_000,
                saleMs: 3_600_000,
                saleStartBps: 10_000,
                saleFloorBps: 9_000,
            },
            seed: U256::from(backstop::SEED_MIN),
        };
        self.call(0, backstop::ADDRESS, &open)?;
        let put = IErc4626::depositCall {
            assets: U256::from(dollars * ONE),
            receiver: self.signers[0].address(),
        };
        let share = backstop::share::address_of(AssetId::new(CASH));
        self.call(0, share, &put).map(drop)
    }

    /// Copies an account's words under `count` new owners.
    fn copy(&mut self, owner: Address, words: &Words, count: usize) -> eyre::Result<()> {
        let mut copies = Vec::with_capacity(count * words.len());
        for _ in 0..count {
            self.copied += 1;
            let name = keccak256(self.copied.to_be_bytes());
            let another = Address::from_slice(&name[..20]);
            for &(at, slot, word) in words {
                copies.push((at, renamed(slot, owner, another)?, word));
            }
        }
        for chunk in copies.chunks(WORDS * OVERRIDES) {
            let mut inputs = self.inputs();
            inputs.overrides = chunk.chunks(WORDS).map(overriding).collect();
            self.block(inputs)?;
        }
        Ok(())
    }
}

fn act(verb: Verb, asset_id: u32, amount: u128) -> IAccount::Action {
    let args = AssetAmount {
        assetId: asset_id,
        amount: U256::from(amount),
    };
    IAccount::Action {
        verb: verb.number(),
        args: args.abi_encode().into(),
    }
}

/// Where in a slot an owner's address stands: slots of maps say whose they are.
fn place_of(slot: U256, owner: Address) -> Option<usize> {
    let bytes = slot.to_be_bytes::<32>();
    bytes.windows(20).position(|part| part == owner.as_slice())
}

fn renamed(slot: U256, from: Address, to: Address) -> eyre::Result<U256> {
    let place = place_of(slot, from).ok_or_eyre("not this owner's slot")?;
    let mut bytes = slot.to_be_bytes::<32>();
    bytes[place..place + 20].copy_from_slice(to.as_slice());
    Ok(U256::from_be_bytes(bytes))
}

fn overriding(words: &[(Address, U256, U256)]) -> alloy_primitives::Bytes {
    let mut of: BTreeMap<Address, Vec<SlotOverride>> = Default::default();
    for &(at, slot, word) in words {
        of.entry(at).or_default().push(SlotOverride { slot, word });
    }
    let accounts = of.into_iter().map(|(account, slots)| AccountOverride {
        account,
        hasBalance: false,
        balance: U256::ZERO,
        hasNonce: false,
        nonce: 0,
        hasCode: false,
        code: Default::default(),
        slots,
    });
    DevOverride {
        accounts: accounts.collect(),
    }
    .abi_encode()
    .into()
}

/// Storage that a block touched, read or written.
fn touched(block: &Block) -> eyre::Result<usize> {
    let list = BlockAccessList::decode(&mut block.access_list.as_ref())?;
    Ok(list
        .iter()
        .map(|account| account.storage_changes.len() + account.storage_reads.len())
        .sum())
}

/// Resident memory, in bytes.
fn resident() -> eyre::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split_whitespace().nth(1).ok_or_eyre("no statm")?;
    Ok(pages.parse::<u64>()? * 4_096)
}

/// Prints the tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    if let Some(count) = options.crash {
        return crash::run(count);
    }
    let mut quiet = Table::new(&[
        "open accounts",
        "quiet block ms",
        "execute us",
        "root us",
        "seal us",
        "slots touched",
        "guards",
        "index anew s",
        "index MB",
        "saved MB",
        "saving ms",
        "from saved s",
    ]);
    let steps = Steps::listen()?;
    let mut world = World::open()?;
    let safe = world.debtor(1, 8_000)?;
    let safe_owner = world.signers[1].address();
    let mut sizes = options.accounts.clone();
    sizes.sort_unstable();
    let mut open = 1;
    for &size in &sizes {
        world.copy(safe_owner, &safe, size - open)?;
        open = size;
        let mut samples = Vec::new();
        let mut slots = 0;
        steps.medians_us();
        for n in 0..options.runs {
            std::thread::sleep(Duration::from_millis(options.pause_ms));
            // A price that moves, and calls nobody.
            let (block, ms) = world.prices(200_000 + (n % 7) as u128)?;
            ensure!(block.transactions.len() == 1, "somebody was looked at");
            slots = touched(&block)?;
            samples.push(ms);
        }
        let [execute_us, root_us, seal_us] = steps.medians_us();
        let index = index_of(safe_owner, &safe, size)?;
        quiet.row(vec![
            size.to_string(),
            format!("{:.3}", median(&mut samples)),
            format!("{execute_us:.0}"),
            format!("{root_us:.0}"),
            format!("{seal_us:.0}"),
            slots.to_string(),
            index.guards.to_string(),
            format!("{:.2}", index.anew_s),
            format!("{:.0}", index.bytes as f64 / 1e6),
            format!("{:.0}", index.saved_bytes as f64 / 1e6),
            format!("{:.0}", index.saving_ms),
            format!("{:.2}", index.from_saved_s),
        ]);
    }
    println!(
        "A block with a price of each asset that calls nobody, medians of {}",
        options.runs
    );
    quiet.print();

    let mut fall = Table::new(&[
        "open accounts",
        "made unhealthy",
        "blocks until all were looked at",
        "of them at most ms",
        "us per look",
        "looks a second and core",
    ]);
    let risky = world.debtor(2, 15_500)?;
    let risky_owner = world.signers[2].address();
    let mut cents = 200_000;
    for &count in &options.risky {
        world.prices(200_000)?;
        world.copy(risky_owner, &risky, count)?;
        // Ten of gold that count 85 %: unhealthy below 1,823.5.
        cents = if cents == 180_000 { 179_000 } else { 180_000 };
        let (mut blocks, mut longest, mut sum, mut looks) = (0_u32, 0_f64, 0_f64, 0_usize);
        loop {
            let (block, ms) = world.prices(cents)?;
            if block.transactions.len() == 1 {
                break;
            }
            let opened = block.receipts.iter().flat_map(|receipt| receipt.logs());
            looks += opened
                .filter(|log| IAccount::OfferOpened::decode_log(log).is_ok())
                .count();
            blocks += 1;
            longest = longest.max(ms);
            sum += ms;
        }
        ensure!(looks >= count, "{looks} of {count} were put on offer");
        let each_us = sum * 1e3 / looks as f64;
        fall.row(vec![
            open.to_string(),
            looks.to_string(),
            blocks.to_string(),
            format!("{longest:.0}"),
            format!("{each_us:.0}"),
            format!("{:.0}", 1e6 / each_us),
        ]);
        open += count;
    }
    println!("\nA fall of a tenth, by how many accounts it makes unhealthy");
    fall.print();
    println!("\nOne look of the block at an account of two assets, by what comes of it");
    looks()?.print();
    Ok(())
}

/// Looks at accounts of one person, which ordinary batches opened, so that a stake can pay their debts.
fn looks() -> eyre::Result<Table> {
    let mut world = World::open()?;
    world.stake(10_000_000)?;
    let lent = 10_000_000 * ONE;
    let lend = vec![
        act(Verb::Deposit, CASH, lent),
        act(Verb::Supply, CASH, lent),
    ];
    world.batch(0, 0, lend)?;
    for index in 0..LOOKED {
        world.borrow(1, u8::try_from(index)?, 15_500)?;
    }
    let mut quiet = Vec::new();
    for n in 0..9 {
        quiet.push(world.prices(200_000 + n)?.1);
    }
    let quiet_ms = median(&mut quiet);
    let each_us = |ms: f64| (ms - quiet_ms) * 1e3 / LOOKED as f64;
    let mut kinds: [(&str, Vec<f64>); 3] = [
        ("collateral is put on offer", Vec::new()),
        ("nobody came yet", Vec::new()),
        ("the stake buys", Vec::new()),
    ];
    let [offers, waits, purchases] = &mut kinds;
    for cents in [180_000, 168_000, 156_000] {
        let (block, ms) = world.prices(cents)?;
        let opened = count(&block, |log| IAccount::OfferOpened::decode_log(log).is_ok());
        ensure!(opened == LOOKED, "{opened} were put on offer");
        offers.1.push(each_us(ms));
        for _ in 0..MINUTES {
            let (block, ms) = world.prices_after(MINUTE_MS, cents)?;
            ensure!(block.transactions.len() == 2, "nobody was looked at");
            waits.1.push(each_us(ms));
        }
        let (block, ms) = world.prices_after(LAST_BUYER_MS, cents)?;
        let bought = count(&block, |log| {
            IAccount::LiquidationStep::decode_log(log).is_ok_and(|step| step.venue == STAKE)
        });
        ensure!(bought == LOOKED, "the stake bought {bought} times");
        purchases.1.push(each_us(ms));
    }
    let mut table = Table::new(&["what comes of it", "us per look"]);
    for (what, mut samples) in kinds {
        table.row(vec![
            what.to_owned(),
            format!("{:.0}", median(&mut samples)),
        ]);
    }
    Ok(table)
}

/// Events of a block that are of a kind.
fn count(block: &Block, is_one: impl Fn(&Log) -> bool) -> usize {
    let logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    logs.filter(|log| is_one(log)).count()
}

/// An index of guards: read anew from stored words, and taken from what it was saved as.
struct IndexCost {
    guards: usize,
    anew_s: f64,
    bytes: u64,
    saved_bytes: usize,
    saving_ms: f64,
    from_saved_s: f64,
}

fn index_of(owner: Address, words: &Words, size: usize) -> eyre::Result<IndexCost> {
    let sheets: Vec<_> = words
        .iter()
        .filter(|(at, ..)| *at == account::ADDRESS)
        .collect();
    let mut stored = Vec::with_capacity(size * sheets.len());
    for n in 0..size {
        let name = keccak256(n.to_be_bytes());
        let another = Address::from_slice(&name[..20]);
        for (_, slot, word) in &sheets {
            stored.push((renamed(*slot, owner, another)?, *word));
        }
    }
    let before = resident()?;
    let start = Instant::now();
    let index = GuardIndex::rebuild(stored.iter().copied());
    let anew_s = start.elapsed().as_secs_f64();
    let bytes = resident()?.saturating_sub(before);
    let start = Instant::now();
    let saved = index.save();
    let saving_ms = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let (digest, mut read) = (keccak256(&saved), GuardIndex::default());
    ensure!(read.load(&saved), "what was saved cannot be read");
    let from_saved_s = start.elapsed().as_secs_f64();
    ensure!(
        read == index && digest == index.digest(),
        "another index was read"
    );
    Ok(IndexCost {
        guards: index.len(),
        anew_s,
        bytes,
        saved_bytes: saved.len(),
        saving_ms,
        from_saved_s,
    })
}
