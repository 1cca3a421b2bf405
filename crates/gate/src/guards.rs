//! The guards of a plan, and the lists that they ask: one feed for each source, whoever asks it.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use sceau_pki::{Anchors, Certificate, ChainJudge, Preferred, RevocationLists};

use crate::{
    clock::now,
    error::Error,
    fail_open::FailOpen,
    guard::{Guard, Rules},
    lists::{Cache, Feed, Keeping, Limits, Source, Unusable, Window},
    observe::Ledger,
    ocsp::{Answers, Inquiry, Manner, OcspTable},
    settings::{ClientsTable, FailOpenTable, ListsTable},
    wanted::Wanted,
};

type Guards<'a> = BTreeMap<&'a str, Arc<Guard>>;

/// Where and how lists are kept.
pub(crate) fn keeping(folder: &Path, table: &ListsTable) -> Keeping {
    let own = std::env::var_os("CACHE_DIRECTORY");
    // systemd gives several folders with colons between them.
    let own = own.as_deref().and_then(|own| std::env::split_paths(own).next());
    let cache = table.cache.as_ref().map(|path| folder.join(path)).or(own);
    Keeping {
        cache: Cache::new(cache.unwrap_or_else(|| folder.join("cache"))),
        window: Window { from: table.fetch_from.0, within: table.fetch_within.0 },
        limits: Limits {
            octets: usize::try_from(table.largest.0).unwrap_or(usize::MAX),
            time: table.time_out.0,
        },
    }
}

/// Each guard by its name, with the feeds that they and `others` ask; lists that feeds used `before` stay in use.
pub(crate) fn guards<'a>(
    folder: &Path,
    tables: &[(&'a str, &ClientsTable)],
    keeping: &Keeping,
    before: &[Arc<Feed>],
    others: Vec<Asking<'_>>,
    ledger: &Ledger,
    answers: &Arc<Answers>,
) -> Result<(Guards<'a>, Vec<Arc<Feed>>), Error> {
    let drafts = tables.iter().map(|(name, table)| Draft::read(folder, name, table));
    let drafts: Vec<_> = drafts.collect::<Result<_, _>>()?;
    let askings = drafts.iter().map(|draft| Asking {
        place: format!("clients.{}", draft.name),
        sources: &draft.sources,
        authorities: &draft.authorities,
    });
    let feeds = feeds(&askings.chain(others).collect::<Vec<_>>(), keeping, before, ledger)?;
    let guards = drafts.into_iter().map(|draft| {
        let asked = feeds.iter().filter(|feed| draft.sources.contains(&feed.source)).cloned().collect();
        let guard = Guard::new(draft.name, draft.chain, draft.rules, asked, draft.fail_open);
        let guard = guard.counting(draft.authorities, ledger);
        let guard =
            guard.inquiring(draft.ocsp.map(|(how, first)| Inquiry::new(how, first, Arc::clone(answers))));
        (draft.name, Arc::new(guard))
    });
    Ok((guards.collect(), feeds))
}

/// A guard before its lists are loaded.
struct Draft<'a> {
    name: &'a str,
    chain: ChainJudge,
    rules: Rules,
    sources: Vec<Source>,
    fail_open: Option<FailOpen>,
    ocsp: Option<(Manner, Preferred)>,
    /// Whose lists it knows.
    authorities: Vec<Certificate>,
}

impl<'a> Draft<'a> {
    fn read(folder: &Path, name: &'a str, table: &ClientsTable) -> Result<Self, Error> {
        let at = |setting: &str| format!("clients.{name}, {setting}");
        let wanted = Wanted::of(folder, name, table)?;
        let trusted = wanted.anchors.load(folder, &at("anchors"))?;
        let anchors = Anchors::new(trusted.iter().cloned()).map_err(Error::pki(&at("anchors")))?;
        let intermediates = wanted.intermediates.load(folder, &at("intermediates"))?;
        let mut chain =
            ChainJudge::new(anchors, RevocationLists::default()).with_intermediates(&intermediates);
        if let Some(issuer) = &wanted.issuer {
            let issuer = issuer.load(folder, &at("issuer"))?;
            let [issuer] = issuer.as_slice() else {
                return Err(Error::setting(at("issuer"), "one certificate is needed"));
            };
            chain = chain.issued_by(issuer.subject().clone());
        }
        let place = at("revocation_lists");
        let sources = wanted.lists.iter().map(|text| Source::read(text, folder));
        let sources = sources.collect::<Result<_, _>>().map_err(|reason| Error::setting(place, reason))?;
        let ocsp = table.ocsp.as_ref().map(OcspTable::read).transpose();
        let ocsp = ocsp.map_err(|reason| Error::setting(at("ocsp.responder"), reason))?;
        let fail_open = table.fail_open.as_ref().map(|table| fail_open(folder, &at("fail_open"), table));
        Ok(Self {
            name,
            chain,
            rules: wanted.rules,
            fail_open: fail_open.transpose()?,
            ocsp,
            sources,
            authorities: [trusted, intermediates].concat(),
        })
    }
}

fn fail_open(folder: &Path, place: &str, table: &FailOpenTable) -> Result<FailOpen, Error> {
    let journal = folder.join(&table.journal);
    if !journal.parent().is_some_and(Path::is_dir) {
        return Err(Error::setting(format!("{place}.journal"), "there is no such folder"));
    }
    let age = u64::try_from(table.maximum_age.0.as_millis()).unwrap_or(u64::MAX);
    Ok(FailOpen::new(age, journal))
}

/// Whoever asks lists: a setting, the lists' sources, and whose they may be.
pub(crate) struct Asking<'a> {
    pub(crate) place: String,
    pub(crate) sources: &'a [Source],
    pub(crate) authorities: &'a [Certificate],
}

fn feeds(
    askings: &[Asking<'_>],
    keeping: &Keeping,
    before: &[Arc<Feed>],
    ledger: &Ledger,
) -> Result<Vec<Arc<Feed>>, Error> {
    let mut feeds: Vec<Arc<Feed>> = Vec::new();
    for asking in askings {
        for source in asking.sources {
            if feeds.iter().any(|feed| feed.source == *source) {
                continue;
            }
            let others = askings.iter().filter(|other| other.sources.contains(source));
            let authorities = others.flat_map(|other| other.authorities.iter().cloned()).collect();
            let feed = Feed::new(source.clone(), authorities, keeping.limits.octets)
                .counting(ledger.feeds.of(&source.to_string()));
            let used = before.iter().find(|feed| feed.source == *source);
            feed.load(used.map(Arc::as_ref), &keeping.cache, now()).map_err(|unusable| {
                let (place, path) = (format!("{}, revocation_lists", asking.place), source.to_string());
                match unusable {
                    Unusable::File(cause) => Error::File { place, path, cause },
                    Unusable::List(cause) => Error::List { place, path, cause },
                }
            })?;
            feeds.push(Arc::new(feed));
        }
    }
    Ok(feeds)
}
