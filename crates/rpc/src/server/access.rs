//! Who may talk to the node from a browser.
//!
//! A development node listens on localhost, and so can be reached by every web page that its user
//! opens. Two checks keep pages out: the `Origin` that a browser always sends must be local (or
//! admitted by `--cors`), and the `Host` must be an address or a local name, because a hostile page can
//! point its own name at 127.0.0.1 (DNS rebinding) and then counts as "same origin". A content type
//! other than JSON is refused too: it is what a page can send without asking first.
//!
//! Browser extensions (wallets) are installed by the user and may connect.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{net::IpAddr, sync::Arc};

use crate::{config::Access, context::Shared};

/// Answers preflights, refuses strangers, and marks answers to admitted pages.
pub(super) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let access = &shared.config.access;
    if !host_allowed(access, request.headers(), request.uri()) {
        return refuse(
            "this host name is not served: use localhost or an address, or start the node with \
             --allow-host NAME\n",
        );
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let Some(origin) = origin else {
        if request.method() == Method::OPTIONS {
            return (
                [(header::ALLOW, "GET, POST, OPTIONS")],
                StatusCode::NO_CONTENT,
            )
                .into_response();
        }
        return next.run(request).await;
    };
    if !origin_allowed(access, &origin) && !is_own_page(access, &origin, request.headers()) {
        return refuse(
            "this web page may not use the node: start it with --cors ORIGIN to admit the page\n",
        );
    }
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

fn refuse(reason: &'static str) -> Response {
    (StatusCode::FORBIDDEN, reason).into_response()
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        fixed("GET, POST, OPTIONS"),
    );
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        wanted.unwrap_or_else(|| fixed("content-type")),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, fixed("600"));
    if asked.contains_key("access-control-request-private-network") {
        headers.insert("access-control-allow-private-network", fixed("true"));
    }
    response
}

/// The part of an authority before the port: `[::1]:8545` is `[::1]`.
fn host_name(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

fn host_allowed(access: &Access, headers: &HeaderMap, uri: &Uri) -> bool {
    // HTTP/2 has the host in the URI. A request without any host comes from no browser.
    let host = match headers.get(header::HOST) {
        Some(value) => value.to_str().unwrap_or(""),
        None => match uri.authority() {
            Some(authority) => authority.as_str(),
            None => return true,
        },
    };
    let name = host_name(host);
    is_local_name(name)
        || name.parse::<IpAddr>().is_ok()
        || access
            .hosts
            .iter()
            .any(|known| known == "*" || known.eq_ignore_ascii_case(name))
}

fn origin_allowed(access: &Access, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let listed = |known: &String| known == "*" || known.eq_ignore_ascii_case(origin);
    if access.cors_origins.iter().any(listed) {
        return true;
    }
    match origin.split_once("://") {
        Some(("http" | "https", authority)) => {
            let name = host_name(authority);
            is_local_name(name) || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        Some(("chrome-extension" | "moz-extension" | "safari-web-extension", _)) => true,
        _ => false,
    }
}

/// Whether the page came from this very server, by an address or by a name that was admitted by name. A hostile page can
/// make its own name point here, but neither be at an address nor bear a name that the operator chose.
fn is_own_page(access: &Access, origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let text = |value: Option<&HeaderValue>| Some(value?.to_str().ok()?.to_ascii_lowercase());
    let (Some(origin), Some(host)) = (text(Some(origin)), text(headers.get(header::HOST))) else {
        return false;
    };
    let name = host_name(&host);
    let is_chosen = access
        .hosts
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name));
    (is_chosen || name.parse::<IpAddr>().is_ok())
        && origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority == host)
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
