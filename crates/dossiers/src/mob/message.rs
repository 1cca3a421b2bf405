//! What a company's queue receives.

use sceau_crypto::mob::EncryptionFields;
use serde::{Deserialize, Serialize};

use super::ReplyError;

/// A subscription to be decided, or one whose reply was refused ([`error`](Self::error)). Field names and order are MOB's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionMessage {
    /// Of the citizen.
    pub last_name: String,
    /// Of the citizen.
    pub first_name: String,
    /// `1990-12-12T00:00:00.000Z`.
    pub birthdate: String,
    /// Who asks.
    pub citizen_id: String,
    /// For which scheme.
    pub incentive_id: String,
    /// Which request.
    pub subscription_id: String,
    /// The citizen's address at the company, or empty.
    pub email: String,
    /// Always to be processed when it is sent.
    pub status: ToProcess,
    /// The citizen's community, or empty.
    pub community_name: String,
    /// The answers: JSON in a string, or empty.
    pub specific_fields: String,
    /// Where the sealed files are fetched.
    pub attachments: Vec<String>,
    /// Why the company's last reply was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ReplyError>,
    /// Key and IV of the files; none without files.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionFields>,
}

/// The one status of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ToProcess {
    /// `A_TRAITER`.
    #[default]
    #[serde(rename = "A_TRAITER")]
    ToProcess,
}

/// A refused reply that names no subscription of its sender: nothing of a subscription goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refused {
    /// As the reply named it, if it could be read.
    pub citizen_id: String,
    /// As the reply named it, if it could be read.
    pub subscription_id: String,
    /// Why.
    pub error: ReplyError,
}

/// Shows the ids only: the rest is personal.
impl std::fmt::Debug for SubscriptionMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubscriptionMessage({}, error {:?})", self.subscription_id, self.error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const SENT: &str = r#"{"lastName":"Durand","firstName":"Léa","birthdate":"1990-12-12T00:00:00.000Z","citizenId":"C","incentiveId":"I","subscriptionId":"S","email":"lea@example.org","status":"A_TRAITER","communityName":"","specificFields":"{\"km\":\"60\"}","attachments":["https://mob.example.org/v1/subscriptions/S/attachments/rib.pdf"],"encryptionKeyId":"K","encryptionKeyVersion":1,"encryptedAESKey":"a2V5","encryptedIV":"aXY="}"#;

    #[test]
    fn the_message_is_written_byte_for_byte() {
        let message: SubscriptionMessage = serde_json::from_str(SENT).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), SENT);
        assert_eq!(message.encryption.as_ref().unwrap().iv, b"iv");
        assert!(!format!("{message:?}").contains("Durand"));
    }

    #[test]
    fn without_files_no_key_and_a_refusal_with_its_error() {
        let mut message: SubscriptionMessage = serde_json::from_str(SENT).unwrap();
        message.encryption = None;
        message.error = Some(ReplyError::status());
        let text = serde_json::to_string(&message).unwrap();
        let error = r#""error":{"message":"subscriptions.error.bad.status","property":"status","code":409}}"#;
        assert!(text.ends_with(error) && !text.contains("encrypt"), "{text}");
        assert_eq!(serde_json::from_str::<SubscriptionMessage>(&text).unwrap(), message);
    }
}
