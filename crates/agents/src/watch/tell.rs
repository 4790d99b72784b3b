//! Where warnings go: a terminal, a webhook, a mail program.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt as _, process::Command};

use super::News;

/// How often a delivery is tried, and the pause after the first failure; it doubles.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for one try.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where warnings go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Lines on stdout, as text or as JSON.
    Terminal {
        /// One JSON object a line.
        json: bool,
    },
    /// An address that takes JSON by POST.
    Webhook(String),
    /// A program that takes a whole mail on its stdin, as `sendmail -t`.
    Mail {
        /// The program and its arguments.
        command: Vec<String>,
        /// Whom to write to.
        to: String,
    },
}

/// Why a warning was not delivered.
#[derive(Debug, thiserror::Error)]
#[error("{to} did not take it after {TRIES} tries: {why}")]
pub struct TellError {
    to: String,
    why: String,
}

/// Delivers a warning, trying again for a while.
///
/// # Errors
/// Nobody took it.
pub async fn tell(channel: &Channel, news: &News) -> Result<(), TellError> {
    let mut pause = PAUSE;
    let mut why = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let told = tokio::time::timeout(PATIENCE, once(channel, news)).await;
        match told {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => why = error,
            Err(_) => why = format!("no answer within {PATIENCE:?}"),
        }
    }
    Err(TellError {
        to: channel.name(),
        why,
    })
}

impl Channel {
    fn name(&self) -> String {
        match self {
            Self::Terminal { .. } => "the terminal".to_owned(),
            Self::Webhook(url) => url.clone(),
            Self::Mail { command, .. } => command.join(" "),
        }
    }
}

async fn once(channel: &Channel, news: &News) -> Result<(), String> {
    match channel {
        Channel::Terminal { json: true } => println!("{}", news.json()),
        Channel::Terminal { json: false } => println!("{}", news.text()),
        Channel::Webhook(url) => {
            let client = reqwest::Client::new();
            let answer = client.post(url).json(&news.json()).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            if !answer.status().is_success() {
                return Err(format!("it answered {}", answer.status()));
            }
        }
        Channel::Mail { command, to } => mail(command, &letter(to, news)).await?,
    }
    Ok(())
}

/// A mail as RFC 5322 has it. What is written into it has no line breaks of others: a line of its own could be a header.
pub(super) fn letter(to: &str, news: &News) -> String {
    let one_line = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let text = one_line(&news.text());
    format!(
        "To: {}\r\nSubject: capstan: {}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\r\n{}\r\n",
        one_line(to),
        text.chars().take(120).collect::<String>(),
        one_line(&news.json().to_string())
    )
}

async fn mail(command: &[String], letter: &str) -> Result<(), String> {
    let (program, words) = command.split_first().ok_or("there is no command")?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    // A program that ends before it has read everything breaks the pipe; how it ended says more than that.
    let written = match child.stdin.take() {
        Some(mut stdin) => stdin.write_all(letter.as_bytes()).await,
        None => Ok(()),
    };
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() {
        written.map_err(|error| format!("it did not read the mail: {error}"))
    } else {
        Err(format!("it ended with {status}"))
    }
}
