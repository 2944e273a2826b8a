//! The issuer's batches and revocations in a share class, and permits of either token.

use acceptance::{
    bindings::{
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
    },
    market::{DAY, s},
    order::with_high_s,
};
use alloy::primitives::{Address, B256, Bytes, U256};

use crate::model::{Act, World, permit::Claim};

use super::Generator;

impl Generator {
    /// A batch, a revocation or a permit.
    pub(super) fn issuer_act(&mut self, world: &World) -> (Address, Act) {
        let token = self.share();
        let issuer = self.entitled(self.cast.admin);
        let call = match self.random.below(6) {
            0 | 1 => self.batch(world),
            2 | 3 => self.revocation(world, token),
            _ => return self.permit(world),
        };
        (issuer, Act::Security(token, call))
    }

    /// Tokens for up to four holders, sometimes the same one, each locked; now and then one that cannot be.
    fn batch(&mut self, world: &World) -> Security {
        let entries = 1 + self.random.below(4);
        let mut call = ISecurityToken::mintLockedBatchCall {
            to: Vec::new(),
            amounts: Vec::new(),
            unlockAts: Vec::new(),
        };
        let day = world.now / DAY * DAY + DAY;
        for _ in 0..entries {
            let to = if self.random.once_in(20) {
                self.person()
            } else {
                *self.random.pick(&self.cast.investors)
            };
            call.to.push(to);
            let most = if self.random.once_in(20) { 1 } else { 20 };
            call.amounts.push(s(self.random.below(most)));
            call.unlockAts.push(match self.random.below(20) {
                0 => world.now,
                1..=10 => day,
                _ => world.now + 1 + self.random.below(900),
            });
        }
        if self.random.once_in(12) {
            call.amounts.pop();
        }
        Security::mintLockedBatch(call)
    }

    /// The revocation of a schedule, mostly one that exists.
    fn revocation(&mut self, world: &World, token: Address) -> Security {
        let schedules = world.securities[&token].schedules();
        let (holder, count) = if schedules.is_empty() || self.random.once_in(10) {
            (self.person(), 1)
        } else {
            *self.random.pick(&schedules)
        };
        let beyond = u64::from(self.random.once_in(10));
        let index = self.random.below(count + beyond);
        let to = match self.random.below(8) {
            0 => holder,
            1 => *self.random.pick(&[Address::ZERO, token]),
            2 => self.person(),
            3 => self.cast.sibling(holder),
            _ => *self.random.pick(&self.cast.investors),
        };
        Security::revokeVesting(ISecurityToken::revokeVestingCall {
            holder,
            index: U256::from(index),
            to,
        })
    }

    /// A permit of an investor for the settlement contract or for another, mostly a valid one.
    fn permit(&mut self, world: &World) -> (Address, Act) {
        let token = *self
            .random
            .pick(&[self.cast.coin, self.cast.coin, self.cast.shares[0]]);
        let owner = *self.random.pick(&self.cast.investors);
        let spender = match self.random.below(8) {
            0 => Address::ZERO,
            1 | 2 => self.person(),
            _ => self.cast.settlement,
        };
        let value = self.around(world.ledger(token).balance(owner));
        let deadline = match self.random.below(12) {
            0 => U256::from(world.now - 1),
            1 => U256::from(world.now),
            2 => U256::MAX,
            _ => U256::from(world.now + self.random.below(7_200)),
        };
        self.permitted(world, token, owner, spender, value, deadline)
    }

    /// A permit with the owner's next nonce, sent by anyone; its signature is now and then altered.
    pub(super) fn permitted(
        &mut self,
        world: &World,
        token: Address,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
    ) -> (Address, Act) {
        let mut claim = Claim {
            owner,
            spender,
            value,
            deadline,
            signature: Bytes::new(),
        };
        let nonce = world.ledger(token).nonce(owner);
        let nonce = nonce + u64::from(self.random.once_in(16));
        let digest = claim.digest(world, token, nonce);
        let signer = self.entitled(owner);
        let signature = self.cast.sign(signer, digest);
        claim.signature = match self.random.below(20) {
            0 if signature.len() == 65 => with_high_s(&signature),
            1 => Bytes::from(vec![0; 65]),
            2 => signature.slice(..signature.len() - 1),
            _ => signature,
        };
        let act = if token != self.cast.coin {
            Act::Security(token, Security::permit(shares_permit(&claim)))
        } else if self.random.once_in(2) {
            Act::Coin(Coin::permit_0(ITsUSDC::permit_0Call {
                owner,
                spender,
                value,
                deadline,
                signature: claim.signature,
            }))
        } else {
            let (r, s, v) = parts(&claim.signature);
            Act::Coin(Coin::permit_1(ITsUSDC::permit_1Call {
                owner,
                spender,
                value,
                deadline,
                v,
                r,
                s,
            }))
        };
        (self.person(), act)
    }
}

fn shares_permit(claim: &Claim) -> ISecurityToken::permitCall {
    let (r, s, v) = parts(&claim.signature);
    ISecurityToken::permitCall {
        owner: claim.owner,
        spender: claim.spender,
        value: claim.value,
        deadline: claim.deadline,
        v,
        r,
        s,
    }
}

/// A signature in three arguments, with zeros for what it does not have.
fn parts(signature: &Bytes) -> (B256, B256, u8) {
    let mut whole = [0; 65];
    let length = signature.len().min(65);
    whole[..length].copy_from_slice(&signature[..length]);
    let (r, s) = (
        B256::from_slice(&whole[..32]),
        B256::from_slice(&whole[32..64]),
    );
    (r, s, whole[64])
}
