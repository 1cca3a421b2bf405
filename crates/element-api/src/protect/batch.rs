//! Many data by one call: what is signed, what travels beside it, and what is answered, one answer for each.
//!
//! A batch is so many calls of one user, signed together: each datum is judged, counted and recorded as by a call of its own.

use std::marker::PhantomData;
use std::net::IpAddr;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::call::{issuer_within, payload_within};
use super::{
    Called, Claims, ClaimsError, Create, IdToken, KeptRow, Open, Operation, SessionKey, Told, ToldRefusal,
    UserId,
};
use crate::ApplicationId;
use crate::wire::{AttestedRow, Refusal};

/// The most data of one batch.
pub const MOST_DATA: usize = 400;
/// The longest batch, in characters: 256 KiB.
pub const LONGEST_BATCH: usize = 256 * 1024;
/// The longest claims, in bytes.
const LONGEST: usize = LONGEST_BATCH / 4 * 3;

/// What an application signs. Its members are those of [`Claims`], but that it binds no body, asks for no proof and is not answered by tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchClaims {
    /// The application.
    pub iss: ApplicationId,
    /// The log's name.
    pub aud: String,
    /// When it was signed.
    pub iat: u64,
    /// When it ends.
    pub exp: u64,
    /// Never used before, by a call or a batch.
    pub jti: String,
    /// The user that the application acts for.
    pub sub: UserId,
    /// The groups that the application says the user is of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<UserId>,
    /// What proves who the user is, where the application has a provider of identities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// What is asked.
    pub op: BatchOperation,
}

/// What is asked of many data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOperation {
    /// New data, and the first data key of each.
    CreateMany(Many<Create>),
    /// Data keys again.
    OpenMany(Many<Open>),
}

/// What is asked of each, and what all data keys are encrypted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Many<T> {
    /// The key of the session; those of the data are left out.
    pub session: SessionKey,
    /// 1 to [`MOST_DATA`] of them.
    #[serde(bound(deserialize = "T: Deserialize<'de>"), deserialize_with = "few")]
    pub data: Vec<T>,
}

/// A batch as it is judged: a call for each of its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What proves who the user of all of them is.
    pub id_token: Option<IdToken>,
    /// The calls, at least one, with one `jti`, and without the ID token.
    pub calls: Vec<Claims>,
}

/// A batch on its way to the element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedOfData {
    /// The batch, as the application signed it.
    pub call: String,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// The rows of its data as the database has them, in its order. Where there is none, or not the current one, the element looks into its journal.
    pub rows: Vec<Option<KeptRow>>,
}

/// What came of one datum of a batch: durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfBatch {
    /// It was granted.
    Granted(Box<Called>),
    /// It was refused, whatever became of the others.
    Refused(Refusal),
}

/// What came of a batch that was taken, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalledMany {
    /// Of each datum.
    pub items: Vec<OfBatch>,
    /// Current rows that were not those of the database, by the place of the datum: for the database to keep. Not all of them, where they are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restored: Vec<(usize, AttestedRow, KeptRow)>,
}

/// What a caller is told of a batch, in its order.
#[derive(Debug, Serialize)]
pub struct ToldMany {
    /// Of each datum.
    pub items: Vec<ToldOf>,
}

/// What a caller is told of one datum.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldOf {
    /// As a call of its own is answered.
    Granted(Box<Told>),
    /// Why a call of its own would be refused.
    Refused(ToldRefusal),
}

impl Batch {
    /// Reads verified claims.
    ///
    /// # Errors
    /// [`ClaimsError::Malformed`], [`ClaimsError::Field`], [`ClaimsError::Item`]: one that is not as it must be refuses all.
    pub fn parse(bytes: &[u8]) -> Result<Self, ClaimsError> {
        if bytes.len() > LONGEST {
            return Err(ClaimsError::Malformed);
        }
        let claims: BatchClaims = serde_json::from_slice(bytes).map_err(|_| ClaimsError::Malformed)?;
        claims.split()
    }

    /// Reads a batch without verifying who signed it: for what carries it, to know which rows to bring.
    ///
    /// # Errors
    /// As [`Batch::parse`].
    pub fn unverified(jws: &str) -> Result<Self, ClaimsError> {
        Self::parse(&payload_within(jws, LONGEST).ok_or(ClaimsError::Malformed)?)
    }

    /// The application that a batch says it is of. Its signature was not verified: this says whose keys to look for.
    #[must_use]
    pub fn issuer(jws: &str) -> Option<ApplicationId> {
        issuer_within(jws, LONGEST)
    }
}

impl BatchClaims {
    fn split(self) -> Result<Batch, ClaimsError> {
        let Self { iss, aud, iat, exp, jti, sub, groups, id_token, op } = self;
        let ops = op.split()?;
        if ops.is_empty() {
            return Err(ClaimsError::Field("data: 1 to 400"));
        }
        let call = |op| Claims {
            iss,
            aud: aud.clone(),
            iat,
            exp,
            jti: jti.clone(),
            sub: sub.clone(),
            groups: groups.clone(),
            body: None,
            prove: false,
            encrypt: false,
            id_token: None,
            op,
        };
        let calls: Vec<Claims> = ops.into_iter().map(call).collect();
        for (at, call) in calls.iter().enumerate() {
            call.check().map_err(|error| of_item(at, error))?;
        }
        Ok(Batch { id_token, calls })
    }
}

impl BatchOperation {
    /// An operation for each datum, with the session of all of them.
    fn split(self) -> Result<Vec<Operation>, ClaimsError> {
        let words =
            "the session is named once for all data; contents of a profile are begun and opened one by one";
        let alone = |at, alone| if alone { Ok(()) } else { Err(ClaimsError::Item { at, words }) };
        match self {
            Self::CreateMany(Many { session, data }) => {
                let each = |(at, create): (usize, Create)| {
                    alone(at, create.session.is_none() && create.profile.is_none())?;
                    Ok(Operation::Create(Create { session: Some(session.clone()), ..create }))
                };
                data.into_iter().enumerate().map(each).collect()
            }
            Self::OpenMany(Many { session, data }) => {
                let each = |(at, open): (usize, Open)| {
                    alone(at, open.session.is_none() && open.content.is_none())?;
                    Ok(Operation::Open(Open { session: Some(session.clone()), ..open }))
                };
                data.into_iter().enumerate().map(each).collect()
            }
        }
    }
}

/// What is wrong is wrong of that datum.
fn of_item(at: usize, error: ClaimsError) -> ClaimsError {
    match error {
        ClaimsError::Field(words) => ClaimsError::Item { at, words },
        error => error,
    }
}

impl ToldMany {
    /// Of a batch that was taken; each datum's document is told where it changed.
    #[must_use]
    pub fn of(items: Vec<OfBatch>) -> Self {
        let told = |item| match item {
            OfBatch::Granted(called) => {
                let document = called.changed.as_ref().map(|(_, kept)| kept.payload.clone());
                ToldOf::Granted(Box::new(Told::of(*called, document.as_deref())))
            }
            OfBatch::Refused(refusal) => ToldOf::Refused(ToldRefusal::of(refusal)),
        };
        Self { items: items.into_iter().map(told).collect() }
    }
}

/// Reads a list, and stops where it is longer than any that is taken: short items would take many times the room of their text.
fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Few<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Few<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "a list of at most {MOST_DATA}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = seq.next_element()? {
                if all.len() == MOST_DATA {
                    return Err(A::Error::invalid_length(MOST_DATA + 1, &self));
                }
                all.push(one);
            }
            Ok(all)
        }
    }

    from.deserialize_seq(Few(PhantomData))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::Base64Url;
    use serde_json::{Value, json};

    fn session() -> Value {
        json!({"alg": "ECDH-ES", "jwk": {"kty": "OKP", "crv": "X25519", "x": Base64Url(vec![9; 32]).encode()}})
    }

    fn claims(op: Value) -> Value {
        json!({
            "iss": ApplicationId::random(), "aud": "example.org/log", "iat": 1_700_000_000, "exp": 1_700_000_120, "jti": "0123456789abcdef",
            "sub": "alice", "op": op,
        })
    }

    fn creates(data: Vec<Value>) -> Value {
        claims(json!({"create_many": {"session": session(), "data": data}}))
    }

    fn parse(claims: &Value) -> Result<Batch, ClaimsError> {
        Batch::parse(claims.to_string().as_bytes())
    }

    #[test]
    fn each_datum_is_a_call_of_its_own_with_what_all_of_them_have() {
        let mut claims = creates(vec![json!({"name": "one"}), json!({"name": "two", "owner": "bob"})]);
        claims["groups"] = json!(["nurses"]);
        let batch = parse(&claims).unwrap();
        assert_eq!(batch.calls.len(), 2);
        for (call, name) in batch.calls.iter().zip(["one", "two"]) {
            let Operation::Create(create) = &call.op else { unreachable!("{:?}", call.op) };
            assert_eq!((create.name.as_str(), create.session.is_some()), (name, true));
            assert_eq!(
                (call.jti.as_str(), call.sub.as_str(), call.groups.len()),
                ("0123456789abcdef", "alice", 1)
            );
        }
        assert_eq!(parse(&creates(vec![json!({}); MOST_DATA])).unwrap().calls.len(), MOST_DATA);
    }

    #[test]
    fn what_is_not_as_it_must_be_refuses_all_and_says_which() {
        let item = |at, words: &str| matches!(parse(&creates(at)), Err(ClaimsError::Item { at: 1, words: said }) if said.starts_with(words));
        assert!(item(vec![json!({}), json!({"name": "n".repeat(201)})], "name"));
        assert!(item(vec![json!({}), json!({"session": session()})], "the session"));
        assert!(item(vec![json!({}), json!({"profile": "cbc-rs256"})], "the session"));
        assert!(item(vec![json!({}), json!({"owner": "ali\u{202e}ce"})], "names"));
        assert_eq!(parse(&creates(Vec::new())), Err(ClaimsError::Field("data: 1 to 400")));
        let long = "g".repeat(LONGEST);
        for malformed in [
            creates(vec![json!({}); MOST_DATA + 1]),
            creates(vec![json!({"colour": "red"})]),
            claims(json!({"create": {"session": session()}})),
            claims(json!({"open_many": {"session": session(), "data": [{}]}})),
            claims(json!({"create_many": {"data": [{}]}})),
            claims(json!({"create_many": {"session": session(), "data": {}}})),
            claims(json!({"create_many": {"session": session(), "data": [{}]}, "open_many": {}})),
            claims(json!(long)),
        ] {
            assert_eq!(parse(&malformed), Err(ClaimsError::Malformed));
        }
        for (member, value) in [("prove", json!(true)), ("body", json!("AA")), ("encrypt", json!(true))] {
            let mut with = creates(vec![json!({})]);
            with[member] = value;
            assert_eq!(parse(&with), Err(ClaimsError::Malformed), "{member}");
        }
    }
}
