//! Where a terminal is, and what the system warns of.
//!
//! Both are the system's word by way of the shell: who has the system in hand says what they like. They tell a copy from the terminal, and stop a holder whose device was
//! opened without their knowing; what keeps a stranger from signing is the key in hardware, the PIN, and the element.

use sceau_client::ClientError;
use sceau_crypto::sha256;
use sceau_trace::Hash;

use crate::error::refused;

/// What the system says of device and program, now.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Environment {
    /// What stays as it is as long as this is the same program on the same device: at least one. Their order is of no matter.
    pub facts: Vec<Fact>,
    /// What it warns of; none where all is well.
    pub signals: Vec<TamperingSignal>,
    /// Whether the terminal's key signs only once the device knew its holder by a fingerprint or a face, each time: keyrings whose policy asks for the fingerprint are
    /// activated and used on such a device alone. On Android: `setUserAuthenticationRequired(true)` with `AUTH_BIOMETRIC_STRONG`; on iOS: an access control with `biometryCurrentSet`.
    #[uniffi(default = false)]
    pub knows_holder: bool,
}

/// One thing that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, uniffi::Record)]
pub struct Fact {
    /// Which: `android_id`, `signing_certificate`, `identifier_for_vendor`.
    pub name: String,
    /// What it is.
    pub value: String,
}

/// A sign that somebody else has the device or the program in hand. Each of them refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[non_exhaustive]
pub enum TamperingSignal {
    /// The system was opened: root, a jailbreak, an unlocked bootloader.
    Rooted,
    /// A debugger is attached, or may be.
    Debugged,
    /// Other code runs within the program.
    Hooked,
    /// The program is not the one that was signed.
    Repackaged,
    /// This is no device but an imitation of one.
    Emulated,
    /// Another program draws over this one, or touches its screen.
    Overlaid,
    /// The screen is recorded or shown elsewhere.
    Captured,
}

impl TamperingSignal {
    fn words(self) -> &'static str {
        match self {
            Self::Rooted => "its system was opened",
            Self::Debugged => "a debugger is attached",
            Self::Hooked => "other code runs in this program",
            Self::Repackaged => "this program is not the one that was signed",
            Self::Emulated => "it is an imitation of a device",
            Self::Overlaid => "another program draws over this one",
            Self::Captured => "its screen is recorded",
        }
    }
}

impl Environment {
    /// Refuses where the system warns of anything.
    pub(crate) fn is_sound(&self) -> Result<(), ClientError> {
        if self.signals.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = self.signals.iter().map(|signal| signal.words()).collect();
        let words = words.join(", ");
        Err(refused("terminal_tampered", format!("no keyring is used on this device now: {words}")))
    }

    /// SHA-256 of the facts, each with its name, in the order of their names.
    pub(crate) fn image(&self) -> Result<Hash, ClientError> {
        if self.facts.is_empty() {
            return Err(refused("environment_unknown", "the shell does not say where this is"));
        }
        let mut facts: Vec<&Fact> = self.facts.iter().collect();
        facts.sort();
        let mut all = b"sceau terminal environment".to_vec();
        for part in facts.iter().flat_map(|fact| [&fact.name, &fact.value]) {
            all.extend((part.len() as u64).to_be_bytes());
            all.extend(part.as_bytes());
        }
        Ok(Hash::new(sha256(&all)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn of(facts: &[(&str, &str)]) -> Environment {
        let fact =
            |(name, value): &(&str, &str)| Fact { name: (*name).to_owned(), value: (*value).to_owned() };
        Environment { facts: facts.iter().map(fact).collect(), signals: Vec::new(), knows_holder: false }
    }

    #[test]
    fn an_image_is_of_the_facts_and_not_of_their_order() {
        let one = of(&[("id", "7"), ("program", "a")]).image().unwrap();
        assert_eq!(one, of(&[("program", "a"), ("id", "7")]).image().unwrap());
        for other in [
            of(&[("id", "8"), ("program", "a")]),
            of(&[("id", "7")]),
            of(&[("id", "7p"), ("rogram", "a")]),
            of(&[("id", "7"), ("program", "a"), ("program", "a")]),
        ] {
            assert_ne!(one, other.image().unwrap());
        }
        assert_eq!(of(&[]).image().unwrap_err().code(), Some("environment_unknown"));
    }

    #[test]
    fn each_signal_refuses_and_is_named() {
        assert!(of(&[]).is_sound().is_ok());
        let signals = vec![TamperingSignal::Rooted, TamperingSignal::Captured];
        let refused = Environment { signals, ..of(&[("id", "7")]) }.is_sound().unwrap_err();
        assert_eq!(refused.code(), Some("terminal_tampered"));
        let words = refused.to_string();
        assert!(words.contains("opened") && words.contains("recorded"), "{words}");
    }
}
