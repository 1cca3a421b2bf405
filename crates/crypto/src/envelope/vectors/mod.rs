//! The published vectors: what every implementation must reproduce, and refuse.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod format;
mod write;

use format::{Change, Key, Positive, Vectors};

use super::{Metadata, NewEnvelope, PART, StreamLayout, UnverifiedHeader};
use crate::stream::{StreamOptions, open_stream, read_header};
use crate::{Cek, RecipientPrivateKey, sha256};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/sceau-1.json");

fn published() -> Vectors {
    serde_json::from_slice(&std::fs::read(PATH).unwrap()).unwrap()
}

#[test]
fn keys_are_what_the_vectors_say() {
    for (name, key) in &published().keys {
        let private = key.private();
        let recipient = private.recipient_key();
        assert_eq!(recipient.public(), key.public_key, "{name}");
        assert_eq!(recipient.key_id(), key.key_id, "{name}");
        assert_eq!(private.to_secret_bytes().expose(), key.private_key, "{name}");
    }
}

#[test]
fn envelopes_are_made_byte_for_byte() {
    for vector in &published().envelopes {
        let (header, parts) = rebuild(vector);
        assert_eq!(header, vector.header, "{}", vector.name);
        let hashes: Vec<_> = parts.iter().map(|part| sha256(part).to_vec()).collect();
        assert_eq!(
            hashes,
            vector.part_sha256.iter().map(|hash| hash.0.clone()).collect::<Vec<_>>(),
            "{}",
            vector.name
        );
        let layout = StreamLayout::of_plaintext(vector.size).unwrap();
        assert_eq!(layout.parts() as usize, vector.part_sha256.len());
        assert_eq!(layout.stream(), parts.iter().map(Vec::len).sum::<usize>() as u64);

        let parsed = UnverifiedHeader::parse(&vector.header).unwrap();
        let mut hasher = parsed.hasher();
        for hash in &hashes {
            hasher.part_hash(hash.as_slice().try_into().unwrap());
        }
        assert_eq!(hasher.finish(), vector.envelope_hash, "{}", vector.name);
    }
}

#[test]
fn each_recipient_opens_each_envelope() {
    let vectors = published();
    for vector in &vectors.envelopes {
        let envelope = envelope(vector);
        for name in &vector.recipients {
            let key = vectors.keys[name].private();
            let mut text = Vec::new();
            let opened =
                open_stream(envelope.as_slice(), &mut text, &key, StreamOptions::new().with_hash()).unwrap();
            assert!(text == plaintext(vector.size), "{} by {name}", vector.name);
            assert_eq!(opened.hash, Some(vector.envelope_hash));
            assert_eq!(opened.metadata, vector.metadata());
            let header = read_header(&mut envelope.as_slice()).unwrap().unlock(&key).unwrap();
            assert_eq!(header.cek(), &vector.cek(), "{} by {name}", vector.name);
        }
    }
}

#[test]
fn each_negative_vector_is_refused_with_its_code() {
    let vectors = published();
    assert!(vectors.negative.len() >= 40);
    for vector in &vectors.negative {
        let of = vectors.envelope(&vector.of);
        let mut bytes = envelope(of);
        for change in &vector.changes {
            bytes = change.apply(bytes, &vectors);
        }
        let key = vectors.keys[&vector.key].private();
        let mut text = Vec::new();
        let error = open_stream(bytes.as_slice(), &mut text, &key, StreamOptions::new())
            .expect_err(&format!("{} must be refused", vector.name));
        assert_eq!(error.code(), vector.code, "{}", vector.name);
        assert!(plaintext(of.size).starts_with(&text), "{}: only authentic bytes come out", vector.name);
    }
}

/// So that the negative vectors on metadata fail for their own reason.
#[test]
fn other_metadata_under_a_right_mac_is_read_and_unknown_members_ignored() {
    let vectors = published();
    let text = format!("{:<256}", r#"{"type":"a/b","later":1,"name":"x"}"#);
    let header = write::with_metadata(vectors.envelope("empty"), text.as_bytes());
    let opened = UnverifiedHeader::parse(&header).unwrap().unlock(&vectors.keys["x_wing"].private()).unwrap();
    assert_eq!(opened.metadata(), &Metadata::new("x", "a/b").unwrap());
}

/// Byte i of a plaintext is i mod 251.
fn plaintext(size: u64) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}

/// The header and the parts, from the random choices that the vector gives.
fn rebuild(vector: &Positive) -> (Vec<u8>, Vec<Vec<u8>>) {
    let stanzas = UnverifiedHeader::parse(&vector.header).unwrap().stanzas().to_vec();
    let mut new = NewEnvelope::from_choices(
        vector.cek(),
        vector.file_id,
        &stanzas,
        vector.metadata(),
        vector.metadata_nonce.as_slice().try_into().unwrap(),
        vector.salt.as_slice().try_into().unwrap(),
        vector.nonce_prefix.as_slice().try_into().unwrap(),
    );
    let text = plaintext(vector.size);
    let layout = StreamLayout::of_plaintext(vector.size).unwrap();
    let parts = (0..layout.parts() as u32)
        .map(|index| {
            let range = layout.plaintext_range(index);
            let text = &text[range.start as usize..range.end as usize];
            new.sealer.seal_part(text, layout.is_last(index)).unwrap()
        })
        .collect();
    (new.header.as_bytes().to_vec(), parts)
}

fn envelope(vector: &Positive) -> Vec<u8> {
    let (header, parts) = rebuild(vector);
    [header, parts.concat()].concat()
}

impl Key {
    fn private(&self) -> RecipientPrivateKey {
        RecipientPrivateKey::from_secret_bytes(self.suite, &self.private_key).unwrap()
    }
}

impl Positive {
    fn cek(&self) -> Cek {
        Cek::from_slice(&self.cek).unwrap()
    }

    fn metadata(&self) -> Metadata {
        Metadata::new(&self.metadata.name, &self.metadata.media_type).unwrap()
    }
}

impl Change {
    fn apply(&self, mut bytes: Vec<u8>, vectors: &Vectors) -> Vec<u8> {
        let header =
            read_header(&mut bytes.as_slice()).map(|header| header.as_bytes().len()).unwrap_or_default();
        match self {
            Self::Flip { at, mask } => bytes[*at] ^= mask,
            Self::Cut { at, length } => drop(bytes.drain(*at..at + length)),
            Self::Insert { at, bytes: new } => drop(bytes.splice(at..at, new.0.clone())),
            Self::SwapParts { a, b } => {
                let mut parts: Vec<_> = bytes[header..].chunks(PART).map(<[u8]>::to_vec).collect();
                parts.swap(*a, *b);
                bytes = [bytes[..header].to_vec(), parts.concat()].concat();
            }
            Self::RepeatPart { part } => {
                let mut parts: Vec<_> = bytes[header..].chunks(PART).map(<[u8]>::to_vec).collect();
                parts.insert(*part, parts[*part].clone());
                bytes = [bytes[..header].to_vec(), parts.concat()].concat();
            }
            Self::ReplaceHeader { header: new } => drop(bytes.splice(..header, new.0.clone())),
            Self::HeaderOf { envelope } => {
                drop(bytes.splice(..header, vectors.envelope(envelope).header.0.clone()));
            }
        }
        bytes
    }
}
