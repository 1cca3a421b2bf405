//! The profile `mob-2022`, hashes for its manifest included, beside what the seed does today in Node, on the seed's sizes.

use sceau_crypto::mob::{MobPrivateKey, SharedKeyAndIv};

use super::{SEED_SIZES, seed_files};
use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::fastest;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let rounds = if settings.quick { 20 } else { 100 };
    let key = MobPrivateKey::generate().map_err(|e| e.to_string())?;
    let mut rows = Vec::new();
    for size in SEED_SIZES {
        // In turns, so that a neighbour's busy second hits both.
        let (mut ours, mut peer) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..3 {
            peer = peer.min(seed_files::node(size, rounds)?);
            ours = ours.min(sealed(size, rounds, &key));
        }
        let ms = |seconds: f64| Figure::new(seconds * 1e3, "ms");
        let name = format!("seal {:.2} MB, mob-2022, hashed", size as f64 / 1e6);
        rows.push(Row::ratio(name, ms(ours), ms(peer), Target::AtMost(1.0)));
    }
    Ok(rows)
}

/// Seconds of our fastest round, from memory to memory: key and IV drawn and encrypted, content, hashes.
fn sealed(size: usize, rounds: usize, key: &MobPrivateKey) -> f64 {
    let plain = vec![0x5a; size];
    fastest(rounds, || {
        let mut sealed = Vec::with_capacity(size + 16);
        let shared = SharedKeyAndIv::create(key.public(), "bench", 1);
        shared.seal_stream(plain.as_slice(), &mut sealed).expect("memory does not fail");
    })
}
