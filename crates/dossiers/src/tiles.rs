//! The log as tiles: what C2SP tlog-tiles clients fetch, read from the element.

use sceau_trace::{Bundle, Tile};

use crate::{Dossiers, Fault};

/// Entries that the element hands out at once; fewer come where they would not fit a frame.
const AT_ONCE: u64 = 256;

impl Dossiers {
    /// The bytes of a tile or an entry bundle, by its path below `/trace/tile/`.
    ///
    /// # Errors
    /// When the path is not one, or the log is not that long.
    pub(crate) async fn tile(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let path = format!("tile/{path}");
        let malformed = |_| Fault::malformed("not the path of a tile (C2SP tlog-tiles)");
        if path.starts_with("tile/entries/") {
            return self.bundle_bytes(&Bundle::parse_path(&path).map_err(malformed)?).await;
        }
        let tile = Tile::parse_path(&path).map_err(malformed)?;
        Ok(self.element().tile(tile.level(), tile.index(), tile.width()).await?)
    }

    async fn bundle_bytes(&self, bundle: &Bundle) -> Result<Vec<u8>, Fault> {
        let end = bundle.start() + u64::from(bundle.width());
        let mut entries = Vec::with_capacity(usize::from(bundle.width()));
        let mut next = bundle.start();
        while next < end {
            let more = self.element().entries(next, (end - next).min(AT_ONCE)).await?;
            if more.is_empty() {
                return Err(Fault::not_found());
            }
            next += more.len() as u64;
            entries.extend(more);
        }
        bundle.bytes(&entries).map_err(|_| Fault::not_found())
    }
}
