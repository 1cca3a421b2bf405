//! A key manager that is made anew from a backup asks what happened since. A platform that shows an old log does not get away with it, and what was taken
//! from people in between stays taken.

use std::path::PathBuf;
use std::sync::Arc;

use sceau_crypto::sharing::Share;
use sceau_keymanager::{
    Backup, Credentials, Error, NewBackup, NewCertificate, Restored, Settings, Terms, TransitSettings,
};
use sceau_pki::CertificateRole;
use sceau_store::Clock;
use serde_json::json;

use super::only_what_the_antivirus_clears_leaves::{INFECTED, READY, asks, exception, says, supervisor};
use crate::support::world::{AssertWell as _, Stopped, unlock};
use crate::support::{Bad, SealedDossier, World};

/// A key manager with a backup in two of three hands.
struct Kept {
    world: World,
    file: PathBuf,
    shares: Vec<Share>,
}

impl Kept {
    async fn made() -> Self {
        Self::of(World::connected().await).await
    }

    async fn of(world: World) -> Self {
        let file = world.folder.path().join("backup");
        let new = NewBackup { threshold: 2, custodians: 3, policy: None };
        let made = world.manager.back_up(&new, &file).await.unwrap();
        world.manager.tick().await.assert_well();
        Self { world, file, shares: made.shares }
    }

    /// Everything is lost but the backup and its shares.
    fn lose_everything(self) -> Lost {
        let stopped = self.world.stop();
        std::fs::remove_dir_all(stopped.folder.path().join("data")).unwrap();
        Lost { stopped, file: self.file, shares: self.shares }
    }
}

struct Lost {
    stopped: Stopped,
    file: PathBuf,
    shares: Vec<Share>,
}

impl Lost {
    async fn restore(&self, accept_loss: bool) -> Result<Restored, Error> {
        self.restore_on(Terms { accept_loss, ..Terms::default() }).await
    }

    async fn restore_on(&self, terms: Terms) -> Result<Restored, Error> {
        let folder = self.stopped.folder.path();
        loop {
            let unlocked = Backup::read(&self.file).unwrap().unlock(&self.shares[1..]).unwrap();
            let clock: Arc<dyn Clock> = Arc::<sceau_store::ManualClock>::clone(&self.stopped.clock);
            match unlocked.restore(&folder.join("data"), &unlock(folder), terms, clock).await {
                // The server's task is still ending.
                Err(error) if error.code() == "restore_still_runs" => tokio::task::yield_now().await,
                restored => return restored,
            }
        }
    }

    async fn refused(&self, code: &str) {
        assert_eq!(self.restore(false).await.unwrap_err().code(), code);
        assert!(!self.stopped.folder.path().join("data").exists(), "nothing is left");
    }
}

async fn is_refused(world: &World, certificate: &NewCertificate) {
    let answer = world.browser(Some(certificate)).get("/v1/keys").await;
    assert_eq!(answer.code(), "certificate_withdrawn");
}

#[tokio::test]
async fn a_platform_that_hides_what_came_after_the_backup_is_found_out() {
    let kept = Kept::made().await;
    let before = kept.world.platform.lock().log.entries.len();
    let certificate = kept.world.certificate(CertificateRole::Administrator).await;
    kept.world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    kept.world.manager.tick().await.assert_well();
    let lost = kept.lose_everything();
    lost.stopped.platform.misbehave(Bad::ShowsOld(before));
    lost.refused("restore_unwitnessed").await;
    lost.stopped.platform.misbehave(Bad::DropsRecords);
    lost.refused("restore_behind").await;
    lost.stopped.platform.misbehave(Bad::Away);
    lost.refused("restore_not_compared").await;
    lost.stopped.platform.misbehave(None);
    lost.refused("restore_behind").await;
    assert!(lost.restore(true).await.unwrap().missing.unwrap().records >= 2);
}

#[tokio::test]
async fn a_platform_that_says_it_logs_and_does_not_is_found_out() {
    let lost = Kept::made().await.lose_everything();
    lost.stopped.platform.misbehave(Bad::DropsRecords);
    lost.refused("restore_unwitnessed").await;
    lost.stopped.platform.misbehave(Bad::RefusesRecords);
    lost.refused("restore_unwitnessed").await;
    // What was asked for and came to nothing is no loss.
    lost.stopped.platform.misbehave(None);
    assert_eq!(lost.restore(false).await.unwrap().missing.unwrap().records, 0);
}

/// A key manager with one AppRole, and the login that works there.
async fn with_a_secret_id() -> (Kept, serde_json::Value) {
    let settings = Settings { transit: Some(TransitSettings::default()), ..Settings::default() };
    let world = World::with(settings).await;
    let administrator = world.administrator().await;
    let login = administrator.post("/v1/auth/cert/login", &json!({})).await.json();
    let client = administrator.with_header("x-vault-token", login["auth"]["client_token"].as_str().unwrap());
    client.post("/v1/auth/approle/role/hr", &json!({"token_policies": ["read"]})).await;
    let role = client.get("/v1/auth/approle/role/hr/role-id").await.json();
    let secret = client.post("/v1/auth/approle/role/hr/secret-id", &json!({})).await.json();
    let login = json!({"role_id": role["data"]["role_id"], "secret_id": secret["data"]["secret_id"]});
    assert_eq!(world.browser(None).post("/v1/auth/approle/login", &login).await.status, 200);
    (Kept::of(world).await, login)
}

async fn logs_in_after(keep_credentials: bool) -> (bool, Credentials) {
    let (kept, login) = with_a_secret_id().await;
    let lost = kept.lose_everything();
    let terms = Terms { keep_credentials, ..Terms::default() };
    let restored = lost.restore_on(terms).await.unwrap();
    let settings = Settings { transit: Some(TransitSettings::default()), ..Settings::default() };
    let world = lost.stopped.start(settings).await;
    let answer = world.browser(None).post("/v1/auth/approle/login", &login).await;
    (answer.status == 200, restored.credentials)
}

#[tokio::test]
async fn secret_ids_of_the_backup_work_again_only_where_that_is_asked_for() {
    let (logs_in, credentials) = logs_in_after(false).await;
    assert!(!logs_in, "it may have been revoked since");
    assert_eq!((credentials.secret_ids_revoked, credentials.secret_ids_kept), (1, 0));
    let (logs_in, credentials) = logs_in_after(true).await;
    assert!(logs_in);
    assert_eq!((credentials.secret_ids_revoked, credentials.secret_ids_kept), (0, 1));
}

#[tokio::test]
async fn certificates_that_were_withdrawn_since_the_backup_stay_withdrawn() {
    let kept = Kept::made().await;
    let (chief, early) =
        (kept.world.administrator().await, kept.world.certificate(CertificateRole::Administrator).await);
    chief.get("/v1/keys").await.json();
    let late = kept.world.certificate(CertificateRole::Administrator).await;
    for certificate in [&early, &late] {
        kept.world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    }
    kept.world.manager.tick().await.assert_well();
    let lost = kept.lose_everything();
    lost.restore(true).await.unwrap();
    let world = lost.stopped.start(Settings::default()).await;
    is_refused(&world, &early).await;
    is_refused(&world, &late).await;
    world.manager.tick().await.assert_well();
    let world = world.restart(Settings::default()).await;
    is_refused(&world, &late).await;
    world.administrator().await.get("/v1/keys").await.json();
}

/// The backup does not know which were taken back since, and nobody's record tells.
#[tokio::test]
async fn exceptions_of_the_backup_count_no_more() {
    let scripts = tempfile::tempdir().unwrap();
    let settings = says(scripts.path(), &[READY, INFECTED]);
    let world = World::with(settings.clone()).await;
    let ((officer, account), (chief, _)) = (world.officer().await, supervisor(&world).await);
    let dossier = SealedDossier::deposit(&world);
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
    chief.post("/v1/exceptions", &exception(&dossier, account, 24)).await.json();
    dossier.assert_opened(&asks(&officer, &dossier).await.json());
    let lost = Kept::of(world).await.lose_everything();
    lost.restore(true).await.unwrap();
    let world = lost.stopped.start(settings).await;
    world.manager.tick().await.assert_well();
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
    let shown = chief.get("/v1/exceptions").await.json();
    assert_eq!((&shown[0]["standing"], &shown[0]["revoked"]["by"]), (&json!("revoked"), &json!(null)));
    // A supervisor may make another.
    chief.post("/v1/exceptions", &exception(&dossier, account, 1)).await.json();
    dossier.assert_opened(&asks(&officer, &dossier).await.json());
}
