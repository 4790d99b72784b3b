//! A model's own words around messages. The template is a program from a file, so its work is bounded, and what it writes.

use std::io;

use minijinja::{Environment, Error, ErrorKind, context};
use serde::{Deserialize, Serialize};

use super::{error::ModelError, gguf::Gguf, tokenizer::Tokenizer};

/// Steps that a template may take for one prompt.
const STEPS_MAX: u64 = 1_000_000;
/// Bytes that its program may have.
const BYTES_MAX: usize = 1 << 20;
/// Bytes that it may write beside twice what was said: templates say each message once, and some look back at it.
const WRITTEN_MAX: usize = 1 << 20;
/// For models that bring none.
const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user`, `assistant`, or what the model's template knows.
    pub role: String,
    /// What was said.
    pub content: String,
}

impl Message {
    /// A turn of the user.
    pub fn user(content: &str) -> Self {
        Self {
            role: "user".to_owned(),
            content: content.to_owned(),
        }
    }
}

/// A model's chat template.
pub(crate) struct Template {
    environment: Environment<'static>,
    begin: String,
    end: String,
}

impl Template {
    pub(crate) fn of(file: &Gguf, tokenizer: &Tokenizer) -> Result<Self, ModelError> {
        let source = file.text("tokenizer.chat_template").unwrap_or(CHATML);
        if source.len() > BYTES_MAX {
            return Err(ModelError::Template("it is too long".to_owned()));
        }
        let mut environment = Environment::new();
        environment.set_fuel(Some(STEPS_MAX));
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |words: String| -> Result<String, Error> {
                Err(Error::new(ErrorKind::InvalidOperation, words))
            },
        );
        environment
            .add_template_owned("chat", source.to_owned())
            .map_err(|error| ModelError::Template(error.to_string()))?;
        let name = |key: &str| -> Result<String, ModelError> {
            let id = file.whole(key)?.and_then(|id| u32::try_from(id).ok());
            Ok(id
                .and_then(|id| tokenizer.name(id))
                .unwrap_or_default()
                .to_owned())
        };
        Ok(Self {
            environment,
            begin: name("tokenizer.ggml.bos_token_id")?,
            end: name("tokenizer.ggml.eos_token_id")?,
        })
    }

    /// The prompt that asks for the next turn. Names of control tokens in messages are broken before.
    pub(crate) fn prompt(
        &self,
        messages: &[Message],
        tokenizer: &Tokenizer,
    ) -> Result<String, ModelError> {
        let messages: Vec<Message> = messages
            .iter()
            .map(|message| Message {
                role: tokenizer.defused(&message.role),
                content: tokenizer.defused(&message.content),
            })
            .collect();
        let template = self
            .environment
            .get_template("chat")
            .map_err(|error| ModelError::Template(error.to_string()))?;
        let said: usize = messages.iter().map(|one| one.content.len()).sum();
        let mut written = Written {
            bytes: Vec::new(),
            left: said.saturating_mul(2).saturating_add(WRITTEN_MAX),
        };
        let values = context! {
                messages => messages,
                add_generation_prompt => true,
                bos_token => self.begin,
                eos_token => self.end,
        };
        let rendered = template.render_captured_to(values, &mut written);
        rendered.map_err(|error| match written.left {
            0 => ModelError::Template("it writes far more than it was given".to_owned()),
            _ => ModelError::Template(error.to_string()),
        })?;
        String::from_utf8(written.bytes).map_err(|error| ModelError::Template(error.to_string()))
    }
}

/// What a template writes, until it is too much.
struct Written {
    bytes: Vec<u8>,
    left: usize,
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len()) else {
            self.left = 0;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left = left;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
