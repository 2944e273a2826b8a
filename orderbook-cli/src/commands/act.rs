//! One act of a person on a contract: confirm, sign, send, wait, say what it did.

use alloy::primitives::{Address, B256};
use desk::carry;
use desk::chain::Target;
use desk::chain::act::{Act, Provable};
use desk::propose::batch::Call;
use desk::signing::signer::Signer;
use serde_json::json;

use super::context::Context;
use super::failure::Result;
use super::propose;
use super::stake::Stake;
use crate::render::{Answer, Sentence};

/// Sends one call with the wallet of a role, or proposes it to a Safe. `words` describe it before and after, with the
/// values as they were parsed, not as they were typed.
pub(super) async fn send<C: Provable>(
    context: &Context,
    role: &str,
    to: Address,
    call: &C,
    words: impl Into<Sentence>,
) -> Result {
    send_to(context, role, context.target(C::KINDS, to)?, call, words).await
}

/// As [`send`], for a function that several kinds of contract have.
pub(super) async fn send_to<C: Provable>(
    context: &Context,
    role: &str,
    to: Target,
    call: &C,
    words: impl Into<Sentence>,
) -> Result {
    let words = words.into();
    let hand = context.hand(role, words.clone())?;
    let ground = context.ground().await?;
    let contract = ground.contract(to).await?;
    by(context, &contract.act(call.clone()), &hand, words).await
}

/// Who carries out an act of a role: a key, at once, or a Safe, to which it is proposed.
pub(super) enum Hand {
    /// The wallet of the role.
    Key(Signer),
    /// The Safe that `--from` names.
    Safe(Address),
}

impl Hand {
    /// The account that acts.
    pub(super) fn address(&self) -> Address {
        match self {
            Self::Key(signer) => signer.address(),
            Self::Safe(safe) => *safe,
        }
    }
}

/// Carries out an act on a checked contract, or proposes it, and reports it.
pub(super) async fn by<C: Provable>(
    context: &Context,
    act: &Act<C>,
    hand: &Hand,
    words: impl Into<Sentence>,
) -> Result {
    match hand {
        Hand::Key(signer) => carry_out(context, act, signer, words).await,
        Hand::Safe(safe) => {
            let (to, data) = act.call();
            let words = words.into();
            let proposed =
                propose::propose(context, act.chain(), *safe, vec![Call { to, data }], &words)
                    .await?;
            Ok(proposed.answer(&words))
        }
    }
}

/// As [`send`], for an act that moves an amount: on a live profile, a large share of the supply must be typed again.
pub(super) async fn move_amount<C: Provable>(
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

/// Carries out an act on a checked contract, and reports it.
pub(super) async fn carry_out<C: Provable>(
    context: &Context,
    act: &Act<C>,
    signer: &Signer,
    words: impl Into<Sentence>,
) -> Result {
    let words = words.into();
    let journal = context.journal();
    let carried = carry::carry_out(act, signer, &journal, words.programs()).await?;
    let hash = carried.done.hash();
    let mut data = json!({ "done": words.programs(), "transaction": hash, "gas": carried.done.receipt.gas_used });
    let mut line = words.and(&format!("\n  transaction {hash}"));
    if let Some(at) = carried.earlier {
        data["sent_earlier"] = json!(at);
        line = line.and(&format!(
            "\n  sent at {at} by an earlier run of this command; nothing was sent now: run it again to do it once more"
        ));
    }
    context.say(hash);
    Ok(Answer::line(data, line))
}

/// The answer when the chain is already in the state that an act would bring about, so that nothing would be logged.
pub(super) fn already(words: &str) -> Answer {
    let data = json!({ "done": words, "already": true });
    Answer::line(data, format!("{words} already: nothing was sent"))
}

/// A reason or reference as the contracts keep it: 1 to 32 characters, or 32 bytes in hexadecimal; never zero.
pub(super) fn reason(text: &str) -> std::result::Result<B256, String> {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic();
    let code = match text.strip_prefix("0x").map(|_| text.parse::<B256>()) {
        Some(Ok(code)) => code,
        _ if !text.chars().all(plain) => {
            return Err("use only ASCII letters, digits and punctuation".into());
        }
        _ if text.len() > 32 => {
            return Err(format!(
                "it has {} characters; at most 32 fit on chain",
                text.len()
            ));
        }
        _ => B256::right_padding_from(text.as_bytes()),
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
