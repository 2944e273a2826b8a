//! The hash of an event: SHA-256 of its canonical JSON (RFC 8785), so that a stranger needs no more than a JSON library.

use std::io::Write;

use alloy::hex;
use alloy::primitives::B256;
use sha2::{Digest, Sha256};

/// The columns of an event as they are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) seq: u64,
    pub(crate) kind: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) occurred_at: i64,
    pub(crate) captured_at: i64,
    pub(crate) actor: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) body: &'a str,
    pub(crate) prev: &'a [u8],
}

impl Columns<'_> {
    /// Writes the canonical JSON without its final brace, so that a caller may append the hash.
    fn write_open(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(b"{\"actor\":");
        text(out, self.actor);
        out.extend_from_slice(b",\"body\":");
        out.extend_from_slice(self.body.as_bytes());
        out.extend_from_slice(b",\"captured_at\":");
        number(out, self.captured_at);
        out.extend_from_slice(b",\"occurred_at\":");
        number(out, self.occurred_at);
        out.extend_from_slice(b",\"prev\":\"0x");
        let start = out.len();
        out.resize(start + 2 * self.prev.len(), 0);
        // The slice has just been given that very length.
        let _ = hex::encode_to_slice(self.prev, &mut out[start..]);
        out.extend_from_slice(b"\",\"reason\":");
        text(out, self.reason);
        out.extend_from_slice(b",\"seq\":");
        number(out, i64::try_from(self.seq).unwrap_or(i64::MAX));
        out.extend_from_slice(b",\"subject\":");
        text(out, self.subject);
        out.extend_from_slice(b",\"type\":");
        text(out, self.kind);
    }

    /// The canonical JSON that is hashed, into `out`.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        self.write_open(out);
        out.push(b'}');
    }

    /// The event's hash; `buffer` is reused from event to event.
    pub(crate) fn hash(&self, buffer: &mut Vec<u8>) -> B256 {
        self.write_json(buffer);
        B256::new(Sha256::digest(&buffer).into())
    }
}

/// `serde_json` escapes exactly as RFC 8785 asks (tested below).
fn text(out: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

fn number(out: &mut Vec<u8>, number: i64) {
    let _ = write!(out, "{number}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_hashed_is_canonical_json(
            seq in 1u64..1 << 53,
            subject in any::<String>(), actor in any::<String>(), reason in any::<String>(),
            occurred_at in 0i64..1 << 53, captured_at in 0i64..1 << 53,
            account in any::<String>(), prev in any::<[u8; 32]>(),
        ) {
            let body = serde_jcs::to_string(&serde_json::json!({ "z": 1, "account": account })).unwrap();
            let columns = Columns {
                seq, kind: "note", subject: &subject, occurred_at, captured_at,
                actor: &actor, reason: &reason, body: &body, prev: &prev,
            };
            let mut ours = Vec::new();
            columns.write_json(&mut ours);
            let value = serde_json::json!({
                "seq": seq, "type": "note", "subject": subject, "occurred_at": occurred_at,
                "captured_at": captured_at, "actor": actor, "reason": reason,
                "body": { "account": account, "z": 1 }, "prev": B256::new(prev),
            });
            prop_assert_eq!(String::from_utf8(ours).unwrap(), serde_jcs::to_string(&value).unwrap());
        }
    }
}
