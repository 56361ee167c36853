//! The core of a release: Amazon's roots, vsock, PID 1 on descriptor 0, the NSM on descriptor 1.

#![forbid(unsafe_code)]

use capelet_core::{AMAZON_ROOTS, Device, Settings, Transport, note, run};
use enclave_core::attestation::TrustMode;
use std::io::{stdin, stdout};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let descriptors = stdin().as_fd().try_clone_to_owned().and_then(|pid1| {
        let nsm = stdout().as_fd().try_clone_to_owned()?;
        Ok((pid1, nsm))
    });
    let Ok((pid1, nsm)) = descriptors else {
        note("capelet-core: descriptor 0 must be the socket to PID 1, and descriptor 1 the NSM");
        return ExitCode::FAILURE;
    };
    let settings = Settings {
        nsm: Box::new(Device(nsm)),
        transport: Transport::Vsock,
        pid1,
        kms_roots: AMAZON_ROOTS.iter().map(|root| root.to_vec()).collect(),
        mode: TrustMode::Production,
    };
    if let Err(error) = run(settings) {
        note(&format!("capelet-core: {error}"));
    }
    ExitCode::FAILURE
}
