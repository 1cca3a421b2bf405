//! The profile `mob-2022` beside what the seed does today in Node, on the seed's sizes; what its manifest wants besides is told.

use sceau_crypto::mob::{MobPrivateKey, SealedFile, SharedKeyAndIv};

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
        let [mut ours, mut hashed, mut peer] = [f64::INFINITY; 3];
        for _ in 0..3 {
            peer = peer.min(seed_files::node(size, rounds)?);
            ours = ours.min(sealed(size, rounds, &key, false));
            hashed = hashed.min(sealed(size, rounds, &key, true));
        }
        let ms = |seconds: f64| Figure::new(seconds * 1e3, "ms");
        let name = format!("seal {:.2} MB, mob-2022", size as f64 / 1e6);
        rows.push(Row::ratio(name.clone(), ms(ours), ms(peer), Target::AtMost(1.0)));
        rows.push(Row::told(format!("{name}, with the hash for its manifest"), ms(hashed)));
    }
    Ok(rows)
}

/// Seconds of our fastest round, from memory to memory: key and IV drawn and encrypted, content. MOB's host hashes each part when it stores it.
fn sealed(size: usize, rounds: usize, key: &MobPrivateKey, hash: bool) -> f64 {
    let plain = vec![0x5a; size];
    fastest(rounds, || {
        let mut sealed = Vec::with_capacity(size + 65_552);
        let shared = SharedKeyAndIv::create(key.public(), "bench", 1);
        let mut sealer = shared.file();
        sealer.update(&plain, &mut sealed);
        let size = sealer.finish(&mut sealed);
        if hash {
            std::hint::black_box(SealedFile::of_ciphertext(shared.fields(), size, &sealed));
        }
        std::hint::black_box(sealed);
    })
}
