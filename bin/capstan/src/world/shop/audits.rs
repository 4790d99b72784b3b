//! Where a provider of the prepared world shows auditors what it keeps: `GET /v1/capstan/audit/RECEIPT`, as every machine does.

use std::{future::IntoFuture as _, net::SocketAddr, sync::Arc};

use alloy_primitives::{Address, B256};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use capstan_compute::tab::{INSPECTION, Inspection, Kept, of_hex};
use capstan_contracts::{
    admin::{self, IAdmin::hasRoleCall},
    jobs,
};
use eyre::Result;
use tokio::net::TcpListener;

use super::Shop;

/// How far the clocks of an auditor and the chain may be apart.
const SKEW_MS: u64 = 60_000;

/// Listens on a free port of this machine.
pub(super) async fn serve(
    shop: Arc<Shop>,
) -> Result<(SocketAddr, impl Future<Output = std::io::Result<()>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let routes = Router::new()
        .route("/v1/capstan/audit/{receipt}", get(kept))
        .with_state(shop);
    Ok((address, axum::serve(listener, routes).into_future()))
}

async fn kept(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(receipt): Path<B256>,
) -> Result<Json<Kept>, StatusCode> {
    let said = headers.get(INSPECTION).and_then(|said| said.to_str().ok());
    let who = said.and_then(|said| signer(&shop, receipt, said));
    let who = who.ok_or(StatusCode::FORBIDDEN)?;
    if !shop.auditors.contains(&who) {
        // Others than those of this world may have been named since.
        let call = hasRoleCall {
            scope: jobs::ADDRESS,
            role: jobs::AUDIT,
            account: who,
        };
        let has_role = shop.node.view(admin::ADDRESS, &call).await;
        if !has_role.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)? {
            return Err(StatusCode::FORBIDDEN);
        }
    }
    let now_ms = shop.node.head_time_ms().await;
    let now_ms = now_ms.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let time_ms = said.and_then(|said| said.split_once(' ')?.0.parse().ok());
    if time_ms.is_none_or(|time_ms: u64| now_ms.abs_diff(time_ms) > SKEW_MS) {
        return Err(StatusCode::FORBIDDEN);
    }
    let kept = shop.state.lock().kept.get(&receipt).cloned();
    kept.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// Who signed for this receipt, if anybody did.
fn signer(shop: &Shop, receipt: B256, said: &str) -> Option<Address> {
    let (time_ms, word) = said.split_once(' ')?;
    let said = Inspection {
        receipt,
        timeMs: time_ms.parse().ok()?,
    };
    shop.court.who_says(&said, &of_hex(word)?)
}
