//! The organisation's roots: the one in force, one that waits to be enrolled, those before. All of them are ours; one signs.
//!
//! A new root is made here, and its fingerprint goes to the platform's administrator over another channel. It comes into force when the
//! platform's log, verified to its end, shows that it was enrolled: the element ends what the old one stated at that very entry, and each key is then
//! replaced by one that the new root states.

use sceau_crypto::Fingerprint;
use sceau_hsm::{KeyKind, KeyLabel, KeyRef, Operations as _, Provider};
use sceau_store::params;
use sceau_trace::Action;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::manager::{KeyManager, Watching};
use crate::schema::statements;
use crate::vault::Vault;

/// Name in the vault.
const ROOTS: &str = "roots";

/// A root.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) key: KeyRef,
    pub(crate) fingerprint: Fingerprint,
}

/// Every root that was made here.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    before: Vec<Root>,
    in_force: Root,
    next: Option<Root>,
    kept: Kept,
}

/// What is kept sealed of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// For each one that came into force after the first, where the log enrolled it.
    enrolled: Vec<u64>,
    /// Whether another one was made since.
    waits: bool,
}

impl Roots {
    /// The roots of this keystore; the first one is made if there is none.
    pub(crate) async fn load(vault: &Vault, keys: &dyn Provider, now: u64) -> Result<Self, Error> {
        let kept = vault.get::<Kept>(ROOTS).await?.map(|(kept, _)| kept).unwrap_or_default();
        let number = kept.enrolled.len();
        let before = (0..number).map(|at| root(keys, at, now)).collect::<Result<_, _>>()?;
        let next = kept.waits.then(|| root(keys, number + 1, now)).transpose()?;
        Ok(Self { before, in_force: root(keys, number, now)?, next, kept })
    }

    /// The one that signs.
    pub(crate) fn in_force(&self) -> &Root {
        &self.in_force
    }

    /// The one that waits to be enrolled.
    pub(crate) fn next(&self) -> Option<&Root> {
        self.next.as_ref()
    }

    /// Their fingerprints.
    pub(crate) fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.before.iter().chain([&self.in_force]).chain(&self.next).map(|root| &root.fingerprint)
    }

    /// Whether one of them came into force with the entry at `index`, which enrols `root`. The place alone would not tell: a platform that is
    /// connected later has a log of its own, and another root may be enrolled there.
    fn came_with(&self, index: u64, root: &str) -> bool {
        let after_the_first = self.before.iter().skip(1).chain([&self.in_force]);
        let mut came = self.kept.enrolled.iter().zip(after_the_first);
        came.any(|(at, came)| *at == index && came.fingerprint.to_string() == root)
    }

    /// As they are once the log enrolled `fingerprint` at `index`; none unless that is the one that waits.
    fn enrolled(&self, fingerprint: &str, index: u64) -> Option<Self> {
        let next = self.next.clone().filter(|next| next.fingerprint.to_string() == fingerprint)?;
        let mut after = self.clone();
        after.before.push(std::mem::replace(&mut after.in_force, next));
        after.next = None;
        after.kept = Kept { enrolled: [&self.kept.enrolled[..], &[index]].concat(), waits: false };
        Some(after)
    }
}

impl KeyManager {
    /// Makes the organisation's next root, or gives the one that waits. It signs nothing until the platform's administrator enrolled it.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn new_root(&self) -> Result<Fingerprint, Error> {
        let _alone = self.watching().await;
        let roots = self.roots();
        if let Some(next) = roots.next() {
            return Ok(next.fingerprint);
        }
        let made = root(self.keys(), roots.before.len() + 1, self.now())?;
        let fingerprint = made.fingerprint;
        let kept = Kept { waits: true, ..roots.kept.clone() };
        let roots = Roots { next: Some(made), kept, ..Roots::clone(&roots) };
        self.keep_roots(roots, Action::ROOT_MAKE, &fingerprint, None).await?;
        Ok(fingerprint)
    }

    /// What the log, verified to its end, says about the organisation's root: ours came into force, or an alarm. Whether one did.
    pub(crate) async fn settle_roots(&self, _alone: &Watching<'_>) -> Result<bool, Error> {
        let mut came = false;
        for row in self.database().fetch_all(statements::ENROLLED_ROOTS, params![]).await? {
            let (index, root): (u64, String) = (row.get("log_index")?, row.get("root")?);
            let roots = self.roots();
            if roots.came_with(index, &root) {
                continue;
            }
            let Some(after) = roots.enrolled(&root, index) else {
                self.organisation_changed(&row.get::<String>("hash")?, index).await?;
                continue;
            };
            let fingerprint = after.in_force.fingerprint;
            self.keep_roots(after, Action::ROOT_TAKE_OVER, &fingerprint, Some(index)).await?;
            came = true;
        }
        Ok(came)
    }

    async fn keep_roots(
        &self,
        roots: Roots,
        action: Action,
        fingerprint: &Fingerprint,
        index: Option<u64>,
    ) -> Result<(), Error> {
        let draft = self.own_record(action).granted().detail("root", fingerprint.to_string());
        let draft = match index {
            Some(index) => draft.detail("log_index", index.to_string()),
            None => draft,
        };
        let mut append = self.journal().begin().await?;
        append.record(draft).await?;
        self.vault().put(append.transaction(), ROOTS, &roots.kept).await?;
        append.commit().await?;
        self.put_roots(roots).await
    }
}

/// The root that was made as number `at`, counted from 0. After a crash, the one that was made then is taken up.
fn root(keys: &dyn Provider, at: usize, now: u64) -> Result<Root, Error> {
    let label = match at {
        0 => "organisation-root".to_owned(),
        _ => format!("organisation-root-{}", at + 1),
    };
    let key = keys.find_or_generate(KeyKind::Ed25519, &KeyLabel::new(&label)?, now)?;
    let fingerprint = keys.verifying_key(&key)?.fingerprint();
    Ok(Root { key, fingerprint })
}
