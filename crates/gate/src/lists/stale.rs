//! Which lists no longer speak: asked by whoever watches, not by requests.

use super::feed::Feed;

/// A source of which no current list is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    /// An address, or the name of a file without its folder, which is nobody's business outside.
    pub(crate) list: String,
    /// Whose list ended; none where there was none yet.
    pub(crate) issuer: Option<String>,
    /// When the last one ended (Unix milliseconds).
    pub(crate) ended: Option<u64>,
}

impl Feed {
    /// For each authority whose lists this source gave, whether none of them is current at `now` (Unix milliseconds); and whether it never gave any.
    pub(crate) fn stale(&self, now: u64) -> Vec<Stale> {
        let lists = self.lists();
        let of = |issuer, ended| Stale { list: self.source.name(), issuer, ended };
        if lists.is_empty() {
            return vec![of(None, None)];
        }
        let mut stale: Vec<Stale> = Vec::new();
        for list in lists.iter() {
            let of_the_issuer = || lists.iter().filter(|other| other.issuer() == list.issuer());
            let issuer = Some(list.issuer().to_string());
            let is_said = stale.iter().any(|said| said.issuer == issuer);
            if !is_said && !of_the_issuer().any(|list| list.is_current(now)) {
                stale.push(of(issuer, of_the_issuer().map(|list| list.next_update()).max()));
            }
        }
        stale
    }
}
