//! The table, and the page that is committed.

use crate::level::Level;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

/// The levels as a Markdown table.
pub fn table(levels: &[Level]) -> String {
    let mut table = String::from(
        "| clients | runs a second | p50 | p99 | ends | parent | core | worker |\n|---:|---:|---:|---:|---|---:|---:|---:|\n",
    );
    for level in levels {
        let peaks = level.peaks;
        let [parent, core, worker] = [peaks.parent, peaks.core, peaks.worker].map(mebibytes);
        let (p50, p99) = (milliseconds(level.p50), milliseconds(level.p99));
        let ends = ends(&level.ends);
        writeln!(
            table,
            "| {} | {:.1} | {p50} | {p99} | {ends} | {parent} | {core} | {worker} |",
            level.clients, level.rate
        )
        .unwrap();
    }
    table
}

/// docs/load.md.
pub fn page(levels: &[Level], time: Duration) -> String {
    format!(
        "# Many clients at once\n\n\
         `make load` wrote this page and its plot. It is a measurement, not a promise, and no test compares it.\n\n\
         Each client is a thread that opens a session, verifies the enclave, runs an empty function, verifies its receipt \
         and closes, again and again for {} seconds. A client that is told to come back later waits that long. Clients, \
         parent, core and workers share one machine: {}. The enclave is `capelet-local`'s, so that there is neither a \
         virtual machine nor a network.\n\n{}\n\
         p50 and p99 are of the runs that were done, from opening the connection to the verified receipt. `ends` counts \
         the attempts by the code of their error. The last three columns are the most memory that each process had \
         (`VmHWM`); for workers, the largest that was seen.\n\n\
         ![Runs a second and their times by the number of clients](load.svg)\n",
        time.as_secs(),
        machine(),
        table(levels),
    )
}

/// The machine, in general terms.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let gibibytes = memory.and_then(|kibibytes| kibibytes.parse::<u64>().ok()).unwrap_or(0) as f64 / f64::from(1 << 20);
    format!("{cores} cores, {gibibytes:.0} GiB of memory")
}

fn ends(ends: &BTreeMap<String, usize>) -> String {
    let ends: Vec<_> = ends.iter().map(|(code, count)| format!("{count} {code}")).collect();
    ends.join(", ")
}

fn milliseconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "–".into(), |time| format!("{:.0} ms", time.as_secs_f64() * 1000.0))
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Attempt;
    use crate::memory::Peaks;

    #[test]
    fn a_level_is_a_row() {
        let peaks = Peaks { parent: 1 << 20, core: 3 << 19, worker: 0 };
        let failed = Attempt { took: Duration::ZERO, failed: Some("busy".into()) };
        let done = Attempt { took: Duration::from_millis(12), failed: None };
        let levels = [
            Level::new(8, &[failed.clone(), done], Duration::from_secs(2), peaks),
            Level::new(9, &[failed], Duration::from_secs(2), peaks),
        ];
        let rows = table(&levels);
        let rows: Vec<_> = rows.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| 8 | 0.5 | 12 ms | 12 ms | 1 busy, 1 done | 1.0 MiB | 1.5 MiB | 0.0 MiB |",
                "| 9 | 0.0 | – | – | 1 busy | 1.0 MiB | 1.5 MiB | 0.0 MiB |"
            ]
        );
    }
}
