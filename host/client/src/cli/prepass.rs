//! What argh refuses and people write: `--pcr=X`, and `-` for standard input.

use super::args::Capelet;
use argh::{ArgsInfo as _, CommandInfoWithArgs, FlagInfoKind};
use std::collections::BTreeSet;

/// What a positional `-` becomes: no argument that a system hands over holds a NUL.
pub const STDIN: &str = "\0";

/// The arguments as argh wants them.
pub fn prepare(arguments: Vec<String>) -> Vec<String> {
    let mut switches = BTreeSet::new();
    collect(&Capelet::get_args_info(), &mut switches);
    let mut prepared = Vec::with_capacity(arguments.len());
    let mut is_value = false;
    let mut rest = arguments.into_iter();
    for argument in rest.by_ref() {
        if is_value || !argument.starts_with('-') {
            is_value = false;
            prepared.push(argument);
            continue;
        }
        if argument == "--" {
            prepared.push(argument);
            break;
        }
        if argument == "-" {
            prepared.push(STDIN.to_owned());
            continue;
        }
        match argument.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            Some((name, value)) => prepared.extend([name.to_owned(), value.to_owned()]),
            None => {
                is_value = !switches.contains(&argument);
                prepared.push(argument);
            }
        }
    }
    prepared.extend(rest);
    prepared
}

/// The flags that take no value, of a command and those under it.
fn collect(command: &CommandInfoWithArgs, switches: &mut BTreeSet<String>) {
    switches.insert("-h".to_owned());
    for flag in command.flags.iter().filter(|flag| flag.kind == FlagInfoKind::Switch) {
        switches.insert(flag.long.to_owned());
        switches.extend(flag.short.map(|short| format!("-{short}")));
    }
    for inner in &command.commands {
        collect(&inner.command, switches);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Command, Encrypt, Run, Verify};
    use argh::FromArgs as _;

    fn parse(line: &str) -> Command {
        let arguments = prepare(line.split(' ').map(str::to_owned).collect());
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
    fn values_after_an_equals_sign() {
        let Command::Verify(Verify { pcr, at, .. }) = parse("verify x --pcr=0:ab --pcr= --at=7 -p 8:a=b") else {
            panic!()
        };
        assert_eq!((pcr, at), (vec!["0:ab".to_owned(), String::new(), "8:a=b".to_owned()], Some(7)));
    }

    #[test]
    fn a_dash_is_standard_input_only_where_an_argument_is() {
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
    fn globals_anywhere() {
        for line in ["-o json -u unix:/x key show", "key -o json show -u unix:/x", "key show -o json --url=unix:/x"] {
            let arguments = prepare(line.split(' ').map(str::to_owned).collect());
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let globals = Capelet::from_args(&["capelet"], &arguments).unwrap().all_globals();
            assert_eq!((globals.output.as_deref(), globals.url.as_deref()), (Some("json"), Some("unix:/x")), "{line}");
        }
    }
}
