//! What an application signs.

use serde::{Deserialize, Serialize};

use super::{
    ContentProfile, DatumId, Grantee, IdToken, Rules, SessionKey, UserId, are_tags, is_datum_name, is_plain,
};
use crate::{ApplicationId, Base64Url};

/// The longest life of a call, in seconds.
pub const LIFETIME: u64 = 300;
/// How far clocks may be apart, in seconds.
pub const SKEW: u64 = 60;
/// How many accesses are told at once, at most.
pub const MOST_ACCESSES: usize = 100;
const RULES: &str = "rules: at most 64 networks, hours that begin and end at different minutes, and a second person within 1 to 1440 minutes";
/// The longest claims, in bytes.
const LONGEST: usize = 32 * 1024;
/// The largest moment that a JSON reader of any language reads exactly, in seconds.
const LATEST: u64 = (1 << 53) / 1000;

/// A call: whose, for whom it is meant, when, once, for which user, and what. Times are Unix seconds (RFC 7519 section 2, whole numbers only).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The application.
    pub iss: ApplicationId,
    /// The log's name, as the element says it.
    pub aud: String,
    /// When it was signed.
    pub iat: u64,
    /// When it ends, at most [`LIFETIME`] later.
    pub exp: u64,
    /// 16 to 64 letters, digits and `._-`, never used before.
    pub jti: String,
    /// The user that the application acts for, in its own words.
    pub sub: UserId,
    /// The groups that the application says the user is of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<UserId>,
    /// SHA-256 of the body that the call travels with, where a service that encrypts or decrypts is to take that body and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Base64Url>,
    /// Whether the answer is to come with the log's proof of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prove: bool,
    /// Whether the answer is to be encrypted to the application's registered key, though the call was not; answers that are tokens alone can be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypt: bool,
    /// What proves who the user is, where the application has a provider of identities; not looked at where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// What is asked.
    pub op: Operation,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A new datum, and its first data key.
    Create(Create),
    /// A data key again.
    Open(Open),
    /// The datum's keys are given out again.
    Activate(Of),
    /// They are given out no more, for now.
    Deactivate(Of),
    /// Somebody may have them.
    Grant(ToGrant),
    /// Somebody's authorisation is removed.
    Revoke(OfGrant),
    /// It counts again.
    ActivateGrant(OfGrant),
    /// It counts no more, for now.
    DeactivateGrant(OfGrant),
    /// Another user may open the datum, once, where its rules ask for a second person.
    Agree(OfGrant),
    /// What is said of the datum.
    Describe(Of),
    /// Who asked for what of it.
    Accesses(OfAccesses),
    /// What bounds its openings from now on.
    SetRules(ToRule),
    /// From when and until when its key is given out.
    SetValidity(ToLast),
    /// Its key is never given out again, to nobody. There is no way back.
    Erase(Of),
    /// The certificate that it was erased.
    Erasure(Of),
}

/// A new datum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// Whose it is; the user's, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// What the application calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// When its key ends; in a year, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// Nobody has the key before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Nobody has the key from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Who besides its owner may have the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Authorisation>,
    /// What bounds its openings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// What the data key is encrypted to; where answers are tokens it may be left out, for the application's registered key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionKey>,
    /// How its content will be kept, where that is no envelope: the data key is made for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ContentProfile>,
}

/// An authorisation that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorisation {
    /// For whom.
    pub to: Grantee,
    /// From when on, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Until when, if it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// A data key again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The datum.
    pub datum: DatumId,
    /// The data key as the element wrapped it.
    pub wrapped_key: Base64Url,
    /// What the data key is encrypted to; where answers are tokens it may be left out, for the application's registered key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionKey>,
    /// Of a content that is no envelope, the element's signature that it ends with: without it its key is not given out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// A datum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Of {
    /// The datum.
    pub datum: DatumId,
}

/// Calls about a datum, the last ones first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfAccesses {
    /// The datum.
    pub datum: DatumId,
    /// Those before this one of them, by the index of its record; the last ones, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// How many, 1 to [`MOST_ACCESSES`]; so many, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
}

/// An authorisation for a datum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToGrant {
    /// The datum.
    pub datum: DatumId,
    /// The authorisation.
    pub grant: Authorisation,
}

/// Rules for a datum, in place of those that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToRule {
    /// The datum.
    pub datum: DatumId,
    /// The rules; empty for none.
    pub rules: Rules,
}

/// Times of a datum, in place of those that it has; what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToLast {
    /// The datum.
    pub datum: DatumId,
    /// When its key ends, at most ten years ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// Nobody has the key before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Nobody has the key from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
}

/// Somebody's authorisation for a datum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfGrant {
    /// The datum.
    pub datum: DatumId,
    /// Whose.
    pub to: Grantee,
}

/// Why claims are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// Not JSON of the form, or too long.
    #[error("the call's claims are not of the form, or longer than 32 KiB")]
    Malformed,
    /// A value outside its limits.
    #[error("{0}")]
    Field(&'static str),
    /// The same, of one of several data.
    #[error("data, the one at {at} (the first is 0): {words}")]
    Item {
        /// Its place.
        at: usize,
        /// What is wrong.
        words: &'static str,
    },
    /// It is meant for another element.
    #[error("the call is for another element: aud is the log's name")]
    Audience,
    /// It has ended.
    #[error("the call has ended: sign another, and look at the clock")]
    Expired,
    /// It was signed later than now.
    #[error("the call is of the future: look at the clock")]
    Future,
}

/// The application that a call says it is of. Its signature was not verified: this says whose keys to look for.
#[must_use]
pub fn issuer(jws: &str) -> Option<ApplicationId> {
    issuer_within(jws, LONGEST)
}

/// The same of one whose claims may have so many bytes.
pub(super) fn issuer_within(jws: &str, longest: usize) -> Option<ApplicationId> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: ApplicationId,
    }
    serde_json::from_slice(&payload_within(jws, longest)?).ok().map(|Issuer { iss }| iss)
}

/// What a compact JWS says, unverified.
pub(super) fn payload(jws: &str) -> Option<Vec<u8>> {
    payload_within(jws, LONGEST)
}

/// The same, of at most so many bytes.
pub(super) fn payload_within(jws: &str, longest: usize) -> Option<Vec<u8>> {
    let payload = jws.split('.').nth(1).filter(|text| text.len() <= longest * 4 / 3 + 4)?;
    Base64Url::decode(payload).ok().map(|bytes| bytes.0)
}

impl Claims {
    /// Reads verified claims.
    ///
    /// # Errors
    /// [`ClaimsError::Malformed`], [`ClaimsError::Field`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ClaimsError> {
        if bytes.len() > LONGEST {
            return Err(ClaimsError::Malformed);
        }
        let claims: Self = serde_json::from_slice(bytes).map_err(|_| ClaimsError::Malformed)?;
        claims.check()?;
        Ok(claims)
    }

    /// Reads a call without verifying who signed it: for what carries it, to know which row to bring.
    ///
    /// # Errors
    /// As [`Claims::parse`].
    pub fn unverified(jws: &str) -> Result<Self, ClaimsError> {
        Self::parse(&payload(jws).ok_or(ClaimsError::Malformed)?)
    }

    pub(super) fn check(&self) -> Result<(), ClaimsError> {
        let rule = |holds, words| if holds { Ok(()) } else { Err(ClaimsError::Field(words)) };
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let once = (16..=64).contains(&self.jti.len()) && self.jti.bytes().all(token);
        rule(once, "jti: 16 to 64 letters, digits and ._-")?;
        rule(self.groups.len() <= 64, "groups: at most 64")?;
        rule(self.body.as_ref().is_none_or(|body| body.len() == 32), "body: a SHA-256, of 32 bytes")?;
        let brief = self.iat < self.exp && self.exp - self.iat <= LIFETIME && self.exp <= LATEST;
        rule(brief, "exp: after iat, by at most 300 seconds")?;
        rule(
            self.names().all(is_plain),
            "names: no characters that are unseen or turn the reading direction, and in Unicode form NFC",
        )?;
        match &self.op {
            Operation::Create(create) => {
                rule(is_datum_name(&create.name), "name: at most 200 characters on one line")?;
                rule(are_tags(&create.tags), "tags: at most 32, each of 1 to 64 characters on one line")?;
                let times = [create.expires, create.valid_from, create.valid_until];
                rule(times.into_iter().flatten().all(|time| time <= LATEST), "times: Unix seconds")?;
                rule(create.grants.len() <= crate::documents::MOST_GRANTS, "grants: at most 256")?;
                rule(create.grants.iter().all(Authorisation::is_plausible), "grants: Unix seconds")?;
                rule(create.rules.as_ref().is_none_or(Rules::are_plausible), RULES)
            }
            Operation::Open(open) => {
                let content = open.content.as_ref();
                let brief = content.is_none_or(|content| content.len() <= sceau_crypto::cbc::MOST_SIGNATURE);
                rule(brief, "content: a signature of at most 4096 characters")?;
                rule((1..=512).contains(&open.wrapped_key.len()), "wrapped_key: too long")
            }
            Operation::Grant(grant) => rule(grant.grant.is_plausible(), "grant: Unix seconds"),
            Operation::Agree(of) => rule(matches!(of.to, Grantee::User(_)), "agree: to a user"),
            Operation::SetValidity(of) => {
                let times = || [of.expires, of.valid_from, of.valid_until].into_iter().flatten();
                rule(times().next().is_some(), "set_validity: expires, valid_from or valid_until")?;
                rule(times().all(|time| time <= LATEST), "times: Unix seconds")
            }
            Operation::SetRules(of) => rule(of.rules.are_plausible(), RULES),
            Operation::Accesses(of) => {
                rule(of.most.is_none_or(|most| (1..=MOST_ACCESSES).contains(&most)), "most: 1 to 100")
            }
            _ => Ok(()),
        }
    }

    /// Every name that the call says, its own and those that it would have kept. One that is only looked for is not among them, so that what was given
    /// before is taken back.
    fn names(&self) -> impl Iterator<Item = &str> {
        let (words, people) = match &self.op {
            Operation::Create(create) => {
                let people = create.owner.iter().chain(create.grants.iter().map(|grant| grant.to.name()));
                (create.tags.iter().chain([&create.name]).collect(), people.collect())
            }
            Operation::Grant(grant) => (Vec::new(), vec![grant.grant.to.name()]),
            _ => (Vec::new(), Vec::new()),
        };
        let people = people.into_iter().chain([&self.sub]).chain(&self.groups).map(UserId::as_str);
        people.chain(words.into_iter().map(String::as_str))
    }

    /// Whether the call is for this element and of this moment (Unix milliseconds).
    ///
    /// # Errors
    /// [`ClaimsError::Audience`], [`ClaimsError::Expired`], [`ClaimsError::Future`].
    pub fn check_time_and_audience(&self, audience: &str, now: u64) -> Result<(), ClaimsError> {
        if self.aud != audience {
            return Err(ClaimsError::Audience);
        }
        if self.ends() <= now {
            return Err(ClaimsError::Expired);
        }
        if self.iat.saturating_mul(1000) > now.saturating_add(SKEW * 1000) {
            return Err(ClaimsError::Future);
        }
        Ok(())
    }

    /// From when on it is refused as expired, in Unix milliseconds: until then it must be known again.
    #[must_use]
    pub fn ends(&self) -> u64 {
        self.exp.saturating_add(SKEW).saturating_mul(1000)
    }
}

impl Authorisation {
    fn is_plausible(&self) -> bool {
        [self.from, self.until].into_iter().flatten().all(|time| time <= LATEST)
    }
}
