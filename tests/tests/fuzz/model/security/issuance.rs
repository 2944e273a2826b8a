//! What the issuer does, and what binds the tokens that it issues: locks and vesting.

use acceptance::bindings::ISecurityToken;
use alloy::primitives::{Address, Log, U256};

use crate::model::{Outcome, Refusal, ledger::enough, log, refused, role};

use super::{Lock, Security, Vesting, acts::not_too_far};

/// The most locks in force of a wallet.
const LOCKS: usize = 16;
/// The most schedules of a wallet with something unvested.
const SCHEDULES: usize = 8;

impl Security {
    /// "`mint` judges its caller as spender, as the view says."
    pub(super) fn mint(&mut self, by: Address, to: Address, value: U256, now: u64) -> Outcome {
        self.roles.check(by, role("ISSUER_ROLE"))?;
        self.allowed(by, Address::ZERO, to, value, now)?;
        Ok(vec![self.ledger.mint(to, value)])
    }

    /// Mints and locks at once.
    pub(super) fn mint_locked(
        &mut self,
        by: Address,
        call: &ISecurityToken::mintLockedCall,
        now: u64,
    ) -> Outcome {
        let before = self.clone();
        let mut logs = self.mint(by, call.to, call.amount, now)?;
        match self.lock(call.to, call.amount, call.unlockAt, now) {
            Ok(locked) => logs.push(locked),
            Err(refusal) => {
                *self = before;
                return Err(refusal);
            }
        }
        Ok(logs)
    }

    /// "All or nothing": each as if it came alone, in arrays of one length.
    pub(super) fn mint_locked_batch(
        &mut self,
        by: Address,
        call: &ISecurityToken::mintLockedBatchCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("ISSUER_ROLE"))?;
        let entries = call.to.len();
        if call.amounts.len() != entries || call.unlockAts.len() != entries {
            return Err(Refusal::Typed);
        }
        let before = self.clone();
        let mut logs = Vec::new();
        let rows = call.to.iter().zip(&call.amounts).zip(&call.unlockAts);
        for ((&to, &amount), &unlockAt) in rows {
            let one = ISecurityToken::mintLockedCall {
                to,
                amount,
                unlockAt,
            };
            match self.mint_locked(by, &one, now) {
                Ok(more) => logs.extend(more),
                Err(refusal) => {
                    *self = before;
                    return Err(refusal);
                }
            }
        }
        Ok(logs)
    }

    /// "In this order: ScheduleNotFound, ScheduleNotRevocable, 3, 5 (the holder); the refusals of forcedTransfer; 8, 20:
    /// less would be left than is partly frozen or held."
    pub(super) fn revoke_vesting(
        &mut self,
        by: Address,
        call: &ISecurityToken::revokeVestingCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("ISSUER_ROLE"))?;
        let ISecurityToken::revokeVestingCall { holder, index, to } = *call;
        let places = self.vestings.get(&holder).map_or(&[][..], Vec::as_slice);
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(vesting) = places.get(place).copied() else {
            return refused(&ISecurityToken::ScheduleNotFound {
                holder,
                index,
                count: U256::from(places.len()),
            });
        };
        let (revoked, unvested) = (vesting.revoked, vesting.unvested(now));
        if !vesting.revocable || revoked {
            return refused(&ISecurityToken::ScheduleNotRevocable {
                holder,
                index,
                revoked,
            });
        }
        let code = if self.sanctioned.contains(&holder) {
            3
        } else if self.frozen.contains(&holder) {
            5
        } else {
            0
        };
        self.unless(code)?;
        if !self.takes_forced(holder, to) {
            return Err(Refusal::Typed);
        }
        let balance = self.ledger.balance(holder);
        enough(holder, balance, unvested)?;
        let left = balance - unvested;
        let [frozen, ..] = self.encumbrances(holder, now);
        let code = if left < frozen {
            8
        } else if left < self.holds.held(holder, now, None) {
            20
        } else {
            0
        };
        self.unless(code)?;
        let schedule = &mut self.vestings.entry(holder).or_default()[place];
        schedule.revoked = true;
        schedule.taken += unvested;
        let event = ISecurityToken::VestingRevoked {
            holder,
            index,
            to,
            unvested,
        };
        let mut logs = vec![log(self.ledger.address, &event)];
        // What overlaps with it ends to the extent that it was taken.
        logs.extend(self.reduce(holder, unvested, U256::ZERO, now));
        logs.push(self.ledger.moved(holder, to, unvested));
        Ok(logs)
    }

    /// A redemption. "Refuses a sanctioned or frozen holder (3, 5)", and "looks at 18, 2 and 8 to 10", and 20.
    pub(super) fn burn(
        &mut self,
        by: Address,
        call: &ISecurityToken::burnCall,
        now: u64,
    ) -> Outcome {
        let ISecurityToken::burnCall {
            from,
            value,
            reason,
        } = *call;
        self.roles.check(by, role("ISSUER_ROLE"))?;
        let code = if self.deactivated {
            18
        } else if self.paused {
            2
        } else if self.sanctioned.contains(&from) {
            3
        } else if self.frozen.contains(&from) {
            5
        } else {
            self.encumbered(from, value, now, None).unwrap_or(0)
        };
        self.unless(code)?;
        enough(from, self.ledger.balance(from), value)?;
        let burned = ISecurityToken::Burned {
            from,
            value,
            reason,
            by,
        };
        // No page says which comes first.
        Ok(vec![
            self.ledger.burned(from, value),
            log(self.ledger.address, &burned),
        ])
    }

    /// "An ended place is reused when all of it is vested or taken; a schedule's index is its place."
    pub(super) fn grant_vesting(
        &mut self,
        by: Address,
        call: &ISecurityToken::grantVestingCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("ISSUER_ROLE"))?;
        if call.amount == U256::ZERO {
            return Err(Refusal::Typed);
        }
        let period = u64::from(call.period) * u64::from(call.periods);
        not_too_far(call.start + u64::from(call.cliff) + period, now)?;
        let place = self.next_place(call.holder, now);
        let is_full = place == SCHEDULES;
        // A refusal by the rules comes first.
        let mut logs = self.mint(by, call.holder, call.amount, now)?;
        if is_full {
            self.ledger.burned(call.holder, call.amount);
            return refused(&ISecurityToken::TooManySchedules {
                holder: call.holder,
                limit: U256::from(SCHEDULES),
            });
        }
        let vesting = Vesting {
            amount: call.amount,
            start: call.start,
            cliff: call.cliff,
            period: call.period,
            periods: call.periods,
            first_bips: call.firstBips,
            revocable: call.revocable,
            revoked: false,
            taken: U256::ZERO,
        };
        let places = self.vestings.entry(call.holder).or_default();
        if place == places.len() {
            places.push(vesting);
        } else {
            places[place] = vesting;
        }
        logs.push(log(
            self.ledger.address,
            &ISecurityToken::VestingGranted {
                holder: call.holder,
                index: U256::from(place),
                amount: call.amount,
                start: call.start,
                cliff: call.cliff,
                period: call.period,
                periods: call.periods,
                firstBips: call.firstBips,
                revocable: call.revocable,
            },
        ));
        Ok(logs)
    }

    /// Locks an amount; "locks with the same release time merge".
    pub(super) fn lock(
        &mut self,
        holder: Address,
        amount: U256,
        release: u64,
        now: u64,
    ) -> Result<Log, Refusal> {
        if release <= now {
            return refused(&ISecurityToken::ReleaseTimePassed {
                holder,
                releaseTime: release,
                now_: now,
            });
        }
        not_too_far(release, now)?;
        if amount == U256::ZERO {
            return Err(Refusal::Typed);
        }
        let locks = self.locks.entry(holder).or_default();
        let same = locks.iter().position(|lock| lock.release == release);
        let ended = locks.iter().position(|lock| lock.bound(now) == U256::ZERO);
        match same.or(ended) {
            Some(place) if same.is_some() => locks[place].amount += amount,
            Some(place) => locks[place] = Lock { release, amount },
            None if locks.len() == LOCKS => {
                return refused(&ISecurityToken::TooManyLocks {
                    holder,
                    limit: U256::from(LOCKS),
                });
            }
            None => locks.push(Lock { release, amount }),
        }
        Ok(log(
            self.ledger.address,
            &ISecurityToken::TokensLocked {
                holder,
                amount,
                releaseTime: release,
            },
        ))
    }

    pub(super) fn unlock(
        &mut self,
        holder: Address,
        release: u64,
        now: u64,
    ) -> Result<Log, Refusal> {
        let locks = self.locks.entry(holder).or_default();
        let found = locks
            .iter_mut()
            .find(|lock| lock.release == release && lock.bound(now) > U256::ZERO);
        let Some(Lock { amount, .. }) = found.map(std::mem::take) else {
            return refused(&ISecurityToken::LockNotFound {
                holder,
                releaseTime: release,
            });
        };
        Ok(log(
            self.ledger.address,
            &ISecurityToken::TokensUnlocked {
                holder,
                amount,
                releaseTime: release,
            },
        ))
    }
}
