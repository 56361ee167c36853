//! `capelet-parent serve`.

use capelet_cli::interrupt::not_ignored;
use capelet_parent::cli::Serve;
use capelet_parent::{
    Address, CredentialSource, Error, KmsRoute, Log, Parent, ServiceLimits, Settings, Store, read_file,
};
use enclave_core::{MAX_CONFIGURATION, MAX_DEPLOYERS};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub fn run(serve: Serve) -> Result<(), Error> {
    let mut limits = ServiceLimits::for_clients(serve.connections);
    if let Some(most) = serve.per_address {
        limits.per_address = (most > 0).then_some(most);
    }
    raise_descriptors(limits.descriptors())?;
    check_unused(&serve)?;
    check_files(&serve)?;
    let kms = match (serve.kms, serve.region) {
        (Some(_), regions) if !regions.is_empty() => return Err(Error::TwoKms),
        (Some(address), _) => KmsRoute::Development(address),
        (None, regions) => KmsRoute::Regions(regions),
    };
    let read = |file: Option<_>, limit| file.map(|path| read_file(path, limit)).transpose();
    let configuration = read(serve.configuration.as_deref(), MAX_CONFIGURATION)?.unwrap_or_default();
    let deployers = read(serve.deployers.as_deref(), MAX_DEPLOYERS)?;
    let credentials = serve.credentials.map_or(CredentialSource::None, CredentialSource::File);
    // They are read again at each use. A file that cannot be used is reported before anything is made or served.
    credentials.get()?;
    let mut signals = ending_signals().map_err(Error::System)?;
    let parent = Parent::start(Settings {
        listen: serve.listen,
        enclave: serve.enclave,
        store: Arc::new(Store::open(&serve.store)?),
        kms,
        credentials,
        configuration,
        deployers,
        limits,
        log: Log::stderr(serve.log)?,
    })?;
    signals.forever().next();
    parent.stop();
    Ok(())
}

/// Refuses options that would have no effect.
fn check_unused(serve: &Serve) -> Result<(), Error> {
    let is_tcp = |address: &Address| matches!(address, Address::Tcp(_));
    if serve.listen.is_empty() {
        return Err(Error::NothingToListenOn);
    }
    let unused = if serve.deployers.is_some() && serve.configuration.is_none() {
        "--deployers has no effect without --configuration, which names the list; add the configuration of this list"
    } else if serve.credentials.is_some() && serve.kms.is_none() && serve.region.is_empty() {
        "--credentials has no effect without a KMS; add --region or --kms"
    } else if serve.per_address.is_some() && !serve.listen.iter().any(is_tcp) {
        "--per-address has no effect without TCP; add --listen IP:PORT, or leave it out"
    } else {
        return Ok(());
    };
    Err(Error::ServeArguments(unused))
}

/// Refuses `-` in place of a file. The file with the credentials is read many times, and a service has no input.
fn check_files(serve: &Serve) -> Result<(), Error> {
    let dash = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
    let wrong = if dash(&serve.configuration) {
        "--configuration must be a file, and - is none; write the configuration to a file, and name it"
    } else if dash(&serve.deployers) {
        "--deployers must be a file, and - is none; write the list to a file, and name it"
    } else if dash(&serve.credentials) {
        "--credentials must be a file, and - is none; write the credentials to a file, and name it"
    } else {
        return Ok(());
    };
    Err(Error::ServeArguments(wrong))
}

/// The first signal stops the parent in order. A second one exits at once with status 1. A signal that is ignored at the
/// start, by `nohup` or in the background of a script, stays so.
fn ending_signals() -> std::io::Result<Signals> {
    let signals = not_ignored(&[SIGINT, SIGTERM, SIGHUP]);
    let again = Arc::new(AtomicBool::new(false));
    for signal in &signals {
        register_conditional_shutdown(*signal, 1, Arc::clone(&again))?;
        register(*signal, Arc::clone(&again))?;
    }
    Signals::new(signals)
}

/// Raises the limit on descriptors at the start, so that a shortage is reported now and not when connections arrive.
fn raise_descriptors(needed: u64) -> Result<(), Error> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| Error::System(error.into()))?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        return Err(Error::Limit("the number of connections"));
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(|error| Error::System(error.into()))
}
