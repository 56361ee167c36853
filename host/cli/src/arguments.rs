//! From the operating system's arguments to the program's own type.
//!
//! argh takes UTF-8 only, knows neither `--name=value`, `-nvalue` nor bundled switches, and takes words for help or
//! commands where they are data. The words are therefore read and rewritten before argh sees them, by the rules of GNU's
//! getopt.

use crate::own_options::{HELP, VERSION};
use crate::printable;
use crate::words::{self, Problem};
use argh::{ArgsInfo, FromArgs};
use std::ffi::OsString;

pub use crate::words::STDIN;

/// A program, as its command line presents it.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    name: &'static str,
    version: &'static str,
    development: bool,
}

impl Program {
    /// The program with this name and this version, which `--version` and `-V` print.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version, development: false }
    }

    /// The same program, all of whose results rest on a development root.
    pub const fn for_development(self) -> Self {
        Self { development: true, ..self }
    }

    pub(crate) const fn is_development(&self) -> bool {
        self.development
    }

    /// Parses the program's arguments, which do not include its name. Without any, the help is returned if the program
    /// has subcommands.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn parse<T: FromArgs + ArgsInfo>(&self, arguments: impl Iterator<Item = OsString>) -> Result<Parsed<T>, Stop> {
        self.read(arguments).map_err(|early| {
            let message = match early.reason {
                Reason::Text(text) => return Stop::Text(text),
                Reason::Problem(problem) => problem.sentence(),
                Reason::Sentence(sentence) => sentence,
            };
            Stop::Usage(UsageError { message, command: self.command(&early.path), outputs: early.outputs })
        })
    }

    /// How a command is called, and how to see the rest, in two lines, each with its line end. `command` has the words of
    /// [`Parsed::command`].
    pub fn usage<T: FromArgs>(&self, command: &str) -> String {
        let path: Vec<_> = command.split(' ').skip(1).collect();
        let help = help::<T>(self.name, &path);
        format!("{}\n`{command} --help` explains the options.\n", help.lines().next().unwrap_or_default())
    }

    fn read<T: FromArgs + ArgsInfo>(&self, arguments: impl Iterator<Item = OsString>) -> Result<Parsed<T>, Early> {
        let info = T::get_args_info();
        let mut arguments = arguments.map(utf8).collect::<Result<Vec<_>, _>>().map_err(|reason| Early {
            reason,
            path: Vec::new(),
            outputs: Vec::new(),
        })?;
        if arguments.is_empty() && !info.commands.is_empty() {
            arguments.push("--help".to_owned());
        }
        let words = words::read(&info, arguments);
        let early = |reason| Early { reason, path: words.path.clone(), outputs: words.outputs.clone() };
        if let Some(problem) = words.problem {
            return Err(Early { reason: Reason::Problem(problem), path: words.path, outputs: words.outputs });
        }
        if words.version {
            return Err(early(Reason::Text(format!("{} {}\n", self.name, self.version))));
        }
        if words.help {
            let help = help::<T>(self.name, &words.path);
            return Err(early(Reason::Text(if words.path.is_empty() { with_version(&help) } else { help })));
        }
        let arguments: Vec<_> = words.words.iter().map(String::as_str).collect();
        let parsed = T::from_args(&[self.name], &arguments).map_err(|exit| match exit.status {
            Ok(()) => early(Reason::Text(exit.output)),
            Err(()) => early(Reason::Sentence(one_line(&exit.output))),
        });
        Ok(Parsed { arguments: parsed?, command: self.command(&words.path) })
    }

    /// The words of a command: the program's name, and the names in `path`.
    fn command(&self, path: &[&str]) -> String {
        let words: Vec<_> = [self.name].iter().chain(path).copied().collect();
        words.join(" ")
    }
}

/// The arguments of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The program's own type.
    pub arguments: T,
    /// The words of the command that was named: `capelet key create`.
    pub command: String,
}

/// Why [`Program::parse`] returned no arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The user asked for this text, the help or the version. The program prints it on standard output and succeeds.
    Text(String),
    /// The arguments are invalid. The program ends with the exit status [`USAGE_STATUS`].
    Usage(UsageError),
}

/// The exit status of a program whose arguments are invalid.
pub const USAGE_STATUS: u8 = 2;

/// Invalid arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    /// One sentence in one line, which says what is wrong. It contains the user's words. Print it with
    /// [`printable::line`].
    pub message: String,
    /// The words of the command that was named until then: `capelet key`, or `capelet` without any.
    pub command: String,
    /// The values of `--output` or its short name. The program reports the error in this format. More than one value is
    /// an error in itself.
    pub outputs: Vec<String>,
}

/// Why no arguments were returned.
struct Early {
    reason: Reason,
    /// The names of the command and its subcommand.
    path: Vec<&'static str>,
    outputs: Vec<String>,
}

enum Reason {
    Text(String),
    Problem(Problem),
    Sentence(String),
}

fn utf8(argument: OsString) -> Result<String, Reason> {
    argument.into_string().map_err(|argument| {
        let shown = printable::lines(argument.as_encoded_bytes());
        Reason::Sentence(format!("the argument {} is not UTF-8: use UTF-8 names", printable::line(&shown)))
    })
}

/// The help of the program, or of its command with these names.
fn help<T: FromArgs>(name: &str, path: &[&str]) -> String {
    let arguments: Vec<_> = path.iter().copied().chain(["--help"]).collect();
    T::from_args(&[name], &arguments).err().map(|exit| exit.output).unwrap_or_default()
}

/// The help with the options that argh does not know.
fn with_version(help: &str) -> String {
    let mut text = String::new();
    for line in help.lines() {
        text.push_str(line);
        text.push('\n');
        if line.trim_start().starts_with('-') && line.ends_with(HELP.description) {
            text.push_str(&format!("  -V, {:<14}{}\n", VERSION.long, VERSION.description));
        }
    }
    text
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

    const PROGRAM: Program = Program::new("program", "1.2.3");

    /// A program with one command.
    #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
    #[argh(help_triggers("-h", "--help"))]
    struct Arguments {
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
            PROGRAM.parse::<Arguments>(line.split(' ').map(OsString::from)).unwrap().arguments.command;
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
            let stop = PROGRAM.parse::<Arguments>(line.iter().map(OsString::from)).unwrap_err();
            assert!(matches!(&stop, Stop::Text(text) if text.starts_with("Usage: program")), "{line:?}: {stop:?}");
        }
    }

    fn stop(line: &str) -> Stop {
        let words = line.split_whitespace().map(OsString::from);
        PROGRAM.parse::<Arguments>(words).unwrap_err()
    }

    #[test]
    fn prints_the_version_and_lists_it_in_the_help() {
        for line in ["--version", "-V", "say -V", "say -vV", "say a --version"] {
            assert_eq!(stop(line), Stop::Text("program 1.2.3\n".into()), "{line}");
        }
        let Stop::Text(help) = stop("") else { panic!() };
        assert!(
            help.contains("  -h, --help        display usage information\n  -V, --version     display the v"),
            "{help}"
        );
        let Stop::Text(help) = stop("help say") else { panic!() };
        assert!(help.starts_with("Usage: program say [-p <pcr...>] [-v] [--] [<words...>]\n"), "{help}");
    }

    #[test]
    fn a_usage_error_shows_the_usage_of_its_own_command() {
        let of_say =
            "Usage: program say [-p <pcr...>] [-v] [--] [<words...>]\n`program say --help` explains the options.\n";
        let of_all = "Usage: program <command> [<args>]\n`program --help` explains the options.\n";
        for (line, message, usage) in [
            ("sya", "unknown command sya: did you mean say?", of_all),
            ("-", "unknown command -: the commands are say", of_all),
            ("say --prc x", "unknown option --prc: did you mean --pcr?", of_say),
            ("say -p", "No value provided for option '-p'", of_say),
        ] {
            let Stop::Usage(error) = stop(line) else { panic!("{line}") };
            let shown = PROGRAM.usage::<Arguments>(&error.command);
            assert_eq!((error.message.as_str(), shown.as_str()), (message, usage), "{line}");
        }
    }

    #[test]
    fn rejects_arguments_that_are_not_utf8_in_words() {
        let arguments = [OsString::from("say"), OsString::from_vec(b"a\n\xff".to_vec())];
        let Stop::Usage(error) = PROGRAM.parse::<Arguments>(arguments.into_iter()).unwrap_err() else { panic!() };
        assert_eq!(error.message, "the argument a\\n\\xff is not UTF-8: use UTF-8 names");
    }
}
