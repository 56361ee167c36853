//! The one way in which bytes are encrypted: chunks of AES-256-GCM under a key that commits to itself.
//!
//! A [`Secret`] serves one stream and is consumed by its first use. [`Sealer`] and [`Opener`] hand out tickets, one for
//! each chunk, each good once. Several threads may therefore work on the chunks of a stream, and no nonce is used
//! twice.
//!
//! In files and in the store a stream is commitment ‖ chunk… ([`seal_bytes`]). On a connection the first frame is the
//! commitment; each further frame is one chunk behind a byte that is 1 for the last chunk and 0 otherwise
//! ([`FrameWriter`]). The nonce authenticates that byte.

use crate::crypto::expand;
use crate::crypto::injected::{Cipher, Crypto};
use crate::encoding::SecretVec;
use crate::{Error, MessageKind};
use alloc::sync::Arc;
use alloc::vec::Vec;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Length of a chunk's plaintext in bytes. Only the last chunk may be shorter.
pub const CHUNK_LEN: usize = 65_536;
/// Length of GCM's tag in bytes: what a chunk grows by.
pub const TAG_LEN: usize = 16;
/// Length of the commitment at the beginning of a stream, in bytes.
pub const COMMITMENT_LEN: usize = 32;
/// The most chunks of a stream: 1 TiB.
pub const MAX_CHUNKS: u64 = 1 << 24;

const MALFORMED: Error = Error::Malformed(MessageKind::Frame);
/// In front of a chunk in a frame: more chunks follow.
const MORE: u8 = 0;
/// In front of a chunk in a frame: it is the last.
const LAST: u8 = 1;

/// The secret of one stream, 32 bytes.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A secret, which must be used for nothing else.
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// Begins to seal, and gives the commitment, which goes before the first chunk.
    ///
    /// # Errors
    /// Those of [`Crypto::aes_256_gcm`].
    pub fn seal<C: Crypto>(self, aad: &[u8]) -> Result<(Sealer<C>, [u8; COMMITMENT_LEN]), Error> {
        let commitment = self.commitment();
        Ok((Sealer { stream: self.stream(aad)?, next: 0 }, *commitment))
    }

    /// Begins to open. The commitment is compared before any key is derived.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] if the commitment is another secret's.
    pub fn open<C: Crypto>(self, aad: &[u8], commitment: &[u8; COMMITMENT_LEN]) -> Result<Opener<C>, Error> {
        if !bool::from(self.commitment().ct_eq(commitment)) {
            return Err(Error::CannotOpen);
        }
        Ok(Opener { stream: self.stream(aad)?, next: 0, state: State::Open })
    }

    fn commitment(&self) -> Zeroizing<[u8; COMMITMENT_LEN]> {
        expand(&self.0, &[b"capelet/1/commit"])
    }

    fn stream<C: Crypto>(&self, aad: &[u8]) -> Result<Arc<Stream<C>>, Error> {
        let cipher = C::aes_256_gcm(&expand(&self.0, &[b"capelet/1/key"]))?;
        Ok(Arc::new(Stream { cipher, aad: aad.to_vec() }))
    }
}

redacted!(Secret);

/// What all chunks of a stream share.
struct Stream<C: Crypto> {
    cipher: C::Cipher,
    aad: Vec<u8>,
}

/// A chunk's position in its stream.
#[derive(Clone, Copy)]
struct Position {
    counter: u64,
    last: bool,
}

impl Position {
    /// The position after `next` chunks; `next` moves on.
    fn take(next: &mut u64, last: bool) -> Result<Self, Error> {
        let counter = *next;
        if counter >= MAX_CHUNKS {
            return Err(Error::TooLarge(MessageKind::Frame));
        }
        *next += 1;
        Ok(Self { counter, last })
    }

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

    /// Only the last chunk may be short, and it may be empty only if it is also the first.
    fn allows(self, length: usize) -> bool {
        if self.last { length <= CHUNK_LEN && (length > 0 || self.counter == 0) } else { length == CHUNK_LEN }
    }
}

/// Seals one stream.
pub struct Sealer<C: Crypto> {
    stream: Arc<Stream<C>>,
    next: u64,
}

impl<C: Crypto> Sealer<C> {
    /// The ticket for the next chunk, which is full and not the last.
    ///
    /// # Errors
    /// [`Error::TooLarge`] of [`MessageKind::Frame`] after [`MAX_CHUNKS`].
    pub fn ticket(&mut self) -> Result<SealTicket<C>, Error> {
        Ok(SealTicket { stream: Arc::clone(&self.stream), position: Position::take(&mut self.next, false)? })
    }

    /// The ticket for the last chunk.
    ///
    /// # Errors
    /// As [`Self::ticket`].
    pub fn last(mut self) -> Result<SealTicket<C>, Error> {
        Ok(SealTicket { position: Position::take(&mut self.next, true)?, stream: self.stream })
    }
}

/// The right to seal one chunk, once.
pub struct SealTicket<C: Crypto> {
    stream: Arc<Stream<C>>,
    position: Position,
}

impl<C: Crypto> SealTicket<C> {
    /// Encrypts the chunk in place and returns the tag, which follows it.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Frame`] if the chunk's position does not allow its length.
    pub fn seal(self, data: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        if !self.position.allows(data.len()) {
            return Err(MALFORMED);
        }
        self.stream.cipher.seal(&self.position.nonce(), &self.stream.aad, data)
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
    stream: Arc<Stream<C>>,
    next: u64,
    state: State,
}

impl<C: Crypto> Opener<C> {
    /// The ticket for the next chunk.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] after the last chunk or a failure; [`Error::TooLarge`] after [`MAX_CHUNKS`].
    pub fn ticket(&mut self, last: bool) -> Result<OpenTicket<C>, Error> {
        if self.state != State::Open {
            return Err(Error::CannotOpen);
        }
        let position = Position::take(&mut self.next, last)?;
        if last {
            self.state = State::Ended;
        }
        Ok(OpenTicket { stream: Arc::clone(&self.stream), position })
    }

    /// Opens the next chunk, ciphertext ‖ tag, in place. The returned slice is the plaintext.
    ///
    /// # Errors
    /// As [`Self::ticket`] and [`OpenTicket::open`]. After a failure nothing more is opened.
    pub fn open<'d>(&mut self, data: &'d mut [u8], last: bool) -> Result<&'d mut [u8], Error> {
        let opened = self.ticket(last).and_then(|ticket| ticket.open(data));
        if opened.is_err() {
            self.state = State::Failed;
        }
        opened
    }

    /// Whether the last chunk was asked for and nothing failed. Otherwise the stream is truncated, and what was opened
    /// of it must not be relied on.
    pub fn ended(&self) -> bool {
        self.state == State::Ended
    }
}

/// The right to open one chunk, once.
pub struct OpenTicket<C: Crypto> {
    stream: Arc<Stream<C>>,
    position: Position,
}

impl<C: Crypto> OpenTicket<C> {
    /// Opens the chunk, ciphertext ‖ tag, in place. The returned slice is the plaintext.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] for every failure alike.
    pub fn open(self, data: &mut [u8]) -> Result<&mut [u8], Error> {
        let length = data.len().checked_sub(TAG_LEN).ok_or(Error::CannotOpen)?;
        if !self.position.allows(length) {
            return Err(Error::CannotOpen);
        }
        let opened = self.stream.cipher.open(&self.position.nonce(), &self.stream.aad, data)?;
        if opened.len() == length { Ok(opened) } else { Err(Error::CannotOpen) }
    }
}

/// Seals `data` as files and the store have it: commitment ‖ chunk….
///
/// # Errors
/// [`Error::TooLarge`] of [`MessageKind::Frame`] from 1 TiB on; those of [`SecretVec::with_capacity`] and [`Crypto`].
pub fn seal_bytes<C: Crypto>(secret: Secret, aad: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut sealer, commitment) = secret.seal::<C>(aad)?;
    // What is not sealed yet is wiped if sealing fails.
    let mut out = SecretVec::with_capacity(COMMITMENT_LEN + data.len() + (data.len() / CHUNK_LEN + 1) * TAG_LEN)?;
    out.extend_from_slice(&commitment);
    let mut seal = |ticket: SealTicket<C>, chunk: &[u8]| {
        let start = out.len();
        out.extend_from_slice(chunk);
        let tag = ticket.seal(out.get_mut(start..).ok_or(MALFORMED)?)?;
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
    Ok(core::mem::take(&mut out))
}

/// Opens what [`seal_bytes`] made.
///
/// # Errors
/// [`Error::CannotOpen`] for every failure alike; those of [`SecretVec::with_capacity`].
pub fn open_bytes<C: Crypto>(secret: Secret, aad: &[u8], bytes: &[u8]) -> Result<SecretVec, Error> {
    let (commitment, mut rest) = bytes.split_first_chunk().ok_or(Error::CannotOpen)?;
    let mut opener = secret.open::<C>(aad, commitment)?;
    let mut out = SecretVec::with_capacity(rest.len())?;
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

/// Seals a stream into frames.
pub struct FrameWriter<C: Crypto> {
    sealer: Option<Sealer<C>>,
    /// All frames are made in the memory of the first one, which is the longest. It is wiped if sealing fails.
    frame: SecretVec,
}

impl<C: Crypto> FrameWriter<C> {
    /// Begins, and gives the content of the first frame.
    ///
    /// # Errors
    /// As [`Secret::seal`].
    pub fn new(secret: Secret, aad: &[u8]) -> Result<(Self, [u8; COMMITMENT_LEN]), Error> {
        let (sealer, commitment) = secret.seal(aad)?;
        Ok((Self { sealer: Some(sealer), frame: SecretVec::default() }, commitment))
    }

    /// The next frame with its length. The `parts` of its chunk have exactly [`CHUNK_LEN`] bytes together; only the last
    /// chunk may be shorter.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Frame`] for another length, or after the last chunk; those of
    /// [`SecretVec::with_capacity`].
    pub fn frame(&mut self, parts: &[&[u8]], last: bool) -> Result<&[u8], Error> {
        let mut sealer = self.sealer.take().ok_or(MALFORMED)?;
        let ticket = if last {
            sealer.last()?
        } else {
            let ticket = sealer.ticket()?;
            self.sealer = Some(sealer);
            ticket
        };
        let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>() + TAG_LEN;
        let prefix = u32::try_from(length).map_err(|_| MALFORMED)?.to_be_bytes();
        if self.frame.capacity() < prefix.len() + length {
            self.frame = SecretVec::with_capacity(prefix.len() + length)?;
        }
        self.frame.clear();
        self.frame.extend_from_slice(&prefix);
        self.frame.push(if last { LAST } else { MORE });
        parts.iter().for_each(|part| self.frame.extend_from_slice(part));
        let tag = ticket.seal(self.frame.get_mut(prefix.len() + 1..).ok_or(MALFORMED)?)?;
        self.frame.extend_from_slice(&tag);
        Ok(&self.frame)
    }
}

/// Opens a stream from the contents of frames.
pub struct FrameReader<C: Crypto>(Opener<C>);

impl<C: Crypto> FrameReader<C> {
    /// Begins with the content of the first frame.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Frame`] if it has another length; as [`Secret::open`].
    pub fn new(secret: Secret, aad: &[u8], commitment: &[u8]) -> Result<Self, Error> {
        secret.open(aad, commitment.try_into().map_err(|_| MALFORMED)?).map(Self)
    }

    /// The plaintext of the next frame, of which this is the content.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn chunk(&mut self, content: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut plaintext = Zeroizing::new(content);
        self.open(&mut plaintext, 0)?;
        Ok(plaintext)
    }

    /// Opens the next frame in place: its content is in `bytes` from `start` to the end, and its plaintext replaces it.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Frame`] for a first byte other than 0 and 1; as [`Opener::open`]. After a
    /// failure nothing more is opened.
    pub fn open(&mut self, bytes: &mut Vec<u8>, start: usize) -> Result<(), Error> {
        let content = bytes.get_mut(start..).unwrap_or_default();
        let (last, chunk) = match content.split_first_mut() {
            Some((&mut MORE, chunk)) => (false, chunk),
            Some((&mut LAST, chunk)) => (true, chunk),
            _ => {
                self.0.state = State::Failed;
                return Err(MALFORMED);
            }
        };
        let length = self.0.open(chunk, last)?.len();
        // The plaintext lies where the ciphertext was, one byte behind `start`. It moves to `start`.
        content.copy_within(1..1 + length, 0);
        bytes.truncate(start + length);
        Ok(())
    }

    /// Whether the last frame was read and nothing failed. Otherwise the stream is truncated.
    pub fn ended(&self) -> bool {
        self.0.ended()
    }
}
