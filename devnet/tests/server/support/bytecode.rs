//! Small EVM contracts, assembled by hand.

/// A coin: `balanceOf(address)`, `transfer(address,uint256)` with the Transfer event, and `OpenZeppelin`'s
/// `ERC20InsufficientBalance(address,uint256,uint256)`. Its creator has 2^128. The slots are those of a
/// Solidity mapping in slot 0.
///
/// ```text
/// creation:  CALLER 0 MSTORE  2^128  64 0 KECCAK256 SSTORE  (return the rest)
/// dispatch:  selector a9059cbb -> transfer, 70a08231 -> balanceOf, else REVERT without data
/// balanceOf: CALLDATALOAD(4) 0 MSTORE  64 0 KECCAK256 SLOAD  return it
/// transfer:  from = KECCAK256(CALLER . 0)  balance = SLOAD(from)  amount = CALLDATALOAD(36)
///            balance < amount -> short
///            SSTORE(from, balance - amount)  to = KECCAK256(CALLDATALOAD(4) . 0)
///            SSTORE(to, SLOAD(to) + amount)  LOG3 Transfer(CALLER, to, amount)  return 1
/// short:     REVERT ERC20InsufficientBalance(CALLER, balance, amount)
/// ```
pub(crate) const COIN: &str = "0x\
    336000527001000000000000000000000000000000006040600020556100b461002b6000396100b46000\
    f360003560e01c8063a9059cbb1461003657806370a08231146100215760006000fd5b60043560005260\
    406000205460005260206000f35b33600052604060002080546024358082106100995780910382556004\
    356000526040600020805482019055600052600435337fddf252ad1be2c89b69c2b068fc378daa952ba7\
    f163c4a11628f55a4df523b3ef60206000a3600160005260206000f35b63e450d38c60e01b6000523360\
    045260445260245260646000fd";

/// Answers every call with TIMESTAMP and NUMBER.
pub(crate) const CLOCK: &str = "0x61000d61000f60003961000d6000f3426000524360205260406000f3";

/// As init code: `revert("no good")`.
pub(crate) const REASON: &str =
    "0x6308c379a060e01b60005260206004526007602452666e6f20676f6f6460c81b60445260646000fd";

/// As init code: loops for ever.
pub(crate) const ENDLESS: &str = "0x5b600056";

/// `transfer(to, amount)` as calldata; `to` without 0x.
pub(crate) fn transfer(to: &str, amount: u128) -> String {
    let to = to.trim_start_matches("0x").to_lowercase();
    format!("0xa9059cbb{to:0>64}{amount:064x}")
}

/// `balanceOf(owner)` as calldata.
pub(crate) fn balance_of(owner: &str) -> String {
    let owner = owner.trim_start_matches("0x").to_lowercase();
    format!("0x70a08231{owner:0>64}")
}
