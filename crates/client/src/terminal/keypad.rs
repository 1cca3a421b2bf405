//! A keypad whose digits stand elsewhere each time: who sees which places are touched, or what a screen was touched at, learns no PIN.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sceau_keyring::{Pin, PinRefused};
use zeroize::Zeroizing;

/// The most digits that are taken: more than any PIN has.
const MOST: usize = 64;

/// A keypad, and what was typed on it: places, not digits, come in, and nothing comes out but a PIN.
pub struct Keypad {
    order: [u8; 10],
    typed: Zeroizing<Vec<u8>>,
}

impl Keypad {
    /// Its digits in an order of their own (Fisher and Yates, with numbers that no digit is favoured by).
    #[must_use]
    pub fn draw() -> Self {
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        for last in (1..order.len()).rev() {
            let drawn = usize::try_from(u64::from_be_bytes(sceau_crypto::random()) % (last as u64 + 1));
            order.swap(last, drawn.unwrap_or_default());
        }
        // Sized once: what grows leaves copies behind.
        Self { order, typed: Zeroizing::new(Vec::with_capacity(MOST)) }
    }

    /// Which digit stands at each place.
    #[must_use]
    pub fn digits(&self) -> &[u8; 10] {
        &self.order
    }

    /// A place was touched. Says whether there is such a place, and room.
    pub fn press(&mut self, place: usize) -> bool {
        match self.order.get(place).filter(|_| self.typed.len() < MOST) {
            Some(digit) => {
                self.typed.push(b'0' + digit);
                true
            }
            None => false,
        }
    }

    /// Takes the last digit back, if there is one.
    pub fn erase(&mut self) {
        if let Some(last) = self.typed.last_mut() {
            *last = 0;
        }
        self.typed.pop();
    }

    /// How many digits were typed.
    #[must_use]
    pub fn typed(&self) -> usize {
        self.typed.len()
    }

    /// Whether the same was typed on both, in constant time for one length.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.typed, &other.typed).is_ok()
    }

    /// What was typed.
    ///
    /// # Errors
    /// [`PinRefused`] where nothing was.
    pub fn pin(&self) -> Result<Pin, PinRefused> {
        std::str::from_utf8(&self.typed).map_or(Err(PinRefused::NotDigits), Pin::parse)
    }
}

impl std::fmt::Debug for Keypad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keypad(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn typed(pad: &mut Keypad, digits: &str) {
        for digit in digits.bytes() {
            let place = pad.digits().iter().position(|at| at + b'0' == digit).unwrap();
            assert!(pad.press(place));
        }
    }

    #[test]
    fn each_digit_is_on_a_keypad_once_and_elsewhere_each_time() {
        let pads: Vec<_> = (0..20).map(|_| *Keypad::draw().digits()).collect();
        for pad in &pads {
            let mut sorted = *pad;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
        assert!(pads.windows(2).any(|two| two.first() != two.last()));
    }

    #[test]
    fn two_keypads_have_the_same_pin_by_other_places() {
        let (mut one, mut other) = (Keypad::draw(), Keypad::draw());
        typed(&mut one, "402917");
        typed(&mut other, "40291");
        assert!(!one.is_same(&other));
        typed(&mut other, "88");
        other.erase();
        other.erase();
        typed(&mut other, "7");
        assert!(one.is_same(&other));
        assert_eq!((one.typed(), one.pin().is_ok()), (6, true));
        assert!(!format!("{one:?}").contains("402917"));
    }

    #[test]
    fn there_are_ten_places_and_an_end() {
        let mut pad = Keypad::draw();
        assert!(!pad.press(10));
        assert!(pad.pin().is_err());
        pad.erase();
        (0..MOST).for_each(|_| assert!(pad.press(3)));
        assert!(!pad.press(3));
    }
}
