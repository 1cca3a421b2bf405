//! The worst day of an organisation, rehearsed: its key manager is gone, and custodians make it anew. Enough of them open every document again; fewer
//! open nothing, and a backup that is behind never goes on in silence.

use std::path::{Path, PathBuf};

use sceau_client::{ClientError, Document, Person, ReadingPage, Scheme};
use sceau_element_api::DossierId;
use sceau_tests::{Finished, House, Premises, Program, Staff, Stage, now_ms, opened_trace, publish_scheme};
use serde_json::Value;

const CONTENT: &[u8] = &[9; 1_200_000];

struct World {
    house: House,
    premises: Premises,
    staff: Staff,
    citizen: Person,
    scheme: Scheme,
}

impl World {
    async fn set(name: &str) -> Self {
        let house = House::start(name);
        let administrator = house.administrator().await;
        let (premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
        let scheme = publish_scheme(&staff.chief).await;
        let citizen = house.citizen("cleo@example.org").await;
        Self { house, premises, staff, citizen, scheme }
    }

    async fn deposit(&self) -> DossierId {
        let document = Document {
            name: "pièce.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: CONTENT.to_vec(),
        };
        let answers = Stage::answers();
        let deposited =
            self.citizen.deposit(&self.scheme, &answers, &[document], now_ms(), &mut |_| {}).await;
        deposited.unwrap().dossier
    }

    async fn opens(&self, dossier: DossierId) -> Result<bool, ClientError> {
        let link = self.staff.officer.ticket(dossier).await?;
        let trust = self.premises.officer_trust();
        let page = ReadingPage::open(&link, &self.house.origin, &trust, self.citizen.log_key()).await?;
        Ok(page.read().await?.files[0].content == CONTENT)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.house.scratch.join(name)
    }

    /// `sceau keymanager COMMAND`, with the second custodian's passphrase.
    fn keymanager(&self, command: &str, data: &Path, passphrase: &Path) -> Program {
        let second = self.house.scratch.write("second.passphrase", "what the second custodian knows");
        Program::sceau("keymanager")
            .args([command, "--data"])
            .arg(data)
            .arg("--passphrase-file")
            .arg(passphrase)
            .arg("--share-passphrase-file")
            .arg(format!("2={}", second.display()))
    }

    /// Three of five custodians; each share in a file of its own.
    fn back_up(&self, name: &str) -> Value {
        let made = self
            .keymanager("backup", self.premises.folder(), self.premises.passphrase())
            .args(["--custodians", "5", "--threshold", "3", "--to"])
            .arg(self.path(name))
            .arg("--shares")
            .arg(self.path(&format!("shares-of-{name}")))
            .run();
        said(&made.success())
    }

    fn shares(&self, name: &str, numbers: &[u8]) -> Vec<PathBuf> {
        let folder = self.path(&format!("shares-of-{name}"));
        let files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let of = |number: &u8| {
            let start = format!("share-{number}-of-");
            let named = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&start);
            files.iter().find(named).unwrap().clone()
        };
        numbers.iter().map(of).collect()
    }

    fn restore(&self, name: &str, shares: &[PathBuf], more: &[&str]) -> Finished {
        let mut program = self
            .keymanager("restore", self.premises.folder(), self.premises.passphrase())
            .arg("--backup")
            .arg(self.path(name))
            .args(more);
        for share in shares {
            program = program.arg("--share").arg(share);
        }
        program.run()
    }

    /// Nothing of the key manager is left.
    fn lose_everything(&mut self) {
        if let Some(running) = self.premises.key_manager.take() {
            running.kill();
        }
        std::fs::remove_dir_all(self.premises.folder()).unwrap();
    }
}

fn said(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_of_five_custodians_open_every_document_again_and_two_open_none() {
    let mut world = World::set("made-anew").await;
    let before = world.deposit().await;
    let made = world.back_up("backup");
    assert_eq!(made["custodians"], 5);
    for share in world.shares("backup", &[1, 2, 3, 4, 5]) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&share.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    let after = world.deposit().await;

    // While the old one answers, there is no second one.
    world.premises.start_key_manager(&world.house);
    let other = world.path("elsewhere");
    let enough = world.shares("backup", &[1, 2, 5]);
    let mut second = world.keymanager("restore", &other, world.premises.passphrase());
    second = second.arg("--backup").arg(world.path("backup"));
    for share in &enough {
        second = second.arg("--share").arg(share);
    }
    let refused = second.run();
    assert!(refused.stderr.contains("still answers"), "{}", refused.stderr);
    assert!(!other.exists());

    world.lose_everything();
    let few = world.restore("backup", &world.shares("backup", &[2, 4]), &[]);
    assert_eq!(few.code, Some(4), "{}", few.stderr);
    assert!(few.stderr.contains("2 of the 3 shares"), "{}", few.stderr);
    assert!(!world.premises.folder().exists(), "two write nothing");

    let rehearsed = world.restore("backup", &enough, &["--rehearse"]).success();
    assert!(said(&rehearsed)["files"].as_u64().unwrap() > 8, "{}", rehearsed.text());
    assert!(!world.premises.folder().exists(), "a rehearsal writes nothing");

    let restored = said(&world.restore("backup", &enough, &[]).success());
    assert_eq!(restored["missing"], serde_json::json!({"records": 0, "statements": 0, "decisions": 0}));
    assert_eq!(restored["root_fingerprint"], made["root_fingerprint"]);
    world.premises.start_key_manager(&world.house);
    for dossier in [before, after] {
        assert!(world.opens(dossier).await.unwrap());
    }
    let again = world.restore("backup", &enough, &[]);
    assert!(again.stderr.contains("not empty"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_mixed_and_damaged_shares_are_named() {
    let mut world = World::set("wrong-shares").await;
    world.back_up("backup");
    world.back_up("other");
    world.lose_everything();
    let mut mixed = world.shares("backup", &[1, 3]);
    mixed.extend(world.shares("other", &[4]));
    let refused = world.restore("backup", &mixed, &[]);
    assert!(refused.stderr.contains("share 4 is of the backup"), "{}", refused.stderr);

    let twice = world.shares("backup", &[1, 3, 3]);
    let refused = world.restore("backup", &twice, &[]);
    assert!(refused.stderr.contains("share 3 is given twice"), "{}", refused.stderr);

    let enough = world.shares("backup", &[1, 3, 4]);
    let text = std::fs::read_to_string(&enough[1]).unwrap();
    let last = text.trim_end().chars().last().unwrap();
    let wrong =
        format!("{}{}\n", &text.trim_end()[..text.trim_end().len() - 1], if last == 'q' { 'p' } else { 'q' });
    std::fs::write(&enough[1], wrong).unwrap();
    let refused = world.restore("backup", &enough, &[]);
    assert!(
        refused.stderr.contains("copied wrongly") && refused.stderr.contains("share-3-of-5"),
        "{}",
        refused.stderr
    );
    std::fs::write(&enough[1], text).unwrap();

    let mut bytes = std::fs::read(world.path("backup")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(world.path("backup"), &bytes).unwrap();
    for more in [&["--rehearse"][..], &[]] {
        let refused = world.restore("backup", &enough, more);
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    }
    assert!(!world.premises.folder().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_behind_goes_on_only_when_its_loss_is_accepted_and_known() {
    let mut world = World::set("behind").await;
    let before = world.deposit().await;
    world.back_up("backup");
    world.premises.start_key_manager(&world.house);
    let administration = world.premises.administration();
    let _: Value = administration.post("/v1/keys/rotate", &Value::Null).await.unwrap();
    assert!(world.opens(before).await.unwrap());
    let lost = world.deposit().await;
    while administration.get::<Value>("/v1/status").await.unwrap()["pending_records"] != 0 {
        tokio::task::yield_now().await;
    }
    world.lose_everything();

    let enough = world.shares("backup", &[3, 4, 5]);
    let refused = world.restore("backup", &enough, &[]);
    assert_eq!(refused.code, Some(5), "{}", refused.stderr);
    assert!(refused.stderr.contains("1 key statements"), "{}", refused.stderr);
    assert!(!world.premises.folder().exists());

    let restored = said(&world.restore("backup", &enough, &["--accept-loss"]).success());
    assert_eq!(restored["lost_keys"].as_array().unwrap().len(), 1, "{restored}");
    world.premises.start_key_manager(&world.house);
    assert!(world.opens(before).await.unwrap());
    let anew = world.deposit_to_a_new_key(&restored).await;
    assert!(world.opens(anew).await.unwrap());
    assert!(world.opens(lost).await.is_err(), "its key is gone");
    let records = opened_trace(&world.house).await;
    let restored = |record: &&sceau_trace::Record| {
        record.action().as_str() == "backup.restore" && record.outcome() == sceau_trace::Outcome::Granted
    };
    let told = records.iter().find(restored).unwrap();
    assert_eq!(told.detail()["missing_statements"], "1");
    let status: Value = world.premises.administration().get("/v1/status").await.unwrap();
    assert_eq!(status["alarms"], serde_json::json!([]), "what was accepted is no alarm");
}

impl World {
    /// Waits until the restored key manager published the key that follows the lost one.
    async fn deposit_to_a_new_key(&self, restored: &Value) -> DossierId {
        let administration = self.premises.administration();
        loop {
            let keys: Value = administration.get("/v1/keys").await.unwrap();
            let current = keys["keys"].as_array().unwrap().iter().find(|key| {
                key["use"] == "encrypt"
                    && key["state"] == "current"
                    && key["key_id"] != restored["lost_keys"][0]
            });
            if current.is_some() {
                return self.deposit().await;
            }
            tokio::task::yield_now().await;
        }
    }
}
