//! Authorities of which no list speaks, and which everybody therefore comes through in vain.

use sceau_pki::Name;

use super::Guard;

impl Guard {
    /// Those of the file's authorities, where its lists alone are asked. What is fetched and did not come yet may speak of any of them: then none is named.
    pub(crate) fn unlisted(&self) -> Vec<&Name> {
        if self.points.is_some() || self.inquiry.is_some() || self.fail_open.is_some() {
            return Vec::new();
        }
        let lists: Vec<_> = self.feeds.iter().map(|feed| feed.lists()).collect();
        if lists.is_empty() || lists.iter().any(|lists| lists.is_empty()) {
            return Vec::new();
        }
        let speaks = |of: &Name| lists.iter().flat_map(|lists| lists.iter()).any(|list| list.issuer() == of);
        let mut unlisted: Vec<&Name> = self.authorities.iter().map(|it| it.subject()).collect();
        unlisted.retain(|name| !speaks(name));
        unlisted.dedup();
        unlisted
    }

    /// Says so in the log.
    pub(crate) fn tell_of_unlisted(&self) {
        for authority in self.unlisted() {
            tracing::warn!(
                clients = self.name,
                %authority,
                "no list of this authority is among the file's: whoever comes through it is refused"
            );
        }
    }
}
