//! `capstan verify-worker`: runs transactions of blocks that a node on this machine verifies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use capstan_chain::{Token, help};
use eyre::{Result, WrapErr};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::VerifyWorkerOptions;
use crate::block_on;

/// Stack of a thread that waits for work; where it is done there is more.
const STACK_BYTES: usize = 4 << 20;

/// Helps until a signal says stop. The node loses nothing by that: what a worker has not answered runs there.
pub(crate) fn run(options: &VerifyWorkerOptions) -> Result<()> {
    let token = Arc::new(Token::read(&options.token_file)?);
    let stopping = Arc::new(AtomicBool::new(false));
    for number in 0..options.threads.get() {
        let (token, stopping, node) = (Arc::clone(&token), Arc::clone(&stopping), options.connect);
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let stop = || stopping.load(Ordering::Relaxed);
                let told = parking_lot::Mutex::new(String::new());
                help(node, &token, &stop, &|words| {
                    // Once for as long as it is the same.
                    let mut told = told.lock();
                    if *told != words {
                        tracing::warn!(worker = number, "{words}; trying again until it works");
                        words.clone_into(&mut told);
                    }
                });
            })
            .wrap_err("cannot start a thread")?;
    }
    tracing::info!(node = %options.connect, threads = options.threads, "helping to verify");
    block_on(async {
        let listen = |kind| signal(kind).wrap_err("cannot listen for signals");
        let (mut interrupt, mut terminate) = (
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
        );
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok::<_, eyre::Report>(())
    })?;
    stopping.store(true, Ordering::Relaxed);
    tracing::info!("stopped");
    Ok(())
}
