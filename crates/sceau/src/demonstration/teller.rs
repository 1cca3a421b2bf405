//! How the demonstration speaks: chapters, steps with a tick, times. Results go to standard output, so that they can be kept.

use std::io::Write as _;
use std::time::Instant;

/// Tells the story as it happens.
#[derive(Debug)]
pub(crate) struct Teller {
    began: Instant,
    /// Whether it speaks on standard error, beside something else.
    aside: bool,
}

impl Teller {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), aside: false }
    }

    /// Begins now, on standard error.
    pub(crate) fn aside() -> Self {
        Self { began: Instant::now(), aside: true }
    }

    /// A new part of the story.
    pub(crate) fn chapter(&self, title: &str) {
        self.line(&format!("\n{title}"));
    }

    /// A step that was done, with its result.
    pub(crate) fn done(&self, what: &str, result: &str) {
        self.line(&format!("  ✓ {what:<24} {result}"));
    }

    /// How long something took.
    pub(crate) fn took(&self, what: &str, since: Instant) {
        self.done(what, &format!("{:.2} s", since.elapsed().as_secs_f64()));
    }

    /// The end.
    pub(crate) fn end(&self) {
        self.line(&format!("\nAll proofs hold. {:.1} s in all.", self.began.elapsed().as_secs_f64()));
    }

    fn line(&self, text: &str) {
        // A closed pipe ends the telling, not the work.
        let _ = if self.aside {
            writeln!(std::io::stderr().lock(), "{text}")
        } else {
            writeln!(std::io::stdout().lock(), "{text}")
        };
    }
}
