//! The codes of the contracts, each with what it means and what to do about it. Numbers and names: `docs/interfaces`.

use std::fmt;

use serde::{Serialize, Serializer};

/// A type for the codes of one contract; every code has its number, its name, its meaning as the end of "it is refused
/// because ...", and who can do what about it.
macro_rules! codes {
    ($(#[$doc:meta])* $code:ident {
        $($number:literal $variant:ident $name:literal $meaning:literal, $remedy:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $code {
            $(#[doc = $meaning] $variant,)+
            /// A code that this version does not know.
            Unknown(u8),
        }

        impl $code {
            /// Every code, in the order of the numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number on chain.
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Unknown(number) => number,
                }
            }

            /// The name, in upper case.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(_) => "UNKNOWN",
                }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                    Self::Unknown(_) => "an unknown code",
                }
            }

            /// What to do about it; empty for nothing.
            pub fn remedy(self) -> &'static str {
                match self {
                    $(Self::$variant => $remedy,)+
                    Self::Unknown(_) => "ask the contract itself for its message",
                }
            }
        }

        impl From<u8> for $code {
            fn from(number: u8) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    other => Self::Unknown(other),
                }
            }
        }

        impl fmt::Display for $code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.number().fmt(f)
            }
        }

        impl Serialize for $code {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u8(self.number())
            }
        }
    };
}

codes! {
    /// ERC-1404 restriction codes of the security token.
    Restriction {
        0 Success "SUCCESS"
            "no restriction",
            "";
        1 NotAllowed "NOT_ALLOWED"
            "a wallet is not registered, or transfers between the two groups are not open",
            "register the wallet (orderbook token register SECURITY FILE) or open the groups (orderbook token group SECURITY FROM TO)";
        2 TokenPaused "TOKEN_PAUSED"
            "the security is paused",
            "wait until the issuer's pauser unpauses it";
        3 Sanctioned "SANCTIONED"
            "a party is sanctioned",
            "do not trade; report to compliance; only the enforcer can lift it";
        4 InvalidRecipient "INVALID_RECIPIENT"
            "the recipient is the zero address or the token itself",
            "use an investor's wallet";
        5 SenderFrozen "SENDER_FROZEN"
            "the sender's wallet is frozen",
            "ask the issuer's enforcer";
        6 RecipientFrozen "RECIPIENT_FROZEN"
            "the recipient's wallet is frozen",
            "ask the issuer's enforcer";
        7 SpenderFrozen "SPENDER_FROZEN"
            "the spender is frozen",
            "ask the issuer's enforcer";
        8 PartlyFrozen "PARTLY_FROZEN"
            "part of the sender's holding is frozen",
            "sell less, or ask the issuer's enforcer";
        9 Locked "LOCKED"
            "part of the sender's holding is locked up",
            "sell less, or wait for the release: orderbook token encumbrances SECURITY WALLET";
        10 NotVested "NOT_VESTED"
            "part of the sender's holding has not vested",
            "sell less, or wait for the next vesting date";
        11 InvestorCap "INVESTOR_CAP"
            "the recipient's investor would hold more than the limit",
            "buy less";
        12 HolderCap "HOLDER_CAP"
            "the security would have too many holders",
            "sell the whole position to a buyer who takes the seller's place";
        13 GroupHolderCap "GROUP_HOLDER_CAP"
            "the recipient's group would have too many holders",
            "sell to another group, or ask the issuer to raise the limit";
        14 NotOpenYet "NOT_OPEN_YET"
            "trading between these groups has not opened yet",
            "wait until the pair opens";
        15 CountryBlocked "COUNTRY_BLOCKED"
            "a party's country is blocked",
            "do not trade; ask the issuer's compliance officer";
        16 KycExpired "KYC_EXPIRED"
            "a party's KYC has expired",
            "renew the KYC and register the wallet again: orderbook token register SECURITY FILE";
        17 InvalidSize "INVALID_SIZE"
            "the quantity is not a multiple of the granularity, or would leave a holding below the minimum",
            "change the quantity";
        18 Deactivated "DEACTIVATED"
            "the security has been permanently deactivated",
            "none: it can no longer be traded";
        19 SupplyCap "SUPPLY_CAP"
            "the supply cap would be exceeded",
            "mint less, or have the admin raise the cap";
        20 Held "HELD"
            "part of the sender's holding is held for a matched trade",
            "sell less, or wait until the trade settles, is released or expires: orderbook token encumbrances SECURITY WALLET";
    }
}

codes! {
    /// Failure codes of the settlement contract's `preflight` and `SettlementRefused`.
    Failure {
        1 Paused "PAUSED"
            "the settlement contract is paused",
            "wait until its pauser unpauses it";
        2 SameOrder "SAME_ORDER"
            "bid and ask are the same order",
            "name two different orders";
        3 BidNotOpen "BID_NOT_OPEN"
            "the bid is not open on chain",
            "register it, settle with --signed, or run: orderbook sync";
        4 AskNotOpen "ASK_NOT_OPEN"
            "the ask is not open on chain",
            "register it, settle with --signed, or run: orderbook sync";
        5 BidNotABid "BID_NOT_A_BID"
            "the first order is not a bid",
            "swap the two ids";
        6 AskNotAnAsk "ASK_NOT_AN_ASK"
            "the second order is not an ask",
            "swap the two ids";
        7 SameOwner "SAME_OWNER"
            "buyer and seller are the same wallet",
            "match orders of two different owners";
        8 OtherSecurity "OTHER_SECURITY"
            "the orders are in different securities",
            "match orders in the same security";
        9 OtherQuantity "OTHER_QUANTITY"
            "the quantities differ, and there are no partial fills",
            "match orders of the same quantity";
        10 OtherPayment "OTHER_PAYMENT"
            "the orders name different payment tokens",
            "match orders in the same coin";
        11 BidExpired "BID_EXPIRED"
            "the bid has expired",
            "ask the buyer for a new order";
        12 AskExpired "ASK_EXPIRED"
            "the ask has expired",
            "ask the seller for a new order";
        13 BidEpochStale "BID_EPOCH_STALE"
            "the buyer has cancelled every earlier order",
            "ask the buyer for a new order";
        14 AskEpochStale "ASK_EPOCH_STALE"
            "the seller has cancelled every earlier order",
            "ask the seller for a new order";
        15 BidOtherCounterparty "BID_OTHER_COUNTERPARTY"
            "the bid names another counterparty",
            "match it with the counterparty it names";
        16 AskOtherCounterparty "ASK_OTHER_COUNTERPARTY"
            "the ask names another counterparty",
            "match it with the counterparty it names";
        17 PricesDoNotCross "PRICES_DO_NOT_CROSS"
            "the bid's limit is below the ask's",
            "ask one of them for a new limit";
        18 SecurityNotListed "SECURITY_NOT_LISTED"
            "the security is not listed",
            "have the admin admit it: orderbook token admit SECURITY";
        19 Restricted "RESTRICTED"
            "the security restricts the transfer",
            "see the restriction";
        20 SellerBalance "SELLER_BALANCE"
            "the seller holds too little of the security",
            "ask the seller to deliver";
        21 SellerAllowance "SELLER_ALLOWANCE"
            "the seller has not approved the settlement contract for the quantity",
            "have the seller run: orderbook approve SECURITY QUANTITY";
        22 BuyerBalance "BUYER_BALANCE"
            "the buyer holds too little cash",
            "ask the buyer to fund the wallet";
        23 BuyerAllowance "BUYER_ALLOWANCE"
            "the buyer has not approved the settlement contract for the cash",
            "have the buyer run: orderbook approve coin AMOUNT";
        24 BuyerBlacklisted "BUYER_BLACKLISTED"
            "the coin's issuer has blacklisted the buyer",
            "do not trade; report to compliance";
        25 SellerBlacklisted "SELLER_BLACKLISTED"
            "the coin's issuer has blacklisted the seller",
            "do not trade; report to compliance";
        26 PaymentPaused "PAYMENT_PAUSED"
            "the coin is paused",
            "wait until its issuer unpauses it";
        27 BidSignature "BID_SIGNATURE"
            "the bid's signature is not from its owner",
            "ask the buyer to sign again";
        28 AskSignature "ASK_SIGNATURE"
            "the ask's signature is not from its owner",
            "ask the seller to sign again";
        29 InexactLeg "INEXACT_LEG"
            "a leg did not move exactly the agreed amount",
            "do not trade this token: it charges a fee or misreports balances";
        30 ContractBlacklisted "CONTRACT_BLACKLISTED"
            "the coin's issuer has blacklisted the settlement contract",
            "ask the coin's issuer";
        31 OtherCommitment "OTHER_COMMITMENT"
            "an order is committed to another order",
            "settle or release that match, or wait until its commitment ends: orderbook match list --state committed";
        32 CommitmentRequired "COMMITMENT_REQUIRED"
            "the settlement contract settles committed matches only",
            "have a principal commit the match: orderbook match approve MATCH --commit";
    }
}

#[cfg(test)]
mod tests {
    use book::market::record::OrderState;

    use super::*;

    #[test]
    fn codes_are_numbered_without_gap_and_named_once() {
        for (index, code) in Restriction::ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), index);
            assert_eq!(Restriction::from(code.number()), *code);
        }
        for (index, code) in Failure::ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), index + 1);
            assert_eq!(Failure::from(code.number()), *code);
        }
    }

    /// `docs/interfaces/codes.json` is what the contracts' own tests are checked against.
    #[test]
    fn codes_have_the_names_and_numbers_of_the_published_interface() {
        let published = include_str!("../../../docs/interfaces/codes.json");
        let published: serde_json::Value = serde_json::from_str(published).unwrap();
        let restrictions = Restriction::ALL.iter();
        let restrictions: serde_json::Map<_, _> = restrictions
            .map(|code| (code.name().to_owned(), code.number().into()))
            .collect();
        assert_eq!(published["restrictions"], serde_json::json!(restrictions));
        let failures = Failure::ALL.iter();
        let failures: serde_json::Map<_, _> = failures
            .map(|code| (code.name().to_owned(), code.number().into()))
            .collect();
        assert_eq!(published["failures"], serde_json::json!(failures));
        let states = published["orderStates"].as_object().unwrap();
        for (name, number) in states {
            let number = u8::try_from(number.as_u64().unwrap()).unwrap();
            let known = OrderState::of_code(number).map(OrderState::as_str);
            assert_eq!(known.unwrap_or("NONE"), name);
        }
        assert_eq!(states.len(), 4);
    }

    #[test]
    fn an_unknown_code_keeps_its_number() {
        assert_eq!(Restriction::from(77).number(), 77);
        assert_eq!(Failure::from(0).name(), "UNKNOWN");
        assert_eq!(serde_json::json!(Failure::from(200)), 200);
    }
}
