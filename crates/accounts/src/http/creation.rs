//! The JSON of making a passkey (WebAuthn level 3, sections 5.4 and 5.1.8).

use sceau_element_api::proof::CoseKey;
use sceau_element_api::{AccountId, Base64Url, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AccountsConfig;
use crate::pending::CEREMONY_MS;

/// Options for `navigator.credentials.create`.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisterOptions {
    pub(super) registration_id: String,
    pub(super) public_key: CreationOptions,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreationOptions {
    rp: RelyingParty,
    user: User,
    challenge: String,
    pub_key_cred_params: Vec<KeyType>,
    timeout: u64,
    attestation: &'static str,
    authenticator_selection: Selection,
    exclude_credentials: Vec<KeyReference>,
}

#[derive(Serialize, ToSchema)]
struct RelyingParty {
    id: String,
    name: String,
}

/// Whom the passkey is for; the id is the account's, as text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    id: String,
    name: String,
    display_name: String,
}

#[derive(Serialize, ToSchema)]
struct KeyType {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i32,
}

/// A passkey that exists.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyReference {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    require_resident_key: bool,
    user_verification: &'static str,
}

/// What `navigator.credentials.create` answered.
///
/// Browsers add members (`authenticatorAttachment`, `clientExtensionResults`…), so unknown ones pass.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewCredential {
    pub(super) response: NewCredentialResponse,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct NewCredentialResponse {
    #[serde(rename = "clientDataJSON")]
    #[schema(value_type = String)]
    pub(super) client_data_json: Base64Url,
    #[serde(rename = "attestationObject")]
    #[schema(value_type = String)]
    pub(super) attestation_object: Base64Url,
}

impl User {
    pub(super) fn new(account: AccountId, email: &str, name: &str) -> Self {
        let id = Base64Url(account.to_string().into_bytes()).encode();
        Self { id, name: email.to_owned(), display_name: name.to_owned() }
    }
}

impl CreationOptions {
    pub(super) fn new(
        config: &AccountsConfig,
        user: User,
        role: Role,
        challenge: &[u8; 32],
        known: &[Vec<u8>],
    ) -> Self {
        // Staff must be verified by their authenticator; a citizen's may be a plain security key.
        let user_verification = if role.is_staff() { "required" } else { "preferred" };
        let reference =
            |id: &Vec<u8>| KeyReference { kind: "public-key", id: Base64Url(id.clone()).encode() };
        let keys = CoseKey::ALGORITHMS.into_iter().map(|alg| KeyType { kind: "public-key", alg });
        Self {
            rp: RelyingParty { id: config.rp_id.clone(), name: config.platform_name.clone() },
            user,
            challenge: Base64Url(challenge.to_vec()).encode(),
            pub_key_cred_params: keys.collect(),
            timeout: CEREMONY_MS,
            attestation: "none",
            authenticator_selection: Selection {
                resident_key: "required",
                require_resident_key: true,
                user_verification,
            },
            exclude_credentials: known.iter().map(reference).collect(),
        }
    }
}
