//! The folders: whose they are, who may change them, and files of an earlier version's layout.

use super::{Check, Finding};
use crate::home::check_folder;
use crate::home::folders::{Folder, Folders, Layout, Place};
use crate::home::state_files::DATA_AND_STATE;
use std::fs;
use std::path::Path;

pub(super) fn check(folders: &Folders) -> Vec<Finding> {
    let refused = folders.paths().into_iter().filter_map(|path| check_folder(path).err());
    let mut found: Vec<_> = refused.map(|error| Finding::error(Check::Folders, &error)).collect();
    if !found.is_empty() {
        return found;
    }
    match folders.layout() {
        Layout::Named => {
            let path = folders.path(Folder::Config).display();
            found.push(Finding::ok(Check::Folders, format!("everything is in {path}, which CAPELET_HOME names")));
        }
        Layout::Apart => {
            let [config, data, state] = Folder::ALL.map(|folder| folders.path(folder).display());
            let text = format!("configuration is in {config}, data in {data}, state in {state}");
            found.push(Finding::ok(Check::Folders, text));
            found.extend(stray(folders));
        }
        Layout::Earlier => found.push(earlier(folders.path(Folder::Config), Folders::apart().ok().as_ref())),
    }
    found
}

/// A folder in which an earlier version kept everything. `apart` are the folders of today, unless the environment does not
/// name them.
fn earlier(folder: &Path, apart: Option<&Folders>) -> Finding {
    let text = format!("everything is in {}, where earlier versions kept it", folder.display());
    let Some(apart) = apart else {
        return Finding::warning(Check::Folders, text, "set HOME, so that configuration, data and state can lie apart");
    };
    let twice: Vec<_> = misplaced(folder, apart).into_iter().map(|place| apart.file(place)).collect();
    let twice: Vec<_> = twice.iter().filter(|path| exists(path)).map(|path| path.display().to_string()).collect();
    if twice.is_empty() {
        Finding::warning(Check::Folders, text, move_command(folder, apart))
    } else {
        let text = format!("{text}, but these exist too, and are not read: {}", twice.join(", "));
        Finding::problem(Check::Folders, text, "find out which files are yours, and move the others away")
    }
}

/// Files of data or state that lie with the configuration, where nothing reads them: somebody moved a part of an earlier
/// version's folder.
fn stray(folders: &Folders) -> Option<Finding> {
    let folder = folders.path(Folder::Config);
    let misplaced = misplaced(folder, folders);
    let names: Vec<_> = misplaced.iter().map(|place| place.name).collect();
    let text = format!("{} has files that are not read there: {}", folder.display(), names.join(", "));
    (!names.is_empty()).then(|| Finding::warning(Check::Folders, text, move_command(folder, folders)))
}

/// What lies in `folder` and belongs elsewhere.
fn misplaced(folder: &Path, apart: &Folders) -> Vec<Place> {
    let elsewhere = |place: &Place| apart.path(place.folder) != folder && exists(&folder.join(place.name));
    DATA_AND_STATE.into_iter().filter(elsewhere).collect()
}

/// The shell's command that moves what lies in `folder` and belongs elsewhere. It replaces nothing. The identity goes last,
/// so that an interrupted move leaves the folder as one.
fn move_command(folder: &Path, apart: &Folders) -> String {
    let misplaced = misplaced(folder, apart);
    let moves = [Folder::State, Folder::Data].into_iter().filter_map(|to| {
        let files: Vec<_> = misplaced.iter().filter(|place| place.folder == to).collect();
        let files: Vec<_> = files.iter().map(|place| quoted(&folder.join(place.name))).collect();
        let to = quoted(apart.path(to));
        (!files.is_empty()).then(|| format!("mkdir -p -m 700 {to} && mv -n {} {to}", files.join(" ")))
    });
    format!("run `{}`", moves.collect::<Vec<_>>().join(" && "))
}

/// A path as the shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_the_shell_would_split_or_expand() {
        for (path, expected) in [("/a/b.c", "/a/b.c"), ("/a b", "'/a b'"), ("/$x", "'/$x'"), ("/it's", r"'/it'\''s'")] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
