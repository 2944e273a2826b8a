//! The few calls of ptrace(2) that `tracer` needs, made safe: every pointer is to a value of this stack frame.

#![allow(unsafe_code)] // The C library's functions; nothing else of the tests or the product needs any.

use std::io::{Error, Result};
use std::ptr::null_mut;

pub(crate) type Pid = libc::pid_t;

/// Why a thread has stopped, or that it is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    /// Ended with an exit code, or killed.
    Ended(Option<i32>),
    /// Entering or leaving a system call.
    Call,
    /// A new thread, a new program.
    Event,
    /// About to get a signal.
    Signal(i32),
}

fn done(result: libc::c_long) -> Result<()> {
    if result == -1 {
        Err(Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Attaches to a child and all the threads it will have; it dies with the tracer.
pub(crate) fn seize(pid: Pid) -> Result<()> {
    let options = i64::from(
        libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACEEXEC
            | libc::PTRACE_O_EXITKILL,
    );
    // SAFETY: takes numbers only.
    done(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0_usize, options) })
}

/// Lets a stopped thread run to the next system call, with a signal unless it is 0.
pub(crate) fn resume(pid: Pid, signal: i32) -> Result<()> {
    // SAFETY: takes numbers only.
    done(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0_usize, i64::from(signal)) })
}

/// A stopped thread's registers.
pub(crate) fn registers(pid: Pid) -> Result<libc::user_regs_struct> {
    // SAFETY: a struct of integers may be all zeros, and the kernel writes no more than its size.
    unsafe {
        let mut registers: libc::user_regs_struct = std::mem::zeroed();
        let place = &raw mut registers;
        done(libc::ptrace(
            libc::PTRACE_GETREGS,
            pid,
            null_mut::<()>(),
            place,
        ))?;
        Ok(registers)
    }
}

/// Changes a stopped thread's registers.
pub(crate) fn set_registers(pid: Pid, registers: &libc::user_regs_struct) -> Result<()> {
    // SAFETY: the kernel reads one whole struct.
    done(unsafe {
        libc::ptrace(
            libc::PTRACE_SETREGS,
            pid,
            null_mut::<()>(),
            &raw const *registers,
        )
    })
}

/// `kill -9`.
pub(crate) fn kill(pid: Pid) -> Result<()> {
    // SAFETY: takes numbers only.
    done(unsafe { libc::kill(pid, libc::SIGKILL) }.into())
}

/// The next stop of a child of this thread.
pub(crate) fn wait() -> Result<(Pid, Stop)> {
    let mut status = 0;
    // SAFETY: the kernel writes one integer.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
    done(pid.into())?;
    let stop = if libc::WIFEXITED(status) {
        Stop::Ended(Some(libc::WEXITSTATUS(status)))
    } else if libc::WIFSIGNALED(status) {
        Stop::Ended(None)
    } else if status >> 16 != 0 {
        Stop::Event
    } else if libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80 {
        Stop::Call
    } else {
        Stop::Signal(libc::WSTOPSIG(status))
    };
    Ok((pid, stop))
}
