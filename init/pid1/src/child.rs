//! Starting a program with nothing but what it needs. Each step: why, the system call, an error of its own.

use crate::seccomp::{self, Rule};
use crate::sys::{self, Child};
use crate::{Error, mounts};
use nix::fcntl::{AtFlags, OFlag};
use nix::libc::{CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, SYS_execveat, c_int, sock_filter};
use nix::sys::prctl::set_no_new_privs;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::*;
use std::convert::Infallible;
use std::io::{Write as _, stderr};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

/// Soft and hard limits alike.
pub type Limits<'a> = &'a [(Resource, u64)];
/// What a program has as its descriptors 0, 1 and 2.
pub type Descriptors<'a> = [BorrowedFd<'a>; 3];

/// A program of the image, and the walls that are the same each time it runs.
pub struct Program {
    path: &'static str,
    executable: OwnedFd,
    root: &'static str,
    namespaces: c_int,
    filter: Vec<sock_filter>,
}

impl Program {
    /// Opens `path`, to be run with `root` as its root, behind `rules`, in `namespaces` beside those of processes,
    /// mounts and names.
    pub fn open(path: &'static str, root: &'static str, namespaces: c_int, rules: &[Rule]) -> Result<Self, Error> {
        // By descriptor, because in its root there will be no path to it.
        let executable = mounts::open(path, OFlag::O_PATH)?;
        // The filter is on before the program begins, and this is how it begins. Afterwards the call is of no use: the
        // descriptor is closed, the root is empty, and no other descriptor can be had.
        let begin = Rule::If(SYS_execveat, 0, u32::MAX, executable.as_raw_fd().cast_unsigned());
        let filter = seccomp::compile(seccomp::COMMON.iter().chain(rules).copied().chain([begin]));
        Ok(Self { path, executable, root, namespaces: namespaces | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS, filter })
    }

    /// Starts it and returns once it has begun. What prevented that is said on the console.
    pub fn start(&self, user: u32, limits: Limits<'_>, descriptors: Descriptors<'_>) -> Result<Child, Error> {
        let (told, tell) = pipe2(OFlag::O_CLOEXEC).map_err(Error::Channel)?;
        let Some(child) = sys::fork(self.namespaces).map_err(Error::Clone)? else {
            let Err(error) = self.execute(user, limits, descriptors);
            // If the pipe fails too, that this process ends is left.
            let _ = write(&tell, format!("capelet-pid1: {}: {error:?}\n", self.path).as_bytes());
            std::process::exit(1)
        };
        drop(tell);
        // Executing closes the pipe; whatever comes before is a failure.
        let mut line = [0; 128];
        let length = read(&told, &mut line).map_err(Error::Wait)?;
        if length == 0 {
            return Ok(child);
        }
        // The console is for people: whether anybody hears it changes nothing.
        let _ = stderr().write_all(line.get(..length).unwrap_or_default());
        sys::wait(&child)?;
        Err(Error::NotStarted(self.path))
    }

    /// In the child: gives up everything, then becomes the program.
    fn execute(&self, user: u32, limits: Limits<'_>, descriptors: Descriptors<'_>) -> Result<Infallible, Error> {
        // An empty root. The way out of it would be a descriptor of a folder outside, or a capability.
        chdir(self.root).and_then(|()| chroot(".")).map_err(Error::Root)?;

        // Three descriptors; all the others are PID 1's. (None of the three lies where another has to go.)
        let [stdin, stdout, stderr] = descriptors;
        dup2_stdin(stdin).and_then(|()| dup2_stdout(stdout)).map_err(Error::Descriptors)?;
        dup2_stderr(stderr).and_then(|()| sys::close_on_execute(3)).map_err(Error::Descriptors)?;

        for (resource, limit) in limits {
            setrlimit(*resource, *limit, *limit).map_err(Error::Limit)?;
        }

        // A user of its own, in no other group. From root to another user all capabilities are lost.
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        setgroups(&[]).and_then(|()| setresgid(group, group, group)).map_err(Error::User)?;
        setresuid(user, user, user).map_err(Error::User)?;

        // Nothing that it may come to execute gives more than it has; and without this no filter may be set.
        set_no_new_privs().map_err(Error::NoNewPrivileges)?;

        // From here on only what the program itself may call.
        sys::filter(&self.filter).map_err(Error::Filter)?;

        // No arguments but a name, no environment.
        execveat(&self.executable, c"", &[c"capelet"], &[c""; 0], AtFlags::AT_EMPTY_PATH).map_err(Error::Execute)
    }
}
