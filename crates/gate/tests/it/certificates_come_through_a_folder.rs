//! The gate gets its certificate from an authority of its house, through a folder, and staples what that authority's responder says of it.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sceau_pki::{Authority, OcspRequest, OcspStatus, Publication};

use crate::{
    edge::{answer, house, of_the_house, put, request},
    outside::run,
    pebble::now,
    responders::{Responder, Says, answer as http},
};

/// As an authority answers that nobody saw before.
fn usual(asked: &str, from: u64) -> String {
    answer(&house(from), asked, from, &Publication::default())
}

/// Time for the gate to look at the folder, which it does each second.
const LOOKED: Duration = Duration::from_millis(2_200);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_that_leads_elsewhere_or_never_ends_is_none() {
    let edge = of_the_house().await;
    let folder = edge.folder.path().to_owned();
    let (id, asked) = request(&folder).await;
    let at = |kind: &str| folder.join("answers").join(format!("{id}.{kind}"));
    // What the log would show of a refusal is the text of a file that the gate alone reads.
    std::os::unix::fs::symlink(folder.join("eab.key"), at("refused")).unwrap();
    tokio::time::sleep(LOOKED).await;
    let state = edge.state().await;
    assert!(state["failures"] == 0 && state["in_use"] == false, "{state}");
    // Whoever opens a pipe waits until somebody writes: a thread of the gate, then another, then the gate.
    run(&folder, "mkfifo", &format!("answers/{id}.pem"));
    tokio::time::sleep(LOOKED).await;
    let state = tokio::time::timeout(Duration::from_secs(10), edge.state()).await;
    assert_eq!(state.expect("the gate hangs")["in_use"], false);
    put(&folder, &id, &usual(&asked, now()));
    edge.until_issued().await;
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_whose_certificates_are_nearly_over_is_not_asked_without_end() {
    let edge = of_the_house().await;
    let folder = edge.folder.path().to_owned();
    let (id, asked) = request(&folder).await;
    // Of 30 days, 29 are over: by its own measure the gate is late already.
    put(&folder, &id, &usual(&asked, now() - 29 * 86_400_000));
    edge.until_issued().await;
    tokio::time::sleep(LOOKED).await;
    let waiting: Vec<_> = fs::read_dir(folder.join("requests")).unwrap().collect();
    assert!(waiting.is_empty(), "{waiting:?}");
    drop(edge.stop().await);
}

/// What the authority's responder says of everything that it is asked about.
fn good(authority: &Authority) -> Says {
    let responder = authority.ocsp_responder(7, now()).unwrap();
    Arc::new(move |question| {
        let request = OcspRequest::read(question).unwrap();
        let said = responder.answer(&request, |_| OcspStatus::Good, now(), now() + 3_600_000);
        Some(http(&said.unwrap()))
    })
}

/// What OpenSSL is handed out with the certificate, once it has that word.
async fn handed(edge: &crate::edge::Edge, word: &str) -> String {
    let since = Instant::now();
    loop {
        let said = edge.openssl("-status -CAfile root.pem").await;
        if said.contains(word) {
            return said;
        }
        assert!(since.elapsed().as_secs() < 20, "{word} is not seen in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_issued_is_stapled_without_a_restart_and_from_the_first_handshake_after_one() {
    let authority = house(now());
    let responder = Responder::open(good(&authority)).await;
    let ocsp = Some(format!("http://{}/", responder.address));
    let published = Publication { ocsp, ..Publication::default() };
    let edge = of_the_house().await;
    let folder = edge.folder.path().to_owned();
    fs::write(folder.join("root.pem"), authority.certificate().to_pem()).unwrap();
    let (id, asked) = request(&folder).await;
    put(&folder, &id, &answer(&authority, &asked, now(), &published));
    edge.until_issued().await;
    let said = handed(&edge, "Cert Status: good").await;
    assert!(said.contains("OCSP Response Status: successful"), "{said}");
    let words = format!(
        "-sS -i --cert-status --cacert root.pem --connect-to {name}:443:{} https://{name}/",
        edge.address,
        name = crate::edge::NAME
    );
    let told = curl(&folder, &words).await;
    assert!(told.contains("200"), "{told}");
    kept(&folder).await;
    // The responder falls silent: what it said is kept with the certificate.
    responder.says(Arc::new(|_: &[u8]| None));
    let asked = responder.asked();
    let again = edge.again().await;
    let said = again.openssl("-status -CAfile root.pem").await;
    assert!(said.contains("Cert Status: good"), "{said}");
    assert_eq!(responder.asked(), asked, "nobody is asked twice");
    drop(again.stop().await);
}

async fn curl(folder: &Path, words: &str) -> String {
    let (folder, words) = (folder.to_owned(), words.to_owned());
    tokio::task::spawn_blocking(move || run(&folder, "curl", &words)).await.unwrap()
}

/// Until a response is on disk.
async fn kept(folder: &Path) {
    let since = Instant::now();
    let is_kept = |path: &Path| path.extension().is_some_and(|kind| kind == "ocsp");
    while !fs::read_dir(folder.join("cache/ocsp"))
        .into_iter()
        .flatten()
        .any(|it| is_kept(&it.unwrap().path()))
    {
        assert!(since.elapsed().as_secs() < 20, "nothing is kept");
        tokio::task::yield_now().await;
    }
}
