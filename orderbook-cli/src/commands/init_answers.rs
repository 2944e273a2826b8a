//! Valid answers in `init`'s conversation; each function says what is wrong with an invalid one.

use book::board::staff::is_nobody;
use book::market::code;
use book::market::lei::Lei;
use book::market::literal::decimal;
use desk::wallet::keystore::check_name;

/// What an answer means, or why it is not valid.
type Read<T> = std::result::Result<T, String>;

/// Most bytes of a legal name, as the book keeps it.
const LEGAL_NAME: usize = 128;

/// Any text that is not empty.
pub(super) fn some(text: &str) -> Read<String> {
    match text {
        "" => Err("an answer is required".into()),
        text => Ok(text.to_owned()),
    }
}

/// An optional answer.
pub(super) fn maybe(text: &str) -> Read<Option<String>> {
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty() && text != "none"))
}

/// A name that everybody sees as it is.
pub(super) fn name(text: &str) -> Read<String> {
    code::check(text).map_err(|error| error.to_string())?;
    some(text)
}

/// Who acts.
pub(super) fn person(text: &str) -> Read<String> {
    if is_nobody(text) {
        return Err(format!("{text} is not a person: write a name"));
    }
    name(text)
}

/// What a wallet may be called.
pub(super) fn wallet_name(text: &str) -> Read<String> {
    check_name(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// A legal name, or none.
pub(super) fn legal_name(text: &str) -> Read<Option<String>> {
    let Some(text) = maybe(text)? else {
        return Ok(None);
    };
    if text.len() > LEGAL_NAME {
        return Err(format!(
            "it has {} bytes; at most {LEGAL_NAME} are allowed",
            text.len()
        ));
    }
    name(&text).map(Some)
}

/// A number of FINRA's Central Registration Depository.
pub(super) fn crd_number(text: &str) -> Read<u64> {
    match decimal::whole::<u64>(text) {
        Ok(0) => Err("a CRD number must be above zero".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

/// A legal entity identifier with its check digits.
pub(super) fn lei(text: &str) -> Read<String> {
    let lei = text.parse::<Lei>().map_err(|error| error.to_string())?;
    Ok(lei.to_string())
}

/// A chain id, or none.
pub(super) fn chain_id(text: &str) -> Read<Option<u64>> {
    let Some(text) = maybe(text)? else {
        return Ok(None);
    };
    match decimal::whole::<u64>(&text) {
        Ok(0) => Err("a chain id must be above zero".into()),
        Ok(id) => Ok(Some(id)),
        Err(error) => Err(error.to_string()),
    }
}

/// Where a node listens.
pub(super) fn endpoint(text: &str) -> Read<String> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(host) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "'{text}' is not an endpoint: write http://HOST:PORT or https://..."
        )),
    }
}

/// Where a book is kept.
pub(super) fn store_url(text: &str) -> Read<String> {
    let known = ["sqlite:", "postgres://", "postgresql://"];
    match known.iter().find_map(|start| text.strip_prefix(start)) {
        Some(rest) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "'{text}' is not a store: write sqlite:FILE or postgres://..."
        )),
    }
}
