//! Each way to damage an envelope: its exit code, its stable code, its words; and no file afterwards.

use sceau_crypto::envelope::{FIXED, PART, UnverifiedHeader};

use crate::support::{Desk, content, hybrid};

/// Three parts, the last one short.
const SIZE: usize = (2 << 20) + 1000;

struct Envelope {
    bytes: Vec<u8>,
    header: usize,
}

fn envelope(desk: &Desk) -> Envelope {
    let bytes = desk.pipe(&["seal", "--to", "k.pub"], &content(SIZE)).ok().stdout;
    let (header, _) = UnverifiedHeader::parse_prefix(&bytes).unwrap();
    let header = header.as_bytes().len();
    Envelope { bytes, header }
}

/// Opens `bytes` as a file; expects refusal, and no new file.
fn refused(desk: &Desk, what: &str, bytes: &[u8], exit: i32, code: &str) {
    desk.write("in.sceau", bytes);
    let before = desk.names();
    let ran = desk.open(&["--json", "-o", "out", "in.sceau"]);
    assert_eq!(
        (ran.code, ran.error_json()["code"].as_str().unwrap()),
        (exit, code),
        "{what}: {}",
        ran.stderr
    );
    assert_eq!(ran.error_json()["exit"], exit, "{what}");
    assert!(ran.stdout.is_empty(), "{what}");
    assert_eq!(desk.names(), before, "{what} leaves nothing behind");
    let said = desk.open(&["-o", "out", "in.sceau"]).stderr;
    assert!(said.starts_with("sceau: in.sceau: ") && said.contains(": "), "{what}: names the file: {said}");
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn cut_short_anywhere() {
    let desk = Desk::with_key();
    let Envelope { bytes, header } = envelope(&desk);
    let cut = |length: usize| &bytes[..length];
    refused(&desk, "nothing", cut(0), 3, "header_truncated");
    refused(&desk, "in the fixed header", cut(20), 3, "header_truncated");
    refused(&desk, "in a stanza", cut(200), 3, "header_truncated");
    refused(&desk, "before the stream", cut(header), 3, "stream_truncated");
    refused(&desk, "in the stream header", cut(header + 39), 3, "stream_truncated");
    refused(&desk, "in the first segment", cut(header + 5000), 3, "segment_refused");
    refused(&desk, "after the first part", cut(header + PART), 3, "segment_refused");
    refused(&desk, "after the second part", cut(header + 2 * PART), 3, "segment_refused");
    refused(&desk, "within the last tag", cut(header + 2 * PART + 9), 3, "stream_truncated");
    refused(&desk, "one byte", cut(bytes.len() - 1), 3, "segment_refused");
}

#[test]
fn reordered_repeated_and_extended() {
    let desk = Desk::with_key();
    let Envelope { bytes, header } = envelope(&desk);
    let (head, stream) = bytes.split_at(header);
    let (one, two, three) = (&stream[..PART], &stream[PART..2 * PART], &stream[2 * PART..]);
    refused(&desk, "second part first", &[head, two, one, three].concat(), 3, "stream_header");
    refused(&desk, "second part twice", &[head, one, two, two, three].concat(), 3, "segment_refused");
    refused(&desk, "second part left out", &[head, one, three].concat(), 3, "segment_refused");
    refused(&desk, "a byte more", &[bytes.as_slice(), &[0]].concat(), 3, "segment_refused");
    refused(&desk, "the last part again", &[bytes.as_slice(), three].concat(), 3, "segment_refused");
}

#[test]
fn one_bit_flipped() {
    let desk = Desk::with_key();
    let Envelope { bytes, header } = envelope(&desk);
    for (what, at, code) in [
        ("the magic", 0, "header_not_an_envelope"),
        ("the version", 5, "header_version"),
        ("the content suite", 7, "header_content_suite"),
        ("the file id", 8, "envelope_unwrap"),
        ("the commitment", 24, "envelope_commitment"),
        ("the stanza count", FIXED + 4 + 1, "header_malformed"),
        ("the wrapped key", FIXED + 4 + 2 + 36 + 1150, "envelope_unwrap"),
        ("the metadata", header - 40, "header_forged"),
        ("the mac", header - 1, "header_forged"),
        ("the stream header", header, "stream_header"),
        ("the salt", header + 1, "segment_refused"),
        ("the first segment", header + 100, "segment_refused"),
        ("the last tag", bytes.len() - 1, "segment_refused"),
    ] {
        refused(&desk, what, &flipped(&bytes, at), 3, code);
    }
    refused(&desk, "the recipient's key id", &flipped(&bytes, FIXED + 4 + 4), 4, "envelope_not_a_recipient");
}

#[test]
fn re_headed() {
    let desk = Desk::with_key();
    let (one, other) = (envelope(&desk), envelope(&desk));
    let mixed = [&one.bytes[..one.header], &other.bytes[other.header..]].concat();
    refused(&desk, "another envelope's header", &mixed, 3, "segment_refused");
    let fixed = [&one.bytes[..FIXED], &other.bytes[FIXED..]].concat();
    refused(&desk, "another envelope's fixed header", &fixed, 3, "envelope_unwrap");
}

#[test]
fn sealed_for_someone_else() {
    let desk = Desk::with_key();
    let bytes = envelope(&desk).bytes;
    desk.pair("k", &hybrid());
    refused(&desk, "another key", &bytes, 4, "envelope_not_a_recipient");
}

#[test]
fn something_else_entirely() {
    let desk = Desk::with_key();
    refused(&desk, "a PDF", b"%PDF-1.7 and so on, long enough to be something", 3, "header_not_an_envelope");
    desk.run(&["inspect", "passphrase"]).failed(3, "not a sealed file");
}

#[test]
fn inspecting_a_damaged_envelope_fails_where_it_can_be_seen() {
    let desk = Desk::with_key();
    let Envelope { bytes, header } = envelope(&desk);
    desk.write("cut", &bytes[..header + 2 * PART + 9]);
    desk.run(&["inspect", "cut"]).failed(3, "cut short");
    desk.write("cut", &bytes[..header]);
    desk.run(&["inspect", "cut"]).failed(3, "cut short");
    desk.write("odd", &flipped(&bytes, header));
    desk.run(&["inspect", "odd"]).failed(3, "does not begin as it should");
    // Only a key sees this one.
    desk.write("flipped", &flipped(&bytes, header + 100));
    desk.run(&["inspect", "flipped"]).ok();
    desk.run(&["inspect", "--key", "k.key", "--passphrase-file", "passphrase", "flipped"])
        .failed(3, "part 0");
}

#[test]
fn a_pipe_gives_authenticated_bytes_only_and_fails_when_the_last_are_missing() {
    let desk = Desk::with_key();
    let Envelope { bytes, header } = envelope(&desk);
    let plaintext = content(SIZE);
    let open = ["open", "--key", "k.key", "--passphrase-file", "passphrase"];
    let first = PART - 56;
    for (what, damaged, authentic) in [
        ("cut after two parts", bytes[..header + 2 * PART].to_vec(), first),
        ("flipped in the second part", flipped(&bytes, header + PART + 5), first),
        ("flipped in the third part", flipped(&bytes, header + 2 * PART + 5), first + PART - 16),
        ("flipped in the first part", flipped(&bytes, header + 50), 0),
    ] {
        let ran = desk.pipe(&open, &damaged).failed(3, "discard it");
        assert!(ran.stdout == plaintext[..authentic], "{what}: {} bytes came out", ran.stdout.len());
    }
}
