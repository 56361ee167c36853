//! Frames, as in all protocols of this project: the length as four big-endian bytes, and then the bytes.

use std::io::{self, ErrorKind, Read, Write};

/// Reads a frame of at most `longest` bytes. `None` if the stream ends before its first byte.
///
/// # Errors
/// `InvalidData` for a longer frame, `UnexpectedEof` for a truncated one, and every error of the stream.
pub fn read_frame(from: &mut impl Read, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    loop {
        match from.read(&mut length[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
    }
    read_frame_begun(from, length[0], longest).map(Some)
}

/// Reads the rest of a frame whose first byte has been read.
///
/// # Errors
/// Those of [`read_frame`].
pub fn read_frame_begun(from: &mut impl Read, first: u8, longest: usize) -> io::Result<Vec<u8>> {
    let mut length = [first, 0, 0, 0];
    from.read_exact(&mut length[1..])?;
    let length = u32::from_be_bytes(length) as usize;
    if length > longest {
        return Err(io::Error::from(ErrorKind::InvalidData));
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame)?;
    Ok(frame)
}

/// Writes a frame in one write.
///
/// # Errors
/// `InvalidData` for a frame of 4 GiB or more, and every error of the stream.
pub fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    to.write_all(&[&length.to_be_bytes(), frame].concat())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_frames_up_to_the_limit_only() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, b"abc").unwrap();
        assert_eq!(bytes, b"\0\0\0\x03abc");
        assert_eq!(read_frame(&mut &bytes[..], 3).unwrap().unwrap(), b"abc");
        assert!(read_frame(&mut &bytes[..], 2).is_err());
        assert!(read_frame(&mut &bytes[..6], 3).is_err());
        assert!(read_frame(&mut &b""[..], 3).unwrap().is_none());
    }
}
