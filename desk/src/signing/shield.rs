//! What keeps a key inside its process: no dump of the process, no swapping of the key's memory.

#![allow(unsafe_code)] // The C library's functions: these three lines need them, nothing else of the desk does.

use std::io;

/// From here on neither a core dump nor another process of the same user can read this process.
///
/// # Errors
/// The system's.
pub(super) fn forbid_dumps() -> io::Result<()> {
    // SAFETY: it takes numbers only.
    done(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) })
}

/// A value in memory that is never written to the swap space.
///
/// # Errors
/// The system's: this user may lock no more memory.
pub(super) fn lock<T>(value: T) -> io::Result<Box<T>> {
    let value = Box::new(value);
    let start: *const T = &raw const *value;
    // SAFETY: the range is that of a live allocation, and locking it changes none of its bytes.
    done(unsafe { libc::mlock(start.cast(), size_of::<T>()) })?;
    Ok(value)
}

/// The user whom this process acts for.
pub(super) fn user() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

fn done(outcome: libc::c_int) -> io::Result<()> {
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a line of `/proc/self/status`.
    fn status(name: &str) -> String {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim_start_matches(':').trim().to_owned()
    }

    #[test]
    fn a_locked_value_is_locked_memory() {
        let before = status("VmLck");
        let value = lock([7_u8; 8_192]).unwrap();
        assert_ne!(status("VmLck"), before);
        assert_eq!(*value, [7; 8_192]);
    }

    #[test]
    fn the_user_is_the_one_that_owns_what_it_writes() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(std::fs::metadata(folder.path()).unwrap().uid(), user());
    }
}
