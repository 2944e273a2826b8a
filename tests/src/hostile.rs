//! EVM bytecode of tokens and wallets that misbehave, each named for what it does.
//!
//! A balance is the storage word at the holder's address. What a contract calls back into is prepared by [`arm`]: the
//! target's address, and the call data as the code of another contract.

use std::fmt::Write as _;

use alloy::{
    primitives::{Address, Bytes, U256, keccak256, uint},
    sol,
    sol_types::SolCall,
};

use crate::{account::Account, asm::assemble, chain::Chain, deploy};

sol! {
    /// The functions that the hostile contracts have besides those that they abuse.
    interface IHostile {
        function mint(address to, uint256 value) external;
        function arm(address target, address callData) external;
        function wake() external;
        function execute(address target, bytes callData) external;
    }
}

/// What `transferFrom` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Moves the value and answers true.
    Honestly,
    /// Moves the value and answers nothing, as USDT does.
    Silently,
    /// Moves the value and answers false.
    AndReturnsFalse,
    /// Moves the value and answers 31 bytes that end in 1.
    AndReturns31Bytes,
    /// Moves the value and answers two words, 1 and 0.
    AndReturnsTwoWords,
    /// Moves the value and answers the number 2.
    AndReturnsTwo,
    /// Moves the value and answers a megabyte that begins with 1.
    AndReturnsMegabyte,
    /// Answers true and does nothing.
    Nothing,
    /// Answers nothing and does nothing.
    NothingSilently,
    /// The recipient gets one unit less.
    MinusFee,
    /// The recipient gets one unit more.
    PlusBonus,
    /// The sender pays one unit more than the recipient gets.
    WithExtraDebit,
    /// The value goes to the zero address.
    ToNobody,
    /// Moves the value, makes the armed call, records whether it succeeded and answers true.
    AndReenters,
    /// Moves the value, makes the armed call and passes its revert on.
    AndInsistsOnReentering,
    /// Moves the value, runs the armed call with the target's code as its own (DELEGATECALL), records whether it
    /// succeeded and answers true.
    AndBorrowsCode,
    /// Reverts with four bytes, 0xdeadbeef.
    RevertsWithData,
    /// Reverts with a megabyte.
    RevertsWithMegabyte,
    /// Runs until it is out of gas.
    BurnsGas,
}

/// How a view answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// One word.
    Word(U256),
    /// Zero bytes.
    Nothing,
    /// 31 zero bytes.
    ThirtyOneBytes,
    /// A revert without data.
    Reverts,
    /// A revert with a megabyte.
    RevertsWithMegabyte,
    /// Until the gas is gone.
    BurnsGas,
    /// Zero, but a revert without data when the armed static call fails.
    ZeroIfItCanRead,
    /// Zero, after trying the armed call.
    ZeroAfterItsCall,
}

/// A token that plays either leg. Its `transfer` moves nothing, makes the armed call and answers true.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// `transferFrom`.
    pub moves: Moves,
    /// `detectTransferRestriction`.
    pub detects: Answers,
    /// `detectTransferRestrictionFrom`.
    pub detects_from: Answers,
    /// `supportsInterface`, whatever the id.
    pub supports: Answers,
    /// `isBlacklisted` and `paused`.
    pub switches: Answers,
    /// `balanceOf`; `None` for the true balance.
    pub balances: Option<Answers>,
    /// `allowance`.
    pub allows: Answers,
    /// Whether both restriction views answer zero until it is woken: a token that does not answer is not listed.
    pub sleeps: bool,
}

impl Default for Token {
    /// A well-behaved token, without the spender extension of ERC-1404.
    fn default() -> Self {
        Self {
            moves: Moves::Honestly,
            detects: Answers::Word(U256::ZERO),
            detects_from: Answers::Reverts,
            supports: Answers::Word(U256::ZERO),
            switches: Answers::Word(U256::ZERO),
            balances: None,
            allows: Answers::Word(U256::MAX),
            sleeps: false,
        }
    }
}

/// The word where a re-entering contract records the outcome: 0 not tried, 1 failed, 2 succeeded.
pub const OUTCOME: U256 = uint!(0x100000000000000000000000000000000000000000000000002_U256);

/// The words of its one hold: amount and end.
const HOLD: [U256; 2] = [
    uint!(0x100000000000000000000000000000000000000000000000004_U256),
    uint!(0x100000000000000000000000000000000000000000000000005_U256),
];

/// The word that is non-zero in a token that was woken.
const AWAKE: U256 = uint!(0x100000000000000000000000000000000000000000000000003_U256);

const MEGABYTE: usize = 1 << 20;
const ANSWER_1: &str = "1 0 MSTORE 32 0 RETURN";
const DEBIT: &str = "68 CALLDATALOAD 4 CALLDATALOAD SLOAD SUB 4 CALLDATALOAD SSTORE";
const CREDIT: &str = "68 CALLDATALOAD 36 CALLDATALOAD SLOAD ADD 36 CALLDATALOAD SSTORE";
/// Copies the armed call data to memory; leaves its length on the stack.
const LOAD_CALL: &str = "
    0x100000000000000000000000000000000000000000000000001 SLOAD EXTCODESIZE 1 SWAP1 SUB
    DUP1 1 0 0x100000000000000000000000000000000000000000000000001 SLOAD EXTCODECOPY";
/// Makes the armed call with the length on the stack; leaves the success on the stack.
const MAKE_CALL: &str = "
    0 0 SWAP2 0 0 0x100000000000000000000000000000000000000000000000000 SLOAD GAS CALL";
/// The same as a static call.
const MAKE_STATIC_CALL: &str = "
    0 0 SWAP2 0 0x100000000000000000000000000000000000000000000000000 SLOAD GAS STATICCALL";
/// The same with the target's code on the caller's own storage.
const BORROW_CODE: &str = "
    0 0 SWAP2 0 0x100000000000000000000000000000000000000000000000000 SLOAD GAS DELEGATECALL";
const PASS_REVERT_ON: &str = "RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 REVERT";

impl Token {
    /// A token that moves value in this way and is otherwise honest.
    pub fn that_moves(moves: Moves) -> Self {
        Self {
            moves,
            ..Self::default()
        }
    }

    /// A token whose restriction views answer like this once it is awake, and which is otherwise honest.
    pub fn that_detects(detects: Answers) -> Self {
        Self {
            detects,
            sleeps: true,
            ..Self::default()
        }
    }

    /// Its bytecode.
    pub fn bytecode(&self) -> Vec<u8> {
        let balances = self.balances.map_or(
            "4 CALLDATALOAD SLOAD 0 MSTORE 32 0 RETURN".to_owned(),
            |answer| answer.code("balances"),
        );
        let restricts = |answer: Answers, label: &str| {
            let code = answer.code(label);
            if self.sleeps {
                format!(
                    "{AWAKE:#x} SLOAD @{label}_awake JUMPI 0 0 MSTORE 32 0 RETURN
                     {label}_awake: {code}"
                )
            } else {
                code
            }
        };
        let functions = [
            ("transferFrom(address,address,uint256)", self.moves.code()),
            ("transfer(address,uint256)", reenter()),
            ("balanceOf(address)", balances),
            ("allowance(address,address)", self.allows.code("allows")),
            ("approve(address,uint256)", ANSWER_1.to_owned()),
            ("supportsInterface(bytes4)", self.supports.code("supports")),
            (
                "detectTransferRestriction(address,address,uint256)",
                restricts(self.detects, "detects"),
            ),
            (
                "detectTransferRestrictionFrom(address,address,address,uint256)",
                restricts(self.detects_from, "detects_from"),
            ),
            ("paused()", self.switches.code("paused")),
            ("isBlacklisted(address)", self.switches.code("blacklisted")),
            ("mint(address,uint256)", mint()),
            ("arm(address,address)", armed()),
            ("wake()", format!("1 {AWAKE:#x} SSTORE STOP")),
            (
                "placeHold(bytes32,address,uint256,uint64)",
                format!(
                    "68 CALLDATALOAD {:#x} SSTORE 100 CALLDATALOAD {:#x} SSTORE {}",
                    HOLD[0],
                    HOLD[1],
                    self.answer_to_holder()
                ),
            ),
            (
                "useHold(bytes32,address,address,uint256)",
                format!(
                    "100 CALLDATALOAD 36 CALLDATALOAD SLOAD SUB 36 CALLDATALOAD SSTORE
                     100 CALLDATALOAD 68 CALLDATALOAD SLOAD ADD 68 CALLDATALOAD SSTORE {}",
                    self.answer_to_holder()
                ),
            ),
            ("dropHold(bytes32,address)", self.answer_to_holder()),
            (
                "holdOf(address,address,bytes32)",
                format!(
                    "{:#x} SLOAD 0 MSTORE {:#x} SLOAD 32 MSTORE 64 0 RETURN",
                    HOLD[0], HOLD[1]
                ),
            ),
            (
                "holdRestriction(address,address,bytes32,address,uint64)",
                "0 0 MSTORE 32 0 RETURN".to_owned(),
            ),
            (
                "heldBalanceOf(address)",
                "0 0 MSTORE 32 0 RETURN".to_owned(),
            ),
        ];
        dispatch(&functions)
    }

    /// What else it does when a hold is placed, used or dropped: the same as when it moves. Holds are only placed with
    /// [`Self::supports`].
    fn answer_to_holder(&self) -> String {
        match self.moves {
            Moves::AndReenters => {
                format!("{LOAD_CALL} {MAKE_CALL} 1 ADD {OUTCOME:#x} SSTORE STOP")
            }
            _ => "STOP".to_owned(),
        }
    }

    /// Puts it on chain.
    pub async fn deploy(&self, chain: &Chain) -> Address {
        deploy::evm(chain, &self.bytecode()).await
    }
}

impl Moves {
    fn code(self) -> String {
        let honest = format!("{DEBIT} {CREDIT}");
        match self {
            Self::Honestly => format!("{honest} {ANSWER_1}"),
            Self::Silently => format!("{honest} STOP"),
            Self::AndReturnsFalse => format!("{honest} 32 0 RETURN"),
            Self::AndReturns31Bytes => format!("{honest} 1 0 MSTORE 31 1 RETURN"),
            Self::AndReturnsTwoWords => format!("{honest} 1 0 MSTORE 64 0 RETURN"),
            Self::AndReturnsTwo => format!("{honest} 2 0 MSTORE 32 0 RETURN"),
            Self::AndReturnsMegabyte => format!("{honest} 1 0 MSTORE {MEGABYTE} 0 RETURN"),
            Self::Nothing => ANSWER_1.to_owned(),
            Self::NothingSilently => "STOP".to_owned(),
            Self::MinusFee => {
                let credit = CREDIT.replacen("ADD", "ADD 1 SWAP1 SUB", 1);
                format!("{DEBIT} {credit} {ANSWER_1}")
            }
            Self::PlusBonus => {
                let credit = CREDIT.replacen("ADD", "ADD 1 ADD", 1);
                format!("{DEBIT} {credit} {ANSWER_1}")
            }
            Self::WithExtraDebit => {
                let debit = DEBIT.replacen("SUB", "SUB 1 SWAP1 SUB", 1);
                format!("{debit} {CREDIT} {ANSWER_1}")
            }
            Self::ToNobody => format!("{DEBIT} {ANSWER_1}"),
            Self::AndReenters => format!("{honest} {}", reenter()),
            Self::AndInsistsOnReentering => format!(
                "{honest} {LOAD_CALL} {MAKE_CALL} @went_through JUMPI {PASS_REVERT_ON}
                 went_through: {ANSWER_1}"
            ),
            Self::AndBorrowsCode => {
                format!("{honest} {LOAD_CALL} {BORROW_CODE} 1 ADD {OUTCOME:#x} SSTORE {ANSWER_1}")
            }
            Self::RevertsWithData => "0xdeadbeef 224 SHL 0 MSTORE 4 0 REVERT".to_owned(),
            Self::RevertsWithMegabyte => format!("{MEGABYTE} 0 REVERT"),
            Self::BurnsGas => "forever: @forever JUMP".to_owned(),
        }
    }
}

impl Answers {
    /// The code; `label` distinguishes its jump target from the others'.
    fn code(self, label: &str) -> String {
        match self {
            Self::Word(word) => format!("{word:#x} 0 MSTORE 32 0 RETURN"),
            Self::Nothing => "STOP".to_owned(),
            Self::ThirtyOneBytes => "31 0 RETURN".to_owned(),
            Self::Reverts => "0 0 REVERT".to_owned(),
            Self::RevertsWithMegabyte => format!("{MEGABYTE} 0 REVERT"),
            Self::BurnsGas => format!("{label}_forever: @{label}_forever JUMP"),
            Self::ZeroIfItCanRead => format!(
                "{LOAD_CALL} {MAKE_STATIC_CALL} @{label}_read JUMPI 0 0 REVERT
                 {label}_read: 0 0 MSTORE 32 0 RETURN"
            ),
            Self::ZeroAfterItsCall => {
                format!("{LOAD_CALL} {MAKE_CALL} POP 0 0 MSTORE 32 0 RETURN")
            }
        }
    }
}

/// How an ERC-1271 wallet answers when asked whether a signature is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wallet {
    /// The magic word, for any signature.
    Accepts,
    /// The magic word, but only for signatures whose first byte is 1.
    AcceptsOne,
    /// The magic word, after work of more than a million gas.
    AcceptsAfterWork,
    /// 0xffffffff.
    Refuses,
    /// The magic word without its last byte.
    Answers31Bytes,
    /// The magic word and zeros, 64 bytes in all.
    AnswersTwoWords,
    /// The magic word and zeros, 4,096 bytes in all.
    Answers4096Bytes,
    /// The magic word and zeros, 4,097 bytes in all.
    Answers4097Bytes,
    /// The magic four bytes, and garbage in the rest of the word.
    AnswersDirtyWord,
    /// Nothing.
    AnswersNothing,
    /// A megabyte that begins with the magic word.
    AnswersMegabyte,
    /// A revert.
    Reverts,
    /// A revert with a megabyte.
    RevertsWithMegabyte,
    /// Until the gas is gone.
    BurnsGas,
    /// The magic word, after trying the armed call (which the static context must stop).
    ReentersAndAccepts,
    /// The magic word, but only when the armed static call succeeds.
    AcceptsWhatItCanRead,
}

impl Wallet {
    /// Its bytecode: `isValidSignature`, and `execute` for everyone.
    pub fn bytecode(self) -> Vec<u8> {
        const MAGIC: &str = "0x1626ba7e 224 SHL 0 MSTORE";
        let answer = match self {
            Self::Accepts => format!("{MAGIC} 32 0 RETURN"),
            Self::AcceptsOne => format!(
                "100 CALLDATALOAD 248 SHR 1 EQ @is_one JUMPI 32 0 RETURN
                 is_one: {MAGIC} 32 0 RETURN"
            ),
            // 26 gas per round.
            Self::AcceptsAfterWork => {
                format!("46000 work: 1 SWAP1 SUB DUP1 @work JUMPI {MAGIC} 32 0 RETURN")
            }
            Self::Refuses => "0xffffffff 224 SHL 0 MSTORE 32 0 RETURN".to_owned(),
            Self::Answers31Bytes => format!("{MAGIC} 31 0 RETURN"),
            Self::AnswersTwoWords => format!("{MAGIC} 64 0 RETURN"),
            Self::Answers4096Bytes => format!("{MAGIC} 4096 0 RETURN"),
            Self::Answers4097Bytes => format!("{MAGIC} 4097 0 RETURN"),
            Self::AnswersDirtyWord => "0x1626ba7e 224 SHL 1 OR 0 MSTORE 32 0 RETURN".to_owned(),
            Self::AnswersNothing => "STOP".to_owned(),
            Self::AnswersMegabyte => format!("{MAGIC} {MEGABYTE} 0 RETURN"),
            Self::Reverts => "0 0 REVERT".to_owned(),
            Self::RevertsWithMegabyte => format!("{MEGABYTE} 0 REVERT"),
            Self::BurnsGas => "forever: @forever JUMP".to_owned(),
            Self::ReentersAndAccepts => {
                format!("{LOAD_CALL} {MAKE_CALL} POP {MAGIC} 32 0 RETURN")
            }
            Self::AcceptsWhatItCanRead => format!(
                "{LOAD_CALL} {MAKE_STATIC_CALL} @could_read JUMPI 0 0 RETURN
                 could_read: {MAGIC} 32 0 RETURN"
            ),
        };
        let execute = format!(
            "68 CALLDATALOAD 100 0 CALLDATACOPY 0 0 68 CALLDATALOAD 0 0 4 CALLDATALOAD GAS CALL
             @executed JUMPI {PASS_REVERT_ON} executed: STOP"
        );
        dispatch(&[
            ("isValidSignature(bytes32,bytes)", answer),
            ("execute(address,bytes)", execute),
            ("arm(address,address)", armed()),
        ])
    }

    /// Puts it on chain.
    pub async fn deploy(self, chain: &Chain) -> Address {
        deploy::evm(chain, &self.bytecode()).await
    }
}

/// Makes the armed call, records whether it succeeded and answers true.
fn reenter() -> String {
    format!("{LOAD_CALL} {MAKE_CALL} 1 ADD {OUTCOME:#x} SSTORE {ANSWER_1}")
}

fn mint() -> String {
    "36 CALLDATALOAD 4 CALLDATALOAD SLOAD ADD 4 CALLDATALOAD SSTORE STOP".to_owned()
}

fn armed() -> String {
    "4 CALLDATALOAD 0x100000000000000000000000000000000000000000000000000 SSTORE
     36 CALLDATALOAD 0x100000000000000000000000000000000000000000000000001 SSTORE STOP"
        .to_owned()
}

/// A program with these functions; any other selector reverts without data.
fn dispatch(functions: &[(&str, String)]) -> Vec<u8> {
    let mut source = "0 CALLDATALOAD 224 SHR\n".to_owned();
    for (index, (signature, _)) in functions.iter().enumerate() {
        let selector = U256::from_be_slice(&keccak256(signature)[..4]);
        let _ = writeln!(source, "DUP1 {selector:#x} EQ @function_{index} JUMPI");
    }
    source += "0 0 REVERT\n";
    for (index, (_, body)) in functions.iter().enumerate() {
        let _ = writeln!(source, "function_{index}: {body}");
    }
    assemble(&source)
}

/// Prepares the call that a hostile contract will make.
pub async fn arm<C: SolCall>(
    chain: &Chain,
    from: &Account,
    hostile: Address,
    target: Address,
    call: &C,
) {
    // A leading byte keeps any selector from being mistaken for a program's prefix.
    let call_data = deploy::evm(chain, &[&[0], call.abi_encode().as_slice()].concat()).await;
    let arm = IHostile::armCall {
        target,
        callData: call_data,
    };
    chain.send(from, hostile, &arm).await;
}

/// Makes a wallet of this module call something.
pub async fn execute<C: SolCall>(
    chain: &Chain,
    from: &Account,
    wallet: Address,
    target: Address,
    call: &C,
) {
    let call_data = Bytes::from(call.abi_encode());
    chain
        .send(
            from,
            wallet,
            &IHostile::executeCall {
                target,
                callData: call_data,
            },
        )
        .await;
}

#[cfg(test)]
mod tests {
    use super::{Answers, Moves, Token, Wallet};

    #[test]
    fn everything_assembles() {
        let answers = Answers::BurnsGas;
        let burning = Token {
            moves: Moves::BurnsGas,
            detects: answers,
            detects_from: answers,
            supports: answers,
            switches: answers,
            balances: Some(answers),
            allows: answers,
            sleeps: true,
        };
        assert!(!burning.bytecode().is_empty());
        assert!(
            !Token::that_moves(Moves::AndInsistsOnReentering)
                .bytecode()
                .is_empty()
        );
        for wallet in [Wallet::AcceptsWhatItCanRead, Wallet::AcceptsAfterWork] {
            assert!(!wallet.bytecode().is_empty());
        }
    }
}
