//! An element that answers otherwise than it should: whoever has its place, or its keys, is believed of nothing that the terminal can know itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests state what must hold")]

use std::sync::Mutex;

use sceau_crypto::jose::PublicJwk;
use sceau_crypto::{Cek, RecipientPrivateKey, Secret, XWingPrivateKey, sha256};
use sceau_element_api::keyring::{ContextOffer, KeyringPhase, SealedAnswer, SealedMessage};
use sceau_element_api::wire::{Attest, AttestedRow, Code, Refusal};
use sceau_element_api::{Base64Url, Nonce, TerminalId};
use sceau_keyring::{
    Answer, Ask, Begun, Challenge, Channel, ContextId, Message, Names, OpaqueServer, Pin, ProvenBy, Request,
    Signs as _, Standing, Statement as _, TransactionProof, Tries, Used, file_of, open_inner,
};
use sceau_trace::Hash;
use serde_json::json;

use super::stage::{ORIGIN, Stage};
use super::storage::{Secrets, Storage};
use super::{ToApprove, dissociate, dissociate_unshown, sign};
use crate::ClientError;
use crate::keyring::{Carries, FileKey, now};

const PIN: &str = "402917385516";
/// Index of the record.
const INDEX: u64 = 7;

/// Turns what is said into something else.
type Lie<T> = fn(&mut T);

/// What an element may say otherwise.
#[derive(Default)]
struct Lies {
    standing: Option<Lie<Standing>>,
    challenge: Option<Lie<Challenge>>,
    proof: Option<Lie<TransactionProof>>,
    used: Option<Lie<Used>>,
    /// Signs its word with another key.
    other_word: bool,
    /// Cannot be told that a PIN was wrong.
    deaf: bool,
}

/// An element of one keyring, without journal and rules.
struct Lying {
    channel: RecipientPrivateKey,
    word: FileKey,
    opaque: OpaqueServer,
    record: Vec<u8>,
    stage: Stage,
    terminal: TerminalId,
    lies: Lies,
    talk: Mutex<Option<Talk>>,
}

/// What it knows of the exchange under way.
struct Talk {
    nonce: Nonce,
    channel: Channel,
    begun: Option<(Begun, String)>,
}

impl Lying {
    /// It, and a terminal of its keyring in a folder.
    fn new(lies: Lies) -> (Self, Storage, tempfile::TempDir) {
        let mut stage = Stage::new();
        let channel = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap());
        let (word, _) = FileKey::generate().unwrap();
        let opaque = OpaqueServer::draw();
        let names = Names::of(stage.kept.keyring, stage.kept.terminal, ORIGIN);
        let pin = Pin::parse(PIN).unwrap();
        let (registering, request) = pin.register().unwrap();
        let response = opaque.registration(&names, &request).unwrap();
        let (upload, _) = registering.finish(&pin, &response, &names).unwrap();
        let record = opaque.record(&upload).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::at(&folder.path().join("terminal"));
        drop(storage.begin().unwrap());
        storage.keep_key(&storage.new_key().unwrap()).unwrap();
        storage.keep_secrets(&Secrets { current: Secret::random(), pending: None }).unwrap();
        stage.kept.channel = channel.recipient_key().key_id();
        stage.kept.word = PublicJwk::of_spki(word.spki()).unwrap().to_json();
        stage.kept.image = storage.image().unwrap();
        storage.keep(&stage.kept).unwrap();
        let terminal = stage.kept.terminal;
        (
            Self { channel, word, opaque, record, stage, terminal, lies, talk: Mutex::new(None) },
            storage,
            folder,
        )
    }

    fn request(&self) -> String {
        self.stage.good_at(now()).sign(&self.stage.provider).unwrap()
    }

    fn standing(&self) -> Standing {
        let tries = Tries { wrong: 0, left: 3, unfinished: 0, cools_until: None };
        let mut standing = Standing {
            keyring: self.stage.kept.keyring,
            phase: KeyringPhase::Active,
            version: 3,
            hash: Hash::new([3; 32]),
            since: now(),
            made: now(),
            activated: Some(now()),
            suspended: None,
            blocked: None,
            tries,
            terminals: Vec::new(),
            roaming: None,
            former: Vec::new(),
            done: Vec::new(),
            next: None,
            time: now(),
        };
        if let Some(lie) = self.lies.standing {
            lie(&mut standing);
        }
        standing
    }

    fn challenged(&self, talk: &mut Talk, request: String, ke1: &[u8]) -> Challenge {
        let names = Names::of(self.stage.kept.keyring, self.terminal, ORIGIN);
        let (begun, ke2) = self.opaque.begin(&names, &self.record, ke1).unwrap();
        talk.begun = Some((begun, request));
        let mut challenge = Challenge {
            ke2: ke2.as_slice().into(),
            version: 3,
            hash: Hash::new([3; 32]),
            policy: Hash::new(sha256(&self.stage.kept.policy)),
            challenge: talk.nonce,
            expected: None,
            face: None,
        };
        if let Some(lie) = self.lies.challenge {
            lie(&mut challenge);
        }
        challenge
    }

    fn used(&self, talk: &mut Talk, ke3: &[u8], inner: &[u8]) -> Used {
        let (begun, jws) = talk.begun.take().unwrap();
        let session = begun.finish(ke3).unwrap();
        let inner = open_inner(&session, &talk.channel.id(), inner).unwrap();
        let request = Request::unverified(&jws).unwrap();
        let signatures = vec![Base64Url(vec![5; 70])];
        let mut proof = TransactionProof {
            v: 1,
            kind: request.kind,
            id: request.request,
            request: Request::hash_of(&jws),
            provider: request.provider,
            keyring: request.keyring,
            identity: None,
            terminal: self.terminal,
            description: request.description_hash(),
            hashes: request.items.iter().map(|item| item.hash.clone()).collect(),
            signatures: TransactionProof::signatures_hash(&signatures),
            policy: Hash::new(sha256(&self.stage.kept.policy)),
            sad: Hash::new(sha256(inner.sad.as_bytes())),
            factors: vec![ProvenBy::Pin],
            time: now(),
            nonce: request.nonce.clone(),
            index: Some(INDEX),
        };
        if let Some(lie) = self.lies.proof {
            lie(&mut proof);
        }
        let (other, _) = FileKey::generate().unwrap();
        let word = if self.lies.other_word { &other } else { &self.word };
        let proof = proof.sign(word).unwrap();
        let (certificate, chain, face) = (None, Vec::new(), None);
        let mut used = Used { signatures, index: INDEX, proof, certificate, chain, face };
        if let Some(lie) = self.lies.used {
            lie(&mut used);
        }
        used
    }
}

impl Carries for Lying {
    async fn context(&self) -> Result<ContextOffer, ClientError> {
        let nonce = Nonce(sceau_crypto::random());
        let channel = self.channel.recipient_key().public().into();
        Ok(ContextOffer { id: ContextId::of(&nonce).into(), nonce, ends: now() + 60_000, channel })
    }

    async fn message(&self, message: &SealedMessage) -> Result<SealedAnswer, ClientError> {
        let mut talk = self.talk.lock().unwrap();
        if let Some(first) = &message.first {
            let id = ContextId::of(&first.nonce);
            let cek: Cek = self.channel.unwrap_cek(&file_of(&id, &first.nonce), &first.wrapped).unwrap();
            *talk = Some(Talk { nonce: first.nonce, channel: Channel::of(id, &cek), begun: None });
        }
        let talk = talk.as_mut().unwrap();
        let jws = talk.channel.open_up(message.seq, &message.sealed).unwrap();
        let answer = match Message::unverified(&jws).unwrap().ask {
            Ask::Look(_) => Answer::Standing(Box::new(self.standing())),
            Ask::Login(login) => Answer::Challenge(self.challenged(talk, login.request, &login.ke1)),
            Ask::Use(asked) => Answer::Used(self.used(talk, &asked.ke3, &asked.inner)),
            Ask::Failed {} if self.lies.deaf => {
                Answer::Refused(Refusal::new(Code::Unavailable, "not now: another time"))
            }
            Ask::Failed {} => Answer::Noted {},
            other => panic!("{other:?} is not asked"),
        };
        let sealed = talk.channel.seal_down(message.seq, &answer).into();
        Ok(SealedAnswer { seq: message.seq, sealed })
    }

    async fn attest(&self, _: Attest) -> Result<AttestedRow, ClientError> {
        panic!("nothing is attested")
    }
}

/// How a holder's signing ends, and whether anything was shown to them.
async fn signs(lies: Lies, pin: &str) -> (Result<super::Signed, ClientError>, bool) {
    let (element, storage, _folder) = Lying::new(lies);
    let mut shown = false;
    let approve = |_: &ToApprove| {
        shown = true;
        Ok(Pin::parse(pin).unwrap())
    };
    let signed = sign(&storage, &element, &element.request(), approve).await;
    (signed, shown)
}

#[tokio::test]
async fn an_element_that_tells_no_lies_signs() {
    let (signed, shown) = signs(Lies::default(), PIN).await;
    let signed = signed.unwrap();
    assert_eq!((signed.index, signed.signatures.len(), shown), (INDEX, 1, true));
}

#[tokio::test]
async fn a_proof_of_anything_else_is_no_proof() {
    let turns: [(&str, Lie<TransactionProof>); 7] = [
        ("another terminal's", |it| it.terminal = TerminalId::random()),
        ("of another consent", |it| it.sad = Hash::new([9; 32])),
        ("of another text", |it| it.description = Hash::new([9; 32])),
        ("of another hash", |it| it.hashes = vec![Base64Url(vec![9; 32])]),
        ("of other signatures", |it| it.signatures = Hash::new([9; 32])),
        ("of another place in the log", |it| it.index = Some(INDEX + 1)),
        ("of no place", |it| it.index = None),
    ];
    for (what, turn) in turns {
        let (signed, _) = signs(Lies { proof: Some(turn), ..Lies::default() }, PIN).await;
        assert!(matches!(signed, Err(ClientError::Unproven(_))), "{what}");
    }
    let fewer = |it: &mut Used| it.signatures.clear();
    let other = |it: &mut Used| it.signatures = vec![Base64Url(vec![6; 70])];
    for lie in [fewer as Lie<Used>, other] {
        let (signed, _) = signs(Lies { used: Some(lie), ..Lies::default() }, PIN).await;
        assert!(matches!(signed, Err(ClientError::Unproven(_))));
    }
    let (signed, _) = signs(Lies { other_word: true, ..Lies::default() }, PIN).await;
    assert!(matches!(signed, Err(ClientError::Unproven(_))), "another key's word");
}

#[tokio::test]
async fn a_consent_is_given_for_no_other_policy_or_exchange() {
    let turns: [Lie<Challenge>; 2] =
        [|it| it.policy = Hash::new([9; 32]), |it| it.challenge = Nonce([9; 32])];
    for turn in turns {
        let (signed, _) = signs(Lies { challenge: Some(turn), ..Lies::default() }, PIN).await;
        assert_eq!(signed.unwrap_err().code(), Some("policy_changed"));
    }
}

#[tokio::test]
async fn a_keyring_that_stands_still_asks_for_no_pin() {
    let turns: [(Lie<Standing>, &str); 3] = [
        (|it| it.phase = KeyringPhase::Blocked, "keyring_blocked"),
        (|it| it.phase = KeyringPhase::Destroyed, "keyring_destroyed"),
        (|it| it.tries.cools_until = Some(it.time + 30_000), "keyring_cooling"),
    ];
    for (turn, code) in turns {
        let (signed, shown) = signs(Lies { standing: Some(turn), ..Lies::default() }, PIN).await;
        assert_eq!((signed.unwrap_err().code(), shown), (Some(code), false));
    }
}

#[tokio::test]
async fn a_wrong_pin_is_said_to_be_wrong_whether_or_not_the_element_hears_of_it() {
    for deaf in [false, true] {
        let (signed, _) = signs(Lies { deaf, ..Lies::default() }, "111222333444").await;
        let error = signed.unwrap_err();
        assert_eq!(error.code(), Some("pin_invalid"));
        assert_eq!(error.to_string().contains("could not be told"), deaf, "{error}");
    }
}

#[tokio::test]
async fn what_was_not_shown_with_the_pin_stays_new() {
    let (element, storage, _folder) = Lying::new(Lies {
        standing: Some(|it| {
            let attempt = Hash::new([8; 32]);
            let tried =
                json!({"index": 5, "time": 50, "action": "keyring.fail", "by": "holder", "attempt": attempt});
            it.done = vec![serde_json::from_value(tried).unwrap()];
        }),
        proof: Some(|it| it.signatures = TransactionProof::signatures_hash(&[])),
        used: Some(|it| it.signatures.clear()),
        ..Lies::default()
    });
    let pin = || Pin::parse(PIN).unwrap();
    let other = TerminalId::random();
    dissociate_unshown(&storage, &element, Some(other), pin()).await.unwrap();
    assert_eq!(storage.own().unwrap().last.map(|last| last.index), None);
    let shown = |asked: &ToApprove| {
        assert_eq!(asked.others.attempts.len(), 1, "it is shown now");
        Ok::<_, ClientError>(pin())
    };
    dissociate(&storage, &element, Some(other), shown).await.unwrap();
    assert_eq!(storage.own().unwrap().last.map(|last| last.index), Some(5));
}
