//! Several model servers: the first in order that is well and has a place; else the next; else a bounded queue.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Notify;

use super::{Fault, Model, Upstream};

/// How long the first failure closes a server; each further one doubles it.
const CLOSED_FIRST: Duration = Duration::from_secs(1);
/// Longest wait for a place that anybody means.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// At most so long.
const CLOSED_MAX: Duration = Duration::from_secs(30);
/// How long who waits sleeps before looking again at servers that may have opened.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many may wait, and how long.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Requests that wait for a place.
    pub queue: usize,
    /// For at most so long.
    pub wait: Duration,
    /// Requests at work at one server.
    pub parallel: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            queue: 256,
            wait: Duration::from_secs(30),
            parallel: 64,
        }
    }
}

/// Why there is no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// All are full, and so is the queue, or the wait is over.
    Full,
    /// None that has the model is well. The time until one is tried again.
    NoneIsWell(Duration),
    /// All that have the model were tried.
    AllTried,
}

/// A server as others may see it.
#[derive(Clone, Debug, Serialize)]
pub struct MemberView {
    /// Its name.
    pub name: String,
    /// Whether it is asked.
    pub is_well: bool,
    /// Requests at work there.
    pub busy: usize,
    /// At most so many.
    pub parallel: usize,
    /// What it has; `null` if it never said.
    pub models: Option<Vec<Model>>,
    /// How often what went wrong.
    pub faults: BTreeMap<&'static str, u64>,
    /// The last of it, in words.
    pub last_fault: Option<String>,
}

#[derive(Debug)]
struct Member {
    upstream: Arc<dyn Upstream>,
    state: MemberState,
}

#[derive(Debug, Default)]
struct MemberState {
    busy: usize,
    failed_in_a_row: u32,
    closed_until: Option<Instant>,
    models: Option<Vec<Model>>,
    faults: BTreeMap<&'static str, u64>,
    last_fault: Option<String>,
}

impl MemberState {
    fn is_open(&self, now: Instant) -> bool {
        self.closed_until.is_none_or(|until| until <= now)
    }
}

#[derive(Debug)]
struct State {
    members: Vec<Member>,
    waiting: usize,
}

impl Member {
    fn is_here(&self) -> bool {
        !self.upstream.is_gone()
    }

    /// One's own server that never said what it has may have it.
    fn has(&self, model: &str) -> bool {
        match &self.state.models {
            Some(models) => models.iter().any(|one| one.id == model),
            None => !self.upstream.is_stranger(),
        }
    }
}

impl State {
    /// Places of those that are asked, in the order in which they are.
    fn in_order(&self) -> Vec<usize> {
        let all = self.members.iter().enumerate();
        let here = all.filter(|(_, member)| member.is_here());
        let mut order: Vec<_> = here
            .map(|(at, member)| (member.upstream.rank(), at))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, at)| at).collect()
    }
}

/// The servers, in the order in which they are asked.
#[derive(Debug)]
pub struct Pool {
    state: Mutex<State>,
    freed: Notify,
    settings: PoolSettings,
}

/// A place at a server; dropping it frees it.
#[derive(Debug)]
pub struct Place {
    pool: Arc<Pool>,
    at: usize,
    upstream: Arc<dyn Upstream>,
}

impl Place {
    /// The server.
    pub fn upstream(&self) -> &Arc<dyn Upstream> {
        &self.upstream
    }

    /// Which of the pool's it is.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// What it says about a model.
    pub fn model(&self, name: &str) -> Option<Model> {
        let state = self.pool.state.lock();
        let models = state.members.get(self.at)?.state.models.as_ref()?;
        models.iter().find(|model| model.id == name).cloned()
    }

    /// It answered.
    pub fn worked(&self) {
        self.pool.worked(self.at);
    }

    /// It did not.
    pub fn failed(&self, fault: &Fault) {
        self.pool.failed(self.at, fault);
    }

    /// It said what cannot be, and was not believed.
    pub fn lied(&self) {
        if let Some(member) = self.pool.state.lock().members.get_mut(self.at) {
            count(&mut member.state, "upstream_miscounts");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(member) = self.pool.state.lock().members.get_mut(self.at) {
            member.state.busy = member.state.busy.saturating_sub(1);
        }
        self.pool.freed.notify_one();
    }
}

/// Leaves the queue however the wait ends.
struct Waiting<'p>(&'p Pool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

impl Pool {
    /// These servers.
    pub fn new(upstreams: Vec<Arc<dyn Upstream>>, settings: PoolSettings) -> Arc<Self> {
        let member = |upstream| Member {
            upstream,
            state: MemberState::default(),
        };
        let members = upstreams.into_iter().map(member).collect();
        Arc::new(Self {
            state: Mutex::new(State {
                members,
                waiting: 0,
            }),
            freed: Notify::new(),
            // A clock has an end.
            settings: PoolSettings {
                wait: settings.wait.min(WAIT_MAX),
                ..settings
            },
        })
    }

    /// One more server.
    pub fn add(&self, upstream: Arc<dyn Upstream>) {
        let state = MemberState::default();
        self.state.lock().members.push(Member { upstream, state });
        self.freed.notify_waiters();
    }

    /// Whether some server has a model, or may have it.
    pub fn has(&self, model: &str) -> bool {
        let state = self.state.lock();
        let mut here = state.members.iter().filter(|member| member.is_here());
        here.any(|member| member.has(model))
    }

    /// All models that servers said they have, each once, with the name of the first server.
    pub fn models(&self) -> Vec<(Model, String)> {
        let mut all: BTreeMap<String, (Model, String)> = BTreeMap::new();
        let state = self.state.lock();
        for member in state.members.iter().filter(|member| member.is_here()) {
            for model in member.state.models.iter().flatten() {
                let name = member.upstream.name().to_owned();
                all.entry(model.id.clone())
                    .or_insert_with(|| (model.clone(), name));
            }
        }
        all.into_values().collect()
    }

    fn parallel(&self, upstream: &dyn Upstream) -> usize {
        upstream.parallel().unwrap_or(self.settings.parallel)
    }

    /// How they stand.
    pub fn view(&self) -> Vec<MemberView> {
        let now = Instant::now();
        let view = |Member { upstream, state }: &Member| MemberView {
            name: upstream.name().to_owned(),
            is_well: state.is_open(now),
            busy: state.busy,
            parallel: self.parallel(upstream.as_ref()),
            models: state.models.clone(),
            faults: state.faults.clone(),
            last_fault: state.last_fault.clone(),
        };
        let state = self.state.lock();
        let here = state.members.iter().filter(|member| member.is_here());
        here.map(view).collect()
    }

    /// Requests that wait for a place.
    pub fn waiting(&self) -> usize {
        self.state.lock().waiting
    }

    /// A place at the first server that is well, has the model, was not tried, and is not full; or a wait for one.
    ///
    /// # Errors
    /// [`NoPlace`]
    pub async fn place(self: &Arc<Self>, model: &str, tried: &[usize]) -> Result<Place, NoPlace> {
        let end = Instant::now() + self.settings.wait;
        let mut queued = None;
        loop {
            // Listening begins before looking, so that a place freed in between is not missed.
            let freed = self.freed.notified();
            if let Some(place) = self.try_place(model, tried)? {
                return Ok(place);
            }
            if queued.is_none() {
                let mut state = self.state.lock();
                if state.waiting >= self.settings.queue {
                    return Err(NoPlace::Full);
                }
                state.waiting += 1;
                drop(state);
                queued = Some(Waiting(self));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NoPlace::Full);
            }
            let _ = tokio::time::timeout(left.min(LOOK_EVERY), freed).await;
        }
    }

    /// `None` if those that are well are full.
    fn try_place(self: &Arc<Self>, model: &str, tried: &[usize]) -> Result<Option<Place>, NoPlace> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let mut opens_in: Option<Duration> = None;
        let mut any_is_well = false;
        for at in state.in_order() {
            let Some(member) = state.members.get_mut(at) else {
                continue;
            };
            if tried.contains(&at) || !member.has(model) {
                continue;
            }
            if !member.state.is_open(now) {
                let until = member.state.closed_until.unwrap_or(now);
                let left = until.saturating_duration_since(now);
                opens_in = Some(opens_in.map_or(left, |least| least.min(left)));
                continue;
            }
            any_is_well = true;
            if member.state.busy < self.parallel(member.upstream.as_ref()) {
                member.state.busy += 1;
                let upstream = Arc::clone(&member.upstream);
                return Ok(Some(Place {
                    pool: Arc::clone(self),
                    at,
                    upstream,
                }));
            }
        }
        match (any_is_well, opens_in) {
            (true, _) => Ok(None),
            (false, Some(left)) => Err(NoPlace::NoneIsWell(left)),
            (false, None) => Err(NoPlace::AllTried),
        }
    }

    fn worked(&self, at: usize) {
        if let Some(member) = self.state.lock().members.get_mut(at) {
            member.state.failed_in_a_row = 0;
            member.state.closed_until = None;
        }
    }

    fn failed(&self, at: usize, fault: &Fault) {
        metrics::counter!("capstan_gateway_faults_total", "code" => fault.code()).increment(1);
        if !fault.is_the_servers() {
            return;
        }
        let mut state = self.state.lock();
        let Some(Member {
            upstream,
            state: member,
        }) = state.members.get_mut(at)
        else {
            return;
        };
        count(member, fault.code());
        member.last_fault = Some(fault.to_string());
        // Who was not paid is well, and so is who does not take one request.
        if let Fault::Unpaid { .. } | Fault::Declined { .. } = fault {
            return;
        }
        member.failed_in_a_row = member.failed_in_a_row.saturating_add(1);
        let doubled = 1_u32.checked_shl(member.failed_in_a_row.saturating_sub(1).min(5));
        let closed = match fault {
            Fault::Busy {
                wait: Some(wait), ..
            } => (*wait).min(CLOSED_MAX),
            _ => CLOSED_FIRST
                .saturating_mul(doubled.unwrap_or(1))
                .min(CLOSED_MAX),
        };
        member.closed_until = Instant::now().checked_add(closed);
        match fault {
            // Nothing is wrong with who has much to do.
            Fault::Busy { .. } => {
                tracing::info!(upstream = upstream.name(), %fault, "busy");
            }
            _ => {
                tracing::warn!(upstream = upstream.name(), code = fault.code(), %fault, "failed");
            }
        }
    }

    /// Looks at every server once: what it has, and whether it is back.
    pub async fn look(&self) {
        let upstreams: Vec<_> = {
            let state = self.state.lock();
            state
                .members
                .iter()
                .enumerate()
                .filter(|(_, member)| member.is_here())
                .map(|(at, member)| (at, Arc::clone(&member.upstream)))
                .collect()
        };
        let looks = upstreams.iter().map(|(_, upstream)| upstream.models());
        let seen = futures::future::join_all(looks).await;
        let places = upstreams.iter().map(|(at, _)| *at);
        for (at, seen) in places.zip(seen) {
            match seen {
                // What failed in a row stays counted: a server may list models and still fail at answers.
                Ok(models) => {
                    if let Some(member) = self.state.lock().members.get_mut(at) {
                        member.state.models = Some(models);
                        member.state.closed_until = None;
                    }
                }
                Err(fault) => self.failed(at, &fault),
            }
        }
        self.freed.notify_waiters();
    }
}

fn count(state: &mut MemberState, code: &'static str) {
    let times = state.faults.entry(code).or_default();
    *times = times.saturating_add(1);
}
