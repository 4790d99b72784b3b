//! The key-value store over redb.

use std::{ops::ControlFlow, path::Path, sync::Arc};

use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTableMetadata, StorageBackend, StorageError,
    TableDefinition,
};

use super::{Batch, Kv, KvError, KvRead, Order, Range, Schema, Table, guard::guarded};
use crate::disk::{DiskFile, is_full};

type Bytes = &'static [u8];

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct KvConfig {
    /// Memory for cached pages.
    pub cache_bytes: usize,
    /// Whether commits save the allocator's state, so that opening after a crash needs no walk over the
    /// file. It costs time in proportion to the file's size on each commit: right while a file is small.
    pub quick_repair: bool,
}

impl Default for KvConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            quick_repair: true,
        }
    }
}

/// Tables in one redb file.
#[derive(Debug)]
pub struct RedbKv {
    /// Where it lies, for errors.
    label: Arc<str>,
    db: Database,
    schema: Schema,
    quick_repair: bool,
}

impl RedbKv {
    /// Opens or creates a file.
    pub fn open_path(path: &Path, schema: Schema, config: KvConfig) -> Result<Self, KvError> {
        let label = path.display().to_string();
        guarded(&label, || {
            let db = builder(config)
                .create(path)
                .map_err(|error| open_error(&label, &error))?;
            Self::with(db, schema, config, &label)
        })
    }

    /// Opens or creates a store in a file of a [`crate::disk::Disk`].
    pub fn open_file(
        file: Arc<dyn DiskFile>,
        label: &str,
        schema: Schema,
        config: KvConfig,
    ) -> Result<Self, KvError> {
        guarded(label, || {
            let db = builder(config)
                .create_with_backend(Backend(file))
                .map_err(|error| open_error(label, &error))?;
            Self::with(db, schema, config, label)
        })
    }

    /// Refuses a file that another process has open; reads no more of it than that takes.
    pub fn check_free(path: &Path) -> Result<(), KvError> {
        let label = path.display().to_string();
        let opened = guarded(&label, || Ok(redb::ReadOnlyDatabase::open(path)));
        match opened {
            Ok(Err(error @ redb::DatabaseError::DatabaseAlreadyOpen)) => {
                Err(open_error(&label, &error))
            }
            // Whatever else is wrong with it is for those who read it to say.
            _ => Ok(()),
        }
    }

    /// A store in memory.
    pub fn memory(schema: Schema) -> Result<Self, KvError> {
        // The pages are in memory already: a large cache would only hold them twice.
        let config = KvConfig {
            cache_bytes: 16 << 20,
            quick_repair: false,
        };
        let db = builder(config)
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .map_err(|error| open_error("in memory", &error))?;
        Self::with(db, schema, config, "in memory")
    }

    fn with(db: Database, schema: Schema, config: KvConfig, label: &str) -> Result<Self, KvError> {
        let kv = Self {
            label: label.into(),
            db,
            schema,
            quick_repair: config.quick_repair,
        };
        kv.create_tables().map_err(|error| KvError::Open {
            path: label.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(kv)
    }

    /// Readers may then open every table without asking whether it exists.
    fn create_tables(&self) -> Result<(), KvError> {
        let read = self.db.begin_read().map_err(storage)?;
        let present = read.list_tables().map_err(storage)?.count();
        if present >= self.schema.len() {
            return Ok(());
        }
        drop(read);
        let write = self.begin()?;
        for &name in self.schema {
            write.open_table(definition(name)).map_err(storage)?;
        }
        write.commit().map_err(storage)
    }

    fn begin(&self) -> Result<redb::WriteTransaction, KvError> {
        let mut write = self.db.begin_write().map_err(storage)?;
        write.set_two_phase_commit(true);
        write.set_quick_repair(self.quick_repair);
        Ok(write)
    }

    /// Rewrites the file without its free pages. No snapshot may be alive. True if anything moved.
    pub fn compact(&mut self) -> Result<bool, KvError> {
        let Self { label, db, .. } = self;
        guarded(label, || db.compact().map_err(storage))
    }

    /// Walks every page and checks its checksum. False if the file was damaged and had to be rolled back.
    pub fn check(&mut self) -> Result<bool, KvError> {
        let Self { label, db, .. } = self;
        guarded(label, || db.check_integrity().map_err(storage))
    }
}

impl Kv for RedbKv {
    fn snapshot(&self) -> Result<Arc<dyn KvRead>, KvError> {
        guarded(&self.label, || {
            let read = self.db.begin_read().map_err(storage)?;
            let tables = self
                .schema
                .iter()
                .map(|name| read.open_table(definition(name)).map_err(storage))
                .collect::<Result<_, _>>()?;
            let label = Arc::clone(&self.label);
            Ok(Arc::new(View { label, tables }) as Arc<dyn KvRead>)
        })
    }

    fn write(&self, batch: Batch) -> Result<(), KvError> {
        guarded(&self.label, || {
            let write = self.begin()?;
            for (table, changes) in batch.into_sorted() {
                let mut table = write
                    .open_table(definition(self.schema[usize::from(table.0)]))
                    .map_err(storage)?;
                for (key, value) in changes {
                    match value {
                        Some(value) => drop(table.insert(&*key, &*value).map_err(storage)?),
                        None => drop(table.remove(&*key).map_err(storage)?),
                    }
                }
            }
            write.commit().map_err(storage)
        })
    }
}

struct View {
    label: Arc<str>,
    tables: Vec<ReadOnlyTable<Bytes, Bytes>>,
}

impl KvRead for View {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        guarded(&self.label, || {
            let value = self.tables[usize::from(table.0)]
                .get(key)
                .map_err(storage)?;
            Ok(value.map(|value| value.value().to_vec()))
        })
    }

    fn walk(
        &self,
        table: Table,
        range: Range<'_>,
        order: Order,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), KvError> {
        let mut entries = guarded(&self.label, || {
            self.tables[usize::from(table.0)]
                .range::<&[u8]>(range)
                .map_err(storage)
        })?;
        // The visitor stands outside: its panics are its own.
        let mut next = || {
            guarded(&self.label, || {
                let entry = match order {
                    Order::Forward => entries.next(),
                    Order::Backward => entries.next_back(),
                };
                entry.transpose().map_err(storage)
            })
        };
        while let Some((key, value)) = next()? {
            if visit(key.value(), value.value()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn len(&self, table: Table) -> Result<u64, KvError> {
        guarded(&self.label, || {
            self.tables[usize::from(table.0)].len().map_err(storage)
        })
    }
}

fn builder(config: KvConfig) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(config.cache_bytes);
    builder
}

fn definition(name: &'static str) -> TableDefinition<'static, Bytes, Bytes> {
    TableDefinition::new(name)
}

fn storage(error: impl Into<redb::Error>) -> KvError {
    match error.into() {
        redb::Error::Io(io) if is_full(&io) => KvError::Full(io.to_string()),
        other => KvError::Storage(other.to_string()),
    }
}

fn open_error(path: &str, error: &redb::DatabaseError) -> KvError {
    match error {
        redb::DatabaseError::Storage(StorageError::Io(io)) if is_full(io) => {
            KvError::Full(io.to_string())
        }
        redb::DatabaseError::DatabaseAlreadyOpen => KvError::InUse {
            path: path.to_owned(),
        },
        other => KvError::Open {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    }
}

/// A [`DiskFile`] as redb wants it.
#[derive(Debug)]
struct Backend(Arc<dyn DiskFile>);

impl StorageBackend for Backend {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write_at(offset, data)
    }
}
