//! Writing, reading, measuring and signing .eif files, the images of AWS Nitro Enclaves.
//!
//! 1. **A file follows from its parts.** Kernel, command line, ramdisk and signature decide every byte; there
//!    is no time, path, host or version in it.
//! 2. **What would not have been written is not read.** The format allows gaps, duplicates, any order and
//!    several ramdisks, and its readers disagree about them; here each file has one form. But for the choices that
//!    deflate leaves a compressor: a ramdisk that another one made is read if all around them is in the one form.
//! 3. **One PCR0 is one image.** PCRs hash the parts without separators; the kernel's own length and the
//!    ramdisk's first byte, which no command line holds, fix the boundaries.
//! 4. **No PCR8 without a signature that holds**, by the certificate's key, over the PCR0 computed here.
//! 5. **A claimed size is compared with what is there before anything is done with it.**
//!
//! | module | holds |
//! |---|---|
//! | [`layout`] | constants, order and limits of the sections, how headers are written |
//! | [`read`], [`measure`](mod@measure) | the strict reader; PCRs and hashes |
//! | [`write`](mod@write), [`sign`] | the writer; signing, attaching, verifying |
//! | [`cose`], [`certificate`] | the signature section; the signer's certificate |
//! | [`cpio`], [`gzip`] | the ramdisk: canonical newc archives, written from a list, read strictly; their compression |
//! | [`inputs`], [`report`], [`files`] | what a release was made of; JSON and text; bounded reading, atomic writing |
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod certificate;
pub mod cose;
pub mod cpio;
mod der;
mod error;
pub mod files;
pub mod gzip;
pub mod inputs;
mod kernel;
pub mod layout;
pub mod measure;
pub mod read;
pub mod report;
pub mod sign;
pub mod write;

pub use error::Error;
pub use measure::{Measurements, measure};
pub use read::Image;
