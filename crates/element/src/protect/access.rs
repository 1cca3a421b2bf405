//! What the record of a call says of an access.

use sceau_element_api::documents::ProtectAct;
use sceau_element_api::protect::{Access, Grantee, UserId};
use sceau_element_api::{ActId, Base64Url};
use sceau_trace::{Action, Commitment, Outcome, Record};

use crate::rules::call::ISSUER;

/// Reads the record of a call about a datum, of an act on it, or of a signature of its content, with its ids in clear; none where it is of none, as
/// [`crate::rules::call`], [`crate::rules::act`] and [`crate::rules::content`] write them.
pub(crate) fn access(index: u64, record: &Record) -> Option<Access> {
    if let Some(act) = ProtectAct::of_record(record) {
        return by_act(index, record, act);
    }
    if *record.action() == Action::DATUM_SIGN {
        return Some(by_element(index, record));
    }
    let subject = |kind: &str| record.subjects().iter().find(|it| it.kind == kind).map(|it| it.id.as_str());
    let issuer = subject(ISSUER).and_then(|token| Base64Url::decode(token).ok());
    let forgotten = subject("user").is_some_and(|id| Commitment::parse(id).is_some());
    let subject = |kind: &str| subject(kind).filter(|_| !forgotten);
    let user = |kind: &str| subject(kind).map(UserId::of_token).transpose().ok();
    let address = subject("address").and_then(|token| Base64Url::decode(token).ok());
    let of_user = user("granted_user")?.map(Grantee::User);
    Some(Access {
        index,
        time: record.time(),
        action: record.action().to_string(),
        refused: (record.outcome() == Outcome::Refused).then(|| record.code().to_owned()),
        user: user("user")?.map(Some).or(forgotten.then_some(None))?,
        proven_by: issuer.and_then(|text| String::from_utf8(text.0).ok()),
        address: address.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()),
        signer: record.detail().get("signer")?.clone(),
        to: of_user.or(user("granted_group")?.map(Grantee::Group)),
        forgotten,
        act: None,
    })
}

/// The user who called, and the one whose authorisation the record is about; none where they are not opened.
pub(crate) fn users(record: &Record) -> Option<(UserId, UserId)> {
    let user = |kind: &str| {
        let subject = record.subjects().iter().find(|subject| subject.kind == kind)?;
        UserId::of_token(&subject.id).ok()
    };
    user("user").zip(user("granted_user"))
}

/// What administrators or data officers did with the datum: the act says who they are, to whom may read it.
fn by_act(index: u64, record: &Record, act: ActId) -> Option<Access> {
    Some(Access {
        index,
        time: record.time(),
        action: record.action().to_string(),
        refused: None,
        user: record.actor().id.parse().ok(),
        proven_by: None,
        address: None,
        signer: "passkey".to_owned(),
        to: None,
        forgotten: false,
        act: Some(act),
    })
}

/// A content that the keystore signed: nobody's call, so that there is no user.
fn by_element(index: u64, record: &Record) -> Access {
    Access {
        index,
        time: record.time(),
        action: record.action().to_string(),
        refused: None,
        user: None,
        proven_by: None,
        address: None,
        signer: record.actor().id.clone(),
        to: None,
        forgotten: false,
        act: None,
    }
}
