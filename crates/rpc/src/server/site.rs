//! The page: files that the program carries, for a person who opens the port in a browser.
//!
//! Nothing that a page does may leave this machine, whatever code it consists of: the policy sent with every file lets a
//! browser load from and talk to this server only. A path that is no file but looks like a place inside the page gets the
//! page itself, which knows its places. Files with a hash in their names (`assets/`) never change and are kept for ever;
//! the others are asked for again, and answered with 304 while they are the same. Beside most files lies what `gzip` makes of
//! them (`.gz`, made with the page): who takes that gets it. Brotli would be smaller, but browsers take it over TLS alone.
//!
//! Not here: what the files are (`capstan-page`), who may talk to the node (`access`).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct SiteFile {
    /// Its path, without a slash at its beginning.
    pub path: &'static str,
    /// A hash of it, in quotes, as HTTP wants it.
    pub etag: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

/// The file that is the page.
const DOOR: &str = "index.html";
/// The folder of files whose names tell their versions.
const FOR_EVER: &str = "assets/";

/// What a file is called that holds another one compressed.
const PACKED: &str = ".gz";

/// What a page may do. Styles of elements are set by code (charts place their labels); scripts are files of ours alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// Whether this is somebody who reads pages: a browser that opens an address says so, tools and scripts do not.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    named(headers, header::ACCEPT, |kind| {
        kind.split(';').next().unwrap_or_default().trim() == "text/html"
    })
}

/// What stands at a path: a file, or the page for one of its places. `None` where there is nothing.
pub(super) fn answer(site: &[SiteFile], path: &str, asked: &HeaderMap) -> Option<Response> {
    let path = path.trim_start_matches('/');
    let exact = site.iter().find(|file| file.path == path);
    let file = exact.or_else(|| (is_place(path) && wants_page(asked)).then(|| door(site))?)?;
    Some(serve(site, file, asked))
}

/// The same file compressed, if there is one and whoever asks takes it.
fn packed<'a>(site: &'a [SiteFile], file: &SiteFile, asked: &HeaderMap) -> Option<&'a SiteFile> {
    let takes = named(asked, header::ACCEPT_ENCODING, |coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next() == Some("gzip");
        is_gzip && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    });
    let mut same = site
        .iter()
        .filter(|other| other.path.strip_suffix(PACKED) == Some(file.path));
    takes.then(|| same.next())?
}

fn door(site: &[SiteFile]) -> Option<&SiteFile> {
    site.iter().find(|file| file.path == DOOR)
}

/// A file has an ending; a place in the page has none.
fn is_place(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    !path.starts_with(FOR_EVER) && !last.contains('.')
}

fn serve(site: &[SiteFile], file: &SiteFile, asked: &HeaderMap) -> Response {
    let packed = packed(site, file, asked);
    let sent = packed.unwrap_or(file);
    let is_known = named(asked, header::IF_NONE_MATCH, |tag| {
        tag == "*" || tag.trim_start_matches("W/") == sent.etag
    });
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(sent.bytes).into_response(),
    };
    let keep = match file.path.starts_with(FOR_EVER) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = response.headers_mut();
    let mut say = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    say(header::ETAG, sent.etag);
    say(header::CACHE_CONTROL, keep);
    say(header::CONTENT_TYPE, kind(file.path));
    say(header::CONTENT_SECURITY_POLICY, POLICY);
    say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(header::REFERRER_POLICY, "no-referrer");
    if packed.is_some() {
        say(header::CONTENT_ENCODING, "gzip");
    }
    // At `/` and at places, who asks decides what the answer is, and everywhere how it comes.
    say(header::VARY, "Accept, Accept-Encoding");
    response
}

/// Whether one of the words of a list in a header is meant.
fn named(headers: &HeaderMap, name: HeaderName, is_meant: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| is_meant(word.trim()))
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
