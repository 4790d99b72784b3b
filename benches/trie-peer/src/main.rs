//! `ethrex-trie`, the trie of a production client, for the trie bench (`capstan-bench block`).
//!
//! A program of its own, because its Keccak and ours export the same symbol and cannot be linked together. It fills a
//! trie with `slots` slots, then changes some of them in each round, and prints the root (and the milliseconds) of
//! each step, which the bench compares with its own. Arguments: slots, slots changed in a round, rounds, slots put in
//! at once while filling.

use std::{collections::HashMap, error::Error, sync::Arc, time::Instant};

use ethrex_crypto::{Crypto as _, NativeCrypto};
use ethrex_trie::{Nibbles, Trie, TrieDB, TrieError};
use parking_lot::RwLock;

/// Encoded nodes by path. Clones are the same map.
#[derive(Clone, Default)]
struct Store(Arc<RwLock<HashMap<Vec<u8>, Vec<u8>>>>);

impl TrieDB for Store {
    fn get(&self, key: Nibbles) -> Result<Option<Vec<u8>>, TrieError> {
        Ok(self.0.read().get(key.as_ref()).cloned())
    }

    fn put_batch(&self, nodes: Vec<(Nibbles, Vec<u8>)>) -> Result<(), TrieError> {
        let mut map = self.0.write();
        for (key, node) in nodes {
            match node.is_empty() {
                true => drop(map.remove(key.as_ref())),
                false => drop(map.insert(key.into_vec(), node)),
            }
        }
        Ok(())
    }
}

/// RLP of a number above zero.
fn rlp(word: u64) -> Vec<u8> {
    let bytes = word.to_be_bytes();
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    match bytes {
        [byte] if *byte < 0x80 => vec![*byte],
        _ => [&[0x80 + bytes.len() as u8], bytes].concat(),
    }
}

fn put(trie: &mut Trie, changes: impl Iterator<Item = (u64, u64)>) -> Result<(), TrieError> {
    for (slot, word) in changes {
        let mut key = [0; 32];
        key[24..].copy_from_slice(&slot.to_be_bytes());
        trie.insert(NativeCrypto.keccak256(&key).to_vec(), rlp(word))?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Result<Vec<u64>, _> = std::env::args().skip(1).map(|word| word.parse()).collect();
    let &[slots, changed, rounds, fill] = &*numbers? else {
        return Err("usage: slots changed rounds fill".into());
    };
    if changed == 0 || fill == 0 {
        return Err("no slots to put in".into());
    }
    let store = Store::default();
    let mut root = Trie::new(Box::new(store.clone())).hash_no_commit(&NativeCrypto);
    let mut first = 0;
    while first < slots {
        let mut trie = Trie::open(Box::new(store.clone()), root);
        let end = slots.min(first + fill);
        put(&mut trie, (first..end).map(|slot| (slot, slot + 1)))?;
        root = trie.hash(&NativeCrypto)?;
        first = end;
    }
    println!("{root:x} 0");
    let stride = slots / changed;
    for round in 0..rounds {
        let mut trie = Trie::open(Box::new(store.clone()), root);
        let start = Instant::now();
        put(
            &mut trie,
            (0..changed).map(|n| (round % stride + n * stride, slots + round + 2)),
        )?;
        let made = trie.hash_no_commit(&NativeCrypto);
        println!("{made:x} {}", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}
