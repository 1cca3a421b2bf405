//! Sealing and opening through `std::io`: sizes at the edges, odd readers, failing writers.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;

use proptest::prelude::*;
use sceau_crypto::envelope::NewEnvelope;
use sceau_crypto::stream::{
    StreamError, StreamOptions, open_content, open_stream, read_header, seal_content, seal_stream,
};

use crate::support::{FIRST, OTHER, XWING, metadata, public, sealed, text};

/// Gives what it likes: 1 to 7,919 bytes at a time, with interruptions.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = (self.1 * 31 + 1) % 7919;
        if self.1.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = out.len().min(self.1 + 1).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        out[..length].copy_from_slice(taken);
        self.0 = rest;
        Ok(length)
    }
}

fn round_trip(text: &[u8], workers: usize) {
    let workers = NonZeroUsize::new(workers).unwrap();
    let mut progress = Vec::new();
    let mut note = |done| progress.push(done);
    let mut envelope = Vec::new();
    let options = StreamOptions::new().with_hash().with_workers(workers).with_progress(&mut note);
    let sealed =
        seal_stream(Dribble(text, 3), &mut envelope, &public(&[&XWING]), metadata(), options).unwrap();
    assert_eq!(sealed.size, text.len() as u64);
    assert_eq!(progress.len() as u64, sealed.parts);
    assert!(progress.is_sorted() && progress.last() == Some(&sealed.size));

    let mut out = Vec::new();
    let options = StreamOptions::new().with_hash().with_workers(workers);
    let opened = open_stream(Dribble(&envelope, 5), &mut out, &XWING, options).unwrap();
    assert!(out == text);
    assert_eq!((opened.size, opened.hash), (sealed.size, sealed.hash));
}

#[test]
fn sizes_at_the_edges_round_trip() {
    for size in [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + OTHER - 1, FIRST + OTHER, FIRST + OTHER + 1] {
        round_trip(&text(size), 2);
    }
}

#[test]
fn any_number_of_workers_gives_the_same_order() {
    let text = text(FIRST + 6 * OTHER + 3);
    for workers in [1, 2, 3, 4] {
        round_trip(&text, workers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_size_round_trips(size in 0usize..3_300_000) {
        round_trip(&text(size), 2);
    }
}

#[test]
fn header_and_content_may_travel_apart() {
    let new = NewEnvelope::create(metadata(), &public(&[&XWING])).unwrap();
    let header = new.header.as_bytes().to_vec();
    let mut content = Vec::new();
    seal_content(new, b"text".as_slice(), &mut content, StreamOptions::new()).unwrap();
    let opened = read_header(&mut header.as_slice()).unwrap().unlock(&XWING).unwrap();
    let mut out = Vec::new();
    open_content(&opened, content.as_slice(), &mut out, StreamOptions::new()).unwrap();
    assert_eq!(out, b"text");
}

#[test]
fn a_sealer_that_has_begun_goes_on_and_one_that_has_finished_does_not() {
    let text = text(FIRST + 10);
    let mut new = NewEnvelope::create(metadata(), &public(&[&XWING])).unwrap();
    let header = new.header.as_bytes().to_vec();
    let mut content = new.sealer.seal_part(&text[..FIRST], false).unwrap();
    seal_content(new, &text[FIRST..], &mut content, StreamOptions::new()).unwrap();
    let opened = read_header(&mut header.as_slice()).unwrap().unlock(&XWING).unwrap();
    let mut out = Vec::new();
    open_content(&opened, content.as_slice(), &mut out, StreamOptions::new()).unwrap();
    assert!(out == text);

    let mut new = NewEnvelope::create(metadata(), &public(&[&XWING])).unwrap();
    new.sealer.seal_part(b"all", true).unwrap();
    let error = seal_content(new, b"more".as_slice(), io::sink(), StreamOptions::new()).unwrap_err();
    assert_eq!(error.code(), "seal_finished");
}

/// Takes `0` bytes and then fails.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let length = bytes.len().min(self.0);
        self.0 -= length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_destination_ends_it_without_hanging() {
    let text = text(5 * OTHER);
    for room in [0, 100, 2 * OTHER] {
        let keys = public(&[&XWING]);
        let error =
            seal_stream(text.as_slice(), Full(room), &keys, metadata(), StreamOptions::new()).unwrap_err();
        assert!(matches!(error, StreamError::Write(_)), "{error}");
        let envelope = sealed(&text, &[&XWING]);
        let error = open_stream(envelope.as_slice(), Full(room), &XWING, StreamOptions::new()).unwrap_err();
        assert!(matches!(error, StreamError::Write(_)), "{error}");
    }
}

/// Gives bytes and then fails.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let length = out.len().min(self.0);
        self.0 -= length;
        Ok(length)
    }
}

#[test]
fn a_source_that_breaks_is_not_taken_for_its_end() {
    for length in [0, 10, 3 * OTHER] {
        let mut out = Vec::new();
        let keys = public(&[&XWING]);
        let error =
            seal_stream(Broken(length), &mut out, &keys, metadata(), StreamOptions::new()).unwrap_err();
        assert!(matches!(error, StreamError::Read(_)), "{error}");
        let opened = open_stream(out.as_slice(), io::sink(), &XWING, StreamOptions::new());
        assert!(opened.is_err(), "what was written is not an envelope");
    }
}
