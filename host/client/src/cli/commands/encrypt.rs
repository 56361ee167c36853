//! `encrypt`.

use crate::cli::args::encrypt::Encrypt;
use crate::cli::context::Context;
use crate::cli::input::parse_checksum;
use crate::cli::output::{Format, Output, mark};
use crate::encrypt::{self, TextForm};
use crate::error::Error;
use crate::home::contacts::Contacts;
use crate::policy;
use crate::statements;
use crate::values::{Hex, OwnerText};
use crate::vault_key::VaultKey;
use capelet_cli::arguments::STDIN;
use capelet_cli::output_file::{Existing, OutputFile, Readers};
use capelet_cli::streams;
use enclave_core::Checksum;
use serde_json::json;
use std::fs::File;
use std::io::{self, Cursor, IsTerminal as _, Read};
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) fn encrypt(arguments: &Encrypt, context: &Context) -> Result<(), Error> {
    let identity = context.identity()?;
    let me = identity.owner();
    let owner = match &arguments.to {
        Some(name) => context.home.load::<Contacts>()?.resolve(name)?,
        None => me,
    };
    let checksums = checksums(arguments, owner == me)?;
    let max_age = match arguments.max_age {
        Some(seconds) => seconds
            .checked_mul(1000)
            .ok_or(Error::Argument { name: "--max-age", want: "a smaller number of seconds" })?,
        None => statements::MAX_AGE,
    };
    let url = context.url()?;
    let vault = match statements::load(&context.home, &url, &owner, max_age) {
        Ok(Some(vault)) => vault,
        Ok(None) if owner == me => return Err(Error::NoVaultKey),
        // The statement was never fetched. If it is too old, the store may have a newer one.
        Ok(None) => statements::fetch(&context.home, &url, &identity, &owner, max_age)?,
        Err(error) if owner != me && matches!(error.code(), "expired" | "key-ended") => {
            statements::fetch(&context.home, &url, &identity, &owner, max_age)?
        }
        Err(error) => return Err(error),
    };
    context.output.development(vault.development);
    if owner != me {
        check_exceptions(&vault, arguments, context)?;
    }
    let (input, size) = input(arguments)?;
    let mut progress = Progress::new(&context.output, size);
    match &arguments.out {
        Some(path) => {
            let failed = |error: io::Error| Error::io("write", Path::new(path), &error);
            let mut file = OutputFile::create(Path::new(path), Readers::Umask, Existing::Replace).map_err(failed)?;
            let bytes = encrypt::encrypt(&vault, checksums, input, &mut file, |bytes| progress.show(bytes))?;
            file.keep().map_err(failed)?;
            progress.end();
            let mut object = json!({"file": path, "bytes": bytes, "owner": OwnerText(owner), "kid": Hex(vault.kid)});
            mark(&mut object, vault.development);
            context.output.fields(&[("Encrypted", format!("{bytes} bytes")), ("File", path.clone())], &object)
        }
        None if context.output.format == Format::Json => {
            let mut text = Vec::new();
            let mut form = TextForm::new(&mut text).map_err(broken)?;
            let bytes = encrypt::encrypt(&vault, checksums, input, &mut form, |_| ())?;
            form.finish().map_err(broken)?;
            let text = String::from_utf8_lossy(&text);
            let mut object = json!({
                "ciphertext": text.trim_end(), "bytes": bytes, "owner": OwnerText(owner), "kid": Hex(vault.kid),
            });
            mark(&mut object, vault.development);
            context.output.text("", &object)
        }
        None => {
            let mut form = TextForm::new(io::BufWriter::new(streams::Output)).map_err(broken)?;
            encrypt::encrypt(&vault, checksums, input, &mut form, |bytes| progress.show(bytes))?;
            form.finish().map_err(broken)?;
            progress.end();
            Ok(())
        }
    }
}

/// An error of standard output.
fn broken(error: io::Error) -> Error {
    Error::Pipe(error.kind())
}

/// The checksums of the functions that may read the data. `None` stands for all functions of the vault's owner, which
/// is the default for the user's own vault only.
fn checksums(arguments: &Encrypt, own: bool) -> Result<Option<Vec<Checksum>>, Error> {
    let named = arguments.for_function.iter().map(|text| parse_checksum("--for", text));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    match (named.is_empty(), arguments.any_function_of_owner) {
        (false, false) => Ok(Some(named)),
        (true, true) => Ok(None),
        (true, false) if own => Ok(None),
        (true, false) => Err(Error::NoBinding),
        (false, true) => {
            Err(Error::Argument { name: "encrypt", want: "given either --for or --any-function-of-owner, not both" })
        }
    }
}

/// Prints who could decrypt outside an enclave together with the vault's owner, and checks the exceptions. Both apply to
/// another owner's vault.
fn check_exceptions(vault: &VaultKey, arguments: &Encrypt, context: &Context) -> Result<(), Error> {
    let account = vault.account();
    context.output.note(&format!(
        "Encrypting to {}, epoch {}. The owner and the controller of the KMS account {account} together could decrypt it \
         outside an enclave. The policy of the KMS key was fetched, but not evaluated.",
        vault.owner.fingerprint(),
        vault.epoch,
    ));
    policy::accept(&policy::sender_exceptions(vault), arguments.accept.as_deref())
}

/// The data, and its length if it is known.
fn input(arguments: &Encrypt) -> Result<(Box<dyn Read>, Option<u64>), Error> {
    match (arguments.data.as_deref(), arguments.file.as_deref()) {
        (Some(_), Some(_)) => {
            Err(Error::Argument { name: "the data", want: "given either as an argument or with -f, not both" })
        }
        (Some(STDIN), None) | (None, Some("-")) => Ok((Box::new(streams::input().map_err(broken)?), None)),
        (Some(text), None) => Ok((Box::new(Cursor::new(text.as_bytes().to_vec())), None)),
        (None, Some(path)) => {
            let path = Path::new(path);
            let failed = |error: io::Error| Error::io("read", path, &error);
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            Ok((Box::new(file), Some(metadata.len())))
        }
        (None, None) if io::stdin().is_terminal() => {
            Err(Error::Argument { name: "the data", want: "given as an argument, with -f FILE, or on standard input" })
        }
        (None, None) => Ok((Box::new(streams::input().map_err(broken)?), None)),
    }
}

/// Shows the progress of a long encryption on a terminal.
struct Progress {
    shown: bool,
    begun: Instant,
    last: Instant,
    size: Option<u64>,
    terminal: bool,
}

impl Progress {
    fn new(output: &Output, size: Option<u64>) -> Self {
        let now = Instant::now();
        Self { shown: false, begun: now, last: now, size, terminal: output.progress() }
    }

    fn show(&mut self, bytes: u64) {
        if !self.terminal || self.last.elapsed() < Duration::from_millis(200) {
            return;
        }
        self.last = Instant::now();
        self.shown = true;
        let megabytes = bytes / 1_000_000;
        let speed = u128::from(bytes) / self.begun.elapsed().as_millis().max(1) / 1000;
        let part = self
            .size
            .filter(|size| *size > 0)
            .map(|size| format!(" of {}, {} %", size / 1_000_000, u128::from(bytes) * 100 / u128::from(size)));
        let text = format!("\r{megabytes} MB{}, {speed} MB/s   ", part.unwrap_or_default());
        streams::note_bytes(text.as_bytes());
    }

    fn end(&self) {
        if self.shown {
            streams::note_bytes(b"\n");
        }
    }
}
