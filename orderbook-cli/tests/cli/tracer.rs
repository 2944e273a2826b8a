//! Runs a command under ptrace and stops it at every boundary: each system call that changes something outside the
//! process. At each the process can be killed before the call happens, or the call can be refused.
//!
//! The boundaries are counted over all threads in the order in which they happen. Nothing in the product knows about
//! it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

use crate::ptrace::{self, Pid, Stop};

/// What a boundary does to the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Boundary {
    /// Bytes of a file, by its name.
    Write(String),
    /// A file's bytes become durable.
    Sync(String),
    /// A file gets another length, name or none.
    Reshape(String),
    /// Bytes to another process: the JSON-RPC method, `COMMIT`, or nothing that the test needs to know.
    Send(String),
    /// The answer on stdout.
    Say,
    /// The end of the process.
    Exit,
}

impl Boundary {
    /// Whether the world is different after it. Bytes in `SQLite`'s log count from the `fsync` that ends a commit.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Sync(_) | Self::Reshape(_) | Self::Say => true,
            Self::Send(what) => what == "eth_sendRawTransaction" || what == "COMMIT",
            Self::Write(_) | Self::Exit => false,
        }
    }
}

/// What happens at a boundary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Pass,
    Kill,
    /// With this error number.
    Refuse(i32),
}

/// A traced run.
#[derive(Debug)]
pub(crate) struct Traced {
    /// Those that were reached, in sequence.
    pub(crate) boundaries: Vec<Boundary>,
    /// The exit code, unless it was killed.
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `command`; `judge` gets each boundary and its number, from 0.
pub(crate) fn trace(
    command: &Command,
    judge: impl FnMut(usize, &Boundary) -> Verdict + Send,
) -> Traced {
    // A thread of its own waits for no other test's children.
    std::thread::scope(|scope| scope.spawn(|| run(command, judge)).join().expect("it runs"))
}

#[allow(clippy::zombie_processes)] // It is waited for with its threads, as ptrace wants it.
fn run(command: &Command, mut judge: impl FnMut(usize, &Boundary) -> Verdict) -> Traced {
    let mut out = tempfile::tempfile().expect("a file");
    let mut err = tempfile::tempfile().expect("a file");
    let mut child = waiting(command)
        .stdin(Stdio::piped())
        .stdout(out.try_clone().expect("a handle"))
        .stderr(err.try_clone().expect("a handle"))
        .spawn()
        .expect("sh runs");
    let main = Pid::try_from(child.id()).expect("a pid");
    ptrace::seize(main).expect("ptrace is allowed on one's own children");
    let mut go = child.stdin.take().expect("piped");
    go.write_all(b"\n").expect("sh waits");
    drop(go);
    let mut boundaries = Vec::new();
    let mut refused = None;
    let exit = loop {
        let (pid, stop) = ptrace::wait().expect("there is a child");
        let signal = match stop {
            Stop::Ended(code) if pid == main => break code,
            Stop::Ended(_) => continue,
            Stop::Call => {
                at_call(main, pid, &mut boundaries, &mut refused, &mut judge);
                0
            }
            Stop::Event => 0,
            Stop::Signal(signal) => signal,
        };
        // A thread that is being killed may already be gone.
        let _ = ptrace::resume(pid, signal);
    };
    let text = |file: &mut File| {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).expect("a start");
        file.read_to_string(&mut text).expect("text");
        text
    };
    Traced {
        boundaries,
        exit,
        stdout: text(&mut out),
        stderr: text(&mut err),
    }
}

/// The command behind a shell that waits for a line, so that there is time to attach.
fn waiting(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "read -r _ && exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// One stop at a system call's entry or exit.
fn at_call(
    main: Pid,
    pid: Pid,
    boundaries: &mut Vec<Boundary>,
    refused: &mut Option<(Pid, i32)>,
    judge: &mut impl FnMut(usize, &Boundary) -> Verdict,
) {
    let Ok(mut registers) = ptrace::registers(pid) else {
        return;
    };
    if let Some((_, errno)) = refused.take_if(|(refused, _)| *refused == pid) {
        registers.rax = answer(errno);
        ptrace::set_registers(pid, &registers).expect("registers");
        return;
    }
    // This is how the kernel marks a call that has not happened yet.
    if registers.rax != answer(libc::ENOSYS) {
        return;
    }
    let arguments = [registers.rdi, registers.rsi, registers.rdx];
    let Some(boundary) = boundary(main, registers.orig_rax, arguments) else {
        return;
    };
    let verdict = judge(boundaries.len(), &boundary);
    boundaries.push(boundary);
    match verdict {
        Verdict::Pass => {}
        // A fatal signal at a call's entry: the call does not happen.
        Verdict::Kill => ptrace::kill(main).expect("it lives"),
        Verdict::Refuse(errno) => {
            registers.orig_rax = u64::MAX;
            ptrace::set_registers(pid, &registers).expect("registers");
            *refused = Some((pid, errno));
        }
    }
}

/// What a failing call leaves in its register.
fn answer(errno: i32) -> u64 {
    i64::from(-errno).cast_unsigned()
}

fn boundary(process: Pid, number: u64, [first, second, third]: [u64; 3]) -> Option<Boundary> {
    let file = || {
        let link = std::fs::read_link(format!("/proc/{process}/fd/{first}")).unwrap_or_default();
        link.to_string_lossy().into_owned()
    };
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_string();
    match i64::try_from(number).ok()? {
        libc::SYS_exit_group => Some(Boundary::Exit),
        libc::SYS_fsync | libc::SYS_fdatasync => Some(Boundary::Sync(name(file()))),
        libc::SYS_ftruncate => Some(Boundary::Reshape(name(file()))),
        libc::SYS_unlink | libc::SYS_rename => Some(Boundary::Reshape(name(text(process, first)))),
        libc::SYS_unlinkat | libc::SYS_renameat | libc::SYS_renameat2 => {
            Some(Boundary::Reshape(name(text(process, second))))
        }
        libc::SYS_pwrite64 | libc::SYS_pwritev => Some(Boundary::Write(name(file()))),
        libc::SYS_write | libc::SYS_writev | libc::SYS_sendto | libc::SYS_sendmsg => {
            let target = file();
            match () {
                // Threads wake each other through these.
                () if target.starts_with("anon_inode:") => None,
                () if first == 1 => Some(Boundary::Say),
                () if first == 2 => None,
                () if target.starts_with("socket:") => {
                    let bytes = match i64::try_from(number).ok()? {
                        libc::SYS_writev => gathered(process, second, third),
                        libc::SYS_sendmsg => Vec::new(),
                        _ => memory(process, second, third),
                    };
                    Some(Boundary::Send(purpose(&bytes)))
                }
                () => Some(Boundary::Write(name(target))),
            }
        }
        _ => None,
    }
}

/// The JSON-RPC method of a request, or `COMMIT` of a transaction.
fn purpose(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if let Some((_, rest)) = text.split_once("\"method\":\"") {
        return rest.split('"').next().unwrap_or_default().to_string();
    }
    if text.contains("COMMIT") {
        return "COMMIT".into();
    }
    String::new()
}

fn memory(process: Pid, address: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length.min(4096)).unwrap_or_default()];
    let read =
        File::open(format!("/proc/{process}/mem")).and_then(|mem| mem.read_at(&mut bytes, address));
    bytes.truncate(read.unwrap_or_default());
    bytes
}

fn gathered(process: Pid, address: u64, count: u64) -> Vec<u8> {
    let vectors = memory(process, address, count.min(16) * 16);
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
    vectors
        .chunks_exact(16)
        .flat_map(|vector| memory(process, word(&vector[..8]), word(&vector[8..])))
        .collect()
}

fn text(process: Pid, address: u64) -> String {
    let bytes = memory(process, address, 256);
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
