//! The handshake asks for a certificate, survives any answer, and insists only on possession of the key.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, Connection, HandshakeKind, ServerConfig, ServerConnection,
    SignatureScheme, SupportedProtocolVersion,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, CertificateRole, ClientJudge, ClientProfile, KeyAlgorithm,
    PrivateKey, RoleNames, ServerProfile, TlsIdentity, client_config, provider, server_config,
    server_config_asking,
};

use crate::outside::{DAY, NOW, odd};

struct House {
    authority: Authority,
    judge: ClientJudge,
    server: Arc<ServerConfig>,
}

fn house() -> House {
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let anchors = Anchors::new([authority.certificate().clone()]).unwrap();
    let judge = ClientJudge::new(anchors, RoleNames::default());
    let issued = authority.issue_server(&ServerProfile::for_hosts(["cles.localhost"]), NOW).unwrap();
    let server =
        Arc::new(server_config_asking(&TlsIdentity::of(&issued).unwrap(), &[judge.anchors()]).unwrap());
    House { authority, judge, server }
}

#[derive(Debug)]
struct FixedTime;

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(NOW)))
    }
}

/// A client that shows whatever it is told to, signed with whatever key, and remembers what it was asked.
#[derive(Debug)]
struct Shows {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKey,
    hints: Mutex<Vec<Vec<u8>>>,
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.hints.lock().unwrap() = hints.iter().map(|hint| hint.to_vec()).collect();
        let key = provider().key_provider.load_private_key(self.key.to_rustls()).unwrap();
        Some(Arc::new(CertifiedKey::new(self.chain.clone(), key)))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn client(
    house: &House,
    version: &'static SupportedProtocolVersion,
    shows: Option<Arc<Shows>>,
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(house.judge.anchors().roots());
    let mut config = match shows {
        Some(shows) => builder.with_client_cert_resolver(shows),
        None => builder.with_no_client_auth(),
    };
    config.time_provider = Arc::new(FixedTime);
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

fn shows(chain: Vec<CertificateDer<'static>>, key: &PrivateKey) -> Option<Arc<Shows>> {
    let key = PrivateKey::from_pkcs8(key.to_pkcs8()).unwrap();
    Some(Arc::new(Shows { chain, key, hints: Mutex::default() }))
}

/// A whole handshake in memory, and one byte from the client, so that the server has its last flight.
fn connect(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<(ServerConnection, ClientConnection), rustls::Error> {
    let mut server = Connection::from(ServerConnection::new(Arc::clone(server)).unwrap());
    let name = ServerName::try_from("cles.localhost").unwrap();
    let mut client = Connection::from(ClientConnection::new(Arc::clone(client), name).unwrap());
    client.writer().write_all(b"!").unwrap();
    for _ in 0..10 {
        pass(&mut client, &mut server)?;
        pass(&mut server, &mut client)?;
    }
    let mut byte = [0];
    server.reader().read_exact(&mut byte).map_err(|error| rustls::Error::General(error.to_string()))?;
    match (server, client) {
        (Connection::Server(server), Connection::Client(client)) => Ok((server, client)),
        _ => panic!("as made above"),
    }
}

fn pass(from: &mut Connection, to: &mut Connection) -> Result<(), rustls::Error> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        to.read_tls(&mut wire).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

fn judged(house: &House, server: &ServerConnection, now: u64) -> &'static str {
    match house.judge.judge(server.peer_certificates(), now) {
        Ok(_) => "accepted",
        Err(refusal) => refusal.code(),
    }
}

#[test]
fn every_certificate_and_none_reaches_the_application_as_a_verdict() {
    let house = house();
    let profile = ClientProfile::new("Camille", CertificateRole::CaseOfficer);
    let stranger = Authority::create(&AuthorityProfile::of("Autre"), NOW).unwrap();
    let client_extensions = "extendedKeyUsage=clientAuth\n";
    for version in [&TLS12, &TLS13] {
        let try_with = |chain: Vec<CertificateDer<'static>>, key: &PrivateKey, now| {
            let (server, _) = connect(&house.server, &client(&house, version, shows(chain, key))).unwrap();
            judged(&house, &server, now)
        };
        let (server, _) = connect(&house.server, &client(&house, version, None)).unwrap();
        assert_eq!(judged(&house, &server, NOW), "certificate_missing");

        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Rsa3072] {
            let good =
                house.authority.issue_client(&ClientProfile { algorithm, ..profile.clone() }, NOW).unwrap();
            let der = || vec![good.certificate().der().clone()];
            assert_eq!(try_with(der(), good.key(), NOW), "accepted");
            assert_eq!(try_with(der(), good.key(), NOW + 400 * DAY), "certificate_expired");
        }
        let foreign = stranger.issue_client(&profile, NOW).unwrap();
        assert_eq!(
            try_with(vec![foreign.certificate().der().clone()], foreign.key(), NOW),
            "certificate_untrusted"
        );
        let strange = format!("{client_extensions}1.2.3.4=critical,ASN1:UTF8String:x\n");
        let strange = odd(&house.authority, "/OU=case-officer/CN=Camille", &strange);
        let refused = try_with(vec![strange.certificate.der().clone()], &strange.key, NOW);
        assert_eq!(refused, "certificate_unknown_critical_extension");
    }
}

#[test]
fn a_certificate_without_its_key_breaks_the_handshake() {
    let house = house();
    let good = house
        .authority
        .issue_client(&ClientProfile::new("Camille", CertificateRole::Administrator), NOW)
        .unwrap();
    for version in [&TLS12, &TLS13] {
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Rsa3072] {
            let thief = PrivateKey::generate(algorithm).unwrap();
            let config = client(&house, version, shows(vec![good.certificate().der().clone()], &thief));
            connect(&house.server, &config).map(|_| ()).unwrap_err();
        }
    }
}

#[test]
fn the_server_names_the_anchors_that_it_trusts() {
    let house = house();
    let good = house
        .authority
        .issue_client(&ClientProfile::new("Camille", CertificateRole::CaseOfficer), NOW)
        .unwrap();
    for version in [&TLS12, &TLS13] {
        let shows = shows(vec![good.certificate().der().clone()], good.key());
        connect(&house.server, &client(&house, version, shows.clone())).unwrap();
        let hints = shows.unwrap().hints.lock().unwrap().clone();
        assert_eq!(hints, [house.authority.certificate().subject().to_der()]);
    }
}

#[test]
fn a_resumed_session_is_judged_again() {
    let house = house();
    let good = house
        .authority
        .issue_client(&ClientProfile::new("Camille", CertificateRole::CaseOfficer), NOW)
        .unwrap();
    for version in [&TLS12, &TLS13] {
        let config = client(&house, version, shows(vec![good.certificate().der().clone()], good.key()));
        connect(&house.server, &config).unwrap();
        let (server, _) = connect(&house.server, &config).unwrap();
        assert_eq!(server.handshake_kind(), Some(HandshakeKind::Resumed));
        assert_eq!(judged(&house, &server, NOW), "accepted");
        assert_eq!(judged(&house, &server, NOW + 400 * DAY), "certificate_expired");
    }
}

#[test]
fn our_own_client_and_server_agree_on_the_hybrid_exchange_and_http_2() {
    let house = house();
    let good = house
        .authority
        .issue_client(&ClientProfile::new("Camille", CertificateRole::CaseOfficer), NOW)
        .unwrap();
    let identity = TlsIdentity::of(&good).unwrap();
    let mut config = client_config(house.judge.anchors(), Some(&identity)).unwrap();
    config.time_provider = Arc::new(FixedTime);
    let (server, client) = connect(&house.server, &Arc::new(config)).unwrap();
    assert_eq!(judged(&house, &server, NOW), "accepted");
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert_eq!(client.negotiated_key_exchange_group().unwrap().name(), rustls::NamedGroup::X25519MLKEM768);
    assert_eq!(client.alpn_protocol(), Some(&b"h2"[..]));

    // A server that asks for nothing gets nothing, and a client of other anchors refuses it.
    let issued = house.authority.issue_server(&ServerProfile::for_hosts(["cles.localhost"]), NOW).unwrap();
    let plain = Arc::new(server_config(&TlsIdentity::of(&issued).unwrap()).unwrap());
    let mut config = client_config(house.judge.anchors(), Some(&identity)).unwrap();
    config.time_provider = Arc::new(FixedTime);
    assert!(connect(&plain, &Arc::new(config)).unwrap().0.peer_certificates().is_none());
    let other = Authority::create(&AuthorityProfile::of("Autre"), NOW).unwrap();
    let anchors = Anchors::new([other.certificate().clone()]).unwrap();
    let mut config = client_config(&anchors, None).unwrap();
    config.time_provider = Arc::new(FixedTime);
    connect(&plain, &Arc::new(config)).map(|_| ()).unwrap_err();
}

#[test]
fn an_identity_is_a_chain_with_its_own_key() {
    let house = house();
    let issued = house.authority.issue_server(&ServerProfile::for_hosts(["localhost"]), NOW).unwrap();
    let key = || PrivateKey::from_pem(&issued.key().to_pem()).unwrap();
    TlsIdentity::new(&issued.chain_pem(), key()).unwrap();
    let wrong = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    assert_eq!(TlsIdentity::new(&issued.chain_pem(), wrong).unwrap_err().code(), "pki_key_mismatch");
    assert_eq!(TlsIdentity::new("", key()).unwrap_err().code(), "pki_not_a_certificate");
    assert!(!format!("{:?}", TlsIdentity::of(&issued).unwrap()).contains("pkcs8"));
}
