//! Which WASM may become a program, and its measures.
//!
//! The rules are Nitro's: plain WebAssembly 1.0 without floating point, plus sign extension,
//! mutable globals, `memory.copy` and `memory.fill`; imports only from the host interface; limits
//! on everything.

use crate::stylus::{host::imports, ink, memory::PAGE_LIMIT, meter::INK_GLOBAL};
use thiserror::Error;
use wasmparser::{
    BinaryReaderError, CompositeInnerType, ExternalKind, FuncType, FunctionBody, Parser, Payload,
    TypeRef, ValType, ValidPayload, Validator, WasmFeatures,
};

/// The function that runs a program: takes the length of the calldata, returns 0 for success.
pub const ENTRYPOINT: &str = "user_entrypoint";
/// The name under which a program exports its memory.
pub const MEMORY: &str = "memory";

const FEATURES: WasmFeatures = WasmFeatures::GC_TYPES
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::BULK_MEMORY_OPT);

const MAX_SEGMENTS: u64 = 128;
const MAX_EXPORTS: u64 = 1_024;
const MAX_FUNCTIONS: u64 = 4_096;
const MAX_GLOBALS: u64 = 32_768;
const MAX_LOCALS: u64 = 348;
const MAX_BODY_BYTES: u64 = 65_536;
const MAX_TABLE_ENTRIES: u64 = 4_096;
const MAX_NAME_BYTES: u64 = 512;

/// Why WASM is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ValidationError {
    /// Malformed, ill-typed, or in need of a feature that programs may not use.
    #[error("invalid program: {0}")]
    Invalid(String),
    /// An operator that has no price (tables, segments, ...).
    #[error("invalid program: operator {0} is not supported")]
    Operator(String),
    /// A section that programs may not have.
    #[error("invalid program: a {0} section is not allowed")]
    Section(&'static str),
    /// An import that the host does not offer.
    #[error("invalid program: there is no import {module}::{name}")]
    UnknownImport {
        /// The module it names.
        module: String,
        /// The function it names.
        name: String,
    },
    /// An import that the host offers with other parameters or results.
    #[error("invalid program: import {0} has the wrong type")]
    ImportType(String),
    /// No exported [`ENTRYPOINT`] of type (i32) -> i32.
    #[error("invalid program: no function {ENTRYPOINT} (i32) -> i32 is exported")]
    NoEntrypoint,
    /// No exported [`MEMORY`].
    #[error("invalid program: no memory is exported as \"{MEMORY}\"")]
    NoMemory,
    /// An export whose name the meter needs.
    #[error("invalid program: the export name {0} is reserved")]
    ReservedExport(String),
    /// `memory.grow` without the import that pays for it.
    #[error("invalid program: memory.grow needs the import pay_for_memory_grow")]
    UnpaidGrowth,
    /// Too much of something.
    #[error("invalid program: {found} {what}, the limit is {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
}

impl From<BinaryReaderError> for ValidationError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// The measures of a program, from which its prices follow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Shape {
    /// Bytes of WASM.
    pub wasm_bytes: u64,
    /// Functions that the program defines.
    pub functions: u64,
    /// Parameters and results over all these functions.
    pub type_values: u64,
    /// Globals that the program defines.
    pub globals: u64,
    /// Bytes of data segments plus entries of element segments.
    pub data_bytes: u64,
    /// Bytes of function bodies.
    pub code_bytes: u64,
    /// Initial memory, in pages of 64 KiB.
    pub pages: u16,
}

fn limit(what: &'static str, found: u64, limit: u64) -> Result<(), ValidationError> {
    if found > limit {
        Err(ValidationError::Limit { what, found, limit })
    } else {
        Ok(())
    }
}

/// Checks `wasm` and measures it.
///
/// # Errors
/// The first rule broken, in the order of the program's sections.
pub fn validate(wasm: &[u8]) -> Result<Shape, ValidationError> {
    let mut walk = Walk {
        shape: Shape {
            wasm_bytes: wasm.len() as u64,
            ..Shape::default()
        },
        ..Walk::default()
    };
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        // Before the validator, so that its words for a missing feature do not hide the reason.
        match &payload {
            Payload::StartSection { .. } => return Err(ValidationError::Section("start")),
            Payload::DataCountSection { .. } => return Err(ValidationError::Section("data count")),
            _ => {}
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            walk.body(&body)?;
            let mut function = function.into_validator(allocations);
            function.validate(&body)?;
            allocations = function.into_allocations();
        }
        walk.payload(payload)?;
    }
    walk.finish()
}

/// What has been seen of the module so far.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells whether one thing was seen"
)]
struct Walk {
    shape: Shape,
    types: Vec<FuncType>,
    /// Types of imported and defined functions, in index order.
    functions: Vec<u32>,
    entrypoint: bool,
    memory: bool,
    table_entries: u64,
    pays_for_growth: bool,
    grows: bool,
}

impl Walk {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), ValidationError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for sub_type in group?.into_types() {
                        if let CompositeInnerType::Func(function) = sub_type.composite_type.inner {
                            self.types.push(function);
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.import(&import?)?;
                }
            }
            Payload::FunctionSection(section) => {
                limit("functions", section.count().into(), MAX_FUNCTIONS)?;
                self.shape.functions = section.count().into();
                for index in section {
                    let index = index?;
                    let values = self.function_type(index).map_or(0, |function| {
                        function.params().len() + function.results().len()
                    });
                    self.shape.type_values += values as u64;
                    self.functions.push(index);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.table_entries = self.table_entries.saturating_add(table?.ty.initial);
                }
                limit("table entries", self.table_entries, MAX_TABLE_ENTRIES)?;
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let initial = memory?.initial;
                    limit("pages of memory", initial, PAGE_LIMIT.into())?;
                    self.shape.pages = u16::try_from(initial).unwrap_or(PAGE_LIMIT);
                }
            }
            Payload::GlobalSection(section) => {
                limit("globals", section.count().into(), MAX_GLOBALS)?;
                self.shape.globals = section.count().into();
            }
            Payload::ExportSection(section) => {
                limit("exports", section.count().into(), MAX_EXPORTS)?;
                for export in section {
                    let export = export?;
                    limit(
                        "bytes of an export's name",
                        export.name.len() as u64,
                        MAX_NAME_BYTES,
                    )?;
                    self.export(export.name, export.kind, export.index)?;
                }
            }
            Payload::ElementSection(section) => {
                limit("element segments", section.count().into(), MAX_SEGMENTS)?;
                let mut entries = 0;
                for element in section {
                    if let wasmparser::ElementItems::Functions(items) = element?.items {
                        entries += u64::from(items.count());
                    }
                }
                limit("element entries", entries, MAX_TABLE_ENTRIES)?;
                self.shape.data_bytes += entries;
            }
            Payload::DataSection(section) => {
                limit("data segments", section.count().into(), MAX_SEGMENTS)?;
                for data in section {
                    self.shape.data_bytes += data?.data.len() as u64;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn function_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)
    }

    fn import(&mut self, import: &wasmparser::Import<'_>) -> Result<(), ValidationError> {
        let unknown = || ValidationError::UnknownImport {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
        };
        let TypeRef::Func(index) = import.ty else {
            return Err(unknown());
        };
        if import.module != imports::MODULE {
            return Err(unknown());
        }
        let (parameters, results) = imports::signature(import.name).ok_or_else(unknown)?;
        let fits = self
            .function_type(index)
            .is_some_and(|ty| ty.params() == parameters && ty.results() == results);
        if !fits {
            return Err(ValidationError::ImportType(import.name.to_owned()));
        }
        self.functions.push(index);
        self.pays_for_growth |= import.name == "pay_for_memory_grow";
        Ok(())
    }

    fn export(
        &mut self,
        name: &str,
        kind: ExternalKind,
        index: u32,
    ) -> Result<(), ValidationError> {
        if name == INK_GLOBAL {
            return Err(ValidationError::ReservedExport(name.to_owned()));
        }
        if name == ENTRYPOINT && kind == ExternalKind::Func {
            self.entrypoint = self
                .functions
                .get(index as usize)
                .and_then(|&ty| self.function_type(ty))
                .is_some_and(|ty| ty.params() == [ValType::I32] && ty.results() == [ValType::I32]);
        }
        self.memory |= name == MEMORY && kind == ExternalKind::Memory;
        Ok(())
    }

    /// Checks limits and operators of one function.
    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), ValidationError> {
        let mut locals = 0;
        for group in body.get_locals_reader()? {
            locals += u64::from(group?.0);
            limit("locals of a function", locals, MAX_LOCALS)?;
        }
        let mut operators = body.get_operators_reader()?;
        let bytes = (body.range().end - operators.original_position()) as u64;
        limit("bytes of a function", bytes, MAX_BODY_BYTES)?;
        self.shape.code_bytes += bytes;
        while !operators.eof() {
            let operator = operators.read()?;
            self.grows |= matches!(operator, wasmparser::Operator::MemoryGrow { .. });
            if ink::operator(&operator, |_| 0).is_none() {
                let debug = format!("{operator:?}");
                let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
                return Err(ValidationError::Operator(name.to_owned()));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Shape, ValidationError> {
        if !self.entrypoint {
            return Err(ValidationError::NoEntrypoint);
        }
        if !self.memory {
            return Err(ValidationError::NoMemory);
        }
        if self.grows && !self.pays_for_growth {
            return Err(ValidationError::UnpaidGrowth);
        }
        Ok(self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A valid module with more fields before its entry point.
    fn module(fields: &str) -> String {
        format!(
            "(module {fields} (memory (export \"memory\") 1)
             (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))"
        )
    }

    fn check(wat: &str) -> Result<Shape, ValidationError> {
        validate(&wat::parse_str(wat).unwrap())
    }

    fn reason(wat: &str) -> String {
        check(wat).unwrap_err().to_string()
    }

    #[test]
    fn a_plain_module_is_valid_and_measured() {
        let wat = "(module
            (type (func (param i32 i64) (result i32)))
            (import \"vm_hooks\" \"msg_sender\" (func (param i32)))
            (memory (export \"memory\") 3)
            (table 2 funcref) (elem (i32.const 0) 2 2)
            (global (mut i32) (i32.const 0)) (global i64 (i64.const 1))
            (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0))
            (func (type 0) (i32.const 0))
            (data (i32.const 0) \"abcde\"))";
        let wasm = wat::parse_str(wat).unwrap();
        let shape = validate(&wasm).unwrap();
        let expected = Shape {
            wasm_bytes: wasm.len() as u64,
            functions: 2,
            type_values: 2 + 3,
            globals: 2,
            data_bytes: 5 + 2,
            // i32.const 0, end, twice
            code_bytes: 6,
            pages: 3,
        };
        assert_eq!(shape, expected);
    }

    #[test]
    fn what_programs_may_use_is_accepted() {
        for fields in [
            "(func (drop (i32.extend8_s (i32.const 1))))",
            "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
            "(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
            "(global (export \"g\") (mut i32) (i32.const 0))",
            "(import \"vm_hooks\" \"pay_for_memory_grow\" (func (param i32))) (func (drop (memory.grow (i32.const 1))))",
        ] {
            assert!(
                check(&module(fields)).is_ok(),
                "{fields}: {}",
                reason(&module(fields))
            );
        }
    }

    #[test]
    fn other_features_are_refused() {
        for (fields, word) in [
            ("(func (param f32))", "floating"),
            (
                "(func (drop (f64.add (f64.const 1) (f64.const 2))))",
                "F64Const",
            ),
            (
                "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
                "F32Const",
            ),
            ("(func (param v128))", "SIMD"),
            ("(func (drop (i32x4.splat (i32.const 1))))", "I32x4Splat"),
            ("(func (param externref))", "reference types"),
            ("(func (drop (ref.null func)))", "RefNull"),
            ("(table 1 externref)", "reference types"),
            (
                "(func (result i32 i32) (i32.const 1) (i32.const 2))",
                "multi-value",
            ),
            (
                "(func (i32.const 0) (block (param i32) (drop)))",
                "multi-value",
            ),
            ("(func $f (return_call $f))", "ReturnCall"),
            (
                "(func (drop (i32.atomic.load (i32.const 0))))",
                "I32AtomicLoad",
            ),
            ("(table 1 funcref) (func (drop (table.size)))", "TableSize"),
            (
                "(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
                "TableCopy",
            ),
            ("(tag)", "exceptions"),
            ("(memory 1)", "multi"),
            (
                "(global i32 (i32.add (i32.const 1) (i32.const 1)))",
                "constant",
            ),
        ] {
            let reason = reason(&module(fields));
            assert!(reason.contains(word), "{fields}: {reason}");
        }
    }

    #[test]
    fn passive_segments_are_refused() {
        let wat = "(module (memory (export \"memory\") 1) (data \"abc\")
            (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))";
        assert!(reason(wat).contains("bulk-memory"), "{}", reason(wat));
    }

    #[test]
    fn sections_that_programs_may_not_have_are_refused() {
        let start = module("(func $f) (start $f)");
        assert_eq!(check(&start), Err(ValidationError::Section("start")));
        // With a data count section, as compilers write it with bulk memory on.
        let counted = "(module (memory (export \"memory\") 1) (data \"abc\")
            (func (export \"user_entrypoint\") (param i32) (result i32) (data.drop 0) (i32.const 0)))";
        assert_eq!(check(counted), Err(ValidationError::Section("data count")));
    }

    #[test]
    fn imports_must_be_known_and_fit() {
        let unknown = |module: &str, name: &str| ValidationError::UnknownImport {
            module: module.into(),
            name: name.into(),
        };
        for (import, error) in [
            (
                "\"env\" \"msg_sender\" (func (param i32))",
                unknown("env", "msg_sender"),
            ),
            (
                "\"console\" \"log_i32\" (func (param i32))",
                unknown("console", "log_i32"),
            ),
            ("\"vm_hooks\" \"gift\" (func)", unknown("vm_hooks", "gift")),
            (
                "\"vm_hooks\" \"msg_sender\" (global i32)",
                unknown("vm_hooks", "msg_sender"),
            ),
            (
                "\"vm_hooks\" \"msg_sender\" (func (param i64))",
                ValidationError::ImportType("msg_sender".into()),
            ),
            (
                "\"vm_hooks\" \"chainid\" (func (result i32))",
                ValidationError::ImportType("chainid".into()),
            ),
        ] {
            assert_eq!(
                check(&module(&format!("(import {import})"))),
                Err(error),
                "{import}"
            );
        }
    }

    #[test]
    fn an_entry_point_and_a_memory_must_be_exported() {
        let memory = "(memory (export \"memory\") 1)";
        for entrypoint in [
            "",
            "(func (export \"user_entrypoint\"))",
            "(func (export \"user_entrypoint\") (param i64) (result i32) (i32.const 0))",
            "(func (export \"main\") (param i32) (result i32) (i32.const 0))",
            "(global (export \"user_entrypoint\") i32 (i32.const 0))",
        ] {
            let wat = format!("(module {memory} {entrypoint})");
            assert_eq!(
                check(&wat),
                Err(ValidationError::NoEntrypoint),
                "{entrypoint}"
            );
        }
        let entrypoint =
            "(func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0))";
        for memory in ["", "(memory 1)", "(memory (export \"mem\") 1)"] {
            let wat = format!("(module {memory} {entrypoint})");
            assert_eq!(check(&wat), Err(ValidationError::NoMemory), "{memory}");
        }
    }

    #[test]
    fn the_meters_name_is_reserved() {
        let wat = module("(global (export \"stylus_ink_left\") (mut i64) (i64.const 0))");
        let error = ValidationError::ReservedExport("stylus_ink_left".into());
        assert_eq!(check(&wat), Err(error));
    }

    #[test]
    fn memory_cannot_grow_unpaid() {
        let wat = module("(func (drop (memory.grow (i32.const 1))))");
        assert_eq!(check(&wat), Err(ValidationError::UnpaidGrowth));
    }

    #[test]
    fn there_are_limits_on_everything() {
        let limited = |what, found, limit| Err(ValidationError::Limit { what, found, limit });
        let sized = |pages: u32| {
            format!(
                "(module (memory (export \"memory\") {pages})
                 (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))"
            )
        };
        assert!(check(&sized(128)).is_ok());
        assert_eq!(check(&sized(129)), limited("pages of memory", 129, 128));

        let many_exports: Vec<_> = (0..1_023)
            .map(|n| format!("(global (export \"{n}\") i32 (i32.const 0))"))
            .collect();
        let cases = [
            ("functions", "(func)".repeat(4_096), 4_097, 4_096),
            (
                "globals",
                "(global i32 (i32.const 0))".repeat(32_769),
                32_769,
                32_768,
            ),
            (
                "locals of a function",
                format!("(func (local {}))", "i32 ".repeat(349)),
                349,
                348,
            ),
            (
                "bytes of a function",
                format!("(func {})", "(nop)".repeat(65_536)),
                65_537,
                65_536,
            ),
            ("table entries", "(table 4097 funcref)".into(), 4_097, 4_096),
            (
                "data segments",
                "(data (i32.const 0) \"\")".repeat(129),
                129,
                128,
            ),
            (
                "element segments",
                format!(
                    "(table 1 funcref) (func $f) {}",
                    "(elem (i32.const 0) $f)".repeat(129)
                ),
                129,
                128,
            ),
            (
                "element entries",
                format!(
                    "(table 1 funcref) (func $f) (elem (i32.const 0) {})",
                    "$f ".repeat(4_097)
                ),
                4_097,
                4_096,
            ),
            (
                "bytes of an export's name",
                format!(
                    "(global (export \"{}\") i32 (i32.const 0))",
                    "n".repeat(513)
                ),
                513,
                512,
            ),
            ("exports", many_exports.concat(), 1_025, 1_024),
        ];
        for (what, fields, found, limit) in cases {
            assert_eq!(
                check(&module(&fields)),
                limited(what, found, limit),
                "{what}"
            );
        }
    }

    #[test]
    fn what_is_no_wasm_is_refused() {
        for bytes in [
            &b""[..],
            b"\0asm",
            b"\0asm\x02\0\0\0",
            b"hello world",
            &[0; 100],
        ] {
            assert!(validate(bytes).is_err(), "{bytes:?}");
        }
        let valid = wat::parse_str(module("")).unwrap();
        for cut in 0..valid.len() {
            assert!(validate(&valid[..cut]).is_err(), "cut at {cut}");
        }
    }
}
