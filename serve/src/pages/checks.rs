//! The checks that a settlement must pass, each green or with what to do about it. A check covers the settlement
//! contract's codes that mean the same to a person.

use book::market::record::OrderView;
use desk::chain::codes::Failure;
use desk::preflight::Reason;

use crate::app::App;

/// One check.
#[derive(Debug)]
pub(super) struct Check {
    /// What is checked.
    pub(super) what: &'static str,
    /// What is wrong, and what to do: nothing where it is green.
    pub(super) found: Vec<Wrong>,
}

/// What is wrong.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The stable name.
    pub(super) code: &'static str,
    pub(super) words: String,
    pub(super) remedy: String,
    /// Not a refusal, but a step that somebody must still take.
    pub(super) is_step: bool,
}

/// The result of a preflight.
#[derive(Debug)]
pub(super) struct Checks {
    /// Every check, failing ones first; none while the node does not answer.
    pub(super) all: Vec<Check>,
}

const CONTRACTS: &str = "The contracts and the coin are running";
const ORDERS: &str = "Both orders are open on chain";
const FIT: &str = "The orders fit each other";
const TIME: &str = "Neither order has ended";
const PRICE: &str = "The limits cross";
const SECURITY: &str = "The security lets these two trade";
const SELLER: &str = "The seller has the tokens";
const SELLER_LETS: &str = "The seller lets the contract take them";
const BUYER: &str = "The buyer has the dollars";
const BUYER_LETS: &str = "The buyer lets the contract take them";
const BLACKLIST: &str = "The coin's issuer blocks neither";
const SIGNED: &str = "Both owners' signatures are valid";
const COMMITTED: &str = "The commitment is in order";
const OTHER: &str = "Nothing else prevents it";

/// Every check, in the order in which they are shown.
const ALL: [&str; 14] = [
    CONTRACTS,
    ORDERS,
    SIGNED,
    FIT,
    PRICE,
    TIME,
    SECURITY,
    SELLER,
    SELLER_LETS,
    BUYER,
    BUYER_LETS,
    BLACKLIST,
    COMMITTED,
    OTHER,
];

/// The check that a code of the contract belongs to.
fn check_of(failure: Failure) -> &'static str {
    match failure {
        Failure::Paused
        | Failure::SecurityNotListed
        | Failure::PaymentPaused
        | Failure::InexactLeg
        | Failure::ContractBlacklisted => CONTRACTS,
        Failure::BidNotOpen | Failure::AskNotOpen => ORDERS,
        Failure::SameOrder
        | Failure::BidNotABid
        | Failure::AskNotAnAsk
        | Failure::SameOwner
        | Failure::OtherSecurity
        | Failure::OtherQuantity
        | Failure::OtherPayment
        | Failure::BidOtherCounterparty
        | Failure::AskOtherCounterparty => FIT,
        Failure::BidExpired
        | Failure::AskExpired
        | Failure::BidEpochStale
        | Failure::AskEpochStale => TIME,
        Failure::PricesDoNotCross => PRICE,
        Failure::Restricted => SECURITY,
        Failure::SellerBalance => SELLER,
        Failure::SellerAllowance => SELLER_LETS,
        Failure::BuyerBalance => BUYER,
        Failure::BuyerAllowance => BUYER_LETS,
        Failure::BuyerBlacklisted | Failure::SellerBlacklisted => BLACKLIST,
        Failure::BidSignature | Failure::AskSignature => SIGNED,
        Failure::OtherCommitment | Failure::CommitmentRequired => COMMITTED,
        Failure::Unknown(_) => OTHER,
    }
}

/// A reason as a page shows it.
pub(super) fn wrong(reason: &Reason) -> Wrong {
    Wrong {
        code: reason.name,
        words: reason.words.clone(),
        remedy: reason.remedy.clone(),
        is_step: desk::suggest::is_a_step(reason),
    }
}

/// Every check against some reasons, failing ones first.
fn checks(reasons: &[Reason]) -> Vec<Check> {
    let check = |what: &'static str| Check {
        what,
        found: reasons
            .iter()
            .filter(|reason| check_of(reason.failure) == what)
            .map(wrong)
            .collect(),
    };
    let mut all: Vec<_> = ALL.into_iter().map(check).collect();
    all.sort_by_key(|check| check.found.is_empty());
    all
}

impl Checks {
    /// Queries the chain about two orders.
    pub(super) async fn of(app: &App, bid: &OrderView, ask: &OrderView) -> Self {
        let reasons = app.node.preflight(&bid.record, &ask.record).await;
        let all = reasons.map_or_else(|_| Vec::new(), |reasons| checks(&reasons));
        Self { all }
    }

    /// Their result in words.
    pub(super) fn words(&self) -> String {
        let failing = self.all.iter().filter(|check| !check.found.is_empty());
        match (self.all.len(), failing.count()) {
            (0, _) => "The node does not answer: not known now".to_owned(),
            (all, 0) => format!("All {all} pass: it would settle now"),
            (all, failing) => format!("{failing} of {all} do not pass"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(failure: Failure) -> Reason {
        Reason {
            failure,
            restriction: None,
            name: failure.name(),
            words: failure.meaning().to_owned(),
            remedy: failure.remedy().to_owned(),
        }
    }

    #[test]
    fn each_code_of_the_contract_belongs_to_one_check_that_is_shown() {
        for failure in Failure::ALL.iter().chain(&[Failure::Unknown(99)]) {
            let found = checks(&[reason(*failure)]);
            let wrong: Vec<_> = found.iter().filter(|one| !one.found.is_empty()).collect();
            assert_eq!(wrong.len(), 1, "{failure:?}");
            assert_eq!(wrong[0].found[0].code, failure.name());
        }
        assert!(checks(&[]).iter().all(|check| check.found.is_empty()));
    }

    #[test]
    fn what_somebody_still_does_is_no_refusal() {
        let step = |failure| checks(&[reason(failure)])[0].found[0].is_step;
        assert!(step(Failure::SellerAllowance));
        let words = |reasons: &[Reason]| {
            let all = checks(reasons);
            Checks { all }.words()
        };
        let both = [reason(Failure::BuyerBalance), reason(Failure::Restricted)];
        assert_eq!(words(&both), "2 of 14 do not pass");
        assert_eq!(words(&[]), "All 14 pass: it would settle now");
        let silent = Checks { all: Vec::new() };
        assert!(silent.words().contains("does not answer"));
    }
}
