//! Revert data in words.
//!
//! Every custom error of the three ABIs has a sentence that names the actor, what was found and what was needed. Errors
//! that several contracts share are decoded by the first that has them: their selectors and meanings are the same.

use std::fmt;

use alloy::primitives::{B256, U256, hex};
use alloy::sol_types::{Panic, Revert as RevertString, SolError, SolInterface};
use book::market::amount::{plain_dollars as dollars, time};
use book::market::record::OrderState;

use super::abi::ArbWasm::ArbWasmErrors;
use super::abi::IDvPSettlement::IDvPSettlementErrors as Dvp;
use super::abi::ISecurityToken::ISecurityTokenErrors as Token;
use super::abi::ITsUSDC::ITsUSDCErrors as Coin;
use super::abi::{named_groups, role_name};
use super::codes::{Failure, Restriction};
use super::published::Published;

/// Whether a rule or a missing role is behind a revert: the two have different exit codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// A rule of the contract.
    Rule,
    /// A role or signature is missing.
    Authority,
}

/// A decoded revert.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revert {
    /// The error's name in the ABI, or `Error`, `Panic`, `Empty`, `Unknown`.
    pub name: String,
    /// The sentence.
    pub words: String,
    /// What to do about it, when that is known.
    pub remedy: Option<String>,
    /// Rule or authority.
    pub cause: Cause,
    /// The ERC-1404 code, when the security refused.
    pub restriction: Option<Restriction>,
    /// The settlement contract's failure code, when it refused.
    pub failure: Option<Failure>,
    /// What must be paid, in wei, if too little was.
    pub fee: Option<Box<U256>>,
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Revert {
    /// Decodes revert data; never fails, unknown data is shown as it is.
    pub(crate) fn decode(data: &[u8]) -> Self {
        if data.is_empty() {
            return Self::new(
                "Empty",
                "the contract reverted without a reason (a trap, or no such function)",
            );
        }
        if let Ok(error) = Dvp::abi_decode(data) {
            return settlement(&error);
        }
        if let Ok(error) = Token::abi_decode(data) {
            return token(error, data);
        }
        if let Ok(error) = Coin::abi_decode(data) {
            return coin(&error, data);
        }
        if let Ok(error) = ArbWasmErrors::abi_decode(data) {
            return activation(&error);
        }
        if let Ok(error) = RevertString::abi_decode(data) {
            return Self::new("Error", error.reason);
        }
        if let Ok(panic) = Panic::abi_decode(data) {
            return Self::new("Panic", panic.to_string());
        }
        published(data)
    }

    fn new(name: &str, words: impl Into<String>) -> Self {
        Self {
            name: name.to_string(),
            words: words.into(),
            remedy: None,
            cause: Cause::Rule,
            restriction: None,
            failure: None,
            fee: None,
        }
    }

    fn authority(name: &str, words: impl Into<String>, remedy: &str) -> Self {
        Self {
            cause: Cause::Authority,
            ..Self::new(name, words).remedy(remedy)
        }
    }

    fn remedy(mut self, remedy: &str) -> Self {
        self.remedy = (!remedy.is_empty()).then(|| remedy.to_string());
        self
    }

    fn restricted(code: Restriction) -> Self {
        let words = format!("restriction {code}: {}", code.meaning());
        Self {
            restriction: Some(code),
            ..Self::new("TransferRestricted", words).remedy(code.remedy())
        }
    }
}

fn missing_role(account: impl fmt::Display, role: B256) -> Revert {
    let role = role_name(role);
    Revert::authority(
        "AccessControlUnauthorizedAccount",
        format!("{account} does not have the role {role}"),
        "send with a wallet that has the role (--wallet), or have the admin grant it: orderbook role grant CONTRACT ROLE WALLET",
    )
}

const ADMIN_RULES: &str = "the default admin is transferred only in two steps (begin, then accept), never granted or revoked";

fn settlement(error: &Dvp) -> Revert {
    match error {
        Dvp::SettlementRefused(e) => {
            let failure = Failure::from(e.failure);
            let restriction =
                (failure == Failure::Restricted).then(|| Restriction::from(e.restrictionCode));
            let (words, remedy) = match restriction {
                Some(code) => (
                    format!("refused: restriction {code}: {}", code.meaning()),
                    code.remedy(),
                ),
                None => (
                    format!("refused ({failure}): {}", failure.meaning()),
                    failure.remedy(),
                ),
            };
            Revert {
                failure: Some(failure),
                restriction,
                ..Revert::new("SettlementRefused", words).remedy(remedy)
            }
        }
        Dvp::OrderNotRegistrable(e) => Revert::new(
            "OrderNotRegistrable",
            format!("order {} is already {} on chain", e.id, state(e.state)),
        ),
        Dvp::InvalidOrder(e) => Revert::new(
            "InvalidOrder",
            format!("the order's field '{}' is not valid", field(e.field)),
        )
        .remedy("sign a new order"),
        Dvp::InvalidSignature(e) => Revert::authority(
            "InvalidSignature",
            format!("the signature is not from {}", e.owner),
            "sign again",
        ),
        Dvp::NotOrderOwner(e) => Revert::authority(
            "NotOrderOwner",
            format!(
                "{} is neither the owner of order {} nor an operator",
                e.caller, e.id
            ),
            "send with the owner's wallet",
        ),
        Dvp::OrderNotCancellable(e) => Revert::new(
            "OrderNotCancellable",
            format!(
                "order {} is {} and cannot be cancelled",
                e.id,
                state(e.state)
            ),
        ),
        Dvp::NotASecurity(e) => Revert::new(
            "NotASecurity",
            format!(
                "{} is the coin, or does not report its transfer rules (ERC-1404)",
                e.token
            ),
        ),
        Dvp::NotAContract(e) => Revert::new(
            "NotAContract",
            format!("there is no contract at {}", e.account),
        ),
        Dvp::EnforcedPause(_) => Revert::new("EnforcedPause", "the contract is paused")
            .remedy("wait until its admin resumes it"),
        Dvp::ExpectedPause(_) => {
            Revert::new("ExpectedPause", "the contract is not paused").remedy("pause it first")
        }
        Dvp::AccessControlUnauthorizedAccount(e) => missing_role(e.account, e.neededRole),
        Dvp::AccessControlInvalidDefaultAdmin(e) => Revert::authority(
            "AccessControlInvalidDefaultAdmin",
            format!("{} is not the pending default admin", e.account),
            "",
        ),
        Dvp::AccessControlEnforcedDefaultAdminRules(_) => {
            Revert::authority("AccessControlEnforcedDefaultAdminRules", ADMIN_RULES, "")
        }
        Dvp::RolesExclude(e) => roles_exclude(e.role, e.other),
        Dvp::CommitmentTime(_)
        | Dvp::OrderCommittedBefore(_)
        | Dvp::NoHolds(_)
        | Dvp::OrderCommitted(_)
        | Dvp::NotCommitted(_) => commitment(error),
    }
}

/// What prevents a commitment, or is prevented by one.
fn commitment(error: &Dvp) -> Revert {
    match error {
        Dvp::CommitmentTime(e) => Revert::new(
            "CommitmentTime",
            format!(
                "a commitment until {} is not possible; the latest is {}",
                time(e.until),
                time(e.latest)
            ),
        )
        .remedy("commit for a shorter time: --for 24h"),
        Dvp::OrderCommittedBefore(e) => Revert::new(
            "OrderCommittedBefore",
            format!(
                "order {} was committed before, and an order can be committed only once",
                e.id
            ),
        )
        .remedy("ask its owner for a new order"),
        Dvp::NoHolds(e) => Revert::new(
            "NoHolds",
            format!(
                "the token {} does not support holds, so it cannot be committed",
                e.token
            ),
        )
        .remedy("settle the match uncommitted, if the contract allows it"),
        Dvp::OrderCommitted(e) => Revert::new(
            "OrderCommitted",
            format!(
                "order {} is committed to a matched trade until {} and cannot be cancelled before then",
                e.id,
                time(e.until)
            ),
        )
        .remedy("let it settle, or have the broker-dealer release it: orderbook match release MATCH --reason REASON"),
        Dvp::NotCommitted(e) => Revert::new(
            "NotCommitted",
            format!(
                "bid {} and ask {} are not committed to each other",
                e.bid, e.ask
            ),
        )
        .remedy("see: orderbook match list"),
        other => unknown(&other.abi_encode()),
    }
}

fn roles_exclude(role: B256, other: B256) -> Revert {
    Revert::authority(
        "RolesExclude",
        format!(
            "{} and {} exclude each other: no account can have both",
            role_name(role),
            role_name(other)
        ),
        "use another account, or take the other role away first: orderbook role revoke CONTRACT ROLE WALLET",
    )
}

fn token(error: Token, data: &[u8]) -> Revert {
    match error {
        Token::TransferRestricted(e) => Revert::restricted(e.code.into()),
        Token::ERC20InsufficientBalance(e) => balance(e.sender, e.balance, e.needed),
        Token::ERC20InsufficientAllowance(e) => Revert::new(
            "ERC20InsufficientAllowance",
            format!(
                "{} may spend {} base units but needs {}",
                e.spender, e.allowance, e.needed
            ),
        )
        .remedy("have the holder approve: orderbook approve SECURITY QUANTITY"),
        Token::ERC20InvalidSpender(e) => Revert::new(
            "ERC20InvalidSpender",
            format!("{} cannot be a spender", e.spender),
        ),
        Token::ERC20InvalidApprover(e) => Revert::new(
            "ERC20InvalidApprover",
            format!("{} cannot approve", e.approver),
        ),
        Token::SignatureExpired(e) => expired(e.deadline, e.now_),
        other => hold(&other)
            .or_else(|| registry(&other))
            .unwrap_or_else(|| published(data)),
    }
}

/// What prevents a hold, at both tokens alike.
fn hold(error: &Token) -> Option<Revert> {
    Some(match error {
        Token::TooManyHolds(e) => Revert::new(
            "TooManyHolds",
            format!(
                "{} already has 8 live holds, the most a wallet can have",
                e.owner
            ),
        )
        .remedy("wait until one of its matched trades settles, is released or ends"),
        Token::HoldExists(e) => Revert::new(
            "HoldExists",
            format!(
                "{} already holds tokens of {} under {}",
                e.placer, e.owner, e.id
            ),
        ),
        Token::NoHold(e) => Revert::new(
            "NoHold",
            format!(
                "{} does not hold any tokens of {} under {}",
                e.placer, e.owner, e.id
            ),
        ),
        Token::HoldTime(e) => Revert::new(
            "HoldTime",
            format!(
                "a hold until {} is not possible; the latest is {}",
                time(e.until),
                time(e.latest)
            ),
        ),
        Token::HoldAmount(e) => Revert::new(
            "HoldAmount",
            format!(
                "{} base units cannot be held or used; the most is {}",
                e.amount, e.most
            ),
        ),
        _ => return None,
    })
}

/// What the registry refuses about investors, classes and times.
fn registry(error: &Token) -> Option<Revert> {
    Some(match error {
        Token::InvestorDiffers(e) => Revert::new(
            "InvestorDiffers",
            format!(
                "the investor's other wallets are in group {}, country {:03}",
                e.group, e.country
            ),
        )
        .remedy("change all wallets of the investor at once: orderbook token investor SECURITY CODE --group GROUP --country COUNTRY --kyc-expiry DAY"),
        Token::InvestorNotFound(e) => Revert::new(
            "InvestorNotFound",
            format!("no wallet is registered for the investor {}", e.investorId),
        )
        .remedy("register one: orderbook token register SECURITY FILE"),
        Token::WalletReplaced(e) => Revert::new(
            "WalletReplaced",
            format!(
                "the wallet {} was lost and {} took its place: it can never be registered again",
                e.wallet, e.successor
            ),
        )
        .remedy("use another wallet"),
        Token::WalletOfAnotherInvestor(e) => Revert::new(
            "WalletOfAnotherInvestor",
            format!(
                "the wallet {} is not one of the investor {}",
                e.wallet, e.investorId
            ),
        )
        .remedy("register it for the same investor first: orderbook token register SECURITY FILE"),
        Token::TimeTooFar(e) => Revert::new(
            "TimeTooFar",
            format!(
                "{} is more than 200 years ahead; the latest is {}",
                time(e.time),
                time(e.latest)
            ),
        )
        .remedy("write an earlier time"),
        Token::TooManyClasses(e) => Revert::new(
            "TooManyClasses",
            format!("the security already has {} classes, the most it can have", e.limit),
        )
        .remedy("remove one: orderbook token class-limit SECURITY GROUPS 0"),
        Token::ClassNotFound(e) => Revert::new(
            "ClassNotFound",
            format!(
                "groups {} are not a class of the security",
                named_groups(e.groups)
            ),
        )
        .remedy("see: orderbook token limits SECURITY"),
        _ => return None,
    })
}

fn expired(deadline: U256, now: U256) -> Revert {
    // A token that is not ours can say anything.
    let at = |seconds: U256| u64::try_from(seconds).map_or_else(|_| seconds.to_string(), time);
    Revert::new(
        "SignatureExpired",
        format!(
            "the signature was valid until {}, and it is now {}",
            at(deadline),
            at(now)
        ),
    )
    .remedy("sign again")
}

fn balance(holder: impl fmt::Display, found: U256, needed: U256) -> Revert {
    Revert::new(
        "ERC20InsufficientBalance",
        format!("{holder} holds {found} base units but needs {needed}"),
    )
}

/// An error of the published interfaces whose name and fields say everything.
fn published(data: &[u8]) -> Revert {
    let Some(Published { name, who, fields }) = Published::decode(data) else {
        return unknown(data);
    };
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let fields = match fields.join(", ") {
        none if none.is_empty() => none,
        fields => format!(" ({fields})"),
    };
    Revert::new(&name, format!("{who} refuses: {}{fields}", spaced(&name)))
}

fn unknown(data: &[u8]) -> Revert {
    Revert::new(
        "Unknown",
        format!("the contract reverted with {}", hex::encode_prefixed(data)),
    )
}

fn coin(error: &Coin, data: &[u8]) -> Revert {
    match error {
        Coin::ERC20InvalidReceiver(e) => Revert::new(
            "ERC20InvalidReceiver",
            format!("{} cannot receive the coin", e.receiver),
        ),
        Coin::AccountBlacklisted(e) => Revert::new(
            "AccountBlacklisted",
            format!("{} is blacklisted by the coin's issuer", e.account),
        )
        .remedy("do not trade; report to compliance"),
        Coin::AccountNotBlacklisted(e) => Revert::new(
            "AccountNotBlacklisted",
            format!("{} is not blacklisted", e.account),
        ),
        Coin::SignatureExpired(e) => expired(e.deadline, e.now_),
        Coin::AuthorizationNonceUsed(e) => Revert::new(
            "AuthorizationNonceUsed",
            format!(
                "{} has already used or cancelled the nonce {}",
                e.authorizer, e.nonce
            ),
        ),
        Coin::CallerNotPayee(e) => Revert::authority(
            "CallerNotPayee",
            format!("{} sent what only the payee {} may send", e.caller, e.payee),
            "",
        ),
        _ => minting(error).unwrap_or_else(|| published(data)),
    }
}

/// What prevents minting: the minter, its allowance, the bank's reference, the reserves.
fn minting(error: &Coin) -> Option<Revert> {
    Some(match error {
        Coin::NotMinter(e) => Revert::authority(
            "NotMinter",
            format!("{} is not a minter", e.account),
            "have the master minter configure it: orderbook coin minter WALLET AMOUNT",
        ),
        Coin::InvalidAmount(e) => Revert::new(
            "InvalidAmount",
            format!("${} cannot be minted or burned", dollars(e.amount)),
        ),
        Coin::BankReferenceUsed(e) => Revert::new(
            "BankReferenceUsed",
            format!(
                "the bank reference {} is zero or was used before",
                e.bankReference
            ),
        ),
        Coin::MinterAllowanceExceeded(e) => Revert::new(
            "MinterAllowanceExceeded",
            format!(
                "{} may mint ${}, not ${}",
                e.minter,
                dollars(e.allowance),
                dollars(e.amount)
            ),
        )
        .remedy("have the master minter raise it: orderbook coin minter WALLET AMOUNT"),
        Coin::ReservesExceeded(e) => Revert::new(
            "ReservesExceeded",
            format!(
                "the supply would be ${}, but the attested reserves are ${}",
                dollars(e.supplyAfter),
                dollars(e.reserves)
            ),
        )
        .remedy("attest the new reserves first: orderbook coin attest AMOUNT --evidence FILE"),
        Coin::ReservesStale(e) => Revert::new(
            "ReservesStale",
            format!(
                "the reserves were attested as of {}, and an attestation is valid for {} s",
                time(e.asOf),
                e.maxAge
            ),
        )
        .remedy("attest the reserves again: orderbook coin attest AMOUNT --evidence FILE"),
        Coin::InvalidAttestation(e) => Revert::new(
            "InvalidAttestation",
            format!(
                "an attestation as of {} is in the future or before the last one ({})",
                time(e.asOf),
                time(e.latest)
            ),
        ),
        _ => return None,
    })
}

fn activation(error: &ArbWasmErrors) -> Revert {
    match error {
        ArbWasmErrors::ProgramUpToDate(_) => {
            Revert::new("ProgramUpToDate", "the program is already activated")
        }
        ArbWasmErrors::ProgramNotActivated(_) => {
            Revert::new("ProgramNotActivated", "the program has not been activated")
        }
        ArbWasmErrors::ProgramInsufficientValue(e) => Revert {
            fee: Some(Box::new(e.want)),
            ..Revert::new(
                "ProgramInsufficientValue",
                format!("the data fee is {} wei, but {} wei was sent", e.want, e.have),
            )
        },
        ArbWasmErrors::ProgramNotWasm(_) => {
            Revert::new("ProgramNotWasm", "the code is not a Stylus program")
        }
        ArbWasmErrors::ProgramExpired(e) => Revert::new(
            "ProgramExpired",
            format!(
                "the program's year is over, {} days after its code was activated: it does not work until somebody \
                 activates it again",
                e.ageInSeconds / 86_400
            ),
        )
        .remedy(WAYS_OUT),
        ArbWasmErrors::ProgramNeedsUpgrade(_) => Revert::new(
            "ProgramNeedsUpgrade",
            "Stylus was upgraded: the program does not work until somebody activates it again",
        )
        .remedy(WAYS_OUT),
        ArbWasmErrors::ProgramKeepaliveTooSoon(e) => Revert::new(
            "ProgramKeepaliveTooSoon",
            format!(
                "it is too soon, {} days after its activation: the chain accepts this from day 31 on",
                e.ageInSeconds / 86_400
            ),
        ),
    }
}

/// Anybody can activate a program, and then everything that its owners left in force works again.
const WAYS_OUT: &str = "activate it: cargo stylus activate; an owner who wants out first revokes the allowance at the token \
     (orderbook approve TOKEN 0), or activates it and cancels in the next transaction (orderbook order cancel \
     ORDER --on-chain)";

/// `HolderLimit` becomes `holder limit`, `ERC20InvalidSender` `ERC20 invalid sender`.
fn spaced(name: &str) -> String {
    let standard = name.strip_prefix("ERC").map_or(0, |rest| {
        3 + rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    let (standard, name) = name.split_at(standard);
    let mut words = standard.to_string();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// The state of an order on chain, in words.
fn state(number: u8) -> String {
    match OrderState::of_code(number) {
        Some(state) => state.as_str().to_ascii_lowercase(),
        None if number == 0 => "unknown".into(),
        None => format!("in the unknown state {number}"),
    }
}

fn field(index: u8) -> &'static str {
    const FIELDS: [&str; 10] = [
        "owner",
        "side",
        "security",
        "payment",
        "quantity",
        "limitTotal",
        "expiry",
        "epoch",
        "counterparty",
        "boardRef",
    ];
    FIELDS.get(usize::from(index)).copied().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;

    use super::super::abi::{ArbWasm, IDvPSettlement, ISecurityToken, ITsUSDC, role};
    use super::*;

    #[test]
    fn a_restriction_is_told_with_its_number_and_meaning() {
        let data = ISecurityToken::TransferRestricted {
            code: 16,
            message: "KYC".into(),
        }
        .abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(revert.restriction, Some(Restriction::KycExpired));
        assert_eq!(revert.words, "restriction 16: a party's KYC has expired");
        assert!(revert.remedy.unwrap().contains("register"));
    }

    #[test]
    fn an_expired_signature_is_explained_with_times() {
        let data = ITsUSDC::SignatureExpired {
            deadline: U256::from(1_798_761_600),
            now_: U256::MAX,
        }
        .abi_encode();
        assert_eq!(
            Revert::decode(&data).words,
            format!(
                "the signature was valid until 2027-01-01 00:00:00 UTC, and it is now {}",
                U256::MAX
            )
        );
    }

    #[test]
    fn a_settlement_refusal_carries_the_restriction_beside_it() {
        let data = IDvPSettlement::SettlementRefused {
            failure: 19,
            restrictionCode: 3,
        }
        .abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(
            (revert.failure, revert.restriction),
            (Some(Failure::Restricted), Some(Restriction::Sanctioned))
        );
        assert!(revert.words.contains("sanctioned"), "{revert}");
        let data = IDvPSettlement::SettlementRefused {
            failure: 22,
            restrictionCode: 0,
        }
        .abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(
            (revert.failure, revert.restriction),
            (Some(Failure::BuyerBalance), None)
        );
    }

    #[test]
    fn a_missing_role_is_a_matter_of_authority_and_names_the_role() {
        let data = IDvPSettlement::AccessControlUnauthorizedAccount {
            account: Address::ZERO,
            neededRole: role("OPERATOR_ROLE"),
        }
        .abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(revert.cause, Cause::Authority);
        assert!(revert.words.ends_with("OPERATOR_ROLE"), "{revert}");
    }

    #[test]
    fn a_committed_order_says_until_when_and_what_can_be_done() {
        let id = B256::repeat_byte(7);
        let until = 1_800_000_000;
        let data = IDvPSettlement::OrderCommitted { id, until }.abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(
            (revert.name.as_str(), revert.cause),
            ("OrderCommitted", Cause::Rule)
        );
        // 1,800,000,000 s after the epoch is 2027-01-15 08:00:00 in UTC.
        assert!(revert.words.contains("until 2027-01-15"), "{revert}");
        assert!(revert.words.contains(&id.to_string()), "{revert}");
        let latest = until + 3_600;
        let data = IDvPSettlement::CommitmentTime { until, latest }.abi_encode();
        let words = Revert::decode(&data).words;
        assert!(
            words.contains("08:00") && words.contains("09:00"),
            "{words}"
        );
        let (role, other) = (role("OPERATOR_ROLE"), role("PRINCIPAL_ROLE"));
        let data = IDvPSettlement::RolesExclude { role, other }.abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(revert.cause, Cause::Authority);
        assert_eq!(
            revert.words,
            "OPERATOR_ROLE and PRINCIPAL_ROLE exclude each other: no account can have both"
        );
    }

    #[test]
    fn what_a_register_refuses_of_an_investor_says_what_to_do() {
        let differs = ISecurityToken::InvestorDiffers {
            investorId: B256::repeat_byte(1),
            group: 2,
            country: 76,
        };
        let revert = Revert::decode(&differs.abi_encode());
        assert_eq!(
            revert.words,
            "the investor's other wallets are in group 2, country 076"
        );
        assert!(revert.remedy.unwrap().contains("token investor"));
        let classes = ISecurityToken::ClassNotFound {
            groups: U256::from(0b1010),
        };
        let words = Revert::decode(&classes.abi_encode()).words;
        assert_eq!(words, "groups 1, 3 are not a class of the security");
        let replaced = ISecurityToken::WalletReplaced {
            wallet: Address::repeat_byte(1),
            successor: Address::repeat_byte(2),
        };
        let words = Revert::decode(&replaced.abi_encode()).words;
        assert!(words.contains("can never be registered again"), "{words}");
    }

    #[test]
    fn a_hold_is_refused_in_words_that_name_its_owner() {
        let owner = Address::repeat_byte(3);
        let many = ISecurityToken::TooManyHolds { owner };
        let words = Revert::decode(&many.abi_encode()).words;
        assert!(
            words.starts_with(&owner.to_string()) && words.contains('8'),
            "{words}"
        );
        // 1,800,000,000 s after the epoch is 2027-01-15 08:00:00 in UTC.
        let late = ISecurityToken::HoldTime {
            until: 1_800_000_001,
            latest: 1_800_000_000,
        };
        let words = Revert::decode(&late.abi_encode()).words;
        assert!(
            words.contains("08:00:01") && words.contains("08:00:00"),
            "{words}"
        );
    }

    #[test]
    fn a_program_whose_year_is_over_says_how_its_owners_get_out() {
        let expired = ArbWasm::ProgramExpired {
            ageInSeconds: 366 * 86_400,
        };
        let revert = Revert::decode(&expired.abi_encode());
        assert_eq!(revert.name, "ProgramExpired");
        assert!(revert.words.contains("366 days"), "{revert}");
        let remedy = revert.remedy.unwrap();
        for way in ["cargo stylus activate", "approve TOKEN 0", "order cancel"] {
            assert!(remedy.contains(way), "{remedy}");
        }
        let fee = ArbWasm::ProgramInsufficientValue {
            have: U256::ZERO,
            want: U256::from(7),
        };
        let fee = Revert::decode(&fee.abi_encode()).fee;
        assert_eq!(fee, Some(Box::new(U256::from(7))));
    }

    #[test]
    fn an_error_without_a_sentence_is_told_with_its_fields() {
        let data = ISecurityToken::LockNotFound {
            holder: Address::ZERO,
            releaseTime: 5,
        }
        .abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(revert.name, "LockNotFound");
        assert!(
            revert
                .words
                .starts_with("the security refuses: lock not found (holder: 0x"),
            "{revert}"
        );
        assert!(revert.words.ends_with("releaseTime: 5)"), "{revert}");
    }

    #[test]
    fn unknown_and_empty_data_are_shown_as_they_are() {
        assert_eq!(Revert::decode(&[]).name, "Empty");
        assert!(Revert::decode(&[1, 2, 3, 4]).words.ends_with("0x01020304"));
        let text = RevertString {
            reason: "no".into(),
        }
        .abi_encode();
        assert_eq!(Revert::decode(&text).words, "no");
    }

    #[test]
    fn every_selector_of_the_three_abis_is_known_to_one_decoder() {
        let reserves = ITsUSDC::ReservesStale { asOf: 5, maxAge: 7 }.abi_encode();
        assert_eq!(Revert::decode(&reserves).name, "ReservesStale");
        for selector in Token::SELECTORS
            .iter()
            .chain(Dvp::SELECTORS)
            .chain(Coin::SELECTORS)
        {
            let known = Token::valid_selector(*selector)
                || Dvp::valid_selector(*selector)
                || Coin::valid_selector(*selector);
            assert!(known);
        }
    }
}
