//! Reads the head of a GGUF file: facts by name, and where each tensor lies. Nothing of a file is believed before it is
//! checked against the file's own length, so that no number in it can make us reserve memory.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
};

use super::error::ModelError;

/// First bytes of every file.
pub(crate) const MAGIC: &[u8; 4] = b"GGUF";
/// Tensors begin at multiples of this, unless the file says another number.
pub(crate) const ALIGNMENT: u64 = 32;
/// What is longer is no key or name.
const NAME_BYTES_MAX: u64 = 1 << 16;
/// Dimensions that a tensor may have.
const DIMS_MAX: u32 = 4;

/// One fact of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A whole number.
    Whole(i128),
    /// A number.
    Real(f64),
    /// Yes or no.
    Bool(bool),
    /// Text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Numbers, whole ones too.
    Reals(Vec<f64>),
}

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Sizes, the innermost first.
    pub dims: Vec<u64>,
    /// How its elements are stored.
    pub kind: Kind,
    /// From the start of the file.
    pub offset: u64,
    /// Its length.
    pub byte_count: u64,
}

/// How elements are stored: blocks of so many elements in so many bytes, and where scales (half floats) lie in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The number that stands in files.
    pub id: u32,
    /// Its name.
    pub name: &'static str,
    /// Elements of a block.
    pub block_elements: u64,
    /// Bytes of a block.
    pub block_bytes: u64,
    /// Where half-float scales lie in a block.
    pub scales: &'static [usize],
}

const fn kind(
    id: u32,
    name: &'static str,
    block_elements: u64,
    block_bytes: u64,
    scales: &'static [usize],
) -> Kind {
    Kind {
        id,
        name,
        block_elements,
        block_bytes,
        scales,
    }
}

/// What can be read.
pub(crate) const KINDS: &[Kind] = &[
    kind(0, "F32", 1, 4, &[]),
    kind(1, "F16", 1, 2, &[]),
    kind(2, "Q4_0", 32, 18, &[0]),
    kind(3, "Q4_1", 32, 20, &[0, 2]),
    kind(6, "Q5_0", 32, 22, &[0]),
    kind(7, "Q5_1", 32, 24, &[0, 2]),
    kind(8, "Q8_0", 32, 34, &[0]),
    kind(10, "Q2_K", 256, 84, &[80, 82]),
    kind(11, "Q3_K", 256, 110, &[108]),
    kind(12, "Q4_K", 256, 144, &[0, 2]),
    kind(13, "Q5_K", 256, 176, &[0, 2]),
    kind(14, "Q6_K", 256, 210, &[208]),
    kind(30, "BF16", 1, 2, &[]),
];

/// The head of a file.
#[derive(Clone, Debug, Default)]
pub struct Gguf {
    /// Facts by name.
    pub facts: BTreeMap<String, Fact>,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// Bytes of the whole file.
    pub byte_count: u64,
}

impl Gguf {
    /// Reads the head of what lies in `from`.
    pub fn read<R: Read + Seek>(from: &mut R) -> Result<Self, ModelError> {
        let byte_count = from.seek(SeekFrom::End(0))?;
        from.seek(SeekFrom::Start(0))?;
        let mut reader = Reader {
            from,
            at: 0,
            byte_count,
        };
        let mut magic = [0; 4];
        reader.fill(&mut magic)?;
        if &magic != MAGIC {
            return Err(ModelError::NotGguf);
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(ModelError::Version(version));
        }
        let tensor_count = reader.count(24)?;
        let fact_count = reader.count(13)?;
        let mut facts = BTreeMap::new();
        for _ in 0..fact_count {
            let key = reader.name()?;
            let kind = reader.u32()?;
            let fact = reader.fact(kind, &key)?;
            if facts.insert(key.clone(), fact).is_some() {
                return Err(ModelError::Twice(key));
            }
        }
        let alignment = match facts.get("general.alignment") {
            None => ALIGNMENT,
            Some(Fact::Whole(n)) if (1..=4096).contains(n) => n.unsigned_abs() as u64,
            Some(_) => return Err(ModelError::wrong("general.alignment")),
        };
        let mut tensors = BTreeMap::new();
        for _ in 0..tensor_count {
            let (name, tensor) = reader.tensor()?;
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(ModelError::Twice(name));
            }
        }
        let data_start = reader.at.next_multiple_of(alignment);
        place(&mut tensors, data_start, alignment, byte_count)?;
        Ok(Self {
            facts,
            tensors,
            byte_count,
        })
    }

    /// The bytes of a tensor.
    pub fn bytes<R: Read + Seek>(
        &self,
        from: &mut R,
        tensor: &Tensor,
    ) -> Result<Vec<u8>, ModelError> {
        from.seek(SeekFrom::Start(tensor.offset))?;
        // Not beyond the file, by `place`.
        let mut bytes = vec![0; to_usize(tensor.byte_count)?];
        from.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A text, if the fact is there.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.facts.get(key)? {
            Fact::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number that is not negative, if the fact is there.
    pub fn whole(&self, key: &str) -> Result<Option<u64>, ModelError> {
        match self.facts.get(key) {
            None => Ok(None),
            Some(Fact::Whole(n)) => u64::try_from(*n)
                .map(Some)
                .map_err(|_| ModelError::wrong(key)),
            Some(_) => Err(ModelError::wrong(key)),
        }
    }

    /// A finite number, if the fact is there.
    pub fn real(&self, key: &str) -> Result<Option<f64>, ModelError> {
        match self.facts.get(key) {
            None => Ok(None),
            Some(Fact::Real(x)) if x.is_finite() => Ok(Some(*x)),
            Some(Fact::Whole(n)) => Ok(Some(*n as f64)),
            Some(_) => Err(ModelError::wrong(key)),
        }
    }

    /// Yes or no, if the fact is there.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.facts.get(key)? {
            Fact::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    /// Texts, if the fact is there.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.facts.get(key)? {
            Fact::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// Numbers, if the fact is there.
    pub fn reals(&self, key: &str) -> Option<&[f64]> {
        match self.facts.get(key)? {
            Fact::Reals(reals) => Some(reals),
            _ => None,
        }
    }
}

/// Moves offsets from the data's start to the file's, and refuses tensors that overlap or pass the end: then all of them
/// together are no larger than the file.
fn place(
    tensors: &mut BTreeMap<String, Tensor>,
    data_start: u64,
    alignment: u64,
    byte_count: u64,
) -> Result<(), ModelError> {
    let mut spans = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors.iter_mut() {
        if !tensor.offset.is_multiple_of(alignment) {
            return Err(ModelError::Misplaced(name.clone()));
        }
        let start = tensor.offset.checked_add(data_start);
        let end = start.and_then(|start| start.checked_add(tensor.byte_count));
        match (start, end) {
            (Some(start), Some(end)) if end <= byte_count => {
                tensor.offset = start;
                spans.push((start, end, name.clone()));
            }
            _ => return Err(ModelError::Cut(name.clone())),
        }
    }
    spans.sort_unstable();
    for pair in spans.windows(2) {
        if pair[0].1 > pair[1].0 {
            return Err(ModelError::Misplaced(pair[1].2.clone()));
        }
    }
    Ok(())
}

pub(crate) fn to_usize(n: u64) -> Result<usize, ModelError> {
    usize::try_from(n).map_err(|_| ModelError::TooLarge(n))
}

struct Reader<'a, R> {
    from: &'a mut R,
    at: u64,
    byte_count: u64,
}

impl<R: Read> Reader<'_, R> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ModelError> {
        self.from
            .read_exact(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => ModelError::Ends(self.at),
                _ => ModelError::Io(error),
            })?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let mut buffer = [0; N];
        self.fill(&mut buffer)?;
        Ok(buffer)
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, ModelError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A count of things that take at least `bytes_min` each, so no more than fit into the rest of the file.
    fn count(&mut self, bytes_min: u64) -> Result<u64, ModelError> {
        let count = self.u64()?;
        let rest = self.byte_count.saturating_sub(self.at);
        if count > rest / bytes_min {
            return Err(ModelError::Count {
                at: self.at - 8,
                count,
            });
        }
        Ok(count)
    }

    fn text(&mut self, bytes_max: u64) -> Result<String, ModelError> {
        let at = self.at;
        let length = self.count(1)?;
        if length > bytes_max {
            return Err(ModelError::Count { at, count: length });
        }
        let mut bytes = vec![0; to_usize(length)?];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| ModelError::NotText(at))
    }

    fn name(&mut self) -> Result<String, ModelError> {
        self.text(NAME_BYTES_MAX)
    }

    fn fact(&mut self, kind: u32, key: &str) -> Result<Fact, ModelError> {
        Ok(match kind {
            0..=5 | 10 | 11 => Fact::Whole(self.whole(kind)?),
            6 => Fact::Real(f64::from(f32::from_le_bytes(self.array()?))),
            12 => Fact::Real(f64::from_le_bytes(self.array()?)),
            7 => match self.array::<1>()? {
                [0] => Fact::Bool(false),
                [1] => Fact::Bool(true),
                _ => return Err(ModelError::wrong(key)),
            },
            8 => Fact::Text(self.text(u64::MAX)?),
            9 => self.list(key)?,
            _ => return Err(ModelError::wrong(key)),
        })
    }

    fn whole(&mut self, kind: u32) -> Result<i128, ModelError> {
        Ok(match kind {
            0 => i128::from(self.array::<1>()?[0]),
            1 => i128::from(i8::from_le_bytes(self.array()?)),
            2 => i128::from(u16::from_le_bytes(self.array()?)),
            3 => i128::from(i16::from_le_bytes(self.array()?)),
            4 => i128::from(self.u32()?),
            5 => i128::from(i32::from_le_bytes(self.array()?)),
            10 => i128::from(self.u64()?),
            _ => i128::from(i64::from_le_bytes(self.array()?)),
        })
    }

    /// A list grows as it is read, so its claimed length alone reserves nothing.
    fn list(&mut self, key: &str) -> Result<Fact, ModelError> {
        let kind = self.u32()?;
        let bytes_min = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => return Err(ModelError::wrong(key)),
        };
        let count = self.count(bytes_min)?;
        if kind == 8 {
            let mut texts = Vec::new();
            for _ in 0..count {
                texts.push(self.text(u64::MAX)?);
            }
            return Ok(Fact::Texts(texts));
        }
        let mut reals = Vec::new();
        for _ in 0..count {
            reals.push(match self.fact(kind, key)? {
                Fact::Whole(n) => n as f64,
                Fact::Real(x) => x,
                Fact::Bool(yes) => f64::from(u8::from(yes)),
                _ => return Err(ModelError::wrong(key)),
            });
        }
        Ok(Fact::Reals(reals))
    }

    fn tensor(&mut self) -> Result<(String, Tensor), ModelError> {
        let name = self.name()?;
        let dim_count = self.u32()?;
        if !(1..=DIMS_MAX).contains(&dim_count) {
            return Err(ModelError::Shape {
                name,
                dims: vec![u64::from(dim_count)],
            });
        }
        let mut dims = Vec::new();
        for _ in 0..dim_count {
            dims.push(self.u64()?);
        }
        let id = self.u32()?;
        let offset = self.u64()?;
        let Some(kind) = KINDS.iter().copied().find(|kind| kind.id == id) else {
            return Err(ModelError::Kind { name, id });
        };
        let elements = dims.iter().try_fold(1_u64, |n, dim| n.checked_mul(*dim));
        let blocks = elements
            .filter(|n| *n > 0 && dims[0].is_multiple_of(kind.block_elements))
            .map(|n| n / kind.block_elements);
        let Some(byte_count) = blocks.and_then(|n| n.checked_mul(kind.block_bytes)) else {
            return Err(ModelError::Shape { name, dims });
        };
        Ok((
            name,
            Tensor {
                dims,
                kind,
                offset,
                byte_count,
            },
        ))
    }
}
