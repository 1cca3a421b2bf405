//! A TLS client that we did not write is asked for a certificate, over a real socket, and is judged.

use std::{fs, io::Write, net::TcpListener, sync::Arc};

use rustls::{ServerConnection, Stream};
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, CertificateRole, ClientJudge, ClientProfile, KeyAlgorithm,
    RoleNames, ServerProfile, TlsIdentity, server_config_asking,
};

use crate::outside::{NOW, run};

#[test]
fn openssl_is_asked_by_the_anchors_name_and_gets_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let anchors = Anchors::new([authority.certificate().clone()]).unwrap();
    let judge = ClientJudge::new(anchors, RoleNames::default());
    let server = authority.issue_server(&ServerProfile::for_hosts(["cles.localhost"]), NOW).unwrap();
    let config =
        Arc::new(server_config_asking(&TlsIdentity::of(&server).unwrap(), &[judge.anchors()]).unwrap());
    fs::write(folder.path().join("ca.pem"), authority.certificate().to_pem()).unwrap();

    for (name, algorithm) in [("p256", KeyAlgorithm::EcdsaP256), ("rsa", KeyAlgorithm::Rsa3072)] {
        let profile =
            ClientProfile { algorithm, ..ClientProfile::new("Camille", CertificateRole::CaseOfficer) };
        let issued = authority.issue_client(&profile, NOW).unwrap();
        let both = format!("{}{}", *issued.key().to_pem(), issued.chain_pem());
        fs::write(folder.path().join(name), both).unwrap();
    }
    for version in ["-tls1_2", "-tls1_3"] {
        for (shown, expected) in
            [(Some("p256"), "accepted"), (Some("rsa"), "accepted"), (None, "certificate_missing")]
        {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let at = (NOW / 1000).to_string();
            let mut arguments =
                vec!["s_client", version, "-connect", &address, "-servername", "cles.localhost"];
            arguments.extend([
                "-CAfile",
                "ca.pem",
                "-verify_return_error",
                "-verify_hostname",
                "cles.localhost",
            ]);
            arguments.extend(["-attime", &at, "-ign_eof"]);
            arguments.extend(shown.into_iter().flat_map(|file| ["-cert", file, "-key", file]));
            let said = std::thread::scope(|scope| {
                scope.spawn(|| answer_one(&listener, &config, &judge));
                run(folder.path(), "openssl", &arguments)
            });
            assert!(said.contains(&format!("verdict: {expected}")), "{version} {shown:?}\n{said}");
            assert!(said.contains("Acceptable client certificate CA names\nO = Essai, OU = Sceau"), "{said}");
            assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        }
    }
}

/// Says its verdict on whoever connects, and closes.
fn answer_one(listener: &TcpListener, config: &Arc<rustls::ServerConfig>, judge: &ClientJudge) {
    let (mut socket, _) = listener.accept().unwrap();
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    connection.complete_io(&mut socket).unwrap();
    let verdict = judge.judge(connection.peer_certificates(), NOW);
    let verdict = verdict.map_or_else(|refusal| refusal.code(), |_| "accepted");
    let mut stream = Stream::new(&mut connection, &mut socket);
    writeln!(stream, "verdict: {verdict}").unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}
