//! Workers that know the token and lie, dawdle or ask for ever. Between the node and a good worker stands somebody who hands
//! on what each says, and does something else with the answers.

use std::{
    convert::Infallible,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, Log};
use capstan_evm::verify::{Piece, Verified};

use super::{GAS_LIMIT, Made, PATIENCE, made, token, wait_for};
use crate::{
    chain::on_big_stack,
    split::{
        Helpers, help_once,
        helpers::Patience,
        wire::{Done, FRAME_MAX, Line, frame, kind, read},
    },
};

/// Little enough to wait for somebody who will not be done.
const SHORT: Patience = Patience {
    stranger: Duration::from_millis(500),
    worker: Duration::from_millis(500),
};
/// Enough for a good worker, however busy the machine is.
const LONG: Patience = Patience {
    stranger: PATIENCE,
    worker: PATIENCE,
};
/// Blocks until somebody was asked: a node that is quick may be done with one before.
const BLOCKS_MAX: usize = 50;

/// What becomes of a piece on its way to the node.
type Lie = fn(&mut Line, Piece) -> io::Result<()>;

fn told(line: &mut Line, piece: Piece) -> io::Result<()> {
    line.send(kind::PIECE, &Done::from(piece))
}

const LIES: [(&str, Lie); 10] = [
    ("a unit of gas too many", |line, mut piece| {
        piece.ends[0].gas_used += 1;
        told(line, piece)
    }),
    ("all the gas that was asked for", |line, mut piece| {
        piece
            .ends
            .iter_mut()
            .for_each(|end| end.gas_used = GAS_LIMIT);
        told(line, piece)
    }),
    ("more gas than was asked for", |line, mut piece| {
        piece.ends[0].gas_used = u64::MAX;
        told(line, piece)
    }),
    ("a log that nobody wrote", |line, mut piece| {
        piece.ends[0].logs.push(Log::default());
        told(line, piece)
    }),
    ("a failure that was none", |line, mut piece| {
        piece.ends[0].success = false;
        told(line, piece)
    }),
    ("nothing was touched", |line, mut piece| {
        piece.accounts.fill(0);
        piece.words.fill(0);
        told(line, piece)
    }),
    ("an end too few", |line, mut piece| {
        piece.ends.pop();
        told(line, piece)
    }),
    ("what fits does not fit", |line, _| {
        line.send(kind::MISFIT, &Bytes::new())
    }),
    ("the hash of a block to come", |line, piece| {
        line.send(kind::NEED_HASH, &u64::MAX)?;
        line.receive()?;
        told(line, piece)
    }),
    ("code that nobody has", |line, piece| {
        line.send(kind::NEED_CODE, &B256::repeat_byte(1))?;
        line.receive()?;
        told(line, piece)
    }),
];

/// Of those that take longer than a worker has.
const DAWDLING: [(&str, Lie); 3] = [
    ("a byte now and then", |line, piece| {
        for byte in frame(kind::PIECE, &Done::from(piece))? {
            line.write_all(&[byte])?;
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }),
    ("hashes for ever", |line, _| {
        loop {
            line.send(kind::NEED_HASH, &0_u64)?;
            line.receive()?;
        }
    }),
    ("a promise of much", |line, _| {
        line.write_all(&(FRAME_MAX - 1).to_be_bytes())?;
        line.write_all(&[kind::PIECE])
    }),
];

/// A good worker behind somebody who lies; whether he did.
fn lying_worker(node: SocketAddr, lie: Lie) -> Arc<AtomicBool> {
    let lied = Arc::new(AtomicBool::new(false));
    let has_lied = Arc::clone(&lied);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let between = listener.local_addr().expect("an address");
    thread::spawn(move || help_once(between, &token("node"), &drop));
    let to_worker = listener.accept().expect("a worker").0;
    let to_node = TcpStream::connect(node).expect("connected");
    thread::spawn(move || hand_on(to_node, to_worker, lie, &has_lied));
    lied
}

/// Hands on what each side says until one of them is gone: the worker speaks when it was asked something.
fn hand_on(
    to_node: TcpStream,
    to_worker: TcpStream,
    lie: Lie,
    has_lied: &AtomicBool,
) -> io::Result<Infallible> {
    let line = |stream| {
        let mut line = Line::new(stream, PATIENCE)?;
        line.trust(FRAME_MAX);
        line.at_leisure();
        io::Result::Ok(line)
    };
    let (mut node, mut worker) = (line(to_node)?, line(to_worker)?);
    loop {
        let (of, body) = node.receive()?;
        worker.send_frame(&again(of, &body))?;
        if ![kind::HELLO, kind::RUN, kind::ANSWER].contains(&of) {
            continue;
        }
        let (of, body) = worker.receive()?;
        match of {
            kind::PIECE => {
                has_lied.store(true, Ordering::Relaxed);
                lie(&mut node, read::<Done>(&body)?.into())?;
            }
            of => node.send_frame(&again(of, &body))?,
        }
    }
}

/// A frame as it came.
fn again(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("it came");
    [&length.to_be_bytes()[..], &[kind], body].concat()
}

impl Made {
    fn helpers_with(&self, patience: Patience) -> Arc<Helpers> {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Helpers::bind(here).expect("free");
        Helpers::listen_with(listener, token("node"), &self.genesis, patience).expect("listens")
    }

    /// Verifies the block with whoever helps, as a node does that has its header.
    fn is_verified_by(&self, helpers: &Helpers) {
        let is_right = |verified: &Verified| verified.receipts() == self.outcome.receipts;
        let verified = on_big_stack(|| helpers.verify(&self.claim(), 1, &is_right));
        assert_eq!(verified.expect("good").into_outcome(), self.outcome);
    }
}

/// PER-11
#[test]
fn per_11_who_lies_costs_no_block_and_is_let_go() {
    let made = on_big_stack(|| made(1_000));
    let lies = LIES.into_iter().map(|lie| (LONG, lie));
    let dawdling = DAWDLING.into_iter().map(|lie| (SHORT, lie));
    for (patience, (name, lie)) in lies.chain(dawdling) {
        let has_lied = (0..BLOCKS_MAX).any(|_| {
            let helpers = made.helpers_with(patience);
            let lied = lying_worker(helpers.address(), lie);
            wait_for(&helpers, 1);
            let started = Instant::now();
            made.is_verified_by(&helpers);
            let lied = lied.load(Ordering::Relaxed);
            if lied {
                // Nobody was waited for much longer than he had.
                assert!(started.elapsed() < PATIENCE, "{name}");
                assert_eq!(helpers.count(), 0, "{name}: it is believed again");
                // And whoever comes next may be the same.
                help_once(helpers.address(), &token("node"), &drop).expect_err(name);
            }
            helpers.stop();
            lied
        });
        assert!(has_lied, "{name}: never told");
    }
}

/// PER-11: who told the truth beside a liar stays.
#[test]
fn per_11_only_who_lied_is_let_go() {
    let made = on_big_stack(|| made(3_000));
    // A little gas is seen in the receipts, and with a lot of it the block has no room for those behind.
    for (name, lie) in &LIES[..2] {
        let has_lied = (0..BLOCKS_MAX).any(|_| {
            let helpers = made.helpers_with(LONG);
            let lied = lying_worker(helpers.address(), *lie);
            let node = helpers.address();
            thread::spawn(move || help_once(node, &token("node"), &drop));
            wait_for(&helpers, 2);
            made.is_verified_by(&helpers);
            let lied = lied.load(Ordering::Relaxed);
            if lied {
                assert_eq!(helpers.count(), 1, "{name}: one of two lied");
            }
            helpers.stop();
            lied
        });
        assert!(has_lied, "{name}: never told");
    }
}

/// PER-12: a stranger has its time once, however it is spent.
#[test]
fn per_12_a_stranger_that_drips_is_turned_away() {
    let made = on_big_stack(|| made(1));
    let helpers = made.helpers_with(SHORT);
    let mut stranger = TcpStream::connect(helpers.address()).expect("connected");
    let started = Instant::now();
    stranger
        .write_all(&[0, 0, 0, 200, kind::PROOF])
        .expect("sent");
    while stranger.write_all(&[0]).is_ok() {
        assert!(started.elapsed() < PATIENCE, "it is still listened to");
        thread::sleep(Duration::from_millis(20));
    }
}
