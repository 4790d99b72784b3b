//! `capstan export` and `capstan import`: blocks as a file (`specs/export.md`).
//!
//! ```text
//! "CAPBLK\0\1"  genesis hash (32)  { length (4, big endian)  CRC-32 of the bytes (4)  RawBlock }*
//! ```

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

use alloy_primitives::B256;
use capstan_chain::{Genesis, RawBlock};
use eyre::{OptionExt, Result, WrapErr, bail};

use crate::{
    args::{ExportOptions, ImportOptions},
    blocks, data,
    progress::Progress,
};

const MAGIC: &[u8; 8] = b"CAPBLK\0\x01";
/// Larger than any block can be; a length beyond it is damage, and nothing is allocated for it.
const BLOCK_BYTES_MAX: u32 = 1 << 30;

/// Writes blocks to a file.
pub(crate) fn export(options: &ExportOptions) -> Result<()> {
    let chain = data::open_existing(&options.data.data)?;
    let head = chain.head().number();
    let to = options.to.unwrap_or(head);
    if to > head || options.from == 0 || options.from > to.max(1) {
        bail!(
            "blocks {} to {to} do not exist: this chain has blocks 1 to {head}",
            options.from
        );
    }
    let genesis_hash = chain
        .block(0)?
        .ok_or_eyre("the genesis block is missing")?
        .hash();
    let file = File::create_new(&options.out).wrap_err_with(|| {
        format!(
            "cannot make {} (an existing file is not overwritten)",
            options.out.display()
        )
    })?;
    let mut writer = BufWriter::new(file);
    let progress = Progress::new("blocks written", to + 1 - options.from);
    writer.write_all(MAGIC)?;
    writer.write_all(genesis_hash.as_slice())?;
    for number in options.from..=to {
        let block = chain
            .block(number)?
            .ok_or_eyre(format!("block {number} is not stored any more"))?;
        write_frame(&mut writer, &block.raw().encode())
            .wrap_err_with(|| format!("cannot write {}", options.out.display()))?;
        progress.at(number + 1 - options.from);
    }
    let file = writer
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all().wrap_err("cannot flush the file")?;
    let count = (to + 1).saturating_sub(options.from);
    progress.finish(count);
    println!("wrote {count} blocks to {}", options.out.display());
    Ok(())
}

/// Checks and appends the blocks of a file.
pub(crate) fn import(options: &ImportOptions) -> Result<()> {
    let folder = &options.data.data;
    let genesis = match (data::stored_genesis(folder)?, &options.genesis) {
        (Some(genesis), _) => genesis,
        (None, Some(path)) => Genesis::read(path)?,
        (None, None) => bail!(
            "{} is new: say with --genesis FILE which chain it will hold",
            folder.display()
        ),
    };
    let chain = data::open(blocks::import_config(data::tool_config(genesis, folder)))?;
    let ours = chain
        .block(0)?
        .ok_or_eyre("the genesis block is missing")?
        .hash();
    let mut reader = Reader::open(&options.file)?;
    if reader.genesis_hash != ours {
        bail!(
            "{} is of the chain with genesis block {}, this folder of {ours}",
            options.file.display(),
            reader.genesis_hash
        );
    }
    let progress = Progress::new("blocks read", reader.bytes);
    let (mut appended, mut known) = (0_u64, 0_u64);
    while let Some(block) = reader.next()? {
        let number = block.header.number;
        if number <= chain.head().number() {
            let hash = block.header.hash_slow();
            let stored = chain.block(number)?.map(|block| block.hash());
            if stored.is_some_and(|stored| stored != hash) {
                bail!(
                    "block {number} of the file is {hash}, but this folder has another one: it is another history"
                );
            }
            known += 1;
        } else {
            blocks::append(&chain, &block)?;
            appended += 1;
        }
        progress.at(reader.read_bytes);
    }
    progress.finish(appended + known);
    println!(
        "appended {appended} blocks ({known} were here already); the newest is block {}",
        chain.head().number()
    );
    Ok(())
}

fn write_frame(writer: &mut impl Write, bytes: &[u8]) -> Result<()> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length <= BLOCK_BYTES_MAX);
    let length = length.ok_or_eyre("a block is larger than the format holds")?;
    writer.write_all(&length.to_be_bytes())?;
    writer.write_all(&crc32fast::hash(bytes).to_be_bytes())?;
    writer.write_all(bytes)?;
    Ok(())
}

struct Reader<R> {
    inner: R,
    name: String,
    genesis_hash: B256,
    bytes: u64,
    read_bytes: u64,
}

impl Reader<BufReader<File>> {
    fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).wrap_err_with(|| format!("cannot open {name}"))?;
        let bytes = file
            .metadata()
            .wrap_err_with(|| format!("cannot read {name}"))?
            .len();
        Self::new(BufReader::new(file), name, bytes)
    }
}

impl<R: Read> Reader<R> {
    fn new(mut inner: R, name: String, bytes: u64) -> Result<Self> {
        let mut magic = [0; 8];
        let mut genesis_hash = B256::ZERO;
        let head = inner
            .read_exact(&mut magic)
            .and_then(|()| inner.read_exact(genesis_hash.as_mut_slice()));
        if head.is_err() || &magic != MAGIC {
            bail!(
                "{name} is no file of `capstan export`, or of a version that this program does not know"
            );
        }
        Ok(Self {
            inner,
            name,
            genesis_hash,
            bytes,
            read_bytes: 40,
        })
    }

    fn next(&mut self) -> Result<Option<RawBlock>> {
        if self.read_bytes == self.bytes {
            return Ok(None);
        }
        let at = self.read_bytes;
        let damage = |what: &str| {
            format!(
                "{} is damaged at byte {at}: {what}; export it again",
                self.name
            )
        };
        let mut head = [0; 8];
        if self.inner.read_exact(&mut head).is_err() {
            bail!(damage("it ends inside a block"));
        }
        let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        let end = at.saturating_add(8).saturating_add(u64::from(length));
        // What is not in the file is not allocated.
        if length > BLOCK_BYTES_MAX || end > self.bytes {
            bail!(damage("it ends inside a block"));
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        if self.inner.read_exact(&mut bytes).is_err() {
            bail!(damage("it ends inside a block"));
        }
        if crc32fast::hash(&bytes) != u32::from_be_bytes([c0, c1, c2, c3]) {
            bail!(damage("the checksum of a block is wrong"));
        }
        let block =
            RawBlock::decode(&bytes).map_err(|error| eyre::eyre!(damage(&error.to_string())))?;
        self.read_bytes = end;
        Ok(Some(block))
    }
}

#[cfg(test)]
mod tests;
