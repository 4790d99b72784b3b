//! Which classes of work a machine sells: those whose program a model here runs, at floors that the class's price reaches.

use std::collections::BTreeSet;

use alloy_primitives::{B256, U256};
use capstan_agents::{
    jobs::{self, Trade},
    provider::seat,
};
use capstan_client::Node;
use capstan_compute::{
    audit::is_by_words,
    gateway::{Gateway, ModelPrice},
    money::PerMillion,
    tab::{Desks, units_up},
};
use capstan_contracts::jobs::LEVEL_ONE;
use eyre::{OptionExt as _, Result, WrapErr as _, bail, eyre};

use crate::args::ClassWish;

/// What is sold of what was wished for.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// Each once; none where none was wished for.
    pub(crate) class_ids: Vec<u32>,
    /// For people: what is left out and why, and what puts others at risk.
    pub(crate) remarks: Vec<String>,
}

/// Weights whose challenges a machine answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    /// By an engine of this program, which computes what everybody computes.
    pub(crate) computed: Vec<B256>,
    /// By whichever server has them: its texts are heard. Only classes that are judged by words take that.
    pub(crate) recited: Vec<B256>,
}

/// Classes by their numbers, and with `all` whichever can be sold here. Nothing is sent for it, so whoever asks first puts no
/// bond behind what he cannot sell.
///
/// # Errors
/// One that is named cannot be sold, or `all` are none, of a machine whose book is empty; one that is named is not there; or
/// the node does not answer.
pub(crate) async fn chosen(
    node: &Node,
    gateway: &Gateway,
    wishes: &[ClassWish],
    programs: &Programs,
) -> Result<Chosen> {
    if wishes.is_empty() {
        return Ok(Chosen::default());
    }
    gateway.pool().look().await;
    let seat = seat(node, gateway.ledger().machine().address()).await?;
    let owes = match seat {
        Some(seat) => owes(node, gateway, seat.machine_id).await?,
        None => false,
    };
    let (mut able, mut remarks) = (Vec::new(), Vec::new());
    let named = wishes.iter().filter_map(|wish| match wish {
        ClassWish::One(class_id) => Some(*class_id),
        ClassWish::All => None,
    });
    let named: BTreeSet<u32> = named.collect();
    for class_id in &named {
        let trade = traded(node, *class_id).await?;
        let one = Able::of(&trade, true);
        let sold = floors(gateway, &trade).and_then(|_| match unread(&one, programs) {
            Some(why) => Err(eyre!(why)),
            None => Ok(one),
        });
        match sold {
            Ok(one) => able.push(one),
            // What is open of it, or of others, is settled all the same.
            Err(why) if owes => remarks.push(format!("class {class_id} is not sold: {why}")),
            Err(why) => return Err(why),
        }
    }
    if wishes.contains(&ClassWish::All) {
        for class_id in jobs::classes(node).await? {
            if named.contains(&class_id) {
                continue;
            }
            let trade = traded(node, class_id).await?;
            let one = Able::of(&trade, false);
            match floors(gateway, &trade).map(|_| unread(&one, programs)) {
                Ok(None) => able.push(one),
                Ok(Some(why)) => remarks.push(format!("{why}; it is left out")),
                Err(why) => remarks.push(format!("class {class_id} is left out: {why}")),
            }
        }
    }
    let chosen = proven_together(&able, programs, remarks);
    if chosen.class_ids.is_empty() && !owes {
        let why = match chosen.remarks.as_slice() {
            [] => "the chain has none".to_owned(),
            remarks => remarks.join("; "),
        };
        bail!("no class of work can be sold here: {why}");
    }
    Ok(chosen)
}

/// What is sold of classes and from which price on, for people: a line for each.
///
/// # Errors
/// The node does not answer, or one cannot be sold.
pub(crate) async fn class_words(
    node: &Node,
    gateway: &Gateway,
    class_ids: &[u32],
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for class_id in class_ids {
        let trade = traded(node, *class_id).await?;
        let floors = floors(gateway, &trade)?;
        lines.push(line(&trade, floors.input, floors.output));
    }
    Ok(lines)
}

/// A class with its floors, for people.
pub(super) fn line(trade: &Trade, input_floor: U256, output_floor: U256) -> String {
    let Trade {
        class_id,
        decimals,
        symbol,
        ..
    } = trade;
    let price = |units| capstan_units::decimal(units, *decimals);
    format!(
        "class {class_id} to the network, not below {} {symbol} per million tokens read and {} written",
        price(input_floor),
        price(output_floor),
    )
}

/// Whether something lies in the book of a machine: then it is claimed and shown, whatever can be sold.
///
/// # Errors
/// It cannot be read, or the node does not answer.
pub(crate) async fn owes(node: &Node, gateway: &Gateway, machine_id: u64) -> Result<bool> {
    let all = jobs::classes(node).await?;
    Ok(!Desks::stored(gateway.ledger(), machine_id, &all)?.is_empty())
}

/// A class that can be sold here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Able {
    pub(super) class_id: u32,
    pub(super) program: B256,
    /// Whether its answers are judged by their words.
    pub(super) is_by_words: bool,
    /// By its number.
    pub(super) is_named: bool,
}

impl Able {
    fn of(trade: &Trade, is_named: bool) -> Self {
        Self {
            class_id: trade.class_id,
            program: trade.class.program,
            is_by_words: is_by_words(trade.class.quantisation),
            is_named,
        }
    }
}

impl Programs {
    /// Whether challenges of it are answered here.
    fn answer(&self, able: &Able) -> bool {
        let by = match able.is_by_words {
            true => &self.recited,
            false => &self.computed,
        };
        by.contains(&able.program)
    }
}

/// Why a class cannot be sold at all, though a model here runs its program: nobody here could tell what of it may be asked and
/// charged.
pub(super) fn unread(able: &Able, programs: &Programs) -> Option<String> {
    let is_unread = able.is_by_words && !programs.answer(able);
    is_unread.then(|| {
        format!(
            "class {} is judged by words: --runs NAME=WEIGHTS says which file its server runs",
            able.class_id
        )
    })
}

/// What of it is sold together. A challenge that a machine does not answer voids its proofs of every class, so one that nothing
/// here answers takes the capacity of those beside it: it is sold beside them only by its number.
pub(super) fn proven_together(able: &[Able], programs: &Programs, remarks: Vec<String>) -> Chosen {
    let is_proven = able.iter().any(|able| programs.answer(able));
    let mut chosen = Chosen {
        class_ids: Vec::new(),
        remarks,
    };
    for able in able {
        let class_id = able.class_id;
        let is_risk = is_proven && !programs.answer(able);
        let why = "no bundled engine here answers its challenges, and one that is missed voids the proofs of all classes";
        match (is_risk, able.is_named) {
            (true, false) => {
                let remark = format!("class {class_id} is left out: {why}");
                chosen.remarks.push(remark);
                continue;
            }
            (true, true) => chosen
                .remarks
                .push(format!("warning: class {class_id} is sold, though {why}")),
            (false, _) => {}
        }
        chosen.class_ids.push(class_id);
    }
    chosen
}

/// What a class is sold under.
///
/// # Errors
/// There is no such class, jobs are not open, or the node does not answer.
pub(super) async fn traded(node: &Node, class_id: u32) -> Result<Trade> {
    let trade = jobs::trade(node, class_id).await;
    let trade = trade.wrap_err_with(|| {
        format!("class {class_id} cannot be read; `capstan jobs classes` shows what there is")
    })?;
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
             server's model --runs NAME=WEIGHTS says it",
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
