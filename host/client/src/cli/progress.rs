//! Shows a person what takes longer than a second: the transfers with rate and time left, and what is waited for.
//!
//! It is shown on standard error, if that is a terminal, and removed before anything else is printed.

use crate::activity::{Activity, Observer};
use capelet_cli::{printable, streams};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What ends earlier is not shown.
const DELAY: Duration = Duration::from_secs(1);
/// How often the time is counted on.
const TICK: Duration = Duration::from_millis(250);

/// A line about something that takes time. Dropping it removes the line. Without a terminal it does nothing.
#[derive(Default)]
pub(super) struct Progress(Option<Shown>);

struct Shown {
    bar: ProgressBar,
    /// Dropping it tells the thread that the work has ended.
    ended: Option<Sender<()>>,
    delay: Option<JoinHandle<()>>,
}

impl Progress {
    /// The transfer of this many bytes. `None` if the number is unknown.
    pub(super) fn transfer(what: &str, bytes: Option<u64>) -> Self {
        Self::new(
            what,
            bytes,
            match bytes {
                Some(_) => "{msg}: {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
                None => "{msg}: {bytes}, {bytes_per_sec}",
            },
        )
    }

    /// A wait for `what`.
    pub(super) fn wait(what: &str) -> Self {
        Self::new(what, None, "{msg}, {elapsed} until now")
    }

    fn new(what: &str, length: Option<u64>, template: &'static str) -> Self {
        if !streams::error_is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(printable::line(what).into_owned());
        let (ended, ending) = channel();
        let shown = bar.clone();
        let delay = thread::Builder::new().name("progress".into()).spawn(move || {
            if ending.recv_timeout(DELAY) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        // Without the thread, nothing is shown.
        Self(Some(Shown { bar, ended: Some(ended), delay: delay.ok() }))
    }

    /// Counts further bytes.
    pub(super) fn add(&self, bytes: u64) {
        if let Some(shown) = &self.0 {
            shown.bar.inc(bytes);
        }
    }

    /// Shows the steps of a session. `awaited` is what the command waits for.
    pub(super) fn observer(awaited: &'static str) -> Observer {
        let mut progress = Self::default();
        Box::new(move |activity| match activity {
            Activity::Moved(bytes) => progress.add(bytes),
            // The line of the last step is removed before the next one begins.
            other => {
                progress = Self::default();
                progress = match other {
                    Activity::Sending(bytes) => Self::transfer("Sending", Some(bytes)),
                    Activity::Waiting => Self::wait(awaited),
                    Activity::Receiving(bytes) => Self::transfer("Receiving", Some(bytes)),
                    Activity::Moved(_) | Activity::Done => Self::default(),
                };
            }
        })
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        drop(self.ended.take());
        // The thread shows nothing after this.
        if let Some(delay) = self.delay.take() {
            let _ = delay.join();
        }
        self.bar.finish_and_clear();
    }
}
