//! The arguments of `eif-build`.

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};
use capelet_cli::format::Format;

/// Write, read, measure and sign .eif files, the images of AWS Nitro Enclaves.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "An image from its parts, and what an enclave that runs it will attest:\n\
        \u{a0} {command_name} cpio --list ramdisk.list --to ramdisk.cpio\n\
        \u{a0} {command_name} build --kernel bzImage --command-line 'reboot=k panic=-1' --ramdisk ramdisk.cpio --to image.eif\n\
        \u{a0} {command_name} measure image.eif",
    note = "Where a file is named, - stands for standard input or standard output. A file is written completely or not at \
        all."
)]
pub struct Args {
    /// the command
    #[argh(subcommand)]
    pub command: Command,
}

/// All commands.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum Command {
    /// See [`Cpio`].
    Cpio(Cpio),
    /// See [`Build`].
    Build(Build),
    /// See [`Describe`].
    Describe(Describe),
    /// See [`Measure`].
    Measure(Measure),
    /// See [`ReleaseMeasurements`].
    Measurements(ReleaseMeasurements),
    /// See [`Sign`].
    Sign(Sign),
    /// See [`Attach`].
    Attach(Attach),
    /// See [`Verify`].
    Verify(Verify),
}

impl Command {
    /// The files that the command reads. The first one is what it works on.
    pub fn inputs(&self) -> Vec<&Path> {
        match self {
            Self::Cpio(args) => vec![&args.list],
            Self::Build(args) => vec![&args.kernel, &args.ramdisk],
            Self::Describe(args) => vec![&args.image],
            Self::Measure(args) => vec![&args.image],
            Self::Measurements(args) => vec![&args.image, &args.inputs],
            Self::Sign(args) => vec![&args.image, &args.key, &args.certificate],
            Self::Attach(args) => vec![&args.image, &args.signature, &args.certificate],
            Self::Verify(args) => vec![&args.image, &args.certificate],
        }
    }

    /// The file that the command writes.
    pub fn to(&self) -> Option<&Path> {
        match self {
            Self::Cpio(args) => Some(&args.to),
            Self::Build(args) => Some(&args.to),
            Self::Measure(args) => args.to_be_signed.as_deref(),
            Self::Sign(args) => Some(&args.to),
            Self::Attach(args) => Some(&args.to),
            Self::Describe(_) | Self::Measurements(_) | Self::Verify(_) => None,
        }
    }

    /// Whether the command may write over the first of its inputs. Signing again replaces a signature.
    pub fn replaces_its_input(&self) -> bool {
        matches!(self, Self::Sign(_) | Self::Attach(_))
    }

    /// The format of the report, and of an error.
    pub fn output(&self) -> Format {
        match self {
            Self::Cpio(args) => args.output,
            Self::Build(args) => args.output,
            Self::Describe(args) => args.output,
            Self::Measure(args) => args.output,
            Self::Measurements(args) => args.output.unwrap_or_default(),
            Self::Sign(args) => args.output,
            Self::Attach(args) => args.output,
            Self::Verify(args) => args.output,
        }
    }
}

/// Write a deterministic cpio archive for a ramdisk. The archive is not compressed.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "cpio",
    help_triggers("-h", "--help"),
    example = "{command_name} --list ramdisk.list --to ramdisk.cpio"
)]
pub struct Cpio {
    /// list of entries, in the format of the kernel's gen_init_cpio: dir, nod, file, slink; - for standard input
    #[argh(option, arg_name = "file")]
    pub list: PathBuf,
    /// the archive to write, or - for standard output
    #[argh(option, arg_name = "file")]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Write an image from its parts.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "build",
    help_triggers("-h", "--help"),
    example = "{command_name} --kernel bzImage --command-line 'reboot=k panic=-1' --ramdisk ramdisk.cpio --to image.eif"
)]
pub struct Build {
    /// an x86-64 bzImage, or - for standard input
    #[argh(option, arg_name = "file")]
    pub kernel: PathBuf,
    /// the kernel's command line
    #[argh(option, arg_name = "text")]
    pub command_line: String,
    /// an archive that the cpio command wrote, or - for standard input; this command compresses it
    #[argh(option, arg_name = "file")]
    pub ramdisk: PathBuf,
    /// the .eif to write, or - for standard output
    #[argh(option, arg_name = "file")]
    pub to: PathBuf,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Show all facts about an image: measurements, command line, the ramdisk's entries, certificate.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "describe",
    help_triggers("-h", "--help"),
    example = "{command_name} image.eif\n\
        {command_name} --lenient -o json image-of-another-builder.eif"
)]
pub struct Describe {
    /// the .eif, or - for standard input
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,
    /// show an .eif of another builder too: its PCRs as AWS's tools compute them, and each deviation from the layout of
    /// this program; no other command takes such a file
    #[argh(switch)]
    pub lenient: bool,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Show the PCRs of an image, and size and SHA-256 of the file and its sections.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "measure",
    help_triggers("-h", "--help"),
    example = "{command_name} image.eif\n\
        {command_name} image.eif --to-be-signed digest-input"
)]
pub struct Measure {
    /// the .eif, or - for standard input
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,
    /// also write the bytes that an external key must sign (ECDSA, SHA-384) to this file, or to standard output for -
    #[argh(option, arg_name = "file")]
    pub to_be_signed: Option<PathBuf>,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Print the measurements.json of a release.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "measurements",
    help_triggers("-h", "--help"),
    example = "{command_name} image.eif --inputs inputs.list > measurements.json"
)]
pub struct ReleaseMeasurements {
    /// the .eif, or - for standard input
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,
    /// list of the inputs of the build, or - for standard input; each line has name, version and SHA-256
    #[argh(option, arg_name = "file")]
    pub inputs: PathBuf,
    /// json: an error is JSON too; the result always is
    #[argh(option, short = 'o', arg_name = "json")]
    pub output: Option<Format>,
}

/// Sign an image with a key file.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "sign",
    help_triggers("-h", "--help"),
    example = "{command_name} image.eif --key key.pem --certificate certificate.pem --to signed.eif"
)]
pub struct Sign {
    /// the .eif, or - for standard input
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,
    /// the P-384 private key, PEM, not encrypted, or - for standard input
    #[argh(option, arg_name = "file")]
    pub key: PathBuf,
    /// the key's certificate, PEM, or - for standard input
    #[argh(option, arg_name = "file")]
    pub certificate: PathBuf,
    /// the signed .eif to write, or - for standard output
    #[argh(option, arg_name = "file")]
    pub to: PathBuf,
    /// the Unix time in seconds at which the certificate must be valid (default: now)
    #[argh(option, arg_name = "time")]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Attach a signature of an external key over the bytes of measure --to-be-signed.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "attach",
    help_triggers("-h", "--help"),
    example = "{command_name} image.eif --signature signature.der --certificate certificate.pem --to signed.eif"
)]
pub struct Attach {
    /// the .eif, or - for standard input
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,
    /// the signature, DER, as openssl, PKCS #11 tools and KMS print it, or - for standard input
    #[argh(option, arg_name = "file")]
    pub signature: PathBuf,
    /// the key's certificate, PEM, or - for standard input
    #[argh(option, arg_name = "file")]
    pub certificate: PathBuf,
    /// the signed .eif to write, or - for standard output
    #[argh(option, arg_name = "file")]
    pub to: PathBuf,
    /// the Unix time in seconds at which the certificate must be valid (default: now)
    #[argh(option, arg_name = "time")]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Verify a signed image: layout, PCR0, signature, certificate and its validity.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "verify",
    help_triggers("-h", "--help"),
    example = "{command_name} signed.eif --certificate certificate.pem"
)]
pub struct Verify {
    /// the .eif, or - for standard input
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,
    /// the certificate that must have signed the image, PEM, or - for standard input
    #[argh(option, arg_name = "file")]
    pub certificate: PathBuf,
    /// the Unix time in seconds at which the certificate must be valid (default: now)
    #[argh(option, arg_name = "time")]
    pub at: Option<i64>,
    /// plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}
