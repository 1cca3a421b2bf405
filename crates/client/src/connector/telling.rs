//! What the organisation decided, wherever it did, on its way to the organisation's system: with the log's proof, or not at all.

use super::config::Handover;
use super::decisions::{note, unless_gone};
use super::event::Event;
use super::feed::Delivery;
use super::folder;
use super::handover::hand_on;
use super::held::Held;
use super::journal::Step;
use super::receiver::Decided;
use super::runner::Connector;
use super::trouble::Trouble;
use super::writing::place;

impl Connector {
    /// Tells of a decision: in the dossier's folder, if it is there still; a program and a server, in a call of its own.
    pub(super) async fn tell_decided(&mut self, delivery: &Delivery) -> Result<Option<Event>, Trouble> {
        let called = !matches!(self.target.handover, Handover::Folder(_));
        let aside = folder::aside(self.target.handover.folder(), &delivery.handed_as());
        if !(self.standing().handing.contains_key(&delivery.id) && aside.is_dir()) {
            let dossier = place(&self.target, &delivery.name());
            let there = Held::open(&dossier).map_err(|error| Trouble::disk(&dossier, &error))?;
            if there.is_none() && !called {
                return Ok(None);
            }
            let proven = self.receiver.decided(&self.target, delivery.dossier).await?;
            let proven = proven.ok_or_else(|| {
                let words = "the feed says that it is decided, and the platform shows no decision";
                Trouble::later("decision_unproven", words)
            })?;
            let heard = Step::Heard { dossier: delivery.dossier, log_index: proven.attestation.index };
            // Another one: that the log has it later than this is compared with what the key manager read there.
            let same = delivery.manifest_hash == proven.decision.manifest_hash
                && delivery.kind.to_string() == proven.decision.decision.as_str();
            if same && let Some(there) = &there {
                unless_gone(note(there, &proven)).map_err(|error| Trouble::disk(&dossier, &error))?;
            }
            let mut steps = vec![heard];
            if same && called {
                self.write_decided(&aside, &proven)?;
                steps.push(Step::Handing { id: delivery.id.clone(), folder: delivery.handed_as() });
            }
            self.journal.append(&steps).map_err(Trouble::Journal)?;
            if !same {
                return Ok(None);
            }
        }
        if called {
            // What it says to that is no decision.
            hand_on(&self.target.handover, delivery, &aside).await?;
        }
        Ok(Some(Event::Told { dossier: delivery.dossier.to_string(), decision: delivery.kind.to_string() }))
    }

    /// Writes the decision aside, whole: each call about it carries the same bytes.
    fn write_decided(&self, aside: &std::path::Path, proven: &Decided) -> Result<(), Trouble> {
        let written = || {
            folder::fresh(aside)?;
            let held = Held::open(aside)?.ok_or(std::io::ErrorKind::NotFound)?;
            note(&held, proven)?;
            folder::sync_folder(aside.parent().unwrap_or(aside))
        };
        written().map_err(|error| Trouble::disk(aside, &error))
    }
}
