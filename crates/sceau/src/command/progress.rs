//! A progress bar on standard error, when a person watches.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Bytes that are done before a bar can be read.
const BYTES_AT_ONCE: u64 = 8 << 20;
/// Tiles or entries that are.
const THINGS_AT_ONCE: u64 = 4096;

/// Drawn only on a terminal, and only where it lasts; gone when dropped.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Of `total` units (bytes unless the style says else), where that is known.
    pub(super) fn bytes(name: &str, total: Option<u64>, quiet: bool) -> Self {
        let template = match total {
            Some(_) => "{msg} {bar:30} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta}",
            None => "{msg} {spinner} {binary_bytes}  {binary_bytes_per_sec}",
        };
        Self::new(name, total, BYTES_AT_ONCE, template, quiet)
    }

    /// Of things that are counted.
    pub(super) fn count(name: &str, total: u64, quiet: bool) -> Self {
        Self::new(name, Some(total), THINGS_AT_ONCE, "{msg} {bar:30} {human_pos}/{human_len}  {eta}", quiet)
    }

    fn new(name: &str, total: Option<u64>, least: u64, template: &str, quiet: bool) -> Self {
        let at_once = total.is_some_and(|total| total < least);
        if quiet || at_once || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_message(name.to_owned());
        Self(Some(bar))
    }

    /// This much is done.
    pub(super) fn at(&self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
