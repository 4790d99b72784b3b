mod damage;
mod disk;
mod model;
mod old;

use alloy_primitives::Address;
use serde_json::Map;

use super::*;
use crate::receipt::{Machine, Receipt};

pub(super) fn usd(text: &str) -> Dollars {
    text.parse().expect("an amount")
}

pub(super) fn draft() -> Draft {
    let receipt = Receipt {
        job: B256::ZERO,
        program: B256::ZERO,
        input: B256::ZERO,
        output: B256::ZERO,
        parents: Vec::new(),
        payer: B256::ZERO,
        machine: Address::ZERO,
        startedMs: 0,
        firstMs: 0,
        tookMs: 0,
        inputUnits: 0,
        outputUnits: 0,
        cost: 0,
        energyMj: 0,
        outcome: 0,
        notes: B256::ZERO,
    };
    Draft {
        receipt,
        notes: Map::new(),
    }
}

pub(super) fn used(cost: &str) -> Used {
    Used {
        input_tokens: 1,
        output_tokens: 1,
        cost: usd(cost),
    }
}

const KEY: B256 = B256::repeat_byte(7);
const NOON: u64 = 20_000 * MS_PER_DAY + MS_PER_DAY / 2;

fn job(number: u8) -> JobId {
    JobId::new([number; 16])
}

fn book(limits: Limits) -> Book {
    let mut book = Book::default();
    book.add(NOON, KEY, "k".to_owned(), limits);
    book
}

fn limits(total: Option<&str>, day: Option<&str>) -> Limits {
    Limits {
        total: total.map(usd),
        day: day.map(usd),
        ..Limits::default()
    }
}

/// GW-1
#[test]
fn gw_1_a_key_promises_no_more_than_it_has() {
    let mut book = book(limits(Some("5usd"), Some("3usd")));
    book.reserve(NOON, &KEY, job(1), usd("2usd"), draft())
        .expect("fits");
    let over = book.reserve(NOON, &KEY, job(2), usd("1.000000000000000001usd"), draft());
    let why = over.expect_err("beyond the day").to_string();
    assert!(
        why.starts_with("over budget") && why.contains("of 3usd a day"),
        "{why}"
    );
    book.reserve(NOON, &KEY, job(2), usd("1usd"), draft())
        .expect("fits to the unit");
    // The next day, what was promised yesterday still counts against the total.
    let tomorrow = NOON + MS_PER_DAY;
    let over = book.reserve(tomorrow, &KEY, job(3), usd("2.1usd"), draft());
    assert!(matches!(over, Err(Refusal::Total { .. })), "{over:?}");
    assert_eq!(book.payable(tomorrow, &KEY), Some(usd("2usd")));
    // What was not used comes back.
    book.settle(&job(1), used("0.5usd"), None).expect("at work");
    assert_eq!(book.payable(tomorrow, &KEY), Some(usd("3usd")));
    // Charged to yesterday: nothing of it is today's.
    book.reserve(tomorrow, &KEY, job(3), usd("3usd"), draft())
        .expect("fits");
}

/// GW-2
#[test]
fn gw_2_a_request_is_charged_once_and_within_its_reservation() {
    let mut book = book(limits(Some("5usd"), None));
    book.reserve(NOON, &KEY, job(1), usd("1usd"), draft())
        .expect("fits");
    let (charged, _) = book.settle(&job(1), used("9usd"), None).expect("at work");
    assert_eq!(charged, usd("1usd"));
    assert!(book.settle(&job(1), used("1usd"), None).is_none());
    assert!(book.mark(&job(1), used("1usd")).is_none());
    assert_eq!(book.key(&KEY).map(|key| key.spent), Some(usd("1usd")));
    assert_eq!(book.reserved(&KEY), Dollars::ZERO);
}

/// GW-9
#[test]
fn gw_9_a_clock_that_goes_back_opens_no_new_day() {
    let mut book = book(limits(None, Some("1usd")));
    book.reserve(NOON, &KEY, job(1), usd("1usd"), draft())
        .expect("fits");
    book.settle(&job(1), used("1usd"), None).expect("at work");
    for skewed in [NOON - 3 * MS_PER_DAY, 0, NOON] {
        let refused = book.reserve(skewed, &KEY, job(2), usd("0.1usd"), draft());
        assert!(matches!(refused, Err(Refusal::Day { .. })), "{skewed}");
    }
    let far = NOON + 400 * MS_PER_DAY;
    book.reserve(far, &KEY, job(2), usd("1usd"), draft())
        .expect("a new day");
    // Back from a jump forwards, the later day goes on: nothing more.
    let refused = book.reserve(NOON, &KEY, job(3), usd("0.1usd"), draft());
    assert!(matches!(refused, Err(Refusal::Day { .. })), "{refused:?}");
    book.reserve(u64::MAX, &KEY, job(3), usd("1usd"), draft())
        .expect("the end of time");
}

/// GW-6
#[test]
fn gw_6_a_key_ends_when_it_ends() {
    let mut book = book(Limits {
        expires_ms: Some(NOON + 10),
        ..Limits::default()
    });
    assert!(book.admit(NOON + 9, &KEY).is_ok());
    assert_eq!(
        book.admit(NOON + 10, &KEY).err(),
        Some(Refusal::Expired(NOON + 10))
    );
    assert_eq!(book.admit(NOON, &B256::ZERO).err(), Some(Refusal::Unknown));
    book.reserve(NOON, &KEY, job(1), usd("1usd"), draft())
        .expect("works");
    book.revoke(NOON, &KEY).expect("there");
    let refused = book.reserve(NOON, &KEY, job(2), usd("1usd"), draft());
    assert_eq!(refused.err(), Some(Refusal::Revoked));
    // What is at work goes on, and is charged.
    assert!(book.settle(&job(1), used("1usd"), None).is_some());
    let why = Refusal::Expired(NOON).to_string();
    assert!(why.contains("2024-10-04T12:00:00Z"), "{why}");
}

#[test]
fn a_key_has_as_many_requests_at_work_as_it_may() {
    let mut book = book(Limits {
        parallel: Some(2),
        ..Limits::default()
    });
    for number in [1, 2] {
        book.reserve(NOON, &KEY, job(number), usd("1usd"), draft())
            .expect("fits");
    }
    let refused = book.reserve(NOON, &KEY, job(3), usd("1usd"), draft());
    assert_eq!(refused.err(), Some(Refusal::TooManyAtOnce(2)));
    book.settle(&job(1), Used::default(), None)
        .expect("at work");
    book.reserve(NOON, &KEY, job(3), usd("1usd"), draft())
        .expect("fits");
}

#[test]
fn secrets_show_themselves_once() {
    let secret = Secret::random();
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    assert!(secret.reveal().starts_with("sk-capstan-") && secret.reveal().len() == 75);
    assert_ne!(secret.hash(), Secret::random().hash());
    let job = JobId::random();
    assert_eq!(job.to_string().parse(), Ok(job));
    assert!("req_1".parse::<JobId>().is_err());
}

/// GW-6: a client's key and the owner's token are told apart by how they begin.
#[test]
fn gw_6_the_owner_s_token_is_no_key() {
    let (client, owner) = (Secret::random(), Secret::owners());
    assert!(Secret::looks_like_a_clients(client.reveal()));
    assert!(!Secret::looks_like_an_owners(client.reveal()));
    assert!(Secret::looks_like_an_owners(owner.reveal()));
    assert!(!Secret::looks_like_a_clients(owner.reveal()));
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    assert_eq!(ledger.admit(owner.reveal()), Err(Refusal::OwnersToken));
    assert_eq!(ledger.admit(client.reveal()), Err(Refusal::Unknown));
}

/// GW-12: a name means one key that works; one that was taken back gives its name free.
#[test]
fn gw_12_two_keys_that_work_have_two_names() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!Ledger::is_in(folder.path()));
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    assert!(Ledger::is_in(folder.path()));
    let add = |name: &str| {
        let made = ledger.add_key(name.to_owned(), Limits::default());
        futures::executor::block_on(made).map(|(_, key)| key)
    };
    let first = add("laptop").expect("made");
    let told = add("laptop").expect_err("taken").to_string();
    assert!(told.contains("`laptop` works already"), "{told}");
    add("").expect("no name is no name");
    add("").expect("nor is another");
    futures::executor::block_on(ledger.revoke(&first.hash)).expect("revoked");
    let second = add("laptop").expect("free again");
    let found = ledger.find("laptop");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].hash, second.hash);
    let by_id = ledger.find(&first.id());
    assert_eq!(
        by_id[0].hash, first.hash,
        "by its id the other is found, too"
    );
    assert!(ledger.find("nobody").is_empty());
}

/// GW-1: threads that race for one allowance over one ledger.
#[test]
fn gw_1_threads_that_race_never_spend_more_than_the_allowance() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    let allowed = Limits {
        total: Some(usd("1usd")),
        ..Limits::default()
    };
    let made = futures::executor::block_on(ledger.add_key("k".to_owned(), allowed));
    let (_, key) = made.expect("made");
    let promised = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let job = JobId::random();
                    let most = usd("0.013usd");
                    let Ok(_) = ledger.reserve(&key.hash, job, most, draft()) else {
                        continue;
                    };
                    let (charged, _) = ledger
                        .settle(&job, used("0.007usd"), None, None)
                        .expect("at work");
                    assert_eq!(charged, usd("0.007usd"));
                    promised.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    let view = ledger.keys().remove(0);
    let count = u128::from(promised.into_inner());
    assert_eq!(view.key.spent.atto(), count * usd("0.007usd").atto());
    assert!(
        view.key.spent <= usd("1usd") && view.reserved.is_zero(),
        "{view:?}"
    );
    // It is all on disk: the file says the same.
    drop(ledger);
    let again = Ledger::open(folder.path(), system_clock()).expect("opens");
    assert_eq!(again.keys().remove(0).key.spent, view.key.spent);
}

/// What customers said is nobody's on the same machine, in a ledger of before that was not so too.
#[test]
fn a_ledger_is_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    let mode = || {
        std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    };
    drop(Store::open(&path).expect("made"));
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    drop(Store::open(&path).expect("opened"));
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_ledger_in_use_is_not_opened_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = Ledger::open(folder.path(), system_clock()).expect("opens");
    let second = Ledger::open(folder.path(), system_clock());
    assert!(matches!(second, Err(StoreError::InUse)), "{second:?}");
}

/// GW-11
#[test]
fn gw_11_a_ledger_that_cannot_be_written_promises_nothing() {
    let disk = disk::CrashDisk::default();
    let store = Store::over(disk.clone()).expect("opens");
    let ledger = Ledger::with(store, Machine::random(), system_clock()).expect("opens");
    let made = futures::executor::block_on(ledger.add_key("k".to_owned(), Limits::default()));
    let (_, key) = made.expect("made");
    disk.fail_after(0);
    let written = ledger
        .reserve(&key.hash, job(1), usd("1usd"), draft())
        .expect("decided");
    assert!(futures::executor::block_on(written.on_disk()).is_err());
    assert!(!ledger.is_well());
    let refused = ledger.reserve(&key.hash, job(2), usd("1usd"), draft());
    assert!(
        matches!(refused, Err(LedgerError::Store(StoreError::Stopped))),
        "{refused:?}"
    );
}
