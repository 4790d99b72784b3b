use super::*;

fn access(cors: &[&str], hosts: &[&str]) -> Access {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Access {
        cors_origins: own(cors),
        hosts: own(hosts),
    }
}

fn origin(access: &Access, text: &'static str) -> bool {
    origin_allowed(access, &HeaderValue::from_static(text))
}

fn host(access: &Access, text: &'static str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static(text));
    host_allowed(access, &headers, &Uri::from_static("/"))
}

/// RPC-9: by default only local pages and browser extensions may use the node.
#[test]
fn rpc_9_origins() {
    let default = access(&[], &[]);
    for good in [
        "http://localhost",
        "http://localhost:3000",
        "https://LOCALHOST:3000",
        "http://app.localhost:5173",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn",
    ] {
        assert!(origin(&default, good), "{good}");
    }
    for bad in [
        "https://example.org",
        "http://localhost.example.org",
        "http://evil-localhost",
        "http://127.0.0.1.example.org",
        "http://192.168.1.7",
        "file://",
        "null",
        "",
        "localhost",
    ] {
        assert!(!origin(&default, bad), "{bad}");
    }
    let widened = access(&["https://example.org"], &[]);
    assert!(origin(&widened, "https://example.org"));
    assert!(!origin(&widened, "https://example.org.evil.org"));
    assert!(origin(&access(&["*"], &[]), "https://anything"));
}

/// RPC-10: a name that somebody else may point at this machine is not served.
#[test]
fn rpc_10_hosts() {
    let default = access(&[], &[]);
    for good in [
        "localhost:8545",
        "127.0.0.1:8545",
        "[::1]:8545",
        "192.168.1.7:8545",
        "LocalHost.",
    ] {
        assert!(host(&default, good), "{good}");
    }
    for bad in [
        "rebind.example.org:8545",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "",
    ] {
        assert!(!host(&default, bad), "{bad}");
    }
    assert!(host(
        &access(&[], &["node.example.org"]),
        "node.example.org:8545"
    ));
    assert!(host(&access(&[], &["*"]), "anything"));
}

/// RPC-9: the page of this server may use it, wherever it was opened; a name that somebody else points here may not.
#[test]
fn rpc_9_its_own_page() {
    let named = access(&[], &["node.example.org"]);
    let every = access(&[], &["*"]);
    for (access, page, host, expected) in [
        (&named, "http://10.0.0.5:8545", "10.0.0.5:8545", true),
        (&named, "http://10.0.0.5:8545", "10.0.0.5:9000", false),
        (&named, "http://10.0.0.6:8545", "10.0.0.5:8545", false),
        (&named, "https://node.example.org", "Node.example.org", true),
        (
            &every,
            "http://evil.example:8545",
            "evil.example:8545",
            false,
        ),
        (&every, "null", "10.0.0.5:8545", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        let origin = HeaderValue::from_static(page);
        let found = is_own_page(access, &origin, &headers);
        assert_eq!(found, expected, "{page} at {host}");
    }
}
