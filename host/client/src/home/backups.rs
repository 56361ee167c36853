//! When the identity was last exported, and what the export contained. `doctor` compares it with what there is now.

use super::folders::Place;
use super::{Home, State};
use crate::error::Error;
use crate::values::{Hex, OwnerText, unix_millis};
use enclave_core::{OwnerKey, UnixMillis};
use serde::{Deserialize, Serialize};

/// One backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Whose it is.
    pub owner: OwnerText,
    /// When this machine wrote or read it.
    #[serde(with = "unix_millis")]
    pub time: UnixMillis,
    /// The digest of its content.
    pub content: Hex<[u8; 32]>,
}

/// The last backup. It says nothing about another identity than its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backups {
    last: Option<Backup>,
}

impl State for Backups {
    const PLACE: Place = Place::state("backups.json");
}

impl Backups {
    /// The last backup of this identity. `None` if this machine knows of none.
    pub fn last_of(&self, owner: &OwnerKey) -> Option<&Backup> {
        self.last.as_ref().filter(|last| last.owner.0 == *owner)
    }
}

impl Home {
    /// Records that a backup exists.
    ///
    /// # Errors
    /// Those of [`Home::update`].
    pub fn record_backup(&self, backup: Backup) -> Result<(), Error> {
        self.update(|backups: &mut Backups| {
            backups.last = Some(backup);
            Ok(())
        })
    }
}
