//! The program `eif-build`: writes, reads, measures and signs .eif files.
#![forbid(unsafe_code)]

mod cli;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use argh::FromArgs;
use eif_build::{
    BuildInput, Certificate, ContentDigest, Error, Image, MAX_FILE, Measurements, Parts, Section, archive_from_list,
    attach, cpio, files, measure, pcr0, report, sign, to_be_signed, verify, write,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::{Args, Command, OutputFormat};

/// The largest size of a list of entries or of inputs, in bytes.
const MAX_LIST: u64 = 1 << 20;
/// The largest size of a file with a key, a certificate or a signature, in bytes.
const MAX_PEM: u64 = 64 << 10;

fn main() -> ExitCode {
    let (args, not_utf8): (Vec<_>, Vec<_>) =
        std::env::args_os().skip(1).map(OsString::into_string).partition(Result::is_ok);
    let args: Vec<_> = args.into_iter().flatten().collect();
    // Looked up by hand, because an error in the command line itself must also be reported as JSON.
    let json = args
        .windows(2)
        .any(|pair| matches!(pair, [flag, value] if (flag == "-o" || flag == "--output") && value == "json"));
    let result = match not_utf8.is_empty() {
        true => run(&args),
        false => Err(Error::Usage { message: "an argument is not UTF-8: use UTF-8 paths".into() }),
    };
    match result.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error} [{}]", error.code());
            if json {
                // If this write fails, the exit status still reports the error.
                let _ = print(&format!("{}\n", report::error(&error)));
            }
            ExitCode::FAILURE
        }
    }
}

/// Runs the command and returns the text for standard output.
fn run(args: &[String]) -> Result<String, Error> {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let command = match Args::from_args(&["eif-build"], &args) {
        Ok(args) => args.command,
        Err(argh::EarlyExit { output, status: Ok(()) }) => return Ok(output),
        Err(early) => return Err(Error::Usage { message: early.output.trim_end().into() }),
    };
    match command {
        Command::Cpio(args) => {
            let archive = archive_from_list(&read_text(&args.list, MAX_LIST)?)?;
            files::write(&args.to, &archive)?;
            let ContentDigest { size, sha256 } = ContentDigest::of(&archive);
            let sha256 = data_encoding::HEXLOWER.encode(&sha256);
            show(args.output, || json!({"size": size, "sha256": sha256}), || format!("{sha256}  {size} bytes\n"))
        }
        Command::Build(args) => {
            let kernel = files::read(&args.kernel, Section::Kernel.limit())?;
            let archive = files::read(&args.ramdisk, cpio::MAX_ARCHIVE)?;
            let parts = Parts { kernel: &kernel, command_line: &args.command_line, archive: &archive };
            store(&args.to, &write(parts)?, args.output)
        }
        Command::Describe(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let image = Image::parse(&file)?;
            let measured = Measurements::of(&image)?;
            match args.output {
                OutputFormat::Json => Ok(pretty(&report::description(&image, &measured)?)),
                OutputFormat::Plain => report::description_text(&image, &measured),
            }
        }
        Command::Measure(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let image = Image::parse(&file)?;
            let measured = Measurements::of(&image)?;
            if let Some(to) = &args.to_be_signed {
                files::write(to, &to_be_signed(&pcr0(&image))?)?;
            }
            show_measurements(&measured, args.output)
        }
        Command::Measurements(args) => {
            let measured = measure(&files::read(&args.image, MAX_FILE)?)?;
            let inputs = BuildInput::parse_list(&read_text(&args.inputs, MAX_LIST)?)?;
            let release = || report::release(&measured, &inputs);
            show(args.output, release, || pretty(&release()))
        }
        Command::Sign(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let key = Zeroizing::new(files::read(&args.key, MAX_PEM)?);
            let image = Image::parse(&file)?;
            let certificate = read_certificate(&args.certificate)?;
            let signed = sign(&image, &key, certificate, args.at.unwrap_or_else(now))?;
            store(&args.to, &signed, args.output)
        }
        Command::Attach(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let signature = files::read(&args.signature, MAX_PEM)?;
            let image = Image::parse(&file)?;
            let certificate = read_certificate(&args.certificate)?;
            let signed = attach(&image, &signature, certificate, args.at.unwrap_or_else(now))?;
            store(&args.to, &signed, args.output)
        }
        Command::Verify(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let certificate = read_certificate(&args.certificate)?;
            let measured = verify(&Image::parse(&file)?, &certificate, args.at.unwrap_or_else(now))?;
            show_measurements(&measured, args.output)
        }
    }
}

/// Writes an image and shows its measurements.
fn store(to: &Path, file: &[u8], output: OutputFormat) -> Result<String, Error> {
    let measured = measure(file)?;
    files::write(to, file)?;
    show_measurements(&measured, output)
}

fn show_measurements(measured: &Measurements, output: OutputFormat) -> Result<String, Error> {
    show(output, || report::measurements(measured), || report::measurements_text(measured))
}

fn show(output: OutputFormat, json: impl Fn() -> Value, text: impl Fn() -> String) -> Result<String, Error> {
    Ok(match output {
        OutputFormat::Json => pretty(&json()),
        OutputFormat::Plain => text(),
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Error::Io { doing: "write to", path: "standard output".into(), kind: error.kind() })
}

fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    let kind = io::ErrorKind::InvalidData;
    String::from_utf8(files::read(path, limit)?).map_err(|_| Error::Io { doing: "read", path: path.into(), kind })
}

fn read_certificate(path: &Path) -> Result<Certificate, Error> {
    Certificate::from_pem(&files::read(path, MAX_PEM)?)
}

/// The time of this machine's clock, as Unix time in seconds. A clock before 1970 gives 0, when no certificate is
/// valid.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
