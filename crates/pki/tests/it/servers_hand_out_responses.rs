//! What a server hands out with its certificate, and which certificates demand it.

use sceau_pki::{Authority, AuthorityProfile, Error, TlsIdentity, server_config_stapling};

use crate::outside::{NOW, odd};

const SERVER: &str = "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n";

#[test]
fn a_certificate_says_whether_clients_may_demand_a_response() {
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    for (more, demanded) in [("tlsfeature=status_request\n", true), ("tlsfeature=23\n", false), ("", false)] {
        let server = odd(&authority, "/CN=localhost", &format!("{SERVER}{more}"));
        let chain = server.certificate.to_pem() + &authority.certificate().to_pem();
        let identity = TlsIdentity::new(&chain, server.key).unwrap();
        let (_, staple) = server_config_stapling(&identity, &[]).unwrap();
        assert_eq!(staple.is_demanded(), demanded, "{more}");
        assert_eq!(staple.issuer(), authority.certificate());
    }
}

#[test]
fn what_is_handed_out_changes_for_whoever_holds_it() {
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let server = odd(&authority, "/CN=localhost", SERVER);
    let alone = TlsIdentity::new(&server.certificate.to_pem(), server.key).unwrap();
    let refused = server_config_stapling(&alone, &[]).map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::NoIssuer), "whose it is must be known: {refused}");
    let again = odd(&authority, "/CN=localhost", SERVER);
    let chain = again.certificate.to_pem() + &authority.certificate().to_pem();
    let identity = TlsIdentity::new(&chain, again.key).unwrap();
    let (config, staple) = server_config_stapling(&identity, &[]).unwrap();
    let other = staple.clone();
    assert_eq!(staple.response(), None);
    staple.put(Some(vec![1, 2, 3]));
    assert_eq!(other.response(), Some(vec![1, 2, 3]));
    other.put(None);
    assert_eq!(staple.response(), None);
    assert!(!config.alpn_protocols.is_empty());
}
