//! C2SP tlog-tiles: where a log's hashes and entries are served, and in which bytes.

use crate::checkpoint::decimal;
use crate::hash::Hash;
use crate::{HashReader, MissingHash, TileError, node_hash};
use std::fmt;

/// How many hashes or entries a full tile or bundle has.
pub const TILE_WIDTH: u64 = 256;
/// How many tree levels one tile level stands for.
const TILE_HEIGHT: u8 = 8;
const MAX_TILE_LEVEL: u8 = 63;

/// The coordinates of a tile of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// The coordinates of a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile on `level` (0 to 63), number `index`, as a log of `size` entries has it; nothing where it would be empty.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        let width = width_at(level, index, size)?;
        Some(Tile { level, index, width })
    }

    /// The tile that holds the root of the complete subtree (`level`, `index`) of the tree in a log of `size` entries,
    /// and where in it: that root is computed from 1, 2, … 128 consecutive hashes of the tile.
    fn holding(level: u8, index: u64, size: u64) -> Option<(Self, usize, usize)> {
        let within = level % TILE_HEIGHT;
        let first = index.checked_shl(within.into()).filter(|first| first >> within == index)?;
        let tile = Tile::at(level / TILE_HEIGHT, first / TILE_WIDTH, size)?;
        let start = (first % TILE_WIDTH) as usize;
        let end = start + (1 << within);
        (end <= usize::from(tile.width)).then_some((tile, start, end))
    }

    /// The tiles that a log growing from `old_size` to `new_size` entries has to write: the new and the wider ones, each
    /// at its final width. Partial tiles of sizes between the two are not among them: no checkpoint was at those.
    pub fn written(old_size: u64, new_size: u64) -> Vec<Tile> {
        let mut tiles = Vec::new();
        for level in 0..=MAX_TILE_LEVEL {
            let (old, new) = (hashes_on(level, old_size), hashes_on(level, new_size));
            if new == 0 {
                break;
            }
            if old < new {
                let range = old / TILE_WIDTH..new.div_ceil(TILE_WIDTH);
                tiles.extend(range.filter_map(|index| Tile::at(level, index, new_size)));
            }
        }
        tiles
    }

    /// The tile's bytes: its hashes, one after the other, 32 bytes each.
    pub fn bytes(&self, hashes: &dyn HashReader) -> Result<Vec<u8>, MissingHash> {
        let mut bytes = Vec::with_capacity(usize::from(self.width) * 32);
        for hash in 0..u64::from(self.width) {
            let hash = hashes.hash(self.level * TILE_HEIGHT, self.index * TILE_WIDTH + hash)?;
            bytes.extend_from_slice(hash.as_ref());
        }
        Ok(bytes)
    }

    /// The hashes in a tile's bytes, which must be as long as the width says.
    pub fn parse_bytes(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() != usize::from(self.width) || !rest.is_empty() {
            return Err(TileError::WrongLength);
        }
        Ok(hashes.iter().copied().map(Hash::new).collect())
    }

    /// Reads the path below the log's prefix: `tile/<level>/<index>[.p/<width>]`.
    pub fn parse_path(path: &str) -> Result<Self, TileError> {
        let (level, rest) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or(TileError::Path)?;
        let level = decimal(level).and_then(|level| u8::try_from(level).ok()).ok_or(TileError::Path)?;
        let (index, width) = parse_coordinates(rest)?;
        if level > MAX_TILE_LEVEL {
            return Err(TileError::Path);
        }
        Ok(Tile { level, index, width })
    }

    /// The level, 0 to 63; level 0 has the leaf hashes.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The number within the level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never change.
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// The one that takes its place once the log is long enough: a server need not keep partial ones then.
    pub fn full(&self) -> Self {
        Tile { width: TILE_WIDTH as u16, ..*self }
    }
}

/// The path below the log's prefix.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_coordinates(f, self.index, self.width)
    }
}

impl Bundle {
    /// Bundle `index` as a log of `size` entries has it; nothing where it would be empty.
    pub fn at(index: u64, size: u64) -> Option<Self> {
        Some(Bundle { index, width: width_at(0, index, size)? })
    }

    /// The bundles that a log growing from `old_size` to `new_size` entries has to write, each at its final width.
    pub fn written(old_size: u64, new_size: u64) -> Vec<Bundle> {
        if old_size >= new_size {
            return Vec::new();
        }
        let range = old_size / TILE_WIDTH..new_size.div_ceil(TILE_WIDTH);
        range.filter_map(|index| Bundle::at(index, new_size)).collect()
    }

    /// The bundle's bytes: for each entry its length (two bytes, big endian) and itself.
    pub fn bytes<E: AsRef<[u8]>>(&self, entries: &[E]) -> Result<Vec<u8>, TileError> {
        if entries.len() != usize::from(self.width) {
            return Err(TileError::WrongLength);
        }
        let mut bytes = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong)?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        Ok(bytes)
    }

    /// The entries in a bundle's bytes; there must be exactly as many as the width says.
    pub fn parse_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TileError> {
        let mut entries = Vec::with_capacity(usize::from(self.width));
        let mut rest = bytes;
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, after) = after.split_at_checked(length).ok_or(TileError::WrongLength)?;
            if entries.len() == usize::from(self.width) {
                return Err(TileError::WrongLength);
            }
            entries.push(entry.to_vec());
            rest = after;
        }
        if rest.is_empty() && entries.len() == usize::from(self.width) {
            Ok(entries)
        } else {
            Err(TileError::WrongLength)
        }
    }

    /// Reads the path below the log's prefix: `tile/entries/<index>[.p/<width>]`.
    pub fn parse_path(path: &str) -> Result<Self, TileError> {
        let rest = path.strip_prefix("tile/entries/").ok_or(TileError::Path)?;
        let (index, width) = parse_coordinates(rest)?;
        Ok(Bundle { index, width })
    }

    /// The number of the bundle; its first entry is 256 times that.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The number of its first entry in the log.
    pub fn start(&self) -> u64 {
        self.index * TILE_WIDTH
    }

    /// How many entries, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never change.
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }
}

/// The path below the log's prefix.
impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_coordinates(f, self.index, self.width)
    }
}

/// Reads single hashes out of tiles, which `fetch` gets by their coordinates as a log of `size` entries has them.
///
/// The hashes are whatever the tiles say: a proof made from them is worth something once it verifies under a checkpoint.
pub struct TileReader<F> {
    size: u64,
    fetch: F,
}

impl<F: Fn(Tile) -> Option<Vec<u8>>> TileReader<F> {
    /// A reader of the tiles that a log of `size` entries serves.
    pub fn new(size: u64, fetch: F) -> Self {
        TileReader { size, fetch }
    }
}

impl<F: Fn(Tile) -> Option<Vec<u8>>> HashReader for TileReader<F> {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash> {
        let missing = MissingHash { level, index };
        let (tile, start, end) = Tile::holding(level, index, self.size).ok_or(missing)?;
        let bytes = (self.fetch)(tile).ok_or(missing)?;
        let mut hashes = tile.parse_bytes(&bytes).map_err(|_| missing)?;
        hashes.truncate(end);
        let mut hashes = hashes.split_off(start);
        while hashes.len() > 1 {
            hashes = hashes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        hashes.first().copied().ok_or(missing)
    }
}

/// How many complete subtrees of 256^level entries a log of `size` has.
fn hashes_on(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}

fn width_at(level: u8, index: u64, size: u64) -> Option<u16> {
    let before = index.checked_mul(TILE_WIDTH)?;
    let width = hashes_on(level, size).checked_sub(before)?.min(TILE_WIDTH);
    if width == 0 { None } else { u16::try_from(width).ok() }
}

fn write_coordinates(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let mut groups = vec![index % 1000];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    while let Some(group) = groups.pop() {
        if groups.is_empty() {
            write!(f, "{group:03}")?;
        } else {
            write!(f, "x{group:03}/")?;
        }
    }
    if u64::from(width) == TILE_WIDTH { Ok(()) } else { write!(f, ".p/{width}") }
}

fn parse_coordinates(text: &str) -> Result<(u64, u16), TileError> {
    let (path, width) = match text.split_once(".p/") {
        None => (text, TILE_WIDTH as u16),
        Some((path, width)) => {
            let width =
                decimal(width).filter(|width| (1..TILE_WIDTH).contains(width)).ok_or(TileError::Path)?;
            (path, width as u16)
        }
    };
    let (before, last) = path.rsplit_once('/').map_or((None, path), |(before, last)| (Some(before), last));
    let mut index = 0u64;
    let groups = before.into_iter().flat_map(|before| before.split('/')).map(|group| group.strip_prefix('x'));
    for (at, group) in groups.chain([Some(last)]).enumerate() {
        let group = group.filter(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()));
        let group: u64 = group.and_then(|group| group.parse().ok()).ok_or(TileError::Path)?;
        if at == 0 && group == 0 && before.is_some() {
            return Err(TileError::Path); // one path for each tile: no leading group of zeros
        }
        index = index.checked_mul(1000).and_then(|index| index.checked_add(group)).ok_or(TileError::Path)?;
    }
    // Every hash below such a tile must have a number, and so must the one after.
    if index >= u64::MAX / TILE_WIDTH { Err(TileError::Path) } else { Ok((index, width)) }
}
