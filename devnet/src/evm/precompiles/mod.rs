//! Precompiled contracts: Ethereum's, and those of Arbitrum that contracts and tools use.

mod arb_debug;
mod arb_gas_info;
mod arb_owner;
mod arb_owner_public;
mod arb_sys;
mod arb_wasm;
mod arb_wasm_cache;
mod call;

use crate::evm::{engine::Engine, machine::MachineContext};
use call::{Call, Refusal};
use revm::{
    Database,
    context::{ContextTr, LocalContextTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult},
    precompile::{Precompiles, secp256r1::P256VERIFY},
    primitives::{Address, Bytes, hardfork::SpecId},
};
use std::sync::LazyLock;

const fn at(last: u8) -> Address {
    Address::with_last_byte(last)
}

const ECRECOVER: Address = at(0x01);

const ARB_SYS: Address = at(0x64);
const ARB_OWNER_PUBLIC: Address = at(0x6b);
const ARB_GAS_INFO: Address = at(0x6c);
const ARB_OWNER: Address = at(0x70);
const ARB_WASM: Address = at(0x71);
const ARB_WASM_CACHE: Address = at(0x72);
const ARB_DEBUG: Address = at(0xff);

/// Arbitrum's precompiles.
pub(crate) const ARBITRUM: [Address; 7] = [
    ARB_SYS,
    ARB_OWNER_PUBLIC,
    ARB_GAS_INFO,
    ARB_OWNER,
    ARB_WASM,
    ARB_WASM_CACHE,
    ARB_DEBUG,
];

/// Gas for ECRECOVER.
const ECRECOVER_GAS: u64 = 3_000;

/// Ethereum's, before Osaka: as in Nitro, those of Cancun, whatever the EVM's version, and P256VERIFY at
/// the price of RIP-7212.
fn before_osaka() -> &'static Precompiles {
    static ALL: LazyLock<Precompiles> = LazyLock::new(|| {
        let mut all = Precompiles::cancun().clone();
        all.extend([P256VERIFY]);
        all
    });
    &ALL
}

/// All precompiles of the chain.
#[derive(Clone, Debug)]
pub(crate) struct ArbPrecompiles {
    ethereum: EthPrecompiles,
    engine: Engine,
}

impl ArbPrecompiles {
    pub(crate) fn new(engine: Engine, spec: SpecId) -> Self {
        let mut ethereum = EthPrecompiles::new(spec);
        if !engine.rules.osaka {
            ethereum.precompiles = before_osaka();
        }
        Self { ethereum, engine }
    }

    /// What ECRECOVER answers when the signature in its input counts as an account's that never made it.
    fn impersonated<DB: Database>(
        &self,
        context: &mut MachineContext<'_, DB>,
        inputs: &CallInputs,
    ) -> Option<InterpreterResult> {
        if self.engine.signatures.is_empty() || inputs.bytecode_address != ECRECOVER {
            return None;
        }
        let input = inputs.input.bytes(context);
        let signer = self.engine.signatures.recover(&input)?;
        let mut gas = Gas::new(inputs.gas_limit);
        let Some(left) = inputs.gas_limit.checked_sub(ECRECOVER_GAS) else {
            gas.spend_all();
            return Some(InterpreterResult {
                result: InstructionResult::PrecompileOOG,
                output: Bytes::new(),
                gas,
            });
        };
        gas.set_remaining(left);
        Some(InterpreterResult {
            result: InstructionResult::Return,
            output: signer.into_word().into(),
            gas,
        })
    }

    /// The addresses of all of them.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.ethereum.warm_addresses().chain(ARBITRUM).collect()
    }
}

impl<'a, DB: Database> PrecompileProvider<MachineContext<'a, DB>> for ArbPrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        // The engine's version of ArbOS decides, once.
        let changed = spec != self.ethereum.spec;
        self.ethereum.spec = spec;
        changed
    }

    fn run(
        &mut self,
        context: &mut MachineContext<'a, DB>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let function = match inputs.bytecode_address {
            ARB_SYS => arb_sys::run,
            ARB_OWNER_PUBLIC => arb_owner_public::run,
            ARB_GAS_INFO => arb_gas_info::run,
            ARB_OWNER => arb_owner::run,
            ARB_WASM => arb_wasm::run,
            ARB_WASM_CACHE => arb_wasm_cache::run,
            ARB_DEBUG => arb_debug::run,
            _ => {
                return match self.impersonated(context, inputs) {
                    Some(result) => Ok(Some(result)),
                    None => self.ethereum.run(context, inputs),
                };
            }
        };
        let input = inputs.input.bytes(context);
        let mut call = Call::new(context, &self.engine, inputs);
        let answer = call
            .begin(&input)
            .and_then(|()| function(&mut call, &input));
        let answer = answer.and_then(|output| call.burn_words(output.len()).map(|()| output));
        let mut gas = Gas::new(inputs.gas_limit);
        gas.set_remaining(call.gas_left());
        let (result, output) = match answer {
            Ok(output) => (InstructionResult::Return, Bytes::from(output)),
            Err(Refusal::Revert(data)) => (InstructionResult::Revert, Bytes::from(data)),
            Err(Refusal::OutOfGas) => {
                gas.spend_all();
                (InstructionResult::PrecompileOOG, Bytes::new())
            }
            Err(Refusal::AllGas(why)) => {
                context.local_mut().set_precompile_error_context(why);
                gas.spend_all();
                (InstructionResult::PrecompileError, Bytes::new())
            }
            Err(Refusal::Database(error)) => return Err(error),
        };
        Ok(Some(InterpreterResult {
            result,
            output,
            gas,
        }))
    }

    fn warm_addresses(&self) -> Box<impl Iterator<Item = Address>> {
        Box::new(self.ethereum.warm_addresses().chain(ARBITRUM))
    }

    fn contains(&self, address: &Address) -> bool {
        self.ethereum.contains(address) || ARBITRUM.contains(address)
    }
}
