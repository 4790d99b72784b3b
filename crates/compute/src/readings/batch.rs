//! Readings as they are told to others: a batch has one root, and each reading a proof under it.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue as _;
use parking_lot::Mutex;
use serde::Serialize;

use super::{Meter, Reading};
use crate::tree;

/// Readings that wait to be told: more than half an hour. The oldest go first; nobody pays for what is late.
const WAITING_MAX: usize = 1_024;

/// What stands of a batch on a chain, as the contract `machines` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Rises.
    pub sequence: u64,
    /// The first moment that it covers.
    pub from_ms: u64,
    /// The last.
    pub to_ms: u64,
    /// Of the tree of readings.
    pub root: B256,
    /// How many.
    pub count: u32,
    /// The last known power, in whole watts to the nearest; zero is unknown.
    pub watts: u32,
    /// The last known warmth; zero is unknown.
    pub decikelvin: u16,
    /// The last known use; zero where nothing was known, too.
    pub utilisation_bps: u16,
}

/// A reading under the root of the last batch that the chain took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The batch.
    pub batch: Batch,
    /// Its last reading.
    pub latest: Reading,
    /// Where it lies.
    pub index: usize,
    /// The hashes beside its way up.
    pub proof: Vec<B256>,
}

/// What a machine tells of itself.
#[derive(Debug)]
pub struct Board {
    meter: Arc<Meter>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Reading>,
    now: Option<Reading>,
    told: Option<(Batch, Vec<Reading>)>,
}

/// A reading as a leaf: 160 bytes, so that it is never a node, which has 64.
pub fn leaf_of(reading: &Reading) -> B256 {
    let Reading {
        at_ms,
        milliwatts,
        decikelvin,
        used_bps,
    } = *reading;
    let known = u8::from(milliwatts.is_some())
        | u8::from(decikelvin.is_some()) << 1
        | u8::from(used_bps.is_some()) << 2;
    let fields = (
        at_ms,
        milliwatts.unwrap_or(0),
        u64::from(decikelvin.unwrap_or(0)),
        u64::from(used_bps.unwrap_or(0)),
        u64::from(known),
    );
    keccak256(fields.abi_encode())
}

impl Board {
    /// Of a meter.
    pub fn new(meter: Arc<Meter>) -> Arc<Self> {
        Arc::new(Self {
            meter,
            inner: Mutex::default(),
        })
    }

    /// The meter.
    pub const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Takes a reading now.
    pub fn sample(&self, at_ms: u64) {
        let reading = self.meter.reading(at_ms);
        self.add(reading);
    }

    pub(super) fn add(&self, reading: Reading) {
        let mut inner = self.inner.lock();
        inner.now = Some(reading);
        // A clock that went back: nothing is before what is.
        let is_later = inner
            .waiting
            .back()
            .is_none_or(|last| last.at_ms < reading.at_ms);
        if reading.says_something() && is_later {
            inner.waiting.push_back(reading);
            if inner.waiting.len() > WAITING_MAX {
                inner.waiting.pop_front();
            }
        }
    }

    /// The last reading, told or not.
    pub fn now(&self) -> Option<Reading> {
        self.inner.lock().now
    }

    /// What waits, as a batch after what a chain has (its last sequence and moment), as of the chain's time. None where nothing
    /// waits that is after it and before now.
    pub fn batch(&self, last: (u64, u64), chain_ms: u64) -> Option<(Batch, Vec<Reading>)> {
        let (sequence, after_ms) = last;
        let inner = self.inner.lock();
        let is_new = |reading: &&Reading| reading.at_ms > after_ms && reading.at_ms <= chain_ms;
        let readings: Vec<Reading> = inner.waiting.iter().filter(is_new).copied().collect();
        let (first, latest) = (readings.first()?, readings.last()?);
        let back = readings.iter().rev();
        let milliwatts = back.clone().find_map(|reading| reading.milliwatts);
        let leaves: Vec<B256> = readings.iter().map(leaf_of).collect();
        let batch = Batch {
            sequence: sequence.checked_add(1)?,
            // A single reading covers the moment before it.
            from_ms: first.at_ms.saturating_sub(1).max(after_ms),
            to_ms: latest.at_ms,
            root: tree::root(&leaves),
            count: u32::try_from(readings.len()).ok()?,
            watts: u32::try_from(milliwatts.map_or(0, |mw| (mw + 500) / 1_000)).ok()?,
            decikelvin: back
                .clone()
                .find_map(|reading| reading.decikelvin)
                .unwrap_or(0),
            utilisation_bps: back
                .clone()
                .find_map(|reading| reading.used_bps)
                .unwrap_or(0),
        };
        Some((batch, readings))
    }

    /// A chain took it: it is shown from now on, and nothing of it is told again.
    pub fn told(&self, batch: Batch, readings: Vec<Reading>) {
        let mut inner = self.inner.lock();
        inner.waiting.retain(|reading| reading.at_ms > batch.to_ms);
        inner.told = Some((batch, readings));
    }

    /// The last reading that a chain has, with its proof.
    pub fn shown(&self) -> Option<Shown> {
        let inner = self.inner.lock();
        let (batch, readings) = inner.told.as_ref()?;
        let index = readings.len().checked_sub(1)?;
        let leaves: Vec<B256> = readings.iter().map(leaf_of).collect();
        Some(Shown {
            batch: batch.clone(),
            latest: readings[index],
            index,
            proof: tree::proof(&leaves, index),
        })
    }
}
