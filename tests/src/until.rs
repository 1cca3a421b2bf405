//! Waiting for what another process does to rows that both read, where nothing tells of it.

use std::time::Duration;

/// Looks until it is so, for two minutes at most; `what` is said where it never is.
pub async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let looks = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), looks).await.unwrap_or_else(|_| panic!("never: {what}"));
}
