//! The names of the files that hold state.

use super::accepted::AcceptedTexts;
use super::catalogue::Catalogue;
use super::contacts::Contacts;
use super::seen::Seen;
use super::settings::Settings;
use super::trust::Trust;
use super::{Home, State as _};
use std::fs;
use std::path::Path;

/// The names of all files that hold state.
const FILES: [&str; 9] = [
    super::identity::FILE,
    Catalogue::FILE,
    AcceptedTexts::FILE,
    Trust::FILE,
    Contacts::FILE,
    Settings::FILE,
    Seen::FILE,
    "lock",
    "vault.lock",
];

impl Home {
    /// Whether `path` names one of the files that this client keeps its state in, directly or through a link.
    pub fn holds(&self, path: &Path) -> bool {
        let Ok(home) = fs::canonicalize(&self.path) else { return false };
        // A link at the end is followed if it leads anywhere.
        let path = fs::canonicalize(path).ok().or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
        });
        path.is_some_and(|path| FILES.iter().any(|name| path == home.join(name)))
    }
}
