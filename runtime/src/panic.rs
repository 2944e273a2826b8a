//! What a panic does inside a contract: a WebAssembly trap, which the caller sees as a revert without data.
//!
//! Without formatting in reach the linker drops every message and source path, which would otherwise be in the data
//! segment, cost gas on each call, and make the build differ from machine to machine. A contract whose dependencies bring
//! the standard library has that one's handler: it turns the feature `std` on.

#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
