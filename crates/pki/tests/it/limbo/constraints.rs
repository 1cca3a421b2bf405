//! `rfc5280::nc`: constraints on names (RFC 5280 §4.2.1.10).

use super::{
    Case, Chain, Fails, Holds, case,
    der::{self, directory, dns, email, ip},
    made::{Key, Made, Plan},
    why,
};

/// 192.0.2.0/24.
const NETWORK: &[u8] = &[192, 0, 2, 0, 255, 255, 255, 0];
const LOOPBACK: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn root() -> Made {
    Plan::root().make()
}

fn constrained(plan: Plan, permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Plan {
    plan.with(der::name_constraints(true, permitted, excluded))
}

fn speaking_for(plan: Plan, names: &[Vec<u8>]) -> Plan {
    plan.with(der::alternative_names(false, names))
}

/// A root that permits and excludes, and a leaf of these names.
fn by_root(permitted: &[Vec<u8>], excluded: &[Vec<u8>], names: &[Vec<u8>]) -> Chain {
    let root = constrained(Plan::root(), permitted, excluded).make();
    Chain::of(&root, &[], &speaking_for(Plan::leaf(&root), names).make())
}

/// The same by an authority below the root, which has no names itself.
fn by_authority(permitted: &[Vec<u8>], excluded: &[Vec<u8>], names: &[Vec<u8>]) -> Chain {
    let root = root();
    let below = Plan::below(&root, None).without(der::oid::SUBJECT_ALT_NAME);
    let below = constrained(below, permitted, excluded).make();
    Chain::of(&root, &[&below], &speaking_for(Plan::leaf(&below), names).make())
}

/// A root that permits and excludes directory names, and a leaf of this subject and this further name.
fn named(permitted: &[Vec<u8>], excluded: &[Vec<u8>], subject: &str, further: &str) -> Chain {
    let root = constrained(Plan::root(), permitted, excluded).make();
    let leaf = Plan::leaf(&root).named(subject);
    Chain::of(&root, &[], &speaking_for(leaf, &[directory(further)]).make())
}

/// The root permits one name and excludes another, or the first authority does; the second authority has the other.
fn excluded_between(by_root: bool) -> Chain {
    let (permitted, excluded) = ([dns("permitted.example.com")], [dns("forbidden.example.com")]);
    let constrained = |plan, yes: bool| if yes { constrained(plan, &permitted, &excluded) } else { plan };
    let root = constrained(Plan::root(), by_root).make();
    let first = Plan::below(&root, None).without(der::oid::SUBJECT_ALT_NAME);
    let first = constrained(first, !by_root).make();
    let second = speaking_for(Plan::below(&first, None), &excluded).make();
    let leaf = speaking_for(Plan::leaf(&second), &permitted).make();
    Chain::of(&root, &[&first, &second], &leaf)
}

/// Two authorities permit names one after the other.
fn narrowing(first: &[Vec<u8>], second: &[Vec<u8>], name: &str) -> Chain {
    let root = root();
    let nameless = |plan: Plan| plan.without(der::oid::SUBJECT_ALT_NAME);
    let above = constrained(nameless(Plan::below(&root, None)), first, &[]).make();
    let below = constrained(nameless(Plan::below(&above, None)), second, &[]).make();
    let leaf = speaking_for(Plan::leaf(&below), &[dns(name)]).make();
    Chain::of(&root, &[&above, &below], &leaf)
}

/// An authority certified twice, under the name `an-intermediate`, by these and with these names.
fn twice(first: &Made, first_names: &[Vec<u8>], second: &Made, second_names: &[Vec<u8>]) -> (Made, Made) {
    let key = Key::usual();
    let below = |parent, names: &[Vec<u8>]| {
        let plan = Plan::below(parent, None).named("an-intermediate").keyed(&key);
        let plan = plan.without(der::oid::SUBJECT_ALT_NAME);
        if names.is_empty() { plan.make() } else { speaking_for(plan, names).make() }
    };
    (below(first, first_names), below(second, second_names))
}

pub(super) const CASES: &[Case] = &[
    case("rfc5280::nc::permitted-dns-mismatch", Fails, "a host that is not permitted", || {
        by_root(&[dns("example.com")], &[], &[dns("not-example.com")])
    })
    .openssl("permitted subtree violation"),
    case("rfc5280::nc::excluded-dns-match", Fails, "a host that is excluded", || {
        let root = root();
        let below = constrained(Plan::below(&root, None), &[], &[dns("example.com")]).make();
        Chain::of(&root, &[&below], &speaking_for(Plan::leaf(&below), &[dns("example.com")]).make())
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::permitted-dns-match", Holds, "a host that is permitted", || {
        by_root(&[dns("example.com")], &[], &[dns("example.com")])
    }),
    case(
        "rfc5280::nc::permitted-dns-match-noncritical",
        Fails,
        "a host that an uncritical constraint permits",
        || {
            let root = Plan::root().with(der::name_constraints(false, &[dns("example.com")], &[])).make();
            Chain::of(&root, &[], &speaking_for(Plan::leaf(&root), &[dns("example.com")]).make())
        },
    )
    .differs("accepted", why::KEPT)
    .shows("Name Constraints: Permitted:"),
    case("rfc5280::nc::permitted-dns-match-more", Holds, "a host below the one permitted", || {
        by_root(&[dns("example.com")], &[], &[dns("foo.bar.example.com")])
    }),
    case("rfc5280::nc::excluded-dns-match-second", Fails, "the second of two hosts is excluded", || {
        let excluded = [dns("not-allowed.example.com")];
        by_root(&[], &excluded, &[dns("example.com"), dns("not-allowed.example.com")])
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::permitted-ip-mismatch", Fails, "an address that is not permitted", || {
        by_root(&[ip(NETWORK)], &[], &[ip(&[192, 0, 3, 1])])
    })
    .openssl("permitted subtree violation"),
    case("rfc5280::nc::excluded-ipv4-match", Fails, "an address that is excluded", || {
        by_root(&[], &[ip(NETWORK)], &[ip(&[192, 0, 2, 1])])
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::excluded-ipv6-match", Fails, "one of IPv6 that is excluded", || {
        by_root(&[], &[ip(&[LOOPBACK, [255; 16]].concat())], &[ip(&LOOPBACK)])
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::permitted-ipv4-match", Holds, "an address that is permitted", || {
        by_root(&[ip(NETWORK)], &[], &[ip(&[192, 0, 2, 1])])
    }),
    case("rfc5280::nc::permitted-ipv6-match", Holds, "one of IPv6 that is permitted", || {
        by_root(&[ip(&[LOOPBACK, [255; 16]].concat())], &[], &[ip(&LOOPBACK)])
    }),
    case("rfc5280::nc::permitted-dn-mismatch", Fails, "a directory name that is not permitted", || {
        named(&[directory("foo")], &[], "not-foo", "not-foo")
    })
    .openssl("permitted subtree violation"),
    case("rfc5280::nc::excluded-dn-match", Fails, "a directory name that is excluded", || {
        named(&[], &[directory("foo")], "foo", "foo")
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::permitted-dn-match", Holds, "a directory name that is permitted", || {
        named(&[directory("foo")], &[], "foo", "foo")
    })
    .differs("certificate_untrusted", why::NOT_WEIGHED),
    case(
        "rfc5280::nc::permitted-dn-match-subject-san-mismatch",
        Fails,
        "permitted as a further name, not as the subject",
        || named(&[directory("foo")], &[], "not-foo", "foo"),
    )
    .openssl("permitted subtree violation"),
    case(
        "rfc5280::nc::excluded-dn-match-sub-mismatch",
        Fails,
        "excluded as the subject, not as a further name",
        || named(&[], &[directory("foo")], "foo", "not-foo"),
    )
    .openssl("excluded subtree violation"),
    case(
        "rfc5280::nc::permitted-self-issued",
        Holds,
        "none of a self-issued authority's names counts",
        || {
            let plan = speaking_for(Plan::root().named("not-example.com"), &[dns("not-example.com")]);
            let root = constrained(plan, &[dns("example.com")], &[]).make();
            let below = Plan::below(&root, None).named("not-example.com");
            let below = speaking_for(below, &[dns("not-example.com")]).make();
            Chain::of(&root, &[&below], &Plan::leaf(&below).make())
        },
    )
    .differs("certificate_bad_signature", why::SELF_ISSUED),
    case("rfc5280::nc::excluded-self-issued-leaf", Fails, "a self-issued leaf's names count", || {
        let root = constrained(Plan::root(), &[dns("example.com")], &[]).make();
        let below =
            speaking_for(Plan::below(&root, None).named("not-example.com"), &[dns("not-example.com")]);
        let below = below.make();
        let leaf = speaking_for(Plan::leaf(&below).named("not-example.com"), &[dns("not-example.com")]);
        Chain::of(&root, &[&below], &leaf.make())
    })
    .openssl("permitted subtree violation"),
    case("rfc5280::nc::excluded-match-permitted-and-excluded", Fails, "permitted and excluded", || {
        by_root(&[dns("example.com")], &[dns("example.com")], &[dns("example.com")])
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::permitted-different-constraint-type", Holds, "a host, where addresses count", || {
        by_root(&[ip(NETWORK)], &[], &[dns("example.com")])
    }),
    case("rfc5280::nc::excluded-different-constraint-type", Holds, "the same, excluded", || {
        by_root(&[], &[ip(NETWORK)], &[dns("example.com")])
    }),
    case("rfc5280::nc::invalid-dnsname-wildcard", Fails, "a constraint with a star", || {
        by_root(&[dns("*.example.com")], &[], &[dns("foo.example.com")])
    })
    .ours("certificate_unacceptable")
    .openssl("permitted subtree violation")
    .shows("DNS:*.example.com"),
    case("rfc5280::nc::invalid-dnsname-leading-period", Fails, "a constraint with a leading period", || {
        by_root(&[dns(".example.com")], &[], &[dns("foo.example.com")])
    })
    .differs("accepted", why::PERIOD)
    .shows("DNS:.example.com"),
    case("rfc5280::nc::invalid-ipv4-address", Fails, "an address without its mask", || {
        by_root(&[ip(&[127, 0, 0, 1])], &[], &[ip(&[127, 0, 0, 1])])
    })
    .ours("certificate_unacceptable")
    .openssl("unsupported or invalid name syntax"),
    case("rfc5280::nc::invalid-ipv6-address", Fails, "one of IPv6 without its mask", || {
        by_root(&[ip(&LOOPBACK)], &[], &[ip(&LOOPBACK)])
    })
    .ours("certificate_unacceptable")
    .openssl("unsupported or invalid name syntax"),
    case("rfc5280::nc::invalid-email-address", Fails, "a constraint with two ats", || {
        by_root(&[email("invalid@invalid@example.com")], &[], &[email("example@example.com")])
    })
    .openssl("permitted subtree violation"),
    case("rfc5280::nc::not-allowed-in-ee-noncritical", Fails, "constraints in a leaf, uncritical", || {
        let root = root();
        let constraints = der::name_constraints(false, &[dns("example.com")], &[]);
        Chain::of(&root, &[], &Plan::leaf(&root).with(constraints).make())
    })
    .differs("accepted", why::NOBODY_BELOW)
    .shows("Name Constraints: Permitted:"),
    case("rfc5280::nc::not-allowed-in-ee-critical", Fails, "constraints in a leaf", || {
        let root = root();
        Chain::of(&root, &[], &constrained(Plan::leaf(&root), &[dns("example.com")], &[]).make())
    })
    .differs("accepted", why::NOBODY_BELOW)
    .shows("Name Constraints: critical Permitted:"),
    case(
        "rfc5280::nc::intermediate-with-san-rejected-by-intermediate-nc",
        Fails,
        "an authority excludes another's name",
        || excluded_between(false),
    )
    .openssl("permitted subtree violation"),
    case(
        "rfc5280::nc::intermediate-with-san-rejected-by-root-nc",
        Fails,
        "the root excludes an authority's name",
        || excluded_between(true),
    )
    .openssl("permitted subtree violation"),
    case(
        "rfc5280::nc::restrictive-permits-in-intermediates-narrows",
        Fails,
        "the second authority permits less",
        || {
            let (one, other) = (dns("foo.example.com"), dns("bar.example.com"));
            narrowing(&[one, other.clone()], &[other], "foo.example.com")
        },
    )
    .openssl("permitted subtree violation"),
    case(
        "rfc5280::nc::restrictive-permits-in-intermediates-widens",
        Fails,
        "the second authority permits more",
        || {
            let (one, other) = (dns("foo.example.com"), dns("bar.example.com"));
            narrowing(std::slice::from_ref(&other), &[one, other.clone()], "foo.example.com")
        },
    )
    .openssl("permitted subtree violation"),
    case("rfc5280::nc::nc-permits-invalid-dns-san", Fails, "a host with a leading period", || {
        by_authority(&[dns("example.com")], &[], &[dns(".example.com"), dns("foo.example.com")])
    })
    .ours("certificate_unacceptable")
    .shows("DNS:.example.com, DNS:foo.example.com"),
    case("rfc5280::nc::nc-permits-invalid-ip-san", Fails, "a network in the place of an address", || {
        by_authority(&[ip(NETWORK)], &[], &[ip(NETWORK), ip(&[192, 0, 2, 1])])
    })
    .ours("certificate_malformed")
    .openssl("unsupported or invalid name syntax"),
    case("rfc5280::nc::nc-permits-invalid-email-san", Fails, "a mailbox with two ats", || {
        let names = ["good@example.com", "alsogood@example.com", "invalid@address@example.com"];
        by_authority(&[email("example.com")], &[], &names.map(email))
    }),
    case(
        "rfc5280::nc::nc-forbids-alternate-chain-ica",
        Holds,
        "an authority leads on in one of two ways",
        || {
            let nameless = |plan: Plan| plan.without(der::oid::SUBJECT_ALT_NAME);
            let (discarded, trusted) = (nameless(Plan::root()).make(), nameless(Plan::root()).make());
            let (permitted, excluded) = ([dns("permitted.example.com")], [dns("forbidden.example.com")]);
            let above = constrained(nameless(Plan::below(&trusted, None)), &permitted, &excluded).make();
            let (astray, onward) = twice(&discarded, &excluded, &above, &[]);
            let leaf = speaking_for(Plan::leaf(&astray).named("permitted.example.com"), &permitted).make();
            Chain::of(&trusted, &[&above, &astray, &onward], &leaf)
        },
    )
    .openssl("unable to get local issuer certificate"),
    case("rfc5280::nc::nc-forbids-same-chain-ica", Holds, "the same, where both end at an anchor", || {
        let nameless = |plan: Plan| plan.without(der::oid::SUBJECT_ALT_NAME);
        let (one, other) = (nameless(Plan::root()).make(), nameless(Plan::root()).make());
        let excluded = [dns("forbidden.example.com")];
        let above = constrained(nameless(Plan::below(&one, None)), &[], &excluded).make();
        let (astray, onward) = twice(&above, &excluded, &other, &[dns("unconstrained-ica.example.com")]);
        let leaf = Plan::leaf(&astray).named("unconstrained.example.com");
        let leaf = speaking_for(leaf, &[dns("unconstrained.example.com")]).make();
        Chain::of(&one, &[&above, &astray, &onward], &leaf).trusting(&other)
    })
    .openssl("excluded subtree violation"),
    case("rfc5280::nc::nc-permits-email-exact", Holds, "a mailbox that is permitted", || {
        by_authority(&[email("foo@example.com")], &[], &[email("foo@example.com")])
    })
    .differs("certificate_untrusted", why::NOT_WEIGHED),
    case("rfc5280::nc::nc-permits-email-domain", Holds, "a mailbox of a host that is permitted", || {
        by_authority(&[email("example.com")], &[], &[email("foo@example.com")])
    })
    .differs("certificate_untrusted", why::NOT_WEIGHED),
    case("rfc5280::nc::nc-forbids-othername", Fails, "a name of an unknown kind, excluded", || {
        let (host, private) = (dns("example.com"), der::private_name());
        by_authority(
            std::slice::from_ref(&host),
            std::slice::from_ref(&private),
            &[host.clone(), private.clone()],
        )
    })
    .openssl("unsupported name constraint type")
    .shows("othername"),
    case("rfc5280::nc::nc-forbids-othername-noop", Holds, "the same, that no name is of", || {
        by_authority(&[dns("example.com")], &[der::private_name()], &[dns("example.com")])
    }),
];

#[test]
fn uncritical_constraints_and_such_with_a_period_are_kept() {
    let root = Plan::root().with(der::name_constraints(false, &[dns("example.com")], &[])).make();
    let leaf = speaking_for(Plan::leaf(&root), &[dns("not-example.com")]).make();
    assert_eq!(Chain::of(&root, &[], &leaf).verdict(), "certificate_untrusted");
    for (host, verdict) in [("foo.example.com", "accepted"), ("example.com", "certificate_untrusted")] {
        assert_eq!(by_root(&[dns(".example.com")], &[], &[dns(host)]).verdict(), verdict, "{host}");
    }
}
