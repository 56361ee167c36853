//! From the operating system's arguments to the program's own type.
//!
//! argh takes UTF-8 only, knows neither `--name=value` nor `-` for standard input, and prints its help wherever the word
//! `help` stands, even where it is data.

use crate::printable;
use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfoKind, FromArgs};
use std::collections::BTreeSet;
use std::ffi::OsString;

/// Replaces a positional `-`. The user cannot pass this value, because an argument cannot contain NUL.
pub const STDIN: &str = "\0";

/// Why no arguments were returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The user asked for this help. The program prints it on standard output and succeeds.
    Help(String),
    /// The arguments are invalid. The sentence, in one line, says why.
    Usage(String),
}

/// Parses the arguments of the program with this name, which they do not include. Without any, the help is returned if
/// the program has subcommands.
///
/// # Errors
/// [`Exit`].
pub fn parse<T: FromArgs + ArgsInfo>(program: &str, arguments: impl Iterator<Item = OsString>) -> Result<T, Exit> {
    let info = T::get_args_info();
    let mut words = arguments.map(utf8).collect::<Result<Vec<_>, _>>()?;
    if words.is_empty() && !info.commands.is_empty() {
        words.push("--help".to_owned());
    }
    if words.first().is_some_and(|word| word == "help") && !info.commands.is_empty() {
        words.remove(0);
        words.push("--help".to_owned());
    }
    let words = normalize(&info, words);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    T::from_args(&[program], &words).map_err(|exit| match exit.status {
        Ok(()) => Exit::Help(exit.output),
        Err(()) => Exit::Usage(one_line(&exit.output)),
    })
}

fn utf8(argument: OsString) -> Result<String, Exit> {
    argument.into_string().map_err(|argument| {
        let shown = printable::lines(argument.as_encoded_bytes());
        Exit::Usage(format!("the argument {} is not UTF-8: use UTF-8 names", printable::line(&shown)))
    })
}

/// Rewrites `arguments` into the form that argh accepts.
///
/// `--name=value` becomes two arguments, and a positional `-` becomes [`STDIN`]. Values of options and everything after
/// `--` stay unchanged.
fn normalize(info: &CommandInfoWithArgs, arguments: Vec<String>) -> Vec<String> {
    let mut switches = BTreeSet::from(["-h".to_owned(), "--help".to_owned()]);
    collect_switches(info, &mut switches);
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
    for flag in command.flags.iter().filter(|flag| flag.kind == FlagInfoKind::Switch) {
        switches.insert(flag.long.to_owned());
        switches.extend(flag.short.map(|short| format!("-{short}")));
    }
    for inner in &command.commands {
        collect_switches(&inner.command, switches);
    }
}

/// argh's message, which has several lines, as one line.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').replace(STDIN, "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    /// A program with one command.
    #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
    #[argh(help_triggers("-h", "--help"))]
    struct Program {
        #[argh(subcommand)]
        command: Command,
    }

    #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
    #[argh(subcommand)]
    enum Command {
        Say(Say),
    }

    /// Says words.
    #[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq)]
    #[argh(subcommand, name = "say", help_triggers("-h", "--help"))]
    struct Say {
        /// words
        #[argh(positional)]
        words: Vec<String>,
        /// an option
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a switch
        #[argh(switch, short = 'v')]
        verbose: bool,
    }

    fn say(line: &str) -> (Vec<String>, Vec<String>) {
        let Command::Say(Say { words, pcr, .. }) =
            parse::<Program>("program", line.split(' ').map(OsString::from)).unwrap().command;
        (words, pcr)
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn splits_options_at_the_first_equals_sign() {
        let (words, pcr) = say("say --pcr=0:ab a=b --pcr= -p 8:a=b --pcr=--x=y -- --x=y");
        assert_eq!(words, strings(&["a=b", "--x=y"]));
        assert_eq!(pcr, strings(&["0:ab", "", "8:a=b", "--x=y"]));
    }

    #[test]
    fn replaces_dash_only_as_positional_argument() {
        assert_eq!(say("say -").0, strings(&[STDIN]));
        assert_eq!(say("say -v - x").0, strings(&[STDIN, "x"]));
        assert_eq!(say("say -p - x").1, strings(&["-"]));
        assert_eq!(say("say -- -").0, strings(&["-"]));
    }

    #[test]
    fn the_word_help_is_data_except_in_place_of_a_command() {
        let (words, pcr) = say("say help -p help -- --help");
        assert_eq!((words, pcr), (strings(&["help", "--help"]), strings(&["help"])));
        for line in [&["help"][..], &["help", "say"], &["say", "--help"], &["say", "-h"], &["--help"], &[]] {
            let exit = parse::<Program>("program", line.iter().map(OsString::from)).unwrap_err();
            assert!(matches!(&exit, Exit::Help(text) if text.starts_with("Usage: program")), "{line:?}: {exit:?}");
        }
    }

    #[test]
    fn rejects_arguments_that_are_not_utf8_in_words() {
        let arguments = [OsString::from("say"), OsString::from_vec(b"a\n\xff".to_vec())];
        let exit = parse::<Program>("program", arguments.into_iter()).unwrap_err();
        assert_eq!(exit, Exit::Usage("the argument a\\n\\xff is not UTF-8: use UTF-8 names".into()));
    }
}
