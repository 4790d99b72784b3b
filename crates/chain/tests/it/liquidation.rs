//! The block's duty to look at accounts: a block that owes a look and omits it is bad, whatever it was built on.

use alloy_consensus::{TxEip1559, crypto::secp256k1::sign_message, transaction::Recovered};
use std::{path::Path, time::Duration};

use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rlp::Decodable as _;
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use capstan_chain::{
    Block, BlockInputs, GuardReport, RawBlock, Verdict,
    db::{SCHEMA, STATE_FILE},
    kv::{Batch, Kv as _, KvConfig, RedbKv, Table},
    verify_folder,
};
use capstan_contracts::{
    SystemKind,
    account::{self, AssetAmount, Dollars, IAccount, Verb, Withdrawal, encode_accounts},
    admin::{self, IAdmin},
    dollar::{self, IDollar},
    ledger::{self, ILedger},
    lending::{self, ILending},
    oracle::{self, IOracle},
    token::{FACTORY_ADDRESS, IToken, ITokenFactory},
};
use capstan_evm::{SystemTx, Tx};
use capstan_units::AccountId;

use crate::world::{World, plain};

mod debts;
mod jobs;
mod products;
mod triggers;

const OWNER: usize = 0;
const REPORTER: usize = 1;
const ALICE: usize = 2;
const ONE: u128 = 1_000_000;
const USD: u128 = 1_000_000_000_000_000_000;
/// Collateral, two thousand dollars each.
const GOLD: u32 = 0;
/// A dollar.
const CASH: u32 = 1;
/// The chain's own.
const DOLLAR: u32 = 2;

/// A chain with two assets, their markets, and Alice in debt.
struct Scene {
    world: World,
    round: u64,
    nonces: [u64; 3],
    tokens: Vec<Address>,
}

impl Scene {
    fn new(world: World) -> Self {
        let mut scene = Self {
            world,
            round: 0,
            nonces: [0; 3],
            tokens: Vec::new(),
        };
        let reporter = scene.world.address(REPORTER);
        scene.ok(
            OWNER,
            admin::ADDRESS,
            IAdmin::grantRoleCall {
                scope: oracle::ADDRESS,
                role: oracle::REPORT,
                holder: reporter,
                expiresMs: 0,
            },
        );
        scene.ok(
            OWNER,
            oracle::ADDRESS,
            IOracle::addReporterCall { reporter },
        );
        scene.list(GOLD, 2_000 * USD, 8_000, 8_500);
        scene.list(CASH, USD, 8_500, 9_000);
        for _ in 0..3 {
            scene.prices(&[(GOLD, 2_000 * USD), (CASH, USD)]);
        }
        let owner = scene.world.address(OWNER);
        let million = U256::from(1_000_000 * ONE);
        scene.batch(
            OWNER,
            owner,
            vec![
                amount(Verb::Deposit, CASH, million),
                amount(Verb::Supply, CASH, million),
            ],
        );
        scene
    }

    fn alice(&self) -> AccountId {
        AccountId::new(self.world.address(ALICE), 0)
    }

    /// Ten of gold against 14,000 dollars, which are gone.
    fn alice_borrows(&mut self) -> Recovered<Tx> {
        let alice = self.world.address(ALICE);
        let loan = U256::from(14_000 * ONE);
        let away = Withdrawal {
            assetId: CASH,
            amount: loan,
            to: alice,
        };
        self.execute(
            ALICE,
            alice,
            vec![
                amount(Verb::Deposit, GOLD, U256::from(10 * ONE)),
                amount(Verb::Borrow, CASH, loan),
                IAccount::Action {
                    verb: Verb::Withdraw.number(),
                    args: away.abi_encode().into(),
                },
            ],
        )
    }

    fn list(&mut self, asset: u32, reference: u128, initial: u16, maintenance: u16) {
        let owner = self.world.address(OWNER);
        let created = self.ok(
            OWNER,
            FACTORY_ADDRESS,
            ITokenFactory::createTokenCall {
                name: "Test".into(),
                symbol: "TST".into(),
                decimals: 6,
                owner,
                grantDelayMs: 0,
            },
        );
        let made = created.receipts[0]
            .logs()
            .iter()
            .find_map(|log| ITokenFactory::TokenCreated::decode_log(log).ok())
            .expect("a token");
        let token = made.token;
        self.tokens.push(token);
        for who in [OWNER, ALICE] {
            let to = self.world.address(who);
            let value = U256::from(10_000_000 * ONE);
            self.ok(OWNER, token, IToken::mintCall { to, value });
        }
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: U256::from(10_000_000 * ONE),
        };
        self.ok(
            OWNER,
            ledger::ADDRESS,
            ILedger::listAssetCall { token, limit },
        );
        let params = ILending::MarketParams {
            reserveFactorBps: 1_000,
            supplyCap: U256::from(u64::MAX),
            borrowCap: U256::from(u64::MAX),
            rateModel: 0,
            baseBps: 0,
            slope1Bps: 400,
            slope2Bps: 6_000,
            optimalBps: 8_000,
        };
        let seed = U256::from(1_000);
        self.ok(
            OWNER,
            lending::ADDRESS,
            ILending::listMarketCall {
                assetId: asset,
                params,
                seed,
            },
        );
        self.value(asset, reference, initial, maintenance);
    }

    /// Gives a listed asset a price and terms as collateral.
    fn value(&mut self, asset: u32, reference: u128, initial: u16, maintenance: u16) {
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
        self.ok(
            OWNER,
            oracle::ADDRESS,
            IOracle::listFeedCall {
                assetId: asset,
                description: "TST / USD".into(),
                referencePrice: reference,
                params,
            },
        );
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
        self.ok(
            OWNER,
            account::ADDRESS,
            IAccount::setCollateralCall {
                assetId: asset,
                collateral,
                rampMs: 0,
            },
        );
    }

    fn call(&mut self, who: usize, to: Address, input: Bytes) -> Recovered<Tx> {
        let nonce = self.nonces[who];
        self.nonces[who] += 1;
        self.world.sign(
            who,
            TxEip1559 {
                to: TxKind::Call(to),
                input,
                gas_limit: 5_000_000,
                ..plain(nonce)
            },
        )
    }

    fn execute(
        &mut self,
        who: usize,
        owner: Address,
        actions: Vec<IAccount::Action>,
    ) -> Recovered<Tx> {
        let account = IAccount::AccountRef { owner, index: 0 };
        let input = IAccount::executeCall { account, actions }.abi_encode();
        self.call(who, account::ADDRESS, input.into())
    }

    fn batch(&mut self, who: usize, owner: Address, actions: Vec<IAccount::Action>) {
        let tx = self.execute(who, owner, actions);
        let block = self.finalize(vec![], vec![tx]);
        assert!(
            block.receipts.iter().all(|receipt| receipt.status()),
            "{:?}",
            block.receipts
        );
    }

    fn ok(&mut self, who: usize, to: Address, call: impl SolCall) -> std::sync::Arc<Block> {
        let tx = self.call(who, to, call.abi_encode().into());
        let block = self.finalize(vec![], vec![tx]);
        assert!(
            block.receipts.iter().all(|receipt| receipt.status()),
            "{to} refused"
        );
        block
    }

    fn report(&mut self, prices: &[(u32, u128)], time_ms: u64) -> IOracle::SignedReport {
        self.round += 1;
        let entries = prices.iter().map(|&(asset, price)| IOracle::Entry {
            assetId: asset,
            price,
            confidenceBps: 10,
        });
        let report = IOracle::Report {
            round: self.round,
            timeMs: time_ms,
            entries: entries.collect(),
        };
        let digest = oracle::digest(31_337, &report);
        let signature = sign_message(self.world.accounts[REPORTER].key, digest).expect("signs");
        IOracle::SignedReport {
            reporter: self.world.address(REPORTER),
            report,
            v: 27 + u8::from(signature.v()),
            r: B256::from(signature.r()),
            s: B256::from(signature.s()),
        }
    }

    fn inputs(
        &mut self,
        parent: &Block,
        prices: &[(u32, u128)],
        transactions: Vec<Recovered<Tx>>,
    ) -> BlockInputs {
        let mut inputs = self.world.inputs(parent, transactions);
        if !prices.is_empty() {
            inputs.reports = vec![self.report(prices, inputs.time_ms)];
        }
        inputs
    }

    fn build(
        &mut self,
        parent: &Block,
        prices: &[(u32, u128)],
        transactions: Vec<Recovered<Tx>>,
    ) -> std::sync::Arc<Block> {
        let inputs = self.inputs(parent, prices, transactions);
        let built = self
            .world
            .chain
            .build(parent.hash(), inputs)
            .expect("builds");
        assert!(built.refused.is_empty(), "{:?}", built.refused);
        built.block
    }

    fn finalize(
        &mut self,
        prices: Vec<(u32, u128)>,
        transactions: Vec<Recovered<Tx>>,
    ) -> std::sync::Arc<Block> {
        let head = self.world.chain.head();
        let block = self.build(&head, &prices, transactions);
        self.world.chain.finalize(block.hash()).expect("final")
    }

    fn prices(&mut self, prices: &[(u32, u128)]) -> std::sync::Arc<Block> {
        self.finalize(prices.to_vec(), vec![])
    }
}

fn amount(verb: Verb, asset: u32, amount: U256) -> IAccount::Action {
    let args = AssetAmount {
        assetId: asset,
        amount,
    };
    IAccount::Action {
        verb: verb.number(),
        args: args.abi_encode().into(),
    }
}

/// Calldata of the look in a block.
fn look_of(block: &Block) -> Option<Bytes> {
    work_of(block, SystemKind::Liquidate)
}

/// Calldata of a kind of system work in a block.
fn work_of(block: &Block, kind: SystemKind) -> Option<Bytes> {
    let target = Some(kind.target());
    let mut bodies = block.transactions.iter().map(Recovered::inner);
    bodies
        .find(|tx| alloy_consensus::Transaction::to(*tx) == target)
        .map(|tx| alloy_consensus::Transaction::input(tx).clone())
}

fn opened(block: &Block) -> bool {
    let mut logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    logs.any(|log| IAccount::OfferOpened::decode_log(log).is_ok())
}

/// CHAIN-15: the block looks at whoever its prices call, before any user of it, and says so.
#[test]
fn chain_15_the_block_liquidates_by_itself() {
    let mut scene = Scene::new(World::new());
    let borrow = scene.alice_borrows();
    let quiet = scene.finalize(vec![], vec![borrow]);
    assert!(quiet.receipts.iter().all(|receipt| receipt.status()));
    assert_eq!(look_of(&quiet), None);
    let falling = scene.prices(&[(GOLD, 1_600 * USD)]);
    let alice = scene.alice();
    assert_eq!(look_of(&falling), Some(encode_accounts(&[alice])));
    assert!(opened(&falling));
    // Whoever goes back sees the index of then.
    scene
        .world
        .chain
        .dev()
        .expect("dev")
        .rewind_to(quiet.number())
        .expect("rewinds");
    scene.round += 10;
    let again = scene.prices(&[(GOLD, 1_500 * USD)]);
    assert_eq!(look_of(&again), Some(encode_accounts(&[alice])));
}

/// CHAIN-15: on a parent that is not final, what is due follows from the candidates.
#[test]
fn chain_15_candidates_count() {
    let mut scene = Scene::new(World::new());
    let head = scene.world.chain.head();
    let borrow = scene.alice_borrows();
    let indebted = scene.build(&head, &[], vec![borrow]);
    let other = scene.build(&head, &[(GOLD, 1_600 * USD)], vec![]);
    assert_eq!(look_of(&other), None, "on this branch she owes nothing");
    let falling = scene.build(&indebted, &[(GOLD, 1_600 * USD)], vec![]);
    assert!(look_of(&falling).is_some());
    scene.world.chain.finalize(falling.hash()).expect("final");
    // Looked at: the next block owes nothing for a minute.
    let after = scene.prices(&[(GOLD, 1_600 * USD)]);
    assert_eq!(look_of(&after), None);
}

/// CHAIN-15: a block that omits a look that it owes is bad; so is one with a look that nobody owes.
#[test]
fn chain_15_omitted_and_invented_looks_are_bad() {
    let mut scene = Scene::new(World::new());
    let borrow = scene.alice_borrows();
    let head = scene.finalize(vec![], vec![borrow]);
    let good = scene.build(&head, &[(GOLD, 1_600 * USD)], vec![]);
    let bad = |raw: &RawBlock, why: &str| {
        let mut raw = raw.clone();
        // Another header, so that it is not the candidate that is known already.
        raw.header.gas_used += 1;
        match scene.world.chain.check(&raw) {
            Ok(Verdict::Bad(reason)) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{other:?}"),
        }
    };
    let raw = good.raw();
    let mut omitted = raw;
    omitted.transactions.remove(1);
    bad(&omitted, "owes Liquidate");
    let quiet = {
        let inputs = BlockInputs::at(head.time_ms() + 250);
        scene
            .world
            .chain
            .build(head.hash(), inputs)
            .expect("builds")
            .block
    };
    let mut invented = quiet.raw();
    let tx = SystemTx {
        number: quiet.number(),
        ordinal: 0,
        target: SystemKind::Liquidate.target(),
        gas_limit: 10_000_000,
        input: encode_accounts(&[scene.alice()]),
    };
    invented.transactions.push(tx.into_tx().inner().clone());
    bad(&invented, "Liquidate that is not owed");
}

/// CHAIN-15: dollars that wait are paid by the block itself, and a block that leaves them waiting, or lets somebody else
/// pay, is bad.
#[test]
fn chain_15_redemptions_are_owed_too() {
    let mut scene = Scene::new(World::new());
    let usd = U256::from(USD);
    let params = IDollar::DollarParams {
        stabilityBps: 0,
        savingsBps: 0,
        redemptionFeeBps: 50,
        refillS: 3_600,
        ceiling: usd * U256::from(1_000_000),
        headroom: usd * U256::from(1_000_000),
        redemptionMin: usd * U256::from(100),
        surplusFloor: U256::ZERO,
    };
    scene.ok(OWNER, dollar::ADDRESS, IDollar::openCall { params });
    scene.value(DOLLAR, USD, 8_500, 9_000);
    for _ in 0..3 {
        scene.prices(&[(DOLLAR, USD)]);
    }
    let alice = scene.alice();
    let mint = Dollars {
        amount: usd * U256::from(10_000),
    };
    let mint = IAccount::Action {
        verb: Verb::Mint.number(),
        args: mint.abi_encode().into(),
    };
    let away = Withdrawal {
        assetId: DOLLAR,
        amount: U256::MAX,
        to: alice.owner,
    };
    let away = IAccount::Action {
        verb: Verb::Withdraw.number(),
        args: away.abi_encode().into(),
    };
    let gold = amount(Verb::Deposit, GOLD, U256::from(10 * ONE));
    scene.batch(ALICE, alice.owner, vec![gold, mint, away]);
    let request = IDollar::requestRedemptionCall {
        amount: usd * U256::from(1_000),
        index: 7,
    };
    let asked = scene.ok(ALICE, dollar::ADDRESS, request);
    assert_eq!(
        work_of(&asked, SystemKind::Redeem),
        None,
        "it waits a block"
    );
    let head = scene.world.chain.head();
    let good = scene.build(&head, &[(GOLD, 2_000 * USD)], vec![]);
    let input = work_of(&good, SystemKind::Redeem).expect("a redemption");
    assert_eq!(input, encode_accounts(&[alice]));
    let mut logs = good.receipts.iter().flat_map(|receipt| receipt.logs());
    let redeemed = logs.find_map(|log| IDollar::Redeemed::decode_log(log).ok());
    let redeemed = redeemed.expect("an event");
    assert_eq!(redeemed.goods, U256::from(995 * ONE / 2_000));
    let bad = |raw: RawBlock, why: &str| {
        let mut raw = raw;
        raw.header.gas_used += 1;
        match scene.world.chain.check(&raw) {
            Ok(Verdict::Bad(reason)) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{other:?}"),
        }
    };
    let mut omitted = good.raw();
    omitted.transactions.remove(1);
    bad(omitted, "owes Redeem");
    let mut another = good.raw();
    let tx = SystemTx {
        number: good.number(),
        ordinal: 1,
        target: SystemKind::Redeem.target(),
        gas_limit: 10_000_000,
        input: encode_accounts(&[AccountId::new(alice.owner, 9)]),
    };
    another.transactions[1] = tx.into_tx().inner().clone();
    bad(another, "owes Redeem");
    assert!(matches!(
        scene.world.chain.check(&good.raw()),
        Ok(Verdict::Ok)
    ));
}

/// A scene whose chain ends, and one that goes on in its folder.
fn reopened(scene: Scene, folder: &Path, cleanly: bool) -> Scene {
    let Scene {
        world,
        round,
        nonces,
        tokens,
    } = scene;
    if cleanly {
        world.chain.close().expect("closes");
    }
    drop(world);
    Scene {
        world: World::at(folder),
        round,
        nonces,
        tokens,
    }
}

/// CHAIN-15: a restart forgets nobody, whether the index of guards was saved or is read anew.
#[test]
fn chain_15_a_restart_forgets_nobody() {
    for cleanly in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut scene = Scene::new(World::at(folder.path()));
        let borrow = scene.alice_borrows();
        scene.finalize(vec![], vec![borrow]);
        let before = scene.world.chain.guards();
        let mut scene = reopened(scene, folder.path(), cleanly);
        let after = scene.world.chain.guards();
        assert_eq!((after.count, after.digest), (before.count, before.digest));
        assert_eq!(after.snapshot, cleanly.then_some(before.height));
        let falling = scene.prices(&[(GOLD, 1_600 * USD)]);
        assert!(look_of(&falling).is_some());
    }
}

/// CHAIN-16: the index that a start takes from a snapshot, old or new, is the one that the accounts make; a snapshot that
/// is damaged, or of a block that is not there, is not taken; a rewind leaves what it undoes.
#[test]
fn chain_16_a_saved_index_is_the_one_that_the_accounts_make() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = reopened(Scene::new(World::at(folder.path())), folder.path(), true);
    let saved_at = scene.world.chain.guards().height;
    let nobody = scene.world.chain.guards();
    // After a crash: the snapshot stands below the block in which Alice borrows.
    let borrow = scene.alice_borrows();
    scene.finalize(vec![], vec![borrow]);
    let alice = scene.world.chain.guards();
    assert!(alice.count > nobody.count && alice.digest != nobody.digest);
    let mut scene = reopened(scene, folder.path(), false);
    let mut expected = GuardReport {
        snapshot: Some(saved_at),
        ..alice
    };
    assert_eq!(scene.world.chain.guards(), expected);
    // What a rewind undoes is left, and what was saved above it is gone.
    let snapshot = scene
        .world
        .chain
        .dev()
        .map(|dev| dev.snapshot().expect("a snapshot"));
    let falling = scene.prices(&[(GOLD, 1_600 * USD)]);
    assert!(look_of(&falling).is_some());
    assert_ne!(scene.world.chain.guards().digest, expected.digest);
    let dev = scene.world.chain.dev().expect("a development chain");
    assert!(
        dev.revert(snapshot.expect("a snapshot"))
            .expect("goes back")
    );
    assert_eq!(scene.world.chain.guards(), expected);
    let scene = reopened(scene, folder.path(), false);
    expected.snapshot = None;
    assert_eq!(scene.world.chain.guards(), expected, "read anew");
    drop(reopened(scene, folder.path(), true));
    verify_folder(folder.path(), &mut |_, _| {}).expect("good");

    // One bit of it, and a snapshot that names another block: both are read anew.
    type Spoil = fn(&mut Vec<u8>);
    let spoils: [Spoil; 2] = [
        |row| *row.last_mut().expect("a row") ^= 1,
        |row| row[8] ^= 1,
    ];
    for spoil in spoils {
        let scene = Scene {
            world: World::at(folder.path()),
            round: 0,
            nonces: [0; 3],
            tokens: Vec::new(),
        };
        assert!(scene.world.chain.guards().snapshot.is_some());
        scene.world.chain.close().expect("closes");
        drop(scene);
        let path = folder.path().join(STATE_FILE);
        let kv = RedbKv::open_path(&path, SCHEMA, KvConfig::default()).expect("opens");
        let (meta, key) = (Table(0), b"index/guards".to_vec());
        let mut row = kv
            .snapshot()
            .expect("reads")
            .get(meta, &key)
            .expect("reads");
        row.as_mut().map(spoil).expect("saved");
        let mut batch = Batch::new();
        batch.put(meta, key, row.expect("saved"));
        kv.write(batch).expect("writes");
        drop(kv);
        let world = World::at(folder.path());
        assert_eq!(world.chain.guards(), expected, "read anew");
        world.chain.close().expect("closes");
    }
}

/// CHAIN-17: words that a developer damaged end no block, whichever they are: every word that a price or a debt changed,
/// one after the other.
#[test]
fn chain_17_damaged_words_end_no_block() {
    let mut scene = Scene::new(World::new());
    let borrow = scene.alice_borrows();
    let borrowed = scene.finalize(vec![], vec![borrow]);
    let priced = scene.prices(&[(GOLD, 2_000 * USD), (CASH, USD)]);
    let mut words = Vec::new();
    for block in [borrowed, priced] {
        let list = BlockAccessList::decode(&mut block.access_list.as_ref()).expect("a list");
        for account in &list {
            let slots = account.storage_changes.iter().map(|changes| changes.slot);
            words.extend(slots.map(|slot| (account.address, slot)));
        }
    }
    let of_price = |words: &[(Address, U256)]| words.iter().any(|(at, _)| *at == oracle::ADDRESS);
    assert!(words.len() > 10 && of_price(&words), "{words:?}");
    for (at, slot) in words {
        let chain = scene.world.chain.clone();
        let dev = chain.dev().expect("a development chain");
        let snapshot = dev.snapshot().expect("a snapshot");
        dev.set_storage_at(at, slot, U256::MAX).expect("damages");
        let before = chain.head().number();
        // The damage itself, a fall that calls Alice, and a day later, when time calls her too.
        scene.world.mine();
        let reports = scene.report(&[(GOLD, 1_600 * USD)], chain.head().time_ms() + 250);
        let _ = chain.submit_report(reports);
        for wait_ms in [250, 86_400_000] {
            let made = dev.mine(1, Some(Duration::from_millis(wait_ms)));
            assert!(made.is_ok(), "word {slot:#x} of {at}: {made:?}");
        }
        assert!(chain.head().number() >= before + 3);
        assert!(dev.revert(snapshot).expect("goes back"));
    }
}
