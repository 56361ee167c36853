//! Rewrites arguments that argh rejects: `--pcr=X`, and `-` for standard input.

use super::args::capelet::Capelet;
use argh::{ArgsInfo as _, CommandInfoWithArgs, FlagInfoKind};
use std::collections::BTreeSet;

/// Replaces a positional `-`. The user cannot pass this value, because an argument cannot contain NUL.
pub const STDIN: &str = "\0";

/// Rewrites `arguments` into the form that argh accepts.
///
/// `--name=value` becomes two arguments, and a positional `-` becomes [`STDIN`]. Values of options and everything after
/// `--` stay unchanged.
pub fn normalize(arguments: Vec<String>) -> Vec<String> {
    let mut switches = BTreeSet::new();
    collect_switches(&Capelet::get_args_info(), &mut switches);
    let mut normalized = Vec::with_capacity(arguments.len());
    let mut is_value = false;
    let mut rest = arguments.into_iter();
    for argument in rest.by_ref() {
        if is_value || !argument.starts_with('-') {
            is_value = false;
            normalized.push(argument);
            continue;
        }
        if argument == "--" {
            normalized.push(argument);
            break;
        }
        if argument == "-" {
            normalized.push(STDIN.to_owned());
            continue;
        }
        match argument.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            Some((name, value)) => normalized.extend([name.to_owned(), value.to_owned()]),
            None => {
                is_value = !switches.contains(&argument);
                normalized.push(argument);
            }
        }
    }
    normalized.extend(rest);
    normalized
}

/// Adds the flags without a value of `command` and its subcommands to `switches`.
fn collect_switches(command: &CommandInfoWithArgs, switches: &mut BTreeSet<String>) {
    switches.insert("-h".to_owned());
    for flag in command.flags.iter().filter(|flag| flag.kind == FlagInfoKind::Switch) {
        switches.insert(flag.long.to_owned());
        switches.extend(flag.short.map(|short| format!("-{short}")));
    }
    for inner in &command.commands {
        collect_switches(&inner.command, switches);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::capelet::Command;
    use crate::cli::args::encrypt::Encrypt;
    use crate::cli::args::run::Run;
    use crate::cli::args::verify::Verify;
    use argh::FromArgs as _;

    fn parse(line: &str) -> Command {
        let arguments = normalize(line.split(' ').map(str::to_owned).collect());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Capelet::from_args(&["capelet"], &arguments).unwrap().command
    }

    fn run(line: &str) -> Run {
        let Command::Run(run) = parse(line) else { panic!("{line}") };
        run
    }

    fn encrypt(line: &str) -> Encrypt {
        let Command::Encrypt(encrypt) = parse(line) else { panic!("{line}") };
        encrypt
    }

    #[test]
    fn splits_options_at_the_equals_sign() {
        let Command::Verify(Verify { pcr, at, .. }) = parse("verify x --pcr=0:ab --pcr= --at=7 -p 8:a=b") else {
            panic!()
        };
        assert_eq!((pcr, at), (vec!["0:ab".to_owned(), String::new(), "8:a=b".to_owned()], Some(7)));
    }

    #[test]
    fn replaces_dash_only_as_positional_argument() {
        assert_eq!(run("run f -").input.as_deref(), Some(STDIN));
        assert_eq!(run("run f -v -").input.as_deref(), Some(STDIN));
        assert_eq!(run("run -v f - --receipt r").input.as_deref(), Some(STDIN));
        let with_file = run("run f -f -");
        assert_eq!((with_file.file, with_file.input), (vec!["-".to_owned()], None));
        assert_eq!(run("run f --receipt -").receipt.as_deref(), Some("-"));
        assert_eq!(encrypt("encrypt --any-function-of-owner -").data.as_deref(), Some(STDIN));
        assert_eq!(encrypt("encrypt -- -").data.as_deref(), Some("-"));
        assert_eq!(encrypt("encrypt -- --x=y").data.as_deref(), Some("--x=y"));
        assert_eq!(encrypt("encrypt a=b").data.as_deref(), Some("a=b"));
        assert_eq!(encrypt("encrypt --to --x=y d").to.as_deref(), Some("--x=y"));
    }

    #[test]
    fn accepts_global_options_at_any_position() {
        for line in ["-o json -u unix:/x key show", "key -o json show -u unix:/x", "key show -o json --url=unix:/x"] {
            let arguments = normalize(line.split(' ').map(str::to_owned).collect());
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let globals = Capelet::from_args(&["capelet"], &arguments).unwrap().all_globals();
            assert_eq!((globals.output.as_deref(), globals.url.as_deref()), (Some("json"), Some("unix:/x")), "{line}");
        }
    }
}
