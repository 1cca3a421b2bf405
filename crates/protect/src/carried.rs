//! What was begun is done, also where whoever asked goes away: what the element has attested is kept in the database all the same.

/// It ended in a fault of ours, which the log of the process has.
#[derive(Debug)]
pub(crate) struct Dropped;

/// Does this to its end. Whoever stops waiting for it stops nothing.
///
/// # Errors
/// [`Dropped`].
pub(crate) async fn to_its_end<T: Send + 'static>(
    what: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Dropped> {
    tokio::spawn(work).await.map_err(|fault| {
        tracing::error!(%fault, "{what} was not carried to its end");
        Dropped
    })
}
