//! Random steps of owners, keys, auditors and liars beside a model that keeps plain lists. It predicts every refusal, state,
//! life, bond and capacity (MACH-1, MACH-4 to MACH-6, MACH-9, MACH-10).

use std::collections::BTreeMap;

use super::{
    challenges::{SALT, ask, capacity, commitment, finding, work},
    *,
};
use crate::{
    still,
    testkit::{dice::Dice, steps},
};

/// Steps of one world.
const PLAY: u32 = 1_000;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 100;
const MACHINES: usize = 6;
const PEOPLE: [Address; 3] = [ALICE, BOB, CAROL];
/// What liars agree on.
const LIE: B256 = B256::repeat_byte(0x99);

type Refusal = Option<&'static str>;

/// What was asked, as the model sees it.
#[derive(Clone, Debug)]
struct Task {
    number: u64,
    asked_ms: u64,
    /// When it was asked and answered by the clock: what it proves is by that.
    by_clock: [u64; 2],
    asked_block: u64,
    units: u64,
    within_ms: u64,
    is_drawn: bool,
    output: B256,
    answer: Option<(u64, B256)>,
    committed: Vec<(usize, B256)>,
    shown: Vec<(usize, B256)>,
    is_settled: bool,
}

/// A machine, as the model sees it.
#[derive(Clone, Debug)]
struct Known {
    key: Address,
    holder: Address,
    bond: u128,
    /// Every time at which it was seen, the first when it came.
    seen: Vec<u64>,
    /// Where its probation began, in proven life.
    trial_from: u64,
    trial_why: Reason,
    has_passed: bool,
    left_ms: Option<u64>,
    is_gone: bool,
    void: Option<Reason>,
    proof: Option<(u64, u64)>,
    task: Option<Task>,
    asks: [u64; 2],
}

impl Known {
    fn gaps(&self) -> impl Iterator<Item = u64> + '_ {
        self.seen.windows(2).map(|pair| pair[1] - pair[0])
    }

    fn proven(&self) -> u64 {
        self.gaps().filter(|gap| *gap <= 90_000).sum()
    }

    fn dark(&self) -> u64 {
        self.gaps().filter(|gap| *gap > 90_000).sum()
    }

    fn seen_at(&mut self, now: u64) {
        self.seen.push(now);
        if self.proven() - self.trial_from >= 300_000 {
            self.has_passed = true;
        }
    }

    fn state(&self, now: u64) -> (State, Reason) {
        let silent = now - self.seen.last().expect("seen once");
        match () {
            () if self.is_gone => (State::Gone, Reason::BondTaken),
            () if self.left_ms.is_some() => (State::Leaving, Reason::HolderLeft),
            () if self.bond < BOND => (State::Barred, Reason::BondShort),
            () if silent > 90_000 => (State::Dark, Reason::GraceOver),
            () if silent > 60_000 => (State::Late, Reason::BeatMissed),
            () if !self.has_passed => (State::Probation, self.trial_why),
            () => (State::Live, Reason::None),
        }
    }

    fn capacity(&self, now: u64, block: u64) -> (u64, Reason) {
        let (state, why) = self.state(now);
        let task = self.task.as_ref().filter(|task| !task.is_settled);
        let ended = task.map(|task| task.phase(now, block));
        match self.proof {
            _ if !matches!(state, State::Probation | State::Live | State::Late) => (0, why),
            _ if ended == Some(Phase::Wrong) => (0, Reason::WrongAnswer),
            _ if ended == Some(Phase::Unanswered) => (0, Reason::NoAnswer),
            None => (0, Reason::NeverProven),
            _ if self.void.is_some() => (0, self.void.expect("void")),
            Some((_, at_ms)) if now > at_ms + 600_000 => (0, Reason::TooOld),
            Some((rate, _)) => (rate, Reason::None),
        }
    }

    /// What follows from a challenge that is over. Answers what it took.
    fn settle(&mut self, now: u64, block: u64) -> u128 {
        let task = self.task.as_mut().expect("asked");
        let phase = task.phase(now, block);
        task.is_settled = true;
        match phase {
            Phase::Passed => {
                let (at_ms, _) = task.answer.expect("answered");
                let took = (task.by_clock[1] - task.by_clock[0]).max(task.within_ms);
                self.proof = Some((task.units * HOUR_MS / took, at_ms));
                self.void = None;
                0
            }
            Phase::Wrong => {
                self.void = Some(Reason::WrongAnswer);
                (self.has_passed, self.trial_why) = (false, Reason::WrongAnswer);
                self.trial_from = self.proven();
                let taken = self.bond / 2;
                self.bond -= taken;
                taken
            }
            Phase::Unanswered => {
                self.void = Some(Reason::NoAnswer);
                0
            }
            _ => 0,
        }
    }
}

impl Task {
    fn phase(&self, now: u64, block: u64) -> Phase {
        let Some((at_ms, answer)) = self.answer else {
            return match self.is_drawn {
                false if block > self.asked_block + 2 + 256 => Phase::Lapsed,
                false => Phase::Asked,
                true if now > self.asked_ms + 20_000 => Phase::Unanswered,
                true => Phase::Drawn,
            };
        };
        if now <= at_ms + 10_000 {
            return Phase::Committing;
        }
        if now <= at_ms + 20_000 {
            return Phase::Revealing;
        }
        let winner = self.shown.iter().map(|(_, output)| *output).find(|output| {
            let votes = self.shown.iter().filter(|(_, other)| other == output);
            let votes = votes.count();
            votes >= 2 && votes * 2 > self.shown.len()
        });
        match winner {
            None => Phase::NoQuorum,
            Some(output) if output == answer => Phase::Passed,
            Some(_) => Phase::Wrong,
        }
    }
}

struct Play {
    world: World,
    asset: AssetId,
    machines: Vec<Known>,
    forfeit: u128,
    challenges: u64,
    /// For how long the chain stood still: what the model calls now leaves that out (MACH-14).
    stood_ms: u64,
    /// How many challenges ended in each way.
    ends: BTreeMap<u8, u32>,
}

impl Play {
    fn new() -> Self {
        let (mut world, _, asset) = start();
        world.sweep_every = SWEEP;
        Self {
            world,
            asset,
            machines: Vec::new(),
            forfeit: 0,
            challenges: 0,
            stood_ms: 0,
            ends: BTreeMap::new(),
        }
    }

    fn now(&mut self) -> (u64, u64) {
        let block = self.world.store.block_mut();
        (block.time_ms - self.stood_ms, block.number)
    }

    /// Plays a call and compares whether it was refused, and by what.
    fn step<C: SolCall>(&mut self, who: Address, call: &C, expected: Refusal) {
        let happened = self.world.call(who, ADDRESS, call).err();
        let happened = happened.map(|halt| words(&halt));
        let agrees = match (&happened, expected) {
            (None, None) => true,
            (Some(words), Some(name)) => words.starts_with(name),
            _ => false,
        };
        assert!(
            agrees,
            "{}: {happened:?} instead of {expected:?}; {:?}",
            C::SIGNATURE,
            self.machines
        );
    }

    fn register(&mut self, dice: &mut Dice) -> Refusal {
        let number = u8::try_from(self.machines.len()).expect("few");
        let is_taken = number > 0 && dice.below(4) == 0;
        let key = account(0x80 + if is_taken { 0 } else { number });
        let holder = dice.of(&PEOPLE);
        let bond = BOND + dice.below(3 * BOND);
        let bond = if dice.below(5) == 0 { BOND - 1 } else { bond };
        let call = registration(&mut self.world, holder, key, bond);
        let expected = match () {
            () if bond < BOND => Some("MachinesBondTooSmall"),
            () if is_taken => Some("MachinesKeyUsed"),
            () => None,
        };
        self.step(holder, &call, expected);
        if expected.is_none() {
            let (now, _) = self.now();
            self.machines.push(Known {
                key,
                holder,
                bond,
                seen: vec![now],
                trial_from: 0,
                trial_why: Reason::New,
                has_passed: false,
                left_ms: None,
                is_gone: false,
                void: None,
                proof: None,
                task: None,
                asks: [0; 2],
            });
        }
        expected
    }

    fn beat(&mut self, place: usize) -> Refusal {
        let (now, _) = self.now();
        let known = &mut self.machines[place];
        let is_refused = known.is_gone || known.seen.last() == Some(&now);
        let expected = is_refused.then_some("MachinesBeatRefused");
        if !is_refused {
            known.seen_at(now);
        }
        let key = known.key;
        let call = beatCall {
            machineId: place as u64,
        };
        self.step(key, &call, expected);
        expected
    }

    fn ask(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let (now, block) = self.now();
        let clock = now_ms(&mut self.world);
        let by_auditor = dice.below(2) == 0;
        let known = &mut self.machines[place];
        let by = if by_auditor {
            dice.of(&AUDITORS)
        } else {
            known.holder
        };
        let (units, within_ms) = (1 + dice.below(1_000) as u64, 1 + dice.below(20_000) as u64);
        let task = known.task.as_ref().filter(|task| !task.is_settled);
        let is_open = task.is_some_and(|task| !task.phase(now, block).is_over());
        let last = known.asks[usize::from(by_auditor)];
        let expected = match () {
            () if known.left_ms.is_some() => Some("MachinesLeft"),
            () if is_open => Some("MachinesChallengeOpen"),
            () if last != 0 && clock < last + 10_000 => Some("MachinesAskedLately"),
            () => None,
        };
        self.step(by, &ask(place as u64, units, within_ms), expected);
        if expected.is_none() {
            let known = &mut self.machines[place];
            if known.task.as_ref().is_some_and(|task| !task.is_settled) {
                self.forfeit += known.settle(now, block);
            }
            self.challenges += 1;
            known.asks[0] = clock;
            if by_auditor {
                known.asks[1] = clock;
            }
            known.task = Some(Task {
                number: self.challenges,
                asked_ms: now,
                by_clock: [clock, 0],
                asked_block: block,
                units,
                within_ms,
                is_drawn: false,
                output: B256::ZERO,
                answer: None,
                committed: Vec::new(),
                shown: Vec::new(),
                is_settled: false,
            });
        }
        expected
    }

    /// The phase of the machine's task, unless it is settled or there is none.
    fn phase(&mut self, place: usize) -> Option<Phase> {
        let (now, block) = self.now();
        let task = self.machines[place].task.as_ref()?;
        (!task.is_settled).then(|| task.phase(now, block))
    }

    fn draw(&mut self, place: usize) -> Refusal {
        let (_, block) = self.now();
        let phase = self.phase(place);
        let task = self.machines[place].task.as_ref();
        let is_early = task.is_some_and(|task| block <= task.asked_block + 2);
        let expected = match phase {
            Some(Phase::Asked) if is_early => Some("MachinesNoSeed"),
            Some(Phase::Asked) => None,
            _ => Some("MachinesWrongPhase"),
        };
        let id = place as u64;
        self.step(CAROL, &drawCall { machineId: id }, expected);
        if expected.is_none() {
            let output = work(&self.world, id);
            let task = self.machines[place].task.as_mut().expect("asked");
            (task.is_drawn, task.output) = (true, output);
        }
        expected
    }

    fn answer(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let (now, _) = self.now();
        let clock = now_ms(&mut self.world);
        let is_asked = self.phase(place) == Some(Phase::Drawn);
        let expected = (!is_asked).then_some("MachinesWrongPhase");
        let known = &mut self.machines[place];
        let (key, task) = (known.key, known.task.as_mut());
        let (number, truth) = task.as_ref().map_or((1, LIE), |t| (t.number, t.output));
        let output = if dice.below(3) == 0 { LIE } else { truth };
        if let (true, Some(task)) = (is_asked, task) {
            task.answer = Some((now, output));
            task.by_clock[1] = clock;
        }
        let call = answerCall {
            machineId: place as u64,
            commitment: commitment(number, place as u64, output),
        };
        self.step(key, &call, expected);
        expected
    }

    fn commit(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let who = dice.below(3) as usize;
        let is_time = self.phase(place) == Some(Phase::Committing);
        let task = self.machines[place].task.as_mut();
        let (number, truth) = task.as_ref().map_or((1, LIE), |t| (t.number, t.output));
        let output = match dice.below(6) {
            0 => LIE,
            1 => B256::repeat_byte(0x11 + who as u8),
            _ => truth,
        };
        let has = |task: &Task| task.committed.iter().any(|(other, _)| *other == who);
        let expected = match &task {
            Some(task) if is_time && has(task) => Some("MachinesCommitted"),
            Some(_) if is_time => None,
            _ => Some("MachinesWrongPhase"),
        };
        if let (None, Some(task)) = (expected, task) {
            task.committed.push((who, output));
        }
        let call = commitAuditCall {
            machineId: place as u64,
            commitment: finding(number, AUDITORS[who], output),
        };
        self.step(AUDITORS[who], &call, expected);
        expected
    }

    fn reveal(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let who = dice.below(3) as usize;
        let is_time = self.phase(place) == Some(Phase::Revealing);
        let task = self.machines[place].task.as_mut();
        let committed = task.as_ref().and_then(|task| {
            let mut all = task.committed.iter();
            all.find(|(other, _)| *other == who)
                .map(|(_, output)| *output)
        });
        let has_shown = |task: &Task| task.shown.iter().any(|(other, _)| *other == who);
        let expected = match (&task, committed) {
            (Some(task), Some(_)) if is_time && !has_shown(task) => None,
            (Some(_), _) if is_time => Some("MachinesNotCommitted"),
            _ => Some("MachinesWrongPhase"),
        };
        let output = committed.unwrap_or(LIE);
        if let (None, Some(task)) = (expected, task) {
            task.shown.push((who, output));
        }
        let call = revealAuditCall {
            machineId: place as u64,
            output,
            salt: SALT,
        };
        self.step(AUDITORS[who], &call, expected);
        expected
    }

    fn settle(&mut self, place: usize) -> Refusal {
        let (now, block) = self.now();
        let over = self.phase(place).filter(|phase| phase.is_over());
        let expected = over.is_none().then_some("MachinesWrongPhase");
        if let Some(phase) = over {
            *self.ends.entry(phase.number()).or_default() += 1;
            self.forfeit += self.machines[place].settle(now, block);
        }
        let call = settleCall {
            machineId: place as u64,
        };
        self.step(BOB, &call, expected);
        expected
    }

    fn leave(&mut self, place: usize) -> Refusal {
        let (now, _) = self.now();
        let known = &mut self.machines[place];
        let expected = known.left_ms.is_some().then_some("MachinesLeft");
        known.left_ms.get_or_insert(now);
        let holder = known.holder;
        let call = leaveCall {
            machineId: place as u64,
        };
        self.step(holder, &call, expected);
        expected
    }

    fn withdraw(&mut self, place: usize) -> Refusal {
        let (now, block) = self.now();
        let phase = self.phase(place);
        let known = &mut self.machines[place];
        let expected = match known.left_ms {
            _ if known.is_gone => Some("MachinesLeft"),
            None => Some("MachinesNotLeaving"),
            Some(left_ms) if now < left_ms + 2 * HOUR_MS => Some("MachinesNotRipe"),
            Some(_) if phase.is_some_and(|phase| !phase.is_over()) => Some("MachinesChallengeOpen"),
            Some(_) => None,
        };
        if expected.is_none() {
            if phase.is_some() {
                self.forfeit += known.settle(now, block);
            }
            (known.bond, known.is_gone) = (0, true);
        }
        let holder = known.holder;
        let call = withdrawCall {
            machineId: place as u64,
        };
        self.step(holder, &call, expected);
        expected
    }

    fn add(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let amount = 1 + dice.below(BOND);
        let known = &mut self.machines[place];
        let expected = known.is_gone.then_some("MachinesLeft");
        if !known.is_gone {
            known.bond += amount;
        }
        let call = addBondCall {
            machineId: place as u64,
            amount: n(amount),
        };
        self.step(dice.of(&PEOPLE), &call, expected);
        expected
    }

    fn slash(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let amount = dice.below(2 * BOND);
        let taken = slash(&mut self.world, place as u64, amount, FORFEIT);
        let known = &mut self.machines[place];
        assert_eq!(taken, amount.min(known.bond));
        known.bond -= taken;
        self.forfeit += taken;
        None
    }

    fn sell(&mut self, dice: &mut Dice, place: usize) -> Refusal {
        let to = dice.of(&PEOPLE);
        let known = &mut self.machines[place];
        let call = IErc721::transferFromCall {
            from: known.holder,
            to,
            tokenId: U256::from(place),
        };
        let from = known.holder;
        known.holder = to;
        self.world.ok(from, title::ADDRESS, &call);
        None
    }

    fn compare(&mut self, place: usize) {
        let (now, block) = self.now();
        let (known, id) = (&self.machines[place], place as u64);
        let seen = machine(&self.world, id);
        let (state, reason) = known.state(now);
        assert_eq!(
            (seen.state, seen.reason, seen.bond, seen.lifeMs, seen.darkMs),
            (
                state.number(),
                reason.number(),
                n(known.bond),
                known.proven(),
                known.dark()
            ),
            "{known:?} at {now}"
        );
        assert_eq!((seen.holder, seen.key), (known.holder, known.key));
        let (rate, why) = known.capacity(now, block);
        assert_eq!(
            capacity(&self.world, id),
            (rate, why.number()),
            "{known:?} at {now}"
        );
        let bonds: u128 = self.machines.iter().map(|known| known.bond).sum();
        assert_eq!(free(&mut self.world, self.asset, POT), bonds);
        assert_eq!(free(&mut self.world, self.asset, FORFEIT), self.forfeit);
    }

    /// What a challenge waits for, so that many come to their end.
    fn go_on(&mut self, dice: &mut Dice, place: usize) -> Option<(&'static str, Refusal)> {
        let phase = self.phase(place)?;
        let is_over = dice.below(4) == 0;
        Some(match phase {
            Phase::Asked => ("draw", self.draw(place)),
            Phase::Drawn => ("answer", self.answer(dice, place)),
            Phase::Committing | Phase::Revealing if is_over => {
                self.world.wait_ms(10_001);
                return None;
            }
            Phase::Committing => ("commit", self.commit(dice, place)),
            Phase::Revealing => ("reveal", self.reveal(dice, place)),
            _ => ("settle", self.settle(place)),
        })
    }

    /// Nobody does anything for a while, and nobody has for another minute; a moment later all is as if it had never been.
    fn stand_still(&mut self, dice: &mut Dice) {
        let ms = still::STILL_MS + 1 + dice.below(u128::from(DAY_MS)) as u64;
        self.world.stand_still_ms(ms);
        // A stop that comes sooner would have no minute of its own.
        self.world.wait_ms(still::RETURN_MS + still::STILL_MS);
        self.stood_ms += ms + still::RETURN_MS;
    }

    fn wait(&mut self, dice: &mut Dice) {
        let (ms, blocks) = match dice.below(40) {
            0 => (dice.below(2 * u128::from(HOUR_MS)) as u64, 1),
            1 => (dice.below(100_000) as u64, 300),
            2 => return self.stand_still(dice),
            _ => (dice.below(4_000) as u64, 1 + dice.below(4) as u64),
        };
        let block = self.world.store.block_mut();
        block.time_ms += ms;
        block.number += blocks;
    }
}

fn play(
    dice: &mut Dice,
    steps: u32,
    counts: &mut BTreeMap<(&'static str, Refusal), u32>,
    ends: &mut BTreeMap<u8, u32>,
) {
    let mut play = Play::new();
    for _ in 0..steps {
        let count = play.machines.len();
        let choice = dice.below(40);
        if count == 0 || (choice == 0 && count < MACHINES) {
            let refusal = play.register(dice);
            *counts.entry(("register", refusal)).or_default() += 1;
            continue;
        }
        let place = dice.below(count as u128) as usize;
        if dice.below(2) == 0
            && let Some((verb, refusal)) = play.go_on(dice, place)
        {
            *counts.entry((verb, refusal)).or_default() += 1;
            play.compare(place);
            continue;
        }
        let (verb, refusal) = match choice {
            1..=8 => ("beat", play.beat(place)),
            9..=11 => ("ask", play.ask(dice, place)),
            12..=15 => ("draw", play.draw(place)),
            16..=18 => ("answer", play.answer(dice, place)),
            19..=23 => ("commit", play.commit(dice, place)),
            24..=28 => ("reveal", play.reveal(dice, place)),
            29 => ("settle", play.settle(place)),
            30 if dice.below(4) == 0 => ("leave", play.leave(place)),
            31 => ("withdraw", play.withdraw(place)),
            32 => ("add", play.add(dice, place)),
            33 if dice.below(3) == 0 => ("slash", play.slash(dice, place)),
            34 => ("sell", play.sell(dice, place)),
            _ => {
                play.wait(dice);
                play.compare(place);
                continue;
            }
        };
        *counts.entry((verb, refusal)).or_default() += 1;
        play.compare(place);
    }
    for (phase, count) in play.ends {
        *ends.entry(phase).or_default() += count;
    }
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "machines::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let (mut counts, mut ends) = (BTreeMap::new(), BTreeMap::new());
    steps::in_plays(steps, PLAY, |steps| {
        play(&mut dice, steps, &mut counts, &mut ends);
    });
    println!("{counts:?}");
    println!("challenges settled by phase: {ends:?}");
    if steps::is_whole(NAME, steps) {
        assert!(counts.len() >= 25, "only {}", counts.len());
        let met = |phase: Phase| ends.get(&phase.number()).is_some_and(|count| *count > 4);
        for phase in [
            Phase::Passed,
            Phase::Wrong,
            Phase::Unanswered,
            Phase::NoQuorum,
        ] {
            assert!(met(phase), "{phase:?} hardly happened: {ends:?}");
        }
    }
}
