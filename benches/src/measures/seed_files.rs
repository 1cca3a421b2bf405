//! The sizes of the seed's documents, sealed by us (RSA suite) and by what it does today in Node.

use sceau_crypto::envelope::Metadata;
use sceau_crypto::stream::{StreamOptions, seal_stream};
use sceau_crypto::{RecipientKey, RsaPrivateKey, RsaSize};
use sceau_tests::Program;
use serde_json::Value;

use super::SEED_SIZES;
use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::fastest;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let rounds = if settings.quick { 20 } else { 100 };
    let key = RsaPrivateKey::generate(RsaSize::Bits2048).expect("a key can be made");
    let recipients = [key.recipient_key().clone()];
    let mut rows = Vec::new();
    for size in SEED_SIZES {
        let peer = node(size, rounds)?;
        let ours = sealed(size, rounds, &recipients, false);
        let hashed = sealed(size, rounds, &recipients, true);
        let name = format!("seal {:.2} MB, RSA suite", size as f64 / 1e6);
        let ms = |seconds: f64| Figure::new(seconds * 1e3, "ms");
        rows.push(Row::ratio(name.clone(), ms(ours), ms(peer), Target::AtMost(1.0 / 3.0)));
        rows.push(Row::told(format!("{name}, with the envelope's hash"), ms(hashed)));
    }
    Ok(rows)
}

/// Seconds of our fastest round: header, wrapped key and content, from memory to memory.
fn sealed(size: usize, rounds: usize, recipients: &[RecipientKey], hash: bool) -> f64 {
    let plain = vec![0x5a; size];
    let mut envelope = Vec::with_capacity(size + 65_536);
    fastest(rounds, || {
        envelope.clear();
        let options = if hash { StreamOptions::new().with_hash() } else { StreamOptions::new() };
        let metadata = Metadata::new("justificatif.pdf", "application/pdf").expect("a plain name");
        seal_stream(plain.as_slice(), &mut envelope, recipients, metadata, options)
            .expect("memory does not fail");
    })
}

/// Seconds of Node's fastest round on the same size.
pub(super) fn node(size: usize, rounds: usize) -> Result<f64, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/mob.mjs");
    let said =
        Program::other("node").args([script, &size.to_string(), &rounds.to_string()]).run().success().text();
    let answer: Value = serde_json::from_str(said.trim()).map_err(|e| format!("{script}: {e}: {said}"))?;
    answer.get("seconds").and_then(Value::as_f64).ok_or_else(|| format!("{script} said {said}"))
}
