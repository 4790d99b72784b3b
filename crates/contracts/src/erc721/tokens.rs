//! Who owns what, in storage.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use capstan_state::{Ctx, Map, Value, View};

use crate::invariant::{Broken, holds};

/// The four maps of a book. A contract's layout places them.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Who owns each token.
    pub owners: Map<u64, Value<Address>>,
    /// How many each owns.
    pub counts: Map<Address, Value<u64>>,
    /// Who may move one token, besides its owner.
    pub approved: Map<u64, Value<Address>>,
    /// Who may move all tokens of an owner.
    pub operators: Map<(Address, Address), Value<bool>>,
}

impl Tokens {
    /// Every token below `end` and no other may have an owner, and everybody owns as many as he is said to. Answers how many
    /// are owned. `cx` is the contract's frame.
    ///
    /// # Errors
    /// The invariant `id`.
    pub fn check(
        &self,
        world: &dyn View,
        cx: &mut Ctx<'_>,
        end: u64,
        id: &'static str,
    ) -> Result<u64, Broken> {
        let mut counts = BTreeMap::<Address, u64>::new();
        let mut owned = 0_u64;
        for (token, owner) in self.owners.listed(world, cx.this())? {
            let count = counts.entry(owner.load(cx)?).or_default();
            *count = count.saturating_add(1);
            owned = owned.saturating_add(1);
            holds(token < end, id, || {
                format!("token {token} is owned, and there are {end}")
            })?;
        }
        for (owner, count) in self.counts.listed(world, cx.this())? {
            let (count, found) = (count.load(cx)?, counts.remove(&owner).unwrap_or_default());
            holds(count == found, id, || {
                format!("{owner} owns {found} tokens and is said to own {count}")
            })?;
        }
        holds(counts.is_empty(), id, || {
            format!("owners without a count: {counts:?}")
        })?;
        Ok(owned)
    }
}
