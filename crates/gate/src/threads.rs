//! How many threads serve: one for each processor that the process may use.

use std::{io, num::NonZero, path::Path, thread};

use tokio::runtime::{Builder, Runtime};

use crate::{command::GateCommand, keys, plan};

impl GateCommand {
    /// The runtime that it is to be run in. On one processor, connections are served in turn by the thread that waits for them: a worker beside it
    /// would take the last of those that woke first, and whoever waits the longest would wait longer. A key in a token signs on the thread that needs it,
    /// so that others must be able to take its place.
    ///
    /// # Errors
    /// Those of the system.
    pub fn runtime(&self) -> io::Result<Runtime> {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let mut builder = if in_turn(processors, self.config()) {
            Builder::new_current_thread()
        } else {
            Builder::new_multi_thread()
        };
        builder.enable_all().build()
    }
}

/// Whether one thread is to serve everybody. A file that cannot be read is refused by whoever runs it.
fn in_turn(processors: usize, config: &Path) -> bool {
    processors == 1 && !plan::settings(config).is_ok_and(|settings| keys::is_in_token(&settings))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn one_processor_is_one_thread_unless_a_token_may_hold_it_up() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gate.toml");
        let listener = |key: &str| {
            format!(
                "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"a.pem\"\nkey = \"{key}\"\n[[listener.route]]\nupstream = \"http://127.0.0.1:9\"\n"
            )
        };
        let partner = |key: &str| {
            format!(
                "{}[[outgoing]]\naddress = \"127.0.0.1:0\"\nto = \"https://a.example\"\ntls = {{ key = \"{key}\" }}\n",
                listener("a.key")
            )
        };
        let token = "pkcs11:token=gate;object=a";
        for (text, alone) in [
            (listener("a.key"), true),
            (listener(token), false),
            (partner("b.key"), true),
            (partner(token), false),
        ] {
            std::fs::write(&config, &text).unwrap();
            plan::settings(&config).unwrap();
            assert_eq!(in_turn(1, &config), alone, "{text}");
            assert!(!in_turn(2, &config));
        }
    }
}
