//! A field for each key.

use core::{fmt, marker::PhantomData};

use crate::{Handle, Place, Shape, SlotKey, place::keys_fit};

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

impl<K: SlotKey, H: Handle> Handle for Map<K, H> {
    const SHAPE: Shape = Shape::Map {
        key: K::NAME,
        key_bytes: K::BYTES,
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
