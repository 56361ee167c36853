//! A program as its argument types describe it.

use crate::text::{self, Block};
use crate::value::Value;
use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};
use capelet_cli::own_options::{HELP, VERSION};

/// Names, each with what it is for.
pub type Entries = &'static [(&'static str, &'static str)];

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program itself, as the command that its name calls.
    pub command: Command,
    /// The environment variables that it reads.
    pub environment: Entries,
    /// The files that it keeps.
    pub files: Entries,
}

/// A command.
#[derive(Clone, Debug)]
pub struct Command {
    /// The words that call it. The program's name is the first one.
    pub words: Vec<String>,
    /// What it does.
    pub description: String,
    /// Its options.
    pub options: Vec<CommandOption>,
    /// Its positional arguments.
    pub arguments: Vec<Argument>,
    /// Its examples.
    pub examples: Vec<Block>,
    /// What else is to be said.
    pub notes: Vec<Block>,
    /// The exit statuses that have a meaning of their own.
    pub statuses: Vec<(i32, &'static str)>,
    /// The commands in it.
    pub commands: Vec<Command>,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOption {
    /// The short name, without its dash.
    pub short: Option<char>,
    /// The long name, with its dashes.
    pub long: &'static str,
    /// What it takes. `None` for a switch.
    pub takes: Option<Taken>,
    /// How often it stands.
    pub times: Times,
    /// What it is for.
    pub description: String,
}

/// A positional argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What it is.
    pub taken: Taken,
    /// How often it stands.
    pub times: Times,
    /// What it is for.
    pub description: String,
}

/// What an option or an argument takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name in usage lines.
    pub name: &'static str,
    /// What it can be.
    pub value: Value,
}

/// How often an option or an argument stands on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Once or never.
    OnceOrNever,
    /// Any number of times.
    Any,
}

impl Program {
    /// The program with this name, whose arguments have the type `T`.
    pub fn of<T: ArgsInfo>(name: &str, environment: Entries, files: Entries) -> Self {
        Self { command: Command::of(vec![name.to_owned()], &T::get_args_info()), environment, files }
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        self.command.name()
    }

    /// The options that `command` shares with the program itself.
    pub fn shared_options<'a>(&'a self, command: &'a Command) -> impl Iterator<Item = &'a CommandOption> {
        command.options.iter().filter(|option| self.command.options.contains(option))
    }
}

impl Command {
    fn of(words: Vec<String>, info: &CommandInfoWithArgs) -> Self {
        let call = words.join(" ");
        let fill = |template: &str| text::fill(template, &call);
        let inner = info.commands.iter().map(|inner| {
            let words = words.iter().cloned().chain([inner.name.to_owned()]).collect();
            Self::of(words, &inner.command)
        });
        let arguments = info.positionals.iter().filter(|argument| !argument.hidden).map(|argument| Argument {
            taken: Taken::of(argument.name),
            times: Times::of(&argument.optionality),
            description: fill(argument.description),
        });
        Self {
            description: fill(info.description),
            options: options(info, fill),
            arguments: arguments.collect(),
            examples: info.examples.iter().flat_map(|example| text::example(&fill(example))).collect(),
            notes: info.notes.iter().flat_map(|note| text::note(&fill(note))).collect(),
            statuses: info.error_codes.iter().map(|status| (status.code, status.description)).collect(),
            commands: inner.collect(),
            words,
        }
    }

    /// The last of the words that call it.
    pub fn name(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// The words behind the program's name, each after a space, as the completion scripts of bash and fish collect them.
    pub fn path(&self) -> String {
        self.words.iter().skip(1).map(|word| format!(" {word}")).collect()
    }

    /// This command and all those in it, each before those in it.
    pub fn all(&self) -> Vec<&Self> {
        [self].into_iter().chain(self.commands.iter().flat_map(Self::all)).collect()
    }
}

impl CommandOption {
    fn of(info: &FlagInfo<'static>, description: String) -> Self {
        let takes = match info.kind {
            FlagInfoKind::Switch => None,
            FlagInfoKind::Option { arg_name } => Some(Taken::of(arg_name)),
        };
        Self { short: info.short, long: info.long, takes, times: Times::of(&info.optionality), description }
    }

    /// Its names with their dashes, the short one first.
    pub fn names(&self) -> Vec<String> {
        self.short.map(|short| format!("-{short}")).into_iter().chain([self.long.to_owned()]).collect()
    }
}

impl Argument {
    /// What the completion scripts of bash and fish read: the kind of its value, with dots if it can be repeated.
    pub fn kind(&self) -> String {
        let dots = if self.times == Times::Any { "..." } else { "" };
        format!("{}{dots}", self.taken.value.kind())
    }
}

impl Taken {
    fn of(name: &'static str) -> Self {
        Self { name, value: Value::of(name) }
    }
}

impl Times {
    fn of(optionality: &Optionality) -> Self {
        match optionality {
            Optionality::Required => Self::Once,
            Optionality::Optional => Self::OnceOrNever,
            Optionality::Repeating | Optionality::Greedy => Self::Any,
        }
    }
}

/// The options of a command. Those that every command has come last, and argh does not know all of them.
fn options(info: &CommandInfoWithArgs, fill: impl Fn(&str) -> String) -> Vec<CommandOption> {
    let own = info.flags.iter().filter(|flag| !flag.hidden && flag.long != HELP.long);
    own.chain([&HELP, &VERSION]).map(|flag| CommandOption::of(flag, fill(flag.description))).collect()
}
