//! A holder's terminal whose PIN is stretched once, and then remembered: what is measured is the servers' work, and Argon2id is the terminal's alone.
//!
//! It is made by `sceau terminal activate`, as any is, and says the same things as one, by the same crate.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use argon2::{Algorithm, Argon2, Params, Version as Argon2Version};
use opaque_ke::errors::InternalError;
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::ksf::Ksf;
use opaque_ke::rand::{CryptoRng, Error as RandomError, RngCore};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, CredentialResponse, Identifiers, Ristretto255,
    TripleDh,
};
use sceau_client::keyring::{Carries as _, FileKey, now};
use sceau_client::{ClientError, Server};
use sceau_crypto::{KeyId, Secret, random};
use sceau_element_api::keyring::{FirstPart, SealedMessage};
use sceau_element_api::wire::{Code, Version};
use sceau_element_api::{Base64Url, KeyringId, KeyringRequestId, Nonce, TerminalId};
use sceau_keyring::{
    Answer, Ask, Challenge, Channel, Expected, Inner, Login, LookAt, Message, Names, Outcome, Place, Request,
    Sad, Signs as _, Statement as _, Use, Used, Visit, VisitAsk, seal_inner, thumbprint, unlock_of,
};
use sceau_trace::Hash;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// The suite of keyrings (docs/sign-with-a-keyring.md), its stretching remembered.
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2::Sha512>;
    type Ksf = Remembered;
}

/// Argon2id as terminals have it, once for each input.
#[derive(Default)]
struct Remembered(Mutex<HashMap<Vec<u8>, Vec<u8>>>);

impl Ksf for Remembered {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let mut known = self.0.lock().map_err(|_| InternalError::KsfError)?;
        if let Some(output) = known.get(input.as_slice()) {
            return GenericArray::from_exact_iter(output.iter().copied()).ok_or(InternalError::KsfError);
        }
        let mut output = GenericArray::<u8, L>::default();
        let parameters = Params::new(64 * 1024, 3, 4, Some(output.len()));
        let parameters = parameters.map_err(|_| InternalError::KsfError)?;
        Argon2::new(Algorithm::Argon2id, Argon2Version::V0x13, parameters)
            .hash_password_into(&input, &[0; 16], &mut output)
            .map_err(|_| InternalError::KsfError)?;
        known.insert(input.to_vec(), output.to_vec());
        Ok(output)
    }
}

/// The operating system's random octets, as `opaque-ke` asks for them.
struct Drawn;

impl RngCore for Drawn {
    fn next_u32(&mut self) -> u32 {
        u32::from_ne_bytes(random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_ne_bytes(random())
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for part in dest.chunks_mut(64) {
            part.iter_mut().zip(random::<64>()).for_each(|(byte, drawn)| *byte = drawn);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), RandomError> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Drawn {}

/// A transaction that came to nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// More was asked than is done.
    Busy,
    /// Something that must not be.
    Other(String),
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Refused { code, .. } | ClientError::InClear { code, .. } if code == "busy" => {
                Self::Busy
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl From<&str> for Failed {
    fn from(why: &str) -> Self {
        Self::Other(why.to_owned())
    }
}

/// What `keyring.json` of a terminal's folder says.
#[derive(Deserialize)]
struct Kept {
    keyring: KeyringId,
    terminal: TerminalId,
    key: Base64Url,
    origin: String,
    channel: KeyId,
    image: Hash,
}

/// A terminal.
pub(super) struct Terminal {
    kept: Kept,
    device: FileKey,
    secret: Secret<32>,
    pin: Vec<u8>,
    stretched: Remembered,
    /// The newest entry of its keyring's history that it looked through at its last use.
    last: Option<u64>,
    /// The nonce that came with the last answer to a visit.
    next: Option<Nonce>,
}

impl Terminal {
    /// The one of this folder.
    pub(super) fn of(folder: &Path, pin: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Secrets {
            current: Base64Url,
        }
        let read = |name: &str| std::fs::read(folder.join(name)).map_err(|error| error.to_string());
        let kept = serde_json::from_slice(&read("keyring.json")?).map_err(|error| error.to_string())?;
        let secrets: Secrets =
            serde_json::from_slice(&read("secret.json")?).map_err(|error| error.to_string())?;
        Ok(Self {
            kept,
            device: FileKey::from_pkcs8(&read("device.p8")?).map_err(|error| error.to_string())?,
            secret: Secret::from_slice(&secrets.current).map_err(|error| error.to_string())?,
            pin: pin.as_bytes().to_vec(),
            stretched: Remembered::default(),
            last: None,
            next: None,
        })
    }

    /// Its keyring.
    pub(super) fn keyring(&self) -> KeyringId {
        self.kept.keyring
    }

    /// All that a terminal does for a request of this provider: it learns of it by its id, fetches it, looks where its keyring stands, proves the PIN, consents, and hands over what the
    /// element answered.
    pub(super) async fn answers(
        &mut self,
        host: &Server,
        provider: &FileKey,
        request: KeyringRequestId,
    ) -> Result<(), Failed> {
        #[derive(Deserialize)]
        struct Waiting {
            request: KeyringRequestId,
        }
        #[derive(Deserialize)]
        struct Listed {
            requests: Vec<Waiting>,
        }
        #[derive(Deserialize)]
        struct Fetched {
            jws: String,
        }
        #[derive(Deserialize)]
        struct Settled {}
        let listed: Listed = self.visits(host, VisitAsk::List {}).await?;
        if !listed.requests.iter().any(|waiting| waiting.request == request) {
            return Err("a request does not wait at the host".into());
        }
        let Fetched { jws } = self.visits(host, VisitAsk::Fetch { request }).await?;
        let asked = Request::verify(&jws, provider.spki()).map_err(|refusal| refusal.detail)?;
        let newest = LookAt::newest(self.kept.keyring, Some(self.kept.terminal));
        let look = LookAt { after: self.last, ..newest };
        let Answer::Standing(standing) = self.talk(host).await?.ask(Ask::Look(look)).await? else {
            return Err("it does not say where the keyring stands".into());
        };
        let used = self.uses(host, provider, &jws, &asked).await?;
        self.last = standing.done.first().map(|newest| newest.index).or(self.last);
        let outcome = Outcome {
            signatures: used.signatures,
            proof: used.proof,
            certificate: used.certificate,
            chain: used.chain,
            index: used.index,
        };
        let deposit = VisitAsk::Deposit { request, outcome: Box::new(outcome) };
        let Settled {} = self.visits(host, deposit).await?;
        // A holder comes back later than it is good for.
        self.next = None;
        Ok(())
    }

    async fn uses(
        &mut self,
        host: &Server,
        provider: &FileKey,
        jws: &str,
        asked: &Request,
    ) -> Result<Used, Failed> {
        let started =
            ClientLogin::<Suite>::start(&mut Drawn, &self.pin).map_err(|error| error.to_string())?;
        let ke1 = started.message.serialize().to_vec();
        let mut talk = self.talk(host).await?;
        let (keyring, terminal) = (self.kept.keyring, self.kept.terminal);
        let (request, ke1_sent) = (jws.to_owned(), ke1.clone().into());
        let login = Login { keyring, terminal, request, ke1: ke1_sent, expecting: None };
        let Answer::Challenge(challenge) = talk.ask(Ask::Login(login)).await? else {
            return Err("it does not challenge".into());
        };
        let Challenge { ke2, version, hash, policy, challenge: nonce, .. } = challenge;
        let names = Names::of(keyring, terminal, &self.kept.origin);
        let identifiers =
            Identifiers { client: Some(names.credential.as_bytes()), server: Some(names.server.as_bytes()) };
        let response = CredentialResponse::deserialize(&ke2).map_err(|error| error.to_string())?;
        let parameters = ClientLoginFinishParameters::new(None, identifiers, Some(&self.stretched));
        let proven = started.state.finish(&mut Drawn, &self.pin, response, parameters);
        let proven = proven.map_err(|error| error.to_string())?;
        let ke3 = proven.message.serialize().to_vec();
        let expected = Expected {
            keyring,
            key: &self.kept.key,
            terminal: thumbprint(self.device.spki()).ok_or("a terminal's key")?,
            provider: Hash::new(thumbprint(provider.spki()).ok_or("a provider's key")?),
            request_jws: jws,
            request: asked,
            policy,
            state: Version { version, hash },
            challenge: nonce,
            seq: 2,
            opaque: Sad::transcript(&ke1, &ke2, &ke3),
            time: now(),
            ends: asked.ends,
        };
        let sad = Sad::expected(&expected).sign(&self.device).map_err(|error| error.to_string())?;
        let secret = |bytes: &[u8]| Secret::<64>::from_slice(bytes).map_err(|error| error.to_string());
        let (export, session) = (secret(&proven.export_key)?, secret(&proven.session_key)?);
        let key = self.kept.key.0.as_slice().try_into().map_err(|_| "a key's id has 16 bytes")?;
        let place = Place { keyring, terminal, key };
        let next = Secret::random();
        let unlock = vec![unlock_of(&export, &self.secret, &place)];
        let next_unlock = unlock_of(&export, &next, &place);
        let inner = Inner { sad, unlock, next: next_unlock, expected: None };
        let inner = seal_inner(&session, &talk.channel.id(), &inner).into();
        let Answer::Used(used) = talk.ask(Ask::Use(Use { ke3: ke3.into(), inner, face: None })).await? else {
            return Err("it does not answer a use".into());
        };
        self.secret = next;
        Ok(used)
    }

    /// A visit, with the nonce that came with the answer to the one before, as a terminal that does several things in a row.
    async fn visits<T: DeserializeOwned>(&mut self, host: &Server, ask: VisitAsk) -> Result<T, Failed> {
        #[derive(Deserialize)]
        struct Given {
            nonce: Nonce,
        }
        #[derive(Deserialize)]
        struct Told<T> {
            #[serde(flatten)]
            told: T,
            next: Given,
        }
        let nonce = match self.next.take() {
            Some(nonce) => nonce,
            None => {
                let given: Given = host.post("/v1/keyrings/nonces", &json!({})).await?;
                given.nonce
            }
        };
        let Kept { keyring, terminal, ref origin, .. } = self.kept;
        let (aud, time) = (origin.clone(), now());
        let visit = Visit { v: 1, aud, host: host.host(), keyring, terminal, nonce, time, ask };
        let visit = visit.sign(&self.device).map_err(|error| error.to_string())?;
        let body = json!({ "visit": visit, "device": Base64Url::from(self.device.spki()) });
        let Told { told, next } = host.post("/v1/keyrings/visits", &body).await?;
        self.next = Some(next.nonce);
        Ok(told)
    }

    async fn talk<'a>(&'a self, host: &'a Server) -> Result<Talk<'a>, Failed> {
        let offer = host.context().await?;
        let (channel, wrapped) =
            Channel::begin(&offer, Some(self.kept.channel)).map_err(|error| error.to_string())?;
        Ok(Talk { terminal: self, host, channel, nonce: offer.nonce, wrapped, seq: 0 })
    }
}

/// A context under way.
struct Talk<'a> {
    terminal: &'a Terminal,
    host: &'a Server,
    channel: Channel,
    nonce: Nonce,
    wrapped: Vec<u8>,
    seq: u64,
}

impl Talk<'_> {
    async fn ask(&mut self, ask: Ask) -> Result<Answer, Failed> {
        let Kept { origin, channel, image, .. } = &self.terminal.kept;
        self.seq += 1;
        let message = Message {
            v: 1,
            aud: origin.clone(),
            channel: *channel,
            context: self.channel.id().into(),
            seq: self.seq,
            time: now(),
            image: Some(*image),
            ask,
        };
        let jws = message.sign(&self.terminal.device).map_err(|error| error.to_string())?;
        let first =
            (self.seq == 1).then(|| FirstPart { nonce: self.nonce, wrapped: self.wrapped.clone().into() });
        let sealed = self.channel.seal_up(self.seq, &jws).into();
        let (context, seq) = (self.channel.id().into(), self.seq);
        let message = SealedMessage { context, seq, first, sealed, address: None };
        let answer = self.host.message(&message).await?;
        match self.channel.open_down(self.seq, &answer.sealed).map_err(|error| error.to_string())? {
            Answer::Refused(refusal) if refusal.code == Code::Busy => Err(Failed::Busy),
            Answer::Refused(refusal) => Err(refusal.detail.into()),
            answer => Ok(answer),
        }
    }
}
