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
use capelet_cli::{printable as escape, streams};
use capelet_parent::cli::enclave::{Console, Describe, Enclave, Named, Run, Terminate, Verb};
use capelet_parent::{Error, Transport};
use data_encoding::HEXLOWER;
use image::Image;
use nitro::NitroCli;
use qemu::MachineFiles;
use serde_json::Value;
use state::State;
use std::path::{Path, PathBuf};

pub fn run(enclave: Enclave) -> Result<(), Error> {
    match enclave.verb {
        Verb::Run(arguments) => start(&arguments),
        Verb::Describe(Describe { state: Some(state) }) => print(&State::open(&state)?.describe()?),
        Verb::Describe(Describe { state: None }) => {
            print(&NitroCli.describe()?.iter().map(nitro::Enclave::json).collect())
        }
        Verb::Terminate(Terminate { id, state }) => match Named::new(id, state)? {
            Named::Nitro(id) => NitroCli.terminate(&id),
            Named::Qemu(state) => State::open(&state)?.terminate(),
        },
        Verb::Console(Console { id, state }) => match Named::new(id, state)? {
            Named::Nitro(id) => NitroCli.console(&id),
            Named::Qemu(state) => console::follow(&State::open(&state)?),
        },
    }
}

fn start(arguments: &Run) -> Result<(), Error> {
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
    let pcr0 = HEXLOWER.encode(&image.measured.pcr0);
    match backend {
        None => {
            NitroCli::check_path(&image)?;
            say("PCR0", &pcr0)?;
            say("Transport", &Transport::Vsock(arguments.cid).to_string())?;
            let enclave = NitroCli.run(&image, arguments)?;
            say("Enclave", &enclave.id)?;
            Ok(())
        }
        Some((programs, state, nsm)) => {
            let files = MachineFiles::find(programs, nsm)?;
            let state = State::make(state)?;
            let _lock = state.lock()?;
            say("PCR0", &pcr0)?;
            say("Transport", &Transport::Qemu(state.vsock()).to_string())?;
            qemu::run(&image, arguments, &files, &state)
        }
    }
}

fn say(name: &str, value: &str) -> Result<(), Error> {
    let line = format!("{name:<9} ➜  {}\n", escape::line(value));
    streams::print(line.as_bytes()).map_err(Error::Output)
}

fn print(value: &Value) -> Result<(), Error> {
    streams::print(format!("{}\n", escape::ascii_json(&format!("{value:#}"))).as_bytes()).map_err(Error::Output)
}
