//! The connector at work for one organisation: receive, write aside, let appear, hand on, finish; look for decisions; again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::config::{Handover, Target};
use super::decisions::{Found, tell};
use super::folder;
use super::handover::hand_on;
use super::journal::{Aside, Journal, Standing, Step};
use super::receiver::{Delivery, Kind, Receiver};
use super::trouble::Trouble;
use super::writing::{Scanner, Writing, folder_name, hex, place, pretty};

/// What a person may want to know as it happens.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A dossier is with the organisation's system.
    HandedOver {
        /// The dossier.
        dossier: String,
        /// Where it is.
        folder: String,
    },
    /// A dossier was sent again before this could be handed over: the later one comes by itself.
    Superseded {
        /// The dossier.
        dossier: String,
    },
    /// It will be tried again.
    Later {
        /// The dossier; none where it is about the feed.
        dossier: Option<String>,
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// Put aside until a person says that it be tried again.
    Aside {
        /// The dossier.
        dossier: String,
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// A decision was signed by the key manager.
    Decided {
        /// Where it was found.
        folder: String,
    },
    /// A decision was refused for good; what was found stays, with the reason beside it.
    DecisionRefused {
        /// Where it was found.
        folder: String,
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
}

type Teller = Box<dyn Fn(&Event) + Send + Sync>;

/// The connector of one organisation.
pub struct Connector {
    target: Target,
    receiver: Receiver,
    journal: Journal,
    scanner: Option<Arc<dyn Scanner>>,
    /// How often an entry met trouble since the start, and when it is tried again.
    failures: HashMap<String, (u32, Instant)>,
    wake: Arc<Notify>,
    teller: Teller,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connector({})", self.target.name)
    }
}

impl Connector {
    /// Opens the journal and makes the folders.
    ///
    /// # Errors
    /// [`Trouble::Journal`]; an address or a certificate that is none.
    pub fn open(
        target: Target,
        scanner: Option<Arc<dyn Scanner>>,
        teller: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self, Trouble> {
        let receiver = Receiver::new(&target)?;
        folder::private_folder(&target.state).map_err(Trouble::Journal)?;
        let journal = Journal::open(&target.state).map_err(Trouble::Journal)?;
        let output = target.handover.folder();
        folder::prepare(output).map_err(|error| Trouble::disk(output, &error))?;
        let (failures, wake) = (HashMap::new(), Arc::default());
        Ok(Self { target, receiver, journal, scanner, failures, wake, teller: Box::new(teller) })
    }

    /// What the journal says.
    pub fn standing(&self) -> &Standing {
        self.journal.standing()
    }

    /// Notified, it looks for news at once.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Works until `stop` resolves.
    ///
    /// # Errors
    /// [`Trouble::Journal`], alone.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Trouble> {
        tokio::pin!(stop);
        let mut broken = 0;
        loop {
            let wait = tokio::select! {
                () = &mut stop => return Ok(()),
                worked = self.work() => worked?,
            };
            let page = {
                let wake = Arc::clone(&self.wake);
                tokio::select! {
                    () = &mut stop => return Ok(()),
                    () = wake.notified() => continue,
                    page = self.receiver.page(self.standing().position, wait.as_secs()) => page,
                }
            };
            match page {
                Ok(page) => {
                    broken = 0;
                    self.receive(page.deliveries).await?;
                }
                Err(error) => {
                    broken += 1;
                    self.say_later(None, &Trouble::from(error));
                    tokio::select! {
                        () = &mut stop => return Ok(()),
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep(self.target.grace.after(broken)) => {}
                    }
                }
            }
        }
    }

    /// Keeps what was received, then says so: from then on it is this connector's to finish.
    async fn receive(&mut self, deliveries: Vec<Delivery>) -> Result<(), Trouble> {
        let known = self.standing().position;
        let new = deliveries.into_iter().filter(|delivery| delivery.position > known);
        let steps: Vec<Step> = new.map(|delivery| Step::Received { delivery }).collect();
        if steps.is_empty() {
            return Ok(());
        }
        self.journal.append(&steps).map_err(Trouble::Journal)?;
        if let Err(error) = self.receiver.acknowledge(self.standing().position).await {
            // The journal says where to go on, whatever the platform remembers.
            self.say_later(None, &Trouble::from(error));
        }
        Ok(())
    }

    /// Does everything that is due; how long nothing will be.
    async fn work(&mut self) -> Result<Duration, Trouble> {
        let open: Vec<Delivery> = self.standing().open.values().cloned().collect();
        for delivery in open {
            let due = self.failures.get(&delivery.id).is_none_or(|(_, due)| *due <= Instant::now());
            if due {
                self.finish(&delivery).await?;
            }
        }
        self.look_for_decisions().await?;
        let now = Instant::now();
        let next = self.failures.values().map(|(_, due)| due.saturating_duration_since(now)).min();
        Ok(next.unwrap_or(self.target.poll).min(self.target.poll))
    }

    /// Takes one entry to its end, or says when it is tried again, or puts it aside. Only a journal that cannot be kept stops the others.
    async fn finish(&mut self, delivery: &Delivery) -> Result<(), Trouble> {
        let done = match delivery.kind {
            Kind::Submitted | Kind::Resubmitted => self.hand_over(delivery).await,
            _ => self.note_decided(delivery),
        };
        let id = delivery.id.clone();
        let dossier = delivery.dossier.to_string();
        match done {
            Ok(event) => {
                self.journal.append(&[Step::Done { id: id.clone() }]).map_err(Trouble::Journal)?;
                self.failures.remove(&id);
                event.iter().for_each(|event| (self.teller)(event));
                Ok(())
            }
            Err(Trouble::Journal(error)) => Err(Trouble::Journal(error)),
            Err(trouble @ Trouble::Later { .. }) => {
                let failures = self.failures.get(&id).map_or(0, |(failures, _)| *failures) + 1;
                self.failures.insert(id, (failures, Instant::now() + self.target.grace.after(failures)));
                self.say_later(Some(dossier), &trouble);
                Ok(())
            }
            Err(Trouble::Aside { code, detail }) => {
                let aside = Aside { id: id.clone(), code: code.clone(), detail: detail.clone() };
                self.journal.append(&[Step::Aside(aside)]).map_err(Trouble::Journal)?;
                self.failures.remove(&id);
                (self.teller)(&Event::Aside { dossier, code, detail });
                Ok(())
            }
        }
    }

    async fn hand_over(&mut self, delivery: &Delivery) -> Result<Option<Event>, Trouble> {
        let name = folder_name(delivery);
        let dossier = delivery.dossier.to_string();
        let output = self.target.handover.folder().clone();
        if !self.standing().handing.contains_key(&delivery.id) {
            let proven = self.receiver.dossier(&self.target, delivery.dossier).await?;
            if hex(&sceau_crypto::sha256(&proven.manifest_bytes)) != delivery.manifest_hash {
                return Ok(Some(Event::Superseded { dossier }));
            }
            let (target, receiver) = (&self.target, &self.receiver);
            let writing = Writing { target, receiver, scanner: self.scanner.as_deref(), delivery };
            let aside = folder::aside(&output, &name);
            if let Err(trouble) = writing.write(proven, &aside).await {
                // What was decrypted of it does not lie about.
                let _ = std::fs::remove_dir_all(&aside);
                return Err(trouble);
            }
            folder::sync_folder(aside.parent().unwrap_or(&output))
                .map_err(|error| Trouble::disk(&aside, &error))?;
            let handing = Step::Handing { id: delivery.id.clone(), folder: name.clone() };
            self.journal.append(&[handing]).map_err(Trouble::Journal)?;
        }
        folder::appear(&output, &name).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Trouble::aside("folder_exists", error.to_string()),
            _ => Trouble::disk(&output, &error),
        })?;
        let place = place(&self.target, &name);
        let disk = |error: std::io::Error| Trouble::disk(&place, &error);
        match hand_on(&self.target.handover, delivery, &place).await? {
            Some(said) => folder::replace(&place, "decision.json", &said).map_err(disk)?,
            None if matches!(self.target.handover, Handover::Post { .. }) => remove(&place).map_err(disk)?,
            None => {}
        }
        Ok(Some(Event::HandedOver { dossier, folder: place.display().to_string() }))
    }

    /// Says in the folder of a dossier, if it is there still, that the organisation decided, wherever it did.
    fn note_decided(&self, delivery: &Delivery) -> Result<Option<Event>, Trouble> {
        let place = place(&self.target, &folder_name(delivery));
        if place.is_dir() {
            let said = serde_json::json!({"decision": delivery.kind, "time": delivery.time, "delivery": delivery.id});
            folder::replace(&place, "decided.json", &pretty(&said))
                .map_err(|error| Trouble::disk(&place, &error))?;
        }
        Ok(None)
    }

    /// Has the key manager sign what the organisation's system decided.
    async fn look_for_decisions(&mut self) -> Result<(), Trouble> {
        let Ok(folders) = std::fs::read_dir(self.target.handover.folder()) else { return Ok(()) };
        for entry in folders.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let Some(found) = Found::in_folder(&entry.path()) else { continue };
            let known = (name.clone(), found.hash.clone());
            if !self.standing().decided.contains(&known) {
                self.decide(&name, &entry.path(), &found).await?;
            }
        }
        Ok(())
    }

    async fn decide(&mut self, name: &str, place: &Path, found: &Found) -> Result<(), Trouble> {
        let outcome = found.deliver(&self.receiver, place).await;
        if let Err(trouble @ Trouble::Later { .. }) = &outcome {
            self.say_later(Some(name.to_owned()), trouble);
            return Ok(());
        }
        if let Err(error) = tell(place, found, &outcome) {
            self.say_later(Some(name.to_owned()), &Trouble::disk(place, &error));
            return Ok(());
        }
        let step = Step::Decided { folder: name.to_owned(), found: found.hash.clone() };
        self.journal.append(&[step]).map_err(Trouble::Journal)?;
        let folder = place.display().to_string();
        match outcome {
            Ok(()) => {
                if matches!(self.target.handover, Handover::Post { .. }) {
                    let _ = remove(place);
                }
                (self.teller)(&Event::Decided { folder });
            }
            Err(trouble) => (self.teller)(&Event::DecisionRefused {
                folder,
                code: trouble.code().to_owned(),
                detail: trouble.to_string(),
            }),
        }
        Ok(())
    }

    fn say_later(&self, dossier: Option<String>, trouble: &Trouble) {
        let code = trouble.code().to_owned();
        (self.teller)(&Event::Later { dossier, code, detail: trouble.to_string() });
    }
}

/// Removes a folder that was posted; one that is gone already is good.
fn remove(place: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
