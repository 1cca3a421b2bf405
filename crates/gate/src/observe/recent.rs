//! The last refusals, in memory, for whoever looks at the page.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

/// How many are kept.
const KEPT: usize = 200;
/// Characters of a text that a caller chose.
const LONGEST: usize = 200;

/// The last ones, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<Refused>>);

/// A request that was refused.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refused {
    /// Unix milliseconds.
    pub(crate) time: u64,
    pub(crate) request: String,
    pub(crate) from: IpAddr,
    pub(crate) route: String,
    pub(crate) code: String,
    /// Of the certificate that was shown, believed or not.
    pub(crate) common_name: Option<String>,
    pub(crate) organizational_units: Vec<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) serial: Option<String>,
}

impl Recent {
    pub(crate) fn note(&self, refused: Refused) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.truncate(KEPT - 1);
        all.push_front(refused.shortened());
    }

    pub(crate) fn all(&self) -> Vec<Refused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Refused {
    fn shortened(mut self) -> Self {
        let short = |text: &mut String| *text = text.chars().take(LONGEST).collect();
        self.organizational_units.truncate(8);
        self.organizational_units.iter_mut().for_each(short);
        [&mut self.common_name, &mut self.issuer, &mut self.serial].into_iter().flatten().for_each(short);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_last_ones_are_kept_and_none_is_long() {
        let recent = Recent::default();
        for time in 0..KEPT as u64 + 5 {
            recent.note(Refused {
                time,
                request: String::new(),
                from: Ipv4Addr::LOCALHOST.into(),
                route: "/".to_owned(),
                code: "client_unknown".to_owned(),
                common_name: Some("é".repeat(10_000)),
                organizational_units: vec!["x".repeat(10_000); 100],
                issuer: None,
                serial: None,
            });
        }
        let all = recent.all();
        assert_eq!((all.len(), all.first().map(|it| it.time)), (KEPT, Some(KEPT as u64 + 4)));
        assert!(all.iter().all(|it| it.organizational_units.len() == 8
            && it.common_name.as_ref().is_some_and(|name| name.chars().count() == LONGEST)));
    }
}
