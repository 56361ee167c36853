//! `config`.

use crate::cli::args::config::Config;
use crate::cli::context::Context;
use crate::error::Error;
use crate::home::settings::Settings;
use serde_json::{Map, Value, json};

pub(super) fn config(arguments: &Config, context: &Context) -> Result<(), Error> {
    let settings = match arguments.setting.as_slice() {
        [setting, value] => context.home.update(|settings: &mut Settings| {
            settings.set(setting, value)?;
            Ok(settings.clone())
        })?,
        [] => context.home.load()?,
        _ => return Err(Error::Argument { name: "config", want: "given a setting and its value, or no argument" }),
    };
    let set: Vec<_> =
        settings.entries().into_iter().filter_map(|(key, value)| Some((key, value?.to_owned()))).collect();
    let object: Map<_, _> = set.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))).collect();
    context.output.fields(&set, json!({"settings": object}))
}
