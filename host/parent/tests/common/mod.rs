//! What the tests share: a parent with short deadlines, and the enclave's side of its sockets.

#![allow(dead_code, reason = "each test uses a part of it")]

use capelet_parent::kms::Route;
use capelet_parent::log::Format;
use capelet_parent::{Address, Limits, Log, Parent, Settings, Store, Transport, credentials};
use enclave_core::parent::{Answer, Key, Kind, MAX_BODY_FRAME, Operation};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What was logged.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits for a line with all of these in it.
    pub fn wait_for(&self, parts: &[&str]) -> String {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let text = self.text();
            if let Some(line) = text.lines().find(|line| parts.iter().all(|part| line.contains(part))) {
                return line.to_owned();
            }
            assert!(Instant::now() < until, "no line with {parts:?} in:\n{text}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A parent in this process.
pub struct Running {
    pub folder: TempDir,
    pub parent: Parent,
    pub log: Kept,
}

/// Deadlines that no test waits for: each sets the one that it is about. They are longer than a test reads.
pub fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        client_idle: Duration::from_secs(20),
        client_half_closed: Duration::from_secs(20),
        operation: Duration::from_secs(20),
        kms_total: Duration::from_secs(20),
        grace: Duration::from_secs(5),
        ..Limits::for_clients(8)
    }
}

/// Settings with the embedded transport, a development KMS that is not there, and no credentials.
pub fn settings(folder: &Path, log: &Kept) -> Settings {
    Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        enclave: Transport::Unix(folder.join("enclave")),
        store: Arc::new(Store::open(&folder.join("store")).unwrap()),
        kms: Route::Development(Address::Unix(folder.join("kms"))),
        credentials: credentials::Source::None,
        configuration: b"configuration".to_vec(),
        deployers: None,
        limits: limits(),
        log: Log::to(Format::Json, Box::new(log.clone())),
    }
}

pub fn start(change: impl FnOnce(&mut Settings, &Path)) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let log = Kept::default();
    let mut settings = settings(folder.path(), &log);
    change(&mut settings, folder.path());
    let parent = Parent::start(settings).unwrap();
    Running { folder, parent, log }
}

impl Running {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client's connection.
    pub fn client(&self) -> TcpStream {
        let Address::Tcp(address) = &self.parent.addresses()[0] else { panic!("not TCP") };
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    /// The enclave's connection to a port of the parent's.
    pub fn port(&self, port: u32) -> UnixStream {
        connect(&self.path("enclave"), port).unwrap()
    }

    pub fn ask(&self, operation: &Operation<'_>) -> Answer {
        ask(&self.path("enclave"), operation).unwrap()
    }
}

pub fn connect(enclave: &Path, port: u32) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(enclave.join(port.to_string()))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok(stream)
}

/// An operation from its first byte to the last of its answer.
pub fn ask(enclave: &Path, operation: &Operation<'_>) -> io::Result<Answer> {
    let mut stream = connect(enclave, 8000)?;
    stream.write_all(&bytes(operation))?;
    answer(&mut stream)
}

/// An operation as it goes over the socket.
pub fn bytes(operation: &Operation<'_>) -> Vec<u8> {
    let (head, body) = operation.encode();
    let mut bytes = framed(&head);
    if let Some(body) = body {
        body.chunks(MAX_BODY_FRAME).for_each(|chunk| bytes.extend(framed(chunk)));
        bytes.extend(framed(&[]));
    }
    bytes
}

pub fn framed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

pub fn frame(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub fn answer(stream: &mut impl Read) -> io::Result<Answer> {
    match Answer::decode(&frame(stream)?).unwrap() {
        Answer::Follows(length) => {
            let mut body = Vec::new();
            loop {
                let part = frame(stream)?;
                if part.is_empty() {
                    assert_eq!(body.len() as u64, length);
                    return Ok(Answer::Body(body));
                }
                assert!(part.len() <= MAX_BODY_FRAME);
                body.extend(part);
            }
        }
        answer => Ok(answer),
    }
}

pub fn key(id: u8, version: u64) -> Key {
    Key { kind: Kind::Function, owner: [7; 32], id: [id; 16], version }
}

/// Whether the other side closes, without a byte, within the read time-out.
pub fn is_closed(stream: &mut impl Read) -> bool {
    match stream.read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

/// The built binary, with its store, sockets and log in a folder.
pub fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-parent"));
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--enclave").arg(format!("unix:{}", folder.join("enclave").display()));
    command.arg("--store").arg(folder.join("store"));
    command
}

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the parent takes operations.
pub fn wait_until_serving(enclave: &Path) {
    let until = Instant::now() + Duration::from_secs(5);
    while !matches!(ask(enclave, &Operation::Boot), Ok(Answer::Boot(..))) {
        assert!(Instant::now() < until, "the parent does not serve");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The enclave's side of port 5000, on the embedded transport.
pub fn enclave(running: &Running) -> UnixListener {
    UnixListener::bind(running.path("enclave/5000")).unwrap()
}

pub fn accept(listener: &UnixListener) -> UnixStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}
