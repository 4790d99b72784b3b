//! Handles: a field's name in contract code, typed.
//!
//! A handle is a small copyable value that knows where its field lives and nothing else. Every verb takes
//! the [`Ctx`](crate::Ctx) first and goes to the store; nothing is cached, so a handle is never stale.

mod commutative;
mod list;
mod lock;
mod map;
mod record;
mod text;
mod value;

pub use commutative::{Balance, Total};
pub use list::List;
pub(crate) use list::list_words;
pub use lock::Lock;
pub use map::Map;
pub(crate) use record::lowered;
pub use record::{Packed, Record, RecordField, no_stray_bits, place_fields, put_field, take_field};
pub use text::Text;
pub(crate) use text::text_words;
pub use value::{Transient, Value};

use crate::{Place, Shape};

/// Anything that can stand in a layout or behind a map.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a storage handle",
    label = "a layout holds handles",
    note = "handles are Value, Map, List, Record, Text, Total, Balance, Transient and Lock"
)]
pub trait Handle: Copy {
    /// What the field holds, for snapshots and for naming slots.
    const SHAPE: Shape;
    /// Bytes of all keys from here on.
    const KEY_BYTES: usize;

    /// The handle of the field at `place`.
    fn at(place: Place) -> Self;
}

/// The parts that all leaf handles share.
macro_rules! leaf {
    ([$($generics:tt)*] $name:ident [$($args:tt)*], $shape:expr) => {
        impl<$($generics)*> $name<$($args)*> {
            /// The field with this tag.
            pub const fn at_tag(tag: u8) -> Self {
                Self { place: $crate::Place::at_tag(tag), holds: core::marker::PhantomData }
            }
        }

        impl<$($generics)*> $crate::Handle for $name<$($args)*> {
            const SHAPE: $crate::Shape = $shape;
            const KEY_BYTES: usize = 0;

            fn at(place: $crate::Place) -> Self {
                Self { place, holds: core::marker::PhantomData }
            }
        }

        impl<$($generics)*> Clone for $name<$($args)*> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($generics)*> Copy for $name<$($args)*> {}

        impl<$($generics)*> core::fmt::Debug for $name<$($args)*> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name)).field("place", &self.place).finish()
            }
        }
    };
}
pub(crate) use leaf;
