//! The sidecar in bytes: about two for each place that a transaction touched.
//!
//! ```text
//!   sidecar = count, row*        row = gas - gas before, count, access*       access = (number - number before - 1) << 2 | kind
//! ```
//!
//! All are LEB128 varints in their shortest form, so there is one encoding. Kinds are 0 read, 1 write, 2 delta. The gas of a row
//! differs from that of the row before it, at first from zero, by a number with a sign: 0, -1, 1, -2 are 0, 1, 2, 3. Blocks are
//! full of transactions that use as much gas as their neighbours.

use super::{Access, Row, Sidecar};

/// Why bytes are no sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// They end too early.
    #[error("the sidecar ends in the middle of a number")]
    Short,
    /// Bytes behind the end.
    #[error("{0} bytes behind the end of the sidecar")]
    Trailing(usize),
    /// A number beyond 64 bits, or with zeros in front.
    #[error("a number of the sidecar is not in its shortest form")]
    Number,
    /// A count that the bytes left cannot hold.
    #[error("the sidecar counts {0}, more than its bytes hold")]
    Count(u64),
    /// A number that the access list has no place for.
    #[error("the sidecar names place {0}, which the access list does not have")]
    Place(u64),
    /// A kind of access that does not exist.
    #[error("the sidecar names an access of kind {0}")]
    Kind(u64),
}

impl Sidecar {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.rows.len() as u64);
        let mut gas_before = 0;
        for row in &self.rows {
            put(&mut out, signed(row.gas.wrapping_sub(gas_before)));
            gas_before = row.gas;
            put(&mut out, row.accesses.len() as u64);
            let mut next = 0;
            for (id, access) in &row.accesses {
                let kind = match access {
                    Access::Read => 0,
                    Access::Write => 1,
                    Access::Delta => 2,
                };
                put(&mut out, (u64::from(*id).wrapping_sub(next) << 2) | kind);
                next = u64::from(*id) + 1;
            }
        }
        out
    }

    /// Reads what [`Sidecar::encode`] wrote, and nothing else. `place_count`: places of the block's list.
    ///
    /// # Errors
    /// Anything that is not the one encoding of a sidecar over so many places.
    pub fn decode(bytes: &[u8], place_count: usize) -> Result<Self, CodecError> {
        let mut rest = bytes;
        // Two bytes are the least that a row takes, one the least of an access.
        let row_count = count(&mut rest, 2)?;
        let mut rows = Vec::with_capacity(row_count);
        let mut gas_before = 0_u64;
        for _ in 0..row_count {
            let gas = gas_before.wrapping_add(unsigned(take(&mut rest)?));
            gas_before = gas;
            let access_count = count(&mut rest, 1)?;
            let mut accesses = Vec::with_capacity(access_count);
            let mut next = 0_u64;
            for _ in 0..access_count {
                let word = take(&mut rest)?;
                let place = next.saturating_add(word >> 2);
                let access = match word & 3 {
                    0 => Access::Read,
                    1 => Access::Write,
                    2 => Access::Delta,
                    kind => return Err(CodecError::Kind(kind)),
                };
                let id = u32::try_from(place).map_err(|_| CodecError::Place(place))?;
                if place >= place_count as u64 {
                    return Err(CodecError::Place(place));
                }
                accesses.push((id, access));
                next = place + 1;
            }
            rows.push(Row { gas, accesses });
        }
        match rest.len() {
            0 => Ok(Self { rows }),
            more => Err(CodecError::Trailing(more)),
        }
    }
}

/// A difference modulo 2^64 as a number that is small where the difference is near zero, on either side.
fn signed(difference: u64) -> u64 {
    (difference << 1) ^ 0_u64.wrapping_sub(difference >> 63)
}

/// The difference again.
fn unsigned(number: u64) -> u64 {
    (number >> 1) ^ 0_u64.wrapping_sub(number & 1)
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn take(rest: &mut &[u8]) -> Result<u64, CodecError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, more) = rest.split_first().ok_or(CodecError::Short)?;
        *rest = more;
        let low = u64::from(byte & 0x7f);
        let fits = shift < 63 || low <= 1;
        // A last group of zeros says nothing.
        let shortest = shift == 0 || *byte != 0;
        if !fits || !shortest {
            return Err(CodecError::Number);
        }
        number |= low << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(CodecError::Number)
}

fn count(rest: &mut &[u8], bytes_each: usize) -> Result<usize, CodecError> {
    let count = take(rest)?;
    let fits = usize::try_from(count).ok();
    fits.filter(|count| *count <= rest.len() / bytes_each)
        .ok_or(CodecError::Count(count))
}
