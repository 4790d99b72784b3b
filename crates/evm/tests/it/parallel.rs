//! Several threads and the plain loop leave the same bytes (PER-100 to PER-107), on random blocks under seeded schedules;
//! and so does whoever verifies them from their lists (PER-1).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolValue, sol};
use capstan_contracts::erc20::IErc20;
use capstan_evm::mem::MemState;
use capstan_evm::parallel::{Counts, UserFeed, Workers};
use capstan_evm::{
    AccountInfo, BlockOutcome, BlockRun, Natives, Protocol, Rules, StateError, StateRead, Tx,
    TxOutcome, TxRefused,
};
use capstan_state::GasClass;
use capstan_window::Baton;

use crate::genesis::Chain;
use crate::judged::Case;
use crate::world::*;

sol! {
    interface IPeerPair {
        function add(uint256 amount0, uint256 amount1) external returns (uint256 made);
        function remove(uint256 gone) external returns (uint256 amount0, uint256 amount1);
        function swap(bool isZeroIn, uint256 amountIn, uint256 amountOutMin) external returns (uint256 amountOut);
    }
}

pub(crate) const SENDERS: u64 = 24;
const COUNTER: u8 = 0x41;
const WATCHER: u8 = 0x42;
const PHOENIX: u8 = 0x43;
const MAKER: u8 = 0x44;
const REVERTS: u8 = 0x45;
const PAYER: u8 = 0x46;
const KEY: B256 = B256::repeat_byte(0x77);

/// Random numbers by a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % below
    }
}

pub(crate) fn sender(index: u64) -> Address {
    let mut bytes = [0x5e; 20];
    bytes[12..].copy_from_slice(&index.to_be_bytes());
    bytes.into()
}

pub(crate) fn call(
    from: Address,
    nonce: u64,
    to: Address,
    value: u64,
    gas: u64,
    input: Vec<u8>,
) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id: 31337,
        nonce,
        gas_limit: 21_000 + gas,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: u128::from(nonce % 4),
        to: TxKind::Call(to),
        value: U256::from(value),
        input: input.into(),
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature)), from)
}

fn delegate(
    from: Address,
    nonce: u64,
    to: Address,
    list: Vec<SignedAuthorization>,
) -> Recovered<Tx> {
    let tx = TxEip7702 {
        chain_id: 31337,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 100,
        to,
        authorization_list: list,
        ..TxEip7702::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    Recovered::new_unchecked(Tx::Eip7702(tx.into_signed(signature)), from)
}

fn authorize(nonce: u64, to: Address) -> SignedAuthorization {
    let authorization = Authorization {
        chain_id: U256::from(31337),
        address: to,
        nonce,
    };
    let signer = PrivateKeySigner::from_bytes(&KEY).expect("a key");
    let signature = signer.sign_hash_sync(&authorization.signature_hash());
    authorization.into_signed(signature.expect("signs"))
}

/// CREATE2 of up to 32 bytes of init code, with the salt in calldata.
fn create2(init: &[u8]) -> Vec<u8> {
    let mut word = [0; 32];
    word[32 - init.len()..].copy_from_slice(init);
    let code = asm()
        .push(U256::from_be_bytes(word))
        .push(U256::ZERO)
        .op(0x52)
        .push(U256::ZERO)
        .op(0x35)
        .push(U256::from(init.len()))
        .push(U256::from(32 - init.len()));
    code.push(U256::from(3)).op(0xf5).pop().code
}

/// Bytecode that every world has.
fn programs() -> Vec<(u8, Vec<u8>)> {
    let one_more = |slot: u64| {
        let slot = U256::from(slot);
        let read = asm().push(slot).op(0x54).push(U256::ONE).op(0x01);
        read.push(slot).op(0x55)
    };
    let coinbase = U256::from_be_slice(COINBASE.as_slice());
    let watcher = asm().push(coinbase).op(0x31).push(U256::ZERO).op(0x55);
    vec![
        (COUNTER, one_more(0).log(5).code),
        (WATCHER, watcher.code),
        // SSTORE(1, 7), then SELFDESTRUCT to its creator: the next one stands on the same address.
        (PHOENIX, create2(&[0x60, 7, 0x60, 1, 0x55, 0x33, 0xff])),
        // SSTORE(1, 7), then one byte of code.
        (
            MAKER,
            create2(&[0x60, 7, 0x60, 1, 0x55, 0x60, 1, 0x60, 0x1f, 0xf3]),
        ),
        (REVERTS, one_more(0).revert().code),
        (PAYER, asm().call(0xf1, at(0x71), 1, U256::MAX).pop().code),
    ]
}

/// What blocks are made over.
pub(crate) struct Ground {
    pub(crate) state: MemState,
    pub(crate) rules: Arc<Rules>,
    pub(crate) natives: &'static dyn Natives,
    /// Natives by script, from which anybody may choose.
    pub(crate) scripts: Vec<Address>,
    /// ERC-20s that everybody has: the native one, and OpenZeppelin's bytecode.
    pub(crate) tokens: Vec<Address>,
    /// Pairs of Solidity over those two, in either order.
    pub(crate) pairs: Vec<Address>,
}

/// OpenZeppelin's ERC-20, and who may mint: everybody.
const PEER_TOKEN: &str = include_str!("../../../../testing/peers/PeerToken.hex");
/// A pair that keeps a product, in Solidity. Uniswap's own bytecode is not this project's to keep: where npm has brought it,
/// `uniswap.rs` runs the same comparison over it.
const PEER_PAIR: &str = include_str!("../../../../testing/peers/PeerPair.hex");

pub(crate) static PROTOCOL: Protocol = Protocol;

pub(crate) fn fund(state: &mut MemState) {
    let wealth = U256::from(10).pow(U256::from(18));
    for index in 0..SENDERS {
        state.put(sender(index), wealth, 0, Bytes::new(), []);
    }
    state.put(
        COINBASE,
        U256::from(1_000_000_000_000_u64),
        0,
        Bytes::new(),
        [],
    );
    for (byte, code) in programs() {
        state.put(at(byte), U256::from(10_000), 1, code.into(), []);
    }
}

/// Natives that add, subtract, look, revert and panic over the same few words.
fn scripted() -> Ground {
    use Act::{Add, Emit, Guard, Load, Panic, Revert, Save, SaveAt, Sub};
    use GasClass::{Flat, ZeroAware};
    let World { mut state, rules } = world();
    fund(&mut state);
    let shared = native(vec![Add(1, 5, Flat), Add(2, 7, ZeroAware), Emit(1)]);
    let scripts = vec![
        shared,
        native(vec![SaveAt(shared, 9, 3), Act::Call(shared)]),
        native(vec![
            Add(1, 5, Flat),
            Guard(false, vec![Sub(1, 2, 0, Flat), Sub(3, 1, 0, ZeroAware)]),
            Add(3, 1, ZeroAware),
        ]),
        native(vec![
            Sub(3, 1, 0, ZeroAware),
            Sub(3, 1, 0, ZeroAware),
            Add(4, 1, Flat),
        ]),
        native(vec![Add(1, 1, Flat), Load(1), Save(2, 9)]),
        native(vec![Act::Call(shared), Revert("no")]),
        native(vec![
            Act::Call(shared),
            Guard(true, vec![Act::Call(shared)]),
            Panic,
        ]),
        native(vec![
            Act::Balance(COINBASE),
            Act::Balance(at(0x70)),
            Act::Send(at(0x70), 1),
        ]),
    ];
    for (index, script) in scripts.iter().enumerate() {
        let words =
            [(1, 40), (2, 3), (3, 2)].map(|(slot, word)| (U256::from(slot), U256::from(word)));
        let words = words.into_iter().take(if index % 2 == 0 { 3 } else { 1 });
        state.put(
            *script,
            U256::from(500),
            0,
            Bytes::from_static(&MARKER),
            words,
        );
    }
    Ground {
        state,
        rules,
        natives: &SCRIPTED,
        scripts,
        tokens: Vec::new(),
        pairs: Vec::new(),
    }
}

/// Two pairs with reserves, which most senders let take what they have.
fn pairs(chain: &mut Chain, tokens: &[Address]) -> Vec<Address> {
    let made = [(tokens[0], tokens[1]), (tokens[1], tokens[0])].map(|sides| {
        let mut code = hex::decode(PEER_PAIR.trim()).expect("hex");
        code.extend(sides.abi_encode());
        chain.create(code.into())
    });
    let value = U256::MAX;
    for token in tokens {
        chain.mint(*token, SENDER, 1_000_000);
        for spender in made {
            let approve = IErc20::approveCall { spender, value };
            chain.act(*token, &approve);
            for index in 0..SENDERS - 6 {
                chain.act_as(sender(index), *token, &approve);
            }
        }
    }
    let (amount0, amount1) = (U256::from(100_000), U256::from(300_000));
    for pair in made {
        chain.act(pair, &IPeerPair::addCall { amount0, amount1 });
    }
    made.to_vec()
}

/// The protocol itself, with tokens that everybody has.
fn protocol() -> Ground {
    let mut chain = Chain::new();
    let code: Bytes = hex::decode(PEER_TOKEN.trim()).expect("hex").into();
    let tokens = vec![chain.token(), chain.create(code)];
    for token in &tokens {
        for index in 0..SENDERS - 4 {
            chain.mint(*token, sender(index), 1_000);
        }
    }
    let pairs = pairs(&mut chain, &tokens);
    let mut state = chain.state;
    fund(&mut state);
    Ground {
        state,
        rules: chain.rules,
        natives: &PROTOCOL,
        scripts: Vec::new(),
        tokens,
        pairs,
    }
}

impl Ground {
    /// A random block: most of it valid, some refused, reverting or out of gas.
    fn block(&self, seed: u64, count: u64) -> Vec<Recovered<Tx>> {
        let mut dice = Dice::new(seed);
        let mut nonces = vec![0; SENDERS as usize];
        let mut coinbase_nonce = 0;
        let mut authority_nonce = 0;
        let crowd = [2, 8, SENDERS][dice.roll(3) as usize];
        let mut transactions = Vec::new();
        while (transactions.len() as u64) < count {
            let index = dice.roll(crowd);
            let from = sender(index);
            let nonce: u64 = nonces[index as usize];
            // A nonce too many or too few, now and then.
            let nonce = match dice.roll(40) {
                0 => nonce + 1,
                1 => nonce.saturating_sub(1),
                _ => nonce,
            };
            let mut salted = vec![0; 32];
            salted[31] = dice.roll(2) as u8;
            let to_person = at(0x70 + dice.roll(4) as u8);
            let tx = match dice.roll(27) {
                0..4 => call(from, nonce, to_person, dice.roll(9), 0, Vec::new()),
                4 => call(from, nonce, sender(dice.roll(SENDERS)), 5, 0, Vec::new()),
                5 => call(from, nonce, COINBASE, dice.roll(3), 0, Vec::new()),
                6 => {
                    coinbase_nonce += 1;
                    transactions.push(call(
                        COINBASE,
                        coinbase_nonce - 1,
                        to_person,
                        1,
                        0,
                        Vec::new(),
                    ));
                    continue;
                }
                7 => call(
                    from,
                    nonce,
                    Address::with_last_byte(4),
                    1,
                    50_000,
                    vec![1, 2],
                ),
                8 => call(from, nonce, at(COUNTER), 0, 60_000, Vec::new()),
                // Not enough gas to store.
                9 => call(from, nonce, at(COUNTER), 0, 2_500, Vec::new()),
                10 => call(from, nonce, at(WATCHER), 0, 60_000, Vec::new()),
                11 => call(from, nonce, at(PHOENIX), 3, 200_000, salted),
                12 => call(from, nonce, at(MAKER), 3, 200_000, salted),
                13 => call(from, nonce, at(REVERTS), 0, 60_000, Vec::new()),
                14 => call(from, nonce, at(PAYER), 0, 60_000, Vec::new()),
                15 => {
                    let to = [at(COUNTER), Address::ZERO, at(WATCHER)][dice.roll(3) as usize];
                    authority_nonce += 1;
                    delegate(
                        from,
                        nonce,
                        self.authority(),
                        vec![authorize(authority_nonce - 1, to)],
                    )
                }
                16 => call(from, nonce, self.authority(), 2, 60_000, Vec::new()),
                17..22 if !self.pairs.is_empty() => {
                    let pair = self.pairs[dice.roll(2) as usize];
                    // Seldom too little to end the swap with, or to begin it.
                    let gas = [12_000, 60_000, 300_000][dice.roll(12).min(2) as usize];
                    call(from, nonce, pair, 0, gas, in_pair(&mut dice))
                }
                _ => match (
                    self.tokens.get(dice.roll(2) as usize).copied(),
                    self.scripts.get(dice.roll(8) as usize),
                ) {
                    (Some(token), _) => {
                        let to = match dice.roll(3) {
                            0 => to_person,
                            _ => sender(dice.roll(SENDERS)),
                        };
                        let value = U256::from([1, 10, 400, 1_000][dice.roll(4) as usize]);
                        let transfer = IErc20::transferCall { to, value };
                        call(from, nonce, token, 0, 80_000, transfer.abi_encode())
                    }
                    (None, Some(script)) => {
                        call(from, nonce, *script, dice.roll(2), 90_000, Vec::new())
                    }
                    (None, None) => continue,
                },
            };
            nonces[index as usize] = nonces[index as usize].max(nonce + 1);
            transactions.push(tx);
        }
        transactions
    }

    /// The block's verification from its list, on one thread and on three, is the plain loop's outcome.
    pub(crate) fn verifies(&self, plain: &Ended, what: &str) {
        let case = Case {
            rules: Arc::clone(&self.rules),
            parent: Arc::new(self.state.clone()),
            context: block_context(&self.rules, 1),
            natives: self.natives,
            transactions: plain.entered.clone(),
        };
        for threads in [1, 3] {
            let verified = case.verify(&plain.outcome.access_list, threads);
            let verified = verified.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(verified, plain.outcome, "{what}: {threads} verify");
        }
    }

    fn authority(&self) -> Address {
        PrivateKeySigner::from_bytes(&KEY).expect("a key").address()
    }

    fn open(&self, state: Arc<dyn StateRead>) -> BlockRun {
        let ctx = block_context(&self.rules, 1);
        BlockRun::open_with(Arc::clone(&self.rules), state, ctx, self.natives).expect("opens")
    }

    pub(crate) fn run(&self, block: &[Recovered<Tx>], picky: bool, workers: &Workers) -> Ended {
        self.run_over(Arc::new(self.state.clone()), block, picky, workers)
    }

    fn run_over(
        &self,
        state: Arc<dyn StateRead>,
        block: &[Recovered<Tx>],
        picky: bool,
        workers: &Workers,
    ) -> Ended {
        let mut run = self.open(state);
        let mut feed = Feed {
            waiting: block.iter().cloned().collect(),
            picky,
            ..Feed::default()
        };
        let counts = run.users(&mut feed, workers).expect("memory does not fail");
        Ended {
            counts,
            ended: feed.ended,
            entered: feed.entered,
            outcome: run.close().expect("closes"),
        }
    }
}

/// Something to do in a pair; one in four is refused by it, since too little would come out.
fn in_pair(dice: &mut Dice) -> Vec<u8> {
    let amount = U256::from([1, 20, 300, 2_000][dice.roll(4) as usize]);
    match dice.roll(8) {
        0 => {
            let (amount0, amount1) = (amount, amount * U256::from(3));
            IPeerPair::addCall { amount0, amount1 }.abi_encode()
        }
        1 => IPeerPair::removeCall { gone: amount }.abi_encode(),
        other => IPeerPair::swapCall {
            isZeroIn: dice.roll(2) == 0,
            amountIn: amount,
            amountOutMin: if other < 4 { amount } else { U256::ZERO },
        }
        .abi_encode(),
    }
}

/// A block's run, and all that its builder hears of it.
pub(crate) struct Ended {
    pub(crate) counts: Counts,
    pub(crate) ended: Vec<(B256, Result<TxOutcome, TxRefused>)>,
    /// Those of the block.
    pub(crate) entered: Vec<Recovered<Tx>>,
    pub(crate) outcome: BlockOutcome,
}

/// Hands out transactions in order; a picky one gives up on a sender of whom something was refused, as the pool does.
#[derive(Default)]
struct Feed {
    waiting: VecDeque<Recovered<Tx>>,
    ended: Vec<(B256, Result<TxOutcome, TxRefused>)>,
    entered: Vec<Recovered<Tx>>,
    picky: bool,
    skipped: BTreeSet<Address>,
}

impl UserFeed for Feed {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        loop {
            let tx = self.waiting.pop_front()?;
            if !self.skipped.contains(&tx.signer()) {
                return Some(tx);
            }
        }
    }

    fn stands(&mut self, tx: &Recovered<Tx>) -> bool {
        !self.skipped.contains(&tx.signer())
    }

    fn ended(&mut self, tx: Recovered<Tx>, end: Result<TxOutcome, TxRefused>, _: Vec<String>) {
        if self.picky && end.is_err() {
            self.skipped.insert(tx.signer());
        }
        self.ended.push((*tx.tx_hash(), end.clone()));
        if end.is_ok() {
            self.entered.push(tx);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how much a test does, not what it finds"
)]
pub(crate) fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

pub(crate) fn seeded(count: usize, seed: u64) -> Workers {
    Workers {
        least: 1,
        lot: [1, 2, 3, 7][(seed % 4) as usize],
        baton: Some(Arc::new(Baton::new(count, seed))),
        ..Workers::new(count)
    }
}

#[track_caller]
pub(crate) fn same(plain: &Ended, other: &Ended, what: &str) {
    assert_eq!(plain.ended, other.ended, "{what}: what the builder hears");
    assert_eq!(
        plain.outcome, other.outcome,
        "{what}: what the block leaves"
    );
}

/// Blocks `CAPSTAN_BLOCKS` (10 over each ground), schedules `CAPSTAN_SCHEDULES` (50), from seed `CAPSTAN_SEED` on.
fn every_schedule(ground: &mut Ground) {
    let first = number("CAPSTAN_SEED", 1);
    let mut sum = Counts::default();
    for seed in first..first + number("CAPSTAN_BLOCKS", 10) {
        // Every third block is filled to its limit.
        let rules = Arc::make_mut(&mut ground.rules);
        rules.user_gas_limit = if seed % 3 == 0 {
            2_000_000
        } else {
            100_000_000
        };
        let block = ground.block(seed, 20 + seed % 50);
        let picky = seed % 2 == 0;
        let plain = ground.run(&block, picky, &Workers::new(1));
        ground.verifies(&plain, &format!("block {seed}"));
        for schedule in 0..number("CAPSTAN_SCHEDULES", 50) {
            let count = 2 + (schedule % 3) as usize;
            let ran = ground.run(&block, picky, &seeded(count, schedule + 1));
            same(&plain, &ran, &format!("block {seed}, schedule {schedule}"));
            sum.transactions += ran.counts.transactions;
            sum.runs += ran.counts.runs;
            sum.stale += ran.counts.stale;
        }
    }
    println!("{sum:?}");
    assert!(
        sum.runs > sum.transactions && sum.stale > 0,
        "nothing ran ahead in vain: {sum:?}"
    );
    assert!(sum.runs <= 2 * sum.transactions, "PER-105: {sum:?}");
}

/// PER-100, PER-101: natives that add, look, revert and panic, and bytecode.
#[test]
fn per_100_scripts_under_every_schedule() {
    every_schedule(&mut scripted());
}

/// PER-100: the protocol's token, coins, delegation, creation and destruction.
#[test]
fn per_100_the_protocol_under_every_schedule() {
    every_schedule(&mut protocol());
}

/// The blocks of the protocol have in them what they are made for: each kind of end, and each kind of change.
#[test]
fn blocks_are_a_mix() {
    let ground = protocol();
    let mut seen = BTreeSet::new();
    for seed in 1..=10 {
        let plain = ground.run(&ground.block(seed, 20 + seed % 50), false, &Workers::new(1));
        for (tx, (_, end)) in plain
            .entered
            .iter()
            .zip(plain.ended.iter().filter(|(_, end)| end.is_ok()))
        {
            let to = alloy_consensus::Transaction::to(tx.inner());
            let outcome = end.as_ref().expect("entered");
            let place = match to {
                Some(to) if ground.pairs.contains(&to) => "pair",
                Some(to) if ground.tokens.first() == Some(&to) => "native token",
                Some(to) if ground.tokens.contains(&to) => "token in bytecode",
                Some(to) if to == at(PHOENIX) => "selfdestruct",
                Some(to) if to == at(MAKER) => "create2",
                _ if tx.inner().is_eip7702() => "7702",
                _ => "other",
            };
            let end = match (outcome.success, &outcome.halt) {
                (true, _) => "done",
                (false, None) => "reverted",
                (false, Some(_)) => "halted",
            };
            seen.insert((place, end));
        }
    }
    let places = ["pair", "native token", "token in bytecode"];
    let of_places = places
        .iter()
        .flat_map(|place| [(*place, "done"), (*place, "reverted")]);
    let others = [
        ("pair", "halted"),
        ("selfdestruct", "done"),
        ("create2", "done"),
        ("7702", "done"),
        ("other", "halted"),
        ("other", "reverted"),
    ];
    for kind in of_places.chain(others) {
        assert!(seen.contains(&kind), "{kind:?} is in none: {seen:?}");
    }
}

/// PER-100: threads as the machine runs them.
#[test]
fn per_100_free_threads() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .stack_size(Workers::new(1).stack_bytes)
        .build();
    let pool = Arc::new(pool.expect("threads"));
    for ground in [scripted(), protocol()] {
        for seed in 500..500 + number("CAPSTAN_BLOCKS", 6) {
            let block = ground.block(seed, 300);
            let plain = ground.run(&block, true, &Workers::new(1));
            ground.verifies(&plain, &format!("block {seed}"));
            for count in [2, 3, 8] {
                let ran = ground.run(&block, true, &Workers::new(count));
                same(&plain, &ran, &format!("block {seed}, {count} threads"));
                // On threads that stay, and fewer than are asked for.
                let pooled = Workers {
                    pool: Some(Arc::clone(&pool)),
                    ..Workers::new(count)
                };
                let ran = ground.run(&block, true, &pooled);
                same(&plain, &ran, &format!("block {seed}, {count} in a pool"));
            }
        }
    }
}

/// PER-103: who only pays fees, adds to shared totals and pays one receiver never runs in vain.
#[test]
fn per_103_shared_sums_make_no_conflict() {
    let ground = scripted();
    let sums = native(vec![
        Act::Add(1, 5, GasClass::Flat),
        Act::Sub(2, 1, 0, GasClass::Flat),
        Act::Sub(3, 2, 10, GasClass::ZeroAware),
    ]);
    let mut state = ground.state.clone();
    let words = [(1, 40), (2, 30_000), (3, 100_000)];
    let words = words.map(|(slot, word)| (U256::from(slot), U256::from(word)));
    state.put(sums, U256::ZERO, 0, Bytes::from_static(&MARKER), words);
    let block: Vec<_> = (0..SENDERS)
        .map(|index| match index % 2 {
            0 => call(sender(index), 0, sums, 0, 90_000, Vec::new()),
            _ => call(sender(index), 0, at(0x70), 4, 0, Vec::new()),
        })
        .collect();
    let state: Arc<dyn StateRead> = Arc::new(state);
    let plain = ground.run_over(Arc::clone(&state), &block, false, &Workers::new(1));
    assert!(
        plain
            .ended
            .iter()
            .all(|(_, end)| end.as_ref().is_ok_and(|end| end.success))
    );
    for schedule in 0..100 {
        let ran = ground.run_over(Arc::clone(&state), &block, false, &seeded(3, schedule));
        same(&plain, &ran, &format!("schedule {schedule}"));
        assert_eq!(
            (ran.counts.runs, ran.counts.stale),
            (SENDERS, 0),
            "schedule {schedule}"
        );
    }
}

/// PER-109: where each is paid by the one before him, nobody is run in vain.
#[test]
fn per_109_who_was_just_paid_waits_for_his_turn() {
    let ground = scripted();
    let pay = |index| call(sender(index), 0, sender(index + 1), 1, 0, Vec::new());
    let block: Vec<_> = (0..SENDERS - 1).map(pay).collect();
    let state: Arc<dyn StateRead> = Arc::new(ground.state.clone());
    let plain = ground.run_over(Arc::clone(&state), &block, false, &Workers::new(1));
    for schedule in 0..100 {
        let ran = ground.run_over(Arc::clone(&state), &block, false, &seeded(3, schedule));
        same(&plain, &ran, &format!("schedule {schedule}"));
        assert_eq!(
            (ran.counts.runs, ran.counts.stale),
            (SENDERS - 1, 0),
            "schedule {schedule}"
        );
    }
}

/// A state that panics once, at the n-th read of accounts.
struct Panics {
    inner: MemState,
    left: AtomicUsize,
}

impl StateRead for Panics {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        assert_ne!(
            self.left.fetch_sub(1, Ordering::Relaxed),
            0,
            "made to panic"
        );
        self.inner.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.inner.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.inner.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.inner.block_hash(number)
    }
}

/// PER-106: a worker that panics costs time, not the block.
#[test]
fn per_106_a_panic_leaves_the_same_bytes() {
    let ground = scripted();
    // Coins only: inside a native contract a panic is that contract's, and ends as its halt.
    let block: Vec<_> = (0..SENDERS)
        .map(|index| call(sender(index), 0, at(0x70), 4, 0, Vec::new()))
        .collect();
    let plain = ground.run(&block, true, &Workers::new(1));
    // The first reads belong to the opening of the block.
    for read in 6..60 {
        let state = Arc::new(Panics {
            inner: ground.state.clone(),
            left: AtomicUsize::new(read),
        });
        let ran = ground.run_over(state, &block, true, &seeded(3, read as u64));
        same(&plain, &ran, &format!("a panic at read {read}"));
    }
}

/// PER-107: a small block, and one thread, are the plain loop.
#[test]
fn per_107_small_blocks_run_plainly() {
    let ground = protocol();
    let block = ground.block(3, 20);
    let plain = ground.run(&block, true, &Workers::new(1));
    let small = ground.run(&block, true, &Workers::new(4));
    same(&plain, &small, "a small block");
    assert_eq!(small.counts.runs, small.counts.transactions);
}
