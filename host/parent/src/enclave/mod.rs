//! `capelet-parent enclave` starts, describes and ends an enclave. It uses `nitro-cli` on AWS and QEMU on any other
//! machine.

mod console;
mod image;
mod kept;
mod nitro;
mod printable;
mod process;
mod qemu;
mod state;

use capelet_cli::arguments::STDIN;
use capelet_cli::ending::Invocation;
use capelet_cli::{printable as escape, streams};
use capelet_parent::cli::enclave::{Console, Describe, Enclave, Named, Run, Terminate, Verb};
use capelet_parent::{Error, Transport};
use data_encoding::HEXLOWER;
use image::Image;
use nitro::NitroCli;
use qemu::MachineFiles;
use serde_json::{Value, json};
use state::State;
use std::path::{Path, PathBuf};

pub fn run(enclave: Enclave, invocation: &Invocation) -> Result<(), Error> {
    match enclave.verb {
        Verb::Run(arguments) => start(&arguments, invocation),
        Verb::Describe(Describe { state, .. }) => describe(state.as_deref(), invocation),
        Verb::Terminate(Terminate { id, state, .. }) => {
            match named(id, state, invocation)? {
                Named::Nitro(id) => NitroCli.terminate(&id)?,
                Named::Qemu(state) => State::open(&state)?.terminate()?,
            }
            if invocation.is_json() { invocation.print(json!({"terminated": true})) } else { Ok(()) }
        }
        Verb::Console(Console { id, state, .. }) => match named(id, state, invocation)? {
            Named::Nitro(id) => NitroCli.console(&id),
            Named::Qemu(state) => console::follow(&State::open(&state)?),
        },
    }
}

/// The enclave that the arguments name. Every enclave under QEMU is under a development root.
fn named(id: Option<String>, state: Option<PathBuf>, invocation: &Invocation) -> Result<Named, Error> {
    let named = Named::new(id, state)?;
    invocation.mark_development(matches!(named, Named::Qemu(_)));
    Ok(named)
}

fn describe(state: Option<&Path>, invocation: &Invocation) -> Result<(), Error> {
    invocation.mark_development(state.is_some());
    let enclaves: Vec<_> = match state {
        Some(state) => State::open(state)?.describe()?.into_iter().collect(),
        None => {
            let enclaves = NitroCli.describe()?;
            invocation.mark_development(enclaves.iter().any(|enclave| enclave.debug));
            enclaves.iter().map(nitro::Enclave::members).collect()
        }
    };
    if invocation.is_json() {
        return invocation.print(json!({"enclaves": enclaves}));
    }
    enclaves.iter().try_for_each(print)
}

/// Prints an enclave as labelled lines.
fn print(enclave: &Value) -> Result<(), Error> {
    let labels = [
        ("Enclave", "enclave_id"),
        ("PCR0", "pcr0"),
        ("Transport", "transport"),
        ("Running", "running"),
        ("Debug", "debug"),
        ("Image", "image_file"),
    ];
    for (label, member) in labels {
        match enclave.get(member) {
            Some(Value::String(text)) => say(label, text)?,
            Some(Value::Bool(value)) => say(label, if *value { "yes" } else { "no" })?,
            _ => {}
        }
    }
    Ok(())
}

fn start(arguments: &Run, invocation: &Invocation) -> Result<(), Error> {
    if arguments.image.as_os_str() == STDIN {
        return Err(Error::EnclaveArguments("the image must be a file: it is measured first, and then read again"));
    }
    let backend = match (&arguments.qemu, &arguments.state, &arguments.nsm) {
        (None, None, None) => None,
        (Some(programs), Some(state), Some(nsm)) => Some((programs, state, nsm)),
        _ => return Err(Error::EnclaveArguments("--qemu, --state and --nsm go together")),
    };
    let dash = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
    if dash(&arguments.measurements) || dash(&arguments.nsm) {
        return Err(Error::EnclaveArguments("--measurements and --nsm must be files, and - is none; name a file"));
    }
    let image = Image::measure(&arguments.image, arguments.measurements.as_deref())?;
    if arguments.development && !image.development {
        return Err(Error::NotDevelopment);
    }
    image.check_certificate_time()?;
    invocation.mark_development(image.development || backend.is_some());
    let pcr0 = HEXLOWER.encode(&image.measured.pcr0);
    match backend {
        None => {
            NitroCli::check_path(&image)?;
            let transport = Transport::Vsock(arguments.cid).to_string();
            if invocation.is_json() {
                let enclave = NitroCli.run(&image, arguments)?;
                return invocation.print(json!({"pcr0": pcr0, "transport": transport, "enclave_id": enclave.id}));
            }
            say("PCR0", &pcr0)?;
            say("Transport", &transport)?;
            say("Enclave", &NitroCli.run(&image, arguments)?.id)
        }
        Some((programs, state, nsm)) => {
            let files = MachineFiles::find(programs, nsm)?;
            let state = State::make(state)?;
            let _lock = state.lock()?;
            let transport = Transport::Qemu(state.vsock()).to_string();
            if invocation.is_json() {
                invocation.print(json!({"pcr0": pcr0, "transport": transport}))?;
            } else {
                say("PCR0", &pcr0)?;
                say("Transport", &transport)?;
            }
            qemu::run(&image, arguments, &files, &state)
        }
    }
}

fn say(name: &str, value: &str) -> Result<(), Error> {
    let line = format!("{name:<9} ➜  {}\n", escape::line(value));
    streams::print(line.as_bytes()).map_err(Error::Output)
}
