//! The methods (section 11), each for who may call it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_crypto::random;
use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_store::{Clock, RateLimiter, Rule};
use serde_json::{Value, json};

use crate::asking::{Asked, Became, Holders, NotAsked};
use crate::consents::{Consents, Left};
use crate::credentials::{Credential, Credentials, TERMINAL, Wanted};
use crate::input::{Implied, Input, hash};
use crate::kept::Kept;
use crate::rooms::Rooms;
use crate::stamps::Stamps;
use crate::tokens::{Bearer, Tokens, Turn};
use crate::whole::Signing;
use crate::words::{Lang, described, labelled};
use crate::{CscError, algorithms};

/// Answers that wait for their applications, of all and of one.
const ANSWERS: usize = 10_000;
const ANSWERS_OF_ONE: usize = 500;
/// Documents that wait for their holders.
const WORKS: usize = 16;
const WORKS_OF_ONE: usize = 8;
/// How long an answer waits, in ms.
pub(crate) const KEPT_FOR: u64 = 600_000;
/// How long after a request's end its outcome may still come, in ms: what the holder agreed to in the last moment.
pub(crate) const OUTCOME_AFTER: u64 = 5_000;
/// Time stamps that one application may ask for: they are the operator's to pay.
const STAMPS: Rule = Rule::per_hour(60, 240);

/// What the operator says.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The authorization server's issuer (RFC 8414).
    pub issuer: String,
    /// What people call the service.
    pub name: String,
    /// A picture of it.
    pub logo: String,
    /// ISO 3166-1 Alpha-2.
    pub region: String,
    /// What it is.
    pub description: String,
    /// The language of what holders read.
    pub lang: Lang,
    /// The most documents that one consent is asked for: the policy's, or fewer.
    pub most: usize,
    /// How long a holder has to answer, in seconds: 30 to 600.
    pub seconds: u64,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Service(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) plan: Plan,
    pub(crate) credentials: Credentials,
    pub(crate) holders: Arc<dyn Holders>,
    pub(crate) tokens: Arc<dyn Tokens>,
    pub(crate) stamps: Option<Arc<dyn Stamps>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) consents: Consents,
    /// Answers of calls that were not waited for.
    pub(crate) answers: Kept<Waiting>,
    pub(crate) works: Kept<Signing>,
    pub(crate) rooms: Rooms,
    stamped: RateLimiter,
}

/// An answer that waits for its application, about this holder's credential; none as long as it is made.
pub(crate) type Waiting = (KeyringId, Option<Value>);

/// Shows neither tokens nor what is under way.
impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("plan", &self.0.plan).finish_non_exhaustive()
    }
}

/// An answer: done, or begun (202).
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Value),
    Begun(Value),
    /// Done, and nothing to say (204).
    Sent,
}

impl Service {
    /// The service of this plan; without `stamps`, nothing is stamped.
    #[must_use]
    pub fn new(
        plan: Plan,
        credentials: Credentials,
        holders: Arc<dyn Holders>,
        tokens: Arc<dyn Tokens>,
        stamps: Option<Arc<dyn Stamps>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let answers = Kept::new(ANSWERS, ANSWERS_OF_ONE);
        let works = Kept::new(WORKS, WORKS_OF_ONE);
        Self(Arc::new(Inner {
            plan,
            credentials,
            holders,
            tokens,
            stamps,
            clock,
            consents: Consents::default(),
            answers,
            works,
            rooms: Rooms::default(),
            stamped: RateLimiter::new(1_000),
        }))
    }

    pub(crate) fn bearer(&self, token: &str) -> Option<Bearer> {
        self.0.tokens.bearer(token)
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.clock.now_ms()
    }

    /// What the service is (section 11.1). For anybody.
    pub(crate) fn info(&self) -> Value {
        let Plan { issuer, name, logo, region, description, lang, .. } = &self.0.plan;
        let mut methods = vec![
            "info",
            "credentials/list",
            "credentials/info",
            "credentials/authorize",
            "credentials/authorizeCheck",
            "credentials/getChallenge",
            "credentials/extendTransaction",
            "signatures/signHash",
            "signatures/signDoc",
            "signatures/signPolling",
        ];
        let mut levels = vec!["AdES-B-B"];
        if self.0.stamps.is_some() {
            methods.push("signatures/timestamp");
            levels.push("AdES-B-T");
        }
        json!({
            "specs": "2.0.0.2", "name": name, "logo": logo, "region": region, "lang": lang.tag(), "description": description,
            "authType": ["oauth2code"], "oauth2Issuer": issuer, "asynchronousOperationMode": true, "methods": methods,
            "validationInfo": true, "signAlgorithms": {"algos": algorithms::ALL},
            "signature_formats": {"formats": ["P"], "envelope_properties": [["Revision"]]}, "conformance_levels": levels,
        })
    }

    /// The holder's credential, if it has one (section 11.4).
    pub(crate) fn list(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        if input.get("userID").is_some() {
            return Err(CscError::invalid("userID parameter MUST be null"));
        }
        let wanted = wanted(input)?;
        let (infos, only_valid) = (input.flag("credentialInfo")?, input.flag("onlyValid")?);
        let now = self.now();
        let own = self.credential_of(bearer.keyring)?.filter(|it| !only_valid || it.is_valid(now));
        let ids: Vec<String> = own.iter().map(|it| it.keyring.to_string()).collect();
        let mut told = json!({"credentialIDs": ids});
        if let (true, Some(members)) = (infos, told.as_object_mut()) {
            let info = |it: &Credential| {
                let mut info = it.told(wanted, self.0.plan.most, now);
                if let Some(members) = info.as_object_mut() {
                    members.insert("credentialID".to_owned(), it.keyring.to_string().into());
                }
                info
            };
            members.insert("credentialInfos".to_owned(), own.iter().map(info).collect());
        }
        if let (true, Some(members)) = (only_valid, told.as_object_mut()) {
            members.insert("onlyValid".to_owned(), true.into());
        }
        Ok(told)
    }

    /// One credential (section 11.5).
    pub(crate) fn credential(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let credential = self.named(bearer, input)?;
        let mut told = credential.told(wanted(input)?, self.0.plan.most, self.now());
        if let Some(members) = told.as_object_mut() {
            members.insert("lang".to_owned(), self.0.plan.lang.tag().into());
        }
        Ok(told)
    }

    /// The challenge of the terminal (section 11.8): it goes there, with the request, and is not for the application.
    pub(crate) fn challenge(&self, bearer: &Bearer, input: &Input) -> Result<Answer, CscError> {
        self.named(bearer, input)?;
        match input.text("authObjectID")? {
            TERMINAL => Ok(Answer::Sent),
            _ => Err(CscError::parameter("authObjectID")),
        }
    }

    /// A time stamp (section 11.13).
    pub(crate) async fn timestamp(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let Some(stamps) = &self.0.stamps else {
            return Err(CscError::invalid("signatures/timestamp is not served here"));
        };
        if input.text("hash")?.is_empty() {
            return Err(CscError::invalid("Empty hash parameter"));
        }
        input.text("hashAlgo")?;
        input.hashed_by_sha256(Implied::Nowhere)?;
        let imprint = hash(input.get("hash").unwrap_or(&Value::Null))?;
        let nonce = nonce(input)?;
        let often = |_| CscError::often("Too many time stamps for this application: try again later");
        self.0.stamped.take(bearer.client.as_str(), STAMPS, self.now()).map_err(often)?;
        let token = stamps.stamp(imprint, nonce).await.map_err(|error| {
            tracing::warn!(%error, "the authority of time stamps gave none");
            CscError::later("The authority of time stamps gave none")
        })?;
        Ok(json!({"timestamp": STANDARD.encode(token)}))
    }

    /// Leaves a request for the holder of a credential, and has what came of that kept. Whoever called may be gone meanwhile: the holder is asked all the same, and it counts as long as
    /// they are.
    pub(crate) async fn ask(
        &self,
        bearer: &Bearer,
        credential: &Credential,
        (said, names, hashes): (Option<&str>, &[Option<String>], &[[u8; 32]]),
        kept: impl FnOnce(&Self, Result<Left, CscError>) -> Result<(), CscError> + Send + 'static,
    ) -> Result<(), CscError> {
        let (service, asks) = (self.clone(), self.asks(bearer, credential, said, names, hashes));
        let asked = tokio::spawn(async move {
            let left = match asks {
                Ok((asked, turn)) => {
                    let left = service.0.holders.ask(asked).await.map_err(|error| not_asked(&error));
                    left.map(|(request, ends)| Left { request, ends, _turn: turn })
                }
                Err(error) => Err(error),
            };
            kept(&service, left)
        });
        asked.await.map_err(|_| CscError::server())?
    }

    /// What a holder is asked, and the turn to ask them.
    fn asks(
        &self,
        bearer: &Bearer,
        credential: &Credential,
        said: Option<&str>,
        names: &[Option<String>],
        hashes: &[[u8; 32]],
    ) -> Result<(Asked, Turn), CscError> {
        let Plan { lang, seconds, .. } = self.0.plan;
        let labels = labelled(lang, names)?;
        let asked = Asked {
            keyring: credential.keyring,
            description: described(lang, &bearer.name, said)?,
            items: labels.into_iter().zip(hashes.iter().copied()).collect(),
            algorithm: algorithms::keyring(credential.kind),
            seconds,
        };
        let often = || CscError::often("The holder has been asked enough for now");
        let turn = self.0.tokens.turn(bearer, seconds).ok_or_else(often)?;
        Ok((asked, turn))
    }

    /// Until when a request that is left now may be answered.
    pub(crate) fn ends(&self) -> u64 {
        self.now() + self.0.plan.seconds * 1000
    }

    /// The signatures of a request, none while its holder did not answer.
    pub(crate) async fn heard(
        &self,
        request: KeyringRequestId,
        ends: u64,
        keyring: KeyringId,
    ) -> Result<Option<Vec<Vec<u8>>>, CscError> {
        match self.0.holders.became(request).await.map_err(|error| not_asked(&error))? {
            Became::Waiting => Ok(None),
            Became::Refused => Err(CscError::denied("The holder did not agree")),
            // What they agreed to in the last moment comes after it.
            Became::Silent if self.now() < ends + OUTCOME_AFTER => Ok(None),
            Became::Silent => Err(CscError::denied("The holder did not answer in time")),
            Became::Signed { signatures, certificate } => {
                let kept = self.credential_of(keyring)?;
                let same = kept.zip(certificate).is_some_and(|(kept, given)| {
                    let kept: &[u8] = kept.certificate.der().as_ref();
                    kept == given.as_slice()
                });
                if same {
                    return Ok(Some(signatures));
                }
                tracing::error!(%request, "the holder's certificate is another one than is kept here");
                Err(CscError::server())
            }
        }
    }

    /// The credential that is named, of the holder whose token this is.
    pub(crate) fn named(&self, bearer: &Bearer, input: &Input) -> Result<Credential, CscError> {
        let asked = input.text("credentialID")?;
        let unknown = || CscError::parameter("credentialID");
        let keyring: KeyringId = asked.parse().map_err(|_| unknown())?;
        let own = (keyring == bearer.keyring).then(|| self.credential_of(keyring)).transpose()?;
        own.flatten().ok_or_else(unknown)
    }

    /// The same, in its validity.
    pub(crate) fn usable(&self, bearer: &Bearer, input: &Input) -> Result<Credential, CscError> {
        let credential = self.named(bearer, input)?;
        if credential.is_valid(self.now()) { Ok(credential) } else { Err(disabled()) }
    }

    fn credential_of(&self, keyring: KeyringId) -> Result<Option<Credential>, CscError> {
        self.0.credentials.of(keyring).map_err(|error| {
            tracing::error!(why = %error.why(), "a credential cannot be used");
            CscError::server()
        })
    }
}

fn wanted(input: &Input) -> Result<Wanted, CscError> {
    Ok(Wanted {
        certificates: input.word("certificates", &["single", "none", "chain"])?,
        certificate_facts: input.flag("certInfo")?,
        authorisation: input.flag("authInfo")?,
    })
}

/// A number in hexadecimal, of at most 128 bits and not zero.
fn nonce(input: &Input) -> Result<[u8; 16], CscError> {
    let wrong = || CscError::parameter("nonce");
    let Some(text) = input.optional("nonce").map_err(|_| wrong())? else { return Ok(random::<16>()) };
    let number = u128::from_str_radix(text, 16).ok().filter(|number| *number > 0 && !text.starts_with('+'));
    number.map(u128::to_be_bytes).ok_or_else(wrong)
}

fn disabled() -> CscError {
    CscError::invalid("The credential identified by credentialID is disabled")
}

pub(crate) fn full() -> CscError {
    CscError::later("Too much is under way: try again in a minute")
}

fn not_asked(error: &NotAsked) -> CscError {
    match error {
        NotAsked::Disabled(_) => disabled(),
        NotAsked::Often(_) => CscError::often("The holder has been asked enough for now"),
        NotAsked::Away(cause) => {
            tracing::warn!(%cause, "the host of keyrings is away");
            CscError::later("The way to the holder is away")
        }
        NotAsked::Other(cause) => {
            tracing::error!(%cause, "a holder could not be asked");
            CscError::server()
        }
    }
}
