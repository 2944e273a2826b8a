//! Programs that do little except call the host, with both sensible and hostile arguments.

use crate::{chain, modules::BOUNDARIES};
use arbitrary::{Result, Unstructured};
use devnet::stylus::imports;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, ImportSection, Instruction, MemArg, MemorySection, MemoryType,
    Module, TypeSection, ValType,
};

/// Where the program's data has what calls need, each entry in its own 32 bytes: addresses from 0, small
/// words from 512, calldata and init code from 768.
const ADDRESSES: u32 = 0;
const WORDS: u32 = 512;
const INPUTS: u32 = 768;
const SENSIBLE_END: u32 = 1_024;

/// The length of a program's calldata, and a variable.
const ARGUMENTS: u32 = 0;
const COUNTER: u32 = 1;

pub(crate) fn module(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut types = TypeSection::new();
    let mut imported = ImportSection::new();
    let mut signatures = Vec::new();
    for (index, name) in (0..).zip(imports::names()) {
        let (parameters, results) = imports::signature(name).expect("an import");
        let encoded = |types: &[wasmparser::ValType]| -> Vec<ValType> {
            types
                .iter()
                .map(|ty| match ty {
                    wasmparser::ValType::I64 => ValType::I64,
                    _ => ValType::I32,
                })
                .collect()
        };
        let parameters = encoded(&parameters);
        let results = encoded(&results);
        types.ty().function(parameters.clone(), results.clone());
        imported.import(imports::MODULE, name, EntityType::Function(index));
        signatures.push(Signature {
            name,
            parameters,
            returns: !results.is_empty(),
        });
    }
    let entrypoint = imported.len();
    types.ty().function([ValType::I32], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(entrypoint);
    let mut memories = MemorySection::new();
    let pages = u.int_in_range(0..=9)?.min(3);
    memories.memory(MemoryType {
        minimum: pages,
        // Growth would have to be paid for through an import that may be missing.
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("user_entrypoint", ExportKind::Func, entrypoint);

    // A hostile argument usually ends the program, so one kind of program has few of them.
    let hostile_percent = *u.choose(&[1, 1, 4, 25])?;
    let mut body = Body {
        function: Function::new([(1, ValType::I32)]),
        signatures: &signatures,
        entrypoint,
        hostile_percent,
    };
    for _ in 0..u.int_in_range(1..=24)? {
        body.statement(u)?;
    }
    let status = i32::from(u.ratio(1, 8)?);
    body.function.instruction(&Instruction::I32Const(status));
    body.function.instruction(&Instruction::End);
    let mut code = CodeSection::new();
    code.function(&body.function);

    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(0), sensible_data(u)?);
    if u.ratio(1, 10)? {
        let place = u.choose(&BOUNDARIES)?.cast_signed();
        data.active(
            0,
            &ConstExpr::i32_const(place),
            u.bytes(u.len().min(40))?.to_vec(),
        );
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imported)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&data);
    Ok(module.finish())
}

fn sensible_data(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut data = vec![0; SENSIBLE_END as usize];
    let mut put = |place: u32, bytes: &[u8]| {
        let place = place as usize;
        data[place..place + bytes.len()].copy_from_slice(bytes);
    };
    for (slot, address) in (0..WORDS / 32).zip(chain::neighbours()) {
        put(ADDRESSES + slot * 32, address.as_slice());
    }
    // 0, 1, 7, 2^64, 2^255, -1
    put(WORDS + 63, &[1]);
    put(WORDS + 95, &[7]);
    put(WORDS + 96 + 23, &[1]);
    put(WORDS + 128, &[0x80]);
    put(WORDS + 160, &[0xff; 32]);
    let activation = chain::activation(chain::program_address());
    put(INPUTS, &activation[..36]);
    // Init code that leaves one byte, that reverts, that leaves a program, that never ends.
    put(INPUTS + 64, &[0x60, 1, 0x5f, 0xf3]);
    put(INPUTS + 96, &[0x5f, 0x5f, 0xfd]);
    put(
        INPUTS + 128,
        &[0x63, 0xef, 0xf0, 0, 0, 0x5f, 0x52, 0x60, 4, 0x60, 28, 0xf3],
    );
    put(INPUTS + 160, &[0x5b, 0x5f, 0x56]);
    let arbitrary = u.bytes(u.len().min(32))?.to_vec();
    put(INPUTS + 192, &arbitrary);
    Ok(data)
}

struct Signature {
    name: &'static str,
    parameters: Vec<ValType>,
    returns: bool,
}

struct Body<'a> {
    function: Function,
    signatures: &'a [Signature],
    entrypoint: u32,
    hostile_percent: u8,
}

impl Body<'_> {
    fn statement(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=99)? {
            0..=79 => self.host_call(u),
            80..=84 => self.looped_host_call(u),
            85..=88 => self.store(u),
            89..=91 => {
                self.grow(u)?;
                self.function.instruction(&Instruction::Drop);
                Ok(())
            }
            92..=97 => self.bulk(u),
            _ => {
                // Endless unless something before it ends the program.
                self.push(ARGUMENTS);
                self.function
                    .instruction(&Instruction::Call(self.entrypoint))
                    .instruction(&Instruction::Drop);
                Ok(())
            }
        }
    }

    fn push(&mut self, local: u32) {
        self.function.instruction(&Instruction::LocalGet(local));
    }

    fn number(&mut self, value: u32) {
        self.function
            .instruction(&Instruction::I32Const(value.cast_signed()));
    }

    /// Whether the next argument is hostile.
    fn hostile(&self, u: &mut Unstructured<'_>) -> Result<bool> {
        Ok(u.int_in_range(0..=99)? < self.hostile_percent)
    }

    /// A pointer or a length.
    fn argument(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let value = if self.hostile(u)? {
            *u.choose(&BOUNDARIES)?
        } else if u.ratio(1, 4)? {
            u.int_in_range(0..=64)?
        } else {
            32 * u.int_in_range(0..=SENSIBLE_END / 32)?
        };
        self.number(value);
        Ok(())
    }

    fn host_call(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let index = u.choose_index(self.signatures.len())?;
        let signature = &self.signatures[index];
        // Ends the program, so that nothing after it is tested.
        if signature.name == "exit_early" && !u.ratio(1, 8)? {
            return Ok(());
        }
        for (position, parameter) in signature.parameters.iter().enumerate() {
            match (signature.name, position, parameter) {
                ("emit_log", 1, _) if !self.hostile(u)? => {
                    self.number(128 + u.int_in_range(0..=64)?);
                }
                ("emit_log", 2, _) => {
                    let most = if self.hostile(u)? { 5 } else { 4 };
                    self.number(u.int_in_range(0..=most)?);
                }
                ("exit_early" | "storage_flush_cache", ..) => self.number(u.int_in_range(0..=1)?),
                ("pay_for_memory_grow", ..) if !self.hostile(u)? => {
                    self.number(u.int_in_range(0..=2)?);
                }
                // `to` of a call
                ("call_contract" | "delegate_call_contract" | "static_call_contract", 0, _) => {
                    self.number(ADDRESSES + 32 * u.int_in_range(0..=WORDS / 32 - 1)?);
                }
                ("call_contract", 3, _) | ("create1" | "create2", 2, _) => {
                    self.number(WORDS + 32 * u.int_in_range(0..=5)?);
                }
                (_, _, ValType::I64) => {
                    let gas = *u.choose(&[0, 1, 2_300, 100_000, -1, i64::MAX])?;
                    self.function.instruction(&Instruction::I64Const(gas));
                }
                _ => self.argument(u)?,
            }
        }
        let call = u32::try_from(index).expect("42 imports");
        self.function.instruction(&Instruction::Call(call));
        if signature.returns {
            self.function.instruction(&Instruction::Drop);
        }
        Ok(())
    }

    fn looped_host_call(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.number(*u.choose(&[2, 40, 300, 100_000])?);
        self.function
            .instruction(&Instruction::LocalSet(COUNTER))
            .instruction(&Instruction::Loop(BlockType::Empty));
        self.host_call(u)?;
        self.push(COUNTER);
        self.number(1);
        self.function
            .instruction(&Instruction::I32Sub)
            .instruction(&Instruction::LocalTee(COUNTER))
            .instruction(&Instruction::BrIf(0))
            .instruction(&Instruction::End);
        Ok(())
    }

    fn store(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.argument(u)?;
        self.argument(u)?;
        let memarg = MemArg {
            offset: if self.hostile(u)? { u32::MAX.into() } else { 4 },
            align: 0,
            memory_index: 0,
        };
        self.function.instruction(&Instruction::I32Store(memarg));
        Ok(())
    }

    fn grow(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.number(*u.choose(&[0, 1, 1, 1, 3, 128, 65_536, u32::MAX])?);
        self.function.instruction(&Instruction::MemoryGrow(0));
        Ok(())
    }

    fn bulk(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        for _ in 0..3 {
            self.argument(u)?;
        }
        let copy = Instruction::MemoryCopy {
            src_mem: 0,
            dst_mem: 0,
        };
        let fill = Instruction::MemoryFill(0);
        self.function
            .instruction(if u.arbitrary()? { &copy } else { &fill });
        Ok(())
    }
}
