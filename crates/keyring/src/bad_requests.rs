//! Requests that no door lets in, for the tests of each: one table, so that none of them judges by rules or words of its own.

use sceau_element_api::keyring::{KeyringAlgorithm, KeyringPolicy, RequestKind};
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId};

use crate::{Asks, Item, ItemHash, Request};

type Turn = fn(&mut Request, &KeyringPolicy);

/// A request that is well formed, and refused.
#[derive(Debug, Clone, Copy)]
pub struct BadRequest {
    /// What is wrong with it.
    pub name: &'static str,
    /// Makes it of [`good_request`], brought to a keyring of a policy that signs by ES256, has requests open for less than ten minutes, and takes less than 100 items.
    pub turn: Turn,
    /// By which code it is refused.
    pub code: Code,
    /// In which words.
    pub words: &'static str,
}

/// One that each door lets in, to begin with: to sign one item, good for a minute from `now` on.
#[must_use]
pub fn good_request(provider: KeyringActorId, keyring: KeyringId, origin: &str, now: u64) -> Request {
    Request {
        v: 1,
        request: KeyringRequestId::random(),
        provider,
        keyring,
        kind: RequestKind::Sign,
        description: "Sign the lease of 12 March".to_owned(),
        items: vec![Item { label: "lease.pdf".to_owned(), hash: Base64Url(vec![1; 32]) }],
        hash: ItemHash::Sha256,
        algorithm: Some(KeyringAlgorithm::Es256),
        aud: origin.to_owned(),
        time: now,
        ends: now + 60_000,
        nonce: None,
        terminal: None,
    }
}

/// All of them.
#[must_use]
pub fn bad_requests() -> Vec<BadRequest> {
    let not_its = Asks::MAY_NOT;
    vec![
        bad("in another's name", |it, _| it.provider = KeyringActorId::random(), Code::ActorUnknown, not_its),
        bad("of a kind that is its holder's", |it, _| holders(it), Code::ActorUnknown, not_its),
        refused(
            "of another keyring",
            |it, _| it.keyring = KeyringId::random(),
            "the request is about another keyring",
        ),
        refused(
            "for another element",
            |it, _| it.aud = "other.test/log".to_owned(),
            "the request is for another element",
        ),
        refused("of the past", |it, _| moved(it, -3_600_000), ENDED),
        refused("of the future", |it, _| moved(it, 3_600_000), ENDED),
        refused(
            "open for too long",
            |it, policy| it.ends = it.time + u64::from(policy.request_seconds) * 1000 + 1,
            "the request is open for longer than the policy allows",
        ),
        refused(
            "of too many items",
            |it, policy| {
                let one = it.items.first().cloned();
                it.items = one.into_iter().cycle().take(usize::from(policy.batch_most) + 1).collect();
            },
            "the request has more items than the policy allows",
        ),
        refused(
            "by another algorithm",
            |it, _| it.algorithm = Some(KeyringAlgorithm::Rs256),
            "the request asks for another algorithm than the policy's",
        ),
    ]
}

fn bad(name: &'static str, turn: Turn, code: Code, words: &'static str) -> BadRequest {
    BadRequest { name, turn, code, words }
}

fn refused(name: &'static str, turn: Turn, words: &'static str) -> BadRequest {
    bad(name, turn, Code::RequestInvalid, words)
}

const ENDED: &str = "the request has ended, or is of the future: have the provider ask for another";

/// What providers ask for nobody.
fn holders(request: &mut Request) {
    request.kind = RequestKind::Destroy;
    request.items.clear();
    request.algorithm = None;
}

fn moved(request: &mut Request, by: i64) {
    request.time = request.time.saturating_add_signed(by);
    request.ends = request.ends.saturating_add_signed(by);
}
