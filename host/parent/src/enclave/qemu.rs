//! An enclave under QEMU: starts vhost-device-vsock, then the nitro-enclave machine, and ends both.

use super::image::Image;
use super::kept;
use super::process::Process;
use super::state::{Record, State};
use capelet_abi::{HEARTBEAT_PORT, OPERATIONS_PORT};
use capelet_cli::interrupt::not_ignored;
use capelet_parent::cli::enclave::Run;
use capelet_parent::{Error, write_private};
use data_encoding::HEXLOWER;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const BACKEND: &str = "vhost-device-vsock";
const MACHINE: &str = "qemu-system-x86_64";
/// How long to wait until the backend listens, and until the operator has started the parent.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often these are checked.
const INTERVAL: Duration = Duration::from_millis(50);
/// The enclave's id. The document has it as its module id, and its first part goes into PCR4.
const ID: &str = "i-0123456789abcdef0-enc0123456789abcdef";
/// The role that goes into PCR3.
const ROLE: &str = "arn:aws:iam::111122223333:role/parent";

/// What ends the run.
enum Event {
    Signal,
    /// A program ended by itself: which one, and with which status.
    Ended(String),
}

/// What the machine reads, and the folder of its programs.
pub struct MachineFiles {
    programs: PathBuf,
    firmware: String,
    nsm: String,
}

impl MachineFiles {
    /// Finds the files, so that a missing one is an error before anything starts.
    pub fn find(programs: &Path, nsm: &Path) -> Result<Self, Error> {
        let (programs, firmware, nsm) = (programs.to_owned(), plain(&programs.join("firmware"))?, plain(nsm)?);
        Ok(Self { programs, firmware, nsm })
    }
}

/// Runs an image until a signal comes or the machine ends. The caller has locked the state folder.
pub fn run(image: &Image, arguments: &Run, files: &MachineFiles, state: &State) -> Result<(), Error> {
    // Start the bytes that were measured, even if the original file changes.
    let copy = state.image();
    write_private(&copy, &image.bytes)?;
    // QEMU opens this file by its name and keeps its mode.
    kept::create(&state.console())?;
    let (events, happens) = channel();
    signals(events.clone())?;
    let record = Record {
        image: image.path.clone(),
        pcr0: HEXLOWER.encode(&image.measured.pcr0),
        development: arguments.development,
        cid: arguments.cid,
        processes: vec![Process::new("capelet-parent", std::process::id())?],
    };
    let mut started = Started { state, record, events };
    let served = started.serve(&happens, arguments, files).map_err(|error| match error {
        // Read the files before ending the rest, because the backend then writes more to its log.
        Error::EnclaveEnded { what, .. } => Error::EnclaveEnded { what, details: last_words(state) },
        other => other,
    });
    let ended = state.end(&started.record);
    served.and(ended)
}

struct Started<'a> {
    state: &'a State,
    record: Record,
    events: Sender<Event>,
}

impl Started<'_> {
    fn serve(&mut self, happens: &Receiver<Event>, arguments: &Run, files: &MachineFiles) -> Result<(), Error> {
        let state = self.state;
        let (vhost, vsock) = (state.vhost(), state.vsock());
        let mut backend = Command::new(files.programs.join(BACKEND));
        let vm = format!("guest-cid={},socket={},uds-path={}", arguments.cid, vhost.display(), vsock.display());
        backend.args(["--vm", &vm]).stderr(kept::create(&state.log())?);
        self.start(BACKEND, backend)?;
        if !wait(happens, || vhost.exists(), ended(format!("{BACKEND} does not listen")))? {
            return Ok(());
        }
        let ports = [OPERATIONS_PORT, HEARTBEAT_PORT];
        let parent = ports.map(|port| PathBuf::from(format!("{}_{port}", vsock.display())));
        if !wait(happens, || parent.iter().all(|socket| socket.exists()), Error::NoParent(vsock))? {
            return Ok(());
        }
        self.start(MACHINE, self.machine(arguments, files)?)?;
        match happens.recv() {
            Ok(Event::Ended(what)) => Err(ended(what)),
            Ok(Event::Signal) | Err(_) => Ok(()),
        }
    }

    fn machine(&self, arguments: &Run, files: &MachineFiles) -> Result<Command, Error> {
        let serial = format!("file:{}", self.state.console().display());
        let parent_id = ID.split_once("-enc").map_or(ID, |(parent, _)| parent);
        let mut machine = Command::new(files.programs.join(MACHINE));
        machine.args(["-L", &files.firmware]);
        machine.args(["-accel", "tcg", "-cpu", "max", "-m", &format!("{}M", arguments.memory)]);
        machine.args(["-smp", &arguments.cpus.to_string()]);
        machine.args(["-M", &format!("nitro-enclave,vsock=c,id={ID},parent-role={ROLE},parent-id={parent_id}")]);
        machine.args(["-chardev", &format!("socket,id=c,path={}", self.state.vhost().display())]);
        machine.args(["-global", &format!("virtio-nsm-device.signing-pem={}", files.nsm)]);
        // The kernel resets through the keyboard controller. Without one the machine would not end at once.
        machine.args(["-device", "i8042", "-nodefaults", "-display", "none", "-no-reboot", "-serial", &serial]);
        machine.args(["-kernel", &plain(&self.state.image())?]);
        Ok(machine)
    }

    /// Starts a program and records it. The program gets its own process group, so that Ctrl-C reaches only this
    /// process, which then ends the program in order.
    fn start(&mut self, name: &'static str, mut command: Command) -> Result<(), Error> {
        let path = command.get_program().into();
        let command = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.spawn().map_err(|source| Error::Program { path, source })?;
        let process = Process::new(name, child.id())?;
        let events = self.events.clone();
        thread::spawn(move || {
            // Sending fails if `run` has already ended, and then the event is not needed.
            let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            let _ = events.send(Event::Ended(format!("{name} ended by itself ({status})")));
        });
        self.record.processes.push(process);
        self.state.write(&self.record)
    }
}

/// A path as an argument of QEMU. A canonical path cannot begin like an option. A comma would begin another argument.
fn plain(path: &Path) -> Result<String, Error> {
    let found = path.canonicalize().map_err(|source| Error::File { path: path.to_owned(), source })?;
    let text = found.to_str().filter(|text| !text.contains(',')).map(str::to_owned);
    text.ok_or(Error::EnclaveArguments("paths must be UTF-8 without commas"))
}

/// Waits until `ready` returns `true`. Returns `false` if a signal came first, and the error `late` after [`PATIENCE`].
fn wait(happens: &Receiver<Event>, ready: impl Fn() -> bool, late: Error) -> Result<bool, Error> {
    let until = Instant::now() + PATIENCE;
    while !ready() {
        match happens.recv_timeout(INTERVAL) {
            Ok(Event::Ended(what)) => return Err(ended(what)),
            Ok(Event::Signal) => return Ok(false),
            Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
            Err(_) => return Err(late),
        }
    }
    Ok(true)
}

fn signals(events: Sender<Event>) -> Result<(), Error> {
    let mut signals = Signals::new(not_ignored(&[SIGINT, SIGTERM, SIGHUP])).map_err(Error::System)?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if events.send(Event::Signal).is_err() {
                break;
            }
        }
    });
    Ok(())
}

fn ended(what: String) -> Error {
    Error::EnclaveEnded { what, details: String::new() }
}

/// The last lines that the machine and the backend printed, for a person.
fn last_words(state: &State) -> String {
    let (console, log) = (state.console(), state.log());
    let mut said = match kept::tail(&console) {
        Ok(lines) if lines.is_empty() => {
            vec![format!("The console is empty: the machine printed nothing ({}).", console.display())]
        }
        Ok(lines) => quoted(format!("The console's last lines (all of it: {}):", console.display()), lines),
        Err(error) => vec![format!("The console {} cannot be read ({error}).", console.display())],
    };
    match kept::tail(&log) {
        Ok(lines) if lines.is_empty() => {}
        Ok(lines) => said.extend(quoted(format!("The last lines of {BACKEND}'s log ({}):", log.display()), lines)),
        Err(error) => said.push(format!("The log {} of {BACKEND} cannot be read ({error}).", log.display())),
    }
    said.join("\n")
}

/// Lines of another program under a title. The bar before each shows that this command did not write it.
fn quoted(title: String, lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter().map(|line| format!("  | {line}"));
    std::iter::once(title).chain(lines).collect()
}
