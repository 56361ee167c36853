//! The command line as argh reads it: one file for each command, with its help.

#[macro_use]
mod macros;

pub mod attest;
pub mod capelet;
pub mod checksum;
pub mod config;
pub mod contact;
pub mod delete;
pub mod deploy;
pub mod encrypt;
pub mod globals;
pub mod identity;
pub mod key;
pub mod list;
pub mod pcrs;
pub mod pin;
pub mod receipt;
pub mod run;
pub mod verify;
pub mod version;
