//! The hash of an event: SHA-256 of its canonical JSON (RFC 8785), so that anybody can check it with a JSON library.

use std::io::Write;

use alloy::hex;
use alloy::primitives::{B128, B256};
use sha2::{Digest, Sha256};

use super::event::Event;

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
    /// Only in events of format 2.
    pub(crate) salt: Option<&'a [u8]>,
}

impl<'a> Columns<'a> {
    /// The columns of an event.
    pub(crate) fn of(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            kind: event.kind.as_str(),
            subject: &event.subject,
            occurred_at: event.occurred_at.as_microsecond(),
            captured_at: event.captured_at.as_microsecond(),
            actor: &event.actor,
            reason: &event.reason,
            body: &event.body,
            prev: event.prev.as_slice(),
            salt: event.salt.as_ref().map(B128::as_slice),
        }
    }

    fn write(&self, hash: Option<&B256>, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(b"{\"actor\":");
        text(out, self.actor);
        out.extend_from_slice(b",\"body\":");
        out.extend_from_slice(self.body.as_bytes());
        out.extend_from_slice(b",\"captured_at\":");
        number(out, self.captured_at);
        if let Some(hash) = hash {
            out.extend_from_slice(b",\"hash\":");
            bytes(out, hash.as_slice());
        }
        out.extend_from_slice(b",\"occurred_at\":");
        number(out, self.occurred_at);
        out.extend_from_slice(b",\"prev\":");
        bytes(out, self.prev);
        out.extend_from_slice(b",\"reason\":");
        text(out, self.reason);
        if let Some(salt) = self.salt {
            out.extend_from_slice(b",\"salt\":");
            bytes(out, salt);
        }
        out.extend_from_slice(b",\"seq\":");
        number(out, i64::try_from(self.seq).unwrap_or(i64::MAX));
        out.extend_from_slice(b",\"subject\":");
        text(out, self.subject);
        out.extend_from_slice(b",\"type\":");
        text(out, self.kind);
        out.push(b'}');
    }

    /// The canonical JSON that is hashed, into `out`.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        self.write(None, out);
    }

    /// The same with the hash as one more member, still canonical: a line of an export.
    pub(crate) fn write_json_with_hash(&self, hash: &B256, out: &mut Vec<u8>) {
        self.write(Some(hash), out);
    }

    /// The event's hash; `buffer` is reused from event to event.
    pub(crate) fn hash(&self, buffer: &mut Vec<u8>) -> B256 {
        self.write_json(buffer);
        B256::new(Sha256::digest(&buffer).into())
    }
}

/// `serde_json` escapes exactly as RFC 8785 requires (tested below).
fn text(out: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"\"0x");
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    // The slice has just been given exactly that length.
    let _ = hex::encode_to_slice(bytes, &mut out[start..]);
    out.push(b'"');
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
            account in any::<String>(), prev in any::<[u8; 32]>(), salt in any::<Option<[u8; 16]>>(),
        ) {
            let body = serde_jcs::to_string(&serde_json::json!({ "z": 1, "account": account })).unwrap();
            let columns = Columns {
                seq, kind: "note", subject: &subject, occurred_at, captured_at,
                actor: &actor, reason: &reason, body: &body, prev: &prev,
                salt: salt.as_ref().map(|salt| &salt[..]),
            };
            let mut ours = Vec::new();
            columns.write_json(&mut ours);
            let mut value = serde_json::json!({
                "seq": seq, "type": "note", "subject": subject, "occurred_at": occurred_at,
                "captured_at": captured_at, "actor": actor, "reason": reason,
                "body": { "account": account, "z": 1 }, "prev": B256::new(prev),
            });
            if let Some(salt) = salt {
                value["salt"] = format!("{}", B128::new(salt)).into();
            }
            prop_assert_eq!(String::from_utf8(ours).unwrap(), serde_jcs::to_string(&value).unwrap());
        }
    }
}
