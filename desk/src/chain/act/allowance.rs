//! Acts on allowances, which both tokens have alike.

use super::{Expected, Kind, provable};
use crate::chain::abi::ISecurityToken::{self, Approval};

provable! { &[Kind::Security, Kind::Coin];
    ISecurityToken::approveCall => |call, sent| [Expected::exactly(
        sent.contract,
        &Approval { owner: sent.sender, spender: call.spender, value: call.value },
    )];
    ISecurityToken::permitCall => |call, sent| [Expected::exactly(
        sent.contract,
        &Approval { owner: call.owner, spender: call.spender, value: call.value },
    )];
}
