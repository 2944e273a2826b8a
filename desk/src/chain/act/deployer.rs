//! Deploying a program: what the new contract logs itself is looked for once its address is known.

use super::{Expected, Kind, provable};
use crate::chain::abi::StylusDeployer::{self, ContractDeployed};

provable! { &[Kind::Deployer];
    StylusDeployer::deployCall => |_, sent| [Expected::fitting(
        sent.contract,
        |event: &ContractDeployed| !event.deployedContract.is_zero(),
    )];
}
