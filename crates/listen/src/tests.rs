//! Connections that do nothing, do it slowly, or do not read; and those that only take their time.

use std::{net::SocketAddr, time::Instant};

use axum::routing;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
    task::JoinHandle,
};

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

/// Short times, in milliseconds: a head, idleness, an answer, a client that does not read.
const HEAD: u64 = 300;
const IDLE: u64 = 900;
const ANSWER: u64 = 2_000;
const UNREAD: u64 = 400;

fn bounds(connections_max: usize) -> Bounds {
    Bounds {
        connections_max,
        head: Duration::from_millis(HEAD),
        idle: Duration::from_millis(IDLE),
        answer: Duration::from_millis(ANSWER),
        unread: Duration::from_millis(UNREAD),
        ..Bounds::default()
    }
}

struct Port {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// `/` at once, `/slow` after longer than a connection may be idle, `/much` more than any buffer takes.
async fn port(bounds: Bounds) -> Port {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(IDLE + 400)).await;
        "late"
    };
    let router = Router::new()
        .route("/", routing::get(|| async { "here" }))
        .route("/slow", routing::get(slow))
        .route("/much", routing::get(|| async { vec![7_u8; 64 << 20] }));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(serve(listener, router, bounds, async {
        let _ = stopped.await;
    }));
    Port {
        address,
        stop,
        task,
    }
}

async fn connect(port: &Port) -> TcpStream {
    TcpStream::connect(port.address).await.expect("connected")
}

/// How long until the other side closed it, in milliseconds; none if it is open for so long.
async fn closed_after(stream: &mut TcpStream, patience_ms: u64) -> Option<u128> {
    let began = Instant::now();
    let mut bytes = [0; 1_024];
    let closed = async {
        // A head that came too slowly may be answered by 408 before.
        while !matches!(stream.read(&mut bytes).await, Ok(0) | Err(_)) {}
    };
    let patience = Duration::from_millis(patience_ms);
    let closed = tokio::time::timeout(patience, closed).await;
    closed.ok().map(|()| began.elapsed().as_millis())
}

async fn asks(stream: &mut TcpStream, request: &[u8], end: &[u8]) {
    stream.write_all(request).await.expect("sent");
    let mut told = Vec::new();
    while !told.ends_with(end) {
        let mut bytes = [0; 1_024];
        let count = stream.read(&mut bytes).await.expect("open");
        assert!(count > 0, "closed: {}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&bytes[..count]);
    }
}

#[tokio::test]
async fn listen_2_who_sends_no_head_or_sends_it_slowly_is_closed() {
    let port = port(bounds(100)).await;
    let mut silent = connect(&port).await;
    assert!(closed_after(&mut silent, 5_000).await >= Some(u128::from(HEAD) - 50));
    let mut slow = connect(&port).await;
    let began = Instant::now();
    for byte in REQUEST.iter().cycle().filter(|byte| **byte != b'\n') {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if slow.write_all(&[*byte]).await.is_err() {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it is open for ever"
        );
    }
}

#[tokio::test]
async fn listen_2_an_idle_connection_is_closed_and_one_that_waits_for_its_answer_is_not() {
    let port = port(bounds(100)).await;
    let mut stream = connect(&port).await;
    let slow = b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n";
    asks(&mut stream, slow, b"late").await;
    // It may be used again, and is closed when it is not.
    asks(&mut stream, REQUEST, b"here").await;
    let closed = closed_after(&mut stream, 5_000).await;
    assert!(closed >= Some(u128::from(IDLE) - 100), "{closed:?}");
}

#[tokio::test]
async fn listen_2_who_does_not_read_is_closed() {
    let port = port(bounds(100)).await;
    let mut stream = connect(&port).await;
    let much = b"GET /much HTTP/1.1\r\nHost: here\r\n\r\n";
    stream.write_all(much).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(UNREAD + 600)).await;
    // What lay in buffers comes, and then the end, long before the whole answer.
    let mut had = 0;
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        had += count;
    }
    assert!(had < 64 << 20, "{had} bytes");
}

/// LISTEN-1: idle strangers take all the room there is, and lose it again.
#[tokio::test]
async fn listen_1_idle_connections_shut_the_door_for_a_moment_only() {
    let port = port(bounds(20)).await;
    let mut idle = Vec::new();
    for _ in 0..60 {
        idle.push(connect(&port).await);
    }
    let mut late = connect(&port).await;
    let answered = asks(&mut late, REQUEST, b"here");
    let answered = tokio::time::timeout(Duration::from_secs(10), answered).await;
    answered.expect("served once the idle ones were closed");
    drop(idle);
}

#[tokio::test]
async fn a_request_at_work_is_answered_before_the_end() {
    let port = port(bounds(10)).await;
    let mut stream = connect(&port).await;
    let slow = b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n";
    stream.write_all(slow).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(100)).await;
    port.stop.send(()).expect("it runs");
    asks(&mut stream, b"", b"late").await;
    port.task.await.expect("ended");
    assert!(TcpStream::connect(port.address).await.is_err());
}

/// LISTEN-3: this process may open what its system lets it.
#[test]
fn listen_3_the_limit_of_files_is_raised() {
    use rustix::process::{Resource, getrlimit};
    let before = open_files_max();
    let raised = raise_open_files();
    assert!(raised >= before);
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    assert_eq!(raised, most.min(1 << 20).max(before));
}
