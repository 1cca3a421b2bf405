//! The connector at work for one organisation: receive, write aside, let appear, hand on, finish; look for decisions; again.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::config::{Handover, Target};
use super::decisions::{self, Found, note, tell};
use super::event::Event;
use super::feed::{Delivery, Page};
use super::folder::{self, Held};
use super::handover::hand_on;
use super::journal::{Aside, Journal, Step};
use super::patience::Patience;
use super::receiver::Receiver;
use super::standing::Standing;
use super::trouble::Trouble;
use super::withheld::Withheld;
use super::writing::{Scanner, Writing, place};

type Teller = Box<dyn Fn(&Event) + Send + Sync>;

/// The connector of one organisation.
pub struct Connector {
    target: Target,
    receiver: Receiver,
    journal: Journal,
    scanner: Option<Arc<dyn Scanner>>,
    patience: Patience,
    withheld: Withheld,
    /// The position that the platform said to keep.
    acknowledged: u64,
    wake: Arc<Notify>,
    teller: Teller,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connector({})", self.target.name)
    }
}

impl Connector {
    /// Opens the journal and makes the folders; what a stop left in clear is removed before anything else.
    ///
    /// # Errors
    /// [`Trouble::Journal`]; an address or a certificate that is none.
    pub fn open(
        target: Target,
        scanner: Option<Arc<dyn Scanner>>,
        teller: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self, Trouble> {
        folder::private_folder(&target.state).map_err(Trouble::Journal)?;
        let mut journal = Journal::open(&target.state).map_err(Trouble::Journal)?;
        clear(&target, journal.standing())?;
        let gone = journal.standing().decided.iter().map(|(folder, _)| folder);
        let gone = gone.filter(|folder| !place(&target, folder).exists());
        let gone: Vec<Step> = gone.map(|folder| Step::Gone { folder: folder.clone() }).collect();
        journal.append(&gone).map_err(Trouble::Journal)?;
        let receiver = Receiver::new(&target)?;
        let (patience, withheld) = (Patience::new(target.grace), Withheld::new(target.overdue));
        let (wake, teller) = (Arc::default(), Box::new(teller));
        Ok(Self { target, receiver, journal, scanner, patience, withheld, acknowledged: 0, wake, teller })
    }

    /// What the journal says.
    pub fn standing(&self) -> &Standing {
        self.journal.standing()
    }

    /// Notified, it looks for news at once.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Works until `stop` resolves; what is being written then is removed.
    ///
    /// # Errors
    /// [`Trouble::Journal`], alone.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Trouble> {
        let worked = tokio::select! {
            () = stop => Ok(()),
            worked = self.go_on() => worked,
        };
        clear(&self.target, self.journal.standing())?;
        worked
    }

    async fn go_on(&mut self) -> Result<(), Trouble> {
        let mut broken = 0;
        loop {
            // A second at least: what is due before waits that long, and nobody asks without end.
            let rest = self.work().await?.max(Duration::from_secs(1));
            let wake = Arc::clone(&self.wake);
            let page = tokio::select! {
                () = wake.notified() => continue,
                page = self.receiver.page(self.standing().position, rest.as_secs()) => page,
            };
            let trouble = match page {
                Ok(page) => self.receive(page).await?,
                Err(error) => Some(error.into()),
            };
            let Some(trouble) = trouble else {
                broken = 0;
                continue;
            };
            broken += 1;
            self.say_later(None, &trouble);
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(self.target.grace.after(broken)) => {}
            }
        }
    }

    /// Keeps what follows in the feed, then says so: from then on it is this connector's to finish. What is wrong with the rest.
    async fn receive(&mut self, page: Page) -> Result<Option<Trouble>, Trouble> {
        let judged = page.judge(self.standing(), self.acknowledged);
        let received = judged.deliveries.into_iter().map(|delivery| Step::Received { delivery });
        let received: Vec<Step> = received.collect();
        if !received.is_empty() {
            self.journal.append(&received).map_err(Trouble::Journal)?;
        }
        let position = self.standing().position;
        if position > self.acknowledged {
            match self.receiver.acknowledge(position).await {
                Ok(()) => self.acknowledged = position,
                // The journal says where to go on, whatever the platform remembers.
                Err(error) => return Ok(Some(judged.trouble.unwrap_or_else(|| error.into()))),
            }
        }
        Ok(judged.trouble)
    }

    /// Does everything that is due; how long nothing will be.
    async fn work(&mut self) -> Result<Duration, Trouble> {
        let mut open: Vec<Delivery> = self.standing().open.values().cloned().collect();
        open.sort_by_key(|delivery| (self.patience.failures(&delivery.id), delivery.position));
        for delivery in open {
            let now = Instant::now();
            if !self.patience.is_paused(now) && self.patience.is_due(&delivery.id, now) {
                self.finish(&delivery).await?;
            }
        }
        self.look_for_decisions().await?;
        self.look_for_withheld().await;
        Ok(self.patience.rest(Instant::now(), self.target.poll))
    }

    /// Takes one entry to its end, or says when it is tried again, or puts it aside. Only a journal that cannot be kept stops the others.
    async fn finish(&mut self, delivery: &Delivery) -> Result<(), Trouble> {
        let done = if delivery.is_sent() {
            self.hand_over(delivery).await
        } else {
            self.note_decided(delivery).await
        };
        let id = delivery.id.clone();
        let dossier = delivery.dossier.to_string();
        let (code, detail) = match done {
            Ok(event) => {
                let settled = Step::Settled { manifest: delivery.manifest_hash };
                let steps =
                    delivery.is_sent().then_some(settled).into_iter().chain([Step::Done { id: id.clone() }]);
                self.journal.append(&steps.collect::<Vec<_>>()).map_err(Trouble::Journal)?;
                self.patience.passed(&id);
                self.sweep();
                event.iter().for_each(|event| (self.teller)(event));
                return Ok(());
            }
            Err(Trouble::Journal(error)) => return Err(Trouble::Journal(error)),
            Err(trouble @ Trouble::Later { .. }) => {
                let alone = self.patience.failed(&id, &trouble, Instant::now());
                match trouble {
                    Trouble::Later { code, detail } if alone => {
                        (code, format!("tried again and again: {detail}"))
                    }
                    trouble => {
                        self.say_later(Some(dossier), &trouble);
                        return Ok(());
                    }
                }
            }
            Err(Trouble::Aside { code, detail }) => (code, detail),
        };
        let aside = Aside { id: id.clone(), code: code.clone(), detail: detail.clone() };
        self.journal.append(&[Step::Aside(aside)]).map_err(Trouble::Journal)?;
        self.patience.forget(&id);
        (self.teller)(&Event::Aside { dossier, code, detail });
        Ok(())
    }

    async fn hand_over(&mut self, delivery: &Delivery) -> Result<Option<Event>, Trouble> {
        let name = delivery.name();
        let dossier = delivery.dossier.to_string();
        let output = self.target.handover.folder().clone();
        if self.standing().settled.contains(&delivery.manifest_hash) {
            return Ok(Some(Event::Repeated { dossier }));
        }
        if !self.standing().handing.contains_key(&delivery.id) {
            let proven = self.receiver.dossier(&self.target, delivery.dossier).await?;
            if sceau_trace::sha256(&proven.manifest_bytes) != delivery.manifest_hash {
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
            ErrorKind::AlreadyExists => Trouble::aside("folder_exists", error.to_string()),
            _ => Trouble::disk(&output, &error),
        })?;
        let place = place(&self.target, &name);
        let disk = |error: std::io::Error| Trouble::disk(&place, &error);
        if let Some(said) = hand_on(&self.target.handover, delivery, &place).await? {
            let held = Held::open(&place).map_err(disk)?.ok_or_else(|| disk(ErrorKind::NotFound.into()))?;
            held.replace(decisions::FOUND, &said).map_err(disk)?;
        }
        Ok(Some(Event::HandedOver { dossier, folder: place.display().to_string() }))
    }

    /// Says in the folder of a dossier, if it is there still, what the organisation decided, wherever it did.
    async fn note_decided(&self, delivery: &Delivery) -> Result<Option<Event>, Trouble> {
        let place = place(&self.target, &delivery.name());
        if place.is_dir() {
            note(&place, delivery, self.receiver.decided(&self.target, delivery.dossier).await?)?;
        }
        Ok(None)
    }

    /// Compares what the key manager read in the log with what the feed gave.
    async fn look_for_withheld(&mut self) {
        let now = Instant::now();
        let Some(after) = self.withheld.asks(now) else { return };
        match self.receiver.logged(after).await {
            Ok(logged) => {
                for manifest in self.withheld.compare(logged, self.journal.standing(), now) {
                    let manifest_hash = manifest.manifest.to_string();
                    (self.teller)(&Event::Withheld { manifest_hash, log_index: manifest.log_index });
                }
            }
            Err(error) => self.say_later(None, &error.into()),
        }
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
            let due = self.patience.is_due(&key_of(&name), Instant::now());
            if due && !self.standing().decided.contains(&known) {
                self.decide(&name, &entry.path(), &found).await?;
            }
        }
        Ok(())
    }

    async fn decide(&mut self, name: &str, place: &Path, found: &Found) -> Result<(), Trouble> {
        let outcome = found.deliver(&self.receiver, place).await;
        let outcome = match outcome {
            Err(trouble @ Trouble::Later { .. }) => Err(trouble),
            outcome => {
                tell(place, found, &outcome).map_err(|error| Trouble::disk(place, &error)).map(|()| outcome)
            }
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(trouble) => {
                self.patience.failed(&key_of(name), &trouble, Instant::now());
                self.say_later(Some(name.to_owned()), &trouble);
                return Ok(());
            }
        };
        self.patience.forget(&key_of(name));
        let step = Step::Decided { folder: name.to_owned(), found: found.hash.clone() };
        self.journal.append(&[step]).map_err(Trouble::Journal)?;
        let folder = place.display().to_string();
        match outcome {
            Ok(()) => {
                self.sweep();
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

    fn sweep(&self) {
        if let Err(error) = sweep(&self.target, self.standing()) {
            self.say_later(None, &Trouble::disk(self.target.handover.folder(), &error));
        }
    }

    fn say_later(&self, dossier: Option<String>, trouble: &Trouble) {
        let code = trouble.code().to_owned();
        (self.teller)(&Event::Later { dossier, code, detail: trouble.to_string() });
    }
}

/// Removes what lies aside in clear, but for what is complete and the journal knows.
fn clear(target: &Target, standing: &Standing) -> Result<(), Trouble> {
    let output = target.handover.folder();
    let complete = |name: &str| standing.handing.values().any(|folder| folder == name);
    folder::prepare(output, complete)
        .and_then(|()| sweep(target, standing))
        .map_err(|error| Trouble::disk(output, &error))
}

/// Removes the folders that were posted, but for those whose answer is not signed: what was sent does not lie about in clear.
fn sweep(target: &Target, standing: &Standing) -> std::io::Result<()> {
    if !matches!(target.handover, Handover::Post { .. }) {
        return Ok(());
    }
    let output = target.handover.folder();
    for entry in std::fs::read_dir(output)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let place = output.join(&name);
        let ours = !name.starts_with('.') && place.join("proof/manifest").exists();
        let under_way = standing.handing.values().any(|folder| *folder == name);
        if ours && !under_way && !decisions::waits(&place) {
            folder::discard(output, &name)?;
        }
    }
    Ok(())
}

/// By which patience knows a folder with a decision: no id of an entry has a slash before it.
fn key_of(folder: &str) -> String {
    format!("/{folder}")
}
