//! Wallets on disk: files that others wrote, and what a hostile one may not do.

use std::path::Path;

use alloy_primitives::hex;
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};

use crate::keystore::{Cost, Keystore, KeystoreError, decrypt, encrypt};

/// Little work, so that tests are quick.
const LIGHT: Cost = Cost {
    log_n: 4,
    r: 1,
    p: 1,
};
/// What the files of others hold, and what opens them.
const KEY: [u8; 32] = hex!("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
const PASSWORD: &str = "testpassword";

/// What ethers 6.17 wrote, with little work.
fn scrypt_file() -> Value {
    json!({
        "address": "008aeeda4d805471df9b2a5b0f38a0c3bcba786b",
        "id": "1f8f6625-b477-40f9-8e0e-f6f519cdf1f6",
        "version": 3,
        "Crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "c6943acdc18c8d7e80004b0ffcc90c37"},
            "ciphertext": "550464a7326787e93f772d7ed232165f0d840dc5acd7db6b3e8856f6ad8642c1",
            "kdf": "scrypt",
            "kdfparams": {
                "salt": "2426acd477a2d10eaa54d556ac39ce8a9fd7ccc92df7dde15d5514332215fdf9",
                "n": 16_384,
                "dklen": 32,
                "p": 1,
                "r": 8,
            },
            "mac": "0d22948e5a43417f6b691527746c55cd4c7001bb835ad2f604162a44d14cdbf9",
        },
    })
}

/// The file of the format's own description.
fn pbkdf2_file() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262_144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    })
}

fn open(file: &Value, password: &str) -> Result<PrivateKeySigner, KeystoreError> {
    decrypt(&file.to_string(), password, Path::new("wallet.json"))
}

/// CLI-3
#[test]
fn files_of_others_open() {
    for file in [scrypt_file(), pbkdf2_file()] {
        let signer = open(&file, PASSWORD).expect("opens");
        assert_eq!(signer.to_bytes().0, KEY);
        let wrong = open(&file, "testpassworD").expect_err("wrong");
        assert!(matches!(wrong, KeystoreError::Password { .. }));
    }
}

/// CLI-3
#[test]
fn what_is_written_opens_by_its_password_alone() {
    let signer = PrivateKeySigner::random();
    let text = encrypt(&signer, "correct horse", LIGHT).expect("written");
    assert!(!text.contains(&hex::encode(signer.to_bytes())));
    let path = Path::new("wallet.json");
    let opened = decrypt(&text, "correct horse", path).expect("opens");
    assert_eq!(opened.address(), signer.address());
    let again = encrypt(&signer, "correct horse", LIGHT).expect("written");
    assert_ne!(text, again, "salt, iv and id are new each time");
    assert!(matches!(
        decrypt(&text, "", path),
        Err(KeystoreError::Password { .. })
    ));
    assert!(matches!(
        encrypt(&signer, "", LIGHT),
        Err(KeystoreError::EmptyPassword)
    ));
}

/// CLI-3: what a file asks for is bounded before it is done.
#[test]
fn hostile_files_cost_nothing() {
    let check = |pointer: &str, value: Value| {
        let mut file = scrypt_file();
        *file.pointer_mut(pointer).expect("a member") = value.clone();
        let refused = open(&file, PASSWORD).expect_err("refused");
        assert!(
            matches!(refused, KeystoreError::Form { .. }),
            "{pointer} {value}: {refused}"
        );
    };
    for n in [0, 3, 1 << 40, u64::MAX] {
        check("/Crypto/kdfparams/n", json!(n));
    }
    check("/Crypto/kdfparams/r", json!(u32::MAX));
    check("/Crypto/kdfparams/p", json!(1 << 20));
    check("/Crypto/kdfparams/r", json!(0));
    check("/Crypto/kdfparams/p", json!(0));
    check("/Crypto/kdfparams/dklen", json!(16));
    check("/Crypto/kdfparams/dklen", json!(1_u64 << 40));
    check("/Crypto/kdf", json!("none"));
    check("/Crypto/cipher", json!("aes-256-cbc"));
    check("/Crypto/ciphertext", json!("00"));
    check("/Crypto/cipherparams/iv", json!("zz"));
    check("/version", json!(4));
    let mut rounds = pbkdf2_file();
    rounds["crypto"]["kdfparams"]["c"] = json!(u32::MAX);
    assert!(matches!(
        open(&rounds, PASSWORD),
        Err(KeystoreError::Form { .. })
    ));
    let mut other = scrypt_file();
    other["address"] = json!("0000000000000000000000000000000000000001");
    let why = open(&other, PASSWORD).expect_err("lies").to_string();
    assert!(why.contains("another address"), "{why}");
    assert!(decrypt("not json", PASSWORD, Path::new("x")).is_err());
}

/// CLI-3
#[test]
fn a_folder_of_wallets() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Keystore::new(folder.path().join("new"));
    assert!(store.list().expect("nothing").is_empty());
    let signer = PrivateKeySigner::random();
    let path = store.add("alice", &signer, "pw", LIGHT).expect("added");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let taken = store.add("alice", &signer, "pw", LIGHT).expect_err("taken");
    assert!(matches!(taken, KeystoreError::Exists { .. }));
    for name in ["", "../alice", "a b", &"a".repeat(65)] {
        let refused = store.add(name, &signer, "pw", LIGHT).expect_err("no name");
        assert!(matches!(refused, KeystoreError::Name(_)), "{name}");
    }
    std::fs::write(store.folder().join("notes.txt"), "not a wallet").expect("written");
    let wallets = store.list().expect("a list");
    assert_eq!(wallets.len(), 1);
    assert_eq!(wallets[0].address, Some(signer.address()));
    for name in ["alice", &signer.address().to_string()] {
        let wallet = store.find(name).expect("found");
        let opened = store.open(&wallet, "pw").expect("opens");
        assert_eq!(opened.address(), signer.address());
    }
    let unknown = store.find("bob").expect_err("unknown").to_string();
    assert!(unknown.contains("capstan wallet list"), "{unknown}");
}
