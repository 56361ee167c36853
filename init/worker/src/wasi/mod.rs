//! WASI preview 1: the calls that a function can make. They give it its arguments, its input, its read-only files, its
//! output, the time and random bytes. `docs/functions.md` lists what each call supports.
//!
//! Layouts and numbers are those of `legacy/preview1/docs.md` in the WASI repository.

mod arguments;
mod clock;
pub mod descriptors;
mod directory;
mod files;
pub mod guest;
pub mod linker;
mod numbers;
mod output;
mod path;
mod poll;
mod time;
pub mod tree;

use capelet_abi::JobHeader;

use crate::frames::FrameWriter;
use crate::socket::Socket;
use crate::stop::Stop;
use crate::sys;
use clock::Clock;
use descriptors::Descriptors;
use guest::Guest;
use numbers::Errno;
use tree::Tree;

/// The program's name: the first argument of every function.
const PROGRAM: &[u8] = b"function";

/// The state on which the function's calls act.
pub struct Wasi {
    /// The writer for the function's output.
    pub frames: FrameWriter<Socket>,
    arguments: Vec<Vec<u8>>,
    clock: Clock,
    tree: Tree,
    descriptors: Descriptors,
}

/// Why a call failed.
#[derive(Debug, PartialEq, Eq)]
pub enum CallError {
    /// The call returns this errno, and the function goes on.
    Errno(Errno),
    /// The run ends.
    Stop(Stop),
}

/// The result of a call. Success is errno 0.
type CallResult = Result<(), CallError>;

impl Wasi {
    /// The state at the start of a run. `descriptors` must refer to files of `tree`.
    pub fn new(header: &JobHeader, tree: Tree, descriptors: Descriptors, frames: FrameWriter<Socket>) -> Self {
        let arguments = [PROGRAM.to_vec()].into_iter().chain(header.arguments.iter().cloned()).collect();
        Self { frames, arguments, clock: Clock::new(header.now), tree, descriptors }
    }

    fn random_get(&mut self, guest: &mut Guest<'_>, at: u32, length: u32) -> CallResult {
        Ok(sys::random(guest.bytes_mut(at, length)?).map_err(|_| Errno::Io)?)
    }

    /// Does nothing, because the function has one thread.
    fn sched_yield(&mut self, _: &mut Guest<'_>) -> CallResult {
        Ok(())
    }
}

impl From<Errno> for CallError {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stop> for CallError {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}
