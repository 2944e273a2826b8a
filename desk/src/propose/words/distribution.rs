//! Acts on distributions and on documents in words.

use alloy::primitives::Address;
use book::market::amount::time;
use book::market::count::counted;

use super::{NONE, Writer, reason};
use crate::cap_table::investor_code;
use crate::chain::abi::IDistribution::IDistributionCalls as DistributionCalls;
use crate::chain::abi::IDocuments::IDocumentsCalls as DocumentsCalls;

impl Writer<'_> {
    pub(super) fn distribution(&self, call: &DistributionCalls) -> Vec<String> {
        let line = match call {
            DistributionCalls::open(call) => {
                let head = format!(
                    "{} from the Safe put up for those who held {} at block {} ({})",
                    self.dollars(call.total),
                    self.who(call.security),
                    call.recordBlock,
                    call.recordBlockHash
                );
                let document = if call.documentHash.is_zero() {
                    "no document".to_string()
                } else {
                    format!("document {}", call.documentHash)
                };
                let until = time(call.claimUntil);
                return vec![
                    head,
                    format!("root of the shares {}, {document}", call.root),
                    format!("claimable until {until}"),
                ];
            }
            DistributionCalls::payBatch(call) => {
                let head = format!(
                    "{} of distribution {} submitted for payment",
                    counted(call.claims.len(), "share"),
                    call.id
                );
                let rows = call.claims.iter().map(|claim| {
                    let (amount, wallet) = (self.dollars(claim.amount), self.who(claim.wallet));
                    format!("share {}: {amount} to {wallet}", claim.index)
                });
                return std::iter::once(head).chain(rows).collect();
            }
            DistributionCalls::redirect(call) => format!(
                "share {} of distribution {}, {} of {}, redirected to {}, reason {}",
                call.index,
                call.id,
                self.dollars(call.amount),
                self.who(call.wallet),
                self.who(call.to),
                reason(call.reason)
            ),
            DistributionCalls::sweep(call) => format!(
                "the unclaimed rest of distribution {} goes back to its funder",
                call.id
            ),
            DistributionCalls::pause(_) => "the distribution contract is paused".into(),
            DistributionCalls::unpause(_) => "the distribution contract pays again".into(),
            _ => NONE.into(),
        };
        vec![line]
    }

    pub(super) fn documents(&self, call: &DocumentsCalls) -> String {
        let of = |security: Address| self.who(security);
        match call {
            DocumentsCalls::setDocument(call) => format!(
                "document {} of {} is {}, SHA-256 {}",
                investor_code(call.name),
                of(call.security),
                call.uri.escape_debug(),
                call.documentHash
            ),
            DocumentsCalls::removeDocument(call) => format!(
                "document {} of {} is no longer listed",
                investor_code(call.name),
                of(call.security)
            ),
            _ => NONE.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, U256};

    use super::super::tests::People;
    use crate::chain::Target;
    use crate::chain::abi::ISecurityToken::approveCall;
    use crate::chain::abi::{IDistribution, IDocuments};
    use crate::propose::reading::Reading;
    use crate::propose::reading::tests::{COIN, TOKEN, call, known};

    const PAYING: Address = Address::repeat_byte(0xd1);
    const PAPERS: Address = Address::repeat_byte(0xd0);

    fn words<C: alloy::sol_types::SolCall>(to: Address, made: &C) -> Vec<String> {
        let mut known = known();
        known.targets.extend([
            Target::Distribution {
                contract: PAYING,
                coin: Some(COIN),
            },
            Target::Documents(PAPERS),
        ]);
        let reading = Reading::of(1, &call(to, made), &known).unwrap();
        reading.words(&known, &People)
    }

    #[test]
    fn a_distribution_is_funded_and_opened_with_every_term_said() {
        let value = U256::from(2_500_000_u64);
        let allowed = approveCall {
            spender: PAYING,
            value,
        };
        let said = words(COIN, &allowed);
        assert_eq!(said.len(), 1);
        assert!(
            said[0].starts_with(&format!("distribution contract ({PAYING}) may take")),
            "{said:?}"
        );
        let elsewhere = approveCall {
            spender: TOKEN,
            value,
        };
        assert!(Reading::of(1, &call(COIN, &elsewhere), &known()).is_err());
        let open = IDistribution::openCall {
            root: B256::repeat_byte(1),
            security: TOKEN,
            recordBlock: 4_711,
            recordBlockHash: B256::repeat_byte(2),
            total: value,
            documentHash: B256::repeat_byte(3),
            claimUntil: 1_900_000_000,
        };
        let said = words(PAYING, &open).join("\n");
        for part in [
            "HRBR".to_string(),
            "block 4711".into(),
            open.root.to_string(),
            open.recordBlockHash.to_string(),
            open.documentHash.to_string(),
            "2030-03-17".into(),
        ] {
            assert!(said.contains(&part), "{part}: {said}");
        }
    }

    #[test]
    fn a_document_is_named_with_its_hash_and_place() {
        let set = IDocuments::setDocumentCall {
            security: TOKEN,
            name: B256::right_padding_from(b"prospectus"),
            uri: "https://example.com/p.pdf".into(),
            documentHash: B256::repeat_byte(4),
        };
        let said = words(PAPERS, &set).join("\n");
        for part in [
            "prospectus",
            "https://example.com/p.pdf",
            &set.documentHash.to_string(),
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let received = IDocuments::acknowledgeCall {
            security: TOKEN,
            name: set.name,
            documentHash: set.documentHash,
        };
        let mut known = known();
        known.targets.push(Target::Documents(PAPERS));
        assert!(Reading::of(1, &call(PAPERS, &received), &known).is_err());
    }
}
