//! Re-wrapping: headers that take the place of others, records that say so, and the forms that carry them.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::envelope::{Metadata, NewEnvelope, UnverifiedHeader};
use sceau_crypto::{RecipientKey, RecipientPrivateKey, Secret, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_dossiers::parsers;
use sceau_element_api::{DossierId, OrganisationId};

fn key(seed: u8) -> RecipientKey {
    let key = XWingPrivateKey::from_seed(Secret::fill_with(|bytes| bytes.fill(seed)));
    RecipientPrivateKey::XWing(key.expect("any seed is a key")).recipient_key().clone()
}

fn header(key: RecipientKey) -> Vec<u8> {
    let metadata = Metadata::new("name", "text/plain").expect("a name and a type");
    NewEnvelope::create(metadata, &[key]).expect("an envelope").header.as_bytes().to_vec()
}

static OLD: LazyLock<Vec<u8>> = LazyLock::new(|| header(key(7)));
static SIGNER: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(5))));

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (at, length, bytes) = input;
    let mut new = OLD.clone();
    let at = usize::from(at).min(new.len());
    let end = (at + usize::from(length)).min(new.len());
    new.splice(at..end, bytes.iter().copied());
    let to = key(7).key_id();
    for candidate in [new.as_slice(), bytes] {
        if parsers::other_recipient(&OLD, candidate, to) {
            let [old, new] =
                [OLD.as_slice(), candidate].map(|it| UnverifiedHeader::parse(it).expect("taken"));
            assert_eq!(old.hasher().finish(), new.hasher().finish(), "the envelope is the same");
            assert!(new.stanzas().len() == 1 && new.stanzas()[0].key_id == to);
        }
    }
    parsers::forms(bytes);
    let record = jws::sign(&SIGNER, Typ::Record, bytes);
    parsers::rewrapping(&record, OrganisationId::random(), DossierId::random());
    parsers::rewrapping(&String::from_utf8_lossy(bytes), OrganisationId::random(), DossierId::random());
});
