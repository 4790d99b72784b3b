//! Keys and receipts for who has the folder: of the gateway that runs on it, or of the ledger itself if none does.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use reqwest::{Client, Method, Url};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{NewKey, Stance, admin::not_one};
use crate::{
    audit::Evidence,
    keys::{JobId, Key, KeyView, Ledger, LedgerError, Secret, StoreError, system_clock},
    receipt::Signed,
};

/// Where a gateway that runs says how to reach it; for its owner's eyes only.
const DOOR: &str = "gateway.json";

/// How to reach a gateway that runs.
#[derive(Debug, Serialize, Deserialize)]
struct Door {
    url: String,
    token: String,
}

/// What went wrong in the office.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The ledger says no.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The folder cannot be read or written.
    #[error("{0}")]
    Folder(#[from] io::Error),
    /// Nothing lies there, and who only reads makes nothing.
    #[error(
        "no keys and receipts lie in {0}: `capstan key new` makes the first key, --data DIR or CAPSTAN_GATEWAY names another folder"
    )]
    Nothing(PathBuf),
    /// A gateway has the folder, and cannot be asked.
    #[error("a gateway runs on {0}, and does not answer; is it just starting or ending?")]
    Silent(PathBuf),
    /// The gateway refused.
    #[error("{0}")]
    Refused(String),
}

impl From<StoreError> for OfficeError {
    fn from(error: StoreError) -> Self {
        LedgerError::from(error).into()
    }
}

/// The folder's door that stands open while this lives.
#[derive(Debug)]
pub struct OpenDoor(PathBuf);

impl OpenDoor {
    /// Says how to reach this gateway.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(folder: &Path, url: &str, admin: &Secret) -> io::Result<Self> {
        let path = folder.join(DOOR);
        let door = Door {
            url: url.to_owned(),
            token: admin.reveal().to_owned(),
        };
        // What a killed gateway left may be readable by others; a new file is not.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(serde_json::to_string(&door)?.as_bytes())?;
        Ok(Self(path))
    }
}

impl Drop for OpenDoor {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Keys and receipts of a folder.
#[derive(Debug)]
pub enum Office {
    /// Nobody else has it.
    Own(Box<Ledger>),
    /// A gateway does.
    Running(Running),
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    door: Door,
    client: Client,
    folder: PathBuf,
}

impl Office {
    /// The office of a folder that holds a ledger; no folder is made for who only looks.
    ///
    /// # Errors
    /// It holds none, or those of [`Office::of`].
    pub fn existing(folder: &Path) -> Result<Self, OfficeError> {
        if !Ledger::is_in(folder) {
            return Err(OfficeError::Nothing(folder.to_owned()));
        }
        Self::of(folder)
    }

    /// The office of a folder, which is made where there is none.
    ///
    /// # Errors
    /// It cannot be read, or a gateway has it that does not say how to reach it.
    pub fn of(folder: &Path) -> Result<Self, OfficeError> {
        match Ledger::open(folder, system_clock()) {
            Ok(ledger) => return Ok(Self::Own(Box::new(ledger))),
            Err(StoreError::InUse) => {}
            Err(error) => return Err(error.into()),
        }
        let silent = || OfficeError::Silent(folder.to_owned());
        let text = fs::read_to_string(folder.join(DOOR)).map_err(|_| silent())?;
        let door = serde_json::from_str(&text).map_err(|_| silent())?;
        let client = Client::builder().no_proxy().build().map_err(|_| silent())?;
        Ok(Self::Running(Running {
            door,
            client,
            folder: folder.to_owned(),
        }))
    }

    /// Makes a key; the secret is shown nowhere else.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn new_key(&self, wanted: NewKey) -> Result<(String, Key), OfficeError> {
        match self {
            Self::Own(ledger) => {
                let (secret, key) = ledger.add_key(wanted.name, wanted.limits).await?;
                Ok((secret.reveal().to_owned(), key))
            }
            Self::Running(running) => {
                #[derive(Deserialize)]
                struct Made {
                    secret: String,
                    key: Key,
                }
                let made: Made = running.ask(Method::POST, &["keys"], Some(&wanted)).await?;
                Ok((made.secret, made.key))
            }
        }
    }

    /// All keys.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn keys(&self) -> Result<Vec<KeyView>, OfficeError> {
        match self {
            Self::Own(ledger) => Ok(ledger.keys()),
            Self::Running(running) => running.ask(Method::GET, &["keys"], None).await,
        }
    }

    /// Takes a key back.
    ///
    /// # Errors
    /// None or several are called so.
    pub async fn revoke(&self, word: &str) -> Result<Key, OfficeError> {
        match self {
            Self::Own(ledger) => match ledger.find(word).as_slice() {
                [key] => Ok(ledger.revoke(&key.hash).await?),
                found => Err(OfficeError::Refused(not_one(word, found.len()))),
            },
            Self::Running(running) => {
                running
                    .ask(Method::POST, &["keys", word, "revoke"], None)
                    .await
            }
        }
    }

    /// A receipt, by its id or that of its request.
    ///
    /// # Errors
    /// There is none.
    pub async fn receipt(&self, id: &str) -> Result<Signed, OfficeError> {
        let missing = || OfficeError::Refused(format!("there is no receipt of `{id}` here"));
        match self {
            Self::Own(ledger) => {
                let found = match (id.parse::<B256>(), id.parse::<JobId>()) {
                    (Ok(id), _) => ledger.receipt(&id)?,
                    (_, Ok(job)) => ledger.receipt_of(&job)?,
                    _ => None,
                };
                found.ok_or_else(missing)
            }
            Self::Running(running) => {
                // What is no id would be another path.
                if !id
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                {
                    return Err(missing());
                }
                running.ask(Method::GET, &["receipts", id], None).await
            }
        }
    }
}

impl Office {
    /// Says to a gateway that runs whether others may use the machine, or that it ends: `pause`, `resume`, `stop`; or asks.
    ///
    /// # Errors
    /// None runs on the folder.
    pub async fn pace(&self, wish: Option<&str>) -> Result<Stance, OfficeError> {
        match (self, wish) {
            (Self::Own(_), _) => Err(OfficeError::Refused(
                "nothing runs on this folder; `capstan provide start` begins".to_owned(),
            )),
            (Self::Running(running), Some(wish)) => {
                running.ask(Method::POST, &["pace", wish], None).await
            }
            (Self::Running(running), None) => running.ask(Method::GET, &["pace"], None).await,
        }
    }

    /// What the answer of a receipt can be computed again from, if it was kept.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn evidence(&self, receipt: &B256) -> Result<Option<Evidence>, OfficeError> {
        match self {
            Self::Own(ledger) => Ok(ledger.evidence(receipt)?),
            Self::Running(running) => {
                let path = ["receipts", &receipt.to_string(), "evidence"];
                running.ask(Method::GET, &path, None).await
            }
        }
    }
}

impl Running {
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&NewKey>,
    ) -> Result<T, OfficeError> {
        let silent = |_| OfficeError::Silent(self.folder.clone());
        let mut url =
            Url::parse(&self.door.url).map_err(|_| OfficeError::Silent(self.folder.clone()))?;
        // Names are words of people: each is one segment, whatever stands in it.
        if path.iter().any(|word| matches!(*word, "." | "..")) {
            return Err(OfficeError::Refused(
                "name it by its number: this would be another path".to_owned(),
            ));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("admin").extend(path);
        }
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(&self.door.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(silent)?;
        let is_success = response.status().is_success();
        let answer: Value = response.json().await.map_err(silent)?;
        if !is_success {
            let message = answer["error"]["message"].as_str().unwrap_or("refused");
            return Err(OfficeError::Refused(message.to_owned()));
        }
        serde_json::from_value(answer)
            .map_err(|why| OfficeError::Refused(format!("the gateway answered otherwise: {why}")))
    }
}
