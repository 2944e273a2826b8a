//! The result of Nitro's instrumentation of a function: the words of stack that a call takes, and the
//! operators that the function has afterwards.
//!
//! Nitro runs four passes over a program: ink per straight-line block, ink per byte of bulk operators,
//! stack depth, pages of memory. The third also counts the values that the first two push, and the
//! limits and prices of activation count the output of all four. This module measures what they would
//! generate without generating it; [`super::meter`] generates shorter code that does the same.

use crate::stylus::meter::ends_block;
use wasmparser::{BinaryReaderError, BlockType, FuncType, FunctionBody, Operator};

/// Operators that charge for a straight-line block.
const BLOCK_OPERATORS: u64 = 12;
/// Operators that charge for the bytes of `memory.copy` and `memory.fill`.
const BULK_OPERATORS: u64 = 17;
/// Operators that take a frame's words, at the beginning of every function.
const ENTER_OPERATORS: u64 = 12;
/// Operators that return them, before each return.
const LEAVE_OPERATORS: u64 = 4;
/// Operators that pass a page count to the import that charges for it.
const GROW_OPERATORS: u64 = 4;
/// Words of every frame in addition to its locals and values.
const FRAME_WORDS: u32 = 4;

/// The types that operators of a module refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signatures {
    types: Vec<(u32, u32)>,
    functions: Vec<u32>,
}

impl Signatures {
    /// Adds a type; one that is not a function has neither parameters nor results.
    pub(crate) fn add_type(&mut self, function: Option<&FuncType>) {
        let count = |values: usize| u32::try_from(values).unwrap_or(u32::MAX);
        self.types.push(function.map_or((0, 0), |ty| {
            (count(ty.params().len()), count(ty.results().len()))
        }));
    }

    /// Adds an imported or defined function of a type, in index order.
    pub(crate) fn add_function(&mut self, ty: u32) {
        self.functions.push(ty);
    }

    /// Parameters and results of a type.
    pub(crate) fn of_type(&self, index: u32) -> (u32, u32) {
        let ty = self.types.get(index as usize);
        ty.copied().unwrap_or_default()
    }

    /// Parameters and results of a function.
    pub(crate) fn of_function(&self, index: u32) -> (u32, u32) {
        let ty = self.functions.get(index as usize);
        ty.map_or((0, 0), |ty| self.of_type(*ty))
    }
}

/// A function after instrumentation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    /// Words of stack that a call takes.
    pub(crate) words: u32,
    /// The most values on its stack at once.
    pub(crate) values: u32,
    /// Operators.
    pub(crate) operators: u64,
}

/// Measures a valid function. `pays_for_growth` says whether `memory.grow` is charged for.
pub(crate) fn measure(
    body: &FunctionBody<'_>,
    signatures: &Signatures,
    pays_for_growth: bool,
) -> Result<Frame, BinaryReaderError> {
    let mut locals: u32 = 0;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(group?.0);
    }
    let mut walk = Walk::new(signatures, pays_for_growth);
    let mut block = Vec::new();
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        let ends = ends_block(&operator);
        block.push(operator);
        if ends {
            walk.charge();
            for operator in block.drain(..) {
                walk.operator(&operator);
            }
        }
    }
    Ok(Frame {
        words: walk.most.saturating_add(locals).saturating_add(FRAME_WORDS),
        values: walk.most,
        // One more return, before the end.
        operators: walk.operators + ENTER_OPERATORS + 1 + LEAVE_OPERATORS,
    })
}

/// The stack of values as it grows and shrinks.
struct Walk<'a> {
    signatures: &'a Signatures,
    pays_for_growth: bool,
    now: u32,
    most: u32,
    scopes: Vec<u32>,
    operators: u64,
}

impl<'a> Walk<'a> {
    fn new(signatures: &'a Signatures, pays_for_growth: bool) -> Self {
        Self {
            signatures,
            pays_for_growth,
            now: 0,
            most: 0,
            scopes: vec![0],
            operators: 0,
        }
    }

    fn push(&mut self, values: u32) {
        self.now = self.now.saturating_add(values);
        self.most = self.most.max(self.now);
    }

    /// Never below an empty stack: unreachable code may pop values that are not there.
    fn pop(&mut self, values: u32) {
        self.now = self.now.saturating_sub(values);
    }

    fn open(&mut self) {
        self.scopes.push(self.now);
    }

    fn close(&mut self) {
        self.now = self.scopes.pop().unwrap_or_default();
    }

    /// The code that charges for a block: the ink and the price are compared, then subtracted.
    fn charge(&mut self) {
        self.operators += BLOCK_OPERATORS;
        self.push(1);
        self.push(1);
        self.pop(1);
        self.mark_if_short();
        self.push(1);
        self.push(1);
        self.pop(1);
        self.pop(1);
    }

    /// What follows every comparison of the ink with a price: the result is popped, and its scope sets a mark.
    fn mark_if_short(&mut self) {
        self.pop(1);
        self.open();
        self.push(1);
        self.pop(1);
        self.close();
    }

    /// The code that charges for a length: it is set aside, multiplied, subtracted, and put back.
    fn charge_bytes(&mut self) {
        self.operators += BULK_OPERATORS;
        self.pop(1);
        self.push(1);
        self.push(1);
        self.push(1);
        self.push(1);
        self.pop(1);
        self.pop(1);
        self.pop(1);
        self.push(1);
        self.pop(1);
        self.mark_if_short();
        self.push(1);
    }

    fn call(&mut self, (parameters, results): (u32, u32)) {
        self.push(results);
        self.pop(parameters);
    }

    fn block(&mut self, ty: BlockType) {
        match ty {
            BlockType::Empty => {}
            BlockType::Type(_) => self.push(1),
            BlockType::FuncType(index) => self.call(self.signatures.of_type(index)),
        }
        self.open();
    }

    fn operator(&mut self, operator: &Operator<'_>) {
        use Operator as O;
        match operator {
            O::MemoryCopy { .. } | O::MemoryFill { .. } => {
                self.charge_bytes();
                self.pop(3);
            }
            O::Block { blockty } | O::Loop { blockty } => self.block(*blockty),
            O::If { blockty } => {
                self.pop(1);
                self.block(*blockty);
            }
            O::Else => self.now = self.scopes.last().copied().unwrap_or_default(),
            O::End => self.close(),
            O::Call { function_index } => self.call(self.signatures.of_function(*function_index)),
            O::CallIndirect { type_index, .. } => {
                self.call(self.signatures.of_type(*type_index));
                self.pop(1);
            }
            O::Return => self.operators += LEAVE_OPERATORS,
            O::MemoryGrow { .. } if self.pays_for_growth => self.operators += GROW_OPERATORS,
            other => self.plain(other),
        }
        self.operators += 1;
    }

    /// An operator that only pops and pushes values.
    #[expect(clippy::match_same_arms, reason = "a table, by kinds of operators")]
    fn plain(&mut self, operator: &Operator<'_>) {
        use Operator as O;
        match operator {
            O::LocalGet { .. }
            | O::GlobalGet { .. }
            | O::MemorySize { .. }
            | O::I32Const { .. }
            | O::I64Const { .. } => self.push(1),

            O::Drop
            | O::BrIf { .. }
            | O::BrTable { .. }
            | O::LocalSet { .. }
            | O::GlobalSet { .. } => self.pop(1),
            O::I32Eq | O::I32Ne | O::I64Eq | O::I64Ne => self.pop(1),
            O::I32LtS | O::I32LtU | O::I32GtS | O::I32GtU => self.pop(1),
            O::I32LeS | O::I32LeU | O::I32GeS | O::I32GeU => self.pop(1),
            O::I64LtS | O::I64LtU | O::I64GtS | O::I64GtU => self.pop(1),
            O::I64LeS | O::I64LeU | O::I64GeS | O::I64GeU => self.pop(1),
            O::I32Add | O::I32Sub | O::I32Mul | O::I64Add | O::I64Sub | O::I64Mul => self.pop(1),
            O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => self.pop(1),
            O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => self.pop(1),
            O::I32And | O::I32Or | O::I32Xor | O::I64And | O::I64Or | O::I64Xor => self.pop(1),
            O::I32Shl | O::I32ShrS | O::I32ShrU | O::I32Rotl | O::I32Rotr => self.pop(1),
            O::I64Shl | O::I64ShrS | O::I64ShrU | O::I64Rotl | O::I64Rotr => self.pop(1),

            O::Select
            | O::I32Store { .. }
            | O::I32Store8 { .. }
            | O::I32Store16 { .. }
            | O::I64Store { .. }
            | O::I64Store8 { .. }
            | O::I64Store16 { .. }
            | O::I64Store32 { .. } => self.pop(2),

            // One value in and one out, or none: loads, tests, conversions, `br`.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{CompositeInnerType, Parser, Payload};

    /// The first function of a module.
    fn frame(wat: &str) -> Frame {
        let wasm = wat::parse_str(wat).unwrap();
        let mut signatures = Signatures::default();
        for payload in Parser::new(0).parse_all(&wasm) {
            match payload.unwrap() {
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group.unwrap().into_types() {
                            let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                                panic!("a function")
                            };
                            signatures.add_type(Some(&ty));
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        signatures.add_function(ty.unwrap());
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    return measure(&body, &signatures, true).unwrap();
                }
                _ => {}
            }
        }
        panic!("no function")
    }

    #[test]
    fn an_empty_function_has_its_instrumentation() {
        // [end]: 12 that charge for the block, which push two values; 12 that enter, a return with 4
        // before it, and the end itself.
        let expected = Frame {
            words: 2 + 4,
            values: 2,
            operators: 12 + 1 + 12 + 1 + 4,
        };
        assert_eq!(frame("(module (func))"), expected);
        // Three locals; parameters are in the caller's frame.
        let with_locals = frame("(module (func (param i64 i64) (local i32 i64 i32)))");
        assert_eq!((with_locals.words, with_locals.values), (2 + 3 + 4, 2));
    }

    #[test]
    fn values_below_a_charge_count() {
        // Five constants and a call: the block ends with the call, so its charge comes before all of
        // them; the block after it begins with what the callee left, here four values of the caller's.
        let frame = frame(
            "(module (func (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
                (call 1 (i32.const 5)) (drop) (drop) (drop) (drop))
             (func (param i32)))",
        );
        // Before the call 5; after it 4 and the two of the next charge.
        assert_eq!(frame.values, 6);
        // Two blocks of 12; 5 constants, call, 4 drops, end; enter 12, return 1, leave 4.
        assert_eq!(frame.operators, 24 + 11 + 17);
    }

    #[test]
    fn results_are_counted_before_parameters_are_taken() {
        // Two parameters are on the stack when the one result is pushed: 3.
        let frame = frame(
            "(module (func (drop (call 1 (i32.const 1) (i32.const 2))))
             (func (param i32 i32) (result i32) (i32.const 0)))",
        );
        assert_eq!(frame.values, 3);
    }

    #[test]
    fn blocks_hold_their_results() {
        // The block's result is there (1) when its two constants are pushed (3) and added (2); after it
        // one value is dropped.
        let frame = frame(
            "(module (func (drop (block (result i32) (i32.add (i32.const 1) (i32.const 2))))))",
        );
        assert_eq!(frame.values, 3);
    }

    #[test]
    fn bulk_operators_hold_three_values_and_their_charge() {
        // Three operands; one is set aside (2), the ink twice and the length (5), the price per byte
        // (6).
        let frame = frame(
            "(module (memory 1)
             (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        );
        assert_eq!(frame.values, 6);
        // Charge 12, three constants, 17 and the fill, end; enter 12, return 1, leave 4.
        assert_eq!(frame.operators, 12 + 3 + 17 + 1 + 1 + 17);
    }

    #[test]
    fn returns_and_growth_have_operators_of_their_own() {
        let frame = frame(
            "(module (memory 1)
             (func (if (memory.grow (i32.const 0)) (then (return)))))",
        );
        // Blocks end with if, return, end, end: 48. Const, 4 and grow, if, 4 and return, end, end.
        assert_eq!(frame.operators, 48 + 1 + 5 + 1 + 5 + 2 + 17);
    }
}
