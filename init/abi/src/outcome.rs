//! The outcome: the frames that a worker sends to the core. Each is tag ‖ u32be length ‖ content. The last is
//! [`Frame::Report`].

/// The longest content of a frame, in bytes. The worker splits what is longer; the core rejects a longer frame.
pub const MAX_OUTCOME_FRAME: usize = 65_536;
/// The most bytes of [`Frame::Diagnostic`] in one run. The worker and the core drop the rest. A client rejects more.
pub const MAX_DIAGNOSTIC: usize = 32_768;
/// Length of a frame's head in bytes: tag (1) and length of the content (4).
pub const OUTCOME_HEAD_LEN: usize = 5;
/// Length of an encoded [`WorkerReport`] in bytes: kind (1) and status (4).
pub const WORKER_REPORT_LEN: usize = 5;

/// What a frame contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Part of the result.
    Output,
    /// Part of what the function wrote to stderr.
    Diagnostic,
    /// A [`WorkerReport`]: how the run ended.
    Report,
}

/// How a run ended, as the worker reports it.
///
/// The report proves nothing about the function, because a function that breaks the interpreter can send any report.
/// The core believes it for this run only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerReport {
    /// The function returned, or exited with status 0.
    Completed,
    /// The function exited with this status, which is not 0.
    Status(u32),
    /// The function trapped.
    Trapped,
    /// The function exceeded its memory limit.
    Memory,
    /// The function exceeded its fuel limit.
    Fuel,
    /// The function exceeded its output limit.
    Output,
    /// The module is invalid, imports something unsupported, or lacks a required export.
    BadModule,
    /// The handler returned a range outside its memory, or the reactor exited without a result.
    BadResult,
}

impl Frame {
    /// Encodes the head of a frame with `length` bytes of content. Returns `None` if `length` exceeds
    /// [`MAX_OUTCOME_FRAME`].
    pub fn head(self, length: usize) -> Option<[u8; OUTCOME_HEAD_LEN]> {
        let tag = match self {
            Self::Output => 1,
            Self::Diagnostic => 2,
            Self::Report => 3,
        };
        let [a, b, c, d] = u32::try_from(length).ok().filter(|_| length <= MAX_OUTCOME_FRAME)?.to_be_bytes();
        Some([tag, a, b, c, d])
    }

    /// Parses a head into the frame's kind and the length of its content. Returns `None` if the tag is unknown, the
    /// content too long, or a report not [`WORKER_REPORT_LEN`] bytes long.
    pub fn parse(head: [u8; OUTCOME_HEAD_LEN]) -> Option<(Self, usize)> {
        let [tag, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|n| *n <= MAX_OUTCOME_FRAME)?;
        match tag {
            1 => Some((Self::Output, length)),
            2 => Some((Self::Diagnostic, length)),
            3 if length == WORKER_REPORT_LEN => Some((Self::Report, length)),
            _ => None,
        }
    }
}

impl WorkerReport {
    /// Encodes the report: kind ‖ u32be status. The status is 0 unless the kind is [`WorkerReport::Status`].
    pub fn to_bytes(self) -> [u8; WORKER_REPORT_LEN] {
        let (kind, status) = match self {
            Self::Completed => (0, 0),
            Self::Status(status) => (1, status),
            Self::Trapped => (2, 0),
            Self::Memory => (3, 0),
            Self::Fuel => (4, 0),
            Self::Output => (5, 0),
            Self::BadModule => (6, 0),
            Self::BadResult => (7, 0),
        };
        let [a, b, c, d] = u32::to_be_bytes(status);
        [kind, a, b, c, d]
    }

    /// Parses a report. Returns `None` for an unknown kind and for a report that [`WorkerReport::to_bytes`] does not
    /// produce.
    pub fn from_bytes(bytes: [u8; WORKER_REPORT_LEN]) -> Option<Self> {
        let [kind, status @ ..] = bytes;
        match (kind, u32::from_be_bytes(status)) {
            (0, 0) => Some(Self::Completed),
            (1, status) if status != 0 => Some(Self::Status(status)),
            (2, 0) => Some(Self::Trapped),
            (3, 0) => Some(Self::Memory),
            (4, 0) => Some(Self::Fuel),
            (5, 0) => Some(Self::Output),
            (6, 0) => Some(Self::BadModule),
            (7, 0) => Some(Self::BadResult),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        for report in [
            WorkerReport::Completed,
            WorkerReport::Status(7),
            WorkerReport::Trapped,
            WorkerReport::Memory,
            WorkerReport::Fuel,
            WorkerReport::Output,
            WorkerReport::BadModule,
            WorkerReport::BadResult,
        ] {
            assert_eq!(WorkerReport::from_bytes(report.to_bytes()), Some(report));
        }
        for frame in [Frame::Output, Frame::Diagnostic, Frame::Report] {
            assert_eq!(Frame::parse(frame.head(WORKER_REPORT_LEN).unwrap()), Some((frame, WORKER_REPORT_LEN)));
        }
    }

    #[test]
    fn rejects_second_encodings_and_wrong_lengths() {
        assert_eq!(WorkerReport::from_bytes([0, 0, 0, 0, 1]), None);
        assert_eq!(WorkerReport::from_bytes([1, 0, 0, 0, 0]), None);
        assert_eq!(Frame::parse([3, 0, 0, 0, 4]), None);
        assert_eq!(Frame::parse([1, 0, 1, 0, 1]), None);
        assert_eq!(Frame::Output.head(MAX_OUTCOME_FRAME + 1), None);
    }
}
