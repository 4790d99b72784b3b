//! What transactions of a lot wrote, in their order: the writes of one location are chained, and are told apart when the lot ends.

use alloy_eip7928::BlockAccessIndex;
use alloy_primitives::U256;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Log {
    writes: Vec<Write>,
}

#[derive(Clone)]
struct Write {
    index: BlockAccessIndex,
    is: U256,
    /// Of the same location.
    next: Option<usize>,
}

/// Where the first and the last write of a location stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    first: usize,
    last: usize,
}

impl Log {
    pub(super) fn clear(&mut self) {
        self.writes.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Notes a write, if it is one: what was there before is `was`, unless the chain says what the lot left.
    pub(super) fn add(
        &mut self,
        chain: &mut Option<Chain>,
        index: BlockAccessIndex,
        was: U256,
        is: U256,
    ) {
        let at = self.writes.len();
        let last = chain.and_then(|chain| self.writes.get_mut(chain.last));
        if last.as_ref().map_or(was, |last| last.is) == is {
            return;
        }
        if let Some(last) = last {
            last.next = Some(at);
        }
        *chain = Some(Chain {
            first: chain.map_or(at, |chain| chain.first),
            last: at,
        });
        let next = None;
        self.writes.push(Write { index, is, next });
    }

    /// The writes of a location, in order.
    pub(super) fn of(
        &self,
        chain: Option<Chain>,
    ) -> impl Iterator<Item = (BlockAccessIndex, U256)> + '_ {
        let first = chain.and_then(|chain| self.writes.get(chain.first));
        let after = |write: &&Write| self.writes.get(write.next?);
        std::iter::successors(first, after).map(|write| (write.index, write.is))
    }
}
