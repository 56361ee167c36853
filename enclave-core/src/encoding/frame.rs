//! Frames: u32be length ‖ content. Client and enclave use them inside TLS, enclave and parent on every connection.

use crate::error::TransportError;
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// The longest frame between client and enclave, without its length, in bytes.
pub const MAX_FRAME: usize = 66_000;

/// A connection that carries bytes both ways. Its implementation keeps the time limits.
pub trait Channel {
    /// Reads at least one byte into `buffer`; 0 bytes mean that the other side has ended the connection in order.
    ///
    /// # Errors
    /// A [`TransportError`].
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError>;

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// A [`TransportError`].
    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError>;
}

/// The content of the next frame, which may have at most `most` bytes.
///
/// # Errors
/// [`Error::TooLarge`] of [`MessageKind::Frame`], before anything is allocated; [`Error::Transport`], which is
/// [`TransportError::Closed`] for a truncated frame.
pub fn read_frame(channel: &mut impl Channel, most: usize) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    append_frame(channel, &mut content, most)?;
    Ok(content)
}

/// Reads the content of the next frame onto the end of `to`, and gives its length.
///
/// # Errors
/// As [`read_frame`].
pub fn append_frame(channel: &mut impl Channel, to: &mut Vec<u8>, most: usize) -> Result<usize, Error> {
    let mut length = [0; 4];
    fill(channel, &mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= most);
    let length = length.ok_or(Error::TooLarge(MessageKind::Frame))?;
    let start = to.len();
    to.resize(start.saturating_add(length), 0);
    fill(channel, to.get_mut(start..).ok_or(TransportError::Failed)?)?;
    Ok(length)
}

/// Reads until `buffer` is full.
fn fill(channel: &mut impl Channel, mut buffer: &mut [u8]) -> Result<(), Error> {
    while !buffer.is_empty() {
        let read = channel.read(buffer)?;
        if read == 0 {
            return Err(TransportError::Closed.into());
        }
        buffer = buffer.get_mut(read..).ok_or(TransportError::Failed)?;
    }
    Ok(())
}

/// Sends `content` as a frame, in one write.
///
/// # Errors
/// [`Error::TooLarge`] of [`MessageKind::Frame`] from 4 GiB on; [`Error::Transport`].
pub fn write_frame(channel: &mut impl Channel, content: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(content.len()).map_err(|_| Error::TooLarge(MessageKind::Frame))?;
    Ok(channel.write(&[length.to_be_bytes().as_slice(), content].concat())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use capelet_hostile_bytes::truncations;

    /// Gives its bytes in pieces of three, then ends.
    struct Trickle(Vec<u8>);

    impl Channel for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
            let count = buffer.len().min(3).min(self.0.len());
            for (slot, byte) in buffer.iter_mut().zip(self.0.drain(..count)) {
                *slot = byte;
            }
            Ok(count)
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }

    #[test]
    fn reads_in_pieces_what_was_written() {
        let mut channel = Trickle(Vec::new());
        for content in [&b"twelve bytes"[..], b"", b"1"] {
            write_frame(&mut channel, content).unwrap();
        }
        assert_eq!(read_frame(&mut channel, 12), Ok(b"twelve bytes".to_vec()));
        assert_eq!(read_frame(&mut channel, 0), Ok(Vec::new()));
        assert_eq!(read_frame(&mut channel, 0), Err(Error::TooLarge(MessageKind::Frame)));
    }

    #[test]
    fn reports_truncated_frames_as_closed_and_long_ones_as_too_large() {
        let whole = [0, 0, 0, 2, 7, 8];
        for truncated in truncations(&whole) {
            let received = read_frame(&mut Trickle(truncated.to_vec()), 2);
            assert_eq!(received, Err(Error::Transport(TransportError::Closed)), "{} bytes", truncated.len());
        }
        let huge = read_frame(&mut Trickle([255; 8].to_vec()), MAX_FRAME);
        assert_eq!(huge, Err(Error::TooLarge(MessageKind::Frame)));
    }
}
