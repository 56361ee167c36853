//! The defaults of `capelet config`.

use super::{Check, Finding};
use crate::cli::output::parse_format;
use crate::home::Home;
use crate::home::settings::Settings;
use crate::url::Url;

pub(super) fn check(home: &Home) -> Finding {
    let settings: Settings = match home.load() {
        Ok(settings) => settings,
        Err(error) => return Finding::error(Check::Settings, &error),
    };
    // Anyone who edits the file can write any value.
    let output = settings.output.as_deref().map(|output| parse_format("the output", output).map(drop));
    let url = settings.url.as_deref().map(|url| Url::parse(url).map(drop));
    for (setting, valid) in [("output", output), ("url", url)] {
        if let Some(Err(error)) = valid {
            let remedy = format!("run `capelet config {setting} ''`, which removes it");
            return Finding::problem(Check::Settings, format!("{setting} is invalid: {error}"), remedy);
        }
    }
    let set = settings.entries().into_iter().filter_map(|(name, value)| Some(format!("{name} is {}", value?)));
    let set: Vec<_> = set.collect();
    Finding::ok(Check::Settings, if set.is_empty() { "none are set".to_owned() } else { set.join(", ") })
}
