//! What the record of a call says of an access.

use sceau_element_api::Base64Url;
use sceau_element_api::protect::{Access, Grantee, UserId};
use sceau_trace::{Outcome, Record};

/// Reads the record of a call about a datum, with its ids in clear; none where it is not of one, as [`crate::rules::call`] writes them.
pub(crate) fn access(index: u64, record: &Record) -> Option<Access> {
    let subject = |kind: &str| record.subjects().iter().find(|it| it.kind == kind).map(|it| it.id.as_str());
    let user = |kind: &str| subject(kind).map(UserId::of_token).transpose().ok();
    let address = subject("address").and_then(|token| Base64Url::decode(token).ok());
    let of_user = user("granted_user")?.map(Grantee::User);
    Some(Access {
        index,
        time: record.time(),
        action: record.action().to_string(),
        refused: (record.outcome() == Outcome::Refused).then(|| record.code().to_owned()),
        user: user("user")??,
        address: address.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()),
        signer: record.detail().get("signer")?.clone(),
        to: of_user.or(user("granted_group")?.map(Grantee::Group)),
    })
}
