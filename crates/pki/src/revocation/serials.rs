//! Serial numbers that a list names: twenty octets each, found by halves.

use std::cmp::Ordering;

/// The most octets of a serial number (RFC 5280 §4.1.2.2).
pub(super) const SERIAL_OCTETS: usize = 20;

/// Numbers of certificates, sorted. Takes 20 octets for each.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Serials(Box<[[u8; SERIAL_OCTETS]]>);

impl std::fmt::Debug for Serials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Serials({})", self.len())
    }
}

impl Serials {
    pub(super) fn sorted(mut numbers: Vec<[u8; SERIAL_OCTETS]>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers.into_boxed_slice())
    }

    pub(super) fn contains(&self, number: &[u8]) -> bool {
        padded(number).is_some_and(|number| self.find(|each| each.cmp(&number)))
    }

    /// Whether one of them is equal, as `compare` says of each that is looked at.
    fn find(&self, compare: impl FnMut(&[u8; SERIAL_OCTETS]) -> Ordering) -> bool {
        self.0.binary_search_by(compare).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// In front, zeros; none where the number has more octets than a serial number may have.
pub(super) fn padded(number: &[u8]) -> Option<[u8; SERIAL_OCTETS]> {
    let first = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    let number = number.get(first..)?;
    let mut out = [0; SERIAL_OCTETS];
    out.get_mut(SERIAL_OCTETS.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn numbers_are_found_whatever_zeros_stand_before_them() {
        let numbers = [&[0x80, 1][..], &[5], &[0xff; 20], &[5]];
        let serials = Serials::sorted(numbers.iter().map(|number| padded(number).unwrap()).collect());
        assert_eq!(serials.len(), 3);
        assert!(
            serials.contains(&[0, 0x80, 1]) && serials.contains(&[0, 0, 5]) && serials.contains(&[0xff; 20])
        );
        assert!(!serials.contains(&[1]) && !serials.contains(&[]) && !serials.contains(&[5, 0]));
        assert!(!serials.contains(&[0xff; 21]), "too long to be one");
        assert_eq!(size_of::<[u8; SERIAL_OCTETS]>(), 20, "at most 24 octets an entry");
    }

    #[test]
    fn a_million_numbers_cost_a_few_comparisons_more_than_one() {
        for (length, most) in [(0, 0), (1, 1), (1_000, 11), (100_000, 18), (1_000_000, 21)] {
            let numbers = (0..length).map(|nth: u32| padded(&nth.to_be_bytes()).unwrap());
            let serials = Serials::sorted(numbers.collect());
            for number in [0, length / 2, length.saturating_sub(1), length, u32::MAX] {
                let wanted = padded(&number.to_be_bytes()).unwrap();
                let mut looked_at = 0;
                let is_there = serials.find(|each| {
                    looked_at += 1;
                    each.cmp(&wanted)
                });
                assert_eq!(is_there, number < length, "{number} of {length}");
                assert!(looked_at <= most, "{looked_at} comparisons for {number} of {length}");
            }
        }
    }
}
