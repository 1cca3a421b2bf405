//! The methods (section 11), each for who may call it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_crypto::random;
use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_store::Clock;
use serde_json::{Value, json};

use crate::asking::{Asked, Became, Holders, NotAsked};
use crate::consents::{Begun, Consents, Sad, Seen, Used};
use crate::credentials::{Credential, Credentials, TERMINAL, Wanted};
use crate::documents::{self, Done, Work};
use crate::input::{Implied, Input, hash};
use crate::kept::{Kept, drawn, name};
use crate::stamps::Stamps;
use crate::tokens::{Bearer, Tokens};
use crate::words::{Lang, described, labelled};
use crate::{CscError, algorithms};

/// Answers that wait for their applications, of all and of one.
const ANSWERS: usize = 10_000;
const ANSWERS_OF_ONE: usize = 500;
/// Documents that wait for their holders.
const WORKS: usize = 16;
const WORKS_OF_ONE: usize = 8;
/// How long an answer waits, in ms.
const KEPT_FOR: u64 = 600_000;

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
pub struct Service(Arc<Inner>);

struct Inner {
    plan: Plan,
    credentials: Credentials,
    holders: Arc<dyn Holders>,
    tokens: Arc<dyn Tokens>,
    stamps: Option<Arc<dyn Stamps>>,
    clock: Arc<dyn Clock>,
    consents: Consents,
    /// Answers of calls that were not waited for.
    answers: Kept<Value>,
    works: Kept<Signing>,
}

/// Documents whose holder is asked.
struct Signing {
    credential: Credential,
    request: KeyringRequestId,
    /// None while somebody completes them.
    works: Option<Vec<Work>>,
    facts: bool,
}

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
        let consents = Consents::default();
        Self(Arc::new(Inner { plan, credentials, holders, tokens, stamps, clock, consents, answers, works }))
    }

    pub(crate) fn bearer(&self, token: &str) -> Option<Bearer> {
        self.0.tokens.bearer(token)
    }

    fn now(&self) -> u64 {
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

    /// Asks the holder (section 11.6). No PIN is taken: the holder agrees on the terminal, and the application asks by the handle.
    pub(crate) async fn authorize(&self, bearer: &Bearer, input: &Input) -> Result<Answer, CscError> {
        let credential = self.usable(bearer, input)?;
        let number = input.number("numSignatures")?;
        let number = usize::try_from(number).ok().filter(|number| *number >= 1);
        let number = number.ok_or_else(|| CscError::invalid("Invalid value for parameter numSignatures"))?;
        if number > self.0.plan.most {
            return Err(CscError::invalid("Numbers of signatures is too high"));
        }
        no_secret(input)?;
        // Version 1 implies the algorithm.
        let hashes = input.hashes(Implied::Elsewhere)?;
        if hashes.len() != number {
            return Err(CscError::invalid("Invalid value for parameter numSignatures"));
        }
        let names = vec![None; hashes.len()];
        let (request, ends) = self.asked(bearer, &credential, input, &names, &hashes).await?;
        let begun = Begun { keyring: credential.keyring, request, hashes, ends };
        let handle = self.0.consents.begin(&bearer.client, begun, self.now()).map_err(|_| full())?;
        Ok(Answer::Begun(json!({"handle": handle})))
    }

    /// Whether the holder agreed (section 11.7).
    pub(crate) async fn check(&self, bearer: &Bearer, input: &Input) -> Result<Answer, CscError> {
        let (handle, client) = (input.text("handle")?, &bearer.client);
        let unknown = || CscError::parameter("handle");
        let waits = || Ok(Answer::Begun(json!({"handle": handle})));
        match self.0.consents.look(handle, client, self.now()).ok_or_else(unknown)? {
            Seen::Soon => return waits(),
            Seen::Agreed => {}
            // The holder who agreed is the one whose token asks.
            Seen::Ask { keyring, .. } if keyring != bearer.keyring => return Err(unknown()),
            Seen::Ask { request, keyring } => match self.heard(request, keyring).await {
                Ok(None) => return waits(),
                Ok(Some(signatures)) => {
                    if !self.0.consents.agreed(handle, client, signatures, self.now()) {
                        return Err(CscError::server());
                    }
                }
                Err(refused) => {
                    if refused.words().0 == "access_denied" {
                        self.0.consents.ended(handle, client);
                    }
                    return Err(refused);
                }
            },
        }
        let sad = self.0.consents.activation(handle, client, self.now()).ok_or_else(full)?;
        Ok(Answer::Done(told(&sad)))
    }

    /// The challenge of the terminal (section 11.8): it goes there, with the request, and is not for the application.
    pub(crate) fn challenge(&self, bearer: &Bearer, input: &Input) -> Result<Answer, CscError> {
        self.named(bearer, input)?;
        match input.text("authObjectID")? {
            TERMINAL => Ok(Answer::Sent),
            _ => Err(CscError::parameter("authObjectID")),
        }
    }

    /// Other activation data for what is left of a transaction (section 11.9). New hashes need the holder anew, by `credentials/authorize`.
    pub(crate) fn extend(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let credential = self.usable(bearer, input)?;
        let (sad, hashes) = (input.text("SAD")?, input.hashes(Implied::Elsewhere)?);
        let used = Used { sad, client: &bearer.client, keyring: credential.keyring };
        self.0.consents.extend(used, &hashes, self.now()).map(|sad| told(&sad))
    }

    /// The signatures of hashes that the holder agreed to (section 11.10), in the order of the call.
    pub(crate) fn sign_hash(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let sad = input.text("SAD")?;
        let credential = self.named(bearer, input)?;
        let implied = algorithms::judge(input, credential.kind)?;
        let hashes = input.hashes(implied)?;
        if !credential.is_valid(self.now()) {
            return Err(CscError::invalid("Signing certificate is expired"));
        }
        let later = later(input)?;
        let used = Used { sad, client: &bearer.client, keyring: credential.keyring };
        let signatures = self.0.consents.release(used, &hashes, self.now())?;
        let signatures: Vec<String> = signatures.iter().map(|one| STANDARD.encode(one)).collect();
        let answer = json!({"signatures": signatures});
        let Some(kept_for) = later else { return Ok(answer) };
        let (id, at) = drawn();
        let now = self.now();
        self.0.answers.put(at, &bearer.client, answer, now + kept_for, now).map_err(|_| full())?;
        Ok(json!({"responseID": id}))
    }

    /// Signs documents (section 11.11). What a holder signs of a document is known once it is there, so it is this call that asks them: it has no SAD, and is not waited for.
    pub(crate) async fn sign_documents(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let credential = self.usable(bearer, input)?;
        if input.get("SAD").is_some() {
            return Err(CscError::parameter("SAD"));
        }
        if later(input)?.is_none() {
            return Err(CscError::parameter("operationMode"));
        }
        let facts = input.flag("returnValidationInfo")?;
        let (from, wanted, now) = (credential.clone(), input.clone(), self.now());
        // A document is read, and written with a place in it.
        let works = tokio::task::spawn_blocking(move || documents::read(&wanted, &from, now)).await;
        let works = works.map_err(|_| CscError::server())??;
        if works.len() > self.0.plan.most {
            return Err(CscError::invalid("Numbers of signatures is too high"));
        }
        if self.0.stamps.is_none() && works.iter().any(|work| work.stamped) {
            return Err(CscError::parameter("conformance_level"));
        }
        let hashes: Vec<_> = works.iter().map(Work::hash).collect();
        let (request, ends) =
            self.asked(bearer, &credential, input, &vec![None; hashes.len()], &hashes).await?;
        let signing = Signing { credential, request, works: Some(works), facts };
        let (id, at) = drawn();
        self.0.works.put(at, &bearer.client, signing, ends + KEPT_FOR, self.now()).map_err(|_| full())?;
        Ok(json!({"responseID": id}))
    }

    /// What became of a call that was not waited for (section 11.12): given out once.
    pub(crate) async fn poll(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        if input.get("userID").is_some() {
            return Err(CscError::invalid("userID parameter SHALL be null"));
        }
        let (at, client, now) = (name(input.text("requestID")?), &bearer.client, self.now());
        let unknown = || CscError::parameter("requestID");
        if let Some(answer) = self.0.answers.with(&at, client, now, std::mem::take) {
            self.0.answers.take(&at, client);
            return Ok(answer);
        }
        let asked = self.0.works.with(&at, client, now, |it| (it.request, it.credential.keyring));
        let (request, keyring) = asked.filter(|(_, it)| *it == bearer.keyring).ok_or_else(unknown)?;
        let signatures = match self.heard(request, keyring).await {
            Ok(None) => return Err(CscError::accepted()),
            Ok(Some(signatures)) => signatures,
            Err(refused) => {
                if refused.words().0 == "access_denied" {
                    self.0.works.take(&at, client);
                }
                return Err(refused);
            }
        };
        let taken = self.0.works.with(&at, client, now, |it| {
            it.works.take().map(|works| (works, it.credential.clone(), it.facts))
        });
        // Somebody else completes it just now.
        let (works, credential, facts) = taken.flatten().ok_or_else(CscError::accepted)?;
        let answer = self.completed(works, &credential, &signatures, facts).await;
        self.0.works.take(&at, client);
        answer
    }

    /// A time stamp (section 11.13).
    pub(crate) async fn timestamp(&self, input: &Input) -> Result<Value, CscError> {
        let Some(stamps) = &self.0.stamps else {
            return Err(CscError::invalid("signatures/timestamp is not served here"));
        };
        if input.text("hash")?.is_empty() {
            return Err(CscError::invalid("Empty hash parameter"));
        }
        input.text("hashAlgo")?;
        input.hashed_by_sha256(Implied::Nowhere)?;
        let imprint = hash(input.get("hash").unwrap_or(&Value::Null))?;
        let token = stamps.stamp(imprint, nonce(input)?).await.map_err(|error| {
            tracing::warn!(%error, "the authority of time stamps gave none");
            CscError::later("The authority of time stamps gave none")
        })?;
        Ok(json!({"timestamp": STANDARD.encode(token)}))
    }

    async fn completed(
        &self,
        works: Vec<Work>,
        credential: &Credential,
        signatures: &[Vec<u8>],
        facts: bool,
    ) -> Result<Value, CscError> {
        let (mut whole, mut detached) = (Vec::new(), Vec::new());
        for (work, signature) in works.into_iter().zip(signatures) {
            if !work.is_signed_by(signature) {
                tracing::error!("a signature is not by the certificate that is kept for its keyring");
                return Err(CscError::server());
            }
            let stamp = match (&self.0.stamps, work.stamped) {
                (Some(stamps), true) => {
                    let imprint = sceau_crypto::sha256(signature);
                    Some(stamps.stamp(imprint, random::<16>()).await.map_err(|error| {
                        tracing::warn!(%error, "the authority of time stamps gave none");
                        CscError::later("The authority of time stamps gave none")
                    })?)
                }
                _ => None,
            };
            match work.complete(credential, signature, stamp.as_deref())? {
                Done::Document(one) => whole.push(one),
                Done::Signature(one) => detached.push(one),
            }
        }
        let mut answer = serde_json::Map::new();
        if !whole.is_empty() {
            answer.insert("DocumentWithSignature".to_owned(), whole.into());
        }
        if !detached.is_empty() {
            answer.insert("SignatureObject".to_owned(), detached.into());
        }
        if facts {
            // All that it is judged by is in the signature: the element's authority publishes no lists.
            answer.insert("validationInfo".to_owned(), json!({"ocsp": [], "crl": [], "certificates": []}));
        }
        Ok(answer.into())
    }

    /// Leaves a request for the holder of a credential.
    async fn asked(
        &self,
        bearer: &Bearer,
        credential: &Credential,
        input: &Input,
        names: &[Option<String>],
        hashes: &[[u8; 32]],
    ) -> Result<(KeyringRequestId, u64), CscError> {
        let Plan { lang, seconds, .. } = self.0.plan;
        let labels = labelled(lang, names)?;
        let asked = Asked {
            keyring: credential.keyring,
            description: described(lang, &bearer.name, input.optional("description")?)?,
            items: labels.into_iter().zip(hashes.iter().copied()).collect(),
            algorithm: algorithms::keyring(credential.kind),
            seconds,
        };
        self.0.holders.ask(asked).await.map_err(|error| not_asked(&error))
    }

    /// The signatures of a request, none while its holder did not answer.
    async fn heard(
        &self,
        request: KeyringRequestId,
        keyring: KeyringId,
    ) -> Result<Option<Vec<Vec<u8>>>, CscError> {
        match self.0.holders.became(request).await.map_err(|error| not_asked(&error))? {
            Became::Waiting => Ok(None),
            Became::Refused => Err(CscError::denied("The holder did not agree")),
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
                tracing::error!(%keyring, "the holder's certificate is another one than is kept here");
                Err(CscError::server())
            }
        }
    }

    /// The credential that is named, of the holder whose token this is.
    fn named(&self, bearer: &Bearer, input: &Input) -> Result<Credential, CscError> {
        let asked = input.text("credentialID")?;
        let unknown = || CscError::parameter("credentialID");
        let keyring: KeyringId = asked.parse().map_err(|_| unknown())?;
        let own = (keyring == bearer.keyring).then(|| self.credential_of(keyring)).transpose()?;
        own.flatten().ok_or_else(unknown)
    }

    /// The same, in its validity.
    fn usable(&self, bearer: &Bearer, input: &Input) -> Result<Credential, CscError> {
        let credential = self.named(bearer, input)?;
        if credential.is_valid(self.now()) { Ok(credential) } else { Err(disabled()) }
    }

    fn credential_of(&self, keyring: KeyringId) -> Result<Option<Credential>, CscError> {
        self.0.credentials.of(keyring).map_err(|error| {
            tracing::error!(%error, "a credential cannot be used");
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

/// That no secret of the holder's was sent along: whoever asks for one here is not to have it.
fn no_secret(input: &Input) -> Result<(), CscError> {
    let invalid = || CscError::authentication();
    if input.get("PIN").is_some() || input.get("OTP").is_some() {
        return Err(invalid());
    }
    match input.get("authData") {
        None => Ok(()),
        Some(Value::Array(all)) => {
            let is_terminal = |one: &Value| {
                let id = one.get("id").and_then(Value::as_str);
                id == Some(TERMINAL) && one.get("value").is_none_or(Value::is_null)
            };
            if all.iter().all(is_terminal) { Ok(()) } else { Err(invalid()) }
        }
        Some(_) => Err(invalid()),
    }
}

/// For how long an answer is kept that is not waited for; none where it is.
fn later(input: &Input) -> Result<Option<u64>, CscError> {
    if input.word("operationMode", &["S", "A"])? == "S" {
        return Ok(None);
    }
    // Nobody is called: an application could have us call anybody.
    if input.get("response_uri").is_some() {
        return Err(CscError::parameter("response_uri"));
    }
    let Some(period) = input.get("validity_period") else { return Ok(Some(KEPT_FOR)) };
    let period = period.as_u64().ok_or_else(|| CscError::parameter("validity_period"))?;
    if (1000..=KEPT_FOR).contains(&period) {
        Ok(Some(period))
    } else {
        Err(CscError::invalid("Out of bounds parameter validity_period"))
    }
}

/// A number in hexadecimal, of at most 128 bits and not zero.
fn nonce(input: &Input) -> Result<[u8; 16], CscError> {
    let wrong = || CscError::parameter("nonce");
    let Some(text) = input.optional("nonce").map_err(|_| wrong())? else { return Ok(random::<16>()) };
    let number = u128::from_str_radix(text, 16).ok().filter(|number| *number > 0 && !text.starts_with('+'));
    number.map(u128::to_be_bytes).ok_or_else(wrong)
}

fn told(sad: &Sad) -> Value {
    json!({"SAD": sad.text, "expiresIn": sad.seconds})
}

fn disabled() -> CscError {
    CscError::invalid("The credential identified by credentialID is disabled")
}

fn full() -> CscError {
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
