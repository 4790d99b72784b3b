//! What machines say at the addresses of their offers: another's word, so bounded in size and time, and followed nowhere else.

use std::time::Duration;

use eyre::{Result, WrapErr as _, bail};

/// Longest wait for a machine: it is asked again while there is time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks machines.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    client: reqwest::Client,
}

impl Endpoints {
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            client: client.build()?,
        })
    }

    /// What lies at a path below `/v1/capstan` of a machine, of so many bytes at most.
    ///
    /// # Errors
    /// In words, why there is nothing.
    pub(super) async fn get(
        &self,
        endpoint: &str,
        path: &str,
        header: Option<(&str, String)>,
        bytes_max: usize,
    ) -> Result<Vec<u8>> {
        let base = endpoint.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("`{endpoint}` is no address of a machine");
        }
        let mut asked = self.client.get(format!("{base}/v1/capstan/{path}"));
        if let Some((name, words)) = header {
            asked = asked.header(name, words);
        }
        let mut answer = asked.send().await.wrap_err("it does not answer")?;
        if !answer.status().is_success() {
            bail!("it answers {}", answer.status());
        }
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.wrap_err("it stops in the middle")? {
            if bytes.len() + part.len() > bytes_max {
                bail!("it sends more than {bytes_max} bytes");
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }
}
