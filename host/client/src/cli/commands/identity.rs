//! `identity`.

use crate::cli::args::identity::{IdentityExport, IdentityImport};
use crate::cli::context::Context;
use crate::cli::protected;
use crate::error::{Error, PassphraseError, Stream};
use crate::export::{self, Content};
use crate::files::Source;
use crate::home::backups::Backup;
use crate::passphrase::NewPassphrase;
use crate::values::OwnerText;
use capelet_cli::format::Format;
use capelet_cli::interrupt::KeptTerminal;
use capelet_cli::output_file;
use capelet_cli::streams;
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
    let passphrase = new_passphrase(arguments.passphrase_file.as_deref(), context)?;
    export::write(path, &content, &passphrase, arguments.force)?;
    record(content.backup()?, context);
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
    let passphrase = passphrase(arguments.passphrase_file.as_deref())?;
    let content = export::read(Path::new(&arguments.file), &passphrase)?;
    let owner = content.secret.owner();
    let backup = content.backup()?;
    content.import(&context.home)?;
    record(backup, context);
    print(&owner, context)
}

/// Records a backup for `capelet doctor`. Without the record, the backup is as good.
fn record(backup: Backup, context: &Context) {
    if let Err(error) = context.home.record_backup(backup) {
        context.output.note(&format!("`capelet doctor` will not know of this backup: {error}"));
    }
}

fn print(owner: &OwnerKey, context: &Context) -> Result<(), Error> {
    let (key, fingerprint) = (OwnerText(*owner), owner.fingerprint());
    let object = json!({"owner": key, "fingerprint": fingerprint});
    context.output.fields(&[("Owner Key", key.to_string()), ("Fingerprint", fingerprint)], object)
}

/// Reads the passphrase of an export that exists: the first line of `file`, or what the user types.
fn passphrase(file: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let passphrase = match file {
        Some(file) => first_line(file)?,
        None => prompt("Passphrase: ")?,
    };
    if passphrase.is_empty() { Err(Error::Passphrase(PassphraseError::Empty)) } else { Ok(passphrase) }
}

/// Reads the passphrase of a new export: the first line of `file`, or what the user types twice. If they type nothing, one
/// is generated and shown.
fn new_passphrase(file: Option<&str>, context: &Context) -> Result<NewPassphrase, Error> {
    if let Some(file) = file {
        return NewPassphrase::chosen(first_line(file)?);
    }
    // A generated passphrase that nobody sees would lock its owner out.
    let shown = streams::error_is_terminal();
    let typed = prompt(if shown { "Passphrase (leave empty to generate one): " } else { "Passphrase: " })?;
    if typed.is_empty() && shown {
        let generated = NewPassphrase::generate()?;
        context.output.note(&format!("Passphrase: {}", String::from_utf8_lossy(generated.bytes())));
        context.output.note("Keep it: `capelet identity import` needs it, and it is not shown again.");
        return Ok(generated);
    }
    let chosen = NewPassphrase::chosen(typed)?;
    if chosen.bytes() != prompt("Repeat the passphrase: ")?.as_slice() {
        return Err(Error::Passphrase(PassphraseError::Differs));
    }
    Ok(chosen)
}

/// The first line of a file that only the user may read, or of standard input.
fn first_line(file: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::default();
    Source::open_secret(Path::new(file))?.append_to(&mut bytes, MAX_PASSPHRASE)?;
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
    bytes.truncate(end);
    Ok(bytes)
}

/// Asks for a passphrase on the terminal.
fn prompt(text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Passphrase(PassphraseError::Missing));
    }
    let _echo = KeptTerminal::new();
    let typed = rpassword::prompt_password(text).map_err(|error| Error::pipe(Stream::Input, &error))?;
    Ok(Zeroizing::new(typed.into_bytes()))
}
