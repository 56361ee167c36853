//! Everything that an auditor has to read or trust, as data for the pages.

use crate::audit::crate_tree::CrateTree;
use crate::audit::image::ImageContents;
use crate::audit::kernel::KernelObjects;
use crate::audit::outside_crates::OutsideCrate;
use crate::audit::own_code::OwnFolder;
use crate::audit::programs::Program;

/// What the image consists of.
pub struct TrustBase {
    /// The programs, each with the crates that are compiled into it.
    pub programs: Vec<(&'static Program, CrateTree)>,
    /// Crates of other projects, largest first.
    pub crates: Vec<OutsideCrate>,
    /// Our own code, by package.
    pub own: Vec<OwnFolder>,
    pub image: ImageContents,
    /// The size of bzImage in bytes.
    pub kernel_size: u64,
    pub kernel: KernelObjects,
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::audit::code_size::FileSize;
    use crate::audit::crate_tree::CrateId;
    use crate::audit::image::{Entry, Kind};
    use crate::audit::own_code::OwnFile;
    use crate::audit::programs::PROGRAMS;
    use crate::repo_path::RepoPath;

    /// A small trust base, for the tests of the pages.
    pub fn sample() -> TrustBase {
        let file = |path: &str, lines: usize, unsafe_lines: &[&str]| OwnFile {
            path: RepoPath::new(path),
            size: FileSize { lines, unsafe_lines: unsafe_lines.iter().map(|line| (*line).into()).collect() },
        };
        let outside = |name: &str, lines, unsafe_count| OutsideCrate {
            id: CrateId { name: name.into(), version: "1.0.0".into() },
            lines,
            unsafe_count,
            programs: ["core", "pid1"].into(),
        };
        let tree = CrateTree {
            text: "capelet-pid1 v0.1.0\n└── libc v1.0.0\n".into(),
            crates: ["capelet-pid1", "libc"].map(|name| CrateId { name: name.into(), version: "1.0.0".into() }).into(),
            edges: [].into(),
        };
        let entry = |path: &str, kind| Entry { path: path.into(), kind, mode: "0555".into() };
        let objects = "0  ./fs/open.o\n0  ./fs/proc/base.o\n0  ./arch/x86/kernel/apic.o\n";
        TrustBase {
            programs: vec![(&PROGRAMS[0], tree)],
            crates: vec![outside("libc", 300, 120), outside("cfg-if", 100, 0)],
            own: vec![OwnFolder {
                folder: RepoPath::new("init/pid1/src"),
                files: vec![
                    file("init/pid1/src/main.rs", 20, &[]),
                    file("init/pid1/src/sys.rs", 40, &["let a = unsafe { f::<u8>() };"]),
                ],
            }],
            image: ImageContents {
                sha256: String::new(),
                size: 900,
                sections: vec![("kernel".into(), 500), ("ramdisk".into(), 300)],
                entries: vec![
                    entry("/dev", Kind::Folder),
                    entry("/init", Kind::File { size: 200, sha256: String::new() }),
                ],
            },
            kernel_size: 500,
            kernel: KernelObjects::parse(objects),
        }
    }
}
