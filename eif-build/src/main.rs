//! The program `eif-build`: writes, reads, measures and signs .eif files.
#![forbid(unsafe_code)]

mod named_files;

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use capelet_cli::arguments::Program;
use capelet_cli::ending::{CommandError, Invocation};
use capelet_cli::format::Format;
use capelet_cli::{interrupt, streams};
use data_encoding::HEXLOWER;
use eif_build::cli::{Args, Command};
use eif_build::{
    BuildInput, Certificate, ContentDigest, Error, Image, MAX_FILE, Measurements, Parts, Section, archive_from_list,
    attach, cpio, lenient, list_sources, measure, pcr0, report, sign, to_be_signed, verify, write,
};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::named_files::{failed, read};

/// The largest size of a list of entries or of inputs, in bytes.
const MAX_LIST: u64 = 1 << 20;
/// The largest size of a file with a key, a certificate or a signature, in bytes.
const MAX_PEM: u64 = 64 << 10;

const PROGRAM: Program = Program::new("eif-build", env!("CARGO_PKG_VERSION"));

fn main() -> ExitCode {
    PROGRAM.main(
        |arguments: &Args| arguments.command.output(),
        |arguments, invocation| run(&arguments.command, invocation),
    )
}

/// What a command reports.
enum Report {
    /// Text for people, or a file of its own format.
    Text(String),
    /// The members of the JSON object.
    Members(Value),
}

fn run(command: &Command, invocation: &Invocation) -> Result<(), Error> {
    interrupt::watch("Interrupted.").map_err(|error| failed("watch", Path::new("signals"), &error))?;
    named_files::check(command)?;
    let on_stdout = named_files::report_on_stdout(command.to());
    if on_stdout {
        // A report that would be lost is an error before any file is written.
        streams::check_output().map_err(Error::output)?;
    }
    match execute(command)? {
        Report::Members(members) => invocation.print(members),
        Report::Text(text) if on_stdout => streams::print(text.as_bytes()).map_err(Error::output),
        // The output has standard output for itself.
        Report::Text(text) => {
            streams::note_bytes(text.as_bytes());
            Ok(())
        }
    }
}

/// Runs the command.
fn execute(command: &Command) -> Result<Report, Error> {
    match command {
        Command::Cpio(args) => {
            let list = read_text(&args.list, MAX_LIST)?;
            named_files::check_sources(&list_sources(&list)?, &args.to)?;
            let archive = archive_from_list(&list)?;
            named_files::write(&args.to, &archive)?;
            let measured = ContentDigest::of(&archive);
            let text = || format!("{}  {} bytes\n", HEXLOWER.encode(&measured.sha256), measured.size);
            Ok(show(args.output, || report::archive(&measured), text))
        }
        Command::Build(args) => {
            let kernel = read(&args.kernel, Section::Kernel.limit())?;
            let archive = read(&args.ramdisk, cpio::MAX_ARCHIVE)?;
            let parts = Parts { kernel: &kernel, command_line: &args.command_line, archive: &archive };
            store(&args.to, &write(parts)?, args.output)
        }
        Command::Describe(args) if args.lenient => {
            let file = read(&args.image, lenient::MAX_FILE)?;
            let survey = lenient::Survey::of(&file)?;
            Ok(show(args.output, || lenient::report::json(&survey), || lenient::report::text(&survey)))
        }
        Command::Describe(args) => {
            let file = read(&args.image, MAX_FILE)?;
            let image = Image::parse(&file)?;
            let measured = Measurements::of(&image)?;
            Ok(match args.output {
                Format::Json => Report::Members(report::description(&image, &measured)?),
                Format::Plain => Report::Text(report::description_text(&image, &measured)?),
            })
        }
        Command::Measure(args) => {
            let file = read(&args.image, MAX_FILE)?;
            let image = Image::parse(&file)?;
            let measured = Measurements::of(&image)?;
            if let Some(to) = &args.to_be_signed {
                named_files::write(to, &to_be_signed(&pcr0(&image))?)?;
            }
            Ok(show_measurements(&measured, args.output))
        }
        Command::Measurements(args) => {
            if args.output == Some(Format::Plain) {
                let message = "measurements are always JSON: leave out -o plain".into();
                return Err(Error::Usage { message });
            }
            let measured = measure(&read(&args.image, MAX_FILE)?)?;
            let inputs = BuildInput::parse_list(&read_text(&args.inputs, MAX_LIST)?)?;
            Ok(Report::Text(format!("{:#}\n", report::release(&measured, &inputs))))
        }
        Command::Sign(args) => {
            let file = read(&args.image, MAX_FILE)?;
            let key = Zeroizing::new(read(&args.key, MAX_PEM)?);
            let image = Image::parse(&file)?;
            let certificate = read_certificate(&args.certificate)?;
            let signed = sign(&image, &key, certificate, args.at.unwrap_or_else(now))?;
            store(&args.to, &signed, args.output)
        }
        Command::Attach(args) => {
            let file = read(&args.image, MAX_FILE)?;
            let signature = read(&args.signature, MAX_PEM)?;
            let image = Image::parse(&file)?;
            let certificate = read_certificate(&args.certificate)?;
            let signed = attach(&image, &signature, certificate, args.at.unwrap_or_else(now))?;
            store(&args.to, &signed, args.output)
        }
        Command::Verify(args) => {
            let file = read(&args.image, MAX_FILE)?;
            let certificate = read_certificate(&args.certificate)?;
            let measured = verify(&Image::parse(&file)?, &certificate, args.at.unwrap_or_else(now))?;
            Ok(show_measurements(&measured, args.output))
        }
    }
}

/// Writes an image and reports its measurements.
fn store(to: &Path, file: &[u8], output: Format) -> Result<Report, Error> {
    let measured = measure(file)?;
    named_files::write(to, file)?;
    Ok(show_measurements(&measured, output))
}

fn show_measurements(measured: &Measurements, output: Format) -> Report {
    show(output, || report::measurements(measured), || report::measurements_text(measured))
}

fn show(output: Format, members: impl Fn() -> Value, text: impl Fn() -> String) -> Report {
    match output {
        Format::Json => Report::Members(members()),
        Format::Plain => Report::Text(text()),
    }
}

fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    let not_utf8 = || std::io::ErrorKind::InvalidData.into();
    String::from_utf8(read(path, limit)?).map_err(|_| failed("read", path, &not_utf8()))
}

fn read_certificate(path: &Path) -> Result<Certificate, Error> {
    Certificate::from_pem(&read(path, MAX_PEM)?)
}

/// The time of this machine's clock, as Unix time in seconds. A clock before 1970 gives 0, when no certificate is
/// valid.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
