//! Revocation lists while the gate runs: where each comes from, which one is in use, and when another may take its place.

mod cache;
mod feed;
mod fetch;
mod hosts;
mod keeper;
mod learnt;
mod open;
mod places;
mod points;
mod schedule;
mod source;
mod stale;

pub(crate) use cache::{Cache, DISK};
pub use feed::Rejection;
pub(crate) use feed::{Feed, Unusable};
pub(crate) use fetch::Limits;
pub(crate) use hosts::Hosts;
pub(crate) use keeper::{Keeper, Keeping};
pub(crate) use open::{Subscriber, feeds, keeping};
pub(crate) use places::{Loading, Places, Reads};
pub(crate) use points::Points;
pub(crate) use schedule::Window;
pub(crate) use source::{Source, Stamp, stamp};
pub(crate) use stale::Stale;

#[cfg(test)]
mod tests;
