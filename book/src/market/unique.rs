//! JSON in which no object has a member twice, as RFC 8785 requires (I-JSON): two readers then see the same.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads JSON from outside.
///
/// # Errors
/// It is not JSON, a member appears twice in an object at any depth, or it is not a `T`.
pub fn from_slice<'a, T: Deserialize<'a>>(text: &'a [u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<Unique>(text)?;
    serde_json::from_slice(text)
}

/// As [`from_slice`].
///
/// # Errors
/// As [`from_slice`].
pub fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    from_slice(text.as_bytes())
}

/// Reads the documents in a text, one after the other.
///
/// # Errors
/// As [`from_slice`], for the first document that is wrong.
pub fn documents<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<Vec<T>> {
    let mut every = serde_json::Deserializer::from_str(text).into_iter::<Unique>();
    every.try_for_each(|read| read.map(|_| ()))?;
    serde_json::Deserializer::from_str(text)
        .into_iter::<T>()
        .collect()
}

/// A value read this way.
struct Unique(Value);

/// For `#[serde(deserialize_with)]`.
///
/// # Errors
/// The deserializer's; a member appears twice.
pub fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Unique::deserialize(deserializer).map(|Unique(value)| value)
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is not finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unique(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, Unique>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("member \"{name}\" appears twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Value, String> {
        let read = serde_json::from_str::<Unique>(text);
        read.map(|Unique(value)| value)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": {"b": null, "c": 0, "b": 2}}"#,
            r#"[1, [{"a": 1, "\u0061": 2}]]"#,
        ] {
            assert!(read(text).unwrap_err().contains("appears twice"), "{text}");
        }
        let fine = r#"[{"a": 1, "b": {"a": 2}}, {"a": true, "A": -1.5}]"#;
        assert_eq!(
            read(fine).unwrap(),
            serde_json::from_str::<Value>(fine).unwrap()
        );
    }

    #[test]
    fn documents_are_read_one_behind_the_other_and_each_is_looked_at() {
        let read = documents::<Value>("{\"a\": 1}\n{\"a\": 2}").unwrap();
        assert_eq!(read.len(), 2);
        let refused = documents::<Value>("{\"a\": 1}\n{\"a\": 2, \"a\": 3}").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "member \"a\" appears twice at line 2 column 16"
        );
        assert!(from_str::<Value>("{\"a\": {\"b\": 0, \"b\": 0}}").is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn everything_else_is_read_as_it_is(value in json()) {
            let text = value.to_string();
            prop_assert_eq!(read(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}
