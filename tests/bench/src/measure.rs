//! Medians, and the rows of the table.

use std::time::{Duration, Instant};

/// The median time of `times` calls, in microseconds, after one call that warms up.
pub fn median(times: usize, mut call: impl FnMut()) -> f64 {
    call();
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed()
        })
        .collect();
    took.sort();
    took[times / 2].as_secs_f64() * 1e6
}

/// The medians of two calls, in microseconds. They are measured in turn, so that a disturbance affects both.
pub fn pair(times: usize, mut ours: impl FnMut(), mut floor: impl FnMut()) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=times {
        let start = Instant::now();
        ours();
        let middle = Instant::now();
        floor();
        if round > 0 {
            a.push(middle - start);
            b.push(middle.elapsed());
        }
    }
    a.sort();
    b.sort();
    (a[times / 2].as_secs_f64() * 1e6, b[times / 2].as_secs_f64() * 1e6)
}

/// Prints a row: both times in microseconds, their ratio, and the goal.
pub fn row(what: &str, ours: f64, floor: f64, goal: &str) {
    println!("{what:<46} {ours:>9.1} µs {floor:>9.1} µs {:>8.2}  {goal}", ours / floor);
}
