//! Keys on disk, encrypted by a password: Web3 Secret Storage, version 3, which geth, Foundry, ethers and MetaMask read
//! too.
//!
//! ```text
//!   password ─ scrypt (or PBKDF2, in files of others) ─► 32 bytes ─┬─ first 16: AES-128-CTR of the key
//!                                                                 └─ last 16: keccak(these ∥ ciphertext) is the MAC
//! ```
//!
//! A file is hostile until its MAC holds: what it asks for in memory and time is bounded before any of it is spent.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use aes::Aes128;
use alloy_primitives::{Address, B128, B256, Bytes, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The version of the format that is read and written.
const VERSION: u64 = 3;
/// Bytes that a password becomes.
const DERIVED_BYTES: usize = 32;
/// Most memory that scrypt may take for a file: 1 GiB, four times what geth asks for.
const SCRYPT_BYTES_MAX: u64 = 1 << 30;
/// Most blocks that scrypt may mix for a file, as a bound on time: four times what geth asks for.
const SCRYPT_WORK_MAX: u64 = 1 << 23;
/// Most rounds of PBKDF2.
const ROUNDS_MAX: u32 = 10_000_000;
/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// How files are called.
const EXTENSION: &str = "json";
/// Longest name of a wallet.
const NAME_BYTES_MAX: usize = 64;
/// Rights of a wallet's file.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;
/// The one cipher of the format that anybody uses.
const CIPHER: &str = "aes-128-ctr";
/// Bytes of its key, and of the MAC's.
const KEY_BYTES: usize = DERIVED_BYTES / 2;

/// Why a key cannot be kept, found or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// A file is no keystore, or one of another version.
    #[error("{path} is no wallet of version {VERSION}: {why}")]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The password is wrong, or the file was changed.
    #[error("the password does not open {path}")]
    Password {
        /// Which.
        path: PathBuf,
    },
    /// Nothing is called so.
    #[error(
        "no wallet is called `{name}` in {folder}; `capstan wallet new {name}` makes it, `capstan wallet list` shows what there is"
    )]
    Unknown {
        /// What was asked.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A wallet of this name is there already, and is never overwritten.
    #[error("{path} exists: choose another name")]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// A name that is no file name.
    #[error("`{0}` is no name: use letters, digits, `-` and `_`, at most 64")]
    Name(String),
    /// A password of no length protects nothing.
    #[error("the password is empty")]
    EmptyPassword,
}

/// How much work a password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Binary logarithm of scrypt's `n`.
    pub log_n: u8,
    /// Size of its blocks.
    pub r: u32,
    /// How many run beside each other.
    pub p: u32,
}

impl Cost {
    /// What ethers writes: 128 MiB, a few tenths of a second.
    pub const STANDARD: Self = Self {
        log_n: 17,
        r: 8,
        p: 1,
    };
}

#[derive(Deserialize, Serialize)]
struct File {
    version: u64,
    id: Option<String>,
    /// Without prefix. Some programs leave it out, so that a file does not tell whose it is.
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Deserialize, Serialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: Hex<B256>,
    #[serde(flatten)]
    kdf: Kdf,
    mac: Hex<B256>,
}

#[derive(Deserialize, Serialize)]
struct CipherParams {
    iv: Hex<B128>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
enum Kdf {
    Scrypt {
        dklen: usize,
        n: u64,
        p: u32,
        r: u32,
        salt: Hex<Bytes>,
    },
    Pbkdf2 {
        c: u32,
        dklen: usize,
        prf: String,
        salt: Hex<Bytes>,
    },
}

/// Hexadecimal without prefix, as the format has it; with one, it is read too.
struct Hex<T>(T);

impl<T: AsRef<[u8]>> Serialize for Hex<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0.as_ref()))
    }
}

impl<'de, T: hex::FromHex> Deserialize<'de> for Hex<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = T::from_hex(&text).map_err(|_| {
            serde::de::Error::custom(format!("{} digits are no such bytes", text.len()))
        })?;
        Ok(Self(value))
    }
}

/// What a password becomes: half a cipher's key, half a MAC's.
type Derived = Zeroizing<[u8; DERIVED_BYTES]>;

impl Kdf {
    fn derive(&self, password: &str) -> Result<Derived, String> {
        let mut derived = Derived::default();
        match self {
            Self::Scrypt {
                dklen,
                n,
                p,
                r,
                salt,
            } => {
                expect_length(*dklen)?;
                let memory = n.saturating_mul(u64::from(*r)).saturating_mul(128);
                let work = n
                    .saturating_mul(u64::from(*r))
                    .saturating_mul(u64::from(*p));
                if !n.is_power_of_two() || memory > SCRYPT_BYTES_MAX || work > SCRYPT_WORK_MAX {
                    return Err(format!("scrypt with n {n}, r {r}, p {p} is out of bounds"));
                }
                let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
                let params = scrypt::Params::new(log_n, *r, *p, DERIVED_BYTES)
                    .map_err(|error| error.to_string())?;
                scrypt::scrypt(password.as_bytes(), &salt.0, &params, derived.as_mut())
                    .map_err(|error| error.to_string())?;
            }
            Self::Pbkdf2 {
                c,
                dklen,
                prf,
                salt,
            } => {
                expect_length(*dklen)?;
                if prf != "hmac-sha256" || !(1..=ROUNDS_MAX).contains(c) {
                    return Err(format!("PBKDF2 with {prf} and {c} rounds is out of bounds"));
                }
                let rounds = *c;
                pbkdf2::pbkdf2_hmac::<Sha256>(
                    password.as_bytes(),
                    &salt.0,
                    rounds,
                    derived.as_mut(),
                );
            }
        }
        Ok(derived)
    }
}

fn expect_length(dklen: usize) -> Result<(), String> {
    if dklen == DERIVED_BYTES {
        return Ok(());
    }
    Err(format!("dklen is {dklen}, not {DERIVED_BYTES}"))
}

/// The halves of what a password became: a cipher's key, and a MAC's.
fn halves(derived: &Derived) -> ([u8; KEY_BYTES], [u8; KEY_BYTES]) {
    let (mut cipher, mut mac) = ([0; KEY_BYTES], [0; KEY_BYTES]);
    cipher.copy_from_slice(&derived[..KEY_BYTES]);
    mac.copy_from_slice(&derived[KEY_BYTES..]);
    (cipher, mac)
}

fn mac(derived: &Derived, ciphertext: &B256) -> B256 {
    let (_, key) = halves(derived);
    keccak256([key.as_slice(), ciphertext.as_slice()].concat())
}

/// The same operation in both directions.
fn cipher(derived: &Derived, iv: B128, bytes: &mut [u8]) {
    let (key, _) = halves(derived);
    Ctr128BE::<Aes128>::new(&key.into(), &iv.0.into()).apply_keystream(bytes);
}

/// A key under a password, as text of a file.
///
/// # Errors
/// The password is empty.
pub fn encrypt(
    signer: &PrivateKeySigner,
    password: &str,
    cost: Cost,
) -> Result<String, KeystoreError> {
    if password.is_empty() {
        return Err(KeystoreError::EmptyPassword);
    }
    let mut random = rand::rng();
    let salt: [u8; DERIVED_BYTES] = random.random();
    let iv = B128::from(random.random::<[u8; 16]>());
    let kdf = Kdf::Scrypt {
        dklen: DERIVED_BYTES,
        n: 1 << cost.log_n,
        p: cost.p,
        r: cost.r,
        salt: Hex(Bytes::copy_from_slice(&salt)),
    };
    // The costs are our own, so that only a wrong constant could fail here.
    let derived = kdf.derive(password).map_err(|why| KeystoreError::Form {
        path: PathBuf::new(),
        why,
    })?;
    let mut secret = Zeroizing::new(signer.to_bytes().0);
    cipher(&derived, iv, secret.as_mut());
    let ciphertext = B256::from(*secret);
    let file = File {
        version: VERSION,
        id: Some(uuid(random.random())),
        address: Some(hex::encode(signer.address())),
        crypto: Crypto {
            cipher: CIPHER.to_owned(),
            cipherparams: CipherParams { iv: Hex(iv) },
            mac: Hex(mac(&derived, &ciphertext)),
            ciphertext: Hex(ciphertext),
            kdf,
        },
    };
    Ok(json!(file).to_string() + "\n")
}

/// The key in a file's text.
///
/// # Errors
/// [`KeystoreError::Form`], [`KeystoreError::Password`]; `path` is only for the words.
pub fn decrypt(text: &str, password: &str, path: &Path) -> Result<PrivateKeySigner, KeystoreError> {
    let form = |why: String| KeystoreError::Form {
        path: path.to_owned(),
        why,
    };
    let file = read(text).map_err(form)?;
    let crypto = &file.crypto;
    let derived = crypto.kdf.derive(password).map_err(form)?;
    if mac(&derived, &crypto.ciphertext.0) != crypto.mac.0 {
        return Err(KeystoreError::Password {
            path: path.to_owned(),
        });
    }
    let mut secret = Zeroizing::new(crypto.ciphertext.0.0);
    cipher(&derived, crypto.cipherparams.iv.0, secret.as_mut());
    let signer = PrivateKeySigner::from_slice(secret.as_ref())
        .map_err(|_| form("what it holds is no key".into()))?;
    let stated = file.address.as_deref().map(address_of);
    if stated.is_some_and(|stated| stated != Some(signer.address())) {
        return Err(form(format!(
            "it states another address than that of its key, {}",
            signer.address()
        )));
    }
    Ok(signer)
}

fn read(text: &str) -> Result<File, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if file.version != VERSION || file.crypto.cipher != CIPHER {
        return Err(format!(
            "version {} with {} is not known",
            file.version, file.crypto.cipher
        ));
    }
    Ok(file)
}

fn address_of(text: &str) -> Option<Address> {
    hex::FromHex::from_hex(text).ok()
}

/// A random UUID (version 4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

/// A folder of wallets.
#[derive(Clone, Debug)]
pub struct Keystore {
    folder: PathBuf,
}

/// A wallet in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Its name: that of the file, without ending.
    pub name: String,
    /// Whose it says it is, if it says so. Only opening it proves that.
    pub address: Option<Address>,
    /// The file.
    pub path: PathBuf,
}

impl Keystore {
    /// The wallets of this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All wallets, by name. What is no wallet is left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<Wallet>, KeystoreError> {
        let file = |why| file_error(&self.folder, why);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(file(error)),
        };
        let mut wallets = Vec::new();
        for entry in entries {
            let path = entry.map_err(file)?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
                continue;
            };
            let Ok(Ok(parsed)) = text_of(&path).map(|text| read(&text)) else {
                continue;
            };
            wallets.push(Wallet {
                name: name.to_owned(),
                address: parsed.address.as_deref().and_then(address_of),
                path: path.clone(),
            });
        }
        wallets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(wallets)
    }

    /// The wallet of this name, or of this address.
    ///
    /// # Errors
    /// [`KeystoreError::Unknown`].
    pub fn find(&self, name: &str) -> Result<Wallet, KeystoreError> {
        let address: Option<Address> = name.parse().ok();
        let is_meant =
            |wallet: &Wallet| wallet.name == name || address.is_some() && wallet.address == address;
        let found = self.list()?.into_iter().find(is_meant);
        found.ok_or_else(|| KeystoreError::Unknown {
            name: name.to_owned(),
            folder: self.folder.clone(),
        })
    }

    /// The key of a wallet.
    ///
    /// # Errors
    /// The file is not what it must be, or the password is wrong.
    pub fn open(&self, wallet: &Wallet, password: &str) -> Result<PrivateKeySigner, KeystoreError> {
        decrypt(&text_of(&wallet.path)?, password, &wallet.path)
    }

    /// Writes a new wallet, for its owner's eyes only.
    ///
    /// # Errors
    /// The name is taken or no name, or the folder does not take the file.
    pub fn add(
        &self,
        name: &str,
        signer: &PrivateKeySigner,
        password: &str,
        cost: Cost,
    ) -> Result<PathBuf, KeystoreError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
            return Err(KeystoreError::Name(name.to_owned()));
        }
        let path = self.folder.join(name).with_extension(EXTENSION);
        if path.exists() {
            return Err(KeystoreError::Exists { path });
        }
        let text = encrypt(signer, password, cost)?;
        let file = |why| file_error(&path, why);
        fs::create_dir_all(&self.folder).map_err(file)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
        let mut written = options.open(&path).map_err(file)?;
        let done = written
            .write_all(text.as_bytes())
            .and_then(|()| written.sync_all());
        done.map_err(file)?;
        Ok(path)
    }
}

fn file_error(path: &Path, why: io::Error) -> KeystoreError {
    KeystoreError::File {
        path: path.to_owned(),
        why,
    }
}

/// A file's text, if it is not too large for a wallet.
fn text_of(path: &Path) -> Result<String, KeystoreError> {
    let file = |why| file_error(path, why);
    let about = fs::metadata(path).map_err(file)?;
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return Err(KeystoreError::Form {
            path: path.to_owned(),
            why: format!("it is no file of at most {FILE_BYTES_MAX} bytes"),
        });
    }
    fs::read_to_string(path).map_err(file)
}
