//! Worker → core: frames, each tag ‖ u32be length ‖ bytes; the last is [`Frame::End`].

/// The longest frame's content, in bytes.
pub const MAX_FRAME: usize = 65_536;
/// The most bytes of [`Frame::Diagnostic`] of one run; the worker drops what exceeds it.
pub const MAX_DIAGNOSTIC: usize = 32_768;
/// Length of what stands in front of a frame's content: tag and length.
pub const HEAD_LEN: usize = 5;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// More of the result.
    Output,
    /// More of what the function wrote to stderr.
    Diagnostic,
    /// How the run ended; the content is an [`End`].
    End,
}

/// How a run ended, as the worker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The function returned, or ended with status 0.
    Completed,
    /// It ended with this status, not 0.
    Status(u32),
    /// It trapped.
    Trapped,
    /// It asked for more memory than allowed.
    Memory,
    /// It spent its fuel.
    Fuel,
    /// It wrote more than allowed.
    Output,
    /// The module is invalid, imports what it may not, or lacks what it must export.
    BadModule,
    /// The handler named a place outside its memory, or left without a result.
    BadResult,
}

/// Length of an [`End`], in bytes: kind ‖ u32be status.
pub const END_LEN: usize = 5;

impl Frame {
    /// What stands in front of `length` bytes of this kind; None if there are too many.
    pub fn head(self, length: usize) -> Option<[u8; HEAD_LEN]> {
        let tag = match self {
            Self::Output => 1,
            Self::Diagnostic => 2,
            Self::End => 3,
        };
        let [a, b, c, d] = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME)?.to_be_bytes();
        Some([tag, a, b, c, d])
    }

    /// Kind and length of the content that follows; None if it is no frame.
    pub fn parse(head: [u8; HEAD_LEN]) -> Option<(Self, usize)> {
        let [tag, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|n| *n <= MAX_FRAME)?;
        match tag {
            1 => Some((Self::Output, length)),
            2 => Some((Self::Diagnostic, length)),
            3 if length == END_LEN => Some((Self::End, length)),
            _ => None,
        }
    }
}

impl End {
    /// kind ‖ u32be status.
    pub fn to_bytes(self) -> [u8; END_LEN] {
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

    /// None if it is no end.
    pub fn from_bytes(bytes: [u8; END_LEN]) -> Option<Self> {
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
    fn both_ways() {
        for end in [
            End::Completed,
            End::Status(7),
            End::Trapped,
            End::Memory,
            End::Fuel,
            End::Output,
            End::BadModule,
            End::BadResult,
        ] {
            assert_eq!(End::from_bytes(end.to_bytes()), Some(end));
        }
        for frame in [Frame::Output, Frame::Diagnostic, Frame::End] {
            assert_eq!(Frame::parse(frame.head(END_LEN).unwrap()), Some((frame, END_LEN)));
        }
    }

    #[test]
    fn success_cannot_be_said_in_another_way() {
        assert_eq!(End::from_bytes([0, 0, 0, 0, 1]), None);
        assert_eq!(End::from_bytes([1, 0, 0, 0, 0]), None);
        assert_eq!(Frame::parse([3, 0, 0, 0, 4]), None);
        assert_eq!(Frame::parse([1, 0, 1, 0, 1]), None);
        assert_eq!(Frame::Output.head(MAX_FRAME + 1), None);
    }
}
