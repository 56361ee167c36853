//! The log: one line per event, on standard error. Never bodies, never credentials, names cut short.

use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `info serving store="…"`, for a person.
    Plain,
    /// `{"time":…,"level":…,"event":…,…}`, for a machine; time in milliseconds since 1970.
    Json,
}

/// Where events go.
pub struct Log {
    format: Format,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// To standard error.
    pub fn stderr(format: Format) -> Arc<Self> {
        Self::to(format, Box::new(std::io::stderr()))
    }

    /// To somewhere else. Each line is written at once, and a sink that fails is not complained about.
    pub fn to(format: Format, sink: Box<dyn Write + Send>) -> Arc<Self> {
        Arc::new(Self { format, sink: Mutex::new(sink) })
    }

    pub(crate) fn info(&self, event: &str, fields: &[(&str, Value)]) {
        self.line("info", event, fields);
    }

    pub(crate) fn warn(&self, event: &str, fields: &[(&str, Value)]) {
        self.line("warn", event, fields);
    }

    fn line(&self, level: &str, event: &str, fields: &[(&str, Value)]) {
        // Values print as JSON in both formats: whatever is in them, a line stays one line.
        let mut line = match self.format {
            Format::Plain => format!("{level} {event}"),
            Format::Json => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                format!(r#"{{"time":{now},"level":"{level}","event":"{event}""#)
            }
        };
        for (name, value) in fields {
            line += &match self.format {
                Format::Plain => format!(" {name}={value}"),
                Format::Json => format!(r#","{name}":{value}"#),
            };
        }
        line += if self.format == Format::Json { "}\n" } else { "\n" };
        let _ = self.sink.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// The first four bytes in hexadecimal: enough to follow one object through a log, and no more.
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
    fn an_event_is_one_line_whatever_is_in_it() {
        let hostile = "a\n\"} {\u{1b}[31m";
        let kept = Kept::default();
        Log::to(Format::Json, Box::new(kept.clone())).warn("e", &[("text", hostile.into()), ("count", 3.into())]);
        let written = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.matches('\n').count(), 1);
        let parsed: Value = serde_json::from_str(&written).unwrap();
        assert_eq!((&parsed["level"], &parsed["event"]), (&"warn".into(), &"e".into()));
        assert_eq!((&parsed["text"], &parsed["count"]), (&hostile.into(), &3.into()));

        let kept = Kept::default();
        Log::to(Format::Plain, Box::new(kept.clone())).info("e", &[("text", hostile.into())]);
        assert_eq!(kept.0.lock().unwrap().as_slice(), b"info e text=\"a\\n\\\"} {\\u001b[31m\"\n");
    }
}
