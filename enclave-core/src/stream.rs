//! The one way in which bytes are encrypted: chunks of AES-256-GCM under a key that commits to itself.
//!
//! A [`Secret`] is used for one stream and consumed by its first use. [`Sealer`] and [`Opener`] hand out tickets, one
//! for each chunk and each good once, so that chunks may be worked on by several threads and yet no nonce comes twice.

pub use crate::chunks::{FrameReader, FrameWriter};

use crate::crypto::{Cipher, Crypto};
use crate::{Error, Part, kdf};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Plaintext of a chunk, in bytes: exactly, but for the last one, which may be shorter.
pub const CHUNK_LEN: usize = 65_536;
/// What a chunk grows by: GCM's tag, in bytes.
pub const TAG_LEN: usize = 16;
/// Length of the commitment that a stream begins with, in bytes.
pub const COMMITMENT_LEN: usize = 32;
/// The most chunks of a stream: 1 TiB.
pub const MAX_CHUNKS: u64 = 1 << 24;

/// 32 bytes for one stream.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A secret, which must be used for nothing else.
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// Begins to seal. Also gives the commitment, which goes before the first chunk.
    pub fn seal<C: Crypto>(self, aad: &[u8]) -> Result<(Sealer<C>, [u8; COMMITMENT_LEN]), Error> {
        let commitment = self.commitment();
        Ok((Sealer { shared: self.shared(aad)?, next: 0 }, *commitment))
    }

    /// Begins to open. The commitment is compared before anything is made of the secret: [`Error::CannotOpen`].
    pub fn open<C: Crypto>(self, aad: &[u8], commitment: &[u8; COMMITMENT_LEN]) -> Result<Opener<C>, Error> {
        if !bool::from(self.commitment().ct_eq(commitment)) {
            return Err(Error::CannotOpen);
        }
        Ok(Opener { shared: self.shared(aad)?, next: 0, state: State::Open })
    }

    fn commitment(&self) -> Zeroizing<[u8; COMMITMENT_LEN]> {
        kdf::expand(&self.0, &[b"capelet/1/commit"])
    }

    fn shared<C: Crypto>(&self, aad: &[u8]) -> Result<Arc<Shared<C>>, Error> {
        let cipher = C::aes_256_gcm(&kdf::expand(&self.0, &[b"capelet/1/key"]))?;
        Ok(Arc::new(Shared { cipher, aad: aad.to_vec() }))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// What the chunks of a stream have in common.
struct Shared<C: Crypto> {
    cipher: C::Cipher,
    aad: Vec<u8>,
}

/// Which chunk: its counter, and whether it is the last.
#[derive(Clone, Copy)]
struct Place {
    counter: u64,
    last: bool,
}

impl Place {
    /// u64be counter ‖ 0x000000 ‖ final flag.
    fn nonce(self) -> [u8; 12] {
        let mut nonce = [0; 12];
        if let Some(counter) = nonce.first_chunk_mut() {
            *counter = self.counter.to_be_bytes();
        }
        if let Some(flag) = nonce.last_mut() {
            *flag = self.last.into();
        }
        nonce
    }

    /// Only the last chunk may be short, and empty only if it is also the first.
    fn admits(self, length: usize) -> bool {
        if self.last { length <= CHUNK_LEN && (length > 0 || self.counter == 0) } else { length == CHUNK_LEN }
    }
}

/// The place after `next` chunks; `next` moves on.
fn place(next: &mut u64, last: bool) -> Result<Place, Error> {
    let counter = *next;
    if counter >= MAX_CHUNKS {
        return Err(Error::TooLarge(Part::Frame));
    }
    *next += 1;
    Ok(Place { counter, last })
}

/// Seals one stream.
pub struct Sealer<C: Crypto> {
    shared: Arc<Shared<C>>,
    next: u64,
}

impl<C: Crypto> Sealer<C> {
    /// For the next chunk, which is full and not the last.
    pub fn ticket(&mut self) -> Result<Ticket<C>, Error> {
        Ok(Ticket { shared: Arc::clone(&self.shared), place: place(&mut self.next, false)? })
    }

    /// For the last chunk.
    pub fn last(mut self) -> Result<Ticket<C>, Error> {
        Ok(Ticket { place: place(&mut self.next, true)?, shared: self.shared })
    }
}

/// The right to seal one chunk, once.
pub struct Ticket<C: Crypto> {
    shared: Arc<Shared<C>>,
    place: Place,
}

impl<C: Crypto> Ticket<C> {
    /// Encrypts in place and returns the tag, which follows the chunk. [`Error::Malformed`] (`Part::Frame`) if the
    /// chunk's length is not what its place demands.
    pub fn seal(self, data: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        if !self.place.admits(data.len()) {
            return Err(Error::Malformed(Part::Frame));
        }
        self.shared.cipher.seal(&self.place.nonce(), &self.shared.aad, data)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Failed,
}

/// Opens one stream.
pub struct Opener<C: Crypto> {
    shared: Arc<Shared<C>>,
    next: u64,
    state: State,
}

impl<C: Crypto> Opener<C> {
    /// For the next chunk. After the last there is none: [`Error::CannotOpen`].
    pub fn ticket(&mut self, last: bool) -> Result<OpenTicket<C>, Error> {
        if self.state != State::Open {
            return Err(Error::CannotOpen);
        }
        let place = place(&mut self.next, last)?;
        if last {
            self.state = State::Ended;
        }
        Ok(OpenTicket { shared: Arc::clone(&self.shared), place })
    }

    /// Opens the next chunk, ciphertext ‖ tag, in place; the plaintext is the slice returned. After a failure
    /// nothing more is opened.
    pub fn open<'d>(&mut self, data: &'d mut [u8], last: bool) -> Result<&'d mut [u8], Error> {
        let opened = self.ticket(last).and_then(|ticket| ticket.open(data));
        if opened.is_err() {
            self.state = State::Failed;
        }
        opened
    }

    /// Whether the last chunk was asked for and nothing failed. Without it a stream is cut off, and what was opened
    /// of it must not be relied on.
    pub fn ended(&self) -> bool {
        self.state == State::Ended
    }
}

/// The right to open one chunk.
pub struct OpenTicket<C: Crypto> {
    shared: Arc<Shared<C>>,
    place: Place,
}

impl<C: Crypto> OpenTicket<C> {
    /// Opens a chunk, ciphertext ‖ tag, in place. [`Error::CannotOpen`] for whatever is wrong with it.
    pub fn open(self, data: &mut [u8]) -> Result<&mut [u8], Error> {
        let length = data.len().checked_sub(TAG_LEN).ok_or(Error::CannotOpen)?;
        if !self.place.admits(length) {
            return Err(Error::CannotOpen);
        }
        let opened = self.shared.cipher.open(&self.place.nonce(), &self.shared.aad, data)?;
        if opened.len() == length { Ok(opened) } else { Err(Error::CannotOpen) }
    }
}

/// Seals `data` as it lies in files and in the store: commitment ‖ chunk….
pub fn seal_bytes<C: Crypto>(secret: Secret, aad: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut sealer, commitment) = secret.seal::<C>(aad)?;
    let mut out = Vec::with_capacity(COMMITMENT_LEN + data.len() + (data.len() / CHUNK_LEN + 1) * TAG_LEN);
    out.extend_from_slice(&commitment);
    let mut seal = |ticket: Ticket<C>, chunk: &[u8]| {
        let start = out.len();
        out.extend_from_slice(chunk);
        let tag = ticket.seal(out.get_mut(start..).ok_or(Error::Malformed(Part::Frame))?)?;
        out.extend_from_slice(&tag);
        Ok::<_, Error>(())
    };
    let mut rest = data;
    while rest.len() > CHUNK_LEN {
        let (chunk, after) = rest.split_at(CHUNK_LEN);
        seal(sealer.ticket()?, chunk)?;
        rest = after;
    }
    seal(sealer.last()?, rest)?;
    Ok(out)
}

/// Opens what [`seal_bytes`] makes. [`Error::CannotOpen`] for whatever is wrong with it.
pub fn open_bytes<C: Crypto>(secret: Secret, aad: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (commitment, mut rest) = bytes.split_first_chunk().ok_or(Error::CannotOpen)?;
    let mut opener = secret.open::<C>(aad, commitment)?;
    // As long as it ever gets: a vector that grows would leave plaintext behind.
    let mut out = Zeroizing::new(Vec::with_capacity(rest.len()));
    while !opener.ended() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK_LEN + TAG_LEN));
        let start = out.len();
        out.extend_from_slice(chunk);
        let opened = opener.open(out.get_mut(start..).ok_or(Error::CannotOpen)?, after.is_empty())?.len();
        out.truncate(start + opened);
        rest = after;
    }
    Ok(out)
}
