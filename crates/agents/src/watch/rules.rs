//! What is worth a warning. Pure: time, nodes and channels are elsewhere.

use alloy_primitives::U256;
use capstan_client::AccountName;
use capstan_units::{decimal, decimal_down, parse_decimal};
use serde_json::{Value, json};

/// Digits of health behind the point.
const WAD: u8 = 18;
/// A level is over only when health is above it by one part of so many: no flood of warnings while it trembles there.
const CALM_DIVISOR: u64 = 50;

/// What was seen of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It could be seen.
    Account {
        /// Health at the maintenance factors, in wad; none without debt.
        health: Option<U256>,
        /// How far its collateral may fall at once.
        room_to_fall_bps: u16,
        /// Whether its collateral is being sold.
        on_offer: bool,
    },
    /// It could not, for this reason.
    Nothing(String),
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Health fell below a level.
    Below {
        /// The lowest level that was crossed, in wad.
        level: U256,
        /// Health, in wad.
        health: U256,
        /// How far its collateral may still fall.
        room_to_fall_bps: u16,
    },
    /// Health is clearly above a level again.
    Above {
        /// The highest level that it is above again, in wad.
        level: U256,
        /// Health, in wad; none without debt.
        health: Option<U256>,
    },
    /// Its collateral is on offer to whoever pays the debt.
    OnOffer,
    /// That is over.
    OffOffer,
    /// Nothing could be seen several times in a row.
    Blind {
        /// Why.
        why: String,
    },
    /// It can be seen again.
    Sees,
}

/// Why levels are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Not a number.
    #[error("`{text}` is no health: write 1.5, or 1.5,1.2,1.05")]
    Level {
        /// What was read.
        text: String,
    },
    /// Below one there is nothing left to warn of.
    #[error("health {text} is not above 1: the account is liquidated there")]
    TooLow {
        /// What was read.
        text: String,
    },
}

/// Levels, and what was said of them.
#[derive(Clone, Debug)]
pub struct Rules {
    /// In wad, the highest first.
    levels: Vec<U256>,
    /// How many of them health is below, as it was told.
    below: usize,
    on_offer: bool,
    /// Looks in a row that saw nothing.
    blind: u32,
    blind_after: u32,
}

impl Rules {
    /// Warns at these levels, as `1.5,1.2,1.05`, and of blindness after so many looks that saw nothing.
    ///
    /// # Errors
    /// [`RulesError`].
    pub fn new(levels: &str, blind_after: u32) -> Result<Self, RulesError> {
        let one = U256::from(10).pow(U256::from(WAD));
        let read = |text: &str| {
            let text = text.trim().to_owned();
            match parse_decimal(&text, WAD) {
                Ok(level) if level > one => Ok(level),
                Ok(_) => Err(RulesError::TooLow { text }),
                Err(_) => Err(RulesError::Level { text }),
            }
        };
        let mut levels: Vec<_> = levels.split(',').map(read).collect::<Result<_, _>>()?;
        levels.sort_unstable_by(|a, b| b.cmp(a));
        levels.dedup();
        Ok(Self {
            levels,
            below: 0,
            on_offer: false,
            blind: 0,
            blind_after: blind_after.max(1),
        })
    }

    /// What is news about what was seen now.
    pub fn news(&mut self, seen: &Seen) -> Vec<Warning> {
        let mut news = Vec::new();
        match seen {
            Seen::Nothing(why) => {
                self.blind = self.blind.saturating_add(1);
                if self.blind == self.blind_after {
                    news.push(Warning::Blind { why: why.clone() });
                }
            }
            Seen::Account {
                health,
                room_to_fall_bps,
                on_offer,
            } => {
                if self.blind >= self.blind_after {
                    news.push(Warning::Sees);
                }
                self.blind = 0;
                news.extend(self.level_news(*health, *room_to_fall_bps));
                if self.on_offer != *on_offer {
                    self.on_offer = *on_offer;
                    news.push(if *on_offer {
                        Warning::OnOffer
                    } else {
                        Warning::OffOffer
                    });
                }
            }
        }
        news
    }

    fn level_news(&mut self, health: Option<U256>, room_to_fall_bps: u16) -> Option<Warning> {
        let is_below = |level: &&U256| health.is_some_and(|health| health < **level);
        let below = self.levels.iter().filter(is_below).count();
        if below > self.below
            && let Some(health) = health
        {
            self.below = below;
            return Some(Warning::Below {
                level: *self.levels.get(below.saturating_sub(1))?,
                health,
                room_to_fall_bps,
            });
        }
        let is_near = |level: &&U256| {
            let calm = level.saturating_add(**level / U256::from(CALM_DIVISOR));
            health.is_some_and(|health| health < calm)
        };
        let near = self.levels.iter().filter(is_near).count();
        if near < self.below {
            self.below = near;
            return Some(Warning::Above {
                level: *self.levels.get(near)?,
                health,
            });
        }
        None
    }
}

/// A warning about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    name: AccountName,
    warning: Warning,
}

impl News {
    /// About this account.
    pub const fn new(name: AccountName, warning: Warning) -> Self {
        Self { name, warning }
    }

    /// In one line, for people.
    pub fn text(&self) -> String {
        let AccountName { owner, index } = self.name;
        let health = |health: &U256| decimal_down(*health, WAD, 4);
        let what = match &self.warning {
            Warning::Below {
                level,
                health: now,
                room_to_fall_bps,
            } => format!(
                "health {} is below {}: collateral may fall by {}.{:02} % more before it is liquidated; repay, or add collateral",
                health(now),
                decimal(*level, WAD),
                room_to_fall_bps / 100,
                room_to_fall_bps % 100
            ),
            Warning::Above {
                level,
                health: Some(now),
            } => format!(
                "health {} is above {} again",
                health(now),
                decimal(*level, WAD)
            ),
            Warning::Above { health: None, .. } => "there is no debt any more".to_owned(),
            Warning::OnOffer => {
                "UNDER LIQUIDATION: its collateral is on offer; repay now to keep the rest"
                    .to_owned()
            }
            Warning::OffOffer => "the liquidation is over".to_owned(),
            Warning::Blind { why } => format!("its health is not known: {why}"),
            Warning::Sees => "its health is known again".to_owned(),
        };
        format!("account {index} of {owner}: {what}")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let (kind, health, level) = match &self.warning {
            Warning::Below { level, health, .. } => ("below", Some(*health), Some(*level)),
            Warning::Above { level, health } => ("above", *health, Some(*level)),
            Warning::OnOffer => ("onOffer", None, None),
            Warning::OffOffer => ("offOffer", None, None),
            Warning::Blind { .. } => ("blind", None, None),
            Warning::Sees => ("sees", None, None),
        };
        let text = |wad: Option<U256>| wad.map(|wad| decimal(wad, WAD));
        json!({
            "kind": kind,
            "owner": self.name.owner,
            "index": self.name.index,
            "health": text(health),
            "level": text(level),
            "text": self.text(),
        })
    }
}
