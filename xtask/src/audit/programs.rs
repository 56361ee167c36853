//! The programs of the image, and the purpose of everything in the ramdisk.

/// A program of the image.
pub struct Program {
    /// The package that it is built from.
    pub package: &'static str,
    /// Its name in the pages.
    pub name: &'static str,
    /// Its path in the ramdisk.
    pub path: &'static str,
}

pub const PROGRAMS: [Program; 3] = [
    Program { package: "capelet-pid1", name: "pid1", path: "/init" },
    Program { package: "capelet-core", name: "core", path: "/core" },
    Program { package: "capelet-worker", name: "worker", path: "/worker" },
];

/// The program that writes the image. It is not in the image, but it decides what is.
pub const IMAGE_WRITER: &str = "eif-build";

/// Why something is in the ramdisk. `None` if nobody has said so.
pub fn purpose(path: &str) -> Option<&'static str> {
    Some(match path {
        "/init" => "PID 1: boots, starts the other programs, and ends everything when something is wrong",
        "/core" => "the core: holds the keys, speaks to the parent and to the NSM",
        "/worker" => "the worker: runs one function, once",
        "/dev" => "PID 1 mounts the device nodes here",
        "/dev/console" => "the standard descriptors; without them Rust's runtime ends before `main`",
        "/proc" => "PID 1 reads the command line here; later it is the empty root of every program",
        "/sys" => "PID 1 reads the source of randomness here",
        _ => return None,
    })
}
