//! Streams: what flowed to whom, and whose debt it pays.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, INCOME, Model, UNITS},
};
use crate::{
    streams::{
        ASSIGNED_MAX,
        IStreams::{
            StreamsAssigned, StreamsFinal, StreamsNotOwner, StreamsNotPayer, StreamsNothingDue,
            StreamsOtherOwner, StreamsStopped, StreamsTooManyAssigned, StreamsUnknown,
        },
        POT,
    },
    testkit::{market::no, stream::Stream},
};

#[derive(Clone, Default)]
pub(super) struct Streams {
    pub(super) all: BTreeMap<u64, (u32, Stream)>,
    /// Streams that pay the debts of an account, in the order in which they are asked.
    pledges: BTreeMap<AccountId, Vec<u64>>,
    pub(super) made: u64,
}

impl Streams {
    pub(super) fn go(&mut self, now_ms: u64) {
        for (_, stream) in self.all.values_mut() {
            stream.advance(now_ms);
        }
    }

    /// Forgets those that will never pay again: nobody names them any more.
    pub(super) fn forget_spent(&mut self) {
        self.all.retain(|_, (_, stream)| {
            let has_ended = stream.is_stopped || stream.flowed() == stream.paid;
            !has_ended || stream.due() > 0 || stream.assigned.is_some()
        });
    }

    pub(super) fn of_asset(&self, who: AccountId, asset: u32) -> Vec<u64> {
        let pledges = self.pledges.get(&who).into_iter().flatten().copied();
        pledges.filter(|id| self.all[id].0 == asset).collect()
    }

    /// Streams that pay the debts of an account.
    pub(super) fn of(&self, who: AccountId) -> Vec<u64> {
        self.pledges.get(&who).cloned().unwrap_or_default()
    }

    pub(super) fn due_of(&self, who: AccountId, asset: u32) -> U256 {
        let ids = self.of_asset(who, asset).into_iter();
        n(ids.map(|id| self.all[&id].1.due()).sum())
    }

    pub(super) fn known(&self, id: u64) -> Answer<&(u32, Stream)> {
        match self.all.get(&id) {
            Some(stream) => Ok(stream),
            None => no(&StreamsUnknown { streamId: id }),
        }
    }

    fn stream(&mut self, id: u64) -> &mut Stream {
        &mut self.all.get_mut(&id).expect("known").1
    }

    fn tie(&mut self, id: u64, account: AccountId) -> Answer<()> {
        let pledges = self.pledges.entry(account).or_default();
        let max = usize::try_from(ASSIGNED_MAX).expect("small");
        if pledges.len() >= max {
            return no(&StreamsTooManyAssigned {
                account: account.owner,
                index: account.index,
                max: U256::from(ASSIGNED_MAX),
            });
        }
        pledges.push(id);
        self.stream(id).assigned = Some(account);
        Ok(())
    }

    /// The last one takes its place.
    fn untie(&mut self, id: u64) {
        let account = self.stream(id).assigned.take().expect("assigned");
        let pledges = self.pledges.get_mut(&account).expect("pledged");
        let place = pledges.iter().position(|one| *one == id);
        pledges.swap_remove(place.expect("pledged"));
    }

    fn untie_if_spent(&mut self, id: u64) {
        let stream = self.stream(id);
        let is_spent = stream.is_stopped && stream.collected == stream.paid;
        if is_spent && stream.assigned.is_some() {
            self.untie(id);
        }
    }

    pub(super) fn move_all(&mut self, asset: u32, from: AccountId, to: AccountId) -> Answer<()> {
        for id in self.of_asset(from, asset) {
            self.untie(id);
            self.tie(id, to)?;
        }
        Ok(())
    }
}

impl Model {
    /// Pays up to an amount of what is due to whom it flows now.
    pub(super) fn collect_up_to(&mut self, id: u64, most: U256) -> Answer<U256> {
        let (asset, stream) = self.streams.all.get_mut(&id).expect("known");
        let (asset, to) = (*asset, stream.assigned.unwrap_or(stream.owner));
        let units = n(stream.due()).min(most);
        if units.is_zero() {
            return Ok(units);
        }
        stream.collected += units.to::<u128>();
        self.streams.untie_if_spent(id);
        self.shift(asset, POT, to, units)?;
        Ok(units)
    }

    pub(super) fn assign(&mut self, caller: Address, account: AccountId, id: u64) -> Answer<()> {
        let (asset, stream) = self.streams.known(id)?.clone();
        self.authorised(stream.owner, caller)?;
        if let Some(there) = stream.assigned {
            return no(&StreamsAssigned {
                streamId: id,
                account: there.owner,
                index: there.index,
            });
        }
        if account.owner != stream.owner.owner {
            return no(&StreamsOtherOwner {
                streamId: id,
                owner: stream.owner.owner,
                account: account.owner,
            });
        }
        if stream.is_stopped && stream.collected == stream.paid {
            return no(&StreamsStopped { streamId: id });
        }
        self.streams.tie(id, account)?;
        self.note(account, asset, INCOME);
        Ok(())
    }

    pub(super) fn collect(&mut self, account: AccountId, id: u64) -> Answer<U256> {
        let (asset, stream) = self.streams.known(id)?;
        let (asset, to) = (*asset, stream.assigned.unwrap_or(stream.owner));
        if to != account {
            return no(&AccountOtherStream {
                streamId: id,
                owner: to.owner,
                index: to.index,
            });
        }
        let came = self.bring(id)?;
        self.note(account, asset, UNITS);
        Ok(came)
    }

    /// By anybody; units count where the asset stands already.
    pub(super) fn collect_for_anyone(&mut self, id: u64) -> Answer<U256> {
        let (asset, stream) = self.streams.known(id)?;
        let (asset, to) = (*asset, stream.assigned.unwrap_or(stream.owner));
        let came = self.bring(id)?;
        if self.kinds(to, asset) != 0 {
            self.note(to, asset, UNITS);
        }
        self.end_offer(to);
        Ok(came)
    }

    /// Pays the debt first; a stream whose debt is paid is its owner's again.
    fn bring(&mut self, id: u64) -> Answer<U256> {
        let (asset, stream) = self.streams.known(id)?;
        let (asset, assigned) = (*asset, stream.assigned);
        let came = self.collect_up_to(id, U256::MAX)?;
        let Some(account) = assigned else {
            return Ok(came);
        };
        self.pay(account, account, asset, came)?;
        let is_paid = self.owed(account, asset).is_zero();
        if is_paid && self.streams.stream(id).assigned.is_some() {
            self.streams.untie(id);
        }
        self.note(account, asset, INCOME);
        Ok(came)
    }

    /// Somebody's wallet pays into a new stream.
    pub(super) fn open_stream(&mut self, asset: u32, stream: Stream) -> Answer<U256> {
        self.pull(asset, stream.payer.owner, POT, n(stream.paid))?;
        let id = self.streams.made;
        self.streams.all.insert(id, (asset, stream));
        self.streams.made += 1;
        Ok(U256::from(id))
    }

    /// The payer stops it and gets back what has not flowed.
    pub(super) fn cancel_stream(&mut self, who: Address, id: u64) -> Answer<U256> {
        let (asset, stream) = self.streams.known(id)?.clone();
        if stream.payer.owner != who {
            return no(&StreamsNotPayer {
                streamId: id,
                payer: stream.payer.owner,
                payerIndex: stream.payer.index,
                caller: who,
            });
        }
        if stream.is_stopped {
            return no(&StreamsStopped { streamId: id });
        }
        if stream.is_final {
            return no(&StreamsFinal { streamId: id });
        }
        let (flowed, rest) = (stream.flowed(), n(stream.paid - stream.flowed()));
        let stopped = self.streams.stream(id);
        (stopped.paid, stopped.is_stopped) = (flowed, true);
        self.streams.untie_if_spent(id);
        if !rest.is_zero() {
            self.push(asset, POT, who, rest)?;
        }
        Ok(rest)
    }

    /// The owner takes what is due to his wallet, unless it pays a debt.
    pub(super) fn collect_to_wallet(&mut self, who: Address, id: u64) -> Answer<U256> {
        let (asset, stream) = self.streams.known(id)?.clone();
        if stream.owner.owner != who {
            return no(&StreamsNotOwner {
                streamId: id,
                owner: stream.owner.owner,
                ownerIndex: stream.owner.index,
                caller: who,
            });
        }
        if let Some(there) = stream.assigned {
            return no(&StreamsAssigned {
                streamId: id,
                account: there.owner,
                index: there.index,
            });
        }
        let due = stream.due();
        if due == 0 {
            return no(&StreamsNothingDue { streamId: id });
        }
        self.streams.stream(id).collected += due;
        self.push(asset, POT, who, n(due))?;
        Ok(n(due))
    }
}
