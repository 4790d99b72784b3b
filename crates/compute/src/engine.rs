//! Runs a model: prompt in, text out, one token after the other, and the same numbers on every machine.
//!
//! How: `weights` lie in `linear` matrices, which `kernel` multiplies; `forward` feeds tokens; `sample` chooses the next from a
//! seed; `stream` makes text of them. Formulas and invariants (ENG-n): specs/engine.md.
//! Not here: who may ask and what it costs (gateway), whether an answer is honest (audit).

use std::{fs::File, io::BufReader, ops::ControlFlow, path::Path, sync::Arc};

use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};

use crate::model::{Config, Message, ModelError, Reader, Tokenizer, gguf::Gguf, hash_file};

mod error;
mod forward;
pub(crate) mod half;
pub(crate) mod kernel;
mod linear;
pub(crate) mod sample;
mod stream;
mod weights;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::loaded_with;

pub use error::EngineError;
use forward::Sequence;
pub use sample::{Sampling, Seed};
use stream::Stream;
use weights::Weights;

/// More threads than any machine has cores for a model this small.
const THREADS_MAX: usize = 512;

/// Tokens that are fed together: a cancelled prompt ends after so many.
const CHUNK: usize = 64;
/// Stop sequences that a request may have.
const STOPS_MAX: usize = 16;

/// Which kernels multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Our own where they can, candle's elsewhere.
    Own,
    /// Candle's for everything quantised: another machine's arithmetic, for calibration.
    Candle,
}

/// What a model is, for receipts and lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Name that the file gives itself.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Most of its weights are stored so.
    pub quantisation: &'static str,
    /// Which kernels multiply: audits are strict where these names are equal.
    pub kernels: String,
    /// Tokens that prompt and answer may have together.
    pub context: usize,
    /// Tokens that there are.
    pub vocabulary: usize,
    /// Numbers in a state, and so in an embedding.
    pub width: usize,
    /// Layers.
    pub layers: usize,
}

/// A model that is loaded.
pub struct Engine {
    card: Card,
    config: Config,
    weights: Weights,
    reader: Arc<Reader>,
    threads: ThreadPool,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Tokens to answer to.
    pub prompt: Vec<u32>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What decides draws.
    pub seed: Seed,
    /// Tokens that the answer may have; the context bounds it too.
    pub max_tokens: usize,
    /// Sequences at which the answer ends; they are not shown.
    pub stop: Vec<String>,
}

impl Request {
    /// The likeliest answer.
    pub const fn greedy(prompt: Vec<u32>, max_tokens: usize) -> Self {
        Self {
            prompt,
            sampling: Sampling::GREEDY,
            seed: Seed::NONE,
            max_tokens,
            stop: Vec::new(),
        }
    }
}

/// What comes while an answer is made.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// So much of the prompt is read.
    Prompt {
        /// Tokens that were fed.
        fed: usize,
        /// All of them.
        of: usize,
    },
    /// Last hidden states of tokens that were fed, row after row.
    States {
        /// Position of the first.
        first: usize,
        /// The rows.
        rows: &'a [f32],
    },
    /// A token was sampled, and this text can be shown; it may be empty.
    Text {
        /// The token.
        token: u32,
        /// What it adds.
        text: &'a str,
    },
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model said so.
    End,
    /// A stop sequence came.
    Stop,
    /// It has as many tokens as were asked for, or fit.
    Length,
    /// The listener wanted no more.
    Cancelled,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its tokens, the end token too.
    pub tokens: Vec<u32>,
    /// Its text.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt that were fed.
    pub prompt_tokens: usize,
}

impl Engine {
    /// Loads a model; `threads` of zero takes one for each core.
    pub fn load(path: &Path, threads: usize) -> Result<Arc<Self>, ModelError> {
        Self::load_with(path, threads, Kernels::Own)
    }

    /// Loads a model for chosen kernels.
    pub fn load_with(
        path: &Path,
        threads: usize,
        kernels: Kernels,
    ) -> Result<Arc<Self>, ModelError> {
        let mut file = BufReader::new(File::open(path)?);
        let head = Gguf::read(&mut file)?;
        let config = Config::of(&head)?;
        let reader = Arc::new(Reader::of(&head, &config)?);
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads.min(THREADS_MAX))
            .thread_name(|index| format!("engine-{index}"))
            .build()
            .map_err(|error| ModelError::Threads(error.to_string()))?;
        let own = kernels == Kernels::Own;
        let weights = threads.install(|| Weights::read(&head, &config, &mut file, own))?;
        let card = Card {
            name: config.name.clone(),
            sha256: hash_file(path)?,
            quantisation: quantisation(&head),
            kernels: kernel_names(&weights),
            context: config.context,
            vocabulary: config.vocabulary,
            width: config.width,
            layers: config.layers,
        };
        Ok(Arc::new(Self {
            card,
            config,
            weights,
            reader,
            threads,
        }))
    }

    /// What it is.
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// How it reads requests.
    pub const fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// Its tokens.
    pub fn tokenizer(&self) -> &Tokenizer {
        self.reader.tokenizer()
    }

    /// The prompt that asks for the next turn, by the model's own template.
    pub fn chat(&self, messages: &[Message]) -> Result<Vec<u32>, EngineError> {
        self.reader.chat(messages)
    }

    /// The prompt that is continued.
    pub fn complete(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        self.reader.complete(text)
    }

    /// Answers. `listen` hears every piece, and ends it all by `Break`.
    pub fn generate(
        &self,
        request: &Request,
        listen: &mut (dyn FnMut(Piece<'_>) -> ControlFlow<()> + Send),
    ) -> Result<Answer, EngineError> {
        request.sampling.check()?;
        if request.stop.len() > STOPS_MAX {
            return Err(EngineError::Setting("stop", "at most 16 sequences"));
        }
        self.check_prompt(&request.prompt, 1)?;
        Ok(self.threads.install(|| self.run(request, listen)))
    }

    fn check_prompt(&self, prompt: &[u32], room: usize) -> Result<(), EngineError> {
        if prompt.is_empty() {
            return Err(EngineError::Empty);
        }
        let (tokens, context) = (prompt.len(), self.config.context);
        if tokens + room > context {
            return Err(EngineError::TooLong { tokens, context });
        }
        let vocabulary = self.config.vocabulary;
        match prompt.iter().find(|token| **token as usize >= vocabulary) {
            Some(token) => Err(EngineError::Token {
                token: *token,
                vocabulary,
            }),
            None => Ok(()),
        }
    }

    fn run(
        &self,
        request: &Request,
        listen: &mut (dyn FnMut(Piece<'_>) -> ControlFlow<()> + Send),
    ) -> Answer {
        let mut sequence = Sequence::default();
        let mut answer = Answer {
            tokens: Vec::new(),
            text: String::new(),
            finish: Finish::Cancelled,
            prompt_tokens: 0,
        };
        let mut last = Vec::new();
        for chunk in request.prompt.chunks(CHUNK) {
            let first = sequence.length();
            let rows = sequence.feed(&self.config, &self.weights, chunk);
            answer.prompt_tokens = sequence.length();
            let (fed, of) = (sequence.length(), request.prompt.len());
            let heard = listen(Piece::States { first, rows: &rows });
            if heard.is_break() || listen(Piece::Prompt { fed, of }).is_break() {
                return answer;
            }
            last = rows;
        }
        let mut stream = Stream::new(&request.stop);
        let room = self.config.context - request.prompt.len();
        let max_tokens = request.max_tokens.min(room);
        let mut seen = request.prompt.clone();
        answer.finish = Finish::Length;
        while answer.tokens.len() < max_tokens {
            let logits = self.logits(&last[last.len() - self.config.width..]);
            let position = answer.tokens.len() as u64;
            let token = sample::next(&logits, &seen, &request.sampling, &request.seed, position);
            answer.tokens.push(token);
            seen.push(token);
            let ends = self.tokenizer().ends(token);
            let shown = if ends {
                &[][..]
            } else {
                self.tokenizer().bytes(token)
            };
            let text = stream.push(shown);
            let heard = listen(Piece::Text { token, text: &text });
            if ends || stream.stopped() || heard.is_break() {
                answer.finish = match (ends, stream.stopped()) {
                    (true, _) => Finish::End,
                    (_, true) => Finish::Stop,
                    _ => Finish::Cancelled,
                };
                break;
            }
            if answer.tokens.len() < max_tokens {
                let first = sequence.length();
                last = sequence.feed(&self.config, &self.weights, &[token]);
                if listen(Piece::States { first, rows: &last }).is_break() {
                    answer.finish = Finish::Cancelled;
                    break;
                }
            }
        }
        let text = stream.finish();
        if !text.is_empty() && answer.finish != Finish::Cancelled {
            let token = answer.tokens.last().copied().unwrap_or(0);
            // The last words of an answer that is over: nobody can want less of it.
            let _ = listen(Piece::Text { token, text: &text });
        }
        answer.text = stream.into_text();
        answer
    }

    /// The text that an answer of these tokens shows.
    pub fn text_of(&self, tokens: &[u32], stop: &[String]) -> String {
        let mut stream = Stream::new(stop);
        for token in tokens
            .iter()
            .filter(|token| !self.tokenizer().ends(**token))
        {
            stream.push(self.tokenizer().bytes(*token));
        }
        stream.finish();
        stream.into_text()
    }

    /// Logits after a state.
    fn logits(&self, state: &[f32]) -> Vec<f32> {
        self.weights.head().products(state)
    }

    /// Feeds tokens that are known already, all at once, and shows the last hidden states of each chunk, and from position
    /// `logits_from` on its logits, row after row.
    pub fn teach(
        &self,
        tokens: &[u32],
        logits_from: usize,
        show: &mut (dyn FnMut(Taught<'_>) -> ControlFlow<()> + Send),
    ) -> Result<(), EngineError> {
        self.check_prompt(tokens, 0)?;
        self.threads.install(|| {
            let mut sequence = Sequence::default();
            for chunk in tokens.chunks(CHUNK) {
                let first = sequence.length();
                let rows = sequence.feed(&self.config, &self.weights, chunk);
                let skipped = logits_from.saturating_sub(first).min(chunk.len());
                let asked = &rows[skipped * self.config.width..];
                let logits = self.weights.head().products(asked);
                let taught = Taught {
                    first,
                    states: &rows,
                    logits_first: first + skipped,
                    logits: &logits,
                };
                if show(taught).is_break() {
                    break;
                }
            }
        });
        Ok(())
    }

    /// The mean of last hidden states, of length one. See specs/engine.md for what that is worth.
    pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let mut sum = vec![0.0_f32; self.config.width];
        self.teach(tokens, tokens.len(), &mut |taught| {
            for row in taught.states.chunks_exact(self.config.width) {
                kernel::add_scaled(&mut sum, 1.0, row);
            }
            ControlFlow::Continue(())
        })?;
        let length = kernel::dot(&sum, &sum).sqrt();
        if length > 0.0 {
            for x in &mut sum {
                *x /= length;
            }
        }
        Ok(sum)
    }
}

/// What feeding known tokens shows.
#[derive(Clone, Copy, Debug)]
pub struct Taught<'a> {
    /// Position of the first state.
    pub first: usize,
    /// Last hidden states.
    pub states: &'a [f32],
    /// Position of the first row of logits.
    pub logits_first: usize,
    /// Rows of logits; none where none were asked for.
    pub logits: &'a [f32],
}

/// What most bytes of the tensors are stored as.
fn quantisation(file: &Gguf) -> &'static str {
    let mut sizes = std::collections::BTreeMap::new();
    for tensor in file.tensors.values() {
        *sizes.entry(tensor.kind.name).or_insert(0) += tensor.byte_count;
    }
    let largest = sizes.into_iter().max_by_key(|(_, bytes)| *bytes);
    largest.map_or("none", |(name, _)| name)
}

/// Ours are the same everywhere; candle's are named by the instructions they find.
fn kernel_names(weights: &Weights) -> String {
    if weights.is_exact() {
        return "exact-1".to_owned();
    }
    let path = match (std::env::consts::ARCH, kernel::has_avx2()) {
        ("x86_64", true) => "avx2",
        ("x86_64", false) => "sse",
        (arch, _) => arch,
    };
    format!("exact-1+candle-0.11/{path}")
}

/// Whether a damaged file's weights can be read at all.
#[cfg(test)]
pub(crate) fn weights_of<R: std::io::Read + std::io::Seek>(
    head: &Gguf,
    config: &Config,
    from: &mut R,
) -> Result<(), ModelError> {
    Weights::read(head, config, from, true).map(|_| ())
}
