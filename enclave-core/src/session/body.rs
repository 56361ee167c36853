//! The body of a request, while it arrives.

use crate::crypto::{Crypto, FrameReader, RunningSha256};
use crate::encoding::{Channel, MAX_FRAME, SecretVec, append_frame};
use crate::messages::{BodyDigest, check_body};
use crate::session::request_error::RequestError;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The most bytes of a body that are read only to be discarded, so that a refused client gets its answer.
pub const MAX_DISCARDED: u64 = 1 << 30;

/// A body that is still arriving.
pub(super) struct Body<'a, C: Channel, Y: Crypto> {
    connection: &'a mut C,
    reader: FrameReader<Y>,
    begun: Zeroizing<Vec<u8>>,
    announced: Option<BodyDigest>,
    received: u64,
}

impl<'a, C: Channel, Y: Crypto> Body<'a, C, Y> {
    /// A body that began in the first chunk.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of [`MessageKind::Request`] for a body that is longer than announced. Here and in every other
    /// method this ends the connection: no client keeps an enclave reading, whatever becomes of the request.
    pub fn new(
        connection: &'a mut C,
        reader: FrameReader<Y>,
        begun: &[u8],
        announced: Option<BodyDigest>,
    ) -> Result<Self, Error> {
        let begun = Zeroizing::new(begun.to_vec());
        let mut body = Self { connection, reader, received: 0, announced, begun };
        body.count(body.begun.len())?;
        Ok(body)
    }

    fn count(&mut self, more: usize) -> Result<(), Error> {
        self.received = self.received.saturating_add(more as u64);
        if self.received > self.length() { Err(Error::Mismatch(MessageKind::Request)) } else { Ok(()) }
    }

    /// Reads the next chunk onto the end of `to`.
    fn chunk(&mut self, to: &mut Vec<u8>) -> Result<(), RequestError> {
        let start = to.len();
        append_frame(self.connection, to, MAX_FRAME)
            .and_then(|_| self.reader.open(to, start))
            .and_then(|()| self.count(to.len() - start))
            .map_err(RequestError::Connection)
    }

    /// The announced length, in bytes.
    pub fn length(&self) -> u64 {
        self.announced.map_or(0, |announced| announced.length)
    }

    /// Checks that no more than `limit` bytes are announced.
    ///
    /// # Errors
    /// [`Error::InputLimit`].
    pub fn check(&self, limit: u64) -> Result<(), Error> {
        if self.length() > limit { Err(Error::InputLimit(limit)) } else { Ok(()) }
    }

    /// Reads the whole body, at most `limit` bytes, and compares it with what was announced.
    ///
    /// # Errors
    /// [`RequestError::Answerable`] of [`Error::InputLimit`], [`Error::Mismatch`], or [`Error::Busy`] without memory;
    /// [`RequestError::Connection`].
    pub fn read(&mut self, limit: u64) -> Result<SecretVec, RequestError> {
        self.check(limit)?;
        let announced = usize::try_from(self.length()).map_err(|_| Error::InputLimit(limit))?;
        // With room for an oversized last frame.
        let mut body = SecretVec::with_capacity(announced.saturating_add(MAX_FRAME))?;
        body.extend_from_slice(&self.begun);
        let mut hash = RunningSha256::default();
        hash.update(&body);
        while !self.reader.ended() {
            let start = body.len();
            self.chunk(&mut body)?;
            hash.update(body.get(start..).unwrap_or_default());
        }
        let found = BodyDigest { length: body.len() as u64, sha256: hash.finish() };
        check_body(self.announced, found, MessageKind::Request)?;
        Ok(body)
    }

    /// Reads what is left and discards it, and gives the connection back. A client that is refused may still be sending;
    /// without this the answer would be lost.
    ///
    /// # Errors
    /// The error that ends the connection. [`Error::InputLimit`] if more than [`MAX_DISCARDED`] bytes are announced.
    pub fn discard(mut self) -> Result<&'a mut C, Error> {
        if !self.reader.ended() {
            self.check(MAX_DISCARDED)?;
        }
        let mut scrap = Zeroizing::new(Vec::new());
        while !self.reader.ended() {
            scrap.clear();
            self.chunk(&mut scrap).map_err(RequestError::cause)?;
        }
        Ok(self.connection)
    }
}
