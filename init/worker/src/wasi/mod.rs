//! WASI preview 1, what a function sees of the world: its arguments, input, read-only files, output, the time,
//! randomness. `docs/functions.md` says call by call what is supported.
//!
//! Layouts and numbers are those of the WASI repository's `legacy/preview1/docs.md`.

mod abi;
mod arguments;
mod clock;
pub mod descriptors;
mod directory;
mod files;
pub mod guest;
mod output;
mod path;
mod poll;
pub mod tree;

use capelet_abi::job::Header;
use wasmi::{Caller, Extern, Linker};

use crate::outcome::Frames;
use crate::run::State;
use crate::socket::Socket;
use crate::stop::Stop;
use crate::sys;
use abi::Errno;
use clock::Clock;
use descriptors::Descriptors;
use guest::Guest;
use tree::Tree;

/// The name under which a program is called, its first argument.
const PROGRAM: &[u8] = b"function";

/// What the function's calls act on.
pub struct Wasi {
    /// Where its output goes.
    pub frames: Frames<Socket>,
    arguments: Vec<Vec<u8>>,
    clock: Clock,
    tree: Tree,
    descriptors: Descriptors,
}

/// Why a call does not do what it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Fail {
    /// The function is told.
    Errno(Errno),
    /// The run ends.
    Stop(Stop),
}

type Answer = Result<(), Fail>;

impl Wasi {
    /// The world of one run; `descriptors` are of this tree.
    pub fn new(header: &Header, tree: Tree, descriptors: Descriptors, frames: Frames<Socket>) -> Self {
        let arguments = [PROGRAM.to_vec()].into_iter().chain(header.arguments.iter().cloned()).collect();
        Self { frames, arguments, clock: Clock::new(header.now), tree, descriptors }
    }

    fn random_get(&mut self, guest: &mut Guest<'_>, at: u32, length: u32) -> Answer {
        Ok(sys::random(guest.bytes_mut(at, length)?).map_err(|_| Errno::Io)?)
    }

    /// Nothing else runs in this process.
    fn sched_yield(&mut self, _: &mut Guest<'_>) -> Answer {
        Ok(())
    }
}

/// Defines all of preview 1 but `proc_raise` (there are no signals), which no libc imports.
pub fn define(linker: &mut Linker<State>) -> Result<(), wasmi::Error> {
    const MODULE: &str = "wasi_snapshot_preview1";
    linker.func_wrap(MODULE, "proc_exit", |_: Caller<'_, State>, status: u32| -> Result<(), wasmi::Error> {
        Err(wasmi::Error::host(Stop::Exit(status)))
    })?;

    // `calls` go to the method of the same name; `constant` ones have one answer, whatever their arguments.
    macro_rules! calls {
        ($($name:ident($($argument:ident: $type:ty),*);)*) => {
            $(linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, State>, $($argument: $type),*| {
                answer(caller, |wasi, guest| wasi.$name(guest, $($argument),*))
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
        path_open(fd: u32, dirflags: u32, path: u32, length: u32, oflags: u32, rights: u64, inheriting: u64, flags: u32, to: u32);
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

/// Makes a call with the function's memory at hand; without an exported memory every address is outside of it.
fn answer(
    mut caller: Caller<'_, State>,
    call: impl FnOnce(&mut Wasi, &mut Guest<'_>) -> Answer,
) -> Result<u32, wasmi::Error> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let (bytes, state): (&mut [u8], _) = match memory {
        Some(memory) => memory.data_and_store_mut(&mut caller),
        None => (&mut [], caller.data_mut()),
    };
    match call(&mut state.wasi, &mut Guest::new(bytes)) {
        Ok(()) => Ok(0),
        Err(Fail::Errno(errno)) => Ok(errno as u32),
        Err(Fail::Stop(stop)) => Err(wasmi::Error::host(stop)),
    }
}

impl From<Errno> for Fail {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stop> for Fail {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}
