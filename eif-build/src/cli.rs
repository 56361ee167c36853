//! The command line, as data.

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

/// How results are printed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Output {
    #[default]
    Plain,
    Json,
}

impl argh::FromArgValue for Output {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err("plain or json".into()),
        }
    }
}

/// Write the archive that a ramdisk is: a deterministic cpio archive, not compressed.
#[derive(FromArgs)]
#[argh(subcommand, name = "cpio")]
pub struct Cpio {
    /// list of entries, in the form of the kernel's gen_init_cpio: dir, nod, file, slink
    #[argh(option)]
    pub list: PathBuf,
    /// the archive to write
    #[argh(option)]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
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
    /// a cpio archive that the cpio command wrote; compressed here
    #[argh(option)]
    pub ramdisk: PathBuf,
    /// the .eif to write
    #[argh(option)]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
}

/// Show everything that an image says and holds.
#[derive(FromArgs)]
#[argh(subcommand, name = "describe")]
pub struct Describe {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
}

/// Show an image's PCRs, and size and SHA-256 of the file and its sections.
#[derive(FromArgs)]
#[argh(subcommand, name = "measure")]
pub struct Measure {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// also write the bytes that a key elsewhere has to sign (ECDSA, SHA-384) to this file
    #[argh(option)]
    pub to_be_signed: Option<PathBuf>,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
}

/// Print a release's measurements.json.
#[derive(FromArgs)]
#[argh(subcommand, name = "measurements")]
pub struct ReleaseMeasurements {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// list of what it was built from: name, version, SHA-256 a line
    #[argh(option)]
    pub inputs: PathBuf,
    /// plain or json: the result is JSON either way, an error only with json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
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
    /// its certificate, PEM
    #[argh(option)]
    pub certificate: PathBuf,
    /// the signed .eif to write
    #[argh(option)]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
}

/// Attach a signature that a key elsewhere made over the bytes of measure --to-be-signed.
#[derive(FromArgs)]
#[argh(subcommand, name = "attach")]
pub struct Attach {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// the signature, DER, as openssl, PKCS #11 tools and KMS give it
    #[argh(option)]
    pub signature: PathBuf,
    /// the key's certificate, PEM
    #[argh(option)]
    pub certificate: PathBuf,
    /// the signed .eif to write
    #[argh(option)]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
}

/// Verify a signed image: layout, PCR0, signature, certificate, its validity.
#[derive(FromArgs)]
#[argh(subcommand, name = "verify")]
pub struct Verify {
    /// the .eif
    #[argh(positional)]
    pub image: PathBuf,
    /// the certificate that it must be signed with, PEM
    #[argh(option)]
    pub certificate: PathBuf,
    /// the time at which the certificate must be valid, Unix time in seconds; now, if not given
    #[argh(option)]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', default = "Output::Plain")]
    pub output: Output,
}
