//! `doctor`.

use crate::cli::args::doctor::Doctor;
use crate::cli::context::Context;
use crate::cli::output::describe;
use crate::cli::progress::Progress;
use crate::doctor::{self, Finding, Level};
use crate::error::Error;
use crate::url::Url;
use capelet_cli::format::Format;
use capelet_cli::printable;
use capelet_cli::tone::{self, Tone};
use serde_json::json;

pub(super) fn doctor(arguments: &Doctor, context: &Context) -> Result<(), Error> {
    // An invalid option is the command line's fault, and no finding.
    context.url_option.as_deref().map(Url::parse).transpose()?;
    let examination = {
        let _progress = Progress::wait("Checking the set-up");
        doctor::examine(&context.home, || context.address(), arguments.offline)
    };
    context.output.mark_development(examination.development);
    let problems = examination.findings.iter().filter(|finding| finding.level == Level::Problem).count();
    let found = (problems > 0).then_some(Error::ProblemsFound(problems));
    match context.output.format {
        Format::Plain => context.output.raw(examination.findings.iter().map(lines).collect::<String>().as_bytes())?,
        Format::Json => {
            let mut object = json!({"findings": examination.findings});
            if let Some(found) = &found {
                object["error"] = describe(found);
            }
            context.output.json(&context.output.envelope().with(object))?;
        }
    }
    found.map_or(Ok(()), Err)
}

/// The line of a finding, and that of its remedy. The level has a colour on a terminal.
fn lines(finding: &Finding) -> String {
    let Finding { check, level, text, remedy } = finding;
    let word = format!("{:7}", level.word());
    let tone = match level {
        Level::Ok => Some(Tone::Good),
        Level::Skipped => Some(Tone::Dim),
        Level::Warning => None,
        Level::Problem => Some(Tone::Bad),
    };
    let word = tone.map_or(word.clone(), |tone| tone::paint(tone::Stream::Output, tone, &word));
    let remedy = remedy.as_ref().map(|remedy| format!("         {}\n", printable::line(remedy))).unwrap_or_default();
    format!("{word}  {}: {}\n{remedy}", check.name(), printable::line(text))
}
