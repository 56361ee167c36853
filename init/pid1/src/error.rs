//! Why the enclave ends. On the console stand a variant's name and what it holds.

use capelet_abi::spawn::How;
use nix::errno::Errno;
use std::io;

/// The step that failed: one for each system call of the boot and of a program's start.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// A file system could not be mounted here.
    Mount(&'static str, Errno),
    /// It could not be unmounted.
    Unmount(&'static str, Errno),
    /// A file could not be opened, read or written.
    File(&'static str, io::Error),
    /// The kernel's command line, which is not the one of this image.
    CommandLine(String),
    /// The kernel's entropy does not come from the NSM.
    Generator,
    /// The bounding set of capabilities could not be emptied.
    Capabilities(Errno),
    /// The parent did not answer the heartbeat within [`crate::heartbeat::TOTAL`] (the error of the last attempt), or
    /// answered with another byte (`EBADMSG`).
    Heartbeat(Errno),
    /// A socket or pipe could not be made.
    Channel(Errno),
    /// No process could be made.
    Clone(Errno),
    /// The empty root could not be entered.
    Root(Errno),
    /// Descriptors 0 to 2 could not be arranged, or the others marked.
    Descriptors(Errno),
    /// A resource limit could not be set.
    Limit(Errno),
    /// Root could not become the program's user.
    User(Errno),
    /// Gaining privileges could not be given up.
    NoNewPrivileges(Errno),
    /// The filter of system calls was not accepted.
    Filter(Errno),
    /// The program could not be executed.
    Execute(Errno),
    /// This program did not begin; its line on the console says why.
    NotStarted(&'static str),
    /// Waiting failed.
    Wait(Errno),
    /// The core's message could not be received.
    Receive(Errno),
    /// The core sent what is no message, or without exactly one Unix stream socket.
    Message,
    /// The core could not be told that a worker ended: it does not listen.
    Tell(Errno),
    /// A process could not be killed.
    Kill(Errno),
    /// The core ended.
    Core(How),
}
