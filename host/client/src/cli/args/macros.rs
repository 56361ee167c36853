//! Macros for the definition of commands. argh needs the options of [`super::globals::Globals`] in each command.

/// Defines a command with the options `-u`, `-o`, `-v`, `--timeout` and `--retry`.
macro_rules! command {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $outer:ident $(<$inner:ident>)?,)*
    }) => {
        #[derive(argh::FromArgs, argh::ArgsInfo, Debug, PartialEq)]
        $(#[$meta])*
        #[argh(help_triggers("-h", "--help"))]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $outer $(<$inner>)?,)*
            /// the enclave's address: `capelet://HOST[:PORT]` or `unix:/PATH` (default: CAPELET_URL, else `config url`,
            /// else the only pinned address); an error with a command that uses no address
            #[argh(option, short = 'u', arg_name = "address")]
            pub url: Option<String>,
            /// plain or json
            #[argh(option, short = 'o', arg_name = "plain|json")]
            pub output: Option<String>,
            /// print more on standard error
            #[argh(switch, short = 'v')]
            pub verbose: bool,
            /// end the command with an error after this many seconds (default: each step has a limit of its own)
            #[argh(option, arg_name = "seconds")]
            pub timeout: Option<u64>,
            /// if the address is busy or nobody serves it, so that nothing has started: try so many times more, after the
            /// time that it names
            #[argh(option, arg_name = "number")]
            pub retry: Option<u32>,
        }

        impl $name {
            /// The options that stand at this command itself.
            pub(super) fn globals(&self) -> $crate::cli::args::globals::Globals {
                $crate::cli::args::globals::Globals {
                    url: self.url.clone(),
                    output: self.output.clone(),
                    verbose: self.verbose,
                    timeout: self.timeout,
                    retry: self.retry,
                    repeated: None,
                }
            }
        }
    };
}

/// Defines the enum of a command's subcommands.
macro_rules! subcommands {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident($of:ident),)* }) => {
        #[derive(argh::FromArgs, argh::ArgsInfo, Debug, PartialEq)]
        #[argh(subcommand)]
        $(#[$meta])*
        pub enum $name {
            $($(#[$variant_meta])* $variant($of),)*
        }

        impl $name {
            pub(super) fn globals(&self) -> $crate::cli::args::globals::Globals {
                match self {
                    $(Self::$variant(command) => command.all_globals(),)*
                }
            }
        }
    };
}

/// Defines `all_globals` for commands without subcommands.
macro_rules! without_subcommands {
    ($($name:ident)*) => {
        $(impl $name {
            pub(super) fn all_globals(&self) -> $crate::cli::args::globals::Globals {
                self.globals()
            }
        })*
    };
}

/// Defines `all_globals` for a command with subcommands.
macro_rules! with_subcommands {
    ($name:ident) => {
        impl $name {
            /// The options of this command and of the subcommand that was chosen.
            pub fn all_globals(&self) -> $crate::cli::args::globals::Globals {
                self.command.globals().or(self.globals())
            }
        }
    };
}
