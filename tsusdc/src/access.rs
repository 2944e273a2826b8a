//! Roles of the coin, and the interfaces it supports. Who has them is kept by [`authority::roles`].

use alloy_primitives::{Address, B256, FixedBytes};
use authority::roles::DEFAULT_ADMIN_ROLE;
use runtime::{abi::Revert, constant_word};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

use super::{TsUsdc, error::Error};

/// A role and its hash, `keccak256` of its name.
macro_rules! role {
    ($(#[$docs:meta])* $function:ident = $name:literal) => {
        $(#[$docs])*
        pub(crate) fn $function() -> B256 {
            constant_word!(Keccak256::new().update($name).finalize())
        }
    };
}

role! {
    /// Configures minters.
    master_minter_role = b"MASTER_MINTER_ROLE"
}
role! {
    /// Pauses.
    pauser_role = b"PAUSER_ROLE"
}
role! {
    /// Blocks and unblocks accounts.
    blacklister_role = b"BLACKLISTER_ROLE"
}
role! {
    /// Seizes what blocked accounts hold.
    seizer_role = b"SEIZER_ROLE"
}
role! {
    /// Sends stuck tokens on.
    rescuer_role = b"RESCUER_ROLE"
}
role! {
    /// Attests reserves.
    attestor_role = b"ATTESTOR_ROLE"
}

role! {
    /// Stands in [`Error::RolesExclude`] for being a configured minter, which is no role.
    minter_role = b"MINTER_ROLE"
}

/// ERC-165, ERC-20, `AccessControl` and holds.
const INTERFACES: [u32; 4] = [0x01ff_c9a7, 0x3637_2b07, 0x7965_db0b, 0x6ca1_f613];

authority::role_functions!(TsUsdc, [roles], [roles], exclusive);

impl TsUsdc {
    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn supports_interface(&self, id: FixedBytes<4>) -> bool {
        INTERFACES.contains(&u32::from_be_bytes(id.0))
    }

    /// Refuses `role` for an `account` that could mint beyond the reserves with it: who attests the reserves neither mints
    /// nor chooses who does, and the default admin does none of it.
    ///
    /// # Errors
    ///
    /// * [`Error::RolesExclude`].
    pub(crate) fn exclusive(&self, role: B256, account: Address) -> Result<(), Revert> {
        let administers = role == DEFAULT_ADMIN_ROLE;
        let attests = role == attestor_role();
        let mints = role == master_minter_role() || role == minter_role();
        if attests || mints {
            self.roles.exclude(role, DEFAULT_ADMIN_ROLE, account)?;
        }
        if administers || mints {
            self.roles.exclude(role, attestor_role(), account)?;
        }
        if administers || attests {
            self.roles.exclude(role, master_minter_role(), account)?;
            if self.is_minter(account) {
                let other = minter_role();
                return Err(Error::RolesExclude { role, other }.into());
            }
        }
        Ok(())
    }

    /// Refuses a caller without `role`.
    #[inline(never)]
    pub(crate) fn only(&self, role: B256) -> Result<(), Revert> {
        Ok(self.roles.only(role, self.vm().msg_sender())?)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use authority::roles::{DefaultAdminTransferScheduled, RoleGranted, RoleRevoked};
    use motsu::prelude::*;

    use super::*;
    use crate::fixture::{Coin, log_of, turn, unauthorized};

    #[test]
    fn roles_are_the_hashes_of_their_names() {
        for (role, name) in [
            (master_minter_role(), "MASTER_MINTER_ROLE"),
            (pauser_role(), "PAUSER_ROLE"),
            (blacklister_role(), "BLACKLISTER_ROLE"),
            (seizer_role(), "SEIZER_ROLE"),
            (rescuer_role(), "RESCUER_ROLE"),
            (attestor_role(), "ATTESTOR_ROLE"),
        ] {
            assert_eq!(role, keccak256(name));
        }
    }

    #[test]
    fn the_admin_gets_no_other_role_and_zero_is_refused() {
        let _turn = turn();
        let contract = Contract::<TsUsdc>::new();
        let admin = Account::from_seed("admin");
        let deploy = |admin: Address| {
            let mut deployer = contract.sender(Address::repeat_byte(1));
            deployer.constructor("a".into(), "b".into(), "c".into(), admin)
        };
        let refusal = deploy(Address::ZERO).motsu_unwrap_err();
        let error = Error::AccessControlInvalidDefaultAdmin {
            account: Address::ZERO,
        };
        assert_eq!(refusal, error.into());
        deploy(admin.address()).motsu_unwrap();
        let view = contract.sender(admin);
        assert!(view.has_role(DEFAULT_ADMIN_ROLE, admin.address()));
        assert_eq!(view.default_admin(), admin.address());
        for role in [master_minter_role(), pauser_role(), attestor_role()] {
            assert!(!view.has_role(role, admin.address()));
            assert_eq!(view.get_role_admin(role), DEFAULT_ADMIN_ROLE);
        }
    }

    #[test]
    fn roles_are_granted_revoked_and_renounced_while_paused_too() {
        let coin = Coin::new();
        coin.pause();
        let (role, account) = (pauser_role(), coin.bob.address());
        let sender = coin.admin.address();
        let logs = coin.logs(|c| c.sender(coin.admin).grant_role(role, account));
        assert_eq!(
            logs,
            [log_of(&RoleGranted {
                role,
                account,
                sender
            })]
        );
        assert!(
            coin.logs(|c| c.sender(coin.admin).grant_role(role, account))
                .is_empty()
        );
        let logs = coin.logs(|c| c.sender(coin.admin).revoke_role(role, account));
        assert_eq!(
            logs,
            [log_of(&RoleRevoked {
                role,
                account,
                sender
            })]
        );
        let account = coin.pauser.address();
        let logs = coin.logs(|c| c.sender(coin.pauser).renounce_role(role, account));
        assert_eq!(
            logs,
            [log_of(&RoleRevoked {
                role,
                account,
                sender: account
            })]
        );
        coin.reverts(unauthorized(coin.pauser, role), |c| {
            c.sender(coin.pauser).unpause()
        });
    }

    #[test]
    fn roles_are_changed_by_the_admin_alone() {
        let coin = Coin::new();
        let (role, account) = (pauser_role(), coin.pauser.address());
        let error = || unauthorized(coin.bob, DEFAULT_ADMIN_ROLE);
        coin.reverts(error(), |c| c.sender(coin.bob).grant_role(role, account));
        coin.reverts(error(), |c| c.sender(coin.bob).revoke_role(role, account));
        coin.reverts(unauthorized(coin.bob, role), |c| {
            c.sender(coin.bob).renounce_role(role, account)
        });
        coin.reverts(error(), |c| {
            c.sender(coin.bob).begin_default_admin_transfer(account)
        });
        coin.reverts(error(), |c| {
            c.sender(coin.bob).cancel_default_admin_transfer()
        });
        let enforced = || Error::AccessControlEnforcedDefaultAdminRules {};
        let admin = coin.admin.address();
        coin.reverts(enforced(), |c| {
            c.sender(coin.admin).grant_role(B256::ZERO, account)
        });
        coin.reverts(enforced(), |c| {
            c.sender(coin.admin).revoke_role(B256::ZERO, admin)
        });
        coin.reverts(enforced(), |c| {
            c.sender(coin.admin).renounce_role(B256::ZERO, admin)
        });
    }

    #[test]
    fn the_admin_moves_in_two_steps() {
        let coin = Coin::new();
        let (old, new) = (coin.admin.address(), coin.bob.address());
        let scheduled = |admin| log_of(&DefaultAdminTransferScheduled { newAdmin: admin });
        let logs = coin.logs(|c| c.sender(coin.admin).begin_default_admin_transfer(new));
        assert_eq!(logs, [scheduled(new)]);
        let logs = coin.logs(|c| c.sender(coin.admin).cancel_default_admin_transfer());
        assert_eq!(logs, [scheduled(Address::ZERO)]);
        let invalid = |account| Error::AccessControlInvalidDefaultAdmin { account };
        coin.reverts(invalid(new), |c| {
            c.sender(coin.bob).accept_default_admin_transfer()
        });
        coin.reverts(invalid(Address::ZERO), |c| {
            c.sender(coin.admin)
                .begin_default_admin_transfer(Address::ZERO)
        });
        coin.logs(|c| c.sender(coin.admin).begin_default_admin_transfer(new));
        assert_eq!(coin.contract.sender(coin.bob).pending_default_admin(), new);
        assert_eq!(coin.contract.sender(coin.bob).default_admin(), old);
        let logs = coin.logs(|c| c.sender(coin.bob).accept_default_admin_transfer());
        let role = DEFAULT_ADMIN_ROLE;
        let revoked = RoleRevoked {
            role,
            account: old,
            sender: new,
        };
        let granted = RoleGranted {
            role,
            account: new,
            sender: new,
        };
        assert_eq!(logs, [log_of(&revoked), log_of(&granted)]);
        assert_eq!(
            coin.contract.sender(coin.bob).pending_default_admin(),
            Address::ZERO
        );
        assert_eq!(coin.contract.sender(coin.bob).default_admin(), new);
        coin.reverts(unauthorized(coin.admin, role), |c| {
            c.sender(coin.admin).grant_role(pauser_role(), old)
        });
    }

    #[test]
    fn supports_erc165_erc20_and_access_control() {
        let coin = Coin::deployed();
        let supports = |id: u32| {
            coin.contract
                .sender(coin.bob)
                .supports_interface(id.to_be_bytes().into())
        };
        for id in [0x01ff_c9a7, 0x3637_2b07, 0x7965_db0b] {
            assert!(supports(id));
        }
        assert!(!supports(0xffff_ffff) && !supports(0));
    }
}
