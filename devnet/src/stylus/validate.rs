//! Which WASM may become a program, and its measures.
//!
//! The rules are Nitro's: plain WebAssembly 1.0 without floating point, plus sign extension, mutable globals,
//! `memory.copy` and `memory.fill`; imports only from the host interface; limits on everything.

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
