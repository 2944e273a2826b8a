//! The script and the stylesheet of the pages. They are embedded in the binary, are named by their content, and never
//! change under a name.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use book::log::act::digest;

use super::takes_brotli;
use crate::problem::Problem;
use crate::route::{Call, Reply};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// How hard a file is compressed, once for all of its readers.
const FILE_QUALITY: i32 = 11;

/// How a file is compressed.
type Compress = Box<dyn FnOnce() -> Option<Vec<u8>> + Send>;

/// One file.
struct Asset {
    /// Its name in the tree.
    name: &'static str,
    /// Its name in URLs.
    path: String,
    kind: &'static str,
    plain: &'static [u8],
    brotli: LazyLock<Option<Vec<u8>>, Compress>,
}

/// The files, which `scripts/web.mjs` makes of `web/`.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let script = "text/javascript; charset=utf-8";
    let style = "text/css; charset=utf-8";
    [
        (
            "board.js",
            script,
            &include_bytes!("../../assets/board.js")[..],
        ),
        ("board.css", style, include_bytes!("../../assets/board.css")),
        (
            "icon.svg",
            "image/svg+xml",
            include_bytes!("../../assets/icon.svg"),
        ),
    ]
    .into_iter()
    .map(|(name, kind, plain)| Asset {
        name,
        path: hashed(name, plain),
        kind,
        plain,
        brotli: LazyLock::new(Box::new(|| brotli(plain, FILE_QUALITY))),
    })
    .collect()
});

/// A name with 16 digits of the content's SHA-256 before its ending.
fn hashed(name: &str, content: &[u8]) -> String {
    let hash = alloy::hex::encode(&digest(content)[..8]);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    format!("{stem}.{hash}.{ending}")
}

/// Compressed, if that succeeds; it is written to memory.
pub(super) fn brotli(plain: &[u8], quality: i32) -> Option<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality,
        ..Default::default()
    };
    let mut writer = brotli::CompressorWriter::with_params(Vec::new(), 4_096, &params);
    writer.write_all(plain).ok()?;
    Some(writer.into_inner())
}

/// The URL path of a file of the pages: `/assets/board.0123456789abcdef.js`.
///
/// # Panics
/// For a name that is not one of theirs.
pub fn path(name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    let asset = found.unwrap_or_else(|| panic!("there is no file {name}"));
    format!("/assets/{}", asset.path)
}

/// `GET /assets/{asset}`.
pub(crate) async fn asset(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let name = call.place("asset");
    let found = ASSETS.iter().find(|asset| asset.path == name);
    let asset = found.ok_or_else(|| Problem::not_found("file"))?;
    let reply = match asset.brotli.as_deref() {
        Some(body) if takes_brotli(&call.headers) => {
            let coding = HeaderValue::from_static("br");
            let reply = Reply::of(StatusCode::OK, asset.kind, body.to_vec());
            reply.with(header::CONTENT_ENCODING, coding)
        }
        _ => Reply::of(StatusCode::OK, asset.kind, asset.plain),
    };
    let vary = HeaderValue::from_static("accept-encoding");
    Ok(reply
        .with(header::VARY, vary)
        .with(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE)))
}
