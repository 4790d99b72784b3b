//! New inputs from old ones: the few edits that find most mistakes of decoders.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// Inputs do not grow beyond this.
const BYTES_MAX: usize = 64 * 1024;
/// Edits of one input.
const EDITS_MAX: usize = 6;

/// Numbers at which decoders err.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

/// First bytes of RLP that say a wrong length, and characters that mean something in JSON.
const TOKENS: [&[u8]; 18] = [
    &[0x80],
    &[0xc0],
    &[0xb8, 0x00],
    &[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xf8, 0x00],
    &[0xa0],
    b"null",
    b"-1",
    b"1e999",
    b"\"0x\"",
    b"[]",
    b"{}",
    b"[[[[[[[[[[[[[[[[",
    b"\\ud800",
    b"\"",
    b",",
    b"18446744073709551616",
];

/// A source of inputs; the same seed gives the same ones.
pub(crate) struct Mutator {
    rng: StdRng,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// An input near one or two of the corpus.
    pub(crate) fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus.choose(&mut self.rng).cloned().unwrap_or_default();
        for _ in 0..self.rng.random_range(1..=EDITS_MAX) {
            self.edit(&mut input, corpus);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn edit(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let (start, end) = self.range(input.len());
        match self.rng.random_range(0..12) {
            0 if start < end => input[start] ^= 1 << self.rng.random_range(0..8),
            1 if start < end => input[start] = self.rng.random(),
            2 if start < end => {
                input[start] = input[start].wrapping_add(self.rng.random_range(0..4))
            }
            3 => {
                input.drain(start..end);
            }
            4 => input.truncate(start),
            5 => {
                let again = input[start..end].to_vec();
                input.splice(end..end, again);
            }
            6 => {
                let fresh: Vec<u8> = (0..self.rng.random_range(1..16))
                    .map(|_| self.rng.random())
                    .collect();
                input.splice(start..start, fresh);
            }
            7 => self.put_edge(input, start),
            8 => {
                let token = TOKENS.choose(&mut self.rng).copied().unwrap_or_default();
                let over = if self.rng.random() {
                    start..end.min(start + token.len())
                } else {
                    start..start
                };
                input.splice(over, token.iter().copied());
            }
            9 => {
                if let Some(other) = corpus.choose(&mut self.rng) {
                    let (from, to) = self.range(other.len());
                    input.splice(start..end, other[from..to].iter().copied());
                }
            }
            10 => {
                if let Some(at) = input.iter().position(u8::is_ascii_digit) {
                    // Numbers of text formats, seldom hit by chance: one digit behind the first is changed.
                    let digits: Vec<usize> = (at..input.len())
                        .filter(|&at| input[at].is_ascii_digit())
                        .collect();
                    if let Some(&digit) = digits.choose(&mut self.rng) {
                        input[digit] = b'0' + self.rng.random_range(0..10);
                    }
                }
            }
            _ => {
                let times = self.rng.random_range(2..64);
                let piece = input[start..end.min(start + 32)].to_vec();
                input.splice(start..start, piece.repeat(times));
            }
        }
    }

    /// Overwrites with a number at which decoders err, in either byte order.
    fn put_edge(&mut self, input: &mut [u8], start: usize) {
        let edge = EDGES.choose(&mut self.rng).copied().unwrap_or_default();
        let width = [1, 2, 4, 8].choose(&mut self.rng).copied().unwrap_or(1);
        let bytes = if self.rng.random() {
            edge.to_le_bytes()[..width].to_vec()
        } else {
            edge.to_be_bytes()[8 - width..].to_vec()
        };
        for (to, from) in input.iter_mut().skip(start).zip(bytes) {
            *to = from;
        }
    }

    /// Two places in `length` bytes, the first not behind the second; most often near each other.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.rng.random_range(0..=length);
        let most = if self.rng.random_ratio(1, 4) {
            length
        } else {
            33
        };
        let end = start + self.rng.random_range(0..=most.min(length - start));
        (start, end)
    }
}
