//! Writes the vectors. RSA keys and wrapped keys are drawn anew, so the file changes each time: run it on purpose only.

use super::format::{Base64, Change, Hex, Key, Names, Negative, Positive, Vectors};
use super::{PATH, plaintext};
use crate::envelope::metadata::seal_text;
use crate::envelope::{FixedHeader, Metadata, NewEnvelope, PART, StreamLayout, UnverifiedHeader, build};
use crate::{
    Cek, FileId, RecipientKey, RecipientPrivateKey, RsaPrivateKey, RsaSize, Secret, Stanza, XWingPrivateKey,
    sha256, wrap_cek,
};

const TWO_MIB_AND_3: u64 = 2 * 1024 * 1024 + 3;

#[test]
#[ignore = "rewrites the published vectors"]
fn write_the_vectors() {
    let keys = [
        ("rsa_2048", RecipientPrivateKey::Rsa(Box::new(RsaPrivateKey::generate(RsaSize::Bits2048).unwrap()))),
        ("rsa_4096", RecipientPrivateKey::Rsa(Box::new(RsaPrivateKey::generate(RsaSize::Bits4096).unwrap()))),
        ("x_wing", x_wing("x_wing")),
        ("stranger", x_wing("stranger")),
    ];
    let recipients = |names: &[&str]| -> Vec<(String, RecipientKey)> {
        let key = |name: &str| keys.iter().find(|key| key.0 == name).unwrap().1.recipient_key().clone();
        names.iter().map(|name| ((*name).to_owned(), key(name))).collect()
    };
    let both = recipients(&["rsa_2048", "x_wing"]);
    let envelopes = vec![
        positive("empty", 0, "vide.txt", "text/plain", &both),
        positive("one byte", 1, "a", "application/octet-stream", &recipients(&["x_wing"])),
        positive("one full segment", 1_048_520, "justificatif de domicile.pdf", "application/pdf", &both),
        positive("one byte more", 1_048_521, "pièce d’identité (recto) 🪪.jpg", "image/jpeg", &both),
        positive(
            "three segments",
            TWO_MIB_AND_3,
            &"n".repeat(250),
            "image/tiff",
            &recipients(&["rsa_4096", "x_wing"]),
        ),
    ];
    let negative = negatives(&envelopes);
    let keys = keys.iter().map(|(name, key)| ((*name).to_owned(), describe(key))).collect();
    let vectors = Vectors {
        format: "sceau-1".to_owned(),
        plaintext: "byte i is i mod 251".to_owned(),
        keys,
        envelopes,
        negative,
    };
    std::fs::write(PATH, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
}

fn x_wing(name: &str) -> RecipientPrivateKey {
    let seed = Secret::from_slice(&sha256(name.as_bytes())).unwrap();
    RecipientPrivateKey::XWing(XWingPrivateKey::from_seed(seed).unwrap())
}

fn describe(key: &RecipientPrivateKey) -> Key {
    let recipient = key.recipient_key();
    Key {
        suite: recipient.suite(),
        key_id: recipient.key_id(),
        public_key: Base64(recipient.public().to_vec()),
        private_key: Base64(key.to_secret_bytes().expose().to_vec()),
    }
}

fn positive(
    name: &str,
    size: u64,
    file: &str,
    media_type: &str,
    recipients: &[(String, RecipientKey)],
) -> Positive {
    let chosen = |what: &str, length: usize| sha256(format!("{name}: {what}").as_bytes())[..length].to_vec();
    let (cek, file_id) = (chosen("cek", 32), FileId::from_bytes(chosen("file id", 16).try_into().unwrap()));
    let (nonce, salt, prefix) = (chosen("metadata nonce", 12), chosen("salt", 32), chosen("nonce prefix", 7));
    let key = Cek::from_slice(&cek).unwrap();
    let stanzas: Vec<Stanza> =
        recipients.iter().map(|(_, recipient)| wrap_cek(recipient, &file_id, &key)).collect();
    let mut new = NewEnvelope::from_choices(
        key,
        file_id,
        &stanzas,
        Metadata::new(file, media_type).unwrap(),
        nonce.clone().try_into().unwrap(),
        salt.as_slice().try_into().unwrap(),
        prefix.as_slice().try_into().unwrap(),
    );
    let (text, layout) = (plaintext(size), StreamLayout::of_plaintext(size).unwrap());
    let mut hasher = new.header.hasher();
    let part_sha256 = (0..layout.parts() as u32)
        .map(|index| {
            let range = layout.plaintext_range(index);
            let text = &text[range.start as usize..range.end as usize];
            Hex(hasher.part(&new.sealer.seal_part(text, layout.is_last(index)).unwrap()).to_vec())
        })
        .collect();
    Positive {
        name: name.to_owned(),
        recipients: recipients.iter().map(|(name, _)| name.clone()).collect(),
        metadata: Names { name: file.to_owned(), media_type: media_type.to_owned() },
        cek: Hex(cek),
        file_id,
        metadata_nonce: Hex(nonce),
        salt: Hex(salt),
        nonce_prefix: Hex(prefix),
        header: Base64(new.header.as_bytes().to_vec()),
        associated_data: Hex(new.header.fixed().associated_data().to_vec()),
        size,
        part_sha256,
        envelope_hash: hasher.finish(),
    }
}

fn negatives(envelopes: &[Positive]) -> Vec<Negative> {
    let find = |name: &str| envelopes.iter().find(|envelope| envelope.name == name).unwrap();
    let mut all = header_negatives(find("empty"));
    all.extend(key_negatives(find("empty"), find("one full segment")));
    all.extend(stream_negatives(find("three segments"), find("one byte")));
    all
}

fn case(name: &str, of: &Positive, key: &str, code: &str, changes: Vec<Change>) -> Negative {
    let (name, of, key, code) = (name.to_owned(), of.name.clone(), key.to_owned(), code.to_owned());
    Negative { name, of, changes, key, code }
}

fn header_negatives(of: &Positive) -> Vec<Negative> {
    let header = of.header.len();
    let flip = |at: usize| vec![Change::Flip { at, mask: 1 }];
    let keep = |length: usize| vec![Change::Cut { at: length, length: header + 56 - length }];
    let malformed = |name, changes| case(name, of, "x_wing", "header_malformed", changes);
    // Body: 60.. = count (2), RSA stanza: suite (2), key id (32), length (2), wrapped (256); X-Wing stanza; metadata.
    let (rsa, x_wing) = (62, 62 + 36 + 256);
    let metadata = x_wing + 36 + 1168;
    let twice = {
        let stanza = of.header[rsa..x_wing].to_vec();
        let length = header - 92 + stanza.len();
        vec![
            Change::Insert { at: rsa, bytes: Hex(stanza) },
            Change::Cut { at: 56, length: 6 },
            Change::Insert { at: 56, bytes: Hex([&(length as u32).to_be_bytes()[..], &[0, 3]].concat()) },
        ]
    };
    vec![
        case("no byte at all", of, "x_wing", "header_truncated", keep(0)),
        case("the first three bytes", of, "x_wing", "header_truncated", keep(3)),
        case("another first byte", of, "x_wing", "header_not_an_envelope", flip(0)),
        case(
            "another fifth byte, and nothing after",
            of,
            "x_wing",
            "header_not_an_envelope",
            [keep(5), flip(4)].concat(),
        ),
        case("another version", of, "x_wing", "header_version", flip(5)),
        case("another content suite", of, "x_wing", "header_content_suite", flip(7)),
        case("the fixed header alone", of, "x_wing", "header_truncated", keep(56)),
        case("the mac cut by a byte", of, "x_wing", "header_truncated", keep(header - 1)),
        malformed("a body of more than 1 MiB", vec![Change::Flip { at: 56, mask: 1 }]),
        malformed("no stanza", vec![Change::Flip { at: 61, mask: 2 }]),
        malformed("more stanzas than there are", vec![Change::Flip { at: 61, mask: 1 }]),
        malformed("258 stanzas announced", vec![Change::Flip { at: 60, mask: 1 }]),
        malformed("a stanza longer than it is", vec![Change::Flip { at: rsa + 35, mask: 1 }]),
        malformed("an empty stanza", vec![Change::Flip { at: rsa + 34, mask: 1 }]),
        malformed("metadata longer than the body", vec![Change::Flip { at: metadata + 3, mask: 1 }]),
        malformed("the same stanza twice", twice),
    ]
}

fn key_negatives(of: &Positive, other: &Positive) -> Vec<Negative> {
    let header = of.header.len();
    let flip = |at: usize| vec![Change::Flip { at, mask: 1 }];
    let (rsa, x_wing) = (62, 62 + 36 + 256);
    let metadata = x_wing + 36 + 1168;
    let case = |name, key, code, changes| case(name, of, key, code, changes);
    let transplant = |at: usize, length: usize| {
        let bytes = Hex(other.header[at..at + length].to_vec());
        vec![Change::Cut { at, length }, Change::Insert { at, bytes }]
    };
    let replaced = |text: &[u8]| vec![Change::ReplaceHeader { header: with_metadata(of, text) }];
    let padded = |json: &str| format!("{json:<256}");
    let long_name = format!(r#"{{"name":"{}","type":"a/b"}}{:232}"#, "n".repeat(256), "");
    vec![
        case("opened with a stranger's key", "stranger", "envelope_not_a_recipient", vec![]),
        case("another key id", "x_wing", "envelope_not_a_recipient", flip(x_wing + 2)),
        case("another suite number", "x_wing", "envelope_not_a_recipient", flip(x_wing)),
        case("altered RSA-wrapped key", "rsa_2048", "envelope_unwrap", flip(rsa + 36)),
        case("altered encapsulation", "x_wing", "envelope_unwrap", flip(x_wing + 36)),
        case(
            "altered X25519 part of the encapsulation",
            "x_wing",
            "envelope_unwrap",
            flip(x_wing + 36 + 1088),
        ),
        case("altered HPKE ciphertext", "x_wing", "envelope_unwrap", flip(x_wing + 36 + 1120)),
        case("X-Wing stanza of another file", "x_wing", "envelope_unwrap", transplant(x_wing + 36, 1168)),
        case("another file id, to X-Wing", "x_wing", "envelope_unwrap", flip(8)),
        case("another file id, to RSA", "rsa_2048", "header_forged", flip(8)),
        case("RSA stanza of another file", "rsa_2048", "envelope_commitment", transplant(rsa + 36, 256)),
        case("altered commitment", "x_wing", "envelope_commitment", flip(24)),
        case("altered mac", "x_wing", "header_forged", flip(header - 1)),
        case("altered stanza of another reader", "x_wing", "header_forged", flip(rsa + 36)),
        case("altered metadata nonce", "x_wing", "header_forged", flip(metadata + 4)),
        case("altered metadata", "x_wing", "header_forged", flip(metadata + 16)),
        case(
            "a path for a name",
            "x_wing",
            "metadata_refused",
            replaced(padded(r#"{"name":"../x","type":"a/b"}"#).as_bytes()),
        ),
        case(
            "no name",
            "x_wing",
            "metadata_refused",
            replaced(padded(r#"{"name":"","type":"a/b"}"#).as_bytes()),
        ),
        case(
            "a line feed in a name",
            "x_wing",
            "metadata_refused",
            replaced(padded(r#"{"name":"a\nb","type":"a/b"}"#).as_bytes()),
        ),
        case("a name of 256 bytes", "x_wing", "metadata_refused", replaced(long_name.as_bytes())),
        case(
            "no type",
            "x_wing",
            "metadata_refused",
            replaced(padded(r#"{"name":"a","type":""}"#).as_bytes()),
        ),
        case(
            "metadata without padding",
            "x_wing",
            "metadata_refused",
            replaced(br#"{"name":"a","type":"a/b"}"#),
        ),
        case(
            "metadata that is not JSON",
            "x_wing",
            "metadata_refused",
            replaced(padded("name=a").as_bytes()),
        ),
    ]
}

fn stream_negatives(of: &Positive, small: &Positive) -> Vec<Negative> {
    let header = of.header.len();
    let end = header + StreamLayout::of_plaintext(of.size).unwrap().stream() as usize;
    let flip = |at: usize| vec![Change::Flip { at, mask: 0x80 }];
    let keep = |length: usize| vec![Change::Cut { at: length, length: end - length }];
    let refused = |name, changes| case(name, of, "x_wing", "segment_refused", changes);
    let truncated = |name, changes| case(name, of, "x_wing", "stream_truncated", changes);
    vec![
        truncated("no stream", keep(header)),
        truncated("a stream header cut short", keep(header + 39)),
        truncated("a stream header alone", keep(header + 40)),
        truncated("a first segment shorter than a tag", keep(header + 55)),
        truncated("a last segment of a tag alone", keep(header + 2 * PART + 16)),
        truncated("a last segment shorter than a tag", keep(header + 2 * PART + 3)),
        case("another stream header length", of, "x_wing", "stream_header", flip(header)),
        refused("altered salt", flip(header + 1)),
        refused("altered nonce prefix", flip(header + 33)),
        refused("altered first byte of the content", flip(header + 40)),
        refused("altered byte of the second segment", flip(header + PART + 1000)),
        refused("altered tag of the last segment", flip(end - 1)),
        refused("last segment missing", keep(header + 2 * PART)),
        refused("cut within the second segment", keep(header + PART + 100)),
        refused("cut by one byte", keep(end - 1)),
        refused("one byte more", vec![Change::Insert { at: end, bytes: Hex(vec![0]) }]),
        refused("second segment missing", vec![Change::Cut { at: header + PART, length: PART }]),
        refused("second segment twice", vec![Change::RepeatPart { part: 1 }]),
        refused("second and last segments exchanged", vec![Change::SwapParts { a: 1, b: 2 }]),
        case(
            "first and second segments exchanged",
            of,
            "x_wing",
            "stream_header",
            vec![Change::SwapParts { a: 0, b: 1 }],
        ),
        refused("header of another envelope", vec![Change::HeaderOf { envelope: small.name.clone() }]),
    ]
}

/// The header with another metadata text, under a mac that is right: what a faulty or hostile sender can make.
pub(super) fn with_metadata(of: &Positive, text: &[u8]) -> Base64 {
    let parsed = UnverifiedHeader::parse(&of.header).unwrap();
    let (cek, fixed): (Cek, &FixedHeader) = (of.cek(), parsed.fixed());
    let sealed = seal_text(text.to_vec(), &cek, fixed, [9; 12]);
    Base64(build::assemble(&cek, fixed, parsed.stanzas(), &sealed))
}
