use std::io::{Read as _, Write as _};

use super::*;

/// Somebody who listens and says one thing to everybody.
fn says(words: &'static str) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(words.as_bytes());
        }
    });
    address
}

#[tokio::test]
async fn who_holds_a_port_is_named() {
    let cases = [
        (
            r#"{"status":"ok","chainId":31337,"sinceBlockMs":3}"#,
            "a node",
        ),
        (r#"{"status":"well","upstreams":1}"#, "a gateway"),
        ("SSH-2.0-OpenSSH", "another program"),
    ];
    for (words, who) in cases {
        let address = says(words);
        let error = tokio::net::TcpListener::bind(address)
            .await
            .expect_err("taken");
        let told = taken(address, &error).await.to_string();
        assert!(
            told.contains(who) && told.contains("--port takes another"),
            "{told}"
        );
    }
    let foreign = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let told = taken(([192, 0, 2, 1], 1).into(), &foreign)
        .await
        .to_string();
    assert!(told.contains("--host"), "{told}");
}
