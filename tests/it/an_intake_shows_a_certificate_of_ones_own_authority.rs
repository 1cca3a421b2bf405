//! The intake under an organisation's own authority: it ends TLS with a certificate of that authority, and speaks to a platform that shows one. Who does
//! not trust that authority sends nothing to it, and it sends nothing to a platform that the authority did not vouch for.

use std::path::PathBuf;

use sceau_element_api::DossierId;
use sceau_tests::{Cast, House, OwnAuthority, Program, Scanned, Shown, TlsFront, client};
use serde_json::{Value, json};

use super::documents_are_scanned_as_they_come_in::{opened, pdf};

struct World {
    scanned: Scanned,
    own: OwnAuthority,
    other: OwnAuthority,
    /// What the intake shows.
    shown: Shown,
}

impl World {
    fn set() -> Self {
        let mut scanned = Scanned::stand(House::start("own-authority-intake"), "https", "", "");
        let own = OwnAuthority::found(&scanned.house.scratch.join("own-authority"));
        let other = OwnAuthority::found(&scanned.house.scratch.join("another-authority"));
        let shown = own.server("intake", &["depot.localhost"]);
        scanned.anchors = Some(own.root());
        Self { scanned, own, other, shown }
    }

    /// Where the platform is behind this certificate.
    async fn front(&self, shown: &Shown) -> String {
        let front = TlsFront::open(shown, self.scanned.house.port()).await;
        format!("https://sceau.localhost:{}", front.port())
    }

    /// Starts the intake anew, for a platform at this address, vouched for by these.
    fn start(&mut self, platform: &str, anchors: Option<PathBuf>) {
        drop(self.scanned.intake.take());
        platform.clone_into(&mut self.scanned.platform);
        let mut words = vec!["--tls".to_owned(), self.shown.identity.display().to_string()];
        if let Some(anchors) = anchors {
            words.extend(["--platform-anchors".to_owned(), anchors.display().to_string()]);
        }
        self.scanned.start_intake(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// What OpenSSL says of the intake's certificate: whether it holds for this name, under this root.
    fn vouched(&self, root: PathBuf, name: &str) -> bool {
        let at = self.scanned.url.replace("https://depot.localhost", "127.0.0.1");
        let words = ["s_client", "-connect", &at, "-servername", name, "-verify_hostname", name];
        let asked = Program::other("openssl").args(words).arg("-verify_return_error").arg("-CAfile");
        asked.arg(root).arg("-no-CApath").run().code == Some(0)
    }

    /// Carries one grant to the intake, with all answers: status and code.
    async fn carry(&self, cast: &Cast, (grant, meant): (&str, &Value)) -> (u16, String) {
        let answers = json!({"price": 3200, "income": 18_500});
        let (visit, status) = self.scanned.carry(cast, grant, meant.clone(), answers).await.unwrap();
        (status, visit.said["code"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_passes_that_the_authority_did_not_vouch_for() {
    let mut world = World::set();
    let good = world.front(&world.own.server("platform", &["sceau.localhost"])).await;
    world.start(&good, Some(world.own.root()));
    let cast = world.scanned.cast().await;

    // Who trusts the root deposits: the intermediate comes with the certificate.
    assert!(world.vouched(world.own.root(), "depot.localhost"));
    let visit = world.scanned.begin(&cast).await;
    let document = pdf(1_200_000);
    let file = visit.pdf(document.clone()).await.unwrap();
    visit.submit().await.unwrap();
    assert!(opened(&cast, &visit, &file).await.1 == document);

    // Who trusts another authority, or looks for another name, refuses by itself.
    assert!(!world.vouched(world.other.root(), "depot.localhost"));
    assert!(!world.vouched(world.own.root(), "autre.localhost"));
    let page = client(Some(&world.other.root()));
    let refused = page.post(format!("{}/v1/deposits", world.scanned.url)).json(&json!({})).send().await;
    let refused = format!("{:?}", refused.unwrap_err());
    // The two authorities have the same name: their keys tell them apart.
    assert!(refused.contains("InvalidCertificate(BadSignature)"), "{refused}");

    // A platform that the authority did not vouch for is told nothing: the grant, of one use, is good afterwards.
    let dossier = begun(&cast).await;
    let meant = cast.meant(dossier);
    let foreign = world.front(&world.other.server("platform", &["sceau.localhost"])).await;
    let elsewhere = world.front(&world.own.server("elsewhere", &["autre.localhost"])).await;
    let wrong = [
        (&elsewhere, Some(world.own.root()), "not valid for name"),
        (&good, Some(world.other.root()), "BadSignature"),
        (&good, None, "UnknownIssuer"),
        (&foreign, Some(world.own.root()), "BadSignature"),
    ];
    let mut grant = String::new();
    for (platform, anchors, words) in wrong {
        world.start(platform, anchors);
        let before = world.scanned.intake.as_ref().unwrap().log().len();
        grant = granted(&cast, dossier).await;
        let refused = world.carry(&cast, (&grant, &meant)).await;
        assert_eq!(refused, (503, "platform_away".to_owned()), "{platform}");
        let said = world.scanned.intake.as_ref().unwrap().log().split_off(before);
        assert!(said.contains("invalid peer certificate") && said.contains(words), "{words}: {said}");
        assert!(!said.contains(&grant), "a grant is no word for a log");
    }
    world.start(&good, Some(world.own.root()));
    assert_eq!(world.carry(&cast, (&grant, &meant)).await.0, 200);
}

async fn granted(cast: &Cast, dossier: DossierId) -> String {
    let path = format!("/v1/dossiers/{dossier}/intake");
    let grant: Value = cast.citizen.server().post(&path, &json!({})).await.unwrap();
    grant["grant"].as_str().unwrap().to_owned()
}

async fn begun(cast: &Cast) -> DossierId {
    let body = json!({"scheme": cast.scheme.id});
    let begun: Value = cast.citizen.server().post("/v1/dossiers", &body).await.unwrap();
    begun["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn an_intake_without_good_files_does_not_start() {
    let scratch = sceau_tests::Scratch::new("own-authority-intake-files");
    let empty = scratch.write("empty.pem", "no certificate");
    let own = OwnAuthority::found(&scratch.join("authority"));
    let shown = own.server("intake", &["depot.localhost"]);
    let public = *sceau_crypto::SigningKey::generate().verifying_key().as_bytes();
    let kind = sceau_trace::KeyKind::Ed25519;
    let log_key = sceau_trace::VerifierKey::new("test.sceau.localhost/log", kind, public).unwrap();
    let started = |tls: &PathBuf, anchors: &PathBuf| {
        let intake = Program::ours("sceau").args(["serve", "intake", "--listen", "127.0.0.1:0", "--key"]);
        let intake = intake.arg(scratch.join("intake.key")).args(["--platform", "https://sceau.localhost:1"]);
        let intake = intake.args(["--log-key", &log_key.to_string(), "--antivirus", "unix:/nowhere"]);
        intake.arg("--tls").arg(tls).arg("--platform-anchors").arg(anchors).run()
    };
    let refused = started(&shown.identity, &empty);
    assert!(refused.code != Some(0) && refused.stderr.contains("anchors"), "{}", refused.stderr);
    let refused = started(&shown.chain, &own.root());
    assert!(refused.code != Some(0) && refused.stderr.contains("key"), "without its key: {}", refused.stderr);
}
