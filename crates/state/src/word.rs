//! Values that live in one storage word.

use alloy_primitives::{Address, B256, FixedBytes, U256, aliases::U112};
use capstan_units::{
    AccountId, AssetId, Assets, Bps, DebtShares, FarmId, LiquidationId, MarketId, OrderId,
    PerpMarketId, PoolId, Price, ProductId, Ray, Shares, StreamId, TimeMs, Usd, Wad,
};

use crate::Halt;

/// A value that fits one storage word, and how it is written there.
///
/// Every value has exactly one word: a word that no value encodes to is damage, not data, and decodes to
/// [`Halt::Fatal`]. Zero words always decode, since storage that was never written reads as zero.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a storage word",
    label = "does not fit one storage word",
    note = "words are bool, u8 to u128, U256, Address, FixedBytes and the types of capstan_units",
    note = "commutative fields (Total, Balance) own their whole slot: put them in the layout, not in a record"
)]
pub trait Word: Copy + 'static {
    /// Name in layout snapshots.
    const NAME: &'static str;
    /// Bytes it needs when packed: every encoded word is below 2^(8 * BYTES).
    const BYTES: usize;

    /// The word of this value.
    fn to_word(self) -> U256;
    /// The value of this word.
    fn from_word(word: U256) -> Result<Self, Halt>;
}

/// A word whose integer value is an amount: it may be added to and subtracted from in place.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an amount",
    label = "cannot be added to in place",
    note = "amounts are u64, u128, U256, Assets, Shares, DebtShares and Price"
)]
pub trait Amount: Word {
    /// Largest amount.
    const MAX: U256;
}

macro_rules! integer_words {
    ($($t:ident),*) => {$(
        impl Word for $t {
            const NAME: &'static str = stringify!($t);
            const BYTES: usize = size_of::<$t>();

            #[inline]
            fn to_word(self) -> U256 {
                U256::from(self)
            }

            #[inline]
            fn from_word(word: U256) -> Result<Self, Halt> {
                Self::try_from(word).map_err(|_| Halt::corrupt(Self::NAME, word))
            }
        }
    )*};
}
integer_words!(u8, u16, u32, u64, u128);

impl Word for bool {
    const NAME: &'static str = "bool";
    const BYTES: usize = 1;

    #[inline]
    fn to_word(self) -> U256 {
        U256::from(self)
    }

    #[inline]
    fn from_word(word: U256) -> Result<Self, Halt> {
        match u8::from_word(word) {
            Ok(0) => Ok(false),
            Ok(1) => Ok(true),
            _ => Err(Halt::corrupt(Self::NAME, word)),
        }
    }
}

impl Word for U256 {
    const NAME: &'static str = "U256";
    const BYTES: usize = 32;

    #[inline]
    fn to_word(self) -> U256 {
        self
    }

    #[inline]
    fn from_word(word: U256) -> Result<Self, Halt> {
        Ok(word)
    }
}

impl Word for Address {
    const NAME: &'static str = "Address";
    const BYTES: usize = 20;

    #[inline]
    fn to_word(self) -> U256 {
        U256::from_be_bytes(self.into_word().0)
    }

    #[inline]
    fn from_word(word: U256) -> Result<Self, Halt> {
        let bytes = B256::from(word);
        let address = Self::from_word(bytes);
        if address.into_word() == bytes {
            Ok(address)
        } else {
            Err(Halt::corrupt(Self::NAME, word))
        }
    }
}

/// Bytes sit at the low end of the word, like numbers, so that short ones pack.
impl<const N: usize> Word for FixedBytes<N> {
    const NAME: &'static str = match N {
        4 => "bytes4",
        8 => "bytes8",
        16 => "bytes16",
        20 => "bytes20",
        32 => "bytes32",
        _ => "bytes",
    };
    const BYTES: usize = {
        assert!(N >= 1 && N <= 32, "fixed bytes of a word are 1 to 32");
        N
    };

    #[inline]
    fn to_word(self) -> U256 {
        U256::from_be_slice(self.as_slice())
    }

    #[inline]
    fn from_word(word: U256) -> Result<Self, Halt> {
        let bytes = word.to_be_bytes::<32>();
        let (high, low) = bytes.split_at(32_usize.saturating_sub(Self::BYTES));
        match Self::try_from(low) {
            Ok(value) if high.iter().all(|b| *b == 0) => Ok(value),
            _ => Err(Halt::corrupt(Self::NAME, word)),
        }
    }
}

macro_rules! ranged_words {
    ($($t:ident: $bytes:expr;)*) => {$(
        impl Word for $t {
            const NAME: &'static str = stringify!($t);
            const BYTES: usize = $bytes;

            #[inline]
            fn to_word(self) -> U256 {
                self.to_u256()
            }

            #[inline]
            fn from_word(word: U256) -> Result<Self, Halt> {
                Self::from_u256(word).map_err(|_| Halt::corrupt(Self::NAME, word))
            }
        }
    )*};
}
ranged_words! {
    Assets: U112::BYTES;
    Shares: U112::BYTES;
    DebtShares: U112::BYTES;
    Price: U112::BYTES;
    Bps: 2;
    Usd: 32;
    Wad: 32;
    Ray: 16;
}

macro_rules! id_words {
    ($($t:ident($inner:ident))*) => {$(
        impl Word for $t {
            const NAME: &'static str = stringify!($t);
            const BYTES: usize = size_of::<$inner>();

            #[inline]
            fn to_word(self) -> U256 {
                U256::from(self.get())
            }

            #[inline]
            fn from_word(word: U256) -> Result<Self, Halt> {
                let number = $inner::try_from(word).map_err(|_| Halt::corrupt(Self::NAME, word))?;
                Ok(Self::new(number))
            }
        }
    )*};
}
id_words! {
    TimeMs(u64) AssetId(u32) MarketId(u32) PoolId(u32) PerpMarketId(u32) OrderId(u64) LiquidationId(u64)
    StreamId(u64) FarmId(u32) ProductId(u32)
}

/// The owner, then the index.
impl Word for AccountId {
    const NAME: &'static str = "AccountId";
    const BYTES: usize = Self::BYTES;

    #[inline]
    fn to_word(self) -> U256 {
        U256::from_be_slice(&self.to_bytes())
    }

    #[inline]
    fn from_word(word: U256) -> Result<Self, Halt> {
        let FixedBytes(bytes) = FixedBytes::from_word(word)?;
        Ok(Self::from_bytes(bytes))
    }
}

impl Amount for u64 {
    const MAX: U256 = U256::from_limbs([Self::MAX, 0, 0, 0]);
}

impl Amount for u128 {
    const MAX: U256 = U256::from_limbs([u64::MAX, u64::MAX, 0, 0]);
}

impl Amount for U256 {
    const MAX: Self = Self::MAX;
}

macro_rules! ranged_amounts {
    ($($t:ident)*) => {$(
        impl Amount for $t {
            const MAX: U256 = U256::from_limbs([u64::MAX, u64::MAX >> 16, 0, 0]);
        }
    )*};
}
ranged_amounts!(Assets Shares DebtShares Price);
