//! One event as it goes over the wire (`text/event-stream`): written once for all readers.

use std::sync::Arc;

use serde_json::{Map, Value};

/// The lines of one event.
#[derive(Debug)]
pub(crate) struct Message {
    /// The event of the log that it reports; `None` for what is not in the log.
    seq: Option<u64>,
    text: Box<str>,
    /// Where each reader's own last id is inserted.
    after: Option<usize>,
}

impl Message {
    /// An event of the log. Its data states `after` which event of this stream it comes.
    pub(crate) fn logged(seq: u64, kind: &str, members: Map<String, Value>) -> Arc<Self> {
        let before = format!("id: {seq}\nevent: {kind}\ndata: {{\"after\":");
        let members = Value::Object(members).to_string();
        // An object's text is its members between two braces.
        let rest = members.strip_prefix('{').unwrap_or_default();
        let comma = if rest == "}" { "" } else { "," };
        let after = Some(before.len());
        let text = format!("{before}{comma}{rest}\n\n").into();
        let seq = Some(seq);
        Arc::new(Self { seq, text, after })
    }

    /// Something that is not in the log.
    pub(crate) fn passing(kind: &str, data: &Value) -> Arc<Self> {
        Arc::new(Self {
            seq: None,
            text: format!("event: {kind}\ndata: {data}\n\n").into(),
            after: None,
        })
    }

    /// Lines of any kind.
    pub(crate) fn plain(text: String) -> Arc<Self> {
        Arc::new(Self {
            seq: None,
            text: text.into(),
            after: None,
        })
    }

    /// Its data, as JSON; nothing if it depends on the reader.
    pub(crate) fn data(&self) -> Option<Value> {
        let (_, data) = self
            .text
            .split_once("\ndata: ")
            .filter(|_| self.after.is_none())?;
        serde_json::from_str(data).ok()
    }

    pub(crate) fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// How many bytes it takes, without its reader's own.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends it for a reader whose last id was `last`, and updates `last`.
    pub(crate) fn write(&self, out: &mut Vec<u8>, last: &mut u64) {
        match self.after {
            None => out.extend_from_slice(self.text.as_bytes()),
            Some(at) => {
                let (before, rest) = self.text.split_at(at);
                out.extend_from_slice(before.as_bytes());
                out.extend_from_slice(last.to_string().as_bytes());
                out.extend_from_slice(rest.as_bytes());
            }
        }
        *last = self.seq.unwrap_or(*last);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn each_reader_is_told_which_of_its_events_came_before() {
        let lot = Message::logged(17, "lot", members(json!({ "lot": "a\nb" })));
        let bare = Message::logged(18, "head", Map::new());
        let tick = Message::passing("tick", &json!({ "seq": 18 }));
        let (mut out, mut last) = (Vec::new(), 12);
        for message in [&lot, &tick, &bare] {
            message.write(&mut out, &mut last);
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "id: 17\nevent: lot\ndata: {\"after\":12,\"lot\":\"a\\nb\"}\n\n\
             event: tick\ndata: {\"seq\":18}\n\n\
             id: 18\nevent: head\ndata: {\"after\":17}\n\n"
        );
        assert_eq!((last, lot.seq(), tick.seq()), (18, Some(17), None));
        assert_eq!(
            (lot.data(), tick.data()),
            (None, Some(json!({ "seq": 18 })))
        );
    }
}
