//! What others lost, played again: fake machines, machines that are less than they say, machines that blinked.

use super::{
    challenges::{answered, ask, asked, audited, capacity, work},
    *,
};

/// io.net, April 2024: about 1.8 million GPUs that did not exist joined, for free, and were counted as supply. Here a
/// fake costs a bond and counts nothing: each of these has no capacity, and what they cost grows with their number.
#[test]
fn fakes_cost_a_bond_each_and_are_worth_nothing() {
    let (mut world, token, asset) = start();
    world.sweep_every = 100;
    let before = world.balance(token, ALICE);
    let fakes: u8 = 100;
    for fake in 0..fakes {
        let mut key = [0xfa; 20];
        key[19] = fake;
        let id = register(&mut world, ALICE, Address::from(key), BOND);
        assert_eq!(capacity(&world, id), (0, Reason::NeverProven.number()));
    }
    let spent = before - world.balance(token, ALICE);
    assert_eq!(spent, n(u128::from(fakes) * BOND));
    // One answers what it cannot know: the bond pays for it.
    let mut key = [0xfa; 20];
    key[19] = 0;
    let number = asked(&mut world, ALICE, 0, 1_000, 1_000);
    let output = work(&world, 0);
    answered(
        &mut world,
        Address::from(key),
        0,
        number,
        B256::repeat_byte(1),
    );
    audited(&mut world, 0, number, &[output; 2]);
    assert_eq!(capacity(&world, 0).0, 0);
    assert_eq!(free(&mut world, asset, FORFEIT), BOND / 2);
    let each = spent / U256::from(fakes);
    println!(
        "bonds of {fakes} fakes: {spent}; of 1,800,000: {}",
        each * n(1_800_000)
    );
    println!("capacity of all of them: 0 units per hour");
    // Nor does it matter what they say they are.
    let boast = specifyCall {
        machineId: 1,
        spec: Spec {
            uri: "https://machines.example/8xH200".to_owned(),
            ..spec()
        },
    };
    key[19] = 1;
    world.ok(Address::from(key), ADDRESS, &boast);
    assert_eq!(capacity(&world, 1), (0, Reason::NeverProven.number()));
}

/// lium: a node that saw one of its eight GPUs stayed listed as eight, and was rented. Here what is sold is what was last
/// proven: the same machine answers eight times slower, and is an eighth.
#[test]
fn a_machine_that_lost_seven_of_eight_is_an_eighth() {
    let (mut world, _, _, id) = one();
    let run = |world: &mut World, millis: u64| {
        let number = asked(world, AUDITORS[2], id, 8_000, 1_000);
        // The request is 750 ms old when the work is known.
        world.wait_ms(millis - 750);
        let output = work(world, id);
        answered(world, KEYS[0], id, number, output);
        audited(world, id, number, &[output; 2]);
        beat(world, KEYS[0], id);
        capacity(world, id).0
    };
    let whole = run(&mut world, 2_000);
    world.wait_ms(10_000);
    let eighth = run(&mut world, 16_000);
    assert_eq!((whole, eighth), (14_400_000, 1_800_000));
    assert_eq!(whole, 8 * eighth);
    // And one that cannot answer at all any more is nothing.
    world.wait_ms(10_000);
    world.ok(AUDITORS[2], ADDRESS, &ask(id, 8_000, 1_000));
    for _ in 0..3 {
        world.wait_ms(250);
    }
    world.ok(CAROL, ADDRESS, &drawCall { machineId: id });
    world.wait_ms(20_000);
    assert_eq!(capacity(&world, id), (0, Reason::NoAnswer.number()));
}

/// Akash: a network blip closed 32 leases. Here 32 machines blink for less than the grace and nothing happens to them; those
/// that stay away longer are dark, with a reason, a count and a time, and come back by being seen.
#[test]
fn a_blip_closes_nothing() {
    let (mut world, ..) = start();
    world.sweep_every = 50;
    let key = |machine: u8| {
        let mut key = [0xbb; 20];
        key[19] = machine;
        Address::from(key)
    };
    for machine in 0..32 {
        let id = register(&mut world, ALICE, key(machine), BOND);
        assert_eq!(id, u64::from(machine));
    }
    let all_beat = |world: &mut World, wait_ms: u64, of: u8| {
        world.wait_ms(wait_ms);
        let now = now_ms(world);
        let all = (0..of).map(|machine| beat_of(world, key(machine), machine.into(), now));
        let call = beatsCall { all: all.collect() };
        assert_eq!(world.ok(CAROL, ADDRESS, &call), vec![0; of.into()]);
    };
    for _ in 0..5 {
        all_beat(&mut world, 60_000, 32);
    }
    world.wait_ms(89_999);
    for id in 0..32 {
        is(&world, id, State::Late, Reason::BeatMissed);
    }
    all_beat(&mut world, 1, 31);
    for id in 0..31 {
        is(&world, id, State::Live, Reason::None);
        assert_eq!(machine(&world, id).lifeMs, 390_000);
    }
    world.wait_ms(1);
    is(&world, 31, State::Dark, Reason::GraceOver);
    let now = now_ms(&mut world);
    let back = beat_of(&mut world, key(31), 31, now);
    world.ok(CAROL, ADDRESS, &beatsCall { all: vec![back] });
    let seen = machine(&world, 31);
    assert_eq!(
        (seen.state, seen.lifeMs, seen.darkCount, seen.darkMs),
        (State::Live.number(), 300_000, 1, 90_001)
    );
    println!(
        "32 machines silent for 90,000 ms: 0 dark; silent for 90,001 ms: dark, and live again by a beat"
    );
}
