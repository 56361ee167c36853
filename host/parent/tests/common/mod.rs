//! Shared by the tests: a parent whose limits no test reaches by accident, and the enclave's side of its sockets.

#![allow(dead_code, reason = "each test uses a part of it")]

use capelet_abi::{CLIENT_PORT, OPERATIONS_PORT};
use capelet_cli::format::Format;
use capelet_parent::{Address, CredentialSource, KmsRoute, Log, Parent, ServiceLimits, Settings, Store, Transport};
use enclave_core::parent::{Answer, ListEntry, MAX_BODY_FRAME, Operation, StoreKey, StoreKind};
use enclave_core::{ObjectId, OwnerKey};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a test waits for an event that must happen. A busy host needs less; a test fails when this time is over.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A limit that no test reaches: what ends within [`PATIENCE`] did not end because of it.
pub const NEVER: Duration = Duration::from_secs(600);

/// Calls `attempt` until it returns a value. It fails with the text of `what` after [`PATIENCE`].
pub fn wait_until<T>(what: impl Fn() -> String, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < until, "{}", what());
        std::thread::sleep(Duration::from_millis(2));
    }
}

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
        wait_until(|| format!("no line with {parts:?} in:\n{}", self.text()), || self.find(parts))
    }

    /// The first line with all of these in it.
    pub fn find(&self, parts: &[&str]) -> Option<String> {
        self.text().lines().find(|line| parts.iter().all(|part| line.contains(part))).map(str::to_owned)
    }
}

/// A parent in this process.
pub struct Running {
    pub folder: TempDir,
    pub parent: Parent,
    pub log: Kept,
}

/// Limits of time that no test reaches. A test about one of them shortens that one.
pub fn limits() -> ServiceLimits {
    ServiceLimits {
        connect: NEVER,
        client_idle: NEVER,
        client_half_closed: NEVER,
        client_total: NEVER,
        operation: NEVER,
        kms_total: NEVER,
        wait: NEVER,
        silence: NEVER,
        pass: NEVER,
        grace: NEVER,
        ..ServiceLimits::for_clients(8)
    }
}

/// Settings with the embedded transport, a development KMS that is not there, and no credentials.
pub fn settings(folder: &Path, log: &Kept) -> Settings {
    Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        enclave: Transport::Unix(folder.join("enclave")),
        store: Arc::new(Store::open(&folder.join("store")).unwrap()),
        kms: KmsRoute::Development(Address::Unix(folder.join("kms"))),
        credentials: CredentialSource::None,
        configuration: b"configuration".to_vec(),
        deployers: None,
        limits: limits(),
        log: Log::to(Format::Json, Box::new(log.clone())).unwrap(),
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
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
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
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// An operation from its first byte to the last of its answer.
pub fn ask(enclave: &Path, operation: &Operation<'_>) -> io::Result<Answer> {
    let mut stream = connect(enclave, OPERATIONS_PORT)?;
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

/// The owner of every [`key`].
pub const OWNER: OwnerKey = OwnerKey::new([7; 32]);

pub fn key(id: u8, version: u64) -> StoreKey {
    StoreKey { kind: StoreKind::Function, owner: OWNER, id: ObjectId::new([id; 16]), version }
}

/// A list of the functions of [`OWNER`].
pub fn list(after: Option<ListEntry>) -> Operation<'static> {
    Operation::List { kind: StoreKind::Function, owner: OWNER, after }
}

/// Whether the other side closes without sending a byte. `false` after [`PATIENCE`], which is the read timeout.
pub fn is_closed(stream: &mut impl Read) -> bool {
    match stream.read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

/// The number of seconds in the line for which a client closes instead of beginning TLS. `None` if the other side closes
/// without it.
pub fn busy(stream: &mut impl Read) -> Option<u16> {
    let mut line = String::new();
    stream.read_to_string(&mut line).unwrap();
    line.strip_prefix("capelet/1 busy ")?.strip_suffix('\n')?.parse().ok()
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
    let serves = || matches!(ask(enclave, &Operation::Boot), Ok(Answer::Boot(..))).then_some(());
    wait_until(|| "the parent does not serve".to_owned(), serves);
}

/// The enclave's side of its port for clients, on the embedded transport.
pub fn enclave(running: &Running) -> UnixListener {
    UnixListener::bind(running.path("enclave").join(CLIENT_PORT.to_string())).unwrap()
}

/// The next connection to the listener.
pub fn accept(listener: &UnixListener) -> UnixStream {
    assert!(happens(listener.as_fd(), PollFlags::POLLIN), "nobody connects");
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Waits until the other side has closed the connection. Reads nothing.
pub fn wait_for_hang_up(stream: &UnixStream) {
    assert!(happens(stream.as_fd(), PollFlags::empty()), "the other side does not close");
}

/// Whether one of these events, an error or a hang-up happens on the descriptor within [`PATIENCE`].
fn happens(descriptor: BorrowedFd<'_>, events: PollFlags) -> bool {
    poll(&mut [PollFd::new(descriptor, events)], PollTimeout::try_from(PATIENCE).unwrap()).unwrap() == 1
}
