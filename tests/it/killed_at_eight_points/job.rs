//! The people, what they do, and the death on the way.

use std::sync::Arc;

use sceau_client::{ClientError, Opened, Person, ReadingPage, Scheme};
use sceau_crypto::FileId;
use sceau_element_api::{Client, DossierId};
use sceau_tests::{
    Door, Draft, Gate, Hold, House, Moment, Premises, Side, Steps, attests, publish_scheme, struck,
};
use serde_json::Value;

use super::{Point, Victim};

/// What is deposited: two parts.
pub(crate) const CONTENT: &[u8] = &[7; 1_500_000];
pub(crate) const REASON: &str = "Dossier complet.";

/// Three processes, what stands between them, and people.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) premises: Premises,
    pub(crate) citizen: Arc<Person>,
    officer: Arc<Person>,
    scheme: Scheme,
    door: Door,
    gate: Gate,
    steps: Option<Steps>,
    /// What a reader opens last.
    last_file: Option<FileId>,
}

impl World {
    pub(crate) async fn set(point: Point) -> Self {
        let (house, door, gate) = House::start_guarded("eight-points").await;
        let administrator = house.administrator().await;
        let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
        let inside = matches!(point, Point::IntentDurable | Point::OutcomeDurable);
        let steps = inside.then(|| premises.start_key_manager_stepped(&house));
        if !inside {
            premises.start_key_manager(&house);
        }
        let scheme = publish_scheme(&staff.chief).await;
        let citizen = Arc::new(house.citizen("cleo@example.org").await);
        let officer = Arc::new(staff.officer);
        Self { house, premises, citizen, officer, scheme, door, gate, steps, last_file: None }
    }

    /// Has the point held.
    fn hold(&self, point: Point) -> Hold {
        let told = |kind: &'static str| {
            self.door.hold(move |side, asked| side == Side::After && attests(asked, kind))
        };
        let request = |moment: Moment, wanted: &'static str, end: &'static str| {
            self.gate.hold(moment, move |method, path| method == wanted && path.ends_with(end))
        };
        match point {
            Point::DossierBegun => told("dossier"),
            Point::HeaderStored => request(Moment::Answered, "PUT", "/header"),
            Point::PartHalfSent => request(Moment::HalfSent, "PUT", "/parts/1"),
            Point::ManifestAttested => told("manifest"),
            Point::TicketExchanged => request(Moment::Answered, "POST", "/tickets/exchange"),
            Point::IntentDurable => self.hold_at(b"unwrap.intent"),
            Point::OutcomeDurable => self.hold_at(b"unwrap.outcome"),
            Point::DecisionSigned => request(Moment::Asked, "POST", "/decisions"),
        }
    }

    /// Holds the key manager as soon as its database has the record of this action on the last file: nothing is left to answer but that.
    fn hold_at(&self, action: &'static [u8]) -> Hold {
        let files = self.premises.database_files();
        let last = self.last_file.expect("something was deposited").to_string();
        let begins = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).position(|some| some == word);
        let has = move |bytes: &[u8]| {
            let mut rest = bytes;
            while let Some(at) = begins(rest, action) {
                rest = &rest[at + action.len()..];
                // Up to the next record.
                let record = &rest[..begins(rest, b"\"action\"").unwrap_or(rest.len())];
                if begins(record, last.as_bytes()).is_some() {
                    return true;
                }
            }
            false
        };
        let steps = self.steps.as_ref().expect("the key manager is stepped");
        steps.hold(move || files.iter().any(|file| has(&std::fs::read(file).unwrap_or_default())))
    }

    /// Ends a process as a power cut would, and starts it again.
    fn killed_and_back(&mut self, victim: Victim) {
        let running = match victim {
            Victim::Platform => &mut self.house.platform,
            Victim::Element => &mut self.house.element,
            Victim::KeyManager => &mut self.premises.key_manager,
        };
        running.take().expect("it runs").kill();
        match victim {
            Victim::Platform => self.house.start_platform(),
            Victim::Element => self.house.start_element(),
            Victim::KeyManager => self.premises.start_key_manager(&self.house),
        }
    }
}

/// What came of the job.
pub(crate) struct Done {
    pub(crate) dossier: DossierId,
    pub(crate) receipt: Value,
    pub(crate) opened: Opened,
    /// The log's checkpoint when the process died.
    pub(crate) checkpoint: String,
    /// Whether the act that was cut was answered all the same.
    pub(crate) acknowledged: bool,
}

/// The job of one test.
pub(crate) struct Job {
    point: Point,
    victim: Victim,
    checkpoint: Option<String>,
    acknowledged: bool,
}

impl Job {
    pub(crate) fn of(point: Point, victim: Victim) -> Self {
        Self { point, victim, checkpoint: None, acknowledged: false }
    }

    /// The whole job, everybody doing again what was not answered.
    pub(crate) async fn run(mut self, world: &mut World) -> Done {
        let (dossier, receipt) = self.deposit(world).await;
        let (officer, log_key) = (Arc::clone(&world.officer), world.citizen.log_key().clone());
        let (trust, platform) = (world.premises.officer_trust(), world.house.origin.clone());
        let open = async || {
            let link = officer.ticket(dossier).await?;
            ReadingPage::open(&link, &platform, &trust, &log_key).await
        };
        let page = self.step(world, Point::TicketExchanged, open).await;
        let read = [Point::IntentDurable, Point::OutcomeDurable].contains(&self.point);
        let read = if read { self.point } else { Point::IntentDurable };
        let opened = self.step(world, read, async || page.read().await).await;
        self.step(world, Point::DecisionSigned, async || page.decide("accepted", REASON).await).await;
        let checkpoint = self.checkpoint.expect("somebody died on the way");
        Done { dossier, receipt, opened, checkpoint, acknowledged: self.acknowledged }
    }

    async fn deposit(&mut self, world: &mut World) -> (DossierId, Value) {
        let (citizen, scheme) = (Arc::clone(&world.citizen), world.scheme.clone());
        let draft =
            self.step(world, Point::DossierBegun, async || Draft::begin_for(&citizen, &scheme).await).await;
        let (document, answers) = (draft.seal(CONTENT), draft.seal(br#"{"income":18500}"#));
        self.step(world, Point::HeaderStored, async || draft.send_header(&document).await).await;
        draft.send_part(&document, 0).await.expect("a good part is taken");
        self.step(world, Point::PartHalfSent, async || draft.send_part(&document, 1).await).await;
        draft.send(&answers).await.expect("a good file is taken");
        world.last_file = Some(answers.named.file_id);
        let manifest = draft.manifest(&document, &answers);
        let receipt = self.step(world, Point::ManifestAttested, async || draft.submit(&manifest).await).await;
        (draft.id, receipt)
    }

    /// Does one act. If it is the one that is cut, it is done again where it was not answered: then it must be.
    async fn step<T>(
        &mut self,
        world: &mut World,
        point: Point,
        act: impl AsyncFn() -> Result<T, ClientError>,
    ) -> T {
        if point != self.point {
            return act().await.unwrap_or_else(|error| panic!("{point:?}: {error}"));
        }
        let hold = world.hold(point);
        let (first, fell) = struck(hold, act(), async |hold| self.strike(world, hold).await).await;
        assert!(fell, "{point:?} was not come to");
        self.acknowledged = first.is_ok();
        match (point, self.victim) {
            // The key manager says that it will deliver the decision when it can.
            (Point::DecisionSigned, Victim::Platform) => assert!(self.acknowledged),
            // The platform may be asking the element about this very request: then it says to try again.
            (Point::PartHalfSent, Victim::Element) => {
                assert!(first.as_ref().err().is_none_or(ClientError::is_passing), "{:?}", first.err());
            }
            // Answered, unless one of those who had to carry the answer died.
            (_, victim) => {
                assert_eq!(self.acknowledged, !point.ends().contains(&victim), "{:?}", first.err());
            }
        }
        match first {
            Ok(done) => done,
            Err(_) => act().await.unwrap_or_else(|error| panic!("{point:?}, asked again: {error}")),
        }
    }

    /// Kills, starts again, and lets the message pass unless who died was to send or to hear it.
    async fn strike(&mut self, world: &mut World, hold: Hold) {
        let element = Client::new(world.house.socket());
        self.checkpoint = Some(element.checkpoint().await.expect("the element answers"));
        tokio::task::block_in_place(|| world.killed_and_back(self.victim));
        if !self.point.ends().contains(&self.victim) {
            hold.release();
        }
    }
}

impl Point {
    /// The processes at the two ends of the message that is held here.
    fn ends(self) -> &'static [Victim] {
        match self {
            Self::DossierBegun | Self::ManifestAttested => &[Victim::Platform, Victim::Element],
            Self::HeaderStored | Self::PartHalfSent | Self::TicketExchanged => &[Victim::Platform],
            Self::IntentDurable | Self::OutcomeDurable => &[Victim::KeyManager],
            Self::DecisionSigned => &[Victim::KeyManager, Victim::Platform],
        }
    }
}
