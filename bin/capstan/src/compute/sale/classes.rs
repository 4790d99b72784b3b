//! Which classes of work a machine sells: those whose program a model here runs, at floors that the class's price reaches.

use alloy_primitives::U256;
use capstan_agents::jobs::{self, Trade};
use capstan_client::Node;
use capstan_compute::{
    gateway::{Gateway, ModelPrice},
    money::PerMillion,
    tab::units_up,
};
use capstan_contracts::jobs::LEVEL_ONE;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};

use crate::args::ClassWish;

/// What is sold of what was wished for.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// Each once; none where none was wished for.
    pub(crate) class_ids: Vec<u32>,
    /// Of `all`, what is left out and why, for people.
    pub(crate) left_out: Vec<String>,
}

/// Classes by their numbers, and with `all` whichever can be sold here. Nothing is sent for it, so whoever asks first puts no
/// bond behind what he cannot sell.
///
/// # Errors
/// One that is named cannot be sold, `all` are none, or the node does not answer.
pub(crate) async fn chosen(node: &Node, gateway: &Gateway, wishes: &[ClassWish]) -> Result<Chosen> {
    let mut chosen = Chosen::default();
    if wishes.is_empty() {
        return Ok(chosen);
    }
    gateway.pool().look().await;
    for wish in wishes {
        if let ClassWish::One(class_id) = wish
            && !chosen.class_ids.contains(class_id)
        {
            floors(gateway, &traded(node, *class_id).await?)?;
            chosen.class_ids.push(*class_id);
        }
    }
    if !wishes.contains(&ClassWish::All) {
        return Ok(chosen);
    }
    for class_id in jobs::classes(node).await? {
        if chosen.class_ids.contains(&class_id) {
            continue;
        }
        let trade = traded(node, class_id).await?;
        match floors(gateway, &trade) {
            Ok(_) => chosen.class_ids.push(class_id),
            Err(why) => chosen
                .left_out
                .push(format!("class {class_id} is left out: {why}")),
        }
    }
    if chosen.class_ids.is_empty() {
        let why = match chosen.left_out.as_slice() {
            [] => "the chain has none".to_owned(),
            left_out => left_out.join("; "),
        };
        bail!("no class of work can be sold here: {why}");
    }
    Ok(chosen)
}

/// What a class is sold under.
///
/// # Errors
/// There is no such class, jobs are not open, or the node does not answer.
pub(super) async fn traded(node: &Node, class_id: u32) -> Result<Trade> {
    let trade = jobs::trade(node, class_id).await;
    let trade = trade.wrap_err_with(|| format!("class {class_id} cannot be read"))?;
    trade.ok_or_eyre("this chain settles no jobs yet: its owner has set no parameters of `jobs`")
}

/// What a million units of a class cost at least, as the owner prices the models that run its program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floors {
    pub(super) input: U256,
    pub(super) output: U256,
}

/// The floors of a class; the servers were looked at before.
///
/// # Errors
/// In words, why it cannot be sold here.
pub(super) fn floors(gateway: &Gateway, trade: &Trade) -> Result<Floors> {
    let class_id = trade.class_id;
    if trade.class.isClosed {
        bail!("class {class_id} is closed: nothing new is sold of it");
    }
    let sold = gateway.sold(trade.class.program);
    if sold.is_empty() {
        bail!(
            "none of the models here runs the program of class {class_id}, {}: the bundled engine knows its own; of another \
             server's model say it in --prices (`program`)",
            trade.class.program
        );
    }
    let floor = |price: fn(&ModelPrice) -> PerMillion| {
        let floors = sold
            .iter()
            .map(|(_, known)| units_up(price(known).per_million(), trade.decimals));
        U256::from(floors.max().unwrap_or_default())
    };
    let floors = Floors {
        input: floor(|known| known.input),
        output: floor(|known| known.output),
    };
    let most = |price: U256| price * U256::from(trade.class.levelMax) / U256::from(LEVEL_ONE);
    for (what, floor, most) in [
        ("read", floors.input, most(trade.class.inputPrice)),
        ("written", floors.output, most(trade.class.outputPrice)),
    ] {
        if floor > most {
            let words = |units| capstan_units::decimal(units, trade.decimals);
            bail!(
                "the floor of a million tokens {what} is {} {symbol}, and class {class_id} costs at most {} {symbol}: a lower \
                 --floor, or another class",
                words(floor),
                words(most),
                symbol = trade.symbol
            );
        }
    }
    Ok(floors)
}
