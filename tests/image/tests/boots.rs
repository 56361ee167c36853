//! Many boots on a busy host. The environment gives the number of boots (`BOOTS`), how many run at once (`AT_A_TIME`),
//! and the number of busy loops beside them (`BUSY`). run.sh has the defaults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_image::{Enclave, NOWHERE, release};
use std::env;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Boots the release and attests it. Returns the time that both took.
fn boot() -> Duration {
    let start = Instant::now();
    let enclave = Enclave::start(&release().join("capelet.eif"), &["--key", NOWHERE], &[], &[]);
    let person = enclave.pinned(&release().join("measurements.json"));
    person.ok(&["attest", "-u", &enclave.parent.url]);
    start.elapsed()
}

#[test]
fn every_boot_of_a_busy_host_attests() {
    let (boots, at_a_time, busy) = (number("BOOTS", 3), number("AT_A_TIME", 3), number("BUSY", 0));
    let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..busy {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    spin_loop();
                }
            });
        }
        let turns = || {
            let mut attested = 0;
            while next.fetch_add(1, Ordering::Relaxed) < boots {
                println!("attested after {:.1} s", boot().as_secs_f64());
                attested += 1;
            }
            attested
        };
        let booting: Vec<_> = (0..at_a_time).map(|_| scope.spawn(turns)).collect();
        let ended: Vec<_> = booting.into_iter().map(|thread| thread.join()).collect();
        // This must come before any assertion: a busy loop would keep the scope open for ever.
        done.store(true, Ordering::Relaxed);
        let attested: usize = ended.into_iter().map(|ended| ended.expect("a boot did not attest")).sum();
        println!("{attested} of {boots} boots attested, {at_a_time} at a time beside {busy} busy loops");
        assert_eq!(attested, boots);
    });
}
