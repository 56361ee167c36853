//! The parts of the shared state, together.

use crate::state::clock::Clock;
use crate::state::data_keys::DataKeys;
use crate::state::key_readings::KeyReadings;
use crate::state::pool::Pool;
use crate::state::replay::ReplayWindow;

/// Memory that is not for sessions, in bytes: the core itself, PID 1, and for each session its thread, its frames, and
/// the messages of KMS and the parent, some 1 MiB.
const OWN_MEMORY: u64 = 96 << 20;

/// How much of a machine's `total` memory sessions may reserve, in bytes. The kernel gets a sixteenth.
pub fn memory_budget(total: u64) -> u64 {
    (total - total / 16).saturating_sub(OWN_MEMORY)
}

/// What the sessions of one boot share.
pub struct SharedState {
    /// The clock.
    pub(crate) clock: Clock,
    /// The request ids that were accepted.
    pub(crate) replay: ReplayWindow,
    /// What was read of KMS keys.
    pub(crate) keys: KeyReadings,
    /// The data keys that KMS unwrapped.
    pub(crate) data_keys: DataKeys,
    /// The memory that sessions may reserve, in bytes: for bodies, stored objects, their contents, workers, and outputs.
    pub(crate) memory: Pool,
}

impl SharedState {
    /// The state at boot. Sessions may reserve `memory` bytes; see [`memory_budget`].
    pub fn new(memory: u64) -> Self {
        Self {
            clock: Clock::default(),
            replay: ReplayWindow::default(),
            keys: KeyReadings::default(),
            data_keys: DataKeys::default(),
            memory: Pool::new(memory),
        }
    }
}
