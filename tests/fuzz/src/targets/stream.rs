//! Encrypted streams, whole and frame by frame.
//!
//! - A sealed plaintext opens to the same bytes, also at lengths around that of a chunk.
//! - A sealed stream that is truncated, or has one bit flipped, does not open. The same holds for each frame.
//! - A reader has ended exactly after the last chunk. Then neither the writer nor the reader accepts another one.

use crate::damage::flip_bit;
use enclave_core::crypto::{CHUNK_LEN, FrameReader, FrameWriter, Secret, open_bytes, seal_bytes};
use enclave_core_aws_lc::AwsLc;
use zeroize::Zeroizing;

const AAD: &[u8] = b"aad";

/// The input is a sealed stream. It is also a plaintext behind two bytes, which choose the padding, the damage and the
/// cut.
pub fn check(data: &[u8]) {
    let _ = open_bytes::<AwsLc>(secret(), AAD, data);
    let Some((front, data)) = data.split_first_chunk::<2>() else { return };
    let padding = match front[0] % 8 {
        0 => CHUNK_LEN - data.len().min(CHUNK_LEN),
        1 => 2 * CHUNK_LEN - data.len().min(CHUNK_LEN),
        _ => 0,
    };
    let plain = [data, &vec![front[1]; padding]].concat();
    let sealed = seal_bytes::<AwsLc>(secret(), AAD, &plain).expect("sealing succeeds");
    let opened = open_bytes::<AwsLc>(secret(), AAD, &sealed).expect("a sealed stream opens");
    assert_eq!(opened.as_slice(), plain);
    let damaged = flip_bit(&sealed, front);
    assert!(open_bytes::<AwsLc>(secret(), AAD, &damaged).is_err());
    let cut = usize::from(u16::from_be_bytes(*front)) % sealed.len();
    assert!(open_bytes::<AwsLc>(secret(), AAD, &sealed[..cut]).is_err());
    check_frames(&plain, front);
}

fn secret() -> Secret {
    Secret::new(Zeroizing::new([3; 32]))
}

/// Seals and opens `plain` frame by frame. `front` chooses the damage.
fn check_frames(plain: &[u8], front: &[u8; 2]) {
    let (mut writer, commitment) = FrameWriter::<AwsLc>::new(secret(), AAD).expect("the secret is fresh");
    let reader = || FrameReader::<AwsLc>::new(secret(), AAD, &commitment).expect("the commitment is valid");
    let mut pieces = plain.chunks(CHUNK_LEN).peekable();
    let mut opened = Vec::new();
    let mut intact = reader();
    loop {
        let piece = pieces.next().unwrap_or_default();
        let last = pieces.peek().is_none();
        let frame = writer.frame(&[piece], last).expect("sealing succeeds");
        let frame = frame.get(4..).expect("a frame has a length").to_vec();
        assert!(reader().chunk(flip_bit(&frame, front)).is_err());
        assert!(!intact.ended());
        opened.extend_from_slice(&intact.chunk(frame).expect("a sealed frame opens"));
        if last {
            break;
        }
    }
    assert!(intact.ended() && opened == plain);
    assert!(writer.frame(&[], true).is_err() && intact.chunk(vec![1; 17]).is_err(), "a chunk follows the last one");
}
