//! `encrypt`.

use crate::cli::args::encrypt::Encrypt;
use crate::cli::context::Context;
use crate::cli::input::{max_age, parse_checksum};
use crate::cli::output::{Output, describe};
use crate::cli::progress::Progress;
use crate::cli::protected;
use crate::encrypt::{self, TextForm};
use crate::error::{Error, Stream};
use crate::files::Source;
use crate::home::contacts::Contacts;
use crate::home::trust::Trust;
use crate::policy;
use crate::statements;
use crate::url::Url;
use crate::values::{Hex, OwnerText};
use crate::vault_key::VaultKey;
use capelet_cli::arguments::STDIN;
use capelet_cli::envelope::EscapedJson;
use capelet_cli::format::Format;
use capelet_cli::output_file::{self, Existing, OutputFile, Readers};
use capelet_cli::streams;
use enclave_core::{Checksum, Error as CoreError, OwnerKey};
use serde_json::json;
use std::io::{self, BufWriter, Cursor, IsTerminal as _, Read, Write as _};
use std::path::Path;

pub(super) fn encrypt(arguments: &Encrypt, context: &Context) -> Result<(), Error> {
    // Invalid arguments are reported before anything is made or fetched.
    let named = arguments.for_function.iter().map(|text| parse_checksum("--for", text));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let max_age = max_age(arguments.max_age.as_deref(), statements::MAX_AGE)?;
    policy::check_names(arguments.accept.as_deref())?;
    let out = arguments.out.as_deref().map(Path::new);
    if out.is_some_and(output_file::is_stdout) && context.output.format == Format::Json {
        return Err(Error::Argument { name: "--out", want: "a file with -o json, which needs standard output" });
    }
    let file: Vec<_> = arguments.file.as_deref().map(Path::new).into_iter().collect();
    out.map_or(Ok(()), |out| protected::check(out, &context.home, &file, false))?;
    let me = context.home.secret()?.map(|secret| secret.owner());
    let owner = match &arguments.to {
        Some(name) => Some(context.home.load::<Contacts>()?.resolve(name)?),
        None => me,
    };
    let own = owner == me;
    let checksums = checksums(named, arguments.any_function_of_owner, own)?;
    let input = Data::open(arguments, &context.output)?;
    let url = context.url()?;
    let Some(owner) = owner else {
        // Nobody without an identity has a vault key.
        context.home.load::<Trust>()?.entry(&url)?;
        return Err(Error::NoVaultKey);
    };

    let vault = vault_key(context, &url, &owner, own, max_age)?;
    context.output.development(vault.development);
    if !own {
        check_exceptions(&vault, arguments, context)?;
    }
    let work = Work { vault: &vault, checksums, input, out, output: &context.output };
    match (out, context.output.format) {
        (Some(path), _) => work.into_file(path),
        (None, Format::Json) => work.into_json(),
        (None, Format::Plain) => work.into_text(),
    }
}

/// The vault key of `owner`, from the kept statement, or from a fetched one if the kept one is missing or too old.
fn vault_key(context: &Context, url: &Url, owner: &OwnerKey, own: bool, max_age: u64) -> Result<VaultKey, Error> {
    let fetch = || context.retrying(|| statements::fetch(&context.home, url, &context.identity()?, owner, max_age));
    let vault = match statements::load(&context.home, url, owner, max_age) {
        Ok(Some(vault)) => Ok(vault),
        // A machine without state learns the owner's own key from the store.
        Ok(None) if own => fetch().map_err(|error| match error {
            Error::Answered(CoreError::NotFound) => Error::NoVaultKey,
            error => error,
        }),
        Ok(None) => fetch(),
        // A newer statement was seen meanwhile, for example at another address.
        Err(Error::RolledBack { .. }) => {
            context.output.note(
                "The kept statement of this vault is older than one that was seen since. Fetching the newest one.",
            );
            fetch()
        }
        // The store may have a newer one.
        Err(error) if !own && matches!(error.code(), "expired" | "key-ended") => fetch(),
        Err(error) => Err(error),
    };
    vault.map_err(|error| error.of_vault(own))
}

/// The checksums of the functions that may read the data. `None` stands for all functions of the vault's owner, which
/// is the default for the user's own vault only.
fn checksums(named: Vec<Checksum>, any: bool, own: bool) -> Result<Option<Vec<Checksum>>, Error> {
    match (named.is_empty(), any) {
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

/// The data to encrypt.
enum Data {
    Argument(Cursor<Vec<u8>>),
    Source(Source),
}

impl Data {
    fn open(arguments: &Encrypt, output: &Output) -> Result<Self, Error> {
        match (arguments.data.as_deref(), arguments.file.as_deref()) {
            (Some(_), Some(_)) => {
                Err(Error::Argument { name: "the data", want: "given either as an argument or with -f, not both" })
            }
            (Some(STDIN), None) => Source::stdin().map(Self::Source),
            (Some(text), None) => {
                output.warn_of_argument();
                Ok(Self::Argument(Cursor::new(text.as_bytes().to_vec())))
            }
            (None, Some(path)) => Source::open(Path::new(path)).map(Self::Source),
            (None, None) if io::stdin().is_terminal() => Err(Error::Argument {
                name: "the data",
                want: "given as an argument, with -f FILE, or on standard input",
            }),
            (None, None) => Source::stdin().map(Self::Source),
        }
    }
}

/// What is encrypted, and to whom.
struct Work<'a> {
    vault: &'a VaultKey,
    checksums: Option<Vec<Checksum>>,
    input: Data,
    out: Option<&'a Path>,
    output: &'a Output,
}

impl Work<'_> {
    /// Encrypts everything to `out`, and shows the progress. Returns the length of the data in bytes.
    fn encrypt(self, out: &mut impl io::Write) -> Result<u64, Error> {
        let (size, path) = match &self.input {
            Data::Argument(_) => (None, None),
            Data::Source(source) => (source.length(), source.path().map(Path::to_owned)),
        };
        let mut data = self.input;
        let input: &mut dyn Read = match &mut data {
            Data::Argument(bytes) => bytes,
            Data::Source(source) => source,
        };
        let progress = Progress::transfer("Encrypting", size);
        let mut shown = 0;
        let bytes = encrypt::encrypt(self.vault, self.checksums, input, out, |bytes| {
            progress.add(bytes - shown);
            shown = bytes;
        });
        drop(progress);
        bytes.map_err(|error| match error {
            Error::Pipe { stream, kind, number } => {
                let (doing, path) = match stream {
                    Stream::Input => ("read", path.as_deref()),
                    Stream::Output => ("write", self.out.filter(|path| !output_file::is_stdout(path))),
                };
                let file = path.map(|path| Error::Io { doing, path: path.to_owned(), kind, number });
                file.unwrap_or(Error::Pipe { stream, kind, number })
            }
            error => error,
        })
    }

    fn into_file(self, path: &Path) -> Result<(), Error> {
        let (output, vault) = (self.output, self.vault);
        let failed = |error: io::Error| Error::io("write", path, &error);
        let stdout = output_file::is_stdout(path);
        let _printing = stdout.then(Output::begin);
        let mut file = OutputFile::create(path, Readers::Umask, Existing::Replace).map_err(failed)?;
        let early = file.sync_early();
        let bytes = self.encrypt(&mut file)?;
        drop(early);
        file.keep().map_err(failed)?;
        let name = path.display().to_string();
        let object = json!({"file": name, "bytes": bytes, "owner": OwnerText(vault.owner), "kid": Hex(vault.kid)});
        let fields = [("Encrypted", format!("{bytes} bytes")), ("File", name)];
        if stdout {
            output.report(&fields[..1]);
            return Ok(());
        }
        output.fields(&fields, object)
    }

    fn into_text(self) -> Result<(), Error> {
        let _printing = Output::begin();
        let mut form = TextForm::new(BufWriter::new(streams::Output)).map_err(broken)?;
        self.encrypt(&mut form)?;
        let mut out = form.finish().map_err(broken)?;
        out.write_all(b"\n").and_then(|()| out.flush()).map_err(broken)
    }

    /// Prints the object while the data is encrypted, because the text form may be large. If that fails, the object gets
    /// the error as well.
    fn into_json(self) -> Result<(), Error> {
        let (vault, output) = (self.vault, self.output);
        let _printing = Output::begin();
        let mut out = BufWriter::new(streams::Output);
        out.write_all(b"{\"ciphertext\":\"").map_err(broken)?;
        let mut form = TextForm::new(out).map_err(broken)?;
        let encrypted = self.encrypt(&mut form);
        let rest = match &encrypted {
            Ok(bytes) => json!({"bytes": bytes, "owner": OwnerText(vault.owner), "kid": Hex(vault.kid)}),
            Err(error) => json!({"error": describe(error)}),
        };
        let mut out = form.finish().map_err(broken)?;
        let rest = output.envelope().with(rest).to_string();
        // The text is an object, whose first brace is already printed.
        let rest = rest.strip_prefix('{').unwrap_or(&rest);
        let printed = out.write_all(b"\",").and_then(|()| EscapedJson(&mut out).write_all(rest.as_bytes()));
        let printed = printed.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).map_err(broken);
        match encrypted {
            Ok(_) => printed,
            Err(error) => Err(Error::Printed(Box::new(error))),
        }
    }
}

/// An error of standard output.
fn broken(error: io::Error) -> Error {
    Error::pipe(Stream::Output, &error)
}
