//! `pathlen`, `pathological` and `cve`: how chains are built.

use std::rc::Rc;

use time::macros::datetime;

use super::{
    Case, Chain, Fails, Holds, case,
    der::{self, dns, oid},
    made::{FIRST, Key, Made, Plan},
    why,
};

fn root() -> Made {
    Plan::root().make()
}

/// Authorities of these path lengths, one below the other, then a leaf.
fn lengths(lengths: &[u8]) -> Chain {
    let mut all = vec![root()];
    for length in lengths {
        let below = Plan::below(&all[all.len() - 1], Some(*length)).make();
        all.push(below);
    }
    let leaf = Plan::leaf(&all[all.len() - 1]).make();
    Chain::of(&all[0], &all[1..].iter().collect::<Vec<_>>(), &leaf)
}

/// An authority of this name and key that one of that name and key signs.
fn signed(name: &str, key: &Rc<Key>, by: &str, signer: &Rc<Key>) -> Made {
    let by = Made { der: Vec::new(), key: Rc::clone(signer), subject: der::common_name(by) };
    Plan::below(&by, None).without(oid::SUBJECT_ALT_NAME).named(name).keyed(key).make()
}

/// Two authorities of these names sign each other; the root has signed neither.
fn cycle(one: &str, other: &str) -> Chain {
    let (first, second) = (Key::usual(), Key::usual());
    let (one, other) = (signed(one, &first, other, &second), signed(other, &second, one, &first));
    Chain::of(&root(), &[&one, &other], &Plan::leaf(&one).make())
}

/// An authority constrains names, and the leaf speaks for every host of `example.com`.
fn starred(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Chain {
    let root = root();
    let below = Plan::below(&root, None).without(oid::SUBJECT_ALT_NAME);
    let below = below.with(der::name_constraints(true, permitted, excluded)).make();
    let leaf = Plan::leaf(&below).with(der::alternative_names(false, &[dns("*.example.com")])).make();
    Chain::of(&root, &[&below], &leaf)
}

pub(super) const CASES: &[Case] = &[
    case("pathlen::ee-with-intermediate-pathlen-0", Holds, "no authority may be below, none is", || {
        lengths(&[0])
    })
    .shows("CA:TRUE, pathlen:0"),
    case("pathlen::ee-with-intermediate-pathlen-1", Holds, "one may be", || lengths(&[1])),
    case("pathlen::ee-with-intermediate-pathlen-2", Holds, "two may be", || lengths(&[2])),
    case(
        "pathlen::validation-ignores-pathlen-in-leaf",
        Holds,
        "an authority in a leaf's place is none",
        || {
            let root = root();
            let first = Plan::below(&root, Some(0)).make();
            Chain::of(&root, &[&first], &Plan::below(&first, Some(0)).make())
        },
    )
    .differs("certificate_wrong_purpose", why::AUTHORITY)
    .openssl("unsuitable certificate purpose"),
    case("pathlen::intermediate-violates-pathlen-0", Fails, "none may be, one is", || lengths(&[0, 0]))
        .openssl("path length constraint exceeded"),
    case("pathlen::intermediate-pathlen-may-increase", Holds, "the lower one permits more", || {
        lengths(&[1, 2])
    }),
    case("pathlen::intermediate-pathlen-too-long", Fails, "one may be, two are", || lengths(&[1, 0, 0]))
        .openssl("path length constraint exceeded"),
    case("pathlen::self-issued-certs-pathlen", Holds, "who issued itself does not count", || {
        let root = root();
        let first = Plan::below(&root, Some(1)).make();
        let again = Plan::below(&first, Some(1)).subject(first.subject.clone()).make();
        let last = Plan::below(&again, Some(0)).make();
        Chain::of(&root, &[&first, &again, &last], &Plan::leaf(&last).make())
    })
    .differs("certificate_bad_signature", why::SELF_ISSUED),
    case(
        "pathological::multiple-chains-expired-intermediate",
        Holds,
        "the anchor's other certificate is over",
        || {
            let (root, other) = (root(), Plan::root().named("x509-limbo-root-2").make());
            let over = Plan::below(&other, Some(1)).subject(root.subject.clone()).keyed(&root.key);
            let over = over.valid(FIRST, datetime!(1988-11-25 00:00 UTC)).make();
            Chain::of(&root, &[&over], &Plan::leaf(&root).make()).trusting(&other)
        },
    ),
    case(
        "pathological::intermediate-cycle-distinct-cas",
        Fails,
        "two authorities sign each other, no anchor them",
        || cycle("intermediate-cycle-distinct-ca1", "intermediate-cycle-distinct-ca2"),
    )
    .openssl("unable to get local issuer certificate"),
    case(
        "pathological::intermediate-cycle-distinct-cas-max-depth",
        Fails,
        "the same, whatever depth is permitted",
        || cycle("intermediate-cycle-distinct-ca1", "intermediate-cycle-distinct-ca2"),
    )
    .openssl("unable to get local issuer certificate"),
    case("pathological::intermediate-cycle-same-logical-ca", Fails, "the same of one name", || {
        cycle("intermediate-cycle-same-logical-ca", "intermediate-cycle-same-logical-ca")
    })
    .openssl("unable to get local issuer certificate"),
    case("cve::cve-2024-0567", Holds, "three authorities sign each other, one is the anchor", || {
        let root = Plan::root().named("Root A").make();
        let (a, b, c) = (Rc::clone(&root.key), Key::usual(), Key::usual());
        let first = signed("Intermediate A1", &Key::usual(), "Root A", &a);
        let others = [
            signed("Root A", &a, "Root B", &b),
            signed("Root A", &a, "Root C", &c),
            signed("Intermediate B1", &Key::usual(), "Root B", &b),
            signed("Root B", &b, "Root A", &a),
            signed("Root B", &b, "Root C", &c),
            signed("Intermediate C1", &Key::usual(), "Root C", &c),
            signed("Root C", &c, "Root A", &a),
            signed("Root C", &c, "Root B", &b),
        ];
        let names = der::alternative_names(true, &[dns("cve-2024-0567.example.com")]);
        let leaf = Plan::leaf(&first).subject(der::no_name()).with(names).make();
        let sent: Vec<_> = [&first].into_iter().chain(&others).collect();
        Chain::of(&root, &sent, &leaf)
    }),
    case("cve::cve-2025-61727", Fails, "a star that covers an excluded host", || {
        starred(&[dns("example.com")], &[dns("bar.example.com")])
    })
    .shows("DNS:*.example.com"),
    case(
        "cve::cve-2025-61727-nc-permits-variant",
        Fails,
        "a star that covers more than is permitted",
        || starred(&[dns("foo.example.com")], &[]),
    )
    .openssl("permitted subtree violation")
    .shows("DNS:*.example.com"),
];
