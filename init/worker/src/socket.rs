//! The socket to the core, at descriptor 0. Reads and writes are not buffered.

use std::io::{self, Read, Write};

use nix::unistd;

/// The socket at descriptor 0. `stdin` only provides the descriptor.
#[derive(Debug)]
pub struct Socket;

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(unistd::read(io::stdin(), bytes)?)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(unistd::write(io::stdin(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
