//! Holders are asked: in which words, how often, by what way, and what is kept of their answer.

mod bounds;
mod follow;
mod holders;
mod words;

pub(crate) use bounds::{Bounds, From};
pub(crate) use follow::{Asker, State, Whom};
pub use holders::{Agreed, Answer, Ask, AskError, AtHost, Holders, Later};
pub(crate) use words::binding_is_legible;
pub use words::{Lang, Words};
