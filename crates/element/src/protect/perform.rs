//! What a granted call gets: keys drawn, derived, wrapped, and encrypted for whom the call names.

use sceau_crypto::jose::jwe::{EncryptionKey, Fields, KeyAlgorithm};
use sceau_crypto::{Label, SealedBlob, Secret};
use sceau_element_api::Kind;
use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::{
    Accesses, AnswerParts, AskedOfDatum, DatumId, Erasure, OfAccesses, Operation, SessionKey,
};
use sceau_element_api::wire::{AttestedRow, Code, Refusal, RowKey, Version};

use sceau_trace::Hash;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::judge::{Act, Held, judge};
use super::{DatumKeys, Ending, ProvenCall};
use crate::event::CalledRow;

/// A data key: 32 bytes of AES-256, and an initialisation vector of 12.
const DATA_KEY: usize = 44;

/// A call, and what becomes of it unless the state is another by then.
#[derive(Debug)]
pub struct PreparedCall {
    /// The call.
    pub call: ProvenCall,
    /// What it gets, or why not.
    pub verdict: Result<Granted, Refusal>,
}

/// What a call gets.
#[derive(Debug)]
pub struct Granted {
    /// The datum.
    pub datum: DatumId,
    /// The version that this was judged on; none for a new datum.
    pub judged: Option<Version>,
    /// The datum's next version.
    pub row: Option<CalledRow>,
    /// The data key under the datum's key.
    pub wrapped_key: Option<Vec<u8>>,
    /// The data key as the caller gets it, a JWE.
    pub data_key: Option<String>,
    /// The accesses, where they were asked for.
    pub accesses: Option<Accesses>,
    /// The certificate of erasure, where it was asked for.
    pub erasure: Option<Erasure>,
    /// SHA-256 of what is said of the datum, where that is answered.
    pub document: Option<[u8; 32]>,
    /// The hash of all of it, for the record; see [`PreparedCall::settled`].
    pub answer: Option<Hash>,
    /// Good only if the datum was opened less often by now.
    pub opened_below: Option<u64>,
    /// Of a datum that it erases: what its record is to state.
    pub ending: Option<Ending>,
}

impl PreparedCall {
    /// Judges a call at `now` (Unix milliseconds) and makes what it gets; `current` is the row of the datum that it is about.
    #[must_use]
    pub fn new(
        call: ProvenCall,
        asked: &AskedOfDatum,
        current: Option<AttestedRow>,
        keys: &DatumKeys,
        now: u64,
    ) -> Self {
        let held = call.claims.op.datum().map(|id| Held::of(id, current, asked, &call.claims)).transpose();
        let verdict = held.and_then(|held| {
            let act = judge(&call, held.as_ref(), now)?;
            let granted = perform((act, &call.claims.jti), held.as_ref(), call.caller.tenant, keys)?;
            Ok(granted.with_document(&call.claims.op, held.as_ref()))
        });
        Self { call, verdict }
    }

    /// Has the accesses found, where they are asked for and may be told.
    #[must_use]
    pub fn telling(mut self, find: impl FnOnce(&OfAccesses) -> Result<Accesses, Refusal>) -> Self {
        if let (Operation::Accesses(of), Ok(granted)) = (&self.call.claims.op, &mut self.verdict) {
            match find(of) {
                Ok(accesses) => granted.accesses = Some(accesses),
                Err(refusal) => self.verdict = Err(refusal),
            }
        }
        self
    }

    /// Has an erasure certified, where that is asked for.
    #[must_use]
    pub fn certified(mut self, certify: impl FnOnce(DatumId) -> Result<Erasure, Refusal>) -> Self {
        if let (Operation::Erasure(of), Ok(granted)) = (&self.call.claims.op, &mut self.verdict) {
            match certify(of.datum) {
                Ok(erasure) => granted.erasure = Some(erasure),
                Err(refusal) => self.verdict = Err(refusal),
            }
        }
        self
    }

    /// Ends the making of the answer: the record is to have its hash.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if let Ok(granted) = &mut self.verdict {
            let accesses = granted.accesses.as_ref().map(|it| serde_json::to_string(it).unwrap_or_default());
            let erasure = granted.erasure.as_ref().map(|it| serde_json::to_string(it).unwrap_or_default());
            let parts = AnswerParts {
                call: &self.call.digest,
                datum: &granted.datum,
                wrapped_key: granted.wrapped_key.as_deref(),
                data_key: granted.data_key.as_deref(),
                document: granted.document.as_ref(),
                accesses: accesses.as_deref(),
                erasure: erasure.as_deref(),
            };
            granted.answer = Some(parts.digest());
        }
        self
    }

    /// Takes back what is good for a number of openings only, when there were so many: whoever decides knows how many.
    #[must_use]
    pub fn counted(mut self, opened: impl FnOnce(DatumId) -> u64) -> Self {
        let spent =
            |granted: &Granted| granted.opened_below.is_some_and(|most| opened(granted.datum) >= most);
        if self.verdict.as_ref().is_ok_and(spent) {
            let words = "the datum was opened as often as its rules allow; its owner can change them";
            self.verdict = Err(Refusal::new(Code::ReadsSpent, words));
        }
        self
    }

    /// The datum that it is about.
    #[must_use]
    pub fn row(&self) -> Option<RowKey> {
        let new = self.verdict.as_ref().ok().map(|granted| granted.datum);
        self.call.claims.op.datum().or(new).map(|id| RowKey { kind: Kind::Datum, id: id.into() })
    }
}

fn perform(
    (act, jti): (Act<'_>, &str),
    held: Option<&Held>,
    tenant: u32,
    keys: &DatumKeys,
) -> Result<Granted, Refusal> {
    match (act, held) {
        (Act::Create(datum, session), _) => create(&datum, (session, jti), tenant, keys),
        (Act::Open { wrapped_key, session }, Some(held)) => {
            open(held, wrapped_key, (session, jti), tenant, keys)
        }
        (Act::Change(next), Some(held)) => {
            // The next version keeps the salt: one that does not open would be the end of every key under it.
            salt_of(held, tenant, keys)?;
            let row = CalledRow { payload: bytes(&next)?, salt: held.salt.clone() };
            Ok(Granted { row: Some(row), ..held.nothing() })
        }
        (Act::Erase(last), Some(held)) => {
            let row = CalledRow { payload: bytes(&last)?, salt: Vec::new() };
            let ending = keys.ending(tenant, held.document.created).map_err(unavailable)?;
            Ok(Granted { row: Some(row), ending: Some(ending), ..held.nothing() })
        }
        (Act::Nothing, Some(held)) => Ok(held.nothing()),
        (_, None) => Err(Refusal::new(Code::DatumUnknown, "no such datum")),
    }
}

impl Granted {
    /// Nothing, of this datum.
    fn of(datum: DatumId, judged: Option<Version>) -> Self {
        Self {
            datum,
            judged,
            row: None,
            wrapped_key: None,
            data_key: None,
            accesses: None,
            erasure: None,
            document: None,
            answer: None,
            opened_below: None,
            ending: None,
        }
    }

    /// What is said of the datum is answered where it is asked for, or changed.
    fn with_document(self, op: &Operation, held: Option<&Held>) -> Self {
        let described = held.filter(|_| matches!(op, Operation::Describe(_)));
        let described = described.map(|held| *held.version.hash.as_bytes());
        let changed = self.row.as_ref().map(|row| sceau_crypto::sha256(&row.payload));
        Self { document: changed.or(described), ..self }
    }
}

impl Held {
    fn nothing(&self) -> Granted {
        Granted::of(self.document.id, Some(self.version))
    }
}

fn create(
    datum: &Datum,
    (session, jti): (&SessionKey, &str),
    tenant: u32,
    keys: &DatumKeys,
) -> Result<Granted, Refusal> {
    let recipient = recipient(session)?;
    let salt = keys.new_salt(tenant, &datum.id).map_err(unavailable)?;
    let datum_key = keys.derive(tenant, datum, &salt.bytes).map_err(unavailable)?;
    let data_key = Secret::<DATA_KEY>::random();
    let wrapped = SealedBlob::seal(&datum_key, Label::DataKey, datum.id.as_bytes(), data_key.expose());
    Ok(Granted {
        row: Some(CalledRow { payload: bytes(datum)?, salt: salt.sealed }),
        wrapped_key: Some(wrapped.as_bytes().to_vec()),
        data_key: Some(encrypt(&recipient, (&datum.id, jti), &data_key)?),
        ..Granted::of(datum.id, None)
    })
}

fn open(
    held: &Held,
    wrapped_key: &[u8],
    (session, jti): (&SessionKey, &str),
    tenant: u32,
    keys: &DatumKeys,
) -> Result<Granted, Refusal> {
    let datum = &held.document;
    let recipient = recipient(session)?;
    let salt = salt_of(held, tenant, keys)?;
    let datum_key = keys.derive(tenant, datum, &salt).map_err(unavailable)?;
    let foreign = || Refusal::new(Code::WrappedKeyInvalid, "it was wrapped for another datum, or altered");
    let blob = SealedBlob::from_bytes(wrapped_key.to_vec()).map_err(|_| foreign())?;
    let opened = blob.open(&datum_key, Label::DataKey, datum.id.as_bytes()).map_err(|_| foreign())?;
    let data_key = Secret::from_slice(opened.expose()).map_err(|_| foreign())?;
    let data_key = encrypt(&recipient, (&datum.id, jti), &data_key)?;
    let opened_below = datum.rules.as_ref().and_then(|rules| rules.reads);
    Ok(Granted { data_key: Some(data_key), opened_below, ..held.nothing() })
}

/// The salt, if what the database brought is it.
fn salt_of(held: &Held, tenant: u32, keys: &DatumKeys) -> Result<Secret<32>, Refusal> {
    keys.open_salt(tenant, &held.document.id, &held.salt).map_err(|error| match error {
        sceau_hsm::Error::Blob(_) => {
            Refusal::new(Code::RowAltered, "the salt that was brought is not the datum's: repair the row")
        }
        error => unavailable(error),
    })
}

fn bytes(datum: &Datum) -> Result<Vec<u8>, Refusal> {
    datum.to_bytes().map_err(|error| Refusal::new(Code::DocumentMalformed, error.to_string()))
}

/// The key of the caller's session, if something can be encrypted to it.
fn recipient(session: &SessionKey) -> Result<EncryptionKey, Refusal> {
    let mut jwk = serde_json::to_value(&session.jwk).unwrap_or_default();
    if let Some(members) = jwk.as_object_mut() {
        members.insert("alg".to_owned(), session.alg.clone().into());
    }
    EncryptionKey::parse(jwk.to_string().as_bytes(), KeyAlgorithm::HOUSE)
        .map_err(|error| Refusal::new(Code::SessionKeyInvalid, error.to_string()))
}

/// A JWK (RFC 7517, RFC 7518 section 6.4) of the data key, encrypted; beside it the initialisation vector, and the call that it answers: whoever
/// carries answers could give an older one in its place, and have two texts encrypted under one key and vector.
fn encrypt(
    to: &EncryptionKey,
    (datum, jti): (&DatumId, &str),
    data_key: &Secret<DATA_KEY>,
) -> Result<String, Refusal> {
    let (key, iv) = data_key.expose().split_at(32);
    // Room for all of it: a string that grew would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(384));
    text.push_str(r#"{"kty":"oct","alg":"A256GCM","k":""#);
    URL_SAFE_NO_PAD.encode_string(key, &mut text);
    text.push_str(r#"","iv":""#);
    URL_SAFE_NO_PAD.encode_string(iv, &mut text);
    text.push_str(r#"","kid":""#);
    text.push_str(&datum.to_string());
    text.push_str(r#"","call":""#);
    text.push_str(jti);
    text.push_str(r#""}"#);
    let fields = Fields { typ: Some("sceau-data-key"), cty: Some("jwk+json"), ..Fields::default() };
    to.encrypt(&fields, text.as_bytes())
        .map_err(|error| Refusal::new(Code::SessionKeyInvalid, error.to_string()))
}

fn unavailable(error: sceau_hsm::Error) -> Refusal {
    tracing::error!(%error, "a key that protects data cannot be used");
    Refusal::new(Code::Unavailable, "a key that protects data cannot be used now: ask again later")
}
