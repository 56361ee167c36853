//! Writing, reading, measuring and signing .eif files, the images of AWS Nitro Enclaves.
//!
//! 1. **The parts decide every byte of a file.** The parts are kernel, command line, ramdisk and signature. A file
//!    holds no time, path, host name or version.
//! 2. **The reader accepts only what the writer writes.** The format allows gaps, duplicates, any order and several
//!    ramdisks, and its readers disagree about them. Here each image has one form. One exception: the deflate stream of
//!    a ramdisk may come from another compressor.
//! 3. **One PCR0 belongs to one image.** PCRs hash the parts without separators. The kernel's declared length and the
//!    first byte of the ramdisk, which no command line contains, fix the boundaries.
//! 4. **PCR8 is reported only with a valid signature** of the certificate's key over the PCR0 that is computed here.
//!    The exception is the module [`lenient`], which shows files of other builders and says what is not verified. A
//!    result of that module cannot be measured, verified or signed.
//! 5. **A claimed size is compared with the bytes present before it is used.**
//!
//! An image from its parts, and its PCR0:
//!
//! ```no_run
//! # fn main() -> Result<(), eif_build::Error> {
//! use eif_build::{Parts, archive_from_list, files, measure, write};
//!
//! let kernel = files::read("bzImage".as_ref(), 64 << 20)?;
//! let archive = archive_from_list("file /init build/init 0755 0 0")?;
//! let image = write(Parts { kernel: &kernel, command_line: "reboot=k panic=-1", archive: &archive })?;
//! let pcr0 = measure(&image)?.pcr0;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod build_input;
mod bzimage;
mod certificate;
pub mod cli;
pub mod cpio;
mod cpio_list;
mod date;
mod der;
mod error;
mod fields;
pub mod files;
pub mod gzip;
mod image;
mod layout;
pub mod lenient;
mod measure;
mod pcr;
pub mod report;
mod sign;
mod signature;
mod write;

pub use build_input::BuildInput;
pub use certificate::Certificate;
pub use cpio_list::{archive_from_list, list_sources};
pub use error::Error;
pub use image::Image;
pub use layout::{HEADER_SIZE, MAX_FILE, Section};
pub use measure::{ContentDigest, Measurements, measure, pcr0};
pub use pcr::Pcr;
pub use sign::{attach, sign, verify};
pub use signature::{Signature, to_be_signed};
pub use write::{Parts, write};
