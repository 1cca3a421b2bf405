//! The feeds of a plan: one for each source, whoever asks it.

use std::{path::Path, sync::Arc};

use sceau_pki::Certificate;

use super::{Cache, Feed, Keeping, Limits, Source, Unusable, Window};
use crate::{clock::now, error::Error, files::given_folder, observe::Ledger, settings::ListsTable};

/// Whoever asks lists.
pub(crate) struct Subscriber<'a> {
    /// What its settings begin with: `clients.x`, `outgoing 1`.
    pub(crate) name: String,
    pub(crate) sources: &'a [Source],
    /// Whose lists it believes.
    pub(crate) authorities: &'a [Certificate],
}

/// Where and how lists are kept.
pub(crate) fn keeping(folder: &Path, table: &ListsTable) -> Keeping {
    let cache =
        table.cache.as_ref().map(|path| folder.join(path)).or_else(|| given_folder("CACHE_DIRECTORY"));
    Keeping {
        cache: Cache::new(cache.unwrap_or_else(|| folder.join("cache"))),
        window: Window { from: table.fetch_from.0, within: table.fetch_within.0 },
        limits: Limits {
            octets: usize::try_from(table.largest.0).unwrap_or(usize::MAX),
            time: table.time_out.0,
        },
    }
}

/// A feed for each source that somebody asks; lists that feeds used `before` stay in use.
///
/// # Errors
/// [`Error::File`], [`Error::List`] of a file without which a source has no list.
pub(crate) fn feeds(
    subscribers: &[Subscriber<'_>],
    keeping: &Keeping,
    before: &[Arc<Feed>],
    ledger: &Ledger,
) -> Result<Vec<Arc<Feed>>, Error> {
    let mut feeds: Vec<Arc<Feed>> = Vec::new();
    for subscriber in subscribers {
        for source in subscriber.sources {
            if feeds.iter().any(|feed| feed.source == *source) {
                continue;
            }
            let others = subscribers.iter().filter(|other| other.sources.contains(source));
            let authorities = others.flat_map(|other| other.authorities.iter().cloned()).collect();
            let feed = Feed::new(source.clone(), authorities, keeping.limits.octets)
                .counting(ledger.feeds.of(&source.to_string()));
            let feed = Arc::new(feed);
            let used = before.iter().filter(|feed| feed.source == *source);
            feed.load(used, &keeping.cache, now()).map_err(|unusable| {
                let (setting, path) = (format!("{}, revocation_lists", subscriber.name), source.to_string());
                match unusable {
                    Unusable::File(cause) => Error::File { setting, path, cause },
                    Unusable::List(cause) => Error::List { setting, path, cause },
                }
            })?;
            feeds.push(feed);
        }
    }
    Ok(feeds)
}
