//! Keyrings, from the side of who acts on them: the security officer, a registration authority, a service provider.
//!
//! What they say to the element is signed by them and sealed to it: who carries it reads nothing and alters nothing unseen.

mod asking;
mod carries;
mod conversation;
mod current;
mod proof;
mod signer;
mod standing;

pub use asking::{Became, became, leave};
pub use carries::Carries;
pub use conversation::Conversation;
pub use current::current;
pub use proof::transaction;
pub use signer::FileKey;
pub use standing::{Actor, destroy, dissociate, look, resume, suspend};

use sceau_crypto::jose::PublicJwk;
use sceau_crypto::{Typ, sha256};
use sceau_element_api::documents::Document;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow, Version};
use sceau_element_api::{Kind, PolicyId};
use sceau_keyring::{
    Answer, Ask, Delivery, Factors, Identity, Package, PackageJws, Signs, Statement, channel_id,
    factors_hash, sign_jws,
};
use sceau_trace::Hash;

use crate::ClientError;
pub use conversation::now;

/// Publishes the next version of a policy or of who may act, in the security officer's word.
///
/// # Errors
/// [`ClientError::Refused`] with the element's code; [`ClientError::Signs`]; as [`crate::Server::post`].
pub async fn publish<D: Document>(
    carrier: &impl Carries,
    officer: &dyn Signs,
    document: &D,
    previous: Option<Version>,
) -> Result<AttestedRow, ClientError> {
    let malformed = |error: sceau_element_api::documents::DocumentError| ClientError::Keyring {
        code: "document_malformed",
        detail: error.to_string(),
    };
    let payload = document.to_bytes().map_err(malformed)?;
    let typ = match D::KIND {
        Kind::KeyringPolicy => Typ::KeyringPolicy,
        Kind::KeyringOfficer => Typ::KeyringOfficer,
        Kind::KeyringAccess => Typ::KeyringAccess,
        kind => {
            let detail = format!("a document of the kind {kind} is not the officer's to sign");
            return Err(ClientError::Keyring { code: "document_malformed", detail });
        }
    };
    let jws = sign_jws(typ, officer, &payload)?;
    let (kind, id) = (D::KIND, document.row());
    carrier.attest(Attest { kind, id, previous, payload: payload.into(), proof: Proof::Jws { jws } }).await
}

/// Has the element make a keyring under this policy, of nobody yet. Gives its package, verified, and the JWS that it came as. `element` is what its administrator gave:
/// were it asked of who carries messages, that one could name a key of its own, and read the code.
///
/// # Errors
/// As [`publish`]; [`ClientError::Unproven`] where the package is not the word of the element that was spoken to.
pub async fn fabricate(
    carrier: &impl Carries,
    element: &KeyringsAbout,
    authority: &dyn Signs,
    policy: PolicyId,
) -> Result<(Package, PackageJws), ClientError> {
    let mut conversation =
        Conversation::open(carrier, &element.origin, channel_id(&element.channel)?).await?;
    let answer = conversation.ask(authority, Ask::Fabricate { policy }).await?;
    let Answer::Fabricated { package: jws } = answer else { return Err(ClientError::Answer) };
    Ok((package(jws.expose(), element)?, jws))
}

/// What a package says, if it is the word of this element.
///
/// # Errors
/// [`ClientError::Unproven`].
pub fn package(jws: &str, about: &KeyringsAbout) -> Result<Package, ClientError> {
    let unproven = |what: &str| ClientError::Unproven(format!("the package: {what}"));
    let word = PublicJwk::parse(about.word.as_bytes()).map_err(|_| ClientError::Answer)?;
    let package = Package::verify_by(jws, &word).map_err(|refusal| unproven(&refusal.detail))?;
    let same = package.channel == channel_id(&about.channel)? && package.word == about.word;
    if !same || package.origin != about.origin {
        return Err(unproven("it is of another element"));
    }
    if package.officer != about.officer {
        return Err(unproven(
            "it is of another security officer than --element says: if the officer changed, have `sceau keyring element` printed anew",
        ));
    }
    Ok(package)
}

/// What a registration authority says of a handing over.
#[derive(Debug, Clone)]
pub struct Handed {
    /// What it calls the holder.
    pub holder: String,
    /// Who they are.
    pub identity: Identity,
    /// By which channels the factors went: the code's, then the second one's where there is one.
    pub channels: Vec<String>,
}

/// Tells the element whom a keyring was handed to. `package` is the JWS of [`fabricate`]. Gives the index of the record.
///
/// # Errors
/// As [`fabricate`].
pub async fn deliver(
    carrier: &impl Carries,
    element: &KeyringsAbout,
    authority: &dyn Signs,
    jws: &str,
    handed: Handed,
) -> Result<u64, ClientError> {
    let package = package(jws, element)?;
    let delivery = Delivery {
        v: 1,
        keyring: package.keyring,
        package: Hash::new(sha256(jws.as_bytes())),
        policy: package.policy,
        holder: handed.holder,
        identity: handed.identity,
        factors: factors_hash(&Factors { code: &package.code, second: package.second.as_ref() }),
        channels: handed.channels,
        time: now(),
    };
    let delivery = delivery.sign(authority)?;
    let mut conversation = Conversation::open(carrier, &element.origin, package.channel).await?;
    match conversation.ask(authority, Ask::Deliver { delivery }).await? {
        Answer::Delivered { index } => Ok(index),
        _ => Err(ClientError::Answer),
    }
}
