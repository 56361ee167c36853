//! Worker → core: the function's output in frames, then how it ended.

use std::io::Write;

use capelet_abi::outcome::{End, Frame, MAX_DIAGNOSTIC, MAX_FRAME};

use crate::error::Error;
use crate::stop::Stop;

/// Collects the output into full frames and counts it.
#[derive(Debug)]
pub struct Frames<W> {
    to: W,
    pending: Vec<u8>,
    output_left: u64,
    diagnostic_left: usize,
}

impl<W: Write> Frames<W> {
    /// Frames for `to`, with at most `output` bytes of result.
    pub fn new(to: W, output: u64) -> Self {
        Self { to, pending: Vec::new(), output_left: output, diagnostic_left: MAX_DIAGNOSTIC }
    }

    /// More of the result: all of these bytes, or the run ends.
    pub fn output(&mut self, mut bytes: &[u8]) -> Result<(), Stop> {
        let length = u64::try_from(bytes.len()).map_err(|_| Stop::Output)?;
        self.output_left = self.output_left.checked_sub(length).ok_or(Stop::Output)?;
        while !bytes.is_empty() {
            let room = MAX_FRAME.saturating_sub(self.pending.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.pending.extend_from_slice(now);
            bytes = rest;
            if self.pending.len() == MAX_FRAME {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// More of the diagnostics, at once, for what a function wrote before it hung is what explains it. What exceeds
    /// [`MAX_DIAGNOSTIC`] is dropped: chatter is no reason to fail.
    pub fn diagnostic(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let kept = bytes.get(..self.diagnostic_left).unwrap_or(bytes);
        self.diagnostic_left = self.diagnostic_left.saturating_sub(kept.len());
        for part in kept.chunks(MAX_FRAME) {
            send(&mut self.to, Frame::Diagnostic, part).map_err(|_| Stop::Socket)?;
        }
        Ok(())
    }

    /// The last frame. What is left of the result goes before it, if there is a result.
    pub fn end(mut self, end: End) -> Result<(), Error> {
        if end == End::Completed {
            self.flush().map_err(|_| Error::Socket)?;
        }
        send(&mut self.to, Frame::End, &end.to_bytes()).map_err(|_| Error::Socket)
    }

    fn flush(&mut self) -> Result<(), Stop> {
        if !self.pending.is_empty() {
            send(&mut self.to, Frame::Output, &self.pending).map_err(|_| Stop::Socket)?;
            self.pending.clear();
        }
        Ok(())
    }
}

fn send(to: &mut impl Write, frame: Frame, content: &[u8]) -> std::io::Result<()> {
    let head = frame.head(content.len()).ok_or(std::io::ErrorKind::InvalidInput)?;
    to.write_all(&head)?;
    to.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use capelet_abi::outcome::{END_LEN, HEAD_LEN};

    fn parse(mut bytes: &[u8]) -> Vec<(Frame, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some((head, rest)) = bytes.split_first_chunk::<HEAD_LEN>() {
            let (frame, length) = Frame::parse(*head).unwrap();
            let (content, rest) = rest.split_at(length);
            frames.push((frame, content.to_vec()));
            bytes = rest;
        }
        assert!(bytes.is_empty());
        frames
    }

    #[test]
    fn output_arrives_whole_and_in_order() {
        let result: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut wire = Vec::new();
        let mut frames = Frames::new(&mut wire, 200_000);
        for part in result.chunks(777) {
            frames.output(part).unwrap();
        }
        frames.end(End::Completed).unwrap();
        let frames = parse(&wire);
        assert_eq!(frames.last().unwrap(), &(Frame::End, End::Completed.to_bytes().to_vec()));
        let output: Vec<u8> = frames.iter().filter(|f| f.0 == Frame::Output).flat_map(|f| f.1.clone()).collect();
        assert_eq!(output, result);
        assert_eq!(frames.len(), 5);
    }

    #[test]
    fn one_byte_too_many_is_refused_and_the_limit_is_not() {
        let mut frames = Frames::new(Vec::new(), 5);
        frames.output(b"12345").unwrap();
        frames.output(b"").unwrap();
        assert_eq!(frames.output(b"6"), Err(Stop::Output));
    }

    #[test]
    fn a_failure_carries_no_rest_of_a_result() {
        let mut wire = Vec::new();
        let mut frames = Frames::new(&mut wire, 100);
        frames.output(b"half").unwrap();
        frames.end(End::Trapped).unwrap();
        assert_eq!(wire.len(), HEAD_LEN + END_LEN);
    }

    #[test]
    fn diagnostics_are_cut_off() {
        let mut wire = Vec::new();
        let mut frames = Frames::new(&mut wire, 0);
        for _ in 0..3 {
            frames.diagnostic(&vec![b'x'; MAX_DIAGNOSTIC / 2 + 1]).unwrap();
        }
        frames.end(End::Completed).unwrap();
        let kept: usize = parse(&wire).iter().filter(|f| f.0 == Frame::Diagnostic).map(|f| f.1.len()).sum();
        assert_eq!(kept, MAX_DIAGNOSTIC);
    }
}
