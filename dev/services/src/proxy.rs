//! A proxy that forwards bytes and records all of them.
//!
//! A test searches the record for what must not be there. The record is a directory with two files for each connection,
//! `N.up` and `N.down`. Each file holds one direction without gaps, so a plain search also finds a text that was split
//! between reads.

use crate::net::{Address, Listener, Stream};
use crate::service::Service;
use crate::{Error, private_files};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// The largest number of connections at once.
const CONNECTIONS: usize = 1024;

/// Starts to forward from `listener` to `to` and to record into the directory `record`.
///
/// The proxy runs until the returned value is dropped.
///
/// # Errors
/// [`Error::File`] if the directory cannot be made, and the errors of [`Service::start`].
pub fn start(listener: Listener, to: Address, record: &Path) -> Result<Service, Error> {
    private_files::make_directory(record)?;
    let (record, next) = (record.to_path_buf(), AtomicU64::new(0));
    Service::start(listener, CONNECTIONS, move |stream| {
        let number = next.fetch_add(1, Ordering::SeqCst);
        // A connection that cannot be recorded is not forwarded. Its client sees the connection end.
        let _ = forward(stream, &to, &record.join(number.to_string()));
    })
}

fn forward(client: Stream, to: &Address, record: &Path) -> Result<(), Error> {
    let (up, down) = (file(record, "up")?, file(record, "down")?);
    let server = to.connect()?;
    let (client_too, server_too) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || copy(client_too, server_too, recording(up)));
    copy(server, client, recording(down));
    // A thread that panicked has closed its connection too.
    let _ = upwards.join();
    Ok(())
}

/// Copies one direction of a connection to its end. `before` sees each piece before it is sent.
fn copy(mut from: Stream, mut to: Stream, mut before: impl FnMut(&[u8]) -> io::Result<()>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if before(&buffer[..read]).is_err() || to.write_all(&buffer[..read]).is_err() {
            // Bytes that cannot be sent must not be read either, so that the sender sees the failure.
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Writes each piece to the record.
fn recording(mut file: File) -> impl FnMut(&[u8]) -> io::Result<()> {
    move |bytes| file.write_all(bytes)
}

fn file(record: &Path, direction: &str) -> Result<File, Error> {
    let path: PathBuf = record.with_extension(direction);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    opened.map_err(|error| Error::File(path, error))
}
