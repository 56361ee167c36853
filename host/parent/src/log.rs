//! The log: one line per event. It contains no bodies and no credentials, and names are shortened.
//!
//! A line is `info serving store="…"` for a person, or `{"time":…,"level":…,"event":…,…}` for a machine. The time is in
//! milliseconds since 1970.
//!
//! Nothing that serves a client waits for the log. Lines go through a bounded queue to one thread that writes them. If
//! the reader of the log does not keep up, further lines are dropped and counted, and the count is logged later.

use crate::Error;
use capelet_cli::format::Format;
use capelet_cli::printable::ascii_json;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The most bytes that wait to be written.
const MAX_QUEUED: usize = 1 << 20;
/// How long a log that is dropped has to write the rest.
const LAST: Duration = Duration::from_secs(1);

/// Where events go.
pub struct Log {
    format: Format,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    /// The length of all `lines`.
    bytes: usize,
    /// How many lines found the queue full since that was last logged.
    dropped: u64,
    /// Whether a line is being written now.
    writing: bool,
    closed: bool,
}

impl Log {
    /// A log that writes to standard error.
    ///
    /// # Errors
    /// [`Error::System`] if the thread that writes cannot be made.
    pub fn stderr(format: Format) -> Result<Arc<Self>, Error> {
        Self::to(format, Box::new(Stderr))
    }

    /// A log that writes each line to `sink`, on a thread of its own. A line that `sink` refuses is lost.
    ///
    /// # Errors
    /// [`Error::System`] if the thread cannot be made.
    pub fn to(format: Format, sink: Box<dyn Write + Send>) -> Result<Arc<Self>, Error> {
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        Builder::new().name("log".into()).spawn(move || writer.write_lines(format, sink)).map_err(Error::System)?;
        Ok(Arc::new(Self { format, queue }))
    }

    /// Waits until every line is written. Returns `false` if some are not after this time.
    pub fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut state = self.queue.lock();
        while state.writing || state.dropped > 0 || !state.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (state, _) = self.queue.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    pub(crate) fn info(&self, event: &str, fields: &[(&str, Value)]) {
        self.queue.push(line(self.format, "info", event, fields));
    }

    pub(crate) fn warn(&self, event: &str, fields: &[(&str, Value)]) {
        self.queue.push(line(self.format, "warn", event, fields));
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush(LAST);
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: String) {
        let mut state = self.lock();
        if state.bytes + line.len() > MAX_QUEUED {
            state.dropped += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        self.changed.notify_all();
    }

    fn write_lines(&self, format: Format, mut sink: Box<dyn Write + Send>) {
        while let Some(line) = self.next(format) {
            // Each line is written by one call, so that lines of several processes do not mix. Nobody can be told that a
            // line is lost.
            let _ = sink.write_all(line.as_bytes());
            self.lock().writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for the next line. `None` if the log is closed.
    fn next(&self, format: Format) -> Option<String> {
        let mut state = self.lock();
        loop {
            let next = match state.lines.pop_front() {
                Some(line) => {
                    state.bytes -= line.len();
                    Some(line)
                }
                None if state.dropped > 0 => {
                    let dropped = std::mem::take(&mut state.dropped);
                    Some(line(format, "warn", "dropped", &[("lines", dropped.into())]))
                }
                None => None,
            };
            if next.is_some() {
                state.writing = true;
                return next;
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn line(format: Format, level: &str, event: &str, fields: &[(&str, Value)]) -> String {
    // Both formats print values as JSON, which escapes line ends, so an event is always one line.
    let mut line = match format {
        Format::Plain => format!("{level} {event}"),
        Format::Json => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            format!(r#"{{"time":{now},"level":"{level}","event":"{event}""#)
        }
    };
    for (name, value) in fields {
        let value = ascii_json(&value.to_string());
        line += &match format {
            Format::Plain => format!(" {name}={value}"),
            Format::Json => format!(r#","{name}":{value}"#),
        };
    }
    line += if format == Format::Json { "}\n" } else { "\n" };
    line
}

/// The first four bytes in hexadecimal. They are enough to follow an object through a log.
pub(crate) fn short(bytes: &[u8]) -> Value {
    bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Standard error. Another program may have made it non-blocking; the thread that writes the log then waits.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, poll};
        use rustix::io::Errno;
        loop {
            match rustix::io::write(rustix::stdio::stderr(), bytes) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&rustix::stdio::stderr(), PollFlags::OUT)], None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    const PATIENCE: Duration = Duration::from_secs(60);

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn prints_an_event_with_hostile_text_as_one_line() {
        let hostile = "a\n\"} {\u{1b}[31m\u{9b}\u{202e}\u{1f600}";
        let kept = Kept::default();
        let log = Log::to(Format::Json, Box::new(kept.clone())).unwrap();
        log.warn("e", &[("text", hostile.into()), ("count", 3.into())]);
        assert!(log.flush(PATIENCE));
        let written = kept.text();
        assert_eq!(written.matches('\n').count(), 1);
        assert!(written.trim_end().bytes().all(|byte| matches!(byte, b' '..=b'~')), "{written}");
        let parsed: Value = serde_json::from_str(&written).unwrap();
        assert_eq!((&parsed["level"], &parsed["event"]), (&"warn".into(), &"e".into()));
        assert_eq!((&parsed["text"], &parsed["count"]), (&hostile.into(), &3.into()));

        let kept = Kept::default();
        let log = Log::to(Format::Plain, Box::new(kept.clone())).unwrap();
        log.info("e", &[("text", hostile.into())]);
        drop(log);
        assert_eq!(kept.text(), "info e text=\"a\\n\\\"} {\\u001b[31m\\u009b\\u202e\\ud83d\\ude00\"\n");
    }

    /// A sink that waits at each line until it is told to go on, or until nobody can tell it any more.
    struct Blocked(Receiver<()>, Kept);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_reader_delays_nobody_and_learns_how_many_lines_are_lost() {
        let (go_on, told) = channel();
        let kept = Kept::default();
        let log = Log::to(Format::Json, Box::new(Blocked(told, kept.clone()))).unwrap();
        let text = "x".repeat(1000);
        // Three times what the queue holds. Without the queue the first line would never return.
        for _ in 0..3 * MAX_QUEUED / 1000 {
            log.info("e", &[("text", text.as_str().into())]);
        }
        assert!(!log.flush(Duration::ZERO));
        drop(go_on);
        assert!(log.flush(PATIENCE));
        let lines: Vec<Value> = kept.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (last, before) = lines.split_last().unwrap();
        assert_eq!(last["event"], "dropped");
        let lost = usize::try_from(last["lines"].as_u64().unwrap()).unwrap();
        assert!(lost > 0 && lost + before.len() == 3 * MAX_QUEUED / 1000, "{lost} of {}", before.len());
        // The log goes on after that.
        log.info("later", &[]);
        assert!(log.flush(PATIENCE));
        assert!(kept.text().lines().last().unwrap().contains("later"));
    }

    #[test]
    fn a_log_that_cannot_be_written_is_ignored() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = Log::to(Format::Json, Box::new(Full)).unwrap();
        log.info("e", &[]);
        assert!(log.flush(PATIENCE));
    }
}
