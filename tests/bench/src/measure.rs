//! Medians, and the rows of the table.

use std::time::{Duration, Instant};

/// The median time of `times` calls, in microseconds, after one call that warms up.
pub fn median(times: usize, mut call: impl FnMut()) -> f64 {
    let [took] = each(times, || {}, [&mut call]);
    took
}

/// The medians of two calls, in microseconds. They are measured in turn, so that a disturbance affects both.
pub fn pair(times: usize, mut ours: impl FnMut(), mut floor: impl FnMut()) -> (f64, f64) {
    let [ours, floor] = each(times, || {}, [&mut ours, &mut floor]);
    (ours, floor)
}

/// The median of each call, in microseconds, after one that warms up. They are measured in turn. Before each of them comes
/// `prepare`, which is not measured.
pub fn each<const N: usize>(times: usize, mut prepare: impl FnMut(), mut calls: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut took = [const { Vec::new() }; N];
    for round in 0..=times {
        for (call, took) in calls.iter_mut().zip(&mut took) {
            prepare();
            let start = Instant::now();
            call();
            if round > 0 {
                took.push(start.elapsed());
            }
        }
    }
    took.map(|mut took: Vec<Duration>| {
        took.sort();
        took[times / 2].as_secs_f64() * 1e6
    })
}

/// Prints a row: both times in microseconds, their ratio, and the goal.
pub fn row(what: &str, ours: f64, floor: f64, goal: &str) {
    println!("{what:<46} {ours:>9.1} µs {floor:>9.1} µs {:>8.2}  {goal}", ours / floor);
}
