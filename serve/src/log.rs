//! The public log as specified by C2SP tlog-tiles: checkpoint, tiles, entries. Nothing here depends on who reads.

use alloy::primitives::B256;
use axum::http::{HeaderValue, StatusCode, header};
use book::audit::tiles::{self, FULL, HIGHEST, Openness, Tile};

use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};

/// What never changes may be cached by its readers.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// What grows may not be.
const FRESH: &str = "no-cache";

/// What a path under `/log/tile/` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// Hashes of a level.
    Hashes(u32, Tile),
    /// Entries.
    Entries(Tile),
}

/// Three digits.
fn triple(text: &str) -> Option<u64> {
    let plain = text.len() == 3 && text.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A decimal number without padding.
fn plain(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A number in groups of three digits, all but the last with an x before them.
fn index(groups: &[&str]) -> Option<u64> {
    let (last, before) = groups.split_last()?;
    let mut number: u64 = 0;
    for (at, group) in before.iter().enumerate() {
        let group = triple(group.strip_prefix('x')?)?;
        // No number begins with a group of zeros.
        if at == 0 && group == 0 {
            return None;
        }
        number = number.checked_mul(1_000)?.checked_add(group)?;
    }
    number.checked_mul(1_000)?.checked_add(triple(last)?)
}

/// Reads `<L>/<N>[.p/<W>]`, `entries/<N>[.p/<W>]`.
fn named(path: &str) -> Option<Named> {
    let (path, width) = match path.split_once(".p/") {
        Some((path, width)) => (
            path,
            plain(width).filter(|width| (1..FULL).contains(width))?,
        ),
        None => (path, FULL),
    };
    let (level, groups) = path.split_once('/')?;
    let groups: Vec<&str> = groups.split('/').collect();
    let index = index(&groups)?;
    let tile = Tile { index, width };
    if level == "entries" {
        return Some(Named::Entries(tile));
    }
    let level = u32::try_from(plain(level)?).ok()?;
    (level <= HIGHEST).then_some(Named::Hashes(level, tile))
}

/// Why the log is closed, if it is.
async fn closed(call: &Call) -> Result<(), Problem> {
    match tiles::openness(&call.app.board)
        .await
        .map_err(refusal::board)?
    {
        Openness::From(_) => Ok(()),
        Openness::ClosedUntil { size, now } => {
            let words = format!(
                "this log began with events that have no salt, whose hashes could be guessed: it opens once it has \
                 {size} events, and it has {now}"
            );
            let problem = Problem::new(StatusCode::NOT_FOUND, "LOG_CLOSED", words);
            Err(problem.with("opens_at", size).with("size", now))
        }
    }
}

/// `GET /log/checkpoint`.
pub(crate) async fn checkpoint(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    closed(&call).await?;
    let known = call.app.board.checkpoint().await.map_err(refusal::board)?;
    let known = known.ok_or_else(|| {
        let words =
            "no checkpoint has been signed yet: no process of this board has a key for its log";
        Problem::new(StatusCode::NOT_FOUND, "NO_CHECKPOINT", words)
    })?;
    let reply = Reply::of(StatusCode::OK, "text/plain; charset=utf-8", known.note);
    Ok(reply.with(header::CACHE_CONTROL, HeaderValue::from_static(FRESH)))
}

/// `GET /log/tile/{*tile}`.
pub(crate) async fn tile(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let unknown = || Problem::not_found("tile");
    let named = named(call.place("tile")).ok_or_else(unknown)?;
    closed(&call).await?;
    let board = &call.app.board;
    let (found, tile) = match named {
        Named::Hashes(level, tile) => {
            let hashes = tiles::hashes(board, level, tile).await;
            (
                hashes.map_err(refusal::board)?.map(|hashes| bytes(&hashes)),
                tile,
            )
        }
        Named::Entries(tile) => {
            let entries = tiles::entries(board, tile).await;
            (
                entries
                    .map_err(refusal::board)?
                    .map(|entries| bundle(&entries)),
                tile,
            )
        }
    };
    let reply = Reply::of(
        StatusCode::OK,
        "application/octet-stream",
        found.ok_or_else(unknown)?,
    );
    let kept = if tile.width == FULL { IMMUTABLE } else { FRESH };
    Ok(reply.with(header::CACHE_CONTROL, HeaderValue::from_static(kept)))
}

fn bytes(hashes: &[B256]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Each entry after its length in two bytes, big-endian.
fn bundle(entries: &[B256]) -> Vec<u8> {
    let each = entries.iter().flat_map(|entry| {
        let length = u16::try_from(entry.len()).unwrap_or_default().to_be_bytes();
        length.into_iter().chain(entry.0)
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_tlog_tiles_writes_them() {
        let tile = |index, width| Tile { index, width };
        for (path, wanted) in [
            ("0/000", Named::Hashes(0, tile(0, 256))),
            ("1/x001/234", Named::Hashes(1, tile(1_234, 256))),
            ("0/x001/x234/067.p/8", Named::Hashes(0, tile(1_234_067, 8))),
            (
                "entries/x001/x234/067",
                Named::Entries(tile(1_234_067, 256)),
            ),
            ("entries/000.p/1", Named::Entries(tile(0, 1))),
        ] {
            assert_eq!(named(path), Some(wanted), "{path}");
        }
        for path in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/",
            "8/000",
            "00/000",
            "-1/000",
            "0/x000/001",
            "0/001/234",
            "0/x1/234",
            "0/+01",
            "data/000",
            "0/000/x001",
            "0/000.p/1/2",
            "0/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
    }

    #[test]
    fn an_entry_stands_behind_its_length() {
        let bundle = bundle(&[B256::repeat_byte(7), B256::repeat_byte(8)]);
        assert_eq!(bundle.len(), 68);
        assert_eq!(
            (&bundle[..3], bundle[33], &bundle[34..37]),
            (&[0, 32, 7][..], 7, &[0, 32, 8][..])
        );
    }
}
