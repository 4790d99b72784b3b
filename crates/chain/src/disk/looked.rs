//! A folder that is only looked at: what is written stays in memory, over the files as they are.
//!
//! Whoever judges a folder must not mend it on the way: a log with junk behind its end, or a database that a crash left,
//! is evidence. So the same code opens it, and its repairs go nowhere.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::{Mutex, RwLock};

use super::{Disk, DiskFile, OsDisk};

const PAGE_BYTES: u64 = 4_096;
type Page = Box<[u8; PAGE_BYTES as usize]>;

/// A folder of the operating system that is never written.
#[derive(Debug)]
pub struct LookedDisk {
    folder: PathBuf,
    /// Files that were opened; `None`: removed.
    opened: Mutex<BTreeMap<String, Option<Arc<LookedFile>>>>,
}

impl LookedDisk {
    /// Looks at `folder`.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            opened: Mutex::default(),
        }
    }

    fn take(&self, name: &str, create: bool) -> io::Result<Arc<dyn DiskFile>> {
        let mut opened = self.opened.lock();
        if let Some(Some(file)) = opened.get(name) {
            return Ok(Arc::clone(file) as Arc<dyn DiskFile>);
        }
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let below = match opened.get(name) {
            Some(_) => Err(missing()),
            None => File::open(self.folder.join(name)),
        };
        let file = match below {
            Ok(file) => LookedFile::over(Some(file))?,
            Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                LookedFile::over(None)?
            }
            Err(error) => return Err(error),
        };
        let file = Arc::new(file);
        opened.insert(name.to_owned(), Some(Arc::clone(&file)));
        Ok(file)
    }
}

impl Disk for LookedDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.take(name, false)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.take(name, true)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = OsDisk::list_of(&self.folder)?;
        for (name, file) in self.opened.lock().iter() {
            names.retain(|listed| listed != name);
            names.extend(file.is_some().then(|| name.clone()));
        }
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.open(name)?;
        self.opened.lock().insert(name.to_owned(), None);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn label(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// A file, and what was written over it.
#[derive(Debug)]
struct LookedFile {
    below: Option<File>,
    over: RwLock<Over>,
}

#[derive(Debug)]
struct Over {
    len: u64,
    /// Bytes of the file below that still count.
    below_len: u64,
    pages: BTreeMap<u64, Page>,
}

impl LookedFile {
    fn over(below: Option<File>) -> io::Result<Self> {
        let len = below
            .as_ref()
            .map_or(Ok(0), |file| Ok::<_, io::Error>(file.metadata()?.len()))?;
        let over = RwLock::new(Over {
            len,
            below_len: len,
            pages: BTreeMap::new(),
        });
        Ok(Self { below, over })
    }

    /// What the file below has at `offset`; zeros behind its end.
    fn below(&self, below_len: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = below_len.saturating_sub(offset).min(out.len() as u64);
        let (read, behind) = out.split_at_mut(usize::try_from(there).unwrap_or(usize::MAX));
        behind.fill(0);
        match &self.below {
            Some(file) => file.read_exact_at(read, offset),
            None => Ok(()),
        }
    }
}

/// Calls `each` with every page that a range touches: its number, where in it the range is, and where in the range it is.
fn pages_of(
    offset: u64,
    bytes: usize,
    mut each: impl FnMut(u64, usize, std::ops::Range<usize>) -> io::Result<()>,
) -> io::Result<()> {
    let mut done = 0;
    while done < bytes {
        let at = offset + done as u64;
        let within = usize::try_from(at % PAGE_BYTES).unwrap_or_default();
        let count = (bytes - done).min(PAGE_BYTES as usize - within);
        each(at / PAGE_BYTES, within, done..done + count)?;
        done += count;
    }
    Ok(())
}

impl DiskFile for LookedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over.read().len)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over.read();
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > over.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        pages_of(offset, out.len(), |number, within, range| {
            let start = range.start as u64;
            let out = &mut out[range];
            match over.pages.get(&number) {
                Some(page) => {
                    out.copy_from_slice(&page[within..within + out.len()]);
                    Ok(())
                }
                None => self.below(over.below_len, offset + start, out),
            }
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over.write();
        let over = &mut *over;
        pages_of(offset, data.len(), |number, within, range| {
            let page = match over.pages.entry(number) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let mut page: Page = Box::new([0; PAGE_BYTES as usize]);
                    self.below(over.below_len, number * PAGE_BYTES, &mut page[..])?;
                    entry.insert(page)
                }
            };
            let data = &data[range];
            page[within..within + data.len()].copy_from_slice(data);
            Ok(())
        })?;
        over.len = over.len.max(offset + data.len() as u64);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut over = self.over.write();
        if len < over.len {
            over.below_len = over.below_len.min(len);
            over.pages.retain(|number, _| number * PAGE_BYTES < len);
            let within = usize::try_from(len % PAGE_BYTES).unwrap_or_default();
            if let Some(page) = over.pages.get_mut(&(len / PAGE_BYTES)) {
                page[within..].fill(0);
            }
        }
        over.len = len;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
