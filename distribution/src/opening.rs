//! The two ends of a distribution: its money comes in, and what nobody claimed goes back.

use alloy_primitives::{Address, B256, U256};
use openzeppelin_stylus::token::erc20::utils::safe_erc20::ISafeErc20;
use runtime::{abi::Revert, log, word::bytes, word::word};
use stylus_sdk::prelude::*;

use super::{
    Distribution,
    access::distributor_role,
    account::{Account, Terms},
    error::Error,
    event::{DistributionOpened, Swept},
    identify, security,
};

const DAY: u64 = 86_400;
/// The shortest time to claim: 180 days.
pub(crate) const SHORTEST: u64 = 180 * DAY;
/// The longest: 3,650 days.
pub(crate) const LONGEST: u64 = 3_650 * DAY;

impl Distribution {
    /// Opens a distribution and pulls its total from the caller, who becomes its funder.
    ///
    /// # Errors
    ///
    /// * `AccessControlUnauthorizedAccount` - the caller is not a distributor.
    /// * `EnforcedPause`.
    /// * [`Error::InvalidRoot`], [`Error::InvalidRecordBlock`], [`Error::InvalidTotal`],
    ///   [`Error::ClaimPeriodOutOfRange`] - terms that none can have.
    /// * [`Error::DistributionExists`] - the caller opened the very same before.
    /// * [`Error::InsufficientGas`] - too little to ask the security.
    /// * [`Error::NotASecurity`] - it does not say who succeeds, is sanctioned, is frozen.
    /// * `SafeErc20FailedOperation` - the coin refuses.
    /// * [`Error::FundingInexact`] - the coin moved another amount.
    ///
    /// # Events
    ///
    /// * [`DistributionOpened`].
    #[allow(clippy::too_many_arguments, reason = "an entry point")]
    pub(crate) fn open(
        &mut self,
        root: B256,
        security: Address,
        record_block: u64,
        record_block_hash: B256,
        total: U256,
        document_hash: B256,
        claim_until: u64,
    ) -> Result<B256, Revert> {
        self.only(distributor_role())?;
        self.while_running()?;
        let funder = self.vm().msg_sender();
        let terms = Terms {
            root,
            security,
            record_block,
            record_block_hash,
            funder,
            total: checked(
                self.vm().block_timestamp(),
                root,
                record_block,
                record_block_hash,
                total,
                claim_until,
            )?,
            claim_until,
            document_hash,
        };
        let words = [
            root,
            security.into_word(),
            word(0, 0, 0, record_block),
            record_block_hash,
            bytes(&total),
            document_hash,
            word(0, 0, 0, claim_until),
        ];
        let id = identify(self.vm(), funder, &words);
        let row = self.accounts.row(id);
        if Account::exists(&row) {
            return Err(Error::DistributionExists { id }.into());
        }
        if !security::is_security(self.vm(), security)? {
            return Err(Error::NotASecurity { security }.into());
        }
        Account::create(row, &terms);
        self.pull(funder, total)?;
        log!(DistributionOpened)
            .word(id)
            .address(security)
            .address(funder)
            .data()
            .word(root)
            .uint(U256::from(record_block))
            .word(record_block_hash)
            .uint(total)
            .word(document_hash)
            .uint(U256::from(claim_until))
            .emit(self.vm());
        Ok(id)
    }

    /// Gives the funder, after the time to claim, what is neither paid nor set apart.
    ///
    /// # Errors
    ///
    /// * `EnforcedPause`.
    /// * [`Error::UnknownDistribution`].
    /// * [`Error::ClaimPeriodOpen`] - shares can still be claimed.
    /// * [`Error::NothingToSweep`].
    /// * `SafeErc20FailedOperation` - the coin refuses: again when it does not.
    ///
    /// # Events
    ///
    /// * [`Swept`].
    pub(crate) fn sweep(&mut self, id: B256) -> Result<(), Revert> {
        self.while_running()?;
        let mut account = self.account(id)?;
        let Terms {
            claim_until,
            funder,
            ..
        } = account.terms;
        let time = self.vm().block_timestamp();
        if time <= claim_until {
            return Err(Error::ClaimPeriodOpen {
                id,
                claim_until,
                time,
            }
            .into());
        }
        let amount = U256::from(account.unclaimed());
        if amount.is_zero() {
            return Err(Error::NothingToSweep { id }.into());
        }
        account.sweep();
        self.send(funder, amount)?;
        log!(Swept)
            .word(id)
            .address(funder)
            .data()
            .uint(amount)
            .emit(self.vm());
        Ok(())
    }

    /// Takes exactly `total` of the coin from the funder.
    fn pull(&mut self, funder: Address, total: U256) -> Result<(), Revert> {
        let this = self.vm().contract_address();
        let coin = self.coin();
        let before = self.funds();
        self.safe
            .safe_transfer_from(coin, funder, this, total)
            .map_err(|error| Revert(error.into()))?;
        let received = match (before, self.funds()) {
            (Some(before), Some(after)) => after.checked_sub(before).unwrap_or_default(),
            _ => U256::ZERO,
        };
        if received != total {
            let expected = total;
            return Err(Error::FundingInexact { expected, received }.into());
        }
        Ok(())
    }

    /// Sends coins; whatever the coin says against it ends the call.
    ///
    /// # Errors
    ///
    /// * `SafeErc20FailedOperation`.
    pub(crate) fn send(&mut self, to: Address, amount: U256) -> Result<(), Revert> {
        let coin = self.coin();
        self.safe
            .safe_transfer(coin, to, amount)
            .map_err(|error| Revert(error.into()))
    }
}

/// The total, where all terms are such as a distribution can have.
fn checked(
    now: u64,
    root: B256,
    record_block: u64,
    record_block_hash: B256,
    total: U256,
    claim_until: u64,
) -> Result<u128, Revert> {
    if root.is_zero() {
        return Err(Error::InvalidRoot {}.into());
    }
    if record_block == 0 || record_block_hash.is_zero() {
        return Err(Error::InvalidRecordBlock {}.into());
    }
    let amount = match u128::try_from(total) {
        Ok(amount) if amount > 0 => amount,
        _ => return Err(Error::InvalidTotal { total }.into()),
    };
    let (earliest, latest) = (now.saturating_add(SHORTEST), now.saturating_add(LONGEST));
    if !(earliest..=latest).contains(&claim_until) {
        return Err(Error::ClaimPeriodOutOfRange {
            claim_until,
            earliest,
            latest,
        }
        .into());
    }
    Ok(amount)
}
