//! How a model's file reads requests: its tokens, its template, its length. Weights are not needed for that.

use std::{fs::File, io::BufReader, path::Path};

use super::{Config, Message, ModelError, Template, Tokenizer, gguf::Gguf};
use crate::engine::EngineError;

/// What turns requests into tokens, and texts.
pub struct Reader {
    tokenizer: Tokenizer,
    template: Template,
    context: usize,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader of {} tokens", self.tokenizer.len())
    }
}

impl Reader {
    /// Of a GGUF file, whose weights are not read.
    ///
    /// # Errors
    /// The file is none that can be read here.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let mut file = BufReader::new(File::open(path)?);
        let head = Gguf::read(&mut file)?;
        Self::of(&head, &Config::of(&head)?)
    }

    pub(crate) fn of(head: &Gguf, config: &Config) -> Result<Self, ModelError> {
        let tokenizer = Tokenizer::of(head)?;
        Ok(Self {
            template: Template::of(head, &tokenizer)?,
            tokenizer,
            context: config.context,
        })
    }

    /// Its tokens.
    pub const fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Tokens that prompt and answer may have together.
    pub const fn context(&self) -> usize {
        self.context
    }

    /// The prompt that asks for the next turn, by the model's own template.
    ///
    /// # Errors
    /// It is far too long, or the template fails.
    pub fn chat(&self, messages: &[Message]) -> Result<Vec<u32>, EngineError> {
        let bytes = messages.iter().map(|message| message.content.len()).sum();
        self.refuse_huge(bytes)?;
        let prompt = self.template.prompt(messages, &self.tokenizer)?;
        Ok(self.tokenizer.encode(&prompt)?)
    }

    /// The prompt that is continued.
    ///
    /// # Errors
    /// It is far too long, or cannot be cut into tokens.
    pub fn complete(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        self.refuse_huge(text.len())?;
        let mut tokens: Vec<u32> = self.tokenizer.begin().into_iter().collect();
        tokens.extend(self.tokenizer.encode_plain(text)?);
        Ok(tokens)
    }

    /// No token is longer than the longest, so text beyond that times the context cannot fit: it is not even cut into tokens.
    fn refuse_huge(&self, bytes: usize) -> Result<(), EngineError> {
        let tokens = bytes / self.tokenizer.longest_bytes();
        if tokens > self.context {
            let context = self.context;
            return Err(EngineError::TooLong { tokens, context });
        }
        Ok(())
    }
}
