//! enclave-core, linked without std. If any crate below it brought std along, this would not compile: std has a panic
//! handler of its own, and there may be only one (E0152).

#![no_std]
#![forbid(unsafe_code)]

use linked_list_allocator::LockedHeap;

pub use enclave_core;
#[cfg(feature = "with-std")]
pub use with_std;

/// Has no memory to give: nothing here is run.
#[global_allocator]
static ALLOCATOR: LockedHeap = LockedHeap::empty();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
