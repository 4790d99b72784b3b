//! What keys have, spent and promised: decided in memory, pure, and told as changes of records.
//!
//! ```text
//!   spent + reserved <= total          spent today + reserved today <= limit of the day
//! ```

use std::collections::BTreeMap;

use alloy_primitives::B256;

use super::{Draft, Hold, JobId, Key, Limits, Refusal, Used, store::Put};
use crate::{money::Dollars, receipt::Signed};

/// Length of a UTC day.
pub const MS_PER_DAY: u64 = 86_400_000;

/// Keys and the reservations of requests at work.
#[derive(Debug, Default)]
pub struct Book {
    keys: BTreeMap<B256, Key>,
    holds: BTreeMap<JobId, Hold>,
    // Sums over `holds`, so that a decision does not walk them.
    reserved: BTreeMap<B256, Reserved>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reserved {
    all: Dollars,
    today: Dollars,
    count: u32,
}

impl Book {
    /// The book that these records make.
    pub fn of(keys: Vec<Key>, holds: Vec<Hold>) -> Self {
        let mut book = Self::default();
        for key in keys {
            book.keys.insert(key.hash, key);
        }
        for hold in holds {
            book.take_up(hold);
        }
        book
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// One key.
    pub fn key(&self, hash: &B256) -> Option<&Key> {
        self.keys.get(hash)
    }

    /// Requests at work.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// What requests at work may still cost a key.
    pub fn reserved(&self, key: &B256) -> Dollars {
        self.reserved
            .get(key)
            .map_or(Dollars::ZERO, |sums| sums.all)
    }

    /// A new key.
    pub fn add(&mut self, now_ms: u64, hash: B256, name: String, limits: Limits) -> Vec<Put> {
        let key = Key {
            hash,
            name,
            limits,
            created_ms: now_ms,
            revoked_ms: None,
            spent: Dollars::ZERO,
            day: now_ms / MS_PER_DAY,
            spent_today: Dollars::ZERO,
            requests: 0,
            input_tokens: 0,
            output_tokens: 0,
        };
        let put = Put::key(&key);
        self.keys.insert(hash, key);
        vec![put]
    }

    /// Takes a key back. Requests at work go on.
    pub fn revoke(&mut self, now_ms: u64, hash: &B256) -> Option<Vec<Put>> {
        let key = self.keys.get_mut(hash)?;
        key.revoked_ms.get_or_insert(now_ms);
        Some(vec![Put::key(key)])
    }

    /// Whether a key may ask at all.
    ///
    /// # Errors
    /// Unknown, revoked or expired.
    pub fn admit(&self, now_ms: u64, hash: &B256) -> Result<&Key, Refusal> {
        let key = self.keys.get(hash).ok_or(Refusal::Unknown)?;
        if key.revoked_ms.is_some() {
            return Err(Refusal::Revoked);
        }
        match key.limits.expires_ms {
            Some(end) if now_ms >= end => Err(Refusal::Expired(end)),
            _ => Ok(key),
        }
    }

    /// What a key could still pay: the least of its limits; `None` without any.
    pub fn payable(&self, now_ms: u64, hash: &B256) -> Option<Dollars> {
        let key = self.keys.get(hash)?;
        let sums = self.sums(now_ms, key);
        let left = |limit: Dollars, spent: Dollars, reserved: Dollars| {
            limit.less_or_zero(spent.plus(reserved))
        };
        let total = key
            .limits
            .total
            .map(|limit| left(limit, key.spent, sums.all));
        let spent_today = spent_on(key, day_of(now_ms, key));
        let day = key
            .limits
            .day
            .map(|limit| left(limit, spent_today, sums.today));
        [total, day].into_iter().flatten().min()
    }

    /// Promises a request what it may cost at most.
    ///
    /// # Errors
    /// The key may not; nothing changed.
    pub fn reserve(
        &mut self,
        now_ms: u64,
        hash: &B256,
        job: JobId,
        most: Dollars,
        draft: Draft,
    ) -> Result<Vec<Put>, Refusal> {
        let key = self.admit(now_ms, hash)?;
        let sums = self.sums(now_ms, key);
        if let Some(parallel) = key.limits.parallel
            && sums.count >= parallel
        {
            return Err(Refusal::TooManyAtOnce(parallel));
        }
        let fits = |limit: Dollars, spent: Dollars, reserved: Dollars| {
            spent.plus(reserved).plus(most) <= limit
        };
        if let Some(limit) = key.limits.total
            && !fits(limit, key.spent, sums.all)
        {
            let (spent, reserved) = (key.spent, sums.all);
            return Err(Refusal::Total {
                most,
                limit,
                spent,
                reserved,
            });
        }
        let day = day_of(now_ms, key);
        let spent = spent_on(key, day);
        if let Some(limit) = key.limits.day
            && !fits(limit, spent, sums.today)
        {
            let reserved = sums.today;
            return Err(Refusal::Day {
                most,
                limit,
                spent,
                reserved,
            });
        }
        let hold = Hold {
            job,
            key: *hash,
            most,
            day,
            marked: Used::default(),
            draft,
        };
        let mut puts = self.turn_to(hash, day);
        puts.push(Put::hold(&hold));
        self.take_up(hold);
        Ok(puts)
    }

    /// Writes down what a request has certainly cost until now. It never falls, and never passes the reservation.
    pub fn mark(&mut self, job: &JobId, used: Used) -> Option<Vec<Put>> {
        let hold = self.holds.get_mut(job)?;
        if used.cost <= hold.marked.cost && used.output_tokens <= hold.marked.output_tokens {
            return None;
        }
        hold.marked = Used {
            cost: used.cost.min(hold.most),
            ..used
        };
        Some(vec![Put::hold(hold)])
    }

    /// Ends a request: charges it, once, and never more than was reserved. `None` if it is not at work (any more).
    pub fn settle(
        &mut self,
        job: &JobId,
        used: Used,
        receipt: Option<&Signed>,
    ) -> Option<(Dollars, Vec<Put>)> {
        let hold = self.holds.remove(job)?;
        let charged = used.cost.min(hold.most);
        let mut puts = vec![Put::no_hold(job)];
        let key = self.keys.get_mut(&hold.key);
        let is_today = key.as_ref().is_some_and(|key| key.day == hold.day);
        if let Some(sums) = self.reserved.get_mut(&hold.key) {
            sums.all = sums.all.less_or_zero(hold.most);
            sums.count = sums.count.saturating_sub(1);
            if is_today {
                sums.today = sums.today.less_or_zero(hold.most);
            }
        }
        if let Some(key) = key {
            key.spent = key.spent.plus(charged);
            if is_today {
                key.spent_today = key.spent_today.plus(charged);
            }
            key.requests = key.requests.saturating_add(1);
            key.input_tokens = key.input_tokens.saturating_add(used.input_tokens);
            key.output_tokens = key.output_tokens.saturating_add(used.output_tokens);
            puts.push(Put::key(key));
        }
        if let Some(receipt) = receipt {
            puts.push(Put::receipt(receipt));
            puts.push(Put::job(job, receipt));
        }
        Some((charged, puts))
    }

    /// Sums of a key as of now: on a new day, nothing of it is promised yet.
    fn sums(&self, now_ms: u64, key: &Key) -> Reserved {
        let sums = self.reserved.get(&key.hash).copied().unwrap_or_default();
        if day_of(now_ms, key) == key.day {
            return sums;
        }
        Reserved {
            today: Dollars::ZERO,
            ..sums
        }
    }

    /// Begins a new day for a key, if this is one.
    fn turn_to(&mut self, hash: &B256, day: u64) -> Vec<Put> {
        let Some(key) = self.keys.get_mut(hash).filter(|key| key.day < day) else {
            return Vec::new();
        };
        key.day = day;
        key.spent_today = Dollars::ZERO;
        if let Some(sums) = self.reserved.get_mut(hash) {
            sums.today = Dollars::ZERO;
        }
        vec![Put::key(key)]
    }

    fn take_up(&mut self, hold: Hold) {
        let is_today = self
            .keys
            .get(&hold.key)
            .is_some_and(|key| key.day == hold.day);
        let sums = self.reserved.entry(hold.key).or_default();
        sums.all = sums.all.plus(hold.most);
        sums.count = sums.count.saturating_add(1);
        if is_today {
            sums.today = sums.today.plus(hold.most);
        }
        self.holds.insert(hold.job, hold);
    }
}

/// The day of a moment; a clock that went back changes nothing.
fn day_of(now_ms: u64, key: &Key) -> u64 {
    key.day.max(now_ms / MS_PER_DAY)
}

fn spent_on(key: &Key, day: u64) -> Dollars {
    if key.day == day {
        key.spent_today
    } else {
        Dollars::ZERO
    }
}
