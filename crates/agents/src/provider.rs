//! A machine's own part on a chain: it says that it is there, and answers what it is challenged to.
//!
//! ```text
//!   every third of an interval ─► a beat, if half of the interval is over
//!   each interval              ─► what it measured since the last time, signed
//!   beside it                  ─► its challenge: draw ─► work, until it is due ─► a commitment to the output
//! ```
//!
//! Transactions are signed by the machine's own key, which needs coins for them; the holder of its title is not asked. A node
//! that does not answer is logged and asked again: the chain's grace is for that.

use std::time::Duration;

use alloy_primitives::{Address, B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue as _;
use capstan_client::{
    Call, ClientError, Node, Sender, machine_answer, machine_beat, machine_draw, machine_report,
};
use capstan_contracts::machines::{
    ADDRESS,
    IMachines::{
        self, Challenge, Readings, challengeCall, machineCall, machineOfCall, paramsCall,
        readingsCall,
    },
    Phase,
};
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

/// Looks at the challenge at least so often, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// What a challenge asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The class whose units they are.
    pub class: u32,
    /// How many.
    pub units: u64,
    /// Out of what.
    pub seed: B256,
    /// The work of the class, where `jobs` has one of that number.
    pub work: Option<Wares>,
}

/// What a class of work sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wares {
    /// Its weights.
    pub program: B256,
    /// How they are stored, and on what ground answers are judged.
    pub quantisation: B256,
}

/// The answer of somebody else, which is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Where he answers, by his offer.
    pub endpoint: String,
    /// How long he may be silent about it.
    pub patience: Duration,
}

/// What computes the output of a challenge.
pub trait Worker: Send + Sync {
    /// The output that is right: of one's own machine, or with `answered` of another's. None if it does not do that class.
    /// Dropping it ends the work.
    fn work<'a>(
        &'a self,
        question: &'a Question,
        answered: Option<&'a Answered>,
    ) -> BoxFuture<'a, Option<B256>>;
}

/// What a challenge asks, with what the chain says of its class.
///
/// # Errors
/// The node does not answer.
pub(crate) async fn question(node: &Node, asked: &Challenge) -> Result<Question, ClientError> {
    let class = crate::jobs::class(node, asked.class).await?;
    Ok(Question {
        class: asked.class,
        units: asked.units,
        seed: asked.seed,
        work: class.map(|class| Wares {
            program: class.program,
            quantisation: class.quantisation,
        }),
    })
}

/// What measures the machine.
pub trait Gauge: Send + Sync {
    /// What is to be told after these, as of the chain's time; none where nothing is.
    fn batch(&self, last: &Readings, chain_ms: u64) -> Option<Readings>;

    /// The chain took it.
    fn taken(&self, batch: &Readings);
}

/// A machine that is registered.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its number.
    pub machine_id: u64,
    /// Whose title it is.
    pub holder: Address,
    /// Between two beats, as the chain wants it.
    pub interval: Duration,
}

/// The seat of a key, if it has one.
///
/// # Errors
/// The node does not answer, or the key was a machine's that is gone or has another key now.
pub async fn seat(node: &Node, key: Address) -> Result<Option<Seat>, ClientError> {
    let found = node.view(ADDRESS, &machineOfCall { key }).await?;
    if !found.found {
        return Ok(None);
    }
    if !found.isCurrent {
        return Err(ClientError::Key(format!(
            "{key} was machine {}'s key and is nobody's now: take another folder, in which a new key is made",
            found.machineId
        )));
    }
    let machine_id = found.machineId;
    let call = machineCall {
        machineId: machine_id,
    };
    let machine = node.view(ADDRESS, &call).await?;
    let params = node.view(ADDRESS, &paramsCall {}).await?.current;
    Ok(Some(Seat {
        machine_id,
        holder: machine.holder,
        interval: Duration::from_millis(params.intervalMs),
    }))
}

/// Keeps a machine alive on its chain until this is dropped. Work for a challenge holds up no beat.
pub async fn live(node: &Node, key: &Sender, seat: &Seat, worker: &dyn Worker) {
    tokio::join!(beats(node, key, seat), answers(node, key, seat, worker));
}

/// Tells what a machine measures, beside [`live`], until this is dropped.
pub async fn reports(node: &Node, key: &Sender, seat: &Seat, gauge: &dyn Gauge) {
    loop {
        sleep(seat.interval).await;
        if let Err(error) = report(node, key, seat.machine_id, gauge).await {
            tracing::warn!(%error, machine = seat.machine_id, "readings were not taken");
        }
    }
}

/// Tells what was measured since the last batch that the chain has, if anything was.
///
/// # Errors
/// The node does not answer, or does not take it: then it is told with the next.
pub async fn report(
    node: &Node,
    key: &Sender,
    machine_id: u64,
    gauge: &dyn Gauge,
) -> Result<bool, ClientError> {
    let call = readingsCall {
        machineId: machine_id,
    };
    let last = node.view(ADDRESS, &call).await?;
    let Some(batch) = gauge.batch(&last, node.head_time_ms().await?) else {
        return Ok(false);
    };
    let signer: &PrivateKeySigner = key.signer();
    let call = machine_report(machine_id, batch.clone(), signer, node.chain_id().await?)?;
    key.send(node, &call).await?;
    gauge.taken(&batch);
    Ok(true)
}

fn between_looks(seat: &Seat) -> Duration {
    (seat.interval / 3).clamp(LOOK.0, LOOK.1)
}

async fn beats(node: &Node, key: &Sender, seat: &Seat) {
    let mut beaten: Option<Instant> = None;
    loop {
        if beaten.is_none_or(|at| at.elapsed() >= seat.interval / 2) {
            match key.send(node, &machine_beat(seat.machine_id)).await {
                Ok(_) => beaten = Some(Instant::now()),
                Err(error) => {
                    tracing::warn!(%error, machine = seat.machine_id, "a beat was not taken")
                }
            }
        }
        sleep(between_looks(seat)).await;
    }
}

async fn answers(node: &Node, key: &Sender, seat: &Seat, worker: &dyn Worker) {
    let mut past = Past::default();
    loop {
        if let Err(error) = answer(node, key, seat.machine_id, &mut past, worker).await {
            tracing::warn!(%error, machine = seat.machine_id, "a challenge waits");
        }
        sleep(between_looks(seat)).await;
    }
}

/// Challenges that need nothing more of this machine.
#[derive(Debug, Default)]
struct Past {
    /// The number of the last.
    number: u64,
    /// Of the last that was found wrong, and of which that was said.
    mourned: u64,
}

/// Does what the challenge wants next.
async fn answer(
    node: &Node,
    key: &Sender,
    machine_id: u64,
    past: &mut Past,
    worker: &dyn Worker,
) -> Result<(), ClientError> {
    let call = challengeCall {
        machineId: machine_id,
    };
    let asked: Challenge = node.view(ADDRESS, &call).await?;
    let phase = asked.phase;
    if asked.number == 0 || asked.number == past.number {
        if phase == Phase::Wrong.number() && past.number > past.mourned {
            past.mourned = past.number;
            tracing::warn!(
                number = asked.number,
                class = asked.class,
                "auditors found another answer to a challenge: what this machine had proven is void, and a part of its bond is gone. Does \
                 its server run the weights that its class names?"
            );
        }
        return Ok(());
    }
    if phase == Phase::Asked.number() {
        let head = node
            .quantity("eth_blockNumber", serde_json::json!([]))
            .await?;
        if head > asked.seedBlock {
            key.send(node, &machine_draw(machine_id)).await?;
        }
        return Ok(());
    }
    if phase != Phase::Drawn.number() {
        past.number = asked.number;
        return Ok(());
    }
    let left_ms = asked.dueMs.saturating_sub(node.head_time_ms().await?);
    let question = question(node, &asked).await?;
    let work = worker.work(&question, None);
    let Ok(done) = timeout(Duration::from_millis(left_ms), work).await else {
        tracing::warn!(
            units = asked.units,
            "a challenge was too large for its time"
        );
        past.number = asked.number;
        return Ok(());
    };
    let Some(output) = done else {
        tracing::warn!(
            class = asked.class,
            "nothing here computes this class's challenges: it proves no capacity, and sells nothing of the class once it is live"
        );
        past.number = asked.number;
        return Ok(());
    };
    let answer: Call = machine_answer(machine_id, commitment(asked.number, machine_id, output));
    key.send(node, &answer).await?;
    past.number = asked.number;
    tracing::info!(
        number = asked.number,
        units = asked.units,
        "answered a challenge"
    );
    Ok(())
}

/// What a machine says first: its output stays hidden from auditors until they said theirs.
pub fn commitment(number: u64, machine_id: u64, output: B256) -> B256 {
    keccak256((number, machine_id, output).abi_encode())
}

/// What a class of challenges costs at least to enter: the bond's asset, and how much.
///
/// # Errors
/// The node does not answer.
pub async fn terms(node: &Node) -> Result<IMachines::MachineParams, ClientError> {
    Ok(node.view(ADDRESS, &paramsCall {}).await?.current)
}
