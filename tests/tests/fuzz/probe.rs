//! What preflight and the tokens predict, and what happens when it is tried (invariants I4 and I5).

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
        ISecurityToken::{self, ISecurityTokenCalls as Security},
    },
    chain::Revert,
    order::Signed,
    refusal::describe,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::{SolCall, SolInterface},
};

use crate::{
    generate::holder,
    model::{Refusal, settlement::Verdict},
    stage::{Agreement, Stage},
};

/// What is simulated without being sent.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// A bid and an ask, settled by their ids and by their signatures; the ask is also registered.
    pub(crate) pair: Option<(Signed, Signed)>,
    /// Securities moved by the settlement contract, or by their owner.
    pub(crate) transfer: Transfer,
    /// A hold used at a given second, for some recipient.
    pub(crate) hold: Option<Use>,
}

/// A live or lapsed hold of a share class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) token: Address,
    pub(crate) placer: Address,
    pub(crate) owner: Address,
    pub(crate) id: B256,
    pub(crate) to: Address,
    pub(crate) amount: U256,
    pub(crate) at: u64,
}

/// A `transferFrom`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    pub(crate) token: Address,
    pub(crate) spender: Address,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) value: U256,
}

/// Calls from an account to a contract, each with how it must end.
#[derive(Debug, Default)]
struct Attempts {
    calls: Vec<(Address, Address, Bytes)>,
    expected: Vec<Result<Bytes, Refusal>>,
}

impl Attempts {
    fn add(&mut self, call: (Address, Address, Bytes), expected: Result<Bytes, Refusal>) {
        self.calls.push(call);
        self.expected.push(expected);
    }
}

impl Stage {
    /// Tries a probe; it changes nothing.
    pub(crate) async fn probe(&mut self, probe: &Probe) -> Agreement {
        let mut attempts = Attempts::default();
        if let Some((bid, ask)) = &probe.pair {
            self.predict_settlement(bid, ask, &mut attempts);
        }
        self.predict_transfer(probe.transfer, &mut attempts);
        if let Some(hold) = probe.hold {
            self.predict_use(hold, &mut attempts);
        }
        let Attempts { calls, expected } = attempts;
        let answers = self.market.chain.simulate_all(&calls).await;
        for ((answer, expected), (_, _, input)) in answers.iter().zip(&expected).zip(&calls) {
            agree(answer, expected).map_err(|why| format!("{}\n  {why}", asked(input)))?;
        }
        Ok(())
    }

    fn predict_settlement(&mut self, bid: &Signed, ask: &Signed, attempts: &mut Attempts) {
        let settlement = self.cast.settlement;
        let verdict = self.world.preflight(bid.id, ask.id);
        let signed =
            self.world
                .preflight_signed(&bid.order, &bid.signature, &ask.order, &ask.signature);
        let call = IDvPSettlement::preflightCall {
            bidId: bid.id,
            askId: ask.id,
        };
        attempts.add(
            (Address::ZERO, settlement, call.abi_encode().into()),
            Ok(answer(&verdict)),
        );
        let call = IDvPSettlement::preflightSignedCall {
            bid: bid.order.clone(),
            bidSignature: bid.signature.clone(),
            ask: ask.order.clone(),
            askSignature: ask.signature.clone(),
        };
        attempts.add(
            (Address::ZERO, settlement, call.abi_encode().into()),
            Ok(answer(&signed)),
        );
        self.coverage.verdict(&verdict);
        self.coverage.verdict(&signed);

        let Some(operator) = holder(&self.world, "OPERATOR_ROLE") else {
            return;
        };
        let settle = IDvPSettlement::settleCall {
            bidId: bid.id,
            askId: ask.id,
        };
        let at_once = IDvPSettlement::settleSignedCall {
            bid: bid.order.clone(),
            bidSignature: bid.signature.clone(),
            ask: ask.order.clone(),
            askSignature: ask.signature.clone(),
        };
        let register = IDvPSettlement::registerOrderCall {
            order: ask.order.clone(),
            signature: ask.signature.clone(),
        };
        let security = ask.order.security;
        let word = |id: U256| B256::from(id);
        let tried = [
            (
                settle.abi_encode(),
                self.world.would_settle(&verdict, security).map(word),
            ),
            (
                at_once.abi_encode(),
                self.world.would_settle(&signed, security).map(word),
            ),
            (
                register.abi_encode(),
                self.world
                    .would_register(operator, &ask.order, &ask.signature),
            ),
        ];
        for (input, outcome) in tried {
            self.coverage.refusal(outcome.as_ref().err());
            let call = self.by(operator, settlement, input.into());
            let is_direct = call.1 == settlement;
            // The wallet does not pass on the answer it gets.
            let answer = |id: B256| if is_direct { id.to_vec() } else { Vec::new() };
            attempts.add(call, outcome.map(|id| answer(id).into()));
        }
    }

    fn predict_transfer(&mut self, transfer: Transfer, attempts: &mut Attempts) {
        let Transfer {
            token,
            spender,
            from,
            to,
            value,
        } = transfer;
        let security = &self.world.securities[&token];
        let now = self.world.now;
        let code = security.restriction(spender, from, to, value, now);
        self.coverage.code(code);
        let detect = ISecurityToken::detectTransferRestrictionFromCall {
            spender,
            from,
            to,
            value,
        };
        let word = |value: U256| Bytes::from(value.to_be_bytes_vec());
        attempts.add(
            (Address::ZERO, token, detect.abi_encode().into()),
            Ok(word(U256::from(code))),
        );
        // "False also above the free balance."
        let can = security.restriction(from, from, to, value, now) == 0
            && value <= security.spendable(from, now);
        let call = ISecurityToken::canTransferCall {
            from,
            to,
            amount: value,
        };
        // "From zero is false": nobody sends a mint.
        let can = can && from != Address::ZERO;
        attempts.add(
            (Address::ZERO, token, call.abi_encode().into()),
            Ok(word(U256::from(can))),
        );
        if from == Address::ZERO {
            return;
        }
        let outcome = security
            .clone()
            .transfer_from(spender, from, to, value, now);
        let call = ISecurityToken::transferFromCall { from, to, value };
        let call = (spender, token, call.abi_encode().into());
        attempts.add(call, outcome.map(|_| word(U256::from(1))));
    }
}

impl Stage {
    /// `holdRestriction` at a given second, and `useHold` now.
    fn predict_use(&mut self, hold: Use, attempts: &mut Attempts) {
        let Use {
            token,
            placer,
            owner,
            id,
            to,
            amount,
            at,
        } = hold;
        let (security, now) = (&self.world.securities[&token], self.world.now);
        // A contract need not remember the past.
        let at = at.max(now);
        let name = (placer, id);
        let code = security.hold_restriction(name, owner, to, at);
        let word = |value: U256| Bytes::from(value.to_be_bytes_vec());
        let call = ISecurityToken::holdRestrictionCall {
            placer,
            owner,
            id,
            to,
            at,
        };
        attempts.add(
            (Address::ZERO, token, call.abi_encode().into()),
            Ok(word(U256::from(code))),
        );
        let outcome = security.clone().use_hold(name, owner, to, amount, now);
        let call = ISecurityToken::useHoldCall {
            id,
            owner,
            to,
            amount,
        };
        let call = self.by(placer, token, call.abi_encode().into());
        attempts.add(call, outcome.map(|_| Bytes::new()));
        if code <= 20 {
            self.coverage.code(code);
        }
    }
}

/// What preflight answers for a verdict.
fn answer(verdict: &Verdict) -> Bytes {
    let (failures, restrictionCode) = (verdict.failures.clone(), verdict.restriction);
    let answer = IDvPSettlement::preflightReturn {
        failures,
        restrictionCode,
    };
    IDvPSettlement::preflightCall::abi_encode_returns(&answer).into()
}

fn agree(found: &Result<Bytes, Revert>, expected: &Result<Bytes, Refusal>) -> Agreement {
    let data = found
        .as_ref()
        .map_err(|revert| revert.data.clone().unwrap_or_default());
    match (data, expected) {
        (Ok(found), Ok(expected)) if found == expected => Ok(()),
        (Err(found), Err(Refusal::Exactly(expected))) if found == *expected => Ok(()),
        (found, expected) => {
            let words = |data: &Bytes| {
                IDvPSettlement::preflightCall::abi_decode_returns(data).map_or_else(
                    |_| data.to_string(),
                    |answer| format!("{:?}", answer.failures),
                )
            };
            let found = found.map_or_else(|data| describe(&data), words);
            let expected = match expected {
                Ok(data) => words(data),
                Err(Refusal::Exactly(data)) => describe(data),
                Err(Refusal::Typed) => unreachable!("what is probed is named"),
            };
            Err(format!("expected {expected}\n  found    {found}"))
        }
    }
}

fn asked(input: &Bytes) -> String {
    Dvp::abi_decode(input)
        .map(|call| format!("{call:?}"))
        .or_else(|_| Security::abi_decode(input).map(|call| format!("{call:?}")))
        .unwrap_or_else(|_| input.to_string())
}
