//! Passkey registrations and assertions: the W3C's own vectors, then each thing that can be wrong.

use ciborium::Value;
use proptest::prelude::*;
use sceau_element_api::Kind;
use sceau_element_api::Nonce;
use sceau_element_api::proof::{
    Assertion, CoseKey, Expected, Proof, ProofError, VerifiedAssertion, passkey_challenge, verify_assertion,
    verify_registration,
};

use crate::authenticator::{Authenticator, Signed, UP, UV, cbor};

const CHALLENGE: [u8; 32] = [42; 32];

fn expected<'a>(challenge: &'a [u8], user_verification: bool) -> Expected<'a> {
    Expected {
        challenge,
        rp_id: "sceau.localhost",
        origins: &["http://sceau.localhost:8080"],
        user_verification,
    }
}

fn check(authenticator: &Authenticator, signed: &Signed) -> Result<VerifiedAssertion, ProofError> {
    let key = CoseKey::parse(&authenticator.cose_key()).unwrap();
    let assertion = Assertion {
        credential_id: &authenticator.credential_id,
        authenticator_data: &signed.authenticator_data,
        client_data_json: &signed.client_data_json,
        signature: &signed.signature,
    };
    verify_assertion(&assertion, &key, &expected(&CHALLENGE, true))
}

/// Web Authentication Level 3, section 16.2, "ES256 Credential with No Attestation".
mod w3c_none_es256 {
    use super::*;

    const ATTESTATION_OBJECT: &str = "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4\
        735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b\
        33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2f\
        ca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
    const CREATE: &str = "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453\
        746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f72\
        67222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874\
        656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b51\
        65446a646354427258426941774a544c453551227d";
    const CREATE_CHALLENGE: &str = "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130";
    const CREDENTIAL_ID: &str = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4";
    const DATA: &str = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000";
    const GET: &str = "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a55\
        58543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263\
        726f73734f726967696e223a66616c73657d";
    const GET_CHALLENGE: &str = "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408";
    const SIGNATURE: &str = "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f5\
        75bf11a1dd5d78c6e486013f937295ea13653e331e87";

    fn expected(challenge: &[u8]) -> Expected<'_> {
        Expected {
            challenge,
            rp_id: "example.org",
            origins: &["https://example.org"],
            user_verification: false,
        }
    }

    #[test]
    fn registration_and_assertion_verify() {
        let challenge = hex::decode(CREATE_CHALLENGE).unwrap();
        let (create, object) = (hex::decode(CREATE).unwrap(), hex::decode(ATTESTATION_OBJECT).unwrap());
        let registered = verify_registration(&create, &object, &expected(&challenge)).unwrap();
        assert_eq!(hex::encode(&registered.credential_id), CREDENTIAL_ID);
        assert_eq!(hex::encode(registered.aaguid), "8446ccb9ab1db374750b2367ff6f3a1f");
        assert!(!registered.user_verified);

        let key = CoseKey::parse(&registered.cose_key).unwrap();
        let (data, get) = (hex::decode(DATA).unwrap(), hex::decode(GET).unwrap());
        let (challenge, signature) = (hex::decode(GET_CHALLENGE).unwrap(), hex::decode(SIGNATURE).unwrap());
        let assertion = Assertion {
            credential_id: &registered.credential_id,
            authenticator_data: &data,
            client_data_json: &get,
            signature: &signature,
        };
        let verified = verify_assertion(&assertion, &key, &expected(&challenge)).unwrap();
        assert_eq!(verified, VerifiedAssertion { user_verified: false, sign_count: 0 });
        let strict = Expected { user_verification: true, ..expected(&challenge) };
        assert_eq!(verify_assertion(&assertion, &key, &strict), Err(ProofError::UserVerification));
    }
}

#[test]
fn what_an_authenticator_registers_it_can_sign_with() {
    for authenticator in [Authenticator::es256(), Authenticator::eddsa()] {
        let (client_data, object) = authenticator.register(&CHALLENGE);
        let registered = verify_registration(&client_data, &object, &expected(&CHALLENGE, true)).unwrap();
        assert_eq!(registered.credential_id, authenticator.credential_id);
        assert_eq!(registered.cose_key, authenticator.cose_key());
        let verified = check(&authenticator, &authenticator.sign(&CHALLENGE)).unwrap();
        assert!(verified.user_verified);
    }
}

#[test]
fn a_registration_of_another_challenge_origin_or_ceremony_is_refused() {
    let mut authenticator = Authenticator::es256();
    let verify =
        |(data, object): &(Vec<u8>, Vec<u8>)| verify_registration(data, object, &expected(&CHALLENGE, true));
    assert_eq!(verify(&authenticator.register(&[1; 32])).unwrap_err(), ProofError::Challenge);
    let (_, object) = authenticator.register(&CHALLENGE);
    let assertion = authenticator.client_data("webauthn.get", &CHALLENGE);
    assert_eq!(verify(&(assertion, object)).unwrap_err(), ProofError::Ceremony);
    authenticator.flags = UV;
    assert_eq!(verify(&authenticator.register(&CHALLENGE)).unwrap_err(), ProofError::UserPresence);
    authenticator.flags = UP;
    assert_eq!(verify(&authenticator.register(&CHALLENGE)).unwrap_err(), ProofError::UserVerification);
    authenticator.flags = UP | UV;
    authenticator.origin = "http://evil.localhost:8080".to_owned();
    assert_eq!(verify(&authenticator.register(&CHALLENGE)).unwrap_err(), ProofError::Origin);
}

#[test]
fn an_assertion_of_another_challenge_is_refused() {
    let authenticator = Authenticator::es256();
    assert_eq!(check(&authenticator, &authenticator.sign(&[1; 32])), Err(ProofError::Challenge));
}

#[test]
fn an_assertion_made_at_another_origin_is_refused() {
    let mut authenticator = Authenticator::es256();
    for origin in
        ["https://sceau.localhost:8080", "http://sceau.localhost:8081", "http://sceau.localhost:8080/"]
    {
        authenticator.origin = origin.to_owned();
        assert_eq!(
            check(&authenticator, &authenticator.sign(&CHALLENGE)),
            Err(ProofError::Origin),
            "{origin}"
        );
    }
}

#[test]
fn an_assertion_made_in_a_foreign_frame_is_refused() {
    let mut authenticator = Authenticator::es256();
    authenticator.cross_origin = true;
    assert_eq!(check(&authenticator, &authenticator.sign(&CHALLENGE)), Err(ProofError::Origin));
}

#[test]
fn an_assertion_for_another_relying_party_is_refused() {
    let mut authenticator = Authenticator::es256();
    authenticator.rp_id = "localhost".to_owned();
    assert_eq!(check(&authenticator, &authenticator.sign(&CHALLENGE)), Err(ProofError::RelyingParty));
}

#[test]
fn presence_is_always_demanded_and_verification_where_asked() {
    let mut authenticator = Authenticator::es256();
    authenticator.flags = UV;
    assert_eq!(check(&authenticator, &authenticator.sign(&CHALLENGE)), Err(ProofError::UserPresence));
    authenticator.flags = UP;
    assert_eq!(check(&authenticator, &authenticator.sign(&CHALLENGE)), Err(ProofError::UserVerification));
}

#[test]
fn a_registration_is_no_assertion() {
    let authenticator = Authenticator::es256();
    let mut signed = authenticator.sign(&CHALLENGE);
    signed.client_data_json = authenticator.client_data("webauthn.create", &CHALLENGE);
    assert_eq!(check(&authenticator, &signed), Err(ProofError::Ceremony));
}

#[test]
fn another_authenticators_signature_is_refused() {
    for (one, other) in
        [(Authenticator::es256(), Authenticator::es256()), (Authenticator::eddsa(), Authenticator::eddsa())]
    {
        assert_eq!(check(&one, &other.sign(&CHALLENGE)), Err(ProofError::Signature));
    }
}

#[test]
fn bytes_after_the_authenticator_data_are_refused() {
    let authenticator = Authenticator::es256();
    let mut signed = authenticator.sign(&CHALLENGE);
    signed.authenticator_data.push(0);
    assert_eq!(check(&authenticator, &signed), Err(ProofError::AuthenticatorData));
}

#[test]
fn a_key_that_is_not_exactly_one_of_ours_is_refused() {
    let key = Authenticator::es256().cose_key();
    let Value::Map(members) = ciborium::from_reader(key.as_slice()).unwrap() else { panic!("a map") };
    let refused = |members: Vec<(Value, Value)>| {
        assert_eq!(CoseKey::parse(&cbor(&Value::Map(members))).unwrap_err(), ProofError::Key);
    };
    for at in 0..members.len() {
        let mut fewer = members.clone();
        fewer.remove(at);
        refused(fewer);
        let mut twice = members.clone();
        twice[at] = twice[(at + 1) % members.len()].clone();
        refused(twice);
    }
    let mut more = members.clone();
    more.push((Value::Integer((-4).into()), Value::Bytes(vec![1; 32]))); // the private half
    refused(more);
    let mut off_curve = members.clone();
    off_curve[4].1 = Value::Bytes(vec![1; 32]);
    refused(off_curve);
    let mut trailing = key.clone();
    trailing.push(0);
    assert_eq!(CoseKey::parse(&trailing).unwrap_err(), ProofError::Key);
}

#[test]
fn a_proof_binds_nonce_kind_and_payload() {
    let (nonce, other) = (Nonce([1; 32]), Nonce([2; 32]));
    let challenge = passkey_challenge(&nonce, Kind::Manifest, b"payload");
    assert_ne!(challenge, passkey_challenge(&other, Kind::Manifest, b"payload"));
    assert_ne!(challenge, passkey_challenge(&nonce, Kind::Scheme, b"payload"));
    assert_ne!(challenge, passkey_challenge(&nonce, Kind::Manifest, b"payloae"));
}

#[test]
fn a_proof_has_the_documented_json() {
    let authenticator = Authenticator::eddsa();
    let proof = authenticator.prove(Nonce([0; 32]), Kind::Manifest, b"{}");
    let json = serde_json::to_value(&proof).unwrap();
    assert_eq!(json["type"], "passkey");
    assert_eq!(json["nonce"], "A".repeat(43));
    let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let documented =
        ["authenticator_data", "client_data_json", "credential_id", "nonce", "signature", "type"];
    assert_eq!(fields, documented);
    assert_eq!(serde_json::from_value::<Proof>(json).unwrap(), proof);
    assert_eq!(serde_json::to_string(&Proof::PlatformAsserted).unwrap(), r#"{"type":"platform-asserted"}"#);
    assert!(serde_json::from_str::<Proof>(r#"{"type":"jws","jws":"a.b.c","more":1}"#).is_err());
}

proptest! {
    #[test]
    fn any_changed_byte_is_refused(at in 0_usize..200, bit in 0_u8..8) {
        let authenticator = Authenticator::eddsa();
        let mut signed = authenticator.sign(&CHALLENGE);
        let parts = [&mut signed.authenticator_data, &mut signed.client_data_json, &mut signed.signature];
        let part = at % 3;
        let [data, client, signature] = parts;
        let bytes = [data, client, signature].into_iter().nth(part).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(check(&authenticator, &signed).is_err());
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let authenticator = Authenticator::eddsa();
        let _ = CoseKey::parse(&bytes);
        let _ = verify_registration(&authenticator.client_data("webauthn.create", &CHALLENGE), &bytes, &expected(&CHALLENGE, true));
        let _ = verify_registration(&bytes, &bytes, &expected(&CHALLENGE, true));
        let mut signed = authenticator.sign(&CHALLENGE);
        signed.authenticator_data.truncate(33);
        signed.authenticator_data.extend_from_slice(&bytes);
        let _ = check(&authenticator, &signed);
    }
}
