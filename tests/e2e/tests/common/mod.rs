//! Small functions in WebAssembly text, and the enclave and the folder of a test.

#![allow(dead_code)]

use capelet_e2e::{Local, Person, binary, function};
use serde_json::json;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a test waits for an event that must happen. A busy host needs less; a test fails when this time is over.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the client with a clock that differs by `offset`.
pub fn at(person: &Person, offset: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("faketime");
    command.env_clear().env("CAPELET_HOME", &person.home).env("PATH", env::var_os("PATH").unwrap());
    command.args(["-f", offset]).arg(binary("capelet")).args(arguments).args(["-o", "json"]);
    command.stdin(Stdio::null()).output().expect("faketime")
}

/// Calls `attempt` until it returns a value. It fails with the text of `what` after [`PATIENCE`].
pub fn wait_until<T>(what: impl Fn() -> String, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < until, "{}", what());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Copies its input to its output.
pub const ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (loop $again
      (i32.store (i32.const 0) (i32.const 1024))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
      (i32.store (i32.const 4) (i32.load (i32.const 16)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
      (br_if $again (i32.load (i32.const 16))))))"#;

/// Loops without end.
pub const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#;

/// Traps.
pub const TRAP: &str = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;

/// Writes two words to stderr, and ends with status 7.
pub const SEVEN: &str = r#"(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "oh no")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 5))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $exit (i32.const 7))))"#;

/// Grows its memory without end.
pub const GROW: &str = r#"(module (memory (export "memory") 1)
  (func (export "_start") (loop $l (drop (memory.grow (i32.const 16))) (br $l))))"#;

/// Writes without end.
pub const FLOOD: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 65536))
    (loop $l (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))) (br $l))))"#;

/// An enclave, an owner who has pinned it, and a folder, for one test.
pub struct Place {
    /// The enclave.
    pub local: Local,
    /// The owner.
    pub owner: Person,
    /// The folder.
    pub folder: TempDir,
}

impl Place {
    /// Starts the enclave with further arguments for `capelet-local`.
    pub fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("e2e").tempdir().unwrap();
        let local = Local::start(&folder.path().join("e"), arguments);
        let owner = Person::pinned(&folder.path().join("owner"), &local);
        Self { local, owner, folder }
    }

    /// Another person who has pinned the enclave.
    pub fn person(&self, name: &str) -> Person {
        Person::pinned(&self.folder.path().join(name), &self.local)
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A core's program with one byte more: with it, an enclave has another PCR0.
    pub fn other_core(&self) -> String {
        let core = self.path("core");
        // Another process writes the program: while a child that another test forks has a descriptor of this process that
        // is open for writing, the kernel does not execute the file (ETXTBSY).
        let write = r#"cp "$0" "$1" && echo >> "$1""#;
        let written = Command::new("sh").args(["-c", write]).arg(binary("capelet-core-dev")).arg(&core).status();
        assert!(written.unwrap().success());
        core
    }

    /// Creates a folder with the function of this text.
    pub fn function(&self, name: &str, text: &str) -> PathBuf {
        let folder = self.folder.path().join(format!("function-{name}"));
        function(&folder, &wat::parse_str(text).unwrap(), &json!({ "entry": "function.wasm" }));
        folder
    }

    /// Deploys the function of this text for the owner under this name. Returns its id and its checksum.
    pub fn deploy(&self, name: &str, text: &str) -> (String, String) {
        let folder = self.function(name, text);
        let deployed = self.owner.json(&["deploy", folder.to_str().unwrap(), "-n", name]);
        let field = |name: &str| deployed[name].as_str().unwrap().to_owned();
        (field("function_id"), field("function_checksum"))
    }
}
