//! The core with the development KMS' root instead of Amazon's, and in the embedded default with the development NSM
//! behind a socket. It is a binary of its own, so that no release holds any of it: a client trusts what it says only
//! under a development root that somebody pinned by that name.
//!
//! `capelet-core-dev --sockets FOLDER --nsm SOCKET --kms-root FILE`: the embedded default; descriptor 0 is the socket
//! to whoever plays PID 1. Without arguments, as in an image: vsock, the NSM on descriptor 1, the root compiled in.

#![forbid(unsafe_code)]

mod nsm;

use capelet_core::nsm::{Device, Nsm};
use capelet_core::transport::Transport;
use capelet_core::{Settings, run};
use enclave_core::claims::Regime;
use std::io::{self, stdin, stdout};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::{env, fs};

/// The development KMS' root of an image, in DER; empty if none was given to the build.
const KMS_ROOT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kms-root.der"));

fn main() -> ExitCode {
    eprintln!("capelet-core-dev: DEVELOPMENT");
    match settings().map(run) {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => eprintln!("capelet-core-dev: {failure}"),
        Err(error) => eprintln!("capelet-core-dev: {error}"),
    }
    ExitCode::FAILURE
}

fn settings() -> io::Result<Settings> {
    let pid1 = stdin().as_fd().try_clone_to_owned()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (transport, nsm, root): (_, Box<dyn Nsm>, _) = match arguments.as_slice() {
        [] => (Transport::Vsock, Box::new(Device(stdout().as_fd().try_clone_to_owned()?)), KMS_ROOT.to_vec()),
        ["--sockets", folder, "--nsm", socket, "--kms-root", root] => {
            (Transport::Unix(folder.into()), Box::new(nsm::Socket::connect(socket)?), fs::read(root)?)
        }
        _ => return Err(io::Error::other("arguments: --sockets FOLDER --nsm SOCKET --kms-root FILE, or none")),
    };
    Ok(Settings { nsm, transport, pid1, kms_roots: vec![root], regime: Regime::Development })
}
