//! What a provider answers to the platform, for who tries it with any bytes: none may panic.

use super::relying_party::claims_over;
use super::tokens::{Tokens, oauth_error};
use super::{IdClaims, person};
use crate::{Email, PersonName};

/// Whether these bytes are tokens for a code.
pub fn token_answer(body: &[u8]) -> bool {
    Tokens::read(body).is_ok()
}

/// The error that a refused exchange is told by, in a record and to people.
pub fn token_error(body: &[u8]) -> &'static str {
    oauth_error(body)
}

/// Whom a userinfo answer tells of beside an ID token, and what it calls them; none where it speaks of somebody else.
pub fn userinfo(id: &IdClaims, body: &[u8]) -> Option<(String, Option<(Email, PersonName)>)> {
    let claims = claims_over(id, body).ok()?;
    let subject = claims.get("sub")?.as_str()?.to_owned();
    Some((subject, person(&claims).ok()))
}
