//! A use: the PIN is proven, the consent compared with what the element knows by itself, the terminal's part opened, and then the holder's key signs, or the element says who it is.

use std::sync::Arc;

use sceau_crypto::Secret;
use sceau_element_api::keyring::{Disclosure, KeyringPhase, RequestKind};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_keyring::{
    Answer, Expected, Happening, Identity, Inner, KeySecret, NO_KEY, Place, ProvenBy, Request, Sad,
    Statement, TransactionProof, Use, Used, open_box, open_inner, seal_box, template_hash,
};
use sceau_trace::{Hash, sha256};

use super::activate::key_context;
use super::context::{Asked, Stage, Trying};
use super::conversation::{Desk, Next, Turn, unknown};
use super::face::{FaceUse, Seen};
use super::keys::KeyringKeys;
use super::make::Found;
use super::secrets::{WrappedKey, damaged, unusable};
use super::terminals::ToChange;
use super::{KeyringAct, PreparedKeyring, RecordDetails, RequestFact};

/// How far a terminal's clock may be from the element's, in milliseconds.
const SKEW: u64 = 5 * 60 * 1000;

/// What the PIN's proof left: the session, and its transcript.
struct Session<'a> {
    key: &'a Secret<64>,
    transcript: Hash,
    attempt: Hash,
}

/// A consent that was compared, and what it is about.
struct Agreed {
    found: Found,
    request: Request,
    fact: RequestFact,
    inner: Inner,
    key: Option<WrappedKey>,
    identity: Option<Identity>,
    place: Place,
    attempt: Hash,
    seen: Seen,
}

/// A use that was prepared: what is ordered, what is answered once it is durable, and the element's word on it but for its place in the log.
struct Prepared {
    act: KeyringAct,
    used: Used,
    proof: TransactionProof,
}

impl Desk {
    pub(super) fn uses(&self, turn: &Turn, asked: &Use, trying: Trying) -> Next {
        let Trying { keyring, terminal, asks, begun, ke1, ke2, face: _ } = trying;
        let (kind, request) = (asks.fact.kind, asks.fact.hash);
        let order = |act, answered| {
            let prepared = PreparedKeyring { keyring, by: turn.by_terminal(terminal), act };
            Next::Order(Box::new(prepared), answered)
        };
        let over = |refusal| Box::new(move |_| (Answer::Refused(refusal), Stage::Over));
        let Ok(session) = begun.finish(&asked.ke3) else {
            return order(
                self.wrong(keyring, &ke1, ProvenBy::Pin),
                over(Refusal::new(Code::PinInvalid, "the PIN is wrong")),
            );
        };
        let transcript = Sad::transcript(&ke1, &ke2, &asked.ke3);
        let session = Session { key: &session, transcript, attempt: Happening::attempt_of(&ke1) };
        let place = (keyring, terminal);
        let agreed = self.agreed(turn, asked, place, asks, &session);
        if matches!(&agreed, Ok(agreed) if matches!(agreed.seen, Seen::Another)) {
            let words = "the face is not the one that was enrolled: it counts as a wrong PIN does";
            return order(
                self.wrong(keyring, &ke1, ProvenBy::Face),
                over(Refusal::new(Code::FaceNotMatched, words)),
            );
        }
        match agreed.and_then(|agreed| self.prepared(&agreed)) {
            Ok(Prepared { act, used, proof }) => {
                let keys = Arc::clone(&self.keys);
                order(act, Box::new(move |index| (proven(&keys, used, proof, index), Stage::Over)))
            }
            Err(refusal) => {
                let attempt = Happening::attempt_of(&ke1);
                let act = KeyringAct::Deny { kind, attempt, request, code: refusal.code };
                order(act, over(refusal))
            }
        }
    }

    /// Holds the consent to what the element knows: nothing is taken over from it but its two times, which are bounded. Where the policy asks for the face, it is compared last.
    fn agreed(
        &self,
        turn: &Turn,
        asked: &Use,
        (keyring, terminal): (KeyringId, TerminalId),
        Asked { jws, request, fact }: Asked,
        session: &Session<'_>,
    ) -> Result<Agreed, Refusal> {
        let inner = open_inner(session.key, &turn.context.channel.id(), &asked.inner)?;
        let key = turn.context.key.as_deref().ok_or_else(unknown)?;
        let sad = Sad::verify_by(&inner.sad, key)?;
        let found = self.found(keyring, KeyringPhase::Active)?;
        self.may_ask(turn, keyring, &found.policy, (&request, &fact))?;
        let (_, secrets) = self.keyring_at(keyring, found.row)?;
        let signs = request.kind == RequestKind::Sign;
        let key = secrets.key.as_ref();
        if signs {
            key.ok_or_else(|| damaged(keyring, "it signs, and has no key"))?
                .is_certified_at(self.now().unix)?;
        }
        let id = match key {
            Some(key) => {
                key.id.0.clone().try_into().map_err(|_| damaged(keyring, "the id of its key is none"))?
            }
            None => NO_KEY,
        };
        let expected = Sad::expected(&Expected {
            keyring,
            key: &id,
            terminal: turn.context.signer,
            provider: Hash::new(fact.signer),
            request_jws: &jws,
            request: &request,
            policy: found.policy.version.hash,
            state: found.version,
            challenge: turn.context.nonce,
            seq: turn.seq(),
            opaque: session.transcript,
            time: sad.time,
            ends: sad.ends,
        });
        let now = self.now().unix;
        let in_time = now < sad.ends && sad.ends <= request.ends && sad.time.abs_diff(now) <= SKEW;
        if sad != expected || !in_time {
            let words = "the consent is about something else, or another time, than what is asked here";
            return Err(Refusal::new(Code::SadInvalid, words));
        }
        let face = FaceUse { rule: found.policy.document.face.as_ref(), kind: request.kind, keyring };
        let seen = self.looked_at(turn, &face, asked.face.as_ref(), (terminal, fact.hash))?;
        let tells = request.kind == RequestKind::Authenticate
            && found.policy.document.discloses == Disclosure::Identity;
        let identity = secrets.identity.filter(|_| tells);
        let place = Place { keyring, terminal, key: id };
        Ok(Agreed {
            found,
            request,
            fact,
            inner,
            key: secrets.key,
            identity,
            place,
            attempt: session.attempt,
            seen,
        })
    }

    /// Opens the terminal's part, and has the key sign where that is asked. What it gives leaves when its record is durable.
    fn prepared(&self, agreed: &Agreed) -> Result<Prepared, Refusal> {
        let place = &agreed.place;
        let now = self.now().unix;
        let opened = self.with(|state| {
            let known = state.keyrings().keyring(place.keyring)?;
            known.may_try(place.terminal, now).map(|terminal| terminal.boxed)
        });
        let opened = opened.ok_or_else(unknown)?;
        let boxed = self.view.box_at(opened, place.terminal).map_err(unusable)?;
        let secret = unboxed(&agreed.inner, place, &boxed)?;
        let signatures = match agreed.request.kind {
            RequestKind::Sign => self.signatures(agreed, &secret)?,
            _ => Vec::new(),
        };
        let (proof, told) = self.proof(agreed, &signatures);
        let (request, version) = (agreed.fact.clone(), agreed.found.version);
        let act = match request.kind {
            RequestKind::Destroy => {
                let row = self.last_row(place.keyring, agreed.found.row, agreed.found.version)?;
                KeyringAct::End { request, opened, row, told }
            }
            RequestKind::Roam | RequestKind::Join | RequestKind::Dissociate | RequestKind::Face => {
                let Agreed { found, request: asked, inner, place, .. } = agreed;
                let face = agreed.seen.template().map(|template| template_hash(template));
                let of = ToChange { found, request: asked, inner, place, secret: &secret, face };
                let (row, boxes, change) = self.changed(&of)?;
                KeyringAct::Terminals { request, version, opened, row, boxes, told, change }
            }
            RequestKind::Sign | RequestKind::Authenticate => KeyringAct::Use {
                request,
                version,
                opened,
                boxed: seal_box(&agreed.inner.next, place, &secret),
                face: matches!(agreed.seen, Seen::Matched),
                told,
            },
        };
        let certificate = agreed.key.as_ref().and_then(|key| key.certificate.clone());
        let chain = self.chain_of(agreed.key.as_ref());
        let face = agreed.seen.template().cloned();
        let used = Used { signatures, index: 0, proof: String::new(), certificate, chain, face };
        Ok(Prepared { act, used, proof })
    }

    fn signatures(&self, agreed: &Agreed, secret: &KeySecret) -> Result<Vec<Base64Url>, Refusal> {
        let digests: Option<Vec<[u8; 32]>> =
            agreed.request.items.iter().map(|item| item.hash.0.clone().try_into().ok()).collect();
        let digests = digests.ok_or_else(|| Refusal::new(Code::RequestInvalid, "a hash has 32 bytes"))?;
        let key = agreed.key.as_ref().and_then(WrappedKey::holder_key);
        let key = key.ok_or_else(|| damaged(agreed.place.keyring, "it signs, and has no key"))?;
        let context = key_context(agreed.place.keyring, &agreed.place.key);
        let signed = self.keys.sign_with((&context, secret), &key, &digests).map_err(unusable)?;
        Ok(signed.into_iter().map(Base64Url).collect())
    }

    /// The element's word on it, and what the record says: the hash of that word, and of what it is about.
    fn proof(&self, agreed: &Agreed, signatures: &[Base64Url]) -> (TransactionProof, RecordDetails) {
        let Agreed { found, request, fact, inner, place, identity, .. } = agreed;
        let proof = TransactionProof {
            v: 1,
            kind: request.kind,
            id: fact.id,
            request: fact.hash,
            provider: fact.provider,
            keyring: place.keyring,
            identity: identity.clone(),
            terminal: place.terminal,
            description: request.description_hash(),
            hashes: request.items.iter().map(|item| item.hash.clone()).collect(),
            signatures: TransactionProof::signatures_hash(signatures),
            policy: found.policy.version.hash,
            sad: sha256(inner.sad.as_bytes()),
            factors: match agreed.seen {
                Seen::Matched => vec![ProvenBy::Pin, ProvenBy::Face],
                _ => vec![ProvenBy::Pin],
            },
            time: self.now().unix,
            nonce: request.nonce.clone(),
            index: None,
        };
        let mut told = vec![
            ("attempt", agreed.attempt.to_string()),
            ("policy", proof.policy.to_string()),
            ("proof", proof.record_hash().to_string()),
            ("request", fact.hash.to_string()),
            ("sad", proof.sad.to_string()),
        ];
        if matches!(agreed.seen, Seen::Matched) {
            told.push(("factors", "pin+face".to_owned()));
        }
        if request.kind == RequestKind::Sign {
            told.push(("count", request.items.len().to_string()));
            told.push(("signatures", proof.signatures.to_string()));
        }
        (proof, told)
    }
}

/// The answer, with the element's word on what is durable now. Where the word's key fails, nothing leaves: what nobody could prove is asked for again.
fn proven(keys: &KeyringKeys, used: Used, proof: TransactionProof, index: u64) -> Answer {
    let proof = TransactionProof { index: Some(index), ..proof };
    match proof.sign(keys.word()) {
        Ok(proof) => Answer::Used(Used { index, proof, ..used }),
        Err(error) => Answer::Refused(unusable(error)),
    }
}

/// The holder's part, by one of what the terminal brings.
fn unboxed(inner: &Inner, place: &Place, boxed: &[u8]) -> Result<KeySecret, Refusal> {
    let opened = inner.unlock.iter().find_map(|unlock| open_box(unlock, place, boxed).ok());
    let words = "the terminal's secret is not the one of its last use: there may be a copy of the terminal";
    opened.ok_or_else(|| Refusal::new(Code::SecretStale, words))
}
