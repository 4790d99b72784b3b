//! Keys of maps, as bytes of a slot.

use alloy_primitives::{Address, FixedBytes, U256, hex};
use capstan_units::{AccountId, AssetId};

/// A map key: a fixed number of bytes, different for different keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a stored map",
    note = "keys are bool, u8 to u128, U256, Address, FixedBytes, AssetId, AccountId and pairs of keys"
)]
pub trait SlotKey: Copy {
    /// Name in layout snapshots.
    const NAME: &'static str;
    /// Bytes that every key of this type has.
    const BYTES: usize;

    /// Writes the key into exactly [`BYTES`](Self::BYTES) bytes.
    fn write(&self, out: &mut [u8]);
    /// The key in words, from its bytes.
    fn show(bytes: &[u8]) -> String;
}

macro_rules! integer_keys {
    ($($t:ident),*) => {$(
        impl SlotKey for $t {
            const NAME: &'static str = stringify!($t);
            const BYTES: usize = size_of::<$t>();

            fn write(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_be_bytes());
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

    fn write(&self, out: &mut [u8]) {
        out.fill(u8::from(*self));
    }

    fn show(bytes: &[u8]) -> String {
        bytes.iter().any(|b| *b != 0).to_string()
    }
}

impl SlotKey for U256 {
    const NAME: &'static str = "U256";
    const BYTES: usize = 32;

    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.to_be_bytes::<32>());
    }

    fn show(bytes: &[u8]) -> String {
        Self::from_be_slice(bytes).to_string()
    }
}

impl SlotKey for Address {
    const NAME: &'static str = "Address";
    const BYTES: usize = 20;

    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(self.as_slice());
    }

    /// The checksummed form that wallets print.
    fn show(bytes: &[u8]) -> String {
        Self::try_from(bytes).map_or_else(|_| hex::encode_prefixed(bytes), |a| a.to_string())
    }
}

impl<const N: usize> SlotKey for FixedBytes<N> {
    const NAME: &'static str = <Self as crate::Word>::NAME;
    const BYTES: usize = N;

    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(self.as_slice());
    }

    fn show(bytes: &[u8]) -> String {
        hex::encode_prefixed(bytes)
    }
}

impl SlotKey for AssetId {
    const NAME: &'static str = "AssetId";
    const BYTES: usize = 4;

    fn write(&self, out: &mut [u8]) {
        self.get().write(out);
    }

    fn show(bytes: &[u8]) -> String {
        format!("asset {}", u32::show(bytes))
    }
}

/// Owner, then index.
impl SlotKey for AccountId {
    const NAME: &'static str = "AccountId";
    const BYTES: usize = Self::BYTES;

    fn write(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.to_bytes());
    }

    fn show(bytes: &[u8]) -> String {
        let (owner, index) = bytes.split_at(Address::BYTES.min(bytes.len()));
        format!("{}:{}", Address::show(owner), u8::show(index))
    }
}

/// Both halves, the first one first.
impl<A: SlotKey, B: SlotKey> SlotKey for (A, B) {
    const NAME: &'static str = "pair";
    const BYTES: usize = A::BYTES + B::BYTES;

    fn write(&self, out: &mut [u8]) {
        let (first, second) = out.split_at_mut(A::BYTES.min(out.len()));
        self.0.write(first);
        self.1.write(second);
    }

    fn show(bytes: &[u8]) -> String {
        let (first, second) = bytes.split_at(A::BYTES.min(bytes.len()));
        format!("({}, {})", A::show(first), B::show(second))
    }
}
