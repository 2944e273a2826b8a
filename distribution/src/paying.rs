//! What becomes of a share: it is paid, set apart, or moved by whoever has `COMPLIANCE_ROLE`.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use openzeppelin_stylus::token::erc20::utils::safe_erc20::ISafeErc20;
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    Distribution,
    access::compliance_role,
    account::{Account, Flags, Sums},
    error::Error,
    event::{ClaimSkipped, SharePaid, ShareRedirected, ShareSetApart},
    security::{self, PAYABLE, REFUSED},
    tree::{self, Claim, Claims},
};

/// The most shares in a batch.
const MAX_CLAIMS: u64 = 100;
/// The most bytes of calldata of a batch: Arbitrum's sequencer takes transactions of up to 95,000.
const MAX_SIZE: u64 = 90_000;

/// What must be left before the coin is called. Its transfer takes up to 60,000, not cached.
const BEFORE_COIN: u64 = 220_000;

/// What became of a share that was brought.
enum Outcome {
    /// It was paid, or set apart for the first time.
    Done,
    /// It was paid before.
    Paid,
    /// It was set apart before, and still cannot be paid, by this code.
    StillApart(u8),
}

impl Distribution {
    /// Pays a share, or sets it apart.
    ///
    /// # Errors
    ///
    /// * `EnforcedPause`.
    /// * [`Error::UnknownDistribution`].
    /// * [`Error::AlreadyPaid`].
    /// * Those of [`bring`](Self::bring).
    /// * [`Error::ShareNotPayable`] - it was set apart before and still cannot be paid.
    ///
    /// # Events
    ///
    /// * [`SharePaid`], or [`ShareSetApart`].
    pub(crate) fn claim(
        &mut self,
        id: B256,
        index: U256,
        wallet: Address,
        amount: U256,
        proof: Vec<B256>,
    ) -> Result<(), Revert> {
        self.while_running()?;
        let mut account = self.account(id)?;
        let claim = Claim {
            index,
            wallet,
            amount,
            proof,
        };
        match self.bring(id, &mut account, &claim)? {
            Outcome::Done => Ok(()),
            Outcome::Paid => Err(Error::AlreadyPaid { id, index }.into()),
            Outcome::StillApart(code) => Err(Error::ShareNotPayable { id, index, code }.into()),
        }
    }

    /// Pays many shares, or sets them apart. One that somebody else brought first is passed over.
    ///
    /// # Errors
    ///
    /// * `EnforcedPause`.
    /// * [`Error::UnknownDistribution`].
    /// * [`Error::TooManyClaims`].
    /// * Those of [`bring`](Self::bring), for the first share that is at fault.
    ///
    /// # Events
    ///
    /// * [`SharePaid`], [`ShareSetApart`] or [`ClaimSkipped`] for each.
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn pay_batch(&mut self, id: B256, claims: Claims) -> Result<(), Revert> {
        self.while_running()?;
        let mut account = self.account(id)?;
        let (count, size) = (U256::from(claims.list.len()), claims.size);
        if count > U256::from(MAX_CLAIMS) || size > U256::from(MAX_SIZE) {
            return Err(Error::TooManyClaims { count, size }.into());
        }
        for claim in &claims.list {
            match self.bring(id, &mut account, claim)? {
                Outcome::Done => {}
                Outcome::Paid | Outcome::StillApart(_) => log!(ClaimSkipped)
                    .word(id)
                    .uint(claim.index)
                    .emit(self.vm()),
            }
        }
        Ok(())
    }

    /// Pays a share that was set apart to somebody else.
    ///
    /// # Errors
    ///
    /// * `AccessControlUnauthorizedAccount` - the caller has no `COMPLIANCE_ROLE`.
    /// * `EnforcedPause`.
    /// * [`Error::UnknownDistribution`].
    /// * [`Error::AlreadyPaid`].
    /// * [`Error::InvalidProof`].
    /// * [`Error::NotSetApart`].
    /// * [`Error::InsufficientGas`] - too little to ask the security.
    /// * [`Error::InvalidRecipient`] - `to` is zero, this contract, or sanctioned.
    /// * `SafeErc20FailedOperation` - the coin refuses.
    ///
    /// # Events
    ///
    /// * [`ShareRedirected`].
    #[allow(clippy::too_many_arguments, reason = "an entry point")]
    pub(crate) fn redirect(
        &mut self,
        id: B256,
        index: U256,
        wallet: Address,
        amount: U256,
        proof: Vec<B256>,
        to: Address,
        reason: B256,
    ) -> Result<(), Revert> {
        self.only(compliance_role())?;
        self.while_running()?;
        let mut account = self.account(id)?;
        let claim = Claim {
            index,
            wallet,
            amount,
            proof,
        };
        let flags = flags(id, &account, index)?;
        if flags.paid {
            return Err(Error::AlreadyPaid { id, index }.into());
        }
        let units = self.prove(id, &account, &claim)?;
        if !flags.apart {
            return Err(Error::NotSetApart { id, index }.into());
        }
        let vm = self.vm();
        let is_refused = to.is_zero()
            || to == vm.contract_address()
            || security::is_sanctioned(vm, account.terms.security, to)?;
        if is_refused {
            return Err(Error::InvalidRecipient { to }.into());
        }
        let sums = paid(account.sums, units, flags.apart);
        account.store(flags.paid(), sums);
        self.send(to, amount)?;
        log!(ShareRedirected)
            .word(id)
            .uint(index)
            .address(wallet)
            .data()
            .address(to)
            .uint(amount)
            .word(reason)
            .address(self.vm().msg_sender())
            .emit(self.vm());
        Ok(())
    }

    /// Pays a share to its payee, or sets it apart.
    ///
    /// # Errors
    ///
    /// * [`Error::InvalidProof`].
    /// * [`Error::ClaimPeriodOver`] - and it was not set apart in time.
    /// * [`Error::TotalExceeded`] - the tree promises more than was funded.
    /// * [`Error::InsufficientGas`] - too little to ask the security, or to call the coin.
    fn bring(&mut self, id: B256, account: &mut Account, claim: &Claim) -> Result<Outcome, Revert> {
        let flags = flags(id, account, claim.index)?;
        if flags.paid {
            return Ok(Outcome::Paid);
        }
        let units = self.prove(id, account, claim)?;
        if !flags.apart {
            self.admit(id, account, units)?;
        }
        let verdict = security::payee(self.vm(), account.terms.security, claim.wallet)?;
        let mut code = verdict.code;
        if code == PAYABLE {
            security::need_gas(self.vm(), BEFORE_COIN)?;
            let before = account.sums;
            // Written before the coin runs, taken back when it refuses.
            account.store(flags.paid(), paid(before, units, flags.apart));
            let coin = self.coin();
            if self
                .safe
                .try_safe_transfer(coin, verdict.payee, claim.amount)
            {
                log!(SharePaid)
                    .word(id)
                    .uint(claim.index)
                    .address(claim.wallet)
                    .data()
                    .address(verdict.payee)
                    .uint(claim.amount)
                    .emit(self.vm());
                return Ok(Outcome::Done);
            }
            account.store(flags, before);
            code = REFUSED;
        }
        if flags.apart {
            return Ok(Outcome::StillApart(code));
        }
        self.set_apart(id, account, claim, flags, units, code);
        Ok(Outcome::Done)
    }

    /// Keeps a share that cannot be paid now, whatever the time, until it can or is redirected.
    fn set_apart(
        &self,
        id: B256,
        account: &mut Account,
        claim: &Claim,
        flags: Flags,
        units: u128,
        code: u8,
    ) {
        let sums = Sums {
            apart: account.sums.apart.saturating_add(units),
            ..account.sums
        };
        account.store(flags.apart(), sums);
        log!(ShareSetApart)
            .word(id)
            .uint(claim.index)
            .address(claim.wallet)
            .data()
            .uint(claim.amount)
            .uint(U256::from(code))
            .emit(self.vm());
    }

    /// The share's amount, where its leaf is in the tree.
    fn prove(&self, id: B256, account: &Account, claim: &Claim) -> Result<u128, Revert> {
        let index = claim.index;
        if !tree::is_proven(self.vm(), &account.terms, claim) {
            return Err(Error::InvalidProof { id, index }.into());
        }
        u128::try_from(claim.amount).map_err(|_| exceeded(id, account, claim.amount))
    }

    /// Refuses a share that comes late, or for which no money is left: other distributions' is not touched.
    fn admit(&self, id: B256, account: &Account, units: u128) -> Result<(), Revert> {
        let claim_until = account.terms.claim_until;
        let time = self.vm().block_timestamp();
        if time > claim_until {
            return Err(Error::ClaimPeriodOver {
                id,
                claim_until,
                time,
            }
            .into());
        }
        if units > account.unclaimed() {
            return Err(exceeded(id, account, U256::from(units)));
        }
        Ok(())
    }
}

/// The bits of a share.
fn flags(id: B256, account: &Account, index: U256) -> Result<Flags, Revert> {
    account
        .flags(index)
        .ok_or_else(|| Error::InvalidProof { id, index }.into())
}

/// The sums when a share is paid that was set apart, or was not.
fn paid(sums: Sums, units: u128, was_apart: bool) -> Sums {
    let apart = if was_apart { units } else { 0 };
    // No sum exceeds the total, which fits, and what was set apart is in the sum of it.
    Sums {
        paid: sums.paid.saturating_add(units),
        apart: sums.apart.saturating_sub(apart),
        ..sums
    }
}

fn exceeded(id: B256, account: &Account, amount: U256) -> Revert {
    let total = U256::from(account.terms.total);
    let left = U256::from(account.unclaimed());
    let needed = total.saturating_sub(left).saturating_add(amount);
    Error::TotalExceeded { id, total, needed }.into()
}
