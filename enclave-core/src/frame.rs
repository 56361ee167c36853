//! Frames: u32be length ‖ content, over TLS and to the parent.

use crate::error::Down;
use crate::platform::Channel;
use crate::{Error, Part};
use alloc::vec::Vec;

/// The longest frame between client and enclave, without its length, in bytes.
pub const MAX_FRAME: usize = 66_000;

/// The content of the next frame, of at most `most` bytes: else [`Error::TooLarge`] (`Part::Frame`), before anything
/// is allocated.
pub fn read(channel: &mut impl Channel, most: usize) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    append(channel, &mut content, most)?;
    Ok(content)
}

/// As [`read`], onto the end of `to`. Gives the frame's length.
pub fn append(channel: &mut impl Channel, to: &mut Vec<u8>, most: usize) -> Result<usize, Error> {
    let mut length = [0; 4];
    fill(channel, &mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= most);
    let length = length.ok_or(Error::TooLarge(Part::Frame))?;
    let start = to.len();
    to.resize(start.saturating_add(length), 0);
    fill(channel, to.get_mut(start..).ok_or(Down::Failed)?)?;
    Ok(length)
}

/// Reads until `buffer` is full; the end of the channel before that is [`Down::Closed`].
fn fill(channel: &mut impl Channel, mut buffer: &mut [u8]) -> Result<(), Error> {
    while !buffer.is_empty() {
        let read = channel.read(buffer)?;
        if read == 0 {
            return Err(Down::Closed.into());
        }
        buffer = buffer.get_mut(read..).ok_or(Down::Failed)?;
    }
    Ok(())
}

/// Sends `content` as a frame, in one write.
pub fn write(channel: &mut impl Channel, content: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(content.len()).map_err(|_| Error::TooLarge(Part::Frame))?;
    Ok(channel.write(&[length.to_be_bytes().as_slice(), content].concat())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of three, then ends.
    struct Trickle(Vec<u8>);

    impl Channel for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
            let count = buffer.len().min(3).min(self.0.len());
            for (slot, byte) in buffer.iter_mut().zip(self.0.drain(..count)) {
                *slot = byte;
            }
            Ok(count)
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }

    #[test]
    fn both_ways_in_pieces() {
        let mut channel = Trickle(Vec::new());
        for content in [&b"twelve bytes"[..], b"", b"1"] {
            write(&mut channel, content).unwrap();
        }
        assert_eq!(read(&mut channel, 12), Ok(b"twelve bytes".to_vec()));
        assert_eq!(read(&mut channel, 0), Ok(Vec::new()));
        assert_eq!(read(&mut channel, 0), Err(Error::TooLarge(Part::Frame)));
    }

    #[test]
    fn every_truncation_is_closed() {
        let whole = [0, 0, 0, 2, 7, 8];
        for end in 0..whole.len() {
            assert_eq!(read(&mut Trickle(whole[..end].to_vec()), 2), Err(Error::Down(Down::Closed)));
        }
        assert_eq!(read(&mut Trickle([255; 8].to_vec()), MAX_FRAME), Err(Error::TooLarge(Part::Frame)));
    }
}
