//! Runs the built worker as PID 1 does: with one end of a socketpair, an empty environment and no arguments.

#![allow(dead_code, reason = "each test file uses some of these")]

pub mod preview1;

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use capelet_abi::{EntryPoint, Frame, JobHeader, JobLimits, OUTCOME_HEAD_LEN, WORKER_REPORT_LEN, WorkerReport};

/// How long a test waits for an event that must happen, before it fails. It is more than a busy host needs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A job. Its default limits are more than a small function needs.
pub struct Job {
    pub entry_point: EntryPoint,
    pub limits: JobLimits,
    pub now: u64,
    pub handler: &'static str,
    pub arguments: Vec<Vec<u8>>,
    pub module: Vec<u8>,
    pub files: Vec<(String, Vec<u8>)>,
    pub input: Vec<u8>,
}

/// What the worker sent, and how it exited.
#[derive(Debug)]
pub struct Outcome {
    pub output: Vec<u8>,
    pub diagnostic: Vec<u8>,
    /// `None` if the worker ended without a report.
    pub report: Option<WorkerReport>,
    pub exit: ExitStatus,
}

impl Job {
    pub fn command(module: &[u8]) -> Self {
        Self {
            entry_point: EntryPoint::Command,
            limits: JobLimits { memory: 256 << 20, output: 64 << 20, fuel: 1 << 40 },
            now: 1_700_000_000_000,
            handler: "",
            arguments: Vec::new(),
            module: module.to_vec(),
            files: Vec::new(),
            input: Vec::new(),
        }
    }

    pub fn reactor(module: &[u8], handler: &'static str) -> Self {
        Self { entry_point: EntryPoint::Reactor, handler, ..Self::command(module) }
    }

    /// A command from text: these imports, the memory that WASI needs, and a `_start` with this body.
    pub fn start(imports: &str, body: &str) -> Self {
        Self::command(&text(&format!(
            r#"(module {imports} (memory (export "memory") 1) (func (export "_start") {body}))"#
        )))
    }

    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn file(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), contents.into()));
        self
    }

    pub fn memory(mut self, bytes: u64) -> Self {
        self.limits.memory = bytes;
        self
    }

    pub fn output(mut self, bytes: u64) -> Self {
        self.limits.output = bytes;
        self
    }

    pub fn fuel(mut self, fuel: u64) -> Self {
        self.limits.fuel = fuel;
        self
    }

    pub fn header(&self) -> JobHeader {
        JobHeader {
            entry_point: self.entry_point,
            limits: self.limits,
            now: self.now,
            handler: self.handler.into(),
            arguments: self.arguments.clone(),
            module: u32::try_from(self.module.len()).unwrap(),
            files: self.files.iter().map(|(path, bytes)| (path.clone().into(), bytes.len() as u32)).collect(),
            input: self.input.len() as u64,
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header().to_bytes().unwrap();
        bytes.extend_from_slice(&self.module);
        for (_, contents) in &self.files {
            bytes.extend_from_slice(contents);
        }
        bytes.extend_from_slice(&self.input);
        bytes
    }

    pub fn run(&self) -> Outcome {
        send(&self.bytes())
    }

    /// Runs the job. Fails unless it completes. Returns its result.
    pub fn result(&self) -> Vec<u8> {
        let outcome = self.run();
        let diagnostic = String::from_utf8_lossy(&outcome.diagnostic);
        assert_eq!(outcome.report, Some(WorkerReport::Completed), "{}: {diagnostic}", outcome.exit);
        outcome.output
    }

    /// Runs the job. Fails unless the worker sends this report.
    pub fn reports(&self, report: WorkerReport) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.report, Some(report), "{}: {}", outcome.exit, String::from_utf8_lossy(&outcome.diagnostic));
        outcome
    }
}

/// Assembles a module from its text.
pub fn text(module: &str) -> Vec<u8> {
    wat::parse_str(module).unwrap_or_else(|error| panic!("{error}"))
}

/// Starts a worker. Returns it with the test's end of its socket.
pub fn worker() -> (Child, UnixStream) {
    start(&mut Command::new(env!("CARGO_BIN_EXE_capelet-worker")))
}

/// Starts a worker with this much native stack, in KiB.
pub fn worker_with_stack(kilobytes: u32) -> (Child, UnixStream) {
    let shell = format!("ulimit -s {kilobytes} && exec \"$0\"");
    start(Command::new("/bin/sh").arg("-c").arg(shell).arg(env!("CARGO_BIN_EXE_capelet-worker")))
}

fn start(command: &mut Command) -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let end = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
    let child = command.env_clear().stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    (child, ours)
}

/// Starts a worker, sends these bytes and the end of the stream, and receives the outcome.
pub fn send(bytes: &[u8]) -> Outcome {
    let (child, ours) = worker();
    let mut to = ours.try_clone().unwrap();
    let bytes = bytes.to_vec();
    let writer = thread::spawn(move || {
        // A worker that rejects the job closes the socket before it has read everything.
        let _ = to.write_all(&bytes);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let outcome = receive(child, ours);
    writer.join().unwrap();
    outcome
}

/// Reads frames to the end of the stream. Fails if a frame is invalid, or if one follows the report.
pub fn receive(mut child: Child, mut from: UnixStream) -> Outcome {
    let (mut output, mut diagnostic, mut report) = (Vec::new(), Vec::new(), None);
    let mut wire = Vec::new();
    if let Err(error) = from.read_to_end(&mut wire) {
        // A worker that ends before it has read everything resets the stream.
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        assert_eq!(report, None, "a frame after the report");
        let (head, after) = rest.split_first_chunk::<OUTCOME_HEAD_LEN>().expect("a complete head");
        let (frame, length) = Frame::parse(*head).expect("a valid head");
        let (content, after) = after.split_at_checked(length).expect("a complete frame");
        match frame {
            Frame::Output => output.extend_from_slice(content),
            Frame::Diagnostic => diagnostic.extend_from_slice(content),
            Frame::Report => {
                let content: [u8; WORKER_REPORT_LEN] = content.try_into().unwrap();
                report = Some(WorkerReport::from_bytes(content).expect("a valid report"));
            }
        }
        rest = after;
    }
    let exit = child.wait().unwrap();
    assert_eq!(exit.success(), report.is_some(), "status 0 means that a report was sent: {exit}");
    Outcome { output, diagnostic, report, exit }
}
