//! Runs a job: the module on wasmi, as a command or as a reactor.

use std::mem;

use capelet_abi::{EntryPoint, INPUT_FOLDER, JobHeader, WorkerReport};
use wasmi::errors::{ErrorKind, InstantiationError, MemoryError, TableError};
use wasmi::{
    CompilationMode, Config, Engine, Instance, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder,
    TrapCode, WasmParams, WasmResults,
};

use crate::error::Error;
use crate::frames::FrameWriter;
use crate::job::Job;
use crate::socket::Socket;
use crate::state::State;
use crate::stop::Stop;
use crate::wasi::descriptors::{DescriptorKind, Descriptors};
use crate::wasi::{Wasi, guest, linker};

/// How deep calls may nest. wasmi's default of 1,000 is too low for interpreters. Calls use no native stack.
const MAX_CALL_DEPTH: usize = 20_000;
/// The most memory for the values of all nested calls, in bytes.
const MAX_STACK: usize = 8 << 20;
/// The most tables, and the most elements of one table. Real programs have one table of about 10,000 elements.
const MAX_TABLES: usize = 4;
const MAX_TABLE_ELEMENTS: usize = 1 << 20;

/// Why a function did not return.
enum Failure {
    /// It exited with this status.
    Exit(u32),
    /// The run failed with this report.
    Report(WorkerReport),
    /// Writing to the core failed, so no report can be sent.
    Socket,
}

/// Runs the job and sends its outcome. A function that fails is an outcome, not an error.
///
/// # Errors
///
/// [`Error::Socket`] if the outcome cannot be sent. [`Error::Job`] if a file of a command has the path of its input.
pub fn run(job: Job, frames: FrameWriter<Socket>) -> Result<(), Error> {
    let Job { header, module, mut files, mut input } = job;
    // A command reads its input from stdin. The input also has a path, because some programs only read files. A reactor
    // receives its input in memory, and returns its result. What it writes to stdout is a diagnostic.
    let descriptors = match header.entry_point {
        EntryPoint::Command => {
            let path = format!("{INPUT_FOLDER}/0");
            let stdin = files.insert(path.as_bytes(), mem::take(&mut input)).ok_or(Error::Job)?;
            Descriptors::new(stdin, DescriptorKind::Output)
        }
        EntryPoint::Reactor => Descriptors::new(files.insert_unnamed(Vec::new()), DescriptorKind::Diagnostic),
    };
    let wasi = Wasi::new(&header, files, descriptors, frames);
    let engine = Engine::new(&config());
    let mut store = Store::new(&engine, State { limits: limits(header.limits.memory), wasi });
    store.limiter(|state| &mut state.limits);

    let report = match enter(&mut store, &header, module, input) {
        Ok(()) => WorkerReport::Completed,
        Err(Failure::Exit(0)) if header.entry_point == EntryPoint::Command => WorkerReport::Completed,
        // A reactor that exits has no result, even if its status is 0.
        Err(Failure::Exit(0)) => WorkerReport::BadResult,
        Err(Failure::Exit(status)) => WorkerReport::Status(status),
        Err(Failure::Report(report)) => report,
        Err(Failure::Socket) => return Err(Error::Socket),
    };
    store.into_data().wasi.frames.report(report)
}

/// The limits on what the module may allocate. A request beyond a limit ends the run. If only the request failed, the
/// function might go on with too little memory and fail elsewhere, with an error that is harder to understand.
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
        // Validates the whole module first, and translates a function when it is called.
        .compilation_mode(CompilationMode::LazyTranslation)
        .consume_fuel(true)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .set_max_recursion_depth(MAX_CALL_DEPTH)
        .set_max_stack_height(MAX_STACK);
    config
}

fn enter(store: &mut Store<State>, header: &JobHeader, module: Vec<u8>, input: Vec<u8>) -> Result<(), Failure> {
    store.set_fuel(header.limits.fuel)?;
    let parsed = Module::new(store.engine(), &module)?;
    drop(module);
    let mut linker = Linker::new(store.engine());
    linker::define(&mut linker)?;
    let instance = linker.instantiate_and_start(&mut *store, &parsed)?;
    match header.entry_point {
        EntryPoint::Command => call(store, instance, b"_start", ()),
        EntryPoint::Reactor => react(store, instance, &header.handler, input),
    }
}

/// Calls a reactor's `_initialize`, `allocate`, handler and `free`, in this order.
fn react(store: &mut Store<State>, instance: Instance, handler: &[u8], input: Vec<u8>) -> Result<(), Failure> {
    const BAD_RESULT: Failure = Failure::Report(WorkerReport::BadResult);
    let memory = instance.get_memory(&*store, "memory").ok_or(Failure::Report(WorkerReport::BadModule))?;
    if instance.get_export(&*store, "_initialize").is_some() {
        call::<_, ()>(store, instance, b"_initialize", ())?;
    }
    let length = u32::try_from(input.len()).map_err(|_| Failure::Report(WorkerReport::Memory))?;
    let at: u32 = call(store, instance, b"allocate", length)?;
    // An allocator returns 0 if it fails.
    if at == 0 && length != 0 {
        return Err(BAD_RESULT);
    }
    place(&memory, store, at, length).ok_or(BAD_RESULT)?.copy_from_slice(&input);
    drop(input);

    let packed: u64 = call(store, instance, handler, (at, length))?;
    let (at, length) = unpack(packed);
    let (bytes, state) = memory.data_and_store_mut(&mut *store);
    let result = bytes.get(guest::range(at, length)).ok_or(BAD_RESULT)?;
    state.wasi.frames.output(result)?;
    free(store, instance, at, length)
}

/// Frees the result, if the module exports `free(ptr)` or `free(ptr, len)`.
fn free(store: &mut Store<State>, instance: Instance, at: u32, length: u32) -> Result<(), Failure> {
    if let Ok(free) = instance.get_typed_func::<u32, ()>(&*store, "free") {
        free.call(store, at)?;
    } else if let Ok(free) = instance.get_typed_func::<(u32, u32), ()>(&*store, "free") {
        free.call(store, (at, length))?;
    }
    Ok(())
}

/// Calls an export. If it is missing or has another type, the module is bad.
fn call<P: WasmParams, R: WasmResults>(
    store: &mut Store<State>,
    instance: Instance,
    name: &[u8],
    parameters: P,
) -> Result<R, Failure> {
    const BAD_MODULE: Failure = Failure::Report(WorkerReport::BadModule);
    let name = str::from_utf8(name).map_err(|_| BAD_MODULE)?;
    let function = instance.get_typed_func::<P, R>(&*store, name).map_err(|_| BAD_MODULE)?;
    Ok(function.call(store, parameters)?)
}

fn place<'a>(memory: &Memory, store: &'a mut Store<State>, at: u32, length: u32) -> Option<&'a mut [u8]> {
    memory.data_mut(store).get_mut(guest::range(at, length))
}

/// Splits a handler's result: the pointer is the high 32 bits, the length the low 32 bits. Both are unsigned.
fn unpack(packed: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = packed.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Exit(status) => Self::Exit(status),
            Stop::Output => Self::Report(WorkerReport::Output),
            Stop::Socket => Self::Socket,
        }
    }
}

impl From<wasmi::Error> for Failure {
    fn from(error: wasmi::Error) -> Self {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return (*stop).into();
        }
        Self::Report(match (error.as_trap_code(), error.kind()) {
            (Some(TrapCode::OutOfFuel), _) => WorkerReport::Fuel,
            (Some(TrapCode::GrowthOperationLimited), _) => WorkerReport::Memory,
            (Some(_), _) => WorkerReport::Trapped,
            (None, ErrorKind::Instantiation(error)) if is_allocation(error) => WorkerReport::Memory,
            // All other errors are faults of the module: it does not parse, validate, link or translate.
            _ => WorkerReport::BadModule,
        })
    }
}

/// Whether a limit rejected the memory or the table that the module declares.
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
    fn unpacks_pointer_and_length() {
        assert_eq!(unpack(0x0001_0000_0000_0007), (0x1_0000, 7));
        assert_eq!(unpack(u64::MAX), (u32::MAX, u32::MAX));
        assert_eq!(unpack(0), (0, 0));
    }
}
