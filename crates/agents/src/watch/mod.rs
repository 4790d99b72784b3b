//! Watches accounts and warns somebody before the block has to act.
//!
//! ```text
//!   capstan_account, every so often ─► Seen ─► Rules: what is news? ─► Warning ─► terminal · webhook · mail
//! ```
//!
//! What is news is decided by a pure function of what was seen and what was said before: a level is told once when it is
//! crossed, and again only after health has clearly recovered. What cannot be seen is told too: silence is never health.

mod rules;
mod tell;

#[cfg(test)]
mod tests;

use std::time::Duration;

use capstan_client::{AccountName, ClientError, Node, account};

pub use rules::{News, Rules, RulesError, Seen, Warning};
pub use tell::{Channel, TellError, tell};

/// Looks at an account until it is dropped, and tells what is news. A node that does not answer is news, not an end.
pub async fn watch(
    node: &Node,
    name: AccountName,
    rules: &mut Rules,
    every: Duration,
    channels: &[Channel],
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let seen = look(node, name).await;
        for warning in rules.news(&seen) {
            let news = News::new(name, warning);
            for channel in channels {
                if let Err(error) = tell(channel, &news).await {
                    tracing::error!(%error, "a warning was not delivered: {}", news.text());
                }
            }
        }
    }
}

/// What is to be seen of an account now.
pub async fn look(node: &Node, name: AccountName) -> Seen {
    let state = match account(node, name).await {
        Ok((_, state)) => state,
        Err(error @ ClientError::Node { .. }) => return Seen::Nothing(error.to_string()),
        Err(error) => return Seen::Nothing(format!("the node refuses: {error}")),
    };
    let standing = state.standing;
    match (standing.report, standing.error) {
        (Some(report), _) => Seen::Account {
            health: report.health_maintenance.map(|health| health.amount),
            room_to_fall_bps: report.room_to_fall_bps,
            on_offer: state.offer.is_some(),
        },
        (None, Some(error)) => Seen::Nothing(error.to_string()),
        (None, None) => Seen::Nothing("the node says nothing about its health".to_owned()),
    }
}
