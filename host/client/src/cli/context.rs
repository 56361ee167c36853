//! What every command works with: the user's folders, the output, the enclave and the identity.

use super::output::Output;
use super::progress::Progress;
use crate::address::{Address, AddressSource};
use crate::error::Error;
use crate::home::Home;
use crate::home::settings::Settings;
use crate::home::trust::Trust;
use crate::retry::Retry;
use crate::session::Session;
use crate::url::Url;
use crate::values::Hex;
use enclave_core::identity::Identity;
use std::thread;
use std::time::Duration;

/// What a command works with.
pub(super) struct Context {
    /// The folders with everything that is kept.
    pub(super) home: Home,
    /// Where results and notes are printed.
    pub(super) output: Output,
    /// The option `-u`.
    pub(super) url_option: Option<String>,
    /// The repetitions that `--retry` allows.
    pub(super) retry: Retry,
}

impl Context {
    /// The enclave's address: from the option, the environment, the settings, or the only trust entry, in this order.
    pub(super) fn address(&self) -> Result<Address, Error> {
        let from = |source, url: &str| Ok(Address { url: Url::parse(url)?, source });
        if let Some(url) = &self.url_option {
            return from(AddressSource::Option, url);
        }
        if let Some(url) = environment("CAPELET_URL")? {
            return from(AddressSource::Variable, &url);
        }
        if let Some(url) = self.home.load::<Settings>()?.url {
            return from(AddressSource::Setting, &url);
        }
        match self.home.load::<Trust>()?.all() {
            [only] => from(AddressSource::OnlyPin, &only.url),
            _ => Err(Error::NoUrl),
        }
    }

    /// The address without its source.
    pub(super) fn url(&self) -> Result<Url, Error> {
        self.address().map(|address| address.url)
    }

    /// Opens a session with the enclave at [`Context::url`], verified against the pins of that address.
    pub(super) fn connect(&self) -> Result<Session, Error> {
        let url = self.url()?;
        let trust: Trust = self.home.load()?;
        let entry = trust.entry(&url)?;
        let mut session = self.retrying(|| {
            let _progress = Progress::wait(&format!("Connecting to {url}"));
            Session::connect(&url, entry)
        })?;
        session.observe(Progress::observer("Waiting for the answer"));
        self.output.development(session.development());
        self.output.detail(&format!("{url} runs the pinned image {}.", Hex(*session.image())));
        Ok(session)
    }

    /// Repeats `attempt` as `--retry` allows, if it has certainly not started. Each repetition is announced.
    pub(super) fn retrying<T>(&self, attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let pause = |error: &Error, wait: Duration| {
            self.output.note(&format!("{error}. Trying again in {} s.", wait.as_secs()));
            thread::sleep(wait);
        };
        self.retry.run(pause, attempt)
    }

    /// The user's identity. The first use creates it and prints what that means.
    pub(super) fn identity(&self) -> Result<Identity, Error> {
        self.home.identity(|owner| {
            let path = self.home.identity_path();
            self.output.note(&format!("Created your identity {} in {}.", owner.fingerprint(), path.display()));
            self.output.note(
                "Anyone who has this file can act as you. Without it, nothing that you deploy or receive can be decrypted.",
            );
            self.output.note("Keep a copy elsewhere: `capelet identity export FILE`.");
        })
    }
}

/// An environment variable. An empty value counts as not set.
pub(super) fn environment(name: &'static str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::Argument { name, want: "UTF-8" }),
    }
}
