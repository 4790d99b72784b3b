//! What a run leaves behind: the largest numbers of its last hidden states, and a polynomial that says them in 258 bytes.

use std::cmp::Reverse;

use super::field::{PRIME, through, value};
use crate::engine::half::to_bfloat16;

/// Entries of a group that count.
pub const TOP: usize = 128;
/// Answer tokens of a group.
pub const GROUP_TOKENS: usize = 32;

/// What somebody's own run saw: of each group the largest entries, the largest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    width: usize,
    prompt_tokens: usize,
    groups: Vec<Vec<(u64, u16)>>,
}

impl Witness {
    /// Of a job with so many tokens of prompt, and states so wide.
    pub const fn new(prompt_tokens: usize, width: usize) -> Self {
        Self {
            width,
            prompt_tokens,
            groups: Vec::new(),
        }
    }

    /// Takes states as they are computed, in order of position.
    pub fn see(&mut self, first: usize, rows: &[f32]) {
        let mut position = first;
        let mut rest = rows;
        while !rest.is_empty() {
            let (group, start, end) = self.group_of(position);
            let count = (end - position).min(rest.len() / self.width);
            if count == 0 {
                return;
            }
            let (own, others) = rest.split_at(count * self.width);
            self.take(group, (position - start) * self.width, own);
            position += count;
            rest = others;
        }
    }

    /// Which group a position belongs to, where that begins and ends.
    const fn group_of(&self, position: usize) -> (usize, usize, usize) {
        if position < self.prompt_tokens {
            return (0, 0, self.prompt_tokens);
        }
        let group = (position - self.prompt_tokens) / GROUP_TOKENS;
        let start = self.prompt_tokens + group * GROUP_TOKENS;
        (group + 1, start, start + GROUP_TOKENS)
    }

    fn take(&mut self, group: usize, first_index: usize, values: &[f32]) {
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, Vec::new);
        }
        let entries = &mut self.groups[group];
        let indices = first_index as u64..;
        entries.extend(
            indices
                .zip(values)
                .map(|(index, x)| (index, to_bfloat16(*x))),
        );
        let order = |(index, bits): &(u64, u16)| (Reverse(bits & 0x7FFF), *index);
        if entries.len() > TOP {
            entries.select_nth_unstable_by_key(TOP - 1, order);
            entries.truncate(TOP);
        }
        entries.sort_unstable_by_key(order);
    }

    /// Entries of each group.
    pub fn groups(&self) -> &[Vec<(u64, u16)>] {
        &self.groups
    }

    /// Its bytes, as auditors commit to them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for group in &self.groups {
            bytes.extend_from_slice(&(group.len() as u64).to_le_bytes());
            for (index, bits) in group {
                bytes.extend_from_slice(&index.to_le_bytes());
                bytes.extend_from_slice(&bits.to_le_bytes());
            }
        }
        bytes
    }
}

/// One group as a polynomial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polynomial {
    /// Places are indices modulo this; zero says that there was none.
    modulus: u32,
    coefficients: Vec<u32>,
}

/// How far a witness and a polynomial are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measure {
    /// Entries that were compared.
    pub entries: usize,
    /// Of them, those whose sign or exponent differ.
    pub disagree: usize,
    /// Mean distance of mantissas, of those that agree.
    pub mean: f64,
    /// Median of the same.
    pub median: f64,
}

impl Polynomial {
    fn of(entries: &[(u64, u16)]) -> Self {
        let modulus = (1..=PRIME)
            .rev()
            .find(|modulus| are_apart(entries, *modulus));
        let modulus = modulus.unwrap_or(0);
        let place = |(index, bits): &(u64, u16)| (residue(*index, modulus), u32::from(*bits));
        let points: Vec<(u32, u32)> = if modulus == 0 {
            Vec::new()
        } else {
            entries.iter().map(place).collect()
        };
        Self {
            modulus,
            coefficients: through(&points),
        }
    }

    /// Compares with what somebody saw himself.
    pub fn measure(&self, entries: &[(u64, u16)]) -> Measure {
        let mut errors = Vec::new();
        for (index, bits) in entries {
            if self.modulus == 0 {
                continue;
            }
            let said = value(&self.coefficients, residue(*index, self.modulus));
            let said = u16::try_from(said).unwrap_or(u16::MAX);
            if said >> 7 == bits >> 7 {
                errors.push((said & 0x7F).abs_diff(bits & 0x7F));
            }
        }
        errors.sort_unstable();
        let sum: u32 = errors.iter().map(|error| u32::from(*error)).sum();
        let middle = |at: usize| errors.get(at).map_or(0.0, |error| f64::from(*error));
        Measure {
            entries: entries.len(),
            disagree: entries.len() - errors.len(),
            mean: f64::from(sum) / errors.len().max(1) as f64,
            median: f64::midpoint(
                middle((errors.len().max(1) - 1) / 2),
                middle(errors.len() / 2),
            ),
        }
    }
}

const fn residue(index: u64, modulus: u32) -> u32 {
    // Below 2^16.
    (index % modulus as u64) as u32
}

fn are_apart(entries: &[(u64, u16)], modulus: u32) -> bool {
    let mut places: Vec<u32> = entries
        .iter()
        .map(|(index, _)| residue(*index, modulus))
        .collect();
    places.sort_unstable();
    places.windows(2).all(|pair| pair[0] != pair[1])
}

/// What comes with an answer: one polynomial for the prompt, one for each 32 fed tokens of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    groups: Vec<Polynomial>,
}

impl Proof {
    /// Of what a run saw.
    pub fn of(witness: &Witness) -> Self {
        Self {
            groups: witness
                .groups
                .iter()
                .map(|entries| Polynomial::of(entries))
                .collect(),
        }
    }

    /// One polynomial for each group.
    pub fn groups(&self) -> &[Polynomial] {
        &self.groups
    }

    /// Its bytes: of each group the modulus and the coefficients, two bytes each.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for group in &self.groups {
            for number in [&group.modulus].into_iter().chain(&group.coefficients) {
                // Both are below 2^16.
                bytes.extend_from_slice(&(*number as u16).to_le_bytes());
            }
        }
        bytes
    }

    /// From bytes, for a job with so many tokens of prompt and answer and states so wide. None if they cannot be one.
    pub fn decode(bytes: &[u8], prompt: usize, answer: usize, width: usize) -> Option<Self> {
        let mut numbers = bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|two| u32::from(u16::from_le_bytes(*two)));
        let mut groups = Vec::new();
        for rows in group_rows(prompt, answer) {
            let modulus = numbers.next().filter(|n| (1..=PRIME).contains(n))?;
            let count = TOP.min(rows.checked_mul(width)?);
            let coefficients: Vec<u32> = numbers.by_ref().take(count).collect();
            if coefficients.len() < count || coefficients.iter().any(|n| *n >= PRIME) {
                return None;
            }
            groups.push(Polynomial {
                modulus,
                coefficients,
            });
        }
        let used = groups
            .iter()
            .map(|group| 2 + 2 * group.coefficients.len())
            .sum::<usize>();
        (used == bytes.len()).then_some(Self { groups })
    }
}

/// Positions of each group. The last token of an answer is never fed.
fn group_rows(prompt: usize, answer: usize) -> impl Iterator<Item = usize> {
    let fed = answer.saturating_sub(1);
    let whole = std::iter::repeat_n(GROUP_TOKENS, fed / GROUP_TOKENS);
    let rest = fed % GROUP_TOKENS;
    [prompt]
        .into_iter()
        .chain(whole)
        .chain((rest > 0).then_some(rest))
}
