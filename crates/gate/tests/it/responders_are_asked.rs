//! Responders (OCSP) are asked about callers' certificates once, believed with care, and asked again before their answers end.

use std::{sync::Arc, time::Instant};

use sceau_pki::OcspStatus;

use crate::{
    kept::Kept,
    outside::{Stage, chain, usual},
    responders::{Responder, answer, by_openssl, by_ours, naming, openssl, revoked},
};

const PATH: &str = "/mtls-protect/a";
const UNKNOWN: &str = "certificate_revocation_unknown";

/// A gate that asks with these settings, beside these lists.
async fn gate(ocsp: &str, lists: &[String]) -> Stage {
    let asks = format!("addresses = [\"127.0.0.1\"]\nocsp = {{ {ocsp} }}");
    let text = |upstream| usual(upstream, lists).replace("addresses = [\"127.0.0.1\"]", &asks);
    Stage::with(tempfile::tempdir().unwrap(), text).await
}

fn both_lists() -> Vec<String> {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display())).to_vec()
}

fn responder(of: &Responder) -> String {
    format!("responder = \"http://{}/\"", of.address)
}

/// What a client reads over a new connection: the status, and the head.
async fn reads(stage: &Stage, client: &str) -> (String, String) {
    Kept::open(stage.address, client, "").get(PATH).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_serves_many_connections_and_a_file_that_is_read_again() {
    let asked = Responder::open(by_openssl("authority", "-ndays 1")).await;
    let stage = gate(&format!("{}, nonce = \"demanded\"", responder(&asked)), &[]).await;
    let mut kept: Vec<_> = (0..8).map(|_| Kept::open(stage.address, "known", "")).collect();
    let mut first = Vec::new();
    for mut one in kept.drain(..) {
        first.push(tokio::spawn(async move {
            let status = one.get(PATH).await.0;
            (one, status)
        }));
    }
    for one in first {
        let (mut one, status) = one.await.unwrap();
        assert_eq!(status, "200");
        for _ in 0..5 {
            assert_eq!(one.get(PATH).await.0, "200");
        }
    }
    assert_eq!(asked.asked(), 1, "eight connections at once, one question");
    stage.reload.ask().await.unwrap();
    assert_eq!(reads(&stage, "known").await.0, "200");
    assert_eq!(asked.asked(), 1, "what was answered is remembered when the file is read again");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_taken_back_is_refused_on_a_connection_that_is_kept() {
    let asked = Responder::open(by_ours(OcspStatus::Good, 0, 3_000)).await;
    let stage = gate(&responder(&asked), &[]).await;
    let mut kept = Kept::open(stage.address, "known", "");
    assert_eq!(kept.get(PATH).await.0, "200");
    // Asked again before its end, in the background: nobody is refused meanwhile.
    while asked.asked() < 3 {
        assert_eq!(kept.get(PATH).await.0, "200");
    }
    asked.says(by_ours(revoked(), 0, 3_000));
    let since = Instant::now();
    let head = loop {
        let (status, head) = kept.get(PATH).await;
        if status != "200" {
            break head;
        }
        assert!(since.elapsed().as_secs() < 10, "it is asked again");
    };
    assert!(head.starts_with("HTTP/1.1 401") && head.contains("sceau-code: certificate_revoked"), "{head}");
    assert_eq!(reads(&stage, "known").await.0, "401");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_may_not_be_believed_is_as_none() {
    let asked = Responder::open(by_openssl("authority", "-ndays 1")).await;
    let recorded = Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = Arc::clone(&recorded);
    asked.says(Arc::new(move |question| {
        let response = openssl(question, "authority", "-ndays 1");
        keep.lock().unwrap().clone_from(&response);
        Some(answer(&response))
    }));
    let settings = format!("{}, deadline = \"1s\"", responder(&asked));
    let good = gate(&settings, &[]).await;
    assert_eq!(reads(&good, "known").await.0, "200");
    drop(good.stop().await);
    let recorded = recorded.lock().unwrap().clone();
    let unsigned = |question: &[u8]| {
        let mut response = openssl(question, "authority", "-ndays 1 -resp_no_certs");
        if let Some(last) = response.last_mut() {
            *last ^= 1;
        }
        Some(answer(&response))
    };
    let other = |_: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let chain = chain().display();
        let words = format!(
            "ocsp -issuer {chain}/authority.pem -cert {chain}/unknown.pem -no_nonce -reqout question"
        );
        crate::outside::run(folder.path(), "openssl", &words);
        let question = std::fs::read(folder.path().join("question")).unwrap();
        Some(answer(&openssl(&question, "authority", "-ndays 1")))
    };
    let replayed = move |_: &[u8]| Some(answer(&recorded));
    let plain = |text: &'static str| move |_: &[u8]| Some(text.as_bytes().to_vec());
    for (day, says) in [
        ("late", Arc::new(|_: &[u8]| None) as Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>),
        ("unsigned", Arc::new(unsigned)),
        ("of another certificate", Arc::new(other)),
        ("by somebody whom the authority did not name", by_openssl("known", "-ndays 1")),
        ("by another authority", by_openssl("stranger", "-ndays 1")),
        ("replayed", Arc::new(replayed)),
        ("expired", by_ours(OcspStatus::Good, -7_200_000, -3_600_000)),
        ("from the future", by_ours(OcspStatus::Good, 3_600_000, 7_200_000)),
        ("unknown", by_ours(OcspStatus::Unknown, 0, 3_600_000)),
        ("enormous", Arc::new(|_: &[u8]| Some(answer(&vec![0x30; 20 << 20])))),
        ("no response", Arc::new(|_: &[u8]| Some(answer(b"<html>")))),
        ("an error", Arc::new(plain("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"))),
        (
            "a redirection",
            Arc::new(plain(
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
            )),
        ),
        ("cut short", Arc::new(plain("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nshort"))),
    ] {
        asked.says(says);
        let alone = gate(&settings, &[]).await;
        let (status, head) = reads(&alone, "known").await;
        assert!(status == "401" && head.contains(UNKNOWN), "{day}: {head}");
        let before = asked.asked();
        assert_eq!(reads(&alone, "known").await.0, "401", "{day}");
        assert_eq!(asked.asked(), before, "{day}: not asked again at once");
        drop(alone.stop().await);
        let beside = gate(&settings, &both_lists()).await;
        let since = Instant::now();
        assert_eq!(reads(&beside, "known").await.0, "200", "{day}: the list speaks");
        assert!(since.elapsed().as_secs() < 5, "{day}: nobody waits longer than the deadline");
        assert_eq!(reads(&beside, "revoked").await.0, "401", "{day}");
        drop(beside.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_either_calls_revoked_stays_out_and_a_list_may_come_first() {
    let asked = Responder::open(by_ours(revoked(), 0, 3_600_000)).await;
    let first = gate(&responder(&asked), &both_lists()).await;
    assert!(reads(&first, "known").await.1.contains("certificate_revoked"), "the list does not name it");
    drop(first.stop().await);
    let before = asked.asked();
    let listed = gate(&format!("{}, prefer = \"list\"", responder(&asked)), &both_lists()).await;
    assert_eq!(reads(&listed, "known").await.0, "200");
    assert_eq!(reads(&listed, "revoked").await.0, "401");
    assert_eq!(asked.asked(), before, "a list that speaks leaves nothing to ask");
    drop(listed.stop().await);
    asked.says(by_ours(OcspStatus::Good, 0, 3_600_000));
    let both = gate(&responder(&asked), &both_lists()).await;
    let head = reads(&both, "revoked").await.1;
    assert!(head.contains("certificate_revoked"), "the responder calls it good, the list does not: {head}");
    drop(both.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_in_a_certificate_is_called_once_all_else_is_believed() {
    let asked = Responder::open(by_ours(OcspStatus::Good, 0, 3_600_000)).await;
    let stage = gate("", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, authority, status) in
        [("stranger", "stranger", "401"), ("direct", "root", "401"), ("good", "authority", "200")]
    {
        naming(folder.path(), name, authority, asked.address);
        let at = folder.path().display();
        let head = stage.curl(PATH, &format!("--cert {at}/{name}.pem --key {at}/{name}.key")).await;
        assert!(head.starts_with(&format!("HTTP/2 {status}")), "{name}: {head}");
        assert_eq!(
            asked.asked(),
            usize::from(status == "200"),
            "{name}: who is not believed makes nobody call"
        );
    }
    // One that names none has nobody to speak for it.
    assert!(reads(&stage, "known").await.1.contains(UNKNOWN));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_responder_falls_silent_requests_pass_for_a_while_if_the_operator_says_so() {
    let asked = Responder::open(by_ours(OcspStatus::Good, 0, 2_000)).await;
    let open =
        "addresses = [\"127.0.0.1\"]\nfail_open = { maximum_age = \"1h\", journal = \"unchecked.jsonl\" }";
    let ocsp = format!("{open}\nocsp = {{ {}, deadline = \"1s\" }}", responder(&asked));
    let text = |upstream| usual(upstream, &[]).replace("addresses = [\"127.0.0.1\"]", &ocsp);
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    let mut kept = Kept::open(stage.address, "known", "");
    let (status, head) = kept.get(PATH).await;
    assert!(status == "200" && !head.contains("unchecked"), "{head}");
    asked.says(Arc::new(|_: &[u8]| None));
    let since = Instant::now();
    let journal = stage.folder().join("unchecked.jsonl");
    while std::fs::read_to_string(&journal).unwrap_or_default().is_empty() {
        assert_eq!(kept.get(PATH).await.0, "200");
        assert!(since.elapsed().as_secs() < 20, "the last answer ends");
    }
    // Whom nobody ever called good does not pass.
    let (status, _) = Kept::open(stage.address, "revoked", "").get(PATH).await;
    assert_eq!(status, "401");
    drop(stage.stop().await);
}
