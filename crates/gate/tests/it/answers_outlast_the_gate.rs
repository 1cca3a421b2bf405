//! What responders said is kept: a gate that starts again has it to its end, though the responder is away, and believes nothing because it is on its disk.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use sceau_pki::OcspStatus;
use tempfile::TempDir;

use crate::{
    kept::Kept,
    outside::{Stage, usual},
    responders::{Responder, by_openssl, by_ours, now, revoked},
    responses_are_stapled as stapling,
};

const PATH: &str = "/mtls-protect/a";
const HOUR: i64 = 3_600_000;

async fn gate(folder: TempDir, responder: &Responder, more: &str) -> Stage {
    let asks = format!(
        "addresses = [\"127.0.0.1\"]\nocsp = {{ responder = \"http://{}/\", deadline = \"1s\"{more} }}",
        responder.address
    );
    Stage::with(folder, |upstream| usual(upstream, &[]).replace("addresses = [\"127.0.0.1\"]", &asks)).await
}

/// The answers on disk.
fn answers(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder.join("cache/ocsp")).into_iter().flatten();
    all.map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "ocsp"))
        .collect()
}

/// The one that is kept.
async fn one(stage: &Stage) -> PathBuf {
    let since = Instant::now();
    loop {
        if let [only] = answers(stage.folder()).as_slice() {
            return only.clone();
        }
        assert!(since.elapsed().as_secs() < 20, "nothing is kept");
        tokio::task::yield_now().await;
    }
}

async fn reads(stage: &Stage) -> (String, String) {
    Kept::open(stage.address, "known", "").get(PATH).await
}

fn silent(responder: &Responder) {
    responder.says(Arc::new(|_: &[u8]| None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_starts_while_its_responder_is_away_has_the_answers_that_hold() {
    for nonce in ["sent", "demanded", "none"] {
        let more = format!(", nonce = \"{nonce}\"");
        let responder = Responder::open(by_openssl("authority", "-ndays 1")).await;
        let stage = gate(tempfile::tempdir().unwrap(), &responder, &more).await;
        assert_eq!(reads(&stage).await.0, "200");
        let file = one(&stage).await;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let folder = stage.stop().await;
        silent(&responder);
        let again = gate(folder, &responder, &more).await;
        assert_eq!(reads(&again).await.0, "200", "{nonce}");
        assert_eq!(responder.asked(), 1, "{nonce}: nobody is asked twice");
        drop(again.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_taken_back_stays_out_over_a_start() {
    let responder = Responder::open(by_ours(revoked(), 0, HOUR)).await;
    let stage = gate(tempfile::tempdir().unwrap(), &responder, "").await;
    assert!(reads(&stage).await.1.contains("certificate_revoked"));
    one(&stage).await;
    let folder = stage.stop().await;
    responder.says(by_ours(OcspStatus::Good, -HOUR, HOUR));
    let again = gate(folder, &responder, "").await;
    let (status, head) = reads(&again).await;
    assert!(status == "401" && head.contains("certificate_revoked"), "{head}");
    drop(again.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_altered_on_the_disk_is_none() {
    let responder = Responder::open(by_ours(OcspStatus::Good, 0, HOUR)).await;
    let stage = gate(tempfile::tempdir().unwrap(), &responder, "").await;
    assert_eq!(reads(&stage).await.0, "200");
    let file = one(&stage).await;
    let kept = fs::read(&file).unwrap();
    let mut folder = stage.stop().await;
    // That of somebody else, made for this question's place.
    responder.says(by_openssl("stranger", "-ndays 1"));
    let mut foreign = b"{\"until\":9999999999999,\"nonce\":null}\n".to_vec();
    foreign.extend(crate::responders::openssl(&question(), "stranger", "-ndays 1"));
    let mut flipped = kept.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let truncated = kept[..kept.len() - 1].to_vec();
    silent(&responder);
    let before = responder.asked();
    for (nth, octets) in [flipped, truncated, foreign, b"{}".to_vec(), Vec::new()].iter().enumerate() {
        fs::write(&file, octets).unwrap();
        let again = gate(folder, &responder, "").await;
        let (status, head) = reads(&again).await;
        assert!(status == "401" && head.contains("certificate_revocation_unknown"), "{nth}: {head}");
        assert_eq!(responder.asked(), before + nth + 1, "{nth}: the responder is asked instead");
        folder = again.stop().await;
    }
    fs::write(&file, &kept).unwrap();
    let again = gate(folder, &responder, "").await;
    assert_eq!(reads(&again).await.0, "200", "the same as it was");
    drop(again.stop().await);
}

/// As the gate asks about the known client.
fn question() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let chain = crate::outside::chain().display();
    let words =
        format!("ocsp -issuer {chain}/authority.pem -cert {chain}/known.pem -no_nonce -reqout question");
    crate::outside::run(folder.path(), "openssl", &words);
    fs::read(folder.path().join("question")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ended_meanwhile_is_asked_for_again() {
    let responder = Responder::open(by_ours(OcspStatus::Good, 0, 2_000)).await;
    let stage = gate(tempfile::tempdir().unwrap(), &responder, "").await;
    assert_eq!(reads(&stage).await.0, "200");
    one(&stage).await;
    let folder = stage.stop().await;
    let (asked, ended) = (responder.asked(), now() + 2_000);
    while now() < ended {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    responder.says(by_ours(OcspStatus::Good, 0, HOUR));
    let again = gate(folder, &responder, "").await;
    assert_eq!(reads(&again).await.0, "200");
    assert_eq!(responder.asked(), asked + 1);
    drop(again.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stapled_is_kept_too() {
    let responder = Responder::open(by_ours(OcspStatus::Good, 0, HOUR)).await;
    let stage = stapling::gate(tempfile::tempdir().unwrap(), &responder, "").await;
    stapling::until(&stage, "Cert Status: good").await;
    let file = one(&stage).await;
    let folder = stage.stop().await;
    silent(&responder);
    let again = stapling::gate(folder, &responder, "").await;
    assert!(stapling::handed(&again).await.contains("Cert Status: good"), "with the first handshake");
    assert_eq!(responder.asked(), 1, "nobody is asked twice");
    let folder = again.stop().await;
    let mut octets = fs::read(&file).unwrap();
    *octets.last_mut().unwrap() ^= 1;
    fs::write(&file, octets).unwrap();
    let altered = stapling::gate(folder, &responder, "").await;
    assert!(stapling::handed(&altered).await.contains(stapling::NONE), "what was altered is not handed out");
    drop(altered.stop().await);
}
