//! A full disk: the parent answers that it failed, and keeps no truncated body.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{OWNER, Process, ask, binary, key, list, wait_until_serving};
use enclave_core::parent::{Answer, Operation, StoreKey};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the binary behind this shell script, which ends in `exec "$@"`.
fn run_behind(mut wrapper: Command, script: &str, folder: &Path) -> Process {
    let binary = binary(folder);
    wrapper.args(["sh", "-c", script, "sh"]).arg(binary.get_program()).args(binary.get_args());
    let process = Process(wrapper.stderr(Stdio::null()).spawn().unwrap());
    wait_until_serving(&folder.join("enclave"));
    process
}

/// Works on every machine: the process may write no file longer than 100 blocks, so a write fails in its middle.
#[test]
fn answers_failed_when_a_write_fails_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let enclave = folder.path().join("enclave");
    // The shell ignores SIGXFSZ, so that a write above the limit returns EFBIG.
    let _parent = run_behind(Command::new("env"), "trap '' XFSZ; ulimit -f 100; exec \"$@\"", folder.path());
    let ask = |operation: Operation<'_>| ask(&enclave, &operation).unwrap();
    let statement = StoreKey::statement(OWNER, 1);
    let (small, large) = (vec![1; 20_000], vec![2; 1 << 20]);
    assert_eq!(ask(Operation::Replace(statement, &small)), Answer::Done);

    assert_eq!(ask(Operation::Put(key(1, 1), &large)), Answer::Failed);
    assert_eq!(ask(Operation::Get(key(1, 1))), Answer::NotFound);
    assert_eq!(ask(Operation::Replace(statement, &large)), Answer::Failed);
    assert!(ask(Operation::Get(statement)) == Answer::Body(small.clone()));
    assert_eq!(ask(list(None)), Answer::Listed(vec![]));
    assert_eq!(std::fs::read_dir(folder.path().join("store/incoming")).unwrap().count(), 0);

    assert_eq!(ask(Operation::Put(key(1, 1), &small)), Answer::Done);
    assert!(ask(Operation::Get(key(1, 1))) == Answer::Body(small));
}

/// Needs a file system of 1 MiB in a mount namespace. Without the right to make one, the test returns early.
#[test]
fn answers_failed_when_the_disk_is_full() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]);
        command
    };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let mount = format!("mount -t tmpfs -o size=1m,mode=700 tmpfs '{}'", store.display());
    let may = unshare().args(["sh", "-c", &mount]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        println!("no mount namespace for this user; answers_failed_when_a_write_fails_in_the_middle stands in for it");
        return;
    }
    let enclave = folder.path().join("enclave");
    let _parent = run_behind(unshare(), &format!("{mount} && exec \"$@\""), folder.path());
    let ask = |operation: Operation<'_>| ask(&enclave, &operation).unwrap();
    let mut stored = 0;
    let refused = loop {
        match ask(Operation::Put(key(1, stored), &vec![stored as u8; 300_000])) {
            Answer::Done => stored += 1,
            answer => break answer,
        }
        assert!(stored < 4, "more than the disk holds");
    };
    assert_eq!((refused, stored), (Answer::Failed, 3));
    for version in 0..stored {
        assert!(ask(Operation::Get(key(1, version))) == Answer::Body(vec![version as u8; 300_000]));
    }
    assert_eq!(ask(Operation::Get(key(1, stored))), Answer::NotFound);
    // A body that was not stored takes no space, and a deletion frees space.
    assert_eq!(ask(Operation::Put(key(2, 1), &[3; 50_000])), Answer::Done);
    assert_eq!(ask(Operation::Delete(key(1, 0))), Answer::Done);
    assert_eq!(ask(Operation::Put(key(1, stored), &[4; 300_000])), Answer::Done);
}
