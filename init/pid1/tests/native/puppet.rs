//! The client of puppet.c.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// A connection to a puppet.
pub trait Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn receive(&mut self, length: usize) -> io::Result<Vec<u8>>;
}

impl Wire for UnixStream {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// A program that makes the system calls that a test requests. A method fails if the program has ended.
pub struct Puppet<W> {
    wire: W,
    /// The address of its scratch memory.
    pub scratch: u64,
}

impl<W: Wire> Puppet<W> {
    pub fn new(mut wire: W) -> io::Result<Self> {
        let scratch = word(&mut wire)?;
        Ok(Self { wire, scratch })
    }

    /// Makes a system call. Returns the kernel's result: a negative number is an error.
    pub fn call(&mut self, number: i64, arguments: &[u64]) -> io::Result<i64> {
        let mut words = [0; 6];
        words[..arguments.len()].copy_from_slice(arguments);
        let [a, b, c, d, e, f] = words;
        self.request(&[u64::from(b's'), a, b, c, d, e, f, number.cast_unsigned()])?;
        word(&mut self.wire).map(u64::cast_signed)
    }

    /// Writes into its scratch memory.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.request(&[u64::from(b'w'), at, bytes.len() as u64, 0, 0, 0, 0, 0])?;
        self.wire.send(bytes)?;
        word(&mut self.wire).map(drop)
    }

    /// Reads from its scratch memory.
    pub fn read(&mut self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        self.request(&[u64::from(b'r'), at, length as u64, 0, 0, 0, 0, 0])?;
        let bytes = self.wire.receive(length)?;
        word(&mut self.wire).map(|_| bytes)
    }

    /// Starts an endless loop.
    pub fn spin(&mut self) -> io::Result<()> {
        self.request(&[u64::from(b'l'), 0, 0, 0, 0, 0, 0, 0])
    }

    /// Writes to an address that is not mapped.
    pub fn crash(&mut self) -> io::Result<()> {
        self.request(&[u64::from(b'd'), 0, 0, 0, 0, 0, 0, 0])
    }

    fn request(&mut self, words: &[u64; 8]) -> io::Result<()> {
        self.wire.send(&words.map(u64::to_le_bytes).concat())
    }
}

fn word(wire: &mut impl Wire) -> io::Result<u64> {
    Ok(u64::from_le_bytes(wire.receive(8)?.try_into().expect("eight bytes")))
}
