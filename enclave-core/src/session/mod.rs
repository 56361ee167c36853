//! A client's session: the handshake, then one request after the other, on one thread.

mod body;
mod context;
mod exchange;
mod handlers;
mod handshake;
mod pending;
mod reply;
mod request_error;
mod send;
mod serve;

pub use body::MAX_DISCARDED;
pub use send::send_message;
pub use serve::serve;
