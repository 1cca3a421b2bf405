//! What the platform asks the element to attest: read or refused, and proven by nobody who did not sign.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::{Secret, SigningKey, VerifyingKey};
use sceau_element::{Authority, Claim, ProofKey, RecordSigner, State, WebIdentity};
use sceau_element_api::{OrganisationId, wire::Attest};

static KEY: LazyLock<VerifyingKey> =
    LazyLock::new(|| SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(5))).verifying_key());

fuzz_target!(|bytes: &[u8]| {
    let state = State::default();
    let _ = RecordSigner::find(&state, &String::from_utf8_lossy(bytes), 1);
    let Ok(attest) = serde_json::from_slice::<Attest>(bytes) else { return };
    let web = WebIdentity { rp_id: "sceau.localhost".to_owned(), origins: Vec::new() };
    let organisation = OrganisationId::random();
    for key in [
        ProofKey::None,
        ProofKey::Root(organisation, KEY.fingerprint()),
        ProofKey::Signing(organisation, *KEY),
    ] {
        let Ok(claim) = Claim::read(attest.clone()) else { return };
        assert_eq!(claim.document.row(), attest.id);
        let _ = claim.proof_key(&state);
        if let Ok(proven) = claim.prove(&key, &web) {
            assert!(matches!(proven.authority, Authority::Platform));
        }
    }
});
