//! Acts on roles, which the contracts have alike; the distribution contract has no hand-over in two steps, and refuses
//! it.

use alloy::primitives::{Address, B256};

use super::{Expected, Kind, provable};
use crate::chain::abi::ISecurityToken::{
    self, DefaultAdminTransferScheduled, RoleGranted, RoleRevoked,
};

provable! { &[Kind::Security, Kind::Coin, Kind::Settlement, Kind::Distribution];
    ISecurityToken::grantRoleCall => |call, sent| [Expected::exactly(
        sent.contract,
        &RoleGranted { role: call.role, account: call.account, sender: sent.sender },
    )];
    ISecurityToken::revokeRoleCall => |call, sent| [Expected::exactly(
        sent.contract,
        &RoleRevoked { role: call.role, account: call.account, sender: sent.sender },
    )];
    ISecurityToken::renounceRoleCall => |call, sent| [Expected::exactly(
        sent.contract,
        &RoleRevoked { role: call.role, account: sent.sender, sender: sent.sender },
    )];
    ISecurityToken::beginDefaultAdminTransferCall => |call, sent| [Expected::exactly(
        sent.contract,
        &DefaultAdminTransferScheduled { newAdmin: call.newAdmin },
    )];
    ISecurityToken::acceptDefaultAdminTransferCall => |_, sent| [Expected::exactly(
        sent.contract,
        &RoleGranted { role: B256::ZERO, account: sent.sender, sender: sent.sender },
    )];
    ISecurityToken::cancelDefaultAdminTransferCall => |_, sent| [Expected::exactly(
        sent.contract,
        &DefaultAdminTransferScheduled { newAdmin: Address::ZERO },
    )];
}
