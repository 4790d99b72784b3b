//! What is promised: room in a channel, in what may be claimed of the epoch, and in the bond.

use std::sync::Arc;

use alloy_primitives::{Address, B256};

use super::{Desk, State};
use crate::{
    keys::{Ledger, Put, Written},
    tab::{
        Market, Turned,
        desk::line::{Line, Weight},
        terms::{Kept, Owed, Rate, Said},
    },
};

/// Room that a request has in its channel; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Promise {
    desk: Arc<Desk>,
    channel: B256,
    pub(crate) key: Address,
    pub(crate) rate: Rate,
    cost: u128,
    work: u64,
}

impl Drop for Promise {
    fn drop(&mut self) {
        let mut state = self.desk.state.lock();
        state.promised_work = state.promised_work.saturating_sub(self.work);
        if let Some(line) = state.lines.get_mut(&self.channel) {
            line.at_work = line.at_work.saturating_sub(1);
            line.promised = line.promised.saturating_sub(self.cost);
        }
    }
}

impl Desk {
    /// Room for a request that reads and writes so many units at most.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) fn promise(
        self: &Arc<Self>,
        said: &Said,
        input_max: u64,
        output_max: u64,
    ) -> Result<Promise, Turned> {
        if !self.setup.is_sold {
            return Err(Turned::NotSold);
        }
        // The bond is held until the book says what was promised: no other desk promises meanwhile.
        let bond = self.bond.lock();
        let market = self.market(&self.state.lock())?;
        let bond_left = bond.left_for(self, &market);
        let mut state = self.state.lock();
        let too_much = Turned::Dearer {
            need: u128::MAX,
            most: said.most,
        };
        let cost = market.rate.cost_up(input_max, output_max).ok_or(too_much)?;
        let work = self.work_up(input_max, output_max);
        // By the clock by which work is booked when it ends ([`Promise::priced`]): what is looked at is what it is added to.
        let left_work = self.left(&state, &market).saturating_add(work);
        let stands = self.stands_for(&state, &market, Some((said.channel, cost)));
        let line = state.lines.get_mut(&said.channel);
        let line = line.ok_or(Turned::NoChannel)?;
        if line.is_closed {
            return Err(Turned::Closed);
        }
        if self.epoch_at(market.now_ms()) >= line.last_epoch {
            return Err(Turned::HoldOver);
        }
        if line.at_work.saturating_add(line.unsigned()) >= self.setup.unsigned_max {
            return Err(Turned::Unsigned);
        }
        let left = line.bound.saturating_sub(line.committed());
        if cost > left {
            return Err(Turned::NotBound { need: cost, left });
        }
        if cost > said.most {
            let (need, most) = (cost, said.most);
            return Err(Turned::Dearer { need, most });
        }
        if left_work > market.work.ahead || stands > bond_left {
            return Err(Turned::SoldOut);
        }
        line.at_work = line.at_work.saturating_add(1);
        line.promised = line.promised.saturating_add(cost);
        let key = line.key;
        state.promised_work = state.promised_work.saturating_add(work);
        Ok(Promise {
            desk: Arc::clone(self),
            channel: said.channel,
            key,
            rate: market.rate,
            cost,
            work,
        })
    }

    pub(super) fn work_up(&self, input: u64, output: u64) -> u64 {
        let inputs = input.div_ceil(u64::from(self.setup.inputs_per_output).max(1));
        output.saturating_add(inputs)
    }

    /// What will be left of claimed work when all that is sold is claimed. What is late is taken for work of the last epoch.
    fn left(&self, state: &State, market: &Market) -> u64 {
        let (first, now) = (self.first_claimable(market), self.epoch_at(market.time_ms));
        let mut before = market.work.used;
        let mut own = state.promised_work;
        for line in state.lines.values() {
            for epoch in line.open_epochs(first, now) {
                before = before.saturating_add(self.work_of(line, epoch));
            }
            own = own.saturating_add(self.work_of(line, now));
        }
        before
            .saturating_sub(market.work.per_epoch)
            .saturating_add(own)
    }

    /// Work of an epoch that is signed or owed in a channel, and not claimed.
    fn work_of(&self, line: &Line, epoch: u64) -> u64 {
        let units = line.units(epoch).into_iter();
        let work = units.map(|(input, output)| self.work_up(input, output));
        work.fold(0, u64::saturating_add)
    }

    /// The same of what there is.
    pub(super) fn stands(&self, market: &Market) -> u128 {
        self.stands_for(&self.state.lock(), market, None)
    }

    /// What of the bond claims will reserve for what is signed, owed and promised, and for one more request of a channel. What
    /// is at work is taken for one receipt as dear as all of it together, and each request for a receipt.
    fn stands_for(&self, state: &State, market: &Market, more: Option<(B256, u128)>) -> u128 {
        let (first, now) = (self.first_claimable(market), self.epoch_at(market.time_ms));
        let of_line = |(channel, line): (&B256, &Line)| {
            let mut at_work = Weight {
                cost: line.promised,
                largest: line.promised,
                receipts: line.at_work,
            };
            if let Some((_, cost)) = more.filter(|(other, _)| other == channel) {
                at_work = at_work.joined(&Weight {
                    cost,
                    largest: at_work.largest.saturating_add(cost),
                    receipts: 1,
                });
            }
            let before = line.open_epochs(first, now).into_iter();
            let before = before.map(|epoch| line.weight(epoch).stands(market));
            let own = line.weight(now);
            let stands: u128 = before.fold(0, u128::saturating_add);
            stands.saturating_add(own.stands_beside(&at_work, market))
        };
        let lines = state.lines.iter().map(of_line);
        lines.fold(0, u128::saturating_add)
    }
}

impl Promise {
    /// The desk.
    pub(crate) const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The epoch that work belongs to that ends now, and its price: the lower of the one that was promised and the present.
    pub(crate) fn priced(&self) -> (u64, Rate) {
        let state = self.desk.state.lock();
        let seen = state.market.as_ref();
        let epoch = seen.map_or(0, |seen| self.desk.epoch_at(seen.time_ms));
        let now = seen.map_or(self.rate, |seen| seen.rate);
        (epoch, self.rate.least(&now))
    }

    /// The answer was given: it waits for the key's word, on disk together with its receipt. Answers what waits: of the present
    /// epoch, if its own was shut since it was priced.
    pub(crate) fn owe(
        self,
        ledger: &Ledger,
        mut owed: Owed,
        mut puts: Vec<Put>,
        kept: &Kept,
    ) -> (Owed, Written) {
        let mut state = self.desk.state.lock();
        let seen_ms = state.market.map(|seen| seen.time_ms);
        if let Some(line) = state.lines.get_mut(&self.channel) {
            if line.is_late(&owed) {
                owed.epoch = seen_ms.map_or(owed.epoch, |seen_ms| self.desk.epoch_at(seen_ms));
            }
            puts.push(Put::receipt(&owed.signed));
            puts.push(Put::kept(&owed.signed.id, kept));
            line.owed.push(owed.clone());
            puts.push(Put::line(&line.record(self.channel)));
        }
        // The room is given back below, when nobody holds the book.
        (owed, ledger.write(puts))
    }
}
