//! MOB's host asks machines for a certificate beside their credentials: curl shows what our authority issued, and what is refused is worded as MOB words
//! refusals, under the verdict's own code.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use sceau_accounts::callers::{CallerSettings, Callers, Demand, Edge};
use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, RevocationReason, Revoked, ServerProfile,
    TlsIdentity,
};
use sceau_store::{Clock as _, SystemClock};
use serde_json::Value;

use super::Mob;

const TOKEN: &str = "/auth/realms/mcm/protocol/openid-connect/token";
const DAY: u64 = 86_400_000;

/// A host beside `mob`'s, which asks for certificates of this authority; they are demanded of who asks for a token.
struct Stage<'a> {
    mob: &'a Mob,
    folder: PathBuf,
    authority: Authority,
    port: u16,
}

impl<'a> Stage<'a> {
    async fn set(mob: &'a Mob) -> Self {
        let folder = mob.world.folder.path().join("certificates");
        std::fs::create_dir(&folder).unwrap();
        let now = SystemClock.now_ms();
        let authority = Authority::create(&AuthorityProfile::of("Essai"), now - DAY).unwrap();
        std::fs::write(folder.join("root.pem"), authority.certificate().to_pem()).unwrap();
        let identity = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now).unwrap();
        let mut stage = Self { mob, folder, authority, port: 0 };
        stage.list(&[], 1);
        let settings = CallerSettings {
            anchors: vec![stage.at("root.pem")],
            intermediates: Vec::new(),
            issuer: None,
            lists: vec![stage.at("list.crl")],
            names: None,
            demand: Demand::Paths(vec!["/auth".to_owned()]),
        };
        let identity = TlsIdentity::of(&identity).unwrap();
        let callers =
            Callers::open(Box::new(move |_| Ok(settings.clone())), Some(identity), Arc::new(SystemClock));
        stage.port = mob.another_behind(Edge::Mutual(callers.unwrap())).await.port();
        stage
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes `NAME.pem`, chain and key of a client's certificate by `by`; its serial number.
    fn issue(&self, name: &str, by: &Authority) -> Vec<u8> {
        let profile = ClientProfile::new(name, CertificateRole::Connector);
        let issued = by.issue_client(&profile, SystemClock.now_ms()).unwrap();
        let both = format!("{}{}", issued.chain_pem(), *issued.key().to_pem());
        std::fs::write(self.at(&format!("{name}.pem")), both).unwrap();
        let serial = issued.chain()[0].serial();
        hex::decode(serial).unwrap()
    }

    /// The list in use from now on.
    fn list(&self, revoked: &[Vec<u8>], number: u64) {
        let now = SystemClock.now_ms();
        let revoked = revoked.iter().cloned();
        let revoked =
            revoked.map(|serial| Revoked { serial, at: now, reason: RevocationReason::KeyCompromise });
        let list = self.authority.revocation_list(&revoked.collect::<Vec<_>>(), number, 2, now).unwrap();
        std::fs::write(self.at("next"), list).unwrap();
        std::fs::rename(self.at("next"), self.at("list.crl")).unwrap();
    }

    /// What curl is told: status and body.
    async fn asks(&self, shown: Option<&str>, path: &str, more: &[&str]) -> (u16, Value) {
        let mut curl = curl(&self.folder);
        if let Some(name) = shown {
            curl.args(["--cert", &format!("{name}.pem")]);
        }
        curl.args(["-w", "\n%{http_code}", &format!("https://localhost:{}{path}", self.port)]).args(more);
        let output = tokio::task::spawn_blocking(move || curl.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Asks for a token with the credentials of a mobility service.
    async fn token(&self, shown: Option<&str>) -> (u16, Value) {
        let world = &self.mob.world;
        let made = world.dossiers.make_maas_client(&world.accounts, self.mob.offices[1].id).await.unwrap();
        let words = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            made.client_id, &*made.client_secret
        );
        self.asks(shown, TOKEN, &["--data", &words]).await
    }
}

fn curl(folder: &Path) -> Command {
    let mut curl = Command::new("curl");
    curl.current_dir(folder).args(["-sS", "--noproxy", "*", "--cacert", "root.pem"]);
    curl
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_has_no_token_without_its_certificate() {
    let mob = Mob::start().await;
    let stage = Stage::set(&mob).await;
    let serial = stage.issue("service", &stage.authority);
    let stranger = Authority::create(&AuthorityProfile::of("Essai"), SystemClock.now_ms() - DAY).unwrap();
    stage.issue("stranger", &stranger);

    let (status, refused) = stage.token(None).await;
    let error = &refused["error"];
    assert_eq!((status, error["statusCode"].as_u64()), (401, Some(401)), "{refused}");
    assert_eq!(
        (&error["code"], &error["name"]),
        (&"certificate_missing".into(), &"UnauthorizedError".into())
    );
    let (status, refused) = stage.token(Some("stranger")).await;
    assert_eq!(
        (status, refused["error"]["code"].as_str()),
        (403, Some("certificate_bad_signature")),
        "{refused}"
    );
    let (status, token) = stage.token(Some("service")).await;
    assert_eq!(status, 200, "{token}");

    // With the token, and what is demanded nowhere else: who shows one is judged by it all the same.
    let bearer = format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap());
    let asks = async |shown: Option<&str>, path: &str| {
        let (status, body) = stage.asks(shown, path, &["-H", &bearer]).await;
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let passed = (200, String::new());
    assert_eq!(asks(None, "/v1/subscriptions").await, passed);
    assert_eq!(asks(Some("service"), "/v1/subscriptions").await, passed);
    assert_eq!(
        asks(Some("stranger"), "/v1/subscriptions").await,
        (403, "certificate_bad_signature".to_owned())
    );
    stage.list(&[serial], 2);
    assert_eq!(asks(Some("service"), "/v1/subscriptions").await, (403, "certificate_revoked".to_owned()));
    assert_eq!(asks(Some("service"), "/check").await, passed, "who watches it is asked for nothing");
    assert_eq!(stage.token(Some("service")).await.0, 403);
}
