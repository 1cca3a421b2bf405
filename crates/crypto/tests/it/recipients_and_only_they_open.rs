//! An envelope opens for each of its recipients and for nobody else.

use sceau_crypto::envelope::{NewEnvelope, OpenError, SealError, UnverifiedHeader};
use sceau_crypto::stream::{StreamOptions, open_stream};
use sceau_crypto::{Cek, FileId, KeyError, RecipientKey, RecipientSuite, wrap_cek};

use crate::support::{RSA, XWING, metadata, new_key, public, sealed};

#[test]
fn each_recipient_opens() {
    let envelope = sealed(b"text", &[&RSA, &XWING]);
    for key in [&*RSA, &*XWING] {
        let mut text = Vec::new();
        let opened = open_stream(envelope.as_slice(), &mut text, key, StreamOptions::new()).unwrap();
        assert_eq!((text.as_slice(), opened.size), (b"text".as_slice(), 4));
        assert_eq!(opened.metadata, metadata());
    }
}

#[test]
fn nobody_else_opens() {
    let envelope = sealed(b"text", &[&RSA, &XWING]);
    let (header, _) = UnverifiedHeader::parse_prefix(&envelope).unwrap();
    assert_eq!(header.clone().unlock(&new_key()).map(|_| ()), Err(OpenError::NotARecipient));
    assert_eq!(header.open_with(Cek::random()).map(|_| ()), Err(OpenError::Commitment));
}

#[test]
fn a_key_wrapped_for_another_file_or_key_does_not_unwrap() {
    let (cek, file) = (Cek::random(), FileId::random());
    let stanza = wrap_cek(XWING.recipient_key(), &file, &cek);
    assert_eq!(XWING.unwrap_cek(&file, &stanza.wrapped).unwrap(), cek);
    assert!(XWING.unwrap_cek(&FileId::random(), &stanza.wrapped).is_err());
    assert!(new_key().unwrap_cek(&file, &stanza.wrapped).is_err());
    assert!(XWING.unwrap_cek(&file, &stanza.wrapped[..1119]).is_err());
    assert!(XWING.unwrap_cek(&file, &[]).is_err());
    assert!(RSA.unwrap_cek(&file, &[]).is_err());
    assert!(RSA.unwrap_cek(&file, &[0; 256]).is_err());
}

#[test]
fn an_envelope_has_1_to_256_recipients_each_once() {
    let refused =
        |recipients: &[RecipientKey]| NewEnvelope::create(metadata(), recipients).map(|_| ()).unwrap_err();
    assert_eq!(refused(&[]), SealError::NoRecipient);
    assert_eq!(refused(&public(&[&XWING, &RSA, &XWING])), SealError::DuplicateRecipient);
    let many: Vec<RecipientKey> = (0..257).map(|_| new_key().recipient_key().clone()).collect();
    assert_eq!(refused(&many), SealError::TooManyRecipients);
    let new = NewEnvelope::create(metadata(), &many[..256]).unwrap();
    assert_eq!(UnverifiedHeader::parse(new.header.as_bytes()).unwrap().stanzas().len(), 256);
}

#[test]
fn public_keys_have_one_encoding() {
    let rsa = RSA.recipient_key().public();
    assert!(RecipientKey::parse(RecipientSuite::RsaOaep256, rsa).is_ok());
    let longer = [rsa, &[0]].concat();
    assert_eq!(RecipientKey::parse(RecipientSuite::RsaOaep256, &longer), Err(KeyError::Malformed));
    assert_eq!(RecipientKey::parse(RecipientSuite::RsaOaep256, &rsa[1..]), Err(KeyError::Malformed));
    let x_wing = XWING.recipient_key().public();
    assert_eq!(x_wing.len(), 1216);
    assert_eq!(RecipientKey::parse(RecipientSuite::HpkeXWing, &x_wing[1..]), Err(KeyError::Malformed));
    assert_eq!(RecipientKey::parse(RecipientSuite::HpkeXWing, rsa), Err(KeyError::Malformed));
    // FIPS 203, section 7.2: coefficients of the ML-KEM key are below its modulus.
    assert_eq!(RecipientKey::parse(RecipientSuite::HpkeXWing, &[0xFF; 1216]), Err(KeyError::Malformed));
}

#[test]
fn metadata_keeps_its_rules() {
    use sceau_crypto::envelope::Metadata;
    let long = "n".repeat(256);
    for name in ["", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "\u{85}", long.as_str()] {
        assert_eq!(Metadata::new(name, "a/b"), Err(SealError::Name), "{name:?}");
    }
    for media_type in ["", "é", "a\n", "n".repeat(128).as_str()] {
        assert_eq!(Metadata::new("a", media_type), Err(SealError::MediaType), "{media_type:?}");
    }
    assert!(Metadata::new("Relevé n° 3 (été).pdf", "application/pdf; version=1.7").is_ok());
}
