//! The messages of failures.

use runtime::messages;

messages! {
    /// The message of a failure, empty for a number without a meaning.
    pub(crate) fn failure_message {
        1 => "paused",
        2 => "same order",
        3 => "bid not open",
        4 => "ask not open",
        5 => "bid is not a bid",
        6 => "ask is not an ask",
        7 => "same owner",
        8 => "other security",
        9 => "other quantity",
        10 => "other payment",
        11 => "bid expired",
        12 => "ask expired",
        13 => "bid epoch stale",
        14 => "ask epoch stale",
        15 => "bid wants another counterparty",
        16 => "ask wants another counterparty",
        17 => "prices do not cross",
        18 => "security not listed",
        19 => "ERC-1404 restriction",
        20 => "seller balance",
        21 => "seller allowance",
        22 => "buyer balance",
        23 => "buyer allowance",
        24 => "buyer blacklisted",
        25 => "seller blacklisted",
        26 => "payment paused",
        27 => "bid signature",
        28 => "ask signature",
        29 => "inexact leg",
        30 => "payment blocks this contract",
        31 => "committed to another order",
        32 => "commitment required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use runtime::text::Text;

    use super::{super::checks::Failure, *};

    #[test]
    fn every_failure_has_its_message() {
        assert_eq!(failure_message(Failure::Paused as u8), Text::from("paused"));
        assert_eq!(
            failure_message(Failure::PricesDoNotCross as u8),
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
        assert_eq!(
            failure_message(Failure::CommitmentRequired as u8),
            Text::from("commitment required")
        );
        assert!((1..=32).all(|failure| !failure_message(failure).0.is_empty()));
    }

    #[test]
    fn other_numbers_have_none() {
        assert_eq!(failure_message(0), Text::from(""));
        assert_eq!(failure_message(33), Text::from(""));
        assert_eq!(failure_message(255), Text::from(""));
    }
}
