//! Records which of the descriptors 0 to 2 are closed when the program starts.
//!
//! The standard library opens `/dev/null` in place of a closed one before `main`. A result that is written there is lost,
//! and no error says so. `main` cannot tell such a descriptor from a `/dev/null` that the user chose. The record is
//! therefore made before the standard library starts.

#![allow(unsafe_code)]

use rustix::fd::BorrowedFd;
use rustix::io::fcntl_getfd;
use rustix::stdio::{stderr, stdin, stdout};
use std::sync::atomic::{AtomicU8, Ordering};

/// Bit N is set if descriptor N was closed.
static CLOSED: AtomicU8 = AtomicU8::new(0);

extern "C" fn record() {
    let standard: [fn() -> BorrowedFd<'static>; 3] = [stdin, stdout, stderr];
    let closed = (0..).zip(standard).filter(|(_, descriptor)| fcntl_getfd(descriptor()).is_err());
    CLOSED.store(closed.fold(0, |bits, (bit, _)| bits | 1u8 << bit), Ordering::Relaxed);
}

// SAFETY: The section `.init_array` holds pointers to functions of the C calling convention, which the C library calls
// once each, on the only thread, before `main`. It passes arguments that such a function may ignore. `record` needs
// nothing of the standard library that `main`'s preparation sets up: it makes three system calls and stores one byte.
#[used]
#[unsafe(link_section = ".init_array")]
static RECORD: extern "C" fn() = record;

/// Whether `descriptor`, which is 0, 1 or 2, was closed when the program started.
pub fn was_closed(descriptor: u8) -> bool {
    CLOSED.load(Ordering::Relaxed) >> descriptor & 1 == 1
}
