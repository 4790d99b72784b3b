//! The first look at model servers: an address without `/v1` is told from a server that is down.

use std::time::Duration;

use capstan_compute::upstream::{Fault, Http, HttpSettings, Upstream as _};
use eyre::{Result, bail};
use tokio::{task::JoinSet, time::sleep};

/// Between two looks at a server that was not there at the start.
const AGAIN: Duration = Duration::from_secs(5);

/// How an address answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// With its models.
    Well,
    /// Not now.
    Down(String),
    /// Not here, but below `/v1`.
    LacksV1(String),
    /// With something else.
    Other(String),
}

/// Looks at each address once.
///
/// # Errors
/// One has its models below `/v1`: it would answer nothing as it stands.
pub(super) async fn look(urls: &[String], key: Option<&str>) -> Result<()> {
    let mut looks = JoinSet::new();
    for (at, url) in urls.iter().enumerate() {
        let (url, key) = (url.clone(), key.map(str::to_owned));
        looks.spawn(async move { (at, seen(&url, key.as_deref()).await, url, key) });
    }
    let mut all = looks.join_all().await;
    all.sort_by_key(|(at, ..)| *at);
    for (_, seen, url, key) in all {
        match seen {
            Seen::Well => {}
            Seen::LacksV1(right) => {
                bail!("{url} has no list of models, and {right} has: write --upstream {right}")
            }
            Seen::Down(why) => {
                eprintln!("{url} does not answer yet ({why}); it is looked at each 5 seconds");
                tokio::spawn(until_seen(url, key));
            }
            Seen::Other(why) => eprintln!("{}", odd(&url, &why)),
        }
    }
    Ok(())
}

/// Whoever measures servers at once asks only this of their addresses: what else is wrong, measuring says.
///
/// # Errors
/// One has its models below `/v1`.
pub(super) async fn lack_no_v1(urls: &[String], key: Option<&str>) -> Result<()> {
    for url in urls {
        if let Seen::LacksV1(right) = seen(url, key).await {
            bail!("{url} has no list of models, and {right} has: write --upstream {right}");
        }
    }
    Ok(())
}

fn odd(url: &str, why: &str) -> String {
    format!(
        "{url} answers, but lists no models: {why}. Is it the address of a model server, as http://127.0.0.1:8000/v1?"
    )
}

/// A server that comes later is judged then.
async fn until_seen(url: String, key: Option<String>) {
    loop {
        sleep(AGAIN).await;
        match seen(&url, key.as_deref()).await {
            Seen::Down(_) => continue,
            Seen::Well => eprintln!("{url} answers now"),
            Seen::LacksV1(right) => eprintln!(
                "{url} has no list of models, and {right} has: start again with --upstream {right}"
            ),
            Seen::Other(why) => eprintln!("{}", odd(&url, &why)),
        }
        return;
    }
}

async fn models(url: &str, key: Option<&str>) -> Result<(), Fault> {
    let http = Http::new(url, key.map(str::to_owned), HttpSettings::default());
    let http = http.map_err(Fault::Unreachable)?;
    http.models().await.map(|_| ())
}

async fn seen(url: &str, key: Option<&str>) -> Seen {
    let fault = match models(url, key).await {
        Ok(()) => return Seen::Well,
        Err(fault) => fault,
    };
    if matches!(
        fault,
        Fault::Unreachable(_) | Fault::Slow(_) | Fault::Busy { .. }
    ) {
        return Seen::Down(fault.to_string());
    }
    let right = format!("{}/v1", url.trim_end_matches('/'));
    match models(&right, key).await {
        Ok(()) => Seen::LacksV1(right),
        // One that refuses the gateway's key there has its door there.
        Err(Fault::Refused(_)) if !matches!(fault, Fault::Refused(_)) => Seen::LacksV1(right),
        Err(_) => Seen::Other(match fault {
            Fault::Refused(status) => format!(
                "it refuses the gateway ({status}); --upstream-key-env NAME gives it the key in that variable"
            ),
            fault => fault.to_string(),
        }),
    }
}
