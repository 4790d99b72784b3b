//! `capstan watch`: warns before the block has to act.

use capstan_agents::watch::{Channel, News, Rules, look, tell, watch};
use capstan_client::{AccountName, Node};
use eyre::{Result, bail};

use crate::args::WatchOptions;

pub(crate) fn run(options: &WatchOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
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
        return once(&node, name, &mut rules, &channels).await;
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
) -> Result<()> {
    let warnings = rules.news(&look(node, name).await);
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
