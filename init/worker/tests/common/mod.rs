//! Runs the built worker as its spawner does: one end of a socketpair, an empty environment, no arguments.

#![allow(dead_code, reason = "each test file uses some of these")]

pub mod preview1;

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use capelet_abi::job::{Header, Kind, Limits};
use capelet_abi::outcome::{END_LEN, End, Frame, HEAD_LEN};

/// How long a test waits for an event that must happen. A busy host needs less; a test fails when this time is over.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a job holds, with limits that a small function does not meet.
pub struct Job {
    pub kind: Kind,
    pub limits: Limits,
    pub now: u64,
    pub handler: &'static str,
    pub arguments: Vec<Vec<u8>>,
    pub module: Vec<u8>,
    pub files: Vec<(String, Vec<u8>)>,
    pub input: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Outcome {
    pub output: Vec<u8>,
    pub diagnostic: Vec<u8>,
    /// None: the worker ended without saying how.
    pub end: Option<End>,
    pub exit: ExitStatus,
}

impl Job {
    pub fn command(module: &[u8]) -> Self {
        Self {
            kind: Kind::Command,
            limits: Limits { memory: 256 << 20, output: 64 << 20, fuel: 1 << 40 },
            now: 1_700_000_000_000,
            handler: "",
            arguments: Vec::new(),
            module: module.to_vec(),
            files: Vec::new(),
            input: Vec::new(),
        }
    }

    pub fn reactor(module: &[u8], handler: &'static str) -> Self {
        Self { kind: Kind::Reactor, handler, ..Self::command(module) }
    }

    /// A command in text form, with the memory that WASI needs and a `_start` of this body.
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

    pub fn header(&self) -> Header {
        Header {
            kind: self.kind,
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

    /// Runs it and expects a result.
    pub fn result(&self) -> Vec<u8> {
        let outcome = self.run();
        let told = String::from_utf8_lossy(&outcome.diagnostic);
        assert_eq!(outcome.end, Some(End::Completed), "{}: {told}", outcome.exit);
        outcome.output
    }

    /// Runs it and expects this end.
    pub fn ends(&self, end: End) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.end, Some(end), "{}: {}", outcome.exit, String::from_utf8_lossy(&outcome.diagnostic));
        outcome
    }
}

/// Assembles the text form.
pub fn text(module: &str) -> Vec<u8> {
    wat::parse_str(module).unwrap_or_else(|error| panic!("{error}"))
}

/// A worker, and our end of its socket.
pub fn worker() -> (Child, UnixStream) {
    start(&mut Command::new(env!("CARGO_BIN_EXE_capelet-worker")))
}

/// A worker with so many KiB of native stack.
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

/// Sends these bytes, then the end of the stream, and takes what comes back to its end.
pub fn send(bytes: &[u8]) -> Outcome {
    let (child, ours) = worker();
    let mut to = ours.try_clone().unwrap();
    let bytes = bytes.to_vec();
    let writer = thread::spawn(move || {
        // A worker that refuses what it has read so far closes the socket.
        let _ = to.write_all(&bytes);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let outcome = receive(child, ours);
    writer.join().unwrap();
    outcome
}

/// Reads frames to the end of the stream. Anything that is no frame, and anything after the last, fails the test.
pub fn receive(mut child: Child, mut from: UnixStream) -> Outcome {
    let (mut output, mut diagnostic, mut end) = (Vec::new(), Vec::new(), None);
    let mut wire = Vec::new();
    if let Err(error) = from.read_to_end(&mut wire) {
        // A worker that did not read all that was sent resets the stream.
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        assert_eq!(end, None, "more after the end");
        let (head, after) = rest.split_first_chunk::<HEAD_LEN>().expect("a whole head");
        let (frame, length) = Frame::parse(*head).expect("a frame");
        let (content, after) = after.split_at_checked(length).expect("a whole frame");
        match frame {
            Frame::Output => output.extend_from_slice(content),
            Frame::Diagnostic => diagnostic.extend_from_slice(content),
            Frame::End => {
                let content: [u8; END_LEN] = content.try_into().unwrap();
                end = Some(End::from_bytes(content).expect("an end"));
            }
        }
        rest = after;
    }
    let exit = child.wait().unwrap();
    assert_eq!(exit.success(), end.is_some(), "status 0 means that the end was said: {exit}");
    Outcome { output, diagnostic, end, exit }
}
