//! `capelet-parent serve` beside a machine.

use capelet_e2e::binary;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running parent. Dropping it ends the process.
pub struct Parent {
    process: Child,
    log: PathBuf,
    /// The URL to which clients connect.
    pub url: String,
}

impl Parent {
    /// Starts a parent for the machine in this folder, with further arguments, and waits until it serves.
    pub fn start(folder: &Path, configuration: Option<&Path>, arguments: &[&str]) -> Self {
        let (socket, log) = (folder.join("capelet.sock"), folder.join("parent.log"));
        let mut command = Command::new(binary("capelet-parent"));
        command.args(["serve", "--listen", &format!("unix:{}", socket.display())]);
        command.args(["--enclave", &format!("qemu:{}", folder.join("vsock").display())]);
        command.arg("--store").arg(folder.join("store")).args(arguments);
        if let Some(configuration) = configuration {
            command.arg("--configuration").arg(configuration);
        }
        command.stdin(Stdio::null()).stderr(File::create(&log).unwrap());
        let mut parent = Self { process: command.spawn().unwrap(), log, url: format!("unix:{}", socket.display()) };
        let until = Instant::now() + Duration::from_secs(120);
        while parent.events("serving").is_empty() {
            assert!(parent.process.try_wait().unwrap().is_none() && Instant::now() < until, "{}", parent.log());
            sleep(Duration::from_millis(20));
        }
        parent
    }

    /// The text of its log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The lines of its log with this event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let lines: Vec<Value> = self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.into_iter().filter(|line| line["event"] == event).collect()
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
