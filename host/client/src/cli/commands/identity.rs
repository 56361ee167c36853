//! `identity`.

use crate::cli::args::identity::{IdentityExport, IdentityImport};
use crate::cli::context::Context;
use crate::cli::output::Format;
use crate::cli::protected;
use crate::error::{Error, Stream};
use crate::export::{self, Content};
use crate::files;
use crate::values::OwnerText;
use capelet_cli::interrupt::KeptTerminal;
use capelet_cli::output_file;
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
    let path = Path::new(&arguments.file);
    let stdout = output_file::is_stdout(path);
    if stdout && context.output.format == Format::Json {
        return Err(Error::Argument { name: "the file", want: "another one than standard output with -o json" });
    }
    let file: Vec<_> = arguments.passphrase_file.as_deref().map(Path::new).into_iter().collect();
    // Without --force, a file that exists is refused below, whatever it is.
    protected::check(path, &context.home, &file, true)?;
    let content = Content::of(&context.home)?.ok_or(Error::NoIdentity)?;
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), true)?;
    export::write(path, &content, &passphrase, arguments.force)?;
    let owner = content.secret.owner();
    let (functions, keys) = (content.catalogue.functions().len(), content.catalogue.vault().len());
    if stdout {
        context.output.note(&format!("Exported {}.", owner.fingerprint()));
        return Ok(());
    }
    let fields = [
        ("Exported", owner.fingerprint()),
        ("Function Versions", functions.to_string()),
        ("Vault Keys", keys.to_string()),
        ("File", arguments.file.clone()),
    ];
    let object = json!({
        "owner": OwnerText(owner), "file": arguments.file, "function_versions": functions, "vault_keys": keys,
    });
    context.output.fields(&fields, object)
}

pub(super) fn import(arguments: &IdentityImport, context: &Context) -> Result<(), Error> {
    context.home.check_import()?;
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), false)?;
    let content = export::read(Path::new(&arguments.file), &passphrase)?;
    let owner = content.secret.owner();
    content.import(&context.home)?;
    print(&owner, context)
}

fn print(owner: &OwnerKey, context: &Context) -> Result<(), Error> {
    let (key, fingerprint) = (OwnerText(*owner), owner.fingerprint());
    let object = json!({"owner": key, "fingerprint": fingerprint});
    context.output.fields(&[("Owner Key", key.to_string()), ("Fingerprint", fingerprint)], object)
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
    let _echo = KeptTerminal::new();
    let typed = rpassword::prompt_password(text).map_err(|error| Error::pipe(Stream::Input, &error))?;
    Ok(Zeroizing::new(typed.into_bytes()))
}
