//! One act of a person on a contract: confirm, sign, send, wait, say what it did.

use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;
use serde_json::json;

use super::context::Context;
use super::failure::Result;
use super::stake::Stake;
use crate::render::{Answer, Sentence};

/// Sends one call with the wallet of a role; `words` say what it does, before and after: the values as they were read, never
/// as they were typed.
pub(super) async fn send<C: SolCall>(
    context: &Context,
    role: &str,
    to: Address,
    call: &C,
    words: impl Into<Sentence>,
) -> Result {
    let words = words.into();
    let signer = context.sender(role, words.clone())?;
    let receipt = context.chain().await?.execute(&signer, to, call).await?;
    let hash = receipt.transaction_hash;
    let data = json!({ "done": words.programs(), "transaction": hash, "gas": receipt.gas_used });
    let line = words.and(&format!("\n  transaction {hash}"));
    Ok(Answer::line(data, line))
}

/// As [`send`], for an act that moves an amount: a large share of the supply is typed again on a live profile.
pub(super) async fn move_amount<C: SolCall>(
    context: &Context,
    role: &str,
    to: Address,
    call: &C,
    stake: &Stake,
    words: impl Into<Sentence>,
) -> Result {
    stake.confirm(context).await?;
    send(context, role, to, call, words).await
}

/// A reason or reference as the contracts keep it: 1 to 32 characters, or 32 bytes in hexadecimal; never zero.
pub(super) fn reason(text: &str) -> std::result::Result<B256, String> {
    let code = match text.strip_prefix("0x").map(|_| text.parse::<B256>()) {
        Some(Ok(code)) => code,
        _ if text.len() > 32 => {
            return Err(format!(
                "{} characters, at most 32 are kept on chain",
                text.len()
            ));
        }
        _ if text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => {
            B256::right_padding_from(text.as_bytes())
        }
        _ => return Err("write ASCII letters, digits and punctuation".into()),
    };
    if code.is_zero() {
        Err("it is empty".into())
    } else {
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_up_to_32_characters_or_bytes_and_never_nothing() {
        assert_eq!(
            reason("court order 26-114"),
            Ok(B256::right_padding_from(b"court order 26-114"))
        );
        let bytes = B256::repeat_byte(7);
        assert_eq!(reason(&bytes.to_string()), Ok(bytes));
        for bad in ["", "a\nb", "ü", &"x".repeat(33), &B256::ZERO.to_string()] {
            assert!(reason(bad).is_err(), "{bad:?}");
        }
    }
}
