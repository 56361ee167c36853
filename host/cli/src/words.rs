//! The words of a command line, read by the rules of GNU's getopt, and their rewriting into the form that argh accepts.
//!
//! | written | read as |
//! |---|---|
//! | `--name=value`, `--name value` | an option and its value, which may be empty or begin with a dash |
//! | `-nvalue`, `-n value` | the same, with the option's short name; `-n=value` has the value `=value` |
//! | `-ab`, `-abn value`, `-abnvalue` | several switches; the last one may take a value |
//! | `-` | the positional argument [`STDIN`] |
//! | `--` | everything after it is positional, also what begins with a dash |
//! | anything else, before the command is known | the name of a command |
//! | anything else | a positional argument; options may follow it |
//!
//! Which words are values follows from the options of the command that was named until then. A value is therefore never
//! taken for a command or an option. Long names are not abbreviated, because an abbreviation changes its meaning when a
//! program gains an option.

use crate::suggestion::closest;
use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};

/// Replaces a positional `-`. The user cannot pass this value, because an argument cannot contain NUL.
pub const STDIN: &str = "\0";

/// What a command line says.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// The words for argh.
    pub(crate) words: Vec<String>,
    /// The names of the command and its subcommand.
    pub(crate) path: Vec<&'static str>,
    /// The values of the option `--output`. They are found behind a problem too, because the problem is reported in
    /// this format.
    pub(crate) outputs: Vec<String>,
    /// Whether the user asked for the help of the command in `path`.
    pub(crate) help: bool,
    /// Whether the user asked for the version.
    pub(crate) version: bool,
    /// The first problem.
    pub(crate) problem: Option<Problem>,
}

/// Why a command line is invalid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The option is unknown to the command.
    UnknownOption {
        /// The option's name.
        name: String,
        /// The argument with the option, if it has several.
        within: String,
        /// What to do.
        advice: String,
    },
    /// The command is unknown.
    UnknownCommand {
        /// The word in place of the command.
        word: String,
        /// What to do.
        advice: String,
    },
    /// A switch has a value.
    UnexpectedValue {
        /// The switch's name.
        name: String,
    },
    /// The command takes fewer positional arguments.
    UnexpectedArgument {
        /// The first one that is too many.
        word: String,
        /// The number that the command takes.
        most: usize,
    },
}

impl Problem {
    /// The problem as one sentence.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::UnknownOption { name, within, advice } if name == within => {
                format!("unknown option {name}: {advice}")
            }
            Self::UnknownOption { name, within, advice } => format!("unknown option {name} in {within}: {advice}"),
            Self::UnknownCommand { word, advice } => format!("unknown command {word}: {advice}"),
            Self::UnexpectedValue { name } => format!("{name} takes no value: write {name} alone"),
            Self::UnexpectedArgument { word, most: 0 } => {
                format!("unexpected argument {word}: the command takes options only")
            }
            Self::UnexpectedArgument { word, most } => {
                format!("unexpected argument {word}: the command takes {most} at most")
            }
        }
    }
}

/// Reads `arguments` of a program with these commands and options. Every program has `--version` and `-V` too.
pub(crate) fn read(info: &CommandInfoWithArgs, arguments: Vec<String>) -> Words {
    let mut reader = Reader {
        program: info,
        command: info,
        rest: arguments.into_iter(),
        positionals: 0,
        ended: false,
        lost: false,
        read: Words::default(),
    };
    reader.run();
    reader.read
}

struct Reader<'a> {
    /// The program with all its commands.
    program: &'a CommandInfoWithArgs,
    /// The command that was named so far.
    command: &'a CommandInfoWithArgs,
    rest: std::vec::IntoIter<String>,
    /// The number of positional arguments so far.
    positionals: usize,
    /// Whether `--` was read.
    ended: bool,
    /// Whether the command is unknown. The reader then looks for `--output` only.
    lost: bool,
    read: Words,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(word) = self.rest.next() {
            if self.ended || word == "-" || !word.starts_with('-') {
                self.operand(word);
            } else if word == "--" {
                self.ended = true;
                if self.command.commands.is_empty() {
                    self.read.words.push(word);
                }
            } else if word.starts_with("--") {
                self.long(&word);
            } else {
                self.short(&word);
            }
            let is_leaf = self.command.commands.is_empty();
            if self.read.problem.is_none() && (self.read.version || (self.read.help && is_leaf)) {
                return;
            }
        }
    }

    /// Reads a word that is neither an option nor a value.
    fn operand(&mut self, word: String) {
        if self.lost {
            return;
        }
        let is_leaf = self.command.commands.is_empty();
        // Where no argument is possible, the word cannot be data.
        let asks_help = !is_leaf || (self.read.path.is_empty() && self.command.positionals.is_empty());
        if word == "help" && asks_help && !self.ended {
            self.ask(false);
            return;
        }
        if is_leaf {
            self.positional(word);
            return;
        }
        // argh takes a single character for a command's short name, and NUL for that of a command without one.
        let Some(command) = self.command.commands.iter().find(|command| is_called(&command.command, &word)) else {
            let names: Vec<_> = self.command.commands.iter().map(|command| command.name).collect();
            let advice = match closest(&word, names.iter().copied()) {
                Some(name) => format!("did you mean {name}?"),
                None => format!("the commands are {}", names.join(", ")),
            };
            self.lost = true;
            self.refuse(Problem::UnknownCommand { word, advice });
            return;
        };
        self.command = &command.command;
        self.read.path.push(command.name);
        self.read.words.push(command.name.to_owned());
        if self.ended && command.command.commands.is_empty() {
            self.read.words.push("--".to_owned());
        }
    }

    fn positional(&mut self, word: String) {
        let declared = self.command.positionals;
        let takes_more = declared
            .last()
            .is_some_and(|last| matches!(last.optionality, Optionality::Repeating | Optionality::Greedy));
        if self.positionals >= declared.len() && !takes_more {
            self.refuse(Problem::UnexpectedArgument { word, most: declared.len() });
            return;
        }
        let at = self.positionals.min(declared.len().saturating_sub(1));
        self.positionals += 1;
        self.read.words.push(if word == "-" && !self.ended { STDIN.to_owned() } else { word });
        // argh reads no options behind a greedy argument.
        self.ended |= declared.get(at).is_some_and(|declared| declared.optionality == Optionality::Greedy);
    }

    /// Reads `--name` or `--name=value`.
    fn long(&mut self, word: &str) {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let is_named = |flag: &FlagInfo<'_>| flag.long == name;
        let is_version = name == "--version" && self.flag(is_named).is_none();
        if (name == "--help" || is_version) && value.is_none() {
            self.ask(is_version);
            return;
        }
        match self.flag(is_named) {
            Some(flag) if takes_value(flag) => self.option(name, flag.long, value),
            Some(_) if value.is_some() => self.refuse(Problem::UnexpectedValue { name: name.to_owned() }),
            Some(_) => self.read.words.push(name.to_owned()),
            None if is_version => self.refuse(Problem::UnexpectedValue { name: name.to_owned() }),
            None => {
                self.unknown(name, name, is_named);
                self.skip_value(is_named, value);
            }
        }
    }

    /// Reads `-a`, `-abc` or `-avalue`.
    fn short(&mut self, word: &str) {
        let mut characters = word.chars();
        characters.next();
        while let Some(character) = characters.next() {
            let name = format!("-{character}");
            let is_named = |flag: &FlagInfo<'_>| flag.short == Some(character);
            let value = Some(characters.as_str()).filter(|value| !value.is_empty()).map(str::to_owned);
            match self.flag(is_named) {
                Some(flag) if takes_value(flag) => {
                    self.option(&name, flag.long, value);
                    return;
                }
                Some(_) => self.read.words.push(name),
                None if character == 'h' => self.ask(false),
                None if character == 'V' => self.ask(true),
                None => {
                    self.unknown(&name, word, is_named);
                    self.skip_value(is_named, value);
                    return;
                }
            }
        }
    }

    /// Reads an option with a value: the one in the same word, or else the next word, whatever it is. argh refuses an
    /// option without any.
    fn option(&mut self, name: &str, long: &str, value: Option<String>) {
        self.read.words.push(name.to_owned());
        let Some(value) = value.or_else(|| self.rest.next()) else { return };
        if long == "--output" {
            self.read.outputs.push(value.clone());
        }
        self.read.words.push(value);
    }

    fn ask(&mut self, version: bool) {
        if self.read.problem.is_none() {
            self.read.version |= version;
            self.read.help |= !version;
        }
    }

    fn unknown(&mut self, name: &str, within: &str, is_named: impl Fn(&FlagInfo<'_>) -> bool + Copy) {
        let long_names = self.command.flags.iter().filter(|flag| !flag.hidden).map(|flag| flag.long);
        // `-name` is probably `--name`, and a short name is never taken for a mistyped one.
        let given = if name.starts_with("--") { name.to_owned() } else { format!("-{within}") };
        let meant = if given.chars().count() > 3 { closest(&given, long_names.chain(["--version"])) } else { None };
        let advice = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None if self.command.commands.iter().any(|command| find(&command.command, is_named).is_some()) => {
                "write it after the command that it belongs to".to_owned()
            }
            None if self.command.positionals.is_empty() => "remove it".to_owned(),
            None => "write -- before an argument that begins with a dash".to_owned(),
        };
        self.refuse(Problem::UnknownOption { name: name.to_owned(), within: within.to_owned(), advice });
    }

    /// Skips the value of an option that is unknown here, if a command of this program has such an option.
    fn skip_value(&mut self, is_named: impl Fn(&FlagInfo<'_>) -> bool + Copy, value: Option<String>) {
        let Some(flag) = find(self.program, is_named).filter(|flag| takes_value(flag)) else { return };
        let long = flag.long;
        self.option(long, long, value);
    }

    /// Records a problem. What follows a request for help does not matter, except the name of the command.
    fn refuse(&mut self, problem: Problem) {
        let matters = !self.read.help || matches!(problem, Problem::UnknownCommand { .. });
        if matters && self.read.problem.is_none() {
            self.read.problem = Some(problem);
        }
    }

    /// The option of the present command. After an unknown command, that of any command.
    fn flag(&self, is_named: impl Fn(&FlagInfo<'_>) -> bool + Copy) -> Option<&'static FlagInfo<'static>> {
        if self.lost { find(self.program, is_named) } else { self.command.flags.iter().find(|flag| is_named(flag)) }
    }
}

fn is_called(command: &CommandInfoWithArgs, word: &str) -> bool {
    let mut characters = word.chars();
    let is_short = characters.next() == Some(*command.short) && characters.next().is_none();
    command.name == word || (is_short && *command.short != '\0')
}

fn takes_value(flag: &FlagInfo<'_>) -> bool {
    flag.kind != FlagInfoKind::Switch
}

/// The first option with this name of the command or its subcommands.
fn find(
    command: &CommandInfoWithArgs,
    is_named: impl Fn(&FlagInfo<'_>) -> bool + Copy,
) -> Option<&'static FlagInfo<'static>> {
    let own = command.flags.iter().find(|flag| is_named(flag));
    own.or_else(|| command.commands.iter().find_map(|inner| find(&inner.command, is_named)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn flag(long: &'static str, short: Option<char>, takes_value: bool) -> FlagInfo<'static> {
        let kind = if takes_value { FlagInfoKind::Option { arg_name: "x" } } else { FlagInfoKind::Switch };
        FlagInfo { kind, optionality: Optionality::Optional, long, short, description: "", hidden: false }
    }

    const fn positional(optionality: Optionality) -> argh::PositionalInfo<'static> {
        argh::PositionalInfo { name: "x", description: "", optionality, hidden: false }
    }

    static FLAGS: [FlagInfo<'static>; 6] = [
        flag("--help", None, false),
        flag("--file", Some('f'), true),
        flag("--output", Some('o'), true),
        flag("--verbose", Some('v'), false),
        flag("--quiet", Some('q'), false),
        flag("--run-time", None, true),
    ];
    static HELP: [FlagInfo<'static>; 1] = [flag("--help", None, false)];
    static TWO: [argh::PositionalInfo<'static>; 2] =
        [positional(Optionality::Required), positional(Optionality::Optional)];
    static GREEDY: [argh::PositionalInfo<'static>; 1] = [positional(Optionality::Greedy)];

    /// `program [run FILE [FILE] | exec WORD… | key (make|show)]`. `key` takes the options too.
    fn program() -> CommandInfoWithArgs {
        let command = |name, flags, positionals, commands| argh::SubCommandInfo {
            name,
            command: CommandInfoWithArgs { name, flags, positionals, commands, ..Default::default() },
        };
        let key = vec![command("make", &FLAGS[..], &[][..], vec![]), command("show", &HELP, &[], vec![])];
        let commands = vec![
            command("run", &FLAGS, &TWO, vec![]),
            command("exec", &FLAGS, &GREEDY, vec![]),
            command("key", &FLAGS, &[], key),
        ];
        CommandInfoWithArgs { name: "program", flags: &HELP, commands, ..Default::default() }
    }

    fn words(line: &str) -> Words {
        // `""` is an empty word.
        let arguments = line.split_whitespace().map(|word| if word == "\"\"" { "" } else { word }.to_owned());
        read(&program(), arguments.collect())
    }

    #[test]
    fn reads_options_as_gnu_getopt_does() {
        for (line, expected) in [
            ("run a", "run a"),
            ("run -fFILE a", "run -f FILE a"),
            ("run -f FILE a", "run -f FILE a"),
            ("run -f=FILE a", "run -f =FILE a"),
            ("run -vo json a", "run -v -o json a"),
            ("run -vojson a", "run -v -o json a"),
            ("run -qvf - a", "run -q -v -f - a"),
            ("run -vvq a", "run -v -v -q a"),
            ("run -fv a", "run -f v a"),
            ("run --file=x=y a", "run --file x=y a"),
            ("run --file= a", "run --file <empty> a"),
            ("run --file \"\" a", "run --file <empty> a"),
            ("run -f \"\" \"\"", "run -f <empty> <empty>"),
            ("run a -v b -o json", "run a -v b -o json"),
            ("run - -f-", "run <stdin> -f -"),
            ("run -- - -v", "run -- - -v"),
            ("run a -- -v", "run a -- -v"),
            ("-- run -v", "run -- -v"),
            ("-- key make", "key make --"),
            // Values that look like something else.
            ("run --file run run", "run --file run run"),
            ("run -f exec exec", "run -f exec exec"),
            ("run help --file help", "run help --file help"),
            ("run --file --verbose a", "run --file --verbose a"),
            ("run -f -v a", "run -f -v a"),
            ("run -f-v a", "run -f -v a"),
            ("run -f --help a", "run -f --help a"),
            ("run -f -V a", "run -f -V a"),
            ("run -f --output=json a", "run -f --output=json a"),
            ("run -f -- a", "run -f -- a"),
            ("run --run-time -1 a", "run --run-time -1 a"),
            ("run a=b -fa=b", "run a=b -f a=b"),
            ("run -f--file=x a", "run -f --file=x a"),
            ("key -o make make", "key -o make make"),
            ("key -fshow make -f key", "key -f show make -f key"),
            ("exec a -v -- -x help", "exec a -v -- -x help"),
            ("exec -v a", "exec -v a"),
            // argh reports the missing value.
            ("run a -f", "run a -f"),
            ("run a -vf", "run a -v -f"),
        ] {
            let read = words(line);
            assert_eq!(read.problem, None, "{line}");
            assert!(!read.help && !read.version, "{line}");
            let shown = read.words.iter().map(|word| match word.as_str() {
                STDIN => "<stdin>",
                "" => "<empty>",
                other => other,
            });
            assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{line}");
        }
    }

    #[test]
    fn finds_requests_for_help_and_version() {
        for (line, path, help, version) in [
            ("--help", "", true, false),
            ("-h", "", true, false),
            ("help", "", true, false),
            ("help run", "run", true, false),
            ("--help key show", "key show", true, false),
            ("key help show", "key show", true, false),
            ("key --help", "key", true, false),
            ("run --help --colour a b c", "run", true, false),
            ("run -vh", "run", true, false),
            ("run a -h", "run", true, false),
            ("--version", "", false, true),
            ("-V nonsense", "", false, true),
            ("key make -vV", "key make", false, true),
            ("run --version", "run", false, true),
        ] {
            let read = words(line);
            assert_eq!((read.path.join(" ").as_str(), read.help, read.version), (path, help, version), "{line}");
            assert_eq!(read.problem, None, "{line}");
        }
        // A program without commands and arguments, such as a server.
        let server = CommandInfoWithArgs { flags: &FLAGS, ..Default::default() };
        assert!(read(&server, vec!["help".into()]).help);
        assert!(read(&server, vec!["-v".into(), "-h".into()]).help);
        assert!(read(&server, vec!["word".into()]).problem.is_some());
    }

    #[test]
    fn says_what_is_wrong_and_what_was_meant() {
        for (line, sentence) in [
            ("rnu a", "unknown command rnu: did you mean run?"),
            ("nonsense", "unknown command nonsense: the commands are run, exec, key"),
            ("help nonsense", "unknown command nonsense: the commands are run, exec, key"),
            ("key shwo", "unknown command shwo: did you mean show?"),
            // argh would take this for its first command.
            ("- a", "unknown command -: the commands are run, exec, key"),
            ("-- -v", "unknown command -v: the commands are run, exec, key"),
            ("run --flie x a", "unknown option --flie: did you mean --file?"),
            ("run --verbsoe=x a", "unknown option --verbsoe: did you mean --verbose?"),
            ("run --versoin", "unknown option --versoin: did you mean --version?"),
            ("run -quiet a", "unknown option -u in -quiet: did you mean --quiet?"),
            ("run -vx a", "unknown option -x in -vx: write -- before an argument that begins with a dash"),
            ("run -5", "unknown option -5: write -- before an argument that begins with a dash"),
            ("key show --colour", "unknown option --colour: remove it"),
            ("--colour", "unknown option --colour: remove it"),
            ("-v run a", "unknown option -v: write it after the command that it belongs to"),
            ("--file x run", "unknown option --file: write it after the command that it belongs to"),
            ("run --verbose=yes a", "--verbose takes no value: write --verbose alone"),
            ("run --help=yes a", "--help takes no value: write --help alone"),
            ("--version=2", "--version takes no value: write --version alone"),
            ("run a b c", "unexpected argument c: the command takes 2 at most"),
            ("key show a", "unexpected argument a: the command takes options only"),
            ("run --flie --help", "unknown option --flie: did you mean --file?"),
        ] {
            let problem = words(line).problem.unwrap_or_else(|| panic!("{line}"));
            assert_eq!(problem.sentence(), sentence, "{line}");
        }
    }

    #[test]
    fn finds_the_format_of_output_behind_a_problem_and_never_in_a_value() {
        for (line, outputs) in [
            ("nonsense -o json", "json"),
            ("nonsense -vo json", "json"),
            ("nonsense --output=json a", "json"),
            ("-o json run", "json"),
            ("run a b c -ojson", "json"),
            ("run --colour -o json", "json"),
            ("run -f -o json", ""),
            ("run --file --output=json", ""),
            ("run -- -o json", ""),
            ("run -o plain -o json a", "plain json"),
        ] {
            assert_eq!(words(line).outputs.join(" "), outputs, "{line}");
        }
    }
}
