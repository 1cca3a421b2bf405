//! How keys are kept: in the token, or sealed; and whether they still are what was made.

use std::sync::Arc;

use cryptoki::object::ObjectClass;

use super::{
    SCHEME, SEALING, TokenKeystore,
    entry::{Entry, Version},
    objects::Keeping,
    wanted,
};
use crate::{
    error::Error,
    key::{KeyEntry, KeyLabel, KeyVersion},
    provider::JudgeKeys,
};

/// How a key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenKeeping {
    /// Made in the token, and never to leave it.
    InToken,
    /// Made elsewhere and brought into the token: copies of it may be left where it was.
    Brought,
    /// In software, sealed under the token: it is in the process's memory while it is used.
    Sealed,
    /// The token would let it go.
    Loose,
    /// The token has it no more.
    Gone,
}

impl TokenKeystore {
    /// How each key is kept, by label; of one with several versions, the worst.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn kept(&self) -> Result<Vec<(KeyEntry, TokenKeeping)>, Error> {
        let all: Vec<_> =
            self.read().iter().map(|(label, entry)| (label.clone(), Arc::clone(entry))).collect();
        all.iter().map(|(label, entry)| Ok((entry.shown(label), self.keeping(label, entry)?))).collect()
    }

    pub(super) fn keeping(&self, label: &KeyLabel, entry: &Entry) -> Result<TokenKeeping, Error> {
        let class = wanted(entry.kind).class();
        let mut worst = TokenKeeping::InToken;
        for (at, version) in entry.versions.iter().enumerate() {
            let found = match version {
                Version::Sealed => TokenKeeping::Sealed,
                Version::Token { imported, .. } => {
                    let object = self.shelf.object(label.as_str(), KeyVersion::last_of(at + 1));
                    match (self.shelf.keeping(&object, class)?, imported) {
                        (None, _) => TokenKeeping::Gone,
                        (Some(Keeping::Made), false) => TokenKeeping::InToken,
                        (Some(Keeping::Made | Keeping::Brought), true) => TokenKeeping::Brought,
                        (Some(_), _) => TokenKeeping::Loose,
                    }
                }
            };
            worst = if rank(found) > rank(worst) { found } else { worst };
        }
        Ok(worst)
    }
}

impl JudgeKeys for TokenKeystore {
    fn altered(&self) -> Result<Vec<String>, Error> {
        let mut altered = Vec::new();
        let sealing = self.sealing().name;
        if self.shelf.keeping(&sealing, ObjectClass::SECRET_KEY)?.is_some_and(|found| found != Keeping::Made)
        {
            altered.push(format!("{SCHEME}:{SEALING}"));
        }
        // One that is gone says so when it is used.
        let loose = self.kept()?.into_iter().filter(|(_, keeping)| *keeping == TokenKeeping::Loose);
        altered.extend(loose.map(|(entry, _)| entry.key.uri().to_string()));
        Ok(altered)
    }
}

fn rank(keeping: TokenKeeping) -> u8 {
    match keeping {
        TokenKeeping::InToken => 0,
        TokenKeeping::Brought => 1,
        TokenKeeping::Sealed => 2,
        TokenKeeping::Loose => 3,
        TokenKeeping::Gone => 4,
    }
}
