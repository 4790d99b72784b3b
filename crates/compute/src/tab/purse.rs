//! A customer's side of channels: what he asks, what he believes of a receipt, and what he signs for.
//!
//! A customer signs a voucher for what he asked and got, and for nothing else. What he signed before he can have from the
//! machine again, under his own signature; so he keeps nothing on disk but what he asked (`network`).

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{
    Court, Tally, channel_of,
    terms::{Owed, Raise, Rate, Said, Standing, in_hex, of_hex},
    voucher::Errand,
};
use crate::receipt::{Outcome, ReceiptError};

/// What was agreed when something was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dealt {
    /// Who signs receipts of this machine.
    pub machine: Address,
    /// The program of the class.
    pub program: B256,
    /// What units cost, as the chain said.
    pub rate: Rate,
    /// What the answer may cost at most, in smallest units.
    #[serde(with = "crate::receipt::digits")]
    pub most: u128,
    /// Hash of the canonical request.
    pub input: B256,
    /// Units that may be read at most.
    pub input_max: u64,
    /// Units that may be written at most.
    pub output_max: u64,
}

/// What came, as the customer saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Got {
    /// Hash of the canonical answer.
    pub output: B256,
    /// Bytes of its text.
    pub text_bytes: u64,
    /// How many answers.
    pub n: u64,
}

/// Why a customer does not sign for a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It is no receipt.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// It is of something else.
    #[error("the receipt is of another {0}")]
    Other(&'static str),
    /// It says that the answer is not whole.
    #[error("the receipt is of an answer that is not whole, and costs {0}")]
    NotWhole(u128),
    /// It counts what cannot be.
    #[error("the receipt counts {input} units read and {output} written, more than there can be")]
    Miscounted {
        /// Read.
        input: u64,
        /// Written.
        output: u64,
    },
    /// It costs more than was agreed.
    #[error("the receipt costs {cost}, and {most} were agreed for what it counts")]
    Overcharged {
        /// As it says.
        cost: u128,
        /// As agreed.
        most: u128,
    },
}

/// Tokens of an answer that carry no text.
const SILENT_UNITS: u64 = 16;

impl Dealt {
    /// Whether a receipt is of what was asked, says what came, and costs what was agreed.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, key: Address, owed: &Owed, got: Option<&Got>) -> Result<(), Doubt> {
        owed.signed.verify()?;
        let receipt = &owed.signed.receipt;
        let same = [
            ("machine", receipt.machine == self.machine),
            ("program", receipt.program == self.program),
            ("payer", receipt.payer == key.into_word()),
            ("request", receipt.input == self.input),
            ("answer", got.is_none_or(|got| got.output == receipt.output)),
        ];
        if let Some((what, _)) = same.iter().find(|(_, is_same)| !is_same) {
            return Err(Doubt::Other(what));
        }
        self.check_cost(owed, got)
    }

    fn check_cost(&self, owed: &Owed, got: Option<&Got>) -> Result<(), Doubt> {
        let receipt = &owed.signed.receipt;
        let (input, output) = (receipt.inputUnits, receipt.outputUnits);
        // Only whole answers are computed again by auditors: whoever signs for another pays for what nobody looks at. One that
        // the customer himself left is owed as far as it came.
        let is_whole = receipt.outcome == Outcome::Whole.number();
        let was_left = got.is_none() && receipt.outcome == Outcome::ClientLeft.number();
        if !is_whole && !was_left {
            return Err(Doubt::NotWhole(receipt.cost));
        }
        let seen = got.map_or(u64::MAX, |got| {
            let silent = SILENT_UNITS.saturating_mul(got.n);
            got.text_bytes.saturating_add(silent)
        });
        // A machine whose server counted what cannot be says so itself, as long as it is honest.
        let is_cut = owed
            .signed
            .notes
            .get("usage")
            .is_some_and(|by| by == "bounded");
        if is_cut || input > self.input_max || output > self.output_max.min(seen) {
            return Err(Doubt::Miscounted { input, output });
        }
        let agreed = self.rate.cost_up(input, output).unwrap_or(0);
        let most = agreed.min(self.most);
        if receipt.cost > most {
            let cost = receipt.cost;
            return Err(Doubt::Overcharged { cost, most });
        }
        Ok(())
    }
}

/// A channel as its customer knows it.
#[derive(Debug, Default)]
struct Open {
    tallies: BTreeMap<u64, Tally>,
    /// Words that a machine may not have heard.
    unheard: Vec<Raise>,
    last_ms: u64,
}

/// The spending key and what it signed.
#[derive(Debug)]
pub struct Purse {
    customer: Address,
    key: PrivateKeySigner,
    court: Court,
    open: Mutex<BTreeMap<B256, Open>>,
}

impl Purse {
    /// A key of a customer, at a court.
    pub fn new(customer: Address, key: PrivateKeySigner, court: Court) -> Self {
        Self {
            customer,
            key,
            court,
            open: Mutex::default(),
        }
    }

    /// Who signs.
    pub const fn key(&self) -> &PrivateKeySigner {
        &self.key
    }

    /// Whose units.
    pub const fn customer(&self) -> Address {
        self.customer
    }

    /// Where vouchers are settled.
    pub const fn court(&self) -> Court {
        self.court
    }

    /// The channel at a machine.
    pub fn channel(&self, machine_id: u64, class_id: u32) -> B256 {
        channel_of(self.customer, self.key.address(), machine_id, class_id)
    }

    /// The key's word for something that is sent. Times of a channel rise.
    pub fn errand(&self, channel: B256, body: &[u8], most: u128, now_ms: u64) -> Option<Said> {
        let time_ms = {
            let mut all = self.open.lock();
            let open = all.entry(channel).or_default();
            open.last_ms = now_ms.max(open.last_ms.saturating_add(1));
            open.last_ms
        };
        let errand = Errand {
            channel,
            body: alloy_primitives::keccak256(body),
            timeMs: time_ms,
            most,
        };
        let word = self.court.sign(&errand, &self.key).ok()?;
        Some(Said {
            channel,
            time_ms,
            most,
            word,
        })
    }

    /// Learns from the machine what this key signed, where a process before this one did. Signatures of others count nothing.
    pub fn take_up(&self, channel: B256, standing: &Standing) {
        let mut all = self.open.lock();
        let open = all.entry(channel).or_default();
        for page in &standing.pages {
            let word = of_hex(&page.word);
            let is_own = page.voucher.channel == channel
                && word.is_some_and(|word| {
                    let who = self.key.address();
                    self.court.is_said(&page.voucher, who, &word)
                });
            let known = open.tallies.get(&page.voucher.epoch);
            let known = known.map_or(0, |tally| tally.leaves().len());
            let read = Tally::of(page.voucher.clone(), page.leaves.clone());
            if let Some(tally) = read.filter(|tally| is_own && tally.leaves().len() > known) {
                open.tallies.insert(tally.epoch(), tally);
            }
        }
    }

    /// Signs for receipts that were checked. It is to be sent until the machine has heard it ([`Self::unheard`]).
    pub fn sign(&self, channel: B256, owed: &Owed) -> Option<Raise> {
        let mut all = self.open.lock();
        let open = all.entry(channel).or_default();
        let tally = open.tallies.entry(owed.epoch);
        let tally = tally.or_insert_with(|| Tally::new(channel, owed.epoch));
        let id = owed.signed.id;
        if tally.leaves().contains(&id) {
            return None;
        }
        let voucher = tally.raised([&owed.signed.receipt])?;
        let word = self.court.sign(&voucher, &self.key).ok()?;
        // It had room just now.
        let _ = tally.push(&owed.signed.receipt);
        let raise = Raise {
            epoch: owed.epoch,
            adds: vec![id],
            word: Some(in_hex(&word)),
            declines: Vec::new(),
        };
        open.unheard.push(raise.clone());
        Some(raise)
    }

    /// Words that the machine of a channel may not have heard, the oldest first.
    pub fn unheard(&self, channel: B256) -> Vec<Raise> {
        let all = self.open.lock();
        all.get(&channel)
            .map(|open| open.unheard.clone())
            .unwrap_or_default()
    }

    /// The machine has heard one.
    pub fn heard(&self, channel: B256, raise: &Raise) {
        if let Some(open) = self.open.lock().get_mut(&channel) {
            open.unheard.retain(|other| other != raise);
        }
    }

    /// What was signed and is not claimed, after an epoch.
    pub fn signed_after(&self, channel: B256, epoch: u64) -> u128 {
        let mut all = self.open.lock();
        let Some(open) = all.get_mut(&channel) else {
            return 0;
        };
        // What is claimed, or too old to be, is owed no more.
        open.tallies = open.tallies.split_off(&epoch.saturating_add(1));
        open.tallies.values().map(Tally::cost).sum()
    }
}
