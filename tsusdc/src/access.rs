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
    /// In [`Error::RolesExclude`] it means a configured minter, which is not a role.
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
    use alloy_primitives::{U256, keccak256};
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
            (minter_role(), "MINTER_ROLE"),
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
            c.sender(coin.pauser).pause()
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

    /// What an account may be, of that which excludes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Office {
        Admin,
        Attestor,
        Master,
        Minter,
    }

    use Office::{Admin, Attestor, Master, Minter};

    impl Office {
        fn role(self) -> B256 {
            match self {
                Admin => B256::ZERO,
                Attestor => keccak256("ATTESTOR_ROLE"),
                Master => keccak256("MASTER_MINTER_ROLE"),
                Minter => keccak256("MINTER_ROLE"),
            }
        }

        /// Makes bob this.
        fn give(self, coin: &Coin, c: &Contract<TsUsdc>) -> Result<(), Revert> {
            let bob = coin.bob.address();
            match self {
                Admin => c.sender(coin.bob).accept_default_admin_transfer(),
                Attestor | Master => c.sender(coin.admin).grant_role(self.role(), bob),
                Minter => c
                    .sender(coin.master)
                    .configure_minter(bob, U256::ZERO)
                    .map(drop),
            }
        }
    }

    #[test]
    fn who_attests_mints_nothing_and_the_admin_does_neither() {
        let excluded = [
            (Admin, Attestor),
            (Admin, Master),
            (Admin, Minter),
            (Attestor, Master),
            (Attestor, Minter),
        ];
        let offices = [Admin, Attestor, Master, Minter];
        for had in offices {
            for wanted in offices.into_iter().filter(|wanted| *wanted != had) {
                let mut coin = Coin::new();
                let bob = coin.bob.address();
                if had == Admin || wanted == Admin {
                    coin.contract
                        .sender(coin.admin)
                        .begin_default_admin_transfer(bob)
                        .motsu_unwrap();
                }
                had.give(&coin, &coin.contract).motsu_unwrap();
                if had == Admin {
                    coin.admin = coin.bob;
                }
                if excluded.contains(&(had, wanted)) || excluded.contains(&(wanted, had)) {
                    let (role, other) = (wanted.role(), had.role());
                    coin.reverts(Error::RolesExclude { role, other }, |c| {
                        wanted.give(&coin, c)
                    });
                } else {
                    coin.logs(|c| wanted.give(&coin, c));
                }
            }
        }
    }

    #[test]
    fn a_removed_minter_and_a_former_master_may_attest() {
        let coin = Coin::new();
        let (admin, bob) = (coin.admin, coin.bob.address());
        Minter.give(&coin, &coin.contract).motsu_unwrap();
        Master.give(&coin, &coin.contract).motsu_unwrap();
        coin.contract
            .sender(coin.master)
            .remove_minter(bob)
            .motsu_unwrap();
        coin.contract
            .sender(admin)
            .revoke_role(Master.role(), bob)
            .motsu_unwrap();
        coin.logs(|c| Attestor.give(&coin, c));
        let (role, other) = (Minter.role(), Attestor.role());
        coin.reverts(Error::RolesExclude { role, other }, |c| {
            Minter.give(&coin, c)
        });
        coin.contract
            .sender(admin)
            .revoke_role(Attestor.role(), bob)
            .motsu_unwrap();
        coin.logs(|c| Minter.give(&coin, c));
    }

    #[test]
    fn a_stranger_learns_that_he_is_no_admin_before_what_excludes() {
        let coin = Coin::new();
        coin.reverts(unauthorized(coin.alice, DEFAULT_ADMIN_ROLE), |c| {
            c.sender(coin.alice)
                .grant_role(attestor_role(), coin.admin.address())
        });
        coin.reverts(unauthorized(coin.alice, master_minter_role()), |c| {
            c.sender(coin.alice)
                .configure_minter(coin.admin.address(), U256::ZERO)
        });
    }

    #[test]
    fn supports_erc165_erc20_access_control_and_holds() {
        let coin = Coin::deployed();
        let supports = |id: u32| {
            coin.contract
                .sender(coin.bob)
                .supports_interface(id.to_be_bytes().into())
        };
        let holds = [
            "placeHold(bytes32,address,uint256,uint64)",
            "useHold(bytes32,address,address,uint256)",
            "dropHold(bytes32,address)",
            "holdOf(address,address,bytes32)",
            "heldBalanceOf(address)",
        ]
        .iter()
        .fold(0, |id, function| {
            let [a, b, c, d, ..] = keccak256(function).0;
            id ^ u32::from_be_bytes([a, b, c, d])
        });
        for id in [0x01ff_c9a7, 0x3637_2b07, 0x7965_db0b, holds] {
            assert!(supports(id));
        }
        assert!(!supports(0xffff_ffff) && !supports(0));
    }
}
