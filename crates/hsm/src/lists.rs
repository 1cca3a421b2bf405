//! Revocation lists in files: the newest of each kind that was seen, whatever the files say later.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sceau_pki::{Certificate, RevocationLists, Unwelcome, UsedLists};

use crate::{durable, error::Error, watched::Files};

/// How long a list that lies in the future is left alone: then its time may have come.
const LATER: Duration = Duration::from_secs(10);

/// Lists in use: each stays until a newer one of its kind is in a file.
#[derive(Debug, Default)]
pub struct KeptLists(Mutex<Option<RevocationLists>>);

impl KeptLists {
    /// The newest list of each kind, of those in use and of these files (each PEM, with any number of lists, or one in DER), where one of the `authorities`
    /// signed it and it does not lie in the future of `now` (Unix milliseconds). Once there were any, a file that cannot be used, or a list in it, is no reason
    /// to do without the others: `told` hears of it, and the lists before stay, which refuse everybody when they end. Each list of a file is taken for itself:
    /// whoever brings an old one of one authority beside another's new one keeps that from nobody.
    ///
    /// # Errors
    /// At the first time: [`Error::File`], [`Error::List`], and those of [`RevocationLists::read`].
    pub fn newest(
        &self,
        files: &mut Files,
        paths: &[PathBuf],
        authorities: Vec<Certificate>,
        now: u64,
        told: impl Fn(&Error),
    ) -> Result<RevocationLists, Error> {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut used = UsedLists::of(authorities);
        for list in before.iter().flat_map(RevocationLists::iter) {
            // One of an authority that is trusted no longer.
            drop(used.take(&std::iter::once(Arc::clone(list)).collect(), now));
        }
        for path in paths {
            let unwelcome = |cause| Error::List { path: path.clone(), cause };
            let mut take = |list: &Arc<_>| used.take(&std::iter::once(Arc::clone(list)).collect(), now);
            let refused: Vec<_> = match read(files, path) {
                Ok(lists) => lists.iter().filter_map(|list| take(list).err()).map(unwelcome).collect(),
                Err(error) => vec![error],
            };
            for error in refused {
                if before.is_none() {
                    return Err(error);
                }
                if matches!(error, Error::List { cause: Unwelcome::Future, .. }) {
                    files.again_after(LATER);
                }
                told(&error);
            }
        }
        Ok(before.insert(used.lists().clone()).clone())
    }
}

fn read(files: &mut Files, path: &Path) -> Result<RevocationLists, Error> {
    files.note(path);
    let bytes = fs::read(path).map_err(|cause| durable::failed(path, cause))?;
    Ok(RevocationLists::read(&bytes, &path.display().to_string())?)
}
