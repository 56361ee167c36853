//! Frames on a connection.
//!
//! - Frames that are read, whatever the pieces they arrive in, are written as the same bytes.
//! - No frame is longer than the limit of the call.

use crate::trickle::Trickle;
use enclave_core::encoding::{read_frame, write_frame};

const LIMIT: usize = 1024;

/// The first byte is the most bytes per read; the rest are frames.
pub fn check(data: &[u8]) {
    let Some((&piece, data)) = data.split_first() else { return };
    let mut channel = Trickle::new(data, piece);
    while let Ok(content) = read_frame(&mut channel, LIMIT) {
        assert!(content.len() <= LIMIT);
        write_frame(&mut channel, &content).expect("writing to memory succeeds");
        assert_eq!(channel.written, data[..channel.written.len()]);
    }
}
