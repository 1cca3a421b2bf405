//! Activation: the factors are proven both ways, then the terminal is bound, the key, where it signs, made and certified; from then on the factors are of no use.

use sceau_crypto::jose::{Algorithm, PublicJwk};
use sceau_crypto::{Secret, random};
use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{
    BlockedFor, BoundTerminal, CertificateSource, Keyring, KeyringAlgorithm, KeyringKey, KeyringPhase,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_hsm::HolderKey;
use sceau_keyring::{
    Activate, Activated, Activating as Shown, Answer, Confirm, Identity, NO_KEY, Names, Place, Reply,
    answer_proof, is_first_proof, is_second_proof, seal_box,
};
use sceau_pki::{
    CertificateKey, CertificateRequest, Hash as PkiHash, KeyFamily, LeafPurpose, Name, Oid, Publication,
    Signing,
};
use sceau_trace::{Hash, sha256};

use super::context::{Activating, Stage};
use super::contexts::Whose;
use super::conversation::{Desk, Next, Turn};
use super::keys::KeyringKeys;
use super::make::Found;
use super::secrets::{Secrets, TerminalSecrets, WrappedKey, damaged, unusable};
use super::{By, KeyringAct, PreparedKeyring};
use crate::event::TerminalBox;
use crate::rules::keyring::ACTIVATION_OVER;

impl Desk {
    pub(super) fn activate(&self, turn: &mut Turn, asked: &Activate) -> Result<Next, Refusal> {
        let found = self.to_activate(asked.keyring)?;
        let algorithm = PublicJwk::of_spki(&asked.device).ok().and_then(|key| key.own_algorithm());
        if algorithm != Some(Algorithm::Es256) {
            return Err(Refusal::new(Code::Malformed, "a terminal's key is on P-256"));
        }
        let (document, secrets) = self.keyring_at(asked.keyring, found.row)?;
        let factors = secrets.factors().ok_or_else(wrong_code)?;
        let nonce = turn.context.nonce;
        if !is_first_proof(&asked.first, factors.code, asked.keyring, &nonce, &turn.context.signer) {
            return Err(wrong_code());
        }
        if asked.second.is_some() != factors.second.is_some() {
            // Nothing was guessed: it counts nothing.
            let words = "the keyring is activated by a code and a second factor, or by a code alone: have its invitation anew";
            return Err(Refusal::new(Code::FactorInvalid, words));
        }
        // From here on the same bytes have the same answer: a wrong factor that is sent twice counts once.
        self.known(turn, Whose::Activation(asked.keyring), self.behalf_of(asked.keyring)?)?;
        let second = asked.second.as_ref().map(|second| second.0.as_slice());
        if !is_second_proof(second, &factors, asked.keyring, &nonce, &turn.context.signer) {
            return self.wrong_second(asked.keyring, &found, (document, secrets));
        }
        let identity =
            secrets.identity.clone().ok_or_else(|| damaged(asked.keyring, "it was delivered to nobody"))?;
        let organisation = found.policy.document.organisation;
        let access = self.with(|state| state.keyrings().access(organisation).map(|access| access.index));
        let access = access.ok_or_else(|| damaged(asked.keyring, "it has no authorisation policy"))?;
        let access = self.view.attested_at(access).map_err(unusable)?;
        let policy = self.view.attested_at(found.policy.index).map_err(unusable)?;
        let terminal = TerminalId::random();
        let algorithm = found.policy.document.algorithm;
        let key = if algorithm.is_some() { random::<16>() } else { NO_KEY };
        let names = Names::of(asked.keyring, terminal, self.keys.origin());
        let response = self.keys.opaque().registration(&names, &asked.register);
        let response = response.map_err(|error| Refusal::new(Code::Malformed, error.to_string()))?;
        let (hash, policy_hash) = (identity.hash(), found.policy.version.hash);
        let word = self.keys.word_jwk();
        let reply = Reply {
            channel: self.keys.channel().key_id(),
            word: &word,
            identity: &hash,
            policy: &policy_hash,
            access: &access,
            terminal,
            key: &key,
            response: &response,
        };
        let proof = answer_proof(&factors, asked.keyring, &nonce, &reply);
        let keyring = asked.keyring;
        let stage = Activating { keyring, terminal, key, algorithm, identity: hash, policy: policy_hash };
        let shown = Shown {
            terminal,
            key: key.as_slice().into(),
            phase: found.phase,
            identity,
            policy: policy.into(),
            access: access.into(),
            proof,
            response: response.as_slice().into(),
        };
        Ok(Next::Say(Answer::Activating(Box::new(shown)), Stage::Activating(Box::new(stage))))
    }

    /// Who has the code has not the second factor: it is counted before it is answered. Who has no code counts nothing.
    fn wrong_second(
        &self,
        keyring: KeyringId,
        found: &Found,
        (document, secrets): (Keyring, Secrets),
    ) -> Result<Next, Refusal> {
        let blocked = Some(BlockedFor::Factors);
        let document = Keyring { phase: KeyringPhase::Blocked, blocked, ..document };
        let secrets = Secrets { code: None, second: None, package: None, ..secrets };
        let blocked = self.new_row(&document, &secrets, Some(found.version))?;
        let act = KeyringAct::WrongFactor { blocked };
        let refusal = Refusal::new(
            Code::FactorInvalid,
            "the second factor is not the one of this keyring; three times, and the keyring is blocked",
        );
        let answered = move |_| (Answer::Refused(refusal), Stage::Over);
        Ok(Next::Order(Box::new(PreparedKeyring { keyring, by: By::Factor, act }), Box::new(answered)))
    }

    pub(super) fn to_activate(&self, keyring: KeyringId) -> Result<Found, Refusal> {
        let found = self.found(keyring, KeyringPhase::Delivered).map_err(|refusal| match refusal.code {
            // Anybody may ask this: why is not for everyone.
            Code::KeyringSuspended => Refusal::new(
                Code::KeyringSuspended,
                "the keyring is suspended: ask the registration authority that gave it to you",
            ),
            _ => refusal,
        })?;
        self.policy_in_use(found.policy.document.policy)?;
        if self.now().unix >= found.ends {
            return Err(Refusal::new(Code::KeyringPhase, ACTIVATION_OVER));
        }
        Ok(found)
    }

    pub(super) fn confirm(&self, turn: &Turn, asked: Confirm, shown: Activating) -> Result<Next, Refusal> {
        if asked.identity != shown.identity || asked.policy != shown.policy {
            let words = "the terminal showed another holder or policy than the keyring's";
            return Err(Refusal::new(Code::HashMismatch, words));
        }
        let record = self.keys.opaque().record(&asked.upload);
        let record = record.map_err(|error| Refusal::new(Code::Malformed, error.to_string()))?;
        let found = self.to_activate(shown.keyring)?;
        let (document, secrets) = self.keyring_at(shown.keyring, found.row)?;
        let identity = secrets.identity.as_ref().filter(|identity| identity.hash() == shown.identity);
        let identity =
            identity.ok_or_else(|| Refusal::new(Code::StaleVersion, "the holder changed meanwhile"))?;

        let place = Place { keyring: shown.keyring, terminal: shown.terminal, key: shown.key };
        // Where there is no key the terminal's part opens nothing, and turns at each use all the same: a copy of the terminal shows.
        let secret = Secret::random();
        let boxed = seal_box(&asked.unlock, &place, &secret);
        let key = match found.policy.document.algorithm {
            Some(algorithm) => Some(self.new_key(&found, identity, (&place, &secret), algorithm)?),
            None => None,
        };

        let chain = self.chain_of(key.as_ref());
        let made = Made { key, record: record.into(), image: asked.image };
        let (document, secrets) = self.bound(turn, &shown, (document, secrets), made)?;
        let row = self.new_row(&document, &secrets, Some(found.version))?;
        let boxed = TerminalBox { terminal: shown.terminal, boxed: boxed.into() };
        let (phase, certificate) = (document.phase, secrets.key.and_then(|key| key.certificate));
        let act = KeyringAct::Activate { row, boxed, certificate: certificate.as_deref().map(sha256) };
        let prepared = PreparedKeyring { keyring: shown.keyring, by: turn.by_terminal(shown.terminal), act };
        let answered = move |index| {
            let activated = Activated { phase, certificate, chain, index, key: shown.key.as_slice().into() };
            (Answer::Activated(activated), Stage::Over)
        };
        Ok(Next::Order(Box::new(prepared), Box::new(answered)))
    }

    /// The version of a keyring that a terminal is bound to, with its holder's key, which may wait for its certificate. The factors are in it no more, and whoever finds them in an older version activates nothing.
    fn bound(
        &self,
        turn: &Turn,
        shown: &Activating,
        (document, secrets): (Keyring, Secrets),
        made: Made,
    ) -> Result<(Keyring, Secrets), Refusal> {
        let now = self.now().unix;
        let bound = BoundTerminal {
            terminal: shown.terminal,
            thumbprint: turn.context.signer.as_slice().into(),
            bound: now,
            provisional: false,
            parting: None,
        };
        let public = made.key.as_ref().map(|key| KeyringKey {
            id: shown.key.as_slice().into(),
            algorithm: shown.algorithm.unwrap_or(KeyringAlgorithm::Es256),
            spki: sha256(&key.spki),
            certificate: key.certificate.as_deref().map(sha256),
        });
        let waits = public.as_ref().is_some_and(|key| key.certificate.is_none());
        let document = Keyring {
            phase: if waits { KeyringPhase::Certifying } else { KeyringPhase::Active },
            activated: Some(now),
            terminals: vec![bound],
            key: public,
            ..document
        };
        document.check().map_err(unusable)?;
        let of_terminal = TerminalSecrets {
            terminal: shown.terminal,
            device: turn.context.spki.clone().into(),
            record: made.record,
            image: made.image,
        };
        let secrets = Secrets {
            code: None,
            second: None,
            package: None,
            terminals: vec![of_terminal],
            key: made.key,
            ..secrets
        };
        Ok((document, secrets))
    }

    /// A new key of the holder's: with its certificate, or with what an authority outside is asked for one by.
    fn new_key(
        &self,
        found: &Found,
        identity: &Identity,
        (place, secret): (&Place, &Secret<32>),
        algorithm: KeyringAlgorithm,
    ) -> Result<WrappedKey, Refusal> {
        let context = key_context(place.keyring, &place.key);
        let key = self.keys.make_holder_key(&context, secret, algorithm).map_err(unusable)?;
        let held = HeldKey { keys: &self.keys, context: &context, secret, key: &key, algorithm };
        let subject = subject(identity);
        let request = CertificateRequest::make(&subject, &[], &held).map_err(unusable)?;
        let (certificate, request) = match found.policy.document.authority {
            CertificateSource::Embedded { days } => (Some(self.certify(&request, &subject, days)?), None),
            CertificateSource::Est { .. } => (None, Some(request.der().to_vec())),
            CertificateSource::None => return Err(unusable("a policy by which nobody certifies a key")),
        };
        Ok(WrappedKey {
            id: place.key.as_slice().into(),
            version: key.version.number(),
            wrapped: key.wrapped.into(),
            spki: key.spki.into(),
            certificate: certificate.map(Base64Url),
            above: None,
            request: request.map(Base64Url),
        })
    }

    /// The certificates above a holder's, DER: those that an authority outside gave, or the embedded authority's own.
    pub(super) fn chain_of(&self, key: Option<&WrappedKey>) -> Vec<Base64Url> {
        let certified = key.filter(|key| key.certificate.is_some());
        let embedded = || vec![self.keys.authority_certificate()];
        certified.map_or_else(Vec::new, |key| key.above.clone().unwrap_or_else(embedded))
    }

    /// The holder's certificate, DER: of who the registration authority said, for a key that signed the request.
    fn certify(&self, request: &CertificateRequest, subject: &Name, days: u32) -> Result<Vec<u8>, Refusal> {
        let (purpose, now) = (LeafPurpose::Signature, self.now().unix);
        let authority = self.keys.authority();
        let issued = authority.certify_request(request, subject, purpose, days, &Publication::default(), now);
        Ok(issued.map_err(unusable)?.der().as_ref().to_vec())
    }
}

/// What an activation made.
struct Made {
    /// None for keyrings that only authenticate.
    key: Option<WrappedKey>,
    record: Base64Url,
    image: Hash,
}

fn wrong_code() -> Refusal {
    Refusal::new(Code::FactorInvalid, "the activation code is not the one of this keyring")
}

/// Which key of which keyring, 32 bytes.
pub(super) fn key_context(keyring: KeyringId, key: &[u8; 16]) -> Vec<u8> {
    [keyring.as_bytes().as_slice(), key].concat()
}

/// Whom a holder's certificate is about.
pub(super) fn subject(identity: &Identity) -> Name {
    let parts = [
        (Oid::COUNTRY, identity.country.as_ref()),
        (Oid::SURNAME, identity.surname.as_ref()),
        (Oid::GIVEN_NAME, identity.given_name.as_ref()),
        (Oid::SERIAL_NUMBER, identity.serial_number.as_ref()),
        (Oid::COMMON_NAME, Some(&identity.common_name)),
    ];
    let given = parts.into_iter().filter_map(|(kind, value)| Some((kind, value?)));
    given.fold(Name::default(), |name, (kind, value)| name.with(kind, value))
}

/// A holder's new key, which signs the request of its certificate: the proof that there is one.
struct HeldKey<'a> {
    keys: &'a KeyringKeys,
    context: &'a [u8],
    secret: &'a Secret<32>,
    key: &'a HolderKey,
    algorithm: KeyringAlgorithm,
}

impl CertificateKey for HeldKey<'_> {
    fn family(&self) -> KeyFamily {
        match self.algorithm {
            KeyringAlgorithm::Es256 => KeyFamily::P256,
            KeyringAlgorithm::Rs256 => KeyFamily::Rsa,
        }
    }

    fn public_key_info(&self) -> Result<Vec<u8>, sceau_pki::Error> {
        Ok(self.key.spki.clone())
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, sceau_pki::Error> {
        let digest = PkiHash::Sha256.of(message).try_into().map_err(|_| sceau_pki::Error::Crypto)?;
        let own = match self.algorithm {
            KeyringAlgorithm::Es256 => Signing::Ecdsa,
            KeyringAlgorithm::Rs256 => Signing::RsaPkcs1(PkiHash::Sha256),
        };
        if how != own {
            return Err(sceau_pki::Error::Crypto);
        }
        let signed = self.keys.sign_with((self.context, self.secret), self.key, &[digest]);
        signed.ok().and_then(|mut signed| signed.pop()).ok_or(sceau_pki::Error::Crypto)
    }
}

impl std::fmt::Debug for HeldKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeldKey(redacted)")
    }
}
