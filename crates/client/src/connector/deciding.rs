//! Decisions of the organisation's system: those that it dropped into folders, and those that it printed or answered, are signed by the key manager.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::time::Instant;

use super::decisions::{Found, Told};
use super::event::Event;
use super::held::Held;
use super::journal::Step;
use super::runner::Connector;
use super::trouble::Trouble;
use super::writing::place;

/// Where a decision was found.
struct Place {
    /// Name of the dossier's folder.
    name: String,
    /// The folder that it lies in; held, so that decision, proof and answer are of one folder.
    held: Held,
    /// Whether that is our own, of what was printed or answered.
    pending: bool,
}

impl Place {
    /// By which patience knows it: no id of an entry begins with a slash.
    fn key(&self) -> String {
        format!("/{}/{}", if self.pending { "pending" } else { "folder" }, self.name)
    }
}

impl Connector {
    /// Has the key manager sign what the organisation's system decided.
    pub(super) async fn look_for_decisions(&mut self) -> Result<(), Trouble> {
        let output = self.target.handover.folder().clone();
        let mut seen = BTreeSet::new();
        for (folder, pending) in [(output, false), (self.pending.folder().to_owned(), true)] {
            let Ok(folders) = std::fs::read_dir(&folder) else { continue };
            for entry in folders.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                let Ok(Some(held)) = Held::open(&entry.path()) else { continue };
                let Some(found) = Found::in_folder(&held) else { continue };
                let at = Place { name, held, pending };
                seen.insert(at.key());
                if self.patience.is_due(&at.key(), Instant::now()) && !self.is_settled(&at, &found) {
                    self.decide(&at, &found).await?;
                }
            }
        }
        self.patience.keep_folders(&seen);
        Ok(())
    }

    /// Whether it was signed, or refused for good.
    fn is_settled(&self, at: &Place, found: &Found) -> bool {
        if !at.pending {
            return self.standing().decided.contains(&(at.name.clone(), found.hash.clone()));
        }
        let told = found.told(&at.held);
        if matches!(told, Some(Told::Signed {})) {
            self.forget_pending(&at.name);
        }
        told.is_some()
    }

    async fn decide(&mut self, at: &Place, found: &Found) -> Result<(), Trouble> {
        let outcome = match found.deliver(&self.receiver, &at.held).await {
            Err(trouble @ Trouble::Later { .. }) => Err(trouble),
            outcome => self.tell(at, found, &outcome).map(|()| outcome),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(trouble) => {
                self.patience.failed(&at.key(), &trouble, Instant::now());
                self.say_later(Some(at.name.clone()), &trouble);
                return Ok(());
            }
        };
        self.patience.forget(&at.key());
        if !at.pending {
            let step = Step::Decided { folder: at.name.clone(), found: found.hash.clone() };
            self.journal.append(&[step]).map_err(Trouble::Journal)?;
        } else if outcome.is_ok() {
            self.forget_pending(&at.name);
        }
        let dossier = place(&self.target, &at.name);
        match outcome {
            Ok(()) => {
                self.sweep();
                (self.teller)(&Event::Decided { folder: dossier.display().to_string() });
            }
            Err(trouble) => {
                let folder = if at.pending { self.pending.folder().join(&at.name) } else { dossier };
                (self.teller)(&Event::DecisionRefused {
                    folder: folder.display().to_string(),
                    code: trouble.code().to_owned(),
                    detail: trouble.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Says what became of it where it lies, and in the dossier's folder if that is there still.
    fn tell(&self, at: &Place, found: &Found, outcome: &Result<(), Trouble>) -> Result<(), Trouble> {
        let dossier = place(&self.target, &at.name);
        let disk = |path: &Path, error: std::io::Error| Trouble::disk(path, &error);
        if at.pending
            && let Some(held) = Held::open(&dossier).map_err(|error| disk(&dossier, error))?
        {
            found.tell(&held, outcome).map_err(|error| disk(&dossier, error))?;
        }
        found.tell(&at.held, outcome).map_err(|error| disk(&dossier, error))
    }

    fn forget_pending(&self, name: &str) {
        if let Err(error) = self.pending.forget(name) {
            self.say_later(Some(name.to_owned()), &Trouble::disk(self.pending.folder(), &error));
        }
    }
}
