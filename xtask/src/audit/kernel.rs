//! The object files that were compiled for the kernel.

use std::collections::BTreeMap;

/// Objects by the kernel's top folder, and in it by subsystem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelObjects {
    pub folders: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Programs that run while the kernel is built. They are not in it.
const BUILD_TOOLS: [&str; 2] = ["scripts", "tools"];

impl KernelObjects {
    /// Reads the list that kernel.sh writes: a SHA-256 and the path of an object file in each line.
    pub fn parse(list: &str) -> Self {
        let mut objects = Self::default();
        for path in list.lines().filter_map(|line| line.split_whitespace().nth(1)) {
            let path = path.trim_start_matches("./");
            let parts: Vec<&str> = path.split('/').collect();
            let Some((_, folders)) = parts.split_last() else { continue };
            let Some(top) = folders.first() else { continue };
            let is_source = !top.is_empty() && top.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            if !is_source || BUILD_TOOLS.contains(top) {
                continue;
            }
            // `arch/x86` is all there is of `arch`, so its parts are shown.
            let depth = if *top == "arch" { 3 } else { 2 };
            let subsystem = folders[..folders.len().min(depth)].join("/");
            *objects.folders.entry((*top).into()).or_default().entry(subsystem).or_default() += 1;
        }
        objects
    }

    /// The number of objects in each top folder.
    pub fn totals(&self) -> impl Iterator<Item = (&str, usize)> {
        self.folders.iter().map(|(folder, subsystems)| (folder.as_str(), subsystems.values().sum()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_objects_by_subsystem_without_build_tools() {
        let hash = "0".repeat(64);
        let paths = [
            "./arch/x86/kernel/cpu/amd.o",
            "./arch/x86/kernel/apic.o",
            "./arch/x86/lib.o",
            "./fs/open.o",
            "./fs/proc/base.o",
            "./scripts/kconfig/conf.o",
            "./tools/objtool/check.o",
            "./vmlinux.o",
        ];
        let list: String = paths.iter().map(|path| format!("{hash}  {path}\n")).collect();
        let objects = KernelObjects::parse(&list);
        assert_eq!(objects.totals().collect::<Vec<_>>(), [("arch", 3), ("fs", 2)]);
        let arch: Vec<_> = objects.folders["arch"].iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(arch, [("arch/x86", 1), ("arch/x86/kernel", 2)]);
    }
}
