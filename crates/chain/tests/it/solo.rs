use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use capstan_chain::{At, ChainConfig, Mining, Solo};

use crate::world::{World, config};

const BOB: Address = Address::repeat_byte(0xb0);

fn with(mining: Mining) -> (World, Solo) {
    let world = World::open(ChainConfig { mining, ..config() });
    let solo = Solo::start(&world.chain).unwrap();
    (world, solo)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{what} did not happen"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn instant_mines_what_comes_and_nothing_else() {
    let (world, solo) = with(Mining::Instant);
    for nonce in 0..20 {
        world
            .chain
            .submit(world.transfer(0, nonce, BOB, 1))
            .unwrap();
    }
    until("all mined", || {
        world.balance(At::Latest, BOB) == U256::from(20)
    });
    let head = world.chain.head().number();
    assert!((1..=20).contains(&head));
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(
        world.chain.head().number(),
        head,
        "no block without a transaction"
    );
    solo.stop().unwrap();
}

#[test]
fn interval_beats_without_traffic() {
    let (world, solo) = with(Mining::Interval(Duration::from_millis(10)));
    until("six blocks", || world.chain.head().number() >= 6);
    let dev = world.chain.dev().unwrap();
    dev.set_mining(Mining::Manual).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let head = world.chain.head().number();
    world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(world.chain.head().number(), head, "manual waits");
    dev.set_mining(Mining::Instant).unwrap();
    until("the waiting one is mined", || {
        world.balance(At::Latest, BOB) == U256::from(1)
    });
    assert!(solo.is_running());
    solo.stop().unwrap();
    assert!(!solo.is_running());
}
