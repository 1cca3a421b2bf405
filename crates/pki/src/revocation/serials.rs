//! Serial numbers that a list names: side by side, each as wide as the longest of them, found by halves.

use std::cmp::Ordering;

/// The most octets of a serial number (RFC 5280 §4.1.2.2).
pub(super) const SERIAL_OCTETS: usize = 20;

/// Numbers of certificates, sorted. Takes for each as many octets as the longest has, which is 20 at most.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Serials {
    /// Octets of each, zeros in front.
    width: usize,
    octets: Box<[u8]>,
}

impl std::fmt::Debug for Serials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Serials({})", self.len())
    }
}

impl Serials {
    pub(super) fn sorted(mut numbers: Vec<[u8; SERIAL_OCTETS]>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        // The last one is the longest. The number zero has an octet too.
        let width = numbers.last().map_or(0, |last| without_zeros(last).len().max(1));
        let mut octets = Vec::with_capacity(numbers.len() * width);
        for number in &numbers {
            octets.extend_from_slice(number.get(SERIAL_OCTETS - width..).unwrap_or_default());
        }
        Self { width, octets: octets.into_boxed_slice() }
    }

    pub(super) fn contains(&self, number: &[u8]) -> bool {
        let Some(number) = padded(number) else { return false };
        let (front, number) = number.split_at(SERIAL_OCTETS - self.width);
        front.iter().all(|octet| *octet == 0) && self.find(|each| each.cmp(number))
    }

    /// Whether one of them is equal, as `compare` says of each that is looked at.
    fn find(&self, mut compare: impl FnMut(&[u8]) -> Ordering) -> bool {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.nth(middle).map(&mut compare) {
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Greater) => high = middle,
                Some(Ordering::Equal) => return true,
                None => return false,
            }
        }
        false
    }

    fn nth(&self, place: usize) -> Option<&[u8]> {
        self.octets.get(place * self.width..)?.get(..self.width)
    }

    pub(super) fn len(&self) -> usize {
        self.octets.len().checked_div(self.width).unwrap_or(0)
    }
}

/// In front, zeros; none where the number has more octets than a serial number may have.
pub(super) fn padded(number: &[u8]) -> Option<[u8; SERIAL_OCTETS]> {
    let number = without_zeros(number);
    let mut out = [0; SERIAL_OCTETS];
    out.get_mut(SERIAL_OCTETS.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(out)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
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
        assert_eq!(serials.octets.len(), 3 * 20, "at most 24 octets an entry");
    }

    #[test]
    fn a_list_of_short_numbers_is_short() {
        let of = |numbers: &[&[u8]]| {
            Serials::sorted(numbers.iter().map(|number| padded(number).unwrap()).collect())
        };
        let serials = of(&[&[1, 2, 3], &[9], &[2, 0, 0]]);
        assert_eq!((serials.len(), serials.octets.len()), (3, 9));
        assert!(serials.contains(&[0, 9]) && serials.contains(&[1, 2, 3]) && serials.contains(&[2, 0, 0]));
        assert!(!serials.contains(&[1, 1, 2, 3]), "a longer number whose end is one of them");
        assert!(!serials.contains(&[2]) && !serials.contains(&[0]));
        assert_eq!((of(&[&[0]]).len(), of(&[&[0]]).contains(&[]), of(&[]).len()), (1, true, 0));
        assert!(!of(&[]).contains(&[]) && !of(&[]).contains(&[1]));
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
                    each.cmp(wanted.get(SERIAL_OCTETS - each.len()..).unwrap())
                });
                assert_eq!(is_there, number < length, "{number} of {length}");
                assert!(looked_at <= most, "{looked_at} comparisons for {number} of {length}");
            }
        }
    }
}
