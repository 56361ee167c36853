//! The definitions of preview 1's calls in a wasmi linker.

use wasmi::{Caller, Extern, Linker};

use super::guest::Guest;
use super::numbers::Errno;
use super::{CallError, CallResult, Wasi};
use crate::state::State;
use crate::stop::Stop;

/// Defines every call of preview 1 except `proc_raise`: there are no signals, and no libc imports it.
///
/// # Errors
///
/// wasmi's error if the linker has a call of the same name already.
pub fn define(linker: &mut Linker<State>) -> Result<(), wasmi::Error> {
    const MODULE: &str = "wasi_snapshot_preview1";
    linker.func_wrap(MODULE, "proc_exit", |_: Caller<'_, State>, status: u32| -> Result<(), wasmi::Error> {
        Err(wasmi::Error::host(Stop::Exit(status)))
    })?;

    // A call of `calls` is the method of the same name. A call of `constant` always fails with the same errno.
    macro_rules! calls {
        ($($name:ident($($argument:ident: $type:ty),*);)*) => {
            $(linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, State>, $($argument: $type),*| {
                dispatch(caller, |wasi, guest| wasi.$name(guest, $($argument),*))
            })?;)*
        };
    }
    macro_rules! constant {
        ($($name:ident($($type:ty),*) = $errno:ident;)*) => {
            $(linker.func_wrap(MODULE, stringify!($name), |_: Caller<'_, State>, $(_: $type),*| {
                Errno::$errno as u32
            })?;)*
        };
    }
    calls! {
        args_get(pointers: u32, bytes: u32);
        args_sizes_get(count: u32, size: u32);
        environ_get(pointers: u32, bytes: u32);
        environ_sizes_get(count: u32, size: u32);
        clock_res_get(clock: u32, to: u32);
        clock_time_get(clock: u32, precision: u64, to: u32);
        fd_advise(fd: u32, offset: u64, length: u64, advice: u32);
        fd_close(fd: u32);
        fd_datasync(fd: u32);
        fd_fdstat_get(fd: u32, to: u32);
        fd_fdstat_set_flags(fd: u32, flags: u32);
        fd_filestat_get(fd: u32, to: u32);
        fd_pread(fd: u32, vectors: u32, count: u32, offset: u64, read: u32);
        fd_prestat_get(fd: u32, to: u32);
        fd_prestat_dir_name(fd: u32, to: u32, length: u32);
        fd_pwrite(fd: u32, vectors: u32, count: u32, offset: u64, written: u32);
        fd_read(fd: u32, vectors: u32, count: u32, read: u32);
        fd_readdir(fd: u32, to: u32, length: u32, cookie: u64, used: u32);
        fd_renumber(fd: u32, onto: u32);
        fd_seek(fd: u32, by: i64, whence: u32, to: u32);
        fd_sync(fd: u32);
        fd_tell(fd: u32, to: u32);
        fd_write(fd: u32, vectors: u32, count: u32, written: u32);
        path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, to: u32);
        path_open(
            fd: u32, dirflags: u32, path: u32, length: u32, oflags: u32, rights: u64, inheriting: u64, flags: u32,
            to: u32
        );
        path_readlink(fd: u32, path: u32, length: u32, to: u32, room: u32, used: u32);
        poll_oneoff(subscriptions: u32, events: u32, count: u32, used: u32);
        random_get(to: u32, length: u32);
        sched_yield();
    }
    constant! {
        fd_allocate(u32, u64, u64) = Rofs;
        fd_fdstat_set_rights(u32, u64, u64) = Notsup;
        fd_filestat_set_size(u32, u64) = Rofs;
        fd_filestat_set_times(u32, u64, u64, u32) = Rofs;
        path_create_directory(u32, u32, u32) = Rofs;
        path_filestat_set_times(u32, u32, u32, u32, u64, u64, u32) = Rofs;
        path_link(u32, u32, u32, u32, u32, u32, u32) = Rofs;
        path_remove_directory(u32, u32, u32) = Rofs;
        path_rename(u32, u32, u32, u32, u32, u32) = Rofs;
        path_symlink(u32, u32, u32, u32, u32) = Rofs;
        path_unlink_file(u32, u32, u32) = Rofs;
        sock_accept(u32, u32, u32) = Notsock;
        sock_recv(u32, u32, u32, u32, u32, u32) = Notsock;
        sock_send(u32, u32, u32, u32, u32) = Notsock;
        sock_shutdown(u32, u32) = Notsock;
    }
    Ok(())
}

/// Makes a call with access to the function's memory. If the module exports no memory, every address is outside.
fn dispatch(
    mut caller: Caller<'_, State>,
    call: impl FnOnce(&mut Wasi, &mut Guest<'_>) -> CallResult,
) -> Result<u32, wasmi::Error> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let (bytes, state): (&mut [u8], _) = match memory {
        Some(memory) => memory.data_and_store_mut(&mut caller),
        None => (&mut [], caller.data_mut()),
    };
    match call(&mut state.wasi, &mut Guest::new(bytes)) {
        Ok(()) => Ok(0),
        Err(CallError::Errno(errno)) => Ok(errno as u32),
        Err(CallError::Stop(stop)) => Err(wasmi::Error::host(stop)),
    }
}
