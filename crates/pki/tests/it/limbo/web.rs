//! `webpki`: what the CA/Browser Forum asks of TLS on the Web, where it can be asked of a client.

use super::{
    Case, Chain, Fails, Holds, case,
    der::{self, dns, oid},
    made::{Key, Made, Plan},
    why,
};

const P192: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:prime192v1 -pkeyopt ec_param_enc:named_curve";
const EXPLICIT: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit";

fn root() -> Made {
    Plan::root().make()
}

/// A leaf below this root.
fn under(root: Plan) -> Chain {
    let root = root.make();
    Chain::of(&root, &[], &Plan::leaf(&root).make())
}

/// A leaf that is made so, below a root.
fn ending(leaf: impl FnOnce(Plan) -> Plan) -> Chain {
    let root = root();
    Chain::of(&root, &[], &leaf(Plan::leaf(&root)).make())
}

/// A leaf for clients, and for these.
fn for_clients_and(others: &[&[u8]]) -> Chain {
    ending(|leaf| leaf.with(der::purposes(false, &[&[oid::CLIENT_AUTH], others].concat())))
}

fn rsa(bits: u16) -> std::rc::Rc<Key> {
    Key::openssl(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"), der::rsa_with_sha256())
}

/// A self-signed root whose AuthorityKeyIdentifier says these.
fn identified(own: bool, issuer: Option<&str>, serial: Option<&[u8]>) -> Chain {
    let key = Key::usual();
    let identifier = own.then(|| key.identifier());
    under(Plan::root().keyed(&key).with(der::authority_certificate(identifier.as_deref(), issuer, serial)))
}

/// An authority whose NameConstraints have this value.
fn constrained(value: &[u8]) -> Chain {
    let root = root();
    let below = Plan::below(&root, None).with(der::extension(oid::NAME_CONSTRAINTS, true, value)).make();
    Chain::of(&root, &[&below], &Plan::leaf(&below).make())
}

pub(super) const CASES: &[Case] = &[
    case("webpki::explicit-curve", Fails, "keys that spell their curve out", || {
        let (above, own) = (
            Key::openssl(EXPLICIT, der::ecdsa_with_sha256()),
            Key::openssl(EXPLICIT, der::ecdsa_with_sha256()),
        );
        let root = Plan::root().keyed(&above).make();
        Chain::of(&root, &[], &Plan::leaf(&root).keyed(&own).make())
    })
    .ours("certificate_unacceptable")
    .openssl("Certificate public key has explicit ECC parameters")
    .shows("Field Type: prime-field"),
    case("webpki::malformed-aia", Fails, "where the issuer is found, no DER", || {
        ending(|leaf| leaf.with(der::extension(oid::AUTHORITY_INFORMATION, false, b"malformed")))
    })
    .ours("certificate_malformed"),
    case("webpki::forbidden-p192-root", Fails, "a root on P-192", || {
        under(Plan::root().keyed(&Key::openssl(P192, der::ecdsa_with_sha256())))
    })
    .ours("certificate_unacceptable")
    .shows("ASN1 OID: prime192v1"),
    case("webpki::forbidden-p192-leaf", Fails, "a leaf on P-192", || {
        ending(|leaf| leaf.keyed(&Key::openssl(P192, der::ecdsa_with_sha256())))
    })
    .ours("certificate_unacceptable")
    .shows("ASN1 OID: prime192v1"),
    case("webpki::forbidden-weak-rsa-key-in-root", Fails, "a root of RSA with 1024 bits", || {
        under(Plan::root().keyed(&rsa(1024)))
    })
    .ours("certificate_bad_signature")
    .shows("Public-Key: (1024 bit)"),
    case("webpki::forbidden-weak-rsa-in-leaf", Fails, "a leaf of RSA with 1024 bits", || {
        ending(|leaf| leaf.keyed(&rsa(1024)))
    })
    .ours("certificate_unacceptable")
    .shows("Public-Key: (1024 bit)"),
    case("webpki::forbidden-rsa-not-divisable-by-8-in-root", Fails, "a root of RSA with 2052 bits", || {
        under(Plan::root().keyed(&rsa(2052)))
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("Public-Key: (2052 bit)"),
    case(
        "webpki::forbidden-rsa-key-not-divisable-by-8-in-leaf",
        Fails,
        "a leaf of RSA with 2052 bits",
        || ending(|leaf| leaf.keyed(&rsa(2052))),
    )
    .differs("accepted", why::OF_BROWSERS)
    .shows("Public-Key: (2052 bit)"),
    case("webpki::v1-cert", Fails, "a leaf of version 1", || ending(Plan::first_version))
        .ours("certificate_malformed")
        .shows("Version: 1 (0x0)"),
    case("webpki::ee-basicconstraints-ca", Fails, "a leaf that says it is an authority", || {
        ending(|leaf| leaf.with(der::basic_constraints(true, true, None)))
    })
    .ours("certificate_wrong_purpose")
    .shows("Basic Constraints: critical CA:TRUE"),
    case("webpki::ca-as-leaf", Fails, "an authority comes itself", || {
        let root = root();
        Chain::of(&root, &[], &Plan::below(&root, None).make())
    })
    .ours("certificate_wrong_purpose")
    .openssl("unsuitable certificate purpose"),
    case("webpki::san::san-critical-with-nonempty-subject", Fails, "critical names beside a subject", || {
        ending(|leaf| leaf.named("something-else").with(der::alternative_names(true, &[dns("example.com")])))
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("Subject Alternative Name: critical"),
    case(
        "webpki::aki::root-with-aki-missing-keyidentifier",
        Fails,
        "a root's AuthorityKeyIdentifier names no key",
        || identified(false, None, None),
    )
    .differs("accepted", why::OF_BROWSERS),
    case(
        "webpki::aki::root-with-aki-authoritycertissuer",
        Fails,
        "a root's AuthorityKeyIdentifier names an issuer",
        || identified(true, Some("myCN"), None),
    )
    .differs("accepted", why::OF_BROWSERS)
    .shows("DirName:/CN=myCN"),
    case(
        "webpki::aki::root-with-aki-authoritycertserialnumber",
        Fails,
        "a root's AuthorityKeyIdentifier names a serial number",
        || identified(true, None, Some(&[4, 0xd2])),
    )
    .differs("accepted", why::OF_BROWSERS)
    .shows("serial:04:D2"),
    case(
        "webpki::aki::root-with-aki-all-fields",
        Fails,
        "a root's AuthorityKeyIdentifier names key, issuer and serial number",
        || identified(true, Some("myCN"), Some(&[4, 0xd2])),
    )
    .differs("accepted", why::OF_BROWSERS)
    .shows("DirName:/CN=myCN serial:04:D2"),
    case(
        "webpki::aki::root-with-aki-ski-mismatch",
        Fails,
        "a root's AuthorityKeyIdentifier names another key",
        || under(Plan::root().with(der::authority_key_identifier(false, &Key::usual().identifier()))),
    )
    .differs("accepted", why::OF_BROWSERS),
    case("webpki::eku::ee-anyeku", Fails, "for clients, and for any purpose", || {
        for_clients_and(&[oid::ANY_PURPOSE])
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("Any Extended Key Usage"),
    case("webpki::eku::ee-critical-eku", Fails, "a leaf whose purposes are critical", || {
        ending(|leaf| leaf.with(der::purposes(true, &[oid::CLIENT_AUTH])))
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("Extended Key Usage: critical"),
    case("webpki::eku::ee-without-eku", Fails, "for no purpose in particular", || {
        ending(|leaf| leaf.without(oid::EXTENDED_KEY_USAGE))
    })
    .ours("certificate_wrong_purpose"),
    case("webpki::eku::root-has-eku", Fails, "a root for a purpose", || {
        under(Plan::root().with(der::purposes(false, &[oid::CLIENT_AUTH])))
    })
    .differs("accepted", why::OF_BROWSERS),
    case("webpki::eku::ee-clientauth-only", Fails, "only for the other end of TLS", || {
        ending(|leaf| leaf.with(der::purposes(false, &[oid::SERVER_AUTH])))
    })
    .ours("certificate_wrong_purpose")
    .openssl("unsuitable certificate purpose"),
    case("webpki::eku::ee-serverauth-with-additional", Holds, "for both ends of TLS", || {
        for_clients_and(&[oid::SERVER_AUTH])
    })
    .shows("TLS Web Client Authentication, TLS Web Server Authentication"),
    case("webpki::eku::ee-codesigning-with-serverauth", Fails, "for clients, and for signing code", || {
        for_clients_and(&[oid::CODE_SIGNING])
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("Code Signing"),
    case("webpki::eku::ee-emailprotection-with-serverauth", Fails, "for clients, and for mail", || {
        for_clients_and(&[oid::EMAIL_PROTECTION])
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("E-mail Protection"),
    case("webpki::eku::ee-timestamping-with-serverauth", Fails, "for clients, and for time stamps", || {
        for_clients_and(&[oid::TIME_STAMPING])
    })
    .differs("accepted", why::OF_BROWSERS)
    .shows("Time Stamping"),
    case(
        "webpki::eku::ee-ocspsigning-with-serverauth",
        Fails,
        "for clients, and for signing OCSP responses",
        || for_clients_and(&[oid::OCSP_SIGNING]),
    )
    .differs("accepted", why::OF_BROWSERS)
    .shows("OCSP Signing"),
    case(
        "webpki::eku::ee-precertificate-with-serverauth",
        Fails,
        "for clients, and for precertificates",
        || for_clients_and(&[oid::PRECERTIFICATES]),
    )
    .differs("accepted", why::OF_BROWSERS)
    .shows("CT Precertificate Signer"),
    case("webpki::eku::ee-precertificate-only", Fails, "for precertificates only", || {
        ending(|leaf| leaf.with(der::purposes(false, &[oid::PRECERTIFICATES])))
    })
    .ours("certificate_wrong_purpose")
    .openssl("unsuitable certificate purpose")
    .shows("CT Precertificate Signer"),
    case("webpki::ku::ee-rsa-without-any-usages", Fails, "a key of RSA that may do nothing", || {
        ending(|leaf| leaf.keyed(&rsa(2048)).with(der::key_usage(true, 0)))
    })
    .ours("certificate_wrong_purpose")
    .openssl("unable to get local issuer certificate")
    .shows("Key Usage: critical"),
    case("webpki::nc::permitted-dns-match-noncritical", Holds, "constraints, uncritical", || {
        under(Plan::root().with(der::name_constraints(false, &[dns("example.com")], &[])))
    }),
    case(
        "webpki::nc::intermediate-permitted-excluded-subtrees-both-null",
        Fails,
        "constraints that say nothing",
        || constrained(&der::sequence(&[])),
    )
    .differs("accepted", why::NOTHING),
    case(
        "webpki::nc::intermediate-permitted-excluded-subtrees-both-empty-sequences",
        Fails,
        "constraints of no name",
        || constrained(&der::sequence(&[der::tlv(0xa0, &[]), der::tlv(0xa1, &[])])),
    )
    .differs("accepted", why::NOTHING),
];
