//! What a panic does inside a contract: a WebAssembly trap, which the caller sees as a revert without data.
//!
//! Without formatting in reach the linker drops every message and source path, which would otherwise stand in the data
//! segment, cost gas on each call, and make the build differ from machine to machine.

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
