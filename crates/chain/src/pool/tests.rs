use std::sync::atomic::{AtomicU64, Ordering};

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEip7702, TxLegacy};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, Signature, TxKind};
use capstan_evm::{AccountDiff, Rules, StateError};

use super::*;

const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const ETH: u128 = 1_000_000_000_000_000_000;
const GWEI: u128 = 1_000_000_000;

/// Accounts by address; code `delegated` or not.
#[derive(Clone, Default)]
struct World {
    accounts: std::collections::BTreeMap<Address, AccountInfo>,
    codes: std::collections::BTreeMap<B256, Bytes>,
}

impl World {
    fn rich() -> Self {
        let rich = AccountInfo {
            balance: U256::from(10 * ETH),
            ..AccountInfo::default()
        };
        Self {
            accounts: [(ALICE, rich), (BOB, rich)].into(),
            ..Self::default()
        }
    }

    fn with_code(mut self, address: Address, code: Bytes) -> Self {
        let hash = alloy_primitives::keccak256(&code);
        self.accounts.entry(address).or_default().code_hash = hash;
        self.codes.insert(hash, code);
        self
    }
}

impl StateRead for World {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.accounts.get(&address).copied())
    }
    fn storage(&self, _: Address, _: U256) -> Result<U256, StateError> {
        Ok(U256::ZERO)
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes
            .get(&hash)
            .cloned()
            .ok_or(StateError::MissingCode(hash))
    }
    fn block_hash(&self, _: u64) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }
}

/// A transfer, to be changed by a test.
fn plain(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 20 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Call(BOB),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

/// Signatures need not be good here: the sender is given. Each differs, so hashes do.
fn signature() -> Signature {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    Signature::new(U256::from(n), U256::from(1), false)
}

fn signed(tx: TxEip1559, sender: Address) -> Recovered<Tx> {
    Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature())), sender)
}

fn from(sender: Address, nonce: u64, tip_wei: u128) -> Recovered<Tx> {
    signed(
        TxEip1559 {
            max_priority_fee_per_gas: tip_wei,
            ..plain(nonce)
        },
        sender,
    )
}

struct Bench {
    pool: Arc<Pool>,
    world: World,
    rules: Rules,
}

impl Bench {
    fn new() -> Self {
        Self::with(PoolConfig::node())
    }

    fn with(config: PoolConfig) -> Self {
        Self {
            pool: Arc::new(Pool::new(config)),
            world: World::rich(),
            rules: Rules::new(31_337),
        }
    }

    fn add_all(&self, txs: Vec<Recovered<Tx>>) -> Vec<Result<B256, PoolError>> {
        let admission = Admission {
            rules: &self.rules,
            state: &self.world,
            next_number: 1,
            base_fee_wei: u64::try_from(10 * GWEI).unwrap(),
            impersonation: &|sender| sender == ALICE,
        };
        let answers = self.pool.insert_many(txs, &admission);
        answers
            .into_iter()
            .map(|answer| answer.map(|tx| tx.hash()))
            .collect()
    }

    fn add(&self, tx: Recovered<Tx>) -> Result<B256, PoolError> {
        self.add_all(vec![tx]).remove(0)
    }

    fn counts(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.pending, status.queued)
    }

    /// Senders and nonces in the order in which a block would take them.
    fn order(&self) -> Vec<(Address, u64)> {
        let mut best = self.pool.best(u64::try_from(10 * GWEI).unwrap(), None);
        std::iter::from_fn(|| best.next_tx())
            .map(|tx| (tx.sender(), tx.nonce()))
            .collect()
    }

    fn block(&self, address: Address, nonce: u64, balance: u128) {
        let info = AccountInfo {
            nonce,
            balance: U256::from(balance),
            code_hash: KECCAK256_EMPTY,
        };
        let account = AccountDiff {
            info: Some(info),
            ..AccountDiff::default()
        };
        let diff = StateDiff {
            accounts: [(address, account)].into(),
            ..StateDiff::default()
        };
        self.pool.on_block(&diff);
    }
}

/// POOL-1: a transaction that cannot be valid is refused at the door, in geth's words.
#[test]
fn pool_1_refusals() {
    let legacy = |chain_id| {
        let tx = TxLegacy {
            chain_id,
            gas_price: 20 * GWEI,
            gas_limit: 21_000,
            to: TxKind::Call(BOB),
            ..TxLegacy::default()
        };
        Recovered::new_unchecked(Tx::Legacy(tx.into_signed(signature())), ALICE)
    };
    let set_code = |list: Vec<SignedAuthorization>| {
        let tx = TxEip7702 {
            chain_id: 31_337,
            gas_limit: 100_000,
            max_fee_per_gas: 20 * GWEI,
            authorization_list: list,
            ..TxEip7702::default()
        };
        Recovered::new_unchecked(Tx::Eip7702(tx.into_signed(signature())), ALICE)
    };
    let system = {
        let tx = TxLegacy {
            gas_limit: 21_000,
            to: TxKind::Call(BOB),
            ..TxLegacy::default()
        };
        let zero = Signature::new(U256::ZERO, U256::ZERO, false);
        Recovered::new_unchecked(Tx::Legacy(tx.into_signed(zero)), ALICE)
    };
    let named = |sender: Address| {
        let body = plain(0).into_signed(crate::impersonation_signature(sender));
        Recovered::new_unchecked(Tx::Eip1559(body), sender)
    };
    let blob = {
        let tx = alloy_consensus::TxEip4844 {
            chain_id: 31_337,
            ..Default::default()
        };
        Recovered::new_unchecked(Tx::Eip4844(tx.into_signed(signature())), ALICE)
    };
    let init_code = Bytes::from(vec![0; 49_153]);
    let authorization = Authorization {
        chain_id: U256::from(31_337),
        address: BOB,
        nonce: 0,
    };
    let authorization =
        SignedAuthorization::new_unchecked(authorization, 0, U256::from(1), U256::from(1));
    let poor = Address::repeat_byte(0xee);
    let contract = Address::repeat_byte(0xcc);
    let cases: Vec<(&str, Recovered<Tx>)> = vec![
        (
            "invalid chain id for signer: have 1 want 31337",
            signed(
                TxEip1559 {
                    chain_id: 1,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "only replay-protected (EIP-155) transactions allowed over RPC",
            legacy(None),
        ),
        ("", legacy(Some(31_337))),
        (
            "invalid sender: a transaction with signature r = s = 0",
            system,
        ),
        ("transaction type not supported", blob),
        (
            "EIP-7702 transaction with empty auth list",
            set_code(Vec::new()),
        ),
        ("", set_code(vec![authorization])),
        (
            "intrinsic gas too low: have 20999, want 21000",
            signed(
                TxEip1559 {
                    gas_limit: 20_999,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "insufficient gas for floor data gas cost: have 40000, want 61000",
            signed(
                TxEip1559 {
                    gas_limit: 40_000,
                    input: vec![1; 1000].into(),
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "exceeds block gas limit",
            signed(
                TxEip1559 {
                    gas_limit: 100_000_001,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "transaction gas limit too high (cap: 16777216",
            signed(
                TxEip1559 {
                    gas_limit: 16_777_217,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "max initcode size exceeded: code size 49153, limit 49152",
            signed(
                TxEip1559 {
                    to: TxKind::Create,
                    gas_limit: 5_000_000,
                    input: init_code,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "oversized data",
            signed(
                TxEip1559 {
                    input: vec![1; 200_000].into(),
                    gas_limit: 9_000_000,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "max fee per gas less than block base fee",
            signed(
                TxEip1559 {
                    max_fee_per_gas: 9 * GWEI,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "max priority fee per gas higher than max fee per gas",
            signed(
                TxEip1559 {
                    max_priority_fee_per_gas: 21 * GWEI,
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "insufficient funds for gas * price + value",
            signed(
                TxEip1559 {
                    value: U256::from(10 * ETH),
                    ..plain(0)
                },
                ALICE,
            ),
        ),
        (
            "insufficient funds for gas * price + value",
            from(poor, 0, GWEI),
        ),
        ("nonce has max value", from(ALICE, u64::MAX, GWEI)),
        (
            "nonce too high: next nonce 0, tx nonce 256",
            from(ALICE, 256, GWEI),
        ),
        ("sender not an eoa", from(contract, 0, GWEI)),
        ("", named(ALICE)),
        ("is not impersonated", named(BOB)),
    ];
    for (expected, tx) in cases {
        let mut bench = Bench::new();
        bench.world = bench.world.with_code(contract, Bytes::from_static(&[0x60]));
        let hash = *tx.tx_hash();
        let nothing_kept = |bench: &Bench| assert!(bench.pool.get(&hash).is_none(), "{expected}");
        match bench.add(tx) {
            Ok(_) => assert_eq!(expected, "", "taken, but should be refused"),
            Err(error) => {
                let words = error.to_string();
                assert!(
                    !expected.is_empty() && words.contains(expected),
                    "{words} | {expected}"
                );
                nothing_kept(&bench);
            }
        }
    }
}

/// POOL-2: nonces of one sender without gap are pending, those behind a gap queued; filling it promotes.
#[test]
fn pool_2_gaps() {
    let bench = Bench::new();
    for (nonce, expected) in [(0, (1, 0)), (2, (1, 1)), (3, (1, 2)), (1, (4, 0))] {
        bench.add(from(ALICE, nonce, GWEI)).unwrap();
        assert_eq!(bench.counts(), expected, "after nonce {nonce}");
    }
    assert_eq!(bench.pool.next_nonce(ALICE), Some(4));
    assert_eq!(bench.pool.next_nonce(BOB), None);
}

/// POOL-3: replacing needs a rise of both fees by the bump, and leaves one transaction.
#[test]
fn pool_3_replacement() {
    // Old fee 20 gwei, tip 1 gwei; bump 10 %.
    let cases = [
        (22 * GWEI, GWEI + GWEI / 10, true),
        (22 * GWEI - 1, GWEI + GWEI / 10, false),
        (22 * GWEI, GWEI + GWEI / 10 - 1, false),
        (40 * GWEI, GWEI, false),
        (20 * GWEI, 2 * GWEI, false),
    ];
    for (max_fee_per_gas, max_priority_fee_per_gas, replaces) in cases {
        let bench = Bench::new();
        let first = bench.add(from(ALICE, 0, GWEI)).unwrap();
        bench.add(from(ALICE, 1, GWEI)).unwrap();
        let second = signed(
            TxEip1559 {
                max_fee_per_gas,
                max_priority_fee_per_gas,
                ..plain(0)
            },
            ALICE,
        );
        let hash = *second.tx_hash();
        let answer = bench.add(second);
        assert_eq!(
            answer.is_ok(),
            replaces,
            "{max_fee_per_gas} {max_priority_fee_per_gas}"
        );
        if let Err(error) = answer {
            assert!(
                error
                    .to_string()
                    .starts_with("replacement transaction underpriced")
            );
        }
        assert_eq!(bench.counts(), (2, 0));
        assert_eq!(bench.pool.get(&first).is_some(), !replaces);
        assert_eq!(bench.pool.get(&hash).is_some(), replaces);
    }
}

#[test]
fn the_same_is_already_known() {
    let bench = Bench::new();
    let tx = from(ALICE, 0, GWEI);
    bench.add(tx.clone()).unwrap();
    assert_eq!(bench.add(tx).unwrap_err().to_string(), "already known");
}

/// POOL-4: best first, nonces of a sender in order, the older first among equals.
#[test]
fn pool_4_order() {
    let bench = Bench::new();
    let carol = Address::repeat_byte(0xc4);
    let rich = bench.world.accounts[&ALICE];
    let mut bench = bench;
    bench.world.accounts.insert(carol, rich);
    for (sender, nonce, tip) in [
        (ALICE, 0, 1),
        (ALICE, 1, 9),
        (BOB, 0, 5),
        (BOB, 1, 1),
        (carol, 0, 5),
        (carol, 2, 10),
    ] {
        bench.add(from(sender, nonce, tip * GWEI)).unwrap();
    }
    let expected = [(BOB, 0), (carol, 0), (ALICE, 0), (ALICE, 1), (BOB, 1)];
    assert_eq!(bench.order(), expected);

    let mut best = bench.pool.best(u64::try_from(10 * GWEI).unwrap(), None);
    assert_eq!(best.next_tx().unwrap().sender(), BOB);
    best.skip_sender(BOB);
    let rest: Vec<_> = std::iter::from_fn(|| best.next_tx())
        .map(|tx| tx.sender())
        .collect();
    assert_eq!(
        rest,
        [carol, ALICE, ALICE],
        "a skipped sender gives nothing more"
    );
}

/// POOL-5: after a block, what it used or overtook is gone, and the rest is judged by the new account.
#[test]
fn pool_5_blocks() {
    let cases = [
        // (nonce, balance in wei, counts after)
        (0, 10 * ETH, (4, 0)),
        (2, 10 * ETH, (2, 0)),
        (9, 10 * ETH, (0, 0)),
        // Each costs 21,000 * 20 gwei + 1.
        (0, 21_000 * 20 * GWEI + 1, (1, 3)),
        (0, 0, (0, 4)),
    ];
    for (nonce, balance, expected) in cases {
        let bench = Bench::new();
        bench.add_all((0..4).map(|nonce| from(ALICE, nonce, GWEI)).collect());
        bench.block(ALICE, nonce, balance);
        assert_eq!(bench.counts(), expected, "nonce {nonce}, balance {balance}");
        // A sender that is known is judged by the newest block, a forgotten one by state.
        let again = bench.add(from(ALICE, 0, 2 * GWEI));
        let too_low = matches!(again, Err(PoolError::NonceTooLow { .. }));
        assert_eq!(too_low, (1..4).contains(&nonce), "nonce {nonce}: {again:?}");
    }
}

/// POOL-6: bounds on one sender, on count, on bytes; the cheapest leaves, from its sender's end.
#[test]
fn pool_6_bounds() {
    let per_sender = Bench::with(PoolConfig {
        per_sender: 3,
        ..PoolConfig::node()
    });
    let answers = per_sender.add_all((0..5).map(|n| from(ALICE, n, GWEI)).collect());
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(per_sender.counts(), (3, 0));

    let bench = Bench::with(PoolConfig {
        count: 3,
        ..PoolConfig::node()
    });
    let cheap: Vec<_> = (0..3).map(|n| from(ALICE, n, GWEI)).collect();
    let last = *cheap[2].tx_hash();
    bench.add_all(cheap);
    let error = bench.add(from(BOB, 0, GWEI)).unwrap_err();
    assert!(error.to_string().starts_with("txpool is full"), "{error}");
    bench.add(from(BOB, 0, 2 * GWEI)).unwrap();
    assert_eq!(bench.counts(), (3, 0));
    assert!(
        bench.pool.get(&last).is_none(),
        "the last nonce of the cheapest sender left"
    );

    let one = from(ALICE, 0, GWEI);
    let bytes = one.encode_2718_len();
    let bench = Bench::with(PoolConfig {
        bytes: bytes * 2 + bytes / 2,
        ..PoolConfig::node()
    });
    bench.add_all(vec![one, from(ALICE, 1, GWEI), from(BOB, 0, 3 * GWEI)]);
    assert_eq!(bench.counts(), (2, 0));
    assert!(bench.pool.status().bytes <= bench.pool.config().bytes);
}

/// POOL-7: an account whose code is a delegation has one transaction in flight.
#[test]
fn pool_7_delegated() {
    let mut bench = Bench::new();
    let delegation = [&[0xef, 0x01, 0x00][..], BOB.as_slice()].concat();
    bench.world = bench.world.with_code(ALICE, delegation.into());
    bench.add(from(ALICE, 0, GWEI)).unwrap();
    assert_eq!(
        bench.add(from(ALICE, 1, GWEI)),
        Err(PoolError::DelegatedInFlight)
    );
    bench
        .add(signed(
            TxEip1559 {
                max_fee_per_gas: 30 * GWEI,
                max_priority_fee_per_gas: 2 * GWEI,
                ..plain(0)
            },
            ALICE,
        ))
        .expect("replacing is not a second one");
}

/// POOL-8: whatever happens, the counters are those of the content.
#[test]
fn pool_8_books_balance() {
    use rand::{Rng as _, SeedableRng as _};
    for seed in 0..8 {
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        let mut bench = Bench::with(PoolConfig {
            count: 40,
            per_sender: 12,
            ..PoolConfig::node()
        });
        let senders: Vec<Address> = (1..=6).map(Address::repeat_byte).collect();
        let rich = bench.world.accounts[&ALICE];
        bench
            .world
            .accounts
            .extend(senders.iter().map(|sender| (*sender, rich)));
        let mut nonces = vec![0_u64; senders.len()];
        for _ in 0..400 {
            let who = rng.random_range(0..senders.len());
            match rng.random_range(0..10) {
                0 => {
                    // Forwards with blocks, backwards with a rewind.
                    nonces[who] = match rng.random_range(0..4) {
                        0 => nonces[who].saturating_sub(2),
                        steps => nonces[who] + steps - 1,
                    };
                    let balance = rng.random_range(0..4) * 21_000 * 20 * GWEI;
                    bench.block(senders[who], nonces[who], balance);
                    let info = bench.world.accounts.get_mut(&senders[who]).unwrap();
                    info.nonce = nonces[who];
                    info.balance = U256::from(balance);
                }
                1 => {
                    let hashes = bench.pool.hashes();
                    if let Some(hash) = hashes.first() {
                        bench.pool.remove(hash);
                    }
                }
                _ => {
                    let nonce = nonces[who] + rng.random_range(0..6);
                    let _ = bench.add(from(senders[who], nonce, rng.random_range(1..9) * GWEI));
                }
            }
            let content = bench.pool.content();
            let count = |list: &[(Address, Vec<Arc<Pooled>>)]| -> usize {
                list.iter().map(|(_, txs)| txs.len()).sum()
            };
            let all = content
                .pending
                .iter()
                .chain(&content.queued)
                .flat_map(|(_, txs)| txs);
            let bytes: usize = all.map(|tx| tx.bytes).sum();
            let expected = PoolStatus {
                pending: count(&content.pending),
                queued: count(&content.queued),
                bytes,
            };
            assert_eq!(bench.pool.status(), expected, "seed {seed}");
            assert_eq!(bench.order().len(), expected.pending, "seed {seed}");
            for sender in &senders {
                let (pending, counted) = counted_from_scratch(&bench, *sender);
                assert_eq!(pending, counted, "seed {seed}, {sender}");
            }
            let ready = bench.pool.has_ready(u64::try_from(10 * GWEI).unwrap());
            assert_eq!(ready, expected.pending > 0, "seed {seed}");
        }
    }
}

/// How many of a sender's transactions the pool calls pending, and how many an account with its nonce and
/// balance can send one after the other.
fn counted_from_scratch(bench: &Bench, sender: Address) -> (usize, usize) {
    let content = bench.pool.content_from(sender);
    let txs = |list: Vec<(Address, Vec<Arc<Pooled>>)>| list.into_iter().flat_map(|(_, txs)| txs);
    let pending: Vec<_> = txs(content.pending).collect();
    let count = pending.len();
    let account = bench.world.accounts[&sender];
    let mut left = account.balance;
    let sendable = (account.nonce..)
        .zip(pending.into_iter().chain(txs(content.queued)))
        .take_while(|(nonce, tx)| {
            let fits = *nonce == tx.nonce() && tx.cost_wei <= left;
            left = left.saturating_sub(tx.cost_wei);
            fits
        });
    (count, sendable.count())
}

/// POOL-10: a block over a parent that the pool has not heard of goes on where the parent ended.
#[test]
fn pool_10_ahead_of_the_pool() {
    let bench = Bench::new();
    bench.add_all((0..4).map(|nonce| from(ALICE, nonce, GWEI)).collect());
    bench.add(from(BOB, 0, GWEI)).unwrap();
    let nonces_after = |nonce: u64| -> Vec<(Address, u64)> {
        let info = AccountInfo {
            nonce,
            ..bench.world.accounts[&ALICE]
        };
        let account = AccountDiff {
            info: Some(info),
            ..AccountDiff::default()
        };
        let ahead = StateDiff {
            accounts: [(ALICE, account)].into(),
            ..StateDiff::default()
        };
        let base_fee_wei = u64::try_from(10 * GWEI).unwrap();
        let mut best = bench.pool.best(base_fee_wei, Some(&ahead));
        std::iter::from_fn(|| best.next_tx())
            .map(|tx| (tx.sender(), tx.nonce()))
            .collect()
    };
    assert_eq!(nonces_after(2), [(ALICE, 2), (ALICE, 3), (BOB, 0)]);
    assert_eq!(nonces_after(4), [(BOB, 0)]);
    // A parent that the pool has heard of already changes nothing.
    bench.block(ALICE, 3, 10 * ETH);
    assert_eq!(nonces_after(2), [(ALICE, 3), (BOB, 0)]);
}

/// POOL-9: what waits is there again after a restart; a torn end costs only what it tore.
#[test]
fn pool_9_journal() {
    use alloy_primitives::B256;
    let folder = std::env::temp_dir().join(format!("capstan-journal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("pool.journal");
    let journal = journal::Journal::new(path.clone());
    assert!(journal.load(true).is_empty());
    let pooled = |nonce: u64| {
        let body = plain(nonce).into_signed(crate::impersonation_signature(ALICE));
        Arc::new(Pooled::new(
            Recovered::new_unchecked(Tx::Eip1559(body), ALICE),
            nonce,
        ))
    };
    journal.rewrite(&[pooled(0), pooled(1)]);
    journal.append(&[pooled(2)]);
    journal.flush();
    let hashes = |journal: &journal::Journal| -> Vec<B256> {
        journal.load(true).iter().map(|tx| *tx.tx_hash()).collect()
    };
    let all: Vec<B256> = (0..3).map(|nonce| pooled(nonce).hash()).collect();
    assert_eq!(hashes(&journal), all);
    assert!(
        journal.load(false).is_empty(),
        "a named sender counts in development only"
    );
    let bytes = std::fs::read(&path).unwrap();
    let frame = bytes.len() / 3;
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert_eq!(hashes(&journal), all[..cut / frame], "cut at {cut}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// POOL-11: judged by an account that a block has changed since, a transaction waits behind a gap that is none; reading
/// its sender again brings it forward.
#[test]
fn pool_11_a_stale_account_is_mended_by_refreshing() {
    let mut bench = Bench::new();
    bench.add(from(ALICE, 0, GWEI)).unwrap();
    bench.block(ALICE, 1, 10 * ETH);
    assert_eq!(bench.counts(), (0, 0), "mined, and its sender forgotten");
    // The state that admission reads is still the one before that block.
    bench.add(from(ALICE, 1, GWEI)).unwrap();
    assert_eq!(bench.counts(), (0, 1), "a gap at nonce 0, so it seems");
    bench.world.accounts.entry(ALICE).or_default().nonce = 1;
    bench.pool.refresh([ALICE], &bench.world).unwrap();
    assert_eq!(bench.counts(), (1, 0));
    assert_eq!(bench.order(), [(ALICE, 1)]);
}
