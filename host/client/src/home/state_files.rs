//! The places of the files that hold state.

use super::accepted::AcceptedTexts;
use super::backups::Backups;
use super::catalogue::Catalogue;
use super::contacts::Contacts;
use super::folders::{IDENTITY, Place};
use super::seen::Seen;
use super::settings::Settings;
use super::statements::{POLICIES, STATEMENTS};
use super::trust::Trust;
use super::{Home, LOCK, RECEIPTS, State as _, VAULT_LOCK};
use std::fs;
use std::path::Path;

/// The places of all files that hold state.
const FILES: [Place; 10] = [
    IDENTITY,
    Catalogue::PLACE,
    AcceptedTexts::PLACE,
    Trust::PLACE,
    Contacts::PLACE,
    Settings::PLACE,
    Seen::PLACE,
    Backups::PLACE,
    LOCK,
    VAULT_LOCK,
];

/// What belongs into the folders for state and for data, but the locks. The identity comes last.
pub(crate) const DATA_AND_STATE: [Place; 8] =
    [Seen::PLACE, Backups::PLACE, STATEMENTS, POLICIES, RECEIPTS, AcceptedTexts::PLACE, Catalogue::PLACE, IDENTITY];

impl Home {
    /// Whether `path` names one of the files that this client keeps its state in, directly or through a link.
    pub fn holds(&self, path: &Path) -> bool {
        // A link at the end is followed if it leads anywhere.
        let path = fs::canonicalize(path).ok().or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
        });
        let Some(path) = path else { return false };
        FILES.iter().any(|place| {
            let folder = fs::canonicalize(self.folders.path(place.folder));
            folder.is_ok_and(|folder| path == folder.join(place.name))
        })
    }
}
