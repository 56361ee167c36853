//! Runs `capelet-local`, and `capelet` for several people. Each has a folder of their own.
//!
//! The binaries are those in the target folder of the test. `cargo build --workspace --bins` must run first.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_json_schema::object;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, thread};

/// A built binary of the project.
pub fn binary(name: &str) -> PathBuf {
    let own = env::current_exe().expect("own path");
    // A test is in the folder `deps` of the folder with the binaries.
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("target folder").to_owned();
    let path = folder.join(name);
    assert!(path.is_file(), "{} is missing: cargo build --locked --workspace --bins", path.display());
    path
}

/// A running `capelet-local`.
pub struct Local {
    process: Child,
    /// Its folder: state, sockets, store.
    pub home: PathBuf,
    /// Where clients connect.
    pub url: String,
    /// Its PCR0, hexadecimal.
    pub pcr0: String,
}

impl Local {
    /// Starts `capelet-local` in the folder `home` with further arguments, and waits until it serves.
    pub fn start(home: &Path, arguments: &[&str]) -> Self {
        let log = File::options().create(true).append(true).open(home.with_extension("log")).expect("log");
        let mut process = Command::new(binary("capelet-local"))
            .args(["--output", "json", "--home"])
            .arg(home)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("capelet-local");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let log = || fs::read_to_string(home.with_extension("log")).unwrap_or_default();
        assert!(!line.is_empty(), "capelet-local: {}", log());
        let ready = object(line.as_bytes());
        assert_eq!(ready["ready"], json!(true), "{ready}");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self { process, home: home.to_owned(), url: text(&ready["urls"][0]), pcr0: text(&ready["pcr0"]) }
    }

    /// Its log so far. Parent and core write to it.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.with_extension("log")).unwrap_or_default()
    }

    /// Ends it with SIGTERM, and waits until it has ended without an error.
    pub fn stop(mut self) {
        self.signal("TERM");
        assert!(self.process.wait().expect("wait").success(), "{}", self.log());
    }

    /// Kills it, and waits until it has ended.
    pub fn kill(mut self) {
        self.process.kill().expect("kill");
        self.process.wait().expect("wait");
    }

    fn signal(&self, name: &str) {
        let killed = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.process.id())]).status();
        assert!(killed.expect("kill").success());
    }

    /// Its process id. The parent runs in this process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The folder in /proc of the core.
    pub fn core(&self) -> PathBuf {
        self.children("capelet-core-dev").pop().expect("a core")
    }

    /// The folders in /proc of its running workers.
    pub fn workers(&self) -> Vec<PathBuf> {
        self.children("capelet-worker")
    }

    /// The folders in /proc of its children that run this program.
    fn children(&self, program: &str) -> Vec<PathBuf> {
        let ours = format!("PPid:\t{}\n", self.process.id());
        let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
        let of_ours = |path: &PathBuf| fs::read_to_string(path.join("status")).is_ok_and(|text| text.contains(&ours));
        let of_program = |path: &PathBuf| fs::read_link(path.join("exe")).is_ok_and(|exe| exe.ends_with(program));
        processes.filter(|path| of_ours(path) && of_program(path)).collect()
    }

    /// The files of the stored objects, sorted.
    pub fn stored(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        // Each kind of object has a folder. Beside them are a lock and a marker.
        for kind in ["01", "02", "03"] {
            walk(&self.home.join("store").join(kind), &mut found);
        }
        found.sort();
        found
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            // SIGTERM, unlike SIGKILL, lets it end its children.
            self.signal("TERM");
            let _ = self.process.wait();
        }
    }
}

/// A user of `capelet` with a folder of their own.
pub struct Person {
    /// Their CAPELET_HOME.
    pub home: PathBuf,
}

impl Person {
    /// A person whose folder is `home`. The folder is not created yet.
    pub fn new(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }

    /// A person who has pinned this development enclave.
    pub fn pinned(home: &Path, local: &Local) -> Self {
        let person = Self::new(home);
        person.ok(&["pin", "--development", &local.url]);
        person
    }

    /// A command, which is not run yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("capelet"));
        command.env_clear().env("CAPELET_HOME", &self.home).env("PATH", env::var_os("PATH").unwrap_or_default());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("capelet")
    }

    /// Runs a command with `input` on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("capelet");
        let mut stdin = child.stdin.take().expect("stdin");
        let input = input.to_owned();
        let writer = thread::spawn(move || {
            // This fails if the command ends without reading its input.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("output");
        writer.join().expect("writer");
        output
    }

    /// Runs a command that must succeed. Returns its standard output.
    pub fn ok(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs a command that must succeed. Returns its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        object(&self.ok(&[arguments, &["-o", "json"]].concat()))
    }

    /// Runs a command that must fail. Returns the code of its error; see [`refusal`].
    pub fn code(&self, arguments: &[&str]) -> String {
        refusal(&self.run(&[arguments, &["-o", "json"]].concat()))
    }

    /// Their owner's key, as text.
    pub fn owner(&self) -> String {
        self.json(&["identity", "show"])["owner"].as_str().expect("owner").to_owned()
    }
}

/// The code of a command that failed. Checks that it has status 1, or 2 for an invalid command line, a sentence on
/// standard error and a code in its JSON.
pub fn refusal(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{stderr}{}", String::from_utf8_lossy(&output.stdout));
    assert!(stderr.contains("Error: "), "no sentence: {stderr:?}");
    object(&output.stdout)["error"]["code"].as_str().expect("code").to_owned()
}

/// Creates a folder with a module and a `capelet.json`.
pub fn function(folder: &Path, wasm: &[u8], manifest: &Value) {
    fs::create_dir_all(folder).expect("folder");
    fs::write(folder.join("function.wasm"), wasm).expect("module");
    fs::write(folder.join("capelet.json"), manifest.to_string()).expect("manifest");
}
