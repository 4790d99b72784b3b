use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::{nvidia::parsed, powercap::since, *};
use crate::{testkit::Noise, tree};

/// A machine made of files.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
        self
    }

    fn package(&self, zone: &str, name: &str, energy_uj: u64) -> &Self {
        let at = |file: &str| format!("sys/class/powercap/{zone}/{file}");
        self.write(&at("name"), &format!("{name}\n"))
            .write(&at("energy_uj"), &format!("{energy_uj}\n"))
            .write(&at("max_energy_range_uj"), "262143328850\n")
    }

    fn places(&self) -> Places {
        Places {
            root: self.0.path().to_owned(),
            programs: vec![self.0.path().join("bin")],
        }
    }

    fn sensors(&self) -> Sensors {
        Sensors::find(&self.places())
    }
}

fn later(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

/// READ-1: nothing is there, and nothing is said.
#[test]
fn read_1_an_empty_machine_knows_nothing() {
    let machine = Machine::new();
    let meter = Meter::new(machine.sensors());
    assert!(!meter.knows_power());
    let reading = meter.reading(7);
    assert!(!reading.says_something(), "{reading:?}");
    assert_eq!(meter.begin().taken(), None);
    let board = Board::new(meter);
    board.sample(7);
    assert_eq!(board.batch((0, 0), u64::MAX), None);
}

/// READ-1: garbage in every file.
#[test]
fn read_1_garbage_is_unknown() {
    for garbage in [
        "",
        "\n",
        "-",
        "nan",
        "-5",
        "99999999999999999999999",
        "\u{0}\u{0}",
        "12 34",
        "0x10",
    ] {
        let machine = Machine::new();
        machine
            .package("intel-rapl:0", "package-0", 1)
            .write("sys/class/powercap/intel-rapl:0/energy_uj", garbage)
            .write("sys/class/hwmon/hwmon0/name", "amdgpu")
            .write("sys/class/hwmon/hwmon0/power1_average", garbage)
            .write("sys/class/hwmon/hwmon0/temp1_input", garbage)
            .write("sys/class/hwmon/hwmon1/temp1_input", &"9".repeat(100_000))
            .write("sys/class/thermal/thermal_zone0/temp", garbage)
            .write("proc/stat", garbage);
        let start = Instant::now();
        let meter = Meter::new(machine.sensors());
        let reading = meter.reading_at(1, later(start, 2));
        // Minus five thousandths of a degree is a temperature.
        let is_degree = garbage == "-5";
        assert_eq!(reading.decikelvin.is_some(), is_degree, "{garbage:?}");
        assert_eq!(
            (reading.milliwatts, reading.used_bps),
            (None, None),
            "{garbage:?}"
        );
    }
}

/// READ-2
#[test]
fn read_2_counters_go_around_and_begin_anew() {
    assert_eq!(since(5, 9, None), Some(4));
    assert_eq!(since(5, 5, Some(10)), Some(0));
    assert_eq!(since(98, 1, Some(99)), Some(3), "98, 99, 0, 1");
    assert_eq!(
        since(50, 2, Some(99)),
        None,
        "that would be half of the range and more: it began anew"
    );
    assert_eq!(since(98, 1, None), None);
    assert_eq!(since(200, 1, Some(99)), None, "a counter beyond its range");
    assert_eq!(since(u64::MAX, 0, Some(u64::MAX)), Some(1));
    let machine = Machine::new();
    machine.package("intel-rapl:0", "package-0", 262_143_000_000);
    let start = Instant::now();
    let meter = Meter::new(machine.sensors());
    let mut at = 0;
    let mut watts = |energy_uj: u64| {
        machine.package("intel-rapl:0", "package-0", energy_uj);
        at += 2;
        // The clock began a moment after `start`.
        let mean = meter.reading_at(at, later(start, at)).milliwatts;
        mean.map(|mw| (mw + 500) / 1_000)
    };
    // 2 s at 50 W, over the end of the range: 328,850 to it and one for zero.
    assert_eq!(watts(100_000_000 - 328_851), Some(50));
    assert_eq!(watts(0), None, "it began anew: that moment is unknown");
    assert_eq!(
        watts(20_000_000),
        None,
        "and what is before the first look after it"
    );
    assert_eq!(watts(60_000_000), Some(20));
}

/// READ-3
#[test]
fn read_3_nothing_is_added_twice() {
    let machine = Machine::new();
    let set = |joules: u64| {
        let uj = joules * 1_000_000;
        machine
            .package("intel-rapl:0", "package-0", uj * 10)
            .package("intel-rapl:0:0", "core", uj * 7)
            .package("intel-rapl:0:1", "dram", uj * 3)
            .package("intel-rapl:1", "package-1", uj * 5)
            .package("intel-rapl-mmio:0", "package-0", uj * 10);
    };
    set(0);
    let start = Instant::now();
    let meter = Meter::new(machine.sensors());
    set(2);
    let reading = meter.reading_at(1, later(start, 2));
    assert_eq!(
        reading.milliwatts.map(|mw| mw / 100),
        Some(180),
        "two packages and memory"
    );
    // The platform stands alone.
    machine.package("intel-rapl:2", "psys", 0);
    let start = Instant::now();
    let meter = Meter::new(machine.sensors());
    set(4);
    machine.package("intel-rapl:2", "psys", 80_000_000);
    let reading = meter.reading_at(1, later(start, 2));
    assert_eq!(reading.milliwatts.map(|mw| (mw + 500) / 1_000), Some(40));
}

#[test]
fn chips_say_watts_and_degrees() {
    let machine = Machine::new();
    machine
        .write("sys/class/hwmon/hwmon0/name", "amdgpu\n")
        .write("sys/class/hwmon/hwmon0/power1_average", "35000000\n")
        .write("sys/class/hwmon/hwmon0/power1_input", "99000000\n")
        .write("sys/class/hwmon/hwmon0/power1_cap", "250000000\n")
        .write("sys/class/hwmon/hwmon0/temp1_input", "61500\n")
        .write("sys/class/hwmon/hwmon0/temp1_crit", "100000\n")
        .write("sys/class/hwmon/hwmon1/name", "ina3221\n")
        .write("sys/class/hwmon/hwmon1/power1_input", "5000000\n")
        .write("sys/class/hwmon/hwmon2/name", "nct6775\n")
        // Not connected.
        .write("sys/class/hwmon/hwmon2/temp1_input", "-127000\n")
        .write("sys/class/hwmon/hwmon2/temp2_input", "255000\n")
        .write("sys/class/thermal/thermal_zone0/temp", "48000\n")
        .write("sys/class/thermal/cooling_device0/temp", "149000\n");
    let start = Instant::now();
    let meter = Meter::new(machine.sensors());
    let reading = meter.reading_at(1, later(start, 2));
    assert_eq!(
        reading.milliwatts.map(|mw| (mw + 50) / 100),
        Some(350),
        "the mean, of the card alone"
    );
    assert_eq!(
        reading.decikelvin,
        Some(3_347),
        "61.5 + 273.15, to the nearest tenth"
    );
    let found = machine.sensors().found(Duration::ZERO);
    assert!(
        found.iter().any(|one| one.name == "hwmon1 ina3221"
            && one.part == Part::Other
            && one.milliwatts == Some(5_000)),
        "{found:?}"
    );
}

#[test]
fn processors_say_how_busy_they_were() {
    let machine = Machine::new();
    let stat = |used: u64, idle: u64| {
        machine.write(
            "proc/stat",
            &format!("cpu  {used} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3\n"),
        );
    };
    stat(1_000, 1_000);
    let meter = Meter::new(machine.sensors());
    let used = || meter.reading(1).used_bps;
    used();
    stat(1_250, 1_750);
    assert_eq!(used(), Some(2_500));
    stat(1_250, 1_750);
    assert_eq!(used(), None, "no time went by");
    stat(10, 20);
    assert_eq!(used(), None, "ticks that ran backwards");
    stat(20, 20);
    assert_eq!(used(), Some(10_000));
}

/// READ-1, READ-8
#[test]
fn lines_of_cards_are_read_or_left() {
    let card = |line: &str| {
        parsed(line).map(|(index, card)| (index, card.milliwatts, card.decikelvin, card.used_bps))
    };
    assert_eq!(
        card("0, 61.25, 44, 37\n"),
        Some((0, Some(61_250), Some(3_172), Some(3_700)))
    );
    assert_eq!(
        card("3, 700, 90, 100"),
        Some((3, Some(700_000), Some(3_632), Some(10_000)))
    );
    assert_eq!(
        card("1, [N/A], ERR!, [Not Supported]"),
        Some((1, None, None, None))
    );
    assert_eq!(
        card("1, 5.123456789, -300, 101"),
        Some((1, Some(5_123), None, None))
    );
    assert_eq!(
        card("1, 1e9, 40, 5"),
        Some((1, None, Some(3_132), Some(500)))
    );
    for garbage in [
        "",
        "\n",
        "NVIDIA-SMI has failed",
        "x, 1, 2, 3",
        "1, 2, 3",
        "-1, 2, 3, 4",
    ] {
        assert_eq!(card(garbage), None, "{garbage:?}");
    }
}

#[cfg(unix)]
fn program(machine: &Machine, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    machine.write("bin/nvidia-smi", text);
    let path = machine.0.path().join("bin/nvidia-smi");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
}

#[cfg(unix)]
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..200 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nothing came within five seconds");
}

/// READ-8: a program that runs beside, and is ended with the sensors.
#[cfg(unix)]
#[test]
fn cards_are_asked_by_their_program() {
    let machine = Machine::new();
    program(
        &machine,
        "#!/bin/sh\necho $$ > \"$(dirname \"$0\")/pid\"\nprintf 'garbage\\n0, 100.5, 60, 50\\n1, 200, 70, 100\\n'\nexec sleep 60\n",
    );
    let meter = Meter::new(machine.sensors());
    let reading = until(|| Some(meter.reading(1)).filter(|reading| reading.used_bps.is_some()));
    assert_eq!(
        (reading.used_bps, reading.decikelvin),
        (Some(7_500), Some(3_432))
    );
    let watts = until(|| meter.reading(1).milliwatts);
    assert_eq!((watts + 5_000) / 10_000, 30, "{watts}");
    let pid = fs::read_to_string(machine.0.path().join("bin/pid")).expect("it ran");
    let is_there = || Path::new("/proc").join(pid.trim()).join("exe").exists();
    assert!(is_there());
    drop(meter);
    assert!(!is_there(), "it was ended");
}

/// READ-1
#[cfg(unix)]
#[test]
fn a_program_that_fails_is_unknown() {
    for text in [
        "#!/bin/sh\nexit 9\n",
        "#!/bin/nowhere\n",
        "#!/bin/sh\nhead -c 100000 /dev/zero\n",
    ] {
        let machine = Machine::new();
        program(&machine, text);
        let meter = Meter::new(machine.sensors());
        std::thread::sleep(Duration::from_millis(100));
        assert!(!meter.reading(1).says_something(), "{text}");
    }
}

/// A source that a test sets.
#[derive(Clone, Debug, Default)]
struct Dial(Arc<Mutex<(Option<u64>, Option<u64>)>>);

impl Source for Dial {
    fn name(&self) -> &str {
        "dial"
    }

    fn part(&self) -> Part {
        Part::Card
    }

    fn look(&mut self) -> Sight {
        Sight {
            milliwatts: self.0.lock().0,
            ..Sight::default()
        }
    }

    fn energy_uj(&mut self) -> Option<u64> {
        self.0.lock().1
    }
}

fn metered(dial: &Dial, start: Instant) -> Arc<Meter> {
    Meter::new(Sensors::of(vec![Box::new(dial.clone())], start))
}

/// READ-4
#[test]
fn read_4_shares_add_up_however_requests_overlap() {
    for seed in 0..50 {
        let mut random = Noise::new(seed);
        let (dial, start) = (Dial::default(), Instant::now());
        dial.0.lock().1 = Some(0);
        let meter = metered(&dial, start);
        let (mut open, mut taken, mut total_uj, mut counter) = (Vec::new(), 0, 0_u64, 0_u64);
        for step in 0..200 {
            let more = random.below(5_000_000);
            counter += more;
            total_uj += if open.is_empty() { 0 } else { more };
            dial.0.lock().1 = Some(counter);
            let now = later(start, step + 1);
            match random.below(3) {
                0 if !open.is_empty() => {
                    let share: Share = open.swap_remove(random.below(open.len() as u64) as usize);
                    taken += share.taken_at(now).expect("measured");
                }
                1 => open.push(meter.begin_at(now)),
                _ => drop(meter.reading_at(step, now)),
            }
        }
        counter += 1_000;
        dial.0.lock().1 = Some(counter);
        total_uj += if open.is_empty() { 0 } else { 1_000 };
        let (count, end) = (open.len(), later(start, 300));
        for share in open {
            taken += share.taken_at(end).expect("measured");
        }
        let apart = (total_uj / 1_000).abs_diff(taken);
        // Each is rounded to a millijoule.
        assert!(
            apart <= 100 + count as u64,
            "seed {seed}: {taken} of {} mJ",
            total_uj / 1_000
        );
    }
}

/// READ-4, READ-5: power without a counter, shared by two, and a moment that is unknown.
#[test]
fn read_5_power_is_taken_over_time_and_gaps_are_not_guessed() {
    let (dial, start) = (Dial::default(), Instant::now());
    dial.0.lock().0 = Some(100_000);
    let meter = metered(&dial, start);
    let alone = meter.begin_at(start);
    let beside = meter.begin_at(later(start, 2));
    assert_eq!(
        beside.taken_at(later(start, 4)),
        Some(100_000),
        "half of 2 s at 100 W"
    );
    assert_eq!(alone.taken_at(later(start, 4)), Some(300_000));
    let gap = meter.begin_at(later(start, 5));
    dial.0.lock().0 = None;
    assert_eq!(
        meter.reading_at(1, later(start, 6)).milliwatts,
        Some(100_000)
    );
    assert_eq!(meter.reading_at(2, later(start, 7)).milliwatts, None);
    dial.0.lock().0 = Some(50_000);
    assert_eq!(meter.reading_at(3, later(start, 8)).milliwatts, None);
    assert_eq!(gap.taken_at(later(start, 9)), None);
    let after = meter.begin_at(later(start, 9));
    assert_eq!(
        after.taken_at(later(start, 10)),
        Some(50_000),
        "the gap was before it"
    );
    // Power that was not looked at for long is not power now.
    let stale = meter.begin_at(later(start, 11));
    assert_eq!(stale.taken_at(later(start, 30)), None);
}

fn reading(at_ms: u64) -> Reading {
    Reading {
        at_ms,
        milliwatts: Some(at_ms * 1_000 + 499),
        decikelvin: None,
        used_bps: Some(100),
    }
}

fn board() -> Arc<Board> {
    Board::new(metered(&Dial::default(), Instant::now()))
}

/// READ-6
#[test]
fn read_6_batches_rise_and_do_not_overlap() {
    let board = board();
    for at in [10, 20, 30, 25, 40] {
        board.add(reading(at));
    }
    let (batch, readings) = board.batch((3, 12), 35).expect("a batch");
    assert_eq!(
        (batch.sequence, batch.from_ms, batch.to_ms, batch.count),
        (4, 19, 30, 2),
        "25 came after 30"
    );
    assert_eq!(
        (batch.watts, batch.decikelvin, batch.utilisation_bps),
        (30, 0, 100)
    );
    // Until the chain took it, it is told again.
    assert_eq!(
        board.batch((3, 12), 35).as_ref().map(|(batch, _)| batch),
        Some(&batch)
    );
    board.told(batch, readings);
    let (batch, _) = board.batch((4, 30), 1_000).expect("a batch");
    assert_eq!(
        (batch.sequence, batch.from_ms, batch.to_ms, batch.count),
        (5, 39, 40, 1)
    );
    let (close, _) = board.batch((4, 39), 1_000).expect("a batch");
    assert_eq!(
        (close.from_ms, close.to_ms),
        (39, 40),
        "as long as it can be"
    );
    assert_eq!(board.batch((5, 40), 1_000), None);
    for at in 100..10_000 {
        board.add(reading(at));
    }
    let (batch, _) = board.batch((5, 40), u64::MAX).expect("a batch");
    assert_eq!(
        (batch.count, batch.to_ms),
        (1_024, 9_999),
        "the oldest go first"
    );
}

fn folded(leaf: B256, index: usize, proof: &[B256]) -> B256 {
    let steps = proof.iter().enumerate();
    steps.fold(leaf, |below, (level, beside)| match index >> level & 1 {
        0 => tree::node(below, *beside),
        _ => tree::node(*beside, below),
    })
}

/// READ-7
#[test]
fn read_7_what_is_shown_lies_under_the_root() {
    for count in [1, 2, 3, 7, 8, 33] {
        let board = board();
        assert_eq!(board.shown(), None);
        (1..=count).for_each(|at| board.add(reading(at)));
        let (batch, readings) = board.batch((0, 0), count).expect("a batch");
        board.told(batch.clone(), readings);
        let shown = board.shown().expect("shown");
        assert_eq!(shown.latest, reading(count));
        assert_eq!(
            folded(leaf_of(&shown.latest), shown.index, &shown.proof),
            batch.root
        );
        let other = Reading {
            decikelvin: Some(0),
            ..shown.latest
        };
        assert_ne!(
            folded(leaf_of(&other), shown.index, &shown.proof),
            batch.root,
            "zero is not unknown"
        );
    }
}
