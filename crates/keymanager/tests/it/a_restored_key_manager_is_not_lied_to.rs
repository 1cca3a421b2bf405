//! A key manager that is made anew from a backup asks what happened since. A platform that shows an old log does not get away with it, and what was taken
//! from people in between stays taken.

use std::path::PathBuf;
use std::sync::Arc;

use sceau_crypto::sharing::Share;
use sceau_keymanager::{Backup, Error, NewBackup, NewCertificate, Restored, Settings, Terms};
use sceau_pki::CertificateRole;
use sceau_store::Clock;

use crate::support::world::{AssertWell as _, Stopped, unlock};
use crate::support::{Bad, World};

/// A key manager with a backup in two of three hands.
struct Kept {
    world: World,
    file: PathBuf,
    shares: Vec<Share>,
}

impl Kept {
    async fn made() -> Self {
        let world = World::connected().await;
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
        let folder = self.stopped.folder.path();
        let terms = Terms { accept_loss, offline: false };
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
