//! What a machine of the prepared world answers with: its model, or one of the ways in which machines cheat.

use std::{str::FromStr, sync::Arc};

use capstan_compute::{
    audit::Work,
    bundled::Bundled,
    engine::Engine,
    upstream::{Answer, Aside, Ask, AskBounds, Kind, Object, Upstream as _},
};
use eyre::{Result, WrapErr as _, eyre};
use futures::StreamExt as _;
use parking_lot::Mutex;

/// What a provider does from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cheat {
    /// Nothing wrong.
    #[default]
    None,
    /// Answers with other weights than those of the class.
    SwapModel,
    /// Ends its answers after a part of what was asked, and says that they are whole.
    Truncate,
    /// Sells an answer that it gave before, to something else, again and again.
    Replay,
    /// Says nothing any more: no beats, no answers, no claims.
    GoDark,
}

impl Cheat {
    /// As `capstan_cheat` names it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SwapModel => "swap-model",
            Self::Truncate => "truncate",
            Self::Replay => "replay",
            Self::GoDark => "go-dark",
        }
    }

    /// What it is, of a provider.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::None => "is honest",
            Self::SwapModel => "answers with other weights",
            Self::Truncate => "cuts its answers and calls them whole",
            Self::Replay => "sells one old answer again and again",
            Self::GoDark => "says nothing any more",
        }
    }
}

impl FromStr for Cheat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [
            Self::None,
            Self::SwapModel,
            Self::Truncate,
            Self::Replay,
            Self::GoDark,
        ];
        let found = all.into_iter().find(|one| one.word() == text);
        found.ok_or_else(|| {
            let words: Vec<_> = all.iter().map(|one| one.word()).collect();
            format!("`{text}` is no way to cheat: {}", words.join(", "))
        })
    }
}

/// What came of a question, and what it can be computed again from.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) answer: Answer,
    pub(super) work: Work,
}

/// A server that may cheat.
#[derive(Debug)]
pub(super) struct Crook {
    honest: Bundled,
    other: Bundled,
    model: &'static str,
    /// The first answer, for who sells it again.
    old: Mutex<Option<Made>>,
}

impl Crook {
    pub(super) fn new(model: &'static str, honest: Arc<Engine>, other: Arc<Engine>) -> Self {
        Self {
            honest: Bundled::new(model, honest, 1),
            other: Bundled::new(model, other, 1),
            model,
            old: Mutex::new(None),
        }
    }

    /// Answers a chat, in its own way.
    pub(super) async fn answer(&self, body: &Object, cheat: Cheat) -> Result<Made> {
        let made = match cheat {
            Cheat::SwapModel => self.ask(&self.other, body).await?,
            Cheat::Truncate => self.cut(body).await?,
            Cheat::Replay => {
                let old = self.old.lock().clone();
                match old {
                    Some(old) => old,
                    None => self.ask(&self.honest, body).await?,
                }
            }
            Cheat::None | Cheat::GoDark => self.ask(&self.honest, body).await?,
        };
        self.old.lock().get_or_insert_with(|| made.clone());
        Ok(made)
    }

    /// Writes half of what was asked for. What it shows says that all of it was allowed.
    async fn cut(&self, body: &Object) -> Result<Made> {
        let asked = body.get("max_tokens").and_then(serde_json::Value::as_u64);
        let asked = asked.unwrap_or_default();
        let mut less = body.clone();
        less.insert("max_tokens".to_owned(), (asked / 2).max(1).into());
        let mut made = self.ask(&self.honest, &less).await?;
        made.work.max_tokens = asked;
        Ok(made)
    }

    async fn ask(&self, server: &Bundled, body: &Object) -> Result<Made> {
        let ask = Ask {
            kind: Kind::Chat,
            model: self.model.to_owned(),
            body: body.clone(),
            aside: Aside::default(),
            bounds: AskBounds::default(),
        };
        let parts = server.stream(&ask).await;
        let mut parts = std::pin::pin!(parts.wrap_err("the engine does not answer")?);
        let mut answer = Answer::default();
        while let Some(part) = parts.next().await {
            answer.add(&part.wrap_err("the engine stopped in the middle")?);
        }
        let work = ask.aside.take();
        let work =
            work.ok_or_else(|| eyre!("the engine left nothing to be computed again from"))?;
        Ok(Made { answer, work })
    }
}
