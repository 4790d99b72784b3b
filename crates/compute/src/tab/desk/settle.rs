//! What is signed, and claimed: the key's word for receipts, vouchers on their way to the chain, receipts that are shown.

use std::collections::BTreeSet;

use alloy_primitives::{B256, Signature};

use super::{
    Desk, State, Turned,
    line::{Line, Sheet},
};
use crate::{
    keys::{Ledger, Put, Written},
    receipt::Signed,
    tab::{
        LeafRecord, Tally, Voucher,
        terms::{Owed, Page, Raise, Said, Standing, in_hex, of_hex},
    },
};

/// A voucher that may be claimed, with both words.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimable {
    /// What is owed.
    pub voucher: Voucher,
    /// The spending key's word.
    pub by_key: Signature,
    /// The machine's.
    pub by_machine: Signature,
}

impl Desk {
    /// How a channel stands, for its key.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) async fn standing(&self, said: &Said) -> Result<Standing, Turned> {
        self.admit(said, &[]).await?;
        let state = self.state.lock();
        let line = state.lines.get(&said.channel).ok_or(Turned::NoChannel)?;
        let page = |sheet: &Sheet| {
            Some(Page {
                leaves: sheet.tally.leaves().to_vec(),
                voucher: sheet.tally.voucher()?.clone(),
                word: in_hex(&sheet.word?),
            })
        };
        let open = line.sheets.values().filter(|sheet| !sheet.is_claimed);
        Ok(Standing {
            pages: open.filter_map(page).collect(),
            owed: line.owed.clone(),
            at_work: line.at_work,
        })
    }

    /// Takes the key's word for receipts, or that it will not sign for them. What it changes is on disk when the answer is.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) fn raise(
        &self,
        ledger: &Ledger,
        channel: B256,
        raise: &Raise,
    ) -> Result<Written, Turned> {
        let mut state = self.state.lock();
        let line = state.lines.get_mut(&channel).ok_or(Turned::NoChannel)?;
        let mut puts = Vec::new();
        if !raise.adds.is_empty() {
            puts = self.sign(line, channel, raise)?;
        }
        for id in &raise.declines {
            let at = line.owed.iter().position(|owed| owed.signed.id == *id);
            let Some(owed) = at.map(|at| line.owed.remove(at)) else {
                continue;
            };
            if line.is_late(&owed) {
                line.lose(1);
            } else {
                // An answer that died with this program is its own loss; any other was given.
                line.is_closed |= !line.left_over.contains(id);
            }
        }
        puts.push(Put::line(&line.record(channel)));
        Ok(ledger.write(puts))
    }

    fn sign(&self, line: &mut Line, channel: B256, raise: &Raise) -> Result<Vec<Put>, Turned> {
        let word = raise.word.as_deref().and_then(of_hex);
        let word = word.ok_or(Turned::OtherVoucher)?;
        let before = line.sheets.get(&raise.epoch);
        // The same word again: the answer to the first was lost.
        let is_heard = before.is_some_and(|sheet| {
            sheet.word == Some(word) && sheet.tally.leaves().ends_with(&raise.adds)
        });
        if is_heard {
            return Ok(Vec::new());
        }
        // The contract takes a receipt that is under a voucher twice for work that was sold twice.
        let distinct: BTreeSet<&B256> = raise.adds.iter().collect();
        let is_fixed = before.is_some_and(|sheet| sheet.is_shut || sheet.is_claimed);
        if is_fixed || distinct.len() != raise.adds.len() {
            return Err(Turned::OtherVoucher);
        }
        let find = |id: &B256| {
            let mut owed = line.owed.iter();
            owed.find(|owed| owed.signed.id == *id && owed.epoch == raise.epoch)
        };
        let added: Option<Vec<&Owed>> = raise.adds.iter().map(find).collect();
        let added = added.ok_or(Turned::OtherVoucher)?;
        let sheet = line.sheets.entry(raise.epoch).or_insert_with(|| Sheet {
            tally: Tally::new(channel, raise.epoch),
            ..Sheet::default()
        });
        let receipts = || added.iter().map(|owed| &owed.signed.receipt);
        let voucher = sheet.tally.raised(receipts());
        let is_said =
            voucher.is_some_and(|voucher| self.setup.court.is_said(&voucher, line.key, &word));
        if !is_said {
            return Err(Turned::OtherVoucher);
        }
        let mut puts = Vec::new();
        for owed in &added {
            let index = u32::try_from(sheet.tally.leaves().len()).unwrap_or(u32::MAX);
            // The voucher was made of them just now.
            let _ = sheet.tally.push(&owed.signed.receipt);
            puts.push(Put::leaf(&LeafRecord {
                channel,
                epoch: raise.epoch,
                index,
                receipt: owed.signed.id,
            }));
        }
        sheet.word = Some(word);
        puts.push(Put::sheet(&sheet.record(channel, raise.epoch)));
        line.owed
            .retain(|owed| !raise.adds.contains(&owed.signed.id));
        Ok(puts)
    }

    /// What is signed of an epoch, of all channels.
    pub fn signed(&self, epoch: u64) -> Vec<Voucher> {
        let state = self.state.lock();
        let sheets = state
            .lines
            .values()
            .filter_map(|line| line.sheets.get(&epoch));
        let vouchers = sheets.filter_map(|sheet| sheet.tally.voucher());
        vouchers.cloned().collect()
    }

    /// Channels that it knows.
    pub fn channels(&self) -> Vec<B256> {
        self.state.lock().lines.keys().copied().collect()
    }

    /// Vouchers of the epoch that is over, which may be claimed now, and are raised no more; of each channel the earliest, where the
    /// chain stood still and several may be. While answers of the last one wait for their word, half of the next epoch is waited. They are sent once it is on disk that they were handed out, if that is new.
    pub fn claimable(&self, ledger: &Ledger) -> (Vec<Claimable>, Option<Written>) {
        let (ready, puts) = self.hand_out(ledger);
        // A machine looks each second, and mostly nothing is new.
        let written = (!puts.is_empty()).then(|| ledger.write(puts));
        (ready, written)
    }

    fn hand_out(&self, ledger: &Ledger) -> (Vec<Claimable>, Vec<Put>) {
        let (mut ready, mut puts) = (Vec::new(), Vec::new());
        let mut state = self.state.lock();
        // The clock by which answers are booked: an epoch that one of them may still be booked to is not shut.
        let Some(market) = state.market else {
            return (ready, puts);
        };
        let (first, now) = (self.first_claimable(&market), self.epoch_at(market.time_ms));
        let is_late =
            market.time_ms.checked_rem(self.setup.epoch_ms) > Some(self.setup.epoch_ms / 2);
        let signer = ledger.machine().signer();
        for (channel, line) in &mut state.lines {
            let owed: BTreeSet<u64> = line.owed.iter().map(|owed| owed.epoch).collect();
            for (&epoch, sheet) in line.sheets.range_mut(first..now) {
                let is_last = epoch.saturating_add(1) == now;
                if sheet.is_claimed || (is_last && !is_late && owed.contains(&epoch)) {
                    continue;
                }
                if !sheet.is_shut {
                    sheet.is_shut = true;
                    puts.push(Put::sheet(&sheet.record(*channel, epoch)));
                }
                let (Some(voucher), Some(by_key)) = (sheet.tally.voucher(), sheet.word) else {
                    continue;
                };
                if let Ok(by_machine) = self.setup.court.sign(voucher, signer) {
                    ready.push(Claimable {
                        voucher: voucher.clone(),
                        by_key,
                        by_machine,
                    });
                }
                // An earlier epoch is claimed first: the chain takes none behind a later one.
                break;
            }
        }
        (ready, puts)
    }

    /// A voucher was claimed.
    pub fn claimed(&self, ledger: &Ledger, channel: B256, epoch: u64) {
        let mut bond = self.bond.lock();
        let mut state = self.state.lock();
        let market = state.market;
        let Some(line) = state.lines.get_mut(&channel) else {
            return;
        };
        line.claimed_epoch = line.claimed_epoch.max(epoch);
        let Some(sheet) = line.sheets.get_mut(&epoch) else {
            return;
        };
        // What stands for it is the chain's to reckon from now on, and is not free there before that is seen.
        bond.hand_over(market.map_or(0, |market| sheet.stands(&market)));
        let work = self.hand_over(sheet);
        ledger.write(vec![Put::sheet(&sheet.record(channel, epoch))]);
        if let Some(market) = &mut state.market {
            market.work.count(work);
        }
    }

    /// Channels with vouchers that were handed out and are too old to be claimed, of which it is not known whether they were: a
    /// program that sent a claim may have died, or lost its node, before it knew. Whoever asks the chain tells [`Self::bound`], and
    /// then that the rest has lapsed.
    pub fn doubtful(&self) -> Vec<B256> {
        let state = self.state.lock();
        let Some(last) = self.claimable_from(&state) else {
            return Vec::new();
        };
        let in_doubt = state.lines.iter().filter(|(_, line)| {
            let mut before = line.sheets.range(..last);
            before.any(|(_, sheet)| !sheet.is_claimed)
        });
        in_doubt.map(|(channel, _)| *channel).collect()
    }

    /// Vouchers of a channel that are too old to be claimed and were not are owed no more: the chain was asked after their time.
    pub fn lapsed(&self, channel: B256) {
        let mut state = self.state.lock();
        let last = self.claimable_from(&state);
        if let (Some(last), Some(line)) = (last, state.lines.get_mut(&channel)) {
            line.sheets
                .retain(|epoch, sheet| sheet.is_claimed || *epoch >= last);
        }
    }

    fn claimable_from(&self, state: &State) -> Option<u64> {
        Some(self.first_claimable(&state.market?))
    }

    /// The receipt of a pick, with its way up; none if it is not here.
    pub fn shown(
        &self,
        ledger: &Ledger,
        channel: B256,
        epoch: u64,
        index: u32,
    ) -> Option<(Signed, Vec<B256>)> {
        let (id, proof) = {
            let state = self.state.lock();
            let sheet = state.lines.get(&channel)?.sheets.get(&epoch)?;
            let index = usize::try_from(index).ok()?;
            (*sheet.tally.leaves().get(index)?, sheet.tally.proof(index))
        };
        Some((ledger.receipt(&id).ok()??, proof))
    }

    /// Channels whose customers can use them no more, with nothing left to claim: their units may go back.
    pub fn over(&self) -> Vec<B256> {
        let state = self.state.lock();
        let Some(market) = state.market else {
            return Vec::new();
        };
        let epoch = self.epoch_at(market.now_ms());
        // As of what was seen: what may be claimed since then no more is known at the next look.
        let first = self.first_claimable(&market);
        let is_over = |line: &Line| {
            let mut sheets = line.sheets.range(first..);
            let waits = sheets.any(|(_, sheet)| !sheet.is_claimed);
            let is_idle = line.at_work == 0 && !waits && line.bound > 0;
            is_idle && (line.is_closed || epoch > line.last_epoch)
        };
        let over = state.lines.iter().filter(|(_, line)| is_over(line));
        over.map(|(channel, _)| *channel).collect()
    }
}
