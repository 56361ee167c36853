//! The data of a run's wasmi store.

use wasmi::StoreLimits;

use crate::wasi::Wasi;

/// The data of one run.
pub struct State {
    /// The limits on memory, tables and instances.
    pub limits: StoreLimits,
    /// The state on which the function's calls act.
    pub wasi: Wasi,
}
