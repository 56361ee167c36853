//! Sending one message. Both sides use it.

use crate::Error;
use crate::crypto::{CHUNK_LEN, Crypto, FrameWriter, Secret};
use crate::encoding::{Channel, write_frame};

/// Sends head ‖ body as one stream: one frame for the commitment, and one for each chunk. `secret` is consumed with the
/// first byte: after a failure the connection must be closed.
///
/// # Errors
/// [`Error::Transport`]; those of [`Crypto`].
pub fn send_message<C: Crypto>(
    channel: &mut impl Channel,
    secret: Secret,
    aad: &[u8],
    head: &[u8],
    body: &[u8],
) -> Result<(), Error> {
    let (mut writer, commitment) = FrameWriter::<C>::new(secret, aad)?;
    write_frame(channel, &commitment)?;
    let room = CHUNK_LEN.saturating_sub(head.len());
    let (taken, mut rest) = body.split_at(room.min(body.len()));
    channel.write(writer.frame(&[head, taken], rest.is_empty())?)?;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(CHUNK_LEN.min(rest.len()));
        channel.write(writer.frame(&[chunk], after.is_empty())?)?;
        rest = after;
    }
    Ok(())
}
