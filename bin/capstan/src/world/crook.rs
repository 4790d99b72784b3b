//! What a machine of the prepared world answers with: its model, or one of the ways in which machines cheat.

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
};

use capstan_compute::{
    audit::Work,
    bundled::Bundled,
    engine::Engine,
    upstream::{Answer, Aside, Ask, Chunks, Fault, Model, Object, Upstream, gather},
};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use tokio::sync::watch;

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

/// An answer as its engine made it: its parts, and what they can be computed again from.
#[derive(Clone, Debug)]
pub(super) struct Made {
    parts: Vec<Object>,
    pub(super) work: Work,
}

impl Made {
    /// What an engine answers.
    pub(super) async fn by(server: &Bundled, ask: &Ask) -> Result<Self, Fault> {
        // What is left aside is this answer's alone, until it is told which it shall be.
        let ask = Ask {
            aside: Aside::default(),
            ..ask.clone()
        };
        let parts = server.stream(&ask).await?.try_collect().await?;
        let work = ask.aside.take();
        let work = work.ok_or_else(|| Fault::Garbage("nothing is left to compute again".into()))?;
        Ok(Self { parts, work })
    }

    /// All parts together.
    pub(super) fn answer(&self) -> Answer {
        let mut answer = Answer::default();
        for part in &self.parts {
            answer.add(part);
        }
        answer
    }
}

/// A model server that may cheat.
#[derive(Clone, Debug)]
pub(super) struct Crook {
    honest: Bundled,
    other: Bundled,
    cheat: watch::Receiver<Cheat>,
    /// The first honest answer, for who sells it again.
    old: Arc<OnceLock<Made>>,
}

impl Crook {
    pub(super) fn new(
        model: &str,
        honest: Arc<Engine>,
        other: Arc<Engine>,
        cheat: watch::Receiver<Cheat>,
    ) -> Self {
        Self {
            honest: Bundled::new(model, honest, 1),
            other: Bundled::new(model, other, 1),
            cheat,
            old: Arc::default(),
        }
    }

    /// Answers in its own way, and leaves aside what it says that it did.
    async fn answer(self, ask: Ask) -> Result<Chunks, Fault> {
        let cheat = *self.cheat.borrow();
        let made = match cheat {
            Cheat::None => self.kept(&ask).await?,
            Cheat::SwapModel => Made::by(&self.other, &ask).await?,
            Cheat::Truncate => self.cut(&ask).await?,
            Cheat::Replay => match self.old.get() {
                Some(old) => old.clone(),
                None => self.kept(&ask).await?,
            },
            Cheat::GoDark => return Err(Fault::Cut),
        };
        ask.aside.leave(made.work);
        Ok(stream::iter(made.parts.into_iter().map(Ok)).boxed())
    }

    /// An honest answer, of which the first is kept.
    async fn kept(&self, ask: &Ask) -> Result<Made, Fault> {
        let made = Made::by(&self.honest, ask).await?;
        let _ = self.old.set(made.clone());
        Ok(made)
    }

    /// Writes half of what was asked for. What it shows says that all of it was allowed.
    async fn cut(&self, ask: &Ask) -> Result<Made, Fault> {
        let asked = ask.bounds.output_tokens_max;
        let mut less = ask.clone();
        for bound in ["max_tokens", "max_completion_tokens"] {
            less.body
                .insert(bound.to_owned(), (asked / 2).max(1).into());
        }
        let mut made = Made::by(&self.honest, &less).await?;
        made.work.max_tokens = asked;
        Ok(made)
    }
}

impl Upstream for Crook {
    fn name(&self) -> &str {
        self.honest.name()
    }

    fn is_here(&self) -> bool {
        true
    }

    fn parallel(&self) -> Option<usize> {
        self.honest.parallel()
    }

    /// Whatever it answers with, it says that it has the model.
    fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, Fault>> {
        self.honest.models()
    }

    fn stream(&self, ask: &Ask) -> BoxFuture<'static, Result<Chunks, Fault>> {
        self.clone().answer(ask.clone()).boxed()
    }

    fn whole(&self, ask: &Ask) -> BoxFuture<'static, Result<Object, Fault>> {
        let (crook, ask) = (self.clone(), ask.clone());
        async move {
            let parts = crook.answer(ask.clone()).await?;
            gather(ask.kind, &ask.model, parts).await
        }
        .boxed()
    }
}
