//! `capelet-local`: parent, core, workers, NSM and KMS on one machine, under a development root.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod enclave;
mod error;
mod home;
mod kms;
mod programs;
mod supervisor;

use capelet_cli::arguments::Program;
use capelet_cli::ending::{CommandError as _, Invocation, error_line};
use capelet_cli::interrupt::not_ignored;
use capelet_cli::{printable, streams};
use capelet_dev::kms::PARENT;
use capelet_dev::nsm::Root;
use capelet_local::cli::Arguments;
use capelet_parent::{
    Address, CredentialSource, KmsRoute, Log, Parent, RequestedLimits, ServiceLimits, Settings, Transport,
    encode_deployers, run_limits,
};
use enclave::{Enclave, Measured, Programs};
use enclave_core::Configuration;
use enclave_core::crypto::sha256;
use enclave_core::encoding::hex;
use error::Error;
use home::Home;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

/// All that this program starts is for development.
const PROGRAM: Program = Program::new("capelet-local", env!("CARGO_PKG_VERSION")).for_development();

fn main() -> ExitCode {
    PROGRAM.main(|arguments: &Arguments| arguments.output, run)
}

fn run(arguments: Arguments, invocation: &Invocation) -> Result<(), Error> {
    if let Some(address) = arguments.listen.iter().find(|address| !address.is_local()) {
        return Err(Error::NotLocal(address.clone()));
    }
    let Arguments { limit_run: run, limit_memory: memory, limit_input: input, limit_output: output, .. } = arguments;
    let limits = run_limits(RequestedLimits { run, memory, input, output })?;
    let home = Home::open(arguments.home)?;
    let sockets = home.sockets()?;
    let find = |named: Option<PathBuf>, name| named.map_or_else(|| programs::find(name), Ok);
    let programs =
        Programs { core: find(arguments.core, "capelet-core-dev")?, worker: find(arguments.worker, "capelet-worker")? };
    let measured = Measured::of(&programs)?;

    let roots = home.folder("nsm")?;
    let root = Root::load_or_make(&roots)?;
    let nsm_root = home.path("nsm-root.der");
    home::write(&nsm_root, root.der())?;
    let kms = kms::Kms::start(&home, &sockets, &nsm_root)?;
    let arn = kms.key(&home, &measured)?;

    let deployers = list_deployers(&home, &arguments.deployer)?;
    let configuration = Configuration { arn, limits, deployers: deployers.as_ref().map(|list| sha256(&[list])) };
    let credentials = home.path("credentials.json");
    home::write(&credentials, PARENT.credentials().as_bytes())?;

    let listen =
        if arguments.listen.is_empty() { vec![Address::Unix(home.path("capelet.sock"))] } else { arguments.listen };
    let parent = Parent::start(Settings {
        listen,
        enclave: Transport::Unix(sockets.clone()),
        store: Arc::clone(&home.store),
        kms: KmsRoute::Development(kms.address.parse::<Address>()?),
        credentials: CredentialSource::File(credentials),
        configuration: configuration.encode(),
        deployers,
        limits: ServiceLimits::default(),
        log: Log::stderr(arguments.output)?,
    })?;

    // Receives `None` after a signal, and an error if the core ends.
    let (stop, stopped) = channel();
    let signalled = stop.clone();
    let mut signals = Signals::new(not_ignored(&[SIGINT, SIGTERM, SIGHUP])).map_err(Error::System)?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = signalled.send(None);
        }
    });
    let (failed, failures) = channel();
    let mut enclave = Enclave::start(programs, &measured, root, &sockets, &kms.root, failed)?;
    thread::spawn(move || {
        if let Ok(why) = failures.recv() {
            let _ = stop.send(Some(why));
        }
    });
    enclave.wait_until_serving(&sockets)?;
    print_ready(invocation, &parent, &measured);

    let why = stopped.recv().unwrap_or(None);
    parent.stop();
    drop((enclave, kms));
    why.map_or(Ok(()), Err)
}

/// The list of deployers. It is kept in the folder, so that it has the same salt at each start. `None` without keys.
fn list_deployers(home: &Home, keys: &[String]) -> Result<Option<Vec<u8>>, Error> {
    if keys.is_empty() {
        return Ok(None);
    }
    let path = home.path("deployers.cbor");
    let list = encode_deployers(keys, &path)?;
    home::write(&path, &list)?;
    Ok(Some(list))
}

/// Says where it serves. If nobody can read this, it serves all the same.
fn print_ready(invocation: &Invocation, parent: &Parent, measured: &Measured) {
    let urls: Vec<String> = parent.addresses().iter().map(url).collect();
    let pcr0 = hex(measured.pcr0.as_bytes());
    let printed = if invocation.is_json() {
        invocation.print(json!({ "ready": true, "urls": urls, "pcr0": pcr0 }))
    } else {
        let mut text = format!("DEVELOPMENT enclave ready.\nPCR0 ➜  {pcr0}\n");
        for url in urls {
            let url = printable::line(&url);
            text += &format!("URL  ➜  {url}\nNext: capelet pin --development {url}\n");
        }
        streams::print(text.as_bytes()).map_err(Error::output)
    };
    if let Err(error) = printed {
        streams::note(&error_line(&error.to_string(), error.code()));
    }
}

fn url(address: &Address) -> String {
    match address {
        Address::Tcp(address) => format!("capelet://{address}"),
        Address::Unix(_) => address.to_string(),
    }
}
