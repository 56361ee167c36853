//! What every command works with: the user's folders, the output, the enclave and the identity.

use super::output::Output;
use crate::error::Error;
use crate::home::Home;
use crate::home::settings::Settings;
use crate::home::trust::Trust;
use crate::session::Session;
use crate::url::Url;
use crate::values::Hex;
use enclave_core::identity::Identity;

/// What a command works with.
pub(super) struct Context {
    /// The folders with everything that is kept.
    pub(super) home: Home,
    /// Where results and notes are printed.
    pub(super) output: Output,
    /// The option `-u`.
    pub(super) url_option: Option<String>,
}

impl Context {
    /// The enclave's address: from the option, the environment, the settings, or the only trust entry, in this order.
    pub(super) fn url(&self) -> Result<Url, Error> {
        if let Some(url) = &self.url_option {
            return Url::parse(url);
        }
        if let Some(url) = environment("CAPELET_URL")? {
            return Url::parse(&url);
        }
        if let Some(url) = self.home.load::<Settings>()?.url {
            return Url::parse(&url);
        }
        match self.home.load::<Trust>()?.all() {
            [only] => Url::parse(&only.url),
            _ => Err(Error::NoUrl),
        }
    }

    /// Opens a session with the enclave at [`Context::url`], verified against the pins of that address.
    pub(super) fn connect(&self) -> Result<Session, Error> {
        let url = self.url()?;
        let trust: Trust = self.home.load()?;
        let session = Session::connect(&url, trust.entry(&url)?)?;
        self.output.development(session.development());
        self.output.detail(&format!("{url} runs the pinned image {}.", Hex(*session.image())));
        Ok(session)
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
