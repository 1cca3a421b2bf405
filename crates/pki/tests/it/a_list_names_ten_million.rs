//! A list of ten million certificates, 350 MB of it: read in one pass, signed as it should be, and kept in twenty octets for each.

use std::fs;

use sceau_pki::{Authority, AuthorityProfile, ListRefusal, RevocationList};

use crate::outside::{NOW, run};

const ENTRIES: u64 = 10_000_000;

/// One value of DER.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match u8::try_from(length) {
        Ok(short @ ..0x80) => vec![tag, short],
        _ => {
            let octets = length.to_be_bytes();
            let octets = &octets[octets.iter().position(|octet| *octet != 0).unwrap()..];
            [&[tag, 0x80 | u8::try_from(octets.len()).unwrap()], octets].concat()
        }
    };
    [&head, content].concat()
}

/// The numbers are spread, and in no order.
fn serial(n: u64) -> [u8; 16] {
    let mixed = u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 63 | u128::from(n);
    // Positive, and with all its octets.
    (mixed & (u128::MAX >> 1) | 1 << 126).to_be_bytes()
}

fn entries() -> Vec<u8> {
    let date = value(0x17, b"261119000000Z");
    let mut all = Vec::with_capacity(usize::try_from(ENTRIES).unwrap() * 35);
    for n in 0..ENTRIES {
        let number = serial(n);
        all.extend_from_slice(&[0x30, 33, 0x02, 16]);
        all.extend_from_slice(&number);
        all.extend_from_slice(&date);
    }
    all
}

/// The list, signed by OpenSSL with the authority's key.
fn signed(authority: &Authority) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let ecdsa_with_sha256 = value(0x30, &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
    let issuer = authority.certificate().subject().to_der();
    let entries = value(0x30, &entries());
    let number = value(0x30, &[&[0x06, 3, 0x55, 0x1d, 20][..], &value(0x04, &value(0x02, &[7]))].concat());
    let message = [
        value(0x02, &[1]),
        ecdsa_with_sha256.clone(),
        issuer,
        value(0x17, b"261119000000Z"),
        value(0x17, b"261126000000Z"),
        entries,
        value(0xa0, &value(0x30, &number)),
    ];
    let message = value(0x30, &message.concat());
    fs::write(folder.path().join("message"), &message).unwrap();
    fs::write(folder.path().join("key"), authority.key().to_pem().as_bytes()).unwrap();
    run(folder.path(), "openssl", &["dgst", "-sha256", "-sign", "key", "-out", "signature", "message"]);
    let signature = fs::read(folder.path().join("signature")).unwrap();
    value(0x30, &[message, ecdsa_with_sha256, value(0x03, &[&[0], &signature[..]].concat())].concat())
}

#[test]
fn a_list_names_ten_million() {
    let ours = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let mut der = signed(&ours);
    let list = RevocationList::read(&der).unwrap();
    assert_eq!(list.len() as u64, ENTRIES);
    assert!(list.is_signed_by(&ours.certificate().public_key_info()));
    for n in [0, 1, ENTRIES / 2, ENTRIES - 1] {
        assert!(list.names(&serial(n)), "{n}");
        assert!(!list.names(&serial(n + ENTRIES)), "{n}");
    }
    let last = der.pop().unwrap();
    assert_eq!(RevocationList::read(&der).err(), Some(ListRefusal::Malformed), "cut");
    der.push(last);
    let middle = der.len() / 2;
    der[middle] ^= 1;
    let altered = RevocationList::read(&der);
    let signed = altered.is_ok_and(|list| list.is_signed_by(&ours.certificate().public_key_info()));
    assert!(!signed, "one bit of 350 MB was changed");
}
