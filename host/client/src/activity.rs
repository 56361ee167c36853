//! What a session is doing, for somebody who waits for it.

/// A step of a session. After each [`Activity::Sending`] and [`Activity::Receiving`], [`Activity::Moved`] counts up to
/// about the announced bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A message of this many bytes begins to be sent.
    Sending(u64),
    /// The answer is awaited.
    Waiting,
    /// A body of this many bytes begins to be received.
    Receiving(u64),
    /// So many further bytes were sent or received. The encryption adds a little to a message.
    Moved(u64),
    /// The answer is complete.
    Done,
}

/// Receives each [`Activity`] of a session.
pub type Observer = Box<dyn FnMut(Activity) + Send>;
