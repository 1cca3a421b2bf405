//! How the demonstration speaks: chapters, steps with a tick, times. Results go to standard output, so that they can be kept.

use std::io::Write as _;
use std::time::Instant;

/// Tells the story as it happens.
#[derive(Debug)]
pub(crate) struct Teller {
    began: Instant,
}

impl Teller {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now() }
    }

    /// A new part of the story.
    pub(crate) fn chapter(&self, title: &str) {
        line(&format!("\n{title}"));
    }

    /// A step that was done, with its result.
    pub(crate) fn done(&self, what: &str, result: &str) {
        line(&format!("  ✓ {what:<24} {result}"));
    }

    /// How long something took.
    pub(crate) fn took(&self, what: &str, since: Instant) {
        self.done(what, &format!("{:.2} s", since.elapsed().as_secs_f64()));
    }

    /// The end.
    pub(crate) fn end(&self) {
        line(&format!("\nAll proofs hold. {:.1} s in all.", self.began.elapsed().as_secs_f64()));
    }
}

fn line(text: &str) {
    // A closed pipe ends the telling, not the work.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
