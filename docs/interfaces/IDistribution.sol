// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// ABI of the distribution contract (crate `distribution`): dividends and other payments to those who held a security
/// at a block, one deployment per coin. Semantics: ../distributions.md.
///
/// constructor(address coin, address admin)
interface IDistribution {
    /// One share, with the path from its leaf to the root.
    struct Claim {
        uint256 index;         // of the leaf: 0, 1, 2 ... without gaps, below 2^32
        address wallet;        // held the security at the record block
        uint256 amount;        // base units of coin(), 1 or more
        bytes32[] proof;       // siblings from the leaf to the root, each pair hashed in sorted order
    }

    // The leaf of a share is keccak256(keccak256(abi.encode(uint256 chainId, address distribution, address security,
    // uint64 recordBlock, uint256 index, address wallet, uint256 amount))): a tree of @openzeppelin/merkle-tree.

    event DistributionOpened(bytes32 indexed id, address indexed security, address indexed funder, bytes32 root,
        uint64 recordBlock, bytes32 recordBlockHash, uint256 total, bytes32 documentHash, uint64 claimUntil);
    /// payee: the wallet, or the successor that the security names.
    event SharePaid(bytes32 indexed id, uint256 indexed index, address indexed wallet, address payee, uint256 amount);
    /// payBatch passed over a share that is paid, or that was set apart and still cannot be paid.
    event ClaimSkipped(bytes32 indexed id, uint256 indexed index);
    /// The share is proven and cannot be paid now; code as of payeeOf, or 3 when the coin refused.
    event ShareSetApart(bytes32 indexed id, uint256 indexed index, address indexed wallet, uint256 amount, uint8 code);
    /// A share that was set apart is paid to somebody else, for a reason, by whoever has COMPLIANCE_ROLE.
    event ShareRedirected(bytes32 indexed id, uint256 indexed index, address indexed wallet, address to, uint256 amount,
        bytes32 reason, address by);
    event Swept(bytes32 indexed id, address indexed funder, uint256 amount);

    error DistributionExists(bytes32 id);                           // open: the same distribution again
    error UnknownDistribution(bytes32 id);
    error InvalidRoot();                                            // open: zero
    error InvalidRecordBlock();                                     // open: number or hash is zero
    error InvalidTotal(uint256 total);                              // open: zero, or 2^128 and above
    error ClaimPeriodOutOfRange(uint64 claimUntil, uint64 earliest, uint64 latest);  // open
    error NotASecurity(address security);                           // open: it does not answer the three views
    error FundingInexact(uint256 expected, uint256 received);       // open: the coin moved another amount
    error InvalidProof(bytes32 id, uint256 index);                  // also: amount 0, or an index of 2^32 and above
    error AlreadyPaid(bytes32 id, uint256 index);                   // claim and redirect
    error ClaimPeriodOver(bytes32 id, uint64 claimUntil, uint64 time);   // claim and payBatch of a share not set apart
    error ClaimPeriodOpen(bytes32 id, uint64 claimUntil, uint64 time);   // sweep
    error TotalExceeded(bytes32 id, uint256 total, uint256 needed); // the tree's leaves are more than was funded
    error ShareNotPayable(bytes32 id, uint256 index, uint8 code);   // claim: set apart before, and still not payable
    error NotSetApart(bytes32 id, uint256 index);                   // redirect
    error InvalidRecipient(address to);                             // redirect: zero, this contract, or sanctioned
    error TooManyClaims(uint256 count, uint256 size);               // payBatch: over 100 claims or 90,000 bytes
    error NothingToSweep(bytes32 id);
    error InsufficientGas(uint64 left, uint64 needed);              // too little to ask security or coin: send more
    error NotAContract(address account);                            // constructor: the coin has no code
    error SafeErc20FailedOperation(address token);                  // the coin refused to move (open, redirect, sweep)
    error EnforcedPause();                                          // any function that moves coins, and pause
    error ExpectedPause();                                          // unpause

    // ------------------------------------------------------------------ distributions
    /// Opens a distribution and pulls exactly `total` of the coin from the caller, its funder, who has
    /// DISTRIBUTOR_ROLE. id = keccak256(abi.encode(uint256 chainId, address this, address caller, root, security,
    /// recordBlock, recordBlockHash, total, documentHash, claimUntil)). recordBlock is the chain's own number, as
    /// eth_blockNumber counts. claimUntil: unix seconds, 180 to 3,650 days ahead. Refused in this order:
    /// AccessControlUnauthorizedAccount, EnforcedPause, InvalidRoot, InvalidRecordBlock, InvalidTotal,
    /// ClaimPeriodOutOfRange, DistributionExists, InsufficientGas, NotASecurity, SafeErc20FailedOperation,
    /// FundingInexact.
    function open(bytes32 root, address security, uint64 recordBlock, bytes32 recordBlockHash, uint256 total,
        bytes32 documentHash, uint64 claimUntil) external returns (bytes32 id);
    /// Pays one share to its payee, whoever calls, or sets it apart. Refused in this order: EnforcedPause,
    /// UnknownDistribution, AlreadyPaid, InvalidProof, ClaimPeriodOver, TotalExceeded, InsufficientGas,
    /// ShareNotPayable.
    function claim(bytes32 id, uint256 index, address wallet, uint256 amount, bytes32[] calldata proof) external;
    /// Pays up to 100 shares, each as claim does; one that is paid, or still not payable, is passed over. Refused in
    /// this order: EnforcedPause, UnknownDistribution, TooManyClaims; then as claim by the first share that is at
    /// fault.
    function payBatch(bytes32 id, Claim[] calldata claims) external;
    /// Pays a share that was set apart to `to`. Refused in this order: AccessControlUnauthorizedAccount
    /// (COMPLIANCE_ROLE), EnforcedPause, UnknownDistribution, AlreadyPaid, InvalidProof, NotSetApart, InsufficientGas,
    /// InvalidRecipient, SafeErc20FailedOperation.
    function redirect(bytes32 id, uint256 index, address wallet, uint256 amount, bytes32[] calldata proof, address to,
        bytes32 reason) external;
    /// After claimUntil, by anyone: gives the funder all that is neither paid nor set apart. Refused in this order:
    /// EnforcedPause, UnknownDistribution, ClaimPeriodOpen, NothingToSweep, SafeErc20FailedOperation.
    function sweep(bytes32 id) external;

    function coin() external view returns (address);
    /// total = paid + setApart + swept + what is still to be claimed, in base units of the coin. UnknownDistribution.
    function distributionOf(bytes32 id) external view returns (bytes32 root, address security, uint64 recordBlock,
        bytes32 recordBlockHash, address funder, uint256 total, uint256 paid, uint256 setApart, uint256 swept,
        uint64 claimUntil, bytes32 documentHash);
    function isPaid(bytes32 id, uint256 index) external view returns (bool);
    function isSetApart(bytes32 id, uint256 index) external view returns (bool);
    /// Whom a share of `wallet` would be paid to now, and why it would not: 0 it would be, 1 the payee is sanctioned,
    /// 2 frozen, 4 the security gives no readable answer, 5 there is no payee: more than eight successors, or this
    /// contract. 3, the coin refuses, shows in the payment only. Refused in this order: UnknownDistribution,
    /// InsufficientGas.
    function payeeOf(bytes32 id, address wallet) external view returns (address payee, uint8 code);
    /// The leaf of a share of this distribution. UnknownDistribution.
    function leafOf(bytes32 id, uint256 index, address wallet, uint256 amount) external view returns (bytes32);

    // ------------------------------------------------------------------ pause and roles
    // DISTRIBUTOR_ROLE, COMPLIANCE_ROLE and PAUSER_ROLE are keccak256 of their names, DEFAULT_ADMIN_ROLE is zero and
    // the admin of all.
    event Paused(address account);
    event Unpaused(address account);
    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);

    error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
    error AccessControlBadConfirmation();                           // renounceRole of another account
    error AccessControlInvalidDefaultAdmin(address account);        // constructor: zero

    /// PAUSER_ROLE. Nothing moves while paused, and the time to claim goes on.
    function pause() external;
    /// DEFAULT_ADMIN_ROLE: who can stop payments cannot also start them.
    function unpause() external;
    function paused() external view returns (bool);
    function hasRole(bytes32 role, address account) external view returns (bool);
    function getRoleAdmin(bytes32 role) external view returns (bytes32);
    function grantRole(bytes32 role, address account) external;
    function revokeRole(bytes32 role, address account) external;
    function renounceRole(bytes32 role, address callerConfirmation) external;
    /// ERC-165: itself and AccessControl (0x7965db0b).
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
}
