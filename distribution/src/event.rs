//! What the contract logs; who was paid what follows from these logs alone. Those of roles and pause are the
//! components'.

pub(crate) use self::sol::*;

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// `funder` has put `total` base units of the coin behind the tree of `root`.
        #[derive(Debug, PartialEq, Eq)]
        event DistributionOpened(bytes32 indexed id, address indexed security, address indexed funder, bytes32 root,
            uint64 recordBlock, bytes32 recordBlockHash, uint256 total, bytes32 documentHash, uint64 claimUntil);
        /// The share of `wallet` went to `payee`.
        #[derive(Debug, PartialEq, Eq)]
        event SharePaid(bytes32 indexed id, uint256 indexed index, address indexed wallet, address payee,
            uint256 amount);
        /// A batch passed over a share.
        #[derive(Debug, PartialEq, Eq)]
        event ClaimSkipped(bytes32 indexed id, uint256 indexed index);
        /// A share that was proven and cannot be paid now waits.
        #[derive(Debug, PartialEq, Eq)]
        event ShareSetApart(bytes32 indexed id, uint256 indexed index, address indexed wallet, uint256 amount,
            uint8 code);
        /// A share that waited went to `to`.
        #[derive(Debug, PartialEq, Eq)]
        event ShareRedirected(bytes32 indexed id, uint256 indexed index, address indexed wallet, address to,
            uint256 amount, bytes32 reason, address by);
        /// What nobody claimed went back to `funder`.
        #[derive(Debug, PartialEq, Eq)]
        event Swept(bytes32 indexed id, address indexed funder, uint256 amount);
    }
}
