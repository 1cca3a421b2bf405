//! Taking times so that a busy neighbour does not decide.

use std::time::Instant;

/// Seconds of the fastest of `rounds` calls.
pub(crate) fn fastest(rounds: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let began = Instant::now();
        work();
        best = best.min(began.elapsed().as_secs_f64());
    }
    best
}

/// The value below which `share` (0 to 1) of the sorted values lie.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a share of a length is an index"
    )]
    let at = ((values.len() as f64 - 1.0) * share).ceil() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.99).to_bits(), 100f64.to_bits());
        assert_eq!(quantile(&mut values, 0.5).to_bits(), 51f64.to_bits());
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
