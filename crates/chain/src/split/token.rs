//! The secret that a node and its workers share.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use alloy_primitives::{B256, hex, keccak256};

use crate::ChainError;

/// Least bytes of a token.
const BYTES_MIN: usize = 32;

/// What both sides know. It is never sent.
#[derive(Clone)]
pub struct Token(Vec<u8>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Reads a token that only its owner may read.
    ///
    /// # Errors
    /// There is no such file, somebody else may read it, or it is too short.
    pub fn read(path: &Path) -> Result<Self, ChainError> {
        let wrong = |reason: String| ChainError::File {
            path: path.to_owned(),
            reason,
        };
        let about = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(wrong(format!(
                "others may read this token (mode {mode:04o}): make a new one that only you may read (mode 0600)"
            )));
        }
        let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let token = text.trim_ascii();
        if token.len() < BYTES_MIN {
            let count = token.len();
            return Err(wrong(format!(
                "a token of {count} bytes could be guessed: it must have at least {BYTES_MIN}"
            )));
        }
        Ok(Self(token.to_vec()))
    }

    /// The same, made if there is none.
    ///
    /// # Errors
    /// As [`Self::read`], and if it cannot be made.
    pub fn read_or_make(path: &Path) -> Result<Self, ChainError> {
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        if let Ok(mut file) = made {
            let text = hex::encode(B256::random()) + "\n";
            let written = file
                .write_all(text.as_bytes())
                .and_then(|()| file.sync_all());
            written.map_err(|error| ChainError::File {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        }
        Self::read(path)
    }

    /// What proves to the other side that this one knows the token: of the two numbers that each of them drew, in one role.
    pub(super) fn proof(&self, role: &str, node: B256, worker: B256) -> B256 {
        let parts = [
            &self.0[..],
            role.as_bytes(),
            node.as_slice(),
            worker.as_slice(),
        ];
        keccak256(parts.concat())
    }
}

/// Whether two proofs are the same, in a time that does not tell where they differ.
pub(super) fn same(one: B256, other: B256) -> bool {
    let differs = one.iter().zip(other.iter());
    differs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
}
