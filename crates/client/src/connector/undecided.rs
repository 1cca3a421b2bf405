//! Decisions of the organisation's system that the key manager has not signed, for the person who looks while the connector is stopped.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::config::Target;
use super::decisions::{Found, TOLD, Told};
use super::held::Held;
use super::journal::{Journal, Step};
use super::pending;
use super::standing::Standing;

/// A decision that the key manager has not signed.
#[derive(Debug, Serialize)]
pub struct Undecided {
    /// Where it lies: the folder of its dossier, or our own of what was printed or answered.
    pub folder: PathBuf,
    /// That the key manager refused it for good, and why; nothing while it waits.
    #[serde(flatten)]
    pub refused: Option<Told>,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    held: Held,
    #[serde(skip)]
    ours: bool,
}

impl Undecided {
    /// All of them, by where they lie.
    ///
    /// # Errors
    /// When the folder of dossiers or that of the journal cannot be read.
    pub fn all(target: &Target, standing: &Standing) -> Result<Vec<Self>, Error> {
        Self::in_folders(target.handover.folder(), &target.state, standing)
    }

    fn in_folders(output: &Path, state: &Path, standing: &Standing) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        for (folder, ours) in [(output.to_owned(), false), (pending::place(state), true)] {
            let entries = match std::fs::read_dir(&folder) {
                // Before the first dossier, or the first decision.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                all.extend(Self::at(entry?.path(), ours, standing));
            }
        }
        all.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(all)
    }

    fn at(folder: PathBuf, ours: bool, standing: &Standing) -> Option<Self> {
        let name = folder.file_name()?.to_str().filter(|name| !name.starts_with('.'))?.to_owned();
        let held = Held::open(&folder).ok()??;
        let found = Found::in_folder(&held)?;
        let told = found.told(&held);
        let settled = standing.decided.contains(&(name.clone(), found.hash));
        let refused = match told {
            Some(Told::Signed {}) => return None,
            // Dropped once more as it was, or not looked at yet.
            Some(Told::Refused { .. }) if !ours && !settled => None,
            // Somebody took the answer away.
            None if !ours && settled => return None,
            told => told,
        };
        Some(Self { folder, refused, name, held, ours })
    }
}

impl Journal {
    /// Has every decision tried again that was refused for good; returns how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn retry_decisions(&mut self, target: &Target) -> Result<usize, Error> {
        self.retry_in(target.handover.folder(), &target.state)
    }

    fn retry_in(&mut self, output: &Path, state: &Path) -> Result<usize, Error> {
        let all = Undecided::in_folders(output, state, self.standing())?;
        let refused: Vec<Undecided> = all.into_iter().filter(|it| it.refused.is_some()).collect();
        let theirs = refused.iter().filter(|it| !it.ours);
        let steps: Vec<Step> = theirs.map(|it| Step::Gone { folder: it.name.clone() }).collect();
        self.append(&steps)?;
        for it in &refused {
            it.held.remove(TOLD)?;
        }
        Ok(refused.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::super::decisions::{FOUND, Proof};
    use super::super::folder;
    use super::super::pending::Pending;
    use super::super::trouble::Trouble;
    use super::*;

    fn tell(folder: &Path, outcome: &Result<(), Trouble>) -> String {
        let held = Held::open(folder).unwrap().unwrap();
        let found = Found::in_folder(&held).unwrap();
        found.tell(&held, outcome).unwrap();
        found.hash
    }

    #[test]
    fn what_was_refused_is_seen_and_tried_again_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let (output, state) = (root.path().join("in"), root.path().join("state"));
        folder::private_folder(&state).unwrap();
        let mut journal = Journal::open(&state).unwrap();
        let seen = |journal: &Journal| -> Vec<(String, Option<String>)> {
            let all = Undecided::in_folders(&output, &state, journal.standing()).unwrap();
            let code = |it: &Undecided| match &it.refused {
                Some(Told::Refused { code, .. }) => Some(code.clone()),
                _ => None,
            };
            all.iter().map(|it| (it.name.clone(), code(it))).collect()
        };
        assert_eq!(seen(&journal), []);

        let pending = Pending::open(&state).unwrap();
        let proof = Proof { manifest: b"{}".to_vec(), evidence: b"{}".to_vec() };
        for name in ["p.refused", "p.waits"] {
            pending.keep(name, b"{\"decision\": \"accepted\"}", &proof).unwrap();
        }
        for name in ["d.refused", "d.signed", "d.waits", "d.undecided"] {
            folder::private_folder(&output.join(name)).unwrap();
            if name != "d.undecided" {
                std::fs::write(output.join(name).join(FOUND), name).unwrap();
            }
        }
        let refused = Err(Trouble::aside("decisions_not_granted", "not this one"));
        tell(&pending.folder().join("p.refused"), &refused);
        for (name, outcome) in [("d.refused", &refused), ("d.signed", &Ok(()))] {
            let found = tell(&output.join(name), outcome);
            journal.append(&[Step::Decided { folder: name.to_owned(), found }]).unwrap();
        }
        let (code, waits) = (Some("decisions_not_granted".to_owned()), None);
        let as_seen = |codes: [&Option<String>; 2]| {
            let names = ["d.refused", "d.waits", "p.refused", "p.waits"].map(str::to_owned);
            let [refused, waits] = codes.map(Clone::clone);
            names.into_iter().zip([refused.clone(), waits.clone(), refused, waits]).collect::<Vec<_>>()
        };
        assert_eq!(seen(&journal), as_seen([&code, &waits]));
        let shown = Undecided::in_folders(&output, &state, journal.standing()).unwrap();
        let shown = serde_json::to_value(&shown[..2]).unwrap();
        assert_eq!(
            (&shown[0]["state"], &shown[0]["code"]),
            (&"refused".into(), &"decisions_not_granted".into())
        );
        assert_eq!(shown[1], serde_json::json!({"folder": output.join("d.waits")}));

        assert_eq!(journal.retry_in(&output, &state).unwrap(), 2);
        assert_eq!(seen(&journal), as_seen([&waits, &waits]));
        assert!(!output.join("d.refused").join(TOLD).exists() && output.join("d.signed").join(TOLD).exists());
        assert_eq!(journal.standing().decided.len(), 1, "what was signed is not decided again");
        assert_eq!(journal.retry_in(&output, &state).unwrap(), 0);
        drop(journal);
        assert_eq!(Journal::open(&state).unwrap().standing().decided.len(), 1);
    }
}
