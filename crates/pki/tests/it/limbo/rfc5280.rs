//! `rfc5280`, but for constraints on names.

use time::{Duration, macros::datetime};

use super::{
    Case, Chain, Fails, Holds, case,
    der::{self, KEY_CERT_SIGN, oid},
    made::{Key, Made, Plan},
    why,
};

fn root() -> Made {
    Plan::root().make()
}

fn leaf(parent: &Made) -> Made {
    Plan::leaf(parent).make()
}

/// A leaf below this root.
fn under(root: Plan) -> Chain {
    let root = root.make();
    Chain::of(&root, &[], &leaf(&root))
}

/// A leaf below an authority that is made so, below a root.
fn through(authority: impl FnOnce(Plan) -> Plan) -> Chain {
    let root = root();
    let below = authority(Plan::below(&root, None)).make();
    Chain::of(&root, &[&below], &leaf(&below))
}

/// A leaf that is made so, below a root.
fn ending(leaf: impl FnOnce(Plan) -> Plan) -> Chain {
    let root = root();
    Chain::of(&root, &[], &leaf(Plan::leaf(&root)).make())
}

fn unknown(plan: Plan) -> Plan {
    plan.with(der::extension(oid::UNKNOWN, true, &[]))
}

/// Root, authority and leaf with these years of beginning and end, judged in 2022.
fn years(root: (i32, i32), below: (i32, i32), leaf: (i32, i32)) -> Chain {
    let valid = |plan: Plan, (from, until)| {
        let day = datetime!(2000-01-01 00:00 UTC);
        plan.valid(day.replace_year(from).unwrap(), day.replace_year(until).unwrap())
    };
    let root = valid(Plan::root(), root).make();
    let below = valid(Plan::below(&root, None), below).make();
    let leaf = valid(Plan::leaf(&below), leaf).make();
    Chain::of(&root, &[&below], &leaf).at(datetime!(2022-01-01 00:00 UTC))
}

/// Root, authority and leaf from the beginning of March 2024, and `late` more, until the beginning of April.
fn march(late: Duration) -> Chain {
    let (from, until) = (datetime!(2024-03-01 00:00 UTC) + late, datetime!(2024-04-01 00:00 UTC));
    let root = Plan::root().valid(from, until).make();
    let below = Plan::below(&root, None).valid(from, until).make();
    Chain::of(&root, &[&below], &Plan::leaf(&below).valid(from, until).make())
}

/// An authority in the place of a leaf.
fn as_leaf() -> Chain {
    let root = root();
    let names = der::alternative_names(false, &[der::dns("ca.example.com")]);
    Chain::of(&root, &[], &Plan::below(&root, None).with(names).make())
}

pub(super) const CASES: &[Case] = &[
    case("rfc5280::ee-empty-issuer", Fails, "a leaf without an issuer's name", || {
        ending(|leaf| leaf.issuer(der::no_name()).named("empty-issuer"))
    })
    .openssl("unable to get local issuer certificate"),
    case("rfc5280::ca-empty-subject", Fails, "an authority without a name (§4.1.2.6)", || {
        under(Plan::root().subject(der::no_name()))
    })
    .ours("anchor")
    .openssl("Issuer name empty"),
    case("rfc5280::unknown-critical-extension-ee", Fails, "a critical extension that nobody knows", || {
        ending(unknown)
    })
    .ours("certificate_unknown_critical_extension")
    .openssl("unhandled critical extension")
    .shows("1.3.6.1.4.1.55738.666.1: critical"),
    case("rfc5280::unknown-critical-extension-root", Fails, "the same in the root", || {
        under(unknown(Plan::root()))
    })
    .ours("anchor")
    .openssl("unhandled critical extension")
    .shows("1.3.6.1.4.1.55738.666.1: critical"),
    case("rfc5280::unknown-critical-extension-intermediate", Fails, "the same between", || through(unknown))
        .ours("certificate_unknown_critical_extension")
        .openssl("unhandled critical extension")
        .shows("1.3.6.1.4.1.55738.666.1: critical"),
    case("rfc5280::chain-untrusted-root", Fails, "another root is trusted", || {
        let (root, other) = (root(), Plan::root().named("x509-limbo-unrelated-root").make());
        let below = Plan::below(&root, Some(0)).make();
        Chain::of(&other, &[&root, &below], &leaf(&below))
    })
    .openssl("self-signed certificate in certificate chain"),
    case("rfc5280::intermediate-ca-without-ca-bit", Fails, "who is no authority issues", || {
        through(|below| below.with(der::basic_constraints(true, false, None)))
    })
    .openssl("invalid CA certificate")
    .shows("CA:FALSE"),
    case(
        "rfc5280::intermediate-ca-missing-basic-constraints",
        Fails,
        "who does not say that it is one issues",
        || through(|below| below.without(oid::BASIC_CONSTRAINTS)),
    )
    .openssl("invalid CA certificate"),
    case("rfc5280::root-missing-basic-constraints", Fails, "a root that does not say it", || {
        under(Plan::root().without(oid::BASIC_CONSTRAINTS))
    })
    .ours("anchor")
    .openssl("invalid CA certificate"),
    case("rfc5280::root-non-critical-basic-constraints", Fails, "a root that says it uncritically", || {
        under(Plan::root().with(der::basic_constraints(false, true, None)))
    })
    .differs("accepted", why::UNCRITICAL_AUTHORITY)
    .openssl("Basic Constraints of CA cert not marked critical")
    .shows("X509v3 Basic Constraints: CA:TRUE"),
    case("rfc5280::root-inconsistent-ca-extensions", Fails, "a root whose key may not sign", || {
        under(Plan::root().with(der::key_usage(false, 0)))
    })
    .ours("anchor")
    .openssl("unable to get local issuer certificate")
    .shows("X509v3 Key Usage: ... X509v3"),
    case("rfc5280::ica-ku-keycertsign", Fails, "an authority whose key may not sign", || {
        let root = root();
        let below = Plan::below(&root, Some(0)).with(der::key_usage(false, 0)).make();
        Chain::of(&root, &[&below], &leaf(&below))
    })
    .openssl("unable to get local issuer certificate")
    .shows("pathlen:0"),
    case("rfc5280::leaf-ku-keycertsign", Fails, "a leaf that is no authority, whose key may sign", || {
        ending(|leaf| {
            leaf.with(der::basic_constraints(true, false, None))
                .with(der::key_usage(false, der::DIGITAL_SIGNATURE | KEY_CERT_SIGN))
        })
    })
    .differs("accepted", why::NO_AUTHORITY)
    .openssl("Key usage keyCertSign invalid for non-CA cert")
    .shows("Digital Signature, Certificate Sign"),
    case("rfc5280::ee-aia", Holds, "where the issuer is found, in a DNS name", || {
        ending(|leaf| leaf.with(der::issuer_at(false, "example.com")))
    })
    .shows("CA Issuers - DNS:example.com"),
    case("rfc5280::ee-critical-aia-invalid", Fails, "the same, critical", || {
        ending(|leaf| leaf.with(der::issuer_at(true, "example.com")))
    })
    .ours("certificate_unknown_critical_extension")
    .openssl("unhandled critical extension")
    .shows("Authority Information Access: critical"),
    case("rfc5280::duplicate-extensions", Fails, "names twice", || {
        ending(|leaf| leaf.also(der::alternative_names(false, &[der::dns("example.com")])))
    })
    .ours("certificate_unacceptable")
    .openssl("unable to get local issuer certificate")
    .shows("DNS:example.com X509v3 Subject Alternative Name: DNS:example.com"),
    case("rfc5280::no-keyusage", Holds, "a leaf's key may do anything", || {
        ending(|leaf| leaf.without(oid::KEY_USAGE))
    }),
    case("rfc5280::no-basicconstraints", Holds, "a leaf need not say that it is no authority", || {
        ending(|leaf| leaf)
    }),
    case(
        "rfc5280::mismatching-signature-algorithm",
        Fails,
        "a root's signature is of another algorithm without than within",
        || under(Plan::root().saying_without(der::ecdsa_with_sha384())),
    )
    .ours("anchor")
    .openssl("cert info signature and signature algorithm mismatch"),
    case("rfc5280::ca-as-leaf", Holds, "an authority comes itself", as_leaf)
        .differs("certificate_wrong_purpose", why::AUTHORITY)
        .openssl("unsuitable certificate purpose"),
    case("rfc5280::ca-as-leaf-wrong-san", Fails, "the same under another name than expected", as_leaf)
        .ours("certificate_wrong_purpose")
        .openssl("unsuitable certificate purpose"),
    case("rfc5280::root-and-intermediate-swapped", Holds, "trust in an authority, its root sent", || {
        let root = root();
        let below = Plan::below(&root, None).make();
        Chain::of(&below, &[&root], &leaf(&below))
    }),
    case("rfc5280::aki::critical-aki", Fails, "a root's AuthorityKeyIdentifier is critical", || {
        let key = Key::usual();
        under(Plan::root().keyed(&key).with(der::authority_key_identifier(true, &key.identifier())))
    })
    .ours("anchor")
    .openssl("unhandled critical extension")
    .shows("Authority Key Identifier: critical"),
    case("rfc5280::aki::leaf-missing-aki", Fails, "a leaf does not say by which key", || {
        ending(|leaf| leaf.without(oid::AUTHORITY_KEY_IDENTIFIER))
    })
    .differs("accepted", why::OF_ISSUERS)
    .openssl("Missing Authority Key Identifier"),
    case("rfc5280::aki::intermediate-missing-aki", Fails, "an authority does not say by which key", || {
        through(|below| below.without(oid::AUTHORITY_KEY_IDENTIFIER))
    })
    .differs("accepted", why::OF_ISSUERS)
    .openssl("Missing Authority Key Identifier"),
    case("rfc5280::aki::self-signed-root-missing-aki", Holds, "a root need not", || under(Plan::root())),
    case("rfc5280::aki::cross-signed-root-missing-aki", Fails, "an anchor of another's signature", || {
        let other = root();
        under(Plan::below(&other, Some(0)).without(oid::AUTHORITY_KEY_IDENTIFIER))
    })
    .differs("accepted", why::OF_ISSUERS),
    case("rfc5280::eku::ee-wrong-eku", Fails, "a leaf for the other end of TLS", || {
        ending(|leaf| leaf.with(der::purposes(false, &[oid::SERVER_AUTH])))
    })
    .ours("certificate_wrong_purpose")
    .openssl("unsuitable certificate purpose")
    .shows("TLS Web Server Authentication"),
    case("rfc5280::eku::ee-without-eku", Holds, "a leaf for no purpose in particular", || {
        ending(|leaf| leaf.without(oid::EXTENDED_KEY_USAGE))
    })
    .differs("certificate_wrong_purpose", why::NO_PURPOSE),
    case("rfc5280::pc::ica-noncritical-pc", Fails, "an authority's PolicyConstraints, uncritical", || {
        // requireExplicitPolicy, after three more.
        let constraints = der::sequence(&[der::tlv(0x80, &[3])]);
        through(|below| below.with(der::extension(oid::POLICY_CONSTRAINTS, false, &constraints)))
    })
    .differs("accepted", why::UNCRITICAL)
    .shows("Policy Constraints: Require Explicit Policy:3"),
    case("rfc5280::san::malformed", Fails, "names that are no DER", || {
        ending(|leaf| leaf.with(der::extension(oid::SUBJECT_ALT_NAME, false, b"example.com")))
    })
    .ours("certificate_malformed")
    .openssl("unable to get local issuer certificate"),
    case(
        "rfc5280::san::noncritical-with-empty-subject",
        Fails,
        "names that alone say whose it is, uncritical",
        || ending(|leaf| leaf.subject(der::no_name())),
    )
    .differs("accepted", why::NAMELESS)
    .openssl("Subject empty and Subject Alt Name extension not critical")
    .shows("Subject: Subject Public Key Info"),
    case("rfc5280::serial::serial-number-too-long", Fails, "a serial number of 22 octets", || {
        ending(|leaf| leaf.serial(&[0x5a; 22]))
    })
    .differs("accepted", why::SERIAL),
    case("rfc5280::serial::serial-number-zero", Fails, "a serial number of zero", || {
        ending(|leaf| leaf.serial(&[0]))
    })
    .differs("accepted", why::SERIAL)
    .shows("Serial Number: 0 (0x0)"),
    case("rfc5280::serial::serial-number-negative", Fails, "a serial number below zero", || {
        ending(|leaf| leaf.serial(&[0xfe, 1]))
    })
    .differs("accepted", why::SERIAL)
    .shows("Serial Number: -"),
    case("rfc5280::ski::critical-ski", Fails, "a root's SubjectKeyIdentifier is critical", || {
        let key = Key::usual();
        under(Plan::root().keyed(&key).with(der::subject_key_identifier(true, &key.identifier())))
    })
    .ours("anchor")
    .openssl("unhandled critical extension")
    .shows("Subject Key Identifier: critical"),
    case("rfc5280::ski::root-missing-ski", Fails, "a root does not name its key", || {
        under(Plan::root().without(oid::SUBJECT_KEY_IDENTIFIER))
    })
    .differs("accepted", why::OF_ISSUERS)
    .openssl("Missing Subject Key Identifier"),
    case("rfc5280::ski::intermediate-missing-ski", Fails, "an authority does not name its key", || {
        through(|below| below.without(oid::SUBJECT_KEY_IDENTIFIER))
    })
    .differs("accepted", why::OF_ISSUERS)
    .openssl("Missing Subject Key Identifier"),
    case("rfc5280::validity::expired-root", Fails, "the root is over", || {
        years((2016, 2020), (2016, 2026), (2018, 2023))
    })
    .ours("certificate_expired")
    .openssl("certificate has expired"),
    case("rfc5280::validity::expired-intermediate", Fails, "an authority is over", || {
        years((2016, 2026), (2016, 2020), (2018, 2023))
    })
    .ours("certificate_expired")
    .openssl("certificate has expired"),
    case("rfc5280::validity::expired-leaf", Fails, "the leaf is over", || {
        years((2016, 2026), (2016, 2026), (2018, 2021))
    })
    .ours("certificate_expired")
    .openssl("certificate has expired"),
    case("rfc5280::validity::notbefore-exact", Holds, "in the first instant", || {
        march(Duration::ZERO).at(datetime!(2024-03-01 00:00 UTC))
    }),
    case("rfc5280::validity::notbefore-fractional", Fails, "a thousandth before it", || {
        march(Duration::SECOND).at(datetime!(2024-03-01 00:00:00.999 UTC))
    })
    .ours("certificate_not_yet_valid")
    .openssl("certificate is not yet valid"),
    case("rfc5280::validity::notafter-exact", Holds, "in the last instant", || {
        march(Duration::ZERO).at(datetime!(2024-04-01 00:00 UTC))
    })
    .openssl("certificate has expired"),
    case("rfc5280::validity::notafter-fractional", Holds, "within the last second", || {
        march(Duration::ZERO).at(datetime!(2024-04-01 00:00:00.005 UTC))
    })
    .openssl("certificate has expired"),
];

#[test]
fn an_authority_between_has_a_name_and_where_to_ask_can_be_read() {
    assert_eq!(through(|below| below.subject(der::no_name())).verdict(), "certificate_untrusted");
    let unreadable = |plan: Plan| plan.with(der::extension(oid::AUTHORITY_INFORMATION, false, b"malformed"));
    assert_eq!(through(unreadable).verdict(), "certificate_malformed");
    let unreadable = |plan: Plan| plan.with(der::extension(oid::DISTRIBUTION_POINTS, false, b"malformed"));
    assert_eq!(ending(unreadable).verdict(), "certificate_malformed");
}
