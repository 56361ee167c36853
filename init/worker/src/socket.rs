//! Descriptor 0, the socket to the core, read and written without a buffer in between.

use std::io::{self, Read, Write};

use nix::unistd;

/// The socket at descriptor 0. Standard input is used for its number only.
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
