//! What was found behind a signature: all of it counts, some of it is told.

use super::Addition;

/// The most that is told of one signature.
const MOST: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    others: Vec<String>,
    harmless: Vec<Addition>,
    /// What is not told.
    more: usize,
}

impl Found {
    /// This, and nothing else.
    pub(super) fn only(words: &str) -> Self {
        let mut found = Self::default();
        found.other(words);
        found
    }

    /// Something that may show what was not signed.
    pub(super) fn other(&mut self, words: impl Into<String>) {
        let words = words.into();
        if self.others.contains(&words) {
            return;
        }
        if self.others.len() < MOST { self.others.push(words) } else { self.more += 1 }
    }

    /// Something that changes nothing.
    pub(super) fn harmless(&mut self, addition: Addition) {
        if self.harmless.contains(&addition) {
            return;
        }
        if self.harmless.len() < MOST { self.harmless.push(addition) } else { self.more += 1 }
    }

    /// Whether anything was found but evidence.
    pub(super) fn is_more_than_evidence(&self) -> bool {
        !self.others.is_empty() || self.harmless.iter().any(|it| *it != Addition::Evidence)
    }

    /// Whether all of it changes nothing, told or not.
    pub(super) fn is_harmless(&self) -> bool {
        self.others.is_empty()
    }

    /// What is told, the worst first, and how many are not.
    pub(super) fn told(self) -> (Vec<Addition>, usize) {
        let mut all: Vec<_> = self.others.into_iter().map(Addition::Other).chain(self.harmless).collect();
        let more = self.more + all.len().saturating_sub(MOST);
        all.truncate(MOST);
        (all, more)
    }
}
