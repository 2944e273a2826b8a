//! Restriction codes and their messages. Codes are never renumbered; 0 to 3 keep the numbers and texts of tokensoft's
//! ERC-1404 tokens.

use runtime::messages;

/// No restriction.
pub(crate) const SUCCESS: u8 = 0;
/// A party is not registered, or the pair of their groups is closed.
pub(crate) const NOT_ALLOWED: u8 = 1;
/// The token is paused.
pub(crate) const TOKEN_PAUSED: u8 = 2;
/// The sender, recipient or spender is sanctioned.
pub(crate) const SANCTIONED: u8 = 3;
/// The recipient is zero or the token itself.
pub(crate) const INVALID_RECIPIENT: u8 = 4;
/// The sender is frozen.
pub(crate) const SENDER_FROZEN: u8 = 5;
/// The recipient is frozen.
pub(crate) const RECIPIENT_FROZEN: u8 = 6;
/// The spender is frozen.
pub(crate) const SPENDER_FROZEN: u8 = 7;
/// Frozen tokens would have to move.
pub(crate) const PARTLY_FROZEN: u8 = 8;
/// Locked tokens would have to move.
pub(crate) const LOCKED: u8 = 9;
/// Unvested tokens would have to move.
pub(crate) const NOT_VESTED: u8 = 10;
/// The recipient's investor would own too much.
pub(crate) const INVESTOR_CAP: u8 = 11;
/// There would be too many holders.
pub(crate) const HOLDER_CAP: u8 = 12;
/// There would be too many holders in the recipient's group, or in a class it belongs to.
pub(crate) const GROUP_HOLDER_CAP: u8 = 13;
/// The pair of groups is not open yet.
pub(crate) const NOT_OPEN_YET: u8 = 14;
/// The sender's or recipient's country is blocked.
pub(crate) const COUNTRY_BLOCKED: u8 = 15;
/// The sender's or recipient's KYC expired.
pub(crate) const KYC_EXPIRED: u8 = 16;
/// Not a multiple of the granularity, or a holding below the minimum would be left.
pub(crate) const INVALID_SIZE: u8 = 17;
/// The token is deactivated.
pub(crate) const DEACTIVATED: u8 = 18;
/// The supply cap would be exceeded.
pub(crate) const SUPPLY_CAP: u8 = 19;
/// Tokens held for a matched trade would have to move.
pub(crate) const HELD: u8 = 20;
/// The highest code in use.
pub(crate) const HIGHEST: u8 = HELD;

messages! {
    /// The text of a code.
    pub(crate) fn message {
        SUCCESS => "SUCCESS",
        NOT_ALLOWED => "The transfer was restricted due to white list configuration.",
        TOKEN_PAUSED => "The transfer was restricted due to the contract being paused.",
        SANCTIONED => "Restricted due to blacklist",
        INVALID_RECIPIENT => "Invalid recipient",
        SENDER_FROZEN => "Sender frozen",
        RECIPIENT_FROZEN => "Recipient frozen",
        SPENDER_FROZEN => "Spender frozen",
        PARTLY_FROZEN => "Partly frozen",
        LOCKED => "Locked up",
        NOT_VESTED => "Not vested",
        INVESTOR_CAP => "Investor cap",
        HOLDER_CAP => "Holder cap",
        GROUP_HOLDER_CAP => "Group holder cap",
        NOT_OPEN_YET => "Not open yet",
        COUNTRY_BLOCKED => "Country blocked",
        KYC_EXPIRED => "KYC expired",
        INVALID_SIZE => "Invalid size",
        DEACTIVATED => "Deactivated",
        SUPPLY_CAP => "Supply cap",
        HELD => "Tokens are held for a matched trade",
        _ => "Unknown restriction code",
    }
}
