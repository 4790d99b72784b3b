//! A field for each key.

use core::{fmt, marker::PhantomData};
use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};

use crate::{
    Halt, Handle, Packed, Place, Record, Shape, SlotKey, View,
    place::{Pattern, keys_fit},
};

/// A field for each key: `balances.at(owner).load(cx)`. Maps nest; keys cannot be listed.
pub struct Map<K, H> {
    place: Place,
    holds: PhantomData<fn(K) -> H>,
}

impl<K: SlotKey, H: Handle> Map<K, H> {
    /// The field with this tag.
    pub const fn at_tag(tag: u8) -> Self {
        const {
            assert!(
                keys_fit(<Self as Handle>::KEY_BYTES),
                "keys are wider than 64 bytes"
            )
        };
        Self {
            place: Place::at_tag(tag),
            holds: PhantomData,
        }
    }

    /// The field of one key.
    pub fn at(&self, key: K) -> H {
        H::at(self.place.with_key(key))
    }
}

impl<K: SlotKey, H: Handle> Map<K, H> {
    /// The key whose field a slot belongs to, for whoever follows changes of storage from outside; `None` for the
    /// slots of other fields, and for keys that are hashed.
    pub fn key_of(&self, slot: U256) -> Option<K> {
        let chosen = self.place.key();
        let all = chosen.len().saturating_add(<Self as Handle>::KEY_BYTES);
        let pattern = Pattern::new(self.place.tag(), all, H::SHAPE.words());
        if pattern.is_hashed() {
            return None;
        }
        let (keys, _) = pattern.split(slot)?;
        K::read(keys.strip_prefix(chosen)?.get(..K::BYTES)?)
    }

    /// Every key under which anything is stored, with its field: for whoever looks at a world from outside.
    /// Contracts cannot list. Nested maps are listed one at a time. Hashed keys cannot be read back, so a map
    /// of such keys answers [`Halt::Fatal`]; its records can still be seen by `records`.
    pub fn listed(&self, world: &dyn View, at: Address) -> Result<Vec<(K, H)>, Halt> {
        let chosen = self.place.key();
        let all = chosen.len().saturating_add(<Self as Handle>::KEY_BYTES);
        let pattern = Pattern::new(self.place.tag(), all, H::SHAPE.words());
        if pattern.is_hashed() {
            return Err(Halt::Fatal("hashed keys cannot be listed".into()));
        }
        let mut found = Vec::new();
        let mut last = None;
        for (slot, _) in world.words_of(at)? {
            let Some(key) = pattern.split(slot).and_then(|(keys, _)| {
                keys.strip_prefix(chosen)?
                    .get(..K::BYTES)
                    .map(<[u8]>::to_vec)
            }) else {
                continue;
            };
            if last.as_ref() != Some(&key) {
                let read = K::read(&key).ok_or_else(|| Halt::corrupt(K::NAME, slot))?;
                found.push((read, self.at(read)));
                last = Some(key);
            }
        }
        Ok(found)
    }
}

impl<K: SlotKey, T: Packed> Map<K, Record<T>> {
    /// Every record that is stored, whatever its key, hashed or not: for whoever looks at a world from outside.
    pub fn records(&self, world: &dyn View, at: Address) -> Result<Vec<T>, Halt> {
        let chosen = self.place.key();
        let all = chosen.len().saturating_add(K::BYTES);
        let pattern = Pattern::new(self.place.tag(), all, Record::<T>::SHAPE.words());
        let mut found = BTreeMap::<Vec<u8>, T::Words>::new();
        for (slot, word) in world.words_of(at)? {
            let Some((key, index)) = pattern.split(slot) else {
                continue;
            };
            if !pattern.is_hashed() && !key.starts_with(chosen) {
                continue;
            }
            let words = found.entry(key).or_insert(T::EMPTY);
            let index = usize::try_from(index).ok();
            match index.and_then(|index| words.as_mut().get_mut(index)) {
                Some(place) => *place = word,
                None => return Err(Halt::corrupt(T::NAME, slot)),
            }
        }
        found.values().map(T::unpack).collect()
    }
}

impl<K: SlotKey, H: Handle> Handle for Map<K, H> {
    const SHAPE: Shape = Shape::Map {
        key: K::NAME,
        key_bytes: K::BYTES,
        lead: K::LEAD,
        show: K::show,
        value: &H::SHAPE,
    };
    const KEY_BYTES: usize = K::BYTES + H::KEY_BYTES;

    fn at(place: Place) -> Self {
        Self {
            place,
            holds: PhantomData,
        }
    }
}

impl<K, H> Clone for Map<K, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, H> Copy for Map<K, H> {}

impl<K, H> fmt::Debug for Map<K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("place", &self.place).finish()
    }
}
