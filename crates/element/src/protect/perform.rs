//! What a granted call gets: keys drawn, derived, wrapped, and encrypted for whom the call names.

use sceau_crypto::jose::jwe::{EncryptionKey, Fields, KeyAlgorithm, SharedKey};
use sceau_crypto::{Label, SealedBlob, Secret, SecretBytes};
use sceau_element_api::Kind;
use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::{
    Accesses, AnswerParts, AskedOfDatum, CONTENT_REFUSED, ContentProfile, DatumId, Erasure, KeptRow,
    OfAccesses, Open, Operation, SessionKey, UserId,
};
use sceau_element_api::wire::{AttestedRow, Code, Refusal, RowKey, Version};

use sceau_hsm::Together;
use sceau_trace::Hash;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::judge::{Act, Held, judge};
use super::keys::Salt;
use super::{DatumKeys, Ending, ProvenCall};
use crate::event::CalledRow;

/// What data keys of a content profile are for: AES-256, with an initialisation vector of one length.
struct Cipher {
    /// What it is wrapped as, so that one for a content of one form never opens another.
    label: Label,
    /// As JWA calls the cipher (RFC 7518 section 7.1).
    alg: &'static str,
    /// Key and vector, in bytes.
    length: usize,
}

impl Cipher {
    const ENVELOPE: Self = Self { label: Label::DataKey, alg: "A256GCM", length: 32 + 12 };
    const CBC: Self = Self { label: Label::CbcKey, alg: "A256CBC", length: 32 + 16 };

    fn of(profile: Option<ContentProfile>) -> &'static Self {
        match profile {
            None => &Self::ENVELOPE,
            Some(ContentProfile::CbcRs256) => &Self::CBC,
        }
    }

    /// Draws key and vector.
    fn draw(&self) -> SecretBytes {
        let drawn = Secret::<48>::random();
        SecretBytes::from(drawn.expose().get(..self.length).unwrap_or_default())
    }
}

/// A call, and what becomes of it unless the state is another by then.
#[derive(Debug)]
pub struct PreparedCall {
    /// The call.
    pub call: ProvenCall,
    /// What it gets, or why not.
    pub verdict: Result<Granted, Refusal>,
    /// The datum of the application's own that it was judged on: what a caller names and what is its are two things.
    held: Option<DatumId>,
}

/// What calls have in common that are judged one after the other; one that is alone, nothing.
#[derive(Debug, Default)]
pub(crate) struct InCommon {
    /// What was agreed on with the session that all their data keys are encrypted for.
    pub(crate) session: Option<SharedKey>,
    /// What the keys answered for salts that are sealed and opened together.
    pub(crate) together: Together,
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
    /// Whether it takes the agreement of another user.
    pub(crate) second: Second,
    /// Where it agrees to another user's opening: until when.
    pub agrees_until: Option<u64>,
    /// Of a datum that it erases: what its record is to state.
    pub ending: Option<Ending>,
}

/// The second person of an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// The datum's rules ask for none.
    NotAsked,
    /// They ask for one: whoever decides knows who agreed.
    Asked,
    /// They agreed, by the record of this index.
    Agreed(u64),
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
        Self::judged(call, (asked.row.as_ref(), current), (keys, &InCommon::default()), now)
    }

    /// The same with the row that was brought, and what the call has in common with others.
    pub(crate) fn judged(
        call: ProvenCall,
        (brought, current): (Option<&KeptRow>, Option<AttestedRow>),
        (keys, common): (&DatumKeys, &InCommon),
        now: u64,
    ) -> Self {
        let found = call.claims.op.datum().map(|id| Held::of(id, current, brought, &call.claims)).transpose();
        let held = found.as_ref().ok().and_then(|found| found.as_ref().map(|held| held.document.id));
        let verdict = found.and_then(|held| {
            call.user.clone()?;
            let act = judge(&call, held.as_ref(), now)?;
            let granted = perform((act, &call), held.as_ref(), (keys, common))?;
            Ok(granted.with_document(&call.claims.op, held.as_ref()))
        });
        Self { call, verdict, held }
    }

    /// One that is not looked at any more.
    pub(crate) fn refused(call: ProvenCall, refusal: Refusal) -> Self {
        Self { call, verdict: Err(refusal), held: None }
    }

    /// The datum that its record belongs to, if it is its application's: what others tried is not listed with it.
    #[must_use]
    pub fn datum(&self) -> Option<DatumId> {
        self.verdict.as_ref().ok().map(|granted| granted.datum).or(self.held)
    }

    /// Refuses what cannot be answered. What was refused stays refused for its own cause.
    #[must_use]
    pub fn answerable(mut self, can: Result<(), Refusal>) -> Self {
        self.verdict = self.verdict.and_then(|granted| can.map(|()| granted));
        self
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

    /// Takes back what needs another user's agreement, where there is none: whoever decides finds it, by datum, version and user.
    #[must_use]
    pub fn seconded(mut self, find: impl FnOnce(DatumId, u64, &UserId) -> Option<u64>) -> Self {
        if let Ok(granted) = &mut self.verdict
            && granted.second == Second::Asked
        {
            let version = granted.judged.map_or(0, |judged| judged.version);
            match find(granted.datum, version, &self.call.claims.sub) {
                Some(index) => granted.second = Second::Agreed(index),
                None => {
                    let words = "another user who may open it must agree first: the operation agree, in their name and for this user, since the datum changed last";
                    self.verdict = Err(Refusal::new(Code::SecondPersonNeeded, words));
                }
            }
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
    (act, call): (Act<'_>, &ProvenCall),
    held: Option<&Held>,
    (keys, common): (&DatumKeys, &InCommon),
) -> Result<Granted, Refusal> {
    let (tenant, together) = (call.caller.tenant, &common.together);
    let recipient = |session| Recipient::of((session, call), common.session.as_ref());
    match (act, held) {
        (Act::Create(datum, session), _) => create(&datum, call, &recipient(session)?, (keys, together)),
        (Act::Open { wrapped_key, session }, Some(held)) => {
            open(held, (wrapped_key, call), &recipient(session)?, (keys, together))
        }
        (Act::Agree(until), Some(held)) => Ok(Granted { agrees_until: Some(until), ..held.nothing() }),
        (Act::Change(next), Some(held)) => {
            // The next version keeps the salt: one that does not open would be the end of every key under it.
            salt_of(held, tenant, (keys, together))?;
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
            second: Second::NotAsked,
            agrees_until: None,
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
    call: &ProvenCall,
    recipient: &Recipient<'_>,
    (keys, together): (&DatumKeys, &Together),
) -> Result<Granted, Refusal> {
    let tenant = call.caller.tenant;
    let (salt, sealed) = keys.new_salt(tenant, &datum.id, together).map_err(unavailable)?;
    let datum_key = keys.derive(tenant, datum, &salt).map_err(unavailable)?;
    let profile = call.claims.op.profile();
    let cipher = Cipher::of(profile);
    let data_key = cipher.draw();
    let wrapped = SealedBlob::seal(&datum_key, cipher.label, datum.id.as_bytes(), data_key.expose());
    let permit = profile.map(|_| keys.contents().permit(&datum.id, datum.created));
    Ok(Granted {
        row: Some(CalledRow { payload: bytes(datum)?, salt: sealed }),
        wrapped_key: Some(wrapped.as_bytes().to_vec()),
        data_key: Some(encrypt(recipient.key(), (&datum.id, call), (cipher, &data_key), permit.as_deref())?),
        ..Granted::of(datum.id, None)
    })
}

fn open(
    held: &Held,
    (wrapped_key, call): (&[u8], &ProvenCall),
    recipient: &Recipient<'_>,
    (keys, together): (&DatumKeys, &Together),
) -> Result<Granted, Refusal> {
    let tenant = call.caller.tenant;
    let datum = &held.document;
    // Before anything of it is decrypted: who cannot have it signed cannot have its padding tried.
    if let Operation::Open(Open { content: Some(content), .. }) = &call.claims.op
        && !keys.contents().signed(&datum.id, content)
    {
        return Err(Refusal::new(Code::ContentInvalid, CONTENT_REFUSED));
    }
    let cipher = Cipher::of(call.claims.op.profile());
    let salt = salt_of(held, tenant, (keys, together))?;
    let datum_key = keys.derive(tenant, datum, &salt).map_err(unavailable)?;
    let foreign = || Refusal::new(Code::WrappedKeyInvalid, "it was wrapped for another datum, or altered");
    let blob = SealedBlob::from_bytes(wrapped_key.to_vec()).map_err(|_| foreign())?;
    let opened = blob.open(&datum_key, cipher.label, datum.id.as_bytes()).map_err(|_| foreign())?;
    if opened.expose().len() != cipher.length {
        return Err(foreign());
    }
    let data_key = encrypt(recipient.key(), (&datum.id, call), (cipher, &opened), None)?;
    let opened_below = datum.rules.as_ref().and_then(|rules| rules.reads);
    let asked = datum.rules.as_ref().is_some_and(|rules| rules.second_person.is_some());
    let second = if asked { Second::Asked } else { Second::NotAsked };
    Ok(Granted { data_key: Some(data_key), opened_below, second, ..held.nothing() })
}

/// The salt, if what the database brought is it.
fn salt_of(held: &Held, tenant: u32, (keys, together): (&DatumKeys, &Together)) -> Result<Salt, Refusal> {
    keys.open_salt(tenant, &held.document.id, &held.salt, together).map_err(|error| match error {
        sceau_hsm::Error::Blob(_) => {
            Refusal::new(Code::RowAltered, "the salt that was brought is not the datum's: repair the row")
        }
        error => unavailable(error),
    })
}

fn bytes(datum: &Datum) -> Result<Vec<u8>, Refusal> {
    datum.to_bytes().map_err(|error| Refusal::new(Code::DocumentMalformed, error.to_string()))
}

/// What a data key is encrypted under.
enum Recipient<'a> {
    /// What was agreed on for this call.
    Own(SharedKey),
    /// What was agreed on for several.
    Shared(&'a SharedKey),
}

impl<'a> Recipient<'a> {
    fn of(
        (session, call): (&SessionKey, &ProvenCall),
        shared: Option<&'a SharedKey>,
    ) -> Result<Self, Refusal> {
        shared.map_or_else(
            || agreed(session, call.profile.sessions()).map(Self::Own),
            |it| Ok(Self::Shared(it)),
        )
    }

    fn key(&self) -> &SharedKey {
        match self {
            Self::Own(key) => key,
            Self::Shared(key) => key,
        }
    }
}

/// Agrees on a key with the caller's session, if something can be encrypted to it.
///
/// # Errors
/// [`Code::SessionKeyInvalid`].
pub(crate) fn agreed(session: &SessionKey, accepted: &[KeyAlgorithm]) -> Result<SharedKey, Refusal> {
    let mut jwk = serde_json::to_value(&session.jwk).unwrap_or_default();
    if let Some(members) = jwk.as_object_mut() {
        members.insert("alg".to_owned(), session.alg.clone().into());
    }
    let invalid = |error: String| Refusal::new(Code::SessionKeyInvalid, error);
    let key = EncryptionKey::parse(jwk.to_string().as_bytes(), accepted);
    let key = key.map_err(|error| invalid(error.to_string()))?;
    let fields = Fields { typ: Some("sceau-data-key"), cty: Some("jwk+json"), ..Fields::default() };
    key.shared(&fields).map_err(|error| invalid(error.to_string()))
}

/// A JWK (RFC 7517, RFC 7518 section 6.4) of the data key, encrypted; beside it the initialisation vector, and the call that it answers: whoever
/// carries answers could give an older one in its place, and have two texts encrypted under one key and vector. Of a batch it says the place of its datum too: answers that
/// changed places would have a text encrypted for those who may read another. To who begins a content that is to be signed
/// there is a permit too.
fn encrypt(
    to: &SharedKey,
    (datum, call): (&DatumId, &ProvenCall),
    (cipher, data_key): (&Cipher, &SecretBytes),
    permit: Option<&[u8]>,
) -> Result<String, Refusal> {
    let (key, iv) = data_key.expose().split_at(32);
    // Room for all of it: a string that grew would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str(r#"{"kty":"oct","alg":""#);
    text.push_str(cipher.alg);
    text.push_str(r#"","k":""#);
    URL_SAFE_NO_PAD.encode_string(key, &mut text);
    text.push_str(r#"","iv":""#);
    URL_SAFE_NO_PAD.encode_string(iv, &mut text);
    text.push_str(r#"","kid":""#);
    text.push_str(&datum.to_string());
    text.push_str(r#"","call":""#);
    text.push_str(&call.claims.jti);
    text.push('"');
    if let Some(at) = call.item {
        text.push_str(r#","item":"#);
        text.push_str(&at.to_string());
    }
    if let Some(permit) = permit {
        text.push_str(r#","permit":""#);
        URL_SAFE_NO_PAD.encode_string(permit, &mut text);
        text.push('"');
    }
    text.push('}');
    to.encrypt(text.as_bytes()).map_err(|error| Refusal::new(Code::SessionKeyInvalid, error.to_string()))
}

fn unavailable(error: sceau_hsm::Error) -> Refusal {
    tracing::error!(%error, "a key that protects data cannot be used");
    Refusal::new(Code::Unavailable, "a key that protects data cannot be used now: ask again later")
}
