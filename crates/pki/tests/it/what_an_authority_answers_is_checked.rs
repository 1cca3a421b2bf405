//! What an authority answers to a request is shown only where it is what was asked for.

use sceau_pki::{
    ACME_TLS, Anchors, Authority, AuthorityProfile, CertificateRequest, KeyAlgorithm, LeafPurpose, Name, Oid,
    PrivateKey, Publication, Unfit, challenge_config, judge_issued,
};

const NOW: u64 = 1_800_000_000_000;
const DAY: u64 = 86_400_000;

/// A root, an authority below it, and the certificate for a request; in PEM.
struct Answer {
    root: Authority,
    below: Authority,
    key: PrivateKey,
    leaf: String,
}

fn name(text: &str) -> Name {
    Name::default().with(Oid::COMMON_NAME, text)
}

fn answer(purpose: LeafPurpose) -> Answer {
    let profile = AuthorityProfile { path_length: 1, ..AuthorityProfile::of("x") };
    let root = Authority::create(&profile, NOW).unwrap();
    let profile = AuthorityProfile { name: name("below"), path_length: 0, ..profile };
    let below = root.issue_authority(&profile, &Publication::default(), NOW).unwrap();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let hosts = ["a.example".to_owned(), "b.example".to_owned()];
    let request = CertificateRequest::make(&name("a.example"), &hosts, &key).unwrap();
    let leaf =
        below.certify_request(&request, &name("a"), purpose, 30, &Publication::default(), NOW).unwrap();
    Answer { leaf: leaf.to_pem(), root, below, key }
}

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_was_asked_for_passes_and_nothing_else() {
    let it = answer(LeafPurpose::Server);
    let info = it.key.public_key_info().unwrap();
    let [below, root] = [&it.below, &it.root].map(|one| one.certificate().to_pem());
    let chain = it.leaf.clone() + &below;
    let anchors = |of: &Authority| Anchors::new([of.certificate().clone()]).unwrap();
    let both = hosts(&["A.example", "b.example"]);
    let judge = |chain: &str, anchors: Option<&Anchors>, now| judge_issued(chain, &info, &both, anchors, now);
    assert_eq!(judge(&chain, None, NOW + DAY), Ok(()));
    assert_eq!(judge(&chain, Some(&anchors(&it.root)), NOW + DAY), Ok(()));
    assert_eq!(judge(&it.leaf, Some(&anchors(&it.below)), NOW + DAY), Ok(()));
    assert_eq!(judge(&it.leaf, None, NOW + DAY), Err(Unfit::Incomplete));
    assert_eq!(judge("nothing", None, NOW + DAY), Err(Unfit::Unreadable));
    assert_eq!(judge(&chain, None, NOW + 31 * DAY), Err(Unfit::Period));
    assert_eq!(judge(&chain, None, NOW - DAY), Err(Unfit::Period));
    assert!(matches!(judge(&(it.leaf.clone() + &root), None, NOW + DAY), Err(Unfit::Chain(_))));
    assert!(matches!(judge(&(chain.clone() + &it.leaf), None, NOW + DAY), Err(Unfit::Chain(_))));
    let stranger = Authority::create(&AuthorityProfile::of("stranger"), NOW).unwrap();
    assert!(matches!(judge(&chain, Some(&anchors(&stranger)), NOW + DAY), Err(Unfit::Untrusted(_))));
    let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap().public_key_info().unwrap();
    assert_eq!(judge_issued(&chain, &other, &both, None, NOW + DAY), Err(Unfit::AnotherKey));
    let more = hosts(&["a.example", "c.example"]);
    let missing = Unfit::Name("c.example".to_owned());
    assert_eq!(judge_issued(&chain, &info, &more, None, NOW + DAY), Err(missing));
    let client = answer(LeafPurpose::Client);
    let chain = client.leaf.clone() + &client.below.certificate().to_pem();
    let info = client.key.public_key_info().unwrap();
    assert!(judge_issued(&chain, &info, &[], None, NOW + DAY).is_err(), "not for servers");
}

/// The certificate itself is judged by pebble, in the gate's tests.
#[test]
fn what_an_authority_sees_is_for_one_dns_name_by_one_protocol() {
    let config = challenge_config("gate.example", &[7; 32], NOW).unwrap();
    assert_eq!(config.alpn_protocols, [ACME_TLS]);
    for host in ["127.0.0.1", "*.example", ""] {
        assert!(challenge_config(host, &[7; 32], NOW).is_err(), "{host}");
    }
}
