//! The command line as argh reads it: one struct for each command, and its help.

use argh::{ArgsInfo, FromArgs};

/// What every command takes, wherever it stands in the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// `-u`.
    pub url: Option<String>,
    /// `-o`.
    pub output: Option<String>,
    /// `-v`.
    pub verbose: bool,
}

impl Globals {
    /// What was said closer to the command goes before what was said farther from it.
    fn or(self, outer: Self) -> Self {
        Self {
            url: self.url.or(outer.url),
            output: self.output.or(outer.output),
            verbose: self.verbose || outer.verbose,
        }
    }
}

/// A command with `-u -o -v`, which argh wants in each of them.
macro_rules! command {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $outer:ident $(<$inner:ident>)?,)*
    }) => {
        #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
        $(#[$meta])*
        #[argh(help_triggers("-h", "--help", "help"))]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $outer $(<$inner>)?,)*
            /// the enclave: capelet://HOST[:PORT] or unix:/PATH (else CAPELET_URL, else `config url`, else the only
            /// address that is pinned)
            #[argh(option, short = 'u')]
            pub url: Option<String>,
            /// plain or json
            #[argh(option, short = 'o')]
            pub output: Option<String>,
            /// say more, on standard error
            #[argh(switch, short = 'v')]
            pub verbose: bool,
        }

        impl $name {
            pub(super) fn globals(&self) -> Globals {
                Globals { url: self.url.clone(), output: self.output.clone(), verbose: self.verbose }
            }
        }
    };
}

/// Commands that are one of several.
macro_rules! commands {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident($of:ident),)* }) => {
        #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
        #[argh(subcommand)]
        $(#[$meta])*
        pub enum $name {
            $($(#[$variant_meta])* $variant($of),)*
        }

        impl $name {
            pub(super) fn globals(&self) -> Globals {
                match self {
                    $(Self::$variant(command) => command.all_globals(),)*
                }
            }
        }
    };
}

/// For commands without commands of their own.
macro_rules! leaves {
    ($($name:ident)*) => {
        $(impl $name {
            pub(super) fn all_globals(&self) -> Globals {
                self.globals()
            }
        })*
    };
}

/// For commands that have some.
macro_rules! branches {
    ($($name:ident)*) => {
        $(impl $name {
            /// See [`Globals`].
            pub fn all_globals(&self) -> Globals {
                self.command.globals().or(self.globals())
            }
        })*
    };
}

mod enclave;
mod functions;
mod own;
mod vaults;

pub use enclave::{Attest, Pcrs, Pin, Verify};
pub use functions::{Checksum, Delete, Deploy, List, Run};
pub use own::{
    Config, Identity, IdentityCommand, IdentityExport, IdentityImport, IdentityShow, Receipt, ReceiptCommand,
    ReceiptDisclose, ReceiptShow, ReceiptVerify, Version,
};
pub use vaults::{
    Contact, ContactAdd, ContactCommand, ContactFetch, ContactList, ContactRemove, Encrypt, Key, KeyCommand, KeyCreate,
    KeyRenew, KeyShow,
};

command! {
    /// Runs functions inside AWS Nitro Enclaves so that nobody else, the machine's owner included, sees code, input
    /// or result. Nothing is sent before the enclave has shown that it is the image you pinned.
    #[argh(
        example = "First say whom you trust, then deploy, encrypt and run:\n\
            \u{a0} {command_name} pin capelet://enclave.example.org --measurements measurements.json\n\
            \u{a0} {command_name} deploy redact/\n\
            \u{a0} {command_name} key create\n\
            \u{a0} {command_name} encrypt 'my secret' | {command_name} run redact -",
        note = "Results go to standard output, everything else to standard error. A failure ends with status 1 and \
            `Error: …` with a stable code in brackets; with -o json the code is in the result too. Everything that \
            is kept lies in CAPELET_HOME, or ~/.config/capelet."
    )]
    Capelet {
        /// what to do
        #[argh(subcommand)]
        command: Command,
    }
}

commands! {
    /// All commands.
    Command {
        /// See [`Pin`].
        Pin(Pin),
        /// See [`Attest`].
        Attest(Attest),
        /// See [`Pcrs`].
        Pcrs(Pcrs),
        /// See [`Verify`].
        Verify(Verify),
        /// See [`Checksum`].
        Checksum(Checksum),
        /// See [`Deploy`].
        Deploy(Deploy),
        /// See [`Run`].
        Run(Run),
        /// See [`Encrypt`].
        Encrypt(Encrypt),
        /// See [`Key`].
        Key(Key),
        /// See [`Contact`].
        Contact(Contact),
        /// See [`List`].
        List(List),
        /// See [`Delete`].
        Delete(Delete),
        /// See [`Receipt`].
        Receipt(Receipt),
        /// See [`Identity`].
        Identity(Identity),
        /// See [`Config`].
        Config(Config),
        /// See [`Version`].
        Version(Version),
    }
}

branches! { Capelet }
