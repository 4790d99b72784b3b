//! Storage of `machines`. Who owns which token is with the tokens.

use alloy_primitives::{Address, B256};
use capstan_state::{Layout, List, Map, Record, Text, Value};
use capstan_units::{AssetId, Assets};

use super::{AUDITORS_MAX, URI_BYTES_MAX};

/// What a machine is, and what stands for its word. One that does not exist has the zero address as its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Machine {
    /// Who it is: the address of its key.
    pub(super) key: Address,
    /// What kind of machine it says it is; numbers are open.
    pub(super) kind: u16,
    /// Where it says it stands; numbers are open.
    pub(super) region: u32,
    /// In which asset its bond is.
    pub(super) asset: AssetId,
    /// Hash of its specification, as it says.
    pub(super) spec_hash: B256,
    /// Its bond, in the pot.
    pub(super) bond: Assets,
    /// The least bond under which it came.
    pub(super) bond_min: Assets,
    /// When it came.
    pub(super) registered_ms: u64,
    /// When its holder began to leave; zero if he did not.
    pub(super) left_ms: u64,
    /// From when the bond of one that leaves may be taken.
    pub(super) withdraw_from_ms: u64,
    /// When the bond was taken; zero if it was not.
    pub(super) gone_ms: u64,
    /// Since when the bond is below its minimum; zero if it is not.
    pub(super) barred_ms: u64,
    /// The number of the last edit of its record.
    pub(super) sequence: u64,
    /// The last challenge that it failed: what was proven up to then is void.
    pub(super) failed: u64,
    /// How it failed that; a [`Reason`](super::Reason).
    pub(super) failed_why: u8,
}

/// How long a machine has been seen. `proven_ms + dark_ms` is what of the time from registering to `last_ms` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Life {
    /// When it was last seen.
    pub(super) last_ms: u64,
    /// Since when it is seen without a gap.
    pub(super) since_ms: u64,
    /// The sum of its gaps that were short enough.
    pub(super) proven_ms: u64,
    /// The sum of those that were not.
    pub(super) dark_ms: u64,
    /// Where the last of those began; zero if there was none.
    pub(super) dark_from_ms: u64,
    /// When it had proven enough; zero while it is on probation.
    pub(super) passed_ms: u64,
    /// What it had proven when its probation began.
    pub(super) trial_from_ms: u64,
    /// How many gaps were too long.
    pub(super) dark_count: u32,
    /// Why it is, or was, on probation; a [`Reason`](super::Reason).
    pub(super) trial_why: u8,
}

/// The last batch of readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Telemetry {
    /// Its number.
    pub(super) sequence: u64,
    /// From when.
    pub(super) from_ms: u64,
    /// Until when.
    pub(super) to_ms: u64,
    /// How many readings are under the root.
    pub(super) readings: u32,
    /// The last power, in watts.
    pub(super) watts: u32,
    /// The last temperature, in tenths of a kelvin.
    pub(super) decikelvin: u16,
    /// The last utilisation, in hundredths of a percent.
    pub(super) utilisation_bps: u16,
    /// Root of the Merkle tree of all readings.
    pub(super) root: B256,
}

/// What a machine was asked, and what it said. The terms are those of the moment at which it was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Challenge {
    /// Its number, from one on. Zero where a machine was never asked.
    pub(super) number: u64,
    /// When it was asked.
    pub(super) asked_ms: u64,
    /// The block whose hash is the seed.
    pub(super) seed_block: u64,
    /// Until when an answer counts.
    pub(super) answer_by_ms: u64,
    /// Work of which class.
    pub(super) class: u32,
    /// How much of it.
    pub(super) units: u64,
    /// In what time at best: a faster answer proves no more.
    pub(super) within_ms: u64,
    /// For so long auditors commit, and after it as long as `reveal_ms` reveal.
    pub(super) commit_ms: u64,
    /// How long they reveal.
    pub(super) reveal_ms: u64,
    /// When it answered; zero if it did not.
    pub(super) answered_ms: u64,
    /// What of the bond a wrong answer costs.
    pub(super) slash_bps: u16,
    /// How many auditors must agree.
    pub(super) quorum: u8,
    /// How it ended; an [`Outcome`](super::Outcome). Zero while it is open.
    pub(super) outcome: u8,
    /// Out of which the work is made; zero until it is drawn.
    pub(super) seed: B256,
    /// The machine's commitment to its output.
    pub(super) answer: B256,
}

/// What one auditor said about one challenge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Finding {
    /// The commitment.
    pub(super) commitment: B256,
    /// The output that he computed; zero until he reveals it.
    pub(super) output: B256,
}

/// How often an auditor was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Auditor {
    /// Where a quorum found what he found.
    pub(super) agreed: u32,
    /// Where it found something else.
    pub(super) differed: u32,
    /// Where he committed and did not reveal.
    pub(super) silent: u32,
}

/// What a machine proved in one class of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Proof {
    /// In which challenge; zero if never.
    pub(super) number: u64,
    /// Units per hour.
    pub(super) per_hour: u64,
    /// When it answered.
    pub(super) answered_ms: u64,
}

/// When a machine was asked last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Asks {
    /// By anybody.
    pub(super) last_ms: u64,
    /// By an auditor.
    pub(super) audit_ms: u64,
}

/// Everything that may be tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub struct Params {
    /// In which asset bonds are.
    pub asset: AssetId,
    /// The least bond.
    pub bond_min: Assets,
    /// From leaving to taking the bond.
    pub unbond_ms: u64,
    /// How often a machine is to be seen.
    pub interval_ms: u64,
    /// How much later than that it may be seen.
    pub grace_ms: u64,
    /// How much life it proves before it counts as live.
    pub probation_ms: u64,
    /// How old a message may be.
    pub late_ms: u64,
    /// From one challenge to the next.
    pub gap_ms: u64,
    /// The longest time for an answer.
    pub answer_ms: u64,
    /// How long auditors commit.
    pub commit_ms: u64,
    /// How long they reveal.
    pub reveal_ms: u64,
    /// How long proven capacity counts.
    pub capacity_age_ms: u64,
    /// What of the bond a wrong answer costs, in hundredths of a percent.
    pub slash_bps: u16,
    /// How many auditors must agree.
    pub quorum: u8,
}

/// Everything that `machines` stores.
#[derive(Layout)]
pub(crate) struct MachinesState {
    /// Machines that ever were; their numbers count from zero.
    #[tag(1)]
    pub(super) machine_count: Value<u64>,
    /// Each of them.
    #[tag(2)]
    pub(super) machines: Map<u64, Record<Machine>>,
    /// Where each says more about itself.
    #[tag(3)]
    pub(super) uris: Map<u64, Text<URI_BYTES_MAX>>,
    /// The machine of every key that ever was one's, plus one.
    #[tag(4)]
    pub(super) keys: Map<Address, Value<u64>>,
    /// How long each was seen.
    #[tag(5)]
    pub(super) lives: Map<u64, Record<Life>>,
    /// The last readings of each.
    #[tag(6)]
    pub(super) telemetry: Map<u64, Record<Telemetry>>,
    /// Challenges that ever were.
    #[tag(7)]
    pub(super) challenge_count: Value<u64>,
    /// The last challenge of each machine.
    #[tag(8)]
    pub(super) challenges: Map<u64, Record<Challenge>>,
    /// When each was asked last.
    #[tag(9)]
    pub(super) asks: Map<u64, Record<Asks>>,
    /// Auditors of each challenge.
    #[tag(10)]
    pub(super) panels: Map<u64, List<Address, AUDITORS_MAX>>,
    /// What they said.
    #[tag(11)]
    pub(super) findings: Map<(u64, Address), Record<Finding>>,
    /// How often each was right.
    #[tag(12)]
    pub(super) auditors: Map<Address, Record<Auditor>>,
    /// What machines proved, by class of work.
    #[tag(13)]
    pub(super) proofs: Map<(u64, u32), Record<Proof>>,
    /// Parameters in force, or that were until the next ones count.
    #[tag(14)]
    pub(super) config: Record<Params>,
    /// Parameters that follow.
    #[tag(15)]
    pub(super) next_config: Record<Params>,
    /// When they do; zero if none do.
    #[tag(16)]
    pub(super) next_from_ms: Value<u64>,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    #[tag(17)]
    pub(super) paused: Value<u8>,
    /// The room for which each title is security; the zero address where for none.
    #[tag(18)]
    pub(super) locks: Map<u64, Value<Address>>,
}
