//! Looks that go on, and whom an auditor calls silent (AUD-13).

use std::future::pending;

use alloy_signer_local::PrivateKeySigner;
use capstan_client::Node;
use futures::{FutureExt as _, future::BoxFuture};

use super::*;
use crate::{
    auditor::Examiner,
    provider::{Answered, Question, Worker},
};

/// Who never has an answer.
struct Nobody;

impl Examiner for Nobody {
    fn examine<'a>(&'a self, _: &'a Case, _: &'a AtomicBool) -> BoxFuture<'a, Seen> {
        pending().boxed()
    }
}

impl Worker for Nobody {
    fn work<'a>(&'a self, _: &'a Question, _: Option<&'a Answered>) -> BoxFuture<'a, Option<B256>> {
        pending().boxed()
    }
}

fn auditor() -> Auditor {
    Auditor {
        // Nothing listens there.
        node: Node::new("http://127.0.0.1:1").expect("an address"),
        key: PrivateKeySigner::random(),
        examiner: Arc::new(Nobody),
        worker: Arc::new(Nobody),
        asks: false,
    }
}

const MACHINE: u64 = 3;

fn case(claim_id: u64, pick: u32) -> Case {
    Case {
        claim_id,
        pick,
        receipt: B256::repeat_byte(1),
        machine_id: MACHINE,
        class_id: 1,
        endpoint: String::new(),
        program: B256::ZERO,
        quantisation: B256::ZERO,
    }
}

impl Work<'_> {
    /// A look of which nothing comes.
    fn begins(&mut self, claim_id: u64, pick: u32) -> Arc<AtomicBool> {
        let heard = Arc::new(AtomicBool::new(false));
        let asking = Asking {
            machine_id: MACHINE,
            heard: Arc::clone(&heard),
            handle: self.looking.spawn(pending()),
        };
        self.asking.insert((claim_id, pick), asking);
        let looks = self.open.entry(claim_id).or_default();
        let mut look = Look::new(case(claim_id, pick), false);
        look.standing = Standing::Looking;
        looks.insert(pick, look);
        heard
    }

    fn ends(&mut self, claim_id: u64, pick: u32, seen: Seen) {
        let told = self.seen_to.send((case(claim_id, pick), seen));
        told.expect("heard");
        self.take_seen();
    }
}

fn silent() -> Seen {
    Seen::Silent("nobody answers".to_owned())
}

/// What was not asked for is withheld where silence holds every place, and not where one of them has something to compute on.
#[tokio::test]
async fn only_silence_is_called_silence() {
    let auditor = auditor();
    let mut work = Work::new(&auditor, &|_| {});
    let heard: Vec<_> = (1..5).map(|pick| work.begins(7, pick)).collect();
    let mut late = Look::new(case(7, 9), false);
    let said = work.go_on(&mut late, When::CommitLast).await;
    assert_eq!(
        (said, late.standing),
        (None, Standing::New),
        "slow, perhaps"
    );
    work.begins(7, 0);
    work.ends(7, 0, silent());
    heard[2].store(true, Ordering::Relaxed);
    let said = work.go_on(&mut late, When::CommitLast).await;
    assert_eq!((said, late.standing), (None, Standing::New), "one computes");
    heard[2].store(false, Ordering::Relaxed);
    let said = work.go_on(&mut late, When::Commit).await;
    assert_eq!(
        (said, late.standing),
        (None, Standing::New),
        "there is time"
    );
    let said = work.go_on(&mut late, When::CommitLast).await;
    let withheld = Finding::withheld(&late.case);
    assert_eq!(said, Some(Say::Commit(withheld)));
    // Who answers once is not mute, and an auditor whose own node is away says nothing of the machine.
    work.begins(7, 0);
    let found = Seen::Found {
        fault: None,
        witness: B256::ZERO,
        words: String::new(),
    };
    work.ends(7, 0, found);
    assert!(!work.is_mute(MACHINE));
    work.begins(7, 0);
    work.ends(7, 0, Seen::Later("no node".to_owned()));
    assert!(!work.is_mute(MACHINE));
    assert_eq!(work.open[&7][&0].standing, Standing::New);
}

/// Looks at a claim that has ended end with it, and no other.
#[tokio::test]
async fn looks_end_with_their_claim() {
    let auditor = auditor();
    let mut work = Work::new(&auditor, &|_| {});
    for (claim_id, pick) in [(7, 0), (7, 1), (8, 0)] {
        work.begins(claim_id, pick);
    }
    work.close(7);
    assert_eq!(work.asking(MACHINE).count(), 1);
    for _ in 0..2 {
        let ended = work.looking.join_next().await.expect("one ends");
        assert!(ended.expect_err("it was ended").is_cancelled());
    }
    assert_eq!(work.looking.len(), 1);
}

/// A node that takes nothing has taken nothing: he sleeps before he tries again, and has lost no word.
#[tokio::test]
async fn words_that_nobody_takes_wait() {
    let auditor = auditor();
    let mut work = Work::new(&auditor, &|_| {});
    let mut words = Vec::new();
    for pick in 0..3 {
        work.begins(7, pick);
        work.ends(7, pick, silent());
        let withheld = Finding::withheld(&case(7, pick));
        words.push((0, case(7, pick), Say::Commit(withheld)));
    }
    assert_eq!(work.say(words).await, 0);
    let waits = |look: &Look| look.standing == Standing::Silent;
    assert!(work.open[&7].values().all(waits));
}
