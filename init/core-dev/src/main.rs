//! The core with the root of the development KMS instead of Amazon's. In the embedded default, the development NSM is
//! behind a Unix socket. It is a binary of its own, so that a release contains none of this. A client trusts what it says
//! only under a development root that a person pinned as such.
//!
//! `capelet-core-dev --sockets FOLDER --nsm SOCKET --kms-root FILE` is the embedded default; descriptor 0 is the socket to
//! the process in PID 1's place. Without arguments it runs in an image: vsock, the NSM on descriptor 1, the compiled-in
//! root.

#![forbid(unsafe_code)]

mod nsm;

use capelet_core::{Device, Nsm, Settings, Transport, note, run};
use enclave_core::attestation::TrustMode;
use std::io::{self, stdin, stdout};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::{env, fs};

/// The root of the development KMS in an image, in DER; empty if the build was given none.
const KMS_ROOT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kms-root.der"));

fn main() -> ExitCode {
    note("capelet-core-dev: DEVELOPMENT");
    match settings().map(run) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => note(&format!("capelet-core-dev: {error}")),
        Err(error) => note(&format!("capelet-core-dev: {error}")),
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
        _ => {
            return Err(io::Error::other(
                "the arguments must be --sockets FOLDER --nsm SOCKET --kms-root FILE, or none",
            ));
        }
    };
    Ok(Settings { nsm, transport, pid1, kms_roots: vec![root], mode: TrustMode::Development })
}
