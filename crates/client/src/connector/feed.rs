//! The feed as a connector judges it. It is the platform's word: what an entry is about is proven when its dossier is fetched, and here only
//! that the feed goes on, one entry after the other, from where this connector is.

use std::fmt;

use sceau_element_api::{DossierId, SchemeId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::standing::Standing;
use super::trouble::Trouble;

/// The most entries of one page that a platform gives.
const MOST: usize = 200;
/// The longest id of an entry: a dossier's id and a log index are below.
const LONGEST_ID: usize = 128;

/// An entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The platform's name for it.
    pub id: String,
    /// Its place in the feed of the organisation.
    pub position: u64,
    /// What happened.
    pub kind: Kind,
    /// The dossier.
    pub dossier: DossierId,
    /// The scheme.
    pub scheme: SchemeId,
    /// SHA-256 of the manifest that it is about.
    pub manifest_hash: Hash,
    /// When, in Unix milliseconds.
    pub time: u64,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Sent for the first time.
    Submitted,
    /// Sent again, with what was asked for.
    Resubmitted,
    /// The organisation accepted it.
    Accepted,
    /// The organisation refused it.
    Refused,
    /// The organisation asked for more.
    MoreInformation,
}

/// Some entries, as the platform gives them.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    deliveries: Vec<Delivery>,
    #[serde(default)]
    acknowledged: u64,
}

/// What of a page follows on what is known, and what is wrong with the rest.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) trouble: Option<Trouble>,
}

impl Page {
    /// The entries that follow on `standing`, each at the next position; none after the first that does not. `acknowledged` is the position that the
    /// platform said to keep.
    pub(super) fn judge(self, standing: &Standing, acknowledged: u64) -> Judged {
        let mut judged = Judged { deliveries: Vec::new(), trouble: None };
        if self.acknowledged < acknowledged {
            let words = format!(
                "the platform knows of {} entries acknowledged, and knew of {acknowledged}",
                self.acknowledged
            );
            judged.trouble = Some(Trouble::later("feed_went_back", words));
            return judged;
        }
        let mut next = standing.position.saturating_add(1);
        for delivery in self.deliveries.into_iter().take(MOST) {
            if let Some(trouble) = delivery.wrong(next, standing, &judged.deliveries) {
                judged.trouble = Some(trouble);
                break;
            }
            judged.deliveries.push(delivery);
            next = next.saturating_add(1);
        }
        judged
    }
}

impl Delivery {
    /// Whether it is about what a depositor sent.
    pub(super) fn is_sent(&self) -> bool {
        matches!(self.kind, Kind::Submitted | Kind::Resubmitted)
    }

    /// How the organisation's system knows it, its folder's name too: dossier and beginning of the manifest's hash, both of which are proven before it
    /// hears of them.
    pub(super) fn name(&self) -> String {
        folder_name(self.dossier, &self.manifest_hash)
    }

    /// The id of the call in which its system hears of it: a dossier's name, and for a decision what was decided, too.
    pub(super) fn handed_as(&self) -> String {
        if self.is_sent() { self.name() } else { format!("{}.{}", self.name(), self.kind) }
    }

    fn wrong(&self, next: u64, standing: &Standing, before: &[Self]) -> Option<Trouble> {
        let trouble = |code, words: String| Some(Trouble::later(code, words));
        if self.position < next {
            return trouble("feed_went_back", format!("{next} was to come, and {} came", self.position));
        }
        if self.position > next {
            return trouble("feed_has_a_gap", format!("{next} was to come, and {} came", self.position));
        }
        let spelled =
            (1..=LONGEST_ID).contains(&self.id.len()) && self.id.bytes().all(|b| b.is_ascii_graphic());
        let known = standing.has_entry(&self.id) || before.iter().any(|earlier| earlier.id == self.id);
        if !spelled || known {
            return trouble("feed_malformed", format!("the id of entry {next} is none, or another’s"));
        }
        None
    }
}

/// How the organisation's system knows a manifest of a dossier.
pub(super) fn folder_name(dossier: DossierId, manifest: &Hash) -> String {
    let hash = manifest.to_string();
    format!("{dossier}.{}", hash.get(..12).unwrap_or(&hash))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submitted => "submitted",
            Self::Resubmitted => "resubmitted",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::MoreInformation => "more_information",
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    pub(in super::super) fn entry(position: u64) -> Delivery {
        Delivery {
            id: format!("entry.{position}"),
            position,
            kind: Kind::Submitted,
            dossier: DossierId::random(),
            scheme: SchemeId::random(),
            manifest_hash: sceau_trace::sha256(&position.to_be_bytes()),
            time: 0,
        }
    }

    fn judged(deliveries: Vec<Delivery>, acknowledged: u64) -> (Vec<u64>, Option<String>) {
        let judged = Page { deliveries, acknowledged }.judge(&Standing::default(), 0);
        let positions = judged.deliveries.iter().map(|delivery| delivery.position).collect();
        (positions, judged.trouble.map(|trouble| trouble.code().to_owned()))
    }

    #[test]
    fn only_what_follows_is_taken() {
        assert_eq!(judged(vec![entry(1), entry(2)], 0), (vec![1, 2], None));
        let code = |code: &str| Some(code.to_owned());
        assert_eq!(judged(vec![entry(1), entry(3)], 0), (vec![1], code("feed_has_a_gap")));
        assert_eq!(judged(vec![entry(1), entry(2), entry(1)], 0), (vec![1, 2], code("feed_went_back")));
        assert_eq!(judged(vec![entry(0)], 0), (vec![], code("feed_went_back")));
        assert_eq!(judged(vec![entry(u64::MAX)], 0), (vec![], code("feed_has_a_gap")));
        let twice = Delivery { id: "entry.1".to_owned(), ..entry(2) };
        assert_eq!(judged(vec![entry(1), twice], 0), (vec![1], code("feed_malformed")));
        let steering = Delivery { id: "a\nb".to_owned(), ..entry(1) };
        assert_eq!(judged(vec![steering], 0), (vec![], code("feed_malformed")));
        assert_eq!(judged((1..=500).map(entry).collect(), 0).0.len(), MOST);
    }

    #[test]
    fn what_was_acknowledged_stays_acknowledged() {
        let judged = Page { deliveries: vec![entry(1)], acknowledged: 4 }.judge(&Standing::default(), 5);
        assert_eq!(judged.trouble.unwrap().code(), "feed_went_back");
        assert!(judged.deliveries.is_empty());
    }
}
