//! What a failure means, in words.

use authority::text::Text;

/// One line for each failure from 1 on. One string without a table: each byte of constant data costs gas on every call.
const MESSAGES: &str = "paused
same order
bid not open
ask not open
bid is not a bid
ask is not an ask
same owner
other security
other quantity
other payment
bid expired
ask expired
bid epoch stale
ask epoch stale
bid wants another counterparty
ask wants another counterparty
prices do not cross
security not listed
ERC-1404 restriction
seller balance
seller allowance
buyer balance
buyer allowance
buyer blacklisted
seller blacklisted
payment paused
bid signature
ask signature
inexact leg
payment blocks this contract";

/// The words for `failure`, empty for a number without a meaning.
pub(crate) fn failure_message(failure: u8) -> Text {
    let line = usize::from(failure).checked_sub(1);
    let line = line.and_then(|line| MESSAGES.as_bytes().split(|&byte| byte == b'\n').nth(line));
    Text(line.unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::{super::checks::Failure, *};

    #[test]
    fn every_failure_has_its_words() {
        assert_eq!(failure_message(Failure::Paused as u8), Text::from("paused"));
        assert_eq!(
            failure_message(Failure::NoCross as u8),
            Text::from("prices do not cross")
        );
        assert_eq!(
            failure_message(Failure::Restricted as u8),
            Text::from("ERC-1404 restriction")
        );
        assert_eq!(
            failure_message(Failure::InexactLeg as u8),
            Text::from("inexact leg")
        );
        assert_eq!(
            failure_message(Failure::ContractBlacklisted as u8),
            Text::from("payment blocks this contract")
        );
        assert!((1..=30).all(|failure| !failure_message(failure).0.is_empty()));
    }

    #[test]
    fn other_numbers_have_none() {
        assert_eq!(failure_message(0), Text::from(""));
        assert_eq!(failure_message(31), Text::from(""));
        assert_eq!(failure_message(255), Text::from(""));
    }
}
