//! Calls the function of the command that the arguments name.

use super::{
    attest, checksum, config, contact, delete, deploy, doctor, encrypt, identity, key, list, pcrs, pin, receipt, run,
    verify, version,
};
use crate::cli::args::capelet::Command;
use crate::cli::args::contact::ContactCommand;
use crate::cli::args::identity::IdentityCommand;
use crate::cli::args::key::KeyCommand;
use crate::cli::args::receipt::ReceiptCommand;
use crate::cli::context::Context;
use crate::error::Error;

/// Runs `command`.
pub(in crate::cli) fn dispatch(command: Command, context: &Context) -> Result<(), Error> {
    match command {
        Command::Pin(arguments) => pin::pin(arguments, context),
        Command::Attest(_) => attest::attest(context),
        Command::Pcrs(_) => pcrs::pcrs(context),
        Command::Verify(arguments) => verify::verify(&arguments, context),
        Command::Checksum(arguments) => checksum::checksum(&arguments, context),
        Command::Deploy(arguments) => deploy::deploy(&arguments, context),
        Command::Run(arguments) => run::run(&arguments, context),
        Command::Encrypt(arguments) => encrypt::encrypt(&arguments, context),
        Command::Key(key) => match key.command {
            KeyCommand::Create(arguments) => key::create(&arguments, context),
            KeyCommand::Renew(arguments) => key::renew(&arguments, context),
            KeyCommand::Show(_) => key::show(context),
        },
        Command::Contact(contact) => match contact.command {
            ContactCommand::Add(arguments) => contact::add(&arguments, context),
            ContactCommand::Fetch(arguments) => contact::fetch(&arguments, context),
            ContactCommand::List(_) => contact::list(context),
            ContactCommand::Remove(arguments) => contact::remove(&arguments, context),
        },
        Command::List(arguments) => list::list(&arguments, context),
        Command::Delete(arguments) => delete::delete(&arguments, context),
        Command::Receipt(receipt) => match receipt.command {
            ReceiptCommand::Verify(arguments) => receipt::verify(&arguments, context),
            ReceiptCommand::Disclose(arguments) => receipt::disclose(&arguments, context),
            ReceiptCommand::Show(arguments) => receipt::show(&arguments, context),
        },
        Command::Identity(identity) => match identity.command {
            IdentityCommand::Show(_) => identity::show(context),
            IdentityCommand::Export(arguments) => identity::export(&arguments, context),
            IdentityCommand::Import(arguments) => identity::import(&arguments, context),
        },
        Command::Config(arguments) => config::config(&arguments, context),
        Command::Doctor(arguments) => doctor::doctor(&arguments, context),
        Command::Version(_) => version::version(context),
    }
}
