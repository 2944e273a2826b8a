//! Machine code of programs in files, so that a restarted chain does not compile them again. Nitro keeps it beside its
//! database for the same reason.
//!
//! A file's name says what was compiled, by which compiler and with which settings; it begins with the Keccak-256 of
//! its name and the machine code. A file that cannot be used costs a compilation and nothing else. Files with other
//! names in the folder are left alone.

use revm::primitives::{B256, hex, keccak256};
use std::{
    fs::{self, DirBuilder, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::PathBuf,
};
use tempfile::Builder;
use wasmtime::{Engine, Module};

/// The most files to keep; the oldest are removed.
const MAX_FILES: usize = 64;
/// Bytes of the hash before the machine code.
const HASH: usize = 32;
/// Permission to write for others than the owner.
const OTHERS_WRITE: u32 = 0o022;

/// A folder of compiled programs.
#[derive(Debug)]
pub(crate) struct CodeCache {
    folder: PathBuf,
}

impl CodeCache {
    /// The folder is created when something is kept.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What `wasm` was compiled to by `engine`, if a file of this user has it.
    #[expect(
        unsafe_code,
        reason = "machine code is trusted as the files of this user are"
    )]
    pub(crate) fn load(&self, engine: &Engine, wasm: &[u8]) -> Option<Module> {
        let name = name(engine, wasm);
        let mut file = File::open(self.folder.join(&name)).ok()?;
        let about = file.metadata().ok()?;
        if about.uid() != user() || about.mode() & OTHERS_WRITE != 0 {
            return None;
        }
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).ok()?;
        let (hash, code) = contents.split_at_checked(HASH)?;
        if hash_of(&name, code) != hash {
            return None;
        }
        // SAFETY: the bytes are those that `keep` got from `Module::serialize` for this WASM: the file is whole, under
        // its own name, and only this user can have written it. wasmtime refuses code of another version, machine or
        // configuration.
        unsafe { Module::deserialize(engine, code) }.ok()
    }

    /// Keeps `module`, which `engine` compiled from `wasm`.
    pub(crate) fn keep(&self, engine: &Engine, wasm: &[u8], module: &Module) {
        // What cannot be kept is compiled again at the next start.
        let _ = self.write(engine, wasm, module);
    }

    fn write(&self, engine: &Engine, wasm: &[u8], module: &Module) -> io::Result<()> {
        let code = module.serialize().map_err(io::Error::other)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let name = name(engine, wasm);
        // Named as the file will be, so that a draft of a process that was killed is removed with the oldest.
        let mut draft = Builder::new().prefix(&name).tempfile_in(&self.folder)?;
        draft.write_all(hash_of(&name, &code).as_slice())?;
        draft.write_all(&code)?;
        draft.persist(self.folder.join(&name))?;
        self.remove_oldest()
    }

    fn remove_oldest(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(is_ours) {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort_unstable();
        let surplus = files.len().saturating_sub(MAX_FILES);
        for (_, path) in files.drain(..surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// The name of the file with what `engine` compiles `wasm` to.
fn name(engine: &Engine, wasm: &[u8]) -> String {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    let wasm = hex::encode(keccak256(wasm));
    format!("{wasm}-{:016x}", compiler.finish())
}

/// Whether a file of this name, or of a name that begins like one, was made here.
fn is_ours(name: &str) -> bool {
    name.split_once('-').is_some_and(|(wasm, compiler)| {
        let hex = |text: &str, digits: usize| {
            text.get(..digits)
                .is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        wasm.len() == 64 && hex(wasm, 64) && hex(compiler, 16)
    })
}

/// What a file begins with. The name is part of it, so that no file can stand in for another.
fn hash_of(name: &str, code: &[u8]) -> B256 {
    keccak256([name.as_bytes(), code].concat())
}

/// The user whom this process acts for.
#[expect(unsafe_code, reason = "a call of the system")]
fn user() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const WASM: &[u8] = b"\0asm\x01\0\0\0";
    /// The same module with a custom section, which makes it another one.
    const OTHER_WASM: &[u8] = b"\0asm\x01\0\0\0\0\x02\x01x";

    fn path(cache: &CodeCache, engine: &Engine, wasm: &[u8]) -> PathBuf {
        cache.folder.join(name(engine, wasm))
    }

    /// A cache with one module in it.
    fn kept() -> (tempfile::TempDir, Engine, CodeCache) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let engine = Engine::default();
        let cache = CodeCache::new(folder.path().join("code"));
        let module = Module::new(&engine, WASM).expect("the empty module");
        assert!(cache.load(&engine, WASM).is_none());
        cache.keep(&engine, WASM, &module);
        (folder, engine, cache)
    }

    #[test]
    fn what_was_kept_is_loaded_by_the_same_compiler_alone() {
        let (_folder, engine, cache) = kept();
        let loaded = cache.load(&engine, WASM).expect("it was kept");
        assert_eq!(loaded.exports().count(), 0);
        assert!(cache.load(&engine, OTHER_WASM).is_none());
        let mut config = wasmtime::Config::new();
        config.cranelift_opt_level(wasmtime::OptLevel::None);
        let other = Engine::new(&config).expect("another engine");
        assert!(cache.load(&other, WASM).is_none());
    }

    #[test]
    fn a_file_that_is_not_whole_is_not_loaded_and_is_replaced() {
        let (_folder, engine, cache) = kept();
        let path = path(&cache, &engine, WASM);
        let whole = fs::read(&path).expect("the file");
        for length in [0, HASH - 1, HASH, whole.len() - 1] {
            fs::write(&path, &whole[..length]).expect("a shorter file");
            assert!(cache.load(&engine, WASM).is_none(), "{length} bytes");
        }
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(&path, &changed).expect("a changed file");
        assert!(cache.load(&engine, WASM).is_none());
        // Whole, but not what wasmtime wrote.
        let code = b"not machine code";
        let foreign = [hash_of(&name(&engine, WASM), code).as_slice(), code].concat();
        fs::write(&path, foreign).expect("another file");
        assert!(cache.load(&engine, WASM).is_none());
        let module = Module::new(&engine, WASM).expect("the empty module");
        cache.keep(&engine, WASM, &module);
        assert_eq!(fs::read(&path).expect("the file"), whole);
        assert!(cache.load(&engine, WASM).is_some());
    }

    #[test]
    fn a_file_under_the_name_of_another_is_not_loaded() {
        let (_folder, engine, cache) = kept();
        let other = path(&cache, &engine, OTHER_WASM);
        fs::rename(path(&cache, &engine, WASM), &other).expect("the file");
        assert!(cache.load(&engine, OTHER_WASM).is_none());
        fs::rename(&other, path(&cache, &engine, WASM)).expect("the file");
        assert!(cache.load(&engine, WASM).is_some());
    }

    #[test]
    fn code_that_others_can_write_is_not_loaded() {
        let (_folder, engine, cache) = kept();
        let path = path(&cache, &engine, WASM);
        let mode = |path: &PathBuf| fs::metadata(path).expect("it exists").mode() & 0o777;
        assert_eq!((mode(&cache.folder), mode(&path)), (0o700, 0o600));
        for (others, loads) in [(0o620, false), (0o602, false), (0o644, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(others)).expect("it is ours");
            assert_eq!(cache.load(&engine, WASM).is_some(), loads, "{others:o}");
        }
    }

    #[test]
    fn the_oldest_files_are_removed_and_no_others() {
        let (_folder, engine, cache) = kept();
        let first = path(&cache, &engine, WASM);
        let module = Module::new(&engine, WASM).expect("the empty module");
        let start = fs::metadata(&first)
            .and_then(|about| about.modified())
            .expect("a time");
        let at = |path: &PathBuf, time| {
            let file = File::options().append(true).create(true).open(path);
            file.and_then(|file| file.set_modified(time))
                .expect("it is ours");
        };
        let draft = first.with_file_name(format!("{}Ab3xYz", name(&engine, WASM)));
        at(&draft, start - std::time::Duration::from_secs(1));
        let hash = hex::encode(keccak256(WASM));
        let foreign = ["notes.txt", "a-b", "é-é", &hash, &format!("{hash}-book")]
            .map(|name| cache.folder.join(name));
        for path in &foreign {
            at(path, std::time::SystemTime::UNIX_EPOCH);
        }
        for index in 0..MAX_FILES {
            let index = u8::try_from(index).expect("a small number");
            // Names of custom sections make them different modules.
            let wasm = [WASM, &[0, 2, 1, index]].concat();
            cache.keep(&engine, &wasm, &module);
            let later = start + std::time::Duration::from_secs(1 + u64::from(index));
            at(&path(&cache, &engine, &wasm), later);
        }
        assert!(!first.exists() && !draft.exists());
        assert!(foreign.iter().all(|path| path.exists()));
        assert_eq!(
            fs::read_dir(&cache.folder).expect("a folder").count(),
            MAX_FILES + foreign.len()
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_nothing_but_a_compilation() {
        let (folder, engine, _) = kept();
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        let cache = CodeCache::new(file.join("code"));
        let module = Module::new(&engine, WASM).expect("the empty module");
        cache.keep(&engine, WASM, &module);
        assert!(cache.load(&engine, WASM).is_none());
    }
}
