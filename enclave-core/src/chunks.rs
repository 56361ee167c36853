//! A stream as it travels: the content of its first frame is the commitment, then there is a frame for each chunk,
//! whose content begins with 0, or with 1 if it is the last. The nonce authenticates that byte.

use crate::crypto::Crypto;
use crate::stream::{COMMITMENT_LEN, Opener, Sealer, Secret, TAG_LEN};
use crate::{Error, Part};
use alloc::vec::Vec;
use zeroize::Zeroizing;

const MALFORMED: Error = Error::Malformed(Part::Frame);
const MORE: u8 = 0;
const LAST: u8 = 1;

/// Seals a stream into the contents of frames.
pub struct FrameWriter<C: Crypto>(Option<Sealer<C>>);

impl<C: Crypto> FrameWriter<C> {
    /// Begins; also gives the content of the first frame.
    pub fn new(secret: Secret, aad: &[u8]) -> Result<(Self, [u8; COMMITMENT_LEN]), Error> {
        let (sealer, commitment) = secret.seal(aad)?;
        Ok((Self(Some(sealer)), commitment))
    }

    /// The content of the next frame: `chunk` is exactly [`CHUNK_LEN`](crate::stream::CHUNK_LEN) bytes long but for the last, after which there
    /// is none.
    pub fn chunk(&mut self, chunk: &[u8], last: bool) -> Result<Vec<u8>, Error> {
        let mut sealer = self.0.take().ok_or(MALFORMED)?;
        let ticket = if last {
            sealer.last()?
        } else {
            let ticket = sealer.ticket()?;
            self.0 = Some(sealer);
            ticket
        };
        let mut content = Vec::with_capacity(1 + chunk.len() + TAG_LEN);
        content.push(if last { LAST } else { MORE });
        content.extend_from_slice(chunk);
        let tag = ticket.seal(content.get_mut(1..).ok_or(MALFORMED)?)?;
        content.extend_from_slice(&tag);
        Ok(content)
    }
}

/// Opens a stream from the contents of frames.
pub struct FrameReader<C: Crypto>(Opener<C>);

impl<C: Crypto> FrameReader<C> {
    /// Begins with the content of the first frame.
    pub fn new(secret: Secret, aad: &[u8], commitment: &[u8]) -> Result<Self, Error> {
        secret.open(aad, commitment.try_into().map_err(|_| MALFORMED)?).map(Self)
    }

    /// Opens the content of the next frame.
    pub fn chunk(&mut self, content: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut plaintext = Zeroizing::new(content);
        self.open(&mut plaintext, 0)?;
        Ok(plaintext)
    }

    /// Opens the content of the next frame where it lies: in `bytes`, from `start` to the end. The plaintext takes its
    /// place.
    pub fn open(&mut self, bytes: &mut Vec<u8>, start: usize) -> Result<(), Error> {
        let content = bytes.get_mut(start..).ok_or(MALFORMED)?;
        let (flag, chunk) = content.split_first_mut().ok_or(MALFORMED)?;
        let last = match *flag {
            MORE => false,
            LAST => true,
            _ => return Err(MALFORMED),
        };
        let length = self.0.open(chunk, last)?.len();
        // The plaintext stays where the ciphertext was, a byte further on; it moves to the front.
        content.copy_within(1..1 + length, 0);
        bytes.truncate(start + length);
        Ok(())
    }

    /// Whether the last frame was read and nothing failed. Without it a stream is cut off.
    pub fn ended(&self) -> bool {
        self.0.ended()
    }
}
