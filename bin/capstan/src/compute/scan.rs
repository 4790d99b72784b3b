//! `capstan provide scan`: what this machine does, and from which income on its power is paid.

use std::time::Duration;

use capstan_compute::{
    readings::{Found, Part, Sensors},
    scan::{BreakEven, Machine, Measured, Tokens, machine, tokens_per_second},
    upstream::{Http, HttpSettings},
};
use eyre::{Result, eyre};
use serde_json::json;

use super::{block_on, gateway::places, upstreams::lack_no_v1};
use crate::args::ScanOptions;

/// How long counters of energy are watched.
const WATCHED: Duration = Duration::from_secs(1);

pub(super) fn run(options: &ScanOptions) -> Result<()> {
    let even = BreakEven::of(options.watts, options.kwh);
    // Before seconds are spent.
    let upstreams: Vec<_> = options.upstream.iter().cloned().collect();
    block_on(lack_no_v1(&upstreams, None))?;
    eprintln!("measuring memory and arithmetic, some seconds ...");
    let mut sensors = Sensors::find(&places(&options.sensors));
    let idle = sensors.found(WATCHED);
    let machine = machine();
    let tokens = tokens(options)?;
    let million = tokens
        .as_ref()
        .and_then(|tokens| even.per_million_tokens(tokens.together));
    if options.json {
        let told = json!({
            "machine": machine, "was_busy": machine.was_busy(), "server": tokens,
            "sensors": idle, "measured_idle_milliwatts": Sensors::sum(&idle),
            "break_even": even, "break_even_per_million_tokens": million,
        });
        println!("{told:#}");
        return Ok(());
    }
    show(&machine);
    show_sensors(&idle, options.watts);
    if let Some(tokens) = &tokens {
        show_tokens(tokens);
    }
    let BreakEven {
        watts,
        kwh,
        per_hour,
    } = even;
    println!("break-even   {per_hour} per hour at work: {watts} W / 1000 x {kwh} per kWh");
    if let (Some(million), Some(tokens)) = (million, &tokens) {
        let rate = tokens.together;
        println!(
            "             {million} per million tokens: {per_hour} / ({rate:.1} tokens/s x 3600 s) x 1000000"
        );
    }
    println!(
        "             power alone: the machine's own price, its wear and its line are not in it"
    );
    Ok(())
}

fn tokens(options: &ScanOptions) -> Result<Option<Tokens>> {
    let Some(url) = &options.upstream else {
        return Ok(None);
    };
    let server = Http::new(url, None, HttpSettings::default()).map_err(|why| eyre!(why))?;
    eprintln!("measuring the model server ...");
    let measured =
        block_on(async { Ok(tokens_per_second(&server, options.model.as_deref()).await?) });
    Ok(Some(measured?))
}

fn noise(measured: &Measured) -> String {
    let spread = measured.spread_percent();
    match measured.is_noisy() {
        true => format!(
            "rounds differ by {spread} %: something else is at work here, measure again on a quiet machine"
        ),
        false => format!("rounds differ by {spread} %"),
    }
}

fn show(machine: &Machine) {
    let Machine {
        threads,
        memory_gb_per_s: memory,
        gflops,
        load_before,
        busy_before_percent,
    } = machine;
    println!("threads      {threads}");
    println!(
        "memory       {:.1} GB/s read and written; {}",
        memory.best,
        noise(memory)
    );
    println!(
        "arithmetic   {:.1} GFLOP/s of 32-bit floats; {}",
        gflops.best,
        noise(gflops)
    );
    if let Some(load) = load_before {
        println!(
            "load before  {load} programs wanted to run, on average of a minute, on {threads} threads"
        );
    }
    if let Some(busy) = busy_before_percent {
        println!("in use       {busy} % of all cores by other programs, in the half second before");
    }
    if machine.was_busy() {
        println!(
            "warning      this machine was busy: it can do more than these figures say. End what runs, measure again"
        );
    }
}

/// What was measured beside what was said.
fn show_sensors(found: &[Found], said: u32) {
    let watts = |milliwatts: u64| format!("{:.1} W", milliwatts as f64 / 1_000.0);
    match Sensors::sum(found) {
        Some(sum) => println!(
            "power        {} measured while nothing was asked of it; you said {said} W at work",
            watts(sum)
        ),
        None => println!(
            "power        unknown: nothing here says it to this user (counters of processors are their owner's alone on most systems); you said {said} W at work"
        ),
    }
    for one in found {
        let part = match one.part {
            Part::Whole => "the whole machine",
            Part::Processor => "processors",
            Part::Card => "cards",
            Part::Other => "not added",
        };
        let mut said: Vec<String> = Vec::new();
        said.extend(
            one.milliwatts
                .map(|milliwatts| format!("{} ({part})", watts(milliwatts))),
        );
        said.extend(
            one.decikelvin
                .map(|warm| format!("{:.1} °C", f64::from(warm) / 10.0 - 273.15)),
        );
        said.extend(
            one.used_bps
                .map(|used| format!("{:.0} % in use", f64::from(used) / 100.0)),
        );
        let said = match said.is_empty() {
            true => "says nothing to this user".to_owned(),
            false => said.join(", "),
        };
        println!("             {}: {said}", one.name);
    }
}

fn show_tokens(tokens: &Tokens) {
    let Tokens {
        model,
        alone,
        first_part_ms,
        together,
        at_once,
        is_counted,
    } = tokens;
    let by = if *is_counted {
        "as the server counts"
    } else {
        "a part counted as one"
    };
    println!(
        "server       {:.1} tokens/s of {model}, {by}; {}",
        alone.best,
        noise(alone)
    );
    println!("             {together:.1} tokens/s with {at_once} answers at once");
    println!(
        "             first part after {:.0} ms (the middle of the rounds)",
        first_part_ms.median
    );
}
