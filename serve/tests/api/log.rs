//! The public log, read by independent code: the crates `tlog_tiles` and `signed_note`.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use alloy::primitives::B256;
use book::log::By;
use book::log::act::digest;
use book::market::order::Side;
use serve::checkpoint::{CheckpointError, LogSigner};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Hash, HashReader as _, Tile, TileHashReader, TileReader};

use super::stage::*;

/// PKCS #8 of RFC 8410 around a seed, in PEM, as `openssl genpkey -algorithm ed25519` writes it.
fn key_file(folder: &Path, seed: u8) -> PathBuf {
    use base64::Engine as _;
    let prefix = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let der = [&prefix[..], &[seed; 32]].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let path = folder.join(format!("{seed}.pem"));
    std::fs::write(&path, pem).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

async fn signer(
    stage: &Stage,
    path: &Path,
    last: Option<&Path>,
) -> Result<LogSigner, CheckpointError> {
    LogSigner::open(&stage.board, path, last, "board.example", By::new("Otto")).await
}

/// Grows the log to at least that many events, cheaply.
async fn grow(stage: &Stage, size: u64) {
    while stage.size().await < size {
        stage
            .board
            .note("book", By::new("Otto").because("grows the log"))
            .await
            .unwrap();
    }
}

/// Tiles that were fetched before they are needed.
struct Fetched(Mutex<HashMap<String, Vec<u8>>>);

impl TileReader for Fetched {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let known = self.0.lock().unwrap();
        Ok(tiles
            .iter()
            .map(|tile| known[&path(tile)].clone())
            .collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// In the form of C2SP tlog-tiles: without the height that the Go library puts first.
fn path(tile: &Tile) -> String {
    format!("/log/{}", tile.path().replacen("tile/8/", "tile/", 1))
}

#[tokio::test]
async fn an_independent_reader_follows_checkpoint_and_tiles_to_every_entry() {
    for stage in stages().await {
        let folder = tempfile::tempdir().unwrap();
        let key = signer(&stage, &key_file(folder.path(), 1), None)
            .await
            .unwrap();
        grow(&stage, 300).await;
        let ada = stage.sign_in(ADA).await;
        stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        stage
            .get("/log/checkpoint", &nobody())
            .await
            .refuses(404, "NO_CHECKPOINT");
        key.sign(&stage.board).await.unwrap();
        let said = stage.get("/log/checkpoint", &nobody()).await.is(200);
        assert_eq!(said.header("cache-control"), "no-cache");
        let note = Note::from_bytes(&said.body).unwrap();
        let verifier = StandardVerifier::new(&key.verifier()).unwrap();
        let (signatures, _) = note
            .verify(&VerifierList::new(vec![Box::new(verifier)]))
            .unwrap();
        assert_eq!(signatures.len(), 1);
        let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
        let size = stage.size().await;
        assert_eq!(
            (checkpoint.origin(), checkpoint.size()),
            ("board.example", size)
        );

        let mut fetched = HashMap::new();
        for tile in Tile::new_tiles(8, 0, size) {
            let said = stage.get(&path(&tile), &nobody()).await.is(200);
            let full = tile.width() == 256;
            let kept = said.header("cache-control");
            assert_eq!(kept.contains("immutable"), full, "{kept}");
            fetched.insert(path(&tile), said.body);
        }
        let tiles = Fetched(Mutex::new(fetched));
        let reader = TileHashReader::new(size, *checkpoint.hash(), &tiles);
        let leaf = |index: u64| tlog_tiles::stored_hash_index(0, index);
        let all: Vec<u64> = (0..size).map(leaf).collect();
        let hashes = reader.read_hashes(&all).unwrap();
        let mut entries = Vec::new();
        for (bundle, width) in [
            ("000", 256),
            (&*format!("001.p/{}", size - 256), size - 256),
        ] {
            let said = stage
                .get(&format!("/log/tile/entries/{bundle}"), &nobody())
                .await
                .is(200);
            assert_eq!(said.body.len() as u64, width * 34);
            for entry in said.body.chunks(34) {
                assert_eq!(entry[..2], [0, 32]);
                entries.push(entry[2..].to_vec());
            }
        }
        let events = stage.board.events(1, 1_000).await.unwrap();
        for ((entry, hash), event) in entries.iter().zip(hashes).zip(events) {
            assert_eq!(tlog_tiles::record_hash(entry), hash);
            // The hash of the event and nothing of its body.
            assert_eq!(entry[..], event.hash[..]);
        }
        assert_eq!(
            tlog_tiles::tree_hash(size, &reader).unwrap(),
            Hash(stage.board.head().await.unwrap().root.0)
        );
    }
}

#[tokio::test]
async fn tiles_that_are_not_there_are_not_found() {
    let stage = stage().await;
    let size = stage.size().await;
    stage
        .get(&format!("/log/tile/0/000.p/{size}"), &nobody())
        .await
        .is(200);
    for tile in [
        &*format!("0/000.p/{}", size + 1),
        "0/000",
        "1/000.p/1",
        "0/001.p/1",
        "entries/000",
        "9/000",
        "0/000.p/0",
        "x/000",
        "0",
    ] {
        stage
            .get(&format!("/log/tile/{tile}"), &nobody())
            .await
            .refuses(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn nothing_smaller_and_nothing_of_another_root_is_ever_signed() {
    let stage = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(folder.path(), 1);
    let key = signer(&stage, &path, None).await.unwrap();
    let first = key.sign(&stage.board).await.unwrap();
    // The same log again gives the same note.
    assert_eq!(key.sign(&stage.board).await.unwrap(), first);
    grow(&stage, first.size + 3).await;
    let second = key.sign(&stage.board).await.unwrap();
    assert_eq!(second.size, first.size + 3);

    // The key's file remembers more than the store has: a backup was restored.
    let memory = folder.path().join("1.pem.signed");
    let told = std::fs::read_to_string(&memory).unwrap();
    assert_eq!(told, format!("{} {}\n", second.size, second.root));
    std::fs::write(&memory, format!("{} {}\n", second.size + 1, B256::ZERO)).unwrap();
    let refused = key.sign(&stage.board).await.unwrap_err();
    assert!(
        matches!(refused, CheckpointError::Shorter { signed, found } if (signed, found) == (second.size + 1, second.size))
    );
    // It has caught up, but is another log.
    grow(&stage, second.size + 2).await;
    let refused = key.sign(&stage.board).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::OtherRoot { size, .. } if size == second.size + 1));
    assert_eq!(stage.board.checkpoint().await.unwrap().unwrap(), second);
    std::fs::write(&memory, "nonsense").unwrap();
    let refused = key.sign(&stage.board).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::File { .. }));
    std::fs::write(&memory, told).unwrap();
    assert_eq!(key.sign(&stage.board).await.unwrap().size, second.size + 2);
}

#[tokio::test]
async fn a_new_key_is_an_event_signed_by_the_old_one() {
    let stage = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (key_file(folder.path(), 1), key_file(folder.path(), 2));
    signer(&stage, &first, None).await.unwrap();
    let known = stage.board.log_key().await.unwrap().unwrap();
    assert_eq!(
        (known.name.as_str(), known.signed_by_last),
        ("board.example", None)
    );
    let size = stage.size().await;
    // The same key is recorded once.
    signer(&stage, &first, None).await.unwrap();
    assert_eq!(stage.size().await, size);
    let third = key_file(folder.path(), 3);
    let refused = signer(&stage, &second, Some(&third)).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::Key { .. }));
    assert_eq!(stage.size().await, size);
    signer(&stage, &second, Some(&first)).await.unwrap();
    let now = stage.board.log_key().await.unwrap().unwrap();
    let signature = now.signed_by_last.unwrap();
    let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, known.key);
    public.verify(now.key.as_slice(), &signature).unwrap();
    assert_ne!(digest(now.key.as_slice()), digest(known.key.as_slice()));
}

#[tokio::test]
async fn a_key_that_others_may_read_or_that_is_none_is_refused() {
    let stage = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(folder.path(), 1);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let none = folder.path().join("none.pem");
    std::fs::write(&none, "no key").unwrap();
    std::fs::set_permissions(&none, std::fs::Permissions::from_mode(0o600)).unwrap();
    let size = stage.size().await;
    for path in [&path, &none, &folder.path().join("missing.pem")] {
        let refused = signer(&stage, path, None).await.unwrap_err();
        assert!(matches!(&refused, CheckpointError::Key { .. }), "{refused}");
    }
    assert_eq!(stage.size().await, size);
}

#[tokio::test]
async fn a_proof_is_for_whoever_may_see_the_order() {
    let stage = stage().await;
    let (ada, ben, rex) = (
        stage.sign_in(ADA).await,
        stage.sign_in(BEN).await,
        stage.sign_in(REX).await,
    );
    let mine = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    let path = format!("/v1/proofs/{mine}");
    stage.get(&path, &ben).await.refuses(404, "NOT_FOUND");
    for pass in [&ada, &rex] {
        let said = stage.get(&path, pass).await.is(200);
        let text = String::from_utf8(said.body).unwrap();
        let head = stage.board.head().await.unwrap();
        let anchor = book::audit::verify::Anchor {
            size: head.size,
            root: head.root,
        };
        let proof = book::audit::proof::verify(&text, anchor).unwrap();
        assert_eq!(proof.event["subject"], serde_json::json!(mine));
    }
}
