//! The parts of the shared state, together.

use crate::state::clock::Clock;
use crate::state::data_keys::DataKeys;
use crate::state::key_readings::KeyReadings;
use crate::state::memory::Memory;
use crate::state::replay::ReplayWindow;

/// What the sessions of one boot share.
#[derive(Default)]
pub struct SharedState {
    /// The clock.
    pub(crate) clock: Clock,
    /// The request ids that were accepted.
    pub(crate) replay: ReplayWindow,
    /// What was read of KMS keys.
    pub(crate) keys: KeyReadings,
    /// The data keys that KMS unwrapped.
    pub(crate) data_keys: DataKeys,
    /// The reserved memory.
    pub(crate) memory: Memory,
}
