//! 1 GiB sealed and opened in memory on one core, beside `openssl speed`.

use rustix::thread::{CpuSet, sched_setaffinity};
use sceau_crypto::envelope::{Metadata, NewEnvelope, TAG};
use sceau_crypto::{RecipientPrivateKey, RsaPrivateKey, RsaSize};
use sceau_tests::Program;

use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::fastest;

const LEAST: Target = Target::AtLeast(0.8);

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let size: usize = if settings.quick { 128 << 20 } else { 1 << 30 };
    let (mut seal, mut open, mut peer) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
    // In turns, so that a neighbour's busy second hits all three.
    for _ in 0..3 {
        peer = peer.max(openssl(settings)?);
        let (sealed, opened) = std::thread::spawn(move || on_one_core().map(|()| ours(size)))
            .join()
            .map_err(|_| "the measuring thread panicked")??;
        seal = seal.min(sealed);
        open = open.min(opened);
    }
    let rate = |seconds: f64| Figure::new(size as f64 / seconds / 1e6, "MB/s");
    let peer = Figure::new(peer / 1e6, "MB/s");
    let size = format!("{} MiB in memory", size >> 20);
    Ok(vec![
        Row::ratio(format!("seal {size}"), rate(seal), peer, LEAST),
        Row::ratio(format!("open {size}"), rate(open), peer, LEAST),
    ])
}

/// Seconds to seal and to open `size` bytes in place, segment by segment.
fn ours(size: usize) -> (f64, f64) {
    let key = RsaPrivateKey::generate(RsaSize::Bits2048).expect("a key can be made");
    let recipient = [key.recipient_key().clone()];
    let metadata = Metadata::new("bench.bin", "application/octet-stream").expect("a plain name");
    let mut envelope = NewEnvelope::create(metadata, &recipient).expect("one recipient");
    let mut segments = segments(size, &mut envelope);
    let header = envelope.header.as_bytes().to_vec();
    let stream_header = *envelope.sealer.stream_header();
    let last = segments.len() - 1;
    let seal = fastest(1, || {
        for (i, segment) in segments.iter_mut().enumerate() {
            let end = segment.len() - TAG;
            let (text, tag) = segment.split_at_mut(end);
            tag.copy_from_slice(
                &envelope.sealer.seal_segment(text, i == last).expect("segments have their size"),
            );
        }
    });
    let private = RecipientPrivateKey::Rsa(Box::new(key));
    let unverified = sceau_crypto::envelope::UnverifiedHeader::parse(&header).expect("our own header");
    let opener =
        unverified.unlock(&private).and_then(|h| h.opener(&stream_header)).expect("our own envelope");
    let open = fastest(1, || {
        for (i, segment) in (0u32..).zip(segments.iter_mut()) {
            opener.open_segment(i, i as usize == last, segment).expect("what was sealed opens");
        }
    });
    (seal, open)
}

/// Buffers, each with room for a segment and its tag, all of them touched.
fn segments(size: usize, envelope: &mut NewEnvelope) -> Vec<Vec<u8>> {
    let (first, other) = (envelope.sealer.segment_size(), (1 << 20) - TAG);
    let mut rest = size;
    let mut segments = Vec::new();
    while rest > 0 {
        let take = rest.min(if segments.is_empty() { first } else { other });
        segments.push(vec![0x5a; take + TAG]);
        rest -= take;
    }
    segments
}

/// Bytes a second of `openssl speed -evp aes-256-gcm -bytes 65536`.
fn openssl(settings: Settings) -> Result<f64, String> {
    let seconds = if settings.quick { "1" } else { "3" };
    let said = Program::other("openssl")
        .args(["speed", "-mr", "-seconds", seconds, "-bytes", "65536", "-evp", "aes-256-gcm"])
        .run()
        .success()
        .text();
    let line = said.lines().find(|line| line.starts_with("+F:"));
    line.and_then(|line| line.rsplit(':').next()?.parse().ok())
        .ok_or_else(|| format!("openssl speed said: {said}"))
}

/// Keeps this thread on the processor that it runs on.
fn on_one_core() -> Result<(), String> {
    let mut one = CpuSet::new();
    one.set(rustix::thread::sched_getcpu());
    sched_setaffinity(None, &one).map_err(|e| format!("this thread cannot be kept on one core: {e}"))
}
