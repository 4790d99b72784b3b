//! Machines that sell and a gateway that buys, each in this process, over a chain that is a list of channels.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, address};
use alloy_signer_local::PrivateKeySigner;
use capstan_compute::{
    gateway::Bounds,
    network::{Binder, Held, Network, Offer, Terms},
    tab::{
        Bound, Court, Desk, Desks, ERRAND, Market, Purse, Rate, Registry, Room, Setup, channel_of,
        cost_of,
    },
    upstream::{Http, PoolSettings, Upstream},
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    fake::Fake,
    world::{PRICES, Told, World, chat, http_settings, usd, words},
};

const COURT: Court = Court {
    chain_id: 31_337,
    contract: address!("0xca957a0000000000000000000020000000000000"),
};
const CLASS: u32 = 7;
const PROGRAM: B256 = B256::repeat_byte(0xf1);
/// Another class, and the model that runs its program.
const OTHER_CLASS: u32 = 9;
const OTHER_PROGRAM: B256 = B256::repeat_byte(0xf2);
const OTHER_MODEL: &str = "free/m:1";
const EPOCH_MS: u64 = 60_000;
/// In the middle of an epoch.
const NOW_MS: u64 = 1_000 * EPOCH_MS + EPOCH_MS / 4;
/// Digits of the asset.
const DECIMALS: u8 = 6;
/// What a customer binds at a time: a dollar.
const USUAL: u128 = 1_000_000;

/// Half of what the gateway asks for: a token costs 0.0005usd.
const RATE: Rate = Rate {
    input: 500_000_000,
    output: 500_000_000,
};

/// A chain: channels, and what the customer has free.
#[derive(Debug)]
struct Chain {
    customer: Address,
    key: Address,
    state: Mutex<(u128, BTreeMap<B256, Bound>)>,
}

impl Chain {
    fn channel(&self, machine_id: u64) -> B256 {
        self.channel_for(machine_id, CLASS)
    }

    fn channel_for(&self, machine_id: u64, class_id: u32) -> B256 {
        channel_of(self.customer, self.key, machine_id, class_id)
    }

    fn free(&self) -> u128 {
        self.state.lock().0
    }
}

impl Registry for Chain {
    fn channel(&self, channel: B256) -> BoxFuture<'_, Result<Option<Bound>, String>> {
        async move { Ok(self.state.lock().1.get(&channel).copied()) }.boxed()
    }
}

fn held(bound: &Bound) -> Held {
    Held {
        bound: bound.bound,
        claimed_epoch: bound.claimed_epoch,
        last_epoch: bound.last_epoch,
    }
}

impl Binder for Chain {
    fn held(&self, machine_id: u64, class_id: u32) -> BoxFuture<'_, Result<Held, String>> {
        let channel = self.channel_for(machine_id, class_id);
        async move {
            Ok(self
                .state
                .lock()
                .1
                .get(&channel)
                .map(held)
                .unwrap_or_default())
        }
        .boxed()
    }

    fn hold(
        &self,
        machine_id: u64,
        class_id: u32,
        at_least: u128,
    ) -> BoxFuture<'_, Result<Held, String>> {
        let channel = self.channel_for(machine_id, class_id);
        async move {
            let mut state = self.state.lock();
            let amount = USUAL.min(state.0).max(at_least);
            let left = state.0.checked_sub(amount);
            state.0 = left.ok_or_else(|| format!("JobsPoor: {} are free", state.0))?;
            let bound = state.1.entry(channel).or_insert(Bound {
                customer: self.customer,
                key: self.key,
                machine_id,
                class_id,
                bound: 0,
                last_epoch: NOW_MS / EPOCH_MS + 100,
                claimed_epoch: 0,
            });
            bound.bound += amount;
            Ok(held(bound))
        }
        .boxed()
    }
}

/// A machine before a scripted server.
struct Machine {
    fake: Fake,
    world: World,
    id: u64,
}

impl Machine {
    async fn start(id: u64, chain: &Arc<Chain>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::lying_in(folder, Fake::start().await, id, chain).await
    }

    async fn lying_in(folder: tempfile::TempDir, fake: Fake, id: u64, chain: &Arc<Chain>) -> Self {
        let classes = [(CLASS, PROGRAM)];
        Self::selling(folder, fake, id, chain, &classes, true).await
    }

    /// One that sells these classes, or did, each with its program.
    async fn selling(
        folder: tempfile::TempDir,
        fake: Fake,
        id: u64,
        chain: &Arc<Chain>,
        classes: &[(u32, B256)],
        is_sold: bool,
    ) -> Self {
        let server = Http::new(&fake.url(), None, http_settings()).expect("an address");
        let servers: Vec<Arc<dyn Upstream>> = vec![Arc::new(server)];
        let other = PRICES.replace("[default]", &format!("[models.\"{OTHER_MODEL}\"]"));
        let prices =
            format!("{PRICES}program = \"{PROGRAM}\"\n{other}program = \"{OTHER_PROGRAM}\"\n");
        let (pool, bounds) = (PoolSettings::default(), Bounds::default());
        let world = World::lying_in(folder, servers, pool, bounds, &prices).await;
        let setup = |&(class_id, program): &(u32, B256)| Setup {
            court: COURT,
            machine_id: id,
            class_id,
            program,
            inputs_per_output: 10,
            epoch_ms: EPOCH_MS,
            decimals: DECIMALS,
            unsigned_max: 1,
            reader: None,
            is_sold,
        };
        let registry = Arc::clone(chain) as Arc<dyn Registry>;
        let ledger = world.gateway.ledger();
        let setups = classes.iter().map(setup).collect();
        let desks = Desks::open(ledger, setups, registry).expect("reads");
        for desk in desks.iter() {
            desk.see(ledger, market(NOW_MS));
        }
        world.gateway.sell(desks);
        Self { fake, world, id }
    }

    fn see(&self, market: Market) {
        self.desk().see(self.world.gateway.ledger(), market);
    }

    fn desk(&self) -> &Arc<Desk> {
        self.desk_of(CLASS)
    }

    fn desk_of(&self, class_id: u32) -> &Arc<Desk> {
        let desks = self.world.gateway.desks().expect("it sells");
        desks.of_class(class_id).expect("it sells it")
    }

    fn offer(&self, rate: Rate) -> Offer {
        Offer {
            machine_id: self.id,
            class_id: CLASS,
            machine: self.world.gateway.ledger().machine().address(),
            program: PROGRAM,
            endpoint: format!("{}/v1", self.world.url),
            rate,
        }
    }

    /// What is signed of the present epoch: receipts and their sum.
    fn earned(&self) -> (u32, u128) {
        self.earned_of(CLASS)
    }

    fn earned_of(&self, class_id: u32) -> (u32, u128) {
        let ready = self.desk_of(class_id).signed(NOW_MS / EPOCH_MS);
        assert!(ready.len() <= 1);
        ready
            .first()
            .map_or((0, 0), |ready| (ready.receipts, ready.cost.saturating_to()))
    }
}

fn market(time_ms: u64) -> Market {
    Market {
        late_from: None,
        time_ms,
        seen: Instant::now(),
        rate: RATE,
        work: Room::of_epoch(100_000),
        bond_free: u128::MAX,
        audit_ppm: 50_000,
        detect_ppm: 900_000,
        fee_bps: 200,
        fee_flat: 0,
        audit_pay: 0,
    }
}

/// A customer with so many units, whose gateway has no servers of its own.
async fn customer(free: u128) -> (Arc<Chain>, PrivateKeySigner, World) {
    let key = PrivateKeySigner::random();
    let chain = Arc::new(Chain {
        customer: Address::repeat_byte(0xb0),
        key: key.address(),
        state: Mutex::new((free, BTreeMap::new())),
    });
    let world = World::over(Vec::new(), PoolSettings::default(), Bounds::default()).await;
    (chain, key, world)
}

async fn buy(
    world: &World,
    chain: &Arc<Chain>,
    key: &PrivateKeySigner,
    offers: &[Offer],
) -> Arc<Network> {
    let purse = Purse::new(chain.customer, key.clone(), COURT);
    let terms = Terms {
        epoch_ms: EPOCH_MS,
        decimals: DECIMALS,
    };
    let binder = Arc::clone(chain) as Arc<dyn Binder>;
    let network = Network::open(&world.gateway, purse, binder, terms).expect("reads");
    network.see(NOW_MS, offers);
    world.gateway.pool().look().await;
    network
}

/// Costs of an answer of so many words: five tokens are read.
fn units(words: u128) -> u128 {
    (words + 5) * 500
}

/// NET-5: streams and whole answers are bought, charged what the machine was paid, and signed for.
#[tokio::test]
async fn net_5_answers_are_bought_and_signed_for_once() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let machine = Machine::start(3, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    let told = world.stream("count 20").await;
    assert_eq!(told.text, words(20), "{told:?}");
    assert!(told.is_done && told.error.is_none());
    let comment = told.comment.expect("a comment");
    assert!(comment.contains("x-capstan-cost=0.0125usd"), "{comment}");
    let answer = world.ask("count 4").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-capstan-cost"], "0.0045usd");
    let answer: Value = answer.json().await.expect("JSON");
    assert!(answer.get("capstan").is_none(), "{answer}");
    assert_eq!(machine.earned(), (2, units(20) + units(4)));
    assert_eq!(world.spent().await, "0.017usd");
    assert_eq!(chain.free(), 9 * USUAL);

    // The gateway's own receipt names the machine's, which lies beside it.
    let own = world.newest_receipt().await;
    let bought: B256 = own.notes["bought"]
        .as_str()
        .expect("text")
        .parse()
        .expect("an id");
    let theirs = world.gateway.ledger().receipt(&bought).expect("reads");
    let theirs = theirs.expect("kept");
    assert_eq!(theirs.verify(), Ok(()));
    assert_eq!(theirs.receipt.payer, key.address().into_word());
    assert_eq!(theirs.receipt.program, PROGRAM);
    // It counts the asset's units, and says how many make a dollar.
    let cost = cost_of(&theirs).expect("it says of what");
    assert_eq!((theirs.receipt.cost, cost), (units(4), usd("0.0045usd")));
    // What auditors will ask for hashes to what the receipt says.
    let kept = machine.world.gateway.ledger().kept(&bought).expect("reads");
    let kept = kept.expect("kept");
    let hash = |text: &str| alloy_primitives::keccak256(text.as_bytes());
    assert_eq!(hash(&kept.request), theirs.receipt.input);
    let answer = capstan_compute::receipt::hash(&kept.answer);
    assert_eq!(answer, theirs.receipt.output);
}

/// NET-1, GW-5: a machine dies in the middle; the answer goes on at another one, which alone is paid.
#[tokio::test]
async fn net_1_who_dies_in_the_middle_is_not_paid() {
    for fault in ["cut", "error"] {
        let (chain, key, world) = customer(10 * USUAL).await;
        let (first, second) = (
            Machine::start(1, &chain).await,
            Machine::start(2, &chain).await,
        );
        first.fake.seen.is_ill.store(true, Ordering::SeqCst);
        let dearer = Rate {
            output: RATE.output + 1,
            ..RATE
        };
        let offers = [first.offer(RATE), second.offer(dearer)];
        let _network = buy(&world, &chain, &key, &offers).await;
        let told = world.stream(&format!("count 20 ill {fault} 7")).await;
        assert_eq!(told.text, words(20), "{fault}: {told:?}");
        assert!(told.is_done && told.error.is_none(), "{fault}: {told:?}");
        assert_eq!(first.fake.seen.asked.load(Ordering::SeqCst), 1);
        assert_eq!((first.earned(), second.earned()), ((0, 0), (1, units(20))));
        assert_eq!(world.spent().await, "0.0125usd", "{fault}");
    }
}

/// One's own server comes first; the network takes what it cannot.
#[tokio::test]
async fn own_servers_come_first_and_the_network_takes_the_rest() {
    let key = PrivateKeySigner::random();
    let chain = Arc::new(Chain {
        customer: Address::repeat_byte(0xb0),
        key: key.address(),
        state: Mutex::new((10 * USUAL, BTreeMap::new())),
    });
    let own = Fake::start().await;
    let server = Http::new(&own.url(), None, http_settings()).expect("an address");
    let one_at_a_time = PoolSettings {
        parallel: 1,
        ..PoolSettings::default()
    };
    let world = World::over(vec![Arc::new(server)], one_at_a_time, Bounds::default()).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    assert_eq!(world.stream("count 3").await.text, words(3));
    assert_eq!(machine.earned(), (0, 0));
    let (slow, quick) = tokio::join!(world.stream("count 20 by 20ms"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.stream("count 5").await
    });
    assert_eq!((slow.text, quick.text), (words(20), words(5)));
    assert_eq!(machine.earned(), (1, units(5)));
    own.seen.is_ill.store(true, Ordering::SeqCst);
    assert_eq!(world.stream("count 6 ill status 500").await.text, words(6));
    assert_eq!(machine.earned().0, 2);
}

/// Nothing free, or a price above the gateway's own: 402 in OpenAI's form, and nothing was asked.
#[tokio::test]
async fn what_cannot_be_paid_is_a_402() {
    let (chain, key, world) = customer(1_000).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    let poor = world.ask("count 4").await;
    assert_eq!(poor.status(), 402);
    let told: Value = poor.json().await.expect("JSON");
    assert_eq!(told["error"]["type"], "insufficient_quota");
    assert_eq!(told["error"]["code"], "network_unpaid");
    assert!(
        told["error"]["message"]
            .as_str()
            .expect("text")
            .contains("JobsPoor"),
        "{told}"
    );
    assert_eq!(machine.fake.seen.asked.load(Ordering::SeqCst), 0);
    assert_eq!(world.spent().await, "0usd");

    let (chain, key, world) = customer(10 * USUAL).await;
    let dear = Rate {
        output: 10 * RATE.output,
        ..RATE
    };
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(dear)]).await;
    let refused = world.ask("count 4").await;
    assert_eq!(refused.status(), 402);
    let told = refused.text().await.expect("text");
    for words in [
        "machine 1 asks ",
        "5000usd written",
        "1000usd written",
        "--prices FILE",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(chain.free(), 10 * USUAL);
}

/// NET-3: a machine that charges for what cannot be is not paid, and not asked again; the client has his answer.
#[tokio::test]
async fn net_3_a_machine_that_miscounts_is_left() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    let told = world.stream("count 5 lie 1000000").await;
    assert_eq!(told.text, words(5));
    assert!(
        told.comment
            .expect("a comment")
            .contains("x-capstan-cost=0usd")
    );
    assert_eq!(machine.earned(), (0, 0));
    assert_ne!(world.ask("count 5").await.status(), 200);
    assert_eq!(machine.fake.seen.asked.load(Ordering::SeqCst), 1);
}

/// A client that leaves pays what he had: the receipt is signed for before the next request.
#[tokio::test]
async fn who_leaves_pays_what_he_had_and_goes_on() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    let mut body = chat("count 50 by 20ms");
    body["stream"] = true.into();
    let response = world.post("chat/completions", &world.key, &body).await;
    let mut parts = response.bytes_stream();
    for _ in 0..5 {
        parts.next().await.expect("a part").expect("read");
    }
    drop(parts);
    assert!(machine.fake.is_idle().await);
    assert_eq!(world.stream("count 3").await.text, words(3));
    let (receipts, cost) = machine.earned();
    assert_eq!(receipts, 2);
    // At least what was read before he left, and not the rest.
    assert!((units(4) + units(3)..units(40)).contains(&cost), "{cost}");
}

/// NET-2, NET-5: the machine's process and the customer's end after an answer; what was signed is there, and both go on.
#[tokio::test]
async fn net_2_both_books_outlive_their_processes() {
    let (chain, key, mut world) = customer(10 * USUAL).await;
    let mut machine = Machine::start(1, &chain).await;
    let network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    assert_eq!(world.stream("count 20").await.text, words(20));
    let before = machine.earned();
    let Machine {
        fake,
        world: sold,
        id,
    } = machine;
    machine = Machine::lying_in(sold.end().await, fake, id, &chain).await;
    assert_eq!(machine.earned(), before);

    drop(network);
    let folder = world.end().await;
    let (pool, bounds) = (PoolSettings::default(), Bounds::default());
    world = World::lying_in(folder, Vec::new(), pool, bounds, PRICES).await;
    let network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    network.settle().await;
    assert_eq!(world.stream("count 4").await.text, words(4));
    assert_eq!(machine.earned(), (2, units(20) + units(4)));
}

/// A word counts for one body, once, of the right key; without any word a channel gets nothing.
#[tokio::test]
async fn errands_of_others_get_nothing() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    assert_eq!(world.ask("count 4").await.status(), 200);
    let purse = Purse::new(chain.customer, key.clone(), COURT);
    let channel = chain.channel(1);
    let body = serde_json::to_vec(&chat("count 4")).expect("JSON");
    let ask = async |word: String, body: &[u8]| {
        let url = format!("{}/v1/chat/completions", machine.world.url);
        let request = world
            .http
            .post(url)
            .header(ERRAND, word)
            .body(body.to_vec());
        let answer = request.send().await.expect("answered");
        let status = answer.status().as_u16();
        let told: Value = answer.json().await.expect("JSON");
        (
            status,
            told["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let not_said = (401, "errand_not_signed".to_owned());
    let good = purse
        .errand(channel, &body, 400_000, NOW_MS + 5_000)
        .expect("signed");
    assert_eq!(ask("nonsense".to_owned(), &body).await, not_said);
    let changed = serde_json::to_vec(&chat("count 5")).expect("JSON");
    assert_eq!(ask(good.to_string(), &changed).await, not_said);
    let late = Purse::new(chain.customer, key.clone(), COURT);
    let late = late
        .errand(channel, &body, 400_000, NOW_MS + 200_000)
        .expect("signed");
    assert_eq!(ask(late.to_string(), &body).await, not_said);
    let other = Purse::new(chain.customer, PrivateKeySigner::random(), COURT);
    let other = other
        .errand(channel, &body, 400_000, NOW_MS + 6_000)
        .expect("signed");
    assert_eq!(ask(other.to_string(), &body).await, not_said);
    let nowhere = purse
        .errand(B256::ZERO, &body, 400_000, NOW_MS + 7_000)
        .expect("signed");
    assert_eq!(
        ask(nowhere.to_string(), &body).await,
        (402, "no_channel".to_owned())
    );
    // It is his own and fresh: answered. A second time it is nobody's, and nothing is signed for.
    assert_eq!(ask(good.to_string(), &body).await, (200, String::new()));
    assert_eq!(ask(good.to_string(), &body).await, not_said);
    let next = purse
        .errand(channel, &body, 400_000, NOW_MS + 8_000)
        .expect("signed");
    assert_eq!(
        ask(next.to_string(), &body).await,
        (402, "voucher_unsigned".to_owned())
    );
    assert_eq!(machine.earned().0, 1);
}

/// NET-3: a machine whose address knows nothing of the network is no candidate, however cheap it says it is.
#[tokio::test]
async fn net_3_who_lists_nothing_is_asked_for_nothing() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let (machine, nobody) = (Machine::start(1, &chain).await, Fake::start().await);
    let free = Offer {
        machine_id: 2,
        endpoint: nobody.url(),
        ..machine.offer(Rate {
            input: 1,
            output: 1,
        })
    };
    let _network = buy(&world, &chain, &key, &[free, machine.offer(RATE)]).await;
    for _ in 0..3 {
        assert_eq!(world.ask("count 4").await.status(), 200);
    }
    assert_eq!(machine.earned(), (3, 3 * units(4)));
}

/// NET-4: what may not be claimed of the epoch is not sold.
#[tokio::test]
async fn net_4_no_more_is_sold_than_may_be_claimed() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    let small = Market {
        work: Room::of_epoch(60),
        ..market(NOW_MS)
    };
    machine.see(small);
    let refused = world.ask("count 4").await;
    assert_eq!(
        refused.status(),
        429,
        "{}",
        refused.text().await.expect("text")
    );
    machine.see(market(NOW_MS));
    let stream = json!({"model": "m", "stream": true, "max_tokens": 100,
                        "messages": [{"role": "user", "content": "count 4"}]});
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut told = Told::default();
    for _ in 0..50 {
        let answer = world.post("chat/completions", &world.key, &stream).await;
        if answer.status() == 200 {
            told = Told::of(&answer.text().await.expect("text"));
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(told.text, words(4));
}

/// NET-6: a voucher is claimed in the epoch after its own, with both words, once.
#[tokio::test]
async fn net_6_a_voucher_is_claimed_in_the_next_epoch_alone() {
    let (chain, key, world) = customer(10 * USUAL).await;
    let machine = Machine::start(1, &chain).await;
    let _network = buy(&world, &chain, &key, &[machine.offer(RATE)]).await;
    assert_eq!(world.ask("count 4").await.status(), 200);
    let ledger = machine.world.gateway.ledger();
    let at = |time_ms| {
        machine.see(market(time_ms));
        machine.desk().claimable(ledger).0
    };
    assert!(at(NOW_MS).is_empty());
    let ready = at(NOW_MS + EPOCH_MS).remove(0);
    let signer = ledger.machine().address();
    assert!(COURT.is_said(&ready.voucher, key.address(), &ready.by_key));
    assert!(COURT.is_said(&ready.voucher, signer, &ready.by_machine));
    assert_eq!(ready.voucher.channel, chain.channel(1));
    // Its receipt is there with its way up, for when it is picked.
    let shown = machine
        .desk()
        .shown(ledger, ready.voucher.channel, ready.voucher.epoch, 0);
    let (signed, proof) = shown.expect("there");
    assert_eq!((signed.id, proof.len()), (ready.voucher.root, 0));
    machine
        .desk()
        .claimed(ledger, ready.voucher.channel, ready.voucher.epoch);
    assert!(at(NOW_MS + EPOCH_MS).is_empty());
    assert!(at(NOW_MS + 2 * EPOCH_MS).is_empty());
}

/// NET-9: a machine sells two classes from one address; a buyer has a channel for each, and both books go on in processes that
/// follow.
#[tokio::test]
async fn net_9_two_classes_of_one_machine_are_bought() {
    const CLASSES: [(u32, B256); 2] = [(CLASS, PROGRAM), (OTHER_CLASS, OTHER_PROGRAM)];
    let (chain, key, world) = customer(10 * USUAL).await;
    let folder = tempfile::tempdir().expect("a folder");
    let machine = Machine::selling(folder, Fake::start().await, 3, &chain, &CLASSES, true).await;
    let both = |machine: &Machine| {
        let first = machine.offer(RATE);
        let second = Offer {
            class_id: OTHER_CLASS,
            program: OTHER_PROGRAM,
            ..first.clone()
        };
        [first, second]
    };
    let network = buy(&world, &chain, &key, &both(&machine)).await;
    let other = json!({"model": OTHER_MODEL, "max_tokens": 100,
                       "messages": [{"role": "user", "content": "count 7"}]});
    assert_eq!(world.ask("count 4").await.status(), 200);
    let answer = world.post("chat/completions", &world.key, &other).await;
    assert_eq!(answer.status(), 200);
    let earned = |machine: &Machine| (machine.earned(), machine.earned_of(OTHER_CLASS));
    assert_eq!(earned(&machine), ((1, units(4)), (1, units(7))));
    let bound = chain.state.lock().1.clone();
    let channels = [CLASS, OTHER_CLASS].map(|class_id| chain.channel_for(3, class_id));
    assert!(channels.iter().all(|channel| bound.contains_key(channel)));

    // Both programs end and come back; what is signed is there, and both classes go on.
    let Machine {
        fake,
        world: sold,
        id,
    } = machine;
    let machine = Machine::selling(sold.end().await, fake, id, &chain, &CLASSES, true).await;
    assert_eq!(earned(&machine), ((1, units(4)), (1, units(7))));
    drop(network);
    let (folder, pool) = (world.end().await, PoolSettings::default());
    let world = World::lying_in(folder, Vec::new(), pool, Bounds::default(), PRICES).await;
    let _network = buy(&world, &chain, &key, &both(&machine)).await;
    assert_eq!(world.ask("count 4").await.status(), 200);
    let answer = world.post("chat/completions", &world.key, &other).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(earned(&machine), ((2, 2 * units(4)), (2, 2 * units(7))));
}

/// NET-9: at a desk at which nothing begins the answer is that, whether a model here still runs its program or none does.
#[tokio::test]
async fn net_9_what_is_sold_no_more_is_a_402() {
    for program in [PROGRAM, B256::repeat_byte(0xee)] {
        let (chain, key, _world) = customer(10 * USUAL).await;
        let classes = [(CLASS, program)];
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Fake::start().await;
        let machine = Machine::selling(folder, fake, 1, &chain, &classes, false).await;
        chain.hold(1, CLASS, USUAL).await.expect("held");
        let purse = Purse::new(chain.customer, key, COURT);
        let body = serde_json::to_vec(&chat("count 4")).expect("JSON");
        let said = purse.errand(chain.channel(1), &body, 400_000, NOW_MS + 5_000);
        let url = format!("{}/v1/chat/completions", machine.world.url);
        let request = machine.world.http.post(url).body(body);
        let request = request.header(ERRAND, said.expect("signed").to_string());
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), 402);
        let told: Value = answer.json().await.expect("JSON");
        assert_eq!(told["error"]["code"], json!("not_sold"));
    }
}

/// Terms are those of a class: of the only one where none is named, and the list of classes where one must be.
#[tokio::test]
async fn terms_are_asked_for_by_class() {
    let (chain, _, world) = customer(USUAL).await;
    let classes = [(CLASS, PROGRAM), (OTHER_CLASS, OTHER_PROGRAM)];
    let folder = tempfile::tempdir().expect("a folder");
    let two = Machine::selling(folder, Fake::start().await, 3, &chain, &classes, true).await;
    let one = Machine::start(4, &chain).await;
    let ask = async |machine: &Machine, query: &str| {
        let url = format!("{}/v1/capstan/tab{query}", machine.world.url);
        let answer = world.http.get(url).send().await.expect("answered");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("JSON"))
    };
    for (class_id, program) in classes {
        let (status, told) = ask(&two, &format!("?class={class_id}")).await;
        assert_eq!((status, &told["classId"]), (200, &json!(class_id)));
        assert_eq!(told["program"], json!(program));
        assert_eq!(told["models"].as_array().expect("a list").len(), 1);
    }
    let message = |told: &Value| told["error"]["message"].as_str().expect("text").to_owned();
    let (status, told) = ask(&two, "").await;
    assert_eq!((status, &told["error"]["code"]), (400, &json!("no_class")));
    assert!(message(&told).contains("one of 7, 9"), "{told}");
    let (status, told) = ask(&two, "?class=8").await;
    assert_eq!(status, 404);
    assert!(message(&told).contains("it sells 7, 9"), "{told}");
    assert_eq!(ask(&two, "?class=seven").await.0, 400);
    let (status, told) = ask(&one, "").await;
    assert_eq!((status, &told["classId"]), (200, &json!(CLASS)));
    assert_eq!(ask(&one, "?class=9").await.0, 404);
}
