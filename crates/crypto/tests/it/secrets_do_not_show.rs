//! `Debug` of whatever holds a secret shows none of it.

use std::fmt::Debug;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::{Cek, Label, RecipientPrivateKey, SealedBlob, Secret, SecretBytes, SigningKey};

use crate::support::{RSA, XWING, public};

/// Looks for the secret's bytes in the forms in which they could be printed: 8 in a row are too many.
fn assert_hides(shown: &dyn Debug, secret: &[u8]) {
    let text = format!("{shown:?} {shown:#?}");
    let spaceless: String = text.split_whitespace().collect();
    for piece in secret.chunks_exact(8) {
        let decimal = piece.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        for form in
            [hex::encode(piece), hex::encode_upper(piece), decimal, URL_SAFE_NO_PAD.encode(&piece[..6])]
        {
            assert!(!spaceless.contains(&form), "{form} in {text}");
        }
    }
}

#[test]
fn keys_and_plaintexts_are_redacted() {
    let bytes: [u8; 32] = std::array::from_fn(|i| 0xA0 + i as u8);
    let secret = || Secret::<32>::from_slice(&bytes).unwrap();
    assert_hides(&secret(), &bytes);
    assert_hides(&SecretBytes::from(bytes.as_slice()), &bytes);
    assert_hides(&Cek::from_secret(secret()), &bytes);
    assert_hides(&SigningKey::from_seed(secret()), &bytes);
    let key = RecipientPrivateKey::from_secret_bytes(XWING.recipient_key().suite(), &bytes).unwrap();
    assert_hides(&key, &bytes);
    assert_hides(&*RSA, RSA.to_secret_bytes().expose());
    let blob = SealedBlob::seal(&secret(), Label::KeyAtRest, b"", &bytes);
    assert_hides(&blob.open(&secret(), Label::KeyAtRest, b"").unwrap(), &bytes);
}

#[test]
fn an_envelope_shows_neither_its_key_nor_the_name_of_the_file() {
    let metadata = Metadata::new("salaire-de-Mme-Dupont.pdf", "application/pdf").unwrap();
    let new = NewEnvelope::create(metadata, &public(&[&XWING])).unwrap();
    assert_hides(&new, new.header.cek().expose());
    assert!(!format!("{new:?}").contains("Dupont"));
    let opener = new.header.opener(new.sealer.stream_header()).unwrap();
    assert_hides(&opener, new.header.cek().expose());
}

/// The check itself must be able to fail.
#[test]
#[should_panic(expected = "in [")]
fn a_secret_that_shows_is_found() {
    assert_hides(&[7u8, 1, 2, 3, 4, 5, 6, 7], &[7, 1, 2, 3, 4, 5, 6, 7]);
}
