//! The log: one line per event. It contains no bodies and no credentials, and names are shortened.

use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `info serving store="…"`, for a person.
    Plain,
    /// `{"time":…,"level":…,"event":…,…}`, for a machine; time in milliseconds since 1970.
    Json,
}

/// Where events go.
pub struct Log {
    format: LogFormat,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// A log that writes to standard error.
    pub fn stderr(format: LogFormat) -> Arc<Self> {
        Self::to(format, Box::new(std::io::stderr()))
    }

    /// A log that writes each line to `sink` at once. Errors of `sink` are ignored.
    pub fn to(format: LogFormat, sink: Box<dyn Write + Send>) -> Arc<Self> {
        Arc::new(Self { format, sink: Mutex::new(sink) })
    }

    pub(crate) fn info(&self, event: &str, fields: &[(&str, Value)]) {
        self.line("info", event, fields);
    }

    pub(crate) fn warn(&self, event: &str, fields: &[(&str, Value)]) {
        self.line("warn", event, fields);
    }

    fn line(&self, level: &str, event: &str, fields: &[(&str, Value)]) {
        // Both formats print values as JSON, which escapes line ends, so an event is always one line.
        let mut line = match self.format {
            LogFormat::Plain => format!("{level} {event}"),
            LogFormat::Json => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                format!(r#"{{"time":{now},"level":"{level}","event":"{event}""#)
            }
        };
        for (name, value) in fields {
            line += &match self.format {
                LogFormat::Plain => format!(" {name}={value}"),
                LogFormat::Json => format!(r#","{name}":{value}"#),
            };
        }
        line += if self.format == LogFormat::Json { "}\n" } else { "\n" };
        let _ = self.sink.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// The first four bytes in hexadecimal. They are enough to follow an object through a log.
pub(crate) fn short(bytes: &[u8]) -> Value {
    bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn prints_an_event_with_hostile_text_as_one_line() {
        let hostile = "a\n\"} {\u{1b}[31m";
        let kept = Kept::default();
        Log::to(LogFormat::Json, Box::new(kept.clone())).warn("e", &[("text", hostile.into()), ("count", 3.into())]);
        let written = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.matches('\n').count(), 1);
        let parsed: Value = serde_json::from_str(&written).unwrap();
        assert_eq!((&parsed["level"], &parsed["event"]), (&"warn".into(), &"e".into()));
        assert_eq!((&parsed["text"], &parsed["count"]), (&hostile.into(), &3.into()));

        let kept = Kept::default();
        Log::to(LogFormat::Plain, Box::new(kept.clone())).info("e", &[("text", hostile.into())]);
        assert_eq!(kept.0.lock().unwrap().as_slice(), b"info e text=\"a\\n\\\"} {\\u001b[31m\"\n");
    }
}
