//! `capstan verify-worker`: runs transactions of blocks that a node on this machine verifies.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use capstan_chain::{Token, Told, help};
use eyre::{Result, WrapErr, bail};
use parking_lot::Mutex;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::interval,
};

use crate::args::VerifyWorkerOptions;
use crate::block_on;

/// Stack of a thread that waits for work; where it is done there is more.
const STACK_BYTES: usize = 4 << 20;
/// How often it is said what was run, if anything was.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Helps until a signal says stop. The node loses nothing by that: what a worker has not answered runs there.
pub(crate) fn run(options: &VerifyWorkerOptions) -> Result<()> {
    let token = Arc::new(Token::read(&options.token_file)?);
    let stopping = Arc::new(AtomicBool::new(false));
    let ran = Arc::new(AtomicU64::new(0));
    let (ended, refused) = mpsc::unbounded_channel();
    let node = options.connect;
    tracing::info!(%node, threads = options.threads, "asking the node to let this process help");
    for number in 0..options.threads.get() {
        let (token, stopping, ended) = (Arc::clone(&token), Arc::clone(&stopping), ended.clone());
        let voice = Voice::new(number, Arc::clone(&ran));
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let stop = || stopping.load(Ordering::Relaxed);
                if let Err(error) = help(node, &token, &stop, &|told| voice.tell(told)) {
                    // Nobody listens any more where the process ends anyway.
                    let _ = ended.send(error);
                }
            })
            .wrap_err("cannot start a thread")?;
    }
    let ended = block_on(until_signal(refused, &ran));
    stopping.store(true, Ordering::Relaxed);
    if let Some(error) = ended? {
        bail!("{node}: {error}");
    }
    tracing::info!(transactions = ran.load(Ordering::Relaxed), "stopped");
    Ok(())
}

/// Waits, and says now and then what was run; with why, where the node will never take this worker.
async fn until_signal(
    mut refused: mpsc::UnboundedReceiver<io::Error>,
    ran: &AtomicU64,
) -> Result<Option<io::Error>> {
    let listen = |kind| signal(kind).wrap_err("cannot listen for signals");
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    let (mut clock, mut said) = (interval(SAID_EVERY), 0);
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(None),
            _ = terminate.recv() => return Ok(None),
            Some(error) = refused.recv() => return Ok(Some(error)),
            _ = clock.tick() => {
                let transactions = ran.load(Ordering::Relaxed);
                if transactions > said {
                    tracing::info!(transactions, "ran so far");
                    said = transactions;
                }
            }
        }
    }
}

/// What one worker says, once for as long as it is the same.
struct Voice {
    number: usize,
    ran: Arc<AtomicU64>,
    last: Mutex<Option<Told>>,
}

impl Voice {
    fn new(number: usize, ran: Arc<AtomicU64>) -> Self {
        let last = Mutex::new(None);
        Self { number, ran, last }
    }

    fn tell(&self, told: Told) {
        if let Told::Ran(count) = told {
            self.ran.fetch_add(count as u64, Ordering::Relaxed);
            return;
        }
        let mut last = self.last.lock();
        if last.as_ref() == Some(&told) {
            return;
        }
        let worker = self.number;
        match &told {
            Told::Helps if last.is_some() => tracing::info!(worker, "helping to verify again"),
            Told::Lost(why) => tracing::warn!(worker, "{why}; trying again until it works"),
            _ => tracing::info!(worker, "helping to verify"),
        }
        *last = Some(told);
    }
}
