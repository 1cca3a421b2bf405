#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
use super::*;
use crate::envelope::Metadata;
use crate::{Secret, sha256};

fn head() -> Head {
    Head { datum: [7; 32], iv: [9; 16], wrapped_key: b"wrapped".to_vec() }
}

fn sealed(key: &Secret<32>, content: &[u8], cut: usize) -> (Vec<u8>, [u8; 32]) {
    let metadata = Metadata::new("Été \"1\".txt", "text/plain").unwrap();
    let mut message = Vec::new();
    let mut sealer = Sealer::begin(key, &head(), &metadata, &mut message).unwrap();
    for piece in content.chunks(cut) {
        sealer.update(piece, &mut message).unwrap();
    }
    let digest = sealer.finish(&mut message).unwrap();
    (message, digest)
}

/// What is taken in, cut so; and is, of this SHA-256.
fn verified(message: &[u8], cut: usize, signed: &[u8; 32]) -> Result<Verified, Refused> {
    let mut unverified = Unverified::begin();
    message.chunks(cut).for_each(|piece| unverified.update(piece));
    unverified.verified(&[7; 32], signed)
}

fn opened(key: &Secret<32>, message: &[u8], cut: usize) -> Result<(Vec<u8>, Metadata), Refused> {
    let mut opener = Opener::new(key, verified(message, cut, &sha256(message))?)?;
    let mut content = Vec::new();
    for part in message.chunks(PART) {
        opener.part(part, &mut content)?;
    }
    let metadata = opener.finish(&mut content)?;
    Ok((content, metadata))
}

#[test]
fn what_is_sealed_comes_back_however_it_is_cut() {
    let key = Secret::random();
    for length in [0, 1, 15, 16, 17, 1000, 5000, PART, 2 * PART + 5] {
        let content: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (message, digest) = sealed(&key, &content, 1007);
        assert_eq!(sealed(&key, &content, 4096).0, message);
        assert_eq!(digest, sha256(&message), "what is signed is all that is there");
        for cut in [1, 33, 5000, PART, 3 * PART] {
            let (back, metadata) = opened(&key, &message, cut).unwrap();
            assert_eq!((back.as_slice(), metadata.name()), (content.as_slice(), "Été \"1\".txt"));
            assert_eq!(metadata.media_type(), "text/plain");
        }
    }
}

#[test]
fn a_head_is_read_in_one_way() {
    let bytes = head().to_bytes().unwrap();
    assert_eq!(Head::parse(&bytes), Ok(head()));
    assert!(Head::begins(&bytes));
    for cut in 0..bytes.len() {
        assert_eq!(Head::parse(bytes.get(..cut).unwrap()), Err(Refused), "cut at {cut}");
    }
    assert_eq!(Head::parse(&[bytes.as_slice(), b"x"].concat()), Err(Refused));
    for at in 0..MAGIC.len() + 1 {
        let mut other = bytes.clone();
        *other.get_mut(at).unwrap() ^= 1;
        assert_eq!(Head::parse(&other), Err(Refused), "octet {at}");
    }
    for length in [0, MOST_WRAPPED + 1, 1 << 16] {
        assert_eq!(Head { wrapped_key: vec![0; length], ..head() }.to_bytes(), Err(Refused));
    }
}

#[test]
fn a_signature_is_found_at_the_end_alone() {
    let end = trailer("a.b.c").unwrap();
    assert_eq!(signature_of(&end), Ok("a.b.c"));
    assert_eq!(signature_of(&[b"what is before".as_slice(), &end].concat()), Ok("a.b.c"));
    for end in [&b""[..], b"\0", b"\0\0", b"a\0\x02", b"\xc3\xa9\0\x02", b"\xff\xff"] {
        assert_eq!(signature_of(end), Err(Refused), "{end:?}");
    }
    assert!(trailer("").is_err() && trailer(&"a".repeat(MOST_SIGNATURE + 1)).is_err());
}

#[test]
fn what_is_no_text_of_the_key_is_refused_without_a_word_why() {
    let (key, other) = (Secret::random(), Secret::random());
    let (message, _) = sealed(&key, b"text", 4);
    // With a wrong key the length of name and type is anything, and what they say nothing.
    assert_eq!(opened(&other, &message, 64).unwrap_err(), Refused);
    for cut in 0..message.len() {
        assert_eq!(opened(&key, message.get(..cut).unwrap(), 64).unwrap_err(), Refused, "cut at {cut}");
    }
}

#[test]
fn another_message_or_another_datum_s_is_not_verified() {
    let key = Secret::random();
    let content = vec![1; PART + 100];
    let (message, digest) = sealed(&key, &content, 4096);
    assert!(verified(&message, 4096, &digest).is_ok());
    for at in [0, 9, 10, 42, 58, 60, 67, PART - 1, PART, message.len() - 1] {
        let mut altered = message.clone();
        altered[at] ^= 1;
        assert_eq!(verified(&altered, 4096, &digest).unwrap_err(), Refused, "octet {at}");
    }
    assert_eq!(verified(&[message.as_slice(), b"x"].concat(), 4096, &digest).unwrap_err(), Refused);
    let mut unverified = Unverified::begin();
    unverified.update(&message);
    assert_eq!(unverified.verified(&[8; 32], &digest).unwrap_err(), Refused);
}

#[test]
fn nothing_is_decrypted_but_what_was_verified() {
    let key = Secret::random();
    let content = vec![1; 3 * PART];
    let (message, digest) = sealed(&key, &content, 4096);
    let parts: Vec<_> = message.chunks(PART).collect();
    let opener = || Opener::new(&key, verified(&message, 4096, &digest).unwrap()).unwrap();
    let (mut out, mut first) = (Vec::new(), opener());
    first.part(parts[0], &mut out).unwrap();
    let before = out.len();
    let mut altered = parts[1].to_vec();
    altered[500] ^= 1;
    // Altered, cut, in another order, again, one too many: refused, and not a byte comes out.
    for other in [&altered, &parts[1][..PART - 16], parts[2], parts[0], &[]] {
        assert_eq!(first.part(other, &mut out).unwrap_err(), Refused);
        assert_eq!(out.len(), before);
    }
    for part in &parts[1..] {
        first.part(part, &mut out).unwrap();
    }
    assert!(first.is_at_the_end());
    assert_eq!(first.part(b"", &mut out).unwrap_err(), Refused);
    first.finish(&mut out).unwrap();
    assert!(out == content);

    let mut short = opener();
    short.part(parts[0], &mut Vec::new()).unwrap();
    assert!(!short.is_at_the_end());
    assert_eq!(short.finish(&mut Vec::new()).unwrap_err(), Refused, "it ended too early");
}
