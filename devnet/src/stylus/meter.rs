//! The meter: a pass over a valid program that makes it count the ink and stack it uses.
//!
//! The program gets two more globals. One is a 64-bit counter of the ink left. Before every
//! straight-line block (it ends with a branch, a call or a scope), the whole block is paid for; a
//! program that cannot pay sets the counter to [`EXHAUSTED`] and traps. `memory.copy` and `memory.fill`
//! also pay per byte, and `memory.grow` first calls the import that pays for pages. Memory never grows
//! beyond the page limit.
//!
//! The other counts the words of stack left. A function takes those of its frame when it begins, and
//! sets the counter to 0 and traps unless some are left afterwards; it returns them before each
//! return. As in Nitro, a branch out of the function's body is not a return: its words stay taken until
//! the program ends.

use crate::stylus::{
    frame::{self, Signatures},
    host::imports,
    ink,
    memory::PAGE_LIMIT,
};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, Function, GlobalSection, GlobalType, Instruction, Module,
    ValType,
    reencode::{Error, Reencode, RoundtripReencoder, utils},
};
use wasmparser::{CompositeInnerType, FunctionBody, Operator, Parser, TypeRef};

/// The name under which the ink counter is exported to the host.
pub(crate) const INK_GLOBAL: &str = "stylus_ink_left";
/// The name under which the counter of stack words is exported to the host.
pub(crate) const STACK_GLOBAL: &str = "stylus_stack_left";
/// The counter's value once the program could not pay.
pub(crate) const EXHAUSTED: u64 = u64::MAX;

/// Adds the meter to a module that passed validation.
pub(crate) fn meter(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let mut module = Module::new();
    Meter::survey(wasm)?.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

/// What the pass knows about the module before rewriting it.
struct Meter {
    signatures: Signatures,
    /// The type of every defined function.
    functions: Vec<u32>,
    /// Index of the ink counter: the first after the program's own globals. The stack counter follows.
    counter: u32,
    /// Index of the import that pays for pages.
    pay_for_pages: Option<u32>,
    has_globals: bool,
    /// Defined functions rewritten so far.
    rewritten: usize,
}

impl Meter {
    fn survey(wasm: &[u8]) -> Result<Self, Error> {
        let mut meter = Self {
            signatures: Signatures::default(),
            functions: Vec::new(),
            counter: 0,
            pay_for_pages: None,
            has_globals: false,
            rewritten: 0,
        };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                wasmparser::Payload::TypeSection(section) => {
                    for group in section {
                        for sub_type in group?.into_types() {
                            let function = match &sub_type.composite_type.inner {
                                CompositeInnerType::Func(function) => Some(function),
                                _ => None,
                            };
                            meter.signatures.add_type(function);
                        }
                    }
                }
                wasmparser::Payload::ImportSection(section) => {
                    for (index, import) in (0..).zip(section.into_imports()) {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            continue;
                        };
                        meter.signatures.add_function(ty);
                        if import.module == imports::MODULE && import.name == "pay_for_memory_grow"
                        {
                            meter.pay_for_pages = Some(index);
                        }
                    }
                }
                wasmparser::Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory?;
                        if memory.maximum == Some(memory.initial) {
                            // It cannot grow, so there is nothing to pay for.
                            meter.pay_for_pages = None;
                        }
                    }
                }
                wasmparser::Payload::FunctionSection(section) => {
                    for ty in section {
                        let ty = ty?;
                        meter.signatures.add_function(ty);
                        meter.functions.push(ty);
                    }
                }
                wasmparser::Payload::GlobalSection(section) => {
                    meter.has_globals = true;
                    meter.counter = section.count();
                }
                _ => {}
            }
        }
        Ok(meter)
    }

    fn add_counters(globals: &mut GlobalSection) {
        let ty = |val_type| GlobalType {
            val_type,
            mutable: true,
            shared: false,
        };
        globals.global(ty(ValType::I64), &ConstExpr::i64_const(0));
        globals.global(ty(ValType::I32), &ConstExpr::i32_const(0));
    }

    /// Rewrites one function.
    fn function(&mut self, body: &FunctionBody<'_>) -> Result<Function, Error> {
        let mut encoder = RoundtripReencoder;
        let mut locals = Vec::new();
        let ty = self.functions.get(self.rewritten);
        let (mut count, _) = ty.map_or((0, 0), |ty| self.signatures.of_type(*ty));
        self.rewritten += 1;
        for group in body.get_locals_reader()? {
            let (number, ty) = group?;
            count = count.saturating_add(number);
            locals.push((number, encoder.val_type(ty)?));
        }
        // One extra local contains a length or page count while it is paid for.
        locals.push((1, ValType::I32));
        let mut out = Rewriter {
            function: Function::new(locals),
            counter: self.counter,
            scratch: count,
            block: Vec::new(),
            cost: ink::BLOCK,
            words: frame::measure(body, &self.signatures, self.pay_for_pages.is_some())?.words,
        };
        out.enter();
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            let price = ink::operator(&operator, |ty| self.signatures.of_type(ty).0.into());
            // Validation refused the operators without a price.
            out.cost = out.cost.saturating_add(price.unwrap_or(u64::MAX));
            match operator {
                Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } => out.pay_per_byte(),
                Operator::MemoryGrow { .. } => out.pay_for_pages(self.pay_for_pages),
                Operator::Return => out.leave(),
                Operator::End if operators.eof() => {
                    // Reaching the end of the body returns too.
                    out.leave();
                    out.block.push(Instruction::Return);
                }
                _ => {}
            }
            let ends_block = ends_block(&operator);
            out.block.push(encoder.instruction(operator)?);
            if ends_block {
                out.close_block();
            }
        }
        Ok(out.function)
    }
}

impl Reencode for Meter {
    type Error = std::convert::Infallible;

    fn memory_type(
        &mut self,
        memory: wasmparser::MemoryType,
    ) -> Result<wasm_encoder::MemoryType, Error> {
        let mut memory = utils::memory_type(self, memory);
        let limit = u64::from(PAGE_LIMIT);
        memory.maximum = Some(memory.maximum.map_or(limit, |maximum| maximum.min(limit)));
        Ok(memory)
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        Self::add_counters(globals);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut wasm_encoder::ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(INK_GLOBAL, ExportKind::Global, self.counter);
        exports.export(STACK_GLOBAL, ExportKind::Global, self.counter + 1);
        Ok(())
    }

    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<wasm_encoder::SectionId>,
        before: Option<wasm_encoder::SectionId>,
    ) -> Result<(), Error> {
        // A module without a global section gets one in its place: right before the exports, which a
        // program always has.
        if !self.has_globals && before == Some(wasm_encoder::SectionId::Export) {
            let mut globals = GlobalSection::new();
            Self::add_counters(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        let function = self.function(&body)?;
        code.function(&function);
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        _module: &mut Module,
        _section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// Whether a straight-line block ends with this operator.
pub(crate) fn ends_block(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::End
            | O::Else
            | O::Return
            | O::Loop { .. }
            | O::Br { .. }
            | O::BrTable { .. }
            | O::BrIf { .. }
            | O::If { .. }
            | O::Call { .. }
            | O::CallIndirect { .. }
    )
}

/// One function being written.
struct Rewriter<'a> {
    function: Function,
    counter: u32,
    scratch: u32,
    block: Vec<Instruction<'a>>,
    cost: u64,
    /// Words of a frame.
    words: u32,
}

impl Rewriter<'_> {
    /// Takes a frame's words, or marks that none are left and traps.
    fn enter(&mut self) {
        let (stack, words) = (self.counter + 1, self.words.cast_signed());
        for instruction in [
            Instruction::GlobalGet(stack),
            Instruction::I32Const(words),
            Instruction::I32LeU,
            Instruction::If(wasm_encoder::BlockType::Empty),
            Instruction::I32Const(0),
            Instruction::GlobalSet(stack),
            Instruction::Unreachable,
            Instruction::End,
            Instruction::GlobalGet(stack),
            Instruction::I32Const(words),
            Instruction::I32Sub,
            Instruction::GlobalSet(stack),
        ] {
            self.function.instruction(&instruction);
        }
    }

    /// Returns a frame's words.
    fn leave(&mut self) {
        let (stack, words) = (self.counter + 1, self.words.cast_signed());
        self.block.extend([
            Instruction::GlobalGet(stack),
            Instruction::I32Const(words),
            Instruction::I32Add,
            Instruction::GlobalSet(stack),
        ]);
    }

    /// Writes the block, preceded by its charge.
    fn close_block(&mut self) {
        let price = [Instruction::I64Const(self.cost.cast_signed())];
        let charge = charge(self.counter, &price);
        for instruction in charge.iter().chain(&self.block) {
            self.function.instruction(instruction);
        }
        self.block.clear();
        self.cost = ink::BLOCK;
    }

    /// Charges for the length on top of the stack, which stays there.
    fn pay_per_byte(&mut self) {
        let price = [
            Instruction::LocalGet(self.scratch),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(ink::MEMORY_BYTE.cast_signed()),
            Instruction::I64Mul,
        ];
        self.block.push(Instruction::LocalSet(self.scratch));
        self.block.extend(charge(self.counter, &price));
        self.block.push(Instruction::LocalGet(self.scratch));
    }

    /// Passes the page count on top of the stack, which stays there, to the import that charges for
    /// it.
    fn pay_for_pages(&mut self, import: Option<u32>) {
        let Some(import) = import else { return };
        self.block.extend([
            Instruction::LocalTee(self.scratch),
            Instruction::LocalGet(self.scratch),
            Instruction::Call(import),
        ]);
    }
}

/// Subtracts what `price` pushes from the counter, or marks it exhausted and traps.
fn charge<'a>(counter: u32, price: &[Instruction<'a>]) -> Vec<Instruction<'a>> {
    let mut code = vec![Instruction::GlobalGet(counter)];
    code.extend_from_slice(price);
    code.extend([
        Instruction::I64LtU,
        Instruction::If(wasm_encoder::BlockType::Empty),
        Instruction::I64Const(EXHAUSTED.cast_signed()),
        Instruction::GlobalSet(counter),
        Instruction::Unreachable,
        Instruction::End,
        Instruction::GlobalGet(counter),
    ]);
    code.extend_from_slice(price);
    code.extend([Instruction::I64Sub, Instruction::GlobalSet(counter)]);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metered(wat: &str) -> Vec<u8> {
        let metered = meter(&wat::parse_str(wat).unwrap()).unwrap();
        wasmparser::validate(&metered).unwrap();
        metered
    }

    fn export(wasm: &[u8], name: &str) -> Option<(wasmparser::ExternalKind, u32)> {
        Parser::new(0)
            .parse_all(wasm)
            .find_map(|payload| match payload.unwrap() {
                wasmparser::Payload::ExportSection(section) => section
                    .into_iter()
                    .map(Result::unwrap)
                    .find(|export| export.name == name)
                    .map(|export| (export.kind, export.index)),
                _ => None,
            })
    }

    #[test]
    fn the_counters_come_after_the_programs_own_globals() {
        let with = metered(
            "(module (global i32 (i32.const 0)) (global i32 (i32.const 0)) (memory (export \"memory\") 1))",
        );
        assert_eq!(
            export(&with, INK_GLOBAL),
            Some((wasmparser::ExternalKind::Global, 2))
        );
        assert_eq!(
            export(&with, STACK_GLOBAL),
            Some((wasmparser::ExternalKind::Global, 3))
        );
        let without = metered("(module (memory (export \"memory\") 1))");
        assert_eq!(
            export(&without, INK_GLOBAL),
            Some((wasmparser::ExternalKind::Global, 0))
        );
    }

    #[test]
    fn memory_is_bounded() {
        let maximum = |declared: &str| {
            let wasm = metered(&format!(
                "(module (memory (export \"memory\") 1 {declared}))"
            ));
            Parser::new(0)
                .parse_all(&wasm)
                .find_map(|payload| match payload.unwrap() {
                    wasmparser::Payload::MemorySection(section) => {
                        section.into_iter().next().unwrap().unwrap().maximum
                    }
                    _ => None,
                })
                .unwrap()
        };
        assert_eq!(maximum(""), 128);
        assert_eq!(maximum("7"), 7);
        assert_eq!(maximum("1000"), 128);
    }

    #[test]
    fn names_and_other_custom_sections_are_dropped() {
        let wasm = metered("(module $name (memory (export \"memory\") 1) (@custom \"x\" \"y\"))");
        let custom = Parser::new(0)
            .parse_all(&wasm)
            .any(|payload| matches!(payload.unwrap(), wasmparser::Payload::CustomSection(_)));
        assert!(!custom);
    }
}
