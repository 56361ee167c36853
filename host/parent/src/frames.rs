//! Frames: the length as a big-endian `u32`, then the bytes. A body is a sequence of frames that ends with an empty
//! one.

use crate::Error;
use crate::stream::{Stream, Until};
use enclave_core::parent::{MAX_BODY, MAX_BODY_FRAME};

/// Reads one frame of at most `most` bytes. `None` if the other side ended before the first byte.
pub(crate) fn read(stream: &Stream, most: usize, until: Until<'_>) -> Result<Option<Vec<u8>>, Error> {
    let mut length = [0; 4];
    if !stream.fill(&mut length, until)? {
        return Ok(None);
    }
    let mut bytes = vec![0; bounded(length, most)?];
    fill(stream, &mut bytes, until)?;
    Ok(Some(bytes))
}

/// Reads a body to its end and calls `each` for every frame. Returns the body's length in bytes.
pub(crate) fn read_body(stream: &Stream, until: Until<'_>, mut each: impl FnMut(&[u8])) -> Result<usize, Error> {
    let mut buffer = vec![0; MAX_BODY_FRAME];
    let mut total = 0;
    loop {
        let mut length = [0; 4];
        fill(stream, &mut length, until)?;
        let length = bounded(length, MAX_BODY_FRAME.min(MAX_BODY - total))?;
        if length == 0 {
            return Ok(total);
        }
        fill(stream, &mut buffer[..length], until)?;
        each(&buffer[..length]);
        total += length;
    }
}

/// Writes one frame.
pub(crate) fn write(stream: &Stream, bytes: &[u8], until: Until<'_>) -> Result<(), Error> {
    stream.write_all(&frame(bytes)?, until)
}

/// Encodes one frame. The length must fit into four bytes; the parent writes no longer frame.
pub(crate) fn frame(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u32::try_from(bytes.len()).map_err(|_| Error::TooManyBytes)?;
    Ok([length.to_be_bytes().as_slice(), bytes].concat())
}

fn fill(stream: &Stream, buffer: &mut [u8], until: Until<'_>) -> Result<(), Error> {
    // `Stream::fill` returns `true` for an empty buffer without reading, so this is not an end.
    if buffer.is_empty() || stream.fill(buffer, until)? { Ok(()) } else { Err(Error::Closed) }
}

fn bounded(length: [u8; 4], most: usize) -> Result<usize, Error> {
    usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= most).ok_or(Error::Malformed)
}
