//! A clock is five minutes behind, then five minutes ahead: of one machine at a time, through whole jobs. Nothing is refused and nothing waits.
//! A clock that is put right in the middle holds up no decision.

use sceau_client::{Person, ReadingPage};
use sceau_element_api::DossierId;
use sceau_tests::{Connected, House, Program, Scanned, now_ms, opened_trace};
use serde_json::{Value, json};

use crate::documents_are_scanned_as_they_come_in::{opened, pdf};

/// Five minutes, in seconds.
const OFF: i64 = 300;

struct World {
    house: House,
    lyon: Connected,
    citizen: Person,
}

impl World {
    async fn set(name: &str) -> Self {
        let house = House::start(name);
        let administrator = house.administrator().await;
        let lyon = Connected::found(&house, &administrator, "Métropole").await;
        // Granted before the day on which a clock goes wrong.
        lyon.grant(&json!({"not_before": now_ms() - 86_400_000})).await;
        let citizen = house.citizen("cleo@example.org").await;
        Self { house, lyon, citizen }
    }

    /// Starts the role again on a machine with such a clock.
    fn put_off(&mut self, role: &'static str, seconds: i64) {
        self.house.clocks.insert(role, seconds);
        match role {
            "element" => {
                self.house.element.take().unwrap().stop();
                self.house.start_element();
            }
            "platform" => {
                self.house.stop_platform();
                self.house.start_platform();
            }
            "keymanager" => {
                self.lyon.premises.key_manager.take().unwrap().stop();
                self.lyon.premises.start_key_manager(&self.house);
            }
            _ => {}
        }
    }

    async fn page(&self, dossier: DossierId) -> ReadingPage {
        let link = self.lyon.staff.officer.ticket(dossier).await.unwrap();
        let trust = self.lyon.premises.officer_trust();
        let page = ReadingPage::open(&link, &self.house.origin, &trust, self.citizen.log_key()).await;
        page.unwrap()
    }

    async fn state(&self, dossier: DossierId) -> Value {
        let view: Value = self.citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
        view["state"].clone()
    }

    /// A key that was made a moment ago is sealed to; officer and connector open; the decision arrives. When, by the clocks of who says so:
    /// element, platform, key manager.
    async fn whole_job(&self) -> [u64; 3] {
        const SENT: &[u8] = b"at any time of the day";
        let administration = self.lyon.premises.administration();
        let keys: Value = administration.post("/v1/keys/rotate", &json!({})).await.unwrap();
        let of = |key: &&Value| key["use"] == "encrypt" && key["state"] == "current";
        let made =
            keys["keys"].as_array().unwrap().iter().find(of).expect("the new one is in force")["not_before"]
                .as_u64()
                .unwrap();
        let deposited = self.lyon.deposit(&self.citizen, SENT).await;
        let dossier = deposited.dossier;
        let page = self.page(dossier).await;
        assert_eq!(page.read().await.unwrap().files[0].content, SENT);
        let mut connector = Connected::program(&self.house, &[&self.lyon]).start(self.house.scratch.path());
        connector.wait_for(&format!("\"dossier\":\"{dossier}\",\"event\":\"handed_over\""));
        assert!(connector.stop().success());
        assert_eq!(page.decide("accepted", "Complet.").await.unwrap()["delivered"], true);
        assert_eq!(self.state(dossier).await, "accepted");
        let logged = opened_trace(&self.house).await.last().unwrap().time();
        let view: Value = self.citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
        // Keys begin five minutes before they are made.
        [logged, view["created"].as_u64().unwrap(), made + 300_000]
    }
}

/// Whole jobs while the clock of one role is off. `sign`: which of the three times is its own.
async fn while_off(role: &'static str, sign: Option<usize>) {
    let mut world = Box::pin(World::set(&format!("{role}-off"))).await;
    for seconds in [-OFF, OFF] {
        world.put_off(role, seconds);
        let times = world.whole_job().await;
        for (index, time) in times.into_iter().enumerate() {
            let off = i64::try_from(time).unwrap() - i64::try_from(now_ms()).unwrap();
            let expected = if sign == Some(index) { seconds * 1000 } else { 0 };
            assert!(
                (off - expected).abs() < 60_000,
                "{role} at {seconds} s: clock {index} is off by {off} ms"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_s() {
    Box::pin(while_off("element", Some(0))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_s() {
    Box::pin(while_off("platform", Some(1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_manager_s() {
    Box::pin(while_off("keymanager", Some(2))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_s() {
    Box::pin(while_off("connector", None)).await;
}

#[tokio::test]
async fn the_intake_s() {
    let mut house = House::start("intake-off");
    house.clocks.insert("intake", -OFF);
    let mut scanned = Scanned::start_in(house, "", "", &[]);
    let cast = scanned.cast().await;
    for seconds in [-OFF, OFF] {
        drop(scanned.intake.take());
        scanned.house.clocks.insert("intake", seconds);
        scanned.start_intake(&[]);
        let visit = scanned.begin(&cast).await;
        let sent = pdf(40_000);
        let file = visit.pdf(sent.clone()).await.unwrap();
        visit.submit().await.unwrap();
        assert!(opened(&cast, &visit, &file).await.1 == sent);
    }
}

/// The key manager's clock is ahead when more is asked for, and right again when the officer accepts: the element takes no decision that is older than
/// the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_put_right_holds_up_no_decision() {
    let mut world = Box::pin(World::set("clock-put-right")).await;
    let dossier = world.lyon.deposit(&world.citizen, b"twice decided on").await.dossier;
    world.put_off("keymanager", OFF);
    let asked = world.page(dossier).await.decide("more_information", "La date manque.").await.unwrap();
    assert_eq!(asked["delivered"], true);
    assert_eq!(world.state(dossier).await, "more_information");
    world.put_off("keymanager", 0);
    let accepted = world.page(dossier).await.decide("accepted", "Complet.").await.unwrap();
    assert_eq!(accepted["delivered"], true);
    assert_eq!(world.state(dossier).await, "accepted");
}

#[test]
fn a_program_sees_the_clock_that_it_is_given() {
    for seconds in [-OFF, OFF] {
        let said = Program::other("date").arg("+%s").off_by(seconds).run().success().text();
        let off = said.trim().parse::<i64>().unwrap() - i64::try_from(now_ms() / 1000).unwrap();
        assert!((off - seconds).abs() < 30, "{off}");
    }
}
