//! PINs: typed as letters of a keypad whose digits stand elsewhere each time, or read from a file that only its owner can read.

use std::path::Path;

use sceau_client::terminal::Keypad;
use sceau_hsm::durable::check_secret;
use sceau_keyring::{Pin, PinRefused};
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
            let first = keyed("New PIN")?;
            if !keyed("The same again")?.is_same(&first) {
                return Err(Failure::new(Exit::Usage, "pins_differ", "the two PINs differ: start again"));
            }
            return first.pin().map_err(|why| not_a_pin(&why));
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
    keyed(what)?.pin().map_err(|why| not_a_pin(&why))
}

fn parse(text: &str) -> Result<Pin, Failure> {
    Pin::parse(text).map_err(|why| not_a_pin(&why))
}

fn not_a_pin(why: &PinRefused) -> Failure {
    Failure::new(Exit::Usage, "pin_not_taken", why.to_string())
}

/// A keypad, and what was typed on it.
fn keyed(what: &str) -> Result<Keypad, Failure> {
    let mut keypad = Keypad::draw();
    let keys: String =
        LETTERS.chars().zip(keypad.digits()).map(|(letter, digit)| format!("  {letter}={digit}")).collect();
    let question = format!("{keys}\n{what}, as letters of this keypad: ");
    let letters = typed(&question, "PIN", "--pin-file")?;
    for letter in letters.chars() {
        if !LETTERS.find(letter.to_ascii_lowercase()).is_some_and(|place| keypad.press(place)) {
            let words = "type the letters that stand before your digits";
            return Err(Failure::new(Exit::Usage, "pin_not_taken", words));
        }
    }
    Ok(keypad)
}
