//! A tiny assembler for EVM bytecode, enough for one-page contracts.
//!
//! Words are separated by white space; `;` starts a comment. `NAME` is an opcode, a number (decimal or 0x hex) becomes
//! its shortest PUSH, `label:` marks a jump target and `@label` pushes its address.

use std::collections::HashMap;

use alloy::primitives::U256;

/// Assembles a program.
///
/// # Panics
/// On a word that is not an opcode, number or label, and on a label that is missing or appears twice.
pub fn assemble(source: &str) -> Vec<u8> {
    let mut code = Vec::new();
    let mut labels = HashMap::new();
    let mut references = Vec::new();
    let words = source
        .lines()
        .filter_map(|line| line.split(';').next())
        .flat_map(str::split_whitespace);
    for word in words {
        if let Some(label) = word.strip_suffix(':') {
            assert!(
                labels.insert(label, code.len()).is_none(),
                "label {label} appears twice"
            );
            code.push(0x5b);
        } else if let Some(label) = word.strip_prefix('@') {
            code.push(0x61);
            references.push((code.len(), label));
            code.extend([0, 0]);
        } else if word.starts_with(|c: char| c.is_ascii_digit()) {
            push(
                &mut code,
                word.parse()
                    .unwrap_or_else(|_| panic!("{word} is not a number")),
            );
        } else {
            code.push(opcode(word).unwrap_or_else(|| panic!("{word} is not an opcode")));
        }
    }
    for (at, label) in references {
        let target = *labels
            .get(label)
            .unwrap_or_else(|| panic!("label {label} is missing"));
        let target = u16::try_from(target).expect("a program of less than 64 KB");
        code[at..at + 2].copy_from_slice(&target.to_be_bytes());
    }
    code
}

fn push(code: &mut Vec<u8>, value: U256) {
    let bytes = value.to_be_bytes_trimmed_vec();
    let length = u8::try_from(bytes.len()).expect("at most 32 bytes");
    code.push(0x5f + length);
    code.extend(bytes);
}

fn opcode(name: &str) -> Option<u8> {
    Some(match name {
        "STOP" => 0x00,
        "ADD" => 0x01,
        "MUL" => 0x02,
        "SUB" => 0x03,
        "DIV" => 0x04,
        "LT" => 0x10,
        "GT" => 0x11,
        "EQ" => 0x14,
        "ISZERO" => 0x15,
        "AND" => 0x16,
        "OR" => 0x17,
        "NOT" => 0x19,
        "SHL" => 0x1b,
        "SHR" => 0x1c,
        "KECCAK256" => 0x20,
        "ADDRESS" => 0x30,
        "CALLER" => 0x33,
        "CALLVALUE" => 0x34,
        "CALLDATALOAD" => 0x35,
        "CALLDATASIZE" => 0x36,
        "CALLDATACOPY" => 0x37,
        "TIMESTAMP" => 0x42,
        "EXTCODESIZE" => 0x3b,
        "EXTCODECOPY" => 0x3c,
        "RETURNDATASIZE" => 0x3d,
        "RETURNDATACOPY" => 0x3e,
        "POP" => 0x50,
        "MLOAD" => 0x51,
        "MSTORE" => 0x52,
        "SLOAD" => 0x54,
        "SSTORE" => 0x55,
        "JUMP" => 0x56,
        "JUMPI" => 0x57,
        "GAS" => 0x5a,
        "DUP1" => 0x80,
        "DUP2" => 0x81,
        "DUP3" => 0x82,
        "DUP4" => 0x83,
        "SWAP1" => 0x90,
        "SWAP2" => 0x91,
        "LOG1" => 0xa1,
        "LOG2" => 0xa2,
        "CALL" => 0xf1,
        "RETURN" => 0xf3,
        "DELEGATECALL" => 0xf4,
        "STATICCALL" => 0xfa,
        "REVERT" => 0xfd,
        "INVALID" => 0xfe,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::assemble;

    #[test]
    fn words_become_bytes() {
        assert_eq!(
            assemble("0 255 0x0100 ADD ; a comment"),
            [0x5f, 0x60, 0xff, 0x61, 1, 0, 0x01]
        );
    }

    #[test]
    fn labels_are_resolved_in_both_directions() {
        assert_eq!(
            assemble("a: @b JUMP b: @a JUMP"),
            [0x5b, 0x61, 0, 5, 0x56, 0x5b, 0x61, 0, 0, 0x56]
        );
    }

    #[test]
    #[should_panic(expected = "label nowhere is missing")]
    fn a_missing_label_is_named() {
        assemble("@nowhere JUMP");
    }
}
