use super::*;

static SITE: &[SiteFile] = &[
    SiteFile {
        path: "assets/index-1a2b.js",
        etag: "\"01\"",
        bytes: b"1",
    },
    SiteFile {
        path: "assets/index-1a2b.js.gz",
        etag: "\"03\"",
        bytes: b"packed",
    },
    SiteFile {
        path: "index.html",
        etag: "\"02\"",
        bytes: b"<!doctype html>",
    },
];

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn asked(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(HeaderName, &'static str)| {
        (name.clone(), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

#[track_caller]
fn check(path: &str, accept: &'static str, expected: Option<&str>) {
    let found = answer(SITE, path, &asked(&[(header::ACCEPT, accept)]));
    let kind = found.as_ref().map(|response| {
        let kind = response.headers().get(header::CONTENT_TYPE);
        kind.expect("a kind").to_str().expect("text")
    });
    assert_eq!(kind, expected, "{path} as {accept}");
}

/// RPC-30
#[test]
fn rpc_30_files_and_places_are_found_and_nothing_else() {
    let html = Some("text/html; charset=utf-8");
    let js = Some("text/javascript; charset=utf-8");
    check("/index.html", "*/*", html);
    check("/assets/index-1a2b.js", "*/*", js);
    check("/markets", BROWSER, html);
    check("/account/0xabc/0", BROWSER, html);
    check("/", BROWSER, html);
    // A script that is gone is not answered with a page, nor is one who reads no pages.
    check("/assets/index-gone.js", BROWSER, None);
    check("/assets/gone", BROWSER, None);
    check("/robots.txt", BROWSER, None);
    check("/markets", "application/json", None);
    check("/markets", "*/*", None);
    check("/../Cargo.toml", BROWSER, None);
}

/// RPC-31
#[test]
fn rpc_31_what_never_changes_is_kept_and_what_is_the_same_is_not_sent_again() {
    for (path, etag, keep) in [
        (
            "/assets/index-1a2b.js",
            "\"01\"",
            "public, max-age=31536000, immutable",
        ),
        ("/index.html", "W/\"02\", \"zz\"", "no-cache"),
    ] {
        let first = answer(SITE, path, &HeaderMap::new()).expect("a file");
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CACHE_CONTROL], keep);
        let again = asked(&[(header::IF_NONE_MATCH, etag)]);
        let again = answer(SITE, path, &again).expect("a file");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.headers()[header::ETAG], first.headers()[header::ETAG]);
        let other = asked(&[(header::IF_NONE_MATCH, "\"zz\"")]);
        let other = answer(SITE, path, &other).expect("a file");
        assert_eq!(other.status(), StatusCode::OK, "{path}");
    }
}

/// RPC-31
#[test]
fn rpc_31_who_takes_gzip_gets_it_where_it_lies_ready() {
    let check = |path: &str, codings: &'static str, expected: (Option<&str>, &str)| {
        let headers = asked(&[
            (header::ACCEPT_ENCODING, codings),
            (header::ACCEPT, BROWSER),
        ]);
        let response = answer(SITE, path, &headers).expect("a file");
        let headers = response.headers();
        let coding = headers.get(header::CONTENT_ENCODING);
        let coding = coding.map(|coding| coding.to_str().expect("text"));
        let etag = headers[header::ETAG].to_str().expect("text");
        assert_eq!((coding, etag), expected, "{path} by {codings}");
        assert_eq!(headers[header::VARY], "Accept, Accept-Encoding");
        let kind = &headers[header::CONTENT_TYPE];
        assert_ne!(kind, "application/octet-stream", "{path} by {codings}");
        let mut again = asked(&[(header::ACCEPT_ENCODING, codings)]);
        again.insert(
            header::IF_NONE_MATCH,
            HeaderValue::from_str(etag).expect("text"),
        );
        again.insert(header::ACCEPT, HeaderValue::from_static(BROWSER));
        let again = answer(SITE, path, &again).expect("a file");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    };
    let script = "/assets/index-1a2b.js";
    let (plain, packed) = ((None, "\"01\""), (Some("gzip"), "\"03\""));
    check(script, "gzip, deflate", packed);
    check(script, "br, gzip;q=0.5", packed);
    check(script, "gzip;q=0", plain);
    check(script, "gzip; q=0.0, br", plain);
    check(script, "br, identity", plain);
    // Nothing lies beside the page itself here.
    check("/markets", "gzip", (None, "\"02\""));
}

/// RPC-32
#[test]
fn rpc_32_no_file_may_reach_beyond_this_server() {
    for file in SITE {
        let response = serve(SITE, file, &HeaderMap::new());
        let policy = &response.headers()[header::CONTENT_SECURITY_POLICY];
        let policy = policy.to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        for rule in policy.split(';') {
            let beyond = rule.split_whitespace().skip(1).find(|source| {
                !["'none'", "'self'", "data:", "blob:", "'unsafe-inline'"].contains(source)
            });
            assert_eq!(beyond, None, "{rule}");
        }
        assert_eq!(
            response.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff"
        );
    }
}
