//! A use: the holder reads what a service provider asks, agrees with the PIN, and the element signs what was read, or says who it is, and nothing else.

use sceau_crypto::jose::PublicJwk;
use sceau_crypto::{Secret, sha256};
use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{
    BoundTerminal, Disclosure, KeyringAccess, KeyringPolicy, RequestKind, SubjectField,
};
use sceau_element_api::wire::{Refusal, Version};
use sceau_element_api::{Base64Url, TerminalId};
use sceau_keyring::{
    Answer, Ask, Asks, Challenge, Door, Expected, Happening, Inner, Login, Names, Pin, Place, Proven,
    Request, Sad, Signs as _, Statement as _, TransactionProof, Use, Used, Validity, seal_inner, thumbprint,
    unlock_of, unverified_kid,
};
use sceau_pki::Certificate;
use sceau_trace::Hash;

use super::face::Camera;
use super::keeps::DeviceKey;
use super::refused;
use super::roam::Coming;
use super::state::{Others, Since, look, names};
use super::storage::{Kept, LastUse, Secrets, Storage};
use crate::ClientError;
use crate::keyring::{Carries, Conversation, now};

/// What a holder reads before agreeing, all of it.
#[derive(Debug)]
pub struct ToApprove {
    /// Who asks, by the name that the security officer registered.
    pub provider: String,
    /// What is asked, as the provider signed it.
    pub request: Request,
    /// What the provider is told of the holder, besides the keyring, where it asks who it is.
    pub told: Vec<SubjectField>,
    /// The holder's certificate, then those above it, DER; none where the activation was not answered, until the first use.
    pub certificates: Vec<Base64Url>,
    /// What was tried since this terminal's last use, and not by it.
    pub others: Others,
    /// Terminals that were added since then.
    pub added: Vec<BoundTerminal>,
    /// What its holder is warned of by that.
    pub(super) warned: Warned,
    /// The thumbprint of its key.
    pub(super) key: Hash,
}

/// What a holder was warned of, and so is not warned of again.
#[derive(Debug)]
pub(super) enum Warned {
    /// Nobody looked: the terminal is to be one of the keyring, and what it did before is its own.
    Joins,
    /// Nothing was shown: what is new stays new.
    Nothing,
    /// What was done until this entry, and these terminals.
    Of {
        /// Index of the newest entry that was looked through for [`ToApprove::others`].
        newest: Option<u64>,
        /// Those that the keyring had then.
        terminals: Vec<TerminalId>,
    },
}

/// It is signed.
#[derive(Debug)]
pub struct Signed {
    /// One for each item, in their order.
    pub signatures: Vec<Base64Url>,
    /// The holder's certificate, then those above it, DER.
    pub certificates: Vec<Base64Url>,
    /// The element's word on it (JWS), which anybody can verify.
    pub proof: String,
    /// Index of the record.
    pub index: u64,
}

/// The element said who it is.
#[derive(Debug)]
pub struct Authenticated {
    /// The element's word on it (JWS): what the provider is given, and verifies.
    pub proof: String,
    /// Index of the record.
    pub index: u64,
}

/// Signs what a request asks to sign. `approve` shows all that it is given, and gives the PIN where the holder agrees.
///
/// # Errors
/// [`ClientError::Keyring`] for a request that is not shown, a folder that is no terminal here, `pin_invalid` where the PIN is wrong; [`ClientError::Refused`] with the
/// element's code; [`ClientError::Unproven`]; as [`crate::Server::post`]. What `approve` gives, as it gives it.
pub async fn sign<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Signed, E> {
    signs(storage, carrier, Doing::only(request_jws), approve).await
}

pub(super) async fn signs<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    doing: Doing<'_>,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Signed, E> {
    let (used, certificates) = uses(storage, carrier, (RequestKind::Sign, doing), approve).await?;
    Ok(Signed { signatures: used.signatures, certificates, proof: used.proof, index: used.index })
}

/// Shows a service provider who the holder is: nothing is signed by the holder's key. `approve` as of [`sign`].
///
/// # Errors
/// As [`sign`].
pub async fn authenticate<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Authenticated, E> {
    authenticates(storage, carrier, Doing::only(request_jws), approve).await
}

pub(super) async fn authenticates<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    doing: Doing<'_>,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Authenticated, E> {
    let (used, _) = uses(storage, carrier, (RequestKind::Authenticate, doing), approve).await?;
    Ok(Authenticated { proof: used.proof, index: used.index })
}

/// What is done by a use, and with what.
#[derive(Clone, Copy)]
pub(super) struct Doing<'a> {
    pub(super) request_jws: &'a str,
    /// The terminal that may come afterwards.
    pub(super) coming: Option<&'a Coming>,
    pub(super) camera: Option<&'a Camera<'a>>,
}

impl<'a> Doing<'a> {
    pub(super) fn only(request_jws: &'a str) -> Self {
        Self { request_jws, coming: None, camera: None }
    }
}

/// Uses the keyring for a request of this kind; gives the holder's certificates besides.
async fn uses<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    (kind, doing): (RequestKind, Doing<'_>),
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<(Used, Vec<Base64Url>), E> {
    let asked = storage.load()?.0.judge(doing.request_jws, now())?;
    if asked.request.kind != kind {
        let words = match kind {
            RequestKind::Sign => "the request asks who you are, and has nothing to sign",
            _ => "the request asks you to sign, not who you are",
        };
        return Err(refused("request_kind", words).into());
    }
    let (kept, used) = use_with(storage, carrier, doing, asked, approve).await?;
    Ok((used, kept.certificates()))
}

/// Has the holder read, agree and type, and has it done.
pub(super) async fn use_for<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
    asked: ToApprove,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<(Kept, Used), E> {
    use_with(storage, carrier, Doing::only(request_jws), asked, approve).await
}

/// The same, with more than a request.
pub(super) async fn use_with<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    doing: Doing<'_>,
    mut asked: ToApprove,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<(Kept, Used), E> {
    may_type(storage, carrier, &mut asked, doing.camera).await?;
    let pin = approve(&asked)?;
    Ok(used_with(storage, carrier, doing, &asked, &pin).await?)
}

/// Before a PIN is typed: whether it can be, and what others tried meanwhile.
pub(super) async fn may_type(
    storage: &Storage,
    carrier: &impl Carries,
    asked: &mut ToApprove,
    camera: Option<&Camera<'_>>,
) -> Result<(), ClientError> {
    let (kept, device, _) = storage.load()?;
    storage.may_serve(&kept.policy()?)?;
    kept.may_show_face(storage, (asked.request.kind, camera))?;
    let state = look(storage, carrier, (&kept, &device), Since::LastUse).await?;
    state.may_try()?;
    if !matches!(asked.warned, Warned::Nothing) {
        asked.warned = Warned::Of { newest: state.seen, terminals: names(&state.standing) };
    }
    asked.others = state.others;
    asked.added = state.added;
    Ok(())
}

/// The use of a terminal that is to be one of the keyring. Its folder is locked by who calls.
pub(super) async fn join_with(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
    asked: ToApprove,
    pin: &Pin,
) -> Result<Used, ClientError> {
    Ok(prove(storage, carrier, Doing::only(request_jws), &asked, pin).await?.1)
}

pub(super) async fn used_with(
    storage: &Storage,
    carrier: &impl Carries,
    what: Doing<'_>,
    asked: &ToApprove,
    pin: &Pin,
) -> Result<(Kept, Used), ClientError> {
    // A use turns the secret: what is turned was read with nobody else at it, and not before the holder read and typed.
    let _alone = storage.lock()?;
    prove(storage, carrier, what, asked, pin).await
}

/// Proves the PIN, and has done what it is for.
async fn prove(
    storage: &Storage,
    carrier: &impl Carries,
    Doing { request_jws, coming, camera }: Doing<'_>,
    asked: &ToApprove,
    pin: &Pin,
) -> Result<(Kept, Used), ClientError> {
    let (mut kept, device, secrets) = storage.load()?;
    // Once more: a holder may read for long, and the device's lock be taken off meanwhile.
    storage.may_serve(&kept.policy()?)?;
    let conversation = Conversation::open(carrier, &kept.origin, kept.channel).await?;
    let mut conversation = conversation.within(kept.image);
    let unproven = |error: sceau_keyring::OpaqueError| ClientError::Unproven(error.to_string());
    let (logging_in, ke1) = pin.login().map_err(unproven)?;
    let registering = coming.map(|coming| coming.register(pin)).transpose()?;
    let (registering, expecting) = registering.unzip();
    let login = Login {
        keyring: kept.keyring,
        terminal: kept.terminal,
        request: request_jws.to_owned(),
        ke1: ke1.as_slice().into(),
        expecting,
    };
    storage.keep_attempt(Happening::attempt_of(&ke1))?;
    let Answer::Challenge(challenge) = conversation.ask(&device, Ask::Login(login)).await? else {
        return Err(ClientError::Answer);
    };
    if challenge.policy.as_bytes() != &sha256(&kept.policy) || challenge.challenge != conversation.nonce() {
        return Err(refused("policy_changed", "the keyring's policy is not the one that was activated"));
    }
    let names = Names::of(kept.keyring, kept.terminal, &kept.origin);
    let Ok(proven) = logging_in.finish(pin, &challenge.ke2, &names) else {
        // That it was wrong is known here, whether or not the word of it arrives.
        let words = match conversation.ask(&device, Ask::Failed {}).await {
            Ok(_) => "the PIN is wrong; three times, and the keyring is blocked",
            Err(_) => {
                "the PIN is wrong; three times, and the keyring is blocked. The element could not be told: the attempt counts as one that was not ended"
            }
        };
        return Err(refused("pin_invalid", words));
    };
    let seen = (&challenge, conversation.channel().id());
    let face = kept.face(storage, (&asked.request, request_jws), seen, camera)?;
    // Durable before it is sent. One that is in doubt since the last use is used again: either of the two opens.
    let next = secrets.pending.as_ref().map_or_else(Secret::random, Secret::duplicate);
    let written = Secrets { current: secrets.current.duplicate(), pending: Some(next.duplicate()) };
    storage.keep_secrets(&written)?;
    let consent =
        Consent { kept: &kept, device: &device, asked, request_jws, challenge: &challenge, ke1: &ke1 };
    let sad = consent.sad(&proven)?;
    let mut inner = consent.inner(&proven, &secrets, &next, sad.clone())?;
    if let (Some(coming), Some(registering)) = (coming, registering) {
        let answer = challenge.expected.as_ref().ok_or(ClientError::Answer)?;
        inner.expected = Some(coming.registered(&kept, pin, registering, answer)?);
    }
    let sealed = seal_inner(&proven.session, &conversation.channel().id(), &inner);
    let ask = Use { ke3: proven.ke3.as_slice().into(), inner: sealed.into(), face };
    let Answer::Used(used) = conversation.ask(&device, Ask::Use(ask)).await? else {
        return Err(ClientError::Answer);
    };
    storage.keep_secrets(&Secrets { current: next, pending: None })?;
    let proof = consent.judge(&used, &sad)?;
    if let Some(template) = &used.face {
        storage.keep_face(template)?;
    }
    let last = |newest| LastUse { index: newest, time: proof.time };
    match &asked.warned {
        Warned::Joins => storage.keep_use(last(used.index), None)?,
        Warned::Nothing => {}
        // Not the index of the use: what a copy tries while the holder reads and types is before that one, and nobody saw it.
        Warned::Of { newest, terminals } => {
            storage.keep_use(last(newest.unwrap_or(used.index)), Some(terminals.clone()))?;
        }
    }
    kept.complete(storage, &used)?;
    Ok((kept, used))
}

impl Kept {
    pub(super) fn certificates(&self) -> Vec<Base64Url> {
        self.certificate.iter().chain(&self.chain).cloned().collect()
    }

    /// Keeps the certificate, where the activation that should have brought it was not answered.
    fn complete(&mut self, storage: &Storage, used: &Used) -> Result<(), ClientError> {
        if self.certificate.is_some() {
            return Ok(());
        }
        self.certificate.clone_from(&used.certificate);
        self.chain.clone_from(&used.chain);
        storage.keep(self)
    }

    /// A request, if a service provider that may ask this signed it, for this keyring, at `now`.
    pub(super) fn judge(&self, request_jws: &str, now: u64) -> Result<ToApprove, ClientError> {
        let damaged = |_| refused("terminal_damaged", "what the terminal keeps cannot be read");
        let access = KeyringAccess::parse(&self.access).map_err(damaged)?.document;
        let policy = KeyringPolicy::parse(&self.policy).map_err(damaged)?.document;
        let kid = unverified_kid(request_jws);
        let keyed = |actor: &sceau_element_api::keyring::KeyringActor| {
            let certificate = Certificate::from_der(&actor.certificate, "a provider's certificate").ok()?;
            let spki = certificate.public_key_info();
            let key = thumbprint(&spki).filter(|key| Some(*key) == kid)?;
            Some((spki, Hash::new(key)))
        };
        let found = access.actors.iter().find_map(|actor| Some((actor, keyed(actor)?)));
        let (actor, (spki, key)) = found.ok_or_else(|| {
            refused(
                "actor_unknown",
                "who signed the request is not registered by the security officer: do not trust it",
            )
        })?;
        let request = Request::verify(request_jws, &spki).map_err(not_shown)?;
        let by = Asks { actor, validity: Validity::AsBound };
        let (keyring, origin) = (self.keyring, self.origin.as_str());
        request.judge(&Door { by, policy: &policy, keyring, origin, now }).map_err(not_shown)?;
        let signs = request.kind == RequestKind::Sign;
        let (provider, certificates) = (actor.name.clone(), self.certificates());
        let told = if signs || policy.discloses == Disclosure::Keyring { Vec::new() } else { policy.subject };
        let (others, added) = (Others::default(), Vec::new());
        Ok(ToApprove { provider, request, told, certificates, others, added, warned: Warned::Joins, key })
    }
}

/// What the terminal itself found: it is its own word, and no server's.
fn not_shown(refusal: Refusal) -> ClientError {
    refused(refusal.code.as_str(), refusal.detail)
}

/// A consent under way.
struct Consent<'a> {
    kept: &'a Kept,
    device: &'a DeviceKey,
    asked: &'a ToApprove,
    request_jws: &'a str,
    challenge: &'a Challenge,
    ke1: &'a [u8],
}

impl Consent<'_> {
    /// The number of the message that brings it: the second, after the login.
    const SEQ: u64 = 2;

    fn sad(&self, proven: &Proven) -> Result<String, ClientError> {
        let Self { kept, challenge, .. } = self;
        let terminal = thumbprint(self.device.spki()).ok_or(ClientError::Answer)?;
        let expected = Expected {
            keyring: kept.keyring,
            key: &kept.key,
            terminal,
            provider: self.asked.key,
            request_jws: self.request_jws,
            request: &self.asked.request,
            policy: challenge.policy,
            state: Version { version: challenge.version, hash: challenge.hash },
            challenge: challenge.challenge,
            seq: Self::SEQ,
            opaque: Sad::transcript(self.ke1, &challenge.ke2, &proven.ke3),
            time: now(),
            ends: self.asked.request.ends,
        };
        Ok(Sad::expected(&expected).sign(self.device)?)
    }

    fn inner(
        &self,
        proven: &Proven,
        secrets: &Secrets,
        next: &Secret<32>,
        sad: String,
    ) -> Result<Inner, ClientError> {
        let key = self.kept.key.0.as_slice().try_into().map_err(|_| ClientError::Answer)?;
        let place = Place { keyring: self.kept.keyring, terminal: self.kept.terminal, key };
        let unlock = |secret: &Secret<32>| unlock_of(&proven.export, secret, &place);
        let both = [Some(&secrets.current), secrets.pending.as_ref()];
        Ok(Inner {
            sad,
            unlock: both.into_iter().flatten().map(unlock).collect(),
            next: unlock(next),
            expected: None,
        })
    }

    /// Whether the element's word is on this consent, and on these signatures.
    fn judge(&self, used: &Used, sad: &str) -> Result<TransactionProof, ClientError> {
        let unproven = |what: &str| ClientError::Unproven(format!("the proof of the transaction: {what}"));
        let word = PublicJwk::parse(self.kept.word.as_bytes()).map_err(|_| unproven("its key is not one"))?;
        let proof =
            TransactionProof::verify_by(&used.proof, &word).map_err(|refusal| unproven(&refusal.detail))?;
        let holds = proof.is_of(&self.asked.request, self.request_jws)
            && proof.terminal == self.kept.terminal
            && proof.index == Some(used.index)
            && proof.identity.is_some() != self.asked.told.is_empty()
            && proof.sad.as_bytes() == &sha256(sad.as_bytes())
            && proof.signatures == TransactionProof::signatures_hash(&used.signatures)
            && used.signatures.len() == self.asked.request.items.len();
        if holds { Ok(proof) } else { Err(unproven("it is of something else")) }
    }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
