//! `--retry` repeats what has certainly not started, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Person, failed};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A user with a pinned address, and the number of connections that were made to it. `answer` is sent to each.
fn served(answer: &'static [u8]) -> (Person, String, Arc<AtomicUsize>) {
    let person = Person::new();
    let socket = person.file("served.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1]);
            let _ = stream.write_all(answer);
        }
    });
    let url = format!("unix:{}", socket.display());
    assert!(person.say(&["pin", &url, "-p", &format!("0:{}", "ab".repeat(48))]).status.success());
    (person, url, count)
}

#[test]
fn a_busy_address_is_tried_again_after_the_time_that_it_named() {
    let (person, url, count) = served(b"capelet/1 busy 2\n");
    failed(&person.say(&["attest", "-u", &url]), "busy");
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let begun = Instant::now();
    let output = person.say(&["attest", "-u", &url, "--retry", "2"]);
    assert!(begun.elapsed() >= Duration::from_secs(4));
    failed(&output, "busy");
    assert_eq!(count.load(Ordering::SeqCst), 4);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("Trying again in 2 s.").count(), 2, "{said}");
    // The limit of time for the whole command counts the waits.
    failed(&person.say(&["attest", "-u", &url, "--retry", "9", "--timeout", "1"]), "timed-out");
}

#[test]
fn an_address_that_nobody_serves_is_tried_again() {
    let person = Person::new();
    let url = format!("unix:{}", person.file("nobody.sock").display());
    assert!(person.say(&["pin", &url, "-p", &format!("0:{}", "ab".repeat(48))]).status.success());
    let output = person.say(&["attest", "-u", &url, "--retry", "1"]);
    failed(&output, "unreachable");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Trying again in 1 s."));
}

#[test]
fn another_failure_is_not_repeated() {
    let (person, url, count) = served(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let output = person.say(&["attest", "-u", &url, "--retry", "5"]);
    assert!(!output.status.success());
    assert_eq!(count.load(Ordering::SeqCst), 1, "{output:?}");
    failed(&person.say(&["checksum", "x", "--retry", "1"]), "bad-argument");
}
