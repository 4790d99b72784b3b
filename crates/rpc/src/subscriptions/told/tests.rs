use super::*;

/// The block at a height of a fork.
fn head(fork: u8, number: u64) -> Head {
    let hash = |number: u64| {
        let mut hash = B256::with_last_byte(u8::try_from(number % 251).unwrap());
        hash.0[..8].copy_from_slice(&number.to_be_bytes());
        // Heights up to 10 are the same on each fork.
        hash.0[8] = if number > 10 { fork } else { 0 };
        hash
    };
    Head {
        number,
        hash: hash(number),
        parent: hash(number.saturating_sub(1)),
    }
}

fn told(fork: u8, to: u64) -> Told {
    let mut told = Told::up_to(head(fork, 0));
    for number in 1..=to {
        assert!(told.leads_to(head(fork, number)));
        told.tell(head(fork, number));
    }
    told
}

/// A chain of a fork that ends at a height.
fn chain(fork: u8, to: u64) -> impl Fn(u64) -> Option<B256> {
    move |number| (number <= to).then(|| head(fork, number).hash)
}

/// RPC-11: an event counts if it continues what was told, whatever was lost before it.
#[test]
fn rpc_11_only_what_continues_counts() {
    let told = told(1, 20);
    assert!(told.leads_to(head(1, 21)));
    for stale in [head(1, 20), head(1, 22), head(2, 21), head(1, 5)] {
        assert!(!told.leads_to(stale), "{stale:?}");
    }
}

/// RPC-11: a rewind takes back what was told, newest first, and nothing else.
#[test]
fn rpc_11_a_rewind_takes_back() {
    let mut told = told(1, 20);
    assert!(!told.take_back(head(2, 20)), "another block of that height");
    assert!(!told.take_back(head(1, 19)), "not the newest");
    for number in (11..=20).rev() {
        assert!(told.take_back(head(1, number)));
    }
    assert!(told.leads_to(head(2, 11)));
    // Also below what is remembered.
    let mut told = Told::up_to(head(1, 20));
    assert!(told.take_back(head(1, 20)));
    assert_eq!(told.newest(), (19, head(1, 19).hash));
}

/// RPC-11: after lost events it goes on from the newest block that both have.
#[test]
fn rpc_11_rejoining() {
    let cases = [
        ("nothing was lost", chain(1, 20), 20),
        ("only new blocks were", chain(1, 90), 20),
        ("a rewind was", chain(1, 12), 12),
        ("to below the fork, and as high again", chain(2, 20), 10),
    ];
    // Closures of one function have one type.
    for (what, chain, expected) in cases {
        let mut told = told(1, 20);
        assert_eq!(told.rejoin(&chain), expected, "{what}");
        assert_eq!(told.newest().0, expected, "{what}");
        if let Some(hash) = chain(expected + 1) {
            let next = head(
                if chain(20) == Some(head(2, 20).hash) {
                    2
                } else {
                    1
                },
                expected + 1,
            );
            assert_eq!(next.hash, hash);
            assert!(told.leads_to(next), "{what}");
        }
    }
    // What is remembered is bounded; a rewind further back goes on from where the chain is.
    let far = KEPT as u64 + 100;
    let mut old = told(1, far);
    assert_eq!(old.heads.len(), KEPT);
    assert_eq!(old.rejoin(chain(2, far)), 100);
    assert!(old.leads_to(head(2, 101)));
    let mut old = told(1, far);
    assert_eq!(old.rejoin(chain(1, 7)), 7);
    assert!(old.leads_to(head(1, 8)));
}
