//! `eif-build`: writes, reads, measures and signs .eif files.
#![forbid(unsafe_code)]

mod cli;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use argh::FromArgs;
use eif_build::certificate::Certificate;
use eif_build::layout::{MAX_FILE, Section};
use eif_build::measure::{Measured, pcr0};
use eif_build::write::Parts;
use eif_build::{Error, Image, Measurements, cose, cpio, files, inputs, measure, report, sign, write};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::{Args, Command, Output};

/// The most bytes of a key, a certificate or a signature in a file of its own.
const MAX_PEM: u64 = 64 << 10;

fn main() -> ExitCode {
    let (args, odd): (Vec<_>, Vec<_>) = std::env::args_os().skip(1).map(OsString::into_string).partition(Result::is_ok);
    let args: Vec<_> = args.into_iter().flatten().collect();
    // Also for errors in the command line itself, which is then not parsed.
    let json = args
        .windows(2)
        .any(|pair| matches!(pair, [flag, value] if (flag == "-o" || flag == "--output") && value == "json"));
    let result = match odd.is_empty() {
        true => run(&args),
        false => Err(Error::Usage { message: "an argument is not UTF-8".into() }),
    };
    match result.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error} [{}]", error.code());
            if json {
                // If standard output is broken too, the status still says it.
                let _ = print(&format!("{}\n", report::error(&error)));
            }
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments ask for; gives what goes to standard output.
fn run(args: &[String]) -> Result<String, Error> {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let command = match Args::from_args(&["eif-build"], &args) {
        Ok(args) => args.command,
        Err(argh::EarlyExit { output, status: Ok(()) }) => return Ok(output),
        Err(early) => return Err(Error::Usage { message: early.output.trim_end().into() }),
    };
    match command {
        Command::Cpio(args) => {
            let archive = cpio::write_list(&read_text(&args.list, inputs::MAX_LIST)?)?;
            files::write(&args.to, &archive)?;
            let Measured { size, sha256 } = Measured::of(&archive);
            let sha256 = data_encoding::HEXLOWER.encode(&sha256);
            show(args.output, || json!({"size": size, "sha256": sha256}), || format!("{sha256}  {size} bytes\n"))
        }
        Command::Build(args) => {
            let kernel = files::read(&args.kernel, Section::Kernel.limit())?;
            let archive = files::read(&args.ramdisk, cpio::MAX_ARCHIVE)?;
            let parts = Parts { kernel: &kernel, command_line: &args.command_line, archive: &archive };
            store(&args.to, &write::write(parts)?, args.output)
        }
        Command::Describe(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let image = Image::parse(&file)?;
            let measured = Measurements::of(&image)?;
            match args.output {
                Output::Json => Ok(pretty(&report::description(&image, &measured)?)),
                Output::Plain => report::description_text(&image, &measured),
            }
        }
        Command::Measure(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let image = Image::parse(&file)?;
            let measured = Measurements::of(&image)?;
            if let Some(to) = &args.to_be_signed {
                files::write(to, &cose::to_be_signed(&pcr0(&image))?)?;
            }
            show_measurements(&measured, args.output)
        }
        Command::Measurements(args) => {
            let measured = measure(&files::read(&args.image, MAX_FILE)?)?;
            let inputs = inputs::parse(&read_text(&args.inputs, inputs::MAX_LIST)?)?;
            let release = || report::release(&measured, &inputs);
            show(args.output, release, || pretty(&release()))
        }
        Command::Sign(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let key = Zeroizing::new(files::read(&args.key, MAX_PEM)?);
            let signed = sign::sign(&Image::parse(&file)?, &key, read_certificate(&args.certificate)?)?;
            store(&args.to, &signed, args.output)
        }
        Command::Attach(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let signature = files::read(&args.signature, MAX_PEM)?;
            let signed = sign::attach(&Image::parse(&file)?, &signature, read_certificate(&args.certificate)?)?;
            store(&args.to, &signed, args.output)
        }
        Command::Verify(args) => {
            let file = files::read(&args.image, MAX_FILE)?;
            let certificate = read_certificate(&args.certificate)?;
            let measured = sign::verify(&Image::parse(&file)?, &certificate, args.at.unwrap_or_else(now))?;
            show_measurements(&measured, args.output)
        }
    }
}

/// Writes an image and shows what it measures.
fn store(to: &Path, file: &[u8], output: Output) -> Result<String, Error> {
    let measured = measure(file)?;
    files::write(to, file)?;
    show_measurements(&measured, output)
}

fn show_measurements(measured: &Measurements, output: Output) -> Result<String, Error> {
    show(output, || report::measurements(measured), || report::measurements_text(measured))
}

fn show(output: Output, json: impl Fn() -> Value, text: impl Fn() -> String) -> Result<String, Error> {
    Ok(match output {
        Output::Json => pretty(&json()),
        Output::Plain => text(),
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

/// Unix time in seconds. A clock before 1970 is 1970: no certificate is valid then.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
