// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// ABI of the registry of documents (crate `documents`), after ERC-1643: what ERC-1643 keeps in a token is here, in
/// versions, for any security. Semantics: ../documents.md.
///
/// constructor()
interface IDocuments {
    /// `version` counts the versions of this name at this security from 1; `timestamp` is the block's, unix seconds.
    event DocumentUpdated(address indexed security, bytes32 indexed name, uint64 indexed version, string uri,
        bytes32 documentHash, address by);
    /// The name is no longer listed; its versions stay, and the next one counts on.
    event DocumentRemoved(address indexed security, bytes32 indexed name, uint64 indexed version, string uri,
        bytes32 documentHash, address by);
    /// `by` has received this version, and says so.
    event DocumentReceived(address indexed security, bytes32 indexed name, address indexed by, uint64 version,
        bytes32 documentHash);

    error NotIssuer(address security, address account);             // account lacks ISSUER_ROLE at the security
    error InvalidDocument(address security, bytes32 name);          // zero name or hash; URI empty or over 2,048 bytes
    error DocumentUnchanged(address security, bytes32 name, uint64 version);  // same URI and hash as now
    error UnknownDocument(address security, bytes32 name);          // nothing is listed under this name
    error UnknownVersion(address security, bytes32 name, uint64 version);
    error WrongHash(address security, bytes32 name, bytes32 expected, bytes32 found);  // acknowledge: another document
    error TooManyDocuments(address security, uint64 limit);         // a 257th name

    /// A document, or the next version of one. Refused in this order: NotIssuer, InvalidDocument, DocumentUnchanged,
    /// TooManyDocuments.
    function setDocument(address security, bytes32 name, string calldata uri, bytes32 documentHash) external;
    /// Refused in this order: NotIssuer, UnknownDocument.
    function removeDocument(address security, bytes32 name) external;
    /// The current version. UnknownDocument.
    function getDocument(address security, bytes32 name) external view
        returns (string memory uri, bytes32 documentHash, uint64 timestamp, uint64 version);
    /// One version, of a removed document too. UnknownVersion.
    function getDocumentVersion(address security, bytes32 name, uint64 version) external view
        returns (string memory uri, bytes32 documentHash, uint64 timestamp);
    /// The names that are listed, in no particular order.
    function getAllDocuments(address security) external view returns (bytes32[] memory);
    /// Says that the caller has received the current version, whose hash the caller found to be `documentHash`. Refused
    /// in this order: UnknownDocument, WrongHash.
    function acknowledge(address security, bytes32 name, bytes32 documentHash) external;
}
