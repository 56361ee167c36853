//! Carries bytes and writes every one of them down, so that a test can look for what must not be among them.
//!
//! The record is a directory with two files a connection, `N.up` and `N.down`: each direction lies there as it was,
//! in one piece, and a plain search finds what crosses the boundaries of reads and connections.

use crate::net::{Address, Listener, Stream};
use crate::service::{Service, pump};
use crate::{Error, authority};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// The most connections at once.
const CONNECTIONS: usize = 1024;

/// Starts to carry from `listener` to `to` and to write into `record`; runs until what comes back is dropped.
pub fn start(listener: Listener, to: Address, record: &Path) -> Result<Service, Error> {
    authority::make_private_directory(record)?;
    let (record, next) = (record.to_path_buf(), AtomicU64::new(0));
    Service::start(listener, CONNECTIONS, move |stream| {
        let number = next.fetch_add(1, Ordering::SeqCst);
        // What cannot be recorded is not carried; its client sees the connection end.
        let _ = carry(stream, &to, &record.join(number.to_string()));
    })
}

fn carry(client: Stream, to: &Address, record: &Path) -> Result<(), Error> {
    let (up, down) = (file(record, "up")?, file(record, "down")?);
    let server = to.connect()?;
    let (client_too, server_too) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || pump(client_too, server_too, recording(up)));
    pump(server, client, recording(down));
    // A thread that panicked has closed its connection too.
    let _ = upwards.join();
    Ok(())
}

/// Bytes are on their way only when they are written down.
fn recording(mut file: File) -> impl FnMut(&[u8]) -> io::Result<()> {
    move |bytes| file.write_all(bytes)
}

fn file(record: &Path, direction: &str) -> Result<File, Error> {
    let path: PathBuf = record.with_extension(direction);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    opened.map_err(|error| Error::File(path, error))
}
