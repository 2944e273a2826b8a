// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.28;

// The interface, events and errors of Arbitrum's StylusDeployer, so that tools find on this chain what they find there.
//
// stylus_deployer.hex is the runtime code of this file: solc 0.8.28, optimizer on with 200 runs, EVM version paris,
// no metadata (npm package solc 0.8.28; settings: optimizer.enabled, optimizer.runs 200, evmVersion paris,
// metadata.bytecodeHash none, metadata.appendCBOR false).

interface ArbWasm {
    function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
    function codehashVersion(bytes32 codehash) external view returns (uint16 version);
    function stylusVersion() external view returns (uint16 version);
}

/// Deploys, activates and initialises a Stylus contract in one transaction.
contract StylusDeployer {
    ArbWasm private constant ARB_WASM = ArbWasm(address(0x71));

    event ContractDeployed(address deployedContract);

    error ContractDeploymentError(bytes bytecode);
    error ContractInitializationError(address newContract);
    error RefundExcessValueError(uint256 excessValue);
    error EmptyBytecode();
    error InitValueButNotInitData();

    /// Creates the contract (with CREATE2 when there is a salt), activates it when no active program has the same
    /// code, calls it with `initData` and `initValue` when there is any, and returns what is left of the value.
    /// The value must cover the activation's data fee and `initValue`.
    function deploy(bytes calldata bytecode, bytes calldata initData, uint256 initValue, bytes32 salt)
        external
        payable
        returns (address deployed)
    {
        if (salt != 0) {
            // The same address on two chains then also means the same initialisation.
            salt = initSalt(salt, initData, initValue);
        }
        deployed = createContract(bytecode, salt);

        bool activate = requiresActivation(deployed);
        if (activate) {
            // What exceeds the fee comes back without a call.
            ARB_WASM.activateProgram{value: msg.value - initValue}(deployed);
        }

        if (initData.length != 0) {
            (bool success,) = deployed.call{value: initValue}(initData);
            if (!success) revert ContractInitializationError(deployed);
        } else if (initValue != 0) {
            revert InitValueButNotInitData();
        }

        if (activate || msg.value != initValue) {
            uint256 excess = address(this).balance;
            if (excess != 0) {
                (bool sent,) = msg.sender.call{value: excess}("");
                if (!sent) revert RefundExcessValueError(excess);
            }
        }
        emit ContractDeployed(deployed);
    }

    /// The salt that CREATE2 gets.
    function initSalt(bytes32 salt, bytes calldata initData, uint256 initValue) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(salt, initData, initValue));
    }

    /// Whether no active program has the code of `account`.
    function requiresActivation(address account) public view returns (bool) {
        uint16 active;
        // Reverts for a program that is not active.
        try ARB_WASM.codehashVersion(account.codehash) returns (uint16 version) {
            active = version;
        } catch {}
        return active != ARB_WASM.stylusVersion();
    }

    function createContract(bytes memory bytecode, bytes32 salt) private returns (address deployed) {
        if (bytecode.length == 0) revert EmptyBytecode();
        assembly ("memory-safe") {
            switch salt
            case 0 { deployed := create(0, add(bytecode, 0x20), mload(bytecode)) }
            default { deployed := create2(0, add(bytecode, 0x20), mload(bytecode), salt) }
            if and(iszero(deployed), gt(returndatasize(), 0)) {
                let data := mload(0x40)
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
        if (deployed == address(0)) revert ContractDeploymentError(bytecode);
    }
}
