//! Storage of `jobs`. Units lie in the ledger, under the accounts of this contract.

use alloy_primitives::{Address, B256};
use capstan_state::{Balance, Layout, List, Map, Record, Text, Value};
use capstan_units::{AssetId, Assets};

use super::{AUDITORS_MAX, CLASSES_MAX, ENDPOINT_BYTES_MAX, KEYS_MAX, OFFERS_MAX};

/// A class of work. It never changes but for closing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Class {
    /// Hash of what computes it: of a model, its file.
    pub(super) program: B256,
    /// Its number format, in ASCII from the left.
    pub(super) quantisation: B256,
    /// Price of a million units read, at level one.
    pub(super) input_price: Assets,
    /// Price of a million units written.
    pub(super) output_price: Assets,
    /// Lowest level.
    pub(super) level_min: u64,
    /// Highest level.
    pub(super) level_max: u64,
    /// How far a level moves in an epoch at most.
    pub(super) step_bps: u16,
    /// At which part of what is offered it stands still.
    pub(super) target_bps: u16,
    /// How many units read weigh one that is written. Zero where there is no class.
    pub(super) inputs_per_output: u32,
    /// Whether nothing new begins in it.
    pub(super) is_closed: bool,
}

/// The level of a class in a region. What it is in later epochs follows from this alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Cell {
    /// The epoch of `level`; zero where nobody has come yet.
    pub(super) epoch: u64,
    /// What the level is in it.
    pub(super) level: u64,
    /// What it was in the epoch before.
    pub(super) level_before: u64,
    /// Work that was claimed in it.
    pub(super) used: u64,
    /// What offers could do in an epoch, as was seen last.
    pub(super) offered: u64,
}

/// What a machine offers of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Offer {
    /// Number of its last message; zero where there is no offer.
    pub(super) sequence: u64,
    /// Floors of a million units, from `floors_from` on.
    pub(super) input_floor: Assets,
    /// Of those that are written.
    pub(super) output_floor: Assets,
    /// Floors before.
    pub(super) input_before: Assets,
    /// Of those that are written.
    pub(super) output_before: Assets,
    /// From which epoch the floors count.
    pub(super) floors_from: u64,
    /// In which region it counts.
    pub(super) region: u32,
    /// What it adds to what is offered there.
    pub(super) offered: u64,
    /// Whether it may be bound.
    pub(super) is_open: bool,
}

/// Work of a machine in a class that was claimed, and that it has not worked off by what it can do in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Use {
    /// Of which epoch the last claim was.
    pub(super) epoch: u64,
    /// How much, as of that epoch.
    pub(super) work: u64,
    /// How much it might be when the machine claimed last.
    pub(super) allowed: u64,
    /// How much the machine could do in an epoch then.
    pub(super) per_epoch: u64,
}

impl Use {
    /// What is left of it in a later epoch. What the machine could do then is believed as long as what it can do now: whoever proves
    /// anew what he can is not held by what he could before.
    pub(super) fn left_at(&self, epoch: u64, per_epoch: u64) -> u64 {
        let epochs = epoch.saturating_sub(self.epoch);
        let done = self.per_epoch.max(per_epoch).saturating_mul(epochs);
        self.work.saturating_sub(done)
    }
}

/// A customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Customer {
    /// Units that are not bound.
    pub(super) free: Assets,
    /// Bound to channels.
    pub(super) bound: Assets,
    /// In claims that are not settled.
    pub(super) claimed: Assets,
    /// Paid, fees included.
    pub(super) paid: Assets,
    /// When units first came in for him.
    pub(super) since_ms: u64,
}

/// What a key may spend of its customer's units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Key {
    /// In all. What it bound and came back counts no more.
    pub(super) total: Assets,
    /// In a period. What it bound in the period that runs, and a machine released in it, counts no more.
    pub(super) per_period: Assets,
    /// How long a period is; zero where there is no key.
    pub(super) period_ms: u64,
    /// Until when.
    pub(super) until_ms: u64,
    /// What is bound, claimed or paid by its word.
    pub(super) spent: Assets,
    /// The period of `in_period`.
    pub(super) period: u64,
    /// What it bound in that period, less what of it came back.
    pub(super) in_period: Assets,
    /// Whether it is revoked.
    pub(super) is_revoked: bool,
}

/// What binds a customer to a machine. `held = bound + claimed + paid + returned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Channel {
    /// Whose units.
    pub(super) customer: Address,
    /// Who spends them.
    pub(super) key: Address,
    /// For whom.
    pub(super) machine: u64,
    /// For which work.
    pub(super) class: u32,
    /// Number of the last hold or closing; zero where there is no channel.
    pub(super) sequence: u64,
    /// Until when vouchers are signed.
    pub(super) until_ms: u64,
    /// The last epoch that was claimed.
    pub(super) claimed_epoch: u64,
    /// All that was ever bound.
    pub(super) held: Assets,
    /// What is bound and not claimed.
    pub(super) bound: Assets,
    /// In claims that are not settled.
    pub(super) claimed: Assets,
    /// Paid, fees included.
    pub(super) paid: Assets,
    /// Given back.
    pub(super) returned: Assets,
    /// The channel of this customer before; zero for his first.
    pub(super) previous: B256,
    /// What was bound in the period of its key that began at `fresh_from_ms`. Claims take what was bound before that first.
    pub(super) fresh: Assets,
    /// When that period began.
    pub(super) fresh_from_ms: u64,
}

/// A claim. The terms are those of the moment at which it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Claim {
    /// Of which channel.
    pub(super) channel: B256,
    /// Root of all its receipts.
    pub(super) root: B256,
    /// What decides which of them are audited; zero until it is drawn.
    pub(super) seed: B256,
    /// Of which machine.
    pub(super) machine: u64,
    /// In which class.
    pub(super) class: u32,
    /// Of which epoch.
    pub(super) epoch: u64,
    /// What all receipts cost.
    pub(super) cost: Assets,
    /// What the dearest costs.
    pub(super) largest: Assets,
    /// Units read.
    pub(super) input_units: u64,
    /// Units written.
    pub(super) output_units: u64,
    /// How many receipts there are.
    pub(super) receipts: u32,
    /// How many of them are audited; zero until it is drawn.
    pub(super) picks: u32,
    /// When it was made.
    pub(super) made_ms: u64,
    /// The block whose hash is the seed.
    pub(super) seed_block: u64,
    /// When it was drawn.
    pub(super) drawn_ms: u64,
    /// For so long receipts are shown.
    pub(super) show_ms: u64,
    /// For so long auditors commit.
    pub(super) commit_ms: u64,
    /// For so long they reveal.
    pub(super) reveal_ms: u64,
    /// How often a receipt is audited.
    pub(super) audit_ppm: u32,
    /// How many auditors must agree.
    pub(super) quorum: u8,
    /// How it ended; a [`Phase`](super::Phase), zero while it is open.
    pub(super) outcome: u8,
    /// Why, if it is void; a [`Fault`](super::Fault).
    pub(super) reason: u8,
    /// How often it could not be settled, in a row.
    pub(super) failures: u8,
    /// What of the bond stands for it.
    pub(super) slash: Assets,
    /// What is taken before it is paid.
    pub(super) fee: Assets,
    /// Price of a million units read, in its epoch.
    pub(super) input_price: Assets,
    /// Of those that are written.
    pub(super) output_price: Assets,
    /// The claim of this machine before; zero for its first.
    pub(super) previous: u64,
    /// What an auditor is paid for a finding, if there is as much.
    pub(super) audit_pay: Assets,
}

/// What one auditor said about one receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Finding {
    /// The commitment.
    pub(super) commitment: B256,
    /// Digest of what he computed.
    pub(super) witness: B256,
    /// Zero where the work is right, else a [`Fault`](super::Fault).
    pub(super) verdict: u8,
    /// Whether he showed it.
    pub(super) is_shown: bool,
}

/// How often an auditor was right, and what he has of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Auditor {
    /// Where a quorum found what he found.
    pub(super) agreed: u32,
    /// Where it found something else.
    pub(super) differed: u32,
    /// Where he committed and did not reveal.
    pub(super) silent: u32,
    /// What he has earned and not taken out.
    pub(super) owed: Assets,
    /// What he has earned in all.
    pub(super) earned: Assets,
}

/// What came of a machine's claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Standing {
    /// What of its bond stands for open claims.
    pub(super) reserved: Assets,
    /// What customers have bound to it, and what of that is in claims.
    pub(super) funded: Assets,
    /// What it was paid, without fees.
    pub(super) earned: Assets,
    /// What its bond lost here.
    pub(super) slashed: Assets,
    /// Claims that were paid.
    pub(super) claims_paid: u64,
    /// Claims that were void.
    pub(super) claims_void: u64,
    /// Receipts that were paid.
    pub(super) receipts_paid: u64,
    /// Receipts that were void.
    pub(super) receipts_void: u64,
    /// Why the last was void.
    pub(super) last_reason: u8,
    /// When.
    pub(super) last_void_ms: u64,
    /// Its last claim; zero for none.
    pub(super) last_claim: u64,
}

/// Everything that may be tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub struct Params {
    /// In which asset jobs are paid. Never changes.
    pub asset: AssetId,
    /// How long an epoch is. Never changes.
    pub epoch_ms: u64,
    /// How far in the future a hold may end.
    pub hold_ms: u64,
    /// How long receipts that were picked are shown.
    pub show_ms: u64,
    /// How long auditors commit.
    pub commit_ms: u64,
    /// How long they reveal.
    pub reveal_ms: u64,
    /// How many of a million receipts are audited.
    pub audit_ppm: u32,
    /// How many of a million cheats an audit finds.
    pub detect_ppm: u32,
    /// What of a claim is a fee, in hundredths of a percent.
    pub fee_bps: u16,
    /// And what of each claim beside that.
    pub fee_flat: Assets,
    /// Work of an epoch that a machine on probation may claim, and how far one that has proven less may be ahead of that.
    pub probation_units: u64,
    /// How many auditors must agree.
    pub quorum: u8,
    /// What an auditor is paid at most for each pick of which he found what a quorum found.
    pub audit_pay: Assets,
}

/// Everything that `jobs` stores.
#[derive(Layout)]
pub(crate) struct JobsState {
    /// Numbers of all classes.
    #[tag(1)]
    pub(super) class_ids: List<u32, CLASSES_MAX>,
    /// Each of them.
    #[tag(2)]
    pub(super) classes: Map<u32, Record<Class>>,
    /// Levels, by class and region.
    #[tag(3)]
    pub(super) cells: Map<(u32, u32), Record<Cell>>,
    /// Machines that offer, or offered, a class.
    #[tag(4)]
    pub(super) sellers: Map<u32, List<u64, OFFERS_MAX>>,
    /// What they offer, by machine and class.
    #[tag(5)]
    pub(super) offers: Map<(u64, u32), Record<Offer>>,
    /// Where they answer.
    #[tag(6)]
    pub(super) endpoints: Map<(u64, u32), Text<ENDPOINT_BYTES_MAX>>,
    /// What they claimed and have not worked off, by machine and class.
    #[tag(7)]
    pub(super) uses: Map<(u64, u32), Record<Use>>,
    /// Customers.
    #[tag(8)]
    pub(super) customers: Map<Address, Record<Customer>>,
    /// The last channel of each.
    #[tag(9)]
    pub(super) last_channels: Map<Address, Value<B256>>,
    /// Keys of each.
    #[tag(10)]
    pub(super) key_lists: Map<Address, List<Address, KEYS_MAX>>,
    /// What each may spend, by customer and key.
    #[tag(11)]
    pub(super) keys: Map<(Address, Address), Record<Key>>,
    /// Channels.
    #[tag(12)]
    pub(super) channels: Map<B256, Record<Channel>>,
    /// Claims that ever were; their numbers count from one.
    #[tag(13)]
    pub(super) claim_count: Value<u64>,
    /// Each of them.
    #[tag(14)]
    pub(super) claims: Map<u64, Record<Claim>>,
    /// In which second the block must look at a claim; zero for never.
    #[tag(15)]
    pub(super) dues: Map<u64, Value<u32>>,
    /// Digests of receipts that were picked and shown, by claim and pick.
    #[tag(16)]
    pub(super) shown: Map<(u64, u32), Value<B256>>,
    /// Auditors of each pick.
    #[tag(17)]
    pub(super) panels: Map<(u64, u32), List<Address, AUDITORS_MAX>>,
    /// What they said.
    #[tag(18)]
    pub(super) findings: Map<((u64, u32), Address), Record<Finding>>,
    /// How often each was right, and what he earned.
    #[tag(19)]
    pub(super) auditors: Map<Address, Record<Auditor>>,
    /// What came of machines' claims.
    #[tag(20)]
    pub(super) standings: Map<u64, Record<Standing>>,
    /// Units of customers: free, bound and claimed, of all together.
    #[tag(21)]
    pub(super) escrow: Balance,
    /// Parameters in force, or that were until the next ones count.
    #[tag(22)]
    pub(super) config: Record<Params>,
    /// Parameters that follow.
    #[tag(23)]
    pub(super) next_config: Record<Params>,
    /// When they do; zero if none do.
    #[tag(24)]
    pub(super) next_from_ms: Value<u64>,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    #[tag(25)]
    pub(super) paused: Value<u8>,
    /// Work that was claimed of epochs before that of `uses`, by machine, class and epoch: only of those that may be claimed late.
    #[tag(26)]
    pub(super) late_uses: Map<((u64, u32), u64), Record<Use>>,
    /// What each cell was before the first claims that were late, by class and region: the levels of their epochs follow from it.
    #[tag(27)]
    pub(super) late_cells: Map<(u32, u32), Record<Cell>>,
}
