//! Where each file lies in an installation.

use crate::program::Program;
use crate::{bash, fish, man, zsh};

/// All files, each with its path below the installation's prefix.
pub fn files(programs: &[Program]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for program in programs {
        let name = program.name();
        let pages = man::files(program, programs).into_iter();
        files.extend(pages.map(|(file, page)| (format!("share/man/man1/{file}"), page)));
        files.push((format!("share/bash-completion/completions/{name}"), bash::write(program)));
        files.push((format!("share/zsh/site-functions/_{name}"), zsh::write(program)));
        files.push((format!("share/fish/vendor_completions.d/{name}.fish"), fish::write(program)));
    }
    files
}
