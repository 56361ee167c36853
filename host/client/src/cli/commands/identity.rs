//! `identity`.

use crate::cli::args::identity::{IdentityExport, IdentityImport};
use crate::cli::context::Context;
use crate::error::Error;
use crate::export;
use crate::files;
use crate::values::OwnerText;
use enclave_core::OwnerKey;
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The largest passphrase file, in bytes.
const MAX_PASSPHRASE: u64 = 4096;

pub(super) fn show(context: &Context) -> Result<(), Error> {
    print(&context.identity()?.owner(), context)
}

pub(super) fn export(arguments: &IdentityExport, context: &Context) -> Result<(), Error> {
    context.identity()?;
    let path = context.home.identity_path();
    let secret = context.home.secret()?.ok_or(Error::Damaged(path))?;
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), true)?;
    export::write(Path::new(&arguments.file), &secret, &passphrase)?;
    let owner = secret.owner();
    let fields = [("Exported", owner.fingerprint()), ("File", arguments.file.clone())];
    context.output.fields(&fields, &json!({"owner": OwnerText(owner), "file": arguments.file}))
}

pub(super) fn import(arguments: &IdentityImport, context: &Context) -> Result<(), Error> {
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), false)?;
    let secret = export::read(Path::new(&arguments.file), &passphrase)?;
    context.home.import(&secret)?;
    print(&secret.owner(), context)
}

fn print(owner: &OwnerKey, context: &Context) -> Result<(), Error> {
    let (key, fingerprint) = (OwnerText(*owner), owner.fingerprint());
    let object = json!({"owner": key, "fingerprint": fingerprint});
    context.output.fields(&[("Owner Key", key.to_string()), ("Fingerprint", fingerprint)], &object)
}

/// Reads the passphrase: the first line of `file`, or what the user types. A `new` passphrase is typed twice. An empty
/// passphrase is an error.
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
            let first = prompt("Passphrase: ")?;
            if new && *first != *prompt("Repeat the passphrase: ")? {
                return Err(Error::Passphrase);
            }
            first
        }
    };
    if passphrase.is_empty() { Err(Error::Passphrase) } else { Ok(passphrase) }
}

/// Asks for a passphrase on the terminal.
fn prompt(text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let typed = rpassword::prompt_password(text).map_err(|error| Error::Pipe(error.kind()))?;
    Ok(Zeroizing::new(typed.into_bytes()))
}
