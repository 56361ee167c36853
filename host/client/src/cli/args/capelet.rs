//! The program itself, and the list of its commands.

use super::attest::Attest;
use super::checksum::Checksum;
use super::config::Config;
use super::contact::Contact;
use super::delete::Delete;
use super::deploy::Deploy;
use super::encrypt::Encrypt;
use super::identity::Identity;
use super::key::Key;
use super::list::List;
use super::pcrs::Pcrs;
use super::pin::Pin;
use super::receipt::Receipt;
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
            \u{a0} {command_name} encrypt 'my secret' | {command_name} run redact -",
        note = "Results are printed on standard output, everything else on standard error. A failure ends with \
            status 1 and `Error: …`, followed by a stable code in brackets; with -o json the code is in the result \
            too. All files are kept in CAPELET_HOME, or ~/.config/capelet."
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
        /// See [`Version`].
        Version(Version),
    }
}

with_subcommands! { Capelet }
