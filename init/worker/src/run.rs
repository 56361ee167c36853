//! Runs a job: the module on wasmi, entered as a command or as a reactor.

use std::mem;

use capelet_abi::job::{Header, Kind};
use capelet_abi::outcome::End;
use wasmi::errors::{ErrorKind, InstantiationError, MemoryError, TableError};
use wasmi::{
    CompilationMode, Config, Engine, Instance, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder,
    TrapCode, WasmParams, WasmResults,
};

use crate::error::Error;
use crate::intake::Job;
use crate::outcome::Frames;
use crate::socket::Socket;
use crate::stop::Stop;
use crate::wasi::descriptors::{self, Descriptors};
use crate::wasi::{self, Wasi};

/// How deep calls may nest. wasmi's own 1,000 is too little for interpreters; no native stack is used.
const MAX_CALL_DEPTH: usize = 20_000;
/// The most memory for the values of all calls, in bytes.
const MAX_STACK: usize = 8 << 20;
/// The most tables, and elements of each. Programs have one of some ten thousand.
const MAX_TABLES: usize = 4;
const MAX_TABLE_ELEMENTS: usize = 1 << 20;

/// What belongs to one run.
pub struct State {
    limits: StoreLimits,
    /// What the function's calls act on.
    pub wasi: Wasi,
}

/// Why a function did not come to its end.
enum Failed {
    /// It asked to exit.
    Exit(u32),
    /// It failed in a way that has a name.
    End(End),
    /// The core is gone: nobody to tell.
    Socket,
}

/// Runs the job and says how it ended.
pub fn run(job: Job, frames: Frames<Socket>) -> Result<(), Error> {
    let Job { header, module, mut files, mut input } = job;
    // A command reads its input, under a name too, for some programs take files only. A reactor is given it, and its
    // result is what it returns: what it prints is not.
    let descriptors = match header.kind {
        Kind::Command => {
            let stdin = files.insert(b"input/0", mem::take(&mut input)).ok_or(Error::Job)?;
            Descriptors::new(stdin, descriptors::Kind::Output)
        }
        Kind::Reactor => Descriptors::new(files.detached(Vec::new()), descriptors::Kind::Diagnostic),
    };
    let wasi = Wasi::new(&header, files, descriptors, frames);
    let engine = Engine::new(&config());
    let mut store = Store::new(&engine, State { limits: limits(header.limits.memory), wasi });
    store.limiter(|state| &mut state.limits);

    let end = match enter(&mut store, &header, module, input) {
        Ok(()) => End::Completed,
        Err(Failed::Exit(0)) if header.kind == Kind::Command => End::Completed,
        // A reactor that leaves has given no result, whatever status it names.
        Err(Failed::Exit(0)) => End::BadResult,
        Err(Failed::Exit(status)) => End::Status(status),
        Err(Failed::End(end)) => end,
        Err(Failed::Socket) => return Err(Error::Socket),
    };
    store.into_data().wasi.frames.end(end)
}

/// What WebAssembly may allocate. A request beyond it ends the run: that is clearer to whoever reads the error than a
/// function that goes on with too little and fails somewhere else.
fn limits(memory: u64) -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(usize::try_from(memory).unwrap_or(usize::MAX))
        .memories(1)
        .table_elements(MAX_TABLE_ELEMENTS)
        .tables(MAX_TABLES)
        .instances(1)
        .trap_on_grow_failure(true)
        .build()
}

fn config() -> Config {
    let mut config = Config::default();
    config
        // Validates everything at once, translates what is called.
        .compilation_mode(CompilationMode::LazyTranslation)
        .consume_fuel(true)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .set_max_recursion_depth(MAX_CALL_DEPTH)
        .set_max_stack_height(MAX_STACK);
    config
}

fn enter(store: &mut Store<State>, header: &Header, module: Vec<u8>, input: Vec<u8>) -> Result<(), Failed> {
    store.set_fuel(header.limits.fuel)?;
    let parsed = Module::new(store.engine(), &module)?;
    drop(module);
    let mut linker = Linker::new(store.engine());
    wasi::define(&mut linker)?;
    let instance = linker.instantiate_and_start(&mut *store, &parsed)?;
    match header.kind {
        Kind::Command => call(store, instance, b"_start", ()),
        Kind::Reactor => react(store, instance, &header.handler, input),
    }
}

/// `_initialize`, `allocate`, the handler, `free`: the order in which a reactor is used.
fn react(store: &mut Store<State>, instance: Instance, handler: &[u8], input: Vec<u8>) -> Result<(), Failed> {
    const BAD_RESULT: Failed = Failed::End(End::BadResult);
    let memory = instance.get_memory(&*store, "memory").ok_or(Failed::End(End::BadModule))?;
    if instance.get_export(&*store, "_initialize").is_some() {
        call::<_, ()>(store, instance, b"_initialize", ())?;
    }
    let length = u32::try_from(input.len()).map_err(|_| Failed::End(End::Memory))?;
    let at: u32 = call(store, instance, b"allocate", length)?;
    // 0 is how an allocator says no; what it gives must lie in its memory.
    if at == 0 && length != 0 {
        return Err(BAD_RESULT);
    }
    place(&memory, store, at, length).ok_or(BAD_RESULT)?.copy_from_slice(&input);
    drop(input);

    let packed: u64 = call(store, instance, handler, (at, length))?;
    let (at, length) = unpack(packed);
    let (bytes, state) = memory.data_and_store_mut(&mut *store);
    let result = bytes.get(wasi::guest::range(at, length)).ok_or(BAD_RESULT)?;
    state.wasi.frames.output(result)?;
    free(store, instance, at, length)
}

/// Gives the result back, where the module says how: `free(ptr)` or `free(ptr, len)`.
fn free(store: &mut Store<State>, instance: Instance, at: u32, length: u32) -> Result<(), Failed> {
    if let Ok(free) = instance.get_typed_func::<u32, ()>(&*store, "free") {
        free.call(store, at)?;
    } else if let Ok(free) = instance.get_typed_func::<(u32, u32), ()>(&*store, "free") {
        free.call(store, (at, length))?;
    }
    Ok(())
}

/// Calls an export; without it, or with another type, the module is bad.
fn call<P: WasmParams, R: WasmResults>(
    store: &mut Store<State>,
    instance: Instance,
    name: &[u8],
    parameters: P,
) -> Result<R, Failed> {
    const BAD_MODULE: Failed = Failed::End(End::BadModule);
    let name = str::from_utf8(name).map_err(|_| BAD_MODULE)?;
    let function = instance.get_typed_func::<P, R>(&*store, name).map_err(|_| BAD_MODULE)?;
    Ok(function.call(store, parameters)?)
}

fn place<'a>(memory: &Memory, store: &'a mut Store<State>, at: u32, length: u32) -> Option<&'a mut [u8]> {
    memory.data_mut(store).get_mut(wasi::guest::range(at, length))
}

/// Pointer in the high half, length in the low, both without sign.
fn unpack(packed: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = packed.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Exit(status) => Self::Exit(status),
            Stop::Output => Self::End(End::Output),
            Stop::Socket => Self::Socket,
        }
    }
}

impl From<wasmi::Error> for Failed {
    fn from(error: wasmi::Error) -> Self {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return (*stop).into();
        }
        Self::End(match (error.as_trap_code(), error.kind()) {
            (Some(TrapCode::OutOfFuel), _) => End::Fuel,
            (Some(TrapCode::GrowthOperationLimited), _) => End::Memory,
            (Some(_), _) => End::Trapped,
            (None, ErrorKind::Instantiation(error)) if is_allocation(error) => End::Memory,
            // All that is left speaks of the module: it does not parse, validate, link or translate.
            _ => End::BadModule,
        })
    }
}

/// Whether what the module asks for at its start was refused by a limit.
fn is_allocation(error: &InstantiationError) -> bool {
    use InstantiationError::{FailedToInstantiateMemory, FailedToInstantiateTable};
    matches!(
        error,
        FailedToInstantiateMemory(MemoryError::ResourceLimiterDeniedAllocation | MemoryError::OutOfSystemMemory)
            | FailedToInstantiateTable(TableError::ResourceLimiterDeniedAllocation | TableError::OutOfSystemMemory)
    )
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn halves_are_pointer_and_length() {
        assert_eq!(unpack(0x0001_0000_0000_0007), (0x1_0000, 7));
        assert_eq!(unpack(u64::MAX), (u32::MAX, u32::MAX));
        assert_eq!(unpack(0), (0, 0));
    }
}
