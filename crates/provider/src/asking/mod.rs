//! Holders are asked: in which words, how often, by what way, and what is kept of their answer.

mod bounds;
mod follow;
mod holders;
mod words;

pub use bounds::Turn;
pub(crate) use bounds::{Asks, Bounds, Counted};
pub(crate) use follow::{Asker, Question, State, TOLD_AFTER, Whom};
pub use holders::{Agreed, Answer, Ask, AskError, AtHost, Holders, Later};
pub(crate) use words::binding_is_legible;
pub use words::{Lang, Words};
