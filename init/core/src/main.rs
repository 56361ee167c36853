//! The core as it runs in a release: Amazon's roots, vsock, the NSM on descriptor 1, PID 1 on descriptor 0.

#![forbid(unsafe_code)]

use capelet_core::nsm::Device;
use capelet_core::transport::Transport;
use capelet_core::{Settings, kms, run};
use enclave_core::claims::Regime;
use std::io::{stdin, stdout};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let descriptors = stdin().as_fd().try_clone_to_owned().and_then(|pid1| {
        let nsm = stdout().as_fd().try_clone_to_owned()?;
        Ok((pid1, nsm))
    });
    let Ok((pid1, nsm)) = descriptors else {
        eprintln!("capelet-core: descriptors 0 and 1 must be PID 1 and the NSM");
        return ExitCode::FAILURE;
    };
    let settings = Settings {
        nsm: Box::new(Device(nsm)),
        transport: Transport::Vsock,
        pid1,
        kms_roots: kms::AMAZON_ROOTS.iter().map(|root| root.to_vec()).collect(),
        regime: Regime::Production,
    };
    if let Err(failure) = run(settings) {
        eprintln!("capelet-core: {failure}");
    }
    ExitCode::FAILURE
}
