//! Time, read at the rim and passed in.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::decide::Moment;

/// The clocks of the process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    ahead: u64,
}

impl Clock {
    /// Starts counting.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), ahead: 0 }
    }

    /// The same, so many milliseconds ahead of the machine's: what comes hours later is seen at once.
    #[must_use]
    pub fn ahead(self, ahead: u64) -> Self {
        Self { ahead, ..self }
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix = millis(unix.as_millis()).saturating_add(self.ahead);
        Moment { unix, uptime: millis(self.started.elapsed().as_millis()) }
    }
}

fn millis(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
