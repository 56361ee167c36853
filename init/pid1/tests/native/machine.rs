//! A machine for a test: PID 1's real loop in a new PID namespace. Puppets replace the core and the workers.

use crate::puppet::{Puppet, Wire};
use capelet_abi::{ExitReason, SPAWN_LEN, Spawn, WORKER_EXIT_LEN, WorkerExit};
use nix::libc;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

/// How long a test waits for an event that must happen, before it fails. It is more than a busy host needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A deadline that no test reaches, in milliseconds: it is much longer than [`PATIENCE`].
pub const NEVER: u32 = 600_000;

/// The programs that a machine runs.
pub struct Programs {
    pub core: PathBuf,
    pub worker: PathBuf,
}

pub struct Machine {
    unshare: Child,
    console: PathBuf,
    pub core: Puppet<UnixStream>,
    next: u64,
}

impl Machine {
    pub fn start(programs: &Programs) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let console = folder().join(format!("console-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let (ours, nsm) = UnixStream::pair().expect("pair");
        ours.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let unshare = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount", "--uts"])
            .arg(env::current_exe().expect("own path"))
            .args(["pid1".as_ref(), programs.core.as_os_str(), programs.worker.as_os_str(), folder().as_os_str()])
            .stdin(OwnedFd::from(nsm))
            .stderr(File::create(&console).expect("console"))
            .spawn()
            .expect("unshare");
        let core = Puppet::new(ours).unwrap_or_else(|_| panic!("no core: {:?}", fs::read_to_string(&console)));
        Self { unshare, console, core, next: 0 }
    }

    /// The machine's PID 1, by its PID on the host.
    pub fn pid1(&self) -> u32 {
        children(self.unshare.id())[0]
    }

    /// Waits until PID 1 has ended. Returns what it printed.
    pub fn end(mut self) -> String {
        let until = Instant::now() + PATIENCE;
        while self.unshare.try_wait().expect("wait").is_none() {
            assert!(Instant::now() < until, "the machine does not end: {:?}", self.console());
            thread::sleep(Duration::from_millis(2));
        }
        self.console()
    }

    pub fn console(&self) -> String {
        fs::read_to_string(&self.console).expect("console")
    }

    /// Makes a socketpair in the core. Returns its two descriptors.
    pub fn pair(&mut self) -> io::Result<[u64; 2]> {
        let (family, kind) = (libc::AF_UNIX as u64, libc::SOCK_STREAM as u64);
        let scratch = self.core.scratch;
        let made = self.core.call(libc::SYS_socketpair, &[family, kind, 0, scratch])?;
        assert_eq!(made, 0);
        let bytes = self.core.read(0, 8)?;
        let number = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        Ok([number(0), number(4)])
    }

    /// Sends PID 1 these bytes with these descriptors.
    pub fn send(&mut self, bytes: &[u8], descriptors: &[u64]) -> io::Result<i64> {
        let (base, control_length) = (self.core.scratch, 16 + 4 * descriptors.len() as u64);
        let (message, parts, control, content) = (0, 64, 128, 4096);
        let mut head = [control_length.to_le_bytes(), [0; 8]].concat();
        head[8..12].copy_from_slice(&libc::SOL_SOCKET.to_le_bytes());
        head[12..16].copy_from_slice(&libc::SCM_RIGHTS.to_le_bytes());
        head.extend(descriptors.iter().flat_map(|fd| u32::try_from(*fd).expect("a descriptor").to_le_bytes()));
        let rights = if descriptors.is_empty() { [0, 0] } else { [base + control, control_length.next_multiple_of(8)] };
        let msghdr = [0, 0, base + parts, 1, rights[0], rights[1], 0];
        self.core.write(control, &head)?;
        self.core.write(parts, &[base + content, bytes.len() as u64].map(u64::to_le_bytes).concat())?;
        self.core.write(content, bytes)?;
        self.core.write(message, &msghdr.map(u64::to_le_bytes).concat())?;
        self.core.call(libc::SYS_sendmsg, &[0, base + message, 0])
    }

    /// Asks for a worker. Returns its job number and the core's end of its socket.
    pub fn spawn(&mut self, deadline: u32, memory: u64) -> (u64, u64) {
        let (job, [ours, theirs]) = (self.next, self.pair().expect("pair"));
        self.next += 1;
        let spawn = Spawn { job, deadline, memory };
        assert_eq!(self.send(&spawn.to_bytes(), &[theirs]).expect("send"), SPAWN_LEN as i64);
        assert_eq!(self.core.call(libc::SYS_close, &[theirs]).expect("close"), 0);
        (job, ours)
    }

    /// Receives the next message from PID 1.
    pub fn next_exit(&mut self) -> WorkerExit {
        let scratch = self.core.scratch;
        let length = self.core.call(libc::SYS_recvfrom, &[0, scratch, 64, 0, 0, 0]).expect("core");
        assert_eq!(length, WORKER_EXIT_LEN as i64);
        WorkerExit::from_bytes(&self.core.read(0, WORKER_EXIT_LEN).expect("core")).expect("a valid message")
    }

    /// Controls the worker at the other end of one of the core's sockets.
    pub fn worker(&mut self, socket: u64) -> io::Result<Puppet<Relay<'_>>> {
        Puppet::new(Relay { core: &mut self.core, socket })
    }

    /// Starts a worker, calls `act` to control it, then closes its socket. Returns why the worker ended.
    pub fn run(&mut self, act: impl FnOnce(&mut Puppet<Relay<'_>>)) -> ExitReason {
        let (job, socket) = self.spawn(NEVER, 64 << 20);
        act(&mut self.worker(socket).expect("worker"));
        self.core.call(libc::SYS_close, &[socket]).expect("close");
        let exit = self.next_exit();
        assert_eq!(exit.job, job);
        exit.reason
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The kernel ends its namespace with it.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

/// A wire to a worker, through the core. It splits bytes into pieces that fit into the core's scratch memory.
pub struct Relay<'a> {
    core: &'a mut Puppet<UnixStream>,
    socket: u64,
}

impl Wire for Relay<'_> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (socket, scratch) = (self.socket, self.core.scratch);
        for piece in bytes.chunks(1 << 15) {
            self.core.write(0, piece)?;
            let flags = libc::MSG_NOSIGNAL as u64;
            let sent = self.core.call(libc::SYS_sendto, &[socket, scratch, piece.len() as u64, flags, 0, 0])?;
            if sent != piece.len() as i64 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    }

    fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let flags = libc::MSG_WAITALL as u64;
        let (socket, scratch) = (self.socket, self.core.scratch);
        let received = self.core.call(libc::SYS_recvfrom, &[socket, scratch, length as u64, flags, 0, 0])?;
        if received != length as i64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.core.read(0, length)
    }
}

/// The folder for this test's files.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The children of a process, by their PIDs on the host, oldest first.
pub fn children(parent: u32) -> Vec<u32> {
    let mut found: Vec<(u64, u32)> = fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            (fields[1].parse() == Ok(parent)).then_some((fields[19].parse().ok()?, pid))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, pid)| pid).collect()
}
