//! The command line: its commands and options.

use std::path::PathBuf;

use argh::FromArgs;

/// Write, read, measure and sign .eif files, the images of AWS Nitro Enclaves.
#[derive(FromArgs)]
pub struct Args {
    #[argh(subcommand)]
    pub command: Command,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum Command {
    Cpio(Cpio),
    Build(Build),
    Describe(Describe),
    Measure(Measure),
    Measurements(ReleaseMeasurements),
    Sign(Sign),
    Attach(Attach),
    Verify(Verify),
}

/// The format of results on standard output.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum OutputFormat {
    #[default]
    Plain,
    Json,
}

impl argh::FromArgValue for OutputFormat {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err(format!("'{value}' is unsupported: use plain or json")),
        }
    }
}

/// Write a deterministic cpio archive for a ramdisk. The archive is not compressed.
#[derive(FromArgs)]
#[argh(subcommand, name = "cpio")]
pub struct Cpio {
    /// list of entries, in the format of the kernel's gen_init_cpio: dir, nod, file, slink
    #[argh(option)]
    pub list: PathBuf,
    /// the archive to write
    #[argh(option)]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Write an image from its parts.
#[derive(FromArgs)]
#[argh(subcommand, name = "build")]
pub struct Build {
    /// an x86-64 bzImage
    #[argh(option)]
    pub kernel: PathBuf,
    /// the kernel's command line
    #[argh(option)]
    pub command_line: String,
    /// an archive that the cpio command wrote; this command compresses it
    #[argh(option)]
    pub ramdisk: PathBuf,
    /// the .eif to write
    #[argh(option)]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Show all facts about an image: measurements, command line, the ramdisk's entries, certificate.
#[derive(FromArgs)]
#[argh(subcommand, name = "describe")]
pub struct Describe {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Show the PCRs of an image, and size and SHA-256 of the file and its sections.
#[derive(FromArgs)]
#[argh(subcommand, name = "measure")]
pub struct Measure {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// also write the bytes that an external key must sign (ECDSA, SHA-384) to this file
    #[argh(option)]
    pub to_be_signed: Option<PathBuf>,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Print the measurements.json of a release.
#[derive(FromArgs)]
#[argh(subcommand, name = "measurements")]
pub struct ReleaseMeasurements {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// list of the inputs of the build; each line has name, version and SHA-256
    #[argh(option)]
    pub inputs: PathBuf,
    /// plain or json; the result is always JSON, an error is JSON only with json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Sign an image with a key file.
#[derive(FromArgs)]
#[argh(subcommand, name = "sign")]
pub struct Sign {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// the P-384 private key, PEM, not encrypted
    #[argh(option)]
    pub key: PathBuf,
    /// the key's certificate, PEM
    #[argh(option)]
    pub certificate: PathBuf,
    /// the signed .eif to write
    #[argh(option)]
    pub to: PathBuf,
    /// the Unix time in seconds at which the certificate must be valid (default: now)
    #[argh(option)]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Attach a signature of an external key over the bytes of measure --to-be-signed.
#[derive(FromArgs)]
#[argh(subcommand, name = "attach")]
pub struct Attach {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// the signature, DER, as openssl, PKCS #11 tools and KMS print it
    #[argh(option)]
    pub signature: PathBuf,
    /// the key's certificate, PEM
    #[argh(option)]
    pub certificate: PathBuf,
    /// the signed .eif to write
    #[argh(option)]
    pub to: PathBuf,
    /// the Unix time in seconds at which the certificate must be valid (default: now)
    #[argh(option)]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}

/// Verify a signed image: layout, PCR0, signature, certificate and its validity.
#[derive(FromArgs)]
#[argh(subcommand, name = "verify")]
pub struct Verify {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// the certificate that must have signed the image, PEM
    #[argh(option)]
    pub certificate: PathBuf,
    /// the Unix time in seconds at which the certificate must be valid (default: now)
    #[argh(option)]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', default = "OutputFormat::Plain")]
    pub output: OutputFormat,
}
