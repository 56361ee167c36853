//! Starting a program with nothing but what it needs. Each step has its reason, its system call and its error.

use crate::seccomp::{self, Rule};
use crate::sys::{self, Child};
use crate::{Error, error::cannot, isolation, mounts};
use nix::fcntl::{AtFlags, OFlag};
use nix::libc::{CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, SYS_execveat, c_int, sock_filter};
use nix::sys::prctl::set_no_new_privs;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::*;
use std::convert::Infallible;
use std::io::{Write as _, stderr};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

/// Resource limits. Each value is both the soft and the hard limit.
pub type Limits<'a> = &'a [(Resource, u64)];
/// A program's descriptors 0, 1 and 2.
pub type Descriptors<'a> = [BorrowedFd<'a>; 3];

/// A program of the image, with the confinement that is the same each time it runs.
pub struct Program {
    path: &'static str,
    executable: OwnedFd,
    root: &'static str,
    namespaces: c_int,
    filter: Vec<sock_filter>,
}

impl Program {
    /// Opens the program `path`. When it runs, `root` is its root and `rules` list its system calls. It gets new
    /// namespaces of processes, mounts and host names, and those in `namespaces`.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the program cannot be opened.
    pub fn open(path: &'static str, root: &'static str, namespaces: c_int, rules: &[Rule]) -> Result<Self, Error> {
        // A descriptor, because no path leads to the program from its empty root.
        let executable = mounts::open(path, OFlag::O_PATH)?;
        // The filter is active before the program starts, so it must allow the call that starts it. The program cannot
        // use that call: the descriptor is closed, the root is empty, and it cannot open another descriptor.
        let begin = Rule::If(SYS_execveat, 0, u32::MAX, executable.as_raw_fd().cast_unsigned());
        let filter = seccomp::compile(seccomp::COMMON.iter().chain(rules).copied().chain([begin]));
        Ok(Self { path, executable, root, namespaces: namespaces | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS, filter })
    }

    /// Starts the program, and returns when it has begun. If it could not begin, the console has the reason.
    ///
    /// # Errors
    ///
    /// [`Error::Fork`] if no process could be created, [`Error::NotStarted`] if the process could not become the
    /// program, and [`Error::Step`] if PID 1 itself failed.
    pub fn start(&self, user: u32, limits: Limits<'_>, descriptors: Descriptors<'_>) -> Result<Child, Error> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(cannot("create a pipe"))?;
        let Some(child) = sys::fork(self.namespaces).map_err(Error::Fork)? else {
            let Err(error) = self.execute(user, limits, descriptors);
            // If the pipe fails too, PID 1 still sees that this process ended.
            let _ = write(&writer, format!("capelet-pid1: {}: {error}\n", self.path).as_bytes());
            std::process::exit(1)
        };
        drop(writer);
        // Executing the program closes the pipe. The child only writes to it after a failure.
        let mut line = [0; 256];
        let length = read(&reader, &mut line).map_err(cannot("read whether a program started"))?;
        if length == 0 {
            return Ok(child);
        }
        // PID 1 goes on if it cannot write to the console, because only people read it.
        let _ = stderr().write_all(line.get(..length).unwrap_or_default());
        sys::wait(&child)?;
        Err(Error::NotStarted(self.path))
    }

    /// In the child: gives up everything that the program does not need, then becomes the program.
    fn execute(&self, user: u32, limits: Limits<'_>, descriptors: Descriptors<'_>) -> Result<Infallible, Error> {
        // An empty root. A process can leave it only with a descriptor of a folder outside or with a capability.
        chdir(self.root).and_then(|()| chroot(".")).map_err(cannot("enter the empty root"))?;

        // Three descriptors; all others belong to PID 1 and close when the program is executed. No source is another
        // one's target, so `dup2` never overwrites a descriptor that is still needed.
        let [stdin, stdout, stderr] = descriptors;
        dup2_stdin(stdin).and_then(|()| dup2_stdout(stdout)).map_err(cannot("set descriptors"))?;
        dup2_stderr(stderr).and_then(|()| sys::close_on_execute(3)).map_err(cannot("set descriptors"))?;

        for (resource, limit) in limits {
            setrlimit(*resource, *limit, *limit).map_err(cannot("set a resource limit"))?;
        }

        // No other program beside it on its physical core, and no speculation that another program can steer. The filter
        // below keeps the program from changing either.
        isolation::isolate()?;

        // A user of its own, in no other group. A process that changes from root to another user loses all
        // capabilities.
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        setgroups(&[]).and_then(|()| setresgid(group, group, group)).map_err(cannot("set the group"))?;
        setresuid(user, user, user).map_err(cannot("set the user"))?;

        // No program that it executes gains privileges. Without this the kernel rejects a filter.
        set_no_new_privs().map_err(cannot("give up new privileges"))?;

        // From here on, only the system calls on the program's list.
        sys::filter(&self.filter).map_err(cannot("set the system call filter"))?;

        // No arguments except a name, and no environment.
        execveat(&self.executable, c"", &[c"capelet"], &[c""; 0], AtFlags::AT_EMPTY_PATH).map_err(cannot("execute it"))
    }
}
