//! Keys of maps, as bytes of a slot.

use alloy_primitives::{Address, FixedBytes, U256, hex};
use capstan_units::{
    AccountId, AssetId, FarmId, LiquidationId, MarketId, OrderId, PerpMarketId, PoolId, ProductId,
    StreamId, TimeMs,
};

/// A map key: a fixed number of bytes, different for different keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a stored map",
    note = "keys are bool, u8 to u128, U256, Address, FixedBytes, the ids of capstan_units and pairs of keys"
)]
pub trait SlotKey: Copy {
    /// Name in layout snapshots.
    const NAME: &'static str;
    /// Bytes that every key of this type has.
    const BYTES: usize;
    /// Name and bytes of what stands first in it: of a pair its first half.
    const LEAD: (&'static str, usize) = (Self::NAME, Self::BYTES);

    /// Writes the key into exactly [`BYTES`](Self::BYTES) bytes.
    fn write(&self, out: &mut [u8]);
    /// The key of these bytes; `None` if no key is written so.
    fn read(bytes: &[u8]) -> Option<Self>;
    /// The key in words, from its bytes.
    fn show(bytes: &[u8]) -> String;
}

macro_rules! integer_keys {
    ($($t:ident),*) => {$(
        impl SlotKey for $t {
            const NAME: &'static str = stringify!($t);
            const BYTES: usize = size_of::<$t>();

            #[inline]
            fn write(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_be_bytes());
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_be_bytes)
            }

            fn show(bytes: &[u8]) -> String {
                U256::from_be_slice(bytes).to_string()
            }
        }
    )*};
}
integer_keys!(u8, u16, u32, u64, u128);

impl SlotKey for bool {
    const NAME: &'static str = "bool";
    const BYTES: usize = 1;

    #[inline]
    fn write(&self, out: &mut [u8]) {
        out.fill(u8::from(*self));
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn show(bytes: &[u8]) -> String {
        bytes.iter().any(|b| *b != 0).to_string()
    }
}

impl SlotKey for U256 {
    const NAME: &'static str = "U256";
    const BYTES: usize = 32;

    #[inline]
    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.to_be_bytes::<32>());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes::<32>)
    }

    fn show(bytes: &[u8]) -> String {
        Self::from_be_slice(bytes).to_string()
    }
}

impl SlotKey for Address {
    const NAME: &'static str = "Address";
    const BYTES: usize = 20;

    #[inline]
    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(self.as_slice());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }

    /// The checksummed form that wallets print.
    fn show(bytes: &[u8]) -> String {
        Self::try_from(bytes).map_or_else(|_| hex::encode_prefixed(bytes), |a| a.to_string())
    }
}

impl<const N: usize> SlotKey for FixedBytes<N> {
    const NAME: &'static str = <Self as crate::Word>::NAME;
    const BYTES: usize = N;

    #[inline]
    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(self.as_slice());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }

    fn show(bytes: &[u8]) -> String {
        hex::encode_prefixed(bytes)
    }
}

macro_rules! id_keys {
    ($($t:ident($inner:ident))*) => {$(
        impl SlotKey for $t {
            const NAME: &'static str = stringify!($t);
            const BYTES: usize = size_of::<$inner>();

            #[inline]
            fn write(&self, out: &mut [u8]) {
                self.get().write(out);
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                $inner::read(bytes).map(Self::new)
            }

            fn show(bytes: &[u8]) -> String {
                $inner::show(bytes)
            }
        }
    )*};
}
id_keys! {
    TimeMs(u64) AssetId(u32) MarketId(u32) PoolId(u32) PerpMarketId(u32) OrderId(u64) LiquidationId(u64)
    StreamId(u64) FarmId(u32) ProductId(u32)
}

/// The owner, then the index.
impl SlotKey for AccountId {
    const NAME: &'static str = "AccountId";
    const BYTES: usize = Self::BYTES;

    #[inline]
    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.to_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_bytes)
    }

    fn show(bytes: &[u8]) -> String {
        Self::read(bytes).map_or_else(|| hex::encode_prefixed(bytes), |id| id.to_string())
    }
}

/// Both halves, the first one first.
impl<A: SlotKey, B: SlotKey> SlotKey for (A, B) {
    const NAME: &'static str = "pair";
    const BYTES: usize = A::BYTES + B::BYTES;
    const LEAD: (&'static str, usize) = A::LEAD;

    #[inline]
    fn write(&self, out: &mut [u8]) {
        let (first, second) = out.split_at_mut(A::BYTES.min(out.len()));
        self.0.write(first);
        self.1.write(second);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(A::BYTES)?;
        Some((A::read(first)?, B::read(second)?))
    }

    fn show(bytes: &[u8]) -> String {
        let (first, second) = bytes.split_at(A::BYTES.min(bytes.len()));
        format!("({}, {})", A::show(first), B::show(second))
    }
}
