//! The frames that the worker sends to the core: the function's output, then a report of how the run ended.

use std::io::Write;

use capelet_abi::{Frame, MAX_DIAGNOSTIC, MAX_OUTCOME_FRAME, WorkerReport};

use crate::error::Error;
use crate::stop::Stop;

/// Writes frames. It collects output into full frames, and enforces the limits on output and diagnostics.
#[derive(Debug)]
pub struct FrameWriter<W> {
    to: W,
    pending: Vec<u8>,
    output_left: u64,
    diagnostic_left: usize,
}

impl<W: Write> FrameWriter<W> {
    /// Writes to `to`, at most `output` bytes of result.
    pub fn new(to: W, output: u64) -> Self {
        Self { to, pending: Vec::new(), output_left: output, diagnostic_left: MAX_DIAGNOSTIC }
    }

    /// Adds bytes to the result.
    ///
    /// # Errors
    ///
    /// [`Stop::Output`] if the result would exceed its limit; then none of these bytes is added. [`Stop::Socket`] if
    /// writing fails.
    pub fn output(&mut self, mut bytes: &[u8]) -> Result<(), Stop> {
        let length = u64::try_from(bytes.len()).map_err(|_| Stop::Output)?;
        self.output_left = self.output_left.checked_sub(length).ok_or(Stop::Output)?;
        while !bytes.is_empty() {
            let room = MAX_OUTCOME_FRAME.saturating_sub(self.pending.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.pending.extend_from_slice(now);
            bytes = rest;
            if self.pending.len() == MAX_OUTCOME_FRAME {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Sends diagnostics immediately, because they may explain why a function hangs afterwards. Bytes beyond
    /// [`MAX_DIAGNOSTIC`] are dropped, and the run goes on.
    ///
    /// # Errors
    ///
    /// [`Stop::Socket`] if writing fails.
    pub fn diagnostic(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let kept = bytes.get(..self.diagnostic_left).unwrap_or(bytes);
        self.diagnostic_left = self.diagnostic_left.saturating_sub(kept.len());
        for part in kept.chunks(MAX_OUTCOME_FRAME) {
            send(&mut self.to, Frame::Diagnostic, part).map_err(|_| Stop::Socket)?;
        }
        Ok(())
    }

    /// Sends the report as the last frame. If the run completed, the rest of the result is sent first.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`] if writing fails.
    pub fn report(mut self, report: WorkerReport) -> Result<(), Error> {
        if report == WorkerReport::Completed {
            self.flush().map_err(|_| Error::Socket)?;
        }
        send(&mut self.to, Frame::Report, &report.to_bytes()).map_err(|_| Error::Socket)
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
    use capelet_abi::{OUTCOME_HEAD_LEN, WORKER_REPORT_LEN};

    fn parse(mut bytes: &[u8]) -> Vec<(Frame, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some((head, rest)) = bytes.split_first_chunk::<OUTCOME_HEAD_LEN>() {
            let (frame, length) = Frame::parse(*head).unwrap();
            let (content, rest) = rest.split_at(length);
            frames.push((frame, content.to_vec()));
            bytes = rest;
        }
        assert!(bytes.is_empty());
        frames
    }

    #[test]
    fn sends_all_output_in_order() {
        let result: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut wire = Vec::new();
        let mut frames = FrameWriter::new(&mut wire, 200_000);
        for part in result.chunks(777) {
            frames.output(part).unwrap();
        }
        frames.report(WorkerReport::Completed).unwrap();
        let frames = parse(&wire);
        assert_eq!(frames.last().unwrap(), &(Frame::Report, WorkerReport::Completed.to_bytes().to_vec()));
        let output: Vec<u8> = frames.iter().filter(|f| f.0 == Frame::Output).flat_map(|f| f.1.clone()).collect();
        assert_eq!(output, result);
        assert_eq!(frames.len(), 5);
    }

    #[test]
    fn rejects_the_first_byte_beyond_the_limit() {
        let mut frames = FrameWriter::new(Vec::new(), 5);
        frames.output(b"12345").unwrap();
        frames.output(b"").unwrap();
        assert_eq!(frames.output(b"6"), Err(Stop::Output));
    }

    #[test]
    fn a_failure_drops_the_collected_output() {
        let mut wire = Vec::new();
        let mut frames = FrameWriter::new(&mut wire, 100);
        frames.output(b"part").unwrap();
        frames.report(WorkerReport::Trapped).unwrap();
        assert_eq!(wire.len(), OUTCOME_HEAD_LEN + WORKER_REPORT_LEN);
    }

    #[test]
    fn drops_diagnostics_beyond_their_limit() {
        let mut wire = Vec::new();
        let mut frames = FrameWriter::new(&mut wire, 0);
        for _ in 0..3 {
            frames.diagnostic(&vec![b'x'; MAX_DIAGNOSTIC / 2 + 1]).unwrap();
        }
        frames.report(WorkerReport::Completed).unwrap();
        let kept: usize = parse(&wire).iter().filter(|f| f.0 == Frame::Diagnostic).map(|f| f.1.len()).sum();
        assert_eq!(kept, MAX_DIAGNOSTIC);
    }
}
