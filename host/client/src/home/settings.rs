//! The user's defaults, set by `config KEY VALUE`. Options and the environment take precedence over them.

use super::State;
use super::folders::Place;
use crate::cli::output::parse_format;
use crate::error::Error;
use crate::url::Url;
use serde::{Deserialize, Serialize};

/// The defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The enclave's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `plain` or `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl State for Settings {
    const PLACE: Place = Place::config("config.json");
}

impl Settings {
    /// The name and the value of each setting.
    pub fn entries(&self) -> [(&'static str, Option<&str>); 2] {
        [("url", self.url.as_deref()), ("output", self.output.as_deref())]
    }

    /// Sets `key`. An empty value removes it.
    ///
    /// # Errors
    /// [`Error::BadValue`] for an unknown setting or output; [`Error::BadUrl`].
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let set = !value.is_empty();
        match key {
            "url" => self.url = if set { Some(Url::parse(value)?.to_string()) } else { None },
            "output" => {
                self.output = if set { Some(parse_format("the output", value)?.name().to_owned()) } else { None };
            }
            _ => {
                let (name, value) = ("the setting", key.to_owned());
                return Err(Error::BadValue { name, value, want: "url or output" });
            }
        }
        Ok(())
    }
}
