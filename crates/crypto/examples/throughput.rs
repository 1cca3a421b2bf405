//! How fast envelopes are sealed and opened, in memory: `cargo run --release -p sceau-crypto --example throughput`.
//!
//! Compare the first two lines with `openssl speed -evp aes-256-gcm -bytes 1048576 -seconds 1`, which also works on one
//! thread and in place.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an example measures and prints"
)]

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::time::Instant;

use sceau_crypto::envelope::{Metadata, NewEnvelope, StreamLayout, TAG};
use sceau_crypto::stream::{StreamOptions, open_stream, seal_stream};
use sceau_crypto::{RecipientPrivateKey, XWingPrivateKey};

const SIZE: u64 = 1 << 30;

fn main() {
    let key = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap());
    let recipients = [key.recipient_key().clone()];
    let metadata = || Metadata::new("name", "text/plain").unwrap();

    let mut new = NewEnvelope::create(metadata(), &recipients).unwrap();
    let opener = new.header.opener(new.sealer.stream_header()).unwrap();
    let parts = StreamLayout::of_plaintext(SIZE).unwrap().parts() as u32 - 1;
    let mut buffer = vec![0u8; StreamLayout::segment_size(1) + TAG];

    let (mut sealing, mut opening) = (0.0, 0.0);
    for index in 0..parts {
        let size = StreamLayout::segment_size(index);
        let start = Instant::now();
        let tag = new.sealer.seal_segment(&mut buffer[..size], false).unwrap();
        buffer[size..size + TAG].copy_from_slice(&tag);
        sealing += start.elapsed().as_secs_f64();
        let start = Instant::now();
        opener.open_segment(index, false, &mut buffer[..size + TAG]).unwrap();
        opening += start.elapsed().as_secs_f64();
    }
    report("sealing, one thread, in place", sealing);
    report("opening, one thread, in place", opening);

    for (workers, hash) in [(1, false), (2, false), (2, true)] {
        let options = || {
            let options = StreamOptions::new().with_workers(NonZeroUsize::new(workers).unwrap());
            if hash { options.with_hash() } else { options }
        };
        let start = Instant::now();
        seal_stream(io::repeat(5).take(SIZE), io::sink(), &recipients, metadata(), options()).unwrap();
        report(&format!("sealing a stream, {workers} workers, hash: {hash}"), start.elapsed().as_secs_f64());
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        println!(
            "peak memory so far: {}",
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim()
        );
    }
    let mut envelope = Vec::with_capacity((SIZE + SIZE / 1000) as usize);
    seal_stream(io::repeat(5).take(SIZE), &mut envelope, &recipients, metadata(), StreamOptions::new())
        .unwrap();
    let start = Instant::now();
    open_stream(envelope.as_slice(), io::sink(), &key, StreamOptions::new()).unwrap();
    report("opening a stream, default workers", start.elapsed().as_secs_f64());
}

fn report(what: &str, seconds: f64) {
    println!("{what}: {:.0} MB/s", SIZE as f64 / seconds / 1e6);
}
