//! What parties and accomplices do with the tokens, allowances, orders and epochs that they have.

use acceptance::{
    bindings::{IDvPSettlement, ITsUSDC},
    market::{commit_call, register_call, release_call, settle_call, settle_signed_call},
    order,
    random::Random,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol,
    sol_types::{Eip712Domain, SolCall, SolStruct},
};

use super::{Firm, Game};

sol! {
    struct TransferWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

impl Game {
    /// An act of a party or an accomplice; returns a description.
    pub(super) async fn act(&mut self) -> String {
        let now = self.market.chain.now().await;
        let next = match self.random.below(12) {
            // The last second of the commitment that ends first, or the first second without it.
            0 => {
                let ends = self.firm.iter().map(|firm| firm.until).min();
                ends.map_or(now + 1, |end| end - self.random.below(2))
            }
            1 => now + self.random.below(1_800),
            _ => now + self.random.below(30),
        };
        self.clock().next_block_at(next.max(now)).await;
        let from = *self.random.pick(&self.people);
        let (token, coin) = (self.market.token, self.market.coin);
        let (to, input, what) = match self.random.below(16) {
            0..=5 => self.token_act(token, from).await,
            6..=11 => self.token_act(coin, from).await,
            12 if self.keys.contains_key(&from) => {
                let off = self.delegated.remove(&from);
                if !off {
                    self.delegated.insert(from);
                }
                let code = if off { Address::ZERO } else { self.code };
                self.market.chain.delegate(&self.keys[&from], code).await;
                return format!("{from} delegates itself to {code}");
            }
            _ => self.settlement_act(),
        };
        let done = self.send(from, to, input).await;
        self.tally.acts[usize::from(!done)] += 1;
        format!(
            "{what} by {from}, which {}",
            if done { "succeeds" } else { "reverts" }
        )
    }

    /// A value near what an account has, has free or has bound.
    async fn value(&mut self, token: Address, account: Address) -> U256 {
        let chain = &self.market.chain;
        let balance = chain.call(token, &ITsUSDC::balanceOfCall { account }).await;
        let held = ITsUSDC::heldBalanceOfCall { owner: account };
        let held = chain.call(token, &held).await;
        let one = U256::from(1);
        match self.random.below(9) {
            0 => balance,
            1 => balance.saturating_sub(held) + one,
            2 => held,
            3 => one,
            4 => U256::ZERO,
            5 => balance / U256::from(2 + self.random.below(9)),
            _ => balance.saturating_sub(held),
        }
    }

    /// An id of a hold: one of a firm match, or any.
    fn hold_id(&mut self) -> B256 {
        if self.firm.is_empty() || self.random.once_in(2) {
            return B256::from(U256::from(self.random.below(4)));
        }
        let firm = self.random.pick(&self.firm);
        *Random::seeded(firm.until).pick(&[firm.bid.id, firm.ask.id])
    }

    /// For the security token and the coin alike.
    async fn token_act(&mut self, token: Address, from: Address) -> (Address, Vec<u8>, String) {
        let owner = if self.random.once_in(3) {
            from
        } else {
            *self.random.pick(&self.people)
        };
        let to = *self.random.pick(&self.people);
        let value = self.value(token, owner).await;
        let own = self.value(token, from).await;
        let (settlement, id) = (self.market.settlement, self.hold_id());
        let now = self.market.chain.now().await;
        let input = match self.random.below(15) {
            0..=3 => ITsUSDC::transferCall { to, value: own }.abi_encode(),
            4 => ITsUSDC::transferFromCall {
                from: owner,
                to,
                value,
            }
            .abi_encode(),
            5 | 6 => {
                let spender = *self.random.pick(&[settlement, to]);
                let value = if self.random.once_in(2) {
                    U256::ZERO
                } else {
                    U256::MAX
                };
                ITsUSDC::approveCall { spender, value }.abi_encode()
            }
            7..=9 => {
                let until = now + self.random.below(7 * 86_400 + 60);
                let amount = value;
                ITsUSDC::placeHoldCall {
                    id,
                    owner,
                    amount,
                    until,
                }
                .abi_encode()
            }
            10 => ITsUSDC::useHoldCall {
                id,
                owner,
                to,
                amount: value,
            }
            .abi_encode(),
            11 => ITsUSDC::dropHoldCall { id, owner }.abi_encode(),
            12 if token == self.market.coin && self.keys.contains_key(&owner) => {
                self.authorized(owner, to, value)
            }
            13 | 14 => {
                let spender = *self.random.pick(&[settlement, to]);
                let value = *self.random.pick(&[U256::ZERO, value, U256::MAX]);
                self.permitted(token, owner, spender, value).await
            }
            _ => {
                let (spender, decrement) = (settlement, value);
                ITsUSDC::decreaseAllowanceCall { spender, decrement }.abi_encode()
            }
        };
        let name = if token == self.market.coin {
            "coin"
        } else {
            "security"
        };
        let what = format!("{name} {}", words(&input));
        (token, input, what)
    }

    /// `transferWithAuthorization`, signed by the owner and sent by anyone.
    fn authorized(&mut self, from: Address, to: Address, value: U256) -> Vec<u8> {
        let message = TransferWithAuthorization {
            from,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            nonce: keccak256(self.random.below(u64::MAX).to_be_bytes()),
        };
        let domain = self.domain_of(self.market.coin);
        let signature = self.sign(from, message.eip712_signing_hash(&domain));
        let TransferWithAuthorization {
            validAfter,
            validBefore,
            nonce,
            ..
        } = message;
        ITsUSDC::transferWithAuthorization_0Call {
            from,
            to,
            value,
            validAfter,
            validBefore,
            nonce,
            signature,
        }
        .abi_encode()
    }

    /// `permit` of either token, signed by the owner and sent by anyone.
    async fn permitted(
        &mut self,
        token: Address,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Vec<u8> {
        let nonces = ITsUSDC::noncesCall { owner };
        let nonce = self.market.chain.call(token, &nonces).await;
        let deadline = U256::MAX;
        let message = Permit {
            owner,
            spender,
            value,
            nonce,
            deadline,
        };
        let digest = message.eip712_signing_hash(&self.domain_of(token));
        // A contract's is as long as a key's here.
        let mut signature = self.sign(owner, digest).to_vec();
        signature.resize(65, 0);
        ITsUSDC::permit_1Call {
            owner,
            spender,
            value,
            deadline,
            v: signature[64],
            r: B256::from_slice(&signature[..32]),
            s: B256::from_slice(&signature[32..64]),
        }
        .abi_encode()
    }

    /// The EIP-712 domain of a token's messages.
    fn domain_of(&self, token: Address) -> Eip712Domain {
        let name = if token == self.market.coin {
            "TsUSDC"
        } else {
            "Series A Preferred"
        };
        let chain_id = U256::from(self.market.chain.chain_id);
        Eip712Domain::new(
            Some(name.into()),
            Some("1".into()),
            Some(chain_id),
            Some(token),
            None,
        )
    }

    /// Calls of the settlement contract: what an owner may do, and what it may not.
    fn settlement_act(&mut self) -> (Address, Vec<u8>, String) {
        let settlement = self.market.settlement;
        let kind = self.random.below(12);
        if self.firm.is_empty() || kind == 0 {
            let input = IDvPSettlement::cancelAllOrdersCall {}.abi_encode();
            return (settlement, input, "cancelAllOrders".into());
        }
        let Firm { bid, ask, until } = self.random.pick(&self.firm).clone();
        let signed = if self.random.once_in(2) { &bid } else { &ask };
        let (order, id) = (signed.order.clone(), signed.id);
        let input = match kind {
            1 | 2 => IDvPSettlement::cancelOrderCall { order }.abi_encode(),
            3 | 4 => IDvPSettlement::cancelOrderByIdCall {
                id,
                reason: B256::ZERO,
            }
            .abi_encode(),
            5 | 6 => {
                let digest = order::cancellation(id, &self.market.domain());
                let signature = self.sign(order.owner, digest);
                IDvPSettlement::cancelOrderSignedCall { order, signature }.abi_encode()
            }
            7 => release_call(bid.id, ask.id).abi_encode(),
            8 => settle_call(bid.id, ask.id).abi_encode(),
            9 => settle_signed_call(&bid, &ask).abi_encode(),
            10 => commit_call(bid.id, ask.id, until).abi_encode(),
            _ => register_call(signed).abi_encode(),
        };
        let what = words(&input);
        (settlement, input, what)
    }
}

/// A call of one of the contracts, for a report.
fn words(input: &[u8]) -> String {
    use acceptance::bindings::{
        IDvPSettlement::IDvPSettlementCalls, ISecurityToken::ISecurityTokenCalls,
        ITsUSDC::ITsUSDCCalls,
    };
    use alloy::sol_types::SolInterface;
    ITsUSDCCalls::abi_decode(input)
        .map(|call| format!("{call:?}"))
        .or_else(|_| ISecurityTokenCalls::abi_decode(input).map(|call| format!("{call:?}")))
        .or_else(|_| IDvPSettlementCalls::abi_decode(input).map(|call| format!("{call:?}")))
        .unwrap_or_else(|_| Bytes::copy_from_slice(input).to_string())
}
