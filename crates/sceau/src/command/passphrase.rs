//! Passphrases, typed on the terminal without being shown, or read from a file that only its owner can read.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use sceau_hsm::durable::check_secret;
use sceau_hsm::{Passphrase, Unlock};
use zeroize::Zeroizing;

use super::fault;
use super::input::read_small;
use crate::failure::{Exit, Failure};

/// Longest line that is read.
const LONGEST: usize = 1024;

/// The passphrase of an existing key.
pub(super) fn existing(file: Option<&Path>, key: &Path) -> Result<Unlock, Failure> {
    let passphrase = match file {
        Some(file) => Passphrase::from_file(file)?,
        None => {
            let typed = Terminal::open("passphrase", "--passphrase-file")?
                .ask(&format!("Passphrase of {}: ", key.display()))?;
            // One that is too short for us to have accepted it cannot be the one.
            Passphrase::new(&typed).map_err(|_| fault::wrong_passphrase(key))?
        }
    };
    Ok(Unlock::Passphrase(passphrase))
}

/// A passphrase for a new key: typed twice.
pub(super) fn new(file: Option<&Path>) -> Result<Unlock, Failure> {
    let Some(file) = file else { return typed_twice() };
    Ok(Unlock::Passphrase(Passphrase::from_file(file)?))
}

/// The password of an account at a platform.
pub(super) fn password(file: Option<&Path>, email: &str) -> Result<Zeroizing<String>, Failure> {
    let Some(file) = file else {
        return Terminal::open("password", "--password-file")?.ask(&format!("Password of {email}: "));
    };
    check_secret(file)?;
    let bytes = Zeroizing::new(read_small(file, LONGEST as u64, "a password")?);
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::new(Exit::Usage, "password_not_text", "the password is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// Something secret, typed on the terminal. `what` it is and what could be given `instead`, for whoever has no terminal.
pub(crate) fn typed(question: &str, what: &str, instead: &str) -> Result<Zeroizing<String>, Failure> {
    Terminal::open(what, instead)?.ask(question)
}

fn typed_twice() -> Result<Unlock, Failure> {
    let mut terminal = Terminal::open("passphrase", "--passphrase-file")?;
    let first = terminal.ask(&format!("New passphrase, at least {} characters: ", Passphrase::MIN))?;
    let passphrase = Passphrase::new(&first)?;
    if *terminal.ask("The same again: ")? != *first {
        return Err(Failure::new(
            Exit::Usage,
            "passphrases_differ",
            "the two passphrases differ: start again",
        ));
    }
    Ok(Unlock::Passphrase(passphrase))
}

/// The terminal with its echo off; back on when dropped.
struct Terminal {
    device: File,
    before: Termios,
}

impl Terminal {
    fn open(what: &str, instead: &str) -> Result<Self, Failure> {
        let none = |_| {
            let words = format!("there is no terminal to ask for the {what}: give it with {instead}");
            Failure::new(Exit::Usage, "no_terminal", words)
        };
        let device = File::options().read(true).write(true).open("/dev/tty").map_err(none)?;
        let failed = |cause: rustix::io::Errno| Failure::system("use the terminal", &cause.into());
        let before = tcgetattr(&device).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes &= !LocalModes::ECHO;
        silent.local_modes |= LocalModes::ICANON | LocalModes::ECHONL;
        tcsetattr(&device, OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self { device, before })
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<String>, Failure> {
        let failed = |cause: std::io::Error| Failure::system("use the terminal", &cause);
        self.device.write_all(question.as_bytes()).map_err(failed)?;
        // Sized once: a vector that grows leaves copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        let mut byte = Zeroizing::new([0]);
        while self.device.read(byte.as_mut_slice()).map_err(failed)? == 1 && *byte != [b'\n'] {
            if line.len() == LONGEST {
                return Err(Failure::new(Exit::Usage, "passphrase_too_long", "the passphrase is too long"));
            }
            line.extend_from_slice(byte.as_slice());
        }
        let text = std::str::from_utf8(&line);
        let not_text =
            |_| Failure::new(Exit::Usage, "passphrase_not_text", "the passphrase is not UTF-8 text");
        text.map(|text| Zeroizing::new(text.to_owned())).map_err(not_text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = tcsetattr(&self.device, OptionalActions::Flush, &self.before);
    }
}
