//! Which WASM is a valid program, and its measures.
//!
//! The rules are Nitro's: plain WebAssembly 1.0 without floating point, plus sign extension,
//! mutable globals, `memory.copy` and `memory.fill`; imports only from the host interface; limits
//! on everything.

use crate::{
    rules::{ArbOs, Rules},
    stylus::{
        frame::{self, Signatures},
        host::imports,
        ink::{self, OWN_GLOBALS},
        memory::PAGE_LIMIT,
    },
};
use std::collections::{HashMap, HashSet};
use thiserror::Error;
use wasmparser::{
    BinaryReaderError, CompositeInnerType, CustomSectionReader, ExternalKind, FuncType,
    FunctionBody, KnownCustom, Name, Parser, Payload, TypeRef, ValType, ValidPayload, Validator,
    WasmFeatures,
};

/// The function that runs a program: takes the length of the calldata, returns 0 for success.
pub const ENTRYPOINT: &str = "user_entrypoint";
/// The name under which a program exports its memory.
pub const MEMORY: &str = "memory";
/// What the name of an export must not begin with, nor have after its last two underscores.
const RESERVED: &str = "stylus";
/// The import that pays for pages.
const PAY_FOR_GROWTH: &str = "pay_for_memory_grow";

const FEATURES: WasmFeatures = WasmFeatures::GC_TYPES
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    // Only for passive segments: nothing that uses them has a price.
    .union(WasmFeatures::BULK_MEMORY);

const MAX_SEGMENTS: u64 = 128;
const MAX_FUNCTIONS: u64 = 4_096;
const MAX_GLOBALS: u64 = 32_768 - OWN_GLOBALS;
const MAX_IMPORTS: u64 = 513;
const MAX_LOCALS: u64 = 348;
const MAX_OPERATORS: u64 = 65_536;
const MAX_FRAME_WORDS: u64 = 10 * 1_024;
const MAX_FRAME_VALUES: u64 = 4_096;
const MAX_TABLE_ENTRIES: u64 = 4_096;
const MAX_ELEMENT_BYTES: u64 = 4_096;
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
    /// An import that appears twice, with different types.
    #[error("invalid program: import {0} appears twice, with different types")]
    InconsistentImport(String),
    /// An export whose name the instrumentation needs.
    #[error("invalid program: the export name {0} is reserved")]
    ReservedExport(String),
    /// An export with the name of an import.
    #[error("invalid program: {0} is both imported and exported")]
    ExportedImport(String),
    /// Memory that can grow, without the import that pays for it.
    #[error("invalid program: memory that can grow needs the import pay_for_memory_grow")]
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
    /// Bytes of data segments with their headers.
    pub data_bytes: u64,
    /// Bytes in data segments.
    pub data_content: u64,
    /// Bytes of element segments with their headers.
    pub element_bytes: u64,
    /// Operators after instrumentation, over all functions.
    pub operators: u64,
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

/// Checks limits and operators of one function.
fn check_body(body: &FunctionBody<'_>) -> Result<(), ValidationError> {
    let mut locals = 0;
    for group in body.get_locals_reader()? {
        locals += u64::from(group?.0);
        limit("locals of a function", locals, MAX_LOCALS)?;
    }
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        if ink::operator(&operator, |_| 0).is_none() {
            let debug = format!("{operator:?}");
            let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
            return Err(ValidationError::Operator(name.to_owned()));
        }
    }
    Ok(())
}

/// Checks and measures `wasm`, for the newest version of `ArbOS`.
///
/// # Errors
/// The first broken rule, in the order of the program's sections.
pub fn validate(wasm: &[u8]) -> Result<Shape, ValidationError> {
    validate_for(wasm, ArbOs::default().rules())
}

/// As [`validate`], for any version.
pub(crate) fn validate_for(wasm: &[u8], rules: &Rules) -> Result<Shape, ValidationError> {
    let mut walk = Walk {
        shape: Shape {
            wasm_bytes: wasm.len() as u64,
            ..Shape::default()
        },
        ..Walk::default()
    };
    let mut features = FEATURES;
    features.set(WasmFeatures::MULTI_VALUE, rules.multi_value);
    let mut validator = Validator::new_with_features(features);
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        // Before the validator, so that its message about a missing feature does not hide the reason.
        match &payload {
            Payload::StartSection { .. } => return Err(ValidationError::Section("start")),
            Payload::DataCountSection { .. } => return Err(ValidationError::Section("data count")),
            _ => {}
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            check_body(&body)?;
            let mut function = function.into_validator(allocations);
            function.validate(&body)?;
            walk.frame(&body)?;
            allocations = function.into_allocations();
        }
        walk.payload(payload)?;
    }
    walk.finish()
}

/// What has been seen of the module so far.
#[derive(Default)]
struct Walk {
    shape: Shape,
    types: Vec<FuncType>,
    /// Types of imported and defined functions, in index order.
    functions: Vec<u32>,
    signatures: Signatures,
    /// The type of each import, by name.
    imports: HashMap<String, u32>,
    entrypoint: bool,
    memory: bool,
    /// Whether the memory can grow beyond its initial size.
    grows: bool,
    table_entries: u64,
    module_name: u64,
}

impl Walk {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), ValidationError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for sub_type in group?.into_types() {
                        if let CompositeInnerType::Func(function) = sub_type.composite_type.inner {
                            self.signatures.add_type(Some(&function));
                            self.types.push(function);
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                limit("imports", section.count().into(), MAX_IMPORTS)?;
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
                    self.add_function(index);
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
                    let memory = memory?;
                    let initial = memory.initial;
                    limit("pages of memory", initial, PAGE_LIMIT.into())?;
                    self.grows = memory.maximum != Some(initial);
                    self.shape.pages = u16::try_from(initial).unwrap_or(PAGE_LIMIT);
                }
            }
            Payload::GlobalSection(section) => {
                limit("globals", section.count().into(), MAX_GLOBALS)?;
                self.shape.globals = section.count().into();
            }
            Payload::ExportSection(section) => {
                let mut names = HashSet::new();
                for export in section {
                    let export = export?;
                    // Names can state their purpose after two underscores.
                    names.extend(export.name.rsplit("__").next());
                    self.export(export.name, export.kind, export.index);
                }
                self.export_names(&names)?;
            }
            Payload::ElementSection(section) => {
                limit("element segments", section.count().into(), MAX_SEGMENTS)?;
                for element in section {
                    let range = element?.range;
                    self.shape.element_bytes += range.len() as u64;
                }
                let bytes = self.shape.element_bytes;
                limit("bytes of element segments", bytes, MAX_ELEMENT_BYTES)?;
            }
            Payload::DataSection(section) => {
                limit("data segments", section.count().into(), MAX_SEGMENTS)?;
                for data in section {
                    let data = data?;
                    self.shape.data_bytes += data.range.len() as u64;
                    self.shape.data_content += data.data.len() as u64;
                }
            }
            Payload::CustomSection(section) => self.custom(&section)?,
            _ => {}
        }
        Ok(())
    }

    fn function_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)
    }

    fn add_function(&mut self, ty: u32) {
        self.signatures.add_function(ty);
        self.functions.push(ty);
    }

    /// Of custom sections only the name section counts, and of that only the module's name; the rest must be readable.
    fn custom(&mut self, section: &CustomSectionReader<'_>) -> Result<(), ValidationError> {
        let KnownCustom::Name(names) = section.as_known() else {
            return Ok(());
        };
        for name in names {
            match name? {
                Name::Module { name, .. } => self.module_name = name.len() as u64,
                Name::Function(functions) => {
                    for naming in functions {
                        naming?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
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
        let name = import.name.to_owned();
        if let Some(prior) = self.imports.insert(name.clone(), index)
            && prior != index
        {
            return Err(ValidationError::InconsistentImport(name));
        }
        self.add_function(index);
        Ok(())
    }

    /// Checks the part of each export's name after its last two underscores.
    fn export_names(&self, names: &HashSet<&str>) -> Result<(), ValidationError> {
        let imported = |name: &&&str| self.imports.contains_key(**name);
        if let Some(name) = names.iter().find(imported) {
            return Err(ValidationError::ExportedImport((*name).to_owned()));
        }
        let reserved = |name: &&&str| name.starts_with(RESERVED);
        if let Some(name) = names.iter().find(reserved) {
            return Err(ValidationError::ReservedExport((*name).to_owned()));
        }
        Ok(())
    }

    fn export(&mut self, name: &str, kind: ExternalKind, index: u32) {
        if name == ENTRYPOINT && kind == ExternalKind::Func {
            self.entrypoint = self
                .functions
                .get(index as usize)
                .and_then(|&ty| self.function_type(ty))
                .is_some_and(|ty| ty.params() == [ValType::I32] && ty.results() == [ValType::I32]);
        }
        self.memory |= name == MEMORY && kind == ExternalKind::Memory;
    }

    fn pays_for_growth(&self) -> bool {
        self.grows && self.imports.contains_key(PAY_FOR_GROWTH)
    }

    /// Checks limits of one valid function after instrumentation.
    fn frame(&mut self, body: &FunctionBody<'_>) -> Result<(), ValidationError> {
        let frame = frame::measure(body, &self.signatures, self.pays_for_growth())?;
        let (values, words) = (frame.values.into(), frame.words.into());
        limit("values on a function's stack", values, MAX_FRAME_VALUES)?;
        limit("words of a function's frame", words, MAX_FRAME_WORDS)?;
        limit("operators of a function", frame.operators, MAX_OPERATORS)?;
        self.shape.operators += frame.operators;
        Ok(())
    }

    fn finish(self) -> Result<Shape, ValidationError> {
        if !self.entrypoint {
            return Err(ValidationError::NoEntrypoint);
        }
        if !self.memory {
            return Err(ValidationError::NoMemory);
        }
        if self.grows && !self.pays_for_growth() {
            return Err(ValidationError::UnpaidGrowth);
        }
        limit(
            "bytes of the module's name",
            self.module_name,
            MAX_NAME_BYTES,
        )?;
        for cost in [
            ink::cached_dynamic(&self.shape),
            ink::uncached_dynamic(&self.shape),
        ] {
            limit("gas to enter it", cost, u16::MAX.into())?;
        }
        Ok(self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A valid module with more fields before its entry point. Its memory cannot grow.
    fn module(fields: &str) -> String {
        format!(
            "(module {fields} (memory (export \"memory\") 1 1)
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
            (memory (export \"memory\") 3 3)
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
            // Flag, i32.const 0, end, length, and the data.
            data_bytes: 1 + 2 + 1 + 1 + 5,
            data_content: 5,
            // Flag, i32.const 0, end, count, and two indices.
            element_bytes: 1 + 2 + 1 + 1 + 2,
            // Per function: a constant and the end, 12 that charge for them, 12 that take the frame's
            // words, 4 that give them back, a return.
            operators: 2 * (2 + 12 + 12 + 4 + 1),
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
            "(func (drop (memory.grow (i32.const 1))))",
            "(data \"passive\")",
            "(func $f) (elem func $f) (elem declare func $f)",
            "(global (export \"__stylu\") i32 (i32.const 0))",
            "(import \"vm_hooks\" \"exit_early\" (func (param i32))) (import \"vm_hooks\" \"exit_early\" (func (param i32)))",
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
    fn more_than_one_result_is_refused_from_stylus_3_on() {
        let two = "(func (result i32 i32) (i32.const 1) (i32.const 2))";
        let block = "(func (i32.const 1) (block (param i32) (drop)))";
        for fields in [two, block] {
            let wasm = wat::parse_str(module(fields)).unwrap();
            for arbos in ArbOs::ALL {
                let rules = arbos.rules();
                let allowed = validate_for(&wasm, rules).is_ok();
                assert_eq!(allowed, rules.stylus < 3, "{arbos}: {fields}");
            }
        }
    }

    #[test]
    fn sections_that_programs_may_not_have_are_refused() {
        let start = module("(func $f) (start $f)");
        assert_eq!(check(&start), Err(ValidationError::Section("start")));
        // With a data count section, as compilers write it with bulk memory enabled.
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
    fn names_of_the_instrumentation_are_reserved() {
        // Anything before the last two underscores states the purpose of an export.
        for name in [
            "stylus_ink_left",
            "stylus_global_with_random_name",
            "stylus",
            "a__stylus_x",
            "a__b__stylus",
        ] {
            let wat = module(&format!("(global (export \"{name}\") i32 (i32.const 0))"));
            let last = name.rsplit("__").next().unwrap();
            let error = ValidationError::ReservedExport(last.into());
            assert_eq!(check(&wat), Err(error), "{name}");
        }
    }

    #[test]
    fn an_import_cannot_be_exported_under_its_name() {
        let import = "(import \"vm_hooks\" \"read_args\" (func $read (param i32)))";
        for name in ["read_args", "mine__read_args"] {
            let export = format!("{import} (export \"{name}\" (func $read))");
            let error = ValidationError::ExportedImport("read_args".into());
            assert_eq!(check(&module(&export)), Err(error), "{name}");
        }
        let other = format!("{import} (export \"read_my_args\" (func $read))");
        assert!(check(&module(&other)).is_ok());
    }

    #[test]
    fn an_import_is_there_under_one_type() {
        let fields = "(type $a (func (param i32))) (type $b (func (param i32)))
            (import \"vm_hooks\" \"read_args\" (func (type $a)))
            (import \"vm_hooks\" \"read_args\" (func (type $b)))";
        let error = ValidationError::InconsistentImport("read_args".into());
        assert_eq!(check(&module(fields)), Err(error));
    }

    #[test]
    fn memory_that_can_grow_must_be_paid_for_whether_it_does_or_not() {
        let memory = |bounds: &str, fields: &str| {
            check(&format!(
                "(module {fields} (memory (export \"memory\") {bounds})
                 (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))"
            ))
        };
        let pay = "(import \"vm_hooks\" \"pay_for_memory_grow\" (func (param i32)))";
        for bounds in ["1", "1 2", "0", "1 65536"] {
            assert_eq!(
                memory(bounds, ""),
                Err(ValidationError::UnpaidGrowth),
                "{bounds}"
            );
            assert!(memory(bounds, pay).is_ok(), "{bounds}");
        }
        for bounds in ["1 1", "0 0"] {
            assert!(memory(bounds, "").is_ok(), "{bounds}");
        }
    }

    #[test]
    fn the_modules_name_has_a_limit_and_names_must_be_readable() {
        let named = |bytes: usize| format!("(module ${}", "n".repeat(bytes));
        let of_name = |bytes| module("").replacen("(module", &named(bytes), 1);
        assert!(check(&of_name(512)).is_ok());
        let (what, found, limit) = ("bytes of the module's name", 513, 512);
        assert_eq!(
            check(&of_name(513)),
            Err(ValidationError::Limit { what, found, limit })
        );
        // A name section whose name is cut short.
        let mut wasm = wat::parse_str(module("")).unwrap();
        wasm.extend([0, 8, 4, b'n', b'a', b'm', b'e', 0, 1, 9]);
        assert!(matches!(validate(&wasm), Err(ValidationError::Invalid(_))));
    }

    #[test]
    fn exports_are_not_limited_in_number_or_length() {
        // Nitro drops all but the entry point and the memory before it counts.
        let many: Vec<String> = (0..1_500)
            .map(|n| format!("(global (export \"{n}\") i32 (i32.const 0))"))
            .collect();
        let many = many.concat();
        let long = format!(
            "(global (export \"{}\") i32 (i32.const 0))",
            "n".repeat(513)
        );
        assert!(check(&module(&many)).is_ok());
        assert!(check(&module(&long)).is_ok());
    }

    #[test]
    fn functions_are_limited_by_operators_after_instrumentation() {
        // n nops and the end; 12 that charge, 12 that enter, 4 that leave, a return: n + 30.
        let nops = |n: usize| module(&format!("(func {})", "nop ".repeat(n)));
        assert!(check(&nops(65_536 - 30)).is_ok());
        let (what, found, limit) = ("operators of a function", 65_537, 65_536);
        assert_eq!(
            check(&nops(65_536 - 29)),
            Err(ValidationError::Limit { what, found, limit })
        );
        // Bytes do not count: 26,666 constants of six bytes are 80,000.
        let wide = "(drop (i32.const 0x7fffffff)) ".repeat(13_333);
        assert!(check(&module(&format!("(func {wide})"))).is_ok());
    }

    #[test]
    fn frames_are_limited_in_values() {
        let consts = |n: usize| {
            module(&format!(
                "(func {} {})",
                "i32.const 0 ".repeat(n),
                "drop ".repeat(n)
            ))
        };
        assert!(check(&consts(4_096)).is_ok());
        let (what, found, limit) = ("values on a function's stack", 4_097, 4_096);
        assert_eq!(
            check(&consts(4_097)),
            Err(ValidationError::Limit { what, found, limit })
        );
    }

    #[test]
    fn the_price_of_entering_must_fit_16_bits() {
        // 65,535 gas are 87,096 bytes of data; the WASM around it also costs something.
        let data =
            |bytes: usize| module(&format!("(data (i32.const 0) \"{}\")", "x".repeat(bytes)));
        assert!(check(&data(86_000)).is_ok());
        let Err(ValidationError::Limit { what, limit, .. }) = check(&data(88_000)) else {
            panic!("it is refused");
        };
        assert_eq!((what, limit), ("gas to enter it", 65_535));
    }

    #[test]
    fn there_are_limits_on_everything() {
        let limited = |what, found, limit| Err(ValidationError::Limit { what, found, limit });
        let sized = |pages: u32| {
            format!(
                "(module (memory (export \"memory\") {pages} {pages})
                 (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))"
            )
        };
        assert!(check(&sized(128)).is_ok());
        assert_eq!(check(&sized(129)), limited("pages of memory", 129, 128));

        let cases = [
            ("functions", "(func)".repeat(4_096), 4_097, 4_096),
            (
                "globals",
                // Four are Nitro's own.
                "(global i32 (i32.const 0))".repeat(32_765),
                32_765,
                32_764,
            ),
            (
                "locals of a function",
                format!("(func (local {}))", "i32 ".repeat(349)),
                349,
                348,
            ),
            (
                "imports",
                "(import \"vm_hooks\" \"chainid\" (func (result i64)))".repeat(514),
                514,
                513,
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
                "bytes of element segments",
                // Flag, offset (3), count (2), and one byte per entry.
                format!(
                    "(table 1 funcref) (func $f) (elem (i32.const 0) {})",
                    "$f ".repeat(4_091)
                ),
                4_097,
                4_096,
            ),
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
