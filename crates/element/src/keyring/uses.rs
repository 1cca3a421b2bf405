//! A use: the PIN is proven, the consent compared with what the element knows by itself, the terminal's part opened, and then the holder's key signs.

use sceau_crypto::Secret;
use sceau_element_api::keyring::KeyringPhase;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_keyring::{
    Answer, Expected, Inner, KeySecret, Place, Request, Sad, Statement, TransactionProof, Use, Used,
    open_box, open_inner, seal_box,
};
use sceau_trace::{Hash, sha256};

use super::activate::key_context;
use super::contexts::{Stage, Trying};
use super::conversation::{Desk, Next, Turn, unknown};
use super::make::Found;
use super::secrets::{WrappedKey, unusable};
use super::{KeyringAct, PreparedKeyring, RecordDetails, RequestFact};

/// How far a terminal's clock may be from the element's, in milliseconds.
const SKEW: u64 = 5 * 60 * 1000;

/// What the PIN's proof left: the session, and its transcript.
struct Session<'a> {
    key: &'a Secret<64>,
    transcript: Hash,
}

/// A consent that was compared, and what it is about.
struct Agreed {
    found: Found,
    request: Request,
    fact: RequestFact,
    inner: Inner,
    key: WrappedKey,
    place: Place,
}

impl Desk {
    pub(super) fn uses(&self, turn: &Turn, asked: &Use, trying: Trying) -> Next {
        let Trying { keyring, terminal, request, begun, ke1, ke2 } = trying;
        let order = |act, answered| {
            let prepared = PreparedKeyring { keyring, by: turn.by_terminal(terminal), act };
            Next::Order(prepared, answered)
        };
        let over = |refusal| Box::new(move |_| (Answer::Refused(refusal), Stage::Over));
        let Ok(session) = begun.finish(&asked.ke3) else {
            return order(KeyringAct::Fail, over(Refusal::new(Code::PinInvalid, "the PIN is wrong")));
        };
        let session = Session { key: &session, transcript: Sad::transcript(&ke1, &ke2, &asked.ke3) };
        let place = (keyring, terminal);
        let agreed = self.agreed(turn, &asked.inner, place, &request, &session);
        match agreed.and_then(|agreed| self.signed(&agreed)) {
            Ok((act, used)) => {
                let answered = move |index| (Answer::Used(Used { index, ..used }), Stage::Over);
                order(act, Box::new(answered))
            }
            Err(refusal) => {
                let act = KeyringAct::Deny { request: Request::hash_of(&request), code: refusal.code };
                order(act, over(refusal))
            }
        }
    }

    /// Holds the consent to what the element knows: nothing is taken over from it but its two times, which are bounded.
    fn agreed(
        &self,
        turn: &Turn,
        inner: &[u8],
        (keyring, terminal): (KeyringId, TerminalId),
        jws: &str,
        session: &Session<'_>,
    ) -> Result<Agreed, Refusal> {
        let inner = open_inner(session.key, &turn.context.channel.id(), inner)?;
        let sad = Sad::verify(&inner.sad, &turn.context.spki)?;
        let found = self.found(keyring, KeyringPhase::Active)?;
        let (request, fact) = self.request(keyring, &found.policy, jws)?;
        let (_, secrets) = self.keyring_at(keyring, found.row)?;
        let key = secrets.key.ok_or_else(|| unusable("an active keyring without a key"))?;
        key.is_certified_at(self.now().unix)?;
        let expected = Sad::expected(&Expected {
            keyring,
            key: &key.id,
            terminal: turn.context.signer,
            provider: Hash::new(fact.signer),
            request_jws: jws,
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
        let id: [u8; 16] = key.id.0.clone().try_into().map_err(|_| unusable("the id of a key"))?;
        Ok(Agreed { found, request, fact, inner, key, place: Place { keyring, terminal, key: id } })
    }

    /// Opens the terminal's part, and has the key sign. What it gives leaves when its record is durable.
    fn signed(&self, agreed: &Agreed) -> Result<(KeyringAct, Used), Refusal> {
        let place = &agreed.place;
        let opened = self.with(|state| {
            let known = state.keyrings().keyring(place.keyring)?;
            known.terminal(place.terminal).map(|terminal| terminal.boxed)
        });
        let opened = opened.ok_or_else(unknown)?;
        let boxed = self.view.box_at(opened, place.terminal).map_err(unusable)?;
        let secret = unboxed(&agreed.inner, place, &boxed)?;
        let digests: Option<Vec<[u8; 32]>> =
            agreed.request.items.iter().map(|item| item.hash.0.clone().try_into().ok()).collect();
        let digests = digests.ok_or_else(|| Refusal::new(Code::RequestInvalid, "a hash has 32 bytes"))?;
        let key = agreed.key.holder_key().ok_or_else(|| unusable("a holder's key"))?;
        let context = key_context(place.keyring, &place.key);
        let signed = self.keys.sign_with((&context, &secret), &key, &digests).map_err(unusable)?;
        let signatures: Vec<Base64Url> = signed.into_iter().map(Base64Url).collect();
        let (proof, told) = self.proof(agreed, &signatures)?;
        let act = KeyringAct::Use {
            request: agreed.fact.clone(),
            version: agreed.found.version,
            opened,
            boxed: seal_box(&agreed.inner.next, place, &secret),
            told,
        };
        let certificate = agreed.key.certificate.clone();
        let chain = self.keys.about().authority.into_iter().collect();
        Ok((act, Used { signatures, index: 0, proof, certificate, chain }))
    }

    /// The element's word on it, and what the record says: the hash of that word, and of what it is about.
    fn proof(&self, agreed: &Agreed, signatures: &[Base64Url]) -> Result<(String, RecordDetails), Refusal> {
        let Agreed { found, request, fact, inner, place, .. } = agreed;
        let proof = TransactionProof {
            v: 1,
            id: fact.id,
            request: fact.hash,
            provider: fact.provider,
            keyring: place.keyring,
            terminal: place.terminal,
            description: request.description_hash(),
            hashes: request.items.iter().map(|item| item.hash.clone()).collect(),
            signatures: TransactionProof::signatures_hash(signatures),
            policy: found.policy.version.hash,
            sad: sha256(inner.sad.as_bytes()),
            time: self.now().unix,
            nonce: request.nonce.clone(),
            index: None,
        };
        let signed = proof.sign(self.keys.word()).map_err(unusable)?;
        let told = vec![
            ("count", request.items.len().to_string()),
            ("policy", proof.policy.to_string()),
            ("proof", sha256(signed.as_bytes()).to_string()),
            ("request", fact.hash.to_string()),
            ("sad", proof.sad.to_string()),
            ("signatures", proof.signatures.to_string()),
        ];
        Ok((signed, told))
    }
}

/// The holder's part, by one of what the terminal brings.
fn unboxed(inner: &Inner, place: &Place, boxed: &[u8]) -> Result<KeySecret, Refusal> {
    let opened = inner.unlock.iter().find_map(|unlock| open_box(unlock, place, boxed).ok());
    let words = "the terminal's secret is not the one of its last use: there may be a copy of the terminal";
    opened.ok_or_else(|| Refusal::new(Code::SecretStale, words))
}
