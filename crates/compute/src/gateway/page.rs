//! The page of use: three files, nothing from elsewhere, and nothing shown as HTML that somebody else wrote.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::Gateway;

/// Only this server's own files and answers; no frames, no forms, no inline code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Arc<Gateway>> {
    let html = || async { file("text/html; charset=utf-8", include_str!("page/usage.html")) };
    let script = || async {
        file(
            "text/javascript; charset=utf-8",
            include_str!("page/usage.js"),
        )
    };
    let style = || async { file("text/css; charset=utf-8", include_str!("page/usage.css")) };
    Router::new()
        .route("/usage", get(html))
        .route("/usage/usage.js", get(script))
        .route("/usage/usage.css", get(style))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
