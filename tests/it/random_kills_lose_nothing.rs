//! A campaign of `kill -9`: citizens deposit, sealed or through the intake, a case officer reads and decides, a connector hands over and carries
//! decisions back, while platform, element, key manager, connector and intake are killed at random moments and started again. In the end everything
//! that was acknowledged is there, once, and nothing is half done.
//!
//! The order of the victims and the pauses between kills follow from a seed; what each kill cuts is chance. `cargo xtask campaign` runs it with a
//! thousand kills, or as many as it is told.

mod afterwards;
mod page;
mod people;

use std::sync::Arc;
use std::time::Duration;

use sceau_client::{Person, SoftwarePasskey};
use sceau_element_api::Client;
use sceau_tests::{Chance, Connected, House, Running, Scanned, number, scheme_form};
use serde_json::json;

use people::{Busy, Work};

/// Kills of a run of the tests. A campaign has a thousand.
const KILLS: u32 = 24;
/// The longest pause between a start and the next kill.
const PAUSE_MS: u64 = 400;
/// Nobody works as fast as this campaign.
const QUOTA: &str = "[quota]\nburst = 100000\nper_hour = 100000\n";

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Platform,
    Element,
    KeyManager,
    Connector,
    Intake,
}

const VICTIMS: [Victim; 5] =
    [Victim::Platform, Victim::Element, Victim::KeyManager, Victim::Connector, Victim::Intake];

/// The processes.
struct World {
    /// Platform, element and intake.
    scanned: Scanned,
    connected: Connected,
    connector: Option<Running>,
}

impl World {
    async fn set() -> (Self, Arc<Work>) {
        let scanned = Scanned::start_in(House::start("random-kills"), "", "", &[]);
        let house = &scanned.house;
        let administrator = house.administrator().await;
        let mut connected = Connected::found(house, &administrator, "Métropole d’essai").await;
        connected.premises.policy = Some(house.scratch.write("policy.toml", QUOTA));
        connected.grant_decisions().await;
        let passkey = connected.staff.officer.passkey().expect("officers have one").store().unwrap();
        let passkey = SoftwarePasskey::load(&passkey).unwrap();
        let officer = Person::sign_in(&house.origin, passkey, Some(administrator.log_key())).await.unwrap();
        let mut form = scheme_form();
        (form["intake"], form["intake_host"]) = (json!("scanned"), scanned.host.clone());
        let scheme = connected.staff.chief.publish_scheme(&form).await.unwrap();
        let work = Work::new(&scanned, &connected, scheme, officer, administrator.log_key().clone());
        let mut world = Self { scanned, connected, connector: None };
        world.killed_and_back(Victim::KeyManager);
        world.start_connector();
        (world, Arc::new(work))
    }

    fn start_connector(&mut self) {
        let program = Connected::program(&self.scanned.house, &[&self.connected]);
        self.connector = Some(program.start(self.scanned.house.scratch.path()));
    }

    /// Ends a process as a power cut would, and starts it again.
    fn killed_and_back(&mut self, victim: Victim) {
        let running = match victim {
            Victim::Platform => &mut self.scanned.house.platform,
            Victim::Element => &mut self.scanned.house.element,
            Victim::KeyManager => &mut self.connected.premises.key_manager,
            Victim::Connector => &mut self.connector,
            Victim::Intake => &mut self.scanned.intake,
        };
        running.take().expect("it runs").kill();
        match victim {
            Victim::Platform => self.scanned.house.start_platform(),
            Victim::Element => self.scanned.house.start_element(),
            Victim::KeyManager => self.connected.premises.start_key_manager(&self.scanned.house),
            Victim::Connector => self.start_connector(),
            Victim::Intake => self.scanned.start_intake(&[]),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_once_and_nothing_is_half_done() {
    let kills = number("SCEAU_KILLS", u64::from(KILLS));
    let mut chance = Chance::of(number("SCEAU_SEED", 1));
    let (mut world, work) = Box::pin(World::set()).await;
    let busy = Busy::start(&work);
    let mut checkpoints = Vec::new();
    let mut fallen = [0_u64; VICTIMS.len()];
    for kill in 0..kills {
        let which = usize::try_from(chance.below(VICTIMS.len() as u64)).unwrap();
        tokio::time::sleep(Duration::from_millis(chance.below(PAUSE_MS))).await;
        if kill % 10 == 0 {
            let element = Client::new(world.scanned.house.socket());
            checkpoints
                .push(element.checkpoint().await.expect("it was started again and said that it is ready"));
        }
        tokio::task::block_in_place(|| world.killed_and_back(VICTIMS[which]));
        fallen[which] += 1;
        busy.is_well();
    }
    let done = busy.finish().await;
    let counts: Vec<String> =
        VICTIMS.iter().zip(fallen).map(|(victim, times)| format!("{victim:?} {times}")).collect();
    eprintln!(
        "{kills} kills ({}); {} deposits, of which {} through the intake, {} openings, {} decisions at the page and {} by the connector were \
         acknowledged",
        counts.join(", "),
        done.deposits.len(),
        done.deposits.iter().filter(|deposit| deposit.scanned).count(),
        done.opened,
        done.decided_by_officer,
        done.decided_by_connector,
    );
    assert!(!done.deposits.is_empty(), "nothing was done");
    afterwards::nothing_is_lost(&mut world, &work, &done, &checkpoints).await;
}
