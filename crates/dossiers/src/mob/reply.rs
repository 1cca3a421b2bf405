//! What a company answers: parsed, or refused with the rule and the field. Pure: time is passed in.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime};

use super::ReplyError;
use super::reply_fields::Fields;

/// A well-formed reply. It has decided nothing yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Whose subscription the sender says it is.
    pub citizen_id: String,
    /// Which one.
    pub subscription_id: String,
    /// What is decided.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status")]
pub enum Outcome {
    /// Granted.
    #[serde(rename = "VALIDEE")]
    Validated(Validation),
    /// Refused.
    #[serde(rename = "REJETEE")]
    Rejected(Rejection),
    /// The company's system could not process it: refused, for another reason.
    #[serde(rename = "ERREUR")]
    Failed,
}

/// How a granted subscription is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// How often, and how much.
    #[serde(flatten)]
    pub payment: Payment,
    /// For the citizen, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}

/// How often, and how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Payment {
    /// Not at all.
    Aucun,
    /// Once.
    Unique {
        /// In euros.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<Amount>,
    },
    /// Several times.
    Multiple {
        /// How often.
        frequency: Frequency,
        /// In euros, each time.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<Amount>,
        /// `YYYY-MM-DD`, more than two months ahead when the reply was read.
        last_payment: String,
    },
}

/// Euros, more than none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(serde_json::Number);

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// Each month.
    Mensuelle,
    /// Each quarter.
    Trimestrielle,
}

/// Why it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Of the list.
    #[serde(rename = "type")]
    pub kind: RejectionType,
    /// In words, with [`RejectionType::Autre`] only: 1 to 80 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// For the citizen, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}

/// The reasons of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are the protocol's own words")]
pub enum RejectionType {
    ConditionsNonRespectees,
    JustificatifManquant,
    JustificatifInvalide,
    Autre,
    CompteNonFranceConnect,
    RPCCEEDemandeInvalide,
    SouscriptionValideeExistante,
}

impl RejectionType {
    const ALL: [(&'static str, Self); 7] = [
        ("ConditionsNonRespectees", Self::ConditionsNonRespectees),
        ("JustificatifManquant", Self::JustificatifManquant),
        ("JustificatifInvalide", Self::JustificatifInvalide),
        ("Autre", Self::Autre),
        ("CompteNonFranceConnect", Self::CompteNonFranceConnect),
        ("RPCCEEDemandeInvalide", Self::RPCCEEDemandeInvalide),
        ("SouscriptionValideeExistante", Self::SouscriptionValideeExistante),
    ];
}

impl Outcome {
    /// As records name it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Validated(_) => "validated",
            Self::Rejected(_) => "rejected",
            Self::Failed => "failed",
        }
    }
}

impl Reply {
    /// Parses a reply, judged at `now_ms` (Unix milliseconds).
    ///
    /// # Errors
    /// [`ReplyError`], with the field and the rule: 400 where nothing can be read or the last payment comes too soon, else 422.
    pub fn parse(bytes: &[u8], now_ms: u64) -> Result<Self, ReplyError> {
        let fields = Fields::parse(bytes)?;
        let citizen_id = fields.id("citizenId")?;
        let subscription_id = fields.id("subscriptionId")?;
        let outcome = match fields.one_of("status", &["VALIDEE", "REJETEE", "ERREUR"])? {
            0 => Outcome::Validated(validation(&fields, now_ms)?),
            1 => Outcome::Rejected(rejection(&fields)?),
            _ => Outcome::Failed,
        };
        Ok(Self { citizen_id, subscription_id, outcome })
    }

    /// The ids that the bytes name, if anything: to say which reply is refused. Proves nothing.
    #[must_use]
    pub fn named_ids(bytes: &[u8]) -> (String, String) {
        let named = |fields: &Fields, name: &str| fields.id(name).unwrap_or_default();
        Fields::parse(bytes).map_or_else(
            |_| Default::default(),
            |fields| (named(&fields, "citizenId"), named(&fields, "subscriptionId")),
        )
    }
}

fn validation(fields: &Fields, now_ms: u64) -> Result<Validation, ReplyError> {
    let payment = match fields.one_of("mode", &["aucun", "unique", "multiple"])? {
        0 => {
            fields.without(&["amount", "frequency", "lastPayment"])?;
            Payment::Aucun
        }
        1 => {
            fields.without(&["frequency", "lastPayment"])?;
            Payment::Unique { amount: amount(fields)? }
        }
        _ => {
            let frequency = match fields.one_of("frequency", &["mensuelle", "trimestrielle"])? {
                0 => Frequency::Mensuelle,
                _ => Frequency::Trimestrielle,
            };
            let last_payment = last_payment(fields.required("lastPayment")?, now_ms)?;
            Payment::Multiple { frequency, amount: amount(fields)?, last_payment }
        }
    };
    Ok(Validation { payment, comments: words(fields, "comments", 2000)? })
}

fn rejection(fields: &Fields) -> Result<Rejection, ReplyError> {
    let names = RejectionType::ALL.map(|(name, _)| name);
    let place = fields.one_of("type", &names)?;
    let kind = RejectionType::ALL.get(place).map_or(RejectionType::Autre, |(_, kind)| *kind);
    let other = if kind == RejectionType::Autre {
        fields.required("other")?;
        words(fields, "other", 80)?
    } else {
        None
    };
    Ok(Rejection { kind, other, comments: words(fields, "comments", 2000)? })
}

fn amount(fields: &Fields) -> Result<Option<Amount>, ReplyError> {
    match fields.find("amount") {
        None => Ok(None),
        Some(Value::Number(number)) if number.as_f64().is_some_and(|euros| euros > 0.0) => {
            Ok(Some(Amount(number.clone())))
        }
        Some(Value::Number(_)) => Err(ReplyError::rule("amount", "must be greater than 0")),
        Some(_) => Err(ReplyError::rule("amount", "is not of a type(s) number")),
    }
}

/// A text of at most `most` characters, not empty.
fn words(fields: &Fields, name: &str, most: usize) -> Result<Option<String>, ReplyError> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    if text.chars().count() > most {
        return Err(ReplyError::rule(name, format!("does not meet maximum length of {most}")));
    }
    if name == "other" && text.trim().is_empty() {
        return Err(ReplyError::rule(name, "does not meet minimum length of 1"));
    }
    Ok(Some(text.to_owned()))
}

/// Midnight of that day (UTC) must come later than this moment two months on, the month's last day where it has no such day.
fn last_payment(text: &str, now_ms: u64) -> Result<String, ReplyError> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| ReplyError::rule("lastPayment", "does not conform to the \"date\" format"))?;
    let seconds = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| ReplyError::date())?;
    let least = now.replace_date(two_months_on(now.date()).ok_or_else(ReplyError::date)?);
    if day.midnight().assume_utc() > least { Ok(text.to_owned()) } else { Err(ReplyError::date()) }
}

fn two_months_on(day: Date) -> Option<Date> {
    let months = u8::from(day.month()) + 2;
    let (year, month) = if months > 12 { (day.year() + 1, months - 12) } else { (day.year(), months) };
    let month = Month::try_from(month).ok()?;
    Date::from_calendar_date(year, month, day.day().min(month.length(year))).ok()
}

#[cfg(test)]
mod tests;
