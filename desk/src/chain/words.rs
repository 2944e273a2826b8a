//! The codes of the two contracts in words, each with its remedy. Numbers and meanings: `docs/interfaces`.

/// One code: its number, a machine-readable name, what it means, what to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code {
    /// The number on chain.
    pub number: u8,
    /// A stable name.
    pub name: &'static str,
    /// The meaning, as the end of "it is refused because ...".
    pub meaning: &'static str,
    /// Who can do what about it.
    pub remedy: &'static str,
}

const fn code(number: u8, name: &'static str, meaning: &'static str, remedy: &'static str) -> Code {
    Code {
        number,
        name,
        meaning,
        remedy,
    }
}

/// ERC-1404 restriction codes of the security token.
pub(crate) const RESTRICTIONS: [Code; 20] = [
    code(0, "SUCCESS", "no restriction", ""),
    code(
        1,
        "NOT_IN_REGISTRY",
        "a party or the pair of their groups is not in the registry's rules",
        "register the wallet or open the group pair: orderbook token register, token group",
    ),
    code(
        2,
        "TOKEN_PAUSED",
        "the security is paused",
        "wait until the issuer's pauser unpauses it",
    ),
    code(
        3,
        "SANCTIONED",
        "a party is sanctioned",
        "do not trade; report to compliance; only the enforcer can lift it",
    ),
    code(
        4,
        "INVALID_RECIPIENT",
        "the recipient is the zero address or the token itself",
        "use an investor's wallet",
    ),
    code(
        5,
        "SENDER_FROZEN",
        "the sender's wallet is frozen",
        "ask the issuer's enforcer",
    ),
    code(
        6,
        "RECIPIENT_FROZEN",
        "the recipient's wallet is frozen",
        "ask the issuer's enforcer",
    ),
    code(
        7,
        "SPENDER_FROZEN",
        "the spender is frozen",
        "ask the issuer's enforcer",
    ),
    code(
        8,
        "PARTLY_FROZEN",
        "part of the sender's holding is frozen",
        "sell less, or ask the issuer's enforcer",
    ),
    code(
        9,
        "LOCKED_UP",
        "part of the sender's holding is locked up",
        "sell less, or wait for the release: orderbook token locks",
    ),
    code(
        10,
        "NOT_VESTED",
        "part of the sender's holding has not vested",
        "sell less, or wait for the next vesting date",
    ),
    code(
        11,
        "OWNERSHIP_LIMIT",
        "the recipient's investor would own too much",
        "buy less",
    ),
    code(
        12,
        "HOLDER_LIMIT",
        "the security would have too many holders",
        "sell a whole position, so that the seller makes room",
    ),
    code(
        13,
        "GROUP_HOLDER_LIMIT",
        "the recipient's group would have too many holders",
        "sell to another group, or ask the issuer to raise the limit",
    ),
    code(
        14,
        "PAIR_NOT_OPEN_YET",
        "trading between these groups has not opened yet",
        "wait until the pair opens",
    ),
    code(
        15,
        "COUNTRY_BLOCKED",
        "a party's country is blocked",
        "do not trade; ask the issuer's compliance officer",
    ),
    code(
        16,
        "KYC_EXPIRED",
        "a party's KYC has expired",
        "renew the KYC and register the wallet again: orderbook token register",
    ),
    code(
        17,
        "GRANULARITY",
        "the quantity is no multiple of the granularity or leaves a holding below the minimum",
        "change the quantity",
    ),
    code(
        18,
        "DEACTIVATED",
        "the security is deactivated for ever",
        "nothing: it trades no more",
    ),
    code(
        19,
        "SUPPLY_CAP",
        "the supply cap would be exceeded",
        "mint less, or have the admin raise the cap",
    ),
];

/// Failure codes of the settlement contract's `preflight` and `SettlementRefused`.
pub(crate) const FAILURES: [Code; 30] = [
    code(
        1,
        "PAUSED",
        "the settlement contract is paused",
        "wait until its pauser unpauses it",
    ),
    code(
        2,
        "SAME_ORDER",
        "bid and ask are the same order",
        "name two orders",
    ),
    code(
        3,
        "BID_NOT_OPEN",
        "the bid is not open on chain",
        "register it, settle with --signed, or run: orderbook sync",
    ),
    code(
        4,
        "ASK_NOT_OPEN",
        "the ask is not open on chain",
        "register it, settle with --signed, or run: orderbook sync",
    ),
    code(
        5,
        "BID_IS_NOT_A_BID",
        "the first order does not buy",
        "exchange the two ids",
    ),
    code(
        6,
        "ASK_IS_NOT_AN_ASK",
        "the second order does not sell",
        "exchange the two ids",
    ),
    code(
        7,
        "SAME_OWNER",
        "buyer and seller are the same wallet",
        "match orders of two owners",
    ),
    code(
        8,
        "OTHER_SECURITY",
        "the orders are in different securities",
        "match orders in the same security",
    ),
    code(
        9,
        "OTHER_QUANTITY",
        "the quantities differ, and there are no partial fills",
        "match orders of the same quantity",
    ),
    code(
        10,
        "OTHER_PAYMENT",
        "the orders name different payment tokens",
        "match orders in the same coin",
    ),
    code(
        11,
        "BID_EXPIRED",
        "the bid has expired",
        "ask the buyer for a new order",
    ),
    code(
        12,
        "ASK_EXPIRED",
        "the ask has expired",
        "ask the seller for a new order",
    ),
    code(
        13,
        "BID_EPOCH_STALE",
        "the buyer cancelled all orders after signing this one",
        "ask the buyer for a new order",
    ),
    code(
        14,
        "ASK_EPOCH_STALE",
        "the seller cancelled all orders after signing this one",
        "ask the seller for a new order",
    ),
    code(
        15,
        "BID_OTHER_COUNTERPARTY",
        "the bid may meet another counterparty only",
        "match it with the owner it names",
    ),
    code(
        16,
        "ASK_OTHER_COUNTERPARTY",
        "the ask may meet another counterparty only",
        "match it with the owner it names",
    ),
    code(
        17,
        "PRICES_DO_NOT_CROSS",
        "the bid's limit is below the ask's",
        "ask one of them for a new limit",
    ),
    code(
        18,
        "SECURITY_NOT_LISTED",
        "the security is not listed",
        "have the admin list it: orderbook token list-security",
    ),
    code(
        19,
        "RESTRICTED",
        "the security refuses the transfer",
        "see the restriction",
    ),
    code(
        20,
        "SELLER_BALANCE",
        "the seller holds too little of the security",
        "ask the seller to deliver",
    ),
    code(
        21,
        "SELLER_ALLOWANCE",
        "the seller has not approved the settlement contract for the quantity",
        "have the seller run: orderbook approve SECURITY",
    ),
    code(
        22,
        "BUYER_BALANCE",
        "the buyer holds too little cash",
        "ask the buyer to fund the wallet",
    ),
    code(
        23,
        "BUYER_ALLOWANCE",
        "the buyer has not approved the settlement contract for the cash",
        "have the buyer run: orderbook approve COIN",
    ),
    code(
        24,
        "BUYER_BLACKLISTED",
        "the coin's issuer has blacklisted the buyer",
        "do not trade; report to compliance",
    ),
    code(
        25,
        "SELLER_BLACKLISTED",
        "the coin's issuer has blacklisted the seller",
        "do not trade; report to compliance",
    ),
    code(
        26,
        "PAYMENT_PAUSED",
        "the coin is paused",
        "wait until its issuer unpauses it",
    ),
    code(
        27,
        "BID_SIGNATURE",
        "the bid's signature is not its owner's",
        "ask the buyer to sign again",
    ),
    code(
        28,
        "ASK_SIGNATURE",
        "the ask's signature is not its owner's",
        "ask the seller to sign again",
    ),
    code(
        29,
        "LEG_NOT_EXACT",
        "a leg did not move exactly what it should",
        "do not trade this token: it charges fees or misreports balances",
    ),
    code(
        30,
        "PAYMENT_BLOCKS_CONTRACT",
        "the coin's issuer has blacklisted the settlement contract",
        "ask the coin's issuer",
    ),
];

/// What an unknown code is called.
const UNKNOWN: Code = code(
    255,
    "UNKNOWN",
    "an unknown code",
    "ask the contract itself for its message",
);

/// The restriction of that number.
pub fn restriction(number: u8) -> Code {
    find(&RESTRICTIONS, number)
}

/// The settlement failure of that number.
pub fn failure(number: u8) -> Code {
    find(&FAILURES, number)
}

fn find(codes: &[Code], number: u8) -> Code {
    codes
        .iter()
        .copied()
        .find(|c| c.number == number)
        .unwrap_or(Code { number, ..UNKNOWN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_gap() {
        for (index, code) in RESTRICTIONS.iter().enumerate() {
            assert_eq!(usize::from(code.number), index);
        }
        for (index, code) in FAILURES.iter().enumerate() {
            assert_eq!(usize::from(code.number), index + 1);
        }
    }

    #[test]
    fn an_unknown_code_keeps_its_number() {
        assert_eq!(restriction(77).number, 77);
        assert_eq!(failure(0).name, "UNKNOWN");
    }
}
