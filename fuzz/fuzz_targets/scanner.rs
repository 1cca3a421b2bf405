//! Between the key manager and the process that has a document examined: only authentic plaintext goes to the antivirus, and what the process
//! says, taken over or not, is a word of its own or nothing. An input is a line, and a change to what the process is sent.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::{RecipientPrivateKey, Secret, XWingPrivateKey};
use sceau_keymanager::parsers::{scanner_said, scanner_sent};

const TEXT: &[u8] = b"a text to examine";

static SENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = XWingPrivateKey::from_seed(Secret::fill_with(|seed| seed.fill(7))).expect("any seed is a key");
    let recipients = [RecipientPrivateKey::XWing(key).recipient_key().clone()];
    let metadata = Metadata::new("name", "text/plain").expect("a name and a type");
    let NewEnvelope { header, mut sealer } =
        NewEnvelope::create(metadata, &recipients).expect("one recipient");
    let part = sealer.seal_part(TEXT, true).expect("a small part");
    let mut sent = [header.cek().expose().as_slice(), &1_u32.to_be_bytes()].concat();
    for bytes in [header.as_bytes(), &part] {
        sent.extend(u32::try_from(bytes.len()).expect("small").to_be_bytes());
        sent.extend(bytes);
    }
    sent
});

fuzz_target!(|input: (&str, u16, u16, Vec<u8>)| {
    let (line, at, length, bytes) = input;
    if let Some((again, shown)) = scanner_said(line) {
        assert_eq!(scanner_said(&again), Some((again.clone(), shown.clone())));
        let shown = shown.unwrap_or_default();
        assert!(shown.len() <= 128 && shown.chars().all(|c| c.is_ascii_graphic() || c == ' '));
    }
    scanner_sent(&bytes);
    let mut sent = SENT.clone();
    let at = usize::from(at).min(sent.len());
    let end = (at + usize::from(length)).min(sent.len());
    sent.splice(at..end, bytes);
    // What follows the last part is not read.
    assert_eq!(scanner_sent(&sent).as_deref(), sent.starts_with(&SENT).then_some(TEXT));
});
