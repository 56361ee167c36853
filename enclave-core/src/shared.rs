//! What the sessions of one boot share. Placeholder until the session is there.

/// State of one boot.
pub struct Shared {}
