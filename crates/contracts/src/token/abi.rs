//! The interfaces of tokens and of their factory, with their tables of verbs.

pub(super) mod factory;
pub(super) mod token;

pub use factory::ITokenFactory;
pub use token::IToken;
