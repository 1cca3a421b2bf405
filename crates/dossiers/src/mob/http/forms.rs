//! What callers send, parsed or refused, and how it is kept. Pure: time is passed in.

use std::collections::BTreeMap;

use sceau_crypto::mob::{EncryptionFields, MobPublicKey};
use sceau_element_api::documents::{AnswerValue, FieldKind, SchemeDocument};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::fields::{address, bounded, date, json, line, wrong};
use super::invoice::Metadata;
use super::refusal::{Answer, Code, Refusal};
use super::walk::metadata_id;
use crate::admissible::fits;

/// The longest text of a field, in characters.
const LONGEST: usize = 500;

/// A funder's public key, as it publishes it (`PUT /v1/funders/{id}/encryption_key`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionKey {
    /// The funder's own name for it, 1 to 128 characters.
    pub id: String,
    /// From 1.
    pub version: u32,
    /// RSA of 2,048 bits, SubjectPublicKeyInfo in PEM.
    pub public_key: String,
    /// From when on nothing is sealed to it (RFC 3339).
    pub expiration_date: String,
    /// When it was made (RFC 3339).
    pub last_update_date: String,
    /// Where people of the funder fetch its private half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_access: Option<PrivateKeyAccess>,
}

/// Where people of a funder fetch the private key: addresses inside the funder's network, which this host never calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateKeyAccess {
    /// Where their certificate gets a token.
    #[serde(rename = "loginURL")]
    pub login: String,
    /// Where the token gets the key.
    #[serde(rename = "getKeyURL")]
    pub key: String,
}

impl EncryptionKey {
    /// Parses and judges the form.
    ///
    /// # Errors
    /// Not JSON, a field that is missing or wrong, not a key of this profile.
    pub(super) fn parse(bytes: &[u8]) -> Answer<(Self, MobPublicKey)> {
        let form: Self = json(bytes)?;
        bounded("id", &form.id, 128)?;
        if form.version == 0 {
            return Err(wrong("version", "a number from 1 on"));
        }
        let key = MobPublicKey::from_pem(&form.public_key).map_err(|_| Code::NotAKey)?;
        date("expirationDate", &form.expiration_date)?;
        date("lastUpdateDate", &form.last_update_date)?;
        if let Some(access) = &form.private_key_access {
            address("privateKeyAccess.loginURL", &access.login)?;
            address("privateKeyAccess.getKeyURL", &access.key)?;
        }
        Ok((form, key))
    }

    /// Whether nothing may be sealed to it any more.
    pub(super) fn has_expired(&self, now_ms: u64) -> bool {
        let ends = OffsetDateTime::parse(&self.expiration_date, &Rfc3339);
        ends.map_or(true, |ends| ends.unix_timestamp_nanos() <= i128::from(now_ms) * 1_000_000)
    }
}

/// Who asks for an incentive.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) last_name: String,
    pub(super) first_name: String,
    /// A calendar date, or a date and time.
    pub(super) birthdate: String,
    pub(super) email: String,
    /// At the company that pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) enterprise_email: Option<String>,
}

/// Shows nobody.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person")
    }
}

impl Person {
    pub(super) fn check(mut self) -> Answer<Self> {
        line("citizen.id", &self.id, 128)?;
        line("citizen.lastName", &self.last_name, LONGEST)?;
        line("citizen.firstName", &self.first_name, LONGEST)?;
        line("citizen.email", &self.email, LONGEST)?;
        if let Some(email) = &self.enterprise_email {
            line("citizen.enterpriseEmail", email, LONGEST)?;
        }
        // As MOB writes it.
        let day = self.birthdate.get(..10).unwrap_or_default();
        let real = time::Date::parse(day, format_description!("[year]-[month]-[day]")).is_ok();
        if !real || !(self.birthdate.len() == 10 || OffsetDateTime::parse(&self.birthdate, &Rfc3339).is_ok())
        {
            return Err(wrong("citizen.birthdate", "a date, YYYY-MM-DD"));
        }
        if self.birthdate.len() == 10 {
            self.birthdate.push_str("T00:00:00.000Z");
        }
        Ok(self)
    }
}

/// A subscription to begin (`POST /v1/subscriptions`).
#[derive(Debug)]
pub(super) struct NewSubscription {
    pub(super) incentive: String,
    pub(super) person: Option<Person>,
    /// The incentive's own fields.
    pub(super) fields: Map<String, Value>,
}

impl NewSubscription {
    /// Parses the form.
    ///
    /// # Errors
    /// Not JSON, a field that is missing or wrong.
    pub(super) fn parse(bytes: &[u8]) -> Answer<Self> {
        let mut fields: Map<String, Value> = json(bytes)?;
        let incentive = match fields.remove("incentiveId") {
            Some(Value::String(incentive)) => incentive,
            _ => return Err(wrong("incentiveId", "a text")),
        };
        if fields.remove("consent") != Some(Value::Bool(true)) {
            return Err(Code::NoConsent.into());
        }
        if fields.remove("communityId").is_some_and(|it| !it.is_null() && it != "") {
            return Err(Code::Communities.into());
        }
        let person: Option<Person> = match fields.remove("citizen") {
            None => None,
            Some(person) => {
                let person: Person = serde_json::from_value(person)
                    .map_err(|_| wrong("citizen", "id, lastName, firstName, birthdate, email"))?;
                Some(person.check()?)
            }
        };
        Ok(Self { incentive, person, fields })
    }
}

/// Fields to change (`PATCH /v1/subscriptions/{id}`).
pub(super) fn changes(bytes: &[u8]) -> Answer<Map<String, Value>> {
    let fields: Map<String, Value> = json(bytes)?;
    if fields.is_empty() { Err(Code::NoFields.into()) } else { Ok(fields) }
}

/// The fields of an incentive, judged by its form; dates are then written as MOB does, `31/12/2026`.
///
/// # Errors
/// A field that the form does not ask for, or of another kind; where `whole`, one that is missing.
pub(super) fn specific(
    form: &SchemeDocument,
    fields: Map<String, Value>,
    whole: bool,
) -> Answer<Map<String, Value>> {
    if form.form.iter().any(|question| question.sensitive) {
        return Err(Code::Sensitive.into());
    }
    let mut given: BTreeMap<String, Value> = fields.into_iter().collect();
    let mut kept = Map::new();
    for question in &form.form {
        let name = &question.name;
        let Some(value) = given.remove(name) else {
            if whole && question.required {
                return Err(wrong(name, "required"));
            }
            continue;
        };
        let answer: AnswerValue = serde_json::from_value(value.clone())
            .map_err(|_| wrong(name, "a text, a number or a boolean"))?;
        if !fits(question, &answer) {
            return Err(wrong(name, "of the kind that is asked for"));
        }
        let value = match (&answer, question.kind) {
            (AnswerValue::Text(day), FieldKind::Date) => french(day).into(),
            (AnswerValue::Text(text), _) => {
                bounded(name, text, 5000)?;
                value
            }
            _ => value,
        };
        kept.insert(name.clone(), value);
    }
    match given.keys().next() {
        None => Ok(kept),
        // Its name is the caller's: not repeated.
        Some(_) => Err(wrong("additional properties", "none but the incentive's own")),
    }
}

/// `2026-12-31` as `31/12/2026`.
fn french(day: &str) -> String {
    let mut parts: Vec<&str> = day.split('-').collect();
    parts.reverse();
    parts.join("/")
}

/// What files were sealed with, and where the key is: what a subscription keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sealed {
    #[serde(flatten)]
    pub(super) encryption: EncryptionFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) private_key_access: Option<PrivateKeyAccess>,
    /// The public key, by its content.
    pub(super) key: sceau_crypto::KeyId,
}

/// A form of this interface: for those who try its parsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MobForm {
    /// A funder's key.
    EncryptionKey,
    /// A subscription to begin.
    Subscription,
    /// Fields to change.
    Changes,
    /// Purchases, and the invoices that become of them.
    Metadata,
    /// The part `data` of an upload.
    Data,
}

impl MobForm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::EncryptionKey, Self::Subscription, Self::Changes, Self::Metadata, Self::Data];

    /// Whether these bytes are one that is taken, as far as the bytes alone say.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn judge(self, bytes: &[u8]) -> Result<(), Code> {
        let judged: Answer<()> = match self {
            Self::EncryptionKey => EncryptionKey::parse(bytes).map(drop),
            Self::Subscription => NewSubscription::parse(bytes).map(drop),
            Self::Changes => changes(bytes).map(drop),
            Self::Metadata => Metadata::parse(bytes).map(|it| {
                it.attachment_metadata
                    .invoices
                    .iter()
                    .for_each(|invoice| drop((invoice.file_name(), invoice.pdf())));
            }),
            Self::Data => metadata_id(bytes).map(drop).map_err(Refusal::from),
        };
        judged.map_err(|refusal| refusal.code())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use serde_json::json;

    use super::*;

    fn good(form: MobForm) -> Vec<u8> {
        let key = sceau_crypto::mob::MobPrivateKey::generate().unwrap();
        let access = json!({"loginURL": "https://kv:8200/l", "getKeyURL": "https://kv:8200/k"});
        let value = match form {
            MobForm::EncryptionKey => json!({
                "id": "k", "version": 1, "publicKey": key.public().to_pem(), "expirationDate": "2026-12-17T14:22:01Z",
                "lastUpdateDate": "2026-06-17T14:22:01Z", "privateKeyAccess": access,
            }),
            MobForm::Subscription => json!({"incentiveId": "i", "consent": true, "km": 60}),
            MobForm::Changes => json!({"km": 60}),
            MobForm::Metadata => {
                json!({"incentiveId": "i", "attachmentMetadata": {"totalElements": 1, "invoices": [{
                    "enterprise": {"enterpriseName": "IDFM", "siretNumber": "1"},
                    "customer": {"customerId": "1", "customerName": "R", "customerSurname": "B"},
                    "transaction": {"orderId": "1", "purchaseDate": "2021-03-03T14:54:18+01:00", "amountInclTaxes": 7520},
                    "products": [{"productName": "Navigo", "quantity": 1, "amountInclTaxes": 7520}],
                }]}})
            }
            MobForm::Data => json!({"metadataId": "m"}),
        };
        value.to_string().into_bytes()
    }

    /// What the fuzz target does, from good forms with a byte or a piece changed.
    #[test]
    fn any_bytes_are_taken_or_refused_with_a_code() {
        for form in MobForm::ALL {
            let whole = good(form);
            assert_eq!(form.judge(&whole), Ok(()), "{form:?}");
            for at in 0..whole.len() {
                for byte in [0, b'"', b'}', b'-', 0xff] {
                    let mut changed = whole.clone();
                    changed[at] = byte;
                    let refused = form.judge(&changed).err();
                    assert!(refused.is_none_or(|code| (400..500).contains(&code.http_status())));
                }
                assert!(form.judge(&whole[..at]).is_err() || form == MobForm::Data && at == 0);
            }
        }
    }

    #[test]
    fn dates_are_written_as_mob_does() {
        let form = json!({
            "v": 1, "scheme": "0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77", "organisation": "1b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77",
            "title": {"fr": "a", "en": "a"}, "description": {"fr": "a", "en": "a"}, "documents": [],
            "form": [{"name": "since", "label": {"fr": "a", "en": "a"}, "kind": "date", "required": true, "sensitive": false}],
        });
        let form: SchemeDocument = serde_json::from_value(form).unwrap();
        let fields = |day: &str| json!({"since": day}).as_object().unwrap().clone();
        assert_eq!(specific(&form, fields("2026-12-31"), true).unwrap()["since"], "31/12/2026");
        assert!(specific(&form, fields("31/12/2026"), true).is_err());
        let mut sensitive = form.clone();
        sensitive.form[0].sensitive = true;
        assert_eq!(specific(&sensitive, fields("2026-12-31"), true).unwrap_err().code(), Code::Sensitive);
    }

    #[test]
    fn nobody_is_shown() {
        let person = json!({"id": "1", "lastName": "Durand", "firstName": "Léa", "birthdate": "1990-12-12", "email": "l@e.fr"});
        let person: Person = serde_json::from_value(person).unwrap();
        assert_eq!(format!("{person:?}"), "Person");
    }
}
