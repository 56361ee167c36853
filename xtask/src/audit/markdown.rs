//! docs/audit.md.

use std::fmt::Write as _;

use crate::audit::image::Kind;
use crate::audit::programs::purpose;
use crate::audit::proof::FORBIDDEN_FEATURES;
use crate::audit::trust_base::TrustBase;

/// The page as text. The proof in it holds, because `proof::faults` found nothing before.
pub fn page(base: &TrustBase) -> String {
    let parts = [intro(), trees(base), sizes(base), own(base), files(base), closed(), kernel(base)];
    parts.join("\n")
}

fn intro() -> String {
    "# What there is to read

`cargo run -q --locked -p xtask -- audit build/image --write` writes this page and [audit.html](audit.html), which shows
the same sizes as pictures. `make audit` and the gate fail when they are out of date.
"
    .into()
}

fn trees(base: &TrustBase) -> String {
    let mut text = String::from("## The crates of each program\n");
    for (program, tree) in &base.programs {
        let count = tree.crates.len();
        let _ = write!(text, "\n### {}: {count} crates, including itself\n\n```\n{}```\n", program.name, tree.text);
    }
    text
}

fn sizes(base: &TrustBase) -> String {
    let mut text = String::from(
        "## The crates by size

The lines of Rust in `src/`, without comments and blank lines. Tests and the code for other platforms are included, so
each number is an upper bound. `aws-lc-sys` also has C and assembly, of which the linker keeps what is called.

| crate | lines | in |
|---|---|---|
",
    );
    for outside in &base.crates {
        let programs: Vec<&str> = outside.programs.iter().copied().collect();
        let _ = writeln!(text, "| `{}` | {} | {} |", outside.id, outside.lines, programs.join(", "));
    }
    text
}

fn own(base: &TrustBase) -> String {
    let mut text = String::from(
        "## Our own code inside

Tests, comments and blank lines are not counted. Only files named `sys.rs` contain unsafe code.

| folder | files | lines of code | unsafe |
|---|---|---|---|
",
    );
    for folder in &base.own {
        let (files, lines, unsafe_count) = (folder.files.len(), folder.lines(), folder.unsafe_count());
        let _ = writeln!(text, "| `{}` | {files} | {lines} | {unsafe_count} |", folder.folder);
    }
    text += "\nEvery use of `unsafe`:\n\n";
    for file in base.own.iter().flat_map(|folder| &folder.files) {
        for line in &file.size.unsafe_lines {
            let _ = writeln!(text, "- `{}`: `{line}`", file.path);
        }
    }
    text
}

fn files(base: &TrustBase) -> String {
    let mut text = String::from("## Every file of the image\n\n| path | mode | bytes | purpose |\n|---|---|---|---|\n");
    for entry in &base.image.entries {
        let size = match &entry.kind {
            Kind::File { size, .. } => size.to_string(),
            _ => "–".into(),
        };
        let why = purpose(&entry.path).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {}{} | {size} | {why} |", entry.path, entry.kind.letter(), entry.mode);
    }
    let _ = write!(text, "\nfile {} bytes", base.image.size);
    for (name, size) in &base.image.sections {
        let _ = write!(text, ", {name} {size} bytes");
    }
    text + ".\n"
}

fn closed() -> String {
    let mut text = String::from(
        "## No shell, no interpreter, no debug console

`xtask audit` checks each of these:

- The ramdisk holds one regular file for each program and no other. It holds no link, and nothing that has the name of a
  shell, an interpreter, a login program or a debugger.
- Each program is an ELF file that requires no interpreter and no shared library. None begins with `#!`.
- The kernel was built without:
",
    );
    for feature in FORBIDDEN_FEATURES {
        let _ = writeln!(text, "  `CONFIG_{feature}`");
    }
    text + "
This does not show that no program reads from the serial console, which the kernel has for output. Only PID 1 has the
console open for reading, and `init/pid1/src` has no code that reads it.
"
}

fn kernel(base: &TrustBase) -> String {
    let mut text = format!(
        "## The kernel

bzImage has {} bytes. These object files were compiled for it, by folder:

| folder | objects |
|---|---|
",
        base.kernel_size
    );
    for (folder, objects) in base.kernel.totals() {
        let _ = writeln!(text, "| `{folder}` | {objects} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::trust_base::tests::sample;

    #[test]
    fn has_every_section_with_its_figures() {
        let page = page(&sample());
        for line in [
            "### pid1: 2 crates, including itself",
            "└── libc v1.0.0",
            "| `libc-1.0.0` | 300 | core, pid1 |",
            "| `init/pid1/src` | 2 | 60 | 1 |",
            "- `init/pid1/src/sys.rs`: `let a = unsafe { f::<u8>() };`",
            "| `/dev` | d0555 | – | PID 1 mounts the device nodes here |",
            "file 900 bytes, kernel 500 bytes, ramdisk 300 bytes.",
            "  `CONFIG_MODULES`",
            "bzImage has 500 bytes. These object files were compiled for it, by folder:",
            "| `fs` | 2 |",
        ] {
            assert!(page.lines().any(|found| found == line), "`{line}` is missing in\n{page}");
        }
        assert!(page.ends_with("|\n") && !page.contains("\n\n\n"));
    }
}
