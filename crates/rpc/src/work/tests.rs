use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use super::*;

/// A job that runs until it is told to end.
fn stuck() -> (mpsc::Sender<()>, impl FnOnce() -> RpcResult<()> + Send) {
    let (end, ended) = mpsc::channel::<()>();
    let job = move || {
        // An error: the other end is gone, which ends it too.
        let _ = ended.recv();
        Ok(())
    };
    (end, job)
}

/// RPC-21: jobs that never end take half of the threads; light ones go on.
#[tokio::test]
async fn rpc_21_heavy_jobs_leave_threads_for_light_ones() {
    let pool = Arc::new(WorkPool::new(4, 1_024).expect("threads"));
    let mut ends = Vec::new();
    for owner in 0..20 {
        let (end, job) = stuck();
        ends.push(end);
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { pool.run(Lane::Heavy { owner }, job).await });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(pool.waiting(), 18, "two of twenty run");
    let begun = Instant::now();
    for number in 0..100 {
        let answer = pool.run(Lane::Light, move || Ok(number)).await;
        assert_eq!(answer.expect("answered"), number);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    drop(ends);
}

/// RPC-21: who asks for one thing waits for one job of each who asked before, not for all of them.
#[tokio::test]
async fn rpc_21_callers_take_turns() {
    let mut turns = Turns::default();
    let order = Arc::new(Mutex::new(Vec::new()));
    let push = |turns: &mut Turns, owner: usize| {
        let order = Arc::clone(&order);
        turns.push(owner, Box::new(move || order.lock().push(owner)));
    };
    for _ in 0..4 {
        push(&mut turns, 1);
    }
    push(&mut turns, 2);
    push(&mut turns, 3);
    push(&mut turns, 3);
    assert_eq!(turns.count, 7);
    while let Some(task) = turns.pop() {
        task();
    }
    assert_eq!(turns.count, 0);
    assert_eq!(*order.lock(), [1, 2, 3, 1, 3, 1, 1]);
}

#[tokio::test]
async fn a_full_queue_says_so_and_the_other_still_takes() {
    let pool = Arc::new(WorkPool::new(2, 3).expect("threads"));
    let mut ends = Vec::new();
    for _ in 0..4 {
        let (end, job) = stuck();
        ends.push(end);
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { pool.run(Lane::Heavy { owner: 1 }, job).await });
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let refused = pool.run(Lane::Heavy { owner: 2 }, || Ok(())).await;
    let refused = refused.expect_err("three wait").message;
    assert!(refused.contains("3 calls are waiting"), "{refused}");
    assert_eq!(pool.run(Lane::Light, || Ok(5)).await.expect("answered"), 5);
    drop(ends);
}
