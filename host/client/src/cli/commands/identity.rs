//! `identity`.

use crate::cli::Context;
use crate::cli::args::{IdentityExport, IdentityImport};
use crate::error::Error;
use crate::export;
use crate::files;
use crate::values::Owner;
use enclave_core::identity::Identity;
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest file of a passphrase, in bytes.
const MAX_PASSPHRASE: u64 = 4096;

/// This person's identity; at its first use it is made, and what that means is said.
pub(super) fn identity(context: &Context) -> Result<Identity, Error> {
    context.home.identity(|owner| {
        let path = context.home.identity_path();
        context.output.note(&format!("Your identity was made: {}, in {}.", owner.fingerprint(), path.display()));
        context.output.note(
            "Whoever has this file is you; without it nothing that you deploy or receive can ever be opened again.\n\
             Keep a copy elsewhere: `capelet identity export FILE`.",
        );
    })
}

pub(super) fn show(context: &Context) -> Result<(), Error> {
    let owner = Owner(identity(context)?.owner());
    let fields = [("Owner Key", owner.to_string()), ("Fingerprint", owner.fingerprint())];
    context.output.fields(&fields, &json!({"owner": owner, "fingerprint": owner.fingerprint()}))
}

pub(super) fn export(arguments: &IdentityExport, context: &Context) -> Result<(), Error> {
    identity(context)?;
    let path = context.home.identity_path();
    let secret = context.home.secret()?.ok_or(Error::Damaged(path))?;
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), true)?;
    export::write(Path::new(&arguments.file), &secret, &passphrase)?;
    let owner = secret.owner();
    let fields = [("Exported", owner.fingerprint()), ("File", arguments.file.clone())];
    context.output.fields(&fields, &json!({"owner": owner, "file": arguments.file}))
}

pub(super) fn import(arguments: &IdentityImport, context: &Context) -> Result<(), Error> {
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), false)?;
    let secret = export::read(Path::new(&arguments.file), &passphrase)?;
    context.home.import(&secret)?;
    let owner = secret.owner();
    let fields = [("Owner Key", owner.to_string()), ("Fingerprint", owner.fingerprint())];
    context.output.fields(&fields, &json!({"owner": owner, "fingerprint": owner.fingerprint()}))
}

/// The first line of a file, or what is typed on the terminal; twice if it is new. Never empty.
fn passphrase(file: Option<&str>, new: bool) -> Result<Zeroizing<Vec<u8>>, Error> {
    let passphrase = match file {
        Some(file) => {
            let mut bytes = files::read(Path::new(file), MAX_PASSPHRASE)?;
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
            bytes.truncate(end);
            bytes
        }
        None if !io::stdin().is_terminal() => return Err(Error::Passphrase),
        None => {
            let first = ask("Passphrase: ")?;
            if new && *first != *ask("Once more: ")? {
                return Err(Error::Passphrase);
            }
            first
        }
    };
    if passphrase.is_empty() { Err(Error::Passphrase) } else { Ok(passphrase) }
}

fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let typed = rpassword::prompt_password(prompt).map_err(|error| Error::Pipe(error.kind()))?;
    Ok(Zeroizing::new(typed.into_bytes()))
}
