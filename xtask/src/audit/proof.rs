//! The proof that the image has no shell, no interpreter and no debug console.

use crate::audit::image::{Entry, ImageContents, Kind};
use crate::audit::programs::{PROGRAMS, purpose};

/// Features that the kernel must be built without.
pub const FORBIDDEN_FEATURES: [&str; 20] = [
    "BINFMT_SCRIPT",
    "BINFMT_MISC",
    "MODULES",
    "KEXEC",
    "KEXEC_FILE",
    "MAGIC_SYSRQ",
    "KGDB",
    "DEBUG_FS",
    "FTRACE",
    "KPROBES",
    "VT",
    "PROC_KCORE",
    "DEVMEM",
    "BPF_SYSCALL",
    "IO_URING",
    "COREDUMP",
    "USER_NS",
    "INET",
    "BLOCK",
    "NETCONSOLE",
];

/// Names of shells, interpreters, login programs and debuggers. `python` stands for every version of it.
const FORBIDDEN_NAMES: [&str; 22] = [
    "sh",
    "ash",
    "bash",
    "dash",
    "zsh",
    "busybox",
    "toybox",
    "python",
    "perl",
    "lua",
    "node",
    "awk",
    "sed",
    "cat",
    "nc",
    "login",
    "getty",
    "sshd",
    "dropbear",
    "gdb",
    "gdbserver",
    "strace",
];

/// What is known about one program of the image.
pub struct ProgramEvidence {
    /// The path in the ramdisk.
    pub path: &'static str,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What `readelf -lW` prints.
    pub segments: String,
    /// What `readelf -dW` prints.
    pub dynamic: String,
}

/// Makes every check and returns what is wrong. An empty list is the proof.
///
/// `config` is the configuration that the kernel was built with.
pub fn faults(image: &ImageContents, programs: &[ProgramEvidence], config: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for program in programs {
        faults.extend(program_faults(program));
    }
    for program in &PROGRAMS {
        if !programs.iter().any(|known| known.path == program.path) {
            faults.push(format!("{} was not checked", program.path));
        }
    }
    faults.extend(image.entries.iter().flat_map(entry_faults));
    faults.extend(config_faults(config));
    faults
}

fn program_faults(program: &ProgramEvidence) -> Vec<String> {
    let path = program.path;
    let mut faults = Vec::new();
    if !program.bytes.starts_with(b"\x7fELF") {
        faults.push(format!("{path} is not an ELF file"));
    }
    // What is searched and not found must have been there to search.
    if !program.segments.contains("Program Headers:") {
        faults.push(format!("readelf shows no program headers of {path}"));
    }
    if program.segments.contains("INTERP") {
        faults.push(format!("{path} requires an interpreter: link it statically"));
    }
    let no_libraries = ["Dynamic section", "no dynamic section"];
    if !no_libraries.iter().any(|text| program.dynamic.contains(text)) {
        faults.push(format!("readelf does not say whether {path} has a dynamic section"));
    }
    if program.dynamic.contains("NEEDED") {
        faults.push(format!("{path} requires shared libraries: link it statically"));
    }
    faults
}

fn entry_faults(entry: &Entry) -> Vec<String> {
    let mut faults = Vec::new();
    let path = &entry.path;
    match entry.kind {
        Kind::Link => faults.push(format!("{path} is a link: the ramdisk must not have one")),
        Kind::File { .. } if !PROGRAMS.iter().any(|program| program.path == path) => {
            faults.push(format!("{path} is a file, but not one of the programs: remove it from the ramdisk"));
        }
        _ => {}
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem =
        if name.starts_with("python") { name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') } else { name };
    if FORBIDDEN_NAMES.contains(&stem) {
        faults.push(format!("{path} has the name of a shell, an interpreter, a login program or a debugger"));
    }
    if purpose(path).is_none() {
        faults.push(format!("{path} has no stated purpose: state it in xtask/src/audit/programs.rs"));
    }
    faults
}

fn config_faults(config: &str) -> Vec<String> {
    // Without this line it is not the configuration of our kernel, and finding nothing in it would prove nothing.
    if !config.lines().any(|line| line == "CONFIG_SECCOMP=y") {
        return vec!["parts/kernel.config is not the configuration of this kernel: CONFIG_SECCOMP=y is missing".into()];
    }
    let is_set = |feature: &str| config.lines().any(|line| line.starts_with(&format!("CONFIG_{feature}=")));
    let set = FORBIDDEN_FEATURES.iter().filter(|feature| is_set(feature));
    set.map(|feature| format!("the kernel was built with CONFIG_{feature}: turn it off in reproducible/kernel.config"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "CONFIG_SECCOMP=y\n# CONFIG_MODULES is not set\n# CONFIG_BLOCK is not set\n";

    fn image() -> ImageContents {
        let file = |path: &str| Entry {
            path: path.into(),
            kind: Kind::File { size: 1, sha256: String::new() },
            mode: "0555".into(),
        };
        let folder = |path: &str| Entry { path: path.into(), kind: Kind::Folder, mode: "0755".into() };
        let entries = vec![file("/core"), folder("/dev"), file("/init"), file("/worker")];
        ImageContents { sha256: String::new(), size: 1, sections: vec![], entries }
    }

    fn programs() -> Vec<ProgramEvidence> {
        let evidence = |program: &crate::audit::programs::Program| ProgramEvidence {
            path: program.path,
            bytes: b"\x7fELF\x02".to_vec(),
            segments: "Program Headers:\n  LOAD 0x000000".into(),
            dynamic: "There is no dynamic section in this file.".into(),
        };
        PROGRAMS.iter().map(evidence).collect()
    }

    #[test]
    fn accepts_static_programs_and_a_closed_kernel() {
        assert_eq!(faults(&image(), &programs(), CONFIG), Vec::<String>::new());
    }

    #[test]
    fn rejects_programs_that_are_not_static_elf_files() {
        let mut programs = programs();
        programs[0].bytes = b"#!/bin/sh".to_vec();
        programs[1].segments += "\n  INTERP 0x000318";
        programs[2].dynamic = "Dynamic section at offset 0x1:\n (NEEDED) Shared library: [libc.so.6]".into();
        assert_eq!(
            faults(&image(), &programs, CONFIG),
            [
                "/init is not an ELF file",
                "/core requires an interpreter: link it statically",
                "/worker requires shared libraries: link it statically",
            ]
        );
    }

    #[test]
    fn rejects_an_empty_output_of_readelf_and_an_unchecked_program() {
        let mut programs = programs();
        programs.pop();
        programs[0].segments.clear();
        programs[1].dynamic.clear();
        assert_eq!(
            faults(&image(), &programs, CONFIG),
            [
                "readelf shows no program headers of /init",
                "readelf does not say whether /core has a dynamic section",
                "/worker was not checked",
            ]
        );
    }

    #[test]
    fn rejects_other_files_links_and_names_of_interpreters() {
        let mut image = image();
        image.entries.push(Entry { path: "/dev/sh".into(), kind: Kind::Link, mode: "0777".into() });
        let kind = Kind::File { size: 1, sha256: String::new() };
        image.entries.push(Entry { path: "/bin/python3.13".into(), kind, mode: "0555".into() });
        let found = faults(&image, &programs(), CONFIG);
        assert_eq!(found.iter().filter(|fault| fault.contains("name of a shell")).count(), 2);
        assert!(found.iter().any(|fault| fault.starts_with("/dev/sh is a link")));
        assert!(found.iter().any(|fault| fault.starts_with("/bin/python3.13 is a file, but not one of the programs")));
        assert!(found.iter().any(|fault| fault.starts_with("/bin/python3.13 has no stated purpose")));
    }

    #[test]
    fn rejects_forbidden_kernel_features_and_other_configurations() {
        let config = format!("{CONFIG}CONFIG_KEXEC=y\nCONFIG_VT=y\n");
        assert_eq!(
            faults(&image(), &programs(), &config),
            [
                "the kernel was built with CONFIG_KEXEC: turn it off in reproducible/kernel.config",
                "the kernel was built with CONFIG_VT: turn it off in reproducible/kernel.config",
            ]
        );
        assert!(faults(&image(), &programs(), "")[0].contains("is not the configuration of this kernel"));
    }
}
