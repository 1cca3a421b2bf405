//! Whatever one changes in an envelope, its reader notices, and never gets a byte that was not sealed.

use proptest::prelude::*;
use sceau_crypto::stream::{StreamOptions, open_stream};

use crate::support::{FIRST, OTHER, RSA, XWING, sealed, text};

/// Opens; whatever comes out must be the beginning of `text`. Whether it was accepted.
fn opens(envelope: &[u8], text: &[u8]) -> bool {
    let accepted = [&*XWING, &*RSA].map(|key| {
        let mut out = Vec::new();
        let opened = open_stream(envelope, &mut out, key, StreamOptions::new()).is_ok();
        assert!(text.starts_with(&out), "only authentic bytes come out");
        assert!(!opened || out == text);
        opened
    });
    assert_eq!(accepted[0], accepted[1], "both recipients agree");
    accepted[0]
}

/// A bit in each byte of a small envelope, a different one in neighbours.
#[test]
fn a_flipped_bit_of_any_byte() {
    let text = text(100);
    let envelope = sealed(&text, &[&XWING]);
    for at in 0..envelope.len() {
        let mut altered = envelope.clone();
        altered[at] ^= 1 << (at % 8);
        let mut out = Vec::new();
        assert!(
            open_stream(altered.as_slice(), &mut out, &XWING, StreamOptions::new()).is_err(),
            "bit {} of byte {at}",
            at % 8
        );
        assert!(out.is_empty());
    }
}

#[test]
fn any_cut_at_or_near_a_part() {
    let text = text(FIRST + OTHER + 10);
    let envelope = sealed(&text, &[&XWING, &RSA]);
    assert!(opens(&envelope, &text));
    let stream = envelope.len() - (40 + FIRST + OTHER + 10 + 3 * 16);
    for part in 0..3 {
        for near in [0, 1, 15, 16, 17, 39, 40, 55, 56] {
            let cut = stream + part * (1 << 20) + near;
            if cut < envelope.len() {
                assert!(!opens(&envelope[..cut], &text), "cut at part {part} + {near}");
            }
        }
    }
    assert!(!opens(&envelope[..envelope.len() - 1], &text));
    assert!(!opens(&[&envelope[..], &[0]].concat(), &text));
    assert!(!opens(&[&envelope[..], &[0; 16]].concat(), &text));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bits(size in 0usize..3000, at in any::<prop::sample::Index>(), mask in 1u8..) {
        let text = text(size);
        let mut envelope = sealed(&text, &[&XWING, &RSA]);
        let at = at.index(envelope.len());
        envelope[at] ^= mask;
        // The other reader's stanza counts too: the mac covers it.
        let mut out = Vec::new();
        for key in [&*XWING, &*RSA] {
            prop_assert!(open_stream(envelope.as_slice(), &mut out, key, StreamOptions::new()).is_err());
        }
        prop_assert!(out.is_empty());
    }

    #[test]
    fn any_cut(size in 0usize..3000, at in any::<prop::sample::Index>()) {
        let text = text(size);
        let envelope = sealed(&text, &[&XWING, &RSA]);
        prop_assert!(!opens(&envelope[..at.index(envelope.len())], &text));
    }
}
