//! The gate hands out what its own responder says, verified and current; `openssl s_client -status` and `curl --cert-status` look at it.

use std::{fs, path::Path, process::Command, sync::Arc, time::Instant};

use sceau_pki::OcspStatus;
use tempfile::TempDir;

use crate::{
    outside::{Stage, chain, run},
    responders::{Responder, by_openssl, by_ours, revoked},
};

/// A server's certificate that names this responder, with its issuer behind it, as `own.pem` and `own.key`.
fn certificate(folder: &Path, responder: &Responder) {
    let chain = chain().display();
    let address = responder.address;
    let extensions = format!(
        "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\ntlsfeature=status_request\n\
         authorityInfoAccess=OCSP;URI:http://{address}/ocsp\n"
    );
    fs::write(folder.join("own.ext"), extensions).unwrap();
    let keys = format!("-CA {chain}/authority.pem -CAkey {chain}/authority.key -set_serial 0x77");
    run(
        folder,
        "openssl",
        &format!("x509 -req -in {chain}/server.csr {keys} -days 30 -extfile own.ext -out leaf.pem"),
    );
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let both = read(&folder.join("leaf.pem")) + &read(&crate::outside::chain().join("authority.pem"));
    fs::write(folder.join("own.pem"), both).unwrap();
    fs::copy(crate::outside::chain().join("server.key"), folder.join("own.key")).unwrap();
}

pub(crate) async fn gate(folder: TempDir, responder: &Responder, more: &str) -> Stage {
    // Of one that stands there already, with its answers.
    if !folder.path().join("own.pem").exists() {
        certificate(folder.path(), responder);
    }
    let text = |upstream| {
        format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"own.pem\"\nkey = \"own.key\"\n{more}\n\
             [[listener.route]]\nupstream = \"http://{upstream}\"\n"
        )
    };
    Stage::with(folder, text).await
}

/// What OpenSSL is handed out.
pub(crate) async fn handed(stage: &Stage) -> String {
    let (address, chain) = (stage.address, chain().display());
    let words = format!("s_client -connect {address} -servername localhost -status -CAfile {chain}/root.pem");
    let folder = stage.folder().to_owned();
    tokio::task::spawn_blocking(move || run(&folder, "openssl", &words)).await.unwrap()
}

pub(crate) async fn until(stage: &Stage, word: &str) -> String {
    let since = Instant::now();
    loop {
        let said = handed(stage).await;
        if said.contains(word) {
            return said;
        }
        assert!(since.elapsed().as_secs() < 15, "{word} is not seen in {said}");
    }
}

pub(crate) const NONE: &str = "OCSP response: no response sent";

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_handed_a_good_response_and_another_before_it_ends() {
    let responder = Responder::open(by_ours(OcspStatus::Good, 0, 3_000)).await;
    let stage = gate(tempfile::tempdir().unwrap(), &responder, "").await;
    let said = until(&stage, "Cert Status: good").await;
    assert!(said.contains("Verify return code: 0 (ok)") && said.contains("Next Update: "), "{said}");
    let told = stage.curl("/", "--cert-status").await;
    assert!(told.contains("200"), "{told}");
    while responder.asked() < 3 {
        assert!(handed(&stage).await.contains("Cert Status: good"), "never without one");
    }
    let folder = stage.folder().to_owned();
    stage.reload.ask().await.unwrap();
    assert!(handed(&stage).await.contains("Cert Status: good"), "nor when the file is read again");
    // Where the responder falls silent, the last one is handed out to its end, and no longer.
    responder.says(Arc::new(|_: &[u8]| None));
    until(&stage, NONE).await;
    let words = format!(
        "-sS --cert-status --cacert {}/root.pem https://localhost:{}/",
        chain().display(),
        stage.address.port()
    );
    let refused = Command::new("curl").args(words.split(' ')).current_dir(folder).output().unwrap();
    assert!(!refused.status.success(), "curl demands one");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_good_or_not_believed_is_not_handed_out() {
    for says in [
        by_openssl("known", "-ndays 1"),
        by_ours(revoked(), 0, 3_600_000),
        by_ours(OcspStatus::Unknown, 0, 60_000),
    ] {
        let responder = Responder::open(says).await;
        let stage = gate(tempfile::tempdir().unwrap(), &responder, "staple = true").await;
        while responder.asked() == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            assert!(handed(&stage).await.contains(NONE));
        }
        assert!(stage.curl("/", "").await.contains("200"), "who does not ask for it is served");
        drop(stage.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_where_the_file_says_no() {
    let responder = Responder::open(by_ours(OcspStatus::Good, 0, 3_600_000)).await;
    let stage = gate(tempfile::tempdir().unwrap(), &responder, "staple = false").await;
    assert!(handed(&stage).await.contains(NONE));
    assert_eq!(responder.asked(), 0);
    drop(stage.stop().await);
    // A certificate that names no responder cannot have what is asked for.
    let folder = tempfile::tempdir().unwrap();
    let chain = chain().display();
    let text = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"{chain}/server.pem\"\nkey = \"{chain}/server.key\"\nstaple = true\n\
         [[listener.route]]\nupstream = \"http://127.0.0.1:9\"\n"
    );
    fs::write(folder.path().join("gate.toml"), text).unwrap();
    let refused = sceau_gate::Plan::read(&folder.path().join("gate.toml")).unwrap_err().to_string();
    assert!(refused.contains("listener 1, staple") && refused.contains("names no responder"), "{refused}");
}
