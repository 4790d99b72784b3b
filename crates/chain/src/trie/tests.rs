use alloy_trie::{
    proof::verify_proof,
    root::{state_root_unhashed, storage_root_unhashed},
};
use capstan_evm::AccountInfo;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

/// Records in memory.
#[derive(Default)]
struct Nodes(HashMap<NodeKey, Arc<Node>>);

impl NodeSource for Nodes {
    fn node(&self, key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        Ok(self.0.get(key).cloned())
    }
}

impl Nodes {
    /// Takes updates through the stored form, as the database does.
    fn apply(&mut self, updates: &NodeUpdates) {
        for (key, node) in updates {
            match node {
                Some(node) => {
                    let stored = Node::decode(&node.encode()).expect("reads back");
                    assert_eq!(stored, **node, "stored form of {key:?}");
                    self.0.insert(*key, Arc::new(stored));
                }
                None => drop(self.0.remove(key)),
            }
        }
    }
}

/// The state as plain maps; its root is computed from scratch by another implementation.
#[derive(Clone, Default)]
struct Model(BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>);

impl Model {
    fn apply(&mut self, diff: &StateDiff) {
        for (address, account) in &diff.accounts {
            let Some(info) = account.info else {
                self.0.remove(address);
                continue;
            };
            let (old, storage) = self.0.entry(*address).or_default();
            *old = info;
            for (slot, value) in &account.storage {
                if value.is_zero() {
                    storage.remove(slot)
                } else {
                    storage.insert(*slot, *value)
                };
            }
        }
    }

    fn storage_root(&self, address: &Address) -> B256 {
        storage_root_unhashed(
            self.0[address]
                .1
                .iter()
                .map(|(slot, value)| (B256::from(*slot), *value)),
        )
    }

    fn root(&self) -> B256 {
        state_root_unhashed(self.0.iter().map(|(address, (info, _))| {
            let root = self.storage_root(address);
            (
                *address,
                TrieAccount::new(info.nonce, info.balance, root, info.code_hash),
            )
        }))
    }
}

fn random_diff(rng: &mut StdRng, accounts: u64, slots: u64) -> StateDiff {
    let mut diff = StateDiff::default();
    for _ in 0..rng.random_range(1..8) {
        let address = Address::from_word(B256::from(U256::from(rng.random_range(0..accounts))));
        let mut account = AccountDiff::default();
        if rng.random_bool(0.85) {
            account.info = Some(AccountInfo {
                nonce: rng.random(),
                ..Default::default()
            });
            for _ in 0..rng.random_range(0..slots) {
                let slot = U256::from(rng.random_range(0..slots));
                let value = if rng.random_bool(0.5) {
                    0
                } else {
                    rng.random()
                };
                account.storage.insert(slot, U256::from::<u64>(value));
            }
        }
        diff.accounts.insert(address, account);
    }
    diff
}

/// TRIE-1, TRIE-2: after every step the root is the root from scratch, and no record is left over.
fn check_random(seed: u64, accounts: u64, slots: u64, steps: usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut model, mut nodes) = (Model::default(), Nodes::default());
    for step in 0..steps {
        let diff = random_diff(&mut rng, accounts, slots);
        let commit = Mpt.update(&nodes, &diff).unwrap();
        model.apply(&diff);
        nodes.apply(&commit.updates);
        assert_eq!(commit.root, model.root(), "seed {seed} step {step}");
        assert_eq!(Mpt.root(&nodes).unwrap(), commit.root);
        for (address, root) in &commit.storage_roots {
            assert_eq!(
                *root,
                model.storage_root(address),
                "seed {seed} step {step} {address}"
            );
        }
        assert_eq!(
            reachable(&nodes, &model),
            nodes.0.len(),
            "seed {seed} step {step}: stray records"
        );
    }
}

/// Counts the records that can be reached from the roots.
fn reachable(nodes: &Nodes, model: &Model) -> usize {
    let owners = std::iter::once(Owner::State).chain(model.0.keys().map(|a| Owner::Account(*a)));
    owners
        .map(|owner| {
            let mut updates = NodeUpdates::default();
            remove_trie(nodes, owner, &mut updates).unwrap();
            updates.len()
        })
        .sum()
}

#[test]
fn trie_1_root_equals_root_from_scratch() {
    for seed in 0..12 {
        check_random(seed, 6, 12, 60);
    }
    check_random(100, 300, 3, 150);
    // Enough slots in one account to run in parallel, on several levels.
    check_random(200, 2, 900, 25);
}

#[test]
fn trie_1_genesis_in_one_step() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut diff = StateDiff::default();
    for n in 0..400u64 {
        let info = AccountInfo {
            balance: U256::from(n),
            ..Default::default()
        };
        let storage = (0..n % 40)
            .map(|slot| (U256::from(slot), U256::from(rng.random::<u64>() | 1)))
            .collect();
        diff.accounts.insert(
            Address::from_word(keccak256(n.to_be_bytes())),
            AccountDiff {
                info: Some(info),
                storage,
            },
        );
    }
    let mut model = Model::default();
    model.apply(&diff);
    assert_eq!(Mpt.update(&NoNodes, &diff).unwrap().root, model.root());
    assert_eq!(Mpt.root(&NoNodes).unwrap(), EMPTY_ROOT_HASH);
}

/// TRIE-3: layers of unfinalized updates give the same roots as applied updates, and dropping the newest
/// ones goes back.
#[test]
fn trie_3_layers_stack_and_rewind() {
    let mut rng = StdRng::seed_from_u64(9);
    let base = Nodes::default();
    let mut stack: Vec<(Model, Arc<NodeUpdates>)> = Vec::new();
    for step in 0..200 {
        if stack.len() > 8 || (!stack.is_empty() && rng.random_bool(0.3)) {
            stack.truncate(rng.random_range(0..stack.len()));
        }
        let overlays = stack
            .iter()
            .rev()
            .map(|(_, updates)| Arc::clone(updates))
            .collect();
        let layers = Layers {
            overlays,
            base: &base,
        };
        let diff = random_diff(&mut rng, 8, 10);
        let commit = Mpt.update(&layers, &diff).unwrap();
        let mut model = stack
            .last()
            .map(|(model, _)| model.clone())
            .unwrap_or_default();
        model.apply(&diff);
        assert_eq!(commit.root, model.root(), "step {step}");
        stack.push((model, Arc::new(commit.updates)));
    }
}

/// TRIE-4: proofs of what is there and of what is not are accepted by another implementation.
#[test]
fn trie_4_proofs_verify() {
    let mut rng = StdRng::seed_from_u64(3);
    let (mut model, mut nodes) = (Model::default(), Nodes::default());
    let mut seen = [0; 4];
    for _ in 0..60 {
        let diff = random_diff(&mut rng, 30, 20);
        let commit = Mpt.update(&nodes, &diff).unwrap();
        model.apply(&diff);
        nodes.apply(&commit.updates);
        let address = Address::from_word(B256::from(U256::from(rng.random_range(0..40))));
        let slots: Vec<B256> = (0..24u64).map(|n| B256::from(U256::from(n))).collect();
        let proof = Mpt.proof(&nodes, address, &slots).unwrap();
        let expected = model.0.get(&address);
        assert_eq!(proof.account.is_some(), expected.is_some());
        seen[usize::from(expected.is_some())] += 1;
        let value = proof.account.map(alloy_rlp::encode);
        verify_proof(commit.root, hashed(address.as_slice()), value, &proof.proof).unwrap();
        let root = proof
            .account
            .map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        for slot in proof.storage {
            let model = expected
                .and_then(|(_, s)| s.get(&slot.slot.into()))
                .copied();
            assert_eq!(slot.value, model.unwrap_or_default());
            seen[2 + usize::from(model.is_some())] += 1;
            let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            verify_proof(root, hashed(slot.slot.as_slice()), value, &slot.proof).unwrap();
        }
    }
    assert!(
        seen.iter().all(|count| *count > 5),
        "both kinds of both proofs occurred: {seen:?}"
    );
}

/// TRIE-5: a record that is missing or garbled is an error that names it, never another root.
#[test]
fn trie_5_damage_is_refused() {
    let mut nodes = Nodes::default();
    let mut diff = StateDiff::default();
    for n in 0..600u64 {
        let info = AccountInfo {
            nonce: n + 1,
            ..Default::default()
        };
        let account = AccountDiff {
            info: Some(info),
            ..Default::default()
        };
        diff.accounts
            .insert(Address::from_word(B256::from(U256::from(n))), account);
    }
    nodes.apply(&Mpt.update(&NoNodes, &diff).unwrap().updates);
    let inner: Vec<NodeKey> = nodes
        .0
        .keys()
        .filter(|key| !key.path.is_empty())
        .copied()
        .collect();
    assert!(!inner.is_empty());
    for key in inner {
        let mut cut = Nodes(nodes.0.clone());
        cut.0.remove(&key);
        let error = Mpt.update(&cut, &diff).unwrap_err();
        assert!(
            matches!(error, TrieError::Damaged { key: found, .. } if found == key),
            "{error}"
        );
    }
    let bytes = nodes.0.values().next().unwrap().encode();
    for len in 0..bytes.len() {
        assert_eq!(Node::decode(&bytes[..len]), None);
    }
}

/// What somebody who follows a block meets: each step's accounts and slots are among those of the whole, with any values.
fn random_steps(rng: &mut StdRng, whole: &StateDiff, count: usize) -> Vec<StateDiff> {
    let part = |rng: &mut StdRng| {
        let mut step = StateDiff::default();
        for (address, account) in &whole.accounts {
            if rng.random_bool(0.5) {
                continue;
            }
            let mut some = AccountDiff {
                info: account.info,
                ..Default::default()
            };
            if let Some(info) = some.info.as_mut().filter(|_| rng.random_bool(0.5)) {
                info.nonce = rng.random();
            }
            for (slot, word) in &account.storage {
                match rng.random_range(0..4) {
                    0 => some.storage.insert(*slot, *word),
                    1 => some.storage.insert(*slot, U256::from(rng.random::<u64>())),
                    2 => some.storage.insert(*slot, U256::ZERO),
                    _ => None,
                };
            }
            step.accounts.insert(*address, some);
        }
        step
    };
    (0..count).map(|_| part(rng)).collect()
}

/// PER-15: tries that went along with a block are those of its whole difference at once, and no record is left over.
#[test]
fn per_15_a_root_ahead_is_the_root() {
    let (mut used, mut given_up) = (0, 0);
    for seed in 0..40 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut model, mut nodes) = (Model::default(), Nodes::default());
        let (accounts, slots) = [(6, 12), (200, 3), (2, 400)][seed as usize % 3];
        for step in 0..25 {
            let mut diff = random_diff(&mut rng, accounts, slots);
            if rng.random_bool(0.7) {
                diff.accounts.retain(|_, account| account.info.is_some());
            }
            let mut ahead = Ahead::default();
            let update = |on_top, diff: &_| {
                let overlays = vec![on_top];
                Mpt.update(
                    &Layers {
                        overlays,
                        base: &nodes,
                    },
                    diff,
                )
            };
            let count = rng.random_range(0..4);
            for part in random_steps(&mut rng, &diff, count) {
                ahead.step(part, update).unwrap();
            }
            let followed = ahead.finish(&diff, update).unwrap();
            let at_once = Mpt.update(&nodes, &diff).unwrap();
            model.apply(&diff);
            let commit = match followed {
                Some(commit) => {
                    used += 1;
                    assert_eq!(
                        commit.storage_roots, at_once.storage_roots,
                        "seed {seed} step {step}"
                    );
                    commit
                }
                None => {
                    given_up += 1;
                    at_once
                }
            };
            nodes.apply(&commit.updates);
            assert_eq!(commit.root, model.root(), "seed {seed} step {step}");
            assert_eq!(
                reachable(&nodes, &model),
                nodes.0.len(),
                "seed {seed} step {step}: stray records"
            );
        }
    }
    println!("{used} roots ahead were used, {given_up} were not");
    assert!(
        used > 200 && given_up > 50,
        "{used} used, {given_up} given up"
    );
}
