//! An enclave, its owner, and runs through the client's library.

use capelet::error::Error;
use capelet::home::Home;
use capelet::home::trust::Trust;
use capelet::inputs::{Form, Inputs};
use capelet::run::{FinishedRun, run};
use capelet::session::Session;
use capelet::url::Url;
use capelet::values::Hex;
use capelet_e2e::{Local, Person, function};
use enclave_core::identity::Identity;
use enclave_core::objects::ReceiptFunction;
use serde_json::json;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A command that does nothing: `(module (memory (export "memory") 1) (func (export "_start")))`.
const EMPTY: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

/// An enclave, and an owner with an empty function and a vault key.
pub struct Place {
    /// `None` after it was stopped.
    pub local: Option<Local>,
    /// The owner.
    pub owner: Person,
    /// The owner's function, which is named `empty` in their catalogue.
    pub function: ReceiptFunction,
    /// The folder of both. It is removed when dropped.
    pub folder: TempDir,
}

impl Place {
    /// Starts the enclave and deploys the function. The machine is quiet afterwards.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let local = Local::start(&folder.path().join("e"), &[]);
        let owner = Person::pinned(&folder.path().join("owner"), &local);
        let source = folder.path().join("empty");
        function(&source, EMPTY, &json!({ "entry": "function.wasm" }));
        let deployed = owner.json(&["deploy", source.to_str().unwrap(), "-n", "empty"]);
        owner.ok(&["key", "create"]);
        owner.ok(&["contact", "add", "me", &owner.owner()]);
        owner.ok(&["contact", "fetch", "me"]);
        // The core replaces the RSA keys that these commands used. That keeps a processor busy, so wait until it is done.
        thread::sleep(Duration::from_secs(3));
        let text = |name: &str| deployed[name].as_str().unwrap();
        let function = ReceiptFunction {
            owner: identity(&owner).owner(),
            id: Hex::parse(text("function_id")).unwrap().0,
            version: 1,
            checksum: Hex::parse(text("function_checksum")).unwrap().0,
        };
        Self { local: Some(local), owner, function, folder }
    }

    /// Where clients connect.
    pub fn url(&self) -> &str {
        &self.local.as_ref().unwrap().url
    }

    /// A new session.
    ///
    /// # Errors
    /// Those of [`Session::connect`].
    pub fn try_connect(&self) -> Result<Session, Error> {
        let home = Home::at(self.owner.home.clone()).unwrap();
        let url = Url::parse(self.url()).unwrap();
        let trust: Trust = home.load().unwrap();
        Session::connect(&url, trust.entry(&url).unwrap())
    }

    /// A new session.
    pub fn connect(&self) -> Session {
        self.try_connect().unwrap()
    }

    /// Runs the function.
    ///
    /// # Errors
    /// Those of [`run`].
    pub fn try_run(&self, session: &mut Session, input: Inputs) -> Result<FinishedRun, Error> {
        let home = Home::at(self.owner.home.clone()).unwrap();
        run(&home, session, &identity(&self.owner), &self.function, input.into())
    }

    /// Runs the function, which must succeed.
    pub fn run(&self, session: &mut Session, input: Inputs) {
        self.try_run(session, input).unwrap().output.unwrap();
    }
}

/// A plaintext input of this length, in bytes.
pub fn input(length: usize) -> Inputs {
    Inputs::one(&vec![7; length], Form::Plain).unwrap()
}

/// A person's identity.
pub fn identity(person: &Person) -> Identity {
    Home::at(person.home.clone()).unwrap().identity(|_| {}).unwrap()
}
