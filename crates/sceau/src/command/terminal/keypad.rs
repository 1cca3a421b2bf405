//! PINs: typed as letters of a keypad whose digits stand elsewhere each time, or read from a file that only its owner can read.

use std::path::Path;

use sceau_hsm::durable::check_secret;
use sceau_keyring::Pin;
use zeroize::Zeroizing;

use crate::command::input::read_small;
use crate::command::passphrase::typed;
use crate::failure::{Exit, Failure};

const LETTERS: &str = "abcdefghij";

/// Where a PIN comes from.
#[derive(Debug, clap::Args)]
pub(super) struct PinOptions {
    /// A file that holds the PIN, for scripts: it counts as agreement to what is shown
    #[arg(long, value_name = "FILE")]
    pub(super) pin_file: Option<std::path::PathBuf>,
}

impl PinOptions {
    /// The PIN of a keyring.
    pub(super) fn existing(&self) -> Result<Pin, Failure> {
        match &self.pin_file {
            Some(file) => from_file(file),
            None => ask("PIN"),
        }
    }

    /// The PIN, of a holder who agrees to what was shown.
    pub(super) fn agreed(&self, otherwise: &str) -> Result<Pin, Failure> {
        if self.pin_file.is_none() && *typed("Type yes to agree: ", "agreement", "--pin-file")? != "yes" {
            return Err(Failure::new(Exit::Usage, "not_approved", otherwise));
        }
        self.existing()
    }

    /// A PIN for a keyring: typed twice.
    pub(super) fn chosen(&self) -> Result<Pin, Failure> {
        let Some(file) = &self.pin_file else {
            let first = digits("New PIN")?;
            if *digits("The same again")? != *first {
                return Err(Failure::new(Exit::Usage, "pins_differ", "the two PINs differ: start again"));
            }
            return parse(&first);
        };
        from_file(file)
    }
}

/// Something short and secret of one line, in a file.
pub(super) fn secret_line(file: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
    check_secret(file)?;
    let bytes = Zeroizing::new(read_small(file, 256, what)?);
    let text = std::str::from_utf8(&bytes);
    let text =
        text.map_err(|_| Failure::new(Exit::Usage, "not_text", format!("{} is not {what}", file.display())))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

fn from_file(file: &Path) -> Result<Pin, Failure> {
    parse(&secret_line(file, "a PIN")?)
}

fn ask(what: &str) -> Result<Pin, Failure> {
    parse(&digits(what)?)
}

fn parse(text: &str) -> Result<Pin, Failure> {
    Pin::parse(text).map_err(|why| Failure::new(Exit::Usage, "pin_not_taken", why.to_string()))
}

/// The keypad, and what is typed on it.
fn digits(what: &str) -> Result<Zeroizing<String>, Failure> {
    let order = shuffled();
    let keys: String =
        LETTERS.chars().zip(order.iter()).map(|(letter, digit)| format!("  {letter}={digit}")).collect();
    let question = format!("{keys}\n{what}, as letters of this keypad: ");
    let letters = typed(&question, "PIN", "--pin-file")?;
    let mut digits = Zeroizing::new(String::with_capacity(letters.len()));
    for letter in letters.chars() {
        let digit = LETTERS.find(letter.to_ascii_lowercase()).and_then(|at| order.get(at));
        let wrong =
            || Failure::new(Exit::Usage, "pin_not_taken", "type the letters that stand before your digits");
        digits.push(char::from(b'0' + digit.ok_or_else(wrong)?));
    }
    Ok(digits)
}

/// The digits in an order of their own (Fisher and Yates, with numbers that no digit is favoured by).
fn shuffled() -> [u8; 10] {
    let mut order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    for last in (1..order.len()).rev() {
        let drawn = usize::try_from(u64::from_be_bytes(sceau_crypto::random()) % (last as u64 + 1))
            .unwrap_or_default();
        order.swap(last, drawn);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_is_on_the_keypad_once_and_elsewhere_each_time() {
        let pads: Vec<_> = (0..20).map(|_| shuffled()).collect();
        for pad in &pads {
            let mut sorted = *pad;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
        assert!(pads.windows(2).any(|two| two.first() != two.last()));
    }
}
