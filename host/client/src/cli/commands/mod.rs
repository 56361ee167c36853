//! One function for each command: arguments in, library, words out.

mod contact;
mod deploy;
mod enclave;
mod encrypt;
mod evidence;
mod identity;
mod key;
mod list;
mod pin;
mod receipt;
mod run;

use super::Context;
use super::args::{Command, Config, ContactCommand, IdentityCommand, KeyCommand, ReceiptCommand};
use crate::error::Error;
use crate::files;
use crate::home::settings::Settings;
use serde_json::{Map, Value, json};
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn run(command: Command, context: &Context) -> Result<(), Error> {
    match command {
        Command::Pin(arguments) => pin::pin(arguments, context),
        Command::Attest(_) => enclave::attest(context),
        Command::Pcrs(_) => enclave::pcrs(context),
        Command::Verify(arguments) => evidence::verify(&arguments, context),
        Command::Checksum(arguments) => deploy::checksum(&arguments, context),
        Command::Deploy(arguments) => deploy::deploy(&arguments, context),
        Command::Run(arguments) => run::run(&arguments, context),
        Command::Encrypt(arguments) => encrypt::encrypt(&arguments, context),
        Command::Key(key) => match key.command {
            KeyCommand::Create(arguments) => key::create(&arguments, context),
            KeyCommand::Renew(_) => key::renew(context),
            KeyCommand::Show(_) => key::show(context),
        },
        Command::Contact(contact) => match contact.command {
            ContactCommand::Add(arguments) => contact::add(&arguments, context),
            ContactCommand::Fetch(arguments) => contact::fetch(&arguments, context),
            ContactCommand::List(_) => contact::list(context),
            ContactCommand::Remove(arguments) => contact::remove(&arguments, context),
        },
        Command::List(arguments) => list::list(&arguments, context),
        Command::Delete(arguments) => list::delete(&arguments, context),
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
        Command::Config(arguments) => config(&arguments, context),
        Command::Version(_) => version(context),
    }
}

fn config(arguments: &Config, context: &Context) -> Result<(), Error> {
    let settings = match arguments.setting.as_slice() {
        [setting, value] => context.home.update(|settings: &mut Settings| {
            settings.set(setting, value)?;
            Ok(settings.clone())
        })?,
        [] => context.home.load()?,
        _ => return Err(Error::Argument { name: "config", want: "given a setting and its value, or nothing" }),
    };
    let set: Vec<_> =
        settings.entries().into_iter().filter_map(|(key, value)| Some((key, value?.to_owned()))).collect();
    let object: Map<_, _> = set.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))).collect();
    context.output.fields(&set, &object.into())
}

fn version(context: &Context) -> Result<(), Error> {
    let version = env!("CARGO_PKG_VERSION");
    let object = json!({"version": version, "protocol": enclave_core::hello::VERSION});
    context.output.text(&format!("capelet {version}, protocol {}\n", enclave_core::hello::VERSION), &object)
}

/// A file's bytes, or standard input's for `-`; at most `limit`.
fn read(path: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    if path == "-" || path == super::prepass::STDIN { stdin(limit) } else { files::read(Path::new(path), limit) }
}

/// Standard input to its end, at most `limit` bytes.
fn stdin(limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(|error| Error::Pipe(error.kind()))?;
    let too_large = bytes.len() as u64 > limit;
    if too_large { Err(Error::FileTooLarge { path: "standard input".into(), limit }) } else { Ok(bytes) }
}
