//! What a receiver of a signed webhook reads, and the address that an organisation's administrator writes for one.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use sceau_crypto::http_signature::{self, Moment, SignedRequest, sign, verify};
use sceau_crypto::{Secret, SigningKey};
use sceau_dossiers::Reach;

fuzz_target!(|input: (&str, &str, &str, &str, &[u8], u64)| {
    let (address, signature_input, signature, nonce, body, now) = input;
    let key = SigningKey::from_seed(Secret::from_slice(&[7; 32]).expect("a seed"));
    let digest = http_signature::content_digest(body);
    let request = SignedRequest {
        method: "POST",
        target_uri: address,
        content_digest: &digest,
        content_type: "application/json",
    };
    // Nobody signed this: whatever stands there, it is refused.
    let keys = [key.verifying_key()];
    assert!(verify(&keys, &request, body, (signature_input, signature), now).is_err());
    // What we sign is taken as it is, where its nonce is one.
    let moment = Moment { created: now, expires: now.saturating_add(300), nonce: nonce.to_owned() };
    let (signed_input, signed) = sign(&key, &request, &moment);
    if let Ok(read) = verify(&keys, &request, body, (&signed_input, &signed), now) {
        assert_eq!(read, moment);
    }
    let Ok(url) = address.parse() else { return };
    if Reach::default().judge(&url).is_err() {
        return;
    }
    assert_eq!(url.scheme(), "https");
    assert!(url.port_or_known_default().is_some_and(|port| port == 443 || port >= 1024));
    let literal = match url.host().expect("a host") {
        url::Host::Ipv4(v4) => IpAddr::V4(v4),
        url::Host::Ipv6(v6) => IpAddr::V6(v6).to_canonical(),
        url::Host::Domain(_) => return,
    };
    assert!(!literal.is_loopback() && !literal.is_unspecified() && !literal.is_multicast());
    if let IpAddr::V4(v4) = literal {
        assert!(!v4.is_private() && !v4.is_link_local() && v4 != Ipv4Addr::BROADCAST);
    }
});
