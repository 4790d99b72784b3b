//! What jobs cost the chain: the same for one receipt as for a hundred thousand.
#![allow(
    clippy::disallowed_types,
    reason = "how long a test took is printed, and decides nothing"
)]

use std::time::Instant;

use super::*;

/// Customers, each with a channel to one machine.
const CHANNELS: u64 = 100;

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    gas: u64,
    most: u64,
    micros: u128,
    count: u64,
}

impl Cost {
    fn of<R>(&mut self, world: &mut World, act: impl FnOnce(&mut World) -> R) -> R {
        let began = Instant::now();
        let answer = act(world);
        self.micros += began.elapsed().as_micros();
        let gas = world.store.gas_used();
        self.gas += gas;
        self.most = self.most.max(gas);
        self.count += 1;
        answer
    }

    fn tell(&self, what: &str, receipts: u64) {
        println!(
            "{what:<24} {:>4} transactions, {:>9} gas each, {:>10} in all, {:>6.1} ms, {:>8.2} gas a receipt",
            self.count,
            self.gas / self.count.max(1),
            self.gas,
            self.micros as f64 / 1_000.0,
            self.gas as f64 / receipts as f64,
        );
    }
}

/// One epoch of a hundred customers with so many receipts each.
fn epoch_of(each: u32) -> [Cost; 4] {
    let params = JobParams {
        auditPpm: 100,
        ..usual()
    };
    let (mut world, ..) = start_with(params);
    world.sweep_every = 100_000;
    let id = register(&mut world, ALICE, KEYS[0], 1_000_000_000);
    prove(&mut world, id, 60_000_000);
    offer(&mut world, KEYS[0], id);
    let who = |at: u64| Address::from_word(U256::from(0xc0de_0000 + at).into());
    let deposits = (0..CHANNELS).map(who);
    for customer in deposits {
        let deposit = depositCall {
            customer,
            amount: n(1_000_000),
        };
        world.ok(BOB, ADDRESS, &deposit);
        let limits = KeyLimits {
            total: n(1_000_000),
            perPeriod: n(1_000_000),
            periodMs: DAY,
            untilMs: u64::MAX,
        };
        let set = setKeyCall {
            key: customer,
            limits,
        };
        world.ok(customer, ADDRESS, &set);
    }
    next_epoch(&mut world);
    let [mut held, mut made, mut drawn, mut settled] = [Cost::default(); 4];
    let mut channels = Vec::new();
    for at in 0..CHANNELS {
        let terms = hold_terms(&mut world, who(at), who(at), id, 100_000);
        let call = holdCall {
            terms,
            signature: CALLS,
        };
        channels.push(held.of(&mut world, |world| world.ok(who(at), ADDRESS, &call)));
    }
    let epoch = epoch(&world);
    next_epoch(&mut world);
    for (at, channel) in (0..).zip(channels) {
        let voucher = Voucher {
            channel,
            epoch,
            cost: n(60 * u128::from(each)),
            largest: n(60),
            inputUnits: 10 * u64::from(each),
            outputUnits: 5 * u64::from(each),
            receipts: each,
            root: B256::repeat_byte(7),
        };
        let call = claim_call(&world, &voucher, who(at), KEYS[0]);
        made.of(&mut world, |world| world.ok(CAROL, ADDRESS, &call));
    }
    for _ in 0..3 {
        world.wait_ms(1_000);
    }
    drawn.of(&mut world, turn);
    assert!(due(&world).is_empty());
    world.wait_ms(40_000);
    settled.of(&mut world, turn);
    assert!(due(&world).is_empty());
    [held, made, drawn, settled]
}

#[test]
fn a_hundred_thousand_receipts_cost_what_a_hundred_do() {
    let names = ["hold", "claim", "the block draws", "the block settles"];
    let costs = [1, 1_000].map(|each| {
        let receipts = u64::from(each) * CHANNELS;
        println!("{receipts} receipts of one epoch in {CHANNELS} claims:");
        let costs = epoch_of(each);
        for (name, cost) in names.iter().zip(costs) {
            cost.tell(name, receipts);
        }
        costs
    });
    for (few, many) in costs[0].iter().zip(costs[1]) {
        let off = few.gas.abs_diff(many.gas);
        assert!(off * 5 < few.gas, "{} and {}", few.gas, many.gas);
    }
    // All claims of a block's look fit into what the block has for its own work.
    let look = costs[1][3].gas / CHANNELS * LOOKS_MAX as u64;
    println!("{LOOKS_MAX} claims settled in one block: {look} gas of 60,000,000");
    assert!(look < 60_000_000);
}

/// The dearest look that there may be: sixteen picks with sixteen auditors each, none of whom was ever counted or paid.
#[test]
fn job_10_the_dearest_look_fits_into_its_gas() {
    let (mut world, ..) = start_with(JobParams {
        detectPpm: 500_000,
        feeFlat: n(500),
        auditPay: n(1),
        ..usual()
    });
    world.sweep_every = 100_000;
    let who = |pick: u32, at: u32| {
        let number = 0x00a0_d170_u64 + u64::from(pick * AUDITORS_MAX + at);
        Address::from_word(U256::from(number).into())
    };
    let all = (0..PICKS_MAX).flat_map(|pick| (0..AUDITORS_MAX).map(move |at| (pick, at)));
    for (pick, at) in all.clone() {
        let grant = IAdmin::grantRoleCall {
            scope: ADDRESS,
            role: AUDIT,
            holder: who(pick, at),
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &grant);
    }
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 100_000);
    let (claim, receipts, tree) = claimed(&mut world, channel, PICKS_MAX.into());
    drawn(&mut world);
    shown(&mut world, claim, &receipts, &tree);
    world.wait_ms(10_001);
    for (pick, at) in all.clone() {
        let auditor = who(pick, at);
        let call = commitAuditCall {
            claimId: claim,
            pick,
            commitment: finding(claim, pick, auditor, 0, witness(claim, pick)),
        };
        world.ok(auditor, ADDRESS, &call);
    }
    world.wait_ms(10_001);
    for (pick, at) in all {
        let call = revealAuditCall {
            claimId: claim,
            pick,
            verdict: 0,
            witness: witness(claim, pick),
            salt: SALT,
        };
        world.ok(who(pick, at), ADDRESS, &call);
    }
    world.wait_ms(11_000);
    assert_eq!(turn(&mut world), 1);
    let gas = world.store.gas_used();
    assert_eq!(claim_of(&world, claim).phase, Phase::Paid.number());
    let last = auditEarningsCall {
        auditor: who(PICKS_MAX - 1, AUDITORS_MAX - 1),
    };
    assert_eq!(world.view(ADDRESS, &last).owed, n(1));
    println!(
        "256 findings counted and paid: {gas} gas of {}",
        settle::LOOK_GAS
    );
    assert!(gas < settle::LOOK_GAS);
}
