//! How times grow with the input, with the number of clients, and with the number of stored functions.

use crate::measure::{each, median};
use capelet_bench::{Place, input};
use std::cell::Cell;
use std::fs;
use std::thread;
use std::time::Instant;

pub fn run() {
    let place = Place::new();
    let mut session = place.connect();
    println!("\na run of an empty function, by input");
    let empty = median(21, || place.run(&mut session, input(0)));
    for length in [1 << 10, 1 << 16, 1 << 20, 1 << 23, 1 << 26] {
        // A run consumes its input. It is made before the clock starts.
        let made = Cell::new(None);
        let mut run = || place.run(&mut session, made.take().unwrap());
        let [took] = each(5, || made.set(Some(input(length))), [&mut run]);
        let rate = length as f64 / took / 1000.0;
        bar(&format!("{} KiB", length >> 10), took / empty, &format!("× an empty input, {rate:.2} GB/s"));
    }
    drop(session);

    println!("\nruns a second, by clients at once");
    let mut one = 0.0;
    for clients in [1, 4, 8, 32] {
        let runs = 160 / clients;
        let sessions: Vec<_> = (0..clients).map(|_| place.connect()).collect();
        let start = Instant::now();
        thread::scope(|scope| {
            for mut session in sessions {
                let place = &place;
                scope.spawn(move || (0..runs).for_each(|_| place.run(&mut session, input(0))));
            }
        });
        let rate = (runs * clients) as f64 / start.elapsed().as_secs_f64();
        if clients == 1 {
            one = rate;
        }
        bar(&format!("{clients} clients"), rate / one, &format!("× one client, {rate:.0} a second"));
    }

    println!("\na run of one function, by functions in its owner's store");
    let files = place.local.as_ref().unwrap().stored();
    let object = files.iter().find(|path| path.to_string_lossy().contains("/01/")).unwrap();
    let folder = object.parent().unwrap();
    let (mut session, mut stored, mut first) = (place.connect(), 1, 0.0);
    for functions in [1usize, 100, 1_000, 10_000] {
        while stored < functions {
            fs::hard_link(object, folder.join(format!("{stored:032x}-{:016x}", 1))).unwrap();
            stored += 1;
        }
        let took = median(21, || place.run(&mut session, input(0)));
        if functions == 1 {
            first = took;
        }
        bar(&format!("{functions} functions"), took / first, "× one function");
    }
    drop(session);
    place.local.unwrap().stop();
}

/// Prints a bar of a chart, eight characters long for each 1.
fn bar(name: &str, ratio: f64, label: &str) {
    let length = ((ratio * 8.0) as usize).clamp(1, 60);
    println!("{name:>16} {:<60} {ratio:.2} {label}", "█".repeat(length));
}
