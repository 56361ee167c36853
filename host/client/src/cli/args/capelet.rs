//! The program itself, and the list of its commands.

use super::attest::Attest;
use super::checksum::Checksum;
use super::config::Config;
use super::contact::{Contact, ContactCommand};
use super::delete::Delete;
use super::deploy::Deploy;
use super::doctor::Doctor;
use super::encrypt::Encrypt;
use super::identity::{Identity, IdentityCommand};
use super::key::{Key, KeyCommand};
use super::list::List;
use super::pcrs::Pcrs;
use super::pin::Pin;
use super::receipt::{Receipt, ReceiptCommand};
use super::run::Run;
use super::verify::Verify;
use super::version::Version;

command! {
    /// Runs functions inside AWS Nitro Enclaves. Nobody else sees code, input or result, the machine's operator
    /// included. Nothing is sent before the enclave has proved that it runs an image that you pinned.
    #[argh(
        example = "First pin an enclave, then deploy, encrypt and run:\n\
            \u{a0} {command_name} pin capelet://enclave.example.org --measurements measurements.json\n\
            \u{a0} {command_name} deploy redact/\n\
            \u{a0} {command_name} key create\n\
            \u{a0} {command_name} encrypt -f letter.txt | {command_name} run redact -",
        note = "Results are printed on standard output, everything else on standard error. A failure ends with \
            status 1 and `Error: …`, followed by a stable code in brackets; with -o json the code is in the result \
            too. Files are kept in ~/.config/capelet, ~/.local/share/capelet and ~/.local/state/capelet, or where the \
            XDG variables say, or all in CAPELET_HOME."
    )]
    Capelet {
        /// the command
        #[argh(subcommand)]
        command: Command,
    }
}

subcommands! {
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
        /// See [`Doctor`].
        Doctor(Doctor),
        /// See [`Version`].
        Version(Version),
    }
}

with_subcommands! { Capelet }

impl Command {
    /// Whether the command can connect to the enclave. One that cannot refuses `--retry`.
    pub fn connects(&self) -> bool {
        match self {
            // Every other way to pin reads a file or the arguments.
            Self::Pin(pin) => pin.development,
            // The address only names the pins.
            Self::Receipt(_) => false,
            // It reports what does not work now.
            Self::Doctor(_) => false,
            other => other.words_and_use_of_url().1,
        }
    }

    /// The command's words, and whether it uses the enclave's address. One that does not refuses `-u`.
    pub fn words_and_use_of_url(&self) -> (&'static str, bool) {
        match self {
            Self::Pin(_) => ("pin", true),
            Self::Attest(_) => ("attest", true),
            Self::Pcrs(_) => ("pcrs", true),
            Self::Verify(_) => ("verify", false),
            Self::Checksum(_) => ("checksum", false),
            Self::Deploy(_) => ("deploy", true),
            Self::Run(_) => ("run", true),
            Self::Encrypt(_) => ("encrypt", true),
            Self::Key(key) => match key.command {
                KeyCommand::Create(_) => ("key create", true),
                KeyCommand::Renew(_) => ("key renew", true),
                KeyCommand::Show(_) => ("key show", false),
            },
            Self::Contact(contact) => match contact.command {
                ContactCommand::Add(_) => ("contact add", false),
                ContactCommand::Fetch(_) => ("contact fetch", true),
                ContactCommand::List(_) => ("contact list", false),
                ContactCommand::Remove(_) => ("contact remove", false),
            },
            Self::List(_) => ("list", true),
            Self::Delete(_) => ("delete", true),
            Self::Receipt(receipt) => match receipt.command {
                ReceiptCommand::Verify(_) => ("receipt verify", true),
                ReceiptCommand::Disclose(_) => ("receipt disclose", false),
                ReceiptCommand::Show(_) => ("receipt show", false),
            },
            Self::Identity(identity) => match identity.command {
                IdentityCommand::Show(_) => ("identity show", false),
                IdentityCommand::Export(_) => ("identity export", false),
                IdentityCommand::Import(_) => ("identity import", false),
            },
            Self::Config(_) => ("config", false),
            Self::Doctor(_) => ("doctor", true),
            Self::Version(_) => ("version", false),
        }
    }
}
