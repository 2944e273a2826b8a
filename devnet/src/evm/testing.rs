//! A chain for tests: an in-memory state, one engine, transactions from one rich account.

use crate::{
    evm::{Engine, arbos::ProgramUpToDate, genesis},
    rules::ArbOs,
    stylus::prefix,
};
use alloy::sol_types::{SolCall, SolError};
use revm::{
    DatabaseCommit,
    context::{
        BlockEnv, TxEnv,
        result::{ExecutionResult, Output, ResultAndState},
    },
    database::InMemoryDB,
    primitives::{Address, Bytes, Log, TxKind, U256, address, keccak256},
    state::{AccountInfo, Bytecode},
};

alloy::sol! {
    function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
    function cacheProgram(address program) external;
    function becomeChainOwner() external;
}

pub(crate) const SENDER: Address = address!("00000000000000000000000000000000000a11ce");
pub(crate) const ARB_WASM: Address = Address::with_last_byte(0x71);
pub(crate) const ARB_WASM_CACHE: Address = Address::with_last_byte(0x72);
pub(crate) const ARB_DEBUG: Address = Address::with_last_byte(0xff);
/// Wei that covers any data fee.
pub(crate) const FEE: U256 = U256::from_limbs([100_000_000_000_000_000, 0, 0, 0]);
pub(crate) const GAS: u64 = 30_000_000;
/// What every transaction pays before anything runs, except for calldata.
pub(crate) const INTRINSIC: u64 = 21_000;

/// Gas for a transaction's calldata: 4 for a zero byte, 16 for any other.
pub(crate) fn calldata_gas(input: &[u8]) -> u64 {
    let price = |byte: &u8| if *byte == 0 { 4 } else { 16 };
    input.iter().map(price).sum()
}

#[derive(Debug)]
pub(crate) struct TestChain {
    pub(crate) db: InMemoryDB,
    pub(crate) engine: Engine,
    pub(crate) block: BlockEnv,
    accounts: u64,
}

/// How a transaction ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) result: ExecutionResult,
}

impl Ended {
    pub(crate) fn success(&self) -> bool {
        self.result.is_success()
    }

    /// Reverted, as opposed to halted with all gas gone.
    pub(crate) fn reverted(&self) -> bool {
        matches!(self.result, ExecutionResult::Revert { .. })
    }

    pub(crate) fn output(&self) -> Bytes {
        self.result.output().cloned().unwrap_or_default()
    }

    pub(crate) fn word(&self) -> U256 {
        assert!(self.success(), "{:?}", self.result);
        U256::from_be_slice(&self.output())
    }

    pub(crate) fn logs(&self) -> &[Log] {
        self.result.logs()
    }

    pub(crate) fn gas(&self) -> u64 {
        self.result.tx_gas_used()
    }
}

impl TestChain {
    pub(crate) fn new() -> Self {
        Self::with_arbos(ArbOs::default())
    }

    /// A chain of this version.
    pub(crate) fn with_arbos(arbos: ArbOs) -> Self {
        let mut db = InMemoryDB::default();
        for account in genesis::accounts() {
            db.insert_account_info(account.address, account.info);
            for (slot, word) in account.storage {
                db.insert_account_storage(account.address, slot, word)
                    .unwrap();
            }
        }
        let rich = AccountInfo {
            balance: U256::from(10).pow(U256::from(24)),
            ..Default::default()
        };
        db.insert_account_info(SENDER, rich);
        let block = BlockEnv {
            number: U256::from(7),
            timestamp: U256::from(1_750_000_000),
            beneficiary: address!("00000000000000000000000000000000000c01ba"),
            gas_limit: 1 << 50,
            ..BlockEnv::default()
        };
        Self {
            db,
            engine: Engine::with_arbos(arbos),
            block,
            accounts: 0,
        }
    }

    /// Gas costs `wei` from now on.
    pub(crate) fn set_base_fee(&mut self, wei: u64) {
        self.block.basefee = wei;
    }

    fn fresh_address(&mut self) -> Address {
        self.accounts += 1;
        Address::from_word(keccak256(self.accounts.to_be_bytes()))
    }

    /// Puts EVM bytecode on the chain.
    pub(crate) fn contract(&mut self, code: &[u8]) -> Address {
        let address = self.fresh_address();
        let code = Bytecode::new_raw(Bytes::copy_from_slice(code));
        self.db
            .insert_account_info(address, AccountInfo::from_bytecode(code));
        address
    }

    /// Puts a program on the chain, not activated.
    pub(crate) fn sleeping_program(&mut self, wat: &str) -> Address {
        self.contract(&prefix::pack(&wat::parse_str(wat).unwrap()))
    }

    /// Puts a program on the chain and activates it.
    pub(crate) fn program(&mut self, wat: &str) -> Address {
        let address = self.sleeping_program(wat);
        let ended = self.activate(address);
        // The same program deployed again is active already.
        let known = ended.output().as_ref() == ProgramUpToDate::SELECTOR;
        assert!(ended.success() || known, "{:?}", ended.result);
        address
    }

    pub(crate) fn activate(&mut self, program: Address) -> Ended {
        let input = activateProgramCall { program }.abi_encode();
        self.send(ARB_WASM, input, FEE)
    }

    /// Makes the sender an owner of the chain.
    pub(crate) fn own(&mut self) {
        let input = becomeChainOwnerCall {}.abi_encode();
        assert!(self.call(ARB_DEBUG, input).success());
    }

    pub(crate) fn cache(&mut self, program: Address) {
        self.own();
        let input = cacheProgramCall { program }.abi_encode();
        assert!(self.send(ARB_WASM_CACHE, input, U256::ZERO).success());
    }

    pub(crate) fn call(&mut self, to: Address, input: impl Into<Bytes>) -> Ended {
        self.send(to, input, U256::ZERO)
    }

    pub(crate) fn send(&mut self, to: Address, input: impl Into<Bytes>, value: U256) -> Ended {
        self.transact(TxKind::Call(to), input.into(), value, GAS)
    }

    pub(crate) fn create(&mut self, init_code: impl Into<Bytes>) -> (Ended, Option<Address>) {
        let ended = self.transact(TxKind::Create, init_code.into(), U256::ZERO, GAS);
        let address = match &ended.result {
            ExecutionResult::Success {
                output: Output::Create(_, address),
                ..
            } => *address,
            _ => None,
        };
        (ended, address)
    }

    /// Executes a transaction and keeps its changes.
    pub(crate) fn transact(&mut self, kind: TxKind, input: Bytes, value: U256, gas: u64) -> Ended {
        let nonce = self
            .db
            .cache
            .accounts
            .get(&SENDER)
            .map_or(0, |account| account.info.nonce);
        let tx = TxEnv::builder()
            .caller(SENDER)
            .kind(kind)
            .data(input)
            .value(value)
            .gas_limit(gas)
            .gas_price(self.block.basefee.into())
            .nonce(nonce)
            .chain_id(Some(412_346))
            .build()
            .unwrap();
        let cfg = self.engine.config(412_346);
        let ResultAndState { result, state } = self
            .engine
            .transact(&mut self.db, cfg, self.block.clone(), tx)
            .unwrap();
        self.db.commit(state);
        Ended { result }
    }

    pub(crate) fn storage(&mut self, account: Address, slot: U256) -> U256 {
        revm::Database::storage(&mut self.db, account, slot).unwrap()
    }

    pub(crate) fn balance(&mut self, account: Address) -> U256 {
        revm::Database::basic(&mut self.db, account)
            .unwrap()
            .unwrap_or_default()
            .balance
    }
}

/// Calls a function and decodes what it returns.
pub(crate) fn ask<C: SolCall>(chain: &mut TestChain, to: Address, call: &C) -> C::Return {
    let ended = chain.call(to, call.abi_encode());
    assert!(ended.success(), "{}: {:?}", C::SIGNATURE, ended.result);
    C::abi_decode_returns(&ended.output()).unwrap()
}

/// Calls a function that reverts and decodes the error.
pub(crate) fn refused<E: SolError>(
    chain: &mut TestChain,
    to: Address,
    call: &impl SolCall,
    value: U256,
) -> E {
    let ended = chain.send(to, call.abi_encode(), value);
    assert!(ended.reverted(), "{:?}", ended.result);
    E::abi_decode(&ended.output()).unwrap()
}

/// A program with these imports and this body of its entry point. It has one page of memory, and
/// `$len` is the length of the calldata.
pub(crate) fn program(imports: &[&str], body: &str) -> String {
    module(imports, "", body)
}

/// Like [`program`], with more module fields.
pub(crate) fn module(imports: &[&str], fields: &str, body: &str) -> String {
    // Memory that can grow needs the import that pays for it.
    let grows = imports.contains(&"pay_for_memory_grow");
    let pages = if grows { "1" } else { "1 1" };
    let imports: String = imports.iter().map(|name| import(name)).collect();
    format!(
        "(module {imports} (memory (export \"memory\") {pages}) {fields}
         (func (export \"user_entrypoint\") (param $len i32) (result i32) {body}))"
    )
}

/// The declaration of an import, as `$name`.
pub(crate) fn import(name: &str) -> String {
    let (parameters, results) = crate::stylus::test_signature(name);
    format!(
        "(import \"vm_hooks\" \"{name}\" (func ${name} (param {parameters}) (result {results})))"
    )
}

/// Init code that puts `code` on the chain as it is.
pub(crate) fn init_code(code: &[u8]) -> Vec<u8> {
    let length = u16::try_from(code.len()).unwrap().to_be_bytes();
    // PUSH2 length DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN
    let mut init = vec![
        0x61, length[0], length[1], 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3,
    ];
    init.extend_from_slice(code);
    init
}
