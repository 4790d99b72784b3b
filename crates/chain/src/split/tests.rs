use std::{
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Signature, TxKind, U256, keccak256};
use capstan_evm::{
    AccountInfo, BlockContext, BlockOutcome, BlockRun, Rules, StateError, StateRead, Tx,
    mem::MemState,
    verify::{Claim, Placed, verify},
};
use capstan_state::{BlockInfo, ProtocolVersion};

use super::{
    Helpers, Token, help, help_once,
    wire::{
        Done, FRAME_MAX, Given, Hello, KnownAccount, Line, Proof, Taken, VERSION, Welcome, kind,
        read,
    },
};
use crate::{Genesis, chain::on_big_stack};

mod liars;

const COUNTER: Address = Address::repeat_byte(0xc0);
/// Of each transaction.
const GAS_LIMIT: u64 = 100_000;
const PATIENCE: Duration = Duration::from_secs(10);

fn token(text: &str) -> Token {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    std::fs::write(&path, text.repeat(8)).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    Token::read(&path).expect("a token")
}

/// A block with its parent.
struct Made {
    genesis: Genesis,
    rules: Arc<Rules>,
    parent: Arc<dyn StateRead>,
    context: BlockContext,
    transactions: Vec<Recovered<Tx>>,
    outcome: BlockOutcome,
    list: Vec<u8>,
}

/// Payments, and calls of a counter that also asks for the hash of an old block.
fn made(count: u64) -> Made {
    let genesis = Genesis::dev(0, 0);
    let rules = Arc::new(genesis.rules());
    let mut state = MemState::new();
    let person = |n: u64| Address::from_slice(&keccak256(n.to_be_bytes())[..20]);
    for n in 0..count {
        state.put(
            person(n),
            U256::from(10).pow(U256::from(20)),
            0,
            Bytes::new(),
            [],
        );
    }
    // sstore(1, blockhash(number - 1)); sstore(0, sload(0) + 1)
    let code = [
        0x60, 1, 0x43, 0x03, 0x40, 0x60, 1, 0x55, 0x60, 1, 0x5f, 0x54, 0x01, 0x5f, 0x55,
    ];
    state.put(COUNTER, U256::ZERO, 1, code.to_vec().into(), []);
    state.put_hash(0, B256::repeat_byte(9));
    let parent: Arc<dyn StateRead> = Arc::new(state);
    let context = BlockContext {
        info: BlockInfo {
            chain_id: rules.chain_id,
            number: 1,
            time_ms: 1_700_000_000_000,
            beneficiary: Address::repeat_byte(0xbe),
            base_fee_wei: 7,
            prevrandao: B256::ZERO,
            gas_limit: rules.gas_limit(),
            version: ProtocolVersion(1),
        },
        parent_hash: B256::repeat_byte(9),
        parent_beacon_root: B256::ZERO,
    };
    let transactions: Vec<_> = (0..count)
        .map(|n| {
            let (to, value) = match n % 3 {
                0 => (COUNTER, 0),
                _ => (person(n + count), 1),
            };
            let tx = TxEip1559 {
                chain_id: rules.chain_id,
                gas_limit: GAS_LIMIT,
                max_fee_per_gas: 100,
                to: TxKind::Call(to),
                value: U256::from(value),
                ..TxEip1559::default()
            };
            let tx = tx.into_signed(Signature::new(U256::ONE, U256::ONE, false));
            Recovered::new_unchecked(Tx::Eip1559(tx), person(n))
        })
        .collect();
    let run = BlockRun::open(Arc::clone(&rules), Arc::clone(&parent), context.clone());
    let mut run = run.expect("opens");
    for tx in &transactions {
        run.user(tx).expect("stands");
    }
    let outcome = run.close().expect("closes");
    let list = alloy_rlp::encode(&outcome.access_list);
    Made {
        genesis,
        rules,
        parent,
        context,
        transactions,
        outcome,
        list,
    }
}

impl Made {
    fn claim(&self) -> Claim<'_> {
        Claim {
            rules: Arc::clone(&self.rules),
            parent: Arc::clone(&self.parent),
            context: self.context.clone(),
            transactions: &self.transactions,
            access_list: &self.list,
            access_list_hash: keccak256(&self.list),
        }
    }

    fn helpers(&self) -> Arc<Helpers> {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Helpers::bind(here).expect("free");
        Helpers::listen(listener, token("node"), &self.genesis).expect("listens")
    }
}

fn wait_for(helpers: &Helpers, count: usize) {
    let start = Instant::now();
    while helpers.count() < count {
        assert!(start.elapsed() < PATIENCE, "{} workers", helpers.count());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Verifications until a worker has taken part in one.
const ROUNDS_MAX: usize = 30;

/// PER-10
#[test]
fn per_10_workers_verify_what_threads_verify() {
    // Long enough that who is asked over a socket comes before the end.
    let made = on_big_stack(|| made(3_000));
    let helpers = made.helpers();
    for _ in 0..2 {
        let node = helpers.address();
        thread::spawn(move || help_once(node, &token("node"), &drop));
    }
    wait_for(&helpers, 2);
    // A machine that is quick, or busy with others, may be done with a block before anybody over a socket is asked.
    for _ in 0..ROUNDS_MAX {
        for threads in 1..3 {
            let verified = on_big_stack(|| helpers.verify(&made.claim(), threads, &|_| true));
            assert_eq!(verified.expect("good").into_outcome(), made.outcome);
        }
        if helpers.piece_count() > 0 {
            break;
        }
    }
    assert!(helpers.piece_count() > 0, "everything ran here");
    assert_eq!(helpers.count(), 2, "they wait for the next block");
    // Wherever it ran, what is wrong is named in the same words.
    let mut wrong = made.outcome.access_list.clone();
    let at = wrong
        .iter()
        .position(|account| account.address == COUNTER)
        .expect("listed");
    wrong[at].storage_changes[0].changes[3].new_value += U256::from(1);
    let wrong = Made {
        list: alloy_rlp::encode(&wrong),
        ..made
    };
    let here = on_big_stack(|| verify(&wrong.claim(), 1)).expect_err("wrong");
    let there = on_big_stack(|| helpers.verify(&wrong.claim(), 1, &|_| true)).expect_err("wrong");
    assert_eq!(here.to_string(), there.to_string());
}

/// PER-10: of a transaction and of an account arrives what was sent.
#[test]
fn per_10_what_is_sent_arrives() {
    let made = on_big_stack(|| made(3));
    for ordinal in [None, Some(0), Some(7), Some(u16::MAX)] {
        let tx = &made.transactions[1];
        let sent = alloy_rlp::encode(Given::from(&Placed {
            place: 5,
            ordinal,
            tx,
        }));
        let taken = Placed::try_from(read::<Taken>(&sent).expect("whole")).expect("within");
        assert_eq!((taken.place, taken.ordinal, &taken.tx), (5, ordinal, tx));
    }
    let contract = AccountInfo {
        nonce: 1,
        balance: U256::from(9),
        code_hash: keccak256([1]),
    };
    let person = AccountInfo {
        code_hash: KECCAK256_EMPTY,
        ..contract
    };
    for info in [None, Some(person), Some(contract)] {
        let sent = alloy_rlp::encode(KnownAccount::from(info));
        let came: KnownAccount = read(&sent).expect("whole");
        assert_eq!(came.info().expect("a hash"), info);
    }
}

/// A state that stops the helpers at the first look.
struct Stops(Arc<dyn StateRead>, Arc<Helpers>);

impl StateRead for Stops {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.1.stop();
        self.0.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.0.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.0.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.0.block_hash(number)
    }
}

/// PER-11: workers of a block that is being verified while the node stops are let go with it.
#[test]
fn per_11_who_stops_keeps_no_worker() {
    let mut made = on_big_stack(|| made(60));
    let helpers = made.helpers();
    let node = helpers.address();
    let worker = thread::spawn(move || help_once(node, &token("node"), &drop));
    wait_for(&helpers, 1);
    made.parent = Arc::new(Stops(Arc::clone(&made.parent), Arc::clone(&helpers)));
    let verified = on_big_stack(|| helpers.verify(&made.claim(), 1, &|_| true));
    assert_eq!(verified.expect("good").into_outcome(), made.outcome);
    assert_eq!(
        helpers.count(),
        0,
        "a worker waits for a node that has stopped"
    );
    // Its line has ended, and so does it.
    let _ = worker.join().expect("no panic");
}

/// PER-12
#[test]
fn per_12_strangers_are_turned_away() {
    let made = on_big_stack(|| made(4));
    let helpers = made.helpers();
    let error = help_once(helpers.address(), &token("else"), &drop).expect_err("a stranger");
    assert!(
        error.to_string().contains("does not know this token"),
        "{error}"
    );
    // Who claims to be long is not waited for, and neither is who says nothing: he stays a stranger.
    let silent = TcpStream::connect(helpers.address()).expect("connected");
    let mut loud = TcpStream::connect(helpers.address()).expect("connected");
    std::io::Write::write_all(&mut loud, &[0xff; 64]).expect("sent");
    let node = helpers.address();
    thread::spawn(move || help_once(node, &token("node"), &drop));
    wait_for(&helpers, 1);
    assert_eq!(helpers.count(), 1);
    drop(silent);
    // A worker does not help a node that does not know the token either.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let node = listener.local_addr().expect("an address");
    let worker = thread::spawn(move || help_once(node, &token("node"), &drop));
    let (stream, _) = listener.accept().expect("a worker");
    let mut line = Line::new(stream, PATIENCE).expect("a line");
    let number = B256::ZERO;
    let version = VERSION;
    line.send(kind::HELLO, &Hello { version, number })
        .expect("sent");
    let _: Proof = line.expect(kind::PROOF).expect("a proof");
    let genesis = Bytes::from(made.genesis.to_json().into_bytes());
    let proof = B256::ZERO;
    line.send(kind::WELCOME, &Welcome { proof, genesis })
        .expect("sent");
    let error = worker.join().expect("ends").expect_err("a stranger");
    assert!(
        error.to_string().contains("does not know the token"),
        "{error}"
    );
    let open = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = Helpers::bind(open).expect_err("open");
    assert!(refused.to_string().contains("not encrypted"), "{refused}");
}

/// PER-11: a worker that ends while it waits is missed before a block wants it.
#[test]
fn per_11_who_ends_between_blocks_is_seen() {
    let made = on_big_stack(|| made(1));
    let helpers = made.helpers();
    let line = worker_by_hand(helpers.address());
    wait_for(&helpers, 1);
    drop(line);
    let start = Instant::now();
    while helpers.count() > 0 {
        assert!(start.elapsed() < PATIENCE, "it is still waited for");
        thread::sleep(Duration::from_millis(5));
    }
}

/// PER-12: of another version nothing is expected.
#[test]
fn per_12_versions_do_not_mix() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let node = listener.local_addr().expect("an address");
    let worker = thread::spawn(move || help(node, &token("node"), &|| false, &drop));
    let (stream, _) = listener.accept().expect("a worker");
    let mut line = Line::new(stream, PATIENCE).expect("a line");
    let (version, number) = (VERSION - 1, B256::ZERO);
    line.send(kind::HELLO, &Hello { version, number })
        .expect("sent");
    // It does not try again: that would end in the same way.
    let error = worker.join().expect("no panic").expect_err("another");
    assert!(
        error.to_string().contains("use the same capstan"),
        "{error}"
    );
}

/// PER-11
#[test]
fn per_11_whatever_a_worker_answers_the_block_is_judged() {
    let made = on_big_stack(|| made(1_000));
    let answers: [Answer; 5] = [
        |line, _| drop(line.send(99, &0_u8)),
        |line, _| drop(line.send(kind::PIECE, &Bytes::from_static(b"piece"))),
        |line, done| drop(line.send(kind::PIECE, &done)),
        |line, _| drop(line.send(kind::MISFIT, &Bytes::new())),
        |_, _| {},
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        // The node's own thread may have done the whole block before the worker is asked: then again.
        let was_asked = (0..50).any(|_| {
            let helpers = made.helpers();
            let node = helpers.address();
            let worker = thread::spawn(move || answers_one_job(node, answer));
            wait_for(&helpers, 1);
            let verified = on_big_stack(|| helpers.verify(&made.claim(), 1, &|_| true));
            let verified = verified.unwrap_or_else(|error| panic!("answer {number}: {error}"));
            assert_eq!(verified.into_outcome(), made.outcome, "answer {number}");
            // Whoever still waits for a job hears that there is none.
            helpers.stop();
            worker.join().expect("ended")
        });
        assert!(was_asked, "answer {number} was never given");
    }
}

type Answer = fn(&mut Line, Done);

/// The line of a worker that the node has taken.
fn worker_by_hand(node: SocketAddr) -> Line {
    let stream = TcpStream::connect(node).expect("connected");
    let mut line = Line::new(stream, PATIENCE).expect("a line");
    let hello: Hello = line.expect(kind::HELLO).expect("hello");
    let number = B256::ZERO;
    let proof = token("node").proof("worker", hello.number, number);
    line.send(kind::PROOF, &Proof { number, proof })
        .expect("sent");
    line.trust(FRAME_MAX);
    let _: Welcome = line.expect(kind::WELCOME).expect("welcome");
    line
}

/// A worker that knows the token and gives one answer; whether it was asked anything.
fn answers_one_job(node: SocketAddr, answer: Answer) -> bool {
    let mut line = worker_by_hand(node);
    let (Ok((job, _)), Ok((known, _))) = (line.receive(), line.receive()) else {
        return false;
    };
    let (run, _) = line.receive().expect("a piece");
    assert_eq!((job, known, run), (kind::JOB, kind::DECLARED, kind::RUN));
    answer(&mut line, Done::from(capstan_evm::verify::Piece::default()));
    true
}

#[test]
fn tokens_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    Token::read(&path).expect_err("there is none");
    Token::read_or_make(&path).expect("made");
    let mode = std::fs::metadata(&path).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (one, other) = (Token::read(&path).expect("read"), token("else"));
    let of = |token: &Token| token.proof("worker", B256::ZERO, B256::ZERO);
    assert_ne!(of(&one), of(&other));
    assert_ne!(of(&one), one.proof("node", B256::ZERO, B256::ZERO));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
    let error = Token::read_or_make(&path).expect_err("others may read it");
    assert!(
        error
            .to_string()
            .contains("others may read this token (mode 0640)"),
        "{error}"
    );
    std::fs::write(&path, "short").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    let error = Token::read(&path).expect_err("short");
    assert!(error.to_string().contains("could be guessed"), "{error}");
    assert_eq!(format!("{one:?}"), "Token");
}
