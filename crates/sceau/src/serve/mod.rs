//! Running one role: built from its options, ready line, end on a signal.

pub(crate) mod keymanager;
pub(crate) mod pages;
pub(crate) mod platform;
mod policy;

use std::io::Write as _;

use serde_json::Value;

use crate::failure::Failure;

/// Says on standard output that the role is ready, in one line of JSON.
pub(crate) fn say_ready(ready: &Value) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}")
        .and_then(|()| stdout.flush())
        .map_err(|cause| Failure::system("write the ready line", &cause))
}

/// Resolves when the process is asked to end.
pub(crate) async fn asked_to_end() {
    let terminate = async {
        if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            signal.recv().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
