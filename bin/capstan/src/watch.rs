//! `capstan watch`: warns before the block has to act.

use capstan_agents::watch::{Channel, News, Rules, Seen, look, tell, watch};
use capstan_client::{AccountName, Node};
use console::Term;
use eyre::{Result, bail};

use crate::{args::WatchOptions, block_on};

pub(crate) fn run(options: &WatchOptions) -> Result<()> {
    block_on(async {
        tokio::select! {
            ended = follow(options) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

async fn follow(options: &WatchOptions) -> Result<()> {
    let node = Node::new(&options.ask.rpc)?;
    let name = AccountName {
        owner: options.owner,
        index: options.index,
    };
    let every = options.every.into();
    let channels = channels(options)?;
    if options.once {
        let mut rules = Rules::new(&options.health, 1)?;
        return once(&node, name, &mut rules, &channels, options.ask.json).await;
    }
    let mut rules = Rules::new(&options.health, options.blind_after)?;
    eprintln!(
        "watching account {} of {} at {}: warnings below health {}",
        name.index, name.owner, options.ask.rpc, options.health
    );
    watch(&node, name, &mut rules, every, &channels).await;
    Ok(())
}

async fn once(
    node: &Node,
    name: AccountName,
    rules: &mut Rules,
    channels: &[Channel],
    json: bool,
) -> Result<()> {
    let seen = look(node, name).await;
    // A timer that runs this wants to hear of warnings only.
    if !json && Term::stdout().is_term() {
        println!("{}", in_words(name, &seen));
    }
    let warnings = rules.news(&seen);
    for warning in &warnings {
        for channel in channels {
            tell(channel, &News::new(name, warning.clone())).await?;
        }
    }
    if !warnings.is_empty() {
        bail!("account {} of {} needs attention", name.index, name.owner);
    }
    Ok(())
}

/// What was seen, when nothing is wrong too: a wrong address must not look safe.
fn in_words(name: AccountName, seen: &Seen) -> String {
    let AccountName { owner, index } = name;
    let state = match seen {
        Seen::Nothing(why) => format!("is not to be seen: {why}"),
        Seen::Account { on_offer: true, .. } => "has collateral on offer".to_owned(),
        Seen::Account { health: None, .. } => "owes nothing".to_owned(),
        Seen::Account {
            health: Some(health),
            room_to_fall_bps,
            ..
        } => format!(
            "has health {}, and its collateral may fall by {}.{:02} %",
            capstan_units::decimal(*health, 18),
            room_to_fall_bps / 100,
            room_to_fall_bps % 100
        ),
    };
    format!("account {index} of {owner} {state}")
}

fn channels(options: &WatchOptions) -> Result<Vec<Channel>> {
    let mut channels = vec![Channel::Terminal {
        json: options.ask.json,
    }];
    for url in &options.webhook {
        if !url.starts_with("http://") {
            bail!(
                "`{url}` is no webhook here: write http://..., and put a proxy before what speaks https"
            );
        }
        channels.push(Channel::Webhook(url.clone()));
    }
    let command: Vec<_> = options
        .sendmail
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if command.is_empty() && !options.mail.is_empty() {
        bail!("--sendmail names no program");
    }
    for to in &options.mail {
        channels.push(Channel::Mail {
            command: command.clone(),
            to: to.clone(),
        });
    }
    Ok(channels)
}
