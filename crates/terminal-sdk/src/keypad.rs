//! The keypad that a shell draws: it is told which digit stands where, and says which places were touched. No text of the PIN is made in the shell's memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sceau_client::terminal::Keypad as Drawn;

use crate::error::{TerminalError, local};

/// A keypad whose digits stand elsewhere each time. What takes a PIN from it leaves it empty, with its digits elsewhere: draw it anew, or another one.
#[derive(Debug, uniffi::Object)]
pub struct Keypad(Mutex<Drawn>);

#[uniffi::export]
impl Keypad {
    /// One that nothing was typed on.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Drawn::draw())))
    }

    /// Which digit stands at each of the ten places.
    #[must_use]
    pub fn digits(&self) -> Vec<u8> {
        self.held().digits().to_vec()
    }

    /// A place was touched, 0 to 9.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `place_unknown` for another one, or where 64 digits were typed.
    pub fn press(&self, place: u8) -> Result<(), TerminalError> {
        if self.held().press(usize::from(place)) {
            Ok(())
        } else {
            Err(local("place_unknown", "a keypad has the places 0 to 9, and takes 64 digits"))
        }
    }

    /// Takes the last digit back, if there is one.
    pub fn erase(&self) {
        self.held().erase();
    }

    /// How many digits were typed: what a page shows as dots.
    #[must_use]
    pub fn typed(&self) -> u32 {
        u32::try_from(self.held().typed()).unwrap_or(u32::MAX)
    }
}

impl Keypad {
    /// What was typed; nothing is left.
    pub(crate) fn take(&self) -> Drawn {
        std::mem::replace(&mut *self.held(), Drawn::draw())
    }

    fn held(&self) -> MutexGuard<'_, Drawn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
