//! One file for each command. A command takes its arguments, calls the library and prints the result.

pub(super) mod dispatch;

mod attest;
mod checksum;
mod config;
mod contact;
mod delete;
mod deploy;
mod doctor;
mod encrypt;
mod identity;
mod key;
mod list;
mod pcrs;
mod pin;
mod receipt;
mod run;
mod verify;
mod version;
