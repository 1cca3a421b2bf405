//! The connector at work for one organisation: receive, write aside, let appear, hand on, finish; look for decisions; again.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::config::{Handover, Target};
use super::decisions::{self, Proof};
use super::event::Event;
use super::feed::{Delivery, Page};
use super::folder;
use super::handover::hand_on;
use super::held::Held;
use super::journal::{Aside, Journal, Step};
use super::patience::Patience;
use super::pending::Pending;
use super::receiver::{LoggedDecision, LoggedManifest, Receiver};
use super::standing::Standing;
use super::trouble::Trouble;
use super::withheld::Withheld;
use super::writing::{Scanner, Writing, place};

type Teller = Box<dyn Fn(&Event) + Send + Sync>;

/// The connector of one organisation.
pub struct Connector {
    pub(super) target: Target,
    pub(super) receiver: Receiver,
    pub(super) journal: Journal,
    scanner: Option<Arc<dyn Scanner>>,
    pub(super) patience: Patience,
    pub(super) pending: Pending,
    pub(super) manifests: Withheld<LoggedManifest>,
    pub(super) decided: Withheld<LoggedDecision>,
    /// The position that the platform said to keep.
    acknowledged: u64,
    wake: Arc<Notify>,
    pub(super) teller: Teller,
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
        let pending = Pending::open(&target.state).map_err(|error| Trouble::disk(&target.state, &error))?;
        let decided = Withheld::new(target.overdue, journal.standing().heeding.unwrap_or(0));
        Ok(Self {
            receiver: Receiver::new(&target)?,
            patience: Patience::new(target.grace),
            manifests: Withheld::new(target.overdue, 0),
            decided,
            target,
            journal,
            scanner,
            pending,
            acknowledged: 0,
            wake: Arc::default(),
            teller: Box::new(teller),
        })
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
            // A system hears what was decided on a dossier after it has the dossier.
            if !delivery.is_sent() && self.standing().awaits(&delivery.manifest_hash) {
                continue;
            }
            let now = Instant::now();
            if !self.patience.is_paused(now) && self.patience.is_due(&delivery.id, now) {
                self.finish(&delivery).await?;
            }
        }
        self.look_for_decisions().await?;
        self.look_for_withheld().await?;
        Ok(self.patience.rest(Instant::now(), self.target.poll))
    }

    /// Takes one entry to its end, or says when it is tried again, or puts it aside. Only a journal that cannot be kept stops the others.
    async fn finish(&mut self, delivery: &Delivery) -> Result<(), Trouble> {
        let done = if delivery.is_sent() {
            self.hand_over(delivery).await
        } else {
            self.tell_decided(delivery).await
        };
        let id = delivery.id.clone();
        let dossier = delivery.dossier.to_string();
        let (code, detail) = match done {
            Ok(event) => {
                let superseded = matches!(event, Some(Event::Superseded { .. }));
                let settled = Step::Settled { manifest: delivery.manifest_hash };
                let settled = (delivery.is_sent() && !superseded).then_some(settled);
                let steps: Vec<Step> = settled.into_iter().chain([Step::Done { id: id.clone() }]).collect();
                self.journal.append(&steps).map_err(Trouble::Journal)?;
                self.patience.passed(&id);
                self.sweep();
                if !delivery.is_sent() {
                    let told = folder::aside(self.target.handover.folder(), &delivery.handed_as());
                    let _ = std::fs::remove_dir_all(told);
                }
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
        if !self.is_written(delivery) {
            let proven = self.receiver.dossier(&self.target, delivery.dossier).await?;
            if sceau_trace::sha256(&proven.manifest_bytes) != delivery.manifest_hash {
                // By a later one, or so the platform says: where the log has both is compared with what the key manager read there.
                let (manifest, by) = (delivery.manifest_hash, proven.attestation.index);
                self.journal.append(&[Step::Replaced { manifest, by }]).map_err(Trouble::Journal)?;
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
        let asked = !matches!(self.target.handover, Handover::Folder(_));
        // Before it is handed on: a program may take the folder away, or remove it.
        let held = if asked { Held::open(&place).map_err(disk)? } else { None };
        let proof = held.map(|held| Proof::in_folder(&held)).transpose().map_err(disk)?.flatten();
        if let Some(said) = hand_on(&self.target.handover, delivery, &place).await? {
            let proof = match proof {
                Some(proof) => proof,
                None => self.proof_anew(delivery).await?,
            };
            let kept = self.pending.keep(&name, &said, &proof);
            kept.map_err(|error| Trouble::disk(self.pending.folder(), &error))?;
        }
        Ok(Some(Event::HandedOver { dossier, folder: place.display().to_string() }))
    }

    /// Whether its folder was written whole. Where nobody but us takes it away, one that is gone is written anew.
    fn is_written(&self, delivery: &Delivery) -> bool {
        let (output, name) = (self.target.handover.folder(), delivery.name());
        let ours = matches!(self.target.handover, Handover::Post { .. });
        let gone = || !output.join(&name).exists() && !folder::aside(output, &name).exists();
        self.standing().handing.contains_key(&delivery.id) && !(ours && gone())
    }

    /// What proves a dossier whose folder was taken away before the system said what it decided.
    async fn proof_anew(&self, delivery: &Delivery) -> Result<Proof, Trouble> {
        let proven = self.receiver.dossier(&self.target, delivery.dossier).await?;
        if sceau_trace::sha256(&proven.manifest_bytes) != delivery.manifest_hash {
            let words = "the system decided on what its depositor replaced meanwhile";
            return Err(Trouble::aside("decision_superseded", words));
        }
        let evidence = proven.evidence.to_string().into_bytes();
        Ok(Proof { manifest: proven.manifest_bytes, evidence })
    }

    pub(super) fn sweep(&self) {
        if let Err(error) = sweep(&self.target, self.standing()) {
            self.say_later(None, &Trouble::disk(self.target.handover.folder(), &error));
        }
    }

    pub(super) fn say_later(&self, dossier: Option<String>, trouble: &Trouble) {
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
        if name.starts_with('.') || standing.handing.values().any(|folder| *folder == name) {
            continue;
        }
        let Ok(Some(held)) = Held::open(&place) else { continue };
        if Proof::in_folder(&held)?.is_some() && !decisions::waits(&held) {
            folder::discard(output, &name)?;
        }
    }
    Ok(())
}
