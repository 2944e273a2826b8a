//! The log as the public reads it: tiles and entries of C2SP tlog-tiles over the same Merkle tree. An entry is the
//! 32-byte hash of an event; bodies are never public.
//!
//! An event of log format 1 has no salt, so anybody who knows the event before it can guess it from its hash. Its
//! entry, and the level-0 tile with its leaf, are therefore never given out. A reader needs the level-0 tile at the
//! log's edge, so a log that began with such events is closed until the tile with the last of them is full.

use alloy::primitives::B256;

use crate::board::{Board, BoardError};
use crate::store::{platform, query};

/// Hashes in a full tile, entries in a full bundle.
pub const FULL: u64 = 256;

/// The highest level of a tile: above it a tree of 2^64 leaves has none.
pub const HIGHEST: u32 = 7;

/// Consecutive nodes of one level of the tree, or consecutive entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// The tile's number.
    pub index: u64,
    /// How many, 1 to [`FULL`].
    pub width: u64,
}

/// Which part of the log is open to the public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// Everything from the level-0 tile with this number on.
    From(u64),
    /// Nothing until the log has enough events: the tile with the last event of format 1 is not full.
    ClosedUntil {
        /// How many events it takes.
        size: u64,
        /// How many there are.
        now: u64,
    },
}

impl Openness {
    /// Which part is open in a log of `size` events whose first `unsalted` have no salt.
    fn of(size: u64, unsalted: u64) -> Self {
        let first = unsalted.div_ceil(FULL);
        match first.checked_mul(FULL) {
            Some(needed) if needed <= size => Self::From(first),
            needed => Self::ClosedUntil {
                size: needed.unwrap_or(u64::MAX),
                now: size,
            },
        }
    }

    /// Whether the leaves of a tile are open.
    fn has(self, tile: Tile) -> bool {
        matches!(self, Self::From(first) if tile.index >= first)
    }
}

/// Which part of a book's log is open now.
///
/// # Errors
/// The store's.
pub async fn openness(board: &Board) -> Result<Openness, BoardError> {
    let size = board.head().await?.size;
    let first = platform::first_salted(board.store().reader().await?.link()).await?;
    Ok(Openness::of(size, first.map_or(size, |first| first - 1)))
}

/// Whether the tree of `size` leaves has the tile.
fn is_there(size: u64, level: u32, tile: Tile) -> bool {
    let nodes = size.checked_shr(8 * level).unwrap_or(0);
    let end = tile
        .index
        .checked_mul(FULL)
        .and_then(|first| first.checked_add(tile.width));
    (1..=FULL).contains(&tile.width) && level <= HIGHEST && end.is_some_and(|end| end <= nodes)
}

/// The hashes of a tile: nodes of level `8 * level` of the tree. `None` where there is no such tile, or it is not open.
///
/// # Errors
/// The store's.
pub async fn hashes(
    board: &Board,
    level: u32,
    tile: Tile,
) -> Result<Option<Vec<B256>>, BoardError> {
    if !is_there(board.head().await?.size, level, tile) {
        return Ok(None);
    }
    let open = openness(board).await?;
    let shown = if level == 0 {
        open.has(tile)
    } else {
        matches!(open, Openness::From(_))
    };
    if !shown {
        return Ok(None);
    }
    let first = tile.index * FULL;
    let mut reader = board.store().reader().await?;
    let last = first + tile.width - 1;
    Ok(Some(
        query::nodes(&mut reader.link(), 8 * level, first, last).await?,
    ))
}

/// The entries of a bundle: the hashes of events. `None` where there is no such bundle, or it is not open.
///
/// # Errors
/// The store's.
pub async fn entries(board: &Board, bundle: Tile) -> Result<Option<Vec<B256>>, BoardError> {
    let there = is_there(board.head().await?.size, 0, bundle);
    if !there || !openness(board).await?.has(bundle) {
        return Ok(None);
    }
    let first = bundle.index * FULL + 1;
    let mut reader = board.store().reader().await?;
    let last = first + bundle.width - 1;
    Ok(Some(platform::hashes(reader.link(), first, last).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_began_without_salts_opens_when_the_tile_of_the_last_is_full() {
        let closed = |size, now| Openness::ClosedUntil { size, now };
        for (size, unsalted, wanted) in [
            (1, 0, Openness::From(0)),
            (300, 0, Openness::From(0)),
            (300, 300, closed(512, 300)),
            (300, 1, Openness::From(1)),
            (255, 1, closed(256, 255)),
            (256, 1, Openness::From(1)),
            (256, 256, Openness::From(1)),
            (511, 257, closed(512, 511)),
            (512, 257, Openness::From(2)),
        ] {
            assert_eq!(Openness::of(size, unsalted), wanted, "{unsalted} of {size}");
        }
    }

    #[test]
    fn a_tile_is_there_as_far_as_its_level_goes() {
        let tile = |index, width| Tile { index, width };
        for (size, level, tile, wanted) in [
            (1, 0, tile(0, 1), true),
            (1, 0, tile(0, 2), false),
            (1, 0, tile(0, 0), false),
            (300, 0, tile(0, 256), true),
            (300, 0, tile(1, 44), true),
            (300, 0, tile(1, 45), false),
            (300, 1, tile(0, 1), true),
            (300, 1, tile(0, 2), false),
            (256, 1, tile(0, 1), true),
            (255, 1, tile(0, 1), false),
            (65_536, 2, tile(0, 1), true),
            (u64::MAX, 7, tile(0, 255), true),
            (u64::MAX, 8, tile(0, 1), false),
            (u64::MAX, 0, tile(u64::MAX, 1), false),
        ] {
            assert_eq!(
                is_there(size, level, tile),
                wanted,
                "{tile:?} of level {level} in {size}"
            );
        }
    }
}
