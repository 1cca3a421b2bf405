//! The connector's parsers of foreign bytes, for who tries them with any: none may panic.

use serde_json::{Map, Value};

use super::answers;
use super::decisions::Wanted;
use super::feed::{Delivery, Page};
use super::journal::lines;
use super::standing::Standing;

/// A page of the feed, asked for after `position`: what follows on it, and the code of what is wrong with the rest.
pub fn page(bytes: &[u8], position: u64) -> (Vec<Delivery>, Option<String>) {
    let Ok(page) = serde_json::from_slice::<Page>(bytes) else { return (Vec::new(), None) };
    let mut standing = Standing::default();
    standing.position = position;
    let judged = page.judge(&standing, 0);
    (judged.deliveries, judged.trouble.map(|trouble| trouble.code().to_owned()))
}

/// A journal: what it says, and a shorter one that says the same.
pub fn journal(bytes: &[u8]) -> Option<(Standing, Vec<u8>)> {
    let (standing, _) = Standing::read(bytes).ok()?;
    let anew = lines(&standing.steps()).ok()?;
    Some((standing, anew))
}

/// A decision of the organisation's system; whether it is one.
pub fn decision(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Wanted>(bytes).is_ok()
}

/// Sealed answers in clear.
pub fn sealed_answers(bytes: &[u8]) -> Option<Map<String, Value>> {
    answers::parse(bytes).ok()
}
